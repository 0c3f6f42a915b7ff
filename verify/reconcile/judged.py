"""A claim about the market, judged by the draws, with the confidence that the judgement is right.

Five components add up to a score: how many lineages speak, how much of the market they cover, how clearly the draws
decide, how much of it feeds show themselves, and how sharply they are cut to the window. Their weights and the table
from score to confidence were learned on SIMULATED windows by `scripts/learn-confidence` (logistic regression, then
isotonic: Zadrozny & Elkan 2002, doi 10.1145/775047.775151) and stand in `confidence.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from verify.model.quantity import Side
from verify.model.report import Component, Confidence
from verify.reconcile.estimated import Estimate

NAMES = ("independence", "coverage", "agreement", "completeness", "window")
#: Log odds that draws are believed at most.
_ODDS_MOST = 6.0


@dataclass(frozen=True, slots=True)
class Table:
    """`weights` are the most points of each component and add up to one; a score between two of `scores` has a
    confidence between theirs in `right`. `windows` and `seed` say what it was learned on."""

    weights: tuple[float, ...]
    scores: tuple[float, ...]
    right: tuple[float, ...]
    windows: int
    seed: int

    def value(self, score: float) -> float:
        return float(np.interp(score, self.scores, self.right))


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether the market lost an amount in a range: `probability` by the draws, `holds` if that is one half or more.

    The components of `confidence` add up to a score; its value is the share of judgements of that score that were
    right on simulated windows.
    """

    holds: bool
    probability: float
    confidence: Confidence


@cache
def table() -> Table:
    """The table in the repository."""
    plain = json.loads(files("verify.reconcile").joinpath("confidence.json").read_text(encoding="utf-8"))
    scores, right = zip(*plain["table"], strict=True)
    return Table(tuple(plain["weights"][name] for name in NAMES), scores, right, plain["windows"], plain["seed"])


def judge(estimate: Estimate, low: float, high: float, side: Side = Side.BOTH) -> Judged | None:
    """The judgement of "the market lost between `low` and `high` dollars"; None where nothing is known.

    `low` and `high` are the claim's rounding and hedge interval, widened by the tolerance.
    """
    probability = estimate.probability(low, high, side)
    if probability is None:
        return None
    known = table()
    parts = tuple(
        Component(name, round(most * share, 4), round(most, 4), reason)
        for name, most, share, reason in zip(
            NAMES, known.weights, shares(estimate, probability), _reasons(estimate, probability), strict=True
        )
    )
    score = sum(part.points for part in parts)
    return Judged(probability >= 0.5, probability, Confidence(round(known.value(score), 4), parts))


def shares(estimate: Estimate, probability: float) -> tuple[float, ...]:
    """How much of its most points each component has, in the order of `NAMES`; all of them in [0, 1]."""
    surer = float(np.clip(max(probability, 1.0 - probability), 0.5, 1.0 - 1e-9))
    odds = min(float(np.log(surer / (1.0 - surer))), _ODDS_MOST) / _ODDS_MOST
    measured = estimate.shown + estimate.hidden
    return tuple(
        float(np.clip(share, 0.0, 1.0))
        for share in (
            1.0 - 0.5 ** max(estimate.lineages - 1, 0),
            1.0 - estimate.extrapolated,
            odds,
            estimate.shown / measured if measured > 0 else 0.0,
            estimate.window,
        )
    )


def _reasons(estimate: Estimate, probability: float) -> Sequence[str]:
    _, covered, _, shown, window = shares(estimate, probability)
    lineages = "lineage speaks" if estimate.lineages == 1 else "lineages speak"
    return (
        f"{estimate.lineages} {lineages} of the market",
        f"venues with a channel make up {covered:.0%} of the estimate",
        f"{max(probability, 1 - probability):.0%} of the draws decide the claim the same way",
        f"{shown:.0%} of what covered venues lost is shown, the rest is hidden by caps and gaps",
        f"{window:.0%} of what is shown surely lies in the window",
    )
