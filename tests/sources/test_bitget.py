"""Bitget: the side is the position's, the amount is money, and the stream has lost its completeness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Instrument, Payload, Request
from sources.bitget import SOURCE
from sources.spec import Keep
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

assert SOURCE.instrument_requests is not None
assert SOURCE.parse_instruments is not None
_USDT, _USDC, _COIN = SOURCE.instrument_requests(Quantity())
CONTRACTS = {
    **SOURCE.parse_instruments(Payload(_USDT, fixture("bitget", "instruments_usdt.json"), RECEIVED)),
    **SOURCE.parse_instruments(Payload(_COIN, fixture("bitget", "instruments_coin.json"), RECEIVED)),
}
_PAGE = Request("https://api.bitget.com/api/v3/market/liquidations", (("category", "USDT-FUTURES"), ("limit", "100")))
_FIELDS = {"instruments": CONTRACTS, "enums": ("side",), "amounts": ("price", "amount"), "times": ("ts",)}
CASES = {
    "liquidations": [
        Case("history.json", request=_PAGE, rows="data.list", **_FIELDS),
        Case("history_documented_rows.json", request=_PAGE, rows="data.list", **_FIELDS),
        Case("history_empty.json", request=_PAGE, expect="empty"),
        Case("history_refused.json", request=_PAGE, expect=Unavailable),
        Case("history_rate_limited.json", request=_PAGE, expect=RateLimited),
    ],
    "liquidation_stream": [
        Case("stream.json", rows="data", **_FIELDS),
        Case("stream_batch.json", rows="data", **_FIELDS),
        Case("stream_subscribed.json", expect="empty"),
        Case("stream_pong.txt", expect="empty", rows=None),
        Case("stream_refused.json", expect=Unavailable),
    ],
}
test_conformance = conforms(SOURCE, CASES)

COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd")
AT = datetime(2026, 4, 28, 12, tzinfo=UTC)


def _events(channel: str, number: int) -> list[tuple[object, ...]]:
    return read(SOURCE, channel, CASES[channel][number]).select(COLUMNS).rows()


@pytest.mark.parametrize(("channel", "number"), [("liquidation_stream", 0), ("liquidations", 1)])
def test_a_buy_is_a_long_and_its_amount_is_dollars(channel: str, number: int) -> None:
    (event,) = _events(channel, number)
    assert event[:4] == (datetime(2025, 1, 8, 21, 22, 12, 162000, tzinfo=UTC), "BTCUSDT", "BTC", "long")
    assert event[4:] == (pytest.approx(37.722858 / 89000), 89000.0, 37.722858)


def test_captured_amounts_are_whole_numbers_of_lots_once_divided_by_the_price() -> None:
    long, short = _events("liquidation_stream", 1)
    assert long[1:] == ("APEUSDT", "APE", "long", pytest.approx(83.1), 0.1649, 13.70319)
    assert short[1:] == ("IPUSDT", "IP", "short", pytest.approx(286.5), 0.500280739469, 143.330431857868)


def test_a_batch_over_the_stream_and_the_same_rows_of_the_history_have_the_same_ids() -> None:
    streamed = read(SOURCE, "liquidation_stream", CASES["liquidation_stream"][1])
    asked = read(SOURCE, "liquidations", CASES["liquidations"][0])
    assert set(streamed["event_id"]) < set(asked["event_id"])
    assert streamed["received"].to_list() == [RECEIVED, RECEIVED]


def test_contracts_in_usdc_and_coin_margined_ones_are_read_alike() -> None:
    coin, usdc = _events("liquidations", 0)[:2]
    assert coin == (AT - timedelta(seconds=40), "BTCUSD", "BTC", "long", pytest.approx(0.1), 64000.0, 6400.0)
    assert usdc == (AT - timedelta(seconds=30), "BTCPERP", "BTC", "short", 0.5, 64000.0, 32000.0)


@pytest.mark.parametrize(
    ("moment", "completeness"),
    [
        (datetime(2026, 4, 28, 23, 59, tzinfo=UTC), Completeness.COMPLETE),
        (datetime(2026, 4, 29, tzinfo=UTC), Completeness.UNKNOWN),
        (datetime(2026, 9, 29, 23, 59, tzinfo=UTC), Completeness.UNKNOWN),
        (datetime(2026, 9, 30, tzinfo=UTC), Completeness.CAPPED),
    ],
)
def test_the_stream_became_capped(moment: datetime, completeness: Completeness) -> None:
    rule = SOURCE.spec.channel("liquidation_stream").rule_at(moment)
    assert rule.completeness is completeness
    if rule.cap:
        assert (rule.cap.keep, rule.cap.per, rule.cap.most) == (Keep.LARGEST, ("symbol", "side"), 1)


def test_pages_are_followed_until_they_begin_before_the_window() -> None:
    follow = SOURCE.channels["liquidations"].follow
    page = Payload(_PAGE, fixture("bitget", "history.json"), RECEIVED)
    early = Window(AT - timedelta(hours=4), AT)
    (following,) = follow(page, early, Quantity())
    assert following.params == (*_PAGE.params, ("cursor", "1423"))
    assert follow(page, Window(AT - timedelta(seconds=15), AT), Quantity()) == ()
    assert follow(replace(page, body=fixture("bitget", "history_empty.json")), early, Quantity()) == ()
    with pytest.raises(Suspect):
        follow(replace(page, request=following), early, Quantity())


def test_named_assets_are_asked_for_contract_by_contract() -> None:
    asker, window = SOURCE.channels["liquidations"].requests_for, Window(AT - timedelta(hours=4), AT)
    assert asker is not None
    asked = asker(CONTRACTS, window, Quantity(assets=Scope.of("BTC")))
    assert [(dict(r.params)["category"], dict(r.params)["symbol"]) for r in asked] == [
        ("USDT-FUTURES", "BTCUSDT"),
        ("COIN-FUTURES", "BTCUSD"),
    ]
    assert len(asker(CONTRACTS, window, Quantity())) == 3


def test_an_action_that_is_not_documented_is_refused() -> None:
    body = fixture("bitget", "stream.json").replace(b'"update"', b'"delete"')
    with pytest.raises(SchemaChanged, match="action"):
        read(SOURCE, "liquidation_stream", CASES["liquidation_stream"][0], body)


def test_instruments_are_sized_in_the_quote_coin() -> None:
    assert CONTRACTS["1000BONKUSDT"].asset == "BONK"
    assert CONTRACTS["APEUSDT"] == Instrument("bitget", "APEUSDT", "APE", 1.0, unit="quote", quote="USDT")
    assert CONTRACTS["BTCUSD"] == Instrument("bitget", "BTCUSD", "BTC", 1.0, unit="quote", inverse=True, quote="USD")


def test_open_interest_in_coins_is_valued_at_the_mark_price() -> None:
    assert SOURCE.weight_requests is not None
    assert SOURCE.parse_weights is not None
    asked = SOURCE.weight_requests(Quantity(), None)
    assert [dict(request.params)["category"] for request in asked] == ["USDT-FUTURES", "USDC-FUTURES"]
    btc, ape = SOURCE.parse_weights(Payload(asked[0], fixture("bitget", "tickers.json"), RECEIVED), CONTRACTS)
    assert (btc.asset, btc.open_interest_usd, btc.volume_24h_usd, btc.at) == ("BTC", 2_148_096_000.0, 5e9, AT)
    assert (ape.asset, ape.open_interest_usd, ape.volume_24h_usd) == ("APE", 160.0, 250.0)
    assert SOURCE.weight_requests(Quantity(), AT) == []


def test_tickers_tell_life() -> None:
    code = SOURCE.channels["liquidations"]
    assert code.control is not None
    assert code.control_alive is not None
    assert code.control_alive(Payload(code.control(), fixture("bitget", "tickers.json"), RECEIVED))
    assert not code.control_alive(Payload(code.control(), b'{"code":"00000","data":[]}', RECEIVED))


def test_answers_keep_when_they_came_and_where_they_are_kept() -> None:
    frame = read(SOURCE, "liquidations", CASES["liquidations"][0])
    assert set(frame["received"]) == {RECEIVED}
    assert set(frame["evidence"]) == {"e1"}
