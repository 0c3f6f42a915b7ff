"""What was found, as rows of a report: plain data for renderers and machines."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from verify.model.amount import Amount, money
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATION_COUNT, Quantity, Side
from verify.model.report import (
    Answer,
    Comparison,
    Conflict,
    ExplanationRow,
    FigureRow,
    Finding,
    LineageRow,
    Question,
    Range,
)
from verify.model.window import duration_words
from verify.reconcile import wording
from verify.reconcile.channels import NOTHING_KNOWN, Channel, Fit, distance_words, span_words
from verify.reconcile.contradictions import Contradiction, describe
from verify.reconcile.lineage import Lineage, shared_errors
from verify.reconcile.slips import CATALOGUE, Candidate, Claimed, Explanation, candidates, explain
from verify.reconcile.verdict import Pair

Lineages = Mapping[str, Lineage]
#: So many channels are quoted in the answer to the first question; the report has all of them below.
_MOST_NAMED = 4
MARKET = "What really happened in the whole market?"


def questions(
    channels: Sequence[Channel],
    pairs: Sequence[Pair],
    votes: int,
    claim: Amount | None,
    quantity: Quantity,
    *,
    market: Question | None = None,
    within: Sequence[Pair] = (),
) -> tuple[Question, ...]:
    """The three questions; `market` is the answer to the third where the market was estimated. `pairs` are of
    independent lineages, `within` of such as share a feed."""
    first = quoted(channels, claim)
    answer, text = wording.corroboration(pairs, votes, within)
    floor, _ = wording.least(channels, claimed=claim is not None)
    if market is None:
        said = "not answerable from published figures alone"
        if floor > 0:
            currency = "" if quantity.metric == LIQUIDATION_COUNT else "USD"
            said += f"; at least {money(floor, digits=3, currency=currency)} by what is shown"
        market = Question("market", MARKET, "not answerable", said)
    return first, Question("corroborated", "Is it corroborated?", answer, text), market


def quoted(channels: Sequence[Channel], claim: Amount | None) -> Question:
    title = "Is it quoted right?"
    if claim is None:
        return Question("quoted", title, "not answerable", "no claim was given")
    speaking = [channel for channel in channels if channel.fit is not Fit.SILENT]
    for fit, answer in ((Fit.YES, "yes"), (Fit.HEDGED, "yes"), (Fit.NO, "no"), (Fit.POSSIBLE, "possible")):
        named = [channel for channel in speaking if channel.fit is fit]
        if named:
            said = "; ".join(_said(channel) for channel in named[:_MOST_NAMED])
            if len(named) > _MOST_NAMED:
                said += f"; and {len(named) - _MOST_NAMED} more"
            through = f", only through its {claim.leeway}" if fit is Fit.HEDGED else ""
            return Question("quoted", title, answer, f"{answer}{through}: {said}")
    return Question(
        "quoted", title, "not answerable", "no figure of a known lineage speaks of this quantity and window"
    )


def _said(channel: Channel) -> str:
    if channel.nearest is not None:
        return f"{channel.title} says {channel.nearest.figure.amount}"
    return f"{channel.title}'s other figures allow {span_words(channel.best)}"


def answer(channel: Channel, lineages: Lineages, claim: Amount | None, quantity: Quantity) -> Answer:
    nearest = channel.nearest
    distance = None
    if nearest is not None and claim is not None and claim.value:
        distance = (nearest.value - float(claim.value)) / float(claim.value)
    return Answer(
        lineage=channel.lineage,
        title=channel.title,
        answer=str(channel.fit),
        text=answer_text(channel, claim, distance, "" if quantity.metric == LIQUIDATION_COUNT else "USD"),
        nearest=row(nearest.figure, lineages) if nearest is not None else None,
        distance=distance,
        outlets=len(nearest.outlets) if nearest is not None else 0,
        feasible=_range(channel.feasible),
        derived=_range(channel.derived),
        derived_from=tuple(f"{s.figure.amount} {s.quantity.words()}" for s in channel.derived_from),
        by_clock=_range(channel.by_clock),
    )


def answer_text(channel: Channel, claim: Amount | None, distance: float | None, currency: str) -> str:
    parts = []
    if channel.nearest is not None:
        off = ""
        if distance is not None and distance:
            off = f", {distance_words(distance)} the claim"
        reading = (
            f"{duration_words(channel.nearest.window.length)} to {channel.nearest.window.words().rpartition(' to ')[2]}"
        )
        parts.append(
            f"nearest reading: {channel.nearest.figure.amount} {channel.nearest.quantity.words()} over {reading}{off}"
        )
        low, high = (float(x) if x is not None else math.inf for x in claim.tolerated) if claim else (0.0, 0.0)
        if (
            claim is not None
            and channel.fit is Fit.NO
            and not any(low <= s.value <= high for s in channel.matched if s.quantity == channel.nearest.quantity)
        ):
            parts.append(f"no reading of {channel.title} prints {claim}")
    if channel.derived is not None and channel.derived != NOTHING_KNOWN:
        source = "all other readings"
        if channel.derived_from:
            source = " and ".join(
                f"{s.figure.amount} {s.quantity.words().partition(' ')[0]}" for s in channel.derived_from[:3]
            )
            source = f"all other readings, {source} first,"
        parts.append(f"{source} allow {span_words(channel.derived, currency=currency)}, edges as uncertain as recorded")
    if channel.by_clock is not None and channel.by_clock != NOTHING_KNOWN:
        parts.append(f"by the clock, for exactly the window asked: {span_words(channel.by_clock, currency=currency)}")
    return "; ".join(parts) or "no figure of this lineage speaks of the quantity for this window"


def _range(span: tuple[float, float] | None) -> Range | None:
    if span is None:
        return None
    return Range(_cents(span[0]), None if math.isinf(span[1]) else _cents(span[1]))


def _cents(value: float) -> float:
    """Rounded below the solver's tolerance, so that a report does not show its noise."""
    return round(value, -1) if abs(value) >= 1e4 else round(value, 2)


def row(figure: Figure, lineages: Lineages) -> FigureRow:
    amount, window, lineage = figure.amount, figure.window, lineages[figure.id]
    low, high = amount.tolerated if amount is not None else (None, None)
    return FigureRow(
        id=figure.id,
        stated=str(amount) if amount is not None else "",
        quantity=figure.quantity.words(),
        value=float(amount.value) if amount is not None else None,
        low=float(low) if low is not None else None,
        high=float(high) if high is not None else None,
        start=window.start if window else figure.at,
        end=window.end if window else figure.at,
        slack=window.slack if window else None,
        lineage=lineage.id,
        lineage_reason=str(lineage.reason),
        lineage_detail=lineage.detail,
        outlet=figure.outlet,
        url=figure.url,
        evidence=str(figure.evidence or ""),
        side=str(figure.quantity.side),
        metric=figure.quantity.metric.id,
        venues=figure.quantity.venues.words("venues"),
        assets=figure.quantity.assets.words("assets"),
    )


def rows(figures: Sequence[Figure], lineages: Lineages) -> tuple[FigureRow, ...]:
    """All figures: known lineages first, then by window, side and size, so that the order of the files is no matter."""
    found = [row(figure, lineages) for figure in figures]

    def rank(entry: FigureRow) -> tuple[object, ...]:
        start = entry.start.isoformat() if entry.start else "~"
        known = lineages[entry.id].known
        return (not known, entry.lineage, start, entry.quantity, -(entry.value or 0.0), entry.outlet, entry.id)

    return tuple(sorted(found, key=rank))


def explanation_row(explanation: Explanation, lineages: Lineages) -> ExplanationRow:
    figure = explanation.candidate.figure
    return ExplanationRow(
        slip=explanation.slip.id,
        title=explanation.title,
        text=explanation.words,
        value=float(explanation.candidate.amount.value),
        distance=float(explanation.distance),
        rounding=float(explanation.rounding),
        exact=explanation.exact,
        lineage=lineages[figure.id].id,
        outlet=figure.outlet,
        url=figure.url,
    )


def lineage_rows(relevant: Sequence[Figure], lineages: Lineages) -> tuple[LineageRow, ...]:
    groups: dict[str, list[Figure]] = defaultdict(list)
    for figure in relevant:
        lineage = lineages[figure.id]
        groups[lineage.id if lineage.known else "unknown"].append(figure)
    rows = []
    for identity, members in sorted(groups.items(), key=lambda pair: (pair[0] == "unknown", -len(pair[1]), pair[0])):
        known = identity != "unknown"
        counts = any(lineages[figure.id].votes for figure in members)
        reasons = Counter(str(lineages[figure.id].reason) for figure in members)
        title = lineages[members[0].id].title if known else "unknown"
        rows.append(
            LineageRow(
                identity, title, counts, len(members), len({f.outlet for f in members}), dict(sorted(reasons.items()))
            )
        )
    return tuple(rows)


def comparison(pair: Pair, titles: dict[str, str]) -> Comparison:
    (first, a), (second, b) = pair.first, pair.second
    scope = (
        "same window"
        if pair.same_scope
        else (
            f"windows differ: {duration_words(a.window.length)} ({a.window.words()}) against "
            f"{duration_words(b.window.length)} ({b.window.words()}); not averaged"
        )
    )
    finite = math.isfinite(pair.ratio)
    apart = f"factor {pair.ratio:.2f}" if finite else "one of them is zero"
    text = (
        f"{titles[first]} {a.figure.amount} against {titles[second]} {b.figure.amount} ({a.quantity.words()}): "
        f"{apart}; {scope}"
    )
    ratio = round(pair.ratio, 4) if finite else None
    return Comparison(first, second, a.quantity.words(), a.value, b.value, ratio, pair.same_scope, text)


def conflict(contradiction: Contradiction, lineages: Lineages) -> Conflict:
    return Conflict(
        text=contradiction.words,
        set_aside=describe(contradiction.set_aside),
        because=contradiction.because,
        figures=tuple(row(figure, lineages) for member in contradiction.members for figure in member.figures),
    )


def findings(relevant: Sequence[Figure]) -> tuple[Finding, ...]:
    """What the figures show about their own descent: shared errors, counts that lost digits."""
    found = []
    for error in shared_errors(relevant):
        numbers = ", ".join(str(figure.amount) for figure in error.members)
        text = (
            f"{len(error.outlets)} outlets print the same impossible set ({numbers}): they descend from one text "
            f"({', '.join(error.outlets)})"
        )
        found.append(Finding("shared_error", text, tuple(sorted({figure.url for figure in error.members}))))
    found += _count_slips(relevant)
    return tuple(found)


def _count_slips(relevant: Sequence[Figure]) -> list[Finding]:
    """Counts that a slip makes out of another outlet's count for the same window."""
    counts = [f for f in relevant if f.quantity.metric == LIQUIDATION_COUNT and f.amount is not None and f.window]
    slips = [slip for slip in CATALOGUE if slip.id in ("digits_truncated", "tenfold", "tenth")]
    found: dict[tuple[str, str], Finding] = {}
    for figure in counts:
        others: list[Candidate] = [
            c
            for c in candidates(counts)
            if c.figure.id != figure.id and c.amount.value != figure.amount.value  # type: ignore[union-attr]  # counts have amounts
        ]
        plain = Claimed(figure.quantity.with_side(Side.BOTH), figure.amount, figure.window)  # type: ignore[arg-type]  # as above
        alike = [Candidate(c.quantity.with_side(Side.BOTH), c.amount, c.window, c.figure) for c in others]
        exact = [e for e in explain(plain, alike, slips=slips) if e.exact]
        if exact:
            best = exact[0]
            key = (str(figure.amount), str(best.candidate.amount))
            text = (
                f"{figure.outlet} prints {_count(figure.amount)} {figure.quantity.unit}, {best.candidate.figure.outlet}"
                f" {_count(best.candidate.amount)}: {best.slip.title}"
            )
            found.setdefault(key, Finding(best.slip.id, text, (figure.url, best.candidate.figure.url)))
    return [found[key] for key in sorted(found)]


def _count(amount: Amount | None) -> str:
    return f"{int(amount.value):,}" if amount is not None else ""
