"""The register of venue, asset and provider names, and how a written name is matched to it."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from verify.model.errors import NameUnknown

#: `rapidfuzz.fuzz.ratio` (0 to 100, on names without spaces and punctuation) from which a spelling is taken for a
#: registered name. CryptoGlass / CoinGlass score 70: a misspelt name is accepted where the text says it is one name,
#: never where several registered names are as near.
MISSPELLING_SCORE = 70.0
#: By how many points the nearest name must lead the second, or neither is taken.
LEAST_LEAD = 3.0
#: From here on a name typed by a user is close enough to be suggested.
SUGGESTION_SCORE = 60.0


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
    """Every key of `kind` ("venues", "assets", "providers") and the name it stands for."""
    table = tomllib.loads(files("verify.model").joinpath("names.toml").read_text(encoding="utf-8"))
    found: dict[str, Name] = {}
    for identity, entry in table[kind].items():
        name = Name(identity, entry["title"], entry.get("kind", ""))
        for written in (identity, entry["title"], *entry["aliases"]):
            found.setdefault(key(written), name)
    return found


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
    hints = [match.name.title for match in _ranked(kind, text, SUGGESTION_SCORE)[:2]]
    raise NameUnknown(kind.removesuffix("s"), text if len(text) <= 60 else text[:57] + "...", hints)


def _ranked(kind: str, text: str, cutoff: float) -> list[Match]:
    from rapidfuzz import fuzz

    wanted = key(text)[:100]
    if len(wanted) < 3:
        return []
    best: dict[str, Match] = {}
    for known, name in register(kind).items():
        score = fuzz.ratio(wanted, known)
        if score >= cutoff and (name.id not in best or score > best[name.id].score):
            best[name.id] = Match(name, score)
    return sorted(best.values(), key=lambda match: (-match.score, match.name.id))
