"""Binance: filled quantity x average price, products told by symbol, caps with dates, files whose rows stand twice."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from conformance import RECEIVED, Case, conforms, fixture
from hypothesis import given
from hypothesis import strategies as st

from sources.adapter import Payload, Request
from sources.binance import SOURCE, SPEC
from sources.binance_orders import base_of
from sources.binance_streams import coinm_message, usdm_message
from sources.plan import unsupported
from sources.spec import Keep
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable, WindowUnsupported
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

USDM, COINM = "https://fapi.binance.com", "https://dapi.binance.com"


def _payload(name: str, url: str, status: int = 200) -> Payload:
    return Payload(Request(url), fixture("binance", name), RECEIVED, status=status, evidence="e1")


assert SOURCE.parse_instruments is not None
CONTRACTS = SOURCE.parse_instruments(
    _payload("exchange_info_usdm.json", f"{USDM}/fapi/v1/exchangeInfo")
) | SOURCE.parse_instruments(_payload("exchange_info_coinm.json", f"{COINM}/dapi/v1/exchangeInfo"))

_ORDER = {
    "optional": ("p", "o", "f", "l", "ps", "st"),
    "enums": ("S", "X"),
    "amounts": ("q", "z", "ap"),
    "times": ("T",),
}
_ALONE = _ORDER | {"rows": "o", "instruments": CONTRACTS}
_WRAPPED = _ORDER | {"rows": "data.o"}
_IN_ARRAY = _ORDER | {"rows": "*.o", "instruments": CONTRACTS}

test_conformance = conforms(
    SOURCE,
    {
        "usdm": [
            Case("usdm_documented.json", **_ALONE),
            Case("usdm_filled.json", **_ALONE),
            Case("usdm_partial_fill.json", **_ALONE),
            Case("usdm_new_fields.json", **_ALONE),
            Case("usdm_several_slices.json", **_ALONE),
            Case("usdm_combined.json", **_WRAPPED),
            Case("usdm_array.json", **_IN_ARRAY),
            Case("mixed_products.json", **(_WRAPPED | {"rows": "data.*.o"})),
            Case("usdm_nothing_filled.json", expect="empty"),
            Case("coinm_documented.json", expect="empty"),
            Case("acknowledged.json", expect="empty"),
            Case("trade.json", expect="empty"),
            Case("ticker_message.json", expect="empty"),
            Case("refused.json", expect=Unavailable),
        ],
        "coinm": [
            Case("coinm_documented.json", **_ALONE),
            Case("coinm_both_sides.json", **_IN_ARRAY),
            Case("usdm_documented.json", expect="empty"),
            Case("acknowledged.json", expect="empty"),
            Case("refused.json", expect=Unavailable),
        ],
        "coinm_files": [
            Case("coinm_liquidations.zip", rows=None, instruments=CONTRACTS),
            Case("coinm_liquidations_both_sides.zip", rows=None, instruments=CONTRACTS),
            Case("coinm_liquidations_no_header.zip", rows=None),
            Case("coinm_liquidations_empty.zip", expect="empty"),
            Case("error.json", expect=SchemaChanged),
            Case("coinm_liquidations.zip", status=404, expect=Unavailable),
        ],
    },
)

_FIELDS = ("time", "instrument", "asset", "side", "quantity", "price", "price_basis", "notional_usd")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _rows(name: str, message=usdm_message, instruments=CONTRACTS) -> list[tuple[object, ...]]:
    frame = message(fixture("binance", name), RECEIVED, instruments)
    return frame.select(_FIELDS).rows()


# The amounts below are worked out by hand from the wire: z x ap in dollars (USD-M), z x contractSize (COIN-M).
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("usdm_documented.json", ("2019-09-09T07:34:20.893", "BTCUSDT", "BTC", "long", 0.014, 9910.0, 138.74)),
        ("usdm_filled.json", ("2023-09-01T00:00:00.123", "BTCUSDT", "BTC", "long", 0.115, 26245.10, 3018.1865)),
        ("usdm_partial_fill.json", ("2023-09-01T00:00:00.123", "BTCUSDT", "BTC", "long", 0.5, 26245.10, 13122.55)),
        ("usdm_combined.json", ("2026-10-01T09:07:45.206", "BTCUSDT", "BTC", "short", 0.001, 83598.50, 83.5985)),
        ("usdm_new_fields.json", ("2026-10-08T04:54:09.136", "XRPUSDT", "XRP", "short", 15.4, 1.4043, 21.62622)),
        (
            "usdm_several_slices.json",
            ("2026-10-08T04:52:30.342", "AINUSDT", "AIN", "long", 1861.0, 0.0387407, 72.0964427),
        ),
    ],
)
def test_usdm_order_is_worth_what_was_filled_at_the_average_price(name: str, expected: tuple) -> None:
    time, instrument, asset, side, quantity, price, notional = expected
    (row,) = _rows(name)
    assert row[:4] == (_at(time), instrument, asset, side)
    assert row[4:6] == pytest.approx((quantity, price))
    assert row[6] == "average_fill"
    assert row[7] == pytest.approx(notional, rel=1e-12)


def test_coinm_order_is_worth_its_contracts_whatever_the_price() -> None:
    (row,) = _rows("coinm_documented.json", coinm_message)
    assert row[:4] == (_at("2020-06-03T03:17:20.949"), "BTCUSD_200925", "BTC", "long")
    assert row[4:6] == pytest.approx((100 / 9496.5, 9496.5))  # 0.01053019 BTC
    assert row[7] == 100.0


def test_coinm_contract_of_unknown_size_has_no_notional_and_no_quantity() -> None:
    (row,) = _rows("coinm_documented.json", coinm_message, {})
    assert row[2:] == ("BTC", "long", None, 9496.5, "average_fill", None)


def test_contract_quoted_in_another_coin_has_no_notional_in_dollars() -> None:
    body = fixture("binance", "usdm_documented.json").replace(b"BTCUSDT", b"ETHBTC")
    for instruments, quantity in ((CONTRACTS, 0.014), ({}, None)):
        (row,) = usdm_message(body, RECEIVED, instruments).select("asset", "quantity", "notional_usd").rows()
        assert row == ("ETH", quantity, None)


def test_each_stream_keeps_its_own_product_whatever_the_host_sends() -> None:
    assert [row[1] for row in _rows("mixed_products.json")] == ["XRPUSDT"]
    (row,) = _rows("mixed_products.json", coinm_message)
    assert (row[1], row[3], row[7]) == ("BTCUSD_PERP", "long", 4300.0)


@pytest.mark.parametrize(
    ("symbol", "base"),
    [("BTCUSDT", "BTC"), ("BTCUSDT_260925", "BTC"), ("BTCUSD_PERP", "BTC"), ("ETHUSD_200925", "ETH"), ("XUSDC", "X")],
)
def test_base_coin_is_read_from_the_symbol(symbol: str, base: str) -> None:
    assert base_of(symbol) == base


def test_scaled_contract_counts_for_the_coin_itself() -> None:
    body = fixture("binance", "usdm_documented.json").replace(b"BTCUSDT", b"1000PEPEUSDT")
    for instruments in (CONTRACTS, {}):
        assert usdm_message(body, RECEIVED, instruments)["asset"].to_list() == ["PEPE"]


def test_same_order_on_two_streams_has_one_id() -> None:
    alone = usdm_message(fixture("binance", "usdm_new_fields.json"), RECEIVED, CONTRACTS)
    array = usdm_message(fixture("binance", "usdm_array.json"), RECEIVED, CONTRACTS)
    assert alone["event_id"][0] == array["event_id"][1]


def test_more_filled_than_ordered_contradicts_itself() -> None:
    body = fixture("binance", "usdm_documented.json").replace(b'"z":"0.014"', b'"z":"0.015"')
    with pytest.raises(Suspect, match="z is more than q"):
        usdm_message(body, RECEIVED, {})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"e":"forcedOrder","E":1}', "e"),
        (b'{"e":"forceOrder","E":1}', "o"),
        (b'{"stream":"!forceOrder@arr"}', "data"),
        (b'{"stream":"a","data":{"stream":"b","data":{"id":1}}}', "data"),
    ],
)
def test_message_of_unknown_shape_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(SchemaChanged) as raised:
        usdm_message(body, RECEIVED, {})
    assert raised.value.field == field


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_but_source_errors_comes_out_of_any_json(value: object) -> None:
    with suppress(SchemaChanged, Unavailable):
        usdm_message(msgspec.json.encode(value), RECEIVED, {})


@pytest.mark.parametrize(
    ("channel", "day", "completeness", "keep"),
    [
        ("usdm", "2021-04-26T23:59:59", Completeness.UNKNOWN, None),
        ("usdm", "2021-04-27T00:00:00", Completeness.CAPPED, Keep.LATEST),
        ("usdm", "2026-04-13T23:59:59", Completeness.CAPPED, Keep.LATEST),
        ("usdm", "2026-04-14T00:00:00", Completeness.CAPPED, Keep.LARGEST),
        ("coinm", "2021-04-26T23:59:59", Completeness.UNKNOWN, None),
        ("coinm", "2021-04-27T00:00:00", Completeness.CAPPED, Keep.LATEST),
        ("coinm", "2026-11-22T00:00:00", Completeness.CAPPED, Keep.LATEST),
        ("coinm_files", "2023-06-25T00:00:00", Completeness.CAPPED, Keep.LATEST),
    ],
)
def test_completeness_changes_on_its_dates(
    channel: str, day: str, completeness: Completeness, keep: Keep | None
) -> None:
    rule = SPEC.channel(channel).rule_at(_at(day))
    assert rule.completeness is completeness
    assert (rule.cap.keep if rule.cap else None) is keep


def test_that_the_largest_is_kept_is_not_confirmed() -> None:
    rule = SPEC.channel("usdm").rule_at(_at("2026-11-22"))
    assert not rule.confirmed
    assert "(unconfirmed)" in rule.words()


def _file(name: str, window: str = "2023-06-25", instruments=CONTRACTS):
    parse = SOURCE.channels["coinm_files"].parse
    assert parse is not None
    return parse(_payload(name, "https://data.binance.vision/x.zip"), Window.parse(window), instruments)


def test_row_that_stands_twice_in_a_file_is_counted_once() -> None:
    expected = [
        (_at("2023-06-25T01:27:51.926"), "BTCUSD_PERP", "BTC", "short", 700 / 30631.6, 30631.6, "average_fill", 700.0),
        (
            _at("2023-06-25T01:27:53.356"),
            "BTCUSD_PERP",
            "BTC",
            "short",
            4300 / 30631.6,
            30631.6,
            "average_fill",
            4300.0,
        ),
    ]
    for name in ("coinm_liquidations.zip", "coinm_liquidations_no_header.zip"):
        frame = _file(name)
        assert frame.select(_FIELDS).rows() == expected
        assert frame["evidence"].to_list() == ["e1", "e1"]


def test_file_gives_only_what_lies_in_the_window() -> None:
    assert _file("coinm_liquidations.zip", "2023-06-25T01:27:52Z/PT1H")["quantity"].to_list() == [4300 / 30631.6]


def _zipped(*texts: str) -> Payload:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"BTCUSD_PERP-liquidationSnapshot-{number}.csv", text)
    return Payload(Request("https://data.binance.vision/x.zip"), body.getvalue(), RECEIVED)


_HEADER = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,last_fill_quantity,"
    "accumulated_fill_quantity\n"
)


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        (
            (_HEADER.replace("average_price", "mean_price") + "1687656471926,BUY,LIMIT,IOC,7,1,1,FILLED,6,7\n",),
            "average_price",
        ),
        ((_HEADER + "1687656471926,BUY,LIMIT,IOC,7,1,NaN,FILLED,6,7\n",), "average_price"),
        ((_HEADER + "1687656471,BUY,LIMIT,IOC,7,1,1,FILLED,6,7\n",), "time"),
        ((_HEADER + "1687656471926,HOLD,LIMIT,IOC,7,1,1,FILLED,6,7\n",), "side"),
        ((_HEADER + "1687656471926,BUY,LIMIT,IOC,7,1,1,FILLED,6,-7\n",), "accumulated_fill_quantity"),
        (("", ""), "zip"),
        (("",), "csv"),
        ((_HEADER + "1,2,3,4,5,6,7,8,9,10,11,12\n",), "csv"),
    ],
)
def test_file_of_another_form_is_refused_by_the_name_of_its_column(texts: tuple[str, ...], field: str) -> None:
    parse = SOURCE.channels["coinm_files"].parse
    assert parse is not None
    with pytest.raises(SchemaChanged) as raised:
        parse(_zipped(*texts), Window.parse("2023-06-25"), CONTRACTS)
    assert raised.value.field == field


def test_one_file_is_asked_for_per_day_and_symbol() -> None:
    requests = SOURCE.channels["coinm_files"].requests
    assert requests is not None
    window = Window.parse("2023-06-25T23:00Z/2023-06-27T00:00Z")
    base = "https://data.binance.vision/data/futures/cm/daily/liquidationSnapshot"
    assert [request.url for request in requests(window, Quantity(assets=Scope.of("ETH", "BTC")))] == [
        f"{base}/{symbol}/{symbol}-liquidationSnapshot-{day}.zip"
        for symbol in ("BTCUSD_PERP", "ETHUSD_PERP")
        for day in ("2023-06-25", "2023-06-26")
    ]
    assert len(requests(window, Quantity())) == 2


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ("2023-06-24T23:00Z/PT2H", "from 2023-06-25 to 2024-10-14"),
        ("2024-10-14T23:00Z/PT2H", "from 2023-06-25 to 2024-10-14"),
        ("2023-09-08T23:00Z/PT2H", "2023-09-09"),
        ("2024-06-10/2024-06-13", "2024-06-11, 2024-06-12"),
    ],
)
def test_window_that_the_archive_lacks_is_refused_before_asking(window: str, says: str) -> None:
    with pytest.raises(WindowUnsupported, match=says):
        unsupported(SPEC.channel("coinm_files"), Window.parse(window), RECEIVED)


@pytest.mark.parametrize("window", ["2023-06-25", "2023-09-08T23:00Z/PT1H", "2024-10-14"])
def test_window_that_the_archive_holds_is_served(window: str) -> None:
    unsupported(SPEC.channel("coinm_files"), Window.parse(window), RECEIVED)


def _weights(name: str, url: str, instruments=CONTRACTS) -> list[tuple[object, ...]]:
    assert SOURCE.parse_weights is not None
    return [
        (weight.asset, weight.at, weight.open_interest_usd, weight.volume_24h_usd)
        for weight in SOURCE.parse_weights(_payload(name, url), instruments)
    ]


def test_weights_are_dollars_of_one_side() -> None:
    interest = "/futures/data/openInterestHist"
    assert _weights("open_interest_usdm.json", USDM + interest) == [
        ("BTC", _at("2020-03-02T05:45:00"), 150570784.07809979, None)
    ]
    assert _weights("open_interest_coinm.json", COINM + interest) == [
        ("BTC", _at("2020-06-04T08:57:22.378"), 2040300.0, None)  # 20,403 contracts of 100 dollars
    ]
    assert _weights("ticker_usdm.json", f"{USDM}/fapi/v1/ticker/24hr") == [
        ("BTC", _at("2017-07-12T14:31:39.040"), None, 15.3)
    ]
    assert _weights("ticker_coinm.json", f"{COINM}/dapi/v1/ticker/24hr") == [
        ("BTC", _at("2020-06-05T08:12:00"), None, 102500.0)
    ]
    assert _weights("ticker_coinm.json", f"{COINM}/dapi/v1/ticker/24hr", {}) == []


@pytest.mark.parametrize(
    ("at", "row", "dollars"),
    [
        ("2025-11-02T00:07:00", "2025-11-02T00:05:00", 8430743345.6809),
        ("2025-11-02T23:30:00", "2025-11-02T00:10:00", 8431092392.867327),
        ("2025-11-02T00:01:00", "2025-11-02T00:05:00", 8430743345.6809),
    ],
)
def test_weight_of_a_past_time_is_the_last_row_of_its_day_before_it(at: str, row: str, dollars: float) -> None:
    assert SOURCE.weight_requests is not None
    (request,) = SOURCE.weight_requests(Quantity(assets=Scope.of("BTC")), _at(at))
    sent, _, moment = request.url.partition("#")
    assert sent == "https://data.binance.vision/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-11-02.zip"
    assert datetime.fromisoformat(moment) == _at(at)
    assert _weights("usdm_metrics.zip", request.url) == [("BTC", _at(row), dollars, None)]


@pytest.mark.parametrize(("name", "error"), [("error.json", Unavailable), ("rate_limited.json", RateLimited)])
def test_error_body_is_no_weight_and_no_contract(name: str, error: type[Exception]) -> None:
    assert SOURCE.parse_instruments is not None
    with pytest.raises(error):
        _weights(name, f"{USDM}/fapi/v1/ticker/24hr")
    with pytest.raises(error):
        SOURCE.parse_instruments(_payload(name, f"{USDM}/fapi/v1/exchangeInfo"))


def test_contract_without_a_size_is_refused_by_name() -> None:
    body = fixture("binance", "exchange_info_coinm.json").replace(b"contractSize", b"size")
    assert SOURCE.parse_instruments is not None
    with pytest.raises(SchemaChanged, match="contractSize"):
        SOURCE.parse_instruments(Payload(Request(f"{COINM}/dapi/v1/exchangeInfo"), body, RECEIVED))


@pytest.mark.parametrize("channel", ["usdm", "coinm"])
def test_control_is_alive_while_the_ticker_is_recent(channel: str) -> None:
    code = SOURCE.channels[channel]
    assert code.control is not None
    assert code.control_alive is not None
    now = datetime(2020, 6, 5, 9, tzinfo=UTC)
    body = b'[{"lastPrice":"1","closeTime":1591344720000}]'  # 08:12
    body = body if channel == "coinm" else body.strip(b"[]")
    assert code.control_alive(Payload(code.control(), body, now))
    assert not code.control_alive(Payload(code.control(), body, now + timedelta(hours=2)))
