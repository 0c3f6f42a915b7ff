"""What the figures of one lineage say of a quantity over a window, and whether a claim fits.

The rules are stated in docs/verdicts.md. Nothing here knows a provider, a venue or an event by name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from verify.model.amount import Amount, Hedge, money
from verify.model.figure import Figure, Grade
from verify.model.quantity import LIQUIDATIONS, CountUnit, Quantity, Side
from verify.model.window import Window
from verify.reconcile.cells import System, Target
from verify.reconcile.contradictions import Contradiction, Suspect, resolve
from verify.reconcile.slips import CATALOGUE, Candidate, Claimed, Explanation, candidates, explain
from verify.reconcile.statements import Statement, interval, statements

Span = tuple[float, float]
#: The range of a quantity that nothing bounds.
NOTHING_KNOWN: Span = (0.0, math.inf)


class Fit(StrEnum):
    """How what a channel allows lies to what is claimed."""

    YES = "yes"
    HEDGED = "through hedge"
    NO = "no"
    POSSIBLE = "possible"
    SILENT = "no reading"


@dataclass(frozen=True, slots=True)
class Channel:
    """What one lineage says of the claimed quantity."""

    lineage: str
    title: str
    fit: Fit
    kept: tuple[Statement, ...]
    contradictions: tuple[Contradiction, ...]
    nearest: Statement | None  # of those that state the quantity for the window
    matched: tuple[Statement, ...]
    feasible: Span | None  # by everything the lineage says
    derived: Span | None  # by everything but the figures that state the quantity for the window
    derived_from: tuple[Statement, ...]
    by_clock: Span | None  # for exactly the window asked
    discarded: Statement | None = None  # the claim's own number, printed but set aside
    votes: bool = True  # whether it counts as independent of other lineages

    @property
    def best(self) -> Span | None:
        return self.feasible if self.feasible is not None else self.by_clock


def fit(allowed: Span, claim: Amount) -> Fit:
    """Compare what is possible with the claim's rounding and hedge.

    `yes`: everything possible makes the unhedged claim true. `through hedge`: only hedge or allowance does. `no`:
    nothing possible makes it true. `possible`: the evidence is coarser than the claim.
    """
    plain = claim.plain().tolerated
    hedged = claim.tolerated
    if claim.hedge in (Hedge.NONE, Hedge.ABOUT, Hedge.NEARLY) and _within(allowed, plain):
        return Fit.YES
    if _within(allowed, hedged):
        one_sided = claim.hedge in (Hedge.AT_LEAST, Hedge.OVER, Hedge.UP_TO, Hedge.UNDER)
        return Fit.YES if one_sided and _within(allowed, claim.allowing(Decimal(0)).tolerated) else Fit.HEDGED
    low, high = as_floats(hedged)
    if allowed[1] < low or allowed[0] > high or (allowed[0] == high and allowed[0] != low):
        return Fit.NO
    return Fit.POSSIBLE


def _within(inner: Span, outer: tuple[Decimal, Decimal | None]) -> bool:
    low, high = as_floats(outer)
    grain = 1e-6 * max(abs(low), 1.0)  # the solver's tolerance
    return low - grain <= inner[0] and inner[1] <= high + grain


def as_floats(span: tuple[Decimal, Decimal | None]) -> Span:
    return float(span[0]), math.inf if span[1] is None else float(span[1])


def ask(
    lineage: str, title: str, figures: Sequence[Figure], quantity: Quantity, window: Window, claim: Amount | None
) -> Channel:
    """What the figures of one lineage say of a quantity over a window, and whether the claim fits."""
    if quantity.metric != LIQUIDATIONS or quantity.threshold_usd is not None:
        return _ask_directly(lineage, title, figures, quantity, window, claim)
    relevant = tuple(figure for figure in figures if figure.window is not None and figure.window.overlaps(window))
    said = _said(relevant, quantity, window)
    kept, contradictions, matched, by_clock = said.kept, said.contradictions, said.matched, said.by_clock
    stating = [s for s in matched if s.quantity == quantity]
    feasible, derived, best = None, None, None
    answers = [
        (fit(span, claim) if claim is not None else Fit.SILENT, span, reading) for reading, span in said.spans.items()
    ]
    if answers:
        # a reading that states the claim speaks for it; else the one that says most about the quantity
        verdict, feasible, best = min(
            answers, key=lambda a: (min(_ORDER[a[0]], _ORDER[Fit.POSSIBLE]), a[1][1] - a[1][0], a[2])
        )
        derived = _derived(relevant, quantity, window, best)
    elif by_clock is not None and claim is not None:
        verdict = fit(by_clock, claim)
    else:
        verdict = Fit.SILENT
    discarded = _discarded(contradictions, quantity, window, claim)
    if discarded is not None and verdict is Fit.POSSIBLE:
        verdict = Fit.NO
    if by_clock is not None and by_clock == NOTHING_KNOWN and not answers:
        verdict, by_clock = Fit.SILENT, None
    return Channel(
        lineage=lineage,
        title=title,
        fit=verdict,
        kept=tuple(kept),
        contradictions=tuple(contradictions),
        nearest=_nearest([s for s in stating if best is None or s.reading == best] or stating, claim),
        matched=tuple(matched),
        feasible=feasible,
        derived=derived,
        derived_from=tuple(s for s in said.readings.get(best, ()) if s.quantity != quantity)
        if best is not None
        else (),
        by_clock=by_clock,
        discarded=discarded,
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the figures of one lineage say of a quantity over a window, whatever is claimed."""

    kept: tuple[Statement, ...]
    contradictions: tuple[Contradiction, ...]
    matched: tuple[Statement, ...]
    readings: dict[int, list[Statement]]
    spans: dict[int, Span]
    by_clock: Span | None


#: Many claims are judged on the same figures: what does not depend on the claim is worked out once.
_REMEMBERED = 256


@lru_cache(_REMEMBERED)
def _resolved(relevant: tuple[Figure, ...]) -> tuple[tuple[Statement, ...], tuple[Contradiction, ...]]:
    kept, contradictions = resolve(statements(relevant), suspect(relevant))
    return tuple(kept), tuple(contradictions)


def _system(relevant: tuple[Figure, ...], quantity: Quantity, window: Window) -> tuple[System, list[Statement]]:
    """The constraints with all targets that are asked for, and the statements of that window."""
    kept, _ = _resolved(relevant)
    matched = [s for s in kept if s.window.may_be(window)]
    targets = [Target(quantity, window), *(Target(quantity, s.window, s.reading) for s in matched)]
    return System(kept, targets), matched


@lru_cache(_REMEMBERED)
def _said(relevant: tuple[Figure, ...], quantity: Quantity, window: Window) -> _Said:
    kept, contradictions = _resolved(relevant)
    system, matched = _system(relevant, quantity, window)
    by_clock = _span(system.range(Target(quantity, window))) if kept else None
    readings = _speaking(matched, quantity)
    spans = {}
    for reading, members in readings.items():
        span = _span(system.range(Target(quantity, members[0].window, reading)))
        if span is not None:
            spans[reading] = span
    return _Said(kept, contradictions, tuple(matched), readings, spans, by_clock)


@lru_cache(_REMEMBERED)
def _derived(relevant: tuple[Figure, ...], quantity: Quantity, window: Window, reading: int) -> Span | None:
    """What a reading allows without the figures of it that state the quantity."""
    said = _said(relevant, quantity, window)
    members = said.readings[reading]
    own = [s.id for s in members if s.quantity == quantity]
    if not own:
        return said.spans[reading]
    system, _ = _system(relevant, quantity, window)
    return _span(system.range(Target(quantity, members[0].window, reading), without=own))


#: The fits that answer the claim one way or the other.
DECIDED = frozenset({Fit.YES, Fit.HEDGED, Fit.NO})
_ORDER = {Fit.YES: 0, Fit.HEDGED: 1, Fit.POSSIBLE: 2, Fit.NO: 3, Fit.SILENT: 4}


def _ask_directly(
    lineage: str, title: str, figures: Sequence[Figure], quantity: Quantity, window: Window, claim: Amount | None
) -> Channel:
    """Counts and other metrics that do not add up: only figures of the very quantity speak."""
    stating = []
    for index, figure in enumerate(sorted(figures, key=lambda f: (f.outlet, f.url, f.id))):
        if figure.amount is None or not figure.as_printed or not same_count(figure.quantity, quantity):
            continue
        if figure.window is not None and figure.window.may_be(window):
            low, high = interval(figure)
            stating.append(Statement(figure.id, figure.quantity, figure.window, low, high, index, (figure,)))
    stating, misprints = _without_misprints(stating)
    fits = [(fit((s.low, s.high), claim) if claim is not None else Fit.SILENT, s) for s in stating]
    verdict, best = min(fits, key=lambda pair: (_ORDER[pair[0]], pair[1].id), default=(Fit.SILENT, None))
    span = (best.low, best.high) if best is not None else None
    discarded = _discarded(misprints, quantity, window, claim)
    return Channel(
        lineage=lineage,
        title=title,
        fit=Fit.NO if discarded is not None and verdict is Fit.SILENT else verdict,
        kept=tuple(stating),
        contradictions=tuple(misprints),
        nearest=_nearest(stating, claim),
        matched=tuple(stating),
        feasible=span,
        derived=None,
        derived_from=(),
        by_clock=None,
        discarded=discarded,
    )


_MISPRINTS = tuple(slip for slip in CATALOGUE if slip.id in ("digits_truncated", "tenfold", "tenth"))


def _without_misprints(stating: Sequence[Statement]) -> tuple[list[Statement], list[Contradiction]]:
    """Counts of one window that are another's with digits lost or a factor of ten are set aside."""
    kept, found = [], []
    for statement in stating:
        others = [c for s in stating if s is not statement for c in candidates(s.figures)]
        amount = statement.figure.amount
        slip = None
        if amount is not None:
            claimed = Claimed(statement.quantity, amount, statement.window)
            slip = next((e for e in explain(claimed, others, slips=_MISPRINTS) if e.exact), None)
        if slip is None or (slip.slip.factor != 1 and len(others) < _ENOUGH_TO_OUTVOTE):
            kept.append(statement)
            continue
        other = next(s for s in stating if slip.candidate.figure in s.figures)
        words = f"{statement.figure.amount} and {other.figure.amount} cannot both be the {statement.quantity.words()}"
        found.append(Contradiction((statement, other), words, statement, slip.title))
    return kept, found


#: A factor of ten works both ways: only against at least so many others is one count taken for the wrong one.
_ENOUGH_TO_OUTVOTE = 2


def same_count(figure: Quantity, asked: Quantity) -> bool:
    """Whether a figure states the quantity asked; a count asked without its unit may be of any."""
    if asked.unit is CountUnit.UNSPECIFIED and figure.unit is not None:
        asked = Quantity(asked.metric, asked.venues, asked.assets, asked.side, asked.threshold_usd, figure.unit)
    return figure == asked


def _speaking(matched: Sequence[Statement], quantity: Quantity) -> dict[int, list[Statement]]:
    """The readings that speak of the quantity's scope, on whatever side."""
    found: dict[int, list[Statement]] = {}
    scope = quantity.with_side(Side.BOTH)
    for statement in matched:
        if statement.quantity.with_side(Side.BOTH) == scope:
            found.setdefault(statement.reading, []).append(statement)
    return found


def _nearest(stating: Sequence[Statement], claim: Amount | None) -> Statement | None:
    if claim is None:
        return min(stating, key=lambda s: (-len(s.outlets), s.id), default=None)
    value = float(claim.value)
    return min(stating, key=lambda s: (abs(s.value - value), -len(s.outlets), s.id), default=None)


def _discarded(
    contradictions: Sequence[Contradiction], quantity: Quantity, window: Window, claim: Amount | None
) -> Statement | None:
    if claim is None:
        return None
    low, high = as_floats(claim.tolerated)
    for contradiction in contradictions:
        statement = contradiction.set_aside
        if (
            same_count(statement.quantity, quantity)
            and statement.window.may_be(window)
            and low <= statement.value <= high
        ):
            return statement
    return None


def _span(found: tuple[float, float] | None) -> Span | None:
    return None if found is None else (found[0], found[1])


def suspect(figures: Sequence[Figure]) -> Suspect:
    """Who of an impossible set to set aside.

    The member that a slip of the catalogue makes out of another known figure (the commoner the slip, the likelier),
    that fewer outlets print, whose window is graded lower, and that is rounded more coarsely.
    """
    known = candidates(figures)

    def choose(members: Sequence[Statement]) -> tuple[Statement, str]:
        ranked = []
        for member in members:
            slip = _explained(member, known)
            doubt = 2.0 - slip.slip.cost if slip else 0.0
            doubt += 1.0 / len(member.outlets)
            doubt += _GRADE_DOUBT * min(member.window.slack / Grade.LOW.slack, 1.0)
            ranked.append((-doubt, -(member.high - member.low), member.id, member, slip))
        _, _, _, member, slip = min(ranked, key=lambda entry: entry[:3])
        if slip is not None:
            because = f"likeliest slip: {slip.title} ({slip.words.rpartition(': ')[0]}, {slip.candidate.figure.outlet})"
        elif len(members) == 1:
            because = ""
        elif len({len(m.outlets) for m in members}) > 1:
            involved = {outlet for m in members for outlet in m.outlets}
            because = f"printed by {len(member.outlets)} of the {len(involved)} outlets involved"
        else:
            because = "least surely read of the figures involved; which one is wrong cannot be told from these alone"
        return member, because

    return choose


_GRADE_DOUBT = 0.5


def _explained(member: Statement, known: Sequence[Candidate]) -> Explanation | None:
    """The likeliest slip that makes this very number out of another figure."""
    amount = member.figure.amount
    if amount is None:
        return None
    claimed = Claimed(member.quantity, amount, member.window)
    others = [c for c in known if c.figure.id not in {f.id for f in member.figures} or c.parts]
    slips = [slip for slip in CATALOGUE if slip.cost]
    return next((e for e in explain(claimed, others, slips=slips) if e.exact), None)


def distance_words(distance: float) -> str:
    """`2.7% below`, `6.3 times`."""
    if distance >= 1:
        return f"{1 + distance:.1f} times"
    return f"{abs(distance):.1%} {'below' if distance < 0 else 'above'}"


def span_words(span: Span | None, *, currency: str = "USD") -> str:
    """`$729.9M to $730.9M`, `at least $5bn`."""
    if span is None:
        return "nothing definite"
    if math.isinf(span[1]):
        return f"at least {money(span[0], currency=currency)}"
    return f"{money(span[0], currency=currency)} to {money(span[1], currency=currency)}"
