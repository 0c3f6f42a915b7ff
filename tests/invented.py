"""Figures of events that never happened, for tests: short to write, explicit where it matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, METRICS, CountUnit, Quantity, Scope, Side
from verify.model.window import Window

NOON = datetime(2031, 5, 17, 12, tzinfo=UTC)


def window(hours: float, *, ending: float = 0, slack: float = 0) -> Window:
    """A window of some hours, ending so many hours after noon, its edges good to `slack` minutes."""
    end = NOON + timedelta(hours=ending)
    return Window(end - timedelta(hours=hours), end, timedelta(minutes=slack))


def quantity(
    side: str = "both", *, venues: str = "", assets: str = "", metric: str = LIQUIDATIONS.id, unit: str = ""
) -> Quantity:
    """A quantity from words: several venues or assets are joined with +."""
    return Quantity(
        METRICS[metric],
        Scope.of(*filter(None, venues.split("+"))),
        Scope.of(*filter(None, assets.split("+"))),
        Side(side),
        unit=CountUnit(unit) if unit else None,
    )


def figure(
    amount: str,
    side: str = "both",
    over: Window | None = None,
    *,
    page: str = "one",
    says: str = "CoinGlass",
    venues: str = "",
    assets: str = "",
    metric: str = LIQUIDATIONS.id,
    unit: str = "",
    lineage: str = "",
    note: str = "",
    windowless: bool = False,
) -> Figure:
    """One figure, printed by the outlet `page` after the provider that it `says`."""
    stated = Amount.parse(amount)
    if unit:
        stated = Amount(stated.value, stated.low, stated.high, stated.hedge, "", None, stated.text)
    return Figure(
        quantity=quantity(side, venues=venues, assets=assets, metric=metric, unit=unit),
        amount=stated,
        window=None if windowless else over or window(4),
        outlet=page,
        url=f"https://{page}.example/article",
        attribution=says,
        declared_lineage=lineage,
        note=note,
    )
