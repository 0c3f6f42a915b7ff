"""From the answers of all channels to a verdict with its reasons.

The rules are stated in docs/verdicts.md. Nothing here knows a provider, a venue or an event by name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from verify.model.amount import Amount
from verify.model.quantity import LIQUIDATION_COUNT, Quantity
from verify.model.report import Reason, Verdict
from verify.model.window import Window, duration_words
from verify.reconcile.channels import Channel, Fit, as_floats, distance_words, span_words
from verify.reconcile.slips import Explanation
from verify.reconcile.statements import Statement

#: Windows that share this part of their union are compared, with the remark that their scopes differ.
COMPARABLE_OVERLAP = 0.5
#: Lineages on such unequal scopes contradict a claim when they differ from it by more than this factor.
COMPARABLE_FACTOR = 1.25
#: So many channels that only bound the claim are named with their bounds.
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Pair:
    """Two lineages on the same or a similar scope."""

    first: tuple[str, Statement]
    second: tuple[str, Statement]
    same_scope: bool

    @property
    def two_sided(self) -> bool:
        """Whether both state a number, and not only a lower bound."""
        return math.isfinite(self.first[1].high) and math.isfinite(self.second[1].high)

    @property
    def ratio(self) -> float:
        low, high = sorted((self.first[1].value, self.second[1].value))
        return high / low if low else math.inf


def compare(channels: Sequence[Channel], quantity: Quantity, window: Window) -> list[Pair]:
    """For every two lineages the pair of figures of one scope whose windows are most alike.

    Only figures whose quantity is the one asked, or a part of it, and whose windows overlap the window asked are
    compared; equal scopes are preferred, then the greatest common part of the windows.
    """
    pairs = []
    for index, first in enumerate(channels):
        for second in channels[index + 1 :]:
            best: tuple[tuple[object, ...], Pair] | None = None
            for a in first.kept:
                for b in second.kept:
                    if a.quantity != b.quantity or not quantity.includes(a.quantity):
                        continue
                    if not (a.window.overlaps(window) and b.window.overlaps(window)):
                        continue
                    same = a.window.may_be(b.window)
                    pair = Pair((first.lineage, a), (second.lineage, b), same)
                    near = a.window.shared(window) + b.window.shared(window)
                    rank = (a.quantity != quantity, not same, -near, -a.window.shared(b.window), a.id, b.id)
                    if best is None or rank < best[0]:
                        best = (rank, pair)
            if best is not None:
                pairs.append(best[1])
    return pairs


def disagreeing(
    channels: Sequence[Channel], quantity: Quantity, window: Window, claim: Amount
) -> list[tuple[Channel, Statement]]:
    """Lineages whose figures, on the same or a comparable scope, contradict the claim as a fact about the market."""
    low, high = as_floats(claim.tolerated)
    found = []
    for channel in channels:
        if channel.fit in (Fit.YES, Fit.HEDGED) or not channel.votes:
            continue
        near = [s for s in channel.kept if s.quantity == quantity and s.window.shared(window) >= COMPARABLE_OVERLAP]
        if not near:
            continue
        nearest = max(near, key=lambda s: (s.window.shared(window), s.id))
        if nearest.high * COMPARABLE_FACTOR < low or nearest.low > high * COMPARABLE_FACTOR:
            found.append((channel, nearest))
    return found


def decide(
    channels: Sequence[Channel],
    quantity: Quantity,
    window: Window,
    claim: Amount,
    *,
    named: str | None,
    unattributed: int,
    explanations: Sequence[Explanation],
) -> tuple[Verdict, list[Reason]]:
    """The verdict with its reasons, the decisive one first. `named` is the one channel that was asked."""
    reasons: list[Reason] = []
    yes = [c for c in channels if c.fit in (Fit.YES, Fit.HEDGED)]
    no = [c for c in channels if c.fit is Fit.NO]
    silent = [c for c in channels if c.fit in (Fit.SILENT, Fit.POSSIBLE)]
    against = [] if named else disagreeing(channels, quantity, window, claim)
    if not channels:
        if unattributed:
            states = "1 figure states" if unattributed == 1 else f"{unattributed} figures state"
            text = f"{states} this quantity near this window, and none names who measured it"
            return Verdict.INCONCLUSIVE, [Reason("only_unknown_lineage", text)]
        return Verdict.INCONCLUSIVE, [Reason("no_evidence", "no figure is known for this window and quantity")]
    if yes:
        for channel in yes:
            code = (
                "quoted_through_hedge"
                if channel.fit is Fit.HEDGED
                else ("quoted_right" if channel.nearest else "derived")
            )
            reasons.append(Reason(code, _agreement(channel, claim)))
        contrary = [c for c in no if c.nearest is not None and c.votes] if not named else []
        if contrary or against:
            others = [(c, c.nearest) for c in contrary if c.nearest is not None] or against
            for channel, statement in others:
                text = (
                    f"{channel.title} counts {statement.figure.amount} over {duration_words(statement.window.length)}"
                    f" ({statement.window.words()})"
                )
                reasons.insert(0, Reason("independent_lineages_disagree", text))
            verdict = Verdict.INCONCLUSIVE
        else:
            verdict = Verdict.SUPPORTED
    elif no and not [c for c in silent if c.nearest is not None]:
        verdict = Verdict.DIFFERS
        reasons += [Reason("out_of_range", _denial(channel, claim)) for channel in no]
    else:
        verdict = Verdict.INCONCLUSIVE
        reasons += _doubts([channel for channel in silent if channel.fit is Fit.POSSIBLE], claim)
        if not reasons:
            text = "no figure of a known lineage states this quantity for this window"
            reasons.append(Reason("no_reading_for_window", text))
    for channel in channels:
        if channel.discarded is not None:
            number = channel.discarded.figure.amount
            text = f"{channel.title} is quoted with {number}, but that figure stands in an impossible set"
            reasons.append(Reason("impossible_set", text))
    slips = [explanation for explanation in explanations if explanation.slip.cost]
    if not yes and slips:
        reasons.append(Reason("slip_found", f"it would be explained by {slips[0].words}"))
    return verdict, reasons


def _agreement(channel: Channel, claim: Amount) -> str:
    if channel.nearest is not None:
        said = f"{channel.title} says {channel.nearest.figure.amount}"
    else:
        said = f"the other figures of {channel.title} give {_best_words(channel)}"
    if channel.fit is Fit.HEDGED:
        return f"{said}: the claim {claim} holds only through its {claim.leeway}"
    return f"{said}, which the claim {claim} states"


def _best_words(channel: Channel) -> str:
    """What a channel allows, in dollars unless it counts."""
    counts = channel.nearest is not None and channel.nearest.quantity.metric == LIQUIDATION_COUNT
    return span_words(channel.best, currency="" if counts else "USD")


def _denial(channel: Channel, claim: Amount) -> str:
    span = _best_words(channel)
    if channel.nearest is not None:
        off = ""
        if claim.value:
            off = f", {distance_words((channel.nearest.value - float(claim.value)) / float(claim.value))} the claim"
        return f"{channel.title} says {channel.nearest.figure.amount}{off}; all its figures together allow {span}"
    return f"all figures of {channel.title} together allow {span}, and the claim {claim} lies outside"


def _doubts(channels: Sequence[Channel], claim: Amount) -> list[Reason]:
    """Why channels leave the claim open; many that only bound it are one reason."""
    coarse = [Reason("claim_more_precise", _doubt(c, claim)) for c in channels if c.nearest is not None]
    bounding = [c for c in channels if c.nearest is None]
    if len(bounding) <= _MOST_NAMED:
        return [*coarse, *(Reason("no_reading_for_window", _doubt(c, claim)) for c in bounding)]
    most = max(bounding, key=lambda c: (c.best or (0.0, 0.0))[0])
    listed = ", ".join(c.title for c in bounding)
    text = f"no figure of {listed} states this for this window; {most.title} says most: {span_words(most.best)}"
    return [*coarse, Reason("no_reading_for_window", text)]


def _doubt(channel: Channel, claim: Amount) -> str:
    if channel.nearest is not None:
        return f"{channel.title} says {channel.nearest.figure.amount}, which is too coarse to tell {claim} apart"
    return f"no figure of {channel.title} states this for this window; its other figures allow {_best_words(channel)}"
