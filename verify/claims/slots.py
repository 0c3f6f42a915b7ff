"""The slots of a claim: what each number of a text counts, for whom, where, when, and who says so.

A number takes what its own clause says first, then its sentence (`owning`), then what was said before: by an
earlier number of the sentence, by the heading, the lead-in of its list or the labels of its table, or, where the
sentence points back, by the sentence before (`lending`). What no one says stays open and is named in `missing`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from verify.claims import windows, words
from verify.claims.carry import said_before, shared_with_headline
from verify.claims.claim import LEVELS, Claim, Reading
from verify.claims.context import Context, Contexts
from verify.claims.dates import Dateline
from verify.claims.dealing import dealt, dealt_from_before
from verify.claims.lending import Lender
from verify.claims.owning import filled
from verify.claims.paragraphs import settled
from verify.claims.regions import Place, between_neighbours, clause_of, is_compared
from verify.claims.sources import in_passing
from verify.claims.spans import Alone, Kind, Number, fold, scan
from verify.claims.text import Document, Sentence
from verify.claims.text import Kind as BlockKind
from verify.claims.timing import direction_of

_NO_PRICE = re.compile(r"\b(?:ratio|index|score|rank)\b[^.;]*$")
_UNIT = 100
_ROUND = 2
_MOST_THRESHOLD = Decimal(100_000_000)
_THRESHOLD_AFTER = re.compile(
    r"(?:above|over|exceeding|exceeded|more than|larger than|bigger than|greater than|of at least|in excess of"
    r"|worth over|topped|topping|surpassed|passed"
    r"|超过|超過|大于|超|逾|高于|不低于|>)\s?$"
)
_LISTED = re.compile(r"\s?(?:,|、|，|and|&|/|和|与|及){1,2}[^0-9.;,，；]{0,24}")
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
    claims = settled(document, low, reader.contexts, said_before(reader.claims))
    claims = shared_with_headline(document, claims)
    alone += reader.alone
    return Reading(document, tuple(claims), tuple(sorted(alone, key=lambda a: (a.start, a.end))), dateline)


def _place(document: Document, start: int, end: int) -> tuple[int, int]:
    span = document.place(start, end)
    return span.start, span.end


class _Reader:
    """Goes through the sentences in order and keeps the claims that it makes."""

    def __init__(self, document: Document, low: str, published: Dateline | None) -> None:
        self.document = document
        self.text = document.text
        self.low = low
        self.published = published
        self.claims: list[Claim] = []
        self.alone: list[Alone] = []
        self.contexts = Contexts(document, low, published)
        self.lender = Lender(document, low, self.contexts)

    def sentence(self, position: int, sentence: Sentence, numbers: Sequence[Number]) -> None:
        if numbers:
            numbers, thresholds = self._thresholds(sentence, numbers)
            self._claims(position, sentence, numbers, thresholds)
        self.lender.passed(sentence)

    def _thresholds(self, sentence: Sentence, numbers: Sequence[Number]) -> tuple[list[Number], dict[int, Decimal]]:
        """Take the amounts that say from which size on something was counted out of the list, and to their counts."""
        kept, found = list(numbers), dict[int, Decimal]()
        counts = [number for number in numbers if number.kind is Kind.COUNT]
        for number in numbers:
            if number.kind is not Kind.MONEY or not counts or number.amount.ends:
                continue
            before = self.low[max(sentence.start, number.start - 16) : number.start]
            if not _THRESHOLD_AFTER.search(before) or number.amount.value > _MOST_THRESHOLD:
                continue
            count = min(counts, key=lambda c: (c.start > number.start, abs(c.start - number.start)))
            if len(number.amount.digits.rstrip("0")) <= _ROUND and abs(count.start - number.start) <= _MOST_LEAD:
                found.setdefault(count.start, number.amount.value)
                kept.remove(number)
                place = _place(self.document, number.start, number.end)
                self.alone.append(Alone(*place, f"the threshold of the count {count.amount.text}"))
        return kept, found

    def _claims(
        self, position: int, sentence: Sentence, numbers: Sequence[Number], thresholds: dict[int, Decimal]
    ) -> None:
        context = self.contexts.of(sentence.start, sentence.end)
        cell = self.document.blocks[sentence.block].kind is BlockKind.CELL
        shown = " ".join(self.text[sentence.start : sentence.end].split())
        event = windows.speaks_of_event(self.low, sentence.start, sentence.end)
        made: list[Claim] = []
        used: set[int] = set()
        places: dict[int, Place] = {}
        for index, number in enumerate(numbers):
            region = between_neighbours(self.low, sentence, numbers, index)
            clause = clause_of(self.low, number, region)
            place = Place(self.text, self.low, sentence, number, region, clause, context, tuple(made), cell)
            places[number.start] = place
            claim = Claim(
                number,
                *_place(self.document, number.start, number.end),
                shown,
                threshold=thresholds.get(number.start),
                block=sentence.block,
                position=position,
                event=event,
            )
            claim = filled(claim, place, self.published, used)
            claim = self.lender.carried(claim, place, self.claims)
            claim = self.lender.by_topic(claim, place)
            if claim.metric == "liquidations" and words.HYPOTHETICAL.search(self.low, sentence.start, sentence.end):
                claim = replace(claim, metric="liquidation_risk", when=None, timeless=True)
            if "metric" in claim.carried and not claim.direction:
                claim = replace(claim, direction=direction_of(place, claim.metric))
            if self._is_figure(claim, context):
                made.append(claim)
            else:
                self.alone.append(Alone(claim.start, claim.end, "nothing says what it counts"))
        made = [self._shared_time(claim, made[index + 1 : index + 2]) for index, claim in enumerate(made)]
        made = [self._alone_of_kind(claim, places[claim.number.start], made) for claim in made]
        made = in_passing(dealt(self.low, sentence, made))
        self.claims += dealt_from_before(self.low, sentence, made, self.claims)

    def _shared_time(self, claim: Claim, following: Sequence[Claim]) -> Claim:
        """A time behind the last of a list stands for the list: "BTC -3.4% and ETH -5.2% in 24 hours"."""
        if claim.when is not None or claim.timeless or not following:
            return claim
        after = following[0]
        listed = after.metric == claim.metric and after.kind is claim.kind and claim.metric not in LEVELS
        between = self.low[claim.number.end : after.number.start]
        listed = listed and not is_compared(self.low, after.number) and "from" not in between
        if not listed or after.when is None or after.when.start < after.number.end or not _LISTED.fullmatch(between):
            return claim
        return replace(claim, when=after.when)

    def _alone_of_kind(self, claim: Claim, place: Place, made: Sequence[Claim]) -> Claim:
        """A figure of unknown metric has but its clause's time and source, where others of its sentence have one."""
        if claim.metric or not any(other.metric for other in made):
            return claim
        begin, stop = place.clause
        when = claim.when if claim.when is not None and begin <= claim.when.start < stop else None
        named = any(begin <= mention.start < stop for mention in place.context.attributions)
        return replace(claim, when=when, attribution=claim.attribution if named else "")

    def _is_figure(self, claim: Claim, context: Context) -> bool:
        """A number without currency or unit is a figure only where its sentence says what it is."""
        if claim.kind is Kind.MONEY and not claim.number.amount.currency:
            left = self.low[max(0, claim.number.start - _MOST_GAP) : claim.number.start]
            return not _NO_PRICE.search(left) and bool(claim.metric or context.side or context.metrics)
        amount = claim.number.amount  # "for every $1 of shorts"
        return not (claim.metric == "liquidations" and claim.kind is Kind.MONEY and amount.high < _UNIT)
