"""What the market lost, in words and rows that the terminal and Markdown share."""

from __future__ import annotations

from verify.model.amount import money
from verify.model.report import Confidence, Estimated, Report, RuleRow, Spread

#: A change of the total by less than this is not worth a line.
_NOTABLE = 0.05
#: The rule of a feed is worth a line where it is less sure than this, or another one than documented.
_SURE = 0.9

COLUMNS = ("of", "median", "50 %", "90 %")
VENUE_COLUMNS = ("venue", "known by", "channels show", "lost", "90 %")
CHANGE_COLUMNS = ("if", "total", "also")
COVERAGE_COLUMNS = ("venue", "open interest", "share", "seen through")
#: What is said under a report about seeing it again.
REPLAY = (
    "To see the same again without any network, run the same command with --evidence FILE to keep every answer, and"
    " later with --evidence FILE --replay."
)


def three(value: float) -> str:
    """Money to three digits: an estimate has no more."""
    return money(value, digits=3)


def range_words(low: float, high: float) -> str:
    return f"{three(low)} to {three(high)}"


def spread_rows(found: Estimated) -> list[tuple[str, str, str, str]]:
    """Total, longs and shorts with both intervals, as `COLUMNS`."""
    named: tuple[tuple[str, Spread | None], ...] = (
        ("total", found.total), ("longs", found.long), ("shorts", found.short),
    )  # fmt: skip
    return [
        (name, three(s.median), range_words(s.low50, s.high50), range_words(s.low90, s.high90))
        for name, s in named
        if s is not None
    ]


def venue_rows(found: Estimated) -> list[tuple[str, str, str, str, str]]:
    """Each venue, as `VENUE_COLUMNS`."""
    return [
        (
            row.venue,
            row.basis,
            three(row.shown_usd) if row.channels else "-",
            three(row.total.median),
            range_words(row.total.low90, row.total.high90),
        )
        for row in found.venues
    ]


def change_rows(found: Estimated) -> list[tuple[str, str, str]]:
    """The assumptions and lineages that matter, as `CHANGE_COLUMNS`; the others move the total by less than 5 %."""
    changes = [(f"without {row.name}", row) for row in found.without]
    changes += [(row.name, row) for row in found.sensitivity]
    return [
        (name, f"x {row.factor:.2f}", row.text) for name, row in changes if abs(row.factor - 1) >= _NOTABLE or row.text
    ]


def remarks(found: Estimated) -> list[str]:
    """In sentences: what kind of number it is, what it is made of, and why the interval is as wide as it is."""
    said = [_kind(found)]
    if found.total is not None:
        said.append(
            f"Of the median {found.shown:.0%} is shown by channels, {found.hidden:.0%} is hidden by their limits and"
            f" {found.extrapolated:.0%} is extrapolated to venues without a channel."
        )
    if found.probability is not None:
        said.append(f"As a statement about the market the claim has a probability of {share(found.probability)}.")
    said += found.limits
    return said


def _kind(found: Estimated) -> str:
    lineages = f"{found.lineages} independent lineage{'' if found.lineages == 1 else 's'}"
    spread = found.heterogeneity
    apart = f"heterogeneity of venues {spread.median:.2f} ({spread.low90:.2f} to {spread.high90:.2f})" if spread else ""
    apart = apart or "the heterogeneity of venues is not known"
    if found.total is None:
        return "Nothing measured the window."
    kind = "An estimate" if found.kind == "estimate" else "A lower bound, and what it may stand for"
    return f"{kind}: {lineages}; {apart}. The channels show {three(found.shown_usd)}, which is another number."


def share(value: float) -> str:
    """A probability as people read it: one that is small is not none, one that is large is not certain."""
    if value < 0.01:  # what rounds to less than one of a hundred
        return "less than 1 %"
    return "more than 99 %" if value > 0.99 else f"{value * 100:.0f} %"  # likewise


def summed(confidence: Confidence) -> tuple[float, str]:
    """The points that the components add up to, and what the sum means."""
    points = sum(part.points for part in confidence.components)
    if confidence.learned:
        right = f"{confidence.value * 100:.0f} %"
        return points, f"verdicts with this sum were right {right} of the time in simulated markets"
    return confidence.value, "conventions, not calibrated"


def coverage_rows(report: Report) -> list[tuple[str, str, str, str]]:
    """Venues by open interest, as `COVERAGE_COLUMNS`: what is not known stays empty."""
    return [
        (
            row.venue,
            "" if row.open_interest_usd is None else money(row.open_interest_usd),
            "" if row.share is None else f"{row.share * 100:.1f} %",
            ", ".join(row.channels) or "not seen",
        )
        for row in report.coverage
    ]


def faults(found: Estimated) -> list[str]:
    """The faults of channels that were found."""
    return [
        f"{row.channel}: {row.kind.replace('_', ' ')}{f' ({row.asset})' if row.asset else ''},"
        f" {row.probability:.0%} sure, {row.action}: {row.text}"
        for row in found.faults
    ]


def rules(found: Estimated) -> list[str]:
    """Rules of feeds that the documents leave open, or that what the feed shows speaks against."""
    by_channel: dict[str, list[RuleRow]] = {}
    for row in found.rules:
        by_channel.setdefault(row.channel, []).append(row)
    said = []
    for channel, group in by_channel.items():
        likeliest = max(group, key=lambda row: row.posterior)
        if likeliest.posterior < _SURE or likeliest.prior < max(row.prior for row in group):
            told = "; ".join(f"{row.rule} {row.posterior:.0%} (documents {row.prior:.0%})" for row in group[:3])
            said.append(f"{channel}: {told}")
    return said
