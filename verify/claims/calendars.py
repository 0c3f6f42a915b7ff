"""Days, weeks, months and open starts, resolved against the dateline: "on Monday", "last week", "since mid-2025"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from verify.claims.clocks import CLOCK
from verify.claims.dates import (
    DATE,
    DAY,
    MONTH_NUMBERS,
    WEEKDAYS,
    Dateline,
    When,
    date_of,
    month_number,
    since_day,
    stretch,
)
from verify.claims.lengths import RECORD
from verify.claims.spans import MONTHS

_SINCE = re.compile(
    rf"\bsince (?:(?![0-9])[a-z0-9.]{{1,12}} ){{0,3}}?(?:in )?(?:(?P<part>mid|early"
    rf"|late)[ -])?(?:(?P<month>{MONTHS})\b\.?(?: (?P<year>20[0-9]{{2}}))?(?![ ,]*[0-9])"
    r"|(?P<only>20[0-9]{2})(?![0-9-]))"
)
_SINCE_START = re.compile(
    r"\bsince (?:the )?(?:start|beginning|turn|outset) of (?:the |this )?(?:calendar )?(year|quarter|month|week)\b"
)
_SINCE_DAY = re.compile(r"\bsince (?:the )?$")
_CALENDAR = re.compile(
    rf"\b(?:on |last )?(?P<weekday>{'|'.join(WEEKDAYS)})\b(?!,? (?:the )?(?:[0-3]?[0-9](?:st|nd|rd"
    rf"|th)? (?:of )?)?(?:{MONTHS}))"
    rf"|\b(?P<yesterday>yesterday|last night)\b"
    rf"|\b(?P<thatday>that (?:same |very )?(?:day|session))\b"
    rf"|\b(?P<today>today|intraday|on the day|this (?:morning|afternoon|evening))\b"
    r"|\b(?P<daybefore>the (?:previous|prior|preceding) (?:day|session)|the day before(?! yesterday)"
    r"|a day (?:earlier|before|prior))\b"
    r"|\b(?P<lastmonth>last month|the (?:previous|prior|preceding) month)\b|\b(?P<quarternow>this quarter"
    r"|quarter[- ]to[- ]date)\b"
    r"|\b(?P<weekly>weekly)(?= (?:[a-z]{2,8} ){0,2}(?:in|out)?flows?)"
    r"|\b(?P<lastweek>last week)\b"
    r"|\b(?P<weekbefore>the (?:previous|prior|preceding) week|the week (?:before(?! last)|prior|earlier)"
    r"|a week (?:earlier|before|prior))\b|\b(?P<thisweek>(?:this|for the|on the"
    r"|in the) week)\b"
    r"|\b(?P<thismonth>this month|month[- ]to[- ]date|so far this month)\b|\b(?P<ytd>year[- ]to[- ]date"
    r"|(?:so far )?this year)\b|\b(?P<weekend>(?:over|at|during) the weekend"
    r"|last weekend)\b"
    rf"|\b(?:in|during|of|the|for|all of) (?P<month>{'|'.join(MONTH_NUMBERS)})\b(?:,? (?P<year>20[0-9]{{2}}))?(?!'|’"
    rf"|[ -][0-9])"
    rf"|\b(?P<month2>{MONTHS})\b\.?,? (?P<year2>20[0-9]{{2}})(?![0-9])"
    rf"|\b(?P<month3>{'|'.join(MONTH_NUMBERS)})(?= (?:was|saw|brought|ended|closed|began|opened|has|had|marked)\b)"
    r"|\bq(?P<quarter>[1-4])(?: of)? (?P<qyear>20[0-9]{2})(?![0-9])"
)
_HAN_CALENDAR = re.compile(
    r"(?P<yesterday>昨日|昨天|昨晚|昨夜)|(?P<daybefore>前一日|前一天|前日)|(?P<lastmonth>上月|上个月)|(?P<quarternow>本季度?)"
    r"|(?P<weekly>单周)|(?P<thatday>同日|当天|那天|那一天|该日)|(?P<today>今日|今天|单日|日内|当日|今晨|今早|凌晨)"
    r"|(?:(?P<before>上)?(?:周|週|星期|礼拜)(?P<hanweekday>[一二三四五六日天]))(?![线个個])"
    r"|(?P<weekbefore>(?:此前|之前|前)一周|前周)|(?P<weekbeforelast>上上周)|(?<![0-9月.,/-])(?P<handay>[12]?[0-9]"
    r"|3[01])日(?![0-9内均线前后来元本至到])|(?P<lastweek>上周)|(?P<thisweek>本周|本週|这周)|(?P<thismonth>本月)|(?P<ytd>今年以来|年初至今|今年以來)"
    r"|(?<![0-9])(?P<hanyear>20[0-9]{2})年(?P<hanmonth>[01]?[0-9])月(?:份)?(?![0-9]{1,2}[日号])(?!以来|起)"
    r"|(?<![0-9年.])(?<![0-9],)(?P<agoyear>去年|今年)?\s?(?<![0-9])(?P<hanmonth2>1[0-2]"
    r"|[1-9])\s?月(?:份)?(?!\s?[0-9]{1,2}\s?[日号]|以来|起|[中初末底上下])"
)
_HAN_SINCE = re.compile(r"自?(?:(?P<year>20[0-9]{2})年)?(?P<month>[01]?[0-9])月(?:份)?(?:以来|以來|起)")
#: "Feb. 2-6", "2 to 6 February", "January 28 to February 3", 2月2日至6日: days, both included.
_RANGE = re.compile(
    rf"\b(?P<m1>{MONTHS})\b\.? (?P<a1>[0-3]?[0-9])\s?(?:-|–|—|to|through|and|&"
    rf"|until)\s?(?:(?P<n1>{MONTHS})\b\.? )?(?P<b1>[0-3]?[0-9])"
    r"(?![0-9:])(?:,? (?P<y1>20[0-9]{2}))?"
    rf"|(?<![0-9.,$])(?P<a2>[0-3]?[0-9])\s?(?:-|–|—|to|through|and|&"
    rf"|until)\s?(?P<b2>[0-3]?[0-9]) (?P<m2>{MONTHS})\b(?:\.?,? (?P<y2>20[0-9]{{2}}))?"
    r"|(?:(?P<y3>20[0-9]{2})\s?年\s?)?(?P<m3>[01]?[0-9])\s?月\s?(?P<a3>[0-3]?[0-9])\s?[日号]?\s?(?:-|–|—|~|至|到|和|与"
    r"|、)\s?(?:(?P<n3>[01]?[0-9])\s?月\s?)?"
    r"(?P<b3>[0-3]?[0-9])\s?[日号]"
)
_TWO_DAYS = re.compile(r"\band\b|&|和|与|、")
_DATELINE = re.compile(r"(?: ?\([a-z ]{2,20}\))? ?(?:-|–|—)+ ")
_DATELINE_WITHIN = 30
_NEWS_OF = re.compile(r"(?:[，,]?\s?(?:[上下]午|晚间|凌晨)?\s?)?(?:消息|讯|訊|电|電|报道|報導)")
_OF_OPTIONS = re.compile(
    r"(?: (?:options?|futures|contracts?))?[- ](?:expir\w{1,5}|options?|calls?|puts?|settlement|contracts?|futures)\b"
    r"|\s?(?:到期|期权|交割)"
)
_HAN_SINCE_DAY = re.compile(r"\s?(?:以来|以來|至今|起)(?P<record>的?\s?(?:最|新[高低]|首|单日最))?")
_ONE_OF_MANY = re.compile(
    r"\btime (?:so far )?$|\b(?:largest|biggest|worst|best|highest|lowest|steepest|sharpest) (?:[a-z]{2,9}[- ]){0,2}"
    r"(?:day|one|drop|fall|loss|(?:out|in)flow|rise|gain|session|total|liquidation) (?:of |so far )?$"
)
#: "from Monday to Sunday", "between Wednesday and Friday": both days belong to it.
_WEEKDAYS_TO = re.compile(
    rf"\b(?:(?:from )?(?P<a1>{'|'.join(WEEKDAYS)}) ?(?:to|through|thru|until|till|[-–—]) ?(?P<b1>{'|'.join(WEEKDAYS)})"
    rf"|between (?P<a2>{'|'.join(WEEKDAYS)}) and (?P<b2>{'|'.join(WEEKDAYS)}))\b"
    r"|(?:周|星期|礼拜)(?P<a3>[一二三四五六日天])(?:至|到|-|–|—)(?:周|星期|礼拜)?(?P<b3>[一二三四五六日天])"
)
_WEEK_OF = re.compile(
    rf"\bweek (?P<how>of|starting|beginning|from|to|ending|ended|through)(?: on)?(?: friday| sunday| monday)?,? {DATE}"
)


def weeks_by_day(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Weeks told by one day: "the week ending 1 May" (that day included), "the week of 4 May"."""
    found = []
    for match in _WEEK_OF.finditer(low, start, end):
        day = date_of(match, published)
        if day is None:
            continue
        first = day if match["how"] in ("of", "starting", "beginning", "from") else day - timedelta(days=6)
        found.append(stretch(match.start(), match.end(), low, first, first + timedelta(days=7)))
    return found


def single_days(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found = []
    for match in DAY.finditer(low, start, end):
        day = date_of(match, published)
        if day is None:
            continue
        if match.start() - start <= _DATELINE_WITHIN and _DATELINE.match(low, match.end(), end):
            continue  # "LONDON, March 23 -"
        if _NEWS_OF.match(low, match.end()) or _OF_OPTIONS.match(low, match.end()):
            continue  # 4月15日消息: when it was published; "the 25 December expiry"
        if han_since := _HAN_SINCE_DAY.match(low, match.end(), end):
            if not han_since["record"]:
                found.append(since_day(match.start(), han_since.end(), low, day, published))
            continue
        before = low[max(start, match.start() - 12) : match.start()]
        if since := _SINCE_DAY.search(before):
            if not RECORD.search(low[max(start, match.start() - 48) : match.start() - len(since[0])]):
                found.append(since_day(match.start() - len(since[0]), match.end(), low, day, published))
            continue
        if CLOCK.match(low[match.end() :].lstrip(" ,at")[:9]):
            continue  # the moment of a dateline or of one edge, not a day-long window
        found.append(stretch(match.start(), match.end(), low, day, day + timedelta(days=1)))
    return found


def day_ranges(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Stretches of days, the last one included."""
    found = []
    for match in _RANGE.finditer(low, start, end):
        n = next(n for n in "123" if match[f"a{n}"])
        year = match[f"y{n}"]
        if year is None and published is None:
            continue
        written = match[f"m{n}"]
        month = int(written) if written.isdigit() else month_number(written)
        later = match[f"n{n}"] if n != "2" else None
        last_month = month if later is None else int(later) if later.isdigit() else month_number(later)
        assert published is not None or year is not None
        try:
            known = int(year) if year else published.day.year  # type: ignore[union-attr]  # one of the two is there
            first = date(known, month, int(match[f"a{n}"]))
            last = date(known + (last_month < month), last_month, int(match[f"b{n}"]))
            if year is None and published is not None and first > published.day + timedelta(days=7):
                first, last = first.replace(year=known - 1), last.replace(year=last.year - 1)
        except ValueError:
            continue
        joined = _TWO_DAYS.search(match[0]) is not None  # "on 2 and 3 February", but not "on 2 and 9 February"
        if timedelta(0) < last - first <= timedelta(days=1 if joined else 100):
            found.append(stretch(match.start(), match.end(), low, first, last + timedelta(days=1)))
    return found


def weekday_ranges(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Stretches from one weekday to another, the last such before the dateline; both days included."""
    if published is None:
        return []
    found = []
    for match in _WEEKDAYS_TO.finditer(low, start, end):
        n = next(n for n in "123" if match[f"a{n}"])
        first, last = (_weekday(match[f"{edge}{n}"]) for edge in "ab")
        until = published.day - timedelta(days=(published.day.weekday() - last) % 7)
        begin = until - timedelta(days=(last - first) % 7)
        if begin < until:
            found.append(stretch(match.start(), match.end(), low, begin, until + timedelta(days=1)))
    return found


def _weekday(name: str) -> int:
    return WEEKDAYS.index(name) if name.isascii() else "一二三四五六日".index(name.replace("天", "日"))


def open_starts(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found = []
    for match in _SINCE.finditer(low, start, end):
        if RECORD.search(low[max(start, match.start() - 40) : match.start()]):
            continue
        if match["only"]:
            month = {"mid": 7, "late": 10}.get(match["part"] or "", 1)
            day = date(int(match["only"]), month, 1)
        else:
            number = month_number(match["month"])
            year = int(match["year"]) if match["year"] else None
            if year is None and published is None:
                continue
            if year is None and published is not None:
                year = published.day.year - (number > published.day.month)
            number_of_day = {"mid": 15, "late": 20}.get(match["part"] or "", 1)
            day = date(year or 1970, number, number_of_day)
        found.append(since_day(match.start(), match.end(), low, day, published))
    for match in _SINCE_START.finditer(low, start, end):
        if published is None or RECORD.search(low[max(start, match.start() - 40) : match.start()]):
            continue
        today = published.day
        starts = {
            "year": date(today.year, 1, 1),
            "quarter": date(today.year, 3 * ((today.month - 1) // 3) + 1, 1),
            "month": today.replace(day=1),
            "week": today - timedelta(days=today.weekday()),
        }
        found.append(since_day(match.start(), match.end(), low, starts[match[1]], published))
    for match in _HAN_SINCE.finditer(low, start, end):
        number = int(match["month"])
        if not 1 <= number <= 12 or (match["year"] is None and published is None):
            continue
        year = int(match["year"]) if match["year"] else None
        if year is None and published is not None:
            year = published.day.year - (number > published.day.month)
        found.append(since_day(match.start(), match.end(), low, date(year or 1970, number, 1), published))
    return found


def calendar_words(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    if published is None:
        return []
    found = []
    matches = [*_CALENDAR.finditer(low, start, end), *_HAN_CALENDAR.finditer(low, start, end)]
    for match in matches:
        groups = {name: value for name, value in match.groupdict().items() if value}
        if low.endswith("since ", start, match.start()) and not match.groupdict().get("weekday"):
            continue
        if groups.keys() & {"thisweek", "thismonth", "ytd", "quarternow"} and _ONE_OF_MANY.search(
            low[max(start, match.start() - 48) : match.start()]
        ):
            continue  # "for the third time this month"
        span = _named_days(groups, published.day)
        since = _SINCE_DAY.search(low, max(start, match.start() - 12), match.start())
        if since is not None and span is not None:
            found.append(since_day(since.start(), match.end(), low, span[0], published))
        elif span is not None:
            found.append(stretch(match.start(), match.end(), low, *span))
    return found


def _named_days(groups: Mapping[str, str], today: date) -> tuple[date, date] | None:
    """First day and the day after the last of what a calendar word names, seen from `today`."""
    monday = today - timedelta(days=today.weekday())
    if "weekday" in groups:
        first = today - timedelta(days=(today.weekday() - WEEKDAYS.index(groups["weekday"])) % 7)
        return first, first + timedelta(days=1)
    if "hanweekday" in groups:
        number = "一二三四五六日".index(groups["hanweekday"].replace("天", "日"))
        first = monday + timedelta(days=number)
        if "before" in groups or first > today:
            first -= timedelta(days=7)
        return first, first + timedelta(days=1)
    if "yesterday" in groups:
        return today - timedelta(days=1), today
    if "daybefore" in groups:
        return today - timedelta(days=1), today
    if "lastmonth" in groups:
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        return first, today.replace(day=1)
    if "quarternow" in groups:
        return today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1), today + timedelta(days=1)
    if "handay" in groups:  # the last such day
        number = int(groups["handay"])
        months = (today.replace(day=1), (today.replace(day=1) - timedelta(days=1)).replace(day=1))
        for first in months:
            day = first + timedelta(days=number - 1)
            if day <= today and day.month == first.month and number:
                return day, day + timedelta(days=1)
        return None
    if "weekbeforelast" in groups:
        return monday - timedelta(days=14), monday - timedelta(days=7)
    if groups.keys() & {"lastweek", "weekbefore", "weekly"}:
        return monday - timedelta(days=7), monday
    if "thisweek" in groups:
        return monday, today + timedelta(days=1)
    if "ytd" in groups:
        return date(today.year, 1, 1), today + timedelta(days=1)
    if "thismonth" in groups:
        return today.replace(day=1), today + timedelta(days=1)
    if "weekend" in groups:
        first = today - timedelta(days=(today.weekday() - 5) % 7)
        return first, first + timedelta(days=2)
    if "quarter" in groups:
        month = 3 * int(groups["quarter"]) - 2
        year = int(groups["qyear"])
        return date(year, month, 1), date(year + (month == 10), (month + 3 - 1) % 12 + 1, 1)
    written = next(
        (groups[name] for name in ("month", "month2", "month3", "hanmonth", "hanmonth2") if name in groups), ""
    )
    if written:
        number = int(written) if written.isdigit() else month_number(written)
        if not 1 <= number <= 12:
            return None
        named = groups.get("year") or groups.get("year2") or groups.get("hanyear")
        year = int(named) if named else today.year - (number > today.month)
        if "agoyear" in groups:
            year = today.year - (groups["agoyear"] == "去年")
        return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)
    return today, today + timedelta(days=1)
