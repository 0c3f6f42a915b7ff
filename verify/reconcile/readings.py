"""Readings: what each lineage gives for one asked quantity, held against a claim; for everything but liquidations.

Liquidations are sums of overlapping feeds and need constraints (`verify.reconcile.channels`). A price, a flow, a
volume or a volatility is read off, by each lineage on its own; what is to be told is who says what, and by which
definition. The rules are in docs/readings.md. Nothing here knows a provider by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verify.model.figure import Completeness
from verify.model.report import Component, Confidence, Reason, Verdict
from verify.reconcile.channels import Fit
from verify.reconcile.confidence import MOST

#: Independent readings of one thing agree when the larger is at most this share above the smaller.
AGREEING = 0.02


@dataclass(frozen=True, slots=True)
class Reading:
    """One number off one lineage: `[low, high]` in the unit of the claim, and whether the claim fits it.

    `variant` names the definition or day boundary; empty is the one that was asked. `said` is the reading in words.
    `votes` is False where nobody knows who measured it. `fit` is None without a claim.
    """

    lineage: str
    title: str
    low: float
    high: float
    said: str
    variant: str = ""
    fit: Fit | None = None
    votes: bool = True
    completeness: Completeness = Completeness.COMPLETE
    url: str = ""
    outlet: str = ""
    evidence: str = ""
    figure: str = ""  # id of the published figure that it is, if it is one


def decide(readings: Sequence[Reading]) -> tuple[Verdict, list[Reason]]:
    """The verdict on a claim with its reasons, the decisive one first.

    What was asked decides; another definition or boundary under which it would be otherwise is told. Readings of
    unknown origin decide only where there is no other.
    """
    asked = [reading for reading in readings if not reading.variant]
    counted = [reading for reading in asked if reading.votes] or asked
    if not counted:
        return Verdict.INCONCLUSIVE, [Reason("no_evidence", "nothing is known for this window and quantity")]
    yes = [reading for reading in counted if reading.fit in (Fit.YES, Fit.HEDGED)]
    no = [reading for reading in counted if reading.fit is Fit.NO]
    open_ = [reading for reading in counted if reading.fit is Fit.POSSIBLE]
    if not any(reading.votes for reading in counted):
        text = f"nobody says who measured it; {_listed(counted)}"
        return Verdict.INCONCLUSIVE, [Reason("only_unknown_lineage", text)]
    if yes and no:
        reasons = [
            Reason("independent_lineages_disagree", f"true by {_listed(yes)}"),
            Reason("independent_lineages_disagree", f"false by {_listed(no)}"),
        ]
        return Verdict.INCONCLUSIVE, reasons
    if yes:
        hedged = all(reading.fit is Fit.HEDGED for reading in yes)
        reasons = [Reason("quoted_through_hedge" if hedged else "quoted_right", _listed(yes))]
        unnamed = [reading for reading in asked if not reading.votes and reading.fit is Fit.NO]
        if unnamed:
            text = f"false by what is printed without saying who measured it: {_listed(unnamed)}"
            reasons.append(Reason("printed_otherwise", text))
        if other := _otherwise(readings, Fit.NO):
            reasons.append(Reason("depends_on_definition", f"it would be false {other}"))
        return Verdict.SUPPORTED, reasons
    if no and not open_:
        other = _otherwise(readings, Fit.YES)
        if other:
            return Verdict.INCONCLUSIVE, [
                Reason("depends_on_definition", f"false as asked: {_listed(no)}; it would be true {other}")
            ]
        return Verdict.DIFFERS, [Reason("out_of_range", _listed(no))]
    return Verdict.INCONCLUSIVE, [Reason("claim_more_precise", f"too coarse to tell: {_listed(open_ or counted)}")]


def _listed(readings: Sequence[Reading]) -> str:
    shown = "; ".join(f"{reading.title}: {reading.said}" for reading in readings[:6])
    return shown + (f"; and {len(readings) - 6} more" if len(readings) > 6 else "")


def _otherwise(readings: Sequence[Reading], fit: Fit) -> str:
    """The variants under which every lineage that votes says the same: by which definition, and what they say."""
    wanted = (Fit.YES, Fit.HEDGED) if fit is Fit.YES else (fit,)
    found = []
    for variant in dict.fromkeys(reading.variant for reading in readings if reading.variant):
        group = [reading for reading in readings if reading.variant == variant and reading.votes]
        if group and all(reading.fit in wanted for reading in group):
            found.append(f"by {variant} ({group[0].title}: {group[0].said})")
    return "; ".join(found)


def agreement(readings: Sequence[Reading]) -> float | None:
    """The largest over the smallest of what independent lineages say of what was asked; None for fewer than two."""
    by_lineage = {r.lineage: (r.low + r.high) / 2 for r in readings if not r.variant and r.votes}
    values = [abs(value) for value in by_lineage.values()]
    if len(values) < 2 or min(values) <= 0:
        return None
    return max(values) / min(values)


def confidence(readings: Sequence[Reading], verdict: Verdict) -> Confidence:
    """The same five components as for liquidations, each with its reason."""
    asked = [reading for reading in readings if not reading.variant]
    lineages = len({reading.lineage for reading in asked if reading.votes})
    parts = (
        _component("independence", {0: 0.0, 1: 0.06, 2: 0.18}.get(lineages, MOST["independence"]), _count(lineages)),
        _component(
            "coverage",
            MOST["coverage"] if asked else 0.0,
            "read off for exactly what was asked" if asked else "no reading",
        ),
        _agreement(asked, lineages, verdict),
        _component(
            "window", MOST["window"] if asked else 0.0, "read off for exactly this window" if asked else "no reading"
        ),
        _completeness(asked),
    )
    return Confidence(round(sum(part.points for part in parts), 4), parts)


def _agreement(asked: Sequence[Reading], lineages: int, verdict: Verdict) -> Component:
    fits = {reading.fit for reading in asked if reading.votes}
    if verdict is Verdict.INCONCLUSIVE or (Fit.NO in fits and len(fits) > 1):
        return _component("agreement", 0.0, "lineages disagree about the claim, or none decides it")
    if lineages < 2:
        return _component("agreement", MOST["agreement"] / 2 if lineages else 0.0, "one lineage agrees with itself")
    return _component("agreement", MOST["agreement"], "all lineages say the same of the claim")


def _completeness(asked: Sequence[Reading]) -> Component:
    complete = sum(reading.completeness is Completeness.COMPLETE for reading in asked)
    share = complete / len(asked) if asked else 0.0
    return _component(
        "completeness", MOST["completeness"] * share, f"{complete} of {len(asked)} readings are of complete series"
    )


def _count(lineages: int) -> str:
    return {0: "no known lineage speaks of it", 1: "one lineage: one vote"}.get(
        lineages, f"{lineages} independent lineages"
    )


def _component(name: str, points: float, reason: str) -> Component:
    return Component(name, round(points, 4), MOST[name], reason)


def spread(readings: Sequence[Reading], shown: Callable[[float], str]) -> str:
    """From the least to the most that lineages say of what was asked, in words."""
    asked = [r for r in readings if not r.variant and r.votes] or [r for r in readings if not r.variant]
    if not asked:
        return "nothing is known"
    low, high = min(r.low for r in asked), max(r.high for r in asked)
    count = len({r.lineage for r in asked})
    by = asked[0].title if count == 1 else f"{count} lineages"
    value = shown(low) if shown(low) == shown(high) else f"{shown(low)} to {shown(high)}"
    return f"{value} according to {by}"
