"""A run of checks as SARIF 2.1.0, for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from reports.run import clean, message
from reports.text import escaped_json
from verify.model.checks import Change, CheckRow, RunReport, Severity, Status

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_STATES = {Change.NEW: "new", Change.KNOWN: "unchanged", Change.FLAPPING: "unchanged", Change.FIXED: "absent"}


def render(report: RunReport) -> str:
    """One run with a result per check; a source failure is also a notification of the invocation."""
    report = clean(report)
    results = [_result(report, row) for row in report.checks]
    rules = sorted({result["ruleId"] for result in results})
    failed = [row for row in report.checks if row.status is Status.FAILED]
    invocation: dict[str, Any] = {
        "executionSuccessful": not failed,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": [
            {"level": "error", "message": {"text": message(row)}, "locations": _locations(report, row)}
            for row in failed
        ],
    }
    driver = {
        "name": "verify",
        "version": report.version,
        "rules": [{"id": rule, "shortDescription": {"text": rule.replace("_", " ")}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "automationDetails": {"id": f"verify/{report.file}"},
        "invocations": [invocation],
        "results": [{**result, "ruleIndex": rules.index(result["ruleId"])} for result in results],
    }
    return escaped_json(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)) + "\n"


def _result(report: RunReport, row: CheckRow) -> dict[str, Any]:
    passed = row.status is Status.PASSED
    digest = hashlib.sha256(row.id.encode()).hexdigest()[:32]
    result: dict[str, Any] = {
        "ruleId": row.reasons[0].code if row.reasons else str(row.status),
        "kind": "pass" if passed else "fail",
        # a result that did not fail has the level "none" (3.27.10)
        "level": "none" if passed else _level(row),
        "message": {"text": message(row)},
        "locations": _locations(report, row),
        "partialFingerprints": {"verifyCheck/v1": digest},
        "properties": {"tags": list(row.tags), "status": str(row.status), "severity": str(row.severity)},
    }
    if report.baseline:
        result["baselineState"] = _STATES.get(row.change, "unchanged")
    return result


def _level(row: CheckRow) -> str:
    """An inconclusive check is never more than a warning: nothing is known to be wrong."""
    if row.status is Status.INCONCLUSIVE and row.severity is Severity.ERROR:
        return "warning"
    return {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}[row.severity]


def _locations(report: RunReport, row: CheckRow) -> list[dict[str, Any]]:
    """Where the check is written; one that stands in no file (a claim on the command line) has no region."""
    uri = quote(PurePath(row.file or report.file).as_posix())
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if row.line:
        place["region"] = {"startLine": row.line}
    return [{"physicalLocation": place}]
