"""What a number counts, by the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verify.claims import words
from verify.claims.claim import LIQUIDATIONS
from verify.claims.regions import SEPARATOR, Place, apart, turns
from verify.claims.spans import Kind
from verify.claims.words import Mention

#: What may be spoken of in the same breath as a price level.
_BESIDE_PRICES = frozenset(
    {
        "",
        "liquidations",
        "open_interest",
        "volatility_change",
        "holding",
        "position",
        "largest_liquidation",
        "realised_gain",
    }
)
_COMPARED = re.compile(r"\b(?:than|compared (?:to|with)|from (?:yesterday|the day|a day|a week|last))\b|较|比")
_BEFORE = 40
_BESIDE = 2
_FAR = 30
_MOST_PRICE = 1_000_000


def metric_of(place: Place) -> str:
    """What a number counts; "" where nobody says."""
    spoken = _spoken(place, place.context.metrics)
    match place.number.kind:
        case Kind.FACTOR:
            return "factor"
        case Kind.POINTS:
            return "volatility_change" if spoken == "volatility_change" else "price_change"
        case Kind.COUNT:
            return "liquidation_count"
        case Kind.COIN:
            return spoken if spoken in ("holding", "open_interest") else "position"
        case Kind.PERCENT:
            return _of_percentage(place, spoken)
        case Kind.MONEY:
            return _of_level(place, spoken) or _of_sum(place, spoken)


def _left(place: Place) -> str:
    return place.low[max(place.region[0], place.number.start - _BEFORE) : place.number.start].rstrip("~$ ") + " "


def _of_percentage(place: Place, spoken: str) -> str:
    low, number, region, context, last = place.low, place.number, place.region, place.context, place.last
    clause = low[region[0] : region[1]]
    if spoken == "funding_rate":
        return spoken
    if words.CHANCE.match(low, number.end):
        return ""
    if words.BEYOND.match(low, number.end) and spoken in LIQUIDATIONS:
        return ""
    compared = _COMPARED.search(clause) is not None
    begin, stop = place.clause
    if spoken == "volatility_change" and words.IMPLIED.search(low, region[0], number.start):
        return "implied_volatility"
    near = any(begin <= m.start < stop for m in context.metrics)
    counted = spoken == "liquidations" and near and not words.FALL.search(clause) and not compared
    part_of = low.startswith(" of ", number.end) and not low.startswith(" of its value", number.end)
    if words.SHARE.search(clause) or counted or (part_of and spoken not in ("open_interest", "price")):
        return "share"
    if compared and spoken in LIQUIDATIONS:
        return ""
    if number.sign and not spoken and any(region[0] <= m.start < region[1] for m in context.assets):
        return "price_change"
    if spoken == "open_interest" or (last and last.metric == "open_interest"):
        return "open_interest_drop" if words.FALL.search(clause) else "share"
    market = bool(context.assets) or words.PRICE.search(low, *place.whole)
    reach = place.whole if market else (begin, stop)
    moves = words.FALL.search(low, *reach) or words.RISE.search(low, *reach)
    level = words.TO_PERCENT.search(_left(place)) and not words.MOVE_NOUN.search(low, region[0], number.start)
    if level:
        return "share" if last and last.metric == "share" else ""
    if moves:
        return "price_change"
    if last and last.metric == "price_change" and not turns(low, last.number.end, number.start):
        return "price_change"
    sided = any(begin <= m.start < stop for m in context.side)
    return "share" if sided or place.cell or (last and last.metric in LIQUIDATIONS) else ""


def _of_level(place: Place, spoken: str) -> str:
    """The metric of a sum that is small enough to be a price, "" for one that is none."""
    low, number, region, context = place.low, place.number, place.region, place.context
    left = _left(place)
    if words.REFERENCE_PRICE.search(low, region[0], number.start) and number.amount.value < _MOST_PRICE:
        return "reference_price"
    small = number.amount.value < _MOST_PRICE and (not number.amount.currency or "万" not in number.amount.text)
    if not small and number.amount.value < _MOST_PRICE and words.BROKE.search(left):
        small = any(m.start < number.start for m in context.assets)
    if not small:
        return ""
    coins = any(m.start < number.start for m in context.assets) or words.PRICE.search(low, *place.whole)
    broke = words.BROKE.search(left) or words.LEVEL_NOUN.match(low, number.end) or words.LEVEL_AHEAD.search(left)
    beside = any(0 <= number.start - m.end <= _BESIDE for m in context.assets)
    if (beside and not spoken) or left.endswith("price: "):
        return "price"
    if (broke or (coins and words.TO_LEVEL.search(left))) and spoken in _BESIDE_PRICES:
        return "price"
    return "price_change" if coins and not spoken and words.BY_AMOUNT.search(left) else ""


def _of_sum(place: Place, spoken: str) -> str:
    low, number, context, last = place.low, place.number, place.context, place.last
    if spoken == "open_interest":
        return "open_interest_drop" if words.FALL.search(low, *place.clause) else "open_interest"
    if spoken in ("volatility_change", "funding_rate"):
        spoken = ""
    if spoken in ("holding", "position") and not (last and last.kind is Kind.COIN):
        forced = [m.values[0] for m in context.metrics if m.values[0] in LIQUIDATIONS]
        spoken = forced[0] if forced else spoken if _deals(place) else ""
    if spoken == "market_value" and low.find("market value") > number.end and last is None:
        return "market_value"
    if not spoken and words.FUND.search(low, place.sentence.start, number.start):
        moves = words.FALL.search(low, *place.clause) or words.RISE.search(low, *place.clause)
        told = "etf" in low[place.sentence.start : number.start] or context.venues
        return "etf_net_flow" if moves and told else ""
    return spoken


def _spoken(place: Place, found: Sequence[Mention]) -> str:
    """The metric whose words stand nearest, those of the number's own stretch first."""
    number, region = place.number, place.region
    own = [m for m in found if region[0] <= m.start and m.end <= region[1]]
    before = [m for m in found if m.end <= number.start]
    for mention in own:  # "a $16.7 million long, the largest of the day"
        if mention.values[0] == "largest_liquidation" and 0 <= mention.start - number.end <= _FAR:
            return mention.values[0]
    if own:

        def distance(mention: Mention) -> int:
            gap = min(abs(mention.start - number.end), abs(number.start - mention.end))
            return gap + _FAR * apart(place.low, mention, number)

        return min(own, key=distance).values[0]
    return (before[-1:] or list(found[:1]) or [Mention(0, 0, ("",))])[0].values[0]


def _deals(place: Place) -> bool:
    """Whether a sum is the size of a deal in a coin: "a $98 million ETH short", "$12 million worth of SOL"."""
    low, start = place.low, place.number.end
    return any(
        not SEPARATOR.search(low[start : m.start].replace(" of ", " "))
        for m in words.mentions("assets", place.text, low, start, min(start + _BEFORE, len(low)))
    )
