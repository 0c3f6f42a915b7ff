"""Names and sides dealt out to numbers in turn: "OKX and Bybit with $366M and $106M", "Long/Short: $1.19B / $120M"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from verify.claims import words
from verify.claims.claim import Claim
from verify.claims.text import Sentence
from verify.model.quantity import Side

_LISTED = re.compile(r"\s?(?:,|，|、|和|与|及|and|&|/){1,2}\s?(?:and )?(?:about |some |roughly |约)?")
_RESPECTIVELY = re.compile(r"\brespectively\b|分别|分別")


def dealt(low: str, sentence: Sentence, made: Sequence[Claim]) -> list[Claim]:
    """The figures of a sentence, each with its own one of the names or sides told for all of them."""
    told = _RESPECTIVELY.search(low, sentence.start, sentence.end) is not None
    return _names(low, _sides(low, sentence, made, told=told), told=told)


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
