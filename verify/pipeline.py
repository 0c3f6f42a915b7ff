"""Plan, collect, normalise, reconcile, judge: the one place where it all meets, and the Python API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import verify
from sources import published
from verify.model import names
from verify.model.amount import Amount
from verify.model.errors import AmountError, EvidenceError, FigureFileError, InputError, NameUnknown
from verify.model.figure import Completeness, Figure
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, CountUnit, Quantity, Scope, Side
from verify.model.report import Cap, Confidence, Finding, Reason, Report, SourceRow, Verdict
from verify.model.window import Window, duration_words, parse_duration
from verify.reconcile import confidence, summary, wording
from verify.reconcile.channels import DECIDED, Channel, Fit, ask, same_count
from verify.reconcile.lineage import Lineage, assign, by_lineage, independent
from verify.reconcile.slips import Claimed, Explanation, candidates, explain
from verify.reconcile.verdict import compare, decide

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Progress
    from sources.registry import Registry

#: Seconds within which all sources must have answered.
DEADLINE = 60.0
#: Set to anything but 0 or nothing, it forbids the network like `--offline`.
OFFLINE_VARIABLE = "VERIFY_OFFLINE"

#: How long before and after a window a page without a window may have been published to be counted with it.
_NEARBY = timedelta(days=3)
_RELATED = frozenset(
    {
        "liquidations", "liquidation_count", "estimated_liquidations", "liquidation_rate", "realised_losses",
        "largest_liquidation", "auto_deleveraging", "forced_closures", "wallet_losses", "open_interest_drop",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a quantity over a window, the claim about it, and the one lineage to ask if only one is."""

    quantity: Quantity
    window: Window
    claim: Amount | None = None
    channel: str | None = None
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Material:
    """All that an answer can rest on."""

    figures: Sequence[Figure]
    lineages: Mapping[str, Lineage]
    caps: Sequence[Cap] = ()
    feeds: Sequence[Completeness] = ()
    sources: Sequence[SourceRow] = ()
    findings: Sequence[Finding] = ()
    problems: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)


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
    sources: Sequence[str] = (),
    offline: bool | None = None,
    deadline: float = DEADLINE,
    evidence: str | Path | None = None,
    replay: bool = False,
    min_confidence: float = 0.0,
    strict: bool = False,
    now: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Judge a claim about liquidations, or report what is known for a window.

    `window` and `claim` are what a person writes (`"2026-01-18T22:30Z/2026-01-19T02:30Z"`, `"about $750M"`) or the
    parsed objects. `figures` are CSV files of published figures; without any, the events that ship with the package
    are read (their name is `"bundled"`, to have both). `sources` restricts which sources are asked, by id; `offline`
    asks none (None: as `VERIFY_OFFLINE` says). `evidence` is the file that keeps every answer, or with `replay` the
    file that they are taken from. `now` (UTC) is the clock; on replay it is that of the file.

    Raises `InputError` (a `VerifyError`) for anything that cannot be used; `strict` makes unreadable rows fatal.
    Sources never raise: their failures are rows of the report.
    """
    with _kept(evidence, replay=replay, now=now) as kept:
        clock = kept.archive.now if kept.archive else (now or datetime.now(UTC)).replace(microsecond=0)
        question = _question(window, claim, slack, Side(side), assets, venues, count_over, clock, min_confidence)
        if offline is None:
            offline = os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0")
        recorder = kept.open(question, clock)
        files = _read(figures, recorder, kept.archive)
        problems = [str(problem) for file in files for problem in file.problems]
        if strict and problems:
            count = f"{len(problems)} unreadable row{'s' if len(problems) > 1 else ''}"
            raise FigureFileError(f"{problems[0]} ({count}, --strict)")
        loaded = _sources(sources)
        known = loaded.sources
        if progress is not None and not offline:
            for name, reason in loaded.broken.items():
                progress(_unloadable(name, reason))
        every = list({figure.id: figure for file in files for figure in file.figures}.values())
        lineages = assign(every)
        wanted = _channel(channel, lineages.values(), known)
        told, measured, findings = _collect(
            known, sources, question, clock, offline=offline and not replay, deadline=deadline,
            recorder=recorder, archive=kept.archive, progress=progress,
        )  # fmt: skip
    findings += [Finding("evidence", warning, ()) for warning in (kept.archive.warnings if kept.archive else ())]
    if measured:
        every += measured
        lineages = assign(every)
    from sources.rows import known_caps

    caps, feeds = known_caps(known.values(), question.window, question.quantity)
    material = Material(
        every, lineages, caps, feeds, told, findings, problems, {file.name: file.sha256 for file in files}
    )
    asked = Question(question.quantity, question.window, question.claim, wanted, min_confidence)
    return judge(asked, material)


def judge(question: Question, material: Material) -> Report:
    """Reconcile what is known and judge the claim: no input or output, the same material gives the same report."""
    quantity, window, claim, wanted = question.quantity, question.window, question.claim, question.channel
    lineages = material.lineages
    relevant = [figure for figure in material.figures if figure.amount is not None and _concerns(figure, window)]
    titles = {lineage.id: lineage.title for lineage in lineages.values() if lineage.known}
    channels = _ask_all(relevant, lineages, titles, question)
    explanations = _explanations(relevant, lineages, channels, question)
    speakers = [c for c in channels if c.fit in DECIDED or any(s.quantity == quantity for s in c.kept)]
    votes = len({c.lineage for c in speakers if c.votes}) or min(len(speakers), 1)
    pairs = compare(channels, quantity, window)
    verdict: Verdict | None = None
    reasons: list[Reason] = []
    certainty: Confidence | None = None
    if claim is not None:
        unattributed = sum(same_count(f.quantity, quantity) for f in relevant if not lineages[f.id].known)
        verdict, reasons = decide(
            channels, quantity, window, claim, named=wanted, unattributed=unattributed, explanations=explanations
        )
        contradicted = any(reason.code == "independent_lineages_disagree" for reason in reasons)
        speaking = [channel for channel in channels if channel.fit is not Fit.SILENT or channel.matched]
        certainty = confidence.confidence(
            speaking, window, independent=votes, contradicted=contradicted, feeds=material.feeds
        )
        if verdict is Verdict.SUPPORTED and certainty.value < question.min_confidence:
            verdict = Verdict.INCONCLUSIVE
            text = f"confidence {certainty.value:.2f} is below the {question.min_confidence:.2f} asked"
            reasons.insert(0, Reason("low_confidence", text))
    outlets = {figure.outlet for figure in relevant}
    of_metric = [figure for figure in relevant if figure.quantity.metric == quantity.metric]
    voters = {c.lineage for c in speakers}
    speaking_of_it = [f for f in of_metric if lineages[f.id].id in voters] or of_metric
    voting = [identity for identity in independent(lineages[f.id] for f in speaking_of_it) if identity in titles]
    return Report(
        command="liquidations",
        version=verify.__version__,
        window=str(window),
        window_words=f"{window.words()} ({duration_words(window.length)})",
        slack_seconds=window.slack.total_seconds(),
        quantity=quantity.words(),
        claim=(claim.text or str(claim)) if claim is not None else None,
        channel=titles.get(wanted, wanted) if wanted else None,
        verdict=verdict,
        reasons=tuple(reasons),
        questions=summary.questions(channels, pairs, votes, claim, quantity),
        confidence=certainty,
        sentence=wording.sentence(verdict, claim, quantity, window, channels, pairs, titles),
        caveat=wording.caveat(
            independent=voting, titles=[titles[v] for v in voting], outlets=len(outlets), caps=material.caps
        ),
        answers=tuple(summary.answer(channel, lineages, claim, quantity) for channel in channels),
        explanations=tuple(summary.explanation_row(explanation, lineages) for explanation in explanations),
        lineages=summary.lineage_rows(of_metric, lineages),
        independent=len(voting),
        outlets=len(outlets),
        comparisons=tuple(summary.comparison(pair, titles) for pair in pairs),
        conflicts=tuple(summary.conflict(c, lineages) for channel in channels for c in channel.contradictions),
        findings=(*summary.findings(relevant), *material.findings),
        caps=tuple(material.caps),
        sources=tuple(material.sources),
        figures=summary.rows(relevant, lineages),
        problems=tuple(material.problems),
        files=dict(material.files),
    )


def _question(
    window: str | Window,
    claim: str | Amount | None,
    slack: str | timedelta | None,
    side: Side,
    assets: Sequence[str],
    venues: Sequence[str],
    count_over: str | Decimal | float | None,
    now: datetime,
    min_confidence: float,
) -> Question:
    gap = parse_duration(slack, zero=True) if isinstance(slack, str) else (slack or timedelta(0))
    asked = window if isinstance(window, Window) else Window.parse(window, now=now, slack=gap)
    named = Scope.of(*(names.resolve("venues", venue).id for venue in venues))
    tickers = Scope.of(*(_ticker(asset) for asset in assets))
    quantity = Quantity(LIQUIDATIONS, named, tickers, side)
    if count_over is not None:
        threshold = Amount.parse(str(count_over)).value or None
        quantity = Quantity(LIQUIDATION_COUNT, named, tickers, side, threshold, CountUnit.UNSPECIFIED)
    amount = Amount.parse(claim) if isinstance(claim, str) else claim
    if amount is not None and count_over is not None and amount.currency:
        raise AmountError(f"the claim {amount} is money, and --count-over asks for a number of liquidations")
    return Question(quantity, asked, amount, None, min_confidence)


def _ticker(text: str) -> str:
    if known := names.find("assets", text):
        return known.id
    symbol = text.strip().upper()
    if not symbol.isalnum() or not symbol.isascii() or len(symbol) > 15:
        raise NameUnknown("asset", text)
    return symbol


def _channel(text: str | None, lineages: Iterable[Lineage], sources: Iterable[str]) -> str | None:
    """The lineage id that a channel's name means: a registered provider, one that the files name, or a source."""
    if text is None:
        return None
    if known := names.find("providers", text):
        return known.id
    present = {names.key(identity): identity for identity in sources}
    present |= {names.key(lineage.title): lineage.id for lineage in lineages if lineage.known}
    if names.key(text) in present:
        return present[names.key(text)]
    near = names.nearest("providers", text, cutoff=names.SUGGESTION_SCORE)
    raise NameUnknown("channel", text, [near.name.title] if near else [])


def _ask_all(
    relevant: Sequence[Figure], lineages: Mapping[str, Lineage], titles: Mapping[str, str], question: Question
) -> list[Channel]:
    """What each lineage says, those left out that say nothing about the metric."""
    found = []
    for identity, members in by_lineage(relevant, lineages).items():
        if question.channel in (None, identity):
            channel = ask(identity, titles[identity], members, question.quantity, question.window, question.claim)
            if channel.kept or channel.contradictions:
                voting = any(lineages[figure.id].votes for figure in members)
                found.append(replace(channel, votes=voting))
    return found


def _concerns(figure: Figure, window: Window) -> bool:
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


def _explanations(
    relevant: Sequence[Figure], lineages: Mapping[str, Lineage], channels: Sequence[Channel], question: Question
) -> list[Explanation]:
    """What the claim could be a wrong print of.

    A number of unknown origin, or one that was set aside, explains nothing by being printed, in whatever window: it
    may be the claim itself. Of those only slips that change the number or its quantity count.
    """
    if question.claim is None or any(channel.fit is Fit.YES for channel in channels):
        return []
    aside = {figure.id for c in channels for x in c.contradictions for figure in x.set_aside.figures}
    claimed = Claimed(question.quantity, question.claim, question.window)

    def believable(explanation: Explanation) -> bool:
        candidate = explanation.candidate
        identity = candidate.figure.id
        if identity in aside or not lineages[identity].known:
            repeats = candidate.quantity == claimed.quantity and candidate.amount.value == claimed.amount.value
            return bool(explanation.slip.cost) and not repeats
        return True

    return [explanation for explanation in explain(claimed, candidates(relevant)) if believable(explanation)]


def _read(
    paths: Sequence[str | Path], recorder: Recorder | None, archive: Archive | None
) -> list[published.FigureFile]:
    """The files of figures; on replay those that the evidence kept, whatever has become of them since."""
    if archive is not None:
        return [published.parse_figures(archive.resource(name), name=name) for name in archive.resources]
    files: list[published.FigureFile] = []
    for path in paths or [published.BUNDLED]:
        files += published.read_bundled() if path == published.BUNDLED else [published.read_figures(path)]
    if recorder is not None:
        for file in files:
            recorder.resource(file.name, file.data)
    return files


def _sources(only: Sequence[str]) -> Registry:
    """Every source that works, and which packages do not. One that is asked for by name must be there."""
    from sources import registry

    for identity in only:
        registry.get(identity.partition("/")[0])
    return registry.load_all()


def _unloadable(name: str, reason: str) -> Progress:
    from sources.jobs import Progress

    return Progress(name, "failed", f"cannot be loaded: {reason}")


def _collect(
    known: Mapping[str, Source],
    only: Sequence[str],
    question: Question,
    now: datetime,
    *,
    offline: bool,
    deadline: float,
    recorder: Recorder | None,
    archive: Archive | None,
    progress: Callable[[Progress], None] | None,
) -> tuple[list[SourceRow], list[Figure], list[Finding]]:
    """Ask every source that can speak for the window, all at once: a row each, and figures of what they said."""
    if offline:
        if only:
            raise InputError("--source names what to ask, and --offline forbids to ask: leave one out")
        return [], [], []
    from sources import collect
    from sources.rows import delivered, refused

    def keyed(job: Job) -> bool:
        """Whether the keys of the job's source are there; on replay, whether they were."""
        if archive is not None:
            return archive.outcome(job) is not None
        return all(os.environ.get(name, "").strip() for name in job.spec.auth)

    plan = collect.plan(known.values(), question.window, question.quantity, now, only=only, keyed=keyed)
    if not plan.jobs:
        return [refused(refusal) for refusal in plan.refusals], [], []
    from sources import http

    outcomes = http.fetch_all(
        plan.jobs, now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
    )
    deliveries = collect.deliver(outcomes, question.window, question.quantity)
    told = [delivered(delivery, question.window) for delivery in deliveries]
    told += [refused(refusal) for refusal in plan.refusals]
    findings = []
    if any(outcome.diverted for outcome in outcomes):
        text = (
            "VERIFY_HOST_MAP sent requests to a server on this machine: this report rests on a trial, not on providers"
        )
        findings.append(Finding("trial", text, ()))
    if question.quantity.metric != LIQUIDATIONS:
        return told, [], findings
    return told, collect.figures(deliveries, question.window, question.quantity), findings


class _Keeper:
    """The evidence file of a run: none, one to write, or one to replay."""

    def __init__(self, path: Path | None, archive: Archive | None) -> None:
        self.archive = archive
        self._path = path
        self.recorder: Recorder | None = None

    def open(self, question: Question, now: datetime) -> Recorder | None:
        if self._path is not None and self.archive is None:
            from sources.evidence import Recorder

            info = {"window": str(question.window), "quantity": question.quantity.words()}
            self.recorder = Recorder(self._path, now=now, info=info, software=f"verify {verify.__version__}")
        return self.recorder


@contextmanager
def _kept(path: str | Path | None, *, replay: bool, now: datetime | None) -> Iterator[_Keeper]:
    """Open the evidence file; what was kept stays, also when the run is interrupted."""
    if replay and path is None:
        raise EvidenceError("--replay needs --evidence FILE: the file to take the answers from")
    archive = None
    if replay and path is not None:
        from sources.evidence import Archive

        archive = Archive(Path(path))
        if now is not None and not archive.jobs and not archive.resources:
            raise EvidenceError(f"{path} holds nothing to replay")
    keeper = _Keeper(Path(path) if path is not None else None, archive)
    complete = False
    try:
        yield keeper
        complete = True
    finally:
        if keeper.recorder is not None:
            keeper.recorder.close(complete=complete)
