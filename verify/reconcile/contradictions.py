"""Figures of one lineage that cannot all be true: smallest sets, said in words, and which one is set aside.

One elastic program finds who is involved, a deletion filter (Chinneck & Dravnieks 1991) shrinks that to a set of
which no member can be spared, one member is set aside, and so on until the rest can all be true.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from verify.model.amount import money
from verify.model.quantity import Side
from verify.model.window import duration_words
from verify.reconcile.cells import TOLERANCE, System
from verify.reconcile.statements import Statement

#: A statement and the reason why it, of all members, is the one to set aside.
Suspect = Callable[[Sequence[Statement]], tuple[Statement, str]]


ODD_ONE_OUT = "it contradicts more of the other figures than any of those involved"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A smallest impossible set; `set_aside` is one of its members and `because` says why that one."""

    members: tuple[Statement, ...]
    words: str
    set_aside: Statement
    because: str


def resolve(stated: Sequence[Statement], suspect: Suspect) -> tuple[list[Statement], list[Contradiction]]:
    """Set statements aside until the others can all be true: what is kept, and every contradiction met."""
    kept = list(stated)
    found: list[Contradiction] = []
    while kept:
        system = System(kept)
        if system.feasible():
            break
        relaxed = system.relax()
        involved = [statement for statement in kept if statement.id in set(relaxed.involved)]
        members = smallest_impossible(involved) or smallest_impossible(kept)
        if not members:
            break  # within the tolerance of the solver the set is possible after all
        culprit, because = _culprit(kept, members, suspect)
        found.append(Contradiction(tuple(members), in_words(members), culprit, because))
        kept = [statement for statement in kept if statement.id != culprit.id]
    return kept, found


def _culprit(kept: Sequence[Statement], members: Sequence[Statement], suspect: Suspect) -> tuple[Statement, str]:
    """The member to set aside: one whose absence leaves the least that contradicts, lest a wrong figure oust many
    right ones one by one. Among equals the suspect decides."""
    left = {m.id: System([other for other in kept if other.id != m.id]).relax().total for m in members}
    least = min(left.values())
    plausible = [m for m in members if left[m.id] <= least + TOLERANCE * len(kept)]
    culprit, because = suspect(members)
    if culprit in plausible:
        return culprit, because
    culprit, because = suspect(plausible)
    return culprit, because or ODD_ONE_OUT


def smallest_impossible(stated: Sequence[Statement]) -> list[Statement]:
    """A subset that cannot be true and of which no member can be spared; empty if all can be true."""
    remaining = list(stated)
    if not remaining or System(remaining).feasible():
        return []
    for statement in list(remaining):
        fewer = [other for other in remaining if other.id != statement.id]
        if fewer and not System(fewer).feasible():
            remaining = fewer
    return remaining


def in_words(members: Sequence[Statement]) -> str:
    """Why a smallest impossible set is impossible, with its numbers."""
    for form in (_sum_of_sides, _same_quantity, _part_and_whole, _parts_and_whole):
        if words := form(members):
            return words
    listed = "; ".join(describe(statement) for statement in members)
    return f"these {len(members)} figures cannot all be true: {listed}"


def describe(statement: Statement) -> str:
    """E.g. `$758M total liquidations, all venues, in 4 hours to ...`."""
    return (
        f"{statement.figure.amount} {statement.quantity.words()}, "
        f"{duration_words(statement.window.length)} ({statement.window.words()})"
    )


def _sum_of_sides(members: Sequence[Statement]) -> str:
    sides = {statement.quantity.side: statement for statement in members}
    scopes = {(s.quantity.with_side(Side.BOTH), s.window) for s in members}
    if len(members) != 3 or len(sides) != 3 or len(scopes) != 1:
        return ""
    total, long, short = sides[Side.BOTH], sides[Side.LONG], sides[Side.SHORT]
    of = f" ({total.quantity.words().partition(', ')[2]}, {duration_words(total.window.length)})"
    return (
        f"{total.figure.amount} total = {long.figure.amount} long + {short.figure.amount} short cannot be{of}: "
        f"{money(long.value)} + {money(short.value)} = {money(long.value + short.value)}"
    )


def _same_quantity(members: Sequence[Statement]) -> str:
    if len(members) != 2 or members[0].quantity != members[1].quantity or members[0].window != members[1].window:
        return ""
    first, second = members
    return f"one number cannot be both {first.figure.amount} and {second.figure.amount}: {describe(first)}"


def _part_and_whole(members: Sequence[Statement]) -> str:
    if len(members) != 2:
        return ""
    for part, whole in (members, members[::-1]):
        if part.low > whole.high and whole.quantity.includes(part.quantity):
            more = f"{money(part.value)} is more than {money(whole.value)}"
            return f"{describe(part)} cannot be part of {describe(whole)}: {more}"
    return ""


def _parts_and_whole(members: Sequence[Statement]) -> str:
    """One whole and several parts without anything in common that add up to more than it."""
    for whole in members:
        parts = [statement for statement in members if statement is not whole]
        if not all(_disjoint(first, second) for first, second in combinations(parts, 2)):
            continue
        if all(whole.quantity.includes(p.quantity) for p in parts) and sum(p.low for p in parts) > whole.high:
            listed = " + ".join(f"{p.figure.amount} ({p.quantity.words()})" for p in parts)
            return f"{listed} = {money(sum(p.value for p in parts))} is more than the whole, {describe(whole)}"
    return ""


def _disjoint(first: Statement, second: Statement) -> bool:
    one, other = first.quantity, second.quantity
    apart = any(
        mine is not None and theirs is not None and not mine & theirs
        for mine, theirs in ((one.venues.names, other.venues.names), (one.assets.names, other.assets.names))
    )
    return apart or {one.side, other.side} == {Side.LONG, Side.SHORT} or not first.window.overlaps(second.window)
