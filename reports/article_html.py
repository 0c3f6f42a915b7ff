"""A judged article as one page that needs nothing else: no network, no script, no file beside it."""

from __future__ import annotations

from html import escape
from importlib.resources import files

from reports.article import caveats, change, head, marks, slots, sources, warnings
from reports.text import plain
from reports.text import url as safe_url
from verify.claims.result import ArticleReport, Row

_STYLE = """
article { white-space: pre-wrap; }
mark { color: inherit; padding: 0 .15rem; border-radius: .2rem; background: none; border-bottom: .2rem solid; }
mark.supported { border-color: var(--supported); }
mark.differs { border-color: var(--differs); border-bottom-style: double; }
mark.inconclusive { border-color: var(--inconclusive); border-bottom-style: dashed; }
mark a { color: inherit; text-decoration: none; }
mark:focus-within { outline: 3px solid var(--link); }
td .badge { white-space: nowrap; overflow-wrap: normal; }
td.no { white-space: nowrap; overflow-wrap: normal; }
td.figure { min-width: 5.5rem; overflow-wrap: break-word; }
td.read { min-width: 9rem; width: 24%; }
@media (min-width: 40rem) { body { max-width: 60rem; } }
:target { outline: 3px solid var(--link); }
"""
_MOST_PAGES = 3
_PAGE = """<!doctype html>{first}
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style></head><body>
<a class="skip" href="#figures">To the figures</a>
<main>
{warned}<h1>{title}</h1>
<blockquote><article aria-label="the text">{text}</article></blockquote>
<h2 id="figures">Figures</h2>
<table><caption>Each figure of the text, as it was read and judged</caption>
<thead><tr><th scope="col">no.</th>
<th scope="col">figure</th><th scope="col">read as</th>
<th scope="col">verdict</th><th scope="col">why</th></tr></thead><tbody>
{rows}</tbody></table>
{rest}</main>
<footer><p>Made by verify {version}. To see the same again without any network, run the same command with
<code>--evidence FILE</code> to keep every answer, and later with <code>--evidence FILE --replay</code>.</p></footer>
</body></html>
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
        rows.append(_row(report, row, marked=row.claim.end == at))
    parts.append(_lines(original[at:]))
    told = [_escaped(warning) for warning in warnings(report)]
    warned = "".join(f'<p class="simulated" role="note">{warning}</p>\n' for warning in told)
    return _PAGE.format(
        title=_escaped(head(report)), text="".join(parts), rows="".join(rows), rest=_rest(report),
        warned=warned, first="".join(f"<!-- {warning} -->" for warning in told), version=_escaped(report.version),
        style=files("reports").joinpath("templates/style.css").read_text(encoding="utf-8") + _STYLE,
    )  # fmt: skip


def _row(report: ArticleReport, row: Row, *, marked: bool) -> str:
    why = [*(f"{r.text} ({r.code})" for r in row.reasons), *(f"would hold for {w}" for w in row.holds)]
    why += [f"Fit to print: {row.report.sentence}"] if row.report is not None and row.report.sentence else []
    why += [f"not said: {', '.join(row.claim.missing)}"] if row.claim.missing else []
    why += [f"Reword: {change(edit)}" for edit in row.edits]
    why += [f"So that it reads: {report.reworded(row)}"] if row.edits else []
    badge = f'<span class="badge {row.verdict}">{row.verdict}</span>'
    place = f'<a href="#t{row.number}" title="to its place in the text">{row.number}</a>'
    number = place if marked else str(row.number)  # what lies within another figure has no mark of its own
    told = "<br>".join([*map(_escaped, why), *_printed(row)])
    cells = (
        ("no", "no.", number), ("figure", "figure", _escaped(row.claim.text)),
        ("read", "read as", _escaped(slots(row))), ("verdict", "verdict", badge),
        ("because", "why", told),
    )  # fmt: skip
    listed = "".join(f'<td class="{kind}" data-label="{label}">{cell}</td>' for kind, label, cell in cells)
    return f'<tr id="c{row.number}">{listed}</tr>\n'


def _printed(row: Row) -> list[str]:
    """The pages that print the nearest numbers, as links."""
    found = [answer.nearest for answer in row.report.answers if answer.nearest] if row.report is not None else []
    links = {safe_url(figure.url): figure.outlet for figure in found if safe_url(figure.url)}
    return [
        f'printed by <a href="{escape(address)}" rel="noopener noreferrer nofollow">{_escaped(outlet)}</a>'
        for address, outlet in list(links.items())[:_MOST_PAGES]
    ]


def _rest(report: ArticleReport) -> str:
    sections = (
        ("Within the text", [f"{marks(f.claims)}{f.text} ({f.code})" for f in report.findings]),
        ("Sources", sources(report)),
        ("Caveat", caveats(report)),
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
