"""How what is allowed lies to what is claimed, and what verdict follows."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import figure, quantity, window

from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.report import Verdict
from verify.model.window import Window
from verify.reconcile.channels import Channel, Fit, Span, ask, fit
from verify.reconcile.verdict import compare, decide, disagreeing

M = 1e6


@pytest.mark.parametrize(
    ("allowed", "claim", "expected"),
    [
        ((745 * M, 755 * M), "$750M", Fit.YES),
        ((749 * M, 751 * M), "$750M", Fit.YES),
        ((729.9 * M, 730.9 * M), "$750M", Fit.NO),
        ((729.9 * M, 730.9 * M), "about $750M", Fit.HEDGED),
        ((749 * M, 751 * M), "about $750M", Fit.YES),
        ((700 * M, 800 * M), "$750M", Fit.POSSIBLE),
        ((0, math.inf), "$750M", Fit.POSSIBLE),
        ((760 * M, math.inf), "$750M", Fit.NO),
        ((760 * M, math.inf), "at least $750M", Fit.YES),
        ((740 * M, math.inf), "at least $750M", Fit.POSSIBLE),
        ((700 * M, 749 * M), "over $750M", Fit.NO),
        ((700 * M, 749 * M), "up to $750M", Fit.YES),
        ((700 * M, 749 * M), "nearly $750M", Fit.POSSIBLE),
        ((748 * M, 749 * M), "nearly $750M", Fit.YES),
        ((720 * M, 740 * M), "nearly $750M", Fit.HEDGED),
        ((760 * M, 770 * M), "nearly $750M", Fit.NO),
        ((551 * M, 553 * M), "$551M-$554M", Fit.YES),
        ((555 * M, 556 * M), "$551M-$554M", Fit.NO),
        ((0, 0), "$0", Fit.YES),
        ((1 * M, 2 * M), "$0", Fit.NO),
        ((0, 800 * M), "$0", Fit.POSSIBLE),
    ],
)
def test_the_fit_of_a_claim(allowed: Span, claim: str, expected: Fit) -> None:
    assert fit(allowed, Amount.parse(claim)) is expected


SPANS = st.tuples(st.floats(0, 2e9), st.floats(0, 2e9)).map(sorted).map(tuple)
CLAIMS = st.builds(
    lambda hedge, size: Amount.parse(f"{hedge} ${size}M"),
    st.sampled_from(["", "about", "nearly", "at least", "over", "up to", "under"]), st.integers(1, 1999),
)  # fmt: skip


@given(SPANS, CLAIMS, st.floats(0, 1), st.floats(0, 1))
def test_knowing_more_never_turns_a_yes_into_a_no(allowed: Span, claim: Amount, one: float, other: float) -> None:
    low, high = allowed
    narrow = (low + (high - low) * min(one, other), low + (high - low) * max(one, other))
    if fit(allowed, claim) is Fit.YES:
        assert fit(narrow, claim) is Fit.YES
    if fit(allowed, claim) is Fit.NO:
        assert fit(narrow, claim) is Fit.NO


LONG, OVER = quantity("long"), window(4)


def channel(claim: str, *figures: Figure, over: Window = OVER, name: str = "coinglass") -> Channel:
    return ask(name, name.title(), figures, LONG, over, Amount.parse(claim))


def verdict(
    claim: str, *channels: Channel, named: str | None = None, unattributed: int = 0
) -> tuple[Verdict, list[str]]:
    decided, reasons = decide(
        channels, LONG, OVER, Amount.parse(claim), named=named, unattributed=unattributed, explanations=[]
    )
    return decided, [reason.code for reason in reasons]


SET = (figure("$730M", "long"), figure("$758M"), figure("$27.63M", "short"))


def test_a_reading_is_quoted_right() -> None:
    assert verdict("$730M", channel("$730M", *SET)) == (Verdict.SUPPORTED, ["quoted_right"])


def test_a_claim_may_hold_through_its_hedge_only() -> None:
    assert verdict("about $750M", channel("about $750M", *SET)) == (Verdict.SUPPORTED, ["quoted_through_hedge"])


def test_a_claim_outside_the_range_differs() -> None:
    assert verdict("$750M", channel("$750M", *SET)) == (Verdict.DIFFERS, ["out_of_range"])


def test_a_number_can_be_derived_without_its_reading() -> None:
    asked = channel("$730M", *SET[1:])
    assert asked.derived == asked.feasible == pytest.approx((729.865e6, 730.875e6))
    assert verdict("$730M", asked) == (Verdict.SUPPORTED, ["derived"])


def test_nothing_known_is_inconclusive() -> None:
    assert verdict("$750M") == (Verdict.INCONCLUSIVE, ["no_evidence"])
    assert verdict("$750M", unattributed=3) == (Verdict.INCONCLUSIVE, ["only_unknown_lineage"])


def test_a_reading_of_another_window_decides_nothing() -> None:
    asked = channel("$750M", figure("$900M", "long", window(24)))
    assert asked.by_clock == (0, pytest.approx(950e6))
    assert verdict("$750M", asked) == (Verdict.INCONCLUSIVE, ["no_reading_for_window"])


def test_a_whole_that_is_smaller_refutes_the_claim() -> None:
    assert verdict("$750M", channel("$750M", figure("$440.1M", over=window(24))))[0] is Verdict.DIFFERS


def test_a_reading_too_coarse_for_the_claim_is_inconclusive() -> None:
    assert verdict("$730M", channel("$730M", figure("$0.7bn", "long"))) == (
        Verdict.INCONCLUSIVE,
        ["claim_more_precise"],
    )


def test_an_independent_lineage_that_disagrees_leaves_it_open() -> None:
    ours, theirs = channel("$730M", *SET), channel("$730M", figure("$2.31bn", "long"), name="amberdata")
    assert verdict("$730M", ours, theirs) == (
        Verdict.INCONCLUSIVE,
        ["independent_lineages_disagree", "quoted_right"],
    )
    assert verdict("$730M", ours, named="coinglass")[0] is Verdict.SUPPORTED


def test_a_claim_that_was_printed_and_set_aside_differs() -> None:
    figures = [figure("$1.08bn"), figure("$1.08bn", "long"), figure("$79.67M", "short"), figure("$1.00bn", "long")]
    asked = channel("$1.08bn", *figures)
    assert asked.contradictions
    assert asked.fit is Fit.NO


def test_a_count_is_asked_directly() -> None:
    count = figure("182,729", metric="liquidation_count", unit="traders")
    claim = Amount(*(Amount.parse("182,729").value,) * 3, currency="")
    asked = ask("coinglass", "CoinGlass", [count], count.quantity, OVER, claim)
    assert asked.nearest is not None
    assert asked.feasible is not None


def test_scopes_are_compared_where_they_are_one() -> None:
    ours = channel("$730M", *SET)
    theirs = channel("$730M", figure("$365M", "long"), figure("$9bn", "long", window(24)), name="amberdata")
    (pair,) = compare([ours, theirs], LONG, OVER)
    assert pair.same_scope
    assert pair.ratio == 2.0


def test_a_figure_of_a_much_longer_window_contradicts_nothing() -> None:
    theirs = channel("$730M", figure("$9bn", "long", window(24)), name="amberdata")
    assert disagreeing([theirs], LONG, OVER, Amount.parse("$730M")) == []


def test_windows_share_what_they_have_in_common() -> None:
    assert window(4).shared(window(4)) == 1
    assert window(4).shared(window(8)) == 0.5
    assert window(4).shared(window(4, ending=4)) == 0


@pytest.mark.slow
@given(st.permutations([*SET, figure("$741M", "long", page="two"), figure("$2.0bn", over=window(24))]))
def test_the_order_of_figures_changes_no_answer(figures: list[Figure]) -> None:
    usual = channel("$730M", *sorted(figures, key=lambda f: f.id))
    assert channel("$730M", *figures) == usual


@pytest.mark.slow
@given(st.integers(-3000, 3000))
def test_shifting_time_changes_no_answer(hours: int) -> None:
    by = timedelta(hours=hours)
    figures = [*SET, figure("$741M", "long", page="two"), figure("$2.0bn", over=window(24))]
    moved = [replace(f, window=f.window.shifted(by), id="") for f in figures if f.window]
    before, after = channel("$730M", *figures), channel("$730M", *moved, over=OVER.shifted(by))
    assert (before.fit, before.feasible, before.derived, before.by_clock) == (
        after.fit,
        after.feasible,
        after.derived,
        after.by_clock,
    )
    assert [str(s.figure.amount) for s in before.kept] == [str(s.figure.amount) for s in after.kept]
