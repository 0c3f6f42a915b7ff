"""What a number's own sentence says of it: side, assets, venues, time, direction and source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from verify.claims import windows, words
from verify.claims.claim import LEVELS, LIQUIDATIONS, PRICES, Claim, matter
from verify.claims.clocks import as_of
from verify.claims.dates import Dateline, When
from verify.claims.metric import metric_of
from verify.claims.regions import APPOSED, SEPARATOR, Place, turns, whole_of
from verify.claims.sources import source_of
from verify.claims.spans import Kind
from verify.claims.timing import direction_of, when_of
from verify.claims.words import Mention
from verify.model.amount import Hedge
from verify.model.quantity import CountUnit, Side

_ASIDE = re.compile(r"[;。；]|\b(?:as|while|whereas|after|when)\b")
#: All that a fund ever took in, whatever day is spoken of.
_EVER = re.compile(r"历史|歷史|\bcumulative\b|\ball-time\b|since (?:launch|inception|their launch|its launch)")
_CONTRAST = re.compile(r"\b(?:by contrast|in contrast|in comparison|compared)\b|相比|对比")
_AFTER = re.compile(
    r"['’]?s?\s?(?:worth )?(?:\$?[a-z]{2,6} (?=long|short))?(?:in|of|from|on|for|by|were|was|long|short|bullish"
    r"|bearish|at|across|的|多|空"
    r"|liquidat\w{2,4})?\b"
)
_BRACKETED = re.compile(r"\s?[(（][^()（）0-9]{0,40}")
_MOST_GAP = 60
#: "$8.7 million, BTC-USDT on Bybit"
_PAIR_BEHIND = re.compile(r", (?:an? |in )?(?:[0-9]{1,3}x )?")
_ENDED = re.compile(r"[.!?。！？][\"”']")
_BEYOND = re.compile(r"[\W_]{0,3}(?:above|below|beneath|beyond|under|past)\b")
_NEXT = 10
_OTHERS = re.compile(r"\b(?:other|all|remaining|rest of|the) (?:[a-z]{2,8} ){0,2}(?:funds|etfs|products)\b")
_EVENT_OF = re.compile(
    r"(?:'s)? (?:price |flash |latest )?(?:rout|crash|plunge|slide|sell-?off|drop|slump|tumble|rally|jump|surge|dip"
    r"|fall|decline"
    r"|correction|volatility|weakness|breakout|rebound|bounce|retreat|descent|move)\b|(?:价格)?(?:暴跌|大跌|暴涨|大涨|闪崩|急跌|急挫)"
)
#: Of what else a percentage may be a share.
_WHOLES = frozenset({"dex_volume", "open_interest", "etf_net_flow", "auto_deleveraging"})
_FUNDS_OF = re.compile(r"\b(?:etfs|funds|products|trusts|etps)\b|基金|etf(?!s?\s?净)")
_GAINS = frozenset({"realised_gain", "unrealised_gain"})
_TIMELESS_LEVELS = LEVELS | {"implied_volatility", "reference_price", "usual_level"}
_OWN_SUBJECT = re.compile(r"[,;，；]|\b(?:while|and|but)\b")
#: A coin that a sentence is about from its first word on: "XRP, which lost 6% ..., saw $21 million in liquidations".
_SUBJECT = re.compile(r"(?:, (?:which|the|whose|now|down|up)\b| \()")
#: Whose sums have a side.
_SIDED = LIQUIDATIONS | {"", "position", "realised_gain", "unrealised_gain", "holding"}
_WORTH = re.compile(
    r"[^.;0-9]{0,40}(?:\b(?:worth|valued at|value of|totall?ing|for a total of)|价值|合计|总额|总金额|涉及金额)\s?"
    r"(?:about |around |some |nearly |over |roughly )?[约超近]?"
)
#: Of what a level can be crossed that is no price.
_CROSSED = frozenset({"market_value", "open_interest", "implied_volatility", "funding_rate", ""})
_CROSSES = re.compile(
    r"\b(?:f[ae]ll\w{0,3}|dropp?\w{0,3}|slid\w{0,3}|slipp?\w{0,3}|sank|sink\w{0,3}|dipp?\w{0,3}|push\w{0,3}"
    r"|driv\w{1,3}|drag\w{0,4}"
    r"|sen[dt]\w{0,3}|knock\w{0,3}|plung\w{1,3}|tumbl\w{1,3}|rose|ris\w{1,3}|climb\w{0,3}|mov\w{1,3}|back|briefly"
    r"|took|taking|jump\w{0,3})"
    r" (?:[a-z]{1,12} ){0,6}(?:below|under|above|over)\s?$|(?:跌破|升破|突破)\s?$"
)
#: Metrics whose coin, party or fund may stand anywhere in the sentence.
_OF_ONE_PARTY = frozenset(
    {"etf_net_flow", "holding", "unrealised_gain", "volatility_change", "realised_gain", "position"}
)


def filled(claim: Claim, place: Place, published: Dateline | None, used: set[int]) -> Claim:
    """The claim with the slots that its sentence fills; `used` are the mentions that earlier numbers took."""
    number, context, last, region = place.number, place.context, place.last, place.region
    metric = _metric(place)
    near = last is not None and (matter(last.metric) == matter(metric) or not metric or not last.metric)
    near = near or (metric == "share" and last is not None and last.metric in _WHOLES)
    near = near and (bool(metric) or not words.NOT_LIQUIDATED.search(place.low, *place.clause))
    whole = last is not None and whole_of(place.low, last.number, number)
    total = whole or (words.TOTAL.search(place.low, *place.clause) is not None and metric != "share")
    worth = last is not None and last.kind is Kind.COUNT and _WORTH.fullmatch(place.low[last.number.end : number.start])
    total = total and not worth
    lends = last if near and not total and not _of_others(place) else None
    named_assets, named_venues = _told_apart(place, metric)
    side = None if whole else _own(context.side, place, used)
    side = side if side is None or len(side) == 1 else ()
    assets = None if whole else _own(named_assets, place, used)
    venues = None if whole else _own(named_venues, place, used)
    if number.kind is Kind.COIN:
        assets = (number.asset,)
    if side is None and lends is not None and lends.side is not Side.BOTH:
        told = lends.metric != "share" or metric == "share"
        sided = (metric in LIQUIDATIONS and metric != "largest_liquidation") or metric in ("", "realised_gain")
        # "其中多头爆仓 17.6 亿美元，以太坊爆仓 7 亿美元": parted in another way
        parted = bool(assets) and not lends.assets and any(region[0] <= m.start < number.start for m in context.metrics)
        side = (str(lends.side),) if told and sided and not parted else None
    if assets is None and lends is not None:
        assets = lends.assets or None
    grouped = metric == "etf_net_flow" and (
        _OTHERS.search(place.low, *region) or _FUNDS_OF.search(place.low, region[0], number.start)
    )
    if venues is None and lends is not None and not grouped:
        venues = lends.venues or None
    if metric in (*PRICES, "reference_price") and assets is None:
        assets = next((m.values for m in reversed(named_assets) if m.start < number.start), None)
    if metric in _OF_ONE_PARTY:
        assets = assets or next((m.values for m in named_assets), None)
        one = next((m for m in context.side if len(m.values) == 1), None)
        begin, stop = place.clause
        if one is not None and (metric == "position" or (metric in _GAINS and begin <= one.start < stop)):
            side = side or one.values
        elif metric in _GAINS and not any(begin <= m.start < stop for m in context.side):
            side = None
        if (
            metric == "position"
            and venues is None
            and len(named_venues) == 1
            and number.kind in (Kind.COIN, Kind.MONEY)
        ):
            venues = named_venues[0].values
    elif metric in LIQUIDATIONS or not metric:
        lone = len(context.side) == 1 and last is None and len(context.side[0].values) == 1
        behind = bool(context.side) and context.side[0].start > number.end and region[1] == place.sentence.end
        if side is None and lone and behind and not total:
            side = context.side[0].values
        told = (
            len(named_venues) == 1
            and not _of_others(place)
            and (region == place.whole or named_venues[0].start < number.start)
        )
        if venues is None and told and not total:
            venues = named_venues[0].values
    elif venues is None and len(named_venues) == 1:
        venues = named_venues[0].values
    if metric not in _SIDED:
        side = None
    if metric in LIQUIDATIONS and assets is None and not total and context.assets:
        first = context.assets[0]
        opens = first.start - place.sentence.start <= 1 and _SUBJECT.match(place.low, first.end)
        assets = first.values if opens else None
    if metric == "liquidation_risk" and not assets:
        levels = (c.assets for c in reversed(place.made) if c.metric in ("price", "reference_price"))
        assets = next((names for names in levels if names), None)
    if number.kind is Kind.FACTOR:  # it is said of the figure before, not of what stands behind it
        assets, venues = (last.assets, last.venues) if last is not None and last.metric else ((), ())
    if metric == "share" and last is not None and last.kind is Kind.COIN:  # "4.28 million ETH, or 3.55% of supply"
        assets = last.assets
    when = _when(place, metric, near=near, published=published)
    if number.kind is Kind.FACTOR and last is not None and last.metric:
        when = last.when
    timeless = when is None and _is_timeless(place, metric)
    if not metric and number.kind is Kind.PERCENT and number.sign and last is not None and last.metric == "price":
        metric = "price_change"
    if number.unit is CountUnit.UNSPECIFIED and last is not None and last.unit is not None:
        number = replace(number, unit=last.unit)  # "112,000 traders ..., 17 of them"
    direction = direction_of(place, metric)
    crossed = (
        direction == "broke" or (metric in _CROSSED and _crosses(place)) or (metric == "reference_price" and timeless)
    )
    if crossed and number.hedge in (Hedge.OVER, Hedge.UNDER):  # "fell below $92,000" qualifies nothing
        number = replace(number, amount=number.amount.plain())
    return replace(
        claim,
        number=number,
        metric=metric,
        side=Side(side[0]) if side else Side.BOTH,
        assets=tuple(assets or ()),
        venues=tuple(venues or ()),
        when=when,
        timeless=timeless,
        attribution="" if metric == "reference_price" and _would_set_off(place) else source_of(place),
        direction=direction,
    )


def _would_set_off(place: Place) -> bool:
    """Whether a price is the condition of what would happen: "if bitcoin fell below $70,000, ... would"."""
    start, end = place.whole
    condition = words.CONDITION.search(place.low, start, place.number.start)
    condition = condition or _BEYOND.match(place.low, start, place.number.start)
    if condition is not None and _ENDED.search(place.low, condition.end(), place.number.start):
        return False
    return condition is not None and words.WOULD.search(place.low, start, end) is not None


def _told_apart(place: Place, metric: str) -> tuple[list[Mention], list[Mention]]:
    """The assets and the venues of a sentence: one name may be that of a protocol and of its token (Aave), and a
    venue before its own token ("Hyperliquid's HYPE") is not where its price was counted.
    """
    assets, venues = place.context.assets, place.context.venues
    if metric in PRICES or metric == "market_value":
        starts = {mention.start for mention in assets}
        venues = [
            v
            for v in venues
            if v.start not in starts
            and not any(
                0 <= a.start - v.end <= _NEXT and words.OF_VENUE.match(place.low, v.end, a.start) for a in assets
            )
        ]
    elif metric in LIQUIDATIONS or not metric:
        assets = [a for a in assets if not _EVENT_OF.match(place.low, a.end)]  # "Bitcoin rout wipes out $1.4 billion"
    if metric not in PRICES and metric != "market_value" and venues and assets:
        starts = {mention.start for mention in venues if not mention.values[0].isupper()}  # a fund names its asset
        assets = [asset for asset in assets if asset.start not in starts]
    return assets, venues


def _of_others(place: Place) -> bool:
    """Whether a count after a sum has a subject of its own: "$5M on Bybit, while 158,402 traders were ..."."""
    last, number = place.last, place.number
    if last is None or number.kind is not Kind.COUNT or last.kind is Kind.COUNT:
        return False
    return _OWN_SUBJECT.search(place.low, last.number.end, number.start) is not None


def _crosses(place: Place) -> bool:
    left = place.low[max(place.sentence.start, place.number.start - _MOST_GAP) : place.number.start]
    return _CROSSES.search(left) is not None


def _metric(place: Place) -> str:
    metric, last, number = metric_of(place), place.last, place.number
    if last is not None and last.kind is Kind.COIN and number.kind is Kind.MONEY:
        between = place.low[last.number.end : number.start]
        metric = last.metric if APPOSED.fullmatch(between) or _WORTH.fullmatch(between) else metric
    if number.kind in (Kind.MONEY, Kind.COIN) and metric not in PRICES and metric != "reference_price":
        usual = words.USUAL.search(place.low, max(place.region[0], number.start - _MOST_GAP), number.start)
        usual = usual or words.USUAL_BEHIND.match(place.low, number.end)
        metric = "usual_level" if usual else metric
    if number.kind is Kind.PERCENT and metric in ("funding_rate", "open_interest_drop", "implied_volatility", ""):
        usual = words.USUAL_RATE.search(place.low, max(place.region[0], number.start - _MOST_GAP), number.start)
        metric = "usual_level" if usual else metric
    if metric == "price" and _would_set_off(place):
        metric = "reference_price"
    if metric in LIQUIDATIONS and words.HYPOTHETICAL.search(place.low, *place.whole):
        metric = "liquidation_risk"
    return metric


def _when(place: Place, metric: str, *, near: bool, published: Dateline | None) -> When | None:
    number, last = place.number, place.last
    when = when_of(place, metric)
    if when is not None and last is not None and not near and when is last.when and when.start < number.start:
        opening = when.end <= place.made[0].number.start and not turns(place.low, when.end, number.start)
        when = when if opening else None
    if when is None and last is not None and near and metric not in _TIMELESS_LEVELS:
        when = last.when
    if when is None and metric not in _TIMELESS_LEVELS and words.SAME_TIME.search(place.low, *place.region):
        when = next((c.when for c in reversed(place.made) if c.when is not None), None)
    if when is not None and _contrasted(place, when):
        when = None
    if metric in ("usual_level", "liquidation_risk") or (
        metric == "etf_net_flow" and _EVER.search(place.low, *place.clause)
    ):
        return None
    if when is not None and (moment := as_of(place.low, *place.whole, published)):
        when = windows.read_at(when, moment)
    return when


def _contrasted(place: Place, when: When) -> bool:
    start = place.number.start
    return when.end <= start and _CONTRAST.search(place.low, when.end, start) is not None


def _is_timeless(place: Place, metric: str) -> bool:
    """Whether a figure takes no time from others: all that was ever counted, or one in contrast to one with a time."""
    if metric in ("liquidation_risk", "usual_level") or (metric == "reference_price" and _would_set_off(place)):
        return True
    if metric == "etf_net_flow" and _EVER.search(place.low, *place.clause):
        return True
    last = place.last
    return (last is not None and last.timeless) or any(_contrasted(place, when) for when in place.context.whens)


def _own(found: Sequence[Mention], place: Place, used: set[int]) -> tuple[str, ...] | None:
    """What is said of a number between its neighbours: right behind it, in its clause, before it, after it."""
    low, number, region = place.low, place.number, place.region
    after = [m for m in found if number.end <= m.start and m.end <= region[1]]
    before = [m for m in found if region[0] <= m.start and m.end <= number.start and m.start not in used]
    for mention in after[:1]:
        gap = low[number.end : mention.start].rstrip("$#*_")
        joined = not gap.strip() or _AFTER.match(gap + " ") is not None
        if _BRACKETED.fullmatch(gap):
            closed = low[mention.end : region[1]].count(")") + low[mention.end : region[1]].count("）")
            if closed or region[1] == place.sentence.end:
                return mention.values
            break  # "$164.3M (longs: $151.9M)": it is of the number in the brackets
        joined = joined and not SEPARATOR.search(gap.replace(" from ", " "))
        listed = _PAIR_BEHIND.fullmatch(gap) is not None and region[1] == place.sentence.end
        if len(gap) <= _MOST_GAP and "\n" not in gap and (joined or listed or words.VENUES_NAMED.fullmatch(gap)):
            used.add(mention.start)
            return mention.values
    for mention in reversed(before):
        return mention.values
    if after and region[1] == place.sentence.end:
        gap = low[number.end : after[0].start]
        if not (_ASIDE if after[0].values[0] in ("long", "short") else SEPARATOR).search(gap):
            return after[0].values
    return None
