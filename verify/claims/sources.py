"""Who is said to have measured: names behind "according to", before "data show", after "Source:"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache

from verify.claims.claim import PRICES, Claim
from verify.claims.regions import Place
from verify.claims.words import Mention, named
from verify.model import names

_ROLE = (
    r"ceo|chief executive|founder|co-founder|analysts?|head|chief|strategists?|economist|researchers?|traders?"
    r"|team|desk"
    r"|spokes\w{3,6}"
)
_WORK = (
    r"data|figures?|numbers?|statistics|stats|dashboards?|tracker|counter|charts?|count|tally|tallies|totals?"
    r"|heatmap|maps?"
    r"|monitor|screens?|models?|index|books?"
    r"|reports?|note|analysis|calculations|estimates?|records|readings?|metrics|analysts?|researchers?|feed|terminal"
)
_SAID = r"said|says|reports?|reported|wrote|writes|stated|announced|confirmed|disclosed|estimates?|estimated|puts?"
_MEASURED = (
    r"shows?|showed|shown|counts?|counted|notes|noted|reveals?|revealed|indicates?|indicated|suggests?|suggested"
    r"|pointed out|tallied|tallies|registered|logged|measured|lists?|listed|recorded|tracked|tracks|has|had|reckons"
    r"|believes?|believed|flagged|spotted|observed"
    r"|reckoned|calculates?|calculated|found|finds|pegs|pegged|adds|added"
    r"|arrives? at|comes? (?:in )?at|came (?:in )?at|credits|gives|sees|attributes|cites"
)
_PLAIN = r"(?: (?:itself|later|also|then|on \w{3,9}|own|latest|live|liquidations?|market|internal|research|public))*+"
_BEFORE_SOURCE = re.compile(
    r"(?:\b(?:according to|per|citing|cited?s?|quoting|crediting|sources?:|src:|data:|via|h/t|hat tip to"
    r"|courtesy of|based on"
    rf"|(?:{_WORK})(?: compiled| provided| published| collected| gathered)? (?:from|by|of)"
    r"|(?:reported|shown|compiled|counted|tracked|tallied|collected|published|provided|measured|recorded|collated) by"
    rf"|by|said|says|told|wrote|noted|argue[sd]|reckon(?:s|ed)|estimate[sd]|warn(?:s|ed)|add(?:s|ed)|calculate[sd]|from"
    rf"|(?:{_ROLE})(?: of(?: [a-z-]{{2,14}}){{1,3}})? (?:at|of|from|with))"
    r" (?:the |data |analytics |research |on-chain |derivatives |provider |firm |platform |site |company |from "
    r"|aggregator "
    r"|tracker |outlet )*+"
    r"|(?:据|根据|來自|来自|来源于|援引|引述|来源[:：]|數據來源[:：]) ?)$"
)
_AFTER_SOURCE = re.compile(
    rf"(?:'s?)?(?:, (?:which|who|whose|in|for its part|a|an|the|meanwhile|by contrast)\b[^,.;]{{0,80}},)?"
    rf"(?:{_PLAIN} (?:{_WORK}|{_SAID}|{_MEASURED})\b"
    rf"|,? (?:{_ROLE})(?: [a-z.'-]{{2,14}}){{0,5}} (?:{_SAID}|{_MEASURED})\b)"
    r"|\s?(?:则|的统计则|的数字则|的口径则)?(?:为|是|报|给出) ?(?:约|近|超)?[0-9]"
    r"|\s?的?口径"
    r"|\s?则?(?:估算|估计|测算|预计|认为|统计)"
    r"|\s?在[^，。；0-9]{0,8}(?:指出|称|表示|显示|估计|认为)"
    r"|\s?(?:的|并|也|亦|还)?(?:官方|最新|实时)?(?:数据|资料|統計|统计|数據|數據|监测|監測|行情|显示|顯示|报道|報導|称|稱|表示|指出|披露|公告)"
    r"|\s?[^\s，。,；0-9a-z]{0,4}(?:发布|發布|公布)的?[^，。,；0-9]{0,8}(?:显示|顯示|称|稱|指出|表示)"
)
#: How a venue speaks: what it "recorded" was counted there, and is no word of its own.
_VENUE_SAYS = re.compile(
    rf"(?:'s?)?(?:, (?:in|for its part|meanwhile)\b[^,.;]{{0,60}},)?"
    rf"(?:{_PLAIN} (?:data|figures|numbers|statistics|dashboard|records|tally|own count|{_SAID})\b"
    rf"|,? (?:{_ROLE})(?: [a-z.'-]{{2,14}}){{0,5}} (?:{_SAID})\b)"
    r"|\s?(?:的)?(?:官方|最新|实时)?(?:数据|統計|统计|数據|數據|行情|显示|顯示|称|稱|表示|披露|公告)"
)
_WHERE = re.compile(r"\b(?:from|by|via|per|of|at|with) $|(?:来自|來自) ?$")
_THEIR_DATA = re.compile(
    r"(?:data|figures|reported|shown|numbers|source:?|compiled) (?:\w+ )?$|(?:据|根据|来源[:：]) ?$"
)
#: "above what CoinGlass shows": who is compared with.
_COMPARED_WITH = re.compile(r"\b(?:than|what|versus|vs\.?|unlike|like) $")
#: Who speaks for a venue: "said Mei Tan, head of derivatives at Bitget".
_SPEAKER = re.compile(
    rf"\b(?:{_ROLE})(?: of(?: [a-z-]{{2,14}}){{1,3}})? (?:at|of|from|with) (?:the (?:exchange|platform) )?$"
)
#: "said Bybit accounted for $310 million": whose number it is, not who told it.
_TOLD = re.compile(r"\b(?:said|says|told|wrote|noted|stated|reported)(?: that)? $")
_DID = re.compile(
    r" (?:alone )?(?:accounted|saw|had|liquidated|led|lost|was|were|recorded|suffered|handled|processed)\b"
)
_IN_BRACKETS = re.compile(r"[(\[（] ?$")
_OUT_OF_BRACKETS = re.compile(r" ?[)\]）,，;]| \(")
_AT_END = re.compile(r"[.。]?\s*$")
_ITS_NUMBER = re.compile(
    r"(?:, (?:which|who|whose) [^,.;$]{3,80},)? (?:data |at |with )*(?:only |just |about |some |roughly )*\$[0-9]"
)
#: A venue that speaks of itself is both who counted and where.
OF_ITSELF = re.compile(
    r"^ (?:counted|recorded|tallied)\b|\bit (?:had|has|saw|liquidated|processed|recorded)\b"
    r"|\b(?:its|our|we|us|the (?:exchange|platform|venue))\b|平台"
)
#: The venue that is quoted speaks of itself.
QUOTED = re.compile(r"\b(?:we|our|us)\b")
OWN_VERB = re.compile(r"'s? own (?!data|figures|numbers|records|count|tally|statistics|books|dashboard)")
_GENERIC = re.compile(
    r"\b(?:a|one) single (?:statistical )?(?:channel|source|data provider|provider|aggregator)\b"
    r"|\b(?:data|figures|numbers) provided in the report\b|\breports?(?= (?:reveal|indicat|show|suggest|said|say))"
)
_NAME = r"((?:[A-Z0-9][\w.&'-]{1,20})(?: [A-Z0-9][\w.&'-]{1,20}){0,3})"
_RAW = re.compile(
    r"(?:[Aa]ccording to|[Cc]iting|[Dd]ata (?:compiled )?(?:from|by)|[Pp]er|[Ff]igures from|[Rr]eported by"
    r"|[Cc]ompiled by"
    rf"|[Ss]ource:|[Hh]/t) (?:the )?{_NAME}"
)
_NO_NAME = (
    r"(?!(?:The|Market|Exchange|On-chain|Onchain|Trading|Price|Derivatives|Public|Official|Blockchain|Historical|Recent"
    r"|Industry|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Its|Their|This|That|These|Those|New|Internal"
    r"|Liquidation|Total|Funding|Long|Short|Our|All|No|Such|Other|Some|Latest|Live|Options|Futures|Spot|It|He|She|We"
    r"|They)\b)"
)
_RAW_DATA = re.compile(
    rf"(?<![\w-]){_NO_NAME}([A-Z][A-Za-z0-9]{{2,20}}(?: [A-Z][A-Za-z0-9]{{1,20}}){{0,2}}?)"
    r"(?:'s? (?:\w{2,12} )?(?:data|figures|dashboard|tracker|count|numbers|report|analysts)\b"
    r"| (?:data|figures|numbers|statistics) (?:shows?|showed|indicates?|suggests?|puts?)\b"
    r"|,? (?:CEO|founder|co-founder|analysts?|chief \w{4,12}|head of research)(?: [A-Z][\w.'-]{1,14}){1,3}"
    r" (?:said|says|wrote|estimates|estimated|noted|reported)\b| (?:counted|tallied|estimates|estimated|calculated)\b)"
)
_FIRM_SAYS = (
    r"said|says|reports?|reported|wrote|estimates?|estimated|puts?|counts?|counted|shows?|showed|notes?|noted"
    r"|calculates?"
    r"|calculated|reckons|argues|believes|pegs|finds|found|measures|measured|tracks|flagged|tallied"
)
_FIRM = (
    r"(?:Research|Capital|Digital|Labs?|Analytics|Insights?|Securities|Partners|Group|Bank|Commission|Authority|Agency"
    r"|Management|Ventures|Markets|Trading|Advisors|Asset|Assets|Intelligence|Network|Institute|Finance|Financial)"
)
#: A firm that no register knows, by its name's last word: "K33 Research said", "at Lisbon-based Tagus Digital".
_RAW_FIRM = re.compile(
    rf"(?<![\w-]){_NO_NAME}((?:[A-Z0-9][\w&'-]{{1,16}} ){{1,3}}{_FIRM})"
    rf"(?:(?:'s (?:research |trading |derivatives )?(?:desk|team"
    rf"|analysts))?(?:, which [^,.;]{{3,80}},)? (?:{_FIRM_SAYS})\b)"
    rf"|(?:{_ROLE})(?: of(?: [a-z-]{{2,14}}){{1,3}})? (?:at|of|from|with) (?:the )?(?:[A-Z][a-z]+-based )?"
    rf"((?:[A-Z0-9][\w&'-]{{1,16}} ){{1,3}}{_FIRM})\b"
)
_RAW_HAN = re.compile(r"(?:据|根据|援引|来源[:：])\s?([A-Z][A-Za-z0-9.]{2,20}(?: [A-Z][A-Za-z0-9.]{1,20}){0,2})")
#: Who is cited stands behind who cites.
CITED = re.compile(
    r"\b(?:citing|cited|cites|quoting|quoted|crediting|credited) (?:the |data (?:from|by) |figures (?:from|by) )?$"
    r"|(?:援引|引述)\s?$"
)
_GENERIC_NAMES = frozenset({"research", "data", "news", "capital", "index", "markets", "report", "analysis", "insight"})
_BEFORE_CITED = 30
_LOOK_BACK = 60
_SHORT = 4
_CAPITALISED = re.compile(r"\b[A-Z][A-Za-z]{4,20}\b")
#: Who publishes prices; of anybody else a price in passing is none of theirs.
_OF_PRICES = frozenset({"CoinGecko", "CoinMarketCap", "TradingView", "Bloomberg", "Reuters"})


def attributions(text: str, low: str, start: int, end: int) -> list[Mention]:
    """Who is said to have measured: a registered provider by its title, else the words of the text."""
    found: list[Mention] = []
    for begin, stop, identity in named("providers", text, low, start, end):
        stop -= len(" ceo") if low.endswith(" ceo", begin, stop) else 0  # whose name and verb follow
        if _is_source(low, start, begin, stop, end, venue=names.find("venues", identity) is not None):
            found.append(Mention(begin, stop, (names.title("providers", identity),)))
    for begin, stop, identity in named("venues", text, low, start, end):
        known = any(m.start < stop and begin < m.end for m in found) or names.find("providers", identity) is not None
        if not known and _is_source(low, start, begin, stop, end, venue=True):
            found.append(Mention(begin, stop, (names.title("venues", identity),)))
    found += [Mention(match.start(), match.end(), (match[0],)) for match in _GENERIC.finditer(low, start, end)]
    for match in (m for p in (_RAW_FIRM, _RAW, _RAW_DATA, _RAW_HAN) for m in p.finditer(text, start, end)):
        group = 1 if match[1] else 2
        free = not any(m.start < match.end(group) and match.start(group) < m.end for m in found)
        if free and not _is_name(names.key(match[group])):
            title = match[group].removesuffix("'s").rstrip(".")
            found.append(Mention(match.start(group), match.end(group), (misspelt(title) or title,)))
    for match in _CAPITALISED.finditer(text, start, end):
        if any(m.start < match.end() and match.start() < m.end for m in found):
            continue
        exact = names.find("providers", match[0]) is not None
        if not exact and _AFTER_SOURCE.match(low, match.end(), end) and (near := misspelt(match[0])):
            found.append(Mention(match.start(), match.end(), (near,)))
    return sorted(found, key=lambda mention: mention.start)


def _is_source(low: str, start: int, begin: int, stop: int, end: int, *, venue: bool) -> bool:
    """Whether a name is that of who measured, and not of where, or of who is compared with."""
    before = low[max(start, begin - _LOOK_BACK) : begin]
    if _COMPARED_WITH.search(before):
        return False
    if venue:
        if _TOLD.search(before) and _DID.match(low, stop, end):
            return False
        if _SPEAKER.search(before) or (_VENUE_SAYS.match(low, stop, end) and not OWN_VERB.match(low, stop, end)):
            return True
        return _BEFORE_SOURCE.search(before) is not None and (
            not _WHERE.search(before) or _THEIR_DATA.search(before) is not None
        )
    if _BEFORE_SOURCE.search(before) or (_AFTER_SOURCE.match(low, stop, end) and not OWN_VERB.match(low, stop, end)):
        return True
    opens = not before.strip(" *_\"'“【[(") and begin - start <= _SHORT
    if opens and low[stop : stop + 2].strip()[:1] in (":", "："):
        return True
    if _IN_BRACKETS.search(before) and _OUT_OF_BRACKETS.match(low, stop, end):
        return True
    if before.rstrip()[-1:] in (",", "—", "–", "-", "，") and _AT_END.match(low, stop, end):
        return True
    return _ITS_NUMBER.match(low, stop, end) is not None


def in_passing(made: Sequence[Claim]) -> list[Claim]:
    """The figures of a sentence; a price beside figures of another kind is none of the source's that counted those."""
    if all(claim.metric in PRICES for claim in made):
        return list(made)
    return [
        replace(claim, attribution="")
        if claim.metric in PRICES and claim.attribution not in _OF_PRICES and not _is_name(names.key(claim.attribution))
        else claim
        for claim in made
    ]


@lru_cache(maxsize=4096)
def misspelt(word: str) -> str:
    """The title of the one provider that a word nearly spells (`verify.model.names` states the score), or ""."""
    if _is_name(names.key(word)):
        return ""
    match = names.nearest("providers", word)
    if names.key(word) in _GENERIC_NAMES:
        return ""
    if match is None or (
        " " in word
        and names.similarity(*(names.key(n.split()[0]) for n in (word, match.name.title))) < names.MISSPELLING_SCORE
    ):
        return ""  # "Kaiko Research" is not "10x Research"
    return match.name.title


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
