"""Each simulated fault does what its name says, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from sources.simulated.faults import (
    OF_BARS,
    SOFT_OF_BARS,
    Fault,
    damage_totals,
    with_bar_fault,
    with_fault,
)
from sources.simulated.feeds import ShownAggregator, ShownFeed
from sources.simulated.scenarios import scenario, simulate
from sources.simulated.world import Regime
from verify.model.frames import BARS, EVENTS

HOUR = timedelta(hours=1)
WHOLE = simulate(scenario("nominal"), Regime.CRASH, 21)
WINDOW = WHOLE.window
FEED = next(feed for feed in WHOLE.shown.feeds if feed.contract_sizes)
BARRED = WHOLE.shown.aggregators[0]


def faulty(fault: Fault, seed: int = 1) -> pl.DataFrame:
    changed: ShownFeed = with_fault(FEED, fault, WINDOW, np.random.default_rng(seed))
    assert changed.fault == fault
    return EVENTS.validate(changed.events, lazy=True)


def barred(fault: Fault, seed: int = 1) -> pl.DataFrame:
    changed: ShownAggregator = with_bar_fault(BARRED, fault, WINDOW, np.random.default_rng(seed))
    assert changed.fault == fault
    return BARS.validate(changed.bars, lazy=True)


def by(frame: pl.DataFrame, column: str) -> dict[str, float]:
    return dict(frame.group_by(column).agg(pl.col("notional_usd").sum()).iter_rows())


def test_swapped_sides_change_nothing_but_the_sides() -> None:
    assert by(faulty(Fault.SWAPPED), "side")["long"] == pytest.approx(by(FEED.events, "side")["short"])
    assert by(barred(Fault.SWAPPED), "side")["long"] == pytest.approx(by(BARRED.bars, "side")["short"])


def test_contracts_read_as_coins_are_off_by_the_size_of_the_contract_of_each_asset() -> None:
    before, after = by(FEED.events, "instrument"), by(faulty(Fault.CONTRACTS), "instrument")
    for name, money in before.items():
        assert after[name] * FEED.contract_sizes[name] == pytest.approx(money)


def test_a_quantity_without_its_price_is_a_number_of_coins() -> None:
    assert (faulty(Fault.NO_PRICE)["notional_usd"] == FEED.events["quantity"]).all()


@pytest.mark.parametrize("make", [faulty, barred])
def test_one_asset_is_ten_or_a_thousand_times_too_large(make) -> None:  # type: ignore[no-untyped-def]
    before = by(FEED.events if make is faulty else BARRED.bars, "asset")
    after = by(make(Fault.ASSET_SCALE), "asset")
    ratios = sorted(after[asset] / before[asset] for asset in before)
    assert ratios[-1] == pytest.approx(10) or ratios[-1] == pytest.approx(1000)
    assert ratios[-2] == pytest.approx(1)


def test_doubled_rows_repeat_instrument_time_size_and_side() -> None:
    frame = faulty(Fault.DOUBLED)
    assert frame.height == 2 * FEED.events.height
    assert frame["event_id"].n_unique() == frame.height
    assert frame.unique(["instrument", "time", "notional_usd", "side"]).height <= FEED.events.height
    assert barred(Fault.DOUBLED)["notional_usd"].sum() == pytest.approx(2 * BARRED.bars["notional_usd"].sum())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shift_shows_what_happened_whole_hours_before(seed: int) -> None:
    moved = faulty(Fault.SHIFTED, seed)
    truth = pl.concat([FEED.earlier, FEED.events])
    shifts = []
    for hours in (1, 2, 3):
        back = moved.select(pl.col("time") - hours * HOUR, "instrument", "notional_usd")
        shifts.append(back.join(truth, on=["time", "instrument", "notional_usd"], how="anti").height == 0)
    assert shifts.count(True) == 1


def test_milliseconds_read_as_seconds_lie_far_outside_the_window() -> None:
    assert (faulty(Fault.TIME_UNIT)["time"].dt.timestamp("us") == FEED.events["time"].dt.timestamp("us") * 1000).all()


def test_a_stale_feed_repeats_the_window_before() -> None:
    stale = faulty(Fault.STALE)
    assert (stale["time"] - WINDOW.length == FEED.earlier["time"]).all()
    assert (stale["notional_usd"] == FEED.earlier["notional_usd"]).all()
    bars = barred(Fault.STALE)
    assert bars["notional_usd"].sum() == pytest.approx(BARRED.earlier["notional_usd"].sum())
    assert bars["end"].max() > WINDOW.start  # type: ignore[operator]


def test_an_empty_channel_is_an_empty_frame() -> None:
    assert faulty(Fault.SILENT).is_empty()
    assert barred(Fault.SILENT).is_empty()


@pytest.mark.parametrize("seed", range(5))
def test_a_gap_is_one_missing_part_of_a_quarter_to_three_fifths(seed: int) -> None:
    kept = faulty(Fault.GAP, seed)
    assert kept.join(FEED.events, on="event_id", how="anti").is_empty()
    missing = FEED.events.join(kept, on="event_id", how="anti")["time"]
    if len(missing):
        assert missing.max() - missing.min() <= 0.6 * WINDOW.length  # type: ignore[operator]
        between = kept.filter(pl.col("time") > missing.min(), pl.col("time") < missing.max())
        assert between.is_empty()


@pytest.mark.parametrize("seed", range(4))
def test_a_drifting_or_lossy_channel_is_off_by_less_than_a_quarter(seed: int) -> None:
    before = FEED.events["notional_usd"].sum()
    assert 0.75 * before < faulty(Fault.DRIFT, seed)["notional_usd"].sum() < 1.25 * before
    assert faulty(Fault.LOSSY, seed).height == pytest.approx(0.9 * FEED.events.height, rel=0.05)
    bars = BARRED.bars["notional_usd"].sum()
    assert barred(Fault.LOSSY, seed)["notional_usd"].sum() == pytest.approx(0.9 * bars)
    assert 0.75 * bars < barred(Fault.DRIFT, seed)["notional_usd"].sum() < 1.35 * bars


@pytest.mark.parametrize("seed", range(4))
def test_short_silences_only_take_away(seed: int) -> None:
    kept = faulty(Fault.GAPS, seed)
    assert kept.height < FEED.events.height
    assert kept.join(FEED.events, on="event_id", how="anti").is_empty()


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_leaves_events_in_time_order_and_the_original_untouched(fault: Fault) -> None:
    before = FEED.events.clone()
    assert faulty(fault)["time"].is_sorted()
    assert FEED.events.equals(before)


@pytest.mark.parametrize("fault", [*OF_BARS, *SOFT_OF_BARS])
def test_every_fault_of_bars_changes_them(fault: Fault) -> None:
    assert not barred(fault).equals(BARRED.bars)


def test_faults_of_bars_reach_the_counter_where_they_must() -> None:
    totals = tuple(total for total in WHOLE.shown.totals if total.source == BARRED.name)
    assert damage_totals(totals, Fault.SILENT) == ()
    assert sum(t.value for t in damage_totals(totals, Fault.DOUBLED)) == pytest.approx(2 * sum(t.value for t in totals))
    swapped = {t.side: t.value for t in damage_totals(totals, Fault.SWAPPED)}
    assert swapped["long"] == next(t.value for t in totals if t.side == "short")
