"""What specs declare about feeds, as beliefs about the rules that feeds follow. No venue is named here or beyond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from sources.spec import CompletenessRule, Keep, Transport
from verify.model.figure import Completeness
from verify.model.quantity import LIQUIDATIONS
from verify.model.window import Window
from verify.reconcile.observed import Belief, CapRule
from verify.reconcile.observed import Keep as Kept

if TYPE_CHECKING:
    from sources.adapter import Source

#: How much a rule is believed that another document contradicts, or that was inferred and is not documented.
UNCONFIRMED = 0.6
_OTHER = {Keep.LATEST: Keep.LARGEST, Keep.LARGEST: Keep.LATEST, Keep.FIRST: Keep.LATEST}
_WORSE = [Completeness.COMPLETE, Completeness.UNKNOWN, Completeness.PARTIAL, Completeness.CAPPED]


def beliefs(rules: Sequence[CompletenessRule]) -> tuple[Completeness, tuple[Belief, ...]]:
    """The class of a feed and the rules that it may follow; rules that follow one another in a window weigh alike."""
    found: dict[CapRule | None, float] = {}
    for rule in rules:
        for cap, weight in _shares(rule):
            found[cap] = found.get(cap, 0.0) + weight / len(rules)
    worst = max((rule.completeness for rule in rules), key=_WORSE.index, default=Completeness.UNKNOWN)
    if not any(cap is not None for cap in found):
        return worst, ()
    return worst, tuple(Belief(cap, weight) for cap, weight in found.items())


def _shares(rule: CompletenessRule) -> list[tuple[CapRule | None, float]]:
    if rule.cap is None:
        return [(None, 1.0)]
    cap = rule.cap
    if cap.keep is Keep.UNKNOWN:
        kept = [(Keep.LATEST, 0.5), (Keep.LARGEST, 0.5)]
    elif rule.confirmed:
        kept = [(cap.keep, 1.0)]
    else:
        kept = [(cap.keep, UNCONFIRMED), (_OTHER[cap.keep], 1 - UNCONFIRMED)]
    seconds = cap.interval.total_seconds()
    return [(CapRule(seconds, Kept(str(keep)), "side" in cap.per, cap.most), weight) for keep, weight in kept]


def live_feeds(known: Iterable[Source], window: Window) -> dict[str, tuple[CompletenessRule, ...]]:
    """By lineage the rules of the live feed in the window: what aggregators beneath which it lies were fed with.

    Where a lineage has no stream, those of whatever channel has it; an aggregator's word of itself says nothing about
    the feeds beneath it.
    """
    found: dict[str, tuple[CompletenessRule, ...]] = {}
    live: set[str] = set()
    for source in known:
        for channel in source.spec.channels:
            if LIQUIDATIONS.id not in channel.metrics or len(channel.lineage) != 1 or source.spec.kind == "aggregator":
                continue
            lineage = channel.lineage[0]
            stream = channel.transport is Transport.STREAM
            if lineage not in found or (stream and lineage not in live):
                found[lineage] = channel.rules_in(window.start, window.end)
            if stream:
                live.add(lineage)
    return found


def of_venue(
    venue: str, lineages: Sequence[str], feeds: Mapping[str, tuple[CompletenessRule, ...]]
) -> tuple[tuple[str, ...], Completeness, tuple[Belief, ...]]:
    """The measuring feeds of one venue among those of an aggregator, and what is known of them."""
    mine = tuple(name for name in lineages if name.partition("/")[0] == venue)
    rules = [rule for name in mine for rule in feeds.get(name, ())]
    return (mine, *beliefs(rules))
