"""Windows of a job: absolute as everywhere, or relative to the time that the run is as of.

::

    today               from midnight to as-of
    yesterday           the calendar day before the one of as-of
    last 4h             ending at as-of: any duration (90m, 1d12h, PT4H), also `last 4 hours`, `last hour`
    last day            the same as yesterday
    last trading day    the last of Monday to Friday that is over
    last week           the last Monday to Sunday that is over
    last trading week   the last Monday to Friday that is over
    last month          the calendar month before the one of as-of

Calendar words are read in the time zone of the job (UTC by default), so that a day may have 23 or 25 hours.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from verify.model.errors import WindowError
from verify.model.window import Window, parse_duration

WORDS = (
    "today",
    "yesterday",
    "last 4h",
    "last day",
    "last trading day",
    "last week",
    "last trading week",
    "last month",
)
_LAST = re.compile(r"last\s+(?:(?P<number>\d+(?:\.\d+)?)\s*)?(?P<unit>minutes?|hours?|days?|weeks?)")
_SATURDAY = 5
_DAY = timedelta(days=1)


def zone(name: str) -> ZoneInfo:
    """The time zone of that name in the tz database. Raises `WindowError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WindowError(f"unknown time zone {name[:60]!r}: write UTC, Europe/London or America/New_York") from None


def resolve(text: str, as_of: datetime, where: ZoneInfo, slack: timedelta = timedelta(0)) -> Window:
    """The window that `text` means at `as_of`. Raises `WindowError` for what is none."""
    words = " ".join(text.lower().replace("-", " ").split()) if "last" in text.lower() else text.strip().lower()
    local = as_of.astimezone(where)
    try:
        if words == "today":
            start = _midnight(local.date(), where)
            if start == as_of:
                raise WindowError("'today' has no length at midnight: write yesterday")
            return Window(start, as_of, slack)
        if days := _days(words, local.date()):
            return Window(_midnight(days[0], where), _midnight(days[1], where), slack)
        if words.startswith("last "):
            return Window(as_of - _length(words, text), as_of, slack)
        return Window.parse(text, now=as_of, slack=slack)
    except OverflowError:
        raise WindowError(f"the window {text[:60]!r} is outside the calendar") from None
    except WindowError as error:
        if "last" in words or words.isalpha():
            raise WindowError(f"{error}; or {', '.join(WORDS)}") from None
        raise


def _days(words: str, today: date) -> tuple[date, date] | None:
    """The first day and the day after the last, for words that mean whole days."""
    monday = today - today.weekday() * _DAY
    match words:
        case "yesterday" | "last day":
            return today - _DAY, today
        case "last trading day":
            day = today - _DAY
            while day.weekday() >= _SATURDAY:
                day -= _DAY
            return day, day + _DAY
        case "last week":
            return monday - 7 * _DAY, monday
        case "last trading week":
            over = today.weekday() >= _SATURDAY
            first = monday if over else monday - 7 * _DAY
            return first, first + 5 * _DAY
        case "last month":
            first = today.replace(day=1)
            return (first - _DAY).replace(day=1), first
        case _:
            return None


def _length(words: str, text: str) -> timedelta:
    if found := _LAST.fullmatch(words):
        unit = found["unit"].removesuffix("s")
        return timedelta(**{f"{unit}s": float(found["number"] or 1)})
    return parse_duration(text.strip()[len("last ") :].strip())


def _midnight(day: date, where: ZoneInfo) -> datetime:
    """When that day begins there, in UTC."""
    return datetime.combine(day, time(0), tzinfo=where).astimezone(UTC)
