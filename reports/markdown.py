"""The report as Markdown for a pull request or a content system."""

from __future__ import annotations

from reports import estimated
from reports.text import every
from reports.text import markdown as safe
from reports.text import url as safe_url
from verify.model.amount import money
from verify.model.report import Report


def render(report: Report) -> str:
    """GitHub-flavoured Markdown; strings from outside are escaped, addresses stand in angle brackets."""
    report = every(report, safe)
    lines: list[str] = []
    if report.simulated:
        lines += ["**SIMULATED data: nothing here happened in a market**", ""]
    if report.verdict is not None:
        certainty = f" (confidence {report.confidence.value:.2f})" if report.confidence else ""
        lines += [f"## {str(report.verdict).upper()}{certainty}", ""]
    claim = f"**{report.claim}**: " if report.claim else ""
    channel = f", as {report.channel} counts" if report.channel else ""
    lines += [f"{claim}{report.quantity}{channel}, {report.window_words}", ""]
    lines += [f"- {reason.text} (`{reason.code}`)" for reason in report.reasons]
    if report.sentence:
        lines += ["", f"> {report.sentence}"]
    lines += ["", "| question | answer |", "| --- | --- |"]
    lines += [f"| {question.title} | {question.text} |" for question in report.questions]
    lines += _section(
        "What the channels say",
        [
            f"- **{a.title}** ({a.answer}): {a.text}{_link(a.nearest.url if a.nearest else '')}"
            for a in report.answers
            if a.nearest or a.answer != "no reading"
        ],
    )
    lines += _explanations(report)
    lines += _market(report)
    lines += _coverage(report)
    lines += _sources(report)
    lines += _lineages(report)
    lines += _section("Side by side", [f"- {c.text}" for c in report.comparisons])
    lines += _section(
        "Cannot all be true",
        [f"- {c.text}. Set aside: {c.set_aside}; {c.because}" for c in report.conflicts],
    )
    lines += _section("Noticed", [f"- {finding.text}" for finding in report.findings])
    lines += _confidence(report)
    lines += _section("Caveat", [report.caveat])
    lines += _section("Rows that could not be read", [f"- {problem}" for problem in report.problems])
    lines += _evidence(report)
    return "\n".join(lines).rstrip() + "\n"


def _coverage(report: Report) -> list[str]:
    rows = estimated.coverage_rows(report)
    if not rows:
        return []
    head = [f"| {' | '.join(estimated.COVERAGE_COLUMNS)} |", "| --- | ---: | ---: | --- |"]
    return _section("Venues by open interest", [*head, *(f"| {' | '.join(row)} |" for row in rows)])


def _evidence(report: Report) -> list[str]:
    """What was read, with time and hash, and how to see the report again from it."""
    files = [f"- {name} `sha256:{digest}`" for name, digest in report.files.items()]
    if not report.evidence:
        return _section("Evidence", files)
    head = ["| record | asked | received (UTC) | SHA-256 |", "| --- | --- | --- | --- |"]
    rows = [
        f"| {row.id} |{_link(row.url)} | {row.received:%Y-%m-%d %H:%M:%S} | `{row.sha256}` |" for row in report.evidence
    ]
    again = ["", safe(estimated.REPLAY)]
    return _section("Evidence", [*files, *([""] if files else []), *head, *rows, *again])


def _section(title: str, body: list[str]) -> list[str]:
    return ["", f"### {title}", "", *body] if any(body) else []


def _link(address: str) -> str:
    safe = safe_url(address)
    return f" <{safe}>" if safe else ""


def _explanations(report: Report) -> list[str]:
    if not report.explanations:
        return []
    rows = []
    for row in report.explanations:
        rounding = "as claimed" if row.exact else money(row.rounding)
        printed = f"{row.outlet}{_link(row.url)}"
        rows.append(f"| {row.distance:+.1%} | {rounding} | {row.text} | {printed} |")
    head = ["| off | rounded to | a true figure, and what happened to it | printed by |", "| ---: | ---: | --- | --- |"]
    return _section("What would explain the claim", [*head, *rows])


def _market(report: Report) -> list[str]:
    """The estimate: never the number that a channel shows."""
    found = report.estimate
    if found is None:
        return []
    body = [f"- {remark}" for remark in estimated.remarks(found)]
    for columns, rows in (
        (estimated.COLUMNS, estimated.spread_rows(found)),
        (estimated.VENUE_COLUMNS, estimated.venue_rows(found)),
        (estimated.CHANGE_COLUMNS, estimated.change_rows(found)),
    ):
        if rows:
            body += ["", f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
            body += [f"| {' | '.join(row)} |" for row in rows]
    for title, said in (("Faults of channels", estimated.faults(found)), ("Rules of feeds", estimated.rules(found))):
        if said:
            body += ["", f"{title}:", "", *(f"- {text}" for text in said)]
    return _section("What the market lost", body)


def _sources(report: Report) -> list[str]:
    if not report.sources:
        return []
    head = [
        "| source | long | short | events | shows | covered | note |",
        "| --- | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    rows = []
    for row in report.sources:
        long = money(row.long_usd) if row.long_usd is not None else "-"
        short = money(row.short_usd) if row.short_usd is not None else "-"
        events = "-" if row.events is None else str(row.events)
        covered = "-" if row.covered is None else f"{row.covered:.0%}"
        note = "; ".join(part for part in (row.note, row.basis, *row.doubts) if part)
        shows = row.completeness or row.status
        rows.append(f"| {row.source} | {long} | {short} | {events} | {shows} | {covered} | {note} |")
    return _section("Sources asked", [*head, *rows])


def _lineages(report: Report) -> list[str]:
    if not report.lineages:
        return []
    head = ["| lineage | vote | figures | outlets |", "| --- | --- | ---: | ---: |"]
    rows = [
        f"| {row.title} | {'yes' if row.counts else 'no'} | {row.figures} | {row.outlets} |" for row in report.lineages
    ]
    return _section("Lineages", [*head, *rows])


def _confidence(report: Report) -> list[str]:
    if report.confidence is None:
        return []
    head = ["| part | points | of | because |", "| --- | ---: | ---: | --- |"]
    rows = [
        f"| {part.name} | {part.points:.3f} | {part.most:.2f} | {part.reason} |"
        for part in report.confidence.components
    ]
    points, said = estimated.summed(report.confidence)
    rows.append(f"| sum | {points:.3f} | 1.00 | {said} |")
    return _section("Confidence", [*head, *rows])
