"""Who is said to have measured: names behind "according to", before "data show", after "Source:"."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from verify.claims.regions import Place
from verify.claims.words import Mention, named
from verify.model import names

_BEFORE_SOURCE = re.compile(
    r"\b(?:according to|per|citing|data (?:from|by|of|provided by)|figures (?:from|by)|statistics (?:from|by)"
    r"|numbers (?:from|by)"
    r"|analysis (?:from|by)|reported by|shown by|compiled by|counted by|tracked by|by|source:|via|said|says|told|wrote"
    r"|noted|from)"
    r" (?:the |data (?:from|provider|firm|platform|site) |analytics (?:firm|platform) |aggregator |tracker |outlet )*$"
    r"|(?:据|根据|來自|来自)\s?$"
)
_AFTER_SOURCE = re.compile(
    r"(?:'s?)?(?: (?:itself|later|also|then|on \w{3,9}|own|latest|ceo|analysts?|team|researchers?|founder|live"
    r"|liquidation|market|internal|dashboard))*+"
    r" ?(?:data|figures|statistics|numbers|counter|chart)? ?(?:shows?|showed|said|says|reported|reports|counts?"
    r"|counted|estimates?|estimated|puts?"
    r"|wrote|noted|revealed|indicates?|pointed out|tallied|registered|logged|measured|lists|recorded by|figures"
    r"|data|statistics|tracked)\b"
    r"|\s?(?:的)?(?:数据|統計|统计|数據|數據|监测|監測|显示|报道|称)"
)
#: A venue that speaks of itself is both who counted and where.
OF_ITSELF = re.compile(
    r"^ (?:counted|recorded|tallied)\b|\bit (?:had|has|saw|liquidated|processed|recorded)\b"
    r"|\b(?:its|our|we|us)\b|该平台|本平台|其平台"
)
OWN_VERB = re.compile(r"'s? own (?!data|figures|numbers)")
_SAYS = re.compile(
    r"(?:'s)?(?: (?:ceo|team|founder|spokes\w{3,6}|co-founder|head)(?: [a-z]{2,12}){0,2})?"
    r" (?:said|says|reported|reports|wrote|stated|announced|confirmed|disclosed)\b|(?:官方)?(?:表示|称|公告)"
)
_GENERIC = re.compile(
    r"\b(?:a|one) single (?:statistical )?(?:channel|source|data provider|provider|aggregator)\b"
    r"|\b(?:data|figures|numbers) provided in the report\b|\breports?(?= (?:reveal|indicat|show|suggest|said|say))"
)
_RAW = re.compile(
    r"(?:[Aa]ccording to|[Cc]iting|[Dd]ata from|[Pp]er|[Ff]igures from|[Rr]eported by)"
    r" (?:the )?((?:[A-Z0-9][\w.&'-]{1,20})(?: [A-Z0-9][\w.&'-]{1,20}){0,3})"
)
_RAW_DATA = re.compile(
    r"\b(?!(?:The|Market|Exchange|On-chain|Onchain|Trading|Price|Derivatives|Public|Official|Blockchain|Historical"
    r"|Recent"
    r"|Industry|Monday|Tuesday|Wednesday|Thursday|Friday|Its|Their|This|That|New|Internal)\b)"
    r"([A-Z][A-Za-z0-9]{2,20}(?: [A-Z][A-Za-z0-9]{1,20})?) (?:data|figures) (?:shows?|showed|indicates?)\b"
)
#: Who is cited stands behind who cites.
CITED = re.compile(r"\bciting (?:the |data (?:from|by) |figures (?:from|by) )?$|(?:援引|引述)\s?$")
_BEFORE_CITED = 30
_CAPITALISED = re.compile(r"\b[A-Z][A-Za-z]{4,20}\b")


def attributions(text: str, low: str, start: int, end: int) -> list[Mention]:
    """Who is said to have measured: a registered provider by its title, else the words of the text."""
    found: list[Mention] = []
    for begin, stop, identity in named("providers", text, low, start, end):
        before = low[max(start, begin - 60) : begin]
        if _BEFORE_SOURCE.search(before) or (
            _AFTER_SOURCE.match(low, stop, end) and not OWN_VERB.match(low, stop, end)
        ):
            venue = names.find("venues", identity) is not None
            if (
                venue
                and re.search(r"\b(?:from|by|via|per) $", before)
                and not re.search(r"(?:data|figures|reported|shown|numbers) \w+ $", before)
            ):
                continue  # "longs from Binance": where, not who says so
            found.append(Mention(begin, stop, (names.title("providers", identity),)))
    for begin, stop, identity in named("venues", text, low, start, end):
        known = any(m.start < stop and begin < m.end for m in found) or names.find("providers", identity) is not None
        if not known and _SAYS.match(low, stop, end):
            found.append(Mention(begin, stop, (names.title("venues", identity),)))
    found += [Mention(match.start(), match.end(), (match[0],)) for match in _GENERIC.finditer(low, start, end)]
    for match in (*_RAW.finditer(text, start, end), *_RAW_DATA.finditer(text, start, end)):
        if not any(m.start < match.end(1) and match.start(1) < m.end for m in found):
            title = match[1].removesuffix("'s").rstrip(".")
            found.append(Mention(match.start(1), match.end(1), (misspelt(title) or title,)))
    for match in _CAPITALISED.finditer(text, start, end):
        if any(m.start < match.end() and match.start() < m.end for m in found):
            continue
        if _AFTER_SOURCE.match(low, match.end(), end) and (near := misspelt(match[0])):
            found.append(Mention(match.start(), match.end(), (near,)))
    return sorted(found, key=lambda mention: mention.start)


@lru_cache(maxsize=4096)
def misspelt(word: str) -> str:
    """The title of the one provider that a word nearly spells (`verify.model.names` states the score), or ""."""
    if _is_name(names.key(word)):
        return ""
    match = names.nearest("providers", word)
    return match.name.title if match else ""


@cache
def _is_name(key: str) -> bool:
    return key in names.register("venues") or key in names.register("assets")


def source_of(place: Place) -> str:
    """Who of those named in a sentence is said to have measured a number; who is cited counts before who cites."""
    found = place.context.attributions
    if not found:
        return ""
    if len(found) == 1:
        return found[0].values[0]
    for cited in found:
        if CITED.search(place.low, max(0, cited.start - _BEFORE_CITED), cited.start):
            return cited.values[0]
    after = [m for m in found if place.number.end <= m.start and m.end <= place.region[1]]
    before = [m for m in found if m.end <= place.number.start]
    own = [m for m in before if m.start >= place.region[0]]
    chosen = (after[:1] if after and not own else []) or own[-1:] or before[-1:] or found[:1]
    return chosen[0].values[0]
