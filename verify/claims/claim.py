"""One figure of a text with its slots, and all that was read in a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from verify.claims.dates import Dateline, When
from verify.claims.spans import Alone, Kind, Number
from verify.claims.text import Document
from verify.model.amount import Hedge
from verify.model.quantity import CountUnit, Side

LIQUIDATIONS = frozenset(
    {"liquidations", "liquidation_count", "largest_liquidation", "share", "auto_deleveraging", "estimated_liquidations",
     "liquidation_risk"}
)  # fmt: skip
#: What a paragraph counts over one time until it names another.
SAME_TIME = LIQUIDATIONS | {"liquidation_count", "etf_net_flow", "dex_volume"}
#: States at a moment: a stretch of hours says nothing about them.
LEVELS = frozenset(
    {"price", "open_interest", "holding", "unrealised_gain", "value_locked", "fund_assets", "market_value"}
)
PRICES = frozenset({"price", "price_change"})


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure of a text with its slots.

    `place` is its span in the original. Empty means not said; `carried` tells from where a slot was taken that the
    sentence itself does not fill, `missing` which slots stay open that a check would need. `timeless` figures take no
    time from others: all that was ever counted, or what is contrasted with what has the time.
    """

    number: Number
    start: int
    end: int
    sentence: str
    metric: str = ""
    side: Side = Side.BOTH
    assets: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    threshold: Decimal | None = None
    when: When | None = None
    direction: str = ""
    attribution: str = ""
    event: str = ""
    timeless: bool = False
    block: int = 0
    position: int = 0
    carried: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.number.amount.text

    @property
    def kind(self) -> Kind:
        return self.number.kind

    @property
    def hedge(self) -> Hedge:
        return self.number.hedge

    @property
    def unit(self) -> CountUnit | None:
        return self.number.unit

    @property
    def missing(self) -> tuple[str, ...]:
        """The slots that a check would need and nothing fills."""
        gaps = []
        if not self.metric:
            gaps.append("metric")
        if self.when is None and self.metric not in LEVELS and self.metric != "factor":
            gaps.append("window")
        if not self.assets and self.metric in ("price", "price_change"):
            gaps.append("asset")
        if not self.attribution:
            gaps.append("attribution")
        return tuple(gaps)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read in a document: claims in order, numbers left alone, and the dateline they were read by."""

    document: Document
    claims: tuple[Claim, ...]
    alone: tuple[Alone, ...]
    published: Dateline | None


#: Metrics of one matter: who counted one, over what time and of what, will have counted the others too.
_MATTERS = {
    "open_interest_drop": "open_interest", "implied_volatility": "volatility", "volatility_change": "volatility",
    "fund_assets": "funds", "etf_net_flow": "funds", "reference_price": "position",
}  # fmt: skip


def matter(metric: str) -> str:
    """Under which name metrics lend one another their slots; wider than `family`."""
    return _MATTERS.get(metric) or family(metric)


def family(metric: str) -> str:
    """Under which name metrics of one matter are compared."""
    if metric in LIQUIDATIONS:
        return "liquidations"
    if metric in PRICES:
        return "price"
    if metric in ("position", "holding", "realised_gain", "unrealised_gain"):
        return "position"
    return metric
