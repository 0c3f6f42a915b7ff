"""Where a number stands: the stretch between its neighbours, its clause, and what a sentence turns to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.claims.spans import Kind, Number
from verify.claims.text import Sentence
from verify.claims.words import Mention

if TYPE_CHECKING:
    from verify.claims.claim import Claim
    from verify.claims.context import Context

Region = tuple[int, int]

SEPARATOR = re.compile(
    r"[,;:()，；：（）。—]| – |\b(?:while|whereas|and|but|as|after|when|amid|following|because|with|against|of which"
    r"|of that|versus|or|from)\b|其中|而"
)
#: What stands between a number and one in brackets, or after "or", that says the same.
APPOSED = re.compile(r"\s?[(（](?:or|about|around|roughly|some|约|即)?\s?")
TURN = re.compile(r"[;；]|\b(?:while|whereas|although|though|is sitting)\b|而|但")
_COMPARED_WITH = re.compile(
    r"(?:\b(?:against|compared (?:to|with)|versus|vs\.?|up from|down from|(?:well |far |just )?short of|fraction of"
    r"|(?:higher|lower|larger|smaller|more|less|bigger) than)"
    r"(?: (?:a|the|about|around|roughly|some|record|only|just|nearly|almost|usual|typical|that|those|of|its))*\s?$"
    r"|(?:[高低多少大小]于|相比于?|对比)[^，。；0-9]{0,10}$)"
)
_BEFORE = 48
_OF_WHOLE = re.compile(r"\sof (?:the |its |that |all )?(?:total |roughly |about |whole )?")


@dataclass(frozen=True, slots=True)
class Place:
    """A number where it stands: its sentence, its stretch and its clause, what is said there, the figures before it."""

    text: str
    low: str
    sentence: Sentence
    number: Number
    region: Region
    clause: Region
    context: Context
    made: Sequence[Claim]
    cell: bool

    @property
    def last(self) -> Claim | None:
        """The figure before, of the same sentence, but for one that another was only compared with."""
        told = (one for one in reversed(self.made) if not is_compared(self.low, one.number))
        return next(told, self.made[-1] if self.made else None)

    @property
    def whole(self) -> Region:
        return self.sentence.start, self.sentence.end


def between_neighbours(low: str, sentence: Sentence, numbers: Sequence[Number], index: int) -> Region:
    """The stretch between a number's neighbours; one in brackets right behind it says the same and is none."""
    start = numbers[index - 1].end if index else sentence.start
    here = numbers[index].kind is Kind.PERCENT
    for after in range(index + 1, len(numbers)):
        other = numbers[after]
        gap, behind = low[numbers[after - 1].end : other.start], low[other.end : other.end + 2]
        if here and after == index + 1 and other.kind is Kind.MONEY and _OF_WHOLE.fullmatch(gap):
            continue  # "92% of the $1.31 billion came from longs"
        if other.kind is numbers[index].kind or not APPOSED.fullmatch(gap) or behind[:1] not in (")", "）"):
            return start, other.start
    return start, sentence.end


def clause_of(low: str, number: Number, region: Region) -> Region:
    """The part of a region around a number that no separator cuts off."""
    start = region[0]
    for separator in SEPARATOR.finditer(low, region[0], number.start):
        start = separator.end()
    after = SEPARATOR.search(low, number.end, region[1])
    return start, after.start() if after else region[1]


def apart(low: str, mention: Mention, number: Number) -> bool:
    """Whether a separator stands between a mention and a number."""
    between = (mention.end, number.start) if mention.end <= number.start else (number.end, mention.start)
    return SEPARATOR.search(low, *between) is not None


def turns(low: str, start: int, end: int) -> bool:
    """Whether a sentence turns to another matter between two places."""
    return TURN.search(low, start, end) is not None


def is_compared(low: str, number: Number) -> bool:
    """Whether a number is only what another is compared with: "$31.5bn, up from $18.2bn the week before"."""
    return _COMPARED_WITH.search(low, max(0, number.start - _BEFORE), number.start) is not None


def whole_of(low: str, share: Number, number: Number) -> bool:
    """Whether a number is what the percentage before it is a share of."""
    between = low[share.end : number.start]
    return share.kind is Kind.PERCENT and number.kind is Kind.MONEY and _OF_WHOLE.fullmatch(between) is not None
