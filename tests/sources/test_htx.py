"""HTX: turnover is money, coin-margined contracts are dollars, the side of the order is turned into the position."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Request
from sources.htx import SOURCE
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable, WindowUnsupported
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window


def _parsed(name: str, request: Request):
    assert SOURCE.parse_instruments is not None
    return SOURCE.parse_instruments(Payload(request, fixture("htx", name), RECEIVED))


assert SOURCE.instrument_requests is not None
LINEAR, COIN = SOURCE.instrument_requests(Quantity())
CONTRACTS = _parsed("contracts_linear.json", LINEAR) | _parsed("contracts_coin.json", COIN)

_V5 = {
    "rows": "data",
    "optional": ("amount", "position_side"),
    "enums": ("side",),
    "amounts": ("volume", "bankrupt_price", "trade_turnover"),
    "times": ("liquidation_time",),
}
_V3 = {
    "rows": "data",
    "optional": ("symbol", "offset", "amount", "business_type", "pair", "trade_partition", "contract_type"),
    "enums": ("direction",),
    "amounts": ("volume", "price", "trade_turnover"),
    "times": ("created_at",),
}
_COIN = _V3 | {"amounts": ("volume", "price"), "instruments": CONTRACTS}
_V5_PAGE = Request(
    "https://api.hbdm.com/v5/market/liquidation_orders",
    (("contract_code", "BTC-USDT"), ("limit", "100"), ("start_time", "1781845000000"), ("end_time", "1781852200000")),
)
_V3_PAGE = Request(
    "https://api.hbdm.com/linear-swap-api/v3/swap_liquidation_orders", (("contract", "BTC-USDT-211210"),)
)

CASES = {
    "linear": [
        Case("linear_v5.json", request=_V5_PAGE, **_V5),
        Case("linear_v5_both_sides.json", request=_V5_PAGE, **_V5),
        Case("linear_v5_full_page.json", request=_V5_PAGE, **_V5),
        Case("linear_v5_empty.json", request=_V5_PAGE, expect="empty"),
        Case("linear_v5_rate_limited.json", request=_V5_PAGE, expect=RateLimited),
    ],
    "linear_v3": [
        Case("linear_v3.json", request=_V3_PAGE, **_V3),
        Case("linear_v3_both_sides.json", request=_V3_PAGE, **_V3),
        Case("linear_v3_empty.json", request=_V3_PAGE, expect="empty"),
        Case("linear_v3_range_refused.json", request=_V3_PAGE, expect=WindowUnsupported),
    ],
    "coin": [
        Case("coin.json", request=_V3_PAGE, **_COIN),
        Case("coin_empty.json", request=_V3_PAGE, expect="empty"),
        Case("coin_busy.json", request=_V3_PAGE, expect=Unavailable),
    ],
    "linear_stream": [
        Case("stream_linear.json", **_V3),
        Case("stream_linear.json.gz", rows=None),
        Case("stream_linear_both_sides.json", **_V3),
        Case("stream_ping.json", expect="empty"),
        Case("stream_subscribed.json", expect="empty"),
        Case("stream_refused.json", expect=Unavailable),
    ],
    "coin_stream": [Case("stream_coin.json", **_COIN), Case("stream_ping.json", expect="empty")],
}
test_conformance = conforms(SOURCE, CASES)

COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd", "event_id")


def _events(channel: str, case: Case) -> list[tuple[object, ...]]:
    return read(SOURCE, channel, case).select(COLUMNS).rows()


def test_v5_takes_the_turnover_for_money_because_its_amount_counts_contracts() -> None:
    (event,) = _events("linear", CASES["linear"][0])
    time = datetime(2026, 6, 19, 6, 4, 54, 165000, tzinfo=UTC)
    assert event[:4] == (time, "BTC-USDT", "BTC", "short")
    assert event[4:] == (pytest.approx(0.002), 62978.5, 125.957, "150153038758")


def test_v3_sell_is_a_long() -> None:
    (event,) = _events("linear_v3", CASES["linear_v3"][0])
    time = datetime(2021, 12, 4, 4, 54, 7, 864000, tzinfo=UTC)
    assert event[:4] == (time, "BTC-USDT-211210", "BTC", "long")
    assert event[4:] == (pytest.approx(0.479), 51441.7, 24640.5743, "452057")


@pytest.mark.parametrize("case", CASES["linear_stream"][:2], ids=["plain", "gzip"])
def test_a_streamed_buy_of_500_contracts_is_a_short_of_5_eth(case: Case) -> None:
    ((time, instrument, asset, side, quantity, price, notional, _),) = _events("linear_stream", case)
    assert time == datetime(2026, 9, 17, 18, 38, 17, 212000, tzinfo=UTC)
    assert (instrument, asset, side) == ("ETH-USDT", "ETH", "short")
    assert (quantity, price, notional) == (pytest.approx(5.0), 2446.26, 12231.3)
    assert read(SOURCE, "linear_stream", case)["received"].to_list() == [RECEIVED]


def test_coin_margined_contracts_are_worth_their_dollars_whatever_the_price() -> None:
    short, long = _events("coin", CASES["coin"][0])
    assert short[1:4] == ("ETH-USD", "ETH", "short")
    assert short[4:7] == (pytest.approx(1.0), 400.0, 400.0)
    assert long[:4] == (datetime(2020, 11, 2, 10, 23, 30, tzinfo=UTC), "BTC-USD", "BTC", "long")
    assert long[4:7] == (pytest.approx(1.011524361365616357), 17102.9, 17300.0)


def test_coin_margined_contracts_of_unknown_size_have_no_notional() -> None:
    frame = read(SOURCE, "coin", replace(CASES["coin"][0], instruments={}))
    assert frame["notional_usd"].to_list() == [None, None]
    assert frame["quantity"].to_list() == [None, None]
    assert frame["asset"].to_list() == ["ETH", "BTC"]


def test_streamed_coin_margined_contracts() -> None:
    rows = _events("coin_stream", CASES["coin_stream"][0])
    assert sorted(row[3:7] for row in rows) == [
        ("long", pytest.approx(1.011524361365616357), 17102.9, 17300.0),
        ("short", pytest.approx(1000 / 17000), 17000.0, 1000.0),
    ]


def test_sides_that_contradict_each_other_are_suspect() -> None:
    body = fixture("htx", "linear_v5.json").replace(b'"short"', b'"long"')
    with pytest.raises(Suspect):
        read(SOURCE, "linear", CASES["linear"][0], body)


@pytest.mark.parametrize("body", [gzip.compress(b'{"op":"ping"}', mtime=0)[:-6], b"\x1f\x8bnot gzip"])
def test_a_damaged_frame_is_refused(body: bytes) -> None:
    with pytest.raises(SchemaChanged):
        read(SOURCE, "linear_stream", CASES["linear_stream"][1], body)


def test_windows_are_asked_two_hours_at_a_time_contract_by_contract() -> None:
    window = Window.parse("2026-11-21T20:00Z/2026-11-21T23:30Z")
    asker = SOURCE.channels["linear"].requests_for
    assert asker is not None
    asked = asker(CONTRACTS, window, Quantity(assets=Scope.of("BTC")))
    assert [dict(request.params)["contract_code"] for request in asked] == ["BTC-USDT-211210"] * 2 + ["BTC-USDT"] * 2
    edges = [(int(dict(r.params)["start_time"]), int(dict(r.params)["end_time"])) for r in asked[2:]]
    hour = 3_600_000
    assert [end - start for start, end in edges] == [2 * hour, hour * 3 // 2]
    assert edges[0][1] == edges[1][0]
    coins = SOURCE.channels["coin"].requests_for
    assert coins is not None
    assert {dict(request.params)["contract"] for request in coins(CONTRACTS, window, Quantity())} == {
        "BTC-USD",
        "ETH-USD",
    }


def test_a_full_page_is_followed_from_its_oldest_id_until_nothing_is_new() -> None:
    follow, window = SOURCE.channels["linear"].follow, CASES["linear"][2].asked()
    full = Payload(_V5_PAGE, fixture("htx", "linear_v5_full_page.json"), RECEIVED)
    (following,) = follow(full, window, Quantity())
    assert following.params == (*_V5_PAGE.params, ("from", "150153037901"))
    assert follow(replace(full, request=following), window, Quantity()) == ()
    short = Payload(_V5_PAGE, fixture("htx", "linear_v5.json"), RECEIVED)
    assert follow(short, window, Quantity()) == ()


def test_v3_is_followed_until_it_is_empty_as_it_may_answer_with_one_record() -> None:
    follow, window = SOURCE.channels["linear_v3"].follow, CASES["linear_v3"][0].asked()
    one = Payload(_V3_PAGE, fixture("htx", "linear_v3.json"), RECEIVED)
    (following,) = follow(one, window, Quantity())
    assert following.params == (*_V3_PAGE.params, ("from_id", "452057"))
    assert follow(Payload(following, fixture("htx", "linear_v3_empty.json"), RECEIVED), window, Quantity()) == ()
    assert follow(replace(one, request=following), window, Quantity()) == ()


def test_instruments_tell_coins_from_dollars() -> None:
    linear, coin = CONTRACTS["BTC-USDT"], CONTRACTS["BTC-USD"]
    assert (linear.asset, linear.size, linear.unit, linear.inverse, linear.quote) == (
        "BTC",
        0.001,
        "base",
        False,
        "USDT",
    )
    assert (coin.asset, coin.size, coin.unit, coin.inverse, coin.quote) == ("BTC", 100.0, "usd", True, "USD")


def test_open_interest_is_halved_because_both_sides_are_counted() -> None:
    assert SOURCE.weight_requests is not None
    assert SOURCE.parse_weights is not None
    linear, coin = SOURCE.weight_requests(Quantity(), None)
    swap, future = SOURCE.parse_weights(
        Payload(linear, fixture("htx", "open_interest_linear.json"), RECEIVED), CONTRACTS
    )
    assert (swap.asset, swap.open_interest_usd, swap.volume_24h_usd, swap.halved) == ("BTC", 1911569.1228, 0.0, True)
    assert swap.at == datetime(2021, 12, 6, 1, 27, 39, 540000, tzinfo=UTC)
    assert future.open_interest_usd == pytest.approx(265331.105)
    known, unknown = SOURCE.parse_weights(Payload(coin, fixture("htx", "open_interest_coin.json"), RECEIVED), CONTRACTS)
    assert (known.open_interest_usd, known.volume_24h_usd) == (50_000.0, 100_000.0)
    assert (unknown.open_interest_usd, unknown.volume_24h_usd) == (None, None)
    assert SOURCE.weight_requests(Quantity(), datetime(2026, 1, 19, tzinfo=UTC)) == []


def test_open_interest_tells_life() -> None:
    code = SOURCE.channels["coin"]
    assert code.control is not None
    assert code.control_alive is not None
    assert code.control().url == "https://api.hbdm.com/swap-api/v1/swap_open_interest"
    assert code.control_alive(Payload(code.control(), fixture("htx", "open_interest_coin.json"), RECEIVED))
    assert not code.control_alive(Payload(code.control(), fixture("htx", "coin_empty.json"), RECEIVED))


def test_answers_keep_when_they_came_and_where_they_are_kept() -> None:
    frame = read(SOURCE, "linear", CASES["linear"][0])
    assert set(frame["received"]) == {RECEIVED}
    assert set(frame["evidence"]) == {"e1"}
