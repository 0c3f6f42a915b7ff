"""Articles: read, checked within the text, every figure judged in one run. The Python API is `article`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import verify
from verify.article.judging import Judge, asking
from verify.claims import consistency, rewording
from verify.claims.claim import Reading
from verify.claims.result import ArticleReport, Row
from verify.claims.slots import extract
from verify.claims.text import guess_form, read
from verify.claims.windows import dateline
from verify.model.errors import EvidenceError, FigureFileError, InputError
from verify.model.quantity import Quantity
from verify.model.report import Reason
from verify.model.window import parse_instant
from verify.pipeline import Material, run, shared
from verify.reconcile.lineage import assign
from verify.reconcile.votes import with_origins

if TYPE_CHECKING:
    from sources.jobs import Progress

__all__ = ["article"]

#: An article is read whole; what is larger is no article.
_MOST_CHARACTERS = 20_000_000


def article(
    text: str,
    *,
    name: str = "text",
    form: str | None = None,
    published_at: str | None = None,
    figures: Sequence[str | Path] = (),
    sources: Sequence[str] = (),
    offline: bool | None = None,
    deadline: float = run.DEADLINE,
    evidence: str | Path | None = None,
    replay: bool = False,
    strict: bool = False,
    now: datetime | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ArticleReport:
    """Find every figure of a text and judge it.

    `form` is "md", "txt" or "html" (default: by the name, or how the text begins). `published_at` is the dateline
    (ISO 8601) against which relative words are resolved; by default the text's own date. Everything else is as in
    `verify.liquidations`: claims of one window and one set of assets share every request, and all answers are kept in
    one evidence file, which gives the same report for the same text again.

    Raises `InputError` (a `VerifyError`) for what cannot be used; sources never raise.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"{name} has {len(text):,} characters: an article has at most {_MOST_CHARACTERS:,}")
    if published_at is not None:
        parse_instant(published_at)
    reading = extract(read(text, form or guess_form(name, text)), dateline(published_at) if published_at else None)
    findings = consistency.check(reading)
    if offline is None:
        offline = run.offline_by_environment()
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    with run.kept(evidence, replay=replay, now=now) as kept:
        archive = kept.archive
        if archive is not None and archive.info.get("article", digest) != digest:
            raise EvidenceError(f"{archive.path} is of another text: {name} has changed since, or is not the one")
        clock = archive.now if archive else (now or datetime.now(UTC)).replace(microsecond=0)
        recorder = kept.begin({"command": "article", "article": digest}, clock)
        files = run.read_figures(figures, recorder, archive)
        problems = [str(problem) for file in files for problem in file.problems]
        if strict and problems:
            raise FigureFileError(f"{problems[0]} ({len(problems)} unreadable rows, --strict)")
        loaded, wanted_sources = run.load_sources(sources, archive)
        run.forbid_network(loaded.sources, wanted_sources, offline=offline and not replay)
        asks = bool(archive.jobs) if archive else not offline or bool(wanted_sources)
        asked = _asked(reading) if asks else {}
        told = shared.collected(
            loaded.sources, wanted_sources, asked, clock, deadline=deadline, recorder=recorder, archive=archive,
            progress=progress,
        )  # fmt: skip
    every = {figure.id: figure for file in files for figure in file.figures}
    every |= {figure.id: figure for answer in told.values() for figure in answer.figures}
    known = list(every.values())
    origins = run.origins(loaded.sources)
    digests = {file.name: file.sha256 for file in files}
    lineages = with_origins(assign(known), origins)
    material = Material(known, lineages, problems=problems, files=digests, origins=origins)
    published = reading.published.moment if reading.published else None
    judge = Judge(material, loaded.sources, told, published, restricted=bool(wanted_sources))
    rows = _rows(reading, findings, judge)
    sources_said = [row for answer in told.values() for row in answer.told]
    warnings = archive.warnings if archive else ()
    return ArticleReport(
        name, reading, tuple(rows), tuple(findings), tuple(problems), tuple(sources_said), tuple(warnings),
        trial=any(answer.findings for answer in told.values()), version=verify.__version__,
    )  # fmt: skip


def _asked(reading: Reading) -> dict[shared.Key, Quantity]:
    """What the claims ask of the sources, each thing once."""
    questions = [asked for claim in reading.claims if (asked := asking(claim)) is not None]
    return shared.grouped(pair for asked in questions for pair in asked.wanted)


def _rows(reading: Reading, findings: Sequence[consistency.Finding], judge: Judge) -> list[Row]:
    wrong: dict[int, list[Reason]] = {}
    for finding in findings:
        for index in finding.claims if finding.wrong else ():
            wrong.setdefault(index, []).append(Reason(finding.code, f"the text contradicts itself: {finding.text}"))
    rows = [judge(number, claim, wrong.get(number - 1, ())) for number, claim in enumerate(reading.claims, 1)]
    return rewording.suggested(reading, rows, findings)
