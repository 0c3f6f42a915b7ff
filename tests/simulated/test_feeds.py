"""What simulated feeds show: caps cap by their rule, aggregators add up what is shown, bars and totals conserve."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from sources.simulated import feeds
from sources.simulated.feeds import capped
from sources.simulated.market import Market, Tape, draw
from sources.simulated.world import NOMINAL, Regime
from sources.spec import Cap, Keep
from verify.model.frames import BARS
from verify.model.window import Window

WINDOW = Window(datetime(2026, 10, 10, 20, 30, tzinfo=UTC), datetime(2026, 10, 11, 0, 30, tzinfo=UTC))
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def market() -> Market:
    return draw(NOMINAL, Regime.CRASH, WINDOW, 11)


def by_hand(tape: Tape, cap: Cap) -> set[int]:
    """The positions that a rule keeps, found slowly."""
    interval = round(cap.interval / timedelta(microseconds=1))
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    kept: set[int] = set()
    last: dict[tuple[int, ...], int] = {}
    for i in range(len(tape)):
        key = (int(tape.asset[i]), *((int(tape.long[i]),) if "side" in cap.per else ()))
        if cap.keep is Keep.FIRST:
            if key not in last or tape.time[i] - last[key] >= interval:
                kept.add(i)
                last[key] = int(tape.time[i])
        else:
            groups[(*key, int(tape.time[i] // interval))].append(i)
    for members in groups.values():
        ranked = sorted(members, key=lambda i: (-tape.usd[i], i)) if cap.keep is Keep.LARGEST else members[::-1]
        kept |= set(ranked[: cap.most])
    return kept


@pytest.mark.parametrize(
    "cap",
    [
        Cap(SECOND, Keep.LATEST),
        Cap(SECOND, Keep.LARGEST),
        Cap(SECOND, Keep.FIRST),
        Cap(2 * SECOND, Keep.LATEST),
        Cap(SECOND / 2, Keep.LARGEST, ("symbol", "side")),
        Cap(SECOND, Keep.FIRST, ("symbol", "side")),
        Cap(SECOND, Keep.LARGEST, most=3),
    ],
    ids=lambda cap: cap.words(),
)
def test_a_cap_keeps_exactly_what_its_rule_says(market: Market, cap: Cap) -> None:
    tape = market.tape.of("gate").where(slice(0, 4000))
    kept = sorted(by_hand(tape, cap))
    shown = capped(tape, cap)
    assert 0 < len(kept) < len(tape)
    assert shown.time.tolist() == tape.time[kept].tolist()
    assert shown.usd.tolist() == tape.usd[kept].tolist()


def test_a_feed_without_a_cap_shows_everything(market: Market) -> None:
    tape = market.tape.of("bybit")
    assert capped(tape, None) is tape


def test_a_cap_hides_more_where_more_happens() -> None:
    shares = []
    for regime in (Regime.QUIET, Regime.CRASH):
        tape = draw(NOMINAL, regime, WINDOW, 12).tape.within(WINDOW).of("binance")
        shares.append(capped(tape, Cap(SECOND, Keep.LATEST)).total() / tape.total())
    assert shares[1] < shares[0] < 1


def test_largest_shows_more_money_than_latest(market: Market) -> None:
    tape = market.tape.of("binance")
    assert capped(tape, Cap(SECOND, Keep.LARGEST)).total() > capped(tape, Cap(SECOND, Keep.LATEST)).total()


def test_an_empty_tape_stays_empty(market: Market) -> None:
    nothing = market.tape.where(slice(0, 0))
    for keep in Keep:
        assert len(capped(nothing, Cap(SECOND, keep))) == 0


def test_bars_conserve_money_and_records(market: Market) -> None:
    tape = market.tape.of("gate")
    hours = Window(datetime(2026, 10, 10, 20, tzinfo=UTC), datetime(2026, 10, 11, 1, tzinfo=UTC))
    venue = NOMINAL.venue("gate")
    assert venue.feed is not None
    bars = BARS.validate(feeds.bars(tape, "gate", "x", hours, venue.feed.completeness), lazy=True)
    within = tape.within(hours)
    assert bars["notional_usd"].sum() == pytest.approx(within.total())
    assert bars["count"].sum() == len(within)
    assert bars.filter(side="long")["notional_usd"].sum() == pytest.approx(within.total("long"))
    frame = within.frame(venue, "x")
    first = bars.filter(pl.col("start") == hours.start, asset="BTC", side="long")["notional_usd"].item()
    by_hand = frame.filter(pl.col("time") < hours.start + timedelta(hours=1), asset="BTC", side="long")
    assert first == pytest.approx(by_hand["notional_usd"].sum())


def test_an_aggregator_sees_no_more_than_the_feeds(market: Market) -> None:
    seen = {name: market.tape.of(name) for name in ("binance", "bybit", "gate")}
    shown = feeds.show_aggregator(market, "a", seen, np.random.default_rng(1))
    hours = Window(datetime(2026, 10, 10, 20, tzinfo=UTC), datetime(2026, 10, 11, 1, tzinfo=UTC))
    total = sum(tape.within(hours).total() for tape in seen.values())
    assert 0.93 * total < shown.bars["notional_usd"].sum() <= total
    assert set(shown.bars["venue"].unique()) == set(seen)
    counters = feeds.totals(market, shown, seen)
    exact = sum(tape.within(WINDOW).total() for tape in seen.values())
    assert 0.93 * exact < sum(counter.value for counter in counters) <= exact * 1.000001


def test_an_outlet_prints_three_digits_and_the_truth_lies_in_its_rounding(market: Market) -> None:
    seen = {"bybit": market.tape.of("bybit")}
    counter = feeds.totals(market, feeds.show_aggregator(market, "a", seen, np.random.default_rng(1)), seen)[0]
    for value in (1.2345678e9, 998_600.0, 12.0):
        printed = feeds.outlet(replace(counter, value=value), "o")
        assert printed.low <= value <= printed.high
        assert float(f"{value:.2e}") == pytest.approx(printed.value)
        assert printed.outlet


def test_contract_sizes_are_powers_of_ten_of_what_is_listed(market: Market) -> None:
    sizes = feeds.contract_sizes(market, NOMINAL.venue("okx"))
    assert len(sizes) == 110
    assert sizes["BTC-USDT-SWAP"] == 0.01  # 300 dollars at 65,000: between 0.001 and 0.01, nearer to the latter
    assert feeds.contract_sizes(market, NOMINAL.venue("binance")) == {}
