"""What an estimate says: intervals, faults found, what was seen, what supposed, and what it would not survive.

Plain data. Money is in US dollars. No number stands without its interval; the draws behind them judge claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from verify.model.quantity import Side

Draws = NDArray[np.float64]


class Kind(StrEnum):
    """What the evidence is good for."""

    ESTIMATE = "estimate"
    LOWER_BOUND = "lower_bound"  # what is shown can be stated, what is hidden cannot
    NOTHING = "nothing"


class FaultKind(StrEnum):
    """The named faults of a channel."""

    SIDES_SWAPPED = "sides_swapped"
    CONTRACTS_AS_COINS = "contracts_as_coins"
    QUANTITY_WITHOUT_PRICE = "quantity_without_price"
    ASSET_SCALED = "asset_scaled"  # one asset x10 ... x1000 or its inverse
    DOUBLED = "doubled"
    SHIFTED = "shifted"  # by whole hours
    MILLISECONDS_AS_SECONDS = "milliseconds_as_seconds"
    STALE = "stale"
    EMPTY = "empty"
    GAP = "gap"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was found: in which channel, how sure, on what evidence, and what was done.

    `amount` is the factor of a scale, the hours of a shift, the share of a gap or of doubled rows. `asset` names what
    it concerns where it is one. `action` is `mended` (used with a penalty) or `set aside`.
    """

    channel: str
    kind: FaultKind
    probability: float
    evidence: str
    action: str
    amount: float | None = None
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Interval:
    """Median, central 50 % and central 90 %."""

    median: float
    low50: float
    high50: float
    low90: float
    high90: float

    @classmethod
    def of(cls, draws: Draws) -> Interval:
        low90, low50, median, high50, high90 = (float(q) for q in np.quantile(draws, (0.05, 0.25, 0.5, 0.75, 0.95)))
        return cls(median, low50, high50, low90, high90)


@dataclass(frozen=True, slots=True)
class VenueEstimate:
    """One venue: what its best channel shows and what it lost. `basis` is how it is known: `complete`, `capped`,
    `unknown`, `partial` or `extrapolated`."""

    venue: str
    basis: str
    shown: float
    total: Interval
    long: Interval
    short: Interval
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleShare:
    """The probability of one rule of a capped feed, before and after looking."""

    channel: str
    rule: str
    prior: float
    posterior: float


@dataclass(frozen=True, slots=True)
class Change:
    """The total under another assumption, or without a lineage, as a factor of the stated one."""

    name: str
    factor: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer to "what really happened", and all that it rests on.

    `total`, `long` and `short` are None where nothing is known; with `kind` `lower_bound` they are intervals of what
    is shown at least. `shown`, `hidden` and `extrapolated` are shares of the median total that add up to one.
    `variance` is the share of the log variance by cause. `tau` is the heterogeneity of venues (log standard
    deviation). `limits` say in words why the interval is as wide as it is.
    """

    kind: Kind
    total: Interval | None
    long: Interval | None
    short: Interval | None
    shown_usd: float
    lineages: int
    venues: tuple[VenueEstimate, ...] = ()
    assets: Mapping[str, Interval] = field(default_factory=dict)
    shown: float = 0.0
    hidden: float = 0.0
    extrapolated: float = 0.0
    variance: Mapping[str, float] = field(default_factory=dict)
    tau: Interval | None = None
    faults: tuple[Fault, ...] = ()
    rules: tuple[RuleShare, ...] = ()
    without: tuple[Change, ...] = ()
    sensitivity: tuple[Change, ...] = ()
    limits: tuple[str, ...] = ()
    window: float = 1.0
    draws: Mapping[Side, Draws] = field(default_factory=dict, repr=False, compare=False)

    def probability(self, low: float, high: float, side: Side = Side.BOTH) -> float | None:
        """The probability that the market lost an amount in `[low, high]`; None where nothing is known."""
        draws = self.draws.get(side)
        if draws is None:
            return None
        return float(np.mean((draws >= low) & (draws <= high)))
