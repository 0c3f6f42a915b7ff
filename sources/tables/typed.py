"""Columns of a table with types: keys as times, numbers or text, values as numbers; what cannot be read is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sources.lazy import pl
from sources.tables import cells
from sources.tables.grid import Grid, Problem
from sources.tables.recognise import is_time
from sources.tables.times import times, zone, zone_in_heading
from verify.model.errors import InputError, VerifyError

_DATE = (
    r"^\s*(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ](?:\d{1,2}|[A-Za-z]{3,9})[-/. ,]+\d{2,4}"
    r"|[A-Za-z]{3,9} \d{1,2},? \d{4})"
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A table ready to be compared. `frame` holds keys and values; rows that could not be read are in `problems`."""

    frame: pl.DataFrame
    problems: tuple[Problem, ...]
    assumed: tuple[str, ...]


def kind(series: pl.Series) -> str:
    """What a column holds: "time", "number" or "text"."""
    if series.dtype.is_temporal():
        return "time"
    told = series.filter(~cells.blank(series))
    if series.dtype.is_numeric():
        middle = told.cast(pl.Float64).median()
        epoch = is_time(series.name) and isinstance(middle, float) and middle > 1e9
        return "time" if epoch else "number"
    if not len(told):
        return "text"
    sample = told.cast(pl.String).head(2_000)
    if sample.str.contains(_DATE).mean() > 0.9:  # type: ignore[operator]
        return "time"
    for sign in (".", ","):
        if cells.numbers(sample, sign).unread.mean() < 0.34:  # type: ignore[operator]
            middle = cells.numbers(sample, sign).values.median()
            return "time" if is_time(series.name) and isinstance(middle, float) and middle > 1e9 else "number"
    return "text"


def roles(grids: Sequence[Grid], keys: Sequence[str], values: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Keys and values: those given, else the columns that all tables have, numbers as values; and what was assumed."""
    common = [name for name in grids[0].frame.columns if all(name in grid.frame.columns for grid in grids)]
    kinds = {name: [kind(grid.frame[name]) for grid in grids] for name in common}
    numeric = [name for name in common if all(k == "number" for k in kinds[name])]
    notes = []
    chosen_values = list(values) or [name for name in numeric if name not in keys and not _is_id(name)]
    rest = [name for name in common if name not in chosen_values]
    chosen_keys = list(keys) or [name for name in rest if name not in numeric or _is_id(name)] or rest
    if not keys and chosen_keys:
        notes.append(f"the keys are {', '.join(chosen_keys)}, which all tables have (--key)")
    if not values and chosen_values:
        notes.append(f"the values are {', '.join(chosen_values)}, which are numbers in all tables (--value)")
    if not chosen_keys or not chosen_values:
        had = "; ".join(", ".join(grid.frame.columns[:12]) for grid in grids)
        what = "key" if not chosen_keys else "value"
        raise InputError(f"the tables have no common column to be the {what}: name it with --{what} (they have {had})")
    return chosen_keys, chosen_values, notes


def _is_id(name: str) -> bool:
    return name.casefold() in ("id", "index") or name.casefold().endswith(("_id", " id"))


def key_kinds(grids: Sequence[Grid], keys: Sequence[str]) -> dict[str, str]:
    """One kind for each key in all tables: text where they are of several."""
    found = {}
    for key in keys:
        kinds = {kind(grid.frame[key]) for grid in grids if key in grid.frame.columns}
        found[key] = kinds.pop() if len(kinds) == 1 else ("time" if kinds == {"time", "number"} else "text")
    return found


def typed(grid: Grid, keys: dict[str, str], values: Sequence[str], *, where: str, decimal: str, name: str) -> Typed:
    """The columns read; a row whose key or value cannot be read is named and left out."""
    if lacking := [column for column in (*keys, *values) if column not in grid.frame.columns]:
        raise InputError(f"{name}: has no column {lacking[0]!r} (it has {', '.join(grid.frame.columns[:12])})")
    problems = list(grid.problems)
    assumed = list(grid.notes)
    good = pl.repeat(True, grid.frame.height, eager=True)
    data = {}
    numeric = [grid.frame[c] for c in (*values, *(k for k, kind_ in keys.items() if kind_ == "number"))]
    sign = cells.decimal_sign(numeric, grid.delimiter)
    if sign.clash and not decimal:
        raise InputError(f"{name}: {sign.clash[0]!r} and {sign.clash[1]!r} write decimals in two ways: say --decimal")
    if sign.note and not decimal:
        assumed.append(sign.note)
    for column in (*keys, *values):
        series = grid.frame[column]
        wanted = keys.get(column, "number")
        try:
            read = _read(series, wanted, where or zone_in_heading(column), decimal or sign.sign)
        except VerifyError as error:
            raise InputError(f"{name}: {error}") from None
        if read.note:
            assumed.append(read.note)
        unread = read.unread | (read.values.is_null() if column in keys else pl.repeat(False, len(series), eager=True))
        bad = unread & good
        for line, cell in zip(grid.lines.filter(bad), series.filter(bad), strict=True):
            problems.append(Problem(line, f"{column} {str(cell)[:60]!r} cannot be read as a {wanted}", grid.unit))
        good = good & ~bad
        data[column] = read.values.alias(column)
    frame = pl.DataFrame(data).filter(good)
    return Typed(frame, tuple(sorted(problems, key=lambda problem: problem.line)), tuple(assumed))


def _read(series: pl.Series, wanted: str, where: str, decimal: str) -> cells.Read:
    if wanted == "time":
        return times(series, zone(where))
    if wanted == "number":
        return cells.numbers(series, decimal)
    text = series.cast(pl.String).str.strip_chars()
    return cells.Read(text, pl.repeat(False, len(series), eager=True))
