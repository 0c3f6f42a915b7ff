"""The catalogue of slips: each one planted in an invented event, and found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import figure, quantity, window

from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.quantity import Quantity
from verify.model.window import Window
from verify.reconcile.slips import CATALOGUE, Claimed, Explanation, candidates, explain

#: Figures that have nothing to do with any claim below.
NOISE = (
    figure("$17.3M", "short", window(1)),
    figure("$2.34bn", "both", window(24), page="two"),
    figure("$61.1M", "long", page="two", venues="gate", assets="SOL"),
    figure("52,418", page="two", metric="liquidation_count", unit="traders"),
)


def found(known: list[Figure], amount: str, what: Quantity, over: Window | None = None) -> list[Explanation]:
    number = Amount.parse(amount)
    if not what.metric.money:
        number = Amount(number.value, number.low, number.high, number.hedge, "", None, number.text)
    return explain(Claimed(what, number, over or window(4)), candidates([*known, *NOISE]))


LONG, SHORT, TOTAL = quantity("long"), quantity("short"), quantity()
PLANTED = {
    "rounded": ([figure("$731.4M", "long")], "$731M", LONG, window(4)),
    "total_as_side": ([figure("$758M")], "$758M", LONG, window(4)),
    "side_as_total": ([figure("$731M", "long")], "$731M", TOTAL, window(4)),
    "sides_swapped": ([figure("$731M", "long")], "$731M", SHORT, window(4)),
    "window_changed": ([figure("$763M", "long", window(12))], "$763M", LONG, window(4)),
    "stale_window": ([figure("$763M", "long", window(4, ending=-17))], "$763M", LONG, window(4)),
    "date_shifted": ([figure("$763M", over=window(24, ending=8))], "$763M", TOTAL, window(24)),
    "venue_as_market": ([figure("$235M", venues="hyperliquid")], "$235M", TOTAL, window(4)),
    "assets_as_market": (
        [figure("$228M", assets="BTC"), figure("$153M", assets="ETH"), figure("$59.4M", assets="SOL")],
        "$440M", TOTAL, window(4),
    ),
    "market_as_part": ([figure("$758M")], "$758M", quantity(venues="bybit"), window(4)),
    "tenfold": ([figure("$75.8M")], "$758M", TOTAL, window(4)),
    "tenth": ([figure("$758M")], "$75.8M", TOTAL, window(4)),
    "wan_as_yi": ([figure("7.58万")], "7.58亿", TOTAL, window(4)),
    "yi_as_wan": ([figure("7.58亿")], "7.58万", TOTAL, window(4)),
    "million_as_billion": ([figure("$1.08M")], "$1.08bn", TOTAL, window(4)),
    "billion_as_million": ([figure("$1.08bn")], "$1.08M", TOTAL, window(4)),
    "digits_truncated": (
        [figure("182,729", metric="liquidation_count", unit="traders")],
        "2,729", quantity(metric="liquidation_count", unit="traders"), window(4),
    ),
    "change_as_level": (
        [figure("$65.3bn", metric="open_interest_drop")], "$65.3bn", quantity(metric="open_interest"), window(4),
    ),
    "open_interest_as_liquidations": ([figure("$65.3bn", metric="open_interest_drop")], "$65.3bn", TOTAL, window(4)),
    "other_count_unit": (
        [figure("182,729", metric="liquidation_count", unit="traders")],
        "182,729", quantity(metric="liquidation_count", unit="fills"), window(4),
    ),
    "order_as_position": (
        [figure("1,183", metric="liquidation_count", unit="orders")],
        "1,183", quantity(metric="liquidation_count", unit="positions"), window(4),
    ),
    "equity_as_notional": ([figure("$1.23bn", metric="wallet_losses")], "$1.23bn", TOTAL, window(4)),
    "closures_as_liquidations": ([figure("$7.61bn", metric="forced_closures")], "$7.61bn", TOTAL, window(4)),
    "estimate_as_measured": ([figure("$33bn", metric="estimated_liquidations")], "$33bn", TOTAL, window(4)),
}  # fmt: skip


def test_every_slip_of_the_catalogue_is_planted_here() -> None:
    assert set(PLANTED) == {slip.id for slip in CATALOGUE}


@pytest.mark.parametrize("slip", PLANTED)
def test_a_planted_slip_is_ranked_first(slip: str) -> None:
    ranked = found(*PLANTED[slip])
    assert ranked, "nothing was found"
    assert (ranked[0].slip.id, ranked[0].exact) == (slip, True)
    assert ranked[0].candidate.figure.url == "https://one.example/article"


@pytest.mark.parametrize("slip", PLANTED)
def test_every_explanation_is_a_sentence_with_the_figure(slip: str) -> None:
    known, *claim = PLANTED[slip]
    words = found(known, *claim)[0].words
    assert words.endswith(": " + found(known, *claim)[0].title)
    assert any(str(f.amount) in words for f in known)


def test_lengths_are_named() -> None:
    assert found(*PLANTED["window_changed"])[0].title == "12 hours printed as 4 hours"


def test_the_parts_of_a_sum_are_named() -> None:
    words = found(*PLANTED["assets_as_market"])[0].words
    assert "$228M BTC" in words
    assert "$59.4M SOL" in words


def test_round_numbers_are_not_truncations_of_one_another() -> None:
    ranked = found([figure("$1.08bn"), figure("$250M")], "$50M", TOTAL) + found([figure("$1.08bn")], "$80M", TOTAL)
    assert "digits_truncated" not in {explanation.slip.id for explanation in ranked}


def test_a_number_of_another_asset_explains_nothing() -> None:
    known = [figure("$4.71bn", metric="open_interest_drop", assets="ETH")]
    assert found(known, "$4.71bn", quantity(assets="BTC")) == []
    assert found(known, "$4.71bn", quantity(assets="ETH"))[0].slip.id == "open_interest_as_liquidations"


def test_a_claim_that_names_no_unit_has_no_wrong_unit() -> None:
    known = [figure("182,729", metric="liquidation_count", unit="traders")]
    unnamed = quantity(metric="liquidation_count", unit="events")
    assert [e.slip.id for e in found(known, "182,729", unnamed)] == ["rounded"]
    assert [e.slip.id for e in found(known, "2,729", unnamed)] == ["digits_truncated"]


def test_exact_explanations_come_before_coarse_ones() -> None:
    ranked = found([figure("$731M", "long"), figure("$750M", page="two")], "$750M", LONG)
    assert [(e.slip.id, e.exact) for e in ranked[:2]] == [("total_as_side", True), ("rounded", False)]
    assert ranked[1].rounding == Decimal(50_000_000)


def test_the_coarseness_is_the_finest_step_that_gives_the_number() -> None:
    (explanation,) = found([figure("$758M")], "$750M", LONG)
    assert (explanation.rounding, explanation.exact) == (Decimal(25_000_000), False)
    assert round(explanation.distance, 4) == Decimal("0.0107")


def test_numbers_that_are_far_away_explain_nothing() -> None:
    assert found([figure("$758M")], "$690M", LONG) == []


def test_a_claim_of_nothing_is_explained_by_nothing() -> None:
    assert found([figure("$758M")], "$0", LONG) == []


def test_equal_numbers_of_several_pages_are_offered_once() -> None:
    known = [figure("$758M", page=page) for page in ("three", "one", "four")]
    ranked = found(known, "$758M", LONG)
    assert [e.candidate.figure.outlet for e in ranked] == ["four"]


def test_what_the_collector_computed_explains_nothing() -> None:
    assert found([replace(figure("$758M"), as_printed=False)], "$758M", LONG) == []


def test_a_window_at_the_end_of_the_calendar_can_be_compared() -> None:
    last = Window(datetime(9999, 12, 31, 20, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert found([figure("$758M", "long", last)], "$758M", LONG, window(3)) == []


@given(st.sampled_from(sorted(PLANTED)), st.integers(-4000, 4000))
def test_shifting_time_changes_no_explanation(slip: str, hours: int) -> None:
    known, amount, what, over = PLANTED[slip]
    by = timedelta(hours=hours)
    moved = [replace(f, window=f.window.shifted(by), id="") for f in (*known, *NOISE) if f.window]
    number = found(known, amount, what, over)[0].claim.amount
    before = explain(Claimed(what, number, over), candidates([*known, *NOISE]))
    after = explain(Claimed(what, number, over.shifted(by)), candidates(moved))
    assert [(e.slip, e.distance, e.rounding, e.words) for e in after] == [
        (e.slip, e.distance, e.rounding, e.words) for e in before
    ]


@given(st.decimals("1", "999", places=1), st.sampled_from(["total_as_side", "tenfold", "window_changed"]))
def test_whatever_the_number_the_planted_slip_is_found(value: Decimal, slip: str) -> None:
    printed = f"${value}M"
    known, claimed = {
        "total_as_side": (figure(printed), value),
        "tenfold": (figure(printed, "long"), value * 10),
        "window_changed": (figure(printed, "long", window(12)), value),
    }[slip]
    assert slip in {e.slip.id for e in found([known], f"${claimed}M", LONG) if e.exact}
