"""Which of the stated times a number belongs to, and which way it moved."""

from __future__ import annotations

import re
from datetime import timedelta

from verify.claims import windows, words
from verify.claims.claim import LEVELS, LIQUIDATIONS, PRICES
from verify.claims.regions import SEPARATOR, Place, turns
from verify.claims.windows import When

_MOVING = frozenset(
    {"price_change", "etf_net_flow", "open_interest_drop", "unrealised_gain", "volatility_change", "market_value",
     "position", "value_locked"}
)  # fmt: skip
#: How far into a sentence a time may begin to stand for all of it ("On Monday, ...").
_SHORT = 4
_BEFORE = 40
_DAY = timedelta(days=1)
_A_DAY = re.compile(r"\b(?:a|one|single)[ -]day\b", re.IGNORECASE)
_ASIDES = re.compile(r"[(（][^()（）]{0,40}[)）]")


def when_of(place: Place, metric: str) -> When | None:
    """The stated time that a number belongs to; a price level belongs to a moment, not to a stretch of hours."""
    low, number, region, sentence = place.low, place.number, place.region, place.sentence
    found = [
        when
        for when in place.context.whens
        if not (when.start <= number.start < when.end) and (when.calendar or metric not in LEVELS)
    ]
    begin, end = place.clause
    if metric in LEVELS:
        lead = sentence.start + _SHORT
        found = [w for w in found if w.end <= end and (w.start >= begin or w.start <= lead)]
    elif metric in LIQUIDATIONS:  # "the crash on Monday ..., with $750M in liquidations" is not Monday's sum
        found = [
            w
            for w in found
            if not w.calendar or begin <= w.start < end or not windows.qualifies_event(low, sentence.start, w)
        ]
    found = [w for w in found if not _leads_on(place, w)]
    if metric in PRICES:  # "down 43% from its high of $126,200 on 6 October"
        found = [w for w in found if w.start < region[1]]
    if not found:
        return None
    if len(found) > 1:
        own = [w for w in found if region[0] <= w.start and w.end <= region[1]]
        same = [w for w in own if begin <= w.start and w.end <= end]
        before = [w for w in found if w.end <= number.start]
        found = same or own or before[-1:] or found
        exact = [w for w in found if not w.calendar and metric in LIQUIDATIONS]
        found = exact or found
    chosen = min(found, key=lambda w: min(abs(w.start - number.end), abs(number.start - w.end)))
    if chosen.length == _DAY and _A_DAY.search(chosen.text):  # "On 10 October, ... in a day"
        dated = [
            w for w in place.context.whens if w.calendar and w.end <= chosen.start and any(c.isdigit() for c in w.text)
        ]
        chosen = dated[-1] if dated and not turns(low, dated[-1].end, chosen.start) else chosen
    return windows.trading_week(chosen) if metric == "etf_net_flow" else chosen


def direction_of(place: Place, metric: str) -> str:
    """Whether a level was broken or stood at, whether a move went up or down; "" for what has no direction."""
    low, number, region = place.low, place.number, place.region
    if metric == "price":
        left = low[max(region[0], number.start - _BEFORE) : number.start].rstrip("~$ ") + " "
        return "broke" if words.BROKE.search(left) else "level"
    if metric == "open_interest":
        return "level"
    if metric not in _MOVING:
        return ""
    if number.sign:
        direction = "fall" if number.sign == "-" else "rise"
    else:
        stretches = [place.clause, region, (place.sentence.start, number.start), place.whole]
        stretches = stretches[:2] if metric in LEVELS else stretches
        direction = next((found for found in (_moved(low, number.start, *s) for s in stretches) if found), "")
    last = place.last
    if not direction and last is not None and last.metric == metric:
        direction = last.direction  # "fell by $190 billion to $2.4 trillion"
    return direction


def _moved(low: str, at: int, start: int, end: int) -> str:
    falls = [m.start() for m in words.FALL.finditer(low, start, end)]
    rises = [m.start() for m in words.RISE.finditer(low, start, end)]
    if not falls and not rises:
        return ""
    return "fall" if min(falls + rises, key=lambda place: abs(place - at)) in falls else "rise"


def _leads_on(place: Place, when: When) -> bool:
    """Whether a time behind a number stands before the next one, of which it speaks: "..., and on Monday $5M"."""
    low, number, region = place.low, place.number, place.region
    if not number.end <= when.start < region[1] or region[1] == place.sentence.end:
        return False
    apart = SEPARATOR.search(_ASIDES.sub(" ", low[number.end : when.start]))
    return apart is not None and not SEPARATOR.search(low, when.end, region[1])
