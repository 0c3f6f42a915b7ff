"""What simulated windows and their estimates amount to: errors, coverage, interval scores, faults, reliability.

Pure counting over outcomes; `verify.calibrate` makes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sources.simulated.scenarios import Scenario
from sources.simulated.world import Regime
from verify.model.calibration import Calibration, Reliability, Score, Tenth

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """One window to simulate and estimate."""

    scenario: str
    regime: Regime
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One window: what was true, what was said, and what simple methods would have said. Money is in dollars.

    `interval` is (5 %, 25 %, 50 %, 75 %, 95 %), None where nothing was estimated. `readings` are what each channel
    alone would be quoted for. `faults` and `found` are pairs of channel and name. `verdicts` are pairs of confidence
    and whether the verdict was right.
    """

    task: Task
    truth: float
    interval: tuple[float, float, float, float, float] | None
    readings: Mapping[str, float]
    pooled: float | None
    faults: frozenset[tuple[str, str]] = frozenset()
    found: frozenset[tuple[str, str]] = frozenset()
    verdicts: tuple[tuple[float, bool], ...] = ()
    seconds: float = 0.0


def summary(outcomes: Sequence[Outcome], scenarios: Sequence[Scenario], seed: int) -> Calibration:
    """The scores of a run."""
    titles = {item.name: item for item in scenarios}
    by_scenario = tuple(
        score(item.name, item.title, [o for o in outcomes if o.task.scenario == item.name])
        for item in scenarios
        if any(o.task.scenario == item.name for o in outcomes)
    )
    by_regime = tuple(
        score(str(regime), f"all scenarios, {regime}", [o for o in outcomes if o.task.regime is regime])
        for regime in Regime
        if any(o.task.regime is regime for o in outcomes)
    )
    modelled = [v for o in outcomes if titles[o.task.scenario].modelled for v in o.verdicts]
    other = [v for o in outcomes if not titles[o.task.scenario].modelled for v in o.verdicts]
    return Calibration(
        windows=len(outcomes),
        seed=seed,
        scenarios=by_scenario,
        regimes=by_regime,
        faults=fault_table(outcomes),
        modelled=reliability(modelled),
        other=reliability(other),
    )


def score(name: str, title: str, outcomes: Sequence[Outcome]) -> Score:
    """The figures of `Score` over these windows."""
    told = [(outcome, outcome.interval) for outcome in outcomes if outcome.interval is not None]
    truth = np.array([outcome.truth for outcome, _ in told])
    low90, low50, median, high50, high90 = np.array([interval for _, interval in told]).reshape(-1, 5).T
    any_told = bool(told)
    there = sum(len(outcome.faults) for outcome in outcomes)
    found = sum(len(outcome.found) for outcome in outcomes)
    hits = sum(len(outcome.faults & outcome.found) for outcome in outcomes)
    seconds = [outcome.seconds for outcome in outcomes]
    return Score(
        name=name,
        title=title,
        windows=len(outcomes),
        unanswered=len(outcomes) - len(told),
        bias=float(np.median(np.log(median / truth))) if any_told else None,
        mape=float(np.mean(np.abs(median / truth - 1))) if any_told else None,
        best=_best(outcomes),
        mean=_error(outcomes, np.mean),
        median=_error(outcomes, np.median),
        maximum=_error(outcomes, np.max),
        pooled=_mean([abs(o.pooled / o.truth - 1) for o in outcomes if o.pooled is not None]),
        covers50=float(np.mean((low50 <= truth) & (truth <= high50))) if any_told else None,
        covers90=float(np.mean((low90 <= truth) & (truth <= high90))) if any_told else None,
        interval=float(np.mean(interval_score(truth, low90, high90, 0.1) / truth)) if any_told else None,
        faults=there,
        precision=hits / found if found else None,
        recall=hits / there if there else None,
        seconds=float(np.median(seconds)) if seconds else 0.0,
        longest=max(seconds, default=0.0),
    )


def interval_score(truth: Floats, low: Floats, high: Floats, alpha: float) -> Floats:
    """Gneiting & Raftery 2007, equation 43 (doi 10.1198/016214506000001437): width, and a penalty for each miss."""
    return (high - low) + 2 / alpha * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))


def _best(outcomes: Sequence[Outcome]) -> float | None:
    """The error of the one channel that did best, of those that were there in half of the windows at least."""
    errors: dict[str, list[float]] = {}
    for outcome in outcomes:
        for name, value in outcome.readings.items():
            errors.setdefault(name, []).append(abs(value / outcome.truth - 1))
    usual = [values for values in errors.values() if 2 * len(values) >= len(outcomes)]
    return min((float(np.mean(values)) for values in usual), default=None)


def _error(outcomes: Sequence[Outcome], combine: Callable[[list[float]], np.floating | float]) -> float | None:
    return _mean([abs(float(combine(list(o.readings.values()))) / o.truth - 1) for o in outcomes if o.readings])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def fault_table(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int, int]]:
    """By name: how many there were, how many were found by their name, how often it was named in vain."""
    there, hit, vain = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        there.update(name for _, name in outcome.faults)
        hit.update(name for _, name in outcome.faults & outcome.found)
        vain.update(name for _, name in outcome.found - outcome.faults)
    return {name: (there[name], hit[name], vain[name]) for name in sorted(there.keys() | vain.keys())}


def reliability(verdicts: Sequence[tuple[float, bool]]) -> Reliability:
    """Verdicts by tenths of their confidence."""
    stated = np.array([confidence for confidence, _ in verdicts])
    right = np.array([hit for _, hit in verdicts], dtype=np.float64)
    tenths = []
    for number in range(10):
        low, high = number / 10, (number + 1) / 10
        mine = (stated >= low) & ((stated < high) | (number == 9))
        count = int(mine.sum())
        tenths.append(
            Tenth(
                low,
                high,
                count,
                float(stated[mine].mean()) if count else None,
                float(right[mine].mean()) if count else None,
            )
        )
    if not len(stated):
        return Reliability(tuple(tenths), 0, None, None)
    gaps = [t.verdicts * abs(t.stated - t.right) for t in tenths if t.stated is not None and t.right is not None]
    return Reliability(
        tuple(tenths), len(stated), float(np.mean((stated - right) ** 2)), float(sum(gaps) / len(stated))
    )
