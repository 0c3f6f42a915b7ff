"""CoinGlass: bars per coin and venue, rolling sums per venue, contradictions, refusals that come with HTTP 200."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Request
from sources.coinglass import SOURCE, SPEC
from verify.model.errors import AuthMissing, RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

_API = "https://open-api-v4.coinglass.com/api/futures/liquidation"
HOURS = Window.parse("2026-01-18T23:00Z/PT2H")


def _asked(coin: str, interval: str, start: str, end: str) -> Request:
    params = (("exchange_list", "Binance"), ("symbol", coin), ("interval", interval))
    return Request(f"{_API}/aggregated-history", (*params, ("start_time", start), ("end_time", end)))


DAYS = _asked("BTC", "1d", "1658966400000", "1659139200000")
TWO_HOURS = _asked("BTC", "1h", "1768777200000", "1768784400000")
SMALL = _asked("PUMP", "1h", "1768777200000", "1768784400000")
ALL_COINS = Request(f"{_API}/exchange-list", (("symbol", ""), ("range", "4h")))

_ROWS = {
    "rows": "data",
    "amounts": ("aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd"),
    "times": ("time",),
}
_REFUSALS = [
    Case("upgrade_plan.json", request=TWO_HOURS, expect=Unavailable),
    Case("unauthorized.json", request=TWO_HOURS, expect=AuthMissing),
    Case("missing_parameter.json", request=TWO_HOURS, expect=Unavailable),
    Case("too_many_requests.json", request=TWO_HOURS, expect=RateLimited),
]
_NOTHING = Case("no_rows.json", request=SMALL, expect="empty")
_MONEY = {"rows": "data", "amounts": ("liquidation_usd", "long_liquidation_usd", "short_liquidation_usd")}


def _sums(span: str) -> list[Case]:
    asked = replace(ALL_COINS, params=(("symbol", ""), ("range", span)))
    return [
        Case("exchange_list.json", request=asked, **_MONEY),
        Case("no_rows.json", request=asked, expect="empty"),
        Case("exchange_list_impossible.json", request=asked, expect=Suspect),
        Case("exchange_list_documented.json", request=asked, expect=Suspect),
        Case("too_many_requests.json", request=asked, expect=RateLimited),
    ]


CASES = {
    "history_1h": [
        Case("aggregated_history_hours.json", HOURS, TWO_HOURS, **_ROWS),
        _NOTHING,
        Case("no_rows.json", request=TWO_HOURS, expect=Unavailable),
        Case("aggregated_history.json", request=TWO_HOURS, expect=Suspect),
        *_REFUSALS,
    ],
    "history_4h": [Case("aggregated_history_hours.json", request=TWO_HOURS, **_ROWS), _NOTHING, *_REFUSALS],
    "history_12h": [Case("aggregated_history_hours.json", request=TWO_HOURS, **_ROWS), _NOTHING, *_REFUSALS],
    "history_1d": [Case("aggregated_history.json", request=DAYS, **_ROWS), _NOTHING, *_REFUSALS],
    "exchanges_4h": _sums("4h"),
    "exchanges_24h": _sums("24h"),
}
test_conformance = conforms(SOURCE, CASES)


def test_the_documented_days_are_bars_that_start_at_midnight() -> None:
    day = timedelta(days=1)
    first, second = datetime(2022, 7, 28, tzinfo=UTC), datetime(2022, 7, 29, tzinfo=UTC)
    frame = read(SOURCE, "history_1d", CASES["history_1d"][0])
    assert frame.select("start", "end", "venue", "asset", "side", "notional_usd").rows() == [
        (first, first + day, "binance", "BTC", "long", 5916885.14234),
        (first, first + day, "binance", "BTC", "short", 12969583.87632),
        (second, second + day, "binance", "BTC", "long", 5345708.23191),
        (second, second + day, "binance", "BTC", "short", 6454875.54909),
    ]


def test_rolling_sums_end_when_the_answer_came_and_count_registered_venues() -> None:
    frame = read(SOURCE, "exchanges_4h", CASES["exchanges_4h"][0])
    start = RECEIVED - timedelta(hours=4)
    assert frame.select("start", "end", "venue", "asset", "side", "notional_usd").rows() == [
        (start, RECEIVED, "bybit", "all", "long", 104560.13885),
        (start, RECEIVED, "bybit", "all", "short", 4480729.99519),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("exchange_list_impossible.json", "All: longs and shorts"), ("exchange_list_documented.json", "the venues add")],
)
def test_a_contradiction_says_what_does_not_add_up(name: str, words: str) -> None:
    with pytest.raises(Suspect, match=words):
        read(SOURCE, "exchanges_4h", Case(name, request=ALL_COINS))


def test_each_coin_is_asked_for_at_each_venue_with_whole_bars() -> None:
    code = SOURCE.channels["history_4h"]
    assert code.requests is not None
    window = Window.parse("2026-01-18T22:30Z/PT4H")
    asked = code.requests(window, Quantity(venues=Scope.of("binance", "kraken"), assets=Scope.of("ETH")))
    (only,) = [dict(request.params) for request in asked]
    assert (only["exchange_list"], only["symbol"], only["interval"]) == ("Binance", "ETH", "4h")
    assert (only["start_time"], only["end_time"]) == ("1768766400000", "1768795200000")  # 20:00 to 04:00
    every = code.requests(window, Quantity())
    assert {(p["symbol"], p["exchange_list"]) for p in (dict(r.params) for r in every)} == {
        (coin, venue)
        for coin in ("BTC", "ETH", "SOL")
        for venue in ("Binance", "Bybit", "OKX", "Hyperliquid", "Bitget", "Gate", "HTX", "CoinEx")
    }
    assert len(every) == 24 <= 30, "one minute of the smallest plan"


def test_the_lineage_is_that_of_the_venues() -> None:
    for channel in SPEC.channels:
        assert not any(feed.startswith("coinglass") for feed in channel.lineage)
        assert {"binance/usdm", "bybit/liquidations"} <= set(channel.lineage)


def test_the_key_goes_into_the_documented_header() -> None:
    assert (SPEC.auth, SPEC.auth_headers) == (("VERIFY_COINGLASS_API_KEY",), ("CG-API-KEY",))


def test_a_row_all_is_needed() -> None:
    body = fixture("coinglass", "exchange_list.json").replace(b'"All"', b'"Everything"')
    parse = SOURCE.channels["exchanges_4h"].parse
    assert parse is not None
    with pytest.raises(SchemaChanged, match="no row `All`"):
        parse(Payload(ALL_COINS, body, RECEIVED), CASES["exchanges_4h"][0].asked(), {})
