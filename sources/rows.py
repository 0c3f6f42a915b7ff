"""What sources delivered, what they could not be asked, and what their feeds leave out, as rows of a report."""

from __future__ import annotations

from collections.abc import Iterable

from sources.adapter import Source, channel_key
from sources.collect import Delivery, Refusal, basis_words
from sources.measured import counts_words
from sources.spec import Form, Transport
from verify.model import names
from verify.model.figure import Completeness
from verify.model.quantity import LIQUIDATIONS, Quantity
from verify.model.report import Cap, SourceRow
from verify.model.window import Window


def delivered(delivery: Delivery, window: Window) -> SourceRow:
    """What one channel delivered for the window, or how it failed."""
    channel = delivery.channel
    venues = ", ".join(names.title("venues", venue) for venue in channel.venues)
    lineage = ", ".join(channel.lineage)
    shows = "; then ".join(rule.words() for rule in delivery.rules)
    if delivery.failure is not None:
        return SourceRow(
            delivery.label, venues, "failed", completeness=shows, lineage=lineage, evidence=delivery.evidence,
            note=delivery.failure.message,
        )  # fmt: skip
    notes = []
    if delivery.unvalued:
        notes.append(f"{delivery.unvalued} events of contracts of unknown size are not in the sums")
    if delivery.straddling:
        notes.append(f"{delivery.straddling} bars straddle an edge of the window and are not in the sums")
    if delivery.counts:
        notes.append(counts_words(delivery))
    notes += delivery.gaps
    notes += delivery.told.notes if delivery.told is not None else ()
    covered = delivery.covered
    share = None if covered is None else covered.length / window.length
    if delivery.told is not None and share is not None:
        share = min(share, delivery.told.share)
    exact = delivery.completeness is Completeness.COMPLETE and delivery.whole(window)
    return SourceRow(
        source=delivery.label,
        venues=venues,
        status="ok" if exact else "lower bound",
        long_usd=delivery.long_usd,
        short_usd=delivery.short_usd,
        events=delivery.events,
        basis=basis_words(channel) if channel.form is not Form.SERIES else channel.quantity_unit,
        completeness=shows,
        covered=None if share is None else round(share, 4),
        lineage=lineage,
        evidence=delivery.evidence,
        note="; ".join(notes),
        doubts=channel.doubts,
    )


def refused(refusal: Refusal) -> SourceRow:
    """A channel that was not asked, and why."""
    channel = refusal.channel
    venues = ", ".join(names.title("venues", venue) for venue in channel.venues)
    return SourceRow(
        channel_key(refusal.source, channel),
        venues,
        "not asked",
        lineage=", ".join(channel.lineage),
        note=refusal.reason,
    )


def known_caps(
    known: Iterable[Source], window: Window, quantity: Quantity
) -> tuple[tuple[Cap, ...], tuple[Completeness, ...]]:
    """The documented limits, in this window, of the live feeds that aggregators are built from."""
    caps: dict[tuple[str, str], Cap] = {}
    feeds: list[Completeness] = []
    for source in known:
        for channel in source.spec.channels:
            live = channel.transport is Transport.STREAM or source.spec.kind == "simulated"
            if not live or LIQUIDATIONS.id not in channel.metrics:
                continue
            if quantity.venues.names is not None and not quantity.venues.names & set(channel.venues):
                continue
            rule = channel.rule_at(window.start)
            feeds.append(rule.completeness)
            if rule.completeness in (Completeness.CAPPED, Completeness.PARTIAL):
                venue = ", ".join(names.title("venues", v) for v in channel.venues)
                words = rule.words()
                caps.setdefault((venue, words), Cap(venue, words, rule.citation, rule.confirmed))
    return tuple(caps[key] for key in sorted(caps)), tuple(feeds)
