"""A claimed count with what it counts: `38 positions`, `about 180,000 traders`."""

from __future__ import annotations

import re

from verify.claims.spans import NOUNS
from verify.model.quantity import CountUnit

_KIND = r"(?:(?:liquidated|liquidation|large|single|different)[\s-]+){0,2}"


def _alternatives(words: str) -> str:
    """The words and their singulars, which a claim of one has."""
    return "|".join(f"{word[:-1]}s?" if word.endswith("s") else word for word in words.split("|"))


_COUNTED = re.compile(
    r"(?is)(?P<number>.*?[^\s-])[\s-]+"
    + _KIND
    + "(?:"
    + "|".join(f"(?P<{unit.name}>{_alternatives(words)})" for unit, words in NOUNS)
    + r")\s*"
)


def counted(text: str) -> tuple[str, CountUnit]:
    """The number of a claim as it is written, and what it counts; `UNSPECIFIED` where it does not say."""
    found = _COUNTED.fullmatch(text.strip())
    if not found or not found.lastgroup:
        return text, CountUnit.UNSPECIFIED
    return found["number"], CountUnit[found.lastgroup]
