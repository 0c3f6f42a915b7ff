"""The report for a terminal of 80 columns or any other width; numbers are never cut."""

from __future__ import annotations

import io
from datetime import timedelta

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reports import estimated
from reports.plot import plot
from reports.strips import strips
from reports.text import every, plain
from reports.text import url as safe_url
from verify.model.amount import money
from verify.model.report import FigureRow, Report, SourceRow, Verdict
from verify.model.window import Window, duration_words

_STYLES = {
    Verdict.SUPPORTED: "bold white on green",
    Verdict.DIFFERS: "bold white on red",
    Verdict.INCONCLUSIVE: "bold black on yellow",
}
_MOST_EXPLANATIONS = 8
_MOST_FIGURES = 25
_NARROWEST = 60
_MOST_VENUES = 16
_MOST_RECORDS = 12
_INDENT, _BETWEEN = 2, 3  # columns before a table, and between two of its columns
#: What a source shows is left at least so many columns, however long the source is named.
_SHOWS = 16
_NUMBERS = frozenset(
    {
        "stated", "off", "rounded to", "points", "of", "long", "short", "events", "covered", "figures", "outlets",
        "median", "50 %", "90 %", "lost", "total", "channels show",
        "open interest", "share",
    }
)  # fmt: skip


def render(report: Report, *, width: int = 80, color: bool = False) -> str:
    """The report as text, with ANSI colours where asked."""
    output = io.StringIO()
    console = Console(
        file=output,
        width=max(width, _NARROWEST),
        force_terminal=color,
        color_system="truecolor" if color else None,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    pages: dict[str, int] = {}
    console.print(_layout(every(report, plain), pages, console.width))
    for address, number in pages.items():
        # one line each, however long: a broken address can be neither clicked nor copied
        console.print(Text(f"[{number}] {address}", style="dim"), soft_wrap=True)
    shown = output.getvalue()
    return "\n".join(line.rstrip() for line in shown.splitlines()) + "\n" if not color else shown


def _layout(report: Report, pages: dict[str, int], width: int) -> Group:
    """The parts of the report, top to bottom. `pages` takes up the addresses that are cited, with their numbers."""
    parts: list[RenderableType] = [_head(report)]
    if report.simulated:
        parts.insert(0, Text("SIMULATED data: nothing here happened in a market", style="bold magenta"))
    if report.sentence:
        parts += [Text(""), _labelled("Fit to print", report.sentence)]
    parts += [Text(""), _questions(report)]
    for title, block in (
        ("What the channels say", _answers(report, pages, width)),
        ("What would explain the claim", _explanations(report, pages)),
        ("What the market lost", _market(report)),
        ("The window", _drawn(strips(report, width - 2))),
        ("Venues by open interest", _coverage(report)),
        ("Figures known for this window", _figures(report)),
        ("Sources asked", _sources(report, width)),
        ("Lineages", _lineages(report)),
        ("Side by side", _lines([c.text for c in report.comparisons])),
        ("Cannot all be true", _conflicts(report)),
        ("Noticed", _lines([finding.text for finding in report.findings])),
        ("Confidence", _confidence(report)),
        ("Caveat", _lines([report.caveat])),
        ("Doubts about the sources", _doubts(report)),
        ("Rows that could not be read", _lines(list(report.problems))),
        ("Evidence", _evidence(report)),
    ):
        if block is not None:
            parts += [Text(""), Text(title, style="bold"), Padding(block, (0, 0, 0, 2))]
    if pages:
        parts += [Text(""), Text("Pages", style="bold")]
    return Group(*parts)


def _head(report: Report) -> RenderableType:
    what = Text()
    if report.verdict is not None:
        what.append(f" {str(report.verdict).upper()} ", style=_STYLES[report.verdict])
        if report.confidence is not None:
            what.append(f"  confidence {report.confidence.value:.2f}")
        what.append("\n")
    claim = f"{report.claim}: " if report.claim else ""
    channel = f", as {report.channel} counts" if report.channel else ""
    what.append(f"{claim}{report.quantity}{channel}\n{report.window_words}")
    for reason in report.reasons:
        what.append(f"\n{reason.text}")
        what.append(f" [{reason.code}]", style="dim")
    return what


def _questions(report: Report) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=False, ratio=1)
    table.add_column(ratio=2)
    for number, question in enumerate(report.questions, 1):
        table.add_row(Text(f"{number} {question.title}", style="bold"), Text(question.text))
    return table


def _answers(report: Report, pages: dict[str, int], width: int) -> RenderableType | None:
    parts: list[RenderableType] = [Text(line, no_wrap=True) for line in plot(report, width - 2)]
    if parts:
        parts.append(Text(""))
    for answer in report.answers:
        if answer.answer == "no reading" and answer.nearest is None:
            continue
        head = Text(answer.title, style="bold")
        head.append(f": {answer.answer}" if report.claim else "", style="not bold")
        body = Text(answer.text.replace("; ", "\n"))
        if answer.nearest is not None:
            body.append(f"\n{_printed_by(answer.nearest.outlet, answer.nearest.url, pages)}", style="dim")
        parts += [head, Padding(body, (0, 0, 0, 2))]
    return Group(*parts) if parts else None


def _printed_by(outlet: str, url: str, pages: dict[str, int]) -> str:
    """The outlet with the number under which its page stands at the end of the report."""
    address = safe_url(url)
    return f"{outlet} [{pages.setdefault(address, len(pages) + 1)}]" if address else outlet


def _explanations(report: Report, pages: dict[str, int]) -> RenderableType | None:
    if not report.explanations:
        return None
    table = _table("off", "rounded to", "a true figure, and what happened to it")
    for row in report.explanations[:_MOST_EXPLANATIONS]:
        body = Text(row.text)
        body.append(f"\n{_printed_by(row.outlet, row.url, pages)}", style="dim")
        off = "0 %" if abs(row.distance) < 0.0005 else f"{row.distance:+.1%}".replace("%", " %")
        rounding = "as claimed" if row.exact else money(row.rounding)
        table.add_row(off, rounding, body)
    if len(report.explanations) > _MOST_EXPLANATIONS:
        table.add_row("", "", f"and {len(report.explanations) - _MOST_EXPLANATIONS} more (--format json)")
    return table


def _market(report: Report) -> RenderableType | None:
    """The estimate: never the number that a channel shows."""
    found = report.estimate
    if found is None:
        return None
    parts: list[RenderableType] = [Text(remark) for remark in estimated.remarks(found)]
    for columns, rows in (
        (estimated.COLUMNS, estimated.spread_rows(found)),
        (estimated.VENUE_COLUMNS, estimated.venue_rows(found)),
        (estimated.CHANGE_COLUMNS, estimated.change_rows(found)),
    ):
        if rows:
            table = _table(*columns)
            for row in rows:
                table.add_row(*row)
            parts += [Text(""), table]
    for title, said in (("Faults of channels", estimated.faults(found)), ("Rules of feeds", estimated.rules(found))):
        if said:
            parts += [Text(""), Text(title, style="bold"), *(Text(text) for text in said)]
    return Group(*parts)


def _figures(report: Report) -> RenderableType | None:
    """What was published; what the sources say themselves stands in their own table."""
    asked_ourselves = {record for row in report.sources for record in (row.source, *row.evidence)}
    published = [row for row in report.figures if row.evidence not in asked_ourselves]
    if report.claim or not published:
        return None
    table = _table("stated", "what", "from (UTC)", "lineage")
    groups: dict[tuple[str, str, str, str], int] = {}
    asked = Window.parse(report.window)

    def far(row: FigureRow) -> tuple[bool, timedelta]:
        apart = abs(row.start - asked.start) + abs(row.end - asked.end) if row.start and row.end else timedelta.max
        return row.quantity != report.quantity, apart

    for row in sorted(published, key=far):
        key = (row.stated, row.quantity, _window(row), row.lineage)
        groups[key] = groups.get(key, 0) + 1
    for key, count in list(groups.items())[:_MOST_FIGURES]:
        table.add_row(*key[:3], f"{key[3]} x{count}" if count > 1 else key[3])
    if len(groups) > _MOST_FIGURES:
        table.add_row("", f"and {len(groups) - _MOST_FIGURES} more (--format json)", "", "")
    return table


def _window(row: FigureRow) -> str:
    if row.start is None or row.end is None:
        return "not stated"
    length = f", {duration_words(row.end - row.start)}" if row.end > row.start else ""
    return f"{row.start:%d %b %H:%M}{length}"


def _sources(report: Report, width: int) -> RenderableType | None:
    if not report.sources:
        return None
    parts: list[RenderableType] = []
    answered = [row for row in report.sources if row.status in ("ok", "lower bound")]
    if answered:
        table = _table("source", "long", "short", "events", "covered", "shows")
        longest = max(len(row.source) for row in answered)
        rows = [(*_amounts(row), _share(row.covered)) for row in answered]
        numbers = sum(
            max(map(len, column)) for column in zip(("long", "short", "events", "covered"), *rows, strict=True)
        )
        room = width - _INDENT - numbers - _BETWEEN * len(rows[0]) - _BETWEEN
        table.columns[0].width = min(longest, max(room - _SHOWS, room // 2))
        for row, cells in zip(answered, rows, strict=True):
            name = row.source if longest <= table.columns[0].width else row.source.replace("/", "/\n", 1)
            table.add_row(name, *cells, _shows(row))
        parts.append(table)
        parts += [Text(f"{row.source}: {note}", style="dim") for row in answered for note in _notes(row)]
    alike: dict[tuple[str, str], list[str]] = {}
    for row in report.sources:
        if row not in answered:
            alike.setdefault((row.status, row.note), []).append(row.source)
    parts += [Text(f"{', '.join(named)} {status}: {note}") for (status, note), named in alike.items()]
    return Group(*parts)


def _shows(row: SourceRow) -> str:
    if row.status == "ok":
        return row.completeness
    return "lower bound" if row.completeness.startswith("complete") else f"lower bound: {row.completeness}"


def _notes(row: SourceRow) -> list[str]:
    basis = f"{row.basis}; lineage {row.lineage}" if row.basis else ""
    kept = sorted(row.evidence, key=lambda record: (len(record), record))
    more = f" to {kept[-1].rpartition('/')[2]}" if len(kept) > 1 else ""
    evidence = f"evidence {kept[0]}{more}" if kept else ""
    told = (row.note, "; ".join(part for part in (basis, evidence) if part))
    return [note for note in told if note]


def _doubts(report: Report) -> RenderableType | None:
    """What no document confirms about the sources that answered."""
    answered = [row for row in report.sources if row.status in ("ok", "lower bound")]
    return _lines([f"{row.source}: {' '.join(map(_sentence, row.doubts))}" for row in answered if row.doubts])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _amounts(row: SourceRow) -> tuple[str, str, str]:
    long = money(row.long_usd) if row.long_usd is not None else "-"
    short = money(row.short_usd) if row.short_usd is not None else "-"
    return long, short, str(row.events) if row.events is not None else "-"


def _share(covered: float | None) -> str:
    return "-" if covered is None else f"{covered:.0%}"


def _lineages(report: Report) -> RenderableType | None:
    if not report.lineages:
        return None
    table = _table("lineage", "figures", "outlets", "because")
    for row in report.lineages:
        reasons = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in row.reasons.items())
        title = row.title if row.counts else f"{row.title} (no vote)"
        table.add_row(title, str(row.figures), str(row.outlets), reasons)
    votes = (
        f"{report.independent} independent lineage{'' if report.independent == 1 else 's'}, {report.outlets} outlets"
    )
    return Group(table, Text(votes))


def _conflicts(report: Report) -> RenderableType | None:
    return _lines([f"{c.text}\nset aside: {c.set_aside}; {c.because}" for c in report.conflicts])


def _confidence(report: Report) -> RenderableType | None:
    if report.confidence is None:
        return None
    table = _table("part", "points", "of", "because")
    for part in report.confidence.components:
        table.add_row(part.name, f"{part.points:.3f}", f"{part.most:.2f}", part.reason)
    points, said = estimated.summed(report.confidence)
    table.add_row("sum", f"{points:.3f}", "1.00", said)
    return table


def _coverage(report: Report) -> RenderableType | None:
    rows = estimated.coverage_rows(report)
    if not rows:
        return None
    table = _table(*estimated.COVERAGE_COLUMNS)
    for row, seen in zip(rows[:_MOST_VENUES], report.coverage, strict=False):
        nearest = sorted(seen.channels, key=lambda channel: (channel.count("/"), channel))
        more = f" and {len(nearest) - 1} more" if len(nearest) > 1 else ""
        table.add_row(*row[:-1], nearest[0] + more if nearest else row[-1])
    if len(rows) > _MOST_VENUES:
        table.add_row(f"and {len(rows) - _MOST_VENUES} more", "", "", "(--format html)")
    return table


def _evidence(report: Report) -> RenderableType | None:
    """What the sources answered, with time and hash, and how to see the report again from it."""
    if not report.evidence:
        return None
    said = [
        f"{row.id}, received {row.received:%Y-%m-%d %H:%M:%S} UTC\n  sha256:{row.sha256}"
        for row in report.evidence[:_MOST_RECORDS]
    ]
    if len(report.evidence) > _MOST_RECORDS:
        said.append(f"and {len(report.evidence) - _MOST_RECORDS} more (--format html)")
    return _lines([*said, estimated.REPLAY])


def _drawn(lines: list[str]) -> RenderableType | None:
    return Group(*(Text(line, no_wrap=True) for line in lines)) if lines else None


def _lines(texts: list[str]) -> RenderableType | None:
    shown = [Text(text) for text in texts if text]
    return Group(*shown) if shown else None


def _labelled(label: str, text: str) -> Text:
    shown = Text(f"{label}: ", style="bold")
    shown.append(text, style="not bold")
    return shown


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(
            column,
            overflow="fold",
            no_wrap=column in _NUMBERS,
            ratio=1 if last else None,
        )
    return table
