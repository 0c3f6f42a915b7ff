"""Figures that cannot all be true: smallest sets, in words, with one member set aside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import figure, window

from verify.model.figure import Figure
from verify.model.quantity import Side
from verify.reconcile.cells import System
from verify.reconcile.channels import suspect
from verify.reconcile.contradictions import Contradiction, in_words, resolve, smallest_impossible
from verify.reconcile.statements import Statement, statements

#: What one counter really said in a day of an invented event.
SOUND = (
    figure("$812M", over=window(24)),
    figure("$741M", "long", window(24)),
    figure("$71.2M", "short", window(24)),
    figure("$402M", over=window(24), venues="okx"),
    figure("$211M", over=window(24), venues="bybit"),
    figure("$388M", over=window(24), assets="BTC", page="two"),
    figure("$355M", "long", window(4), page="two"),
    figure("$371M", over=window(4), page="two"),
    figure("$122M", over=window(1), page="three"),
)


def settle(*figures: Figure) -> tuple[list[Statement], list[Contradiction]]:
    return resolve(statements(figures), suspect(figures))


def amounts(stated: list[Statement] | tuple[Statement, ...]) -> set[str]:
    return {str(statement.figure.amount) for statement in stated}


#: A wrong figure, the figures that cannot be true beside it, and how the report says so.
PLANTED = {
    "sum of sides": (
        [figure("$1.08bn"), figure("$1.08bn", "long"), figure("$79.67M", "short")],
        "$1.08bn total = $1.08bn long + $79.67M short cannot be (all venues, 4 hours): $1.08bn + $79.67M = $1.16bn",
    ),
    "two numbers": (
        [figure("$758M"), figure("$741M", page="two")],
        "one number cannot be both $741M and $758M",
    ),
    "part and whole": (
        [figure("$758M"), figure("$801M", venues="okx")],
        "$801M is more than $758M",
    ),
    "hour and day": (
        [figure("$758M", over=window(1)), figure("$440M", over=window(24))],
        "$758M is more than $440M",
    ),
    "parts and whole": (
        [figure("$758M"), figure("$402M", venues="okx"), figure("$377M", venues="bybit")],
        "$377M (total liquidations, Bybit) + $402M (total liquidations, OKX) = $779M is more than the whole, $758M",
    ),
    "hours and day": (
        [
            figure("$402M", over=window(4)),
            figure("$377M", over=window(4, ending=-4)),
            figure("$700M", over=window(24)),
        ],
        "= $779M is more than the whole, $700M",
    ),
    "too little": (
        [figure("$758M"), figure("$402M", "long"), figure("$11M", "short")],
        "$402M + $11M = $413M",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_contradiction_is_found_and_said_with_its_numbers(kind: str) -> None:
    figures, words = PLANTED[kind]
    _, (contradiction,) = settle(*figures)
    assert set(contradiction.members) == set(statements(figures))
    assert words in contradiction.words
    assert contradiction.set_aside in contradiction.members
    assert contradiction.because


@pytest.mark.parametrize("kind", PLANTED)
def test_no_member_of_a_smallest_set_can_be_spared(kind: str) -> None:
    members = smallest_impossible(statements([*PLANTED[kind][0], figure("$3M", "short", window(2, ending=40))]))
    assert amounts(members) == amounts(statements(PLANTED[kind][0]))
    assert not System(members).feasible()
    for spared in members:
        assert System([other for other in members if other is not spared]).feasible()


def test_figures_that_can_all_be_true_hold_no_contradiction() -> None:
    kept, found = settle(*SOUND)
    assert found == []
    assert kept == statements(SOUND)
    assert smallest_impossible(statements(SOUND)) == []
    assert smallest_impossible([]) == []


WRONG = {
    "tenfold": figure("$8.12bn", over=window(4), page="wrong"),
    "more than the day": figure("$901M", "long", window(2), page="wrong"),
    "a venue too large": figure("$640M", over=window(24), venues="gate", page="wrong"),
    "the total as a side": figure("$812M", "short", window(24), page="wrong"),
    "absurd": figure("$812,000,000bn", over=window(1), page="wrong"),
    "too small a day": figure("$44.0M", over=window(24), page="wrong"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_one_wrong_figure_does_not_poison_the_others(kind: str) -> None:
    kept, found = settle(*SOUND, WRONG[kind])
    assert {f.outlet for c in found for f in c.set_aside.figures} == {"wrong"}
    assert amounts(kept) == amounts(statements(SOUND))


def test_wrong_figures_are_set_aside_one_by_one() -> None:
    kept, found = settle(*SOUND, WRONG["tenfold"], WRONG["a venue too large"], WRONG["too small a day"])
    assert len(found) == 3
    assert amounts(kept) == amounts(statements(SOUND))


def test_a_number_that_two_pages_share_does_not_hide_an_impossible_page() -> None:
    over = window(24, slack=30)
    figures = [
        figure("$100.4M", over=over), figure("$120.2M", "long", over),
        figure("$100.4M", over=over, page="two"), figure("$83.1M", "long", over, page="two"),
    ]  # fmt: skip
    _, (contradiction,) = settle(*figures)
    assert amounts(contradiction.members) == {"$100.4M", "$120.2M"}


def test_parts_that_overlap_are_not_added_up_in_words() -> None:
    pairs = [figure("$101M", venues=venues) for venues in ("okx+bybit", "bybit+gate", "gate+okx")]
    members = smallest_impossible(statements([*pairs, figure("$141M")]))
    assert len(members) == 4
    assert in_words(members).startswith("these 4 figures cannot all be true")


def test_pages_that_only_repeat_a_wrong_figure_do_not_outvote_a_slip() -> None:
    figures = [*SOUND, *(figure("$71.2M", over=window(24), page=f"copy{n}") for n in range(3))]
    kept, (contradiction,) = settle(*figures)
    assert str(contradiction.set_aside.figure.amount) == "$71.2M"
    assert contradiction.set_aside.quantity.side is Side.BOTH
    assert amounts(kept) == amounts(statements(SOUND))


def test_a_slip_is_named_as_the_reason() -> None:
    _, (contradiction,) = settle(*SOUND, figure("$812M", "long", window(24), page="wrong"))
    assert contradiction.because.startswith("likeliest slip: a total printed as one side ($812M total liquidations")


def test_the_odd_one_out_is_set_aside_however_it_looks() -> None:
    _, (contradiction,) = settle(*SOUND, figure("$741M", over=window(24), page="wrong"))
    assert contradiction.set_aside.outlets == ("wrong",)
    assert "one side printed as the total" in contradiction.because


@settings(deadline=None, max_examples=10)
@given(st.permutations([*SOUND, WRONG["tenfold"], WRONG["a venue too large"]]), st.integers(-5000, 5000))
def test_neither_order_nor_time_decides_who_is_set_aside(figures: list[Figure], hours: int) -> None:
    by = timedelta(hours=hours)
    moved = [replace(f, window=f.window.shifted(by), id="") for f in figures if f.window]
    _, found = settle(*moved)
    assert [amounts([c.set_aside]) for c in found] == [
        amounts([c.set_aside]) for c in settle(*SOUND, WRONG["tenfold"], WRONG["a venue too large"])[1]
    ]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(10, 999), st.sampled_from(["both", "long", "short"]), st.sampled_from(["", "okx", "bybit"]),
            st.sampled_from([window(1), window(4), window(24), window(4, slack=30), window(24, slack=30)]),
            st.sampled_from("abc"),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_whatever_is_printed_what_is_kept_can_be_true(drawn: list[tuple[int, str, str, object, str]]) -> None:
    figures = [
        figure(f"${amount}.0M", side, over, venues=venue, page=page)  # type: ignore[arg-type]  # windows
        for amount, side, venue, over, page in drawn
    ]
    stated = statements(figures)
    kept, found = resolve(stated, suspect(figures))
    assert System(kept).feasible()
    assert len(kept) + len(found) == len(stated)
    for contradiction in found:
        members = list(contradiction.members)
        assert not System(members).feasible()
        for spared in members:
            assert len(members) == 1 or System([other for other in members if other is not spared]).feasible()
