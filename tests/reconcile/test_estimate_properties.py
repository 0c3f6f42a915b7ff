"""What must hold of every estimate, whatever the market."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import polars as pl
import pytest
from estimate_market import LARGEST, LATEST, VENUES, WINDOW, market, tape, with_feed

from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.model.window import Window
from verify.reconcile.estimate import estimate
from verify.reconcile.estimated import Estimate, Kind
from verify.reconcile.observed import Belief, Evidence, Row, Total


def quick(evidence: Evidence) -> Estimate:
    return estimate(evidence, thorough=False)


def width(answer: Estimate) -> float:
    assert answer.total is not None
    return float(np.log(answer.total.high90 / answer.total.low90))


def same(first: Estimate, second: Estimate, tolerance: float = 1e-9) -> None:
    for a, b in ((first.total, second.total), (first.long, second.long), (first.short, second.short)):
        assert a is not None
        assert b is not None
        assert a.median == pytest.approx(b.median, rel=tolerance)
        assert a.low90 == pytest.approx(b.low90, rel=tolerance)
        assert a.high90 == pytest.approx(b.high90, rel=tolerance)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_lies_in_the_interval_and_near_the_median(seed: int) -> None:
    evidence, truth = market(seed)
    answer = quick(evidence)
    assert answer.kind is Kind.ESTIMATE
    assert answer.total is not None
    assert answer.total.low90 < truth < answer.total.high90
    assert answer.total.median == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_draw_is_below_what_complete_feeds_show(seed: int) -> None:
    evidence, _ = market(seed)
    answer = quick(evidence)
    complete = [f for f in evidence.feeds if f.completeness is Completeness.COMPLETE]
    shown = sum(float(f.events["notional_usd"].sum()) for f in complete)
    assert answer.draws[Side.BOTH].min() >= shown
    for one in complete:
        venue = next(v for v in answer.venues if v.venue == one.venue)
        assert venue.total.low90 >= float(one.events["notional_usd"].sum()) * (1 - 1e-9)


@pytest.mark.parametrize("venues", [frozenset(VENUES), frozenset({"amber", "dogwood"})], ids=["all", "capped only"])
def test_scaling_all_amounts_scales_the_result(venues: frozenset[str]) -> None:
    evidence, _ = market()
    evidence = replace(evidence, feeds=tuple(f for f in evidence.feeds if f.venue in venues))
    factor = 37.0
    money = [pl.col("notional_usd") * factor, pl.col("quantity") * factor]
    scaled = replace(evidence, feeds=tuple(replace(f, events=f.events.with_columns(money)) for f in evidence.feeds))
    first, second = quick(evidence), quick(scaled)
    assert first.total is not None
    assert second.total is not None
    for name in ("median", "low50", "high50", "low90", "high90"):
        assert getattr(second.total, name) == pytest.approx(factor * getattr(first.total, name), rel=1e-6)


def test_the_order_of_sources_changes_nothing() -> None:
    evidence, _ = market()
    turned = replace(evidence, feeds=evidence.feeds[::-1], sizes=evidence.sizes[::-1])
    same(quick(evidence), quick(turned))


def test_the_names_of_venues_change_nothing() -> None:
    evidence, _ = market()
    names = {size.venue: f"z{99 - index}" for index, size in enumerate(evidence.sizes)}
    renamed = replace(
        evidence,
        feeds=tuple(
            replace(f, id=f"{names[f.venue]}/x", venue=names[f.venue], lineage=(f"{names[f.venue]}/x",))
            for f in evidence.feeds
        ),
        sizes=tuple(replace(size, venue=names[size.venue]) for size in evidence.sizes),
    )
    same(quick(evidence), quick(renamed))


def test_the_time_zone_changes_nothing() -> None:
    evidence, _ = market()
    zone = timezone(timedelta(hours=8))
    window = Window(WINDOW.start.astimezone(zone), WINDOW.end.astimezone(zone))
    same(quick(evidence), quick(replace(evidence, window=window)), 0.0)


def test_the_same_evidence_gives_the_same_bytes() -> None:
    evidence, _ = market()
    first, second = estimate(evidence), estimate(evidence)
    assert first == second
    assert first.draws[Side.BOTH].tobytes() == second.draws[Side.BOTH].tobytes()


def test_a_second_channel_of_the_same_lineage_never_narrows() -> None:
    evidence, _ = market()
    rows = tuple(
        Row(
            "counter",
            f.venue,
            side,
            float(f.events.filter(pl.col("side") == str(side))["notional_usd"].sum()),
            f.lineage,
        )
        for f in evidence.feeds
        for side in (Side.LONG, Side.SHORT)
    )
    alone, doubled = quick(evidence), quick(replace(evidence, rows=rows))
    assert width(doubled) >= width(alone) - 1e-9
    assert doubled.lineages == alone.lineages


def test_two_aggregators_over_one_feed_are_as_sure_as_one() -> None:
    evidence, _ = market()
    left = tuple(f for f in evidence.feeds if f.venue != "amber")

    def rows(*sources: str) -> tuple[Row, ...]:
        rule = (Belief(LATEST),)
        return tuple(
            Row(source, "amber", side, usd, ("amber/feed",), Completeness.CAPPED, rule)
            for source in sources
            for side, usd in ((Side.LONG, 4e7), (Side.SHORT, 5e6))
        )

    one = quick(replace(evidence, feeds=left, rows=rows("a")))
    two = quick(replace(evidence, feeds=left, rows=rows("a", "b")))
    assert width(two) >= width(one) - 1e-9


def test_an_independent_agreeing_channel_does_not_widen() -> None:
    evidence, _ = market()
    fewer = replace(evidence, feeds=tuple(f for f in evidence.feeds if f.venue != "cedar"))
    assert width(quick(evidence)) <= width(quick(fewer)) + 0.02


def test_a_total_of_its_own_lineage_is_a_constraint_and_used_once() -> None:
    evidence, truth = market()
    shown = sum(float(f.events["notional_usd"].sum()) for f in evidence.feeds)
    total = Total("counter", Side.BOTH, shown, ("counter",), frozenset(VENUES))
    once = quick(replace(evidence, totals=(total,)))
    twice = quick(replace(evidence, totals=(total, replace(total, source="copy"))))
    same(once, twice)
    assert once.total is not None
    assert once.total.low90 < truth < once.total.high90


def test_a_gap_that_is_declared_is_filled_by_the_others_profile() -> None:
    evidence, _ = market()
    whole = quick(evidence)
    gone = Window(WINDOW.start + timedelta(minutes=60), WINDOW.start + timedelta(minutes=90))
    parts = (Window(WINDOW.start, gone.start), Window(gone.end, WINDOW.end))
    birch = next(f for f in evidence.feeds if f.venue == "birch").events
    left = birch.filter((pl.col("time") < gone.start) | (pl.col("time") >= gone.end))
    answer = quick(with_feed(evidence, "birch", events=left, covered=parts))
    truth = float(birch["notional_usd"].sum())
    venue = next(v for v in answer.venues if v.venue == "birch")
    assert venue.total.low90 <= truth <= venue.total.high90
    assert width(answer) >= width(whole) - 0.02


def test_a_rule_that_documents_get_wrong_is_found_out() -> None:
    evidence, truth = market()
    wrong = with_feed(evidence, "amber", rules=(Belief(LARGEST),))
    answer = quick(wrong)
    believed = [r for r in answer.rules if r.channel == "amber/feed" and r.posterior > 0.5]
    assert [r.rule.split()[0] for r in believed] == ["latest"]
    assert answer.total is not None
    assert answer.total.low90 < truth < answer.total.high90


def test_shares_and_causes_add_up() -> None:
    answer = estimate(market()[0])
    assert answer.shown + answer.hidden + answer.extrapolated == pytest.approx(1.0)
    assert sum(answer.variance.values()) == pytest.approx(1.0)
    assert {change.name for change in answer.without} == {f"{venue}/feed" for venue in VENUES}
    assert len(answer.sensitivity) == 8


def test_one_lineage_is_a_lower_bound_that_says_so() -> None:
    evidence, _ = market()
    alone = replace(evidence, feeds=evidence.feeds[1:2])
    answer = quick(alone)
    assert answer.kind is Kind.LOWER_BOUND
    assert answer.lineages == 1
    assert "One lineage" in answer.limits[0]
    assert width(answer) > width(quick(evidence))


def test_one_outlet_alone_is_a_lower_bound() -> None:
    total = Total("outlet", Side.BOTH, 7.5e8, ("outlet",), outlet=True)
    answer = quick(Evidence(WINDOW, totals=(total,)))
    assert answer.kind is Kind.LOWER_BOUND
    assert answer.total is not None
    assert answer.draws[Side.BOTH].min() >= 7.5e8
    assert answer.total.high90 > 2 * answer.total.low90


def test_the_draws_judge_a_claim() -> None:
    evidence, truth = market()
    answer = quick(evidence)
    assert answer.probability(0.0, float("inf")) == 1.0
    near, far = answer.probability(0.8 * truth, 1.25 * truth), answer.probability(3 * truth, 4 * truth)
    assert near is not None
    assert far is not None
    assert near > 0.8
    assert far < 0.05


def test_assets_are_estimated_with_their_own_intervals() -> None:
    evidence, _ = market()
    answer = quick(evidence)
    shown = pl.concat([tape(1, venue, count) for venue, (count, _) in VENUES.items()])
    truth = float(shown.filter(pl.col("asset") == "A0")["notional_usd"].sum())
    assert answer.assets["A0"].high90 > truth
    assert sum(interval.median for interval in answer.assets.values()) == pytest.approx(
        answer.total.median if answer.total else 0.0, rel=0.1
    )
