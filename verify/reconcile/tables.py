"""Any numeric tables by their keys: what matches, what is missing where, what differs by how much, and what that
looks like. Nothing here knows what the numbers count.

The order of rows and tables means nothing. A key that stands several times is matched occurrence by occurrence, in
the order of its values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from verify.model.errors import InputError
from verify.model.reconciliation import (
    ColumnMatch,
    Difference,
    Offender,
    PairResult,
    Reconciliation,
    TableInfo,
)
from verify.reconcile.consensus import agreed
from verify.reconcile.lineage import Lineage, Reason
from verify.reconcile.patterns import diagnosed
from verify.reconcile.votes import Origin, votes, words

_NTH = "\x00nth"
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Table:
    """A table to compare. `frame` holds the keys (of one type in all tables) and the values (float64, null where
    nothing is said). `lineage` are the feeds that it descends from: tables that share one are one vote; without any it
    counts as one of its own."""

    name: str
    frame: pl.DataFrame
    lineage: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two values match when they are within `absolute`, or within `relative` of the larger; `columns` has its own."""

    absolute: float = 0.0
    relative: float = 1e-9
    columns: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def of(self, column: str) -> tuple[float, float]:
        return self.columns.get(column, (self.absolute, self.relative))

    def words(self) -> str:
        limits = {"": (self.absolute, self.relative), **self.columns}
        said = [f"{a:g} or {r:.3g} relative{f' in {name}' if name else ''}" for name, (a, r) in limits.items()]
        return "; ".join(said)


def reconcile(
    tables: Sequence[Table],
    keys: Sequence[str],
    values: Sequence[str],
    tolerance: Tolerance | None = None,
    notes: Sequence[str] = (),
) -> Reconciliation:
    """Compare two or more tables. `notes` stand first among those of the result.

    Raises `InputError` where a table lacks a column, or a name is there twice.
    """
    tolerance = tolerance or Tolerance()
    tables = sorted(tables, key=lambda table: table.name)
    _check(tables, keys, values)
    numbered = {table.name: _numbered(table, keys, values) for table in tables}
    pairs = tuple(
        _pair(first.name, second.name, numbered[first.name], numbered[second.name], keys, values, tolerance)
        for first, second in combinations(tables, 2)
    )
    lineages = [Lineage(table.name, table.name, Reason.DECLARED, "") for table in tables]
    origins = {table.name: Origin(frozenset(table.lineage)) for table in tables if table.lineage}
    voting = votes(lineages, origins)
    wide = _wide(tables, numbered, keys, values) if len(tables) > 2 else None
    shared = [text for vote in voting if (text := words(vote, {}))]
    return Reconciliation(
        version="",
        keys=tuple(keys),
        values=tuple(values),
        tolerance=tolerance.words(),
        tables=tuple(_info(table, numbered[table.name]) for table in tables),
        pairs=pairs,
        offenders=_offenders(wide, [vote.members for vote in voting], values, tolerance) if wide is not None else (),
        consensus=agreed(wide, [vote.members for vote in voting], values, cell) if wide is not None else (),
        lineages=len(voting),
        notes=(*notes, *shared),
    )


def cell(table: str, column: str) -> str:
    """The name of a table's column among those of all."""
    return f"{column}\x00{table}"


def _check(tables: Sequence[Table], keys: Sequence[str], values: Sequence[str]) -> None:
    if len(tables) < 2:
        raise InputError("two tables at least are needed")
    if not keys or not values:
        raise InputError("name a key and a value at least")
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise InputError(f"two tables are called {next(name for name in names if names.count(name) > 1)!r}")
    if both := set(keys) & set(values):
        raise InputError(f"{min(both)!r} cannot be a key and a value")
    for table in tables:
        if lacking := [name for name in (*keys, *values) if name not in table.frame.columns]:
            raise InputError(f"{table.name} has no column {lacking[0]!r}")
    for key in keys:
        kinds = {str(table.frame.schema[key]) for table in tables}
        if len(kinds) > 1:
            raise InputError(f"the key {key!r} is of several types: {', '.join(sorted(kinds))}")


def _numbered(table: Table, keys: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """Keys and values, and which occurrence of its key a row is (by its values)."""
    frame = table.frame.select(*keys, *values)
    if not frame.height or not frame.select(pl.struct(keys).is_duplicated().any()).item():
        return frame.with_columns(pl.lit(0, dtype=pl.UInt32).alias(_NTH))
    ordered = frame.sort([*keys, *values], nulls_last=True)
    return ordered.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over(keys).alias(_NTH))


def _info(table: Table, numbered: pl.DataFrame) -> TableInfo:
    repeated = int((numbered[_NTH] > 0).sum())
    return TableInfo(
        table.name,
        numbered.height,
        repeated,
        table.lineage,
        len(table.unread),
        table.unread[:_MOST_SHOWN],
        table.assumed,
    )


def _pair(
    first: str,
    second: str,
    left: pl.DataFrame,
    right: pl.DataFrame,
    keys: Sequence[str],
    values: Sequence[str],
    tolerance: Tolerance,
) -> PairResult:
    on = [*keys, _NTH]
    both = left.join(right, on=on, how="inner", suffix="\x00", nulls_equal=True)
    only_left, only_right = _rest(left, both, on), _rest(right, both, on)
    columns = tuple(_column(both, name, keys, tolerance) for name in values)
    return PairResult(
        first,
        second,
        both.height,
        only_left.height,
        only_right.height,
        _examples(only_left, keys),
        _examples(only_right, keys),
        columns,
        tuple(diagnosed(left, right, both, keys, values, tolerance.of, (first, second), _NTH)),
    )


def _rest(frame: pl.DataFrame, both: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """The rows of a table that are not among the common ones; keys with their occurrence are unique."""
    if frame.height == both.height:
        return frame.clear()
    return frame.join(both.select(on), on=on, how="anti", nulls_equal=True)


def differs(first: pl.Expr, second: pl.Expr, limits: tuple[float, float]) -> pl.Expr:
    """Whether two values are further apart than allowed; null where one is missing."""
    absolute, relative = limits
    allowed = pl.max_horizontal(pl.lit(absolute), pl.max_horizontal(first.abs(), second.abs()) * relative)
    return (first - second).abs() > allowed


def _column(both: pl.DataFrame, name: str, keys: Sequence[str], tolerance: Tolerance) -> ColumnMatch:
    first, second = pl.col(name), pl.col(f"{name}\x00")
    apart = both.select(differs=differs(first, second, tolerance.of(name)), one=first.is_null() != second.is_null())
    compared = apart["differs"].drop_nulls()
    worst = both.filter(apart["differs"].fill_null(False)).with_columns(size=(first - second).abs())
    if worst.height > _MOST_SHOWN:  # with all that are as large as the last one shown, for the order to decide
        worst = worst.filter(pl.col("size") >= worst["size"].top_k(_MOST_SHOWN).min())
    worst = worst.sort(["size", *keys, _NTH], descending=[True, *(False for _ in (*keys, _NTH))]).head(_MOST_SHOWN)
    largest = tuple(
        _difference(key, name, a, b)
        for key, a, b in zip(_examples(worst, keys), worst[name], worst[f"{name}\x00"], strict=True)
    )
    return ColumnMatch(
        name, len(compared), int((~compared).sum()), int(compared.sum()), int(apart["one"].sum()), largest
    )


def _difference(key: str, column: str, first: float, second: float) -> Difference:
    larger = max(abs(first), abs(second))
    return Difference(key, column, first, second, first - second, (first - second) / larger if larger else None)


def _examples(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[str, ...]:
    """The first keys in words."""
    shown = frame if "size" in frame.columns else _first(frame, [*keys, _NTH])
    return tuple(
        ", ".join(_said(value) for value in row) for row in shown.select(_words(frame, key) for key in keys).iter_rows()
    )


def _first(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The first rows in the order of unique columns."""
    if frame.height > 10 * _MOST_SHOWN:
        frame = frame.bottom_k(_MOST_SHOWN, by=list(by))
    return frame.sort(by).head(_MOST_SHOWN)


def _words(frame: pl.DataFrame, key: str) -> pl.Expr:
    if isinstance(frame.schema[key], pl.Datetime):
        return pl.col(key).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ").str.replace("\\.000000Z", "Z")
    return pl.col(key)


def _said(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return "nothing" if value is None else str(value)


def _wide(
    tables: Sequence[Table], numbered: Mapping[str, pl.DataFrame], keys: Sequence[str], values: Sequence[str]
) -> pl.DataFrame:
    """One row per key, the values of every table beside each other."""
    on = [*keys, _NTH]
    wide: pl.DataFrame | None = None
    for table in tables:
        renamed = numbered[table.name].rename({name: cell(table.name, name) for name in values})
        wide = renamed if wide is None else wide.join(renamed, on=on, how="full", coalesce=True, nulls_equal=True)
    assert wide is not None
    return wide.sort(on)


def _offenders(
    wide: pl.DataFrame, groups: Sequence[Sequence[str]], values: Sequence[str], tolerance: Tolerance
) -> tuple[Offender, ...]:
    """Which lineage stands alone against two others or more that agree, cell by cell; named by its tables."""
    found = []
    for column in values:
        limits = tolerance.of(column)
        said = {tuple(group): [pl.col(cell(name, column)) for name in group] for group in groups}
        everyone = [one for cells_ in said.values() for one in cells_]
        any_apart = differs(pl.max_horizontal(everyone), pl.min_horizontal(everyone), limits)
        total = int(wide.select(any_apart.fill_null(False).sum()).item())
        for group, own in said.items():
            others = [cells_ for other, cells_ in said.items() if other != group]
            speaking = pl.sum_horizontal(
                pl.any_horizontal(one.is_not_null() for one in cells_).cast(pl.Int32) for cells_ in others
            )
            flat = [one for cells_ in others for one in cells_]
            if not flat:
                continue
            low, high = pl.min_horizontal(flat), pl.max_horizontal(flat)
            apart = pl.all_horizontal(
                differs(one, edge, limits).fill_null(one.is_null()) for one in own for edge in (low, high)
            )
            heard = pl.any_horizontal(one.is_not_null() for one in own)
            alone = (speaking >= 2) & ~differs(low, high, limits) & apart & heard
            count = int(wide.select(alone.fill_null(False).sum()).item())
            if count:
                found.append(Offender(" with ".join(group), column, count, total))
    return tuple(sorted(found, key=lambda one: (-one.alone, one.table, one.column)))
