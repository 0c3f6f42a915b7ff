"""The desk's own numbers: one number of a CSV, Parquet or SQLite file, by column and filter or by a query.

A file is read once per run and kept as evidence. `NoValue` is raised where the file is in order and says nothing (no
such row, an empty cell), `Unreadable` where it cannot be used: neither is a zero.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from msgspec import UNSET

from verify.jobs.schema import Value
from verify.model import names
from verify.model.amount import Amount
from verify.model.errors import AmountError, InputError

#: What a whole number of a table is exact to, and what a binary fraction of dollars is.
_ONE, _CENT = Decimal(1), Decimal("0.01")
_SQLITE = b"SQLite format 3\0"
_PARQUET = b"PAR1"
_MOST_ROWS_NAMED = 3
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


class NoValue(InputError):
    """The file is in order and does not hold the number."""


class Unreadable(InputError):
    """The file, column or query cannot be used."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with cells as they stand in the file; `lines` are the lines of a CSV's rows."""

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    lines: Sequence[int]

    def column(self, written: str) -> int:
        wanted = names.key(written)
        for test in (lambda c: c == written, lambda c: c.strip().lower() == written.lower(), lambda c: _key(c, wanted)):
            found = [index for index, column in enumerate(self.columns) if test(column)]
            if len(found) == 1:
                return found[0]
        near = max(self.columns, key=lambda c: names.similarity(wanted, names.key(c)), default="")
        hint = f"did you mean {near}?" if names.similarity(wanted, names.key(near)) >= 60 else ""
        raise Unreadable(f"{self.name} has no column {written!r}; {hint or 'it has ' + ', '.join(self.columns[:20])}")


def _key(column: str, wanted: str) -> bool:
    return bool(wanted) and names.key(column) == wanted


class Desk:
    """The files of a run. `read` gives the bytes of a name: of a file, or on replay of the evidence."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._data: dict[str, bytes | Unreadable] = {}
        self._tables: dict[str, Table] = {}

    def number(self, value: Value, cell: Mapping[str, str], currency: str) -> tuple[Amount, str]:
        """The number that `value` names for that cell, and in words where it is from. It is not negative."""
        cells, origin = self._cells(value, cell)
        return _amount([_number(raw, where) for raw, where in cells], currency)[0], origin

    def signed(self, value: Value, cell: Mapping[str, str], currency: str) -> tuple[Amount, bool, str]:
        """The size of a number that may be negative, whether it is, and where it is from."""
        cells, origin = self._cells(value, cell)
        amount, negative = _amount([_signed(raw, where) for raw, where in cells], currency)
        return amount, negative, origin

    def _cells(self, value: Value, cell: Mapping[str, str]) -> tuple[list[tuple[Any, str]], str]:
        """The cells that `value` names, each with its place, and where the number is from."""
        file = str(value.file)
        data = self._bytes(file)
        if value.sql is not UNSET:
            return [(_query(file, data, str(value.sql), cell), f"the query of {file}")], f"{file}: query"
        if file not in self._tables:
            self._tables[file] = _table(file, data)
        table, column = self._tables[file], str(value.column)
        at = table.column(column)
        picked = _picked(table, {} if value.where is UNSET else dict(value.where or {}), cell)
        take = "one" if value.take is UNSET else str(value.take)
        if take == "one" and len(picked) > 1:
            where = ", ".join(str(table.lines[row]) for row in picked[:_MOST_ROWS_NAMED])
            raise Unreadable(f"{file}: {len(picked)} rows match (lines {where}, ...): say take = 'sum' or 'last'")
        chosen = picked[-1:] if take == "last" else picked
        cells = [(table.rows[row][at], f"{file}:{table.lines[row]}") for row in chosen]
        if len(cells) > 1:
            return cells, f"{file}: sum of {column} over {len(cells)} rows"
        return cells, f"{cells[0][1]}, {column}"

    def _bytes(self, name: str) -> bytes:
        if name not in self._data:
            try:
                self._data[name] = self._read(name)
            except InputError as error:
                self._data[name] = Unreadable(str(error))
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                self._data[name] = Unreadable(f"{name}: cannot be read: {reason}")
        data = self._data[name]
        if isinstance(data, Unreadable):
            raise data
        return data


def _table(name: str, data: bytes) -> Table:
    if data[:4] == _PARQUET:
        import polars as pl

        try:
            frame = pl.read_parquet(io.BytesIO(data))
        except Exception as error:  # whatever Polars raises over a file that is none
            raise Unreadable(f"{name}: is not a Parquet file that can be read: {error}") from None
        return Table(name, tuple(frame.columns), frame.rows(), range(1, frame.height + 1))
    if data[:16] == _SQLITE:
        raise Unreadable(f"{name}: is a database: give sql instead of column")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"{name}: is not UTF-8 text") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    header: list[str] = []
    rows, lines = [], []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                continue
            if len(cells) != len(header):
                wrong = f"{len(cells)} fields where the header has {len(header)}"
                raise Unreadable(f"{name}:{reader.line_num}: has {wrong}")
            rows.append(cells)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise Unreadable(f"{name}:{reader.line_num}: is not valid CSV: {error}") from None
    if not header:
        raise Unreadable(f"{name}: is empty")
    return Table(name, tuple(header), rows, lines)


def _delimiter(text: str) -> str:
    head = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=head.count)


def filled(text: str, cell: Mapping[str, str], quote: Callable[[str], str] = lambda word: word) -> str:
    """`text` with `{asset}`, `{venue}`, ... replaced by those of the cell."""
    for name, word in cell.items():
        text = text.replace("{" + name + "}", quote(word))
    return text


def _picked(table: Table, where: Mapping[str, Any], cell: Mapping[str, str]) -> list[int]:
    """The rows that the filter leaves."""
    wanted = {
        table.column(column): [
            filled(v, cell) if isinstance(v, str) else v for v in (ok if isinstance(ok, list) else [ok])
        ]
        for column, ok in where.items()
    }
    found = [
        index
        for index, row in enumerate(table.rows)
        if all(any(_same(row[column], one) for one in choices) for column, choices in wanted.items())
    ]
    if not found:
        said = " and ".join(
            f"{table.columns[column]} = {' or '.join(map(str, choices))}" for column, choices in wanted.items()
        )
        raise NoValue(f"no row of {table.name} has {said}" if said else f"{table.name} has no rows")
    return found


def _same(have: Any, wanted: Any) -> bool:
    """Whether a cell is what a filter asks for: numbers by value, midnights as days, words and names by their key."""
    if have is None or isinstance(have, bool) or isinstance(wanted, bool):
        return have is not None and str(have).strip().lower() == str(wanted).strip().lower()
    left, right = _bare(have), _bare(wanted)
    numbers = _decimal(left), _decimal(right)
    if numbers[0] is not None and numbers[1] is not None:
        return numbers[0] == numbers[1]
    if left == right:
        return True
    if not any(char.isalpha() for char in left + right):
        return False
    if names.key(left) and names.key(left) == names.key(right):
        return True
    return any(
        (one := names.find(kind, left)) is not None and one == names.find(kind, right) for kind in ("assets", "venues")
    )


def _bare(value: Any) -> str:
    text = (value.isoformat() if hasattr(value, "isoformat") else str(value)).strip().casefold()
    text = text.replace(" ", "t", 1) if text[4:5] == "-" and text[10:11] == " " else text
    for tail in ("+00:00", "z"):
        text = text.removesuffix(tail) if text[4:5] == "-" else text
    if text[4:5] == "-" and text[10:11] == "t":
        text = text.removesuffix(".000000").removesuffix(".000")
        text = text.removesuffix(":00") if text.count(":") == 2 else text
        return text.removesuffix("t00:00")
    return text


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _amount(cells: Sequence[tuple[Decimal, Decimal]], currency: str) -> tuple[Amount, bool]:
    """The size of the sum of numbers, each with what it is exact to, and whether it is negative."""
    total = sum((value for value, _ in cells), Decimal(0))
    half = sum((unit for _, unit in cells), Decimal(0)) / 2
    size = abs(total)
    text = f"{'-' if total < 0 else ''}{'$' if currency == 'USD' else ''}"
    shown = size.quantize(_ONE) if not size % 1 else size.quantize(_CENT) if currency else size.normalize()
    text += f"{shown:,f}"
    return Amount(size, max(size - half, Decimal(0)), size + half, currency=currency, text=text), total < 0


_MINUS = re.compile(r"\s*(?:[-\u2212]\s*(?P<size>[^-\s(].*)|\((?P<booked>.*)\)\s*)$")


def _signed(raw: Any, where: str) -> tuple[Decimal, Decimal]:
    """A number with its sign: -5, -$5, or (5) as bookkeepers write it."""
    below = _MINUS.fullmatch(str(raw))
    if raw is None or isinstance(raw, bool) or below is None:
        return _number(raw, where)
    size = below["size"] or below["booked"]
    value, unit = _number(type(raw)(size) if isinstance(raw, float) else size, where)
    return -value, unit


def _number(raw: Any, where: str) -> tuple[Decimal, Decimal]:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        raise NoValue(f"{where}: the cell is empty")
    if isinstance(raw, bool):
        raise Unreadable(f"{where}: {raw} is not a number")
    plain = str(raw).strip().removeprefix("$")
    number = _decimal(plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain)
    if number is None:
        try:
            read = Amount.parse(str(raw))
        except AmountError as error:
            raise Unreadable(f"{where}: {error}") from None
        return read.value, read.unit
    if number < 0:
        raise Unreadable(f"{where}: {raw} is negative: state the size and the side apart")
    exponent = number.as_tuple().exponent
    places = exponent if isinstance(exponent, int) and exponent < 0 else 0
    return number, _CENT if isinstance(raw, float) else Decimal(1).scaleb(places)


def _query(name: str, data: bytes, sql: str, cell: Mapping[str, str]) -> Any:
    """The one number that a query gives: of a database by SQLite, of a table by Polars, whose name is `desk`."""
    if data[:16] == _SQLITE:
        rows = _of_database(name, data, sql, cell)
    else:
        rows = _of_table(name, data, filled(sql, cell, lambda word: "'" + word.replace("'", "''") + "'"))
    if len(rows) != 1 or len(rows[0]) != 1:
        shape = f"{len(rows)} rows of {len(rows[0]) if rows else 0} columns"
        raise (NoValue if not rows else Unreadable)(f"{name}: the query gives {shape}: it must give one number")
    return rows[0][0]


def _of_database(name: str, data: bytes, sql: str, cell: Mapping[str, str]) -> list[tuple[Any, ...]]:
    """Run on a copy, so that nothing can be written, and what is kept as evidence is what was asked."""
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        copy = Path(folder) / "desk.sqlite"
        copy.write_bytes(data)
        connection = sqlite3.connect(f"file:{copy}?mode=ro", uri=True)
        try:
            parameters = {key: word for key, word in cell.items() if "{" + key + "}" in sql}
            return connection.execute(filled(sql, {key: f":{key}" for key in parameters}), parameters).fetchmany(2)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise Unreadable(f"{name}: the query fails: {error}") from None
        finally:
            connection.close()


def _of_table(name: str, data: bytes, sql: str) -> list[tuple[Any, ...]]:
    import polars as pl

    try:
        if data[:4] == _PARQUET:
            frame = pl.read_parquet(io.BytesIO(data))
        else:
            frame = pl.read_csv(io.BytesIO(data), separator=_delimiter(data.decode("utf-8-sig")))
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines
        return list(pl.SQLContext(desk=frame, eager=True).execute(sql).rows())
    except Exception as error:  # whatever Polars raises over the file or the query
        raise Unreadable(f"{name}: the query fails: {str(error).splitlines()[0]}") from None
