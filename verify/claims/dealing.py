"""Names and sides dealt out to numbers in turn: "OKX and Bybit with $366M and $106M", "Long/Short: $1.19B / $120M"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from verify.claims import words
from verify.claims.claim import Claim
from verify.claims.dates import When
from verify.claims.text import Sentence
from verify.model.quantity import Side

_LISTED = re.compile(r"\s?(?:,|，|、|和|与|及|and|&|/){1,2}\s?(?:and )?(?:about |some |roughly |约)?")
_NEAR = 24
_RESPECTIVELY = re.compile(r"\brespectively\b|分别|分別")


def dealt(low: str, sentence: Sentence, made: Sequence[Claim]) -> list[Claim]:
    """The figures of a sentence, each with its own one of the names or sides told for all of them."""
    told = _RESPECTIVELY.search(low, sentence.start, sentence.end) is not None
    return _names(low, _sides(low, sentence, made, told=told), told=told)


def dealt_from_before(low: str, sentence: Sentence, made: Sequence[Claim], before: Sequence[Claim]) -> list[Claim]:
    """The figures of a sentence that deals again what one before dealt: "72% and 77% at the two exchanges",
    "87% of the former", "$31 million and $188 million, respectively".
    """
    found = list(made)
    places = _dealt_places(low, sentence, found)
    if not places:
        return found
    most = max(places.values()) + 1
    position = len(before)
    while position and before[position - 1].block == found[0].block:
        last = before[position - 1].position
        first = position
        while first and before[first - 1].position == last:
            first -= 1
        group = [c for c in before[first:position] if c.metric]
        position = first
        for slot in ("venues", "assets", "when"):
            for n in (most,) if most > 1 else (2, 3):
                values = [getattr(claim, slot) for claim in group[:n]]
                labels = [value.label if isinstance(value, When) else value for value in values]
                if len(values) < n or not all(values) or len(set(labels)) != n:
                    continue
                own = {str(getattr(found[index], slot)) for index in places}
                if len(own) != 1:
                    continue
                for index, place in places.items():
                    found[index] = replace(found[index], **{slot: values[place]})
                return found
    return found


def _dealt_places(low: str, sentence: Sentence, made: Sequence[Claim]) -> dict[int, int]:
    """Which figure is said of which of those before, by its order or by "the former" and "the latter"."""
    places: dict[int, int] = {}
    for index, claim in enumerate(made):
        stop = made[index + 1].number.start if index + 1 < len(made) else sentence.end
        for number, word in enumerate((words.FORMER, words.LATTER)):
            if word.search(low, claim.number.end, min(stop, claim.number.end + _NEAR)):
                places[index] = number
    alike = len(made) in (2, 3) and len({(c.kind, c.metric) for c in made}) == 1
    if not places and alike and words.THE_TWO.search(low, sentence.start, sentence.end):
        places = {index: index for index in range(len(made))}
    return places


def _names(low: str, made: Sequence[Claim], *, told: bool) -> list[Claim]:
    """The first name to the first number, and so on.

    Where "respectively" is not told, only as many numbers as names with nothing but commas between them.
    """
    found = list(made)
    for slot in ("venues", "assets"):
        at = 0
        while at < len(found):
            names: tuple[str, ...] = getattr(found[at], slot)
            run = found[at : at + len(names)]
            alike = len(names) > 1 and len(run) == len(names) and all(getattr(c, slot) == names for c in run)
            joined = told or all(_LISTED.fullmatch(low[a.number.end : b.number.start]) for a, b in pairwise(run))
            if alike and joined:
                changed = [replace(c, **{slot: (name,)}) for c, name in zip(run, names, strict=True)]  # type: ignore[arg-type]  # both slots are tuples of names
                found[at : at + len(names)] = changed
            at += len(names) if alike and joined else 1
    return found


def _sides(low: str, sentence: Sentence, made: Sequence[Claim], *, told: bool) -> list[Claim]:
    """The first side to the first number, the second to the second."""
    label = words.LONG_AND_SHORT.search(low, sentence.start, sentence.end)
    if label is None and told:
        label = words.BOTH_SIDES.search(low, sentence.start, sentence.end)
    after = [i for i, claim in enumerate(made) if label is not None and claim.number.start >= label.end()]
    if label is None or len(after) != 2:
        return list(made)
    sides = ["long" if (side or "").startswith(("l", "多")) else "short" for side in label.groups() if side]
    found = list(made)
    for index, side in zip(after, sides, strict=True):
        found[index] = replace(made[index], side=Side(side))
    return found
