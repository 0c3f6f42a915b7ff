"""From the bytes of a table to named columns of cells, each row with its line; what is no row is named.

CSV (any of , ; tab | between cells), NDJSON, a JSON array and Parquet, each also packed with gzip. Cells of CSV stay
text: what they mean is for `sources.tables.cells` to say.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sources.lazy import pl
from verify.model.errors import SchemaChanged

#: Bytes of one unpacked file; more is taken for a trap.
LARGEST = 4 * 1024**3
_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 200  # lines by which the form of a table is judged
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_NUMBER = re.compile(r"[\s$€£(+-]*\d[\d.,'\s]*\)?%?")
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)  # how spreadsheets are told to keep a number as text


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be read, and why. `line` counts lines of text from 1, or rows where there are no lines."""

    line: int
    text: str
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.unit} {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as it stands: cells by column, and in `lines` where each row stands (`unit`: "line" or "row").

    `notes` say what was made of its form; `delimiter` is "" for anything but CSV.
    """

    frame: pl.DataFrame
    lines: pl.Series
    unit: str = "line"
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    delimiter: str = ""


def read(body: bytes, name: str) -> Grid:
    """The table in `body`. Raises `SchemaChanged` (with `source` = `name`) for what is no table at all."""
    body = unpacked(body, name)
    start = body[:512].lstrip()
    if body.startswith(b"PAR1"):
        return _parquet(body, name)
    if body.startswith(b"PK\x03\x04") or body.startswith(b"\xd0\xcf\x11\xe0"):
        raise SchemaChanged("is a workbook or an archive, not a table: export the sheet as CSV", source=name)
    if start[:1] == b"<":
        raise SchemaChanged("is a page of HTML or XML, not a table", source=name)
    text, notes = _decoded(body, name)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, name, notes)
    return _csv(text, name, notes)


def unpacked(body: bytes, name: str) -> bytes:
    """The bytes, unpacked where they are gzip; refuses what is cut off or far too large."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    parts, left, rest = [], LARGEST, body
    while rest.startswith(b"\x1f\x8b"):  # gzip files may be several, one after the other
        unpacker = zlib.decompressobj(wbits=31)
        try:
            parts.append(unpacker.decompress(rest, left))
        except zlib.error as error:
            raise SchemaChanged(f"cannot be unpacked: {error}", source=name) from None
        left -= len(parts[-1])
        if unpacker.unconsumed_tail or left <= 0:
            raise SchemaChanged(f"unpacks to more than {LARGEST} bytes", source=name)
        if not unpacker.eof:
            raise SchemaChanged("is cut off: the packed data do not end", source=name)
        rest = unpacker.unused_data
    return b"".join(parts)


def _decoded(body: bytes, name: str) -> tuple[str, list[str]]:
    encoding = next((codec for mark, codec in _MARKS if body.startswith(mark)), "utf-8")
    try:
        text, notes = body.decode(encoding), []
    except UnicodeDecodeError:
        if b"\x00" in body[:4096]:
            raise SchemaChanged("is no text", source=name) from None
        text, notes = body.decode("cp1252", "replace"), ["its text is not UTF-8 and is read as Windows-1252"]
    if not text.strip():
        raise SchemaChanged("is empty", source=name)
    return text, notes


def _parquet(body: bytes, name: str) -> Grid:
    try:
        frame = pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SchemaChanged(f"is no Parquet file that can be read: {_short(error)}", source=name) from None
    return readable(frame, pl.int_range(1, frame.height + 1, eager=True))


def readable(frame: pl.DataFrame, lines: pl.Series) -> Grid:
    """A frame of any types as rows of cells: bytes that are text become text, and no column holds what is no cell.

    Parquet files of older writers do not say that their bytes are text. Lists, structures, lengths of time and other
    bytes are left out, with a note.
    """
    notes = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Binary and (text := _as_text(frame[name])) is not None:
            frame = frame.with_columns(text)
        elif dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration):
            frame = frame.drop(name)
            notes.append(f"the column {name!r} holds {dtype.base_type().__name__.lower()} and is left out")
        elif dtype == pl.Time or dtype == pl.Null:
            frame = frame.with_columns(pl.col(name).cast(pl.String))
    return Grid(frame, lines, "row", notes=tuple(notes))


def _as_text(series: pl.Series) -> pl.Series | None:
    """Bytes as text, or None where they are no UTF-8."""
    try:
        return series.cast(pl.String)
    except pl.exceptions.ComputeError:
        return None


def _json(text: str, name: str, notes: list[str]) -> Grid:
    """Objects, one a line, or one array of them. Numbers keep their digits as text where they are mixed with text."""
    rows: list[dict[str, object]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    array = text.lstrip().startswith("[")
    try:
        entries = enumerate(json.loads(text), 1) if array else enumerate(text.splitlines(), 1)
    except (ValueError, RecursionError) as error:
        raise SchemaChanged(f"is no JSON that can be read: {_short(error)}", source=name) from None
    for line, entry in entries:
        if not array and not entry.strip():
            continue
        try:
            row = entry if array else json.loads(entry)
        except (ValueError, RecursionError):
            problems.append(Problem(line, "is no JSON"))
            continue
        if not isinstance(row, dict):
            problems.append(Problem(line, "is no object", "row" if array else "line"))
            continue
        rows.append(row)
        lines.append(line)
    if not rows:
        raise SchemaChanged("holds no row", source=name)
    columns = dict.fromkeys(key for row in rows for key in row)
    data = {key: _cells([row.get(key) for row in rows], key) for key in columns}
    frame = pl.DataFrame(data)
    return Grid(frame, pl.Series(lines, dtype=pl.Int64), "row" if array else "line", tuple(problems), tuple(notes))


def _cells(values: Sequence[object], name: str) -> pl.Series:
    """A column of numbers where all are, of text else."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} and all(value is None or abs(value) < 2**63 for value in values):  # type: ignore[arg-type]
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float}:
        return pl.Series(name, [None if v is None else float(v) for v in values], dtype=pl.Float64)  # type: ignore[arg-type]
    texts = [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    return pl.Series(name, texts, dtype=pl.String)


def _csv(text: str, name: str, notes: list[str]) -> Grid:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(text)
    head, header = _header(text, delimiter, name)
    if head:
        notes.append(f"its first {head} line{'s are' if head > 1 else ' is'} no part of the table")
    columns = _named(header, notes)
    grid = _plain(text, delimiter, head, columns) or _careful(text, delimiter, head, columns, name)
    if not grid.frame.height and not grid.problems:
        notes.append("it has a heading and no row")
    return Grid(grid.frame, grid.lines, "line", grid.problems, tuple(notes), delimiter)


def _delimiter(text: str) -> str:
    """The one that splits most lines into equally many cells."""
    lines = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]

    def fits(delimiter: str) -> tuple[int, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
        width, agreeing = max(((w, n) for w, n in widths.items() if w > 1), key=lambda p: (p[1], p[0]), default=(0, 0))
        return agreeing, width

    try:
        return max(_DELIMITERS, key=fits)
    except csv.Error:
        return ","


def _header(text: str, delimiter: str, name: str) -> tuple[int, list[str]]:
    """How many lines stand before the heading, and its cells: the first line as wide as the table."""
    rows = csv.reader(text.split("\n", _LOOKED_AT)[:_LOOKED_AT], delimiter=delimiter)
    try:
        looked_at = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise SchemaChanged(f"is no table: {_short(error)}", source=name) from None
    if not looked_at:
        raise SchemaChanged("is empty", source=name)
    widths = Counter(len(row) for _, row in looked_at)
    width = max(widths, key=lambda w: (widths[w], w))
    last, cells = next((n, row) for n, row in looked_at if len(row) == width)
    if any(_NUMBER.fullmatch(cell.strip()) for cell in cells):
        raise SchemaChanged(f"line {last} should name the columns, but holds numbers: {cells[:4]}", source=name)
    spanned = sum(cell.count("\n") for cell in cells)
    return last - 1 - spanned, cells


def _named(header: Sequence[str], notes: list[str]) -> list[str]:
    """A name for each column, none twice."""
    found: dict[str, None] = {}
    for place, cell in enumerate(header, 1):
        name = " ".join(cell.lstrip("\ufeff").split()) or f"column {place}"
        if name in found:
            notes.append(f"two columns are called {name!r}: that in place {place} is taken as '{name} ({place})'")
            name = f"{name} ({place})"
        found[name] = None
    return list(found)


def _plain(text: str, delimiter: str, head: int, columns: Sequence[str]) -> Grid | None:
    """A table without quotes in which every line has all cells: by Polars. None for any other."""
    if '"' in text:
        return None
    lines = pl.Series("line", text.split("\n"))
    lines = lines.head(lines.len() - 1) if text.endswith("\n") else lines
    rows = lines.slice(head)
    if not (rows.str.count_matches(delimiter, literal=True) == len(columns) - 1).all():
        return None
    try:
        frame = pl.read_csv(
            io.StringIO("\n".join(rows.to_list())) if head else io.StringIO(text),
            separator=delimiter, infer_schema=False, quote_char=None,
            has_header=True, new_columns=list(columns),
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        return None
    if frame.height != rows.len() - 1 or frame.width != len(columns):
        return None
    return Grid(frame, pl.int_range(head + 2, head + 2 + frame.height, eager=True))


def _careful(text: str, delimiter: str, head: int, columns: Sequence[str], name: str) -> Grid:
    """Any other table, line by line: rows with too many or too few cells are named and left out."""
    width, lines, problems, rows = len(columns), [], [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before, seen_header = 0, False
    try:
        for row in reader:
            line, before = before + 1, reader.line_num
            if line <= head or not any(cell.strip() for cell in row):
                continue
            if not seen_header:
                seen_header = True
                continue
            while len(row) > width and not row[-1].strip():
                row.pop()  # a delimiter at the end of the line
            if len(row) != width:
                problems.append(Problem(line, f"has {len(row)} cells instead of {width}"))
                continue
            lines.append(line)
            rows.append(row)
    except csv.Error as error:
        what = "a quoted cell does not end" if "end of data" in str(error) or "limit" in str(error) else _short(error)
        raise SchemaChanged(f"cannot be read from line {before + 1} on: {what}", source=name) from None
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    data = {
        key: pl.Series(key, [_FORMULA.sub(r"\1", cell) for cell in column], dtype=pl.String)
        for key, column in zip(columns, cells, strict=True)
    }
    return Grid(pl.DataFrame(data), pl.Series(lines, dtype=pl.Int64), "line", tuple(problems))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
