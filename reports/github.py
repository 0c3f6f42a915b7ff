"""A run of checks as annotations of a GitHub workflow.

GitHub shows ten annotations of each type per step and drops the rest without a word, so that the most severe come
first and the tenth counts what is left.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from reports.run import clean, message
from reports.text import plain
from verify.model.checks import CheckRow, RunReport, Severity, Status, worst_first

#: Annotations of one type that a step may make.
MOST = 10
_KINDS = ("error", "warning", "notice")


def render(report: RunReport) -> str:
    """Workflow commands, one per line; checks that pass make none."""
    report = clean(report)
    by_kind: dict[str, list[CheckRow]] = {kind: [] for kind in _KINDS}
    for row in worst_first(report.checks):
        if row.status is not Status.PASSED:
            by_kind[_kind(row)].append(row)
    lines = []
    for kind, rows in by_kind.items():
        shown = rows if len(rows) <= MOST else rows[: MOST - 1]
        lines += [_command(kind, row) for row in shown]
        if left := len(rows) - len(shown):
            lines.append(f"::{kind} title=verify::{left} more of this kind are in the report")
    return "".join(line + "\n" for line in lines)


def _kind(row: CheckRow) -> str:
    if row.severity is Severity.NOTE:
        return "notice"
    return "warning" if row.severity is Severity.WARNING or row.status is Status.INCONCLUSIVE else "error"


def _command(kind: str, row: CheckRow) -> str:
    place = f"file={escaped(row.file)},line={row.line}," if row.file and row.line else ""
    return f"::{kind} {place}title={escaped(row.id)}::{data(message(row))}"


def data(text: str) -> str:
    """The text as the message of a command."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escaped(text: str) -> str:
    """The text as a property of a command."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
