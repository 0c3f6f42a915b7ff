"""Lengths of time without edges: "past 4 hours", "within an hour", 近 24 小时."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from verify.claims.dates import Dateline, When
from verify.model.figure import Grade
from verify.model.window import Window

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
_QUARTERS_OF_HOUR = re.compile(
    r"\b(?:(?:in|within|over|during|for) )?(?:(?:the|that|a|this) )?(?:(?:past|last) )?(?:(three)[ -]quarters"
    r"|quarter)[ -]of an hour\b|\bquarter[ -]hour\b"
)
_HAN_DURATION = re.compile(
    r"(?<![前上])(?:(?P<n>[0-9]{1,3})|(?P<word>二十四|四十八|十二|[一两二三四六七八十半]))\s?(?:个|個)?"
    r"(?P<unit>小时|小時|分钟|分鐘|天|(?<=近[0-9])日|周|週)(?!前|后|後|线|高|低|年|末|期|回顾|报告|简报|复盘|周报|观察|以?来(?:最|新|首|的?最))"
)
RECORD = re.compile(
    r"\b(?:time|most|longest|largest|lowest|highest|biggest|worst|best|first|steepest"
    r"|sharpest)\s(?:[a-z-]{1,15}\s){0,4}$"
)
_SUPERLATIVE = re.compile(
    r"\b(?:largest|biggest|worst|heaviest|highest|steepest|sharpest|busiest|best|deadliest|record) $"
)
_EACH = re.compile(r"\b(?:per|each|on) $")
_TENOR = re.compile(
    r"[- ](?:implied|iv\b|at-the-money|atm\b|options?\b|expir|delta|skew|tenor|reali[sz]ed vol|moving|[es]ma\b"
    r"|average|high\b|low\b)"
)
OF_EVENT = re.compile(
    r"[\s-](?:[a-z-]{1,12} ){0,3}?(?:window|stretch|period|decline|drop|crash|sell-?off|slide|rout|plunge|slump"
    r"|wave|cascade|wipe-?out|flush|liquidation event"
    r"|move|washout)s?\b"
)


def lengths_in(low: str, start: int, end: int, published: Dateline | None) -> list[When]:
    found: list[When | None] = [
        _length(match, 45 if match[1] else 15, "min", published, trailing="last" in match[0] or "past" in match[0])
        for match in _QUARTERS_OF_HOUR.finditer(low, start, end)
    ]
    for match in _DURATION.finditer(low, start, end):
        if match["after"] or (match["lead"] or "").split(" ")[-2:-1] in (["every"], ["than"]):
            continue
        if _SUPERLATIVE.search(low, max(start, match.start() - 16), match.start()) and not match["lead"]:
            continue  # "the largest two-day total since the winter"
        if _EACH.search(low, max(start, match.start() - 5), match.start()):
            continue  # "0.01% per eight hours", "on a day that ..."
        if match[0].startswith("in ") and RECORD.search(low[max(start, match.start() - 48) : match.start()]):
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
    within = re.match(r"(?:with)?in (?:a|one|the) day$|(?:over|during) (?:a|one) day$", match[0].strip()) is not None
    if published is not None and length == timedelta(days=1) and not trailing and not within and "24" not in match[0]:
        day = datetime.combine(published.day, time(), UTC)  # "a single-day drop" is of a day, not of 24 hours
        window = Window(day, day + length, Grade.LOW.slack)
        return When(match.start(), match.end(), day.date().isoformat(), match[0].strip(), length, window, True)
    if published is not None and published.exact and (trailing or not OF_EVENT.match(match.string, match.end())):
        slack = Grade.MEDIUM.slack if trailing else Grade.LOW.slack
        window = Window(published.moment - length, published.moment, slack)
    return When(match.start(), match.end(), f"{in_unit:g}{name}", match[0].strip(), length, window)
