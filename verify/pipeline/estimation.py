"""From what sources delivered, and what was printed, to the estimate of what the market lost.

Feeds of events, aggregators' bars, sizes of venues and totals that name no venue become the evidence that
`verify.reconcile.estimate` takes. Where nothing was measured, printed numbers are all there is: venues' rows, and what
is left of a total when they are taken off. What a number was printed for is used once per lineage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from sources.adapter import merged_weights
from sources.collect import Delivery
from sources.spec import CompletenessRule, Form
from verify.model.amount import money
from verify.model.figure import Completeness
from verify.model.quantity import LIQUIDATIONS, Quantity, Side
from verify.model.window import Window
from verify.pipeline.beliefs import beliefs, live_feeds, of_venue
from verify.reconcile.channels import Channel
from verify.reconcile.estimate import estimate
from verify.reconcile.estimated import Estimate, Kind
from verify.reconcile.observed import Bars, Evidence, Feed, Row, Size, Total
from verify.reconcile.statements import Statement

if TYPE_CHECKING:
    from sources.adapter import Weight
    from verify.pipeline.judging import Measured, Question

#: Venues that a lineage counts and does not tell apart; no registered name has brackets.
REST = "(venues not told apart)"
#: Why printed numbers of several lineages are no estimate of the whole.
PRINTED_ONLY = "Only printed numbers are known, and no venue's size: venues that nobody names are left out."
#: No venue is smaller than this many dollars: less is a placeholder, or counts another unit.
LEAST_SIZE = 10_000.0
_WORSE = [Completeness.COMPLETE, Completeness.UNKNOWN, Completeness.PARTIAL, Completeness.CAPPED]
#: A row of an aggregator for all venues at once is no venue.
_NO_VENUE = frozenset({"all", "others", "other"})


@dataclass(frozen=True, slots=True)
class Estimation:
    """The estimate with the evidence that it rests on."""

    estimate: Estimate
    evidence: Evidence


def estimated(question: Question, channels: Sequence[Channel], measured: Measured | None) -> Estimation | None:
    """The estimate; None where there is nothing to estimate from, or the quantity is none that can be."""
    quantity = question.quantity
    if quantity.metric != LIQUIDATIONS or quantity.threshold_usd is not None:
        return None
    evidence = evidence_of(question, channels, measured)
    if not (evidence.feeds or evidence.bars or evidence.rows or evidence.totals):
        return None
    found = estimate(evidence)
    printed = _whole(evidence.totals)
    if found.total is not None and found.total.high90 < printed and not found.extrapolated:
        # Whatever was read, most of the market lies beyond it, at venues of which nobody knows how large they are.
        part = f"The channels that were read show {money(found.shown_usd, digits=3)} of it: the rest is not told apart."
        found = estimate(replace(evidence, feeds=(), bars=(), rows=()))
        found = replace(found, kind=Kind.LOWER_BOUND, limits=(part, *found.limits))
    if found.kind is Kind.ESTIMATE and not (evidence.feeds or evidence.bars):
        # Printed numbers that do not overlap confirm one another in nothing, and nobody weighs those not named.
        found = replace(found, kind=Kind.LOWER_BOUND, limits=(PRINTED_ONLY, *found.limits))
    return Estimation(found, evidence)


def _whole(totals: Sequence[Total]) -> float:
    """The largest total that was printed of all venues, longs and shorts together; 0 where there is none."""
    sides: dict[str, dict[Side, float]] = {}
    for total in totals:
        if total.venues is None:
            sides.setdefault(total.source, {})[total.side] = total.low or total.notional_usd
    return max((told.get(Side.BOTH) or sum(told.values()) for told in sides.values()), default=0.0)


def evidence_of(question: Question, channels: Sequence[Channel], measured: Measured | None) -> Evidence:
    """All that is known about the window, in the words of the estimator."""
    window = Window(question.window.start, question.window.end)
    rules: Mapping[str, tuple[CompletenessRule, ...]] = {}
    feeds: list[Feed] = []
    bars: list[Bars] = []
    sizes: list[Size] = []
    if measured is not None:
        rules = live_feeds(measured.sources, window)
        answered = [one for one in measured.deliveries if one.failure is None and one.frame is not None]
        feeds = _feeds(answered, measured.deliveries, window)
        bars = [item for one in answered if one.channel.form is Form.BARS for item in _bars(one, rules)]
        if feeds or bars:
            sizes = _sizes(measured, question.quantity, rules)
    if feeds or bars:
        beneath = _beneath(measured)
        apart = [channel for channel in channels if measured is None or channel.lineage not in measured.lineages]
        totals = [
            replace(total, lineage=beneath.get(total.source, total.lineage))
            for channel in apart
            for total in _totals(channel, question)
        ]
        return Evidence(window, tuple(feeds), tuple(bars), totals=tuple(totals), sizes=tuple(sizes))
    rows, totals = _printed(question, channels, live_feeds(measured.sources, window) if measured else {})
    return Evidence(window, rows=tuple(rows), totals=tuple(totals))


def _feeds(answered: Sequence[Delivery], asked: Sequence[Delivery], window: Window) -> list[Feed]:
    """The feeds of events, venue by venue. Channels of one source that measure different contracts of a venue (linear
    and coin-margined) are one feed together."""
    groups: dict[tuple[str, str, int], list[Delivery]] = {}
    for one in answered:
        if one.channel.form is not Form.EVENTS:
            continue
        for venue in one.channel.venues:
            # the n-th channel of one lineage is another reading of the same contracts
            turn = sum(
                other.source.id == one.source.id and set(other.channel.lineage) & set(one.channel.lineage) != set()
                for other in answered[: answered.index(one)]
            )
            groups.setdefault((one.source.id, venue, turn), []).append(one)
    failed = {(one.source.id, venue) for one in asked if one.failure is not None for venue in one.channel.venues}
    found = []
    for (source, venue, _), group in groups.items():
        several = len(group[0].channel.venues) > 1
        frames = [one.frame.filter(pl.col("venue") == venue) for one in group if one.frame is not None]
        rules = [rule for one in group for rule in one.rules]
        completeness, stated = beliefs(rules)
        if (source, venue) in failed or any(_in_part(one) for one in group):
            completeness = Completeness.PARTIAL if completeness is not Completeness.CAPPED else completeness
        found.append(
            Feed(
                id="+".join(one.label for one in group) + (f"/{venue}" if several else ""),
                venue=venue,
                lineage=tuple(dict.fromkeys(name for one in group for name in _lineage(one, venue))),
                events=pl.concat(frames).sort("time", maintain_order=True),
                completeness=completeness,
                rules=stated,
                covered=_covered(group, window),
                contract_sizes=_contract_sizes(group, venue),
            )
        )
    return found


def _in_part(one: Delivery) -> bool:
    """Whether contracts are missing; moments that are missing are in what it covers."""
    return bool(one.unvalued or one.gaps)


def _lineage(one: Delivery, venue: str) -> tuple[str, ...]:
    mine = tuple(name for name in one.channel.lineage if name.partition("/")[0] == venue)
    if len(one.channel.venues) == 1:
        return one.channel.lineage
    return mine or (f"{one.label}/{venue}",)


def _covered(group: Sequence[Delivery], window: Window) -> tuple[Window, ...] | None:
    """The parts of the window that the least covering channel was asked for, or listened to; None is all of it."""
    spans = [_parts(one, window) for one in group]
    least = min(spans, key=lambda parts: sum(part.length.total_seconds() for part in parts))
    return None if least == (window,) else least


def _parts(one: Delivery, window: Window) -> tuple[Window, ...]:
    if one.told is not None and (one.told.parts or one.told.share < 1):
        # Where the parts are not told apart, their length is: a stretch of it stands for them.
        stretch = window.length * one.told.share
        return one.told.parts or ((Window(window.start, window.start + stretch),) if stretch else ())
    if one.covered is None:
        return (window,)
    return (Window(max(one.covered.start, window.start), min(one.covered.end, window.end)),)


def _contract_sizes(group: Sequence[Delivery], venue: str) -> dict[str, float]:
    return {
        name: item.size
        for one in group
        for name, item in one.instruments.items()
        if item.venue == venue and item.unit == "base" and item.size and item.size != 1.0
    }


def _bars(one: Delivery, rules: Mapping[str, tuple[CompletenessRule, ...]]) -> Iterable[Bars]:
    frame = one.around if one.around is not None else one.frame
    if frame is None:
        return
    for venue in frame["venue"].unique().sort():
        if venue in _NO_VENUE:
            continue
        lineage, completeness, stated = of_venue(venue, one.channel.lineage, rules)
        if one.gaps and completeness is not Completeness.CAPPED:
            completeness = Completeness.PARTIAL
        yield Bars(
            id=f"{one.label}/{venue}",
            venue=venue,
            lineage=lineage or (f"{one.label}/{venue}",),
            bars=frame.filter(pl.col("venue") == venue),
            completeness=completeness,
            rules=stated,
            source=one.label,
        )


def _sizes(measured: Measured, quantity: Quantity, rules: Mapping[str, tuple[CompletenessRule, ...]]) -> list[Size]:
    """One size per venue of the market: those that were weighed, those that were read, and, unless only some sources
    were asked, those that are known to exist."""
    interest: dict[str, float] = {}
    volume: dict[str, float] = {}
    for weight in weights_in_scope(measured.weights, quantity):
        for found, value in ((interest, weight.open_interest_usd), (volume, weight.volume_24h_usd)):
            if value is not None and value > 0:
                found[weight.venue] = found.get(weight.venue, 0.0) + value
    venues = {*interest, *volume}
    venues |= {venue for one in measured.deliveries for venue in one.channel.venues}
    if not measured.restricted:
        venues |= {
            venue
            for source in measured.sources
            if source.spec.kind in ("venue", "chain")
            for channel in source.spec.channels
            if LIQUIDATIONS.id in channel.metrics
            for venue in channel.venues
        }
    if quantity.venues.names is not None:
        venues = (venues & quantity.venues.names) | quantity.venues.names
    interest = {venue: dollars for venue, dollars in interest.items() if dollars >= LEAST_SIZE}
    volume = {venue: dollars for venue, dollars in volume.items() if dollars >= LEAST_SIZE}
    classes: dict[str, list[CompletenessRule]] = {}
    for lineage, stated in rules.items():
        classes.setdefault(lineage.partition("/")[0], []).extend(stated)
    return [
        Size(venue, interest.get(venue), volume.get(venue), beliefs(classes.get(venue, []))[0])
        for venue in sorted(venues - _NO_VENUE)
    ]


def weights_in_scope(weights: Sequence[Weight], quantity: Quantity) -> list[Weight]:
    """The sizes of what is asked for; a venue that is not told by asset counts as a whole."""
    asked = quantity.assets.names
    merged = merged_weights(weights)
    return [weight for weight in merged if asked is None or weight.asset in asked or weight.asset == "all"]


def _beneath(measured: Measured | None) -> dict[str, tuple[str, ...]]:
    """By provider the measuring feeds that its counts descend from, as declared."""
    return {
        source.spec.id: tuple(dict.fromkeys(name for channel in source.spec.channels for name in channel.lineage))
        for source in (measured.sources if measured else ())
    }


def _totals(channel: Channel, question: Question) -> list[Total]:
    """What one lineage prints for exactly what is asked, sides apart where it tells both: one reading only."""
    if not channel.votes:
        return []
    stating = [s for s in channel.matched if s in channel.kept and _scope(s) == question.quantity.with_side(Side.BOTH)]
    by_side = {side: _one([s for s in stating if s.quantity.side is side]) for side in Side}
    long, short, both = by_side[Side.LONG], by_side[Side.SHORT], by_side[Side.BOTH]
    used = [long, short] if long and short else [both or long or short]
    return [_total(channel, statement) for statement in used if statement is not None]


def _scope(statement: Statement) -> Quantity:
    return statement.quantity.with_side(Side.BOTH)


def _one(stating: Sequence[Statement]) -> Statement | None:
    """Of several readings the one that most outlets print."""
    return min(stating, key=lambda s: (-len(s.outlets), s.id), default=None)


def _total(channel: Channel, statement: Statement) -> Total:
    low, high = _bounds(statement)
    return Total(
        source=channel.lineage,
        side=statement.quantity.side,
        notional_usd=statement.value,
        lineage=(channel.lineage,),
        venues=statement.quantity.venues.names,
        low=low,
        high=high,
        outlet=True,
    )


def _bounds(statement: Statement) -> tuple[float, float]:
    """The rounding; of a number that is a bound only ("more than") itself."""
    value = statement.value
    high = statement.high if statement.high < float("inf") else value
    return min(statement.low, value) or value, max(high, value)


def _printed(
    question: Question, channels: Sequence[Channel], rules: Mapping[str, tuple[CompletenessRule, ...]]
) -> tuple[list[Row], list[Total]]:
    """Printed numbers where nothing was measured: venues' rows, and what is left of the total beside them.

    A venue that says itself what it liquidated is believed before those that watched it.
    """
    rows: dict[str, list[tuple[str, Statement]]] = {}
    totals: dict[str, list[Total]] = {}
    for channel in channels:
        if not channel.votes:
            continue
        totals[channel.lineage] = _totals(channel, question)
        for statement in channel.matched:
            venue = _venue(statement, question.quantity)
            if venue is not None and statement in channel.kept:
                rows.setdefault(venue, []).append((channel.lineage, statement))
    if not rows:
        return [], [total for found in totals.values() for total in found]
    found: list[Row] = []
    told: dict[str, dict[str, float]] = {}
    for venue, statements in sorted(rows.items()):
        for lineage, statement in statements:
            if statement.quantity.side is Side.BOTH:
                told.setdefault(lineage, {})[venue] = statement.value
        own = [(lineage, s) for lineage, s in statements if lineage == venue]
        for lineage, statement in _one_each(own or statements):
            found.append(_row(venue, lineage, statement, rules, own=bool(own)))
    left = _left(totals, told)
    return [*found, *left], []


def _left(totals: Mapping[str, Sequence[Total]], told: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """What each lineage counts at venues that it does not tell apart; where it prints a total and some rows."""
    found = []
    for lineage, stated in totals.items():
        both = [total for total in stated if total.side is Side.BOTH]
        whole = both[0].notional_usd if both else sum(total.notional_usd for total in stated if len(stated) == 2)
        rest = whole - sum(told.get(lineage, {}).values())
        if whole > 0 and rest > 0:
            found.append(Row(lineage, REST, Side.BOTH, rest, (lineage,)))
    return found


def _one_each(statements: Sequence[tuple[str, Statement]]) -> list[tuple[str, Statement]]:
    """One statement per lineage and side."""
    groups: dict[tuple[str, Side], list[Statement]] = {}
    for lineage, statement in statements:
        groups.setdefault((lineage, statement.quantity.side), []).append(statement)
    return [(lineage, one) for (lineage, _), group in groups.items() if (one := _one(group)) is not None]


def _venue(statement: Statement, quantity: Quantity) -> str | None:
    """The one venue that a statement is of, where it is a part of what is asked."""
    named = statement.quantity.venues.names
    if named is None or len(named) != 1:
        return None
    return next(iter(named)) if quantity.includes(statement.quantity) and _same_assets(statement, quantity) else None


def _same_assets(statement: Statement, quantity: Quantity) -> bool:
    return statement.quantity.assets == quantity.assets


def _row(
    venue: str,
    lineage: str,
    statement: Statement,
    rules: Mapping[str, tuple[CompletenessRule, ...]],
    *,
    own: bool,
) -> Row:
    """What a lineage prints of a venue: of its public feed, unless it is the venue itself that says it."""
    feeds, completeness, stated = of_venue(venue, tuple(rules), rules)
    low, high = _bounds(statement)
    return Row(
        source=lineage,
        venue=venue,
        side=statement.quantity.side,
        notional_usd=statement.value,
        lineage=(lineage, *(() if own else feeds)),
        completeness=Completeness.COMPLETE if own else completeness,
        rules=() if own else stated,
        low=low,
        high=high,
    )
