"""What a stated time is, and the dates that times are made of.

Days are UTC days. A date without a year is the last such day up to a week after the dateline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from verify.claims.spans import MONTHS
from verify.model.figure import Grade
from verify.model.window import Window

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NUMBERS = {name: number for number, name in enumerate(MONTHS.split("|")[:12], 1)}
DATE = (
    rf"(?:(?P<m1>{MONTHS})\b\.? (?P<d1>[0-3]?[0-9])(?![0-9])(?:st|nd|rd|th)?(?:,? (?P<y1>20[0-9]{{2}}))?"
    rf"|(?P<d2>[0-3]?[0-9])(?:st|nd|rd|th)?+ (?:of )?(?P<m2>{MONTHS})\b(?:\.?,? (?P<y2>20[0-9]{{2}}))?"
    r"|(?P<y3>20[0-9]{2})-(?P<m3>[01]?[0-9])-(?P<d3>[0-3]?[0-9])"
    r"|(?:(?P<y4>20[0-9]{2})\s?年\s?)?(?P<m4>[01]?[0-9])\s?月\s?(?P<d4>[0-3]?[0-9])\s?[日号])"
)
DAY = re.compile(rf"(?<![0-9a-z.$])(?<![0-9],){DATE}")
DAY_LONG, WEEK_LONG = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class When:
    """A stated time: where it stands, its short form (`label`), and what is known of it.

    `label` is `4h`, `2026-01-19`, `2026-01-12/2026-01-17`, `since 2025-11-01` or two instants. `window` is None where
    the text and the dateline leave the edges open; `length` is known without edges.
    """

    start: int
    end: int
    label: str
    text: str
    length: timedelta | None = None
    window: Window | None = None
    calendar: bool = False


@dataclass(frozen=True, slots=True)
class Dateline:
    """When a text was published. `exact` says whether the minute is known."""

    moment: datetime
    exact: bool = True

    @property
    def day(self) -> date:
        return self.moment.date()


def stretch(at: int, end: int, low: str, first: date, last: date) -> When:
    window = Window(datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC), Grade.LOW.slack)
    label = first.isoformat() if last - first == timedelta(days=1) else f"{first}/{last}"
    return When(at, end, label, low[at:end].strip(), window.length, window, True)


def since_day(at: int, end: int, low: str, day: date, published: Dateline | None) -> When:
    window = None
    begin = datetime.combine(day, time(), UTC)
    if published is not None and begin < published.moment:
        window = Window(begin, published.moment, timedelta(days=1))
    return When(at, end, f"since {day}", low[at:end], None, window, True)


def impossible_dates(low: str) -> list[tuple[int, int, str]]:
    """Dates that no calendar has, e.g. 31 November."""
    found = []
    for match in DAY.finditer(low):
        month, day, year = _parts(match)
        try:
            date(year or 2024, month, day)
        except ValueError:
            found.append((match.start(), match.end(), match[0]))
    return found


def _parts(match: re.Match[str]) -> tuple[int, int, int | None]:
    for n in "1234":
        if match[f"d{n}"]:
            year = match[f"y{n}"]
            written = match[f"m{n}"]
            return (
                (int(written) if written.isdigit() else month_number(written)),
                int(match[f"d{n}"]),
                int(year) if year else None,
            )
    raise AssertionError("a date has a day")


def date_of(match: re.Match[str], published: Dateline | None) -> date | None:
    """The date that is meant; one without a year is the last such day up to a week after the dateline."""
    month, day, year = _parts(match)
    if year is None and published is None:
        return None
    try:
        if year is not None:
            return date(year, month, day)
        assert published is not None
        meant = date(published.day.year, month, day)
        return meant if meant <= published.day + timedelta(days=7) else date(published.day.year - 1, month, day)
    except (ValueError, OverflowError):
        return None


def month_number(name: str) -> int:
    return next(number for full, number in MONTH_NUMBERS.items() if full.startswith(name[:3]))
