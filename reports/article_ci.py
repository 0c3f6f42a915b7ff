"""A judged article for build servers: SARIF 2.1.0 and annotations of a GitHub workflow.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from reports.article import message
from reports.places import Lines
from reports.text import escaped_json, plain
from verify.claims.result import ArticleReport, Row
from verify.model.report import Verdict

_LEVELS = {Verdict.DIFFERS: "error", Verdict.INCONCLUSIVE: "warning", Verdict.SUPPORTED: "none"}  # 3.27.10: no fail
_KINDS = {Verdict.DIFFERS: "error", Verdict.INCONCLUSIVE: "warning", Verdict.SUPPORTED: "notice"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: Annotations of one type that GitHub shows for one step; it drops the rest without a word.
MOST_ANNOTATIONS = 10


def sarif(report: ArticleReport) -> str:
    """One result per figure, its region the line and column of the number in UTF-16 code units, its edits as a fix."""
    places = Lines(report.reading.document.original)
    where = {"uri": quote(plain(PurePath(report.name).as_posix()))}
    results = [_result(row, places, where) for row in report.rows]
    rules = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    driver = {
        "name": "verify",
        "version": report.version,
        "rules": [{"id": rule, "shortDescription": {"text": rule.replace("_", " ")}} for rule in rules],
    }
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    return escaped_json(json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)) + "\n"


def _result(row: Row, places: Lines, where: dict[str, str]) -> dict[str, Any]:
    passed = row.verdict is Verdict.SUPPORTED
    region = _region(places, row.claim.start, row.claim.end)
    result: dict[str, Any] = {
        "ruleId": row.reasons[0].code if row.reasons else str(row.verdict),
        "level": _LEVELS[row.verdict],
        "kind": "pass" if passed else "fail",
        "message": {"text": plain(message(row))},
        "locations": [{"physicalLocation": {"artifactLocation": where, "region": region}}],
    }
    if row.edits:
        replacements = [
            {"deletedRegion": _region(places, edit.start, edit.end), "insertedContent": {"text": plain(edit.new)}}
            for edit in row.edits
        ]
        changes = [{"artifactLocation": where, "replacements": replacements}]
        why = plain("; ".join(edit.why for edit in row.edits))
        result["fixes"] = [{"description": {"text": why}, "artifactChanges": changes}]
    return result


def _region(places: Lines, start: int, end: int) -> dict[str, int]:
    line, column = places.utf16(start)
    last, until = places.utf16(end)
    return {"startLine": line, "startColumn": column, "endLine": last, "endColumn": until}


def github(report: ArticleReport) -> str:
    """Workflow commands for the lines of a pull request, the wrong figures first; what is left over is counted."""
    places = Lines(report.reading.document.original)
    lines = []
    for verdict in (Verdict.DIFFERS, Verdict.INCONCLUSIVE, Verdict.SUPPORTED):
        rows = [row for row in report.rows if row.verdict is verdict]
        shown = rows if len(rows) <= MOST_ANNOTATIONS else rows[: MOST_ANNOTATIONS - 1]
        for row in shown:
            line, column = places.position(row.claim.start)
            place = f"file={_property(report.name)},line={line},col={column}"
            lines.append(f"::{_KINDS[verdict]} {place},title={_property(row.claim.text)}::{_data(message(row))}")
        if left := len(rows) - len(shown):
            place = f"file={_property(report.name)},line={places.position(rows[len(shown)].claim.start)[0]}"
            lines.append(f"::{_KINDS[verdict]} {place},title=verify::{left} more figures are {verdict}")
    return "".join(line + "\n" for line in lines)


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
