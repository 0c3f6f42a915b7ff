"""Plan, collect, normalise, reconcile, judge: the one place where it all meets, and the Python API."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import verify
from sources import published
from verify.model import names
from verify.model.amount import Amount, money
from verify.model.errors import AmountError, FigureFileError, NameUnknown
from verify.model.figure import Completeness, Figure
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, CountUnit, Quantity, Scope, Side
from verify.model.report import (
    Answer,
    Cap,
    Comparison,
    Conflict,
    ExplanationRow,
    FigureRow,
    Finding,
    LineageRow,
    Question,
    Range,
    Reason,
    Report,
    Verdict,
)
from verify.model.window import Window, duration_words, parse_duration
from verify.reconcile import confidence, wording
from verify.reconcile.lineage import Lineage, assign, by_lineage, independent, shared_errors
from verify.reconcile.slips import CATALOGUE, Candidate, Claimed, Explanation, candidates, explain
from verify.reconcile.verdict import Channel, Fit, ask, compare, decide, span_words

#: How long before and after a window a page without a window may have been published to be counted with it.
_NEARBY = timedelta(days=3)


def liquidations(
    window: str | Window,
    claim: str | Amount | None = None,
    *,
    slack: str | timedelta | None = None,
    side: str | Side = Side.BOTH,
    assets: Sequence[str] = (),
    venues: Sequence[str] = (),
    count_over: str | Decimal | float | None = None,
    channel: str | None = None,
    figures: Sequence[str | Path] = (),
    min_confidence: float = 0.0,
    strict: bool = False,
    now: datetime | None = None,
) -> Report:
    """Judge a claim about liquidations, or report what is known for a window.

    `window` and `claim` are what a person writes (`"2026-01-18T22:30Z/2026-01-19T02:30Z"`, `"about $750M"`) or the
    parsed objects. `figures` are CSV files of published figures; without any, the events that ship with the package
    are read (their name is `"bundled"`, to have both). `now` is needed for windows that end now.

    Raises `InputError` (a `VerifyError`) for anything that cannot be used; `strict` makes unreadable rows fatal.
    """
    gap = parse_duration(slack) if isinstance(slack, str) else (slack or timedelta(0))
    asked = window if isinstance(window, Window) else Window.parse(window, now=now or datetime.now(UTC), slack=gap)
    quantity = _quantity(Side(side), assets, venues, count_over)
    amount = _claim(claim, quantity)
    files = _read(figures)
    problems = tuple(str(problem) for file in files for problem in file.problems)
    if strict and problems:
        raise FigureFileError(
            f"{problems[0]} ({len(problems)} unreadable row{'s' if len(problems) > 1 else ''}, --strict)"
        )
    every = [figure for file in files for figure in file.figures]
    lineages = assign(every)
    wanted = _channel(channel, lineages.values())
    return _judge(every, lineages, quantity, asked, amount, wanted, min_confidence, files, problems)


def _quantity(side: Side, assets: Sequence[str], venues: Sequence[str], count_over: object) -> Quantity:
    named = Scope.of(*(names.resolve("venues", venue).id for venue in venues))
    symbols = [names.find("assets", asset) for asset in assets]
    tickers = Scope.of(*(known.id if known else _ticker(asset) for asset, known in zip(assets, symbols, strict=True)))
    if count_over is None:
        return Quantity(LIQUIDATIONS, named, tickers, side)
    threshold = Amount.parse(str(count_over)).value
    return Quantity(LIQUIDATION_COUNT, named, tickers, side, threshold or None, CountUnit.UNSPECIFIED)


def _ticker(text: str) -> str:
    symbol = text.strip().upper()
    if not symbol.isalnum() or len(symbol) > 15:
        raise NameUnknown("asset", text)
    return symbol


def _claim(claim: str | Amount | None, quantity: Quantity) -> Amount | None:
    amount = Amount.parse(claim) if isinstance(claim, str) else claim
    if amount is not None and quantity.metric == LIQUIDATION_COUNT and amount.currency:
        raise AmountError(f"the claim {amount} is money, and --count-over asks for a number of liquidations")
    return amount


def _read(paths: Sequence[str | Path]) -> list[published.FigureFile]:
    if not paths:
        return published.read_bundled()
    files: list[published.FigureFile] = []
    for path in paths:
        files += published.read_bundled() if path == published.BUNDLED else [published.read_figures(path)]
    return files


def _channel(text: str | None, lineages: Iterable[Lineage]) -> str | None:
    """The lineage id that a channel's name means: a registered provider, or one that the files name."""
    if text is None:
        return None
    if known := names.find("providers", text):
        return known.id
    present = {names.key(lineage.title): lineage.id for lineage in lineages if lineage.known}
    if names.key(text) in present:
        return present[names.key(text)]
    raise NameUnknown(
        "channel", text, [near.name.title] if (near := names.nearest("providers", text, cutoff=60)) else []
    )


def _judge(
    every: Sequence[Figure],
    lineages: dict[str, Lineage],
    quantity: Quantity,
    window: Window,
    claim: Amount | None,
    wanted: str | None,
    min_confidence: float,
    files: Sequence[published.FigureFile],
    problems: tuple[str, ...],
) -> Report:
    relevant = [figure for figure in every if _concerns(figure, quantity, window)]
    groups = by_lineage(relevant, lineages)
    titles = {lineage.id: lineage.title for lineage in lineages.values() if lineage.known}
    channels = [
        channel
        for identity, members in groups.items()
        if wanted in (None, identity)
        and (
            (channel := ask(identity, titles[identity], members, quantity, window, claim)).kept
            or channel.contradictions
        )
    ]
    speaking = [channel for channel in channels if channel.fit is not Fit.SILENT or channel.matched]
    votes = [c.lineage for c in channels if c.fit is not Fit.SILENT or any(s.quantity == quantity for s in c.kept)]
    pairs = compare(channels, quantity, window)
    explanations = _explanations(relevant, lineages, channels, quantity, window, claim)
    unattributed = sum(1 for figure in relevant if not lineages[figure.id].known and figure.amount is not None)
    caps, feeds = known_caps(window, quantity)
    verdict: Verdict | None = None
    reasons: list[Reason] = []
    certainty = None
    if claim is not None:
        judged = speaking if wanted else channels
        verdict, reasons = decide(
            judged, quantity, window, claim, named=wanted, unattributed=unattributed, explanations=explanations
        )
        disagree = any(reason.code == "independent_lineages_disagree" for reason in reasons)
        certainty = confidence.confidence(
            speaking, window, independent=len(set(votes)), contradicted=disagree, feeds=feeds
        )
        if verdict is Verdict.SUPPORTED and certainty.value < min_confidence:
            verdict = Verdict.INCONCLUSIVE
            reasons.insert(
                0, Reason("low_confidence", f"confidence {certainty.value:.2f} is below the {min_confidence:.2f} asked")
            )
    outlets = {figure.outlet for figure in relevant if figure.amount is not None}
    known = independent(
        lineages[f.id] for f in relevant if f.amount is not None and f.quantity.metric == quantity.metric
    )
    voting = [identity for identity in known if identity in titles]
    return Report(
        command="liquidations",
        version=verify.__version__,
        window=str(window),
        window_words=f"{window.words()} ({duration_words(window.length)})",
        slack_seconds=window.slack.total_seconds(),
        quantity=quantity.words(),
        claim=(claim.text.strip() or str(claim)) if claim is not None else None,
        channel=titles.get(wanted, wanted) if wanted else None,
        verdict=verdict,
        reasons=tuple(reasons),
        questions=_questions(channels, pairs, len(set(votes)), claim, quantity),
        confidence=certainty,
        sentence=wording.sentence(verdict, claim, quantity, window, channels),
        caveat=wording.caveat(independent=voting, titles=[titles[v] for v in voting], outlets=len(outlets), caps=caps),
        answers=tuple(_answer(channel, lineages, claim, quantity) for channel in channels),
        explanations=tuple(_explanation_row(explanation, lineages) for explanation in explanations),
        lineages=_lineage_rows(relevant, lineages, quantity),
        independent=len(voting),
        outlets=len(outlets),
        comparisons=tuple(_comparison(pair, titles) for pair in pairs),
        conflicts=tuple(_conflict(c, lineages) for channel in channels for c in channel.contradictions),
        findings=_findings(relevant, lineages),
        caps=caps,
        figures=tuple(_row(figure, lineages) for figure in relevant if figure.amount is not None),
        problems=problems,
        files={file.name: file.sha256 for file in files},
    )


def _concerns(figure: Figure, quantity: Quantity, window: Window) -> bool:
    """Whether a figure has to do with the question: about liquidations, and near enough in time."""
    if figure.quantity.metric.id not in _RELATED:
        return False
    if figure.window is not None:
        return figure.window.overlaps(window)
    try:
        day = datetime.fromisoformat(figure.published[:10]).replace(tzinfo=UTC)
    except ValueError:
        return False
    return window.start - _NEARBY < day < window.end + _NEARBY


_RELATED = frozenset(
    {
        "liquidations", "liquidation_count", "estimated_liquidations", "liquidation_rate", "realised_losses",
        "largest_liquidation", "auto_deleveraging", "forced_closures", "wallet_losses", "open_interest_drop",
    }
)  # fmt: skip


def _explanations(
    relevant: Sequence[Figure],
    lineages: dict[str, Lineage],
    channels: Sequence[Channel],
    quantity: Quantity,
    window: Window,
    claim: Amount | None,
) -> list[Explanation]:
    """What the claim could be a wrong print of. A number of unknown origin, or one that was set aside, explains
    nothing by being printed: for those only true slips count."""
    if claim is None:
        return []
    aside = {figure.id for c in channels for x in c.contradictions for figure in x.set_aside.figures}
    found = explain(Claimed(quantity, claim, window), candidates(relevant), slips=CATALOGUE)

    def believable(explanation: Explanation) -> bool:
        identity = explanation.candidate.figure.id
        return bool(explanation.slip.cost) or (lineages[identity].known and identity not in aside)

    return [explanation for explanation in found if believable(explanation)]


def known_caps(window: Window, quantity: Quantity) -> tuple[tuple[Cap, ...], list[Completeness]]:
    """The documented limits, in this window, of the live feeds that aggregators are built from."""
    from sources import registry
    from sources.spec import Transport

    caps: dict[str, Cap] = {}
    feeds: list[Completeness] = []
    for source in registry.load().values():
        for channel in source.spec.channels:
            if channel.transport is not Transport.STREAM or "liquidations" not in channel.metrics:
                continue
            if quantity.venues.names is not None and not quantity.venues.names & set(channel.venues):
                continue
            rule = channel.rule_at(window.start)
            feeds.append(rule.completeness)
            if rule.completeness in (Completeness.CAPPED, Completeness.PARTIAL):
                venue = ", ".join(names.title("venues", v) for v in channel.venues)
                caps.setdefault(f"{venue}|{rule.words()}", Cap(venue, rule.words(), rule.citation, rule.confirmed))
    return tuple(caps[key] for key in sorted(caps)), feeds


def _questions(
    channels: Sequence[Channel], pairs: Sequence[object], votes: int, claim: Amount | None, quantity: Quantity
) -> tuple[Question, ...]:
    quoted = _quoted(channels, claim)
    answer, text = wording.corroboration(channels, pairs, votes)  # type: ignore[arg-type]  # pairs come from compare()
    lower = [c.feasible or c.by_clock for c in channels if (c.feasible or c.by_clock)]
    floor = max((span[0] for span in lower if span), default=0.0)
    market = "not answerable from published figures alone"
    if floor > 0:
        currency = "" if quantity.metric == LIQUIDATION_COUNT else "USD"
        market += f"; at least {money(floor, digits=3, currency=currency)} by what is shown"
    return (
        quoted,
        Question("corroborated", "Is it corroborated?", answer, text),
        Question("market", "What really happened in the whole market?", "not answerable", market),
    )


def _quoted(channels: Sequence[Channel], claim: Amount | None) -> Question:
    title = "Is it quoted right?"
    if claim is None:
        return Question("quoted", title, "not answerable", "no claim was given")
    speaking = [channel for channel in channels if channel.fit is not Fit.SILENT]
    for fit, answer in ((Fit.YES, "yes"), (Fit.HEDGED, "yes"), (Fit.NO, "no"), (Fit.POSSIBLE, "possible")):
        named = [channel for channel in speaking if channel.fit is fit]
        if named:
            said = "; ".join(_said(channel) for channel in named)
            through = f", only through “{claim.hedge}”" if fit is Fit.HEDGED else ""
            return Question("quoted", title, answer, f"{answer}{through}: {said}")
    return Question(
        "quoted", title, "not answerable", "no figure of a known lineage speaks of this quantity and window"
    )


def _said(channel: Channel) -> str:
    if channel.nearest is not None:
        return f"{channel.title} says {channel.nearest.figure.amount}"
    return f"{channel.title}'s other figures allow {span_words(channel.best)}"


def _answer(channel: Channel, lineages: dict[str, Lineage], claim: Amount | None, quantity: Quantity) -> Answer:
    nearest = channel.nearest
    distance = None
    if nearest is not None and claim is not None and claim.value:
        distance = (nearest.value - float(claim.value)) / float(claim.value)
    return Answer(
        lineage=channel.lineage,
        title=channel.title,
        answer=str(channel.fit),
        text=_answer_text(channel, claim, distance, "" if quantity.metric == LIQUIDATION_COUNT else "USD"),
        nearest=_row(nearest.figure, lineages) if nearest is not None else None,
        distance=distance,
        outlets=len(nearest.outlets) if nearest is not None else 0,
        feasible=_range(channel.feasible),
        derived=_range(channel.derived),
        derived_from=tuple(f"{s.figure.amount} {s.quantity.words()}" for s in channel.derived_from),
        by_clock=_range(channel.by_clock),
    )


def _answer_text(channel: Channel, claim: Amount | None, distance: float | None, currency: str) -> str:
    parts = []
    if channel.nearest is not None:
        off = ""
        if distance is not None and distance:
            off = f", {abs(distance):.1%} {'below' if distance < 0 else 'above'} the claim"
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
    if channel.derived is not None:
        source = "all other readings"
        if channel.derived_from:
            source = " and ".join(
                f"{s.figure.amount} {s.quantity.words().partition(' ')[0]}" for s in channel.derived_from[:3]
            )
            source = f"all other readings, {source} first,"
        parts.append(f"{source} allow {span_words(channel.derived, currency=currency)}, edges as uncertain as recorded")
    if channel.by_clock is not None:
        parts.append(f"by the clock, for exactly the window asked: {span_words(channel.by_clock, currency=currency)}")
    return "; ".join(parts) or "no figure of this lineage speaks of the quantity for this window"


def _range(span: tuple[float, float] | None) -> Range | None:
    if span is None:
        return None
    return Range(_cents(span[0]), None if math.isinf(span[1]) else _cents(span[1]))


def _cents(value: float) -> float:
    """Rounded below the solver's tolerance, so that a report does not show its noise."""
    return round(value, -1) if abs(value) >= 1e4 else round(value, 2)


def _row(figure: Figure, lineages: dict[str, Lineage]) -> FigureRow:
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


def _explanation_row(explanation: Explanation, lineages: dict[str, Lineage]) -> ExplanationRow:
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


def _lineage_rows(
    relevant: Sequence[Figure], lineages: dict[str, Lineage], quantity: Quantity
) -> tuple[LineageRow, ...]:
    groups: dict[str, list[Figure]] = defaultdict(list)
    for figure in relevant:
        if figure.amount is not None and figure.quantity.metric == quantity.metric:
            lineage = lineages[figure.id]
            groups[lineage.id if lineage.known else "unknown"].append(figure)
    rows = []
    for identity, members in sorted(groups.items(), key=lambda pair: (pair[0] == "unknown", -len(pair[1]), pair[0])):
        counts = identity != "unknown"
        reasons = Counter(str(lineages[figure.id].reason) for figure in members)
        title = lineages[members[0].id].title if counts else "unknown"
        rows.append(
            LineageRow(
                identity, title, counts, len(members), len({f.outlet for f in members}), dict(sorted(reasons.items()))
            )
        )
    return tuple(rows)


def _comparison(pair: object, titles: dict[str, str]) -> Comparison:
    from verify.reconcile.verdict import Pair

    assert isinstance(pair, Pair)
    (first, a), (second, b) = pair.first, pair.second
    scope = (
        "same window"
        if pair.same_scope
        else (
            f"windows differ: {duration_words(a.window.length)} ({a.window.words()}) against "
            f"{duration_words(b.window.length)} ({b.window.words()}); not averaged"
        )
    )
    text = (
        f"{titles[first]} {a.figure.amount} against {titles[second]} {b.figure.amount} ({a.quantity.words()}): "
        f"factor {pair.ratio:.2f}; {scope}"
    )
    return Comparison(first, second, a.quantity.words(), a.value, b.value, round(pair.ratio, 4), pair.same_scope, text)


def _conflict(contradiction: object, lineages: dict[str, Lineage]) -> Conflict:
    from verify.reconcile.contradictions import Contradiction, describe

    assert isinstance(contradiction, Contradiction)
    return Conflict(
        text=contradiction.words,
        set_aside=describe(contradiction.set_aside),
        because=contradiction.because,
        figures=tuple(_row(figure, lineages) for member in contradiction.members for figure in member.figures),
    )


def _findings(relevant: Sequence[Figure], lineages: dict[str, Lineage]) -> tuple[Finding, ...]:
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
