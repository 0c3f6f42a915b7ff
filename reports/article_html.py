"""A judged article as one page that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from reports.article import change, head, marks, slots, sources
from reports.text import plain
from verify.claims.result import ArticleReport, Row

_STYLE = """
article { white-space: pre-wrap; }
mark { color: inherit; padding: 0 .15rem; border-radius: .2rem; background: none; border-bottom: .2rem solid; }
mark.supported { border-color: var(--supported); } mark.differs { border-color: var(--differs); }
mark.inconclusive { border-color: var(--inconclusive); } mark a { color: inherit; text-decoration: none; }
td .badge { white-space: nowrap; overflow-wrap: normal; }
:target { outline: 3px solid var(--link); }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style></head><body><main>
{trial}<h1>{title}</h1>
<blockquote><article>{text}</article></blockquote>
<h2>Figures</h2>
<table><thead><tr><th scope="col"></th><th scope="col">figure</th><th scope="col">read as</th>
<th scope="col">verdict</th><th scope="col">why</th></tr></thead><tbody>
{rows}</tbody></table>
{rest}</main></body></html>
"""


def html(report: ArticleReport) -> str:
    """The text with its figures marked, and a row for each; readable on a phone, in light and in dark."""
    original, at, parts, rows = report.reading.document.original, 0, [], []
    for row in report.rows:
        if row.claim.start >= at:
            shown = _escaped(original[row.claim.start : row.claim.end])
            label = _escaped(f"figure {row.number}: {row.verdict}")
            link = f'<a href="#c{row.number}" title="{label}">{shown}</a>'
            mark = f'<mark class="{row.verdict}" id="t{row.number}">{link}</mark>'
            parts.append(f"{_lines(original[at : row.claim.start])}{mark}<sup>{row.number}</sup>")
            at = row.claim.end
        rows.append(_row(report, row))
    parts.append(_lines(original[at:]))
    trial = '<p class="simulated">TRIAL: no provider answered</p>\n' if report.trial else ""
    return _PAGE.format(
        title=_escaped(head(report)), text="".join(parts), rows="".join(rows), rest=_rest(report), trial=trial,
        style=files("reports").joinpath("templates/style.css").read_text(encoding="utf-8") + _STYLE,
    )  # fmt: skip


def _row(report: ArticleReport, row: Row) -> str:
    why = [*(f"{r.text} ({r.code})" for r in row.reasons), *(f"would hold for {w}" for w in row.holds)]
    why += [f"Fit to print: {row.report.sentence}"] if row.report is not None and row.report.sentence else []
    why += [f"not said: {', '.join(row.claim.missing)}"] if row.claim.missing else []
    why += [f"Reword: {change(edit)}" for edit in row.edits]
    why += [f"So that it reads: {report.reworded(row)}"] if row.edits else []
    badge = f'<span class="badge {row.verdict}">{row.verdict}</span>'
    cells = (
        ("", f'<a href="#t{row.number}">{row.number}</a>'), ("figure", _escaped(row.claim.text)),
        ("read as", _escaped(slots(row))), ("verdict", badge), ("why", "<br>".join(map(_escaped, why))),
    )  # fmt: skip
    listed = "".join(f'<td data-label="{label}">{cell}</td>' if label else f"<td>{cell}</td>" for label, cell in cells)
    return f'<tr id="c{row.number}">{listed}</tr>\n'


def _rest(report: ArticleReport) -> str:
    caveats = list(dict.fromkeys(row.report.caveat for row in report.rows if row.report is not None))
    sections = (
        ("Within the text", [f"{marks(f.claims)}{f.text} ({f.code})" for f in report.findings]),
        ("Sources", sources(report)),
        ("Caveat", caveats),
    )
    return "".join(
        f"<h2>{title}</h2>\n<ul>{''.join(f'<li>{_escaped(line)}</li>' for line in lines)}</ul>\n"
        for title, lines in sections
        if lines
    )


def _escaped(text: str) -> str:
    return escape(plain(text))


def _lines(text: str) -> str:
    """Text with its line breaks, everything else plain."""
    return "\n".join(_escaped(line) for line in text.split("\n"))
