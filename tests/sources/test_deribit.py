"""Deribit: only flagged trades are liquidations, and the flag says whose side was liquidated."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read
from hypothesis import given
from hypothesis import strategies as st

from sources.adapter import Instrument, Payload, Request
from sources.deribit import SOURCE
from verify.model.errors import RateLimited, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window


def _futures():
    assert SOURCE.instrument_requests is not None
    assert SOURCE.parse_instruments is not None
    asked = SOURCE.instrument_requests(Quantity())[0]
    return SOURCE.parse_instruments(Payload(asked, fixture("deribit", "instruments.json"), RECEIVED))


FUTURES = _futures()
_PAGE = Request(
    "https://www.deribit.com/api/v2/public/get_last_trades_by_currency_and_time",
    (("currency", "BTC"), ("kind", "future"), ("start_timestamp", "1768790000000"), ("end_timestamp", "1768800000000")),
)
_FIELDS = {
    "instruments": FUTURES,
    "optional": ("trade_seq", "tick_direction", "mark_price", "index_price", "contracts", "liquidation"),
    "enums": ("direction", "liquidation"),
    "amounts": ("price", "amount"),
    "times": ("timestamp",),
}


def _cases() -> list[Case]:
    return [
        Case("trades_flagged.json", request=_PAGE, rows="result.trades", **_FIELDS),
        Case("trades_mixed.json", request=_PAGE, rows=None, instruments=FUTURES),
        Case("trades_ordinary.json", request=_PAGE, expect="empty"),
        Case("trades_none.json", request=_PAGE, expect="empty"),
        Case("too_many_requests.json", request=_PAGE, expect=RateLimited),
        Case("bad_arguments.json", request=_PAGE, expect=Unavailable),
    ]


STREAM = [
    Case("stream_taker.json", rows="params.data", **_FIELDS),
    Case("stream_flagged.json", rows="params.data", **_FIELDS),
    Case("stream_ordinary.json", expect="empty"),
    Case("stream_subscribed.json", expect="empty"),
    Case("stream_heartbeat.json", expect="empty"),
    Case("stream_ticker.json", expect="empty"),
    Case("too_many_requests.json", expect=RateLimited),
]
CASES = {"trades": _cases(), "trades_history": _cases(), "trades_stream": STREAM}


test_conformance = conforms(SOURCE, CASES)

AT = datetime(2026, 1, 19, 3, 30, tzinfo=UTC)
EXPECTED = [
    # T: the taker sold and was liquidated, a long of 90,000 USD.
    (AT, "BTC-PERPETUAL", "BTC", "long", 1.0, 90000.0, 90000.0, "310000001:T"),
    # M: the taker sold to a maker under liquidation, who bought: a short.
    (AT.replace(second=1), "BTC-PERPETUAL", "BTC", "short", 0.5, 90000.0, 45000.0, "310000002:M"),
    # MT: both; the taker bought (a short), the maker sold (a long).
    (AT.replace(second=2), "BTC-PERPETUAL", "BTC", "short", pytest.approx(1 / 3), 90000.0, 30000.0, "310000003:T"),
    (AT.replace(second=2), "BTC-PERPETUAL", "BTC", "long", pytest.approx(1 / 3), 90000.0, 30000.0, "310000003:M"),
    # A linear future: the amount is in coins.
    (AT.replace(second=3), "SOL_USDC-PERPETUAL", "SOL", "short", 20.0, 150.0, 3000.0, "SOL_USDC-16:T"),
]
COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd", "event_id")


@pytest.mark.parametrize(
    ("channel", "number"), [("trades", 0), ("trades", 1), ("trades_history", 0), ("trades_stream", 1)]
)
def test_taker_maker_and_both_under_liquidation(channel: str, number: int) -> None:
    assert read(SOURCE, channel, CASES[channel][number]).select(COLUMNS).rows() == EXPECTED


def test_a_streamed_taker_that_buys_is_a_short_of_20_dollars() -> None:
    frame = read(SOURCE, "trades_stream", CASES["trades_stream"][0])
    (event,) = frame.select(COLUMNS).rows()
    assert event[:4] == (datetime(2020, 5, 26, 9, 15, 13, 4000, tzinfo=UTC), "BTC-PERPETUAL", "BTC", "short")
    assert event[4:] == (pytest.approx(20 / 8960), 8960.0, 20.0, "48079270:T")
    assert frame["received"].to_list() == [RECEIVED]


@given(direction=st.sampled_from(["buy", "sell"]), coins=st.floats(1e-3, 1e9), price=st.floats(1e-3, 1e7))
def test_the_maker_has_the_other_side_of_the_taker_and_the_same_amount(
    direction: str, coins: float, price: float
) -> None:
    row = {"trade_id": "1", "instrument_name": "SOL_USDC-PERPETUAL", "timestamp": 1768793400000}
    row |= {"direction": direction, "price": price, "amount": coins}
    trades = [row | {"liquidation": who, "trade_id": who} for who in ("T", "M", "MT")]
    body = json.dumps({"result": {"trades": trades, "has_more": False}}).encode()
    frame = read(SOURCE, "trades", CASES["trades"][0], body)
    sides = dict(zip(frame["event_id"], frame["side"], strict=True))
    taker, maker = ("long", "short") if direction == "sell" else ("short", "long")
    assert sides == {"T:T": taker, "M:M": maker, "MT:T": taker, "MT:M": maker}
    assert frame["notional_usd"].to_list() == [coins * price] * 4


def test_the_newest_trade_tells_life() -> None:
    code = SOURCE.channels["trades"]
    assert code.control is not None
    assert code.control_alive is not None
    assert code.control_alive(Payload(code.control(), fixture("deribit", "trades_ordinary.json"), RECEIVED))
    assert not code.control_alive(Payload(code.control(), fixture("deribit", "trades_none.json"), RECEIVED))


def test_a_contract_that_is_not_known_has_neither_quantity_nor_notional() -> None:
    frame = read(SOURCE, "trades", replace(CASES["trades"][0], instruments={}))
    assert frame["asset"].to_list() == ["BTC", "BTC", "BTC", "BTC", "SOL"]
    assert frame["quantity"].null_count() == frame["notional_usd"].null_count() == 5


def test_currencies_follow_the_assets_that_are_asked_for() -> None:
    window = Window.parse("2026-11-21T20:00Z/2026-11-21T23:30Z")
    asker = SOURCE.channels["trades"].requests
    assert asker is not None
    coins = [dict(request.params)["currency"] for request in asker(window, Quantity(assets=Scope.of("BTC")))]
    assert coins == ["BTC", "USDC", "USDT"]
    assert [dict(request.params)["currency"] for request in asker(window, Quantity())] == ["BTC", "ETH", "USDC", "USDT"]
    history = SOURCE.channels["trades_history"].requests
    assert history is not None
    assert all(request.url.startswith("https://history.deribit.com/") for request in history(window, Quantity()))


def test_the_next_page_starts_where_the_last_one_ended() -> None:
    follow, window = SOURCE.channels["trades"].follow, CASES["trades"][1].asked()
    page = Payload(_PAGE, fixture("deribit", "trades_mixed.json"), RECEIVED)
    (following,) = follow(page, window, Quantity())
    assert dict(following.params)["start_timestamp"] == "1768793402500"
    assert dict(following.params)["end_timestamp"] == "1768800000000"
    with pytest.raises(Suspect):
        follow(replace(page, request=following), window, Quantity())
    last = replace(page, body=fixture("deribit", "trades_flagged.json"))
    assert follow(last, window, Quantity()) == ()


def test_instruments_tell_inverse_from_linear() -> None:
    inverse, linear = FUTURES["BTC-PERPETUAL"], FUTURES["SOL_USDC-PERPETUAL"]
    assert inverse == Instrument("deribit", "BTC-PERPETUAL", "BTC", 10.0, unit="usd", inverse=True, quote="USD")
    assert linear == Instrument("deribit", "SOL_USDC-PERPETUAL", "SOL", 0.1, quote="USDC")


def test_open_interest_is_in_dollars_or_in_coins_and_unknown_contracts_have_none() -> None:
    assert SOURCE.weight_requests is not None
    assert SOURCE.parse_weights is not None
    asked = SOURCE.weight_requests(Quantity(), None)[0]
    parts = SOURCE.parse_weights(Payload(asked, fixture("deribit", "book_summary.json"), RECEIVED), FUTURES)
    assert [(part.asset, part.open_interest_usd, part.volume_24h_usd, part.halved) for part in parts] == [
        ("BTC", 1_000_000_000.0, 500_000_000.0, False),
        ("SOL", 30_000_000.0, 3_000_000.0, False),
        ("NEW", None, 7.0, False),
    ]
    assert parts[0].at == AT
    assert list(SOURCE.weight_requests(Quantity(), AT)) == []


def test_answers_keep_when_they_came_and_where_they_are_kept() -> None:
    frame = read(SOURCE, "trades", CASES["trades"][0])
    assert set(frame["received"]) == {RECEIVED}
    assert set(frame["evidence"]) == {"e1"}
