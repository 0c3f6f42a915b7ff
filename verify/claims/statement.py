"""What a short claim about a market says: "fell more than 3%", "broke $92,000", "net outflow of $725,800".

The number is read by `verify.claims.spans`, like those of articles; here is only which statistic it is a value of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from verify.claims.spans import FOREIGN, Kind, fold, scan
from verify.model.amount import HEDGE_WORDS, Amount
from verify.model.errors import AmountError


class Statistic(StrEnum):
    """What the number of a claim is a value of."""

    LOW = "low"  # the lowest price of the window
    HIGH = "high"
    CLOSE = "close"
    LEVEL = "level"  # a price that was traded at some moment
    BELOW = "below"  # some price below it was traded ("broke")
    ABOVE = "above"
    FALL = "fall"  # a change in per cent or points, counted downwards
    RISE = "rise"
    CHANGE = "change"  # in whichever direction
    CORRELATION = "correlation"
    NEW_HIGH = "new high"  # no number: the highest of its own past
    AMOUNT = "amount"  # a sum of money


@dataclass(frozen=True, slots=True)
class Stated:
    """A claim: the statistic, the number, its unit ("USD", "percent", "points", "") and, for sums, its sign."""

    statistic: Statistic
    amount: Amount | None
    unit: str
    text: str
    negative: bool = False


_FALL = re.compile(
    r"\b(?:f[ae]ll(?:s|en|ing)?|drop(?:s|ped|ping)?|declin\w+|los[est]\w*|lost|down|slid\w*|slump\w*|plung\w+|tumbl\w+"
    r"|crash\w*|sank|sink\w*|shed\w*|dip(?:s|ped)?|decreas\w+|lower|compress\w+|narrow\w+)\b|跌|下降|下挫|回落|降"
)
_RISE = re.compile(
    r"\b(?:ros?e|ris(?:es|en|ing)|gain\w*|climb\w*|jump\w*|surg\w+|rall\w+|up|add(?:s|ed)?|increas\w+|soar\w*|higher"
    r"|reclaim\w*|recover\w*|top(?:s|ped)|surpass\w*|exceed\w*)\b|涨|上升|升|突破"
)
_BROKE = re.compile(r"\b(?:br(?:oke|eak|eaks|eaking|oken)|through|breach\w*|pierc\w+|lost the|below|under)\b|跌破|失守")
_OVER = re.compile(r"\b(?:above|over|broke out|past)\b|升破|突破|站上")
_LOWEST = re.compile(r"\b(?:lows?|lowest|bottom\w*|trough\w*|minimum)\b|最低|低点")
_HIGHEST = re.compile(r"\b(?:highs?|highest|peak\w*|top of|maximum)\b|最高|高点")
_CLOSED = re.compile(r"\bclos(?:e|es|ed|ing)\b|收于|收盘|收报")
_TO = re.compile(r"\b(?:to|at)\b|至|到")
_NEW_HIGH = re.compile(r"\bnew (?:height|high|peak|record)s?\b|\brecord\b|\ball-time high\b|新高")
_OUTFLOW = re.compile(r"\b(?:net )?outflows?\b|\bwithdr\w+\b|流出")
_UNITS = {Kind.MONEY: "USD", Kind.PERCENT: "percent", Kind.POINTS: "points"}


def stated(text: str, *, unit: str = "USD") -> Stated:
    """Read a claim; raises `AmountError` where it holds no number, or several.

    A bare number ("92,000") is one in `unit`.
    """
    words, plain = fold(text), text.strip()
    found = scan(text)
    numbers = found.numbers
    if any(number.reason == FOREIGN for number in found.alone):
        raise AmountError(f"the claim {plain!r} is not in US dollars: convert it first")
    if len(numbers) > 1:
        listed = ", ".join(repr(text[number.start : number.end]) for number in numbers[:4])
        raise AmountError(f"the claim {plain!r} holds several numbers ({listed}): ask about one at a time")
    if not numbers and _NEW_HIGH.search(words):
        return Stated(Statistic.NEW_HIGH, None, "", plain)
    if numbers:
        at, amount = numbers[0].start, numbers[0].amount
        unit = _UNITS.get(numbers[0].kind, unit)
    else:
        at, amount = _bare(text)
    negative = words[:at].rstrip(" $").endswith("-") or bool(_OUTFLOW.search(words))
    return Stated(_statistic(words, unit, at), amount, unit, plain, negative)


_BARE = re.compile(r"\d[\d,_]*(?:\.\d+)?")


def _bare(text: str) -> tuple[int, Amount]:
    """The number of a claim without any unit, with the hedge before it."""
    digits = _BARE.search(text)
    if digits is None:
        raise AmountError(f"the claim {text.strip()!r} holds no number: write for example 'fell more than 3%'")
    lead = fold(text[: digits.start()]).rstrip(" -$")
    hedge = next((word for words in HEDGE_WORDS.values() for word in words if lead.endswith(word)), "")
    return digits.start(), Amount.parse(f"{hedge} {digits[0]}")


def _statistic(words: str, unit: str, at: int) -> Statistic:
    if unit == "correlation":
        return Statistic.CORRELATION
    if unit in ("percent", "points"):
        if _FALL.search(words):
            return Statistic.FALL
        return Statistic.RISE if _RISE.search(words) else Statistic.CHANGE
    before = words[:at]
    if _CLOSED.search(words):
        return Statistic.CLOSE
    if _LOWEST.search(words):
        return Statistic.LOW
    if _HIGHEST.search(words):
        return Statistic.HIGH
    if _OVER.search(before) and not _FALL.search(before):
        return Statistic.ABOVE
    if _BROKE.search(before):
        return Statistic.BELOW if not _RISE.search(before) else Statistic.ABOVE
    if _FALL.search(before):
        return Statistic.LOW if _TO.search(before) else Statistic.BELOW
    if _RISE.search(before):
        return Statistic.HIGH if _TO.search(before) else Statistic.ABOVE
    return Statistic.LEVEL if unit == "USD" and before.strip() else Statistic.AMOUNT
