"""Words for a time to windows: "past 4 hours", "on Monday", "last week", "since mid-2025", "between 22:30 and 02:30".

Relative words are resolved against the dateline. A dateline says when a text was published, never when something
began. Days are UTC days; the trading week of exchange-traded funds is Monday to Friday.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise

from verify.claims.spans import MONTHS
from verify.model.errors import WindowError
from verify.model.figure import Grade
from verify.model.window import Window, iso, parse_instant

_WORDS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14, "fifteen": 15, "twenty": 20,
    "twenty-four": 24, "thirty": 30, "forty-five": 45, "forty-eight": 48, "sixty": 60, "half": 0.5, "half an": 0.5,
    "一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "六": 6, "七": 7, "八": 8, "十": 10, "十二": 12, "二十四": 24,
    "四十八": 48, "半": 0.5,
}  # fmt: skip
_UNITS = {
    "min": ("m", 1), "分": ("m", 1), "h": ("h", 60), "小": ("h", 60), "d": ("h", 1440), "天": ("h", 1440),
    "日": ("h", 1440), "w": ("h", 10080), "周": ("h", 10080), "週": ("h", 10080),
}  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = {name: number for number, name in enumerate(MONTHS.split("|")[:12], 1)}
_ZONES = {"est": -5, "edt": -4, "et": -5, "cst": 8, "hkt": 8, "jst": 9, "utc": 0, "gmt": 0, "z": 0}
_NUMBER = "|".join(sorted((re.escape(word) for word in _WORDS if word.isascii()), key=lambda w: -len(w)))

_DURATION = re.compile(
    rf"(?P<lead>\b(?:(?:past|last|previous|trailing|rolling|prior|within|in|over|during|the|just|only|about|every"
    rf"|than) )*+)"
    rf"(?:(?P<n>[0-9]{{1,4}}(?:\.[0-9])?)|\b(?P<word>{_NUMBER}))[\s-]?(?P<unit>minute|min|hour|hr|h|day"
    rf"|d|week)s?(?![a-z0-9])"
    r"(?P<after> (?:ago|later|after|earlier|old|before))?"
    r"|\b(?P<bare>(?:past|last|previous|within the|in the|over the|during the) )(?P<one>minute|hour|day)(?![a-z])"
    r"|\b(?P<bare2>(?:past|previous|trailing) )(?P<two>week)(?![a-z])"
)
_HAN_DURATION = re.compile(
    r"(?:(?P<n>[0-9]{1,3})|(?P<word>二十四|四十八|十二|[一两二三四六七八十半]))\s?(?:个|個)?"
    r"(?P<unit>小时|小時|分钟|分鐘|天|(?<=近[0-9])日|周|週)(?!前|后|後|线|高|低|年|末|期|以?来(?:最|新|首|的?最))"
)
_DATE = (
    rf"(?:(?P<m1>{MONTHS})\b\.? (?P<d1>[0-3]?[0-9])(?![0-9])(?:st|nd|rd|th)?(?:,? (?P<y1>20[0-9]{{2}}))?"
    rf"|(?P<d2>[0-3]?[0-9])(?:st|nd|rd|th)?+ (?:of )?(?P<m2>{MONTHS})\b(?:\.?,? (?P<y2>20[0-9]{{2}}))?"
    r"|(?P<y3>20[0-9]{2})-(?P<m3>[01]?[0-9])-(?P<d3>[0-3]?[0-9])"
    r"|(?:(?P<y4>20[0-9]{2})\s?年\s?)?(?P<m4>[01]?[0-9])\s?月\s?(?P<d4>[0-3]?[0-9])\s?[日号])"
)
_DAY = re.compile(rf"(?<![0-9a-z.$])(?<![0-9],){_DATE}")
_DATE_BEHIND = re.compile(rf",? (?:on )?{_DATE}")
_CLOCK = re.compile(
    r"(?<![0-9])(?P<h>[0-2]?[0-9]):(?P<min>[0-5][0-9])(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"(?:\s?[(（]?(?P<zone>utc|gmt|est|edt|et|cst|hkt|jst|z)\b(?P<off>[+-][0-9]{1,2})?[)）]?)?"
)
_SINCE = re.compile(
    rf"\bsince (?:(?![0-9])[a-z0-9.]{{1,12}} ){{0,3}}?(?:in )?(?:(?P<part>mid|early"
    rf"|late)[ -])?(?:(?P<month>{MONTHS})\b\.?(?: (?P<year>20[0-9]{{2}}))?(?![ ,]*[0-9])"
    r"|(?P<only>20[0-9]{2})(?![0-9-]))"
)
_SINCE_DAY = re.compile(r"\bsince (?:the )?$")
_RECORD = re.compile(
    r"\b(?:time|most|longest|largest|lowest|highest|biggest|worst|best|first|steepest"
    r"|sharpest)\s(?:[a-z-]{1,15}\s){0,2}$"
)
_CALENDAR = re.compile(
    rf"\b(?:on |last )?(?P<weekday>{'|'.join(_WEEKDAYS)})\b(?!,? (?:the )?(?:[0-3]?[0-9](?:st|nd|rd"
    rf"|th)? (?:of )?)?(?:{MONTHS}))"
    rf"|\b(?P<yesterday>yesterday|last night)\b"
    rf"|\b(?P<today>today|intraday|on the day|this (?:morning|afternoon|evening))\b"
    r"|\b(?P<daybefore>the (?:previous|prior|preceding) (?:day|session)|the day before(?! yesterday)"
    r"|a day (?:earlier|before|prior))\b"
    r"|\b(?P<lastmonth>last month|the (?:previous|prior|preceding) month)\b|\b(?P<quarternow>this quarter"
    r"|quarter[- ]to[- ]date)\b"
    r"|\b(?P<weekly>weekly)(?= (?:[a-z]{2,8} ){0,2}(?:in|out)?flows?)"
    r"|\b(?P<lastweek>last week|the (?:previous|prior|preceding) week)\b|\b(?P<thisweek>(?:this|for the|on the"
    r"|in the) week)\b"
    r"|\b(?P<thismonth>this month|month[- ]to[- ]date|so far this month)\b|\b(?P<ytd>year[- ]to[- ]date"
    r"|(?:so far )?this year)\b|\b(?P<weekend>(?:over|at|during) the weekend"
    r"|last weekend)\b"
    rf"|\b(?:in|during|of|the|for|all of) (?P<month>{'|'.join(_MONTHS)})\b(?:,? (?P<year>20[0-9]{{2}}))?(?!'|’"
    rf"|[ -][0-9])"
    rf"|\b(?P<month2>{MONTHS})\b\.?,? (?P<year2>20[0-9]{{2}})(?![0-9])"
    r"|\bq(?P<quarter>[1-4])(?: of)? (?P<qyear>20[0-9]{2})(?![0-9])"
)
_HAN_CALENDAR = re.compile(
    r"(?P<yesterday>昨日|昨天|昨晚|昨夜)|(?P<daybefore>前一日|前一天|前日)|(?P<lastmonth>上月|上个月)|(?P<quarternow>本季度?)"
    r"|(?P<weekly>单周)|(?P<today>今日|今天|单日|單日|日内|當日|当日|今晨|今早|凌晨)"
    r"|(?:(?P<before>上)?(?:周|週|星期|礼拜)(?P<hanweekday>[一二三四五六日天]))(?![线个個])"
    r"|(?P<lastweek>上周|上週)|(?P<thisweek>本周|本週|这周)|(?P<thismonth>本月)|(?P<ytd>今年以来|年初至今|今年以來)"
    r"|(?<![0-9])(?P<hanyear>20[0-9]{2})年(?P<hanmonth>[01]?[0-9])月(?:份)?(?![0-9]{1,2}[日号])(?!以来|以來|起)"
)
_HAN_SINCE = re.compile(r"自?(?:(?P<year>20[0-9]{2})年)?(?P<month>[01]?[0-9])月(?:份)?(?:以来|以來|起)")
#: "Feb. 2-6", "2 to 6 February", "January 28 to February 3", 2月2日至6日: days, both included.
_RANGE = re.compile(
    rf"\b(?P<m1>{MONTHS})\b\.? (?P<a1>[0-3]?[0-9])\s?(?:-|–|—|to|through"
    rf"|until)\s?(?:(?P<n1>{MONTHS})\b\.? )?(?P<b1>[0-3]?[0-9])"
    r"(?![0-9:])(?:,? (?P<y1>20[0-9]{2}))?"
    rf"|(?<![0-9.,$])(?P<a2>[0-3]?[0-9])\s?(?:-|–|—|to|through"
    rf"|until)\s?(?P<b2>[0-3]?[0-9]) (?P<m2>{MONTHS})\b(?:\.?,? (?P<y2>20[0-9]{{2}}))?"
    r"|(?:(?P<y3>20[0-9]{2})年)?(?P<m3>[01]?[0-9])月(?P<a3>[0-3]?[0-9])[日号]?\s?(?:-|–|—|~|至|到)\s?(?:(?P<n3>[01]?[0-9])月)?"
    r"(?P<b3>[0-3]?[0-9])[日号]"
)
_NEWS_OF = re.compile(r"(?:[，,]?\s?(?:[上下]午|晚间|凌晨)?\s?)?(?:消息|讯|訊|电|電|报道|報導)")
_HAN_SINCE_DAY = re.compile(r"\s?(?:以来|以來|至今|起)(?P<record>的?\s?(?:最|新[高低]|首|单日最))?")
_ONE_OF_MANY = re.compile(
    r"\btime (?:so far )?$|\b(?:largest|biggest|worst|best|highest|lowest|steepest|sharpest) (?:[a-z]{2,9}[- ]){0,2}"
    r"(?:day|one|drop|fall|loss|(?:out|in)flow|rise|gain|session|total|liquidation) (?:of |so far )?$"
)
_AND = re.compile(r"\s?(?:and|&|to|through|until|和|与|至)\s?(?:on )?")
_EACH = re.compile(r"\b(?:per|each|on) $")
_TENOR = re.compile(
    r"[- ](?:implied|iv\b|at-the-money|atm\b|options?\b|expir|delta|skew|tenor|reali[sz]ed vol|moving|[es]ma\b"
    r"|average|high\b|low\b)"
)
_UP_TO = re.compile(r" (?:to|until|up to|through|ending|ended|ending at|before) ")
_WEEK_OF = re.compile(
    rf"\bweek (?P<how>of|starting|beginning|from|to|ending|ended|through)(?: on)?(?: friday| sunday| monday)?,? {_DATE}"
)
_DAY_LONG = timedelta(days=1)
_BESIDE = 5
#: A length that ends so near to publication ends there.
_JUST_NOW = timedelta(hours=1)
#: Words for a day that are said of whichever day is spoken of.
_THAT_DAY = re.compile(r"\b(?:a|one|single)[ -]day\b|\bon the day\b|\bintraday\b|当日|當日|单日|單日|日内")
_TRAILING = re.compile(r"\b(?:past|last|previous|trailing|rolling|prior)\b|近|过去|過去|最近")
_AS_OF = re.compile(r"\b(?:as of|by|at|until|up to|to|through|before)\b[^.;]{0,30}$|(?:截至|截止)[^。；]{0,20}$")
_REPORTED = re.compile(
    r"\b(?:said|says|reported|reports|wrote|showed|shows|show|announced|published|noted|posted|told (?:\w+ ){1,3}"
    r"|note|report"
    r"|update|post|statement) (?:in a (?:note|post|report|statement) )?(?:on |late |early |late on |early on )?$"
)
_COMPARED = re.compile(r"(?:\b(?:than|compared (?:to|with)|versus|vs\.?)|较|比|相比) ?(?:that of |those of |on )?$")
_NOUN_OF_EVENT = re.compile(
    r"\b(?:crash|sell-?off|plunge|drop|decline|rout|cascade|downturn|turmoil|bloodbath|correction|slump|slide|wipeout"
    r"|washout|shakeout)\b|暴跌|闪崩|崩盘|下跌"
)
_OF_EVENT = re.compile(
    r"[\s-](?:[a-z-]{1,12} ){0,3}?(?:window|stretch|period|decline|drop|crash|sell-?off|slide|rout|plunge|slump"
    r"|wave|cascade|wipe-?out|flush|liquidation event"
    r"|move|washout)s?\b"
)
_JOIN = re.compile(r"\s*(?:-|–|—|to|and|until|till|至|到)\s*")
_EVENT = re.compile(
    r"\b(?:during|in|over) (?:this|the) (?:[a-z-]{1,15} ){0,2}(?:downturn|crash|sell-off|selloff|volatility|event"
    r"|drop|slide|decline"
    r"|cascade|rout)\b"
)


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


def dateline(text: str) -> Dateline | None:
    """Read a dateline: ISO 8601, or the first full date of a text with the clock time that follows it."""
    try:
        return Dateline(parse_instant(text), exact="T" in text.upper())
    except WindowError:
        pass
    low = text.lower()[:3000]
    for found in _DAY.finditer(low):
        day = _date_of(found, None)
        if day is None:
            continue
        clock = _CLOCK.search(low, found.end(), found.end() + 40)
        if clock is not None and (moment := _moment(day, clock, None)) is not None:
            return Dateline(moment)
        return Dateline(datetime.combine(day, time(), UTC), exact=False)
    return None


def find(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Every stated time in `low[start:end]`, in order, those that contain others first and alone."""
    lengths = _durations(low, start, end, published)
    found = [*_spans_of_clocks(low, start, end, published), *(_until(low, end, when, published) for when in lengths)]
    found += _weeks(low, start, end, published)
    found += _since(low, start, end, published)
    found += _days(low, start, end, published)
    found += _calendar(low, start, end, published)
    found += _ranges(low, start, end, published)
    kept: list[When] = []
    for when in sorted(found, key=lambda when: (when.start, -when.end)):
        compared = when.calendar and _COMPARED.search(low, max(start, when.start - 24), when.start)
        compared = compared or (when.calendar and _REPORTED.search(low, max(start, when.start - 40), when.start))
        if kept and (joined := _joined(low, kept[-1], when)):
            kept[-1] = joined
        elif not compared and (not kept or when.start >= kept[-1].end):
            kept.append(when)
    return _narrowed(low, kept, published)


def names_day(when: When) -> bool:
    """Whether a time is one named day, and not "the day" that is spoken of anyway."""
    return when.calendar and when.length == _DAY_LONG and not _THAT_DAY.search(when.text.lower())


def is_that_day(when: When) -> bool:
    """Whether a time is the day that is spoken of ("a single-day drop"), whichever that is."""
    return when.length == _DAY_LONG and _THAT_DAY.search(when.text.lower()) is not None


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
        if "T" not in hours.label or "T" in day.label or day.length != _DAY_LONG or not day.calendar:
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


def _until(low: str, end: int, when: When, published: Dateline | None) -> When:
    """A length with its end told: "the 24 hours to 08:00 UTC on 15 April"; the length as it is without one."""
    joined = _UP_TO.match(low, when.end, end)
    clock = _CLOCK.match(low, joined.end(), end) if joined else None
    if clock is None or not clock["zone"] or when.length is None or when.calendar:
        return when
    behind = _DATE_BEHIND.match(low, clock.end(), end)
    day = _date_of(behind, published) if behind else (published.day if published else None)
    moment = _moment(day, clock, None) if day else None
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


def _weeks(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Weeks told by one day: "the week ending 1 May" (that day included), "the week of 4 May"."""
    found = []
    for match in _WEEK_OF.finditer(low, start, end):
        day = _date_of(match, published)
        if day is None:
            continue
        first = day if match["how"] in ("of", "starting", "beginning", "from") else day - timedelta(days=6)
        found.append(_span(match.start(), match.end(), low, first, first + timedelta(days=7)))
    return found


def qualifies_event(low: str, start: int, when: When) -> bool:
    """Whether a date says when an event was ("the crash on January 19"), not over which time something was counted."""
    if when.calendar and _OF_EVENT.match(low, when.end, when.end + 40):
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
    both = _span(first.start, second.end, low, begin, last)
    return both if first.calendar and second.calendar else None


def as_of(low: str, start: int, end: int, published: Dateline | None) -> datetime | None:
    """The one instant, with its zone, at which a sentence says that something was read: "as of 8:00 AM UTC+8 on 19
    January", "at 02:30 UTC"; without a day, the last such time before the dateline.
    """
    clocks = [clock for clock in _CLOCK.finditer(low, start, end) if clock["zone"]]
    if len(clocks) != 1:
        return None
    clock = clocks[0]
    if not _AS_OF.search(low, max(start, clock.start() - 40), clock.start()):
        return None
    days = [
        day
        for day in _DAY.finditer(low, start, end)
        if -30 < day.start() - clock.end() < 8 or day.end() <= clock.start()
    ]
    near = [d for d in days if min(abs(d.start() - clock.end()), abs(clock.start() - d.end())) <= 8]
    if near:
        day = _date_of(near[0], published)
        return _moment(day, clock, None) if day else None
    if published is None:
        return None
    moment = _moment(published.day, clock, None)
    if moment is not None and moment > published.moment:
        moment -= timedelta(days=1)
    return moment


def read_at(when: When, moment: datetime) -> When:
    """A stretch of hours that ends at a stated instant."""
    if when.calendar or when.length is None:
        return when
    return replace(when, window=Window(moment - when.length, moment, Grade.HIGH.slack))


def speaks_of_event(low: str, start: int, end: int) -> str:
    """The words that point at an event without saying when it was ("during this downturn"), or ""."""
    found = _EVENT.search(low, start, end)
    return found[0] if found else ""


def _durations(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found = []
    for match in _DURATION.finditer(low, start, end):
        if match["after"] or (match["lead"] or "").split(" ")[-2:-1] in (["every"], ["than"]):
            continue
        if _EACH.search(low, max(start, match.start() - 5), match.start()):
            continue  # "0.01% per eight hours", "on a day that ..."
        if match[0].startswith("in ") and _RECORD.search(low[max(start, match.start() - 48) : match.start()]):
            continue  # "the first inflow in eight days"
        if _TENOR.match(low, match.end(), end):
            continue  # "30-day implied volatility"
        if match["bare"] or match["bare2"]:
            count, unit = 1.0, match["one"] or match["two"]
        else:
            count, unit = float(match["n"] or _WORDS[match["word"]]), match["unit"]
            if unit in ("h", "d") and not match["n"]:
                continue
        trailing = any(word in match[0] for word in ("past", "last", "previous", "trailing", "rolling"))
        found.append(_length(match, count, unit, published, trailing))
    for match in _HAN_DURATION.finditer(low, start, end):
        count = float(match["n"] or _WORDS[match["word"]])
        found.append(_length(match, count, match["unit"], published, True))
    return [when for when in found if when is not None]


def _length(match: re.Match[str], count: float, unit: str, published: Dateline | None, trailing: bool) -> When | None:
    name, minutes = next(value for prefix, value in _UNITS.items() if unit.startswith(prefix))
    length = timedelta(minutes=count * minutes)
    if not timedelta(minutes=1) <= length <= timedelta(days=31):
        return None
    name = "h" if length % timedelta(hours=1) == timedelta(0) else "m"
    in_unit = length / timedelta(hours=1) if name == "h" else length / timedelta(minutes=1)
    window = None
    if published is not None and length == timedelta(days=1) and not trailing and "24" not in match[0]:
        day = datetime.combine(published.day, time(), UTC)  # "a single-day drop" is of a day, not of 24 hours
        window = Window(day, day + length, Grade.LOW.slack)
        return When(match.start(), match.end(), day.date().isoformat(), match[0].strip(), length, window, True)
    if published is not None and published.exact and (trailing or not _OF_EVENT.match(match.string, match.end())):
        slack = Grade.MEDIUM.slack if trailing else Grade.LOW.slack
        window = Window(published.moment - length, published.moment, slack)
    return When(match.start(), match.end(), f"{in_unit:g}{name}", match[0].strip(), length, window)


def _days(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found = []
    for match in _DAY.finditer(low, start, end):
        day = _date_of(match, published)
        if day is None:
            continue
        if _NEWS_OF.match(low, match.end()):
            continue  # 4月15日消息: when it was published
        if han_since := _HAN_SINCE_DAY.match(low, match.end(), end):
            if not han_since["record"]:
                found.append(_from(match.start(), han_since.end(), low, day, published))
            continue
        before = low[max(start, match.start() - 12) : match.start()]
        if since := _SINCE_DAY.search(before):
            if not _RECORD.search(low[max(start, match.start() - 48) : match.start() - len(since[0])]):
                found.append(_from(match.start() - len(since[0]), match.end(), low, day, published))
            continue
        if _CLOCK.match(low[match.end() :].lstrip(" ,at")[:9]):
            continue  # the moment of a dateline or of one edge, not a day-long window
        found.append(_span(match.start(), match.end(), low, day, day + timedelta(days=1)))
    return found


def _ranges(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Stretches of days, the last one included."""
    found = []
    for match in _RANGE.finditer(low, start, end):
        n = next(n for n in "123" if match[f"a{n}"])
        year = match[f"y{n}"]
        if year is None and published is None:
            continue
        written = match[f"m{n}"]
        month = int(written) if written.isdigit() else _month(written)
        later = match[f"n{n}"] if n != "2" else None
        last_month = month if later is None else int(later) if later.isdigit() else _month(later)
        assert published is not None or year is not None
        try:
            known = int(year) if year else published.day.year  # type: ignore[union-attr]  # one of the two is there
            first = date(known, month, int(match[f"a{n}"]))
            last = date(known + (last_month < month), last_month, int(match[f"b{n}"]))
            if year is None and published is not None and first > published.day + timedelta(days=7):
                first, last = first.replace(year=known - 1), last.replace(year=last.year - 1)
        except ValueError:
            continue
        if timedelta(0) < last - first <= timedelta(days=100):
            found.append(_span(match.start(), match.end(), low, first, last + timedelta(days=1)))
    return found


def _since(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found = []
    for match in _SINCE.finditer(low, start, end):
        if _RECORD.search(low[max(start, match.start() - 40) : match.start()]):
            continue
        if match["only"]:
            month = {"mid": 7, "late": 10}.get(match["part"] or "", 1)
            day = date(int(match["only"]), month, 1)
        else:
            number = _month(match["month"])
            year = int(match["year"]) if match["year"] else None
            if year is None and published is None:
                continue
            if year is None and published is not None:
                year = published.day.year - (number > published.day.month)
            number_of_day = {"mid": 15, "late": 20}.get(match["part"] or "", 1)
            day = date(year or 1970, number, number_of_day)
        found.append(_from(match.start(), match.end(), low, day, published))
    for match in _HAN_SINCE.finditer(low, start, end):
        number = int(match["month"])
        if not 1 <= number <= 12 or (match["year"] is None and published is None):
            continue
        year = int(match["year"]) if match["year"] else None
        if year is None and published is not None:
            year = published.day.year - (number > published.day.month)
        found.append(_from(match.start(), match.end(), low, date(year or 1970, number, 1), published))
    return found


def _calendar(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
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
            found.append(_from(since.start(), match.end(), low, span[0], published))
        elif "ytd" in groups:
            found.append(_from(match.start(), match.end(), low, date(published.day.year, 1, 1), published))
        elif span is not None:
            found.append(_span(match.start(), match.end(), low, *span))
    return found


def _named_days(groups: Mapping[str, str], today: date) -> tuple[date, date] | None:
    """First day and the day after the last of what a calendar word names, seen from `today`."""
    monday = today - timedelta(days=today.weekday())
    if "weekday" in groups:
        first = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(groups["weekday"])) % 7)
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
    if "lastweek" in groups or "weekly" in groups:
        return monday - timedelta(days=7), monday
    if "thisweek" in groups:
        return monday, today + timedelta(days=1)
    if "thismonth" in groups:
        return today.replace(day=1), today + timedelta(days=1)
    if "weekend" in groups:
        first = today - timedelta(days=(today.weekday() - 5) % 7)
        return first, first + timedelta(days=2)
    if "quarter" in groups:
        month = 3 * int(groups["quarter"]) - 2
        year = int(groups["qyear"])
        return date(year, month, 1), date(year + (month == 10), (month + 3 - 1) % 12 + 1, 1)
    written = groups.get("month") or groups.get("month2") or groups.get("hanmonth")
    if written:
        number = int(written) if written.isdigit() else _month(written)
        if not 1 <= number <= 12:
            return None
        named = groups.get("year") or groups.get("year2") or groups.get("hanyear")
        year = int(named) if named else today.year - (number > today.month)
        return date(year, number, 1), date(year + number // 12, number % 12 + 1, 1)
    return today, today + timedelta(days=1)


def _spans_of_clocks(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    """Two clock times with a joining word between them, each with its day where one is named."""
    clocks = list(_CLOCK.finditer(low, start, end))
    days = list(_DAY.finditer(low, start, end))
    found = []
    for first, second in pairwise(clocks):
        between = low[first.end() : second.start()]
        own = [day for day in days if first.end() <= day.start() < second.start()]
        plain = between if not own else between.replace(own[0][0], "")
        if not _JOIN.fullmatch(plain.replace(",", " ").replace(" at ", " ")) or not (first["zone"] or second["zone"]):
            continue
        last_day = _date_of(own[-1], published) if own else (published.day if published else None)
        lead = [day for day in days if day.end() <= first.start() and first.start() - day.end() < 8]
        if lead and not own:
            last_day = _date_of(lead[-1], published)
        if last_day is None:
            continue
        stop = _moment(last_day, second, None)
        first_day = _date_of(lead[-1], published) if lead else last_day
        begin = _moment(first_day or last_day, first, second)
        if stop is None or begin is None:
            continue
        if begin >= stop:
            begin, stop = (begin, stop + timedelta(days=1)) if lead and not own else (begin - timedelta(days=1), stop)
        if begin < stop <= begin + timedelta(days=31):
            at = lead[-1].start() if lead else first.start()
            window = Window(begin, stop, Grade.HIGH.slack)
            found.append(
                When(at, second.end(), f"{iso(begin)}/{iso(stop)}", low[at : second.end()], stop - begin, window, True)
            )
    return found


def _span(at: int, end: int, low: str, first: date, last: date) -> When:
    window = Window(datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC), Grade.LOW.slack)
    label = first.isoformat() if last - first == timedelta(days=1) else f"{first}/{last}"
    return When(at, end, label, low[at:end].strip(), window.length, window, True)


def _from(at: int, end: int, low: str, day: date, published: Dateline | None) -> When:
    window = None
    begin = datetime.combine(day, time(), UTC)
    if published is not None and begin < published.moment:
        window = Window(begin, published.moment, timedelta(days=1))
    return When(at, end, f"since {day}", low[at:end], None, window, True)


def trading_week(when: When) -> When:
    """The same for a market that is closed at weekends: Monday to Friday of a calendar week."""
    if when.window is None or when.window.length != timedelta(days=7) or not when.calendar:
        return when
    ended = when.window.end.weekday() == _WEEKDAYS.index("saturday")  # a week that ended on a Friday
    start = when.window.start + timedelta(days=2 if ended else 0)
    window = Window(start, start + timedelta(days=5), when.window.slack)
    label = f"{window.start.date()}/{window.end.date()}"
    return When(when.start, when.end, label, when.text, window.length, window, True)


def of_day(low: str, when: When, found: Sequence[When]) -> When:
    """The day that a sentence names where `when` is a day long, without edges: "on 10 October ... in 24 hours".

    "The past 24 hours" end at publication; so does a length beside a day that is not over.
    """
    told = _THAT_DAY.search(when.text.lower()) is not None
    length = when.length == _DAY_LONG and not when.calendar and not _TRAILING.search(when.text.lower())
    if not told and not length:
        return when
    days = [
        day for day in found if day.calendar and day.length == _DAY_LONG and day is not when and day.end <= when.start
    ]
    days = [day for day in days if not _THAT_DAY.search(day.text.lower()) and not qualifies_event(low, 0, day)]
    if not days or days[-1].window is None:
        return when
    over = when.window is None or told or days[-1].window.end <= when.window.end
    return days[-1] if over else when


def impossible_dates(low: str) -> list[tuple[int, int, str]]:
    """Dates that no calendar has, e.g. 31 November."""
    found = []
    for match in _DAY.finditer(low):
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
                (int(written) if written.isdigit() else _month(written)),
                int(match[f"d{n}"]),
                int(year) if year else None,
            )
    raise AssertionError("a date has a day")


def _date_of(match: re.Match[str], published: Dateline | None) -> date | None:
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


def _month(name: str) -> int:
    return next(number for full, number in _MONTHS.items() if full.startswith(name[:3]))


def _moment(day: date, clock: re.Match[str], other: re.Match[str] | None) -> datetime | None:
    """The UTC instant of a clock time; the zone may stand at the other edge."""
    hour, minute = int(clock["h"]), int(clock["min"])
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"] == "p" else 0)
    named = clock if clock["zone"] or other is None else other
    zone, offset = named["zone"] or "utc", named["off"]
    hours = int(offset) if offset else _ZONES[zone]
    if hour > 23 or abs(hours) > 14:
        return None
    return datetime.combine(day, time(hour, minute), timezone(timedelta(hours=hours))).astimezone(UTC)
