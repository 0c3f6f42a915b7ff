"""The third question: the estimate as parts of the report, and what it says of a claim about the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from verify.model import names
from verify.model.amount import Amount, money
from verify.model.quantity import Side
from verify.model.report import (
    ChangeRow,
    Confidence,
    CoverageRow,
    Estimated,
    FaultRow,
    Question,
    Reason,
    RuleRow,
    Spread,
    TimeBin,
    VenueRow,
    Verdict,
)
from verify.pipeline.estimation import REST, Estimation, estimated
from verify.pipeline.sharing import asked, once
from verify.pipeline.timeline import timeline
from verify.reconcile import wording
from verify.reconcile.channels import Channel, as_floats
from verify.reconcile.estimated import Change, Estimate, Interval, Kind
from verify.reconcile.judged import judge
from verify.reconcile.summary import MARKET

if TYPE_CHECKING:
    from verify.pipeline.judging import Measured
    from verify.pipeline.judging import Question as Asked

#: A claim about the market is right within this, beyond its own rounding and hedge: nobody knows the market better.
TOLERANCE = 0.10
#: The draws agree with a claim from this probability on, and exclude it below the other.
AGREES, EXCLUDES = 0.5, 0.05
#: Verdicts that the draws may replace: nobody is known to have said the number, or to deny it.
OPEN_CODES = frozenset({"no_evidence", "only_unknown_lineage", "no_reading_for_window"})


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that a report says of the whole market. `reason` is what it says of a claim about it, with `confidence`."""

    rows: Estimated | None
    timeline: tuple[TimeBin, ...]
    coverage: tuple[CoverageRow, ...]
    market: Question | None
    reason: Reason | None = None
    clause: str = ""
    confidence: Confidence | None = None

    @property
    def known(self) -> bool:
        """Whether there is an estimate of the whole, and not only a lower bound."""
        return self.rows is not None and self.rows.kind == Kind.ESTIMATE

    def judged(
        self, verdict: Verdict, reasons: Sequence[Reason], certainty: Confidence
    ) -> tuple[Verdict, list[Reason], Confidence]:
        """The verdict with its reasons; where it rests on the draws, with the confidence that was learned for them."""
        found, why = judged(verdict, reasons, self.reason)
        return found, why, certainty if found is verdict or self.confidence is None else self.confidence


def outlook(question: Asked, channels: Sequence[Channel], measured: Measured) -> Outlook:
    """The estimate with all that belongs to it, for what is asked of these channels and deliveries."""
    shown = once(measured, ("timeline", question.window), lambda: timeline(measured, question.window))
    estimation = once(
        measured, ("estimate", asked(question, channels)), lambda: estimated(question, channels, measured)
    )
    if estimation is None:
        return Outlook(None, shown, (), None)
    side, claim = question.quantity.side, question.claim
    about_market = claim is not None and question.channel is None and question.quantity.venues.is_all
    why = reason(estimation, claim, side) if about_market and claim is not None else None
    confirmed = about_market and estimation.estimate.kind is Kind.ESTIMATE
    chance = probability(estimation, claim, side) if confirmed and claim is not None else None
    floor, _ = wording.least(channels, claimed=claim is not None)
    return Outlook(
        rows(estimation, chance), shown, coverage(estimation), answer(estimation, side, why, floor), why,
        clause(estimation, side), confidence(estimation, claim, side) if confirmed and claim is not None else None,
    )  # fmt: skip


def rows(estimation: Estimation, probability: float | None) -> Estimated:
    """The estimate as a part of the report."""
    said = estimation.estimate
    return Estimated(
        kind=str(said.kind),
        total=_spread(said.total),
        long=_spread(said.long),
        short=_spread(said.short),
        shown_usd=round(said.shown_usd, 2),
        lineages=said.lineages,
        heterogeneity=_spread(said.tau, digits=4),
        shown=round(said.shown, 4),
        hidden=round(said.hidden, 4),
        extrapolated=round(said.extrapolated, 4),
        probability=None if probability is None else round(probability, 4),
        venues=tuple(
            VenueRow(
                _title(one.venue), one.basis, round(one.shown, 2), _known(one.total), _known(one.long),
                _known(one.short), one.channels,
            )
            for one in said.venues
        ),
        assets={asset: _known(interval) for asset, interval in said.assets.items()},
        variance={cause: round(share, 4) for cause, share in said.variance.items()},
        faults=tuple(
            FaultRow(f.channel, str(f.kind), round(f.probability, 4), f.evidence, f.action, f.asset)
            for f in said.faults
        ),
        rules=tuple(RuleRow(r.channel, r.rule, round(r.prior, 4), round(r.posterior, 4)) for r in said.rules),
        without=_changes(said.without),
        sensitivity=_changes(said.sensitivity),
        limits=said.limits,
    )  # fmt: skip


def coverage(estimation: Estimation) -> tuple[CoverageRow, ...]:
    """Every venue of the market, the largest first: its open interest, and who shows it."""
    evidence = estimation.evidence
    channels: dict[str, list[str]] = {}
    lineages: dict[str, list[str]] = {}
    seen = [(one.venue, one.id, one.lineage) for one in evidence.feeds]
    seen += [(one.venue, one.id, one.lineage) for one in evidence.bars]
    seen += [(row.venue, row.source, row.lineage) for row in evidence.rows if row.venue != REST]
    for venue, channel, beneath in seen:
        channels.setdefault(venue, []).append(channel)
        lineages.setdefault(venue, []).extend(beneath)
    interest = {size.venue: size.open_interest_usd for size in evidence.sizes}
    known = sum(value for value in interest.values() if value)
    found = [
        CoverageRow(
            _title(venue),
            interest.get(venue),
            round((interest.get(venue) or 0.0) / known, 4) if known and interest.get(venue) else None,
            tuple(sorted(set(channels.get(venue, ())))),
            tuple(sorted(set(lineages.get(venue, ())))),
        )
        for venue in {**interest, **channels}
    ]
    return tuple(sorted(found, key=lambda row: (-(row.open_interest_usd or 0.0), row.venue)))


def probability(estimation: Estimation, claim: Amount, side: Side) -> float | None:
    """The probability that the market lost what is claimed, within rounding, hedge and `TOLERANCE`."""
    low, high = as_floats(claim.tolerated)
    return estimation.estimate.probability(low * (1 - TOLERANCE), high * (1 + TOLERANCE), side)


def confidence(estimation: Estimation, claim: Amount, side: Side) -> Confidence | None:
    """How often a judgement of this kind was right in simulated markets."""
    low, high = as_floats(claim.tolerated)
    found = judge(estimation.estimate, low * (1 - TOLERANCE), high * (1 + TOLERANCE), side)
    return None if found is None else replace(found.confidence, learned=True)


def reason(estimation: Estimation, claim: Amount, side: Side) -> Reason | None:
    """What the draws say of a claim about the market; None where they cannot tell.

    A lower bound confirms no number, as nothing tells how large the whole was; it excludes what is too small.
    """
    said = estimation.estimate
    chance, spread = probability(estimation, claim, side), _of(said, side)
    if chance is None or spread is None:
        return None
    stated = f"the market is estimated to have lost {_interval(spread)}"
    low, high = as_floats(claim.tolerated)
    if said.kind is not Kind.ESTIMATE:
        below = said.probability(0.0, high * (1 + TOLERANCE), side)
        if below is not None and below < EXCLUDES:
            return Reason("market_estimate_excludes", f"{stated}, at least, which leaves no room for {claim}")
        return None
    odds = f"the probability of {claim}, within {TOLERANCE:.0%}, is {_percent(chance)}"
    if chance >= AGREES:
        return Reason("market_estimate_agrees", f"{stated}; {odds}")
    if chance < EXCLUDES:
        way = "less" if high < spread.median else "more" if low > spread.median else "other"
        return Reason("market_estimate_excludes", f"{stated}; the claim is {way}: {odds}")
    return Reason("market_estimate_open", f"{stated}; {odds}")


def judged(verdict: Verdict, reasons: Sequence[Reason], market: Reason | None) -> tuple[Verdict, list[Reason]]:
    """The verdict with the market's reason.

    Whether a number is quoted right is one question, whether the market lost it another: the draws never overrule what
    a channel says. They decide where no channel speaks of the number.
    """
    if market is None:
        return verdict, list(reasons)
    decides = verdict is Verdict.INCONCLUSIVE and {reason.code for reason in reasons} <= OPEN_CODES
    if decides and market.code == "market_estimate_agrees":
        return Verdict.SUPPORTED, [market, *reasons]
    if decides and market.code == "market_estimate_excludes":
        return Verdict.DIFFERS, [market, *reasons]
    open_only = market.code == "market_estimate_open" and not decides
    return verdict, list(reasons) if open_only else [*reasons, market]


def answer(estimation: Estimation, side: Side, market: Reason | None, floor: float) -> Question:
    """The answer to the third question: the interval with the lineages and the heterogeneity that it rests on, and
    apart from it the least that is shown (`floor`, USD)."""
    said, spread = estimation.estimate, _of(estimation.estimate, side)
    shown = f"at least {money(floor, digits=3)} by what is shown"
    if floor <= 0:
        of = "" if side is Side.BOTH else " of both sides"
        shown = f"{money(said.shown_usd, digits=3)}{of} is shown" if said.shown_usd > 0 else "nothing is surely shown"
    if spread is None:
        return Question("market", MARKET, "not answerable", f"not answerable from what is known; {shown}")
    behind = f"{said.lineages} independent lineage{'' if said.lineages == 1 else 's'}"
    spread_of = "heterogeneity of venues "
    spread_of += f"{said.tau.median:.2f}" if said.tau is not None else "not known from so few"
    if said.kind is Kind.ESTIMATE:
        text = f"{_interval(spread)}; {behind}, {spread_of}; {shown}"
    elif spread.high90 < floor:
        part = f"the channels that were read show {money(said.shown_usd, digits=3)} of it"
        text = f"a lower bound: {shown}; {part}, from which the rest cannot be told; {behind}"
    else:
        text = f"a lower bound: {shown}; what feeds hide would make it {_interval(spread)}; {behind}, {spread_of}"
        text += f". {said.limits[0]}" if said.limits else ""
    answers = {"market_estimate_agrees": "yes", "market_estimate_excludes": "no"}
    given = "yes" if said.kind is Kind.ESTIMATE else "not answerable"
    if market is not None:
        given = answers.get(market.code, "possible")
    return Question("market", MARKET, given, text)


def clause(estimation: Estimation, side: Side) -> str:
    """What a sentence fit to print may add about the whole market; nothing where there is a lower bound only."""
    spread = _of(estimation.estimate, side)
    if spread is None or estimation.estimate.kind is not Kind.ESTIMATE:
        return ""
    low, high = money(spread.low90, digits=3), money(spread.high90, digits=3)
    return f"What the whole market lost is estimated at {money(spread.median, digits=3)} ({low} to {high})."


def _of(said: Estimate, side: Side) -> Interval | None:
    return {Side.BOTH: said.total, Side.LONG: said.long, Side.SHORT: said.short}[side]


def _interval(spread: Interval) -> str:
    low, high = money(spread.low90, digits=3), money(spread.high90, digits=3)
    inner = f"{money(spread.low50, digits=3)} to {money(spread.high50, digits=3)}"
    return f"{money(spread.median, digits=3)} (90 %: {low} to {high}; 50 %: {inner})"


def _percent(chance: float) -> str:
    if chance < 0.01:
        return "below 1 %"
    return "above 99 %" if chance > 0.99 else f"{chance:.0%}".replace("%", " %")


def _title(venue: str) -> str:
    return venue if venue == REST else names.title("venues", venue)


def _changes(changes: Sequence[Change]) -> tuple[ChangeRow, ...]:
    return tuple(ChangeRow(change.name, round(change.factor, 4), change.text) for change in changes)


def _spread(interval: Interval | None, digits: int = 2) -> Spread | None:
    return None if interval is None else _known(interval, digits)


def _known(interval: Interval, digits: int = 2) -> Spread:
    values: Mapping[str, float] = {name: getattr(interval, name) for name in Spread.__slots__}
    return Spread(**{name: round(value, digits) for name, value in values.items()})
