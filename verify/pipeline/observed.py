"""What the commands for flows, markets and positions have in common: asking for series, and a report of readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import verify
from verify.claims.statement import Stated, Statistic
from verify.model import names
from verify.model.amount import money
from verify.model.errors import FigureFileError
from verify.model.figure import Completeness, Figure
from verify.model.quantity import Quantity
from verify.model.report import Answer, Finding, Question, Range, Reason, Report, SourceRow, Verdict
from verify.model.window import Window, duration_words, parse_duration
from verify.pipeline import judging, run
from verify.reconcile import readings, summary
from verify.reconcile.channels import Fit, fit
from verify.reconcile.lineage import Lineage, assign
from verify.reconcile.readings import Reading

if TYPE_CHECKING:
    import polars as pl

    from sources.collect import Delivery
    from sources.jobs import Outcome, Progress


@dataclass(frozen=True, slots=True)
class Options:
    """What every command takes besides its question; see `verify.liquidations`."""

    figures: Sequence[str | Path] = ()
    sources: Sequence[str] = ()
    offline: bool | None = None
    deadline: float = run.DEADLINE
    evidence: str | Path | None = None
    replay: bool = False
    min_confidence: float = 0.0
    strict: bool = False
    now: datetime | None = None
    progress: Callable[[Progress], None] | None = None


@dataclass(slots=True)
class Gathered:
    """All that came: series by channel, published figures with their lineages, rows and findings for the report."""

    window: Window
    deliveries: list[Delivery] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    lineages: Mapping[str, Lineage] = field(default_factory=dict)
    rows: list[SourceRow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    simulated: bool = False

    def add(self, answer: run.Collected) -> None:
        """Take in what the sources said of one quantity."""
        self.deliveries += answer.deliveries
        self.rows += answer.told
        self.findings += [finding for finding in answer.findings if finding not in self.findings]
        self.simulated = self.simulated or answer.simulated

    def series(self, metric: str, asset: str = "") -> Iterator[tuple[Delivery, pl.DataFrame]]:
        """The frames of the channels that answered, of one metric and asset."""
        import polars as pl

        for delivery in self.deliveries:
            if delivery.failure is None and delivery.frame is not None and metric in delivery.channel.metrics:
                frame = delivery.frame.filter(pl.col("metric") == metric)
                frame = frame.filter(pl.col("asset").is_in([asset, ""])) if asset else frame
                if not frame.is_empty():
                    yield delivery, frame

    def stated(self, metric: str) -> list[Figure]:
        """The published figures of a metric that hold a number."""
        return [figure for figure in self.figures if figure.quantity.metric.id == metric and figure.amount is not None]


def window_of(text: str | Window, options: Options, slack: str | timedelta | None = None) -> Window:
    """The window asked, against the clock of the options."""
    gap = parse_duration(slack, zero=True) if isinstance(slack, str) else (slack or timedelta(0))
    return text if isinstance(text, Window) else Window.parse(text, now=_now(options), slack=gap)


def _now(options: Options) -> datetime:
    return (options.now or datetime.now(UTC)).replace(microsecond=0)


class ReadOff(Protocol):
    """A question that is answered by reading off: what it asks of sources, and what it makes of what they say."""

    @property
    def said(self) -> Stated | None:
        """The claim as read."""

    @property
    def quantity(self) -> Quantity:
        """What it is about."""

    def claiming(self, said: Stated | None) -> ReadOff:
        """The same question about another claim. Raises `InputError` for a claim that it cannot be about."""

    def wanted(self, window: Window) -> Sequence[tuple[Quantity, Window]]:
        """What sources are asked for. Raises `InputError` for a window of which the question cannot be asked."""

    def judged(self, found: Gathered, *, min_confidence: float = 0.0) -> Report:
        """The report on what was gathered. Raises `InputError` like `wanted`."""


def gather(
    window: str | Window, question: ReadOff, options: Options, *, slack: str | timedelta | None = None
) -> Gathered:
    """Ask the sources of all that the question wants, all at once, and read the figures.

    Raises `InputError` for anything that cannot be used; sources never raise.
    """
    with run.kept(options.evidence, replay=options.replay, now=options.now) as kept:
        clock = kept.archive.now if kept.archive else _now(options)
        asked = window_of(window, replace(options, now=clock), slack)
        wanted = question.wanted(asked)
        recorder = kept.open(judging.Question(wanted[0][0], asked), clock)
        files = run.read_figures(options.figures, recorder, kept.archive)
        problems = [str(problem) for file in files for problem in file.problems]
        if options.strict and problems:
            raise FigureFileError(f"{problems[0]} ({len(problems)} unreadable rows, --strict)")
        figures = list({figure.id: figure for file in files for figure in file.figures}.values())
        found = Gathered(
            asked, figures=figures, lineages=assign(figures), problems=problems,
            files={file.name: file.sha256 for file in files},
        )  # fmt: skip
        offline = run.offline_by_environment() if options.offline is None else options.offline
        for answer in _asked(wanted, options, clock, kept, offline=offline and not options.replay):
            found.add(answer)
        found.findings += [Finding("evidence", text, ()) for text in (kept.archive.warnings if kept.archive else ())]
        return found


def _asked(
    wanted: Sequence[tuple[Quantity, Window]], options: Options, clock: datetime, kept: run.Keeper, *, offline: bool
) -> Iterator[run.Collected]:
    """What came of asking for each of `wanted`, all in one go."""
    loaded, only = run.load_sources(options.sources, kept.archive)
    known = loaded.sources.values()
    run.forbid_network(loaded.sources, only, offline=offline)
    if offline and not only:
        return
    plans = [run.planned(known, span, quantity, clock, only=only, archive=kept.archive) for quantity, span in wanted]
    jobs = [job for plan in plans for job in plan.jobs]
    fetched: Sequence[Outcome] = ()
    if jobs:
        from sources import http

        fetched = http.fetch_all(
            jobs, now=clock, deadline=options.deadline, recorder=kept.recorder, archive=kept.archive,
            progress=options.progress,
        )  # fmt: skip
    outcomes = iter(fetched)
    for plan, (quantity, span) in zip(plans, wanted, strict=True):
        yield run.answered(plan, [next(outcomes) for _ in plan.jobs], span, quantity)


def held(stated: Stated, span: tuple[float, float]) -> Fit:
    """Whether a claim fits what a reading leaves open, in the claim's unit and direction."""
    amount = stated.amount
    assert amount is not None
    allowance = float(amount.allowance)
    threshold = float(amount.ends[0] if amount.ends else amount.value)
    if stated.statistic is Statistic.BELOW:
        return _beyond((-span[1], -span[0]), -threshold, allowance)
    if stated.statistic is Statistic.ABOVE:
        return _beyond(span, threshold, allowance)
    if stated.statistic is Statistic.LEVEL:
        low, high = (float(value) for value in (amount.low, amount.high))
        if span[0] <= high and span[1] >= low:
            return Fit.YES
        return Fit.HEDGED if span[0] <= high + allowance and span[1] >= low - allowance else Fit.NO
    return fit(span, amount)


def _beyond(span: tuple[float, float], threshold: float, allowance: float) -> Fit:
    """Whether all of a span lies above a threshold, or only above one that is lower by the allowance."""
    if span[0] > threshold:
        return Fit.YES
    if span[0] > threshold - allowance:
        return Fit.HEDGED
    return Fit.NO if span[1] <= threshold - allowance else Fit.POSSIBLE


def figure_reading(figure: Figure, found: Gathered, said: str, fitting: Fit | None, *, sign: float = 1.0) -> Reading:
    """A published figure as a reading of its lineage."""
    lineage, amount = found.lineages[figure.id], figure.amount
    assert amount is not None
    ends = sorted((sign * float(amount.low), sign * float(amount.high)))
    return Reading(
        lineage=lineage.id,
        title=lineage.title if lineage.known else f"{figure.outlet} (origin unknown)",
        low=ends[0],
        high=ends[1],
        said=said,
        fit=fitting,
        votes=lineage.known,
        completeness=Completeness.UNKNOWN,
        url=figure.url,
        outlet=figure.outlet,
        evidence=str(figure.evidence or ""),
        figure=figure.id,
    )


def delivered_reading(
    delivery: Delivery,
    title: str,
    span: tuple[float, float],
    said: str,
    *,
    variant: str = "",
    fitting: Fit | None = None,
    partial: bool = False,
) -> Reading:
    """What a channel's series shows as a reading of the feed that it descends from.

    A feed of a provider that figures name is that provider's lineage, as theirs is. One that may be made from any of
    several compilations counts as none of them: it votes for nothing.
    """
    feed = delivery.channel.lineage[0]
    owner = names.register("providers").get(names.key(feed.partition("/")[0]))
    return Reading(
        lineage=owner.id if owner else feed,
        title=title,
        low=span[0],
        high=span[1],
        said=said,
        variant=variant,
        fit=fitting,
        votes=len(delivery.channel.lineage) == 1,
        completeness=Completeness.PARTIAL if partial else delivery.completeness,
        url=delivery.channel.docs[0],
        outlet=delivery.source.title,
        evidence=delivery.evidence[0] if delivery.evidence else delivery.label,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says beside its readings."""

    command: str
    quantity: str
    claim: str | None
    sentence: str
    caveat: str
    shown: Callable[[float], str]
    market: str = ""


def report(found: Gathered, asked: Sequence[Reading], told: Told, *, min_confidence: float = 0.0) -> Report:
    """The report of a question that is answered by readings."""
    verdict: Verdict | None = None
    reasons: list[Reason] = []
    certainty = None
    if told.claim is not None:
        verdict, reasons = readings.decide(asked)
        certainty = readings.confidence(asked, verdict)
        if verdict is Verdict.SUPPORTED and certainty.value < min_confidence:
            verdict = Verdict.INCONCLUSIVE
            text = f"confidence {certainty.value:.2f} is below the {min_confidence:.2f} asked"
            reasons.insert(0, Reason("low_confidence", text))
    votes = {reading.lineage for reading in asked if reading.votes and not reading.variant}
    used = [figure for figure in found.figures if figure.id in {reading.figure for reading in asked}]
    window = found.window
    return Report(
        command=told.command,
        version=verify.__version__,
        window=str(window),
        window_words=f"{window.words()} ({duration_words(window.length)})",
        slack_seconds=window.slack.total_seconds(),
        quantity=told.quantity,
        claim=told.claim,
        channel=None,
        verdict=verdict,
        reasons=tuple(reasons),
        questions=_questions(asked, verdict, told, len(votes)),
        confidence=certainty,
        sentence=told.sentence,
        caveat=told.caveat,
        answers=_answers(asked),
        lineages=summary.lineage_rows(used, found.lineages),
        independent=len(votes),
        outlets=len({reading.outlet for reading in asked}),
        findings=tuple(found.findings),
        sources=tuple(found.rows),
        figures=summary.rows(used, found.lineages),
        problems=tuple(found.problems),
        files=dict(found.files),
        simulated=found.simulated,
    )


def _questions(asked: Sequence[Reading], verdict: Verdict | None, told: Told, votes: int) -> tuple[Question, ...]:
    what = readings.spread(asked, told.shown)
    answer = {Verdict.SUPPORTED: "yes", Verdict.DIFFERS: "no", Verdict.INCONCLUSIVE: "possible"}
    quoted = "no claim was given" if verdict is None else f"{answer[verdict]}: {what}"
    ratio = readings.agreement(asked)
    if votes < 2:
        agreed, corroborated = "no", "not corroborated: " + ("one lineage" if votes else "no known lineage")
    elif ratio is not None and ratio <= 1 + readings.AGREEING:
        agreed, corroborated = "yes", f"{votes} independent lineages within {(ratio - 1) * 100:.2g} % of one another"
    else:
        agreed = "no"
        corroborated = f"{votes} independent lineages" + (f", apart by a factor of {ratio:.2f}" if ratio else "")
    return (
        Question("quoted", "Is it quoted right?", answer[verdict] if verdict else "not answerable", quoted),
        Question("corroborated", "Is it corroborated?", agreed, corroborated),
        Question("market", "What really happened?", "possible" if asked else "not answerable", told.market or what),
    )


def _answers(asked: Sequence[Reading]) -> tuple[Answer, ...]:
    """One per lineage and title: what was asked first, then the other definitions."""
    groups: dict[tuple[str, str], list[Reading]] = {}
    for reading in asked:
        groups.setdefault((reading.lineage, reading.title), []).append(reading)
    rows = []
    for (lineage, title), group in groups.items():
        main = next((reading for reading in group if not reading.variant), group[0])
        text = "; ".join(f"{r.said} ({r.variant})" if r.variant else r.said for r in group)
        rows.append(
            Answer(
                lineage, title, str(main.fit or Fit.SILENT) if main.fit else "possible", text, None, None, 1,
                Range(main.low, main.high),
            )
        )  # fmt: skip
    return tuple(rows)


def dollars(value: float) -> str:
    """Money with its sign."""
    return f"-{money(Decimal(repr(abs(value))))}" if value < 0 else money(Decimal(repr(value)))
