"""Feasible ranges: right whenever the figures are, and no wider than a full table of cells allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import NOON, figure, quantity, window
from scipy.optimize import linprog

from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.quantity import Quantity, Scope, Side
from verify.model.window import Window
from verify.reconcile import cells
from verify.reconcile.cells import System, Target
from verify.reconcile.statements import Statement, statements

VENUES = ("binance", "bybit", "okx")
ASSETS = ("BTC", "ETH", "SOL")
SIDES = (Side.LONG, Side.SHORT)
SLOT = timedelta(minutes=30)
SLOTS = 8
Span = tuple[float, float]
#: One part in a million of the largest amount: what the solver leaves open.
GRAIN = 1e-6


@dataclass(frozen=True)
class Market:
    """What truly happened: dollars by venue (the last is the rest), asset (the same), side and half hour."""

    cells: np.ndarray

    def holds(self, what: Quantity, first: int, last: int) -> int:
        part = self.cells[:, :, :, max(first, 0) : max(last, 0)]
        if what.venues.names:
            part = part[[VENUES.index(name) for name in sorted(what.venues.names)]]
        if what.assets.names:
            part = part[:, [ASSETS.index(name) for name in sorted(what.assets.names)]]
        if what.side is not Side.BOTH:
            part = part[:, :, [SIDES.index(what.side)]]
        return int(part.sum())


def slots(first: int, last: int, slack: int = 0) -> Window:
    return Window(NOON + first * SLOT, NOON + last * SLOT, slack * SLOT)


def scopes(names: tuple[str, ...]) -> st.SearchStrategy[Scope]:
    return st.sets(st.sampled_from(names), max_size=2).map(lambda chosen: Scope.of(*chosen))


QUANTITIES = st.builds(
    lambda venues, assets, side: replace(quantity(), venues=venues, assets=assets, side=side),
    scopes(VENUES), scopes(ASSETS), st.sampled_from(Side),
)  # fmt: skip
SPANS = st.tuples(st.integers(0, SLOTS - 1), st.integers(1, SLOTS)).filter(lambda edges: edges[0] < edges[1])


@st.composite
def markets(draw: st.DrawFn) -> Market:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (len(VENUES) + 1, len(ASSETS) + 1, len(SIDES), SLOTS)
    quiet = random.random(shape) < draw(st.sampled_from([0.0, 0.5, 0.9]))
    return Market(np.where(quiet, 0, random.integers(0, 10**8, shape)))


def printed(value: int, digits: int) -> Amount:
    exact = Decimal(value)
    unit = Decimal(1).scaleb(max(exact.adjusted() - digits + 1, 0)) if value else Decimal(1)
    return Amount.rounded((exact / unit).to_integral_value() * unit, unit)


def stating(amount: Amount, what: Quantity, over: Window, page: str) -> Figure:
    return replace(figure("$1M", over=over, page=page), amount=amount, quantity=what, id="")


def holds(span: Span | None, value: float, scale: float) -> bool:
    return span is not None and span[0] - GRAIN * scale <= value <= span[1] + GRAIN * scale


def close(one: Span | None, other: Span | None, scale: float) -> bool:
    if one is None or other is None:
        return one is other
    return all(a == b or abs(a - b) <= 10 * GRAIN * scale for a, b in zip(one, other, strict=True))


@st.composite
def exact_statements(draw: st.DrawFn, most: int = 8) -> tuple[Market, list[Statement]]:
    """True figures of one market over windows that are known exactly."""
    market = draw(markets())
    said = draw(st.lists(st.tuples(QUANTITIES, SPANS, st.integers(1, 4)), min_size=1, max_size=most))
    figures = [
        stating(printed(market.holds(what, *span), digits), what, slots(*span), f"page{number}")
        for number, (what, span, digits) in enumerate(said)
    ]
    return market, statements(figures)


@given(exact_statements(), QUANTITIES, SPANS)
def test_true_figures_are_possible_and_every_range_holds_the_truth(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int]
) -> None:
    market, stated = drawn
    target = Target(what, slots(*span))
    system = System(stated, [target])
    assert system.feasible()
    assert holds(system.range(target), market.holds(what, *span), market.cells.sum())


@given(markets(), st.data())
def test_with_uncertain_edges_every_range_still_holds_the_truth(market: Market, data: st.DataObject) -> None:
    """Each page was read at its own moment: all its windows are shifted by the same unknown time within their slack."""
    figures: list[Figure] = []
    moments: list[tuple[int, int, int, int]] = []
    for page in range(data.draw(st.integers(1, 3))):
        slack = data.draw(st.integers(0, 2))
        shift = data.draw(st.integers(-slack, slack))
        for first, last in data.draw(st.lists(SPANS, min_size=1, max_size=2, unique=True)):
            if any((first, last, slack) == known[:3] for known in moments):
                continue  # pages that state one window are told apart by their numbers alone: tested with statements
            moments.append((first, last, slack, shift))
            for what in data.draw(st.lists(QUANTITIES, min_size=1, max_size=4)):
                amount = printed(market.holds(what, first + shift, last + shift), data.draw(st.integers(1, 4)))
                figures.append(stating(amount, what, slots(first, last, slack), f"page{page}"))
    stated = statements(figures)
    what, span = data.draw(QUANTITIES), data.draw(SPANS)
    clock, loose = Target(what, slots(*span)), Target(what, slots(*span, 1))
    read = {s.window: Target(what, s.window, s.reading) for s in stated}
    system = System(stated, [clock, loose, *read.values()])
    scale = float(market.cells.sum())
    assert system.feasible()
    assert holds(system.range(clock), market.holds(what, *span), scale)
    off = data.draw(st.integers(-1, 1))
    assert holds(system.range(loose), market.holds(what, span[0] + off, span[1] + off), scale)
    for first, last, slack, shift in moments:
        target = read[slots(first, last, slack)]
        assert holds(system.range(target), market.holds(what, first + shift, last + shift), scale)


def full_range(stated: list[Statement], target: Target) -> Span | None:
    """The same range from a linear program over every cell, without any of the reductions."""
    edges = sorted({edge for w in [*(s.window for s in stated), target.window] for edge in (w.start, w.end)})
    axes = ((*VENUES, ""), (*ASSETS, ""), SIDES, range(len(edges) - 1))
    cells = list(product(*axes))

    def row(what: Quantity, over: Window) -> list[float]:
        return [
            float(
                (not what.venues.names or venue in what.venues.names)
                and (not what.assets.names or asset in what.assets.names)
                and what.side in (Side.BOTH, side)
                and over.start <= edges[slot] < over.end
            )
            for venue, asset, side, slot in cells
        ]

    unit = max([s.high for s in stated if math.isfinite(s.high)], default=1.0) or 1.0
    rows, limits = [], []
    for s in stated:
        rows.append([-factor for factor in row(s.quantity, s.window)])
        limits.append(-s.low / unit)
        if math.isfinite(s.high):
            rows.append(row(s.quantity, s.window))
            limits.append(s.high / unit)
    goal = np.array(row(target.quantity, target.window))
    least = linprog(goal, A_ub=np.array(rows), b_ub=limits, method="highs")
    most = linprog(-goal, A_ub=np.array(rows), b_ub=limits, method="highs")
    if least.status == 2:
        return None
    return least.fun * unit, math.inf if most.status != 0 else -most.fun * unit


@settings(deadline=None, max_examples=60)
@given(exact_statements(most=6), QUANTITIES, SPANS, st.booleans())
def test_the_reduced_program_gives_the_ranges_of_the_full_one(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int], spoilt: bool
) -> None:
    _, stated = drawn
    if spoilt:  # a contradiction must be one in both
        stated = [replace(s, low=s.low * 1.5, high=s.high * 1.5) if n == 0 else s for n, s in enumerate(stated)]
    target = Target(what, slots(*span))
    scale = max([s.high for s in stated] or [1.0])
    assert close(System(stated, [target]).range(target), full_range(stated, target), scale)


@given(exact_statements(), QUANTITIES, SPANS, st.data())
def test_a_wider_rounding_never_narrows_a_range(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int], data: st.DataObject
) -> None:
    market, stated = drawn
    index = data.draw(st.integers(0, len(stated) - 1))
    factor = data.draw(st.floats(1, 3))
    chosen = stated[index]
    wider = [*stated]
    wider[index] = replace(chosen, low=chosen.low / factor, high=chosen.high * factor)
    target = Target(what, slots(*span))
    before, after = System(stated, [target]).range(target), System(wider, [target]).range(target)
    assert before is not None
    assert after is not None
    grain = GRAIN * market.cells.sum()
    assert after[0] <= before[0] + grain
    assert after[1] >= before[1] - grain


@settings(deadline=None, max_examples=40)
@given(exact_statements(), QUANTITIES, SPANS, st.sampled_from([0, 1]))
def test_running_totals_change_no_range(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int], slack: int
) -> None:
    market, stated = drawn
    if slack:
        stated = [replace(s, window=replace(s.window, slack=slack * SLOT), reading=n) for n, s in enumerate(stated)]
    targets = [Target(what, slots(*span)), *(Target(what, s.window, s.reading) for s in stated)]
    slot_by_slot = System(stated, targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_FINE", 1)
        running = System(stated, targets)
    for target in targets[:3]:
        assert close(running.range(target), slot_by_slot.range(target), market.cells.sum())


def both(transform: Callable[[Statement], Statement], stated: list[Statement], asked: Target, moved: Target):  # type: ignore[no-untyped-def]  # two ranges
    return (
        System(stated, [asked]).range(asked),
        System([transform(statement) for statement in stated], [moved]).range(moved),
    )


@given(exact_statements(), QUANTITIES, SPANS, st.sampled_from([1e-3, 0.5, 7.0, 1e4]))
def test_scaling_all_amounts_scales_the_range(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int], factor: float
) -> None:
    market, stated = drawn
    target = Target(what, slots(*span))
    before, after = both(lambda s: replace(s, low=s.low * factor, high=s.high * factor), stated, target, target)
    assert before is not None
    assert close(after, (before[0] * factor, before[1] * factor), factor * market.cells.sum())


@given(exact_statements(), QUANTITIES, SPANS, st.integers(-9000, 9000))
def test_shifting_time_changes_no_range(
    drawn: tuple[Market, list[Statement]], what: Quantity, span: tuple[int, int], hours: int
) -> None:
    _, stated = drawn
    by = timedelta(hours=hours)
    target = Target(what, slots(*span))
    moved = replace(target, window=target.window.shifted(by))
    before, after = both(lambda s: replace(s, window=s.window.shifted(by)), stated, target, moved)
    assert before == after


def ranged(figures: list[Figure], what: Quantity, over: Window) -> Span | None:
    stated = statements(figures)
    reading = next((s.reading for s in stated if s.window == over), None)
    target = Target(what, over, reading)
    return System(stated, [target]).range(target)


@pytest.mark.parametrize("slack", [0, 5, 30, 120, 600])
def test_one_side_follows_from_the_total_and_the_other_whatever_the_slack(slack: int) -> None:
    over = window(4, slack=slack)
    figures = [figure("$758M", over=over), figure("$27.63M", "short", over)]
    assert ranged(figures, quantity("long"), over) == pytest.approx((729.865e6, 730.875e6))


def test_a_part_bounds_the_whole_from_below_only() -> None:
    assert ranged([figure("$235M", venues="hyperliquid")], quantity(), window(4)) == (pytest.approx(234.5e6), math.inf)


def test_a_whole_bounds_its_parts_from_above_only() -> None:
    assert ranged([figure("$758M")], quantity("long", venues="okx"), window(4)) == (0, pytest.approx(758.5e6))


def test_nothing_known_bounds_nothing() -> None:
    assert ranged([], quantity(), window(4)) == (0, math.inf)


def test_a_zero_is_a_figure() -> None:
    assert ranged([figure("$0", venues="deribit")], quantity("short", venues="deribit"), window(4)) == (0, 0.5)


def test_at_least_leaves_the_upper_end_open() -> None:
    assert ranged([figure("at least $700M")], quantity(), window(1)) == (0, math.inf)
    assert ranged([figure("at least $700M")], quantity(), window(4)) == (pytest.approx(700e6), math.inf)


def test_overlapping_scopes_are_not_added_up() -> None:
    figures = [figure("$200M", venues="okx+bybit"), figure("$200M", venues="bybit+binance"), figure("$250M")]
    found = ranged(figures, quantity(venues="bybit"), window(4))
    assert found == (pytest.approx(150e6 + 150e6 - 255e6), pytest.approx(250e6))


def test_a_venue_and_an_asset_meet_in_one_cell() -> None:
    figures = [
        figure("$100.0M"), figure("$90.0M", venues="okx"), figure("$80.0M", assets="BTC"),
    ]  # fmt: skip
    low, high = ranged(figures, quantity(venues="okx", assets="BTC"), window(4)) or (0, 0)
    assert low == pytest.approx(70e6 - 3 * 50e3)
    assert high == pytest.approx(80e6 + 50e3)


def test_an_unnamed_part_of_the_venues_bounds_the_whole_from_below_only() -> None:
    part = replace(
        figure("$300M"), quantity=replace(quantity(), venues=Scope(vague=True, note="major exchanges")), id=""
    )
    assert ranged([part], quantity(), window(4)) == (pytest.approx(250e6), math.inf)


def test_an_hour_inside_a_day_on_one_page_is_the_smaller() -> None:
    day, hour = window(24, slack=30), window(1, slack=30)
    figures = [figure("$100M", over=hour), figure("$864M", over=day)]
    assert System(statements(figures)).feasible()
    swapped = [figure("$864M", over=hour), figure("$100M", over=day)]
    assert not System(statements(swapped)).feasible()


def test_the_same_numbers_on_two_pages_may_be_of_two_moments() -> None:
    day, hour = window(24, slack=30), window(1, slack=30)
    assert System(statements([figure("$864M", over=hour), figure("$100M", over=day, page="two")])).feasible()


def test_readings_of_other_moments_leave_room_for_the_slack() -> None:
    exact, loose = window(4), window(4, slack=30)
    assert not System(statements([figure("$758M", over=exact), figure("$700.1M", over=exact, page="two")])).feasible()
    assert System(statements([figure("$758M", over=loose), figure("$700.1M", over=loose, page="two")])).feasible()


def test_a_huge_figure_does_not_blur_the_small_ones() -> None:
    far = window(1, ending=-100)
    figures = [figure("$900,000,000bn", over=far), figure("$2.00M", "long"), figure("$1.00M")]
    assert not System(statements(figures)).feasible()
    assert System(statements(figures[:2])).feasible()


def test_how_far_statements_must_give_way() -> None:
    relaxed = System(statements([figure("$1.00M"), figure("$2.00M", "long"), figure("$5M", venues="okx")])).relax()
    assert relaxed.total > 0.4
    assert System(statements([figure("$1.00M")])).relax().total == pytest.approx(0)
