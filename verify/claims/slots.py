"""The slots of a claim: what each number of a text counts, for whom, where, when, and who says so.

A number takes what its own clause says first, then its sentence, then what was said before: by an earlier number of the
sentence, by the heading, the lead-in of its list or the labels of its table, or, where the sentence points back, by the
sentence before. What no one says stays open and is named in `missing`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from verify.claims import windows, words
from verify.claims.carry import from_claim, from_neighbour, may_share, said_before, shared_with_headline
from verify.claims.claim import LEVELS, LIQUIDATIONS, PRICES, Claim, Reading, family
from verify.claims.spans import Alone, Kind, Number, fold, scan
from verify.claims.text import Block, Document, Sentence
from verify.claims.text import Kind as BlockKind
from verify.claims.windows import Dateline, When
from verify.claims.words import Mention
from verify.model.amount import Hedge
from verify.model.quantity import CountUnit, Side

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
_MOVING = frozenset(
    {"price_change", "etf_net_flow", "open_interest_drop", "unrealised_gain", "volatility_change", "market_value",
     "position", "value_locked"}
)  # fmt: skip
_SEPARATOR = re.compile(
    r"[,;:()，；：（）。—]| – |\b(?:while|whereas|and|but|as|after|when|amid|following|because|with|against|of which"
    r"|of that|versus|or|from)\b|其中|而"
)
_ASIDE = re.compile(r"[;。；]|\b(?:as|while|whereas|after|when)\b")
_COMPARED = re.compile(r"\b(?:than|compared (?:to|with)|from (?:yesterday|the day|a day|a week|last))\b|较|比")
#: All that a fund ever took in, whatever day is spoken of.
_EVER = re.compile(r"历史|歷史|\bcumulative\b|\ball-time\b|since (?:launch|inception|their launch|its launch)")
_CONTRAST = re.compile(r"\b(?:by contrast|in contrast|in comparison|compared|versus|whereas)\b|相比|对比")
_ASIDES = re.compile(r"[(（][^()（）]{0,40}[)）]")
_NO_PRICE = re.compile(r"\b(?:ratio|index|score|rank)\b[^.;]*$")
_TURN = re.compile(r"[;；]|\b(?:while|whereas|although|though|is sitting)\b|而|但")
_AFTER = re.compile(
    r"['’]?s?\s?(?:worth )?(?:in|of|from|on|for|by|were|was|long|short|bullish|bearish|at|across|的|多|空"
    r"|liquidat\w{2,4})?\b"
)
_LISTED = re.compile(r"\s?(?:,|，|、|和|与|及|and|&|/){1,2}\s?(?:and )?(?:about |some |roughly |约)?")
_RESPECTIVELY = re.compile(r"\brespectively\b|分别|分別")
_APPOSED = re.compile(r"\s?[(（](?:or|about|around|roughly|some|约|即)?\s?")
#: A sum that is smaller is no sum of liquidations that anybody prints without saying so.
_LEAST = 10_000
_UNIT = 100
#: How far into a sentence a time may begin to stand for all of it ("On Monday, ...").
_SHORT = 4
_OF_WHOLE = re.compile(r"\sof (?:the |its |that |all )?(?:total |roughly |about |whole )?")
_DAY = timedelta(days=1)
_A_DAY = re.compile(r"\b(?:a|one|single)[ -]day\b", re.IGNORECASE)
_ROUND = 2
_MOST_THRESHOLD = Decimal(100_000_000)
_THRESHOLD_AFTER = re.compile(
    r"(?:above|over|exceeding|exceeded|more than|larger than|bigger than|greater than|of at least|in excess of"
    r"|worth over"
    r"|超过|超過|大于|>)\s?$"
)
_MOST_LEAD = 80
_MOST_GAP = 60


def extract(document: Document, published: Dateline | None = None) -> Reading:
    """Find every claim of a document. Without `published`, the document's own date or first full date counts."""
    text = document.text
    dateline = published or (windows.dateline(document.published) if document.published else None)
    dateline = dateline or windows.dateline(text)
    low = fold(text)
    found = scan(text, low)
    alone = [Alone(*_place(document, a.start, a.end), a.reason) for a in found.alone]
    alone += [
        Alone(b.marker.start, b.marker.end, "a list number")
        for b in document.blocks
        if b.marker is not None and document.original[b.marker.start].isdigit()
    ]
    reader = _Reader(document, low, dateline)
    numbers = list(found.numbers)
    at = 0
    for position, sentence in enumerate(document.sentences):
        while at < len(numbers) and numbers[at].start < sentence.start:
            at += 1
        stop = at
        while stop < len(numbers) and numbers[stop].start < sentence.end:
            stop += 1
        reader.sentence(position, sentence, numbers[at:stop])
        at = stop
    claims = shared_with_headline(document, said_before(reader.claims))
    alone += reader.alone
    return Reading(document, tuple(claims), tuple(sorted(alone, key=lambda a: (a.start, a.end))), dateline)


def _place(document: Document, start: int, end: int) -> tuple[int, int]:
    span = document.place(start, end)
    return span.start, span.end


@dataclass(slots=True)
class _Context:
    """What a stretch of text says, for those numbers of it that say nothing themselves."""

    side: list[Mention]
    assets: list[Mention]
    venues: list[Mention]
    metrics: list[Mention]
    whens: list[When]
    attributions: list[Mention]


class _Reader:
    """Goes through the sentences in order and keeps what later ones may point back to."""

    def __init__(self, document: Document, low: str, published: Dateline | None) -> None:
        self.document = document
        self.text = document.text
        self.low = low
        self.published = published
        self.claims: list[Claim] = []
        self.alone: list[Alone] = []
        self.heading: tuple[int, int] | None = None
        self.lead: tuple[int, int] | None = None
        self._contexts: dict[tuple[int, int], _Context] = {}
        self.topic = words.TOPIC.search(low) is not None

    def sentence(self, position: int, sentence: Sentence, numbers: Sequence[Number]) -> None:
        block = self.document.blocks[sentence.block]
        if numbers:
            numbers, thresholds = self._thresholds(sentence, numbers)
            self._claims(position, sentence, numbers, thresholds)
        if block.kind is BlockKind.HEADING:
            self.heading, self.lead = (sentence.start, sentence.end), None
        elif block.kind is BlockKind.PARAGRAPH:
            self.lead = (sentence.start, sentence.end) if self._leads(sentence, block) else None

    def _leads(self, sentence: Sentence, block: Block) -> bool:
        """Whether a sentence heads the list or table below: it ends in a colon, or is a short line without an end."""
        last = self.text[sentence.end - 1]
        whole = not self.text[block.start : sentence.start].strip() and not self.text[sentence.end : block.end].strip()
        return last in ":：" or (whole and block.end - block.start <= _MOST_LEAD and last not in ".!?。！？…")

    def context(self, start: int, end: int) -> _Context:
        key = (start, end)
        if key not in self._contexts:
            text, low = self.text, self.low
            sources = words.attributions(text, low, start, end)
            venues = [
                venue
                for venue in words.mentions("venues", text, low, start, end)
                if not any(source.start <= venue.start < source.end for source in sources)
                or words.OWN_VERB.match(low, venue.end, end)
                or words.OF_ITSELF.search(low[venue.end : end])
            ]
            self._contexts[key] = _Context(
                words.sides(low, start, end),
                words.mentions("assets", text, low, start, end),
                [
                    venue
                    for venue in venues
                    if not words.THAN.search(low, max(start, venue.start - 16), venue.start)
                    or low[venue.end : venue.end + 3].strip()[:1] in ("(", "（", "$")  # it has a number of its own
                ],
                words.metrics(low, start, end),
                [
                    replace(when, text=" ".join(text[when.start : when.end].split()))
                    for when in windows.find(low, start, end, self.published)
                ],
                sources,
            )
        return self._contexts[key]

    def _thresholds(self, sentence: Sentence, numbers: Sequence[Number]) -> tuple[list[Number], dict[int, Decimal]]:
        """Take the amounts that say from which size on something was counted out of the list, and to their counts."""
        kept, found = list(numbers), {}
        counts = [number for number in numbers if number.kind is Kind.COUNT]
        for number in numbers:
            if number.kind is not Kind.MONEY or not counts or number.amount.ends:
                continue
            before = self.low[max(sentence.start, number.start - 16) : number.start]
            if not _THRESHOLD_AFTER.search(before) or number.amount.value > _MOST_THRESHOLD:
                continue
            count = min(counts, key=lambda c: abs(c.start - number.start))
            if len(number.amount.digits.rstrip("0")) <= _ROUND and abs(count.start - number.start) <= _MOST_LEAD:
                found[count.start] = number.amount.value
                kept.remove(number)
                place = _place(self.document, number.start, number.end)
                self.alone.append(Alone(*place, f"the threshold of the count {count.amount.text}"))
        return kept, found

    def _claims(
        self, position: int, sentence: Sentence, numbers: Sequence[Number], thresholds: dict[int, Decimal]
    ) -> None:
        context = self.context(sentence.start, sentence.end)
        shown = " ".join(self.text[sentence.start : sentence.end].split())
        made: list[Claim] = []
        used: set[int] = set()
        for index, number in enumerate(numbers):
            region = self._region(sentence, numbers, index)
            claim = Claim(
                number,
                *_place(self.document, number.start, number.end),
                shown,
                threshold=thresholds.get(number.start),
                block=sentence.block,
                position=position,
                event=windows.speaks_of_event(self.low, sentence.start, sentence.end),
            )
            claim = self._fill(claim, context, sentence, region, made, used)
            claim = self._carry(claim, sentence, context, made)
            claim = self._by_topic(claim, context, region, made)
            if self._is_figure(claim, context):
                made.append(claim)
            else:
                self.alone.append(Alone(claim.start, claim.end, "nothing says what it counts"))
        made = self._sides_dealt(made, sentence)
        told = _RESPECTIVELY.search(self.low, sentence.start, sentence.end) is not None
        made = self._dealt_out(made, told=told)
        self.claims += made

    def _whole_of(self, share: Number, number: Number) -> bool:
        """Whether a number is what the percentage before it is a share of."""
        between = self.low[share.end : number.start]
        return share.kind is Kind.PERCENT and number.kind is Kind.MONEY and _OF_WHOLE.fullmatch(between) is not None

    def _dealt_out(self, made: Sequence[Claim], *, told: bool) -> list[Claim]:
        """ "OKX and Bybit with $366M and $106M": the first name to the first number, and so on.

        Where "respectively" is not told, only as many numbers as names with nothing but commas between them.
        """
        dealt = list(made)
        for slot in ("venues", "assets"):
            at = 0
            while at < len(dealt):
                names: tuple[str, ...] = getattr(dealt[at], slot)
                run = dealt[at : at + len(names)]
                alike = len(names) > 1 and len(run) == len(names) and all(getattr(c, slot) == names for c in run)
                joined = told or all(
                    _LISTED.fullmatch(self.low[a.number.end : b.number.start]) for a, b in pairwise(run)
                )
                if alike and joined:
                    changed = [replace(c, **{slot: (name,)}) for c, name in zip(run, names, strict=True)]  # type: ignore[arg-type]
                    dealt[at : at + len(names)] = changed
                at += len(names) if alike and joined else 1
        return dealt

    def _sides_dealt(self, made: list[Claim], sentence: Sentence) -> list[Claim]:
        """ "Long/Short: $1.19B / $120M": the first side to the first number, the second to the second."""
        label = words.LONG_AND_SHORT.search(self.low, sentence.start, sentence.end)
        after = [i for i, claim in enumerate(made) if label is not None and claim.number.start >= label.end()]
        if label is None or len(after) != 2:
            return made
        sides = ["long" if (side or "").startswith(("l", "多")) else "short" for side in label.groups() if side]
        dealt = list(made)
        for index, side in zip(after, sides, strict=True):
            dealt[index] = replace(made[index], side=Side(side))
        return dealt

    def _by_topic(self, claim: Claim, context: _Context, region: tuple[int, int], made: Sequence[Claim]) -> Claim:
        """What a bare number of a text about liquidations counts: one with a side, or in a list or table of names."""
        if claim.metric or not self.topic:
            return claim
        block = self.document.blocks[claim.block]
        listed = block.kind in (BlockKind.ITEM, BlockKind.CELL) and bool(claim.venues or claim.assets)
        sentence = self.document.sentences[claim.position]
        listed = listed or (
            bool(claim.venues) and words.HAD_ITS_PART.search(self.low, sentence.start, sentence.end) is not None
        )
        sided = claim.side is not Side.BOTH
        taken = {**claim.carried, "metric": "the topic of the text"}
        if claim.kind is Kind.MONEY and claim.number.amount.value >= _LEAST and (sided or listed):
            other = words.NOT_LIQUIDATED.search(self.low, *self._clause(claim.number, region))
            return claim if other or context.metrics else replace(claim, metric="liquidations", carried=taken)
        if made and self._whole_of(made[-1].number, claim.number) and made[-1].metric == "share":
            return replace(claim, metric="liquidations", carried=taken)
        if claim.kind is Kind.PERCENT and (listed or sided) and made and made[-1].metric == "liquidations":
            return replace(claim, metric="share", carried=taken)
        return claim

    def _region(self, sentence: Sentence, numbers: Sequence[Number], index: int) -> tuple[int, int]:
        """The stretch between a number's neighbours; one in brackets right behind it says the same and is none."""
        start = numbers[index - 1].end if index else sentence.start
        here = numbers[index].kind is Kind.PERCENT
        for after in range(index + 1, len(numbers)):
            other = numbers[after]
            gap, behind = self.low[numbers[after - 1].end : other.start], self.low[other.end : other.end + 2]
            if here and after == index + 1 and other.kind is Kind.MONEY and _OF_WHOLE.fullmatch(gap):
                continue  # "92% of the $1.31 billion came from longs"
            if other.kind is numbers[index].kind or not _APPOSED.fullmatch(gap) or behind[:1] not in (")", "）"):
                return start, other.start
        return start, sentence.end

    def _is_figure(self, claim: Claim, context: _Context) -> bool:
        """A number without currency or unit is a figure only where its sentence says what it is."""
        if claim.kind is Kind.MONEY and not claim.number.amount.currency:
            left = self.low[max(0, claim.number.start - _MOST_GAP) : claim.number.start]
            return not _NO_PRICE.search(left) and bool(claim.metric or context.side or context.metrics)
        amount = claim.number.amount  # "for every $1 of shorts"
        return not (claim.metric == "liquidations" and claim.kind is Kind.MONEY and amount.high < _UNIT)

    def _fill(
        self,
        claim: Claim,
        context: _Context,
        sentence: Sentence,
        region: tuple[int, int],
        made: Sequence[Claim],
        used: set[int],
    ) -> Claim:
        number = claim.number
        metric = self._metric(number, context, sentence, region, made)
        last = made[-1] if made else None
        if last is not None and last.kind is Kind.COIN and number.kind is Kind.MONEY:
            apposed = _APPOSED.fullmatch(self.low[last.number.end : number.start])
            metric = last.metric if apposed else metric
        if metric and words.USUAL.search(self.low, max(region[0], number.start - _MOST_GAP), number.start):
            metric = "usual_level" if metric not in PRICES and metric != "reference_price" else metric
        if metric in LIQUIDATIONS and words.HYPOTHETICAL.search(self.low, sentence.start, sentence.end):
            metric = "liquidation_risk"
        near = last is not None and (family(last.metric) == family(metric) or not metric or not last.metric)
        total = words.TOTAL.search(self.low, *self._clause(number, region)) is not None and metric != "share"
        whole = last is not None and self._whole_of(last.number, number)
        total = total or whole
        side = None if whole else self._own(context.side, number, sentence, region, used)
        assets = None if whole else self._own(context.assets, number, sentence, region, used)
        venues = None if whole else self._own(context.venues, number, sentence, region, used)
        if number.kind is Kind.COIN:
            assets = (number.asset,)
        own_side = last is not None and last.side is not Side.BOTH and (last.metric != "share" or metric == "share")
        if side is None and near and last is not None and own_side and not total:
            side = (str(last.side),) if metric in LIQUIDATIONS or not metric or metric == "realised_gain" else None
        if assets is None and near and last is not None and not total:
            assets = last.assets or None
        if venues is None and near and last is not None and not total:
            venues = last.venues or None
        if metric in PRICES and assets is None:
            assets = next((m.values for m in reversed(context.assets) if m.start < number.start), None)
        if metric in ("etf_net_flow", "holding", "unrealised_gain", "volatility_change", "realised_gain", "position"):
            assets = assets or next((m.values for m in context.assets), None)
            side = side or (
                next((m.values for m in context.side), None) if metric in ("position", "realised_gain") else None
            )
        elif metric in LIQUIDATIONS or not metric:
            lone = len(context.side) == 1 and not made
            behind = bool(context.side) and context.side[0].start > number.end and region[1] == sentence.end
            side = side or (context.side[0].values if lone and behind and not total else None)
            alone = region == (sentence.start, sentence.end)
            told = len(context.venues) == 1 and (alone or context.venues[0].start < number.start)
            if venues is None and told and not total:
                venues = context.venues[0].values
        elif venues is None and len(context.venues) == 1:
            venues = context.venues[0].values
        if metric in PRICES or metric == "etf_net_flow":
            side = None
        when = self._when(context, number, sentence, region, metric)
        if when is not None and last is not None and not near and when is last.when and when.start < number.start:
            opening = when.end <= made[0].number.start and not self._turns(when.end, number.start)
            when = when if opening else None
        ever = metric == "etf_net_flow" and _EVER.search(self.low, *self._clause(number, region)) is not None
        if when is None and last is not None and near and metric not in LEVELS:
            when = last.when
        if when is not None and when.end <= number.start and _CONTRAST.search(self.low, when.end, number.start):
            when = None
        when = None if ever else when
        if when is not None and (moment := windows.as_of(self.low, sentence.start, sentence.end, self.published)):
            when = windows.read_at(when, moment)
        if not metric and number.kind is Kind.PERCENT and number.sign and last is not None and last.metric == "price":
            metric = "price_change"
        if number.unit is CountUnit.UNSPECIFIED and last is not None and last.unit is not None:
            number = replace(number, unit=last.unit)  # "112,000 traders ..., 17 of them"
        direction = self._direction(number, metric, sentence, region)
        if not direction and metric in _MOVING and last is not None and last.metric == metric:
            direction = last.direction  # "fell by $190 billion to $2.4 trillion"
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
            attribution=self._attribution(context, number, region),
            direction=direction,
        )

    def _own(
        self, found: Sequence[Mention], number: Number, sentence: Sentence, region: tuple[int, int], used: set[int]
    ) -> tuple[str, ...] | None:
        """What is said of a number between its neighbours: right behind it, in its clause, before it, after it."""
        after = [m for m in found if number.end <= m.start and m.end <= region[1]]
        before = [m for m in found if region[0] <= m.start and m.end <= number.start and m.start not in used]
        for mention in after[:1]:
            gap = self.low[number.end : mention.start]
            joined = not gap.strip() or _AFTER.match(gap + " ")
            if len(gap) <= _MOST_GAP and not _SEPARATOR.search(gap.replace(" from ", " ")) and joined:
                used.add(mention.start)
                return mention.values
        for mention in reversed(before):
            return mention.values
        if after and region[1] == sentence.end:
            gap = self.low[number.end : after[0].start]
            if not (_ASIDE if after[0].values[0] in ("long", "short") else _SEPARATOR).search(gap):
                return after[0].values
        return None

    def _clause(self, number: Number, region: tuple[int, int]) -> tuple[int, int]:
        start = region[0]
        for separator in _SEPARATOR.finditer(self.low, region[0], number.start):
            start = separator.end()
        after = _SEPARATOR.search(self.low, number.end, region[1])
        return start, after.start() if after else region[1]

    def _metric(
        self,
        number: Number,
        context: _Context,
        sentence: Sentence,
        region: tuple[int, int],
        made: Sequence[Claim],
    ) -> str:
        low = self.low
        left = low[max(region[0], number.start - 40) : number.start].rstrip("~$ ") + " "
        spoken = self._spoken(context.metrics, number, region)
        match number.kind:
            case Kind.FACTOR:
                return "factor"
            case Kind.POINTS:
                return "volatility_change" if spoken == "volatility_change" else "price_change"
            case Kind.COUNT:
                return "liquidation_count"
            case Kind.COIN:
                return spoken if spoken in ("holding", "open_interest") else "position"
            case Kind.PERCENT:
                clause = low[region[0] : region[1]]
                if spoken == "funding_rate":
                    return spoken
                if words.CHANCE.match(low, number.end):
                    return ""
                if words.BEYOND.match(low, number.end) and spoken in LIQUIDATIONS:
                    return ""
                compared = _COMPARED.search(clause) is not None
                begin, stop = self._clause(number, region)
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
                if spoken == "open_interest" or (made and made[-1].metric == "open_interest"):
                    return "open_interest_drop" if words.FALL.search(clause) else "share"
                market = bool(context.assets) or words.PRICE.search(low, sentence.start, sentence.end)
                reach = (sentence.start, sentence.end) if market else (begin, stop)
                moves = words.FALL.search(low, *reach) or words.RISE.search(low, *reach)
                level = words.TO_PERCENT.search(left) and not words.MOVE_NOUN.search(low, region[0], number.start)
                if level:
                    return "share" if made and made[-1].metric == "share" else ""
                if moves:
                    return "price_change"
                if made and made[-1].metric == "price_change" and not self._turns(made[-1].number.end, number.start):
                    return "price_change"
                told = (
                    any(begin <= m.start < stop for m in context.side)
                    or self._in_cell(sentence)
                    or (made and made[-1].metric in LIQUIDATIONS)
                )
                return "share" if told else ""
        if words.REFERENCE_PRICE.search(low, region[0], number.start) and number.amount.value < 1_000_000:
            return "reference_price"
        small = number.amount.value < 1_000_000 and (not number.amount.currency or "万" not in number.amount.text)
        if not small and number.amount.value < 1_000_000 and words.BROKE.search(left):
            small = any(m.start < number.start for m in context.assets)
        if small:
            ahead = words.LEVEL_AHEAD.search(left)
            coins = any(m.start < number.start for m in context.assets) or words.PRICE.search(
                low, sentence.start, sentence.end
            )
            broke = words.BROKE.search(left) or words.LEVEL_NOUN.match(low, number.end) or ahead
            beside = next((m for m in context.assets if 0 <= number.start - m.end <= _SHORT // 2), None)
            if (beside is not None and not spoken) or left.endswith("price: "):
                return "price"
            if (broke or (coins and words.TO_LEVEL.search(left))) and spoken in _BESIDE_PRICES:
                return "price"
            if coins and not spoken and words.BY_AMOUNT.search(left):
                return "price_change"
        if spoken == "open_interest":
            fall = words.FALL.search(low, *self._clause(number, region))
            return "open_interest_drop" if fall else "open_interest"
        if spoken in ("volatility_change", "funding_rate"):
            spoken = ""
        if spoken in ("holding", "position") and not (made and made[-1].kind is Kind.COIN):
            forced = [m.values[0] for m in context.metrics if m.values[0] in LIQUIDATIONS]
            spoken = forced[0] if forced else spoken if self._deals(number) else ""
        if spoken == "market_value" and (value := low.find("market value")) and value > number.end and not made:
            return "market_value"
        if not spoken and words.FUND.search(low, sentence.start, number.start):
            begin, stop = self._clause(number, region)
            if words.FALL.search(low, begin, stop) or words.RISE.search(low, begin, stop):
                return "etf_net_flow" if "etf" in low[sentence.start : number.start] or context.venues else ""
        return spoken

    def _spoken(self, found: Sequence[Mention], number: Number, region: tuple[int, int]) -> str:
        """The metric whose words stand nearest, those of the number's own stretch first."""
        if not found:
            return ""
        own = [m for m in found if region[0] <= m.start and m.end <= region[1]]
        before = [m for m in found if m.end <= number.start]
        if own:
            for mention in own:  # "a $16.7 million long, the largest of the day"
                if mention.values[0] == "largest_liquidation" and 0 <= mention.start - number.end <= _MOST_GAP // 2:
                    return mention.values[0]
            nearest = min(
                own,
                key=lambda m: min(abs(m.start - number.end), abs(number.start - m.end)) + 30 * self._apart(m, number),
            )
            return nearest.values[0]
        return before[-1].values[0] if before else found[0].values[0]

    def _leads_on(self, when: When, number: Number, region: tuple[int, int], sentence: Sentence) -> bool:
        """Whether a time behind a number stands before the next one, of which it speaks: "..., and on Monday $5M"."""
        if not number.end <= when.start < region[1] or region[1] == sentence.end:
            return False
        apart = _SEPARATOR.search(_ASIDES.sub(" ", self.low[number.end : when.start]))
        return apart is not None and not _SEPARATOR.search(self.low, when.end, region[1])

    def _turns(self, start: int, end: int) -> bool:
        """Whether a sentence turns to another matter between two places."""
        return _TURN.search(self.low, start, end) is not None

    def _deals(self, number: Number) -> bool:
        """Whether a sum is the size of a deal in a coin: "a $98 million ETH short", "$12 million worth of SOL"."""
        end = min(number.end + _MOST_LEAD // 2, len(self.low))
        return any(
            not _SEPARATOR.search(self.low[number.end : m.start].replace(" of ", " "))
            for m in words.mentions("assets", self.text, self.low, number.end, end)
        )

    def _apart(self, mention: Mention, number: Number) -> bool:
        between = (mention.end, number.start) if mention.end <= number.start else (number.end, mention.start)
        return _SEPARATOR.search(self.low, *between) is not None

    def _when(
        self, context: _Context, number: Number, sentence: Sentence, region: tuple[int, int], metric: str
    ) -> When | None:
        """The stated time that a number belongs to; a price level belongs to a moment, not to a stretch of hours."""
        found = [
            when
            for when in context.whens
            if not (when.start <= number.start < when.end) and (when.calendar or metric not in LEVELS)
        ]
        begin, end = self._clause(number, region)
        if metric in LEVELS:
            lead = sentence.start + _SHORT
            found = [w for w in found if w.end <= end and (w.start >= begin or w.start <= lead)]
        elif metric in LIQUIDATIONS:  # "the crash on Monday ..., with $750M in liquidations" is not Monday's sum
            found = [
                w
                for w in found
                if not w.calendar or begin <= w.start < end or not windows.qualifies_event(self.low, sentence.start, w)
            ]
        found = [w for w in found if not self._leads_on(w, number, region, sentence)]
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
                w for w in context.whens if w.calendar and w.end <= chosen.start and any(c.isdigit() for c in w.text)
            ]
            chosen = dated[-1] if dated and not self._turns(dated[-1].end, chosen.start) else chosen
        return windows.trading_week(chosen) if metric == "etf_net_flow" else chosen

    def _attribution(self, context: _Context, number: Number, region: tuple[int, int]) -> str:
        found = context.attributions
        if not found:
            return ""
        if len(found) == 1:
            return found[0].values[0]
        for cited in found:
            if words.CITED.search(self.low, max(0, cited.start - 30), cited.start):
                return cited.values[0]
        after = [m for m in found if number.end <= m.start and m.end <= region[1]]
        before = [m for m in found if m.end <= number.start]
        own = [m for m in before if m.start >= region[0]]
        chosen = (after[:1] if after and not own else []) or own[-1:] or before[-1:] or found[:1]
        return chosen[0].values[0]

    def _direction(self, number: Number, metric: str, sentence: Sentence, region: tuple[int, int]) -> str:
        low = self.low
        if metric == "price":
            left = low[max(region[0], number.start - 40) : number.start].rstrip("~$ ") + " "
            return "broke" if words.BROKE.search(left) else "level"
        if metric == "open_interest":
            return "level"
        if metric not in _MOVING:
            return ""
        if number.sign:
            return "fall" if number.sign == "-" else "rise"
        before, whole = (sentence.start, number.start), (sentence.start, sentence.end)
        stretches = [self._clause(number, region), region, before, whole]
        for start, end in stretches[:2] if metric in LEVELS else stretches:
            falls = [m.start() for m in words.FALL.finditer(low, start, end)]
            rises = [m.start() for m in words.RISE.finditer(low, start, end)]
            if falls or rises:
                nearest = min(falls + rises, key=lambda at: abs(at - number.start))
                return "fall" if nearest in falls else "rise"
        return ""

    def _in_cell(self, sentence: Sentence) -> bool:
        return self.document.blocks[sentence.block].kind is BlockKind.CELL

    def _carry(self, claim: Claim, sentence: Sentence, context: _Context, made: Sequence[Claim]) -> Claim:
        """Fill open slots from labels, lead-in, heading or the sentence that is pointed back to."""
        block = self.document.blocks[sentence.block]
        carried = dict(claim.carried)
        for span in block.context:
            claim = self._from(claim, self.context(span.start, span.end), "the table's labels", carried)
        if block.kind in (BlockKind.ITEM, BlockKind.CELL) and self.lead is not None:
            claim = self._from(claim, self.context(*self.lead), "the lead-in", carried, above=True)
        if block.kind in (BlockKind.ITEM, BlockKind.CELL) and self.heading is not None:
            claim = self._from(claim, self.context(*self.heading), "the heading", carried, above=True)
        if block.kind is BlockKind.ITEM and sentence.start > block.start:
            colon = min(
                (i for i in (self.text.find(c, block.start, sentence.start) for c in ":：") if i > 0), default=-1
            )
            if 0 < colon - block.start < _MOST_LEAD:
                claim = self._from(claim, self.context(block.start, colon), "the item's lead-in", carried)
        if made:
            alike = [c for c in made if c.kind is claim.kind]
            claim = from_neighbour(claim, alike[-1] if alike else made[-1], carried)
        previous = self.claims[-1] if self.claims and not made else None
        if previous and previous.block == sentence.block and previous.position == claim.position - 1:
            points = words.PRONOUN.search(self.low, sentence.start, sentence.end) is not None
            short = bool(context.whens) and sentence.end - sentence.start <= _MOST_GAP
            named = bool(context.venues or context.side or context.assets)
            goes_on = points or (not context.metrics and (named or short))
            alike = [c for c in self._before(previous) if c.kind is claim.kind and may_share(c, claim)]
            goes_on = goes_on and not words.NOT_LIQUIDATED.search(self.low, sentence.start, sentence.end)
            claim = from_claim(claim, alike[0] if alike else previous, points, goes_on, carried)
            same = words.SAME_TIME.search(self.low, sentence.start, sentence.end)
            if same is not None and claim.when is None and previous.when is not None and claim.metric not in LEVELS:
                carried["when"] = "the sentence before"
                claim = replace(claim, when=previous.when)
        if carried != claim.carried:
            claim = replace(claim, carried=carried)
        return claim

    def _before(self, last: Claim) -> list[Claim]:
        """The claims of the sentence that `last` stands in, the last first."""
        found = []
        for claim in reversed(self.claims):
            if claim.position != last.position:
                break
            found.append(claim)
        return found

    def _from(
        self, claim: Claim, context: _Context, source: str, carried: dict[str, str], *, above: bool = False
    ) -> Claim:
        """Take open slots from a context; of what stands `above` a whole list only time and source go everywhere."""
        changes: dict[str, object] = {}
        if not claim.metric and context.metrics and claim.kind is Kind.MONEY:
            changes["metric"] = context.metrics[0].values[0]
        bare = not claim.metric or "metric" in carried or not above  # a whole sentence of its own needs no scope
        if (
            bare
            and claim.side is Side.BOTH
            and len(context.side) == 1
            and (changes.get("metric", claim.metric) in (*LIQUIDATIONS, ""))
        ):
            changes["side"] = Side(context.side[0].values[0])
        if bare and not claim.assets and len(context.assets) == 1:
            changes["assets"] = context.assets[0].values
        if bare and not claim.venues and len(context.venues) == 1:
            changes["venues"] = context.venues[0].values
        if claim.when is None and len(context.whens) == 1 and claim.metric not in ("price", "share"):
            changes["when"] = context.whens[0]
        if not claim.attribution and len(context.attributions) == 1:
            changes["attribution"] = context.attributions[0].values[0]
        for slot in changes:
            carried[slot] = source
        return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]
