"""Words for a time to windows: "past 4 hours", "on Monday", "last week", "since mid-2025", "between 22:30 and 02:30".

Relative words are resolved against the dateline. A dateline says when a text was published, never when something
began. Days are UTC days; the trading week of exchange-traded funds is Monday to Friday.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from verify.claims.calendars import calendar_words, day_ranges, open_starts, single_days, weekday_ranges, weeks_by_day
from verify.claims.clocks import CLOCK, hours_between, moment_of, with_end
from verify.claims.dates import DAY, DAY_LONG, WEEK_LONG, WEEKDAYS, Dateline, When, date_of, stretch
from verify.claims.lengths import OF_EVENT, lengths_in
from verify.claims.spans import fold
from verify.model.errors import WindowError
from verify.model.figure import Grade
from verify.model.window import Window, iso, parse_instant

_AND = re.compile(r"\s?(?:and|&|to|through|until|和|与|至)\s?(?:on )?")
_IN_HOURS = re.compile(r"24|48|h(?:ou)?rs?\b|小时|小時")
_WEEK_BEFORE = re.compile(
    r"the (?:previous|prior|preceding) week|the week (?:before|prior|earlier)|a week (?:earlier|before|prior)"
    r"|(?:此前|之前|前)一周|前周"
)
_BESIDE = 5
#: Words for a day that are said of whichever day is spoken of.
_THAT_DAY = re.compile(
    r"\b(?:a|one|single)[ -]day\b|\bon the day\b|\bintraday\b|当日|单日|日内"
    r"|\bthat (?:same |very )?(?:day|session)\b|同日|当天|那天|那一天|该日"
)
_NAMED_BEFORE = re.compile(r"that (?:same |very )?(?:day|session)|同日|当天|那天|那一天|该日")
_TRAILING = re.compile(r"\b(?:past|last|previous|trailing|rolling|prior)\b|近|过去|過去|最近")
_REPORTED = re.compile(
    r"\b(?:said|says|reported|reports|wrote|showed|shows|show|announced|published|noted|posted|told (?:\w+ ){1,3}"
    r"|note|report"
    r"|update|post|statement) (?:in a (?:note|post|report|statement) )?(?:on |late |early |late on |early on )?$"
)
_COMPARED = re.compile(
    r"(?:\b(?:than|compared (?:to|with)|versus|vs\.?)|较|比|相比) ?(?:that of |those of |on |in |during |over )?$"
)
_NOUN_OF_EVENT = re.compile(
    r"\b(?:crash|sell-?off|plunge|drop|decline|rout|cascade|downturn|turmoil|bloodbath|correction|slump|slide|wipeout"
    r"|washout|shakeout)\b|暴跌|闪崩|崩盘|下跌"
)
_EVENT = re.compile(
    r"\b(?:during|in|over) (?:this|the) (?:[a-z-]{1,15} ){0,2}(?:downturn|crash|sell-off|selloff|volatility|event"
    r"|drop|slide|decline"
    r"|cascade|rout)\b"
)


def dateline(text: str) -> Dateline | None:
    """Read a dateline: ISO 8601, or the first full date of a text with the clock time that follows it."""
    try:
        return Dateline(parse_instant(text), exact="T" in text.upper())
    except WindowError:
        pass
    low = text.lower()[:3000]
    for found in DAY.finditer(low):
        day = date_of(found, None)
        if day is None:
            continue
        clock = CLOCK.search(low, found.end(), found.end() + 40)
        if clock is not None and (moment := moment_of(day, clock, None)) is not None:
            return Dateline(moment)
        return Dateline(datetime.combine(day, time(), UTC), exact=False)
    return None


def find(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Every stated time in `low[start:end]`, in order, those that contain others first and alone."""
    lengths = lengths_in(low, start, end, published)
    found = [*hours_between(low, start, end, published), *(with_end(low, end, when, published) for when in lengths)]
    found += weeks_by_day(low, start, end, published)
    found += open_starts(low, start, end, published)
    found += single_days(low, start, end, published)
    found += calendar_words(low, start, end, published)
    found += day_ranges(low, start, end, published)
    found += weekday_ranges(low, start, end, published)
    kept: list[When] = []
    for when in sorted(found, key=lambda when: (when.start, -when.end)):
        if kept and _WEEK_BEFORE.fullmatch(when.text.lower()):
            when = _before(when, kept)
        if kept and _repeats(low, kept[-1], when):
            continue
        compared = when.calendar and _COMPARED.search(low, max(start, when.start - 24), when.start)
        compared = compared or (when.calendar and _REPORTED.search(low, max(start, when.start - 40), when.start))
        if kept and (joined := _joined(low, kept[-1], when)):
            kept[-1] = joined
        elif not compared and (not kept or when.start >= kept[-1].end):
            kept.append(when)
    return _narrowed(low, kept, published)


def is_week_before(when: When) -> bool:
    """Whether a time is the week before the one that is spoken of, with which that is compared."""
    return _WEEK_BEFORE.fullmatch(fold(when.text)) is not None


def _before(when: When, kept: Sequence[When]) -> When:
    """The week before the one that was named: "last week ..., against $1.8bn the week before"."""
    week = next((w for w in reversed(kept) if w.calendar and w.length == WEEK_LONG and w.window), None)
    if week is None or week.window is None:
        return when
    window = Window(week.window.start - WEEK_LONG, week.window.start, week.window.slack)
    return replace(when, window=window, label=f"{window.start.date()}/{window.end.date()}")


def _repeats(low: str, last: When, when: When) -> bool:
    """Whether a length says again how long the stretch right before it is: "8 月 3 日至 4 日两天", "周二一天"."""
    beside = not low[last.end : when.start].strip(" (（的这") and not _IN_HOURS.search(when.text)
    return beside and last.calendar and not when.calendar and last.length == when.length


def names_day(when: When) -> bool:
    """Whether a time is one named day, and not "the day" that is spoken of anyway."""
    return when.calendar and when.length == DAY_LONG and not _THAT_DAY.search(fold(when.text))


def points_back(when: When) -> bool:
    """Whether a time is a day that was named before ("that day"), and none where none was."""
    return _NAMED_BEFORE.fullmatch(fold(when.text).removeprefix("on ").strip()) is not None


def is_that_day(when: When) -> bool:
    """Whether a time is the day that is spoken of ("a single-day drop"), whichever that is."""
    return when.length == DAY_LONG and _THAT_DAY.search(fold(when.text)) is not None


def _narrowed(low: str, found: list[When], published: Dateline | None) -> list[When]:
    """The times without a day that stands right beside hours of that day, which are moved to it: "today, 14:00 to
    15:00 UTC", "between 20:00 and 22:00 UTC the day before".
    """
    kept: list[When] = []
    for when in found:
        last = kept[-1] if kept else None
        if last is None or when.start - last.end > _BESIDE or low[last.end : when.start].strip(" ,，aton()（）"):
            kept.append(when)
            continue
        hours, day = (last, when) if "T" in last.label else (when, last)
        if "T" not in hours.label or "T" in day.label or day.length != DAY_LONG or not day.calendar:
            kept.append(when)
            continue
        kept[-1] = _moved_to(hours, day, published)
    return kept


def _moved_to(hours: When, day: When, published: Dateline | None) -> When:
    if hours.window is None or day.window is None or published is None:
        return hours
    shift = day.window.start.date() - published.day
    window = Window(hours.window.start + shift, hours.window.end + shift, hours.window.slack)
    return replace(hours, window=window, label=f"{iso(window.start)}/{iso(window.end)}")


def qualifies_event(low: str, start: int, when: When) -> bool:
    """Whether a date says when an event was ("the crash on January 19"), not over which time something was counted."""
    if when.calendar and OF_EVENT.match(low, when.end, when.end + 40):
        return True  # "the October 2025 wipeout"
    return _NOUN_OF_EVENT.search(low, max(start, when.start - 60), when.start) is not None


def _joined(low: str, first: When, second: When) -> When | None:
    """Two days in a row named in one breath ("on Monday and Tuesday") as one stretch."""
    day = timedelta(days=1)
    joined = _AND.fullmatch(low, first.end, second.start)
    if first.window is None or second.window is None or joined is None:
        return None
    if first.length != day or second.length != day or second.window.start < first.window.end:
        return None
    if second.window.start != first.window.end and joined[0].split()[:1] not in (
        ["to"],
        ["through"],
        ["until"],
        ["至"],
    ):
        return None
    begin, last = first.window.start.date(), second.window.end.date()
    both = stretch(first.start, second.end, low, begin, last)
    return both if first.calendar and second.calendar else None


def read_at(when: When, moment: datetime) -> When:
    """A stretch of hours that ends at a stated instant."""
    if when.calendar or when.length is None:
        return when
    return replace(when, window=Window(moment - when.length, moment, Grade.HIGH.slack))


def speaks_of_event(low: str, start: int, end: int) -> str:
    """The words that point at an event without saying when it was ("during this downturn"), or ""."""
    found = _EVENT.search(low, start, end)
    return found[0] if found else ""


def trading_week(when: When) -> When:
    """The same for a market that is closed at weekends: Monday to Friday of a calendar week."""
    if when.window is None or when.window.length != timedelta(days=7) or not when.calendar:
        return when
    ended = when.window.end.weekday() == WEEKDAYS.index("saturday")  # a week that ended on a Friday
    start = when.window.start + timedelta(days=2 if ended else 0)
    window = Window(start, start + timedelta(days=5), when.window.slack)
    label = f"{window.start.date()}/{window.end.date()}"
    return When(when.start, when.end, label, when.text, window.length, window, True)


def of_day(low: str, when: When, found: Sequence[When]) -> When:
    """The day that a sentence names where `when` is a day long, without edges: "on 10 October ... in 24 hours".

    "The past 24 hours" end at publication; so does a length beside a day that is not over.
    """
    told = _THAT_DAY.search(fold(when.text)) is not None
    length = when.length == DAY_LONG and not when.calendar and not _TRAILING.search(fold(when.text))
    if not told and not length:
        return when
    days = [
        day for day in found if day.calendar and day.length == DAY_LONG and day is not when and day.end <= when.start
    ]
    days = [day for day in days if not _THAT_DAY.search(fold(day.text)) and not qualifies_event(low, 0, day)]
    if not days or days[-1].window is None:
        return when
    over = when.window is None or told or days[-1].window.end <= when.window.end
    return days[-1] if over else when
