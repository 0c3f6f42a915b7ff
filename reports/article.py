"""A judged article as text, Markdown and JSON; `article_html` and `article_ci` have the other formats."""

from __future__ import annotations

import json

from reports.places import Lines
from reports.text import escaped_json, plain
from reports.text import markdown as safe
from verify.claims.result import ArticleReport, Row
from verify.claims.rewording import Edit
from verify.model.report import Verdict

_SIMULATED = "SIMULATED data: nothing here happened in a market"
_TRIAL = "TRIAL: a server on this machine answered in the providers' place"


def table(report: ArticleReport, *, explain: bool = False) -> str:
    """The figures one after the other, each with its line, verdict and reasons; nothing is cut."""
    lines = [*warnings(report), head(report), ""]
    places = Lines(report.reading.document.original)
    for row in report.rows:
        line, column = places.position(row.claim.start)
        lines.append(
            f"[{row.number}] {plain(row.claim.text)}  {str(row.verdict).upper()}  (line {line}, column {column})"
        )
        lines.append(f"    {plain(slots(row))}")
        lines += [f"    - {plain(reason.text)} ({reason.code})" for reason in row.reasons]
        lines += [f"    - would hold for {plain(window)}" for window in row.holds]
        if row.claim.missing:
            lines.append(f"    - not said: {', '.join(row.claim.missing)}")
        if explain:
            lines += [f"    - {slot} taken from {source}" for slot, source in row.claim.carried.items()]
        if row.report is not None and row.report.sentence:
            lines.append(f"    fit to print: {plain(row.report.sentence)}")
        lines += [f"    reword: {plain(change(edit))}" for edit in row.edits]
        if row.edits:
            lines.append(f"    so that it reads: {plain(report.reworded(row))}")
    if report.findings:
        lines += ["", "Within the text"]
        lines += [f"    - {marks(f.claims)}{plain(f.text)} ({f.code})" for f in report.findings]
    if explain and report.reading.alone:
        lines += ["", "Left alone"]
        original = report.reading.document.original
        lines += [f"    - {plain(original[a.start : a.end])[:60]}: {plain(a.reason)}" for a in report.reading.alone]
    if asked := sources(report):
        lines += ["", "Sources", *(f"    {plain(line)}" for line in asked)]
    if told := caveats(report):
        lines += ["", "Caveat", *(f"    {plain(caveat)}" for caveat in told)]
    return "\n".join(lines) + "\n"


def markdown(report: ArticleReport, *, explain: bool = False) -> str:
    """The text with its figures marked and numbered, then a row for each."""
    lines = [line for warning in warnings(report) for line in (f"**{safe(warning)}**", "")]
    lines += [f"## {safe(head(report))}", "", _marked(report), ""]
    if report.rows:
        lines += ["| | figure | read as | verdict | why |", "| ---: | --- | --- | --- | --- |"]
    for row in report.rows:
        why = "; ".join([*(f"{r.text} ({r.code})" for r in row.reasons), *(f"would hold for {w}" for w in row.holds)])
        lines.append(f"| {row.number} | {safe(row.claim.text)} | {safe(slots(row))} | {row.verdict} | {safe(why)} |")
    printed = [f"- {row.number}: {safe(row.report.sentence)}" for row in report.rows if row.report is not None]
    if printed:
        lines += ["", "### Fit to print", "", *printed]
    edits = [
        f"- {row.number}: {safe('; '.join(map(change, row.edits)))}\n  > {safe(report.reworded(row))}"
        for row in report.rows
        if row.edits
    ]
    if edits:
        lines += ["", "### Rewording", "", *edits]
    if report.findings:
        lines += ["", "### Within the text", ""]
        lines += [f"- {safe(marks(f.claims) + f.text)} (`{f.code}`)" for f in report.findings]
    if explain and report.reading.alone:
        original = report.reading.document.original
        lines += ["", "### Left alone", ""]
        lines += [f"- {safe(original[a.start : a.end][:60])}: {safe(a.reason)}" for a in report.reading.alone]
    for title, told in (("Sources", sources(report)), ("Caveat", caveats(report))):
        if told:
            lines += ["", f"### {title}", "", *(f"- {safe(line)}" for line in told)]
    return "\n".join(lines) + "\n"


def as_json(report: ArticleReport) -> str:
    """One JSON object; spans are characters of the original text."""
    return escaped_json(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)) + "\n"


def warnings(report: ArticleReport) -> list[str]:
    """What must stand above everything else: that its verdicts rest on no market, or on no provider."""
    return [*([_SIMULATED] if report.simulated else []), *([_TRIAL] if report.trial else [])]


def head(report: ArticleReport) -> str:
    count = len(report.rows)
    if not count:
        return f"{plain(report.name)}: no figure found"
    by = {verdict: sum(row.verdict is verdict for row in report.rows) for verdict in Verdict}
    listed = ", ".join(f"{number} {verdict}" for verdict, number in by.items() if number)
    return f"{plain(report.name)}: {count} figure{'s' if count > 1 else ''} ({listed})"


def slots(row: Row) -> str:
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


def marks(claims: tuple[int, ...]) -> str:
    return "".join(f"[{index + 1}]" for index in claims) + (" " if claims else "")


def change(edit: Edit) -> str:
    """An edit in words."""
    what = f"replace “{edit.old}” by “{edit.new}”" if edit.old and edit.new else f"insert “{edit.new.strip()}”"
    if not edit.new:
        what = f"leave out “{edit.old.strip()}”"
    return f"{what} ({edit.why})"


def sources(report: ArticleReport) -> list[str]:
    """What the sources said, in one line each; those that could not be asked in one line together."""
    lines = [
        f"{row.source}: {row.status}{f' ({row.note})' if row.note else ''}"
        for row in report.sources
        if row.status != "not asked"
    ]
    refused = sorted({row.source for row in report.sources if row.status == "not asked"})
    lines += [f"not asked, as they cannot speak for these windows: {', '.join(refused)}"] if refused else []
    return [*dict.fromkeys(lines), *report.warnings]


def caveats(report: ArticleReport) -> list[str]:
    """Each caveat once."""
    return list(dict.fromkeys(row.report.caveat for row in report.rows if row.report is not None and row.report.caveat))


def message(row: Row) -> str:
    """Verdict and reasons in one line, with what would be changed."""
    parts = [*(reason.text for reason in row.reasons), *(f"would hold for {window}" for window in row.holds)]
    parts += map(change, row.edits)
    return f"{'SIMULATED, ' if row.simulated else ''}{row.claim.text}: {row.verdict}. " + "; ".join(parts)


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
