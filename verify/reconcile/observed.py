"""What the estimate rests on: event feeds, bars, rows and totals of aggregators, sizes of venues, over one window.

Plain data. Venues, sources and lineages are opaque names: nothing is known of any of them but what stands here. A
lineage is a tuple of names of measuring feeds: channels that share one of them are one vote. Money is in US dollars,
one-sided (each liquidated position once); sides are those of the position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from verify.model.errors import InputError
from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.model.window import Window

if TYPE_CHECKING:
    import polars as pl


class Keep(StrEnum):
    """Which record a capped feed keeps of each interval."""

    LATEST = "latest"  # the last of each clock interval (tumbling)
    LARGEST = "largest"  # the largest of each clock interval (tumbling)
    FIRST = "first"  # the first, then nothing for one interval (leading, non-paralyzable dead time)


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most `most` records per instrument (`by_side`: and side) and `interval` seconds, of which `keep` is kept."""

    interval: float
    keep: Keep
    by_side: bool = False
    most: int = 1

    def __post_init__(self) -> None:
        _require(0 < self.interval < float("inf"), f"an interval of {self.interval} seconds is none")
        _require(self.most >= 1, f"a rule that keeps {self.most} records keeps none")


@dataclass(frozen=True, slots=True)
class Belief:
    """One rule that a feed may follow (None: it shows everything) and its weight before looking at the feed."""

    rule: CapRule | None
    weight: float = 1.0

    def __post_init__(self) -> None:
        _require(0 <= self.weight < float("inf"), f"{self.weight} is no weight")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of single liquidations of one venue.

    `events` passes `verify.model.frames.EVENTS`; what lies outside the window is ignored. `rules` are the ways in
    which a capped feed may thin (needed there, also useful for unknown ones). `covered` are the parts of the window
    that were listened to (None: all of it). `contract_sizes` are coins per contract by instrument, where a contract
    is not one coin. `earlier` are the events of the equally long window before, where they are known: a stale feed
    repeats them.
    """

    id: str
    venue: str
    lineage: tuple[str, ...]
    events: pl.DataFrame
    completeness: Completeness
    rules: tuple[Belief, ...] = ()
    covered: tuple[Window, ...] | None = None
    contract_sizes: Mapping[str, float] = field(default_factory=dict)
    earlier: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        _require(bool(self.id and self.venue and self.lineage), "a feed needs an id, a venue and a lineage")
        capped = self.completeness is Completeness.CAPPED
        _require(not capped or any(b.rule for b in self.rules), f"{self.id} is capped, but by no rule")


@dataclass(frozen=True, slots=True)
class Bars:
    """Sums of one venue per interval: `bars` passes `verify.model.frames.BARS`. A bar over an edge only bounds.

    `completeness` and `rules` are those of the feed that the bars were added up from. `source` names who added them up
    (as in the frame): what goes wrong there goes wrong for all its venues. `earlier` are the bars of the window before.
    """

    id: str
    venue: str
    lineage: tuple[str, ...]
    bars: pl.DataFrame
    completeness: Completeness
    rules: tuple[Belief, ...] = ()
    covered: tuple[Window, ...] | None = None
    source: str = ""
    earlier: pl.DataFrame | None = None

    @property
    def by(self) -> str:
        """Who added them up."""
        return self.source or (str(self.bars["source"][0]) if self.bars.height else self.id)


@dataclass(frozen=True, slots=True)
class Row:
    """What an aggregator shows for one venue over the whole window.

    `side` may be `both`. `source` names the aggregator, `lineage` the measuring feeds beneath (the venue's own feed
    and, where it is one, the aggregator's own recording). `completeness` and `rules` are those of the venue's feed.
    `earlier` is the same cell for the window before. `low` and `high` bound it where it was rounded.
    """

    source: str
    venue: str
    side: Side
    notional_usd: float
    lineage: tuple[str, ...]
    completeness: Completeness = Completeness.UNKNOWN
    rules: tuple[Belief, ...] = ()
    earlier: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A total *as shown* over several venues (None: the provider does not say which) for the whole window.

    It constrains what feeds show together, not what was lost. `low` and `high` are what its rounding leaves open.
    `outlet` marks a number that was printed, not fetched. `lineage` as for rows.
    """

    source: str
    side: Side
    notional_usd: float
    lineage: tuple[str, ...]
    venues: frozenset[str] | None = None
    low: float | None = None
    high: float | None = None
    outlet: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """How large a venue is: one-sided open interest and 24-hour volume in US dollars, whichever is known.

    Every venue of the market that is estimated has one, covered or not. Zero, negative and missing are not known.
    `completeness` is that of the venue's public feed, whether it was read or not: totals are sums of such feeds.
    """

    venue: str
    open_interest_usd: float | None = None
    volume_usd: float | None = None
    completeness: Completeness = Completeness.UNKNOWN


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known about one window. The order of the entries means nothing."""

    window: Window
    feeds: tuple[Feed, ...] = ()
    bars: tuple[Bars, ...] = ()
    rows: tuple[Row, ...] = ()
    totals: tuple[Total, ...] = ()
    sizes: tuple[Size, ...] = ()

    def __post_init__(self) -> None:
        ids = [feed.id for feed in self.feeds] + [bars.id for bars in self.bars]
        _require(len(set(ids)) == len(ids), "two channels share an id")
        venues = [size.venue for size in self.sizes]
        _require(len(set(venues)) == len(venues), "a venue has two sizes")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(message)
