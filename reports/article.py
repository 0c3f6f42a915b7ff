"""A judged article for people and machines: text, Markdown, HTML, JSON, SARIF, and annotations for GitHub."""

from __future__ import annotations

import json
from bisect import bisect_right
from html import escape
from typing import Any

from reports.text import escaped_json, plain
from reports.text import markdown as safe
from verify.claims.result import ArticleReport, Row
from verify.model.report import Verdict

_LEVELS = {Verdict.DIFFERS: "error", Verdict.INCONCLUSIVE: "warning", Verdict.SUPPORTED: "note"}
_GITHUB = {Verdict.DIFFERS: "error", Verdict.INCONCLUSIVE: "warning", Verdict.SUPPORTED: "notice"}
_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def table(report: ArticleReport, *, explain: bool = False) -> str:
    """The figures one after the other, each with its line, verdict and reasons; nothing is cut."""
    lines = [_head(report), ""]
    starts = _line_starts(report.reading.document.original)
    for row in report.rows:
        line, column = _position(starts, row.claim.start)
        lines.append(
            f"[{row.number}] {plain(row.claim.text)}  {str(row.verdict).upper()}  (line {line}, column {column})"
        )
        lines.append(f"    {plain(_slots(row))}")
        lines += [f"    - {plain(reason.text)} ({reason.code})" for reason in row.reasons]
        lines += [f"    - would hold for {plain(window)}" for window in row.holds]
        if row.claim.missing:
            lines.append(f"    - not said: {', '.join(row.claim.missing)}")
        if explain:
            lines += [f"    - {slot} taken from {source}" for slot, source in row.claim.carried.items()]
        if row.report is not None and row.report.sentence:
            lines.append(f"    fit to print: {plain(row.report.sentence)}")
    if report.findings:
        lines += ["", "Within the text"]
        lines += [f"    - {_marks(f.claims)}{plain(f.text)} ({f.code})" for f in report.findings]
    if explain and report.reading.alone:
        lines += ["", "Left alone"]
        original = report.reading.document.original
        lines += [f"    - {plain(original[a.start : a.end])[:60]}: {plain(a.reason)}" for a in report.reading.alone]
    caveats = dict.fromkeys(row.report.caveat for row in report.rows if row.report is not None)
    if caveats:
        lines += ["", "Caveat", *(f"    {plain(caveat)}" for caveat in caveats)]
    return "\n".join(lines) + "\n"


def markdown(report: ArticleReport, *, explain: bool = False) -> str:
    """The text with its figures marked and numbered, then a row for each."""
    lines = [f"## {safe(_head(report))}", "", _marked(report), ""]
    if report.rows:
        lines += ["| | figure | read as | verdict | why |", "| ---: | --- | --- | --- | --- |"]
    for row in report.rows:
        why = "; ".join([*(f"{r.text} ({r.code})" for r in row.reasons), *(f"would hold for {w}" for w in row.holds)])
        lines.append(f"| {row.number} | {safe(row.claim.text)} | {safe(_slots(row))} | {row.verdict} | {safe(why)} |")
    printed = [f"- {row.number}: {safe(row.report.sentence)}" for row in report.rows if row.report is not None]
    if printed:
        lines += ["", "### Fit to print", "", *printed]
    if report.findings:
        lines += ["", "### Within the text", ""]
        lines += [f"- {safe(_marks(f.claims) + f.text)} (`{f.code}`)" for f in report.findings]
    if explain and report.reading.alone:
        original = report.reading.document.original
        lines += ["", "### Left alone", ""]
        lines += [f"- {safe(original[a.start : a.end][:60])}: {safe(a.reason)}" for a in report.reading.alone]
    return "\n".join(lines) + "\n"


def as_json(report: ArticleReport) -> str:
    """One JSON object; spans are characters of the original text."""
    return escaped_json(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def sarif(report: ArticleReport) -> str:
    """SARIF 2.1.0: one result per figure, its region the line and column of the number."""
    starts = _line_starts(report.reading.document.original)
    results: list[dict[str, Any]] = []
    for row in report.rows:
        line, column = _position(starts, row.claim.start)
        last, end = _position(starts, row.claim.end)
        region = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": end}
        results.append(
            {
                "ruleId": row.reasons[0].code if row.reasons else str(row.verdict),
                "level": _LEVELS[row.verdict],
                "kind": "pass" if row.verdict is Verdict.SUPPORTED else "fail",
                "message": {"text": plain(_message(row))},
                "locations": [
                    {"physicalLocation": {"artifactLocation": {"uri": plain(report.name)}, "region": region}}
                ],
            }
        )
        if row.verdict is Verdict.SUPPORTED:
            results[-1]["level"] = "none"  # SARIF 2.1.0, 3.27.10: a result that did not fail has level "none"
    rules = sorted({result["ruleId"] for result in results})
    driver = {"name": "verify", "rules": [{"id": rule} for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return escaped_json(json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2)) + "\n"


def github(report: ArticleReport) -> str:
    """Workflow commands that annotate the lines of a pull request.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    starts = _line_starts(report.reading.document.original)
    lines = []
    for row in report.rows:
        line, column = _position(starts, row.claim.start)
        place = f"file={_property(report.name)},line={line},col={column}"
        lines.append(f"::{_GITHUB[row.verdict]} {place},title={_property(row.claim.text)}::{_data(_message(row))}")
    return "".join(line + "\n" for line in lines)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
article {{ white-space: pre-wrap; border-left: 3px solid #999; padding-left: 1rem; overflow-wrap: anywhere }}
mark a {{ color: inherit }} .differs {{ background: #f8b4b4 }} .inconclusive {{ background: #fdf0a0 }}
.supported {{ background: #b7e8c0 }} td, th {{ text-align: left; vertical-align: top; padding: .3rem .6rem }}
</style></head><body><h1>{title}</h1><article>{text}</article>
<table><tr><th></th><th>figure</th><th>read as</th><th>verdict</th><th>why</th></tr>
{rows}</table>
{findings}</body></html>
"""


def html(report: ArticleReport) -> str:
    """One page without scripts or outside resources: the text with its figures marked, and a row for each."""
    original, at, parts, rows = report.reading.document.original, 0, [], []
    for row in report.rows:
        if row.claim.start >= at:
            shown = _escaped(original[row.claim.start : row.claim.end])
            mark = f'<mark class="{row.verdict}" id="t{row.number}"><a href="#c{row.number}">{shown}</a></mark>'
            parts.append(f"{_lines(original[at : row.claim.start])}{mark}<sup>{row.number}</sup>")
            at = row.claim.end
        why = [*(f"{r.text} ({r.code})" for r in row.reasons), *(f"would hold for {w}" for w in row.holds)]
        why += [f"Fit to print: {row.report.sentence}"] if row.report is not None and row.report.sentence else []
        cells = (row.claim.text, _slots(row), str(row.verdict))
        listed = "".join(f"<td>{_escaped(cell)}</td>" for cell in cells)
        reasons = "<br>".join(map(_escaped, why))
        link = f'<a href="#t{row.number}">{row.number}</a>'
        rows.append(f'<tr id="c{row.number}" class="{row.verdict}"><td>{link}</td>{listed}<td>{reasons}</td></tr>')
    parts.append(_lines(original[at:]))
    noticed = "".join(f"<li>{_escaped(_marks(f.claims) + f.text)}</li>" for f in report.findings)
    return _PAGE.format(
        title=_escaped(_head(report)),
        text="".join(parts),
        rows="\n".join(rows),
        findings=f"<h2>Within the text</h2><ul>{noticed}</ul>\n" if noticed else "",
    )


def _escaped(text: str) -> str:
    return escape(plain(text))


def _lines(text: str) -> str:
    return "\n".join(map(_escaped, text.split("\n")))


FORMATS = {"html": html, "json": as_json, "sarif": sarif, "github": github}


def _head(report: ArticleReport) -> str:
    count = len(report.rows)
    if not count:
        return f"{plain(report.name)}: no figure found"
    by = {verdict: sum(row.verdict is verdict for row in report.rows) for verdict in Verdict}
    listed = ", ".join(f"{number} {verdict}" for verdict, number in by.items() if number)
    return f"{plain(report.name)}: {count} figure{'s' if count > 1 else ''} ({listed})"


def _slots(row: Row) -> str:
    """What the number was read as, in one line."""
    claim = row.claim
    parts = [str(claim.hedge)] if claim.hedge else []
    side = "" if claim.side == "both" else f"{claim.side} "
    parts.append(f"{side}{claim.metric.replace('_', ' ')}" if claim.metric else f"{side}(unknown metric)")
    parts += ["+".join(claim.assets)] if claim.assets else []
    parts += [f"on {'+'.join(claim.venues)}"] if claim.venues else []
    parts += [f"each above {claim.threshold:,.0f} USD"] if claim.threshold else []
    parts += [f"counted in {claim.unit}"] if claim.unit else []
    parts += [claim.direction] if claim.direction else []
    if claim.when is not None:
        shown = f" = {claim.when.window.words()}" if claim.when.window else " (edges not said)"
        parts.append(f"{claim.when.label}{shown}")
    parts += [f"according to {claim.attribution}"] if claim.attribution else []
    return ", ".join(parts)


def _marks(claims: tuple[int, ...]) -> str:
    return "".join(f"[{index + 1}]" for index in claims) + (" " if claims else "")


def _message(row: Row) -> str:
    return f"{row.claim.text}: {row.verdict}. " + "; ".join(reason.text for reason in row.reasons)


def _marked(report: ArticleReport) -> str:
    """The article with every figure in bold and its number behind it."""
    original, at, parts = report.reading.document.original, 0, []
    for row in report.rows:
        if row.claim.start < at:
            continue
        parts.append(_quoted(original[at : row.claim.start]))
        parts.append(f"**{safe(original[row.claim.start : row.claim.end])}** \\[{row.number}\\]")
        at = row.claim.end
    parts.append(_quoted(original[at:]))
    return "> " + "".join(parts).strip().replace("\n", "\n> ")


def _quoted(text: str) -> str:
    """Text that Markdown shows as it is, its lines and the spaces at its ends kept."""
    shown = []
    for line in text.split("\n"):
        lead, tail = line[: len(line) - len(line.lstrip())], line[len(line.rstrip()) :]
        shown.append(f"{' ' if lead else ''}{safe(line)}{' ' if tail and line.strip() else ''}")
    return "\n".join(shown)


def _line_starts(text: str) -> list[int]:
    starts, at = [0], text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def _position(starts: list[int], at: int) -> tuple[int, int]:
    """Line and column, both from 1, in characters."""
    line = bisect_right(starts, at)
    return line, at - starts[line - 1] + 1


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
