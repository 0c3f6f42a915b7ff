"""The trading days of US exchanges, in US Eastern time.

Rules of the New York Stock Exchange (https://www.nyse.com/trade/hours-calendars, rule 7.2): a holiday on a Sunday is
kept on the Monday after, one on a Saturday on the Friday before, but for New Year's Day, which is then not kept at all.
Days of mourning and closures by weather are listed one by one. From 2000 on; early closes are trading days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from verify.model.window import Window

EASTERN = ZoneInfo("America/New_York")
_DAY = timedelta(days=1)
#: Closures that no rule gives: https://www.nyse.com/publicdocs/nyse/markets/nyse/NYSE_Historical_Closings.pdf
_CLOSED = frozenset(
    {
        date(2001, 9, 11), date(2001, 9, 12), date(2001, 9, 13), date(2001, 9, 14), date(2004, 6, 11),
        date(2007, 1, 2), date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9),
    }
)  # fmt: skip


def is_trading_day(day: date) -> bool:
    """Whether US stock exchanges trade on that day of US Eastern time."""
    return day.weekday() < 5 and day not in _CLOSED and day not in holidays(day.year)


def trading_days(start: date, end: date) -> list[date]:
    """The trading days of `[start, end)`, in order."""
    return [day for day in _days(start, end) if is_trading_day(day)]


def day_window(day: date) -> Window:
    """That day in US Eastern time, midnight to midnight, as a window of UTC."""
    first, last = (datetime.combine(d, time(), EASTERN).astimezone(UTC) for d in (day, day + _DAY))
    return Window(first, last)


def close_of(day: date) -> datetime:
    """The end of a full session, 16:00 in New York, in UTC."""
    return datetime.combine(day, time(16), EASTERN).astimezone(UTC)


@cache
def holidays(year: int) -> frozenset[date]:
    """The holidays that are kept in a year."""
    fixed = [date(year, 7, 4), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))
    found = [_observed(day) for day in fixed]
    new_year = date(year, 1, 1)
    if new_year.weekday() != 5:
        found.append(_observed(new_year))
    found += [
        _nth(year, 1, 0, 3),  # Martin Luther King Jr. Day
        _nth(year, 2, 0, 3),  # Washington's Birthday
        easter(year) - 2 * _DAY,  # Good Friday
        _last_monday_of_may(year),
        _nth(year, 9, 0, 1),  # Labor Day
        _nth(year, 11, 3, 4),  # Thanksgiving
    ]
    return frozenset(found)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar: the anonymous algorithm in Meeus, Astronomical Algorithms, chapter 8."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    leap = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * leap) // 451
    month, day = divmod(h + leap - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _observed(day: date) -> date:
    return day + {5: -_DAY, 6: _DAY}.get(day.weekday(), timedelta(0))


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + ((weekday - first.weekday()) % 7 + 7 * (number - 1)) * _DAY


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - last.weekday() * _DAY


def _days(start: date, end: date) -> Iterator[date]:
    return (start + number * _DAY for number in range((end - start).days))
