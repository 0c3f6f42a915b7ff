"""Confidence as a sum of named components; docs/confidence.md is the same as a table.

Uncalibrated: the points are conventions that order reports sensibly. Each component says why it has its points.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.model.figure import Completeness
from verify.model.report import Component, Confidence
from verify.model.window import Window, duration_words
from verify.reconcile.channels import Channel, Fit

MOST = {"independence": 0.30, "coverage": 0.20, "agreement": 0.25, "window": 0.15, "completeness": 0.10}
_INDEPENDENCE = {0: 0.0, 1: 0.06, 2: 0.18}
_COMPLETENESS = {
    Completeness.COMPLETE: 1.0,
    Completeness.CAPPED: 0.2,
    Completeness.PARTIAL: 0.3,
    Completeness.UNKNOWN: 0.3,
}


def confidence(
    channels: Sequence[Channel],
    window: Window,
    *,
    independent: int,
    contradicted: bool,
    feeds: Sequence[Completeness],
) -> Confidence:
    """The confidence of a verdict that rests on these channels.

    `independent` is the number of lineages that speak of the claimed quantity, `contradicted` whether independent ones
    disagree, `feeds` how complete the feeds beneath are. Duplicates of a figure change none of these.
    """
    parts = (
        _independence(independent),
        _coverage(channels),
        _agreement(channels, independent, contradicted=contradicted),
        _window(channels, window),
        _completeness(feeds),
    )
    return Confidence(round(sum(part.points for part in parts), 4), parts)


def _independence(count: int) -> Component:
    points = _INDEPENDENCE.get(count, MOST["independence"])
    several = f"{count} independent lineages speak of the quantity"
    reason = {0: "no known lineage speaks of the quantity", 1: "one lineage: one vote"}.get(count, several)
    return _component("independence", points, reason)


def _coverage(channels: Sequence[Channel]) -> Component:
    most = MOST["coverage"]
    if any(channel.nearest is not None for channel in channels):
        return _component("coverage", most, "a figure states exactly this quantity and window")
    if any(channel.feasible is not None for channel in channels):
        return _component("coverage", most * 0.8, "other figures of the same reading give the quantity")
    if any(channel.by_clock is not None for channel in channels):
        return _component("coverage", most * 0.3, "only figures of other windows or scopes bound the quantity")
    return _component("coverage", 0.0, "no figure of a known lineage speaks of the quantity")


def _agreement(channels: Sequence[Channel], independent: int, *, contradicted: bool) -> Component:
    most = MOST["agreement"]
    speaking = [channel for channel in channels if channel.fit is not Fit.SILENT]
    if not speaking:
        return _component("agreement", 0.0, "nothing to agree")
    if contradicted:
        return _component("agreement", 0.0, "independent lineages disagree")
    undecided = all(channel.fit is Fit.POSSIBLE for channel in speaking)
    aside = any(
        contradiction.set_aside in channel.kept or contradiction.set_aside.window.may_be(statement.window)
        for channel in speaking
        for contradiction in channel.contradictions
        for statement in channel.matched
    )
    share = 0.3 if undecided else 1.0
    if independent < 2:
        share *= 0.5
    reason = "the evidence leaves the claim open" if undecided else "the figures decide the claim one way"
    if independent < 2:
        reason += "; within one lineage only"
    if aside:
        share *= 0.6
        reason += "; a figure of the same window was set aside"
    return _component("agreement", most * share, reason)


def _window(channels: Sequence[Channel], window: Window) -> Component:
    slacks = [s.window.slack for channel in channels for s in channel.matched] + [window.slack]
    if not any(channel.matched for channel in channels):
        return _component("window", 0.0, "no figure is known for this window")
    slack = max(min(slacks[:-1]), window.slack)
    share = max(0.0, 1.0 - 2 * (slack / window.length))
    reason = (
        f"edges good to {duration_words(slack)} in {duration_words(window.length)}" if slack else "edges known exactly"
    )
    return _component("window", MOST["window"] * share, reason)


def _completeness(feeds: Sequence[Completeness]) -> Component:
    if not feeds:
        return _component("completeness", 0.0, "how complete the feeds beneath are is not known")
    share = sum(_COMPLETENESS[feed] for feed in feeds) / len(feeds)
    capped = sum(feed is Completeness.CAPPED for feed in feeds)
    reason = f"{capped} of {len(feeds)} feeds with a documented rule are capped" if capped else "no cap is documented"
    return _component("completeness", MOST["completeness"] * share, reason)


def _component(name: str, points: float, reason: str) -> Component:
    return Component(name, round(points, 4), MOST[name], reason)
