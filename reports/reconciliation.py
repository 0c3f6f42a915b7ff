"""The comparison of tables as text, Markdown or JSON. What tables hold is data in each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from reports.text import escaped_json, plain
from reports.text import markdown as safe
from verify.model.reconciliation import EXIT_MATCH, EXIT_NOTHING, Consensus, PairResult, Reconciliation

_MOST_EXAMPLES = 5


def render(found: Reconciliation, form: str, *, width: int = 80) -> str:
    """The result as `table`, `md` or `json`; each ends with a newline."""
    if form == "json":
        return escaped_json(json.dumps(found.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)) + "\n"
    return _markdown(found) if form == "md" else _text(found, width)


def headline(found: Reconciliation) -> str:
    """The result in one line."""
    if found.exit_code == EXIT_NOTHING:
        return "NOTHING COMPARABLE: the tables have no key with a value in common"
    if found.exit_code == EXIT_MATCH:
        return "ALL MATCH"
    differing = sum(column.differing for pair in found.pairs for column in pair.columns)
    missing = sum(pair.only_first + pair.only_second for pair in found.pairs)
    empty = sum(column.one_sided for pair in found.pairs for column in pair.columns)
    unread = sum(table.not_read for table in found.tables)
    counts = ((differing, "differing"), (missing, "missing"), (empty, "empty on one side"), (unread, "not read"))
    return "DIFFER: " + ", ".join(f"{count:,} {what}" for count, what in counts if count)


def _number(value: float) -> str:
    return f"{value:,.10g}"


def _pair_lines(pair: PairResult) -> Iterator[str]:
    missing = (
        (pair.second, pair.only_first, pair.missing_in_second),
        (pair.first, pair.only_second, pair.missing_in_first),
    )
    yield f"{pair.common:,} keys in common"
    for name, count, examples in missing:
        if count:
            shown = "; ".join(examples[:_MOST_EXAMPLES])
            yield f"{count:,} missing in {name}: {shown}{' ...' if count > _MOST_EXAMPLES else ''}"
    for column in pair.columns:
        empty = f", {column.one_sided:,} empty on one side" if column.one_sided else ""
        yield f"{column.column}: {column.matched:,} of {column.compared:,} match, {column.differing:,} differ{empty}"
        for cell in column.largest[:_MOST_EXAMPLES]:
            share = f" ({cell.relative:+.3g} of the larger)" if cell.relative is not None else ""
            apart = f"{_number(cell.first)} against {_number(cell.second)}, {_number(cell.difference)}"
            yield f"  {cell.key}: {apart}{share}"


def _consensus_lines(one: Consensus) -> Iterator[str]:
    yield (
        f"{one.column}: {_number(one.total)} over {one.keys:,} keys, 95 % interval {_number(one.low)} to"
        f" {_number(one.high)}; between lineages tau {one.tau:,.3g}, I² {one.i2:.0%} (k = {len(one.lineages)})"
    )
    for left in one.without:
        change = f" ({left.change:+.2%})" if left.change is not None else ""
        yield f"  without {left.lineage}: {_number(left.total)}{change}"


def _sections(found: Reconciliation) -> Iterator[tuple[str, list[str]]]:
    yield "Looks like", [diagnosis.text for pair in found.pairs for diagnosis in pair.diagnoses]
    yield (
        "Stands alone",
        [
            f"{one.table}: in {one.alone:,} of {one.of:,} cells of {one.column} that differ somewhere, all others agree"
            for one in found.offenders
        ],
    )
    for pair in found.pairs:
        yield f"{pair.first} against {pair.second}", list(_pair_lines(pair))
    yield "Consensus of independent lineages", [line for one in found.consensus for line in _consensus_lines(one)]
    yield "Tables", [_table_line(found, place) for place in range(len(found.tables))]
    yield (
        "Not read",
        [f"{table.name}, {text}" for table in found.tables for text in table.unread]
        + [
            f"{table.name}: {table.not_read - len(table.unread):,} more rows"
            for table in found.tables
            if table.not_read > len(table.unread)
        ],
    )
    yield "Assumed", [f"{table.name}: {'; '.join(table.assumed)}" for table in found.tables if table.assumed]
    yield "Notes", list(found.notes)


def _table_line(found: Reconciliation, place: int) -> str:
    table = found.tables[place]
    again = f", {table.repeated:,} repeat a key" if table.repeated else ""
    feeds = f"; lineage {', '.join(table.lineage)}" if table.lineage else ""
    return f"{table.name}: {table.rows:,} rows{again}{feeds}"


def _text(found: Reconciliation, width: int) -> str:
    lines = _wrapped(f"{headline(found)} (key {', '.join(found.keys)}; within {found.tolerance})", width, "")
    for title, body in _sections(found):
        if body:
            lines += ["", *_wrapped(title, width, "")]
            for line in body:
                lines += _wrapped(line, width, "  ")
    return "\n".join(lines) + "\n"


def _wrapped(line: str, width: int, indent: str) -> list[str]:
    deeper = indent + " " * (len(line) - len(line.lstrip()))
    shown = plain(line.strip())
    return textwrap.wrap(
        shown, max(width, 40), initial_indent=deeper, subsequent_indent=deeper + "  ",
        break_long_words=False, break_on_hyphens=False,
    ) or [""]  # fmt: skip


def _markdown(found: Reconciliation) -> str:
    lines = [f"## {safe(headline(found))}", "", f"Key {safe(', '.join(found.keys))}; within {safe(found.tolerance)}"]
    for title, body in _sections(found):
        if body:
            lines += ["", f"### {safe(title)}", "", *_bullets(body)]
    return "\n".join(lines) + "\n"


def _bullets(body: Sequence[str]) -> list[str]:
    return [f"{'  ' if line.startswith('  ') else ''}- {safe(line)}" for line in body]
