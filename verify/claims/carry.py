"""What one figure of a text lends another: neighbours, sentences before, the headline, the same figure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from verify.claims.claim import LEVELS, PRICES, SAME_TIME, Claim, family
from verify.claims.spans import Kind
from verify.claims.text import Document
from verify.claims.text import Kind as BlockKind
from verify.model.quantity import Side

#: Among how many figures below a headline its own is looked for.
_MOST_BELOW = 30


def may_share(one: Claim, two: Claim) -> bool:
    """Whether the metric of one number may be that of another: a price level is no sum of millions."""
    return one.metric not in PRICES or two.number.amount.value < 1_000_000


def from_neighbour(claim: Claim, last: Claim, carried: dict[str, str]) -> Claim:
    """What was taken from elsewhere for the number before stands for this one of its sentence too."""
    changes: dict[str, object] = {}
    if not claim.metric and claim.kind is last.kind and last.metric and "metric" in last.carried:
        changes["metric"] = last.metric
    if family(str(changes.get("metric", claim.metric))) == family(last.metric):
        level = str(changes.get("metric", claim.metric)) in LEVELS
        if claim.when is None and not claim.timeless and not level and last.when and "when" in last.carried:
            changes["when"] = last.when
        if not claim.attribution and last.attribution and "attribution" in last.carried:
            changes["attribution"] = last.attribution
    for slot in changes:
        carried[slot] = last.carried[slot]
    return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]


def from_claim(claim: Claim, previous: Claim, points: bool, goes_on: bool, carried: dict[str, str]) -> Claim:
    """What the sentence before says, where this one points back to it or goes on with its subject.

    Time and attribution stand for a whole paragraph.
    """
    changes: dict[str, object] = {}
    part = claim.metric == "share" and previous.metric in ("dex_volume", "open_interest", "etf_net_flow")
    if family(claim.metric) == family(previous.metric) or not claim.metric or part:
        if not claim.attribution and previous.attribution and (claim.metric or goes_on):
            changes["attribution"] = previous.attribution
        if goes_on and not claim.metric and claim.kind is previous.kind and may_share(previous, claim):
            changes["metric"] = previous.metric
        known = changes.get("metric", claim.metric)
        timed = claim.when is None and not claim.timeless and previous.when is not None
        timed = timed and (not part or previous.metric not in LEVELS)
        if timed and known and known in SAME_TIME:
            changes["when"] = previous.when
        if points:
            if not claim.venues and previous.venues:
                changes["venues"] = previous.venues
            if not claim.assets and previous.assets:
                changes["assets"] = previous.assets
            if timed and claim.metric != "price":
                changes["when"] = previous.when
    for slot in changes:
        carried[slot] = "the sentence before"
    return replace(claim, **changes) if changes else claim  # type: ignore[arg-type]


def said_before(claims: Sequence[Claim]) -> list[Claim]:
    """A number of which nothing is said counts what the very same number counted before."""
    known: dict[tuple[Kind, Decimal, str], str] = {}
    done = []
    for claim in claims:
        amount = claim.number.amount
        key = claim.kind, amount.value, claim.number.asset
        telling = len(amount.digits) > 1 and claim.kind is not Kind.PERCENT
        if not claim.metric and telling and key in known:
            claim = replace(claim, metric=known[key], carried={**claim.carried, "metric": "the same figure before"})
        elif claim.metric and telling:
            known.setdefault(key, claim.metric)
        done.append(claim)
    return done


def shared_with_headline(document: Document, claims: Sequence[Claim]) -> list[Claim]:
    """A headline's figure and the first of the body that it may round fill each other's open slots."""
    done = list(claims)
    bodies = [i for i, claim in enumerate(done) if document.blocks[claim.block].kind is not BlockKind.HEADING]
    for index, head in enumerate(done):
        if document.blocks[head.block].kind is not BlockKind.HEADING:
            continue
        first = bisect_right(bodies, index)
        for other in bodies[first : first + _MOST_BELOW]:
            body = done[other]
            same = (
                body.kind is head.kind and head.number.amount.low <= body.number.amount.value < head.number.amount.high
            )
            if same and (family(body.metric) == family(head.metric) or not body.metric or not head.metric):
                done[index] = _completed(head, body, "the body")
                done[other] = _completed(body, head, "the headline")
                break
    return done


def _completed(claim: Claim, other: Claim, source: str) -> Claim:
    changes: dict[str, object] = {
        slot: getattr(other, slot)
        for slot in ("metric", "assets", "venues", "when", "attribution", "threshold")
        if not getattr(claim, slot) and getattr(other, slot)
    }
    if claim.side is Side.BOTH and other.side is not Side.BOTH:
        changes["side"] = other.side
    if not changes:
        return claim
    return replace(claim, **changes, carried={**claim.carried, **dict.fromkeys(changes, source)})  # type: ignore[arg-type]
