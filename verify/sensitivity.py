"""What the constants of the estimate are worth: each is halved and doubled over the same SIMULATED windows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np

from sources.simulated.scenarios import scenario, simulate
from verify.calibrate import evidence_of, tasks
from verify.reconcile.drawing import Settings
from verify.reconcile.estimate import estimate
from verify.reconcile.observed import Evidence

#: Where the constants count: as modelled, without a yardstick, through sums only, with little evidence, with least.
SCENARIOS = ("nominal", "none_complete", "aggregators_only", "minimal", "outlet_hyperliquid")
#: The constants by name, and what each is. Those in small letters are fields of `Settings`.
CONSTANTS: dict[str, str] = {
    "CALIBRATED": "sd of what a cap hides, by the root of it, with complete feeds",
    "USUAL_FEEDS": "complete feeds that this sd counts like",
    "UNCALIBRATED": "the same sd as a share, without a complete feed",
    "THROUGH_SUMS": "the same sd through sums without numbers of records",
    "BETWEEN": "how far (log) channels of one kind differ in their clumps",
    "FADE": "how a ratio fades over rates that no yardstick has",
    "PRIOR_RECORDS": "records from which a bin of the rate is trusted",
    "LINE": "what a cap hides where no feed tells (log)",
    "RISE": "its rise with the market's records",
    "RISE_WITHIN": "its rise with a venue's records",
    "RISE_INTERVAL": "its rise with the interval of the rule",
    "OF_LARGEST": "its part where the largest is kept",
    "UNEXPLAINED": "its least part beyond local rates",
    "LEVEL_SD": "sd of it that all venues share",
    "UNKNOWN_IS_COMPLETE": "prior that an unknown feed is complete",
    "OTHERWISE": "prior of rules that no document names",
    "COUNTED": "chance that a total counts an unknown venue",
    "LEAST_SD": "least sd of a total that names its venues",
    "UNNAMED_SD": "least sd of one that does not",
    "PARTIAL": "scale of what a partial feed hides",
    "tau_scale": "prior scale of the spread between venues",
    "side_scale": "the same for the shares of longs",
    "group_sd": "sd that venues without a channel share",
    "shared": "part of a cap's error that all venues share",
}
_MOST = {"UNKNOWN_IS_COMPLETE": 0.9, "COUNTED": 1.0, "FADE": 1.0, "OTHERWISE": 0.9, "shared": 1.0}


@dataclass(frozen=True, slots=True)
class Result:
    """Over the windows: mean absolute error, share of 90 % intervals that hold the truth, their median log width."""

    error: float
    covers: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One constant: its value, and the results with other values of it."""

    name: str
    what: str
    value: float
    halved: Result
    doubled: Result


def sensitivity(
    windows: int, seed: int, names: Sequence[str] = tuple(CONSTANTS), progress: Callable[[str], None] | None = None
) -> tuple[Result, list[Row]]:
    """The result as it stands and one row per constant, on `windows` windows of each of `SCENARIOS`."""
    planned = tasks(windows * len(SCENARIOS), seed, [scenario(name) for name in SCENARIOS])
    shown = [simulate(scenario(task.scenario), task.regime, task.seed) for task in planned]
    known = [(evidence_of(one), one.truth.total) for one in shown]
    plain = _result(known, Settings())
    rows = []
    for name in names:
        halved, doubled = (_with(name, factor, known) for factor in (0.5, 2.0))
        rows.append(Row(name, CONSTANTS[name], value(name), halved, doubled))
        if progress is not None:
            progress(name)
    return plain, rows


def value(name: str) -> float:
    """The value of a constant as it stands."""
    if name in _settings():
        return float(getattr(Settings(), name))
    return float(getattr(next(_holding(name)), name))


def _settings() -> set[str]:
    return {field.name for field in fields(Settings)}


def _holding(name: str) -> Iterator[object]:
    """The modules of the estimate that hold a constant, the one that defines it or those that import it."""
    for module, held in sorted(sys.modules.items()):
        if module.startswith("verify.reconcile.") and hasattr(held, name):
            yield held


def _with(name: str, factor: float, known: Sequence[tuple[Evidence, float]]) -> Result:
    changed = min(value(name) * factor, _MOST.get(name, np.inf))
    if name in _settings():
        settings = Settings()
        object.__setattr__(settings, name, changed)  # frozen for everybody else
        return _result(known, settings)
    with _held(name, changed):
        return _result(known, Settings())


@contextmanager
def _held(name: str, changed: float) -> Iterator[None]:
    before = value(name)
    modules = list(_holding(name))
    try:
        for module in modules:
            setattr(module, name, changed)
        yield
    finally:
        for module in modules:
            setattr(module, name, before)


def _result(known: Iterable[tuple[Evidence, float]], settings: Settings) -> Result:
    errors, hits, widths = [], [], []
    for evidence, truth in known:
        total = estimate(evidence, settings, thorough=False).total
        if total is not None:
            errors.append(abs(total.median / truth - 1))
            hits.append(total.low90 <= truth <= total.high90)
            widths.append(float(np.log(total.high90 / total.low90)))
    return Result(float(np.mean(errors)), float(np.mean(hits)), float(np.median(widths)))
