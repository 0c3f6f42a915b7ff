"""Poloniex Futures: contracts times their size at the bankruptcy price; `posSide` BOTH leaves the side to the order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Instrument, Payload, Request, merged_weights
from sources.poloniex import SOURCE
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

ORDER = {
    "rows": "data",
    "enums": ("side", "posSide"),
    "amounts": ("sz", "bkPx"),
    "times": ("uTime",),
    "instruments": "instruments.json",
}
DOCUMENTED = Case("liquidation_order_documented.json", "2024-10-31", **ORDER)
SIDES = Case("liquidation_order_sides.json", "2024-10-31", **ORDER)
PUSHED = Case("ws_liquidation_documented.json", **ORDER | {"optional": ("ts",)})
PUSHED_SIDES = replace(PUSHED, fixture="ws_liquidation_sides.json")

test_conformance = conforms(
    SOURCE,
    {
        "orders": [
            DOCUMENTED,
            SIDES,
            Case("liquidation_order_empty.json", expect="empty"),
            Case("error_rate.json", expect=RateLimited),
            Case("error_server.json", expect=Unavailable),
        ],
        "stream": [
            PUSHED,
            PUSHED_SIDES,
            Case("ws_liquidation_empty.json", expect="empty"),
            Case("ws_subscribed.json", expect="empty"),
            Case("ws_pong.json", expect="empty"),
            Case("ws_refused.json", expect=Unavailable),
        ],
    },
)


def rows(channel: str, case: Case) -> list[tuple[object, ...]]:
    frame = read(SOURCE, channel, case)
    return frame.select("time", "instrument", "asset", "side", "quantity", "price", "notional_usd").rows()


def test_the_documented_order_is_a_short_of_thirteen_contracts():
    [row] = rows("orders", DOCUMENTED)
    assert row[:4] == (datetime(2024, 10, 31, 2, 21, 15, 50000, tzinfo=UTC), "BTC_USDT_PERP", "BTC", "short")
    assert row[4:] == pytest.approx((0.013, 68741.828, 893.643764))


def test_the_documented_push_is_a_short_told_by_its_order_as_the_position_is_both():
    [row] = rows("stream", PUSHED)
    assert row[:4] == (datetime(2025, 2, 12, 13, 35, 28, 421000, tzinfo=UTC), "BTC_USDT_PERP", "BTC", "short")
    assert row[4:] == pytest.approx((0.001, 94120.8368032, 94.1208368032))


def test_every_side_is_read_and_two_orders_alike_are_two_orders():
    start = datetime(2024, 10, 31, 2, 21, 16, tzinfo=UTC)
    found = rows("orders", SIDES)
    assert [row[:4] for row in found] == [
        (start, "BTC_USDT_PERP", "BTC", "long"),
        (start, "BTC_USDT_PERP", "BTC", "long"),
        (start + timedelta(seconds=1), "BTC_USDT_PERP", "BTC", "long"),
        (start + timedelta(seconds=2), "ETH_USDT_PERP", "ETH", "short"),
        (start + timedelta(seconds=3), "NEWUSDTPERP", "NEW", "short"),
    ]
    assert [row[6] for row in found[:4]] == pytest.approx([476.0, 476.0, 136.201, 130.0])
    assert [row[4] for row in found[:4]] == pytest.approx([0.007, 0.007, 0.002, 0.05])


def test_a_contract_that_is_not_listed_has_no_value():
    assert rows("orders", SIDES)[-1][4:] == (None, 1.5, None)


def test_a_position_and_an_order_that_contradict_each_other_are_set_aside():
    body = fixture("poloniex", DOCUMENTED.fixture).replace(b"SHORT", b"LONG")
    with pytest.raises(Suspect):
        read(SOURCE, "orders", DOCUMENTED, body)


def test_a_message_of_another_channel_is_refused():
    with pytest.raises(SchemaChanged, match="channel"):
        read(SOURCE, "stream", PUSHED, b'{"channel":"trades","data":[]}')


WINDOW = Window.parse("2026-01-19T00:00Z/2026-01-19T04:00Z")
CODE = SOURCE.channels["orders"]


def test_one_request_asks_for_all_contracts_and_one_each_for_named_assets():
    assert CODE.requests is not None
    assert CODE.requests_for is not None
    [every] = CODE.requests(WINDOW, Quantity())
    assert every.params == (("sTime", "1768780800000"), ("eTime", "1768795200000"), ("limit", "100"))
    [one] = CODE.requests(WINDOW, Quantity(assets=Scope.of("BTC")))
    assert one.params[0] == ("symbol", "BTC_USDT_PERP")
    known = instruments()
    assert CODE.requests_for(known, WINDOW, Quantity()) == [every]
    assert CODE.requests_for(known, WINDOW, Quantity(assets=Scope.of("BTC"))) == [one]
    assert CODE.requests_for(known, WINDOW, Quantity(assets=Scope.of("SOL"))) == []


def full(start: int, end: int, first: int, step: int) -> Payload:
    order = {"symbol": "BTCUSDTPERP", "posSide": "SHORT", "side": "BUY", "sz": "1", "bkPx": "1"}
    data = [{**order, "uTime": str(first + step * nth)} for nth in range(100)]
    span = (("sTime", str(start)), ("eTime", str(end)), ("limit", "100"))
    body = json.dumps({"code": 200, "msg": "success", "data": data}).encode()
    return Payload(Request("https://api.poloniex.com/v3/market/liquidationOrder", span), body, RECEIVED)


def test_a_full_answer_is_asked_for_again_in_halves():
    start, end = 1768780800000, 1768795200000
    halves = CODE.follow(full(start, end, start, 1000), WINDOW, Quantity())
    middle = "1768788000000"
    assert [dict(half.params) for half in halves] == [
        {"sTime": str(start), "eTime": middle, "limit": "100"},
        {"sTime": middle, "eTime": str(end), "limit": "100"},
    ]
    assert CODE.follow(Payload(halves[0], fixture("poloniex", SIDES.fixture), RECEIVED), WINDOW, Quantity()) == ()


def test_a_range_that_is_ignored_or_cannot_be_halved_is_suspect():
    start = 1768780800000
    with pytest.raises(Suspect, match="not of the time"):
        CODE.follow(full(start, start + 10, start - 5000, 1), WINDOW, Quantity())
    with pytest.raises(Suspect, match="one millisecond"):
        CODE.follow(full(start, start + 1, start, 0), WINDOW, Quantity())


def payload(name: str, path: str) -> Payload:
    return Payload(Request(f"https://api.poloniex.com/v3/market/{path}"), fixture("poloniex", name), RECEIVED)


def instruments() -> dict[str, Instrument]:
    assert SOURCE.parse_instruments is not None
    return SOURCE.parse_instruments(payload("instruments.json", "instruments"))


def test_contracts_are_known_by_both_spellings_and_only_linear_ones_have_a_size():
    bitcoin = Instrument("poloniex", "BTC_USDT_PERP", "BTC", 0.001)
    assert instruments()["BTC_USDT_PERP"] == instruments()["BTCUSDTPERP"] == bitcoin
    assert SOURCE.parse_instruments is not None
    listed = payload("instruments.json", "instruments")
    other = replace(listed, body=listed.body.replace(b"LINEAR", b"INVERSE"))
    assert SOURCE.parse_instruments(other)["BTC_USDT_PERP"].size is None


def test_open_interest_in_contracts_and_the_mark_price_of_the_tickers_make_one_weight():
    assert SOURCE.parse_weights is not None
    parts = [
        *SOURCE.parse_weights(payload("tickers.json", "tickers"), instruments()),
        *SOURCE.parse_weights(payload("open_interest.json", "openInterest"), instruments()),
    ]
    [whole] = merged_weights(parts)
    assert (whole.venue, whole.asset, whole.halved) == ("poloniex", "BTC", False)
    assert whole.open_interest_coins == pytest.approx(250.0)
    assert whole.open_interest_usd == pytest.approx(250.0 * 46050)
    assert whole.volume_24h_usd == 8556118.81658


def test_nothing_is_asked_of_a_past_time():
    assert SOURCE.weight_requests is not None
    assert SOURCE.weight_requests(Quantity(), datetime(2026, 1, 19, tzinfo=UTC)) == []
    asked = SOURCE.weight_requests(Quantity(assets=Scope.of("ETH")), None)
    assert [request.url.rpartition("/")[2] for request in asked] == ["tickers", "openInterest"]
