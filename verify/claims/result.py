"""What `verify article` hands to its renderers: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.claims.claim import Claim, Reading
from verify.claims.consistency import Finding
from verify.claims.rewording import Edit, applied
from verify.model.report import EXIT_CODES, EXIT_SOURCE_FAILURE, Reason, Report, SourceRow, Verdict
from verify.model.window import Window

#: The worst first: a wrong figure outweighs one that nobody can check. docs/exit-codes.md
PRECEDENCE = (Verdict.DIFFERS, Verdict.INCONCLUSIVE, Verdict.SUPPORTED)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure and what was found.

    `holds` says for which windows a claim without one would hold, `windows` are these windows. `edits` are the smallest
    change of the text that the evidence demands.
    """

    number: int
    claim: Claim
    verdict: Verdict
    reasons: tuple[Reason, ...]
    holds: tuple[str, ...] = ()
    report: Report | None = None
    windows: tuple[Window, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def simulated(self) -> bool:
        """Whether its verdict rests on data that a simulation made."""
        return self.report is not None and self.report.simulated

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: numbers as numbers, "" for what the text does not say."""
        claim, amount = self.claim, self.claim.number.amount
        window = claim.when.window if claim.when else None
        report = self.report
        return {
            "number": self.number,
            "text": claim.text,
            "start": claim.start,
            "end": claim.end,
            "sentence": claim.sentence,
            "kind": str(claim.kind),
            "value": float(amount.value),
            "low": float(amount.low),
            "high": float(amount.high),
            "hedge": str(claim.hedge),
            "metric": claim.metric,
            "side": str(claim.side),
            "assets": list(claim.assets),
            "venues": list(claim.venues),
            "threshold_usd": float(claim.threshold) if claim.threshold is not None else None,
            "unit": str(claim.unit) if claim.unit else "",
            "window": {
                "text": claim.when.text if claim.when else claim.event,
                "label": claim.when.label if claim.when else "",
                "resolved": str(window) if window else "",
                "slack_seconds": window.slack.total_seconds() if window else None,
            },
            "direction": claim.direction,
            "attribution": claim.attribution,
            "carried": dict(claim.carried),
            "missing": list(claim.missing),
            "verdict": str(self.verdict),
            "reasons": [{"code": reason.code, "text": reason.text} for reason in self.reasons],
            "holds": list(self.holds),
            "explanations": [e.text for e in report.explanations[:3]] if report else [],
            "confidence": report.confidence.value if report and report.confidence else None,
            "caveat": report.caveat if report else "",
            "rewording": [edit.to_dict() for edit in self.edits],
            "print": report.sentence if report else "",
        }


@dataclass(frozen=True, slots=True)
class ArticleReport:
    """A whole article, judged."""

    name: str
    reading: Reading
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    problems: tuple[str, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    warnings: tuple[str, ...] = ()
    trial: bool = False
    version: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of all; an article without a figure has nothing against it."""
        return next((v for v in PRECEDENCE if any(row.verdict is v for row in self.rows)), Verdict.SUPPORTED)

    @property
    def simulated(self) -> bool:
        return any(row.simulated for row in self.rows)

    def exit_code(self, fail_on: Verdict = Verdict.INCONCLUSIVE) -> int:
        """The exit code of the worst verdict; with `fail_on` "differs", what is inconclusive passes.

        Where the worst is inconclusive and a source failed that was asked for such a claim, that of a source failure.
        """
        worst = self.verdict
        if PRECEDENCE.index(worst) > PRECEDENCE.index(fail_on):
            return 0
        codes = {row.report.exit_code for row in self.rows if row.report is not None and row.verdict is worst}
        if worst is Verdict.INCONCLUSIVE and EXIT_SOURCE_FAILURE in codes:
            return EXIT_SOURCE_FAILURE
        return EXIT_CODES[worst]

    def reworded(self, row: Row) -> str:
        """The sentence of a row with its edits made, or "" where there are none."""
        if not row.edits:
            return ""
        document = self.reading.document
        sentence = document.sentences[row.claim.position]
        place = document.place(sentence.start, sentence.end)
        return " ".join(applied(document.original, row.edits, place.start, place.end).split())

    def to_dict(self) -> dict[str, Any]:
        published = self.reading.published
        return {
            "schema_version": 1,
            "command": "article",
            "version": self.version,
            "name": self.name,
            "published": published.moment.isoformat() if published else None,
            "verdict": str(self.verdict),
            "claims": [row.to_dict() for row in self.rows],
            "findings": [
                {"code": f.code, "text": f.text, "claims": [i + 1 for i in f.claims], "wrong": f.wrong}
                for f in self.findings
            ],
            "alone": [{"start": a.start, "end": a.end, "reason": a.reason} for a in self.reading.alone],
            "sources": [
                {"source": row.source, "status": row.status, "venues": row.venues, "note": row.note}
                for row in self.sources
            ],
            "trial": self.trial,
            "simulated": self.simulated,
            "problems": [*self.problems, *self.warnings],
        }
