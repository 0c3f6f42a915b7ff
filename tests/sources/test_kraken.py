"""Kraken Futures: fills of liquidation orders, told by the order type of the taker or by the type of the trade."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from sources.adapter import Instrument, Payload, Request, merged_weights
from sources.build import merge
from sources.kraken import SOURCE
from verify.model.errors import RateLimited, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

XBT_PF = Instrument("kraken", "PF_XBTUSD", "BTC", 1.0, quote="USD")
XBT_PI = Instrument("kraken", "PI_XBTUSD", "BTC", 1.0, unit="usd", inverse=True, quote="USD")
KNOWN = {item.name: item for item in (XBT_PF, XBT_PI)}

FILL = {
    "rows": "elements.*.event.Execution.execution",
    "optional": ("makerOrder", "markPrice", "limitFilled"),
    "amounts": ("quantity", "price", "usdValue"),
    "times": ("timestamp",),
    "instruments": KNOWN,
}
TAKER = {
    "rows": "elements.*.event.Execution.execution.takerOrder",
    "optional": ("uid", "quantity", "timestamp", "limitPrice", "reduceOnly", "lastUpdateTimestamp"),
    "enums": ("direction",),
    "instruments": KNOWN,
}
TRADE = {
    "rows": "history",
    "optional": ("trade_id",),
    "enums": ("type", "side"),
    "amounts": ("size", "price"),
    "instruments": KNOWN,
    "request": Request(
        "https://futures.kraken.com/derivatives/api/v3/history",
        (("symbol", "PF_XBTUSD"), ("lastTime", "2026-11-22T11:00Z")),
    ),
}
PUSH = {
    "optional": ("feed", "seq"),
    "enums": ("type", "side"),
    "amounts": ("qty", "price"),
    "times": ("time",),
    "instruments": KNOWN,
}

EXECUTIONS = Case("executions_liquidations.json", "2025-11-27", **FILL)
HISTORY = Case("history_liquidations.json", "2026-11-22", **TRADE)
INVERSE_PUSH = Case("ws_liquidation_inverse.json", **PUSH | {"optional": ("seq",)})
LINEAR_PUSH = replace(INVERSE_PUSH, fixture="ws_liquidation_linear.json")
SNAPSHOT = Case("ws_snapshot_liquidation.json", **PUSH | {"rows": "trades"})

test_conformance = conforms(
    SOURCE,
    {
        "executions": [
            EXECUTIONS,
            Case("executions_liquidations.json", "2025-11-27", **TAKER),
            Case("executions_inverse.json", **FILL),
            Case("executions_ordinary.json", expect="empty"),
            Case("executions_empty.json", expect="empty"),
            Case("error_rate.json", expect=RateLimited),
            Case("error_market.json", expect=Unavailable),
        ],
        "history": [
            HISTORY,
            Case("history_documented.json", "2019-02-14", request=TRADE["request"], expect="empty"),
            Case("error_rate.json", expect=RateLimited),
        ],
        "trade": [
            INVERSE_PUSH,
            LINEAR_PUSH,
            SNAPSHOT,
            Case("ws_trade_documented.json", expect="empty"),
            Case("ws_trade_snapshot_documented.json", expect="empty"),
            Case("ws_subscribed.json", expect="empty"),
            Case("ws_heartbeat.json", expect="empty"),
            Case("ws_info.json", expect="empty"),
            Case("ws_refused.json", expect=Unavailable),
        ],
    },
)


def rows(channel: str, case: Case) -> list[tuple[object, ...]]:
    frame = read(SOURCE, channel, case)
    return frame.select("time", "instrument", "asset", "side", "quantity", "price", "notional_usd").rows()


def at(hour: int, minute: int, second: float, day: datetime) -> datetime:
    return day.replace(tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)


DAY = datetime(2025, 11, 27, tzinfo=UTC)


def test_every_fill_of_a_liquidation_order_counts_with_what_was_filled_and_kraken_s_own_dollars():
    # The order was for 0.5; 0.2 and 0.3 of it were filled. The third fill comes twice in the answer.
    assert rows("executions", EXECUTIONS) == [
        (at(1, 18, 0.1, DAY), "PF_XBTUSD", "BTC", "long", 0.2, 90700.0, 18140.00),
        (at(1, 18, 0.35, DAY), "PF_XBTUSD", "BTC", "long", 0.3, 90690.5, 27207.15),
        (at(1, 18, 1, DAY), "PF_XBTUSD", "BTC", "short", 0.01, 90800.0, 908.00),
    ]


def test_a_fill_of_an_inverse_contract_is_worth_its_contracts_in_dollars():
    [row] = rows("executions", Case("executions_inverse.json", instruments=KNOWN))
    assert row == (at(1, 18, 10, DAY), "PI_XBTUSD", "BTC", "long", 15000 / 90000, 90000.0, 15000.0)


def test_a_fill_of_an_unknown_contract_keeps_the_stated_dollars_and_leaves_the_quantity_open():
    frame = read(SOURCE, "executions", replace(EXECUTIONS, instruments={}))
    assert frame["quantity"].null_count() == 3
    assert frame["notional_usd"].to_list() == [18140.00, 27207.15, 908.00]
    assert set(frame["asset"]) == {"BTC"}


def test_dollars_that_round_to_zero_are_unknown_and_not_nothing():
    body = fixture("kraken", EXECUTIONS.fixture).replace(b'"18140.00"', b'"0.00"')
    assert read(SOURCE, "executions", EXECUTIONS, body)["notional_usd"].to_list() == [None, 27207.15, 908.00]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 4), max_size=6))
def test_pages_that_overlap_anyhow_hold_the_same_events_as_one_page(cuts: list[int]):
    whole = json.loads(fixture("kraken", EXECUTIONS.fixture))
    edges = [0, *sorted(cuts), len(whole["elements"])]
    pages = [
        {**whole, "elements": whole["elements"][max(0, start - 1) : end]}  # each begins with the last fill before it
        for start, end in itertools.pairwise(edges)
    ]
    frames = [read(SOURCE, "executions", EXECUTIONS, json.dumps(page).encode()) for page in pages]
    assert_frame_equal(merge(frames), read(SOURCE, "executions", EXECUTIONS))


def test_trade_history_counts_liquidations_and_not_assignments_terminations_blocks_or_fills():
    day = datetime(2026, 11, 22, tzinfo=UTC)
    assert rows("history", HISTORY) == [
        (at(10, 0, 3.25, day), "PF_XBTUSD", "BTC", "short", 0.05, 90810.5, 0.05 * 90810.5),
        (at(10, 0, 4.5, day), "PF_XBTUSD", "BTC", "long", 0.2, 90700.0, 18140.0),
    ]


def test_the_feed_counts_an_inverse_contract_in_dollars_and_a_linear_one_times_its_price():
    assert rows("trade", INVERSE_PUSH) == [
        (at(1, 18, 20, DAY), "PI_XBTUSD", "BTC", "long", 15000 / 90000, 90000.0, 15000.0)
    ]
    assert rows("trade", LINEAR_PUSH) == [(at(1, 18, 21, DAY), "PF_XBTUSD", "BTC", "short", 0.05, 90800.0, 4540.0)]


def test_a_snapshot_repeats_a_trade_under_the_same_id():
    assert read(SOURCE, "trade", SNAPSHOT)["event_id"].to_list() == ["f0000000-0000-4000-8000-000000000002"]
    assert read(SOURCE, "trade", LINEAR_PUSH)["event_id"].to_list() == ["f0000000-0000-4000-8000-000000000002"]


def test_the_feed_cannot_value_a_contract_of_unknown_size():
    frame = read(SOURCE, "trade", replace(INVERSE_PUSH, instruments={}))
    assert (frame["notional_usd"][0], frame["quantity"][0], frame["asset"][0]) == (None, None, "BTC")


def contracts(name: str) -> dict[str, Instrument]:
    assert SOURCE.parse_instruments is not None
    return SOURCE.parse_instruments(Payload(Request("https://futures.kraken.com/"), fixture("kraken", name), RECEIVED))


def test_contracts_are_linear_in_coins_or_inverse_in_dollars():
    found = contracts("instruments_recorded.json")
    assert found["PI_XBTUSD"] == XBT_PI
    assert found["PF_ETHUSD"] == Instrument("kraken", "PF_ETHUSD", "ETH", 1.0, quote="USD")
    assert found["PF_PEPEUSD"].asset == "PEPE"


def test_a_pf_contract_is_linear_although_the_documented_example_calls_it_inverse():
    found = contracts("instruments_documented.json")
    assert found["PF_XBTUSD"] == XBT_PF
    assert (found["FI_XBTUSD_220930"].asset, found["FI_XBTUSD_220930"].inverse) == ("BTC", True)


WINDOW = Window.parse("2026-01-19T00:00Z/2026-01-19T04:00Z")


def test_the_markets_of_the_assets_are_asked_for_and_of_all_assets_the_watched_ones_that_are_listed():
    code = SOURCE.channels["executions"]
    assert code.requests is not None
    assert code.requests_for is not None
    bitcoin = Quantity(assets=Scope.of("BTC"))
    base = "https://futures.kraken.com/api/history/v3/market"
    asked = code.requests(WINDOW, bitcoin)
    assert [request.url for request in asked] == [f"{base}/PF_XBTUSD/executions", f"{base}/PI_XBTUSD/executions"]
    assert asked[0].params == (
        ("since", "1768780800000"),
        ("before", "1768795200000"),
        ("sort", "asc"),
        ("count", "1000"),
    )
    known = contracts("instruments_recorded.json")
    names = [request.note for request in code.requests_for(known, WINDOW, Quantity())]
    assert names == ["PF_ETHUSD", "PF_PEPEUSD", "PI_XBTUSD"]
    named = Quantity(assets=Scope.of("AAPLX"))
    assert [request.note for request in code.requests_for(known, WINDOW, named)] == ["PF_AAPLxUSD"]
    assert [request.note for request in code.requests_for(known, WINDOW, bitcoin)] == ["PI_XBTUSD"]


def answer(name: str, request: Request) -> Payload:
    return Payload(request, fixture("kraken", name), RECEIVED)


def test_the_next_page_starts_just_before_the_last_fill_until_there_is_none():
    code = SOURCE.channels["executions"]
    assert code.requests is not None
    first = code.requests(WINDOW, Quantity(assets=Scope.of("BTC")))[1]
    [second] = code.follow(answer("executions_inverse.json", first), WINDOW, Quantity())
    assert dict(second.params)["since"] == "1764206289999"
    assert second.url == first.url
    assert code.follow(answer("executions_inverse.json", second), WINDOW, Quantity()) == ()
    assert code.follow(answer("executions_liquidations.json", first), WINDOW, Quantity()) == ()
    assert code.follow(answer("executions_empty.json", first), WINDOW, Quantity()) == ()


def history_page(times: list[str]) -> bytes:
    row = '{"time":"%s","trade_id":1,"price":1,"size":1,"side":"buy","type":"fill","uid":"u%d"}'
    return ('{"result":"success","history":[' + ",".join(row % (t, i) for i, t in enumerate(times)) + "]}").encode()


def test_the_history_is_paged_back_a_hundred_trades_at_a_time_to_the_start_of_the_window():
    code = SOURCE.channels["history"]
    assert code.requests is not None
    first = code.requests(WINDOW, Quantity(assets=Scope.of("ETH")))[0]
    assert first.params == (("symbol", "PF_ETHUSD"), ("lastTime", "2026-01-19T04:00:00.000Z"))
    times = [f"2026-01-19T03:{59 - i // 60:02d}:{59 - i % 60:02d}.000Z" for i in range(100)]
    full = Payload(first, history_page(times), RECEIVED)
    [second] = code.follow(full, WINDOW, Quantity())
    assert dict(second.params)["lastTime"] == "2026-01-19T03:58:20.001Z"
    assert code.follow(replace(full, body=history_page(times[:99])), WINDOW, Quantity()) == ()
    late = Window.parse("2026-01-19T03:59Z/2026-01-19T04:00Z")
    assert code.follow(full, late, Quantity()) == ()
    stuck = replace(full, request=second, body=history_page([times[-1]] * 100))
    with pytest.raises(Suspect):
        code.follow(stuck, WINDOW, Quantity())


def weights(name: str, url: str) -> list[tuple[object, ...]]:
    assert SOURCE.parse_weights is not None
    known = contracts("instruments_recorded.json") | {"PF_XBTUSD": XBT_PF}
    found = SOURCE.parse_weights(answer(name, Request(url)), known)
    return [(w.asset, w.at, w.open_interest_usd, w.volume_24h_usd, w.open_interest_coins, w.price_usd) for w in found]


def test_open_interest_and_volume_of_now_are_dollars_for_inverse_contracts_and_coins_for_linear_ones():
    at_ = datetime(2025, 11, 17, 0, 34, 37, 524000, tzinfo=UTC)
    assert weights("tickers_recorded.json", "https://futures.kraken.com/derivatives/api/v3/tickers") == [
        ("BTC", at_, 21_279_580.0, 21_118_140.0, None, None),
        ("ETH", at_, 3_205_250_000.0, 1_602_625_000.0, None, None),
    ]


def test_past_open_interest_comes_in_coins_and_is_valued_at_the_mark_price_of_the_hour():
    hour = datetime(2024, 11, 16, 2, tzinfo=UTC)
    charts = "https://futures.kraken.com/api/charts/v1"
    coins = weights("analytics_open_interest.json", f"{charts}/analytics/PF_XBTUSD/open-interest")
    assert coins == [("BTC", hour, None, None, 2193.7, None)]
    price = weights("candles_mark_recorded.json", f"{charts}/mark/PF_XBTUSD/1h")
    assert price == [("BTC", hour, None, None, None, 91339.3327740848)]
    assert SOURCE.parse_weights is not None
    parts = [
        SOURCE.parse_weights(answer(name, Request(url)), {"PF_XBTUSD": XBT_PF})[0]
        for name, url in (
            ("analytics_open_interest.json", f"{charts}/analytics/PF_XBTUSD/open-interest"),
            ("candles_mark_recorded.json", f"{charts}/mark/PF_XBTUSD/1h"),
        )
    ]
    [whole] = merged_weights(parts)
    assert whole.open_interest_usd == pytest.approx(2193.7 * 91339.3327740848)
    [unpriced] = merged_weights(parts[:1])
    assert unpriced.open_interest_usd is None


def test_a_refusal_of_the_charts_is_no_empty_answer():
    assert SOURCE.parse_weights is not None
    url = "https://futures.kraken.com/api/charts/v1/analytics/PF_XXUSD/open-interest"
    body = b'{"errors":[{"severity":"E","error_class":"General","type":"UnknownSymbol","msg":"no such market"}]}'
    with pytest.raises(Unavailable, match="UnknownSymbol"):
        SOURCE.parse_weights(Payload(Request(url), body, RECEIVED), KNOWN)


def test_a_past_time_is_asked_for_in_seconds_contract_by_contract():
    assert SOURCE.weight_requests is not None
    asked = SOURCE.weight_requests(Quantity(assets=Scope.of("ETH")), datetime(2026, 1, 19, 4, tzinfo=UTC))
    assert [request.url.removeprefix("https://futures.kraken.com/api/charts/v1/") for request in asked] == [
        "analytics/PF_ETHUSD/open-interest",
        "mark/PF_ETHUSD/1h",
        "analytics/PI_ETHUSD/open-interest",
        "mark/PI_ETHUSD/1h",
    ]
    assert asked[0].params == (("since", "1768788000"), ("to", "1768795200"), ("interval", "3600"))


def test_an_empty_list_of_tickers_is_no_sign_of_life():
    alive = SOURCE.channels["executions"].control_alive
    assert alive is not None
    control = Request("https://futures.kraken.com/derivatives/api/v3/tickers")
    assert alive(answer("tickers_recorded.json", control))
    body = b'{"result":"success","serverTime":"2025-11-17T00:34:37.524Z","tickers":[]}'
    assert not alive(Payload(control, body, RECEIVED))
