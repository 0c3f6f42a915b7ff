"""A run of checks for people: the terminal, Markdown, and the summary that GitHub shows of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len

from reports.text import escaped_json, every, markdown, plain
from verify.model.checks import PRECEDENCE, Change, CheckRow, ProviderRow, RunReport, Severity, Status, worst_first
from verify.model.report import plain_data

#: GitHub takes no more of a job's summary than 1 MiB.
#: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
LARGEST_SUMMARY = 1024 * 1024
_MARKS = {Status.PASSED: "ok", Status.DIFFERS: "DIFFERS", Status.INCONCLUSIVE: "inconclusive", Status.FAILED: "FAILED"}
_ALARMS = (Change.NEW, Change.KNOWN)


def clean(report: RunReport) -> RunReport:
    """The same with every string from outside shown as the text that it is."""
    return every(report, plain)


def table(report: RunReport, *, width: int = 80) -> str:
    """The checks, the worst first, each with why it does not pass; nothing is cut, long lines are folded."""
    report = clean(report)
    lines = [*_folded(_head(report), 0, width), *_folded(f"{report.file}, as of {report.as_of}", 0, width), ""]
    for row in worst_first(report.checks):
        change = f"  [{row.change}]" if row.change else ""
        weight = "" if row.severity is Severity.ERROR else f" ({row.severity})"
        lines += _folded(f"{_MARKS[row.status]:<12} {row.id}{weight}{change}", 0, width)
        if row.status is not Status.PASSED:
            claim = f"{row.claim}: " if row.claim else ""
            lines += _folded(f"{claim}{row.quantity}, {row.window_words}", 13, width)
        for reason in row.reasons if row.status is not Status.PASSED else ():
            lines += _folded(f"- {reason.text} ({reason.code})", 13, width)
        for text in row.explanations if row.status is Status.DIFFERS else ():
            lines += _folded(f"- perhaps: {text}", 13, width)
    alarming = [row for row in report.providers if row.change]
    if alarming:
        lines += ["", "Providers"]
    for provider in alarming:
        lines += _folded(_provider(provider), 2, width)
    failing = [row for row in report.providers if row.state == "failed" and not row.change]
    if failing:
        lines += ["", "Failed"]
    for provider in failing:
        lines += _folded(f"{provider.source}: {provider.note}", 2, width)
    if report.gone:
        lines += ["", *_folded(f"No longer checked: {', '.join(report.gone)}", 0, width)]
    return "\n".join(lines) + "\n"


def markdown_report(report: RunReport) -> str:
    """The whole run as Markdown."""
    return "".join(_markdown(report))


def summary(report: RunReport, most: int = LARGEST_SUMMARY) -> str:
    """The same for a job's summary, under `most` bytes: where it is too long, rows are left out and counted."""
    parts, size, left = [], 0, 0
    note = "\n*{} more lines are not shown: a summary holds {:,} bytes. The JSON report has them all.*\n"
    room = most - len(note.format(10**9, most).encode()) - 1
    for part in _markdown(report):
        size += len(part.encode())
        if left or size > room:
            left += 1
        else:
            parts.append(part)
    return "".join(parts) + (note.format(left, most) if left else "")


def as_json(report: RunReport) -> str:
    """One JSON object, which is also the baseline of the next run."""
    return escaped_json(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def json_lines(report: RunReport) -> str:
    """One JSON object per line and check."""
    lines = []
    for row in report.checks:
        plain_row = plain_data(row)
        assert isinstance(plain_row, dict)
        line: dict[str, Any] = {"as_of": report.as_of, **plain_row}
        lines.append(escaped_json(json.dumps(line, ensure_ascii=True, allow_nan=False)) + "\n")
    return "".join(lines)


def message(row: CheckRow) -> str:
    """What became of a check, in one sentence."""
    why = "; ".join(reason.text for reason in row.reasons)
    claim = f"{row.claim}, " if row.claim else ""
    simulated = "SIMULATED, " if row.simulated else ""
    return plain(f"{simulated}{row.id}: {row.status}. {claim}{row.quantity}, {row.window_words}: {why}")


def _head(report: RunReport) -> str:
    counted = [f"{report.count(status)} {status}" for status in reversed(PRECEDENCE) if report.count(status)]
    simulated = "SIMULATED: " if report.simulated else ""
    total = len(report.checks)
    head = f"{simulated}{total} check{'' if total == 1 else 's'}: {', '.join(counted)}"
    if not report.baseline:
        return head
    new = sum(row.change is Change.NEW for row in report.checks)
    known = sum(row.change is Change.KNOWN for row in report.checks)
    fixed = sum(row.change is Change.FIXED for row in report.checks)
    flapping = sum(row.change is Change.FLAPPING for row in report.checks)
    return f"{head}; {new} new, {known} known, {fixed} fixed, {flapping} flapping since {report.baseline}"


def _provider(row: ProviderRow) -> str:
    silent = {"failed": "fails", "nothing": "went silent", "not asked": "was silent and was not asked"}
    word = silent.get(row.state, "delivers again")
    note = f": {row.note}" if row.note else ""
    return f"{row.source} {word} [{row.change}] ({row.history}){note}"


def _markdown(report: RunReport) -> Iterator[str]:
    """Line by line; every line is Markdown by itself but for the table's head."""
    report = every(report, markdown)
    yield f"## {_head(report)}\n\n{report.file}, as of {report.as_of}\n\n"
    yield "| check | verdict | change | claim | why |\n| --- | --- | --- | --- | --- |\n"
    for row in worst_first(report.checks):
        why = "; ".join(f"{reason.text} ({reason.code})" for reason in row.reasons)
        claim = f"{row.claim or ''} {row.quantity}, {row.window_words}".strip()
        weight = "" if row.severity is Severity.ERROR else f" ({row.severity})"
        yield f"| {row.id} | {_MARKS[row.status]}{weight} | {row.change} | {claim} | {why} |\n"
    shown = [row for row in report.providers if row.change or row.state == "failed"]
    if shown:
        yield "\n### Providers\n\n"
    for provider in shown:
        yield f"- {_provider(provider)}\n" if provider.change else f"- {provider.source} failed: {provider.note}\n"
    if report.gone:
        yield f"\nNo longer checked: {', '.join(report.gone)}\n"
    printed = [row for row in report.checks if row.sentence]
    if printed:
        yield "\n### Fit to print\n\n"
    for row in printed:
        yield f"- {row.id}: {row.sentence}\n"


def _folded(text: str, indent: int, width: int) -> list[str]:
    """Words filled into lines no wider than the terminal; a word that is wider has a line to itself."""
    room = max(width - indent, 20)
    lines: list[str] = []
    line = ""
    lead = text[: len(text) - len(text.lstrip())]
    for word in text.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > room:
            lines.append(line)
            line = ("  " if lines else lead) + word
        else:
            line = f"{line} {word}" if line or not word else word
    return [" " * indent + entry.rstrip() for entry in (*lines, line)]
