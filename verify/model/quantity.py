"""What a number counts: metric, venues, assets, liquidated side, threshold and counting unit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from verify.model import names
from verify.model.amount import money

#: Whose flow it is, in a series, where a row counts all the funds that a provider lists.
ALL_FUNDS = "all funds"


class Side(StrEnum):
    """The side of the *position* that was liquidated, never the side of the order."""

    LONG = "long"
    SHORT = "short"
    BOTH = "both"

    @property
    def other(self) -> Side:
        return {Side.LONG: Side.SHORT, Side.SHORT: Side.LONG, Side.BOTH: Side.BOTH}[self]


class CountUnit(StrEnum):
    """What one unit of a count is. The same cascade gives different counts in each."""

    TRADERS = "traders"
    POSITIONS = "positions"
    ORDERS = "orders"
    FILLS = "fills"
    UNSPECIFIED = "events"


class Nature(StrEnum):
    """How a metric behaves over time and scope."""

    FLOW = "flow"  # adds up over disjoint windows, venues, assets and sides
    COUNT = "count"  # belongs to a window, but may not add up (one trader can be counted at two venues)
    LEVEL = "level"  # a state at an instant


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by id. Only figures of one metric are ever compared."""

    id: str
    title: str
    nature: Nature
    money: bool = True


LIQUIDATIONS = Metric("liquidations", "liquidations", Nature.FLOW)
LIQUIDATION_COUNT = Metric("liquidation_count", "number of liquidations", Nature.COUNT, money=False)
METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        LIQUIDATIONS,
        LIQUIDATION_COUNT,
        Metric("estimated_liquidations", "estimate of all liquidations", Nature.COUNT),
        Metric("liquidation_rate", "liquidations per hour", Nature.COUNT),
        Metric("realised_losses", "losses realised by liquidation", Nature.COUNT),
        Metric("largest_liquidation", "largest single liquidation", Nature.COUNT),
        Metric("auto_deleveraging", "auto-deleveraging", Nature.COUNT),
        Metric("forced_closures", "liquidations and auto-deleveraging", Nature.COUNT),
        Metric("wallet_losses", "losses of wallets (equity)", Nature.COUNT),
        Metric("open_interest_drop", "fall of open interest", Nature.COUNT),
        Metric("open_interest", "open interest", Nature.LEVEL),
        Metric("price", "price", Nature.LEVEL),
        Metric("unrealised_gain", "unrealised gain", Nature.LEVEL),
        Metric("realised_gain", "realised gain", Nature.COUNT),
        Metric("etf_net_flow", "net flow of exchange-traded funds", Nature.FLOW),
        Metric("dex_volume", "volume of a decentralised exchange", Nature.FLOW),
        Metric("implied_volatility", "implied volatility", Nature.LEVEL, money=False),
        Metric("index_level", "level of an index", Nature.LEVEL, money=False),
        Metric("holding", "holding", Nature.LEVEL, money=False),
        Metric("correlation", "correlation of returns", Nature.LEVEL, money=False),
        Metric("price_change", "change of price", Nature.COUNT, money=False),
        Metric("volatility_change", "change of implied volatility", Nature.COUNT, money=False),
        Metric("share", "share in per cent", Nature.COUNT, money=False),
        Metric("factor", "factor", Nature.COUNT, money=False),
        Metric("remark", "remark without a number", Nature.COUNT, money=False),
    )
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Venues or assets: everything, a set of named members, or a part that nobody named.

    `names` is None for everything the provider covers. With `vague` set the scope is some unnamed part of
    everything ("major exchanges"), and `note` says how it was put.
    """

    names: frozenset[str] | None = None
    vague: bool = False
    note: str = field(default="", compare=False)

    @classmethod
    def of(cls, *members: str) -> Scope:
        return cls(frozenset(members)) if members else cls()

    @property
    def is_all(self) -> bool:
        return self.names is None and not self.vague

    def includes(self, other: Scope) -> bool:
        """Whether `other` is certainly a part of (or the same as) this scope."""
        if self.is_all:
            return True
        if self.vague or other.vague or other.names is None:
            return self == other and not self.vague
        return other.names <= (self.names or frozenset())

    def words(self, kind: str) -> str:
        if self.vague:
            return self.note or f"some {kind}"
        if self.names is None:
            return f"all {kind}"
        return "+".join(sorted(names.title(kind, member) for member in self.names))


ALL = Scope()


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is counted. Money is in US dollars.

    `subject` is whose number it is where that is no venue's: the address of an account.
    """

    metric: Metric = LIQUIDATIONS
    venues: Scope = ALL
    assets: Scope = ALL
    side: Side = Side.BOTH
    threshold_usd: Decimal | None = None
    unit: CountUnit | None = None
    subject: str = ""

    def includes(self, part: Quantity) -> bool:
        """Whether `part` counts nothing that this quantity does not count too.

        A count above a higher threshold is a part of the count above a lower one; counts in different units
        include nothing of each other.
        """
        if (self.metric, self.unit, self.subject) != (part.metric, part.unit, part.subject):
            return False
        threshold = self.threshold_usd or Decimal(0)
        return (
            self.venues.includes(part.venues)
            and self.assets.includes(part.assets)
            and self.side in (Side.BOTH, part.side)
            and threshold <= (part.threshold_usd or Decimal(0))
        )

    def with_side(self, side: Side) -> Quantity:
        return replace(self, side=side)

    def widened(self, field: str) -> Quantity:
        """The same over all "venues" or all "assets"."""
        return replace(self, venues=ALL) if field == "venues" else replace(self, assets=ALL)

    def words(self) -> str:
        """E.g. `long liquidations, all venues, BTC`."""
        side = {Side.BOTH: "total ", Side.LONG: "long ", Side.SHORT: "short "}[self.side]
        if self.metric not in (LIQUIDATIONS, LIQUIDATION_COUNT):
            side = ""
        name = self.metric.title
        if self.metric is LIQUIDATION_COUNT and self.unit is not None:
            side, name = "", f"liquidated {self.unit}"
            if self.side is not Side.BOTH:
                name = f"{self.side} {name}"
        above = f" above {money(self.threshold_usd)}" if self.threshold_usd else ""
        assets = "" if self.assets.is_all else f", {self.assets.words('assets')}"
        whose = f" of {self.subject}" if self.subject else ""
        return f"{side}{name}{whose}{above}, {self.venues.words('venues')}{assets}"
