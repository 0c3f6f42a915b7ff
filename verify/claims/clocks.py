"""Clock times with their zones: "between 22:30 and 02:30 UTC", "the 24 hours to 0800 GMT on Monday", "as of 8:00"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from verify.claims.dates import DATE, DAY, WEEKDAYS, Dateline, When, date_of
from verify.model.figure import Grade
from verify.model.window import Window, iso

_ZONES: Mapping[str, tzinfo] = {
    **{name: timezone(timedelta(hours=hours)) for name, hours in (
        ("est", -5), ("edt", -4), ("cst", 8), ("hkt", 8), ("jst", 9), ("utc", 0), ("gmt", 0), ("z", 0)
    )},
    "et": ZoneInfo("America/New_York"),
}  # fmt: skip
#: A zone told before the clock times: "UTC 时间 10 月 10 日 21:00 至 22:00", "Beijing time, between 5:00 and 6:00".
_ZONE_AHEAD = re.compile(
    r"(?:(?P<utc>\b(?:utc|gmt)\b|协调世界时|格林尼治)"
    r"|(?P<cst>北京|香港|台北|新加坡|\b(?:beijing|hong kong|singapore|taipei)\b)"
    r"|(?P<jst>东京|首尔|\b(?:tokyo|seoul)\b)"
    r"|(?P<et>美东|纽约|\b(?:new york|eastern)\b))\s?(?:标准)?(?:时间|时|\btime\b)?"
    r"[^.;。；]{0,24}$"
)
_DATE_BEHIND = re.compile(rf",? (?:on )?{DATE}")
_WEEKDAY_BEHIND = re.compile(rf",? (?:on )?({'|'.join(WEEKDAYS)})\b")
CLOCK = re.compile(
    r"(?<![0-9])(?P<h>[0-2]?[0-9])(?::|(?=[0-5][0-9] ?(?:gmt|utc)\b))(?P<min>[0-5][0-9])(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"(?:\s?[(（]?(?P<zone>utc|gmt|est|edt|et|cst|hkt|jst|z)\b(?P<off>[+-][0-9]{1,2})?[)）]?)?"
)
_UP_TO = re.compile(r" (?:to|until|up to|through|ending|ended|ending at|before) ")
#: A length that ends so near to publication ends there.
_JUST_NOW = timedelta(hours=1)
_AS_OF = re.compile(r"\b(?:as of|by|at|until|up to|to|through|before)\b[^.;]{0,30}$|(?:截至|截止)[^。；]{0,20}$")
_JOIN = re.compile(r"\s*(?:-|–|—|to|and|until|till|至|到)\s*")


def with_end(low: str, end: int, when: When, published: Dateline | None) -> When:
    """A length with its end told: "the 24 hours to 08:00 UTC on 15 April"; the length as it is without one."""
    joined = _UP_TO.match(low, when.end, end)
    clock = CLOCK.match(low, joined.end(), end) if joined else None
    if clock is None or not clock["zone"] or when.length is None or when.calendar:
        return when
    behind = _DATE_BEHIND.match(low, clock.end(), end)
    day = date_of(behind, published) if behind else (published.day if published else None)
    if behind is None and published is not None and (behind := _WEEKDAY_BEHIND.match(low, clock.end(), end)):
        day = published.day - timedelta(days=(published.day.weekday() - WEEKDAYS.index(behind[1])) % 7)
    moment = moment_of(day, clock, None) if day else None
    if moment is None:
        return when
    if behind is None and published is not None and moment > published.moment:
        moment -= timedelta(days=1)
    window = Window(moment - when.length, moment, Grade.HIGH.slack)
    if published is not None and abs(published.moment - moment) <= _JUST_NOW:
        return replace(when, window=window)
    stop = behind.end() if behind else clock.end()
    label = f"{iso(window.start)}/{iso(moment)}"
    return When(when.start, stop, label, low[when.start : stop], when.length, window, True)


def as_of(low: str, start: int, end: int, published: Dateline | None) -> datetime | None:
    """The one instant, with its zone, at which a sentence says that something was read: "as of 8:00 AM UTC+8 on 19
    January", "at 02:30 UTC"; without a day, the last such time before the dateline.
    """
    clocks = [clock for clock in CLOCK.finditer(low, start, end) if clock["zone"]]
    if len(clocks) != 1:
        return None
    clock = clocks[0]
    if not _AS_OF.search(low, max(start, clock.start() - 40), clock.start()):
        return None
    days = [
        day
        for day in DAY.finditer(low, start, end)
        if -30 < day.start() - clock.end() < 8 or day.end() <= clock.start()
    ]
    near = [d for d in days if min(abs(d.start() - clock.end()), abs(clock.start() - d.end())) <= 8]
    if near:
        day = date_of(near[0], published)
        return moment_of(day, clock, None) if day else None
    if published is None:
        return None
    moment = moment_of(published.day, clock, None)
    if moment is not None and moment > published.moment:
        moment -= timedelta(days=1)
    return moment


def hours_between(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Two clock times with a joining word between them, each with its day where one is named."""
    clocks = list(CLOCK.finditer(low, start, end))
    days = list(DAY.finditer(low, start, end))
    found = []
    for first, second in pairwise(clocks):
        between = low[first.end() : second.start()]
        own = [day for day in days if first.end() <= day.start() < second.start()]
        plain = between if not own else between.replace(own[0][0], "")
        ahead = _ZONE_AHEAD.search(low, max(start, first.start() - 40), first.start())
        zone = (ahead.lastgroup or "") if ahead and not (first["zone"] or second["zone"]) else ""
        told = first["zone"] or second["zone"] or zone
        if not _JOIN.fullmatch(plain.replace(",", " ").replace(" at ", " ")) or not told:
            continue
        last_day = date_of(own[-1], published) if own else (published.day if published else None)
        lead = [day for day in days if day.end() <= first.start() and first.start() - day.end() < 8]
        if lead and not own:
            last_day = date_of(lead[-1], published)
        until = second.end()
        if not own and not lead and (behind := _DATE_BEHIND.match(low, until, end)):
            last_day, until = date_of(behind, published), behind.end()
        if last_day is None:
            continue
        stop = moment_of(last_day, second, None, zone)
        first_day = date_of(lead[-1], published) if lead else last_day
        begin = moment_of(first_day or last_day, first, second, zone)
        if stop is None or begin is None:
            continue
        if begin >= stop:
            begin, stop = (begin, stop + timedelta(days=1)) if lead and not own else (begin - timedelta(days=1), stop)
        if begin < stop <= begin + timedelta(days=31):
            at = lead[-1].start() if lead else first.start()
            window = Window(begin, stop, Grade.HIGH.slack)
            found.append(When(at, until, f"{iso(begin)}/{iso(stop)}", low[at:until], stop - begin, window, True))
    return found


def moment_of(day: date, clock: re.Match[str], other: re.Match[str] | None, ahead: str = "") -> datetime | None:
    """The UTC instant of a clock time; the zone may stand at the other edge, or `ahead` of both."""
    hour, minute = int(clock["h"]), int(clock["min"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] == "p" else 0)
    named = clock if clock["zone"] or other is None else other
    hours = int(named["off"] or 0)
    if hour > 23 or abs(hours) > 14:
        return None
    zone = timezone(timedelta(hours=hours)) if hours else _ZONES[named["zone"] or ahead or "utc"]
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
