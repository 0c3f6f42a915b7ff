"""BitMEX: each order is counted once, when it is inserted; inverse, linear and quanto contracts."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from conformance import RECEIVED, Case, conforms, fixture
from hypothesis import given
from hypothesis import strategies as st

from sources.adapter import Payload, Request
from sources.bitmex import SOURCE, SPEC
from sources.bitmex_orders import base_of, message, resting
from sources.build import merge
from sources.plan import unsupported
from verify.model.errors import RateLimited, SchemaChanged, Unavailable, WindowUnsupported
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

API = "https://www.bitmex.com/api/v1"


def _payload(name: str, request: Request | None = None) -> Payload:
    return Payload(request or Request(f"{API}/instrument/active"), fixture("bitmex", name), RECEIVED, evidence="e1")


assert SOURCE.parse_instruments is not None
assert SOURCE.parse_weights is not None
CONTRACTS = SOURCE.parse_instruments(_payload("instruments.json"))
OPEN_ORDERS = SOURCE.channels["open_orders"]

_ORDER = {"enums": ("side",), "amounts": ("price", "leavesQty"), "instruments": CONTRACTS}
_TOLD = _ORDER | {"rows": "data"}
_PAGE = Request(f"{API}/liquidation", (("count", "500"), ("start", "0")))

test_conformance = conforms(
    SOURCE,
    {
        "liquidation": [
            Case("insert.json", **_TOLD),
            Case("insert_long.json", **_TOLD),
            Case("insert_linear.json", **_TOLD),
            Case("insert_quanto.json", **_TOLD),
            Case("update.json", expect="empty"),
            Case("delete.json", expect="empty"),
            Case("partial.json", expect="empty"),
            Case("partial_empty.json", expect="empty"),
            Case("welcome.json", expect="empty"),
            Case("subscribed.json", expect="empty"),
            Case("pong.txt", expect="empty"),
            Case("trade.json", expect="empty"),
            Case("refused.json", expect=Unavailable),
        ],
        "open_orders": [
            Case("snapshot.json", request=_PAGE, **_ORDER),
            Case("snapshot_empty.json", request=_PAGE, expect="empty"),
            Case("error.json", request=_PAGE, expect=RateLimited),
        ],
    },
)

_FIELDS = ("time", "asset", "side", "quantity", "price", "price_basis", "notional_usd")


# Worked out by hand. XBTUSD: a contract is a dollar. XBTUSDT: a contract is a millionth of a coin.
@pytest.mark.parametrize(
    ("name", "asset", "side", "quantity", "price", "notional"),
    [
        ("insert.json", "BTC", "short", 9214 / 10106, 10106.0, 9214.0),
        ("insert_long.json", "BTC", "long", 891800 / 90396.3, 90396.3, 891800.0),
        ("insert_linear.json", "BTC", "short", 0.0397, 87785.3, 3485.07641),
        ("insert_quanto.json", "ETH", "short", None, 3208.61, None),
    ],
)
def test_order_is_counted_when_it_is_inserted(name, asset, side, quantity, price, notional) -> None:
    frame = message(fixture("bitmex", name), RECEIVED, CONTRACTS)
    row = frame.select(_FIELDS).row(0)
    assert row[:3] == (RECEIVED, asset, side)
    assert row[3] == (quantity if quantity is None else pytest.approx(quantity))
    assert row[4:6] == (price, "order")
    assert row[6] == (notional if notional is None else pytest.approx(notional))


def test_orders_of_a_whole_connection_are_counted_once_each() -> None:
    lines = fixture("bitmex", "session.jsonl").splitlines()
    frames = [message(line, RECEIVED + timedelta(seconds=number), CONTRACTS) for number, line in enumerate(lines)]
    frame = merge([part for part in frames if part.height])
    assert frame.select("instrument", "side", "event_id").rows() == [
        ("XBTUSDT", "short", "9a519e00-4fe7-4f17-9629-e48f6d3ab21d"),
        ("XBTUSD", "short", "8c808f22-254c-49d9-b24a-a99329b9f6d4"),
        ("ETHUSD", "short", "190cb18e-f537-46b4-ac4b-25edaf28c677"),
        ("XBTUSD", "long", "749134b5-8b4e-48d3-ab56-3495e8c58957"),
    ]
    assert frame["notional_usd"].to_list() == [pytest.approx(3485.07641), 50900.0, None, 891800.0]


def test_orders_that_rest_when_listening_begins_are_read_apart_and_keep_their_id() -> None:
    body = fixture("bitmex", "partial.json")
    assert message(body, RECEIVED, CONTRACTS).is_empty()
    frame = resting(body, RECEIVED, CONTRACTS)
    inserted = message(fixture("bitmex", "insert_long.json"), RECEIVED - timedelta(minutes=1), CONTRACTS)
    assert frame["event_id"].to_list() == inserted["event_id"].to_list()
    assert len(merge([inserted, frame])) == 1
    assert resting(fixture("bitmex", "insert.json"), RECEIVED, CONTRACTS).is_empty()


def test_contract_that_is_not_known_has_no_notional() -> None:
    for name in ("insert.json", "insert_linear.json"):
        row = message(fixture("bitmex", name), RECEIVED, {}).select("asset", "quantity", "notional_usd").row(0)
        assert row == ("BTC", None, None)


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("XBTUSD", "XBT"),
        ("XBTZ26", "XBT"),
        ("ETHUSD_ETH", "ETH"),
        ("SOLUSDT", "SOL"),
        ("ETHXBT", "ETH"),
        (".BXBT", ".BXBT"),
    ],
)
def test_coin_is_read_from_the_symbol(symbol: str, base: str) -> None:
    assert base_of(symbol) == base


@pytest.mark.parametrize(
    ("symbol", "size", "unit", "inverse"),
    [
        ("XBTUSD", 1.0, "usd", True),
        ("XBTUSDT", 0.000001, "base", False),
        ("LTCUSDT", 0.0001, "base", False),
        ("ETHUSD", None, "base", False),
        (".BXBT", None, "base", False),
    ],
)
def test_size_of_a_contract_follows_from_its_multipliers(symbol, size, unit, inverse) -> None:
    contract = CONTRACTS[symbol]
    assert (contract.size, contract.unit, contract.inverse) == (size, unit, inverse)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"table":"liquidation","action":"replace","data":[]}', "action"),
        (b'{"table":"liquidation","data":[]}', "action"),
        (b'{"data":[]}', "table"),
        (b'{"table":"liquidation","action":"delete","data":[{"symbol":"XBTUSD"}]}', "orderID"),
    ],
)
def test_message_of_unknown_shape_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(SchemaChanged) as raised:
        message(body, RECEIVED, {})
    assert raised.value.field == field


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_but_source_errors_comes_out_of_any_json(value: object) -> None:
    with suppress(SchemaChanged, Unavailable):
        message(msgspec.json.encode(value), RECEIVED, {})


def test_stream_is_complete_without_a_document_and_the_snapshot_is_partial() -> None:
    stream = SPEC.channel("liquidation").rule_at(RECEIVED)
    assert (stream.completeness, stream.confirmed) == (Completeness.COMPLETE, False)
    assert SPEC.channel("open_orders").rule_at(RECEIVED).completeness is Completeness.PARTIAL


def test_snapshot_answers_for_no_window_of_the_past() -> None:
    with pytest.raises(WindowUnsupported, match="no history"):
        unsupported(SPEC.channel("open_orders"), Window(RECEIVED - timedelta(hours=1), RECEIVED), RECEIVED)


def test_snapshot_is_of_the_time_of_its_answer() -> None:
    assert OPEN_ORDERS.parse is not None
    around = Window(RECEIVED - timedelta(minutes=1), RECEIVED + timedelta(minutes=1))
    frame = OPEN_ORDERS.parse(_payload("snapshot.json", _PAGE), around, CONTRACTS)
    assert frame.select("time", "side", "notional_usd", "evidence").rows() == [
        (RECEIVED, "long", 855700.0, "e1"),
        (RECEIVED, "short", pytest.approx(3485.07641), "e1"),
    ]


def test_full_page_is_followed_by_the_next() -> None:
    window = Window(RECEIVED - timedelta(hours=1), RECEIVED)
    order = {"orderID": "x", "symbol": "XBTUSD", "side": "Buy", "price": 1.0, "leavesQty": 1}
    full = Payload(_PAGE, msgspec.json.encode([order] * 500), RECEIVED)
    (following,) = OPEN_ORDERS.follow(full, window, Quantity())
    assert dict(following.params) == {"count": "500", "start": "500"}
    assert list(OPEN_ORDERS.follow(_payload("snapshot.json", _PAGE), window, Quantity())) == []


def test_weights_are_settlement_values_in_dollars() -> None:
    found = SOURCE.parse_weights(_payload("instruments.json"), {})
    at = datetime(2024, 11, 13, 10, 34, 25, tzinfo=UTC)
    rows = [(part.asset, part.at, part.open_interest_usd, part.volume_24h_usd) for part in found]
    assert rows == [
        ("BTC", at, pytest.approx(90_000_000), pytest.approx(45_000_000)),  # 1,000 XBT at 90,000
        ("BTC", at, pytest.approx(900_000), pytest.approx(450_000)),
        ("LTC", datetime(2022, 1, 14, 17, 49, 55, tzinfo=UTC), pytest.approx(547963.0533), pytest.approx(1604331.34)),
        ("ETH", at, pytest.approx(288_000_000), pytest.approx(144_000_000)),  # 3,200 XBT at 90,000
    ]


def test_weights_of_a_past_time_are_not_served() -> None:
    assert SOURCE.weight_requests is not None
    assert list(SOURCE.weight_requests(Quantity(), RECEIVED)) == []


def test_error_body_is_no_weight_and_no_contract() -> None:
    assert SOURCE.parse_instruments is not None
    for read in (SOURCE.parse_instruments, lambda payload: SOURCE.parse_weights(payload, {})):
        with pytest.raises(RateLimited):
            read(_payload("error.json"))


def test_control_is_a_price_that_is_never_missing() -> None:
    assert OPEN_ORDERS.control is not None
    assert OPEN_ORDERS.control_alive is not None
    alive = Payload(OPEN_ORDERS.control(), b'[{"symbol":"XBTUSD","lastPrice":90000.5}]', RECEIVED)
    assert OPEN_ORDERS.control_alive(alive)
    assert not OPEN_ORDERS.control_alive(Payload(OPEN_ORDERS.control(), b"[]", RECEIVED))
