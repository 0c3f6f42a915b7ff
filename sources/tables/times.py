"""What the cells of a column of times say: numbers since 1970 in some unit, ISO 8601, and dates as people write them.

The day and the month of 03/04/2026 are never guessed, and neither is an hour that a change of clocks makes occur
twice. What was assumed is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sources.lazy import pl
from sources.tables.cells import Read, blank
from verify.model.errors import InputError

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0}
_EARLIEST, _LATEST = datetime(2009, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_OFFSET = r"(?i)\s*(?:utc|gmt)?\s*(z|utc|gmt|[+-]\d{1,2}(?::?\d{2})?)$"
_FIXED = re.compile(r"(?i)(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(\d{2}))?")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d %b %Y", "%d-%b-%Y", "%b %d %Y", "%d %B %Y", "%B %d %Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
)  # fmt: skip
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)
_MICROSECONDS: Final = "us"


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: a name of the IANA database, or a fixed number of minutes east of Greenwich."""

    name: str = "UTC"
    minutes: int | None = 0


def zone(text: str) -> Zone:
    """`UTC`, `UTC+8`, `+05:30` or a name such as `Asia/Shanghai`; `InputError` for what is none of them."""
    wanted = text.strip()
    if wanted.upper() in ("", "UTC", "Z", "GMT"):
        return Zone()
    if fixed := _FIXED.fullmatch(wanted):
        minutes = (int(fixed[2]) * 60 + int(fixed[3] or 0)) * (-1 if fixed[1] == "-" else 1)
        if abs(minutes) <= 14 * 60:
            return Zone(wanted, minutes)
    try:
        pl.Series([datetime(2026, 1, 1)]).dt.replace_time_zone(wanted)  # noqa: DTZ001  # the zone is what is tried
    except (pl.exceptions.PolarsError, ValueError):
        raise InputError(f"unknown time zone {wanted[:60]!r}: write UTC, UTC+8 or a name like Asia/Shanghai") from None
    return Zone(wanted, None)


def times(series: pl.Series, where: Zone, *, unit: str = "", pattern: str = "") -> Read:
    """Times as UTC with microseconds. `where` is the zone of times that name none; `unit` ("s", "ms", "us", "ns",
    "" for that which fits) counts from 1970; `pattern` is a strptime pattern, where the cells are in no common one.

    Raises `InputError` where day and month cannot be told apart.
    """
    empty = blank(series)
    if series.dtype.is_temporal():
        return _native(series, where)
    numeric = series.cast(pl.Float64, strict=False) if series.dtype == pl.String else series
    if series.dtype.is_numeric() or (not pattern and (numeric.is_not_null() | empty).all() and not empty.all()):
        text_of_days = series.dtype == pl.String and series.filter(~empty).str.contains(r"^\s*20\d{6}\s*$").all()
        if not (text_of_days and not unit):
            return _counted(series, unit)
    return _written(series, empty, where, pattern)


def _native(series: pl.Series, where: Zone) -> Read:
    if series.dtype == pl.Date:
        series = series.cast(pl.Datetime(_MICROSECONDS))
    if getattr(series.dtype, "time_zone", None):
        done = series.dt.convert_time_zone("UTC").dt.cast_time_unit(_MICROSECONDS)
        return Read(done, pl.repeat(False, len(done), eager=True))
    local = _local(series.dt.cast_time_unit(_MICROSECONDS), where)
    note = "" if where.name != "UTC" else f"times without a zone ({series.name!r}) are taken as UTC"
    return Read(local, local.is_null() & series.is_not_null(), note)


def _counted(series: pl.Series, unit: str) -> Read:
    """Numbers since 1970 (or a spreadsheet's days since 1899)."""
    wide = series.cast(pl.Float64, strict=False)
    note = ""
    if not unit:
        middle = wide.filter(wide > 0).median()
        size = float(middle) if isinstance(middle, (int, float)) else 0.0
        if 36_000 < size < 73_000:
            micros = (wide * 86_400e6).round().cast(pl.Int64, strict=False) + round(_EXCEL.timestamp() * 1e6)
            done = micros.cast(pl.Datetime(_MICROSECONDS, "UTC"))
            return Read(
                done, done.is_null() & ~blank(series), f"{series.name!r} counts days as spreadsheets do, in UTC"
            )
        fitting = [name for name, per in _PER_SECOND.items() if _EARLIEST * per <= size < _LATEST * per]
        unit = fitting[0] if fitting else "s"
        note = f"{series.name!r} is read as {unit} since 1970"
    per = UNITS[unit]
    whole = series.cast(pl.Int64, strict=False)
    exact = whole * per if per else whole // 1000
    rough = (wide * (per or 0.001)).round().cast(pl.Int64, strict=False)
    fractional = (wide != wide.floor()).fill_null(False)
    use_exact = whole.is_not_null() & ~fractional
    bounded = (wide.abs() * (per or 0.001) < 9e18).fill_null(False)
    micros = pl.select(pl.when(bounded & use_exact).then(exact).when(bounded).then(rough)).to_series()
    done = micros.cast(pl.Datetime(_MICROSECONDS, "UTC")).alias(series.name)
    return Read(done, done.is_null() & ~blank(series), note)


_PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _written(series: pl.Series, empty: pl.Series, where: Zone, pattern: str) -> Read:
    text = series.cast(pl.String).str.strip_chars()
    if pattern:
        return _by_pattern(text, empty, where, pattern)
    offset = text.str.extract(_OFFSET, 1).str.to_uppercase()
    has_clock = text.str.contains(r"\d{1,2}:\d{2}")
    offset = pl.select(pl.when(has_clock | offset.is_in(["Z", "UTC", "GMT"])).then(offset)).to_series()
    core = pl.select(pl.when(offset.is_not_null()).then(text.str.replace(_OFFSET, "")).otherwise(text)).to_series()
    core = core.str.replace(r"(\d)[Tt](\d)", "${1} ${2}").str.replace_all(r",", " ").str.replace_all(r"\s+", " ")
    core = core.str.replace(r"(?i)(\d)(am|pm)$", "${1} ${2}")
    moments, note = _parsed(core, series.name)
    minutes = _minutes(offset)
    fixed = (moments - pl.select(pl.duration(minutes=pl.lit(minutes))).to_series()).dt.replace_time_zone("UTC")
    local = _local(moments, where)
    done = pl.select(pl.when(offset.is_not_null()).then(fixed).otherwise(local)).to_series().alias(series.name)
    naive = bool((offset.is_null() & ~empty).any())
    if naive and where.name == "UTC":
        note = "; ".join(filter(None, (note, f"times without a zone ({series.name!r}) are taken as UTC")))
    return Read(done, done.is_null() & ~empty, note)


def _by_pattern(text: pl.Series, empty: pl.Series, where: Zone, pattern: str) -> Read:
    try:
        if "%z" in pattern:
            done = text.str.to_datetime(pattern, strict=False, time_unit=_MICROSECONDS).dt.convert_time_zone("UTC")
        else:
            done = _local(_strptime(text, pattern), where)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"the pattern of times {pattern!r} cannot be used: {str(error)[:100]}") from None
    return Read(done.alias(text.name), done.is_null() & ~empty)


def _strptime(text: pl.Series, pattern: str) -> pl.Series:
    """Naive times by one pattern; null where it does not fit."""
    if not any(mark in pattern for mark in ("%H", "%I", "%T", "%R")):
        found = text.str.to_date(pattern, strict=False).cast(pl.Datetime(_MICROSECONDS))
    else:
        found = text.str.to_datetime(pattern, strict=False, time_unit=_MICROSECONDS, ambiguous="null")
    return pl.select(pl.when(found.dt.year().is_between(1970, 2100)).then(found)).to_series()


def _parsed(core: pl.Series, name: str) -> tuple[pl.Series, str]:
    """Naive times by the patterns that fit the cells; one pattern of dates for the column, any of clocks."""
    days = core.drop_nulls().str.replace(r"\s+\d{1,2}:\d{2}.*$", "").unique(maintain_order=True)
    days = days.head(100_000)
    readings = {date: _strptime(days, date) for date in _DATES}
    best = max(len(days) - days_read.null_count() for days_read in readings.values())
    if not best:
        return core.str.to_datetime("%Y", strict=False, time_unit=_MICROSECONDS, ambiguous="null"), ""
    top = [date for date in _DATES if len(days) - readings[date].null_count() == best]
    rivals = [date for date in top if not readings[date].equals(readings[top[0]])]
    if rivals:
        first = days.filter(readings[top[0]].is_not_null())[0]
        raise InputError(
            f"{name!r}: {first!r} can be {_spoken(top[0])} or {_spoken(rivals[0])}: say which,"
            f' [time] format = "{top[0]} %H:%M:%S" in the mapping'
        )
    note = "" if top[0].startswith("%Y") else f"{name!r} is read as {_spoken(top[0])}"
    return _with_clocks(core, top[0]), note


def _with_clocks(text: pl.Series, date: str) -> pl.Series:
    found: pl.Series | None = None
    for clock in _CLOCKS:
        tried = _strptime(text, date + clock)
        found = tried if found is None else found.fill_null(tried)
        if not found.null_count():
            break
    assert found is not None
    return found


def _spoken(date: str) -> str:
    words = {"d": "day", "m": "month", "Y": "year", "y": "year", "b": "month", "B": "month"}
    return " ".join(words[letter] for letter in re.findall(r"%(\w)", date))


def _minutes(offset: pl.Series) -> pl.Series:
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    hours = offset.str.extract(r"^[+-](\d{1,2})", 1).cast(pl.Int64).fill_null(0)
    minutes = offset.str.extract(r"^[+-]\d{1,2}:?(\d{2})$", 1).cast(pl.Int64).fill_null(0)
    return pl.select(sign * (hours * 60 + minutes)).to_series()


def _local(moments: pl.Series, where: Zone) -> pl.Series:
    """Naive times of a zone as UTC; null where a change of clocks leaves out the hour or has it twice."""
    if where.minutes is not None:
        return (moments - timedelta(minutes=where.minutes)).dt.replace_time_zone("UTC")
    placed = moments.dt.replace_time_zone(where.name, ambiguous="null", non_existent="null")
    return placed.dt.convert_time_zone("UTC")


def zone_in_heading(heading: str) -> str:
    """The zone that a heading names in brackets or at its end: `time (UTC+8)`, `ts_utc`; empty where it names none."""
    if found := re.search(r"(?i)\b(?:utc|gmt)\s?([+-]\d{1,2}(?::?\d{2})?)", heading):
        return f"UTC{found[1]}"
    return "UTC" if re.search(r"(?i)(?:^|[^a-z])(?:utc|gmt)(?:$|[^a-z])", heading) else ""


def headings_with_units(names: Sequence[str]) -> dict[str, str]:
    """The unit of time that a heading ends with (`ts_ms`, `time_us`), by heading."""
    found = {}
    for name in names:
        if ending := re.search(r"(?i)(?:_|\(|\s)(ms|us|ns|s|sec|seconds|millis|milliseconds)\)?$", name):
            word = ending[1].lower()
            found[name] = {"sec": "s", "seconds": "s", "millis": "ms", "milliseconds": "ms"}.get(word, word)
    return found
