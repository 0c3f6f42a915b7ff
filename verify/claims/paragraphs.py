"""What holds for a whole paragraph, list or table: a time or source that was named stands until another is named.

A note at the end ("Source: CoinGlass", "All figures are totals for the 24 hours to ...") speaks of what is above it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from verify.claims import windows, words
from verify.claims.claim import LEVELS, PRICES, SAME_TIME, Claim, matter
from verify.claims.context import Contexts
from verify.claims.dates import When
from verify.claims.regions import is_compared
from verify.claims.spans import Kind
from verify.claims.text import Block, Document
from verify.claims.text import Kind as BlockKind
from verify.model import names
from verify.model.quantity import Side

_NOTE = re.compile(
    r"[\W_]{0,4}(?:sources?\b|src\b|data\b|(?:figures|numbers|totals|amounts)\b|all (?:of )?(?:the )?(?:figures|numbers"
    r"|data|totals|amounts|values|sums|readings)|(?:that's|that is|these are|those are|this is)\b|h/t\b|via\b|hat tip"
    r"|(?:liq\w{0,11}|price|market|exchange) (?:data|figures)\b|charts?:|compiled|数据|數據|来源"
    r"|來源|以上|注[:：]|资料)"
)
_DEFINITE = re.compile(
    r"(?:(?:over|in|during|for|within) )?(?:the|that|those|these|this)\b(?! (?:past|last|previous|trailing|prior"
    r"|final|first))"
)
_SAME_SOURCE = re.compile(
    r"\b(?:the|that|by the) same (?:note|report|provider|source|data|tracker|firm|post|thread|update|newsletter"
    r"|tally|desk)\b"
    r"|研报同时|报告同时|同一数据|同时称|同时指出"
    r"|该(?:网站|机构|平台|数据商|公司|服务商|分析师)?(?:的?数据)?(?:还|也|同时)(?:显示|称|指出|表示)"
    r"|\b(?:the|its) (?:firm|tracker|provider|data provider|site|website|research house|researchers?|company|bank)"
    r" (?:also |then )?(?:says?|said|notes?|noted|adds?|added|wrote|estimates?|estimated|shows?|showed|counts?"
    r"|counted)\b"
)
_SAID_OF = re.compile(
    r"(?:that|this|it|the (?:total|figure|sum|number|amount))(?: figure| total| sum)? (?:was|is|were)\b"
)
_LABEL = re.compile(r"\b(?:sources?|src|data|h/t)\s?:?\s?$|来源[:：]\s?$")
_BEFORE_LABEL = 12
_END_NOTE = re.compile(
    r"[\W_]{0,6}(?:(?:data )?sources?\b|src\b|data\b|all (?:of )?(?:the )?(?:numbers|figures|data|totals)|numbers\b"
    r"|figures\b"
    r"|h/t\b|via\b|(?:数据|资料|信息)?来源|以上(?:数据)?|数据)"
)
_LONGEST_END = 120
_LABEL_LINE = re.compile(r"[^0-9:：.!?。]{1,30}[:：]\s?[~≈]?(?:US)?\$?[0-9][^:：]{0,24}$")
_GAP = 3
#: An item that is no longer is a label and a number, and no sentence of its own.
_BARE = 40
_LONGEST_NOTE = 240
#: How many figures a note speaks of at most, and how many cells without a figure may stand between two that have one.
_MOST_NOTED = 200
_NEXT_CELLS = 12
#: Among how many sentences before the day is looked for that "that day" is.
_MOST_BACK = 60
_DAY = timedelta(days=1)
#: What is counted at no venue.
_NO_VENUE = PRICES | {"market_value", "etf_net_flow", "factor", "fund_assets"}
_WHOLE = re.compile(r"\bof (?:the |all |total |its )+$")
_LISTED = frozenset({BlockKind.ITEM, BlockKind.CELL})
#: What has a time of its own, and lends it to the next of its kind.
_TIMED = SAME_TIME | {"price_change", "open_interest_drop", "volatility_change", "position", "realised_gain"}


@dataclass(slots=True)
class _Said:
    """What was named last in a paragraph: sources and times by the matter of their figures, assets of prices."""

    sources: dict[str, str] = field(default_factory=dict)
    times: dict[str, When] = field(default_factory=dict)
    priced: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    #: Where the position is that was spoken of last.
    held_at: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    flow: str = ""
    side: str = ""
    source: str = ""
    time: When | None = None
    latest: str = ""
    named: list[When] = field(default_factory=list)
    #: The sentences up to here, in whatever paragraph, with the times that others were only compared with.
    passed: list[tuple[int, int, list[When | None]]] = field(default_factory=list)

    def last_day(self, contexts: Contexts) -> When | None:
        """The day that the text named last, up to here."""
        for start, end, compared in reversed(self.passed[-_MOST_BACK:]):
            for when in reversed(contexts.of(start, end).whens):
                if windows.names_day(when) and when not in compared:
                    return when
        return None


def settled(document: Document, low: str, contexts: Contexts, claims: Sequence[Claim]) -> list[Claim]:
    """The claims with the open slots filled that their paragraph, list or table fills."""
    done = list(claims)
    by_sentence: dict[int, list[int]] = {}
    for index, claim in enumerate(done):
        by_sentence.setdefault(claim.position, []).append(index)
    if not done:
        return done
    said, of_item, last = _Said(), _Said(), -1
    for position, sentence in enumerate(document.sentences):
        block = document.blocks[sentence.block]
        if sentence.block != last:
            going_on = last >= 0 and _goes_on(document, last, sentence.block)
            said = said if going_on else _Said(priced=said.priced, passed=said.passed)
            last = sentence.block
        here = by_sentence.get(position, [])
        points = bool(here) and (
            words.THE_VENUE.search(low, sentence.start, sentence.end) is not None
            or (low.startswith(("it ", "its "), sentence.start) and said.venues != ())
        )
        if not here:
            said.passed.append((sentence.start, sentence.end, []))
            noted = _NOTE.match(low, sentence.start, sentence.end) is not None
            above = list(_above(document, done, sentence.block, position)) if noted else []
            short = sentence.end - sentence.start <= _LONGEST_NOTE
            if short and (above or _figures_follow(document, by_sentence, position)):
                _without_figures(low, contexts, done, above, said, (sentence.start, sentence.end))
            continue
        context = contexts.of(sentence.start, sentence.end)
        compared = [done[i].when for i in here if is_compared(low, done[i].number)]
        said.passed.append((sentence.start, sentence.end, compared))
        part = not context.side and words.HAD_ITS_PART.search(low, sentence.start, sentence.end) is not None
        part = part and words.TOTAL.search(low, sentence.start, sentence.end) is None
        same = _SAME_SOURCE.search(low, sentence.start, sentence.end) is not None
        named = contexts.of(sentence.start, sentence.end).venues
        if len(named) == 1:
            said.venues = named[0].values
        _labelled(low, contexts, done, (sentence.start, sentence.end), position, document)
        bare = block.end - block.start <= _BARE
        for index in here:
            done[index] = _filled(done[index], said, block, contexts, same=same)
            if block.kind is BlockKind.ITEM and bare:
                done[index] = _filled(done[index], of_item, block, contexts, same=same, listed=True)
            if part and done[index].side is Side.BOTH and done[index].metric == "liquidations" and said.side:
                done[index] = _with(done[index], {"side": Side(said.side)}, "the paragraph")
            if matter(done[index].metric) == "position" and len(done[index].assets) == 1:
                said.held = done[index].assets
            if done[index].metric == "position" and done[index].venues and done[index].side is not Side.BOTH:
                said.held_at = done[index].venues
            if done[index].kind is Kind.FACTOR and index > 0 and _SAID_OF.match(low, sentence.start, sentence.end):
                done[index] = _of_figure(done[index], done[index - 1])
            going = low[max(0, sentence.start - _GAP) : sentence.start].rstrip().endswith((";", "；")) and index > 0
            if (
                going
                and done[index].metric not in _NO_VENUE
                and not done[index].venues
                and matter(done[index - 1].metric) == matter(done[index].metric)
            ):
                done[index] = _with(done[index], {"venues": done[index - 1].venues}, "the paragraph")
            before = low[max(0, done[index].number.start - _BEFORE_LABEL) : done[index].number.start]
            if (
                not done[index].venues
                and points
                and not _WHOLE.search(before)
                and len(said.venues) == 1
                and done[index].metric not in _NO_VENUE
            ):
                done[index] = _with(done[index], {"venues": said.venues}, "the paragraph")
        told = {str(done[index].side) for index in here if done[index].metric == "liquidations"}
        said.side = next(iter(told)) if len(told) == 1 and told != {str(Side.BOTH)} else ""
        if block.kind is BlockKind.ITEM and not bare:  # a sentence of its own lends to labels with a number only
            of_item = _Said()
            for index in here:
                _remember(done[index], of_item)
        else:
            of_item = of_item if block.kind is BlockKind.ITEM else _Said()
            for index in here:
                if not is_compared(low, done[index].number):
                    _remember(done[index], said)
    return _corrected(document, low, _noted_at_end(document, low, contexts, _from_below(document, done)))


def _from_below(document: Document, done: list[Claim]) -> list[Claim]:
    """A source named later in a paragraph holds for the earlier figures of its kind, where it is the only one."""
    named: dict[tuple[int, str], set[str]] = {}
    for claim in done:
        if claim.attribution and claim.metric:
            named.setdefault((claim.block, matter(claim.metric)), set()).add(claim.attribution)
    for index, claim in enumerate(done):
        if claim.attribution or not claim.metric or claim.metric in PRICES or claim.timeless:
            continue
        if matter(claim.metric) not in ("liquidations", "etf_net_flow", "dex_volume"):
            continue
        sources = named.get((claim.block, matter(claim.metric)), set())
        if len(sources) == 1 and document.blocks[claim.block].kind is BlockKind.PARAGRAPH:
            done[index] = _with(claim, {"attribution": next(iter(sources))}, "the paragraph")
    return done


def _noted_at_end(document: Document, low: str, contexts: Contexts, done: list[Claim]) -> list[Claim]:
    """The last line of a text that names a source and nothing else ("Source: CoinGlass") speaks of all of the text."""
    last = next((b for b in reversed(range(len(document.blocks))) if _text_of(document, b)), -1)
    if last < 1:
        return done
    block = document.blocks[last]
    if block.end - block.start > _LONGEST_END or not _END_NOTE.match(low, block.start, block.end):
        return done
    sources = contexts.of(block.start, block.end).attributions
    if len({mention.values[0] for mention in sources}) != 1 or any(claim.block == last for claim in done):
        return done
    for index, claim in enumerate(done):
        if not claim.attribution and claim.metric and claim.metric not in PRICES and not claim.timeless:
            done[index] = _with(claim, {"attribution": sources[0].values[0]}, "the note at the end")
    return done


def _text_of(document: Document, block: int) -> str:
    one = document.blocks[block]
    return document.text[one.start : one.end].strip()


def _corrected(document: Document, low: str, done: list[Claim]) -> list[Claim]:
    """The wrong figure of a correction was measured by nobody, nor the right one by whom the wrong was ascribed to."""
    refuted = -1, ""
    for index, claim in enumerate(done):
        sentence = document.sentences[claim.position]
        wrong = words.WRONG_BEFORE.search(low, sentence.start, claim.number.start)
        right = words.PUT_RIGHT.search(low, sentence.start, claim.number.start)
        if right is not None and (claim.block, claim.attribution) == refuted and "attribution" in claim.carried:
            done[index] = replace(claim, attribution="")
        if wrong is not None and claim.attribution and not words.PUT_RIGHT.search(low, wrong.end(), claim.number.start):
            refuted = claim.block, claim.attribution
            done[index] = replace(claim, attribution="")
    return done


def _goes_on(document: Document, last: int, this: int) -> bool:
    """Whether a block belongs to the one before: the items of a list, lines without a blank one between, a list to
    its lead-in.
    """
    one, two = document.blocks[last], document.blocks[this]
    if two.kind is BlockKind.HEADING or one.kind is BlockKind.HEADING or two.kind is BlockKind.CELL:
        return False
    if two.kind is BlockKind.ITEM:
        return one.kind is BlockKind.ITEM or document.text[one.end - 1] in ":："
    if one.kind is two.kind is BlockKind.PARAGRAPH and _is_label_line(document, this):
        return True
    start, end = document.place(one.start, one.end).end, document.place(two.start, two.end).start
    return one.kind is two.kind and document.original.count("\n", start, end) <= 1


def _is_label_line(document: Document, block: int) -> bool:
    """Whether a paragraph is but labels and numbers, each on a line of its own, as in a post: "$ETH longs: $148M"."""
    lines = [line for line in _text_of(document, block).splitlines() if line.strip()]
    return bool(lines) and all(_LABEL_LINE.match(line) for line in lines)


def _that_time(when: When, said: _Said, contexts: Contexts) -> When | None:
    """The time named before that "the same hour" or "those 45 minutes" is."""
    if windows.is_that_day(when):
        named = next((t for t in reversed(said.named) if windows.names_day(t)), None)
        if named is None and windows.points_back(when):
            named = said.last_day(contexts)
        return named if named is None or named.label != when.label else None
    if when.calendar or when.length is None or not _DEFINITE.match(when.text.lower()):
        return None
    if any(t.label == when.label for t in said.named):
        return None  # "the 24-hour total" of the 24 hours that were named
    return next((t for t in reversed(said.named) if t.length == when.length), None)


def _filled(claim: Claim, said: _Said, block: Block, contexts: Contexts, *, same: bool, listed: bool = False) -> Claim:
    changes: dict[str, object] = {}
    about = matter(claim.metric)
    source = said.sources.get(about or "position", "") or (said.source if claim.metric not in PRICES else "")
    conditional = claim.metric == "reference_price" and claim.timeless
    if not claim.attribution and source and not conditional and claim.metric and (listed or block.kind not in _LISTED):
        changes["attribution"] = source
    speaker = names.find("venues", said.latest) if said.latest and len(claim.venues) == 1 else None
    if not claim.attribution and speaker is not None and speaker.id == claim.venues[0] and claim.metric:
        changes["attribution"] = said.latest  # an exchange that speaks of itself
    if not claim.attribution and same and said.latest and claim.metric:
        changes["attribution"] = said.latest
    if claim.when is not None and (that := _that_time(claim.when, said, contexts)) is not None:
        changes["when"] = that
    if claim.when is None and claim.metric in _TIMED and not claim.timeless:
        time = said.times.get(about if claim.metric in SAME_TIME else claim.metric) or (
            said.time if claim.metric in SAME_TIME or claim.metric == "price_change" else None
        )
        if time is None and claim.metric == "price_change" and said.named and windows.names_day(said.named[-1]):
            time = said.named[-1]
        if time is not None:
            changes["when"] = windows.trading_week(time) if claim.metric == "etf_net_flow" else time
    of_price = (claim.metric in PRICES and claim.kind is not Kind.POINTS) or claim.metric == "liquidation_risk"
    if of_price and not claim.assets and said.priced:
        changes["assets"] = said.priced
    elif about == "position" and not claim.assets and said.held:
        changes["assets"] = said.held
    elif claim.metric == "reference_price" and not claim.assets and said.priced:
        changes["assets"] = said.priced
    party = claim.metric == "unrealised_gain" or (claim.metric == "reference_price" and not conditional)
    if party and not claim.venues and said.held_at:
        changes["venues"] = said.held_at
    if claim.metric == "etf_net_flow" and not claim.direction and said.flow:
        changes["direction"] = said.flow
    return _with(claim, changes, "the paragraph")


def _of_figure(factor: Claim, figure: Claim) -> Claim:
    """A factor has the time and the source of the figure that it is said of: "That was 2.7 times ..."."""
    if figure.block != factor.block or figure.position != factor.position - 1:
        return factor
    slots = ("when", "attribution", "assets")
    return _with(
        factor,
        {slot: getattr(figure, slot) for slot in slots if not getattr(factor, slot) and getattr(figure, slot)},
        "the sentence before",
    )


def _with(claim: Claim, changes: dict[str, object], source: str) -> Claim:
    if not changes:
        return claim
    return replace(claim, **changes, carried={**claim.carried, **dict.fromkeys(changes, source)})  # type: ignore[arg-type]  # slots by name


def _remember(claim: Claim, said: _Said) -> None:
    about = matter(claim.metric)
    said.latest = claim.attribution or said.latest
    if claim.when is not None and (not said.named or said.named[-1] is not claim.when):
        said.named.append(claim.when)
    if claim.attribution and claim.metric:
        said.sources[about] = claim.attribution
    if claim.metric == "etf_net_flow" and claim.direction:
        said.flow = claim.direction
    if claim.when is not None and claim.metric in _TIMED:
        said.times[about if claim.metric in SAME_TIME else claim.metric] = claim.when
        said.time = None
    if claim.metric in (*PRICES, "reference_price") and len(claim.assets) == 1:
        said.priced = claim.assets
    if claim.venues:
        said.venues = claim.venues


def _without_figures(
    low: str, contexts: Contexts, done: list[Claim], above: Sequence[int], said: _Said, place: tuple[int, int]
) -> None:
    """A sentence without figures: a note on those above it, or one that names a source or a time for those below."""
    start, end = place
    context = contexts.of(start, end)
    sources = {mention.values[0] for mention in context.attributions}
    if above:
        priced = all(done[index].metric in PRICES for index in above)
        for index in above if priced else [i for i in above if done[i].metric not in PRICES]:
            done[index] = _noted(done[index], sources, context.whens, [m.values[0] for m in context.metrics])
        return
    if len(context.venues) == 1:
        said.venues = context.venues[0].values
    if len(sources) == 1:
        said.latest = next(iter(sources))
        said.source = next(iter(sources))
    market = context.side or context.assets or context.venues or context.metrics
    long = any(when.length is not None and when.length > _DAY for when in context.whens)
    if not (market or long or words.OF_MARKET.search(low, start, end)):
        return  # "It rained on Monday." says nothing of a market
    days = [when for when in context.whens if when.calendar and when.length is not None]
    if len(context.whens) == len(days) == 1 and not windows.qualifies_event(low, start, days[0]):
        said.time, said.times = days[0], {}


def _labelled(
    low: str, contexts: Contexts, done: list[Claim], place: tuple[int, int], position: int, document: Document
) -> None:
    """A label at the end of a sentence with figures ("OI down $3bn. src: Velo") speaks of those above it too."""
    sources = contexts.of(*place).attributions
    if len(sources) == 1 and _LABEL.search(low, max(place[0], sources[0].start - _BEFORE_LABEL), sources[0].start):
        block = document.sentences[position].block
        above = [i for i in _above(document, done, block, position) if done[i].block == block]
        for index in [i for i in above if done[i].metric not in PRICES]:
            done[index] = _noted(done[index], {sources[0].values[0]}, (), ())


def _noted(claim: Claim, sources: set[str], whens: Sequence[When], metrics: Sequence[str]) -> Claim:
    changes: dict[str, object] = {}
    if not claim.metric and metrics and claim.kind is Kind.MONEY:
        changes["metric"] = metrics[0]
    metric = str(changes.get("metric", claim.metric))
    if not claim.attribution and len(sources) == 1:
        changes["attribution"] = next(iter(sources))
    if claim.when is None and not claim.timeless and len(whens) == 1 and metric not in LEVELS and metric in _TIMED:
        changes["when"] = windows.trading_week(whens[0]) if metric == "etf_net_flow" else whens[0]
    return _with(claim, changes, "the note below")


def _above(document: Document, done: Sequence[Claim], block: int, position: int) -> Iterator[int]:
    """The claims that a note in `block` speaks of: those before it in its paragraph, else of the list or paragraph
    above.
    """
    index = bisect_left(done, position, key=lambda claim: claim.position) - 1
    least, nearest = index - _MOST_NOTED, -1
    while index >= 0 and index > least:
        claim = done[index]
        if nearest < 0:
            nearest = claim.block
        listed = document.blocks[claim.block].kind in _LISTED and document.blocks[nearest].kind in _LISTED
        if claim.block != nearest and not (listed and nearest - claim.block <= _NEXT_CELLS):
            return
        if nearest != block and not _adjoin(document, nearest, block):
            return
        yield index
        nearest = claim.block
        index -= 1


def _adjoin(document: Document, above: int, below: int) -> bool:
    """Whether nothing but cells and items stands between two blocks."""
    return all(document.blocks[i].kind in _LISTED for i in range(above + 1, below)) or below == above


def _figures_follow(document: Document, by_sentence: dict[int, list[int]], position: int) -> bool:
    """Whether the next sentence of the paragraph, or the one after it, has figures."""
    block = document.sentences[position].block
    return any(
        after in by_sentence and document.sentences[after].block == block for after in (position + 1, position + 2)
    )
