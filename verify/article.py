"""Articles: read, check within the text, judge each figure through `verify.pipeline.judge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sources import published
from sources.rows import known_caps
from verify.claims import consistency
from verify.claims.result import ArticleReport, Row
from verify.claims.slots import Claim, extract
from verify.claims.text import guess_form, read
from verify.claims.windows import dateline
from verify.model import names
from verify.model.errors import FigureFileError, InputError
from verify.model.quantity import METRICS, CountUnit, Quantity, Scope
from verify.model.report import Reason, Report, Verdict
from verify.model.window import parse_instant
from verify.pipeline import Material, Question, judge
from verify.reconcile.lineage import assign

#: An article is read whole; what is larger is no article.
_MOST_CHARACTERS = 20_000_000
_JUDGED = ("liquidations", "liquidation_count")
_MOST_WINDOWS = 3


def article(
    text: str,
    *,
    name: str = "text",
    form: str | None = None,
    published_at: str | None = None,
    figures: Sequence[str | Path] = (),
    strict: bool = False,
) -> ArticleReport:
    """Find every figure of a text and judge it by published figures.

    `form` is "md", "txt" or "html" (default: by the name, or how the text begins). `published_at` is the dateline
    (ISO 8601) against which relative words are resolved; by default the text's own date. `figures` are CSV files as
    in `verify.liquidations`. Raises `InputError` for what cannot be used.
    """
    if len(text) > _MOST_CHARACTERS:
        raise InputError(f"{name} has {len(text):,} characters: an article has at most {_MOST_CHARACTERS:,}")
    if published_at is not None:
        parse_instant(published_at)
    reading = extract(read(text, form or guess_form(name, text)), dateline(published_at) if published_at else None)
    findings = consistency.check(reading)
    files: list[published.FigureFile] = []
    for path in figures or [published.BUNDLED]:
        files += published.read_bundled() if path == published.BUNDLED else [published.read_figures(path)]
    problems = [str(problem) for file in files for problem in file.problems]
    if strict and problems:
        raise FigureFileError(f"{problems[0]} ({len(problems)} unreadable rows, --strict)")
    every = [figure for file in files for figure in file.figures]
    material = Material(every, assign(every), problems=problems)
    wrong: dict[int, list[Reason]] = {}
    for finding in findings:
        for index in finding.claims if finding.wrong else ():
            wrong.setdefault(index, []).append(Reason(finding.code, f"the text contradicts itself: {finding.text}"))
    judge_one = _Judge(material)
    rows = [judge_one(number, claim, wrong.get(number - 1, ())) for number, claim in enumerate(reading.claims, 1)]
    return ArticleReport(name, reading, tuple(rows), tuple(findings), tuple(problems))


class _Judge:
    """Judges claims on one set of figures; two claims that ask the same are answered once."""

    def __init__(self, material: Material) -> None:
        from sources import registry

        self.material = material
        self.sources = registry.load()
        self.channels = {lineage.id for lineage in material.lineages.values() if lineage.known}
        self.answers: dict[Question, Report] = {}

    def __call__(self, number: int, claim: Claim, wrong: Sequence[Reason]) -> Row:
        row = self._judged(number, claim)
        if wrong:
            return Row(number, claim, Verdict.DIFFERS, (*wrong, *row.reasons), row.holds, row.report)
        return row

    def _judged(self, number: int, claim: Claim) -> Row:
        if not claim.metric:
            return _open(number, claim, "no_metric", "the text does not say what this number counts")
        if claim.metric not in _JUDGED:
            title = METRICS[claim.metric].title if claim.metric in METRICS else claim.metric.replace("_", " ")
            text = f"no source for this metric yet ({title}): check it by hand"
            return _open(number, claim, "no_source_for_metric", text)
        quantity = self._quantity(claim)
        window = claim.when.window if claim.when else None
        if window is None:
            holds = self._holds(claim, quantity)
            stated = f" but {claim.when.text!r}" if claim.when else (f" but {claim.event!r}" if claim.event else "")
            text = f"no window: the text gives no time{stated}" + (
                "; it would hold for the windows listed" if holds else "; no known figure has this value"
            )
            row = _open(number, claim, "no_window", text)
            return Row(number, claim, row.verdict, row.reasons, holds)
        known = names.find("providers", claim.attribution) if claim.attribution else None
        channel = known.id if known and known.kind == "measurer" and known.id in self.channels else None
        question = Question(quantity, window, claim.number.amount, channel)
        report = self.answers.get(question)
        if report is None:
            caps, feeds = known_caps(self.sources.values(), window, quantity)
            material = Material(
                self.material.figures, self.material.lineages, caps, feeds, problems=self.material.problems
            )
            report = self.answers[question] = judge(question, material)
        return Row(number, claim, report.verdict or Verdict.INCONCLUSIVE, report.reasons, (), report)

    @staticmethod
    def _quantity(claim: Claim) -> Quantity:
        metric = METRICS[claim.metric]
        unit = (claim.unit or CountUnit.UNSPECIFIED) if claim.metric == "liquidation_count" else None
        scopes = Scope.of(*claim.venues), Scope.of(*claim.assets)
        return Quantity(metric, *scopes, claim.side, claim.threshold, unit)

    def _holds(self, claim: Claim, quantity: Quantity) -> tuple[str, ...]:
        """The windows of known figures of the same quantity that the claim would be true of."""
        low, high = claim.number.amount.tolerated
        found: dict[str, None] = {}
        for figure in self.material.figures:
            if figure.quantity != quantity or figure.amount is None or figure.window is None:
                continue
            if claim.when is not None and claim.when.length not in (None, figure.window.length):
                continue
            if figure.amount.high > low and (high is None or figure.amount.low <= high):
                lineage = self.material.lineages[figure.id]
                origin = lineage.title if lineage.known else "origin unknown"
                found.setdefault(f"{figure.window.words()} ({figure.amount}, {origin})")
        return tuple(found)[:_MOST_WINDOWS]


def _open(number: int, claim: Claim, code: str, text: str) -> Row:
    return Row(number, claim, Verdict.INCONCLUSIVE, (Reason(code, text),))
