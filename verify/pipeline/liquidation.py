"""`verify.liquidations`: plan, collect, normalise, reconcile, judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from verify.claims.counts import counted
from verify.model import names
from verify.model.amount import Amount
from verify.model.errors import AmountError, FigureFileError, NameUnknown
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, CountUnit, Quantity, Scope, Side
from verify.model.report import Finding, Report
from verify.model.window import Window, parse_duration
from verify.pipeline import run
from verify.pipeline.judging import Material, Measured, Question, judge
from verify.reconcile.lineage import Lineage, assign
from verify.reconcile.votes import with_origins

if TYPE_CHECKING:
    from sources.jobs import Progress


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
    deadline: float = run.DEADLINE,
    evidence: str | Path | None = None,
    replay: bool = False,
    min_confidence: float = 0.0,
    strict: bool = False,
    now: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Judge a claim about liquidations, or report what is known for a window.

    `window` and `claim` are what a person writes (`"2026-01-18T22:30Z/2026-01-19T02:30Z"`, `"about $750M"`) or the
    parsed objects; with `count_over`, a claim may say what it counts (`"38 positions"`). `figures` are CSV files of
    published figures; without any, the events that ship with the package are read (their name is `"bundled"`, to have
    both). `sources` restricts which sources are asked, by id or address; `offline`
    asks none (None: as `VERIFY_OFFLINE` says). `evidence` is the file that keeps every answer, or with `replay` the
    file that they are taken from. `now` (UTC) is the clock; on replay it is that of the file.

    Raises `InputError` (a `VerifyError`) for anything that cannot be used; `strict` makes unreadable rows fatal.
    Sources never raise: their failures are rows of the report.
    """
    with run.kept(evidence, replay=replay, now=now) as kept:
        clock = kept.archive.now if kept.archive else (now or datetime.now(UTC)).replace(microsecond=0)
        question = _question(window, claim, slack, Side(side), assets, venues, count_over, clock, min_confidence)
        if offline is None:
            offline = run.offline_by_environment()
        loaded, wanted_sources = run.load_sources(sources, kept.archive)
        known = loaded.sources
        invented = any(source.spec.kind == run.SIMULATED for source in known.values())
        recorder = kept.open(question, clock)
        files = run.read_figures(figures, recorder, kept.archive, bundled=not invented)
        problems = [str(problem) for file in files for problem in file.problems]
        if strict and problems:
            count = f"{len(problems)} unreadable row{'s' if len(problems) > 1 else ''}"
            raise FigureFileError(f"{problems[0]} ({count}, --strict)")
        if progress is not None and not offline:
            for name, reason in loaded.broken.items():
                progress(run.unloadable(name, reason))
        every = list({figure.id: figure for file in files for figure in file.figures}.values())
        origins = run.origins(known)
        lineages = with_origins(assign(every), origins)
        wanted = channel_of(channel, lineages.values(), known)
        found = run.collected(
            known, wanted_sources, question, clock, offline=offline and not replay, deadline=deadline,
            recorder=recorder, archive=kept.archive, progress=progress,
        )  # fmt: skip
    if strict and (unread := [finding.text for finding in found.findings if finding.code == "rows_not_read"]):
        raise FigureFileError(f"{unread[0]} (--strict)")
    warnings = kept.archive.warnings if kept.archive else ()
    findings = [*found.findings, *(Finding("evidence", warning, ()) for warning in warnings)]
    if found.figures:
        every += found.figures
        lineages = with_origins(assign(every), origins)
    from sources.rows import known_caps

    caps, feeds = known_caps(known.values(), question.window, question.quantity)
    material = Material(
        every, lineages, caps, feeds, found.told, findings, problems, {file.name: file.sha256 for file in files},
        measured=Measured(
            found.deliveries,
            found.weights,
            tuple(known.values()),
            restricted=bool(wanted_sources),
            lineages=frozenset(lineages[figure.id].id for figure in found.figures),
        ),
        evidence=found.evidence,
        simulated=found.simulated or invented,
        origins=origins,
    )  # fmt: skip
    asked = Question(question.quantity, question.window, question.claim, wanted, min_confidence)
    return judge(asked, material)


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
    tickers = Scope.of(*(ticker(asset) for asset in assets))
    quantity = Quantity(LIQUIDATIONS, named, tickers, side)
    if count_over is not None:
        threshold = Amount.parse(str(count_over)).value or None
        unit = CountUnit.UNSPECIFIED
        if isinstance(claim, str):
            claim, unit = counted(claim)
        quantity = Quantity(LIQUIDATION_COUNT, named, tickers, side, threshold, unit)
    amount = Amount.parse(claim) if isinstance(claim, str) else claim
    if amount is not None and count_over is not None and amount.currency:
        raise AmountError(f"the claim {amount} is money, and --count-over asks for a number of liquidations")
    return Question(quantity, asked, amount, None, min_confidence)


def ticker(text: str) -> str:
    """The id of an asset: a registered name, or what has the form of a ticker. Raises `NameUnknown`."""
    if known := names.find("assets", text):
        return known.id
    symbol = text.strip().upper()
    if not symbol.isalnum() or not symbol.isascii() or len(symbol) > 15:
        raise NameUnknown("asset", text)
    return symbol


def channel_of(text: str | None, lineages: Iterable[Lineage], sources: Iterable[str]) -> str | None:
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
