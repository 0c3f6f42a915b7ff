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
#: Words after which a sum is where something stands, not by how much it moved.
_LEVEL = re.compile(
    r"(?:\b(?:to|at|near|from|of|totals?|totall?ed|reached|hit|is|was|stands|around)(?: (?:about|around|roughly"
    r"|nearly|just|some|only"
    r"|almost|approximately|over|under|above|below|a|record|more than))*|[至到为达破从由])\s?[~约]?$"
)
_SKEW = re.compile(r"\b(?:skew|delta|risk reversal)\b")
#: One party, whose sums are no sums of the market.
_PARTY = re.compile(
    r"\b(?:whale(?!s)|trader(?!s)|wallet(?!s)|address(?!es)|he|she|his|her|hacker|machi)\b|巨鲸|鲸鱼|某|麻吉"
)
_LOST = re.compile(
    r"(?:\b(?:losing|lost|loss(?:es)? of|down|made|gained|banked|booked)|亏损|盈利|获利)[^0-9a-z$]*(?:about |over "
    r"|more than |nearly )*[约超近]?$"
)
_ITS_POSITION = re.compile(
    r"\s?(?:worth of )?(?:[a-z$]{2,8}[ -]?)?(?:long|short|position)\b|\s?(?:[a-z$]{2,6}\s?)?(?:多|空)[单单仓]"
)
_HELD = re.compile(r"(?:\b(?:holds?|holding|持有))\s?(?:about |over |around |nearly )*$|持有[约超近]?$")
_CHANGE = re.compile(r"[降跌涨增升]幅(?:达|为|约)?\s?$")
_GREW_BY = re.compile(
    r"\b(?:rose|jumped|surged|climbed|increased|soared|grew|spiked|fell|dropped|declined|up|down)(?: by)?"
    r"(?: (?:about|around|roughly|some|nearly|more than|over))?\s?$|(?:增加|增长|上升|下降|减少|激增)了?[约近超]?\s?$"
)
_OF_OPEN_INTEREST = re.compile(r" of (?:the |all |its )?(?:total )?open interest\b")
#: "down by 7,200 BTC" is a change of open interest, "150 BTC 的空单" a position and no holding.
_MOVED_BY = re.compile(
    r"\b(?:up|down|rose|fell|dropped|shed|lost|gained|grew|by)(?: by)?(?: (?:about|some|nearly))?\s?$"
)
_ITS_SIDE = re.compile(r"[^,.;，。；]{0,16}(?:[多空][单头仓]|\b(?:long|short)\b)")
_PART_OF_SUM = re.compile(r" of (?:that|it|those|the (?:total|sum))\b")
_MOVED_COINS = re.compile(
    r"\b(?:deposited|withdrew|transferred|moved|sent|bridged|topped up)(?: (?:about|some|another|a further))?\s?$"
)
_ENTRY = re.compile(r"\bat (?:about |around |an? (?:average|entry) (?:price )?of )?$")
_LOST_DOLLARS = re.compile(
    r" (?:has |had )?(?:briefly )?(?:dropped|fell|lost|shed|slid|sank|plunged|tumbled|gained|rose|jumped|climbed"
    r"|surged|rallied|added)"
    r"(?: (?:by|about|around|nearly|over|some|more than|almost|roughly))*\s"
)
_BEFORE = 40
_NEXT_MATTER = re.compile(r"[,;，；]|\b(?:and|while|but)\b")
_BESIDE = 2
_NEAR = 4
_FAR = 30
_MOST_PRICE = 1_000_000


def metric_of(place: Place) -> str:
    """What a number counts; "" where nobody says."""
    spoken = _spoken(place, place.context.metrics)
    match place.number.kind:
        case Kind.FACTOR:
            return "factor"
        case Kind.POINTS:
            level = words.TO_PERCENT.search(_left(place)) is not None
            return ("implied_volatility" if level else spoken) if spoken == "volatility_change" else ""
        case Kind.COUNT:
            return "liquidation_count"
        case Kind.COIN:
            if spoken == "open_interest":
                return "open_interest_drop" if _MOVED_BY.search(_left(place)) else spoken
            still_open = spoken == "holding" and _ITS_SIDE.match(place.low, place.number.end)
            return "holding" if spoken == "holding" and not still_open else "position"
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
    if _SKEW.search(low, begin, number.start):
        return ""
    of_options = words.IMPLIED.search(low, region[0], number.start) is not None or (
        last is not None and last.metric in ("implied_volatility", "volatility_change")
    )
    if spoken == "volatility_change" and of_options:
        moved = words.FALL.search(low, begin, number.start) or words.RISE.search(low, begin, number.start)
        stands = words.TO_PERCENT.search(_left(place)) or not moved
        return "implied_volatility" if stands else "volatility_change"
    if _elsewhere(place):
        return ""
    own_coin = any(region[0] <= m.start < number.start for m in context.assets)
    if (
        spoken == "market_value"
        and not own_coin
        and (words.FALL.search(low, *place.clause) or words.RISE.search(low, *place.clause))
    ):
        return "market_value"
    if last is not None and last.metric in ("open_interest", "open_interest_drop") and _CHANGE.search(_left(place)):
        return "open_interest_drop"
    counted_before = any(region[0] <= m.start < number.start and m.values[0] in LIQUIDATIONS for m in context.metrics)
    if spoken in LIQUIDATIONS and counted_before and _GREW_BY.search(_left(place)):
        return ""  # "liquidations rose 143%": no share
    if _OF_OPEN_INTEREST.match(low, number.end) and words.FALL.search(low, number.end, stop):
        return "open_interest_drop"
    near = any(begin <= m.start < stop for m in context.metrics)
    if context.side and words.BRUNT.search(low, *place.whole) and (spoken in LIQUIDATIONS or not spoken):
        return "share"
    counted = spoken == "liquidations" and near and not words.FALL.search(clause) and not compared
    part_of = low.startswith(" of ", number.end) and not low.startswith(" of its value", number.end)
    share = words.SHARE.search(low, region[0], _cut(low, number.end, region[1]))
    if share or counted or (part_of and spoken not in ("open_interest", "price")):
        return "share"
    if compared and spoken in LIQUIDATIONS:
        return ""
    if number.sign and not spoken and any(region[0] <= m.start < region[1] for m in context.assets):
        return "price_change"
    if spoken == "open_interest" or (last and last.metric == "open_interest"):
        changed = words.FALL.search(clause) or words.RISE.search(clause)
        return "open_interest_drop" if changed else "share"
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
    sided = any(begin <= m.start < stop for m in context.side) or words.BRUNT.search(low, *place.whole)
    return "share" if sided or place.cell or (last and last.metric in LIQUIDATIONS) else ""


def _of_level(place: Place, spoken: str) -> str:
    """The metric of a sum that is small enough to be a price, "" for one that is none."""
    low, number, region, context, last = place.low, place.number, place.region, place.context, place.last
    left = _left(place)
    if words.REFERENCE_PRICE.search(low, region[0], number.start) and number.amount.value < _MOST_PRICE:
        return "reference_price"
    small = number.amount.value < _MOST_PRICE and (not number.amount.currency or "万" not in number.amount.text)
    if not small and number.amount.value < _MOST_PRICE and words.BROKE.search(left):
        small = any(m.start < number.start for m in context.assets)
    if not small or _elsewhere(place):
        return ""
    if last is not None and last.metric == "position" and _ENTRY.search(left):
        return "reference_price"
    coins = any(m.start < number.start for m in context.assets) or words.PRICE.search(low, *place.whole)
    broke = words.BROKE.search(left) or words.LEVEL_NOUN.match(low, number.end) or words.LEVEL_AHEAD.search(left)
    beside = any(0 <= number.start - m.end <= _BESIDE for m in context.assets)
    if (beside and not spoken) or left.endswith("price: "):
        return "price"
    later = spoken == "market_value" and not any(
        m.values[0] == spoken and m.start < number.start for m in context.metrics
    )
    if (broke or (coins and words.TO_LEVEL.search(left))) and (spoken in _BESIDE_PRICES or later):
        return "price"
    if any(_LOST_DOLLARS.fullmatch(low, m.end, number.start) for m in context.assets):
        return "price_change"
    return "price_change" if coins and not spoken and words.BY_AMOUNT.search(left) else ""


def _of_sum(place: Place, spoken: str) -> str:
    low, number, context, last = place.low, place.number, place.context, place.last
    if spoken == "open_interest":
        moved = words.FALL.search(low, *place.clause) or words.RISE.search(low, *place.clause)
        changed = number.sign or (moved and not _LEVEL.search(_left(place)))
        return "open_interest_drop" if changed else "open_interest"
    if spoken in ("volatility_change", "funding_rate"):
        spoken = ""
    if _PARTY.search(low, place.sentence.start, number.start):
        left = _left(place)
        if _LOST.search(left) and spoken in (*LIQUIDATIONS, ""):
            return "realised_gain"
        if _ITS_POSITION.match(low, number.end) and spoken not in LIQUIDATIONS:
            return "position"
    if _HELD.search(_left(place)):
        return "" if _PART_OF_SUM.match(low, place.number.end) else "holding"
    if not spoken and _MOVED_COINS.search(_left(place)):
        return "position"
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


def _cut(low: str, start: int, end: int) -> int:
    """Where what is said of a percentage ends: at the next comma or "and"."""
    found = _NEXT_MATTER.search(low, start, end)
    return found.start() if found else end


def _elsewhere(place: Place) -> bool:
    """Whether a number is of another market: shares, indices, gold, yields."""
    begin, stop = place.clause
    if any(begin <= m.start < stop for m in place.context.assets):
        return False
    if words.OTHER_MARKET.search(place.low, begin, stop):
        return True
    coins = place.context.assets or place.context.metrics
    return not coins and words.OTHER_MARKET.search(place.low, place.sentence.start, begin) is not None


def _spoken(place: Place, found: Sequence[Mention]) -> str:
    """The metric whose words stand nearest, those of the number's own stretch first."""
    number, region = place.number, place.region
    own = [m for m in found if region[0] <= m.start and m.end <= region[1]]
    before = [m for m in found if m.end <= number.start]
    if not own and words.NOT_LIQUIDATED.search(place.low, *place.clause):
        return ""
    last_number = region[1] == place.sentence.end
    if not last_number:  # "$77 million but took the biggest hit: a long valued at $7.6 million"
        own = [
            m
            for m in own
            if m.values[0] != "largest_liquidation"
            or m.start < number.start
            or (m.start - number.end < _NEAR and not apart(place.low, m, number))
        ]
        found = [m for m in found if m in own or m.values[0] != "largest_liquidation" or m.end <= number.start]
    for mention in own if last_number else ():  # "a $16.7 million long, the largest of the day"
        if mention.values[0] == "largest_liquidation" and 0 <= mention.start - number.end <= _FAR:
            return mention.values[0]
    own = [m for m in own if m.start < number.start or not turns(place.low, number.end, m.start)] or (
        [] if before else own
    )
    estimated = [m for m in own if m.values[0] == "estimated_liquidations"]
    if own and estimated and all(m.values[0] in LIQUIDATIONS for m in own):
        return "estimated_liquidations"
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
