"""How well an estimator did on SIMULATED markets whose truth is known: plain data for renderers and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """What was measured over some windows. Shares are of the true total.

    `bias` is the median of log(estimate / truth); `mape` the mean absolute error, `best`, `mean`, `median`, `maximum`
    and `pooled` those of the baselines: the single channel that did best, in hindsight; mean, median and maximum of
    the channels' readings; DerSimonian & Laird's mean of the channels, scaled by open interest. `covers50` and
    `covers90` are the shares of windows whose interval holds the truth, `interval` the mean interval score of the
    90 % interval (Gneiting & Raftery 2007, equation 43) over the truth. `precision` and `recall` are of named faults
    (None: none were found, none were there). `seconds` is CPU time of the estimator per window: median and longest.
    `unanswered` windows have no interval and are in no other figure but these two.
    """

    name: str
    title: str
    windows: int
    unanswered: int
    bias: float | None
    mape: float | None
    best: float | None
    mean: float | None
    median: float | None
    maximum: float | None
    pooled: float | None
    covers50: float | None
    covers90: float | None
    interval: float | None
    faults: int
    precision: float | None
    recall: float | None
    seconds: float
    longest: float

    @property
    def of_best(self) -> float | None:
        """The error as a share of that of the best single channel."""
        return self.mape / self.best if self.mape is not None and self.best else None


@dataclass(frozen=True, slots=True)
class Tenth:
    """Verdicts with a confidence in `[low, high)`: how many, the mean confidence, the share that was right."""

    low: float
    high: float
    verdicts: int
    stated: float | None
    right: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether confidences are kept. `brier` is the mean squared error, `error` the mean gap weighted by verdicts."""

    tenths: tuple[Tenth, ...]
    verdicts: int
    brier: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A run: `windows` per `seed`, scores by scenario and by regime, the faults by name, and the reliability.

    `faults` maps a fault's name to how many there were, how many were found by their name, and how often it was named
    in vain.
    """

    windows: int
    seed: int
    scenarios: tuple[Score, ...]
    regimes: tuple[Score, ...]
    faults: Mapping[str, tuple[int, int, int]]
    modelled: Reliability
    other: Reliability
    simulated: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, which says first that it is simulated."""
        plain = asdict(self)
        del plain["simulated"]
        return {"simulated": True, **plain}
