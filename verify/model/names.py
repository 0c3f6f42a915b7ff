"""The register of venue, asset and provider names, and how a written name is matched to it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from verify.model.errors import NameUnknown

#: From which score (0 to 100, see `similarity`) a spelling is taken for a registered name.
MISSPELLING_SCORE = 80.0
_GENERIC = re.compile(r"^(?:coin|crypto|bit|block|chain|token)")
#: By how many points the nearest name must lead the second, or neither is taken.
LEAST_LEAD = 3.0
#: From here on a name typed by a user is close enough to be suggested.
SUGGESTION_SCORE = 60.0

#: A second name is suggested only where it is not so many points farther than the first.
SUGGESTION_LEAD = 20.0


@dataclass(frozen=True, slots=True)
class Name:
    """One registered name. `kind` is set for providers only: "measurer" or "relay"."""

    id: str
    title: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """A registered name and how near the written one came (0 to 100; 100 is an exact alias)."""

    name: Name
    score: float


def key(text: str) -> str:
    """The form in which names are compared: NFKC, lower case, letters and digits only."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


@cache
def register(kind: str) -> dict[str, Name]:
    """Every key of `kind` ("venues", "assets", "providers", "funds") and the name it stands for."""
    found: dict[str, Name] = {}
    for written, name in spellings(kind):
        found.setdefault(key(written), name)
    return found


@cache
def spellings(kind: str) -> list[tuple[str, Name]]:
    """Every way a registered name is written, in lower case with single spaces."""
    table = tomllib.loads(files("verify.model").joinpath("names.toml").read_text(encoding="utf-8"))
    return [
        (" ".join(written.casefold().split()), Name(identity, entry["title"], entry.get("kind", "")))
        for identity, entry in table[kind].items()
        for written in {identity: None, entry["title"]: None} | dict.fromkeys(entry["aliases"])
    ]


@cache
def ambiguous(kind: str) -> dict[str, str]:
    """The spellings that are ordinary words too, with what makes them a name: "capitals" or "words" (capitalised)."""
    table = tomllib.loads(files("verify.model").joinpath("names.toml").read_text(encoding="utf-8"))
    return {
        spelling: how
        for entry in table[kind].values()
        for how in ("capitals", "words")
        for spelling in entry.get(how, ())
    }


@cache
def assets_of_funds() -> dict[str, str]:
    """The asset that each registered fund holds."""
    table = tomllib.loads(files("verify.model").joinpath("names.toml").read_text(encoding="utf-8"))
    return {identity: entry["asset"] for identity, entry in table["funds"].items()}


def title(kind: str, identity: str) -> str:
    """How the name with this id is printed; the id itself where it is not registered."""
    name = register(kind).get(key(identity))
    return name.title if name else identity


def find(kind: str, text: str) -> Name | None:
    """The name that `text` is an exact spelling or alias of."""
    return register(kind).get(key(text))


def nearest(kind: str, text: str, *, cutoff: float = MISSPELLING_SCORE) -> Match | None:
    """The one registered name nearest to `text` at or above `cutoff`; None where two names are equally near."""
    if exact := find(kind, text):
        return Match(exact, 100.0)
    ranked = _ranked(kind, text, cutoff)
    if not ranked or (len(ranked) > 1 and ranked[0].score - ranked[1].score < LEAST_LEAD):
        return None
    return ranked[0]


def resolve(kind: str, text: str) -> Name:
    """The registered name that `text` spells exactly; `NameUnknown` with suggestions otherwise."""
    if exact := find(kind, text):
        return exact
    near = _ranked(kind, text, SUGGESTION_SCORE)[:2]
    hints = [match.name.title for match in near if match.score > near[0].score - SUGGESTION_LEAD]
    raise NameUnknown(kind.removesuffix("s"), text if len(text) <= 60 else text[:57] + "...", hints)


def similarity(written: str, known: str) -> float:
    """How alike two keys are, 0 to 100.

    `rapidfuzz.fuzz.ratio` of the whole; where both begin with one of the words that half of the field begins with
    (coin, crypto, bit, ...), the mean of that and the ratio of the rest. So CryptoGlass is near CoinGlass (85) and
    not near CryptoSlate (64).
    """
    from rapidfuzz import fuzz

    whole = fuzz.ratio(written, known)
    rest, other = _GENERIC.sub("", written), _GENERIC.sub("", known)
    if rest != written and other != known and rest and other:
        return (whole + fuzz.ratio(rest, other)) / 2
    return whole


def _ranked(kind: str, text: str, cutoff: float) -> list[Match]:
    wanted = key(text)[:100]
    if len(wanted) < 3:
        return []
    best: dict[str, Match] = {}
    for known, name in register(kind).items():
        score = similarity(wanted, known)
        if score >= cutoff and (name.id not in best or score > best[name.id].score):
            best[name.id] = Match(name, score)
    return sorted(best.values(), key=lambda match: (-match.score, match.name.id))
