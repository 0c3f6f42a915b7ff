"""Totals that name no venue: they constrain what feeds show together, each lineage once.

A total below what is already seen is a fault of that total (or of its window), never of the market.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.reconcile.drawing import Constraint, Settings
from verify.reconcile.estimated import Estimate, Fault, FaultKind, Interval, Kind
from verify.reconcile.hierarchy import Chance
from verify.reconcile.observed import Evidence, Size, Total
from verify.reconcile.shown import Seen, Summed

#: A total is not taken to be better than this (log), and worse where it does not say which venues it counts.
LEAST_SD, UNNAMED_SD = 0.05, 0.12
#: A total this far below the part already seen is wrong.
_BELOW = 0.85
#: log of lost over printed where an outlet's total is all there is: from nothing hidden to a factor of six (the one
#: revealed truth, LINEAGE.md), half-normal.
OUTLET_ONLY = 0.8


def constraints(
    totals: Sequence[Total], seen: Sequence[Seen], others: Sequence[Size], sums: Sequence[Summed]
) -> tuple[list[Constraint], list[Fault], int]:
    """The totals as constraints, the faults found in them, and how many lineages of their own they bring.

    A total is used at most once per lineage, and not where its source's own sums by venue are used already.
    """
    used_sources = {channel for one in seen for channel in one.channels}
    used_sources |= {s.source for s in sums if s.channel in used_sources}
    place = {one.venue: index for index, one in enumerate(seen)}
    place |= {size.venue: len(seen) + index for index, size in enumerate(others)}
    found: list[Constraint] = []
    faults: list[Fault] = []
    taken: set[tuple[frozenset[str], Side]] = set()
    known = set().union(*(one.lineage for one in seen)) if seen else set()
    own: set[frozenset[str]] = set()
    for total in sorted(totals, key=lambda t: (t.outlet, t.venues is None, str(t.side), -t.notional_usd)):
        lineage = frozenset(total.lineage)
        if total.source in used_sources or not np.isfinite(total.notional_usd) or total.notional_usd <= 0:
            continue
        clash = [
            side for line, side in taken if line & lineage and (side is total.side or Side.BOTH in (side, total.side))
        ]
        if clash:
            continue
        named = total.venues if total.venues is not None else frozenset(place)
        venues = np.array(sorted(place[name] for name in named if name in place), int)
        sides = (total.side in (Side.BOTH, Side.LONG), total.side in (Side.BOTH, Side.SHORT))
        part = sum(float((seen[v].base * np.array(sides)).sum()) for v in venues if v < len(seen))
        if total.notional_usd < _BELOW * part and total.venues is not None:
            text = f"it states {total.notional_usd:,.0f} USD where {part:,.0f} are seen of the same venues"
            faults.append(Fault(f"{total.source}/total", FaultKind.UNEXPLAINED, 1.0, text, "set aside"))
            continue
        taken.add((lineage, total.side))
        if not lineage & known:
            own.add(lineage)
        rounding = 0.0
        if total.low and total.high and total.high > total.low > 0:
            rounding = float(np.log(total.high / total.low)) / 3.5
        sd = float(np.hypot(LEAST_SD if total.venues is not None else UNNAMED_SD, rounding))
        doubtful = frozenset(
            place[size.venue]
            for size in others
            if total.venues is None and size.completeness is Completeness.UNKNOWN and size.venue in place
        )
        found.append(Constraint(total.notional_usd, sd, venues, sides, doubtful))
    return found, faults, len(own)


def only_totals(evidence: Evidence, faults: tuple[Fault, ...], settings: Settings, seen: Sequence[Seen]) -> Estimate:
    """Where no venue is read: the largest printed total is a lower bound, and how much more it was is a prior."""
    stated = [t for t in evidence.totals if np.isfinite(t.notional_usd) and t.notional_usd > 0]
    silent = tuple(one.venue for one in seen)
    said = []
    if silent:
        channels = "1 channel shows" if len(silent) == 1 else f"{len(silent)} channels show"
        said.append(f"{channels} nothing at all: silence cannot be told from quiet.")
    if not stated:
        return Estimate(Kind.NOTHING, None, None, None, 0.0, 0, faults=faults, limits=tuple(said))
    said.append("Only totals are known, as shown: this is a lower bound, and what feeds hide is a guess.")
    chance = Chance(0, settings.draws)
    factor = np.exp(np.abs(chance.normal()) * OUTLET_ONLY)
    by_side = {side: max((t.notional_usd for t in stated if t.side is side), default=0.0) for side in Side}
    both = max(by_side[Side.BOTH], by_side[Side.LONG] + by_side[Side.SHORT])
    long = by_side[Side.LONG] or (both - by_side[Side.SHORT] if by_side[Side.SHORT] else 0.0)
    short = by_side[Side.SHORT] or (both - by_side[Side.LONG] if by_side[Side.LONG] else 0.0)
    sided = long > 0 and short > 0
    draws = {Side.BOTH: both * factor}
    if sided:
        draws |= {Side.LONG: long * factor, Side.SHORT: short * factor}
    total = Interval.of(draws[Side.BOTH])
    share = both / total.median
    return Estimate(
        Kind.LOWER_BOUND,
        total,
        Interval.of(draws[Side.LONG]) if sided else None,
        Interval.of(draws[Side.SHORT]) if sided else None,
        both,
        len({frozenset(t.lineage) for t in stated}),
        shown=share,
        hidden=1.0 - share,
        faults=faults,
        limits=tuple(said),
        draws=draws,
    )
