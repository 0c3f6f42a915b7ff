"""Which of the stated times a number belongs to, and which way it moved."""

from __future__ import annotations

import re
from datetime import timedelta

from verify.claims import windows, words
from verify.claims.claim import LEVELS, LIQUIDATIONS, PRICES
from verify.claims.dates import When
from verify.claims.regions import SEPARATOR, TURN, Place, Region, turns
from verify.claims.spans import Kind

_MOVING = frozenset({"price_change", "etf_net_flow", "open_interest_drop", "volatility_change", "market_value"})
#: By which words what is not a market moves: a party buys or sells, its gains grow or shrink.
_OWN_MOVES = {"position": (words.BOUGHT, words.SOLD), "unrealised_gain": (words.GREW, words.SHRANK)}
_STANDS = frozenset({"open_interest", "implied_volatility"})
#: How far into a sentence a time may begin to stand for all of it ("On Monday, ...").
_SHORT = 4
_BEFORE = 40
_PAID = timedelta(hours=8)
_LED_TO = re.compile(
    r" (?:to|at)(?: (?:about|around|roughly|just|nearly|some|only))? \$[0-9][0-9,.]*[0-9k]\b"
    r"|，?[现跌涨升]?[报至到为] ?[0-9][0-9,.]*[0-9] ?美元"
)
_VERSUS = re.compile(
    r"\b(?:vs\.?|versus|from|against|compared|(?:higher|lower|bigger|larger|smaller|up|worse|better) than)\b|较|比"
)
_USUAL = re.compile(r"\b(?:average|median|mean|typical|usual|normal)\b|日均|平均")
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
    if number.kind is Kind.FACTOR:  # "three times Tuesday's"
        found = []
    if metric == "funding_rate":  # "8h rates" say how often it is paid
        found = [w for w in found if begin <= w.start < end and (w.length is None or w.length > _PAID)]
    found = [w for w in found if w.start < number.end or not _USUAL.search(low, number.end, w.start)]
    if metric == "market_value" and not words.TO_LEVEL.search(
        low[max(region[0], number.start - _BEFORE) : number.start].rstrip("~$ ") + " "
    ):
        return _chosen(place, metric, [*(w for w in place.context.whens if w not in found and not w.calendar), *found])
    if metric in LEVELS or metric in ("implied_volatility", "reference_price"):
        found = [w for w in found if w.calendar]
        lead = sentence.start + _SHORT
        found = [w for w in found if w.end <= end and (w.start >= begin or w.start <= lead)]
    elif metric in LIQUIDATIONS:  # "the crash on Monday ..., with $750M in liquidations" is not Monday's sum
        found = [
            w
            for w in found
            if not w.calendar or begin <= w.start < end or not windows.qualifies_event(low, sentence.start, w)
        ]
    found = [w for w in found if begin <= w.start < end or not windows.is_week_before(w)]
    found = [w for w in found if not _leads_on(place, w) and not _of_compared(place, w)]
    if metric == "price" and len(place.context.whens) == 1:
        day = place.context.whens[0]
        if (
            begin <= day.start < end
            and windows.names_day(day)
            and not windows.qualifies_event(low, sentence.start, day)
        ):
            return day
    if metric in PRICES:  # "down 43% from its high of $126,200 on 6 October"
        found = [w for w in found if w.start < region[1] or _behind_level(place, w)]
    return _chosen(place, metric, found)


def _behind_level(place: Place, when: When) -> bool:
    """Whether a time stands behind the level that a move led to: "slumped 9.4% to $1,880 on Tuesday"."""
    low, number = place.low, place.number
    if number.kind is not Kind.PERCENT or when.start < number.end:
        return False
    between = _LED_TO.match(low, number.end, when.start)
    return between is not None and not SEPARATOR.search(low, between.end(), when.start)


def _chosen(place: Place, metric: str, found: list[When]) -> When | None:
    low, number, region = place.low, place.number, place.region
    begin, end = place.clause
    if not found:
        return None
    if len(found) > 1:
        own = [w for w in found if region[0] <= w.start and w.end <= region[1]]
        same = [w for w in own if begin <= w.start and w.end <= end]
        before = [w for w in found if w.end <= number.start]
        found = same or own or before[-1:] or found
        exact = [w for w in found if "T" in w.label] or [w for w in found if not w.calendar]
        exact = exact if metric in LIQUIDATIONS else []
        found = exact or found
    chosen = min(found, key=lambda w: min(abs(w.start - number.end), abs(number.start - w.end)))
    of_day = windows.of_day(low, chosen, place.context.whens)
    chosen = chosen if turns(low, of_day.end, chosen.start) else of_day
    return windows.trading_week(chosen) if metric == "etf_net_flow" else chosen


def direction_of(place: Place, metric: str) -> str:
    """Whether a level was broken or stood at, whether a move went up or down; "" for what has no direction."""
    low, number, region = place.low, place.number, place.region
    if metric == "price":
        left = low[max(region[0], number.start - _BEFORE) : number.start].rstrip("~$ ") + " "
        return "broke" if words.BROKE.search(left) else "level"
    if metric in _STANDS:
        return "level"
    if metric not in _MOVING and metric not in _OWN_MOVES:
        return ""
    rise, fall = _OWN_MOVES.get(metric, (words.RISE, words.FALL))
    if number.sign and metric in _MOVING:
        direction = "fall" if number.sign == "-" else "rise"
    elif metric == "price_change" and (noun := words.MOVED_BY.search(low, *place.clause)):
        direction = "fall" if noun[0].startswith("跌") else "rise"
    else:
        near = [place.clause, (region[0], number.start)]
        wide = [region] if metric in LEVELS else [region, (place.sentence.start, number.start), place.whole]
        if (
            metric == "etf_net_flow"
        ):  # each of its funds goes its own way: not across "whereas", nor to what comes later
            wide = [] if place.last is not None else [_part(place)]
        direction = _first(low, number.start, near, rise, fall)
        last = place.last
        if not direction and last is not None and last.metric == metric:
            direction = last.direction  # "fell by $190 billion to $2.4 trillion"
        direction = direction or _first(low, number.start, wide, rise, fall)
    return direction


def _part(place: Place) -> Region:
    """The part of the sentence up to where it turns to another matter behind the number."""
    turn = TURN.search(place.low, place.number.end, place.sentence.end)
    return place.sentence.start, turn.start() if turn else place.sentence.end


def _first(low: str, at: int, stretches: list[Region], rise: re.Pattern[str], fall: re.Pattern[str]) -> str:
    return next((d for d in (_moved(low, at, *stretch, rise, fall) for stretch in stretches) if d), "")


def _moved(low: str, at: int, start: int, end: int, rise: re.Pattern[str], fall: re.Pattern[str]) -> str:
    falls = [m.start() for m in fall.finditer(low, start, end)]
    rises = [m.start() for m in rise.finditer(low, start, end)]
    if not falls and not rises:
        return ""
    return "fall" if min(falls + rises, key=lambda place: abs(place - at)) in falls else "rise"


def _of_compared(place: Place, when: When) -> bool:
    """Whether a day stands behind the number that this one is compared with: "$38M vs $12M yesterday"."""
    low, stop = place.low, place.region[1]
    if not when.calendar or when.start < stop or stop == place.sentence.end:
        return False
    return _VERSUS.search(low, place.number.end, stop) is not None


def _leads_on(place: Place, when: When) -> bool:
    """Whether a time behind a number stands before the next one, of which it speaks: "..., and on Monday $5M"."""
    low, number, region = place.low, place.number, place.region
    if not number.end <= when.start < region[1] or region[1] == place.sentence.end:
        return False
    apart = SEPARATOR.search(_ASIDES.sub(" ", low[number.end : when.start]))
    return apart is not None and not SEPARATOR.search(low, when.end, region[1])
