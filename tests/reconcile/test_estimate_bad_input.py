"""Input that is wrong or poor: a clear result or a clear error, and never a NaN."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from estimate_market import LATEST, START, WINDOW, events_of, feed, market, tape

from verify.model.errors import InputError
from verify.model.figure import Completeness
from verify.model.frames import EVENT_COLUMNS, empty
from verify.model.quantity import Side
from verify.model.window import Window
from verify.reconcile.estimate import estimate
from verify.reconcile.estimated import Estimate, Kind
from verify.reconcile.observed import Bars, Belief, CapRule, Evidence, Feed, Keep, Row, Size, Total


def numbers(value: object) -> list[float]:
    if isinstance(value, float):
        return [value]
    if is_dataclass(value) and not isinstance(value, type):
        return [n for f in fields(value) for n in numbers(getattr(value, f.name))]
    if isinstance(value, dict):
        return [n for entry in value.values() for n in numbers(entry)]
    if isinstance(value, (tuple, list)):
        return [n for entry in value for n in numbers(entry)]
    if isinstance(value, np.ndarray):
        return [float(n) for n in value.ravel()]
    return []


def finite(answer: Estimate) -> Estimate:
    assert all(math.isfinite(n) for n in numbers(answer))
    return answer


def only(events: pl.DataFrame, completeness: Completeness = Completeness.COMPLETE) -> Evidence:
    rules = (LATEST,) if completeness is Completeness.CAPPED else ()
    return Evidence(
        WINDOW, feeds=(feed("amber", events, completeness, *rules),), sizes=(Size("amber", 1e9), Size("b", 2e9))
    )


def test_nothing_at_all_is_nothing() -> None:
    answer = finite(estimate(Evidence(WINDOW)))
    assert answer.kind is Kind.NOTHING
    assert answer.total is None
    assert answer.probability(0, 1) is None


def test_feeds_that_all_show_nothing_are_not_an_estimate_of_zero() -> None:
    evidence, _ = market()
    silent = tuple(replace(f, events=empty(EVENT_COLUMNS)) for f in evidence.feeds)
    answer = finite(estimate(replace(evidence, feeds=silent)))
    assert answer.kind is Kind.NOTHING
    assert answer.limits == (f"{len(silent)} channels show nothing at all: silence cannot be told from quiet.",)
    one = finite(estimate(only(empty(EVENT_COLUMNS))))
    assert one.limits == ("1 channel shows nothing at all: silence cannot be told from quiet.",)


@pytest.mark.parametrize("completeness", list(Completeness))
def test_one_event_is_enough_for_a_lower_bound(completeness: Completeness) -> None:
    answer = finite(estimate(only(tape(1, "amber", 1), completeness)))
    assert answer.kind is Kind.LOWER_BOUND


@pytest.mark.parametrize("completeness", [Completeness.COMPLETE, Completeness.CAPPED, Completeness.UNKNOWN])
def test_all_events_in_one_second(completeness: Completeness) -> None:
    events = tape(1, "amber", 300).with_columns(
        time=pl.lit(START + timedelta(minutes=7)).cast(pl.Datetime("us", "UTC"))
    )
    answer = finite(estimate(only(events, completeness)))
    assert answer.total is not None
    assert answer.total.median >= 0.99 * float(events["notional_usd"].sum())


@pytest.mark.parametrize("factor", [1e-16, 1e10])
def test_tiny_and_huge_amounts(factor: float) -> None:
    evidence, truth = market()
    scaled = tuple(
        replace(f, events=f.events.with_columns(pl.col("notional_usd", "quantity") * factor)) for f in evidence.feeds
    )
    answer = finite(estimate(replace(evidence, feeds=scaled)))
    assert answer.total is not None
    assert answer.total.median == pytest.approx(truth * factor, rel=0.2)


@pytest.mark.parametrize("size", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_sizes_that_are_none_leave_venues_without_a_channel_out(size: float | None) -> None:
    evidence, _ = market()
    sizes = tuple(Size(s.venue, size, size) for s in evidence.sizes)
    answer = finite(estimate(replace(evidence, sizes=sizes)))
    assert answer.extrapolated == 0.0
    assert any("left out" in limit for limit in answer.limits)


def test_some_missing_sizes_are_filled_from_volume() -> None:
    evidence, truth = market()
    sizes = tuple(replace(s, open_interest_usd=None) if i % 2 else s for i, s in enumerate(evidence.sizes))
    answer = finite(estimate(replace(evidence, sizes=sizes)))
    assert answer.total is not None
    assert answer.total.low90 < truth < answer.total.high90


def test_a_window_longer_than_the_data() -> None:
    evidence, _ = market()
    week = Window(WINDOW.start - timedelta(days=3), WINDOW.end + timedelta(days=3))
    answer = finite(estimate(replace(evidence, window=week)))
    assert answer.total is not None


def test_a_window_that_misses_the_data() -> None:
    evidence, _ = market()
    later = Window(WINDOW.end + timedelta(hours=1), WINDOW.end + timedelta(hours=5))
    assert finite(estimate(replace(evidence, window=later))).kind is Kind.NOTHING


def test_every_channel_faulty_at_once_is_said() -> None:
    evidence, _ = market()
    broken = []
    for place, one in enumerate(evidence.feeds):
        events = events_of(evidence, one.venue)
        match place % 3:
            case 0:
                events = pl.concat([events, events])
            case 1:
                events = events.with_columns(notional_usd=pl.col("quantity"))
            case _:
                events = events.clear()
        broken.append(replace(one, events=events))
    answer = finite(estimate(replace(evidence, feeds=tuple(broken))))
    assert {fault.channel for fault in answer.faults} == {one.id for one in evidence.feeds}


def test_rows_and_totals_without_a_number_are_ignored() -> None:
    evidence, _ = market()
    rows = tuple(Row("counter", "ginkgo", Side.BOTH, value, ("x",)) for value in (float("nan"), -5.0))
    totals = tuple(Total("t", Side.BOTH, value, ("t",)) for value in (float("nan"), 0.0, float("inf")))
    finite(estimate(replace(evidence, rows=rows, totals=totals)))


def test_bars_only() -> None:
    edge = [START - timedelta(minutes=30), START + timedelta(minutes=30), START + timedelta(minutes=210)]
    frame = pl.DataFrame(
        {
            "start": pl.Series(edge).cast(pl.Datetime("us", "UTC")),
            "end": pl.Series([e + timedelta(hours=1) for e in edge]).cast(pl.Datetime("us", "UTC")),
            "venue": ["amber"] * 3,
            "asset": ["BTC"] * 3,
            "side": ["long", "long", "short"],
            "notional_usd": [2e6, 5e6, 1e6],
            "count": [3, 4, 5],
            "source": ["sums"] * 3,
            "completeness": ["complete"] * 3,
        }
    )
    bars = Bars("sums/amber", "amber", ("amber/feed",), frame, Completeness.COMPLETE)
    answer = finite(estimate(Evidence(WINDOW, bars=(bars,), sizes=(Size("amber", 1e9),))))
    assert answer.total is not None
    # the bars inside are so busy that those over the edges are taken to lie inside, too: nothing else is known
    assert answer.total.median == pytest.approx(8e6, rel=0.02)


def test_a_capped_feed_without_a_rule_is_refused() -> None:
    with pytest.raises(InputError, match="by no rule"):
        Feed("a", "a", ("a",), empty(EVENT_COLUMNS), Completeness.CAPPED)
    with pytest.raises(InputError, match="share an id"):
        Evidence(WINDOW, feeds=(feed("a", empty(EVENT_COLUMNS)), feed("a", empty(EVENT_COLUMNS))))
    with pytest.raises(InputError, match="two sizes"):
        Evidence(WINDOW, sizes=(Size("a"), Size("a")))
    for interval in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="interval"):
            CapRule(interval, Keep.LATEST)
    with pytest.raises(InputError, match="no weight"):
        Belief(LATEST, float("nan"))
