"""What a number's own sentence says of it: side, assets, venues, time, direction and source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from verify.claims import windows, words
from verify.claims.claim import LEVELS, LIQUIDATIONS, PRICES, Claim, family
from verify.claims.metric import metric_of
from verify.claims.regions import APPOSED, SEPARATOR, Place, turns, whole_of
from verify.claims.sources import source_of
from verify.claims.spans import Kind
from verify.claims.timing import direction_of, when_of
from verify.claims.windows import Dateline, When
from verify.claims.words import Mention
from verify.model.amount import Hedge
from verify.model.quantity import CountUnit, Side

_ASIDE = re.compile(r"[;。；]|\b(?:as|while|whereas|after|when)\b")
#: All that a fund ever took in, whatever day is spoken of.
_EVER = re.compile(r"历史|歷史|\bcumulative\b|\ball-time\b|since (?:launch|inception|their launch|its launch)")
_CONTRAST = re.compile(r"\b(?:by contrast|in contrast|in comparison|compared|versus|whereas)\b|相比|对比")
_AFTER = re.compile(
    r"['’]?s?\s?(?:worth )?(?:in|of|from|on|for|by|were|was|long|short|bullish|bearish|at|across|的|多|空"
    r"|liquidat\w{2,4})?\b"
)
_MOST_GAP = 60
#: Metrics whose coin, party or fund may stand anywhere in the sentence.
_OF_ONE_PARTY = frozenset(
    {"etf_net_flow", "holding", "unrealised_gain", "volatility_change", "realised_gain", "position"}
)


def filled(claim: Claim, place: Place, published: Dateline | None, used: set[int]) -> Claim:
    """The claim with the slots that its sentence fills; `used` are the mentions that earlier numbers took."""
    number, context, last, region = place.number, place.context, place.last, place.region
    metric = _metric(place)
    near = last is not None and (family(last.metric) == family(metric) or not metric or not last.metric)
    whole = last is not None and whole_of(place.low, last.number, number)
    total = whole or (words.TOTAL.search(place.low, *place.clause) is not None and metric != "share")
    lends = last if near and not total else None
    side = None if whole else _own(context.side, place, used)
    assets = None if whole else _own(context.assets, place, used)
    venues = None if whole else _own(context.venues, place, used)
    if number.kind is Kind.COIN:
        assets = (number.asset,)
    if side is None and lends is not None and lends.side is not Side.BOTH:
        told = lends.metric != "share" or metric == "share"
        sided = metric in LIQUIDATIONS or not metric or metric == "realised_gain"
        side = (str(lends.side),) if told and sided else None
    if assets is None and lends is not None:
        assets = lends.assets or None
    if venues is None and lends is not None:
        venues = lends.venues or None
    if metric in PRICES and assets is None:
        assets = next((m.values for m in reversed(context.assets) if m.start < number.start), None)
    if metric in _OF_ONE_PARTY:
        assets = assets or next((m.values for m in context.assets), None)
        if metric in ("position", "realised_gain"):
            side = side or next((m.values for m in context.side), None)
    elif metric in LIQUIDATIONS or not metric:
        lone = len(context.side) == 1 and last is None
        behind = bool(context.side) and context.side[0].start > number.end and region[1] == place.sentence.end
        side = side or (context.side[0].values if lone and behind and not total else None)
        told = len(context.venues) == 1 and (region == place.whole or context.venues[0].start < number.start)
        if venues is None and told and not total:
            venues = context.venues[0].values
    elif venues is None and len(context.venues) == 1:
        venues = context.venues[0].values
    if metric in PRICES or metric == "etf_net_flow":
        side = None
    when = _when(place, metric, near=near, published=published)
    if not metric and number.kind is Kind.PERCENT and number.sign and last is not None and last.metric == "price":
        metric = "price_change"
    if number.unit is CountUnit.UNSPECIFIED and last is not None and last.unit is not None:
        number = replace(number, unit=last.unit)  # "112,000 traders ..., 17 of them"
    direction = direction_of(place, metric)
    if direction == "broke" and number.hedge in (Hedge.OVER, Hedge.UNDER):  # "fell below $92,000" qualifies nothing
        number = replace(number, amount=number.amount.plain())
    return replace(
        claim,
        number=number,
        metric=metric,
        side=Side(side[0]) if side else Side.BOTH,
        assets=tuple(assets or ()),
        venues=tuple(venues or ()),
        when=when,
        attribution=source_of(place),
        direction=direction,
    )


def _metric(place: Place) -> str:
    metric, last, number = metric_of(place), place.last, place.number
    if last is not None and last.kind is Kind.COIN and number.kind is Kind.MONEY:
        metric = last.metric if APPOSED.fullmatch(place.low[last.number.end : number.start]) else metric
    if metric and words.USUAL.search(place.low, max(place.region[0], number.start - _MOST_GAP), number.start):
        metric = "usual_level" if metric not in PRICES and metric != "reference_price" else metric
    if metric in LIQUIDATIONS and words.HYPOTHETICAL.search(place.low, *place.whole):
        metric = "liquidation_risk"
    return metric


def _when(place: Place, metric: str, *, near: bool, published: Dateline | None) -> When | None:
    number, last = place.number, place.last
    when = when_of(place, metric)
    if when is not None and last is not None and not near and when is last.when and when.start < number.start:
        opening = when.end <= place.made[0].number.start and not turns(place.low, when.end, number.start)
        when = when if opening else None
    if when is None and last is not None and near and metric not in LEVELS:
        when = last.when
    if when is not None and when.end <= number.start and _CONTRAST.search(place.low, when.end, number.start):
        when = None
    if metric == "etf_net_flow" and _EVER.search(place.low, *place.clause):
        return None
    if when is not None and (moment := windows.as_of(place.low, *place.whole, published)):
        when = windows.read_at(when, moment)
    return when


def _own(found: Sequence[Mention], place: Place, used: set[int]) -> tuple[str, ...] | None:
    """What is said of a number between its neighbours: right behind it, in its clause, before it, after it."""
    low, number, region = place.low, place.number, place.region
    after = [m for m in found if number.end <= m.start and m.end <= region[1]]
    before = [m for m in found if region[0] <= m.start and m.end <= number.start and m.start not in used]
    for mention in after[:1]:
        gap = low[number.end : mention.start]
        joined = not gap.strip() or _AFTER.match(gap + " ")
        if len(gap) <= _MOST_GAP and not SEPARATOR.search(gap.replace(" from ", " ")) and joined:
            used.add(mention.start)
            return mention.values
    for mention in reversed(before):
        return mention.values
    if after and region[1] == place.sentence.end:
        gap = low[number.end : after[0].start]
        if not (_ASIDE if after[0].values[0] in ("long", "short") else SEPARATOR).search(gap):
            return after[0].values
    return None
