"""How figures become statements, and which pages are taken to have read the counter at one moment."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import figure, quantity, window

from verify.model.figure import Figure
from verify.reconcile.statements import Statement, interval, statements, usable

UNSURE = window(4, slack=30)


def readings(*figures: Figure) -> dict[int, set[str]]:
    """The amounts, as printed, of each reading."""
    found: dict[int, set[str]] = {}
    for statement in statements(figures):
        found.setdefault(statement.reading, set()).add(str(statement.figure.amount))
    return found


def test_equal_figures_are_one_statement_with_all_their_outlets() -> None:
    (statement,) = statements([figure("$758M"), figure("$758M", page="two"), figure("$758M", page="two")])
    assert statement.outlets == ("one", "two")
    assert (statement.low, statement.high, statement.value) == (757.5e6, 758.5e6, 758e6)


@pytest.mark.parametrize(
    ("amount", "low", "high"),
    [
        ("$758M", 757.5e6, 758.5e6),
        ("about $100M", 50e6, 150e6),  # one digit: the rounding is wider than the hedge
        ("about $758M", 720.1e6, 795.9e6),
        ("at least $100M", 100e6, math.inf),
        ("over $100M", 100e6, math.inf),
        ("up to $100M", 0, 100e6),
        ("$551M-$554M", 550.5e6, 554.5e6),
        ("$0", 0, 0.5),
    ],
)
def test_the_interval_is_the_rounding_widened_by_the_hedge(amount: str, low: float, high: float) -> None:
    assert interval(figure(amount)) == (low, high)


def test_what_cannot_be_a_constraint_is_left_out() -> None:
    assert usable(figure("$1M"))
    for other in (
        figure("$1M", windowless=True),
        figure("$1M", metric="open_interest_drop"),
        figure("182,729", metric="liquidation_count", unit="traders"),
        replace(figure("$1M"), as_printed=False),
        replace(figure("$1M"), amount=None),
    ):
        assert not usable(other)
        assert statements([other]) == []


def test_pages_that_agree_were_read_at_one_moment() -> None:
    found = readings(
        figure("$758M", over=UNSURE),
        figure("$730.4M", "long", over=UNSURE),
        figure("$758.1M", over=UNSURE, page="two"),
        figure("$27.63M", "short", over=UNSURE, page="two"),
    )
    assert list(found.values()) == [{"$758M", "$730.4M", "$758.1M", "$27.63M"}]


def test_pages_that_disagree_were_not() -> None:
    assert len(readings(figure("$758M", over=UNSURE), figure("$741M", over=UNSURE, page="two"))) == 2


def test_pages_without_a_common_quantity_may_have_been_read_at_any_moment() -> None:
    assert len(readings(figure("$758M", over=UNSURE), figure("$730M", "long", over=UNSURE, page="two"))) == 2


def test_a_number_of_two_moments_is_a_statement_of_each() -> None:
    found = readings(
        figure("$100M", over=UNSURE),
        figure("$81M", "long", over=UNSURE),
        figure("$100M", over=UNSURE, page="two"),
        figure("$93M", "long", over=UNSURE, page="two"),
    )
    assert list(found.values()) == [{"$100M", "$81M"}, {"$100M", "$93M"}]


def test_a_window_known_exactly_has_one_reading() -> None:
    assert len(readings(figure("$758M"), figure("$730M", "long", page="two"))) == 1


def test_windows_that_differ_in_their_slack_are_different_windows() -> None:
    assert len(statements([figure("$758M", over=UNSURE), figure("$758M")])) == 2


def test_ids_are_unique_even_where_figures_look_alike() -> None:
    stated = statements([figure("$758M", over=UNSURE), figure("$758M"), figure("$758M", over=window(4, slack=5))])
    assert len({statement.id for statement in stated}) == 3


AMOUNTS = st.sampled_from(["$100M", "$103M", "$0.1bn", "$93M", "$7.1M"])
QUANTITIES = st.sampled_from([("both", ""), ("long", ""), ("short", ""), ("both", "BTC")])
WINDOWS = st.sampled_from([UNSURE, window(4), window(1, slack=30), window(4, slack=5)])


@st.composite
def printed(draw: st.DrawFn) -> list[Figure]:
    chosen = draw(
        st.lists(
            st.tuples(AMOUNTS, QUANTITIES, WINDOWS, st.sampled_from("abcdef")), min_size=1, max_size=14, unique=True
        )
    )
    return [figure(amount, side, over, page=page, assets=coin) for amount, (side, coin), over, page in chosen]


def shape(stated: list[Statement]) -> list[tuple[object, ...]]:
    return [(s.id, s.quantity, s.window, s.low, s.high, s.reading) for s in stated]


@given(printed(), st.randoms())
def test_the_order_of_figures_changes_nothing(figures: list[Figure], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = figures[:]
    random.shuffle(shuffled)
    assert statements(shuffled) == statements(figures)


@given(printed(), st.data())
def test_repeating_a_figure_on_another_page_changes_nothing(figures: list[Figure], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(figures))
    repeated = replace(again, outlet="late", url="https://late.example/", id="")
    assert shape(statements([*figures, repeated])) == shape(statements(figures))


@given(printed(), st.data())
def test_repeating_a_whole_page_changes_nothing(figures: list[Figure], data: st.DataObject) -> None:
    page = data.draw(st.sampled_from(sorted({f.url for f in figures})))
    copies = [replace(f, outlet="0", url="https://0.example/", id="") for f in figures if f.url == page]
    assert shape(statements([*figures, *copies])) == shape(statements(figures))


@given(printed(), st.integers(-4000, 4000))
def test_shifting_time_shifts_the_windows_and_nothing_else(figures: list[Figure], hours: int) -> None:
    by = timedelta(hours=hours)
    moved = [replace(f, window=f.window.shifted(by), id="") for f in figures if f.window]
    expected = [(*entry[:2], entry[2].shifted(by), *entry[3:]) for entry in shape(statements(figures))]  # type: ignore[attr-defined]
    assert shape(statements(moved)) == expected


@given(printed())
def test_no_page_is_lost_and_none_counts_twice(figures: list[Figure]) -> None:
    kept = [(s.window, f) for s in statements(figures) for f in s.figures]
    assert len(kept) == len(set(kept))
    assert {f for _, f in kept} == set(figures)


def test_a_quantity_reads_as_one_value() -> None:
    (statement,) = statements([figure("$27.63M", "short", venues="bybit+okx")])
    assert statement.quantity == quantity("short", venues="okx+bybit")
