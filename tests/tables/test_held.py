"""A table held against another: an injected fault is found, and where there is none, none is named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_market import WINDOW, bars, events

from verify.reconcile.held import Shown, Suspicion, suspicions
from verify.reconcile.held_sums import Sums, against_sums

COL = pl.col
SIZES = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0}
TRUTH = events(hours=30, count=3000).with_columns(time=COL("time") - pl.duration(hours=13))


def told(mine: pl.DataFrame, theirs: pl.DataFrame = TRUTH) -> dict[str, Suspicion]:
    return {one.code: one for one in suspicions(Shown("mine", mine), Shown("theirs", theirs), WINDOW)}


def by_sums(mine: pl.DataFrame, theirs: pl.DataFrame) -> dict[str, Suspicion]:
    return {one.code: one for one in against_sums(Sums("mine", mine), Sums("theirs", theirs), WINDOW)}


def later(frame: pl.DataFrame, minutes: int) -> pl.DataFrame:
    return frame.with_columns(time=COL("time") + pl.duration(minutes=minutes))


def swapped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(side=pl.when(COL("side") == "long").then(pl.lit("short")).otherwise(pl.lit("long")))


def scaled(frame: pl.DataFrame, factors: dict[str, float]) -> pl.DataFrame:
    by = COL("asset").replace_strict(factors, default=1.0, return_dtype=pl.Float64)
    return frame.with_columns(notional_usd=COL("notional_usd") * by)


@pytest.mark.parametrize("minutes", [60, -300, 480, 330, 765, -720])
def test_local_time_is_named_with_its_hours(minutes: int) -> None:
    found = told(later(TRUTH, minutes))
    assert set(found) == {"shifted"}
    assert found["shifted"].amount == minutes / 60
    assert f"shifted by {minutes / 60:g} h" in found["shifted"].text
    assert by_sums(later(TRUTH, minutes), bars(TRUTH))["shifted"].amount == minutes / 60


def test_the_side_of_the_order_is_named() -> None:
    assert set(told(swapped(TRUTH))) == {"sides_swapped"}
    assert set(by_sums(swapped(TRUTH), bars(TRUTH))) == {"sides_swapped"}
    assert set(by_sums(bars(swapped(TRUTH), "1h"), TRUTH)) == {"sides_swapped"}


def test_contracts_are_named_with_their_sizes() -> None:
    found = told(scaled(TRUTH, {asset: 1 / size for asset, size in SIZES.items()}))
    assert set(found) == {"contracts_as_coins"}
    assert "looks like contracts x 0.01 (BTC), x 1000 (DOGE), x 0.1 (ETH)" in found["contracts_as_coins"].text


def test_contracts_of_one_asset_are_named() -> None:
    only = TRUTH.filter(COL("asset") == "BTC")
    assert "looks like contracts x 0.01:" in told(scaled(only, {"BTC": 100.0}))["contracts_as_coins"].text


@pytest.mark.parametrize("factor", [10.0, 1000.0, 0.1])
def test_one_asset_in_another_scale_is_named(factor: float) -> None:
    found = told(scaled(TRUTH, {"ETH": factor}))
    assert (set(found), found["asset_scaled"].asset) == ({"asset_scaled"}, "ETH")
    assert found["asset_scaled"].amount == pytest.approx(1 / factor)


def test_quantities_without_price_are_named() -> None:
    assert set(told(TRUTH.with_columns(notional_usd=COL("quantity")))) == {"quantity_without_price"}


def test_rows_doubled_are_named() -> None:
    assert set(told(pl.concat([TRUTH, TRUTH]))) == {"doubled"}
    assert set(by_sums(pl.concat([TRUTH, TRUTH]), bars(TRUTH))) == {"doubled"}


def test_milliseconds_read_as_seconds_are_named_and_do_not_hide_other_faults() -> None:
    wrong = swapped(TRUTH).with_columns(time=(COL("time").dt.epoch("us") * 1000).cast(pl.Datetime("us", "UTC")))
    assert set(told(wrong)) == {"milliseconds_as_seconds", "sides_swapped"}


def test_the_window_before_served_again_is_stale() -> None:
    before = TRUTH.filter(COL("time").is_between(WINDOW.start - WINDOW.length, WINDOW.start))
    again = pl.concat([before, before.with_columns(time=COL("time") + WINDOW.length)])
    assert set(told(again)) == {"stale"}


def test_a_table_that_stops_is_stale() -> None:
    frame = events(count=500)
    stops = frame.filter(COL("time") < frame["time"].quantile(0.6))
    assert set(told(stops, frame)) == {"stale"}
    assert "ends" in told(stops, frame)["stale"].text


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    wrong = scaled(later(swapped(TRUTH), 480), {"ETH": 10.0})
    shuffled = wrong.sample(fraction=1.0, shuffle=True, seed=seed)
    theirs = TRUTH.sample(fraction=1.0, shuffle=True, seed=seed + 1)
    assert told(shuffled, theirs) == told(wrong)


def test_a_sound_table_is_not_accused() -> None:
    """By other readers of one feed (a part of the rows, clocks apart, another basis), and by other markets."""
    accused = []
    for seed in range(25):
        random = np.random.default_rng(seed)
        truth = events(seed, int(random.integers(20, 600)))
        part = truth.sample(fraction=float(random.uniform(0.5, 1)), seed=seed).with_columns(
            time=COL("time") + pl.duration(milliseconds=int(random.integers(-900, 900))),
            notional_usd=COL("notional_usd") * float(np.exp(random.normal(0, 0.01))),
        )
        other = events(seed + 10_000, int(random.integers(20, 600)))
        for mine in (part, other):
            accused += [*told(mine, truth), *by_sums(mine, bars(truth))]
    assert accused == []


def test_other_venues_and_assets_are_not_compared() -> None:
    assert told(swapped(TRUTH).with_columns(venue=pl.lit("gate"))) == {}
    assert told(swapped(TRUTH).filter(COL("asset") == "BTC"), TRUTH.filter(COL("asset") != "BTC")) == {}
