"""Confidence is the sum of its components, each with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import figure, quantity, window

from verify.model.amount import Amount
from verify.model.figure import Completeness, Figure
from verify.model.report import Confidence
from verify.model.window import Window
from verify.reconcile.channels import ask
from verify.reconcile.confidence import MOST, confidence

OVER = window(4, slack=30)


def of(
    *figures: Figure,
    over: Window = OVER,
    independent: int = 1,
    contradicted: bool = False,
    feeds: tuple[Completeness, ...] = (Completeness.CAPPED,),
) -> Confidence:
    channel = ask("coinglass", "CoinGlass", figures, quantity("long"), over, Amount.parse("$730M"))
    return confidence([channel], over, independent=independent, contradicted=contradicted, feeds=feeds)


def points(found: Confidence, name: str) -> float:
    return next(component.points for component in found.components if component.name == name)


SET = (figure("$731M", "long", OVER), figure("$758M", over=OVER), figure("$27.63M", "short", OVER))


def test_the_parts_can_add_up_to_one() -> None:
    assert sum(MOST.values()) == pytest.approx(1)


@given(
    st.lists(st.sampled_from([*SET, figure("$812M", "long", window(12)), figure("$1.1bn", over=OVER)]), max_size=5),
    st.integers(0, 5), st.booleans(), st.lists(st.sampled_from(Completeness), max_size=4),
    st.sampled_from([OVER, window(4), window(1, slack=120)]),
)  # fmt: skip
def test_it_is_the_sum_of_its_components_and_between_nothing_and_one(
    figures: list[Figure], independent: int, contradicted: bool, feeds: list[Completeness], over: Window
) -> None:
    found = of(*figures, over=over, independent=independent, contradicted=contradicted, feeds=tuple(feeds))
    assert found.value == pytest.approx(sum(component.points for component in found.components), abs=1e-4)
    assert 0 <= found.value <= 1
    for component in found.components:
        assert 0 <= component.points <= component.most == MOST[component.name]
        assert component.reason


def test_duplicates_change_nothing() -> None:
    copies = [figure("$731M", "long", OVER, page=f"copy{n}") for n in range(9)]
    assert of(*SET, *copies) == of(*SET)


def test_more_lineages_are_worth_more() -> None:
    worth = [points(of(*SET, independent=count), "independence") for count in range(5)]
    assert worth == sorted(worth)
    assert worth[0] == 0
    assert worth[1] < worth[2] < worth[3] == MOST["independence"]


def test_a_figure_of_the_very_quantity_covers_more_than_a_derived_one() -> None:
    stated, derived, bound = of(*SET), of(*SET[1:]), of(figure("$2.0bn", over=window(24, ending=4)))
    assert points(stated, "coverage") > points(derived, "coverage") > points(bound, "coverage") > 0
    assert points(of(), "coverage") == 0


def test_contradicted_lineages_agree_in_nothing() -> None:
    assert points(of(*SET, contradicted=True, independent=2), "agreement") == 0


def test_certain_edges_are_worth_more_than_uncertain_ones() -> None:
    exact = [figure("$731M", "long", window(4))]
    assert points(of(*exact, over=window(4)), "window") == MOST["window"]
    assert 0 < points(of(*SET), "window") < MOST["window"]
    assert points(of(figure("$731M", "long", window(1, slack=120)), over=window(1, slack=120)), "window") == 0


def test_complete_feeds_are_worth_more_than_capped_ones() -> None:
    complete, capped = of(*SET, feeds=(Completeness.COMPLETE,)), of(*SET, feeds=(Completeness.CAPPED,))
    assert points(complete, "completeness") == MOST["completeness"] > points(capped, "completeness") > 0
    assert points(of(*SET, feeds=()), "completeness") == 0
