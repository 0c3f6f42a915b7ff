"""The parts of the estimate, each against a reference or a truth of its own."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from estimate_market import FIRST, LARGEST, LATEST, SECONDS, WINDOW, capped, clumped, feed, market, tape, with_feed
from hypothesis import given
from hypothesis import strategies as st

from verify.model.figure import Completeness
from verify.reconcile.calibration import Curves
from verify.reconcile.estimate import estimate
from verify.reconcile.estimated import FaultKind
from verify.reconcile.gaps import spans, without
from verify.reconcile.hiding import Hiding
from verify.reconcile.hierarchy import Chance, dersimonian_laird, paule_mandel, pool, resample
from verify.reconcile.observed import Bars, Belief, CapRule, Evidence, Keep
from verify.reconcile.records import records
from verify.reconcile.rules import judge
from verify.reconcile.thinning import cap, correct, excess

RULES = [LATEST, LARGEST, FIRST, CapRule(1.0, Keep.LARGEST, by_side=True), CapRule(5.0, Keep.LATEST, most=2)]


@pytest.mark.parametrize("seed", range(12))
def test_classical_estimates_agree_with_statsmodels(seed: int) -> None:
    reference = pytest.importorskip("statsmodels.stats.meta_analysis")
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 20))
    y, variance = rng.normal(0, rng.choice([0.5, 3.0]), count), rng.uniform(0.05, 1.0, count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = reference.combine_effects(y, variance, method_re="chi2")
        # from zero its Newton steps give up on some inputs
        tau2, converged = reference._fit_tau_iterative(y, variance, tau2_start=theirs.tau2, atol=1e-12, maxiter=1000)
    mine = dersimonian_laird(y, variance)
    assert mine.tau2 == pytest.approx(max(theirs.tau2, 0.0), abs=1e-8)
    if theirs.tau2 >= 0:
        assert mine.mean == pytest.approx(float(theirs.mean_effect_re), abs=1e-8)
        assert mine.error == pytest.approx(float(theirs.sd_eff_w_re), abs=1e-8)
    if converged or tau2 > 0:
        assert paule_mandel(y, variance).tau2 == pytest.approx(max(tau2, 0.0), abs=1e-8)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_capped_feed_keeps_what_its_rule_says_and_owners_partition_the_rest(rule: CapRule) -> None:
    whole = records(tape(3, "x", 3000), WINDOW, {})
    kept, owner = cap(whole, rule)
    assert not excess(kept, rule).any()
    assert len(owner) == len(whole)
    assert np.bincount(owner, weights=whole.usd).sum() == pytest.approx(whole.usd.sum())
    if rule.keep is Keep.LARGEST:
        assert (kept.usd[owner] >= whole.usd).all()
    again, _ = cap(kept, rule)
    assert len(again) == len(kept)


@pytest.mark.parametrize("rule", RULES[:4], ids=str)
@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0])
def test_dead_time_corrections_recover_a_poisson_feed(rule: CapRule, rate: float) -> None:
    rng = np.random.default_rng(7)
    count = rng.poisson(rate * SECONDS)
    events = tape(5, "x", count).with_columns(
        time=pl.Series(np.sort(rng.uniform(0, SECONDS, count)) * 1e6 + WINDOW.start.timestamp() * 1e6, dtype=pl.Float64)
        .cast(pl.Int64)
        .cast(pl.Datetime("us", "UTC")),
        instrument=pl.lit("one"),
        side=pl.lit("long"),
    )
    whole = records(events, WINDOW, {})
    kept, _ = cap(whole, rule)
    found = correct(kept, rule, SECONDS)
    assert found.usd.sum() == pytest.approx(whole.usd.sum(), rel=0.12)
    assert (found.usd >= kept.usd * (1 - 1e-12)).all()


@pytest.mark.parametrize("rule", [LATEST, LARGEST, FIRST], ids=str)
def test_a_busy_feed_betrays_its_rule(rule: CapRule) -> None:
    events = tape(2, "x", 12000)
    shown = capped(events, rule)
    others = [records(tape(2, name, 6000), WINDOW, {}) for name in ("y", "z")]
    documented = LATEST if rule is not LATEST else LARGEST
    one = feed("x", shown, Completeness.CAPPED, documented)
    best = judge(one, records(shown, WINDOW, {}), SECONDS, Curves(others, SECONDS))[0]
    assert best.rule == rule
    assert best.posterior > 0.8


def test_a_feed_documented_as_capped_that_repeats_within_seconds_is_complete() -> None:
    events = tape(2, "x", 12000)
    one = feed("x", events, Completeness.CAPPED, LATEST)
    best = judge(one, records(events, WINDOW, {}), SECONDS, Curves([], SECONDS))[0]
    assert best.rule is None


def to_the_second(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(pl.col("time").dt.truncate("1s"))


def test_of_records_of_one_time_none_is_the_last_by_its_size() -> None:
    whole = records(to_the_second(tape(2, "x", 12000)), WINDOW, {})
    latest, _ = cap(whole, LATEST)
    largest, _ = cap(whole, LARGEST)
    plain, _ = cap(records(tape(2, "x", 12000), WINDOW, {}), LATEST)
    assert latest.usd.sum() == pytest.approx(plain.usd.sum(), rel=0.05)
    assert latest.usd.sum() < 0.95 * largest.usd.sum()


def test_a_coarse_clock_does_not_teach_which_record_came_last() -> None:
    fine = [records(tape(2, name, 6000), WINDOW, {}) for name in ("y", "z")]
    coarse = records(to_the_second(tape(2, "x", 6000)), WINDOW, {})
    for rule in (LATEST, FIRST):
        assert Curves([coarse, *fine], SECONDS).get(rule).feeds == 2
        assert Curves([coarse], SECONDS).get(rule).feeds == 1
    assert Curves([coarse, *fine], SECONDS).get(LARGEST).feeds == 3


def hourly(venue: str, events: pl.DataFrame) -> pl.DataFrame:
    """An aggregator's sums of a feed, in hours from the window's start."""
    return (
        events.with_columns(start=pl.col("time").dt.truncate("1h"))
        .group_by("start", "asset", "side", maintain_order=True)
        .agg(pl.col("notional_usd").sum(), pl.len().cast(pl.Int64).alias("count"))
        .with_columns(
            end=pl.col("start") + timedelta(hours=1),
            venue=pl.lit(venue),
            source=pl.lit("sums"),
            completeness=pl.lit("capped"),
        )
    )


@pytest.mark.parametrize("rule", [LATEST, LARGEST, CapRule(5.0, Keep.LATEST)], ids=str)
def test_sums_of_a_capped_feed_are_raised_by_what_complete_feeds_hide_in_cells_like_theirs(rule: CapRule) -> None:
    evidence, _ = market(6)
    events = tape(6, "amber", 9000)
    bars = Bars(
        "sums/amber",
        "amber",
        ("amber/feed",),
        hourly("amber", capped(events, rule)),
        Completeness.CAPPED,
        (Belief(rule),),
    )
    feeds = tuple(f for f in evidence.feeds if f.venue != "amber")
    answer = estimate(replace(evidence, feeds=feeds, bars=(bars,)), thorough=False)
    amber = next(v for v in answer.venues if v.venue == "amber")
    truth = float(events["notional_usd"].sum())
    assert amber.total.median == pytest.approx(truth, rel=0.15)
    assert amber.total.low90 < truth < amber.total.high90


def test_without_a_yardstick_a_cap_hides_more_in_a_busier_market_and_over_longer_intervals() -> None:
    quiet, busy = Hiding(Curves([], SECONDS), 4.0, 1e4), Hiding(Curves([], SECONDS), 4.0, 1e5)
    assert busy.unmeasured(1e3, LATEST) > quiet.unmeasured(1e3, LATEST) > quiet.unmeasured(1e3, LARGEST)
    assert quiet.unmeasured(1e3, CapRule(5.0, Keep.LATEST)) > quiet.unmeasured(1e3, LATEST)
    assert quiet.unmeasured(1e3, CapRule(1.0, Keep.LATEST, most=2)) < quiet.unmeasured(1e3, LATEST)
    assert busy.unmeasured(4e4, LATEST) > busy.unmeasured(1e3, LATEST)


def test_stratified_draws_have_exact_moments() -> None:
    chance = Chance(1, 4000)
    assert chance.normal().mean() == pytest.approx(0.0, abs=1e-12)
    assert chance.normal().std() == pytest.approx(1.0, abs=2e-3)
    assert np.array_equal(Chance(5, 100).normals(3), Chance(5, 100).normals(3))


@pytest.mark.parametrize("y", [[0.0, 0.2, -0.3, 0.1], [0.0, 0.1, -0.1, 2.5], [1.0, 1.4, 0.7, 1.1, 0.9, -2.0]], ids=str)
def test_pooling_is_that_of_students_t_also_with_an_outlier(y: list[float]) -> None:
    """Against the posterior of location and scale of t with 5 degrees, summed over a grid."""
    mu, tau = np.meshgrid(np.linspace(-4, 4, 801), np.linspace(0.005, 3, 600))
    each = [-3.0 * np.log1p(((one - mu) / tau) ** 2 / 5) - np.log(tau) for one in y]
    density = np.exp(np.sum(each, 0) - 0.5 * (tau / 0.7) ** 2)
    density /= density.sum()
    draws = 200_000
    pooled = pool(np.broadcast_to(y, (draws, len(y))), np.full((draws, len(y)), 1e-3), 0.7, Chance(1, draws))
    weight = np.exp(pooled.evidence - pooled.evidence.max())
    weight /= weight.sum()
    assert (weight * pooled.mu).sum() == pytest.approx(float((density * mu).sum()), abs=0.03)
    assert (weight * pooled.tau).sum() == pytest.approx(float((density * tau).sum()), rel=0.05)


def test_a_ratio_fades_where_no_record_tells_and_liquidations_are_dense() -> None:
    """A calm feed says nothing of busy seconds: what it says of calm ones is not carried over whole."""
    curve = Curves([clumped(1)], SECONDS).get(LATEST)
    dense = curve.log_ratio[-3:]
    assert curve.log_ratio[0] > 0.05
    assert dense[0] > dense[1] > dense[2] > 0


def test_resampling_follows_the_weights() -> None:
    weight = np.log(np.r_[np.full(500, 3.0), np.full(500, 1.0)])
    chosen = resample(weight, Chance(1, 1000))
    assert (chosen < 500).mean() == pytest.approx(0.75, abs=0.01)


spans_ = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda p: (min(p), max(p))), max_size=5)


@given(spans_, st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda p: (min(p), max(p))))
def test_taking_a_span_away_leaves_nothing_of_it(parts: list[tuple[float, float]], gone: tuple[float, float]) -> None:
    for start, end in without(parts, gone):
        assert end > start
        assert end <= gone[0] or start >= gone[1]


def test_covered_parts_are_merged_and_cut() -> None:
    window = WINDOW
    first = window.shifted(-timedelta(hours=3))
    assert spans((first, first), window) == ((0.0, 3600.0),)
    assert spans((), window) == ()
    assert spans(None, window) == ((0.0, SECONDS),)


def _broken(kind: FaultKind, events: pl.DataFrame) -> dict[str, object]:
    match kind:
        case FaultKind.SIDES_SWAPPED:
            other = pl.when(pl.col("side") == "long").then(pl.lit("short")).otherwise(pl.lit("long"))
            return {"events": events.with_columns(side=other)}
        case FaultKind.CONTRACTS_AS_COINS:
            sizes = {f"A{a}-PERP": 10.0 ** (a % 5 - 2) for a in range(12)}
            size = pl.col("instrument").replace_strict(sizes)
            scaled = events.with_columns(pl.col("notional_usd") / size, pl.col("quantity") / size)
            return {"events": scaled, "contract_sizes": sizes}
        case FaultKind.QUANTITY_WITHOUT_PRICE:
            return {"events": events.with_columns(notional_usd=pl.col("quantity"))}
        case FaultKind.ASSET_SCALED:
            factor = pl.when(pl.col("asset") == "A1").then(1000.0).otherwise(1.0)
            return {"events": events.with_columns(pl.col("notional_usd") * factor, pl.col("quantity") * factor)}
        case FaultKind.DOUBLED:
            return {"events": pl.concat([events, events]).sort("time")}
        case FaultKind.MILLISECONDS_AS_SECONDS:
            return {
                "events": events.with_columns((pl.col("time").cast(pl.Int64) * 1000).cast(pl.Datetime("us", "UTC")))
            }
        case FaultKind.STALE:
            earlier = tape(99, "cedar", 4000).with_columns(pl.col("time") - WINDOW.length)
            return {"events": earlier.with_columns(pl.col("time") + WINDOW.length), "earlier": earlier}
        case FaultKind.SHIFTED:
            late = events.with_columns(pl.col("time") + timedelta(hours=1))
            return {"events": late.filter(pl.col("time") < WINDOW.end)}
        case FaultKind.EMPTY:
            return {"events": events.clear()}
        case _:
            begin, end = WINDOW.start + timedelta(hours=1), WINDOW.start + timedelta(hours=3)
            return {"events": events.filter((pl.col("time") < begin) | (pl.col("time") >= end))}


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.UNEXPLAINED])
def test_each_fault_is_found_named_and_survived(kind: FaultKind) -> None:
    evidence, truth = market(4)
    cedar = next(f for f in evidence.feeds if f.venue == "cedar")
    answer = estimate(with_feed(evidence, "cedar", **_broken(kind, cedar.events)), thorough=False)
    assert [(fault.channel, fault.kind) for fault in answer.faults] == [("cedar/feed", kind)]
    assert all(fault.evidence and 0.5 < fault.probability <= 1 for fault in answer.faults)
    assert answer.total is not None
    assert answer.total.low90 < truth < answer.total.high90


@pytest.mark.parametrize(("factor", "channel"), [(1000.0, "cedar/feed"), (0.001, "cedar/feed"), (10.0, None)])
def test_of_two_feeds_the_one_is_wrong_whose_asset_is_unlike_its_others(factor: float, channel: str | None) -> None:
    evidence, _ = market(4)
    two = replace(evidence, feeds=tuple(f for f in evidence.feeds if f.venue in ("cedar", "birch")))
    cedar = next(f for f in two.feeds if f.venue == "cedar")
    scale = pl.when(pl.col("asset") == "A1").then(factor).otherwise(1.0)
    scaled = cedar.events.with_columns(pl.col("notional_usd") * scale, pl.col("quantity") * scale)
    answer = estimate(with_feed(two, "cedar", events=scaled), thorough=False)
    named = {fault.channel for fault in answer.faults if fault.kind is FaultKind.ASSET_SCALED}
    assert named == ({channel} if channel else set())  # ten times is too little to tell which of two is wrong


@pytest.mark.parametrize("seed", range(5))
def test_a_market_without_faults_has_none(seed: int) -> None:
    assert estimate(market(seed)[0], thorough=False).faults == ()


def _sums_of(evidence: Evidence, flip: bool = False) -> tuple[Bars, ...]:
    other = pl.when(pl.col("side") == "long").then(pl.lit("short")).otherwise(pl.lit("long")).alias("side")
    found = []
    for one in evidence.feeds:
        frame = hourly(one.venue, one.events)
        frame = frame.with_columns(other) if flip else frame
        name = f"sums/{one.venue}"
        found.append(Bars(name, one.venue, one.lineage, frame, one.completeness, one.rules, source="sums"))
    return tuple(found)


@pytest.mark.parametrize("feeds", [2, 4])
def test_sums_that_have_the_sides_of_every_feed_wrong_are_at_fault_themselves(feeds: int) -> None:
    evidence, _ = market(8)
    evidence = replace(evidence, feeds=evidence.feeds[:feeds])
    answer = estimate(replace(evidence, bars=_sums_of(evidence, flip=True)), thorough=False)
    assert [(fault.channel, fault.kind) for fault in answer.faults] == [("sums", FaultKind.SIDES_SWAPPED)]


def test_sums_of_a_small_venue_may_be_empty() -> None:
    evidence, _ = market(8)
    tiny = Bars("sums/ginkgo", "ginkgo", ("ginkgo/feed",), _sums_of(evidence)[0].bars.clear(), Completeness.COMPLETE)
    sizes = tuple(replace(s, open_interest_usd=1e3) if s.venue == "ginkgo" else s for s in evidence.sizes)
    assert estimate(replace(evidence, bars=(tiny,), sizes=sizes), thorough=False).faults == ()
    answer = estimate(replace(evidence, bars=(tiny,)), thorough=False)
    assert [fault.kind for fault in answer.faults] == [FaultKind.EMPTY]
