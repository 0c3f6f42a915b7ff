"""Bybit: the side is that of the position, inverse sizes are dollars, completeness changes with the topic."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from conformance import RECEIVED, Case, conforms, fixture
from hypothesis import given
from hypothesis import strategies as st

from sources.adapter import Payload, Request, merged_weights
from sources.build import merge
from sources.bybit import SOURCE, SPEC, message
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope

API = "https://api.bybit.com/v5/market"


def _payload(name: str, request: Request) -> Payload:
    return Payload(request, fixture("bybit", name), RECEIVED)


assert SOURCE.instrument_requests is not None
assert SOURCE.parse_instruments is not None
assert SOURCE.weight_requests is not None
assert SOURCE.parse_weights is not None
LINEAR, INVERSE = SOURCE.instrument_requests(Quantity())
CONTRACTS = SOURCE.parse_instruments(_payload("instruments_linear.json", LINEAR)) | SOURCE.parse_instruments(
    _payload("instruments_inverse.json", INVERSE)
)

_NEW = {"rows": "data", "enums": ("S",), "amounts": ("v", "p"), "times": ("T",)}
_OLD = {"rows": "data", "enums": ("side",), "amounts": ("size", "price"), "times": ("updatedTime",)}

test_conformance = conforms(
    SOURCE,
    {
        "liquidations": [
            Case("all_liquidation.json", **_NEW),
            Case("several.json", instruments=CONTRACTS, **_NEW),
            Case("inverse.json", instruments=CONTRACTS, **_NEW),
            Case("old_topic.json", **_OLD),
            Case("old_topic_late.json", expect=Suspect),
            Case("empty.json", expect="empty"),
            Case("acknowledged.json", expect="empty"),
            Case("pong.json", expect="empty"),
            Case("trade.json", expect="empty"),
            Case("refused.json", expect=Unavailable),
        ],
    },
)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Worked out by hand: linear v x p, inverse v dollars and v / p coins.
@pytest.mark.parametrize("instruments", [{}, CONTRACTS])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("all_liquidation.json", [("2025-02-14T03:05:02.929", "ROSE", "short", 20000.0, 0.04499, 899.8)]),
        ("old_topic.json", [("2023-12-25T06:20:37.953", "BTC", "short", 0.003, 43511.7, 130.5351)]),
        ("inverse.json", [("2025-04-01T00:00:00.100", "BTC", "long", 0.0625, 80000.0, 5000.0)]),
        (
            "several.json",
            [
                ("2025-04-01T00:00:00.100", "BTC", "long", 0.01, 82000.0, 820.0),
                ("2025-04-01T00:00:00.100", "BTC", "long", 0.01, 82000.0, 820.0),
                ("2025-04-01T00:00:00.400", "BTC", "short", 0.5, 83000.0, 41500.0),
            ],
        ),
    ],
)
def test_buy_is_a_long_that_was_liquidated(name: str, expected: list, instruments: dict) -> None:
    frame = message(fixture("bybit", name), RECEIVED, instruments)
    rows = frame.select("time", "asset", "side", "quantity", "price", "notional_usd").rows()
    assert [row[:3] for row in rows] == [(_at(time), asset, side) for time, asset, side, *_ in expected]
    assert [row[3:] for row in rows] == [pytest.approx(row[3:]) for row in expected]
    assert set(frame["price_basis"]) == {"bankruptcy"}


def test_push_that_comes_twice_is_counted_once_and_equal_rows_of_one_push_are_two() -> None:
    frame = message(fixture("bybit", "several.json"), RECEIVED, CONTRACTS)
    assert len(merge([frame, frame])) == 3


@pytest.mark.parametrize(
    ("symbol", "asset", "notional"),
    [
        ("BTCUSDT", "BTC", 5000.0),
        ("BTCPERP", "BTC", 5000.0),
        ("BTC-26DEC25", "BTC", 5000.0),
        ("BTCUSDT-26DEC25", "BTC", 5000.0),
        ("BTCUSD", "BTC", 100.0),
        ("BTCUSDZ25", "BTC", 100.0),
        ("1000PEPEUSDT", "PEPE", 5000.0),
        ("SHIB1000USDT", "SHIB", 5000.0),
        ("NEWFORM", "NEWFORM", None),
    ],
)
def test_product_is_read_from_the_symbol_where_the_contract_is_not_known(symbol: str, asset: str, notional: float):
    row = {"T": 1743465600100, "s": symbol, "S": "Buy", "v": "100", "p": "50"}
    push = {"topic": f"allLiquidation.{symbol}", "type": "snapshot", "ts": 1743465600500, "data": [row]}
    frame = message(msgspec.json.encode(push), RECEIVED, {})
    assert frame.select("asset", "notional_usd").row(0) == (asset, notional)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"topic":"allLiquidations.BTCUSDT","ts":1743465600500,"data":[]}', "topic"),
        (b'{"ts":1743465600500,"data":[]}', "topic"),
        (
            b'{"topic":"allLiquidation.X","data":[{"T":1743465600100,"s":"X","S":"Buy","v":"1","p":"1"}]}',
            "ts",
        ),
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


@pytest.mark.parametrize(
    ("moment", "completeness", "confirmed"),
    [
        ("2023-12-25T00:00:00", Completeness.COMPLETE, False),
        ("2024-04-17T23:59:59", Completeness.COMPLETE, False),
        ("2024-04-18T00:00:00", Completeness.CAPPED, True),
        ("2025-01-15T00:00:00", Completeness.CAPPED, True),
        ("2025-02-19T23:59:59", Completeness.CAPPED, True),
        ("2025-02-20T00:00:00", Completeness.COMPLETE, True),
        ("2025-03-15T00:00:00", Completeness.COMPLETE, True),
    ],
)
def test_completeness_changes_on_its_dates(moment: str, completeness: Completeness, confirmed: bool) -> None:
    rule = SPEC.channel("liquidations").rule_at(_at(moment))
    assert (rule.completeness, rule.confirmed) == (completeness, confirmed)


def test_last_day_of_the_old_topic_is_served() -> None:
    body = fixture("bybit", "old_topic_late.json").replace(b"1740009600000", b"1740009599999")
    assert len(message(body, RECEIVED, {})) == 1


def _weights(name: str, request: Request) -> list[tuple[object, ...]]:
    found = SOURCE.parse_weights(_payload(name, request), CONTRACTS)
    return [
        (part.asset, part.at, part.open_interest_usd, part.volume_24h_usd, part.halved, part.open_interest_coins)
        for part in found
    ]


def test_weights_of_now_are_dollars_of_one_side() -> None:
    linear, inverse = SOURCE.weight_requests(Quantity(), None)
    assert _weights("tickers_linear.json", linear) == [
        ("BTC", _at("2025-10-13T03:10:52.630"), 4000.0, 123456.5, False, None),
        ("ETH", _at("2025-10-13T03:10:52.630"), 500.0, 600.0, True, None),  # half of 1,000
    ]
    assert _weights("tickers_inverse.json", inverse) == [
        ("BTC", _at("2022-12-30T05:01:36.682"), 186752053.5, 49337318.0, True, None)  # half of 373,504,107
    ]


def test_weights_of_a_past_time_are_coins_and_their_price_or_dollars() -> None:
    linear, inverse, mark = SOURCE.weight_requests(Quantity(assets=Scope.of("BTC")), _at("2022-11-27T17:52:00"))
    times = {"startTime": "1669570920000", "endTime": "1669571520000"}
    assert dict(inverse.params) == {
        "category": "inverse",
        "symbol": "BTCUSD",
        "intervalTime": "5min",
        "limit": "1",
        **times,
    }
    assert _weights("open_interest_inverse.json", inverse) == [
        ("BTC", _at("2022-11-27T17:50:00"), 230567192.0, None, True, None)  # half of 461,134,384
    ]
    assert _weights("open_interest_linear.json", linear) == [
        ("BTC", _at("2025-10-13T03:10:00"), None, None, False, 35.0)
    ]
    (price,) = SOURCE.parse_weights(_payload("mark_price.json", mark), CONTRACTS)
    assert (price.asset, price.price_usd) == ("BTC", 17164.16)
    (coins,) = SOURCE.parse_weights(_payload("open_interest_linear.json", linear), CONTRACTS)
    (whole,) = merged_weights([coins, price])
    assert whole.open_interest_usd == pytest.approx(600745.6)  # 35 x 17,164.16


@pytest.mark.parametrize(("name", "error"), [("error.json", Unavailable), ("rate_limited.json", RateLimited)])
def test_error_body_is_no_weight_and_no_contract(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _weights(name, SOURCE.weight_requests(Quantity(), None)[0])
    with pytest.raises(error):
        SOURCE.parse_instruments(_payload(name, LINEAR))


def test_control_is_a_ticker_that_is_never_missing() -> None:
    code = SOURCE.channels["liquidations"]
    assert code.control is not None
    assert code.control_alive is not None
    assert code.control_alive(_payload("tickers_linear.json", code.control()))
    nothing = b'{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1760325052630}'
    assert not code.control_alive(Payload(code.control(), nothing, RECEIVED))
