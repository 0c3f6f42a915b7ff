"""Runs SIMULATED windows through the estimator and compares what it says with what happened.

The one place that knows the simulator and the estimator. Every window is a function of scenario, regime and seed, so
that a run can be repeated, and a window looked at alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import polars as pl

from sources import spec
from sources.simulated.feeds import ShownAggregator, ShownFeed
from sources.simulated.scenarios import SCENARIOS, Scenario, Simulated, scenario, simulate
from sources.simulated.world import Regime
from verify.model.calibration import Calibration
from verify.model.errors import InputError
from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.model.window import Window
from verify.reconcile.estimated import Estimate, FaultKind
from verify.reconcile.hierarchy import dersimonian_laird
from verify.reconcile.judged import Judged, judge
from verify.reconcile.observed import Bars, Belief, CapRule, Evidence, Feed, Keep, Size, Total
from verify.scores import Outcome, Task, summary

#: Which of two contradicting documents is believed, and how much: the newer one a little more.
_DOUBT = 0.6
#: Log standard deviation of a channel's reading in the classical baseline, which must be given one.
_BASELINE_SD = 0.1
#: Claims judged per window, and how far off, as a share, one may be and still be right.
_CLAIMS = 8
_CLAIM_HALF_WIDTH = 0.10
Estimator = Callable[[Evidence], Estimate]
Progress = Callable[[int, int], None]


def evidence_of(shown: Simulated) -> Evidence:
    """What an outsider knows of a simulated window, in the words of the estimator. The truth stays behind."""
    known = shown.shown
    feeds = tuple(
        Feed(
            id=feed.channel,
            venue=feed.venue,
            lineage=(feed.channel,),
            events=feed.events,
            completeness=feed.completeness,
            rules=_beliefs(feed.completeness, feed.cap, doubtful=feed.doubtful),
            covered=feed.covered,
            contract_sizes=feed.contract_sizes,
            earlier=feed.earlier,
        )
        for feed in known.feeds
    )
    totals = tuple(
        Total(
            source=total.source,
            side=Side(total.side),
            notional_usd=total.value,
            lineage=total.lineage,
            venues=frozenset(total.venues) if total.venues is not None else None,
            low=total.low,
            high=total.high,
            outlet=total.outlet,
        )
        for total in known.totals
    )
    sizes = tuple(Size(size.venue, size.open_interest, size.volume) for size in known.sizes)
    bars = tuple(bar for aggregator in known.aggregators for bar in _bars(aggregator))
    return Evidence(known.window, feeds, bars, totals=totals, sizes=sizes)


def _bars(aggregator: ShownAggregator) -> Iterable[Bars]:
    for venue, feed in aggregator.sources.items():
        yield Bars(
            id=f"{aggregator.name}/{venue}",
            venue=venue,
            lineage=(feed.channel,),
            bars=aggregator.bars.filter(pl.col("venue") == venue),
            completeness=feed.completeness,
            rules=_beliefs(feed.completeness, feed.possible, doubtful=feed.doubtful),
            source=aggregator.name,
            earlier=aggregator.earlier.filter(pl.col("venue") == venue),
        )


def _beliefs(completeness: Completeness, cap: spec.Cap | None, *, doubtful: bool = False) -> tuple[Belief, ...]:
    """The documented rule; of two documents that contradict each other both; of an unknown class the rule or none."""
    if cap is None or completeness is Completeness.COMPLETE:
        return ()
    rule = _rule(cap, cap.keep)
    if completeness is Completeness.UNKNOWN:
        return (Belief(rule), Belief(None))
    if not doubtful:
        return (Belief(rule),)
    other = spec.Keep.LATEST if cap.keep is spec.Keep.LARGEST else spec.Keep.LARGEST
    return (Belief(rule, _DOUBT), Belief(_rule(cap, other), 1 - _DOUBT))


def _rule(cap: spec.Cap, keep: spec.Keep) -> CapRule:
    return CapRule(cap.interval.total_seconds(), Keep(str(keep)), "side" in cap.per, cap.most)


def readings(shown: Simulated) -> dict[str, float]:
    """What each channel alone would be quoted for: the sum that it shows, straddling bars by their share of time."""
    found = {feed.channel: _feed_sum(feed, shown.window) for feed in shown.shown.feeds}
    found |= {item.name: _bar_sum(item.bars, shown.window) for item in shown.shown.aggregators}
    found |= {total.source: total.value for total in shown.shown.totals if total.outlet}
    return found


def _feed_sum(feed: ShownFeed, window: Window) -> float:
    inside = feed.events.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
    return float(inside["notional_usd"].sum())


def _bar_sum(bars: pl.DataFrame, window: Window) -> float:
    first = pl.max_horizontal(pl.col("start"), pl.lit(window.start))
    last = pl.min_horizontal(pl.col("end"), pl.lit(window.end))
    length = (last - first).dt.total_seconds().clip(lower_bound=0)
    share = length / (pl.col("end") - pl.col("start")).dt.total_seconds()
    return float(bars.select((pl.col("notional_usd") * share).sum()).item())


def pooled(shown: Simulated) -> float | None:
    """DerSimonian & Laird's mean of log(shown / open interest) over venues, times all open interest."""
    interest = {size.venue: size.open_interest for size in shown.shown.sizes if size.open_interest}
    sums: dict[str, float] = {}
    for aggregator in shown.shown.aggregators:
        for venue in aggregator.sources:
            money = _bar_sum(aggregator.bars.filter(pl.col("venue") == venue), shown.window)
            sums[venue] = max(sums.get(venue, 0.0), money)
    sums |= {feed.venue: _feed_sum(feed, shown.window) for feed in shown.shown.feeds}
    logs = np.array([np.log(money / interest[venue]) for venue, money in sums.items() if money > 0])
    if not len(logs):
        return None
    mean = dersimonian_laird(logs, np.full(len(logs), _BASELINE_SD**2)).mean
    return float(np.exp(mean) * sum(interest.values()))


def run(task: Task, estimator: Estimator) -> Outcome:
    """One window from seed to outcome."""
    shown = simulate(scenario(task.scenario), task.regime, task.seed)
    evidence = evidence_of(shown)
    began = time.process_time()
    estimate = estimator(evidence)
    seconds = time.process_time() - began
    said = estimate.total
    names = {kind.value for kind in FaultKind}
    return Outcome(
        task=task,
        truth=shown.truth.total,
        interval=(said.low90, said.low50, said.median, said.high50, said.high90) if said else None,
        readings=readings(shown),
        pooled=pooled(shown),
        faults=frozenset((channel, name) for channel, name in shown.faults.items() if name in names),
        found=frozenset(
            (_channel(fault.channel, shown), fault.kind.value)
            for fault in estimate.faults
            if fault.kind is not FaultKind.UNEXPLAINED
        ),
        verdicts=tuple((j.confidence.value, right) for j, right in judgements(estimate, shown.truth.total, task)),
        seconds=seconds,
    )


def _channel(name: str, shown: Simulated) -> str:
    """An aggregator's bars are a channel per venue to the estimator, and one channel here."""
    head = name.partition("/")[0]
    return head if any(item.name == head for item in shown.shown.aggregators) else name


def judgements(estimate: Estimate, truth: float, task: Task, claims: int = _CLAIMS) -> Iterable[tuple[Judged, bool]]:
    """Claims "about X" around the truth, judged by the draws, and whether the judgement was right.

    The factors do not depend on the estimate, so that a wide interval has no easier claims than a narrow one.
    """
    rng = np.random.default_rng([task.seed, *task.scenario.encode(), *task.regime.encode()])
    for factor in np.exp(rng.normal(0.0, 0.25, claims)):
        low, high = truth * factor * (1 - _CLAIM_HALF_WIDTH), truth * factor * (1 + _CLAIM_HALF_WIDTH)
        judged = judge(estimate, low, high)
        if judged is not None:
            yield judged, judged.holds == (low <= truth <= high)


def tasks(windows: int, seed: int, scenarios: Sequence[Scenario]) -> list[Task]:
    """`windows` in all, spread evenly over the scenarios, and over the regimes within each."""
    if windows < 1:
        raise InputError(f"{windows} windows are none: ask for one at least")
    regimes = list(Regime)
    found = []
    for number in range(windows):
        place, turn = number % len(scenarios), number // len(scenarios)
        regime = regimes[(turn + place) % len(regimes)]
        found.append(Task(scenarios[place].name, regime, seed * 1_000_003 + turn))
    return found


def calibrate(
    windows: int = 150,
    seed: int = 0,
    scenarios: Sequence[str] = (),
    *,
    estimator: Estimator | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> Calibration:
    """Simulate and estimate `windows` windows in all; without names, of every scenario.

    An `estimator` of one's own runs in this process. Raises `NameUnknown` for a scenario that there is not.
    """
    chosen = [scenario(name) for name in dict.fromkeys(scenarios)] or list(SCENARIOS)
    planned = tasks(windows, seed, chosen)
    outcomes = []
    for outcome in _outcomes(planned, estimator, processes):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), len(planned))
    return summary(outcomes, chosen, seed)


def _outcomes(planned: Sequence[Task], estimator: Estimator | None, processes: int) -> Iterable[Outcome]:
    """In the order planned, so that a run does not depend on which process was faster."""
    if estimator is not None or processes <= 1 or len(planned) < 2:
        run_one = estimator or _estimator()
        yield from (run(task, run_one) for task in planned)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Fresh processes: polars has threads, which a fork would lose.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_single) as pool:
        yield from pool.map(_run_there, planned, chunksize=1)


def _single() -> None:
    """In each process: one thread, as there are as many processes as cores; an interrupt is the parent's to handle."""
    import os
    import signal

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run_there(task: Task) -> Outcome:
    return run(task, _estimator())


def _estimator() -> Estimator:
    """The estimate itself, without what would change it if it were otherwise."""
    from verify.reconcile.estimate import estimate

    return partial(estimate, thorough=False)
