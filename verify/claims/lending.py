"""What stands around a sentence lends its numbers: labels, lead-in, heading, the sentence before, the topic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from verify.claims import words
from verify.claims.carry import from_claim, from_neighbour, may_share
from verify.claims.claim import LEVELS, LIQUIDATIONS, Claim
from verify.claims.context import Context, Contexts
from verify.claims.regions import Place, is_compared, whole_of
from verify.claims.spans import Kind
from verify.claims.text import Block, Document, Sentence
from verify.claims.text import Kind as BlockKind
from verify.model.quantity import Side

#: A sum that is smaller is no sum of liquidations that anybody prints without saying so.
_LEAST = 10_000
_STATES = LEVELS - {"market_value"}
#: What goes on being counted before anything else that the sentence before counted too.
_SUMS = frozenset({"liquidations", "etf_net_flow", "liquidation_count", "share", "price_change"})
_MOST_LEAD = 80
_SAME_ROW = 3
_IN_BRACKETS = re.compile(r"[*_]{0,2}\s?[(（]")
#: Who counts liquidations before anything else.
_COUNTERS = frozenset(
    {"CoinGlass", "Coinalyze", "CoinAnk", "Laevitas", "Velo", "HypurrScan", "Hyperdash", "Hyblock Capital"}
)
_MOST_GAP = 60


class Lender:
    """Goes along with the reader and remembers the heading, the lead-in and what the text is about."""

    def __init__(self, document: Document, low: str, contexts: Contexts) -> None:
        self.document = document
        self.text = document.text
        self.low = low
        self.contexts = contexts
        self.heading: tuple[int, int] | None = None
        self.lead: tuple[int, int] | None = None
        self.topic = words.TOPIC.search(low) is not None
        #: Whether nothing says what any number counts, and sides are named.
        self.bare = not self.topic and not words.metrics(low, 0, len(low)) and bool(words.sides(low, 0, len(low)))

    def passed(self, sentence: Sentence) -> None:
        """Note a sentence that was read, for those below it."""
        block = self.document.blocks[sentence.block]
        if block.kind is BlockKind.HEADING:
            self.heading, self.lead = (sentence.start, sentence.end), None
        elif block.kind is BlockKind.PARAGRAPH:
            self.lead = (sentence.start, sentence.end) if self._leads(sentence, block) else None

    def _leads(self, sentence: Sentence, block: Block) -> bool:
        """Whether a sentence heads the list or table below: it ends in a colon, or is a short line without an end."""
        last = self.text[sentence.end - 1]
        whole = not self.text[block.start : sentence.start].strip() and not self.text[sentence.end : block.end].strip()
        return last in ":：" or (whole and block.end - block.start <= _MOST_LEAD and last not in ".!?。！？…")

    def carried(self, claim: Claim, place: Place, before: Sequence[Claim]) -> Claim:
        """Fill open slots from labels, lead-in, heading or the sentence that is pointed back to."""
        sentence, made = place.sentence, place.made
        block = self.document.blocks[sentence.block]
        carried = dict(claim.carried)
        for span in block.context:
            claim = self._from(claim, self.contexts.of(span.start, span.end), "the table's labels", carried)
        if block.kind in (BlockKind.ITEM, BlockKind.CELL) and self.lead is not None:
            claim = self._from(claim, self.contexts.of(*self.lead), "the lead-in", carried, above=True)
        if block.kind in (BlockKind.ITEM, BlockKind.CELL) and self.heading is not None:
            claim = self._from(claim, self.contexts.of(*self.heading), "the heading", carried, above=True)
        if block.kind is BlockKind.ITEM and sentence.start > block.start:
            colon = min(
                (i for i in (self.text.find(c, block.start, sentence.start) for c in ":：") if i > 0), default=-1
            )
            if 0 < colon - block.start < _MOST_LEAD:
                claim = self._from(claim, self.contexts.of(block.start, colon), "the item's lead-in", carried)
        if block.kind is BlockKind.CELL and before:
            claim = _with_row(claim, before, carried)
        if made:
            alike = [c for c in made if c.kind is claim.kind]
            claim = from_neighbour(claim, alike[-1] if alike else made[-1], carried)
        previous = self._lent_by(before)[0] if before and not made else None
        if previous and previous.block == sentence.block and previous.position == claim.position - 1:
            claim = self._from_sentence_before(claim, place, before, carried)
        return replace(claim, carried=carried) if carried != claim.carried else claim

    def _lent_by(self, before: Sequence[Claim]) -> list[Claim]:
        """The figures of the sentence before, the last first, but for those that others were only compared with."""
        return [c for c in _of_one_sentence(before) if not is_compared(self.low, c.number)] or [before[-1]]

    def _from_sentence_before(
        self, claim: Claim, place: Place, before: Sequence[Claim], carried: dict[str, str]
    ) -> Claim:
        context, whole = place.context, place.whole
        told = self._lent_by(before)
        previous = told[0]
        points = words.PRONOUN.search(self.low, *whole) is not None
        short = bool(context.whens) and whole[1] - whole[0] <= _MOST_GAP
        named = bool(context.venues or context.side or context.assets)
        silent = all(mention.values[0] == "largest_liquidation" for mention in context.metrics)
        goes_on = points or (silent and (named or short or claim.number.amount.value >= _LEAST))
        alike = [c for c in told if c.kind is claim.kind and may_share(c, claim)]
        goes_on = goes_on and not words.NOT_LIQUIDATED.search(self.low, *whole)
        alike.sort(key=lambda c: c.metric not in _SUMS)
        # "In all, $276 million was liquidated", "By exchange, Bybit leads with": of no asset that was named before
        whole_sum = words.TOTAL.search(self.low, whole[0], place.number.start) is not None and not named
        points = points and not whole_sum
        lent = alike[0] if alike else previous
        if claim.venues and not claim.assets and words.BY_VENUE.search(self.low, whole[0], place.number.start):
            lent = replace(lent, assets=())
        claim = from_claim(claim, lent, points, goes_on, carried)
        part = words.OF_TOTAL.match(self.low, place.number.end) is not None
        if part and claim.metric == lent.metric == "liquidations" and claim.side is Side.BOTH is not lent.side:
            claim, carried["side"] = replace(claim, side=lent.side), "the sentence before"
        if words.PUT_RIGHT.search(self.low, whole[0], place.number.start) and not place.made:
            claim = _put_right(claim, previous, carried)
        same = words.SAME_TIME.search(self.low, *whole)
        stands = claim.metric == "market_value" and words.TO_LEVEL.search(
            self.low, max(0, place.number.start - _MOST_GAP), place.number.start
        )
        if (
            same is not None
            and not stands
            and claim.when is None
            and claim.metric not in _STATES
            and (timed := next((c.when for c in _of_one_sentence(before) if c.when is not None), None)) is not None
        ):
            carried["when"] = "the sentence before"
            claim = replace(claim, when=timed)
        return claim

    def by_topic(self, claim: Claim, place: Place) -> Claim:
        """What a bare number of a text about liquidations counts: one with a side, or in a list or table of names."""
        if claim.metric or not (self.topic or self.bare):
            return claim
        last = place.last
        block = self.document.blocks[claim.block]
        listed = block.kind in (BlockKind.ITEM, BlockKind.CELL) and bool(claim.venues or claim.assets)
        had_part = bool(claim.venues) and words.HAD_ITS_PART.search(self.low, *place.whole) is not None
        headed = (block.kind is BlockKind.HEADING or claim.block == 0) and words.GONE.search(
            self.low, *place.whole
        ) is not None
        measured = (
            claim.attribution in _COUNTERS and words.COUNTED.search(self.low, place.region[0], place.number.start)
        ) or words.THE_POSITIONS.search(self.low, *place.whole)
        tallied = claim.when is not None and words.TOTAL.search(self.low, *place.clause) is not None
        listed = (self.topic or (self.bare and block.kind is BlockKind.ITEM)) and (
            listed or had_part or headed or bool(measured) or tallied
        )
        sided = claim.side is not Side.BOTH or words.LONG_AND_SHORT.search(self.low, *place.whole) is not None
        sided = sided or (self.bare and words.TOTAL.search(self.low, *place.clause) is not None)
        taken = {**claim.carried, "metric": "the topic of the text"}
        if claim.kind is Kind.MONEY and claim.number.amount.value >= _LEAST and (sided or listed):
            other = words.NOT_LIQUIDATED.search(self.low, *place.clause)
            silent = all(mention.values[0] == "largest_liquidation" for mention in place.context.metrics)
            return claim if other or not silent else replace(claim, metric="liquidations", carried=taken)
        if last is not None and whole_of(self.low, last.number, claim.number) and last.metric == "share":
            return replace(claim, metric="liquidations", carried=taken)
        if (
            last is not None
            and claim.kind is Kind.PERCENT
            and last.metric == "liquidations"
            and _IN_BRACKETS.fullmatch(self.low, last.number.end, claim.number.start)
            and not claim.number.sign
        ):
            whole = {slot: getattr(last, slot) for slot in ("venues", "assets") if not getattr(claim, slot)}
            return replace(claim, metric="share", carried=taken, **whole)
        if claim.kind is Kind.PERCENT and (listed or sided) and last is not None and last.metric == "liquidations":
            return replace(claim, metric="share", carried=taken)
        return claim

    def _from(
        self, claim: Claim, context: Context, source: str, carried: dict[str, str], *, above: bool = False
    ) -> Claim:
        """Take open slots from a context; of what stands `above` a whole list only time and source go everywhere."""
        changes: dict[str, object] = {}
        if not claim.metric and context.metrics and claim.kind is Kind.MONEY:
            changes["metric"] = context.metrics[0].values[0]
        bare = not claim.metric or "metric" in carried or not above  # a whole sentence of its own needs no scope
        counted = changes.get("metric", claim.metric) in (*LIQUIDATIONS, "")
        if bare and claim.side is Side.BOTH and len(context.side) == 1 and len(context.side[0].values) == 1 and counted:
            changes["side"] = Side(context.side[0].values[0])
        if bare and not claim.assets and len(context.assets) == 1:
            changes["assets"] = context.assets[0].values
        if bare and not claim.venues and len(context.venues) == 1:
            changes["venues"] = context.venues[0].values
        if (
            claim.when is None
            and len({when.label for when in context.whens}) == 1
            and claim.metric != "price"
            and not claim.timeless
        ):
            changes["when"] = context.whens[0]
        if not claim.attribution and len(context.attributions) == 1:
            changes["attribution"] = context.attributions[0].values[0]
        for slot in changes:
            carried[slot] = source
        return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]  # slots by name


def _with_row(claim: Claim, before: Sequence[Claim], carried: dict[str, str]) -> Claim:
    """A share in a table is one of the sum that stands beside it in its row, over the same time."""
    whole = before[-1]
    beside = claim.kind is Kind.PERCENT and 0 < claim.block - whole.block <= _SAME_ROW and whole.metric in LIQUIDATIONS
    if not beside or claim.metric not in ("share", "") or whole.venues != claim.venues or whole.assets != claim.assets:
        return claim
    changes: dict[str, object] = {} if claim.metric else {"metric": "share"}
    if claim.when is None and whole.when is not None:
        changes["when"] = whole.when
    if not claim.attribution and whole.attribution:
        changes["attribution"] = whole.attribution
    carried |= dict.fromkeys(changes, "its row")
    return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]  # slots by name


def _put_right(claim: Claim, wrong: Claim, carried: dict[str, str]) -> Claim:
    """The right figure of a correction counts what the wrong one was said to count."""
    if claim.kind is not wrong.kind or (claim.side is not Side.BOTH and wrong.side not in (Side.BOTH, claim.side)):
        return claim
    changes: dict[str, object] = {
        slot: getattr(wrong, slot)
        for slot in ("metric", "assets", "venues", "when")
        if not getattr(claim, slot) and getattr(wrong, slot)
    }
    if claim.side is Side.BOTH and wrong.side is not Side.BOTH:
        changes["side"] = wrong.side
    carried |= dict.fromkeys(changes, "the sentence before")
    return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]  # slots by name


def _of_one_sentence(claims: Sequence[Claim]) -> list[Claim]:
    """The claims of the sentence that the last one stands in, the last first."""
    found = []
    for claim in reversed(claims):
        if claim.position != claims[-1].position:
            break
        found.append(claim)
    return found
