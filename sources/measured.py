"""What sources deliver as figures of their own lineage: material for everything that published figures are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from sources.collect import WORSE, Delivery
from verify.model import names
from verify.model.amount import Amount, Hedge
from verify.model.figure import Basis, Completeness, EvidenceRef, Figure
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, Quantity, Scope, Side
from verify.model.report import Finding
from verify.model.window import Window

#: How far sums of a complete channel may be off from sums of the money that was traded, where it tells prices of
#: another basis (bankruptcy, mark): measured at a few per mille on Gate and some per cent on small coins at Bybit; see
#: docs/sources.md. Sums at the average fill are what was traded, but for the rounding of many additions.
BASIS_GAP = Decimal("0.01")
ROUNDING_GAP = Decimal("0.000003")


def figures(deliveries: Iterable[Delivery], window: Window, quantity: Quantity) -> list[Figure]:
    """What the sources measured of `quantity`: dollars of liquidations, or their number in each counting unit."""
    if quantity.metric == LIQUIDATIONS:
        return sums(deliveries, window, quantity)
    if quantity.metric == LIQUIDATION_COUNT:
        return counted(deliveries, window, quantity)
    return []


def counted(deliveries: Iterable[Delivery], window: Window, quantity: Quantity) -> list[Figure]:
    """How many liquidations each channel that tells them apart counts above the threshold, a figure per unit.

    A part of a window holds no more of them than the whole, so that what is incomplete is a lower bound.
    """
    found = []
    for delivery in deliveries:
        exact = delivery.completeness is Completeness.COMPLETE and delivery.whole(window)
        for unit, number in delivery.counts.items():
            asked = quantity.venues.names
            venues = [venue for venue in delivery.channel.venues if asked is None or venue in asked]
            states = Quantity(
                LIQUIDATION_COUNT, Scope.of(*venues), quantity.assets, quantity.side, quantity.threshold_usd, unit
            )
            value = Decimal(number)
            amount = Amount(value, value, value, Hedge.NONE if exact else Hedge.AT_LEAST, "", None)
            found.append(_figure([delivery], window, states, amount))
    return found


def parts(deliveries: Iterable[Delivery], quantity: Quantity) -> list[Finding]:
    """That a count of all venues was asked where one venue's is known: it is none of all, but may be what was meant."""
    if quantity.venues.names is not None:
        return []
    found = []
    for delivery in deliveries:
        if delivery.counts and len(delivery.channel.venues) == 1:
            venue = delivery.channel.venues[0]
            where = names.title("venues", venue)
            text = (
                f"{delivery.source.title} counts {counts_words(delivery)} at {where} alone, which is no count of all"
                f" venues: to judge a claim about it add --venue {venue}"
            )
            found.append(Finding("count_of_one_venue", text, ()))
    return found


def counts_words(delivery: Delivery) -> str:
    """E.g. `120 fills, 41 orders, 38 positions`."""
    return ", ".join(
        f"{number:,} {str(unit).removesuffix('s') if number == 1 else unit}" for unit, number in delivery.counts.items()
    )


def sums(deliveries: Iterable[Delivery], window: Window, quantity: Quantity) -> list[Figure]:
    """What each source counts at its venues as figures of its own lineage: long, short and total.

    Channels of one source add up (linear and coin-margined contracts), as each feed is asked once. The sum is exact
    but for the gap between bases where every channel is complete and was asked for all of the window; else it is a
    lower bound.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Delivery]] = {}
    for delivery in deliveries:
        groups.setdefault((delivery.source.id, tuple(sorted(set(delivery.channel.venues)))), []).append(delivery)
    found = []
    for (_, venues), group in groups.items():
        answered = [delivery for delivery in group if delivery.long_usd is not None]  # None too where sides are one
        if not answered:
            continue
        exact = len(answered) == len(group) and all(
            delivery.completeness is Completeness.COMPLETE and delivery.whole(window) for delivery in group
        )
        asked = quantity.venues.names
        named = [venue for venue in venues if asked is None or venue in asked]  # an aggregator serves many
        long = sum(delivery.long_usd or 0.0 for delivery in answered)
        short = sum(delivery.short_usd or 0.0 for delivery in answered)
        for side, value in ((Side.LONG, long), (Side.SHORT, short), (Side.BOTH, long + short)):
            states = Quantity(LIQUIDATIONS, Scope.of(*named), quantity.assets, side)
            found.append(_figure(answered, window, states, _money(answered, value, exact=exact)))
    return found


def _money(group: Sequence[Delivery], dollars: float, *, exact: bool) -> Amount:
    value = Decimal(repr(round(dollars, 2)))
    gap = ROUNDING_GAP if {d.channel.price_basis for d in group} == {Basis.AVERAGE_FILL} else BASIS_GAP
    return Amount(value, value * (1 - gap), value * (1 + gap), Hedge.NONE if exact else Hedge.AT_LEAST, "USD", None)


def _figure(group: Sequence[Delivery], window: Window, states: Quantity, amount: Amount) -> Figure:
    first = group[0]
    source = first.source
    title = names.title("venues", first.channel.venues[0]) if source.kind == "venue" else source.title
    evidence = next((delivery.evidence[0] for delivery in group if delivery.evidence), first.label)
    return Figure(
        quantity=states,
        amount=amount,
        window=Window(window.start, window.end),
        outlet=source.title,
        url=first.channel.docs[0],
        attribution=f"{source.title} (own data)",
        declared_lineage=title,
        basis=first.channel.price_basis,
        completeness=max((delivery.completeness for delivery in group), key=WORSE.index),
        evidence=EvidenceRef(evidence),
    )
