"""Which measurement a figure descends from, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import figure, window

from verify.model.figure import Figure
from verify.reconcile.lineage import Lineage, Reason, assign, shared_errors
from verify.reconcile.votes import votes


def independent(lineages: Iterable[Lineage]) -> list[str]:
    return [vote.members[0] for vote in votes(lineages, {})]


def lineage(wanted: Figure, *others: Figure) -> Lineage:
    return assign([wanted, *others])[wanted.id]


def test_a_named_measurer_is_the_lineage() -> None:
    found = lineage(figure("$758M", says="CoinGlass data"))
    assert (found.id, found.reason, found.known) == ("coinglass", Reason.ATTRIBUTED, True)


@pytest.mark.parametrize("written", ["CryptoGlass", "Coinglas", "Coin Glass", "COINGLASS", "Coingloss"])
def test_a_misspelt_provider_is_recognised(written: str) -> None:
    assert lineage(figure("$758M", says=written)).id == "coinglass"


@pytest.mark.parametrize(
    "written", ["CryptoSlate", "Glassnode", "CoinGecko", "CoinGape", "Fibreglass", "CoinClass Capital", "Coin", "Glass"]
)
def test_another_name_is_not_taken_for_a_misspelling(written: str) -> None:
    assert lineage(figure("$758M", says=written)).id != "coinglass"


def test_a_misspelling_is_reported_with_its_score() -> None:
    assert "CryptoGlass" in lineage(figure("$758M", says="CryptoGlass")).detail
    assert "of 100" in lineage(figure("$758M", says="CryptoGlass")).detail


def test_a_relay_says_nothing_about_the_lineage() -> None:
    found = lineage(figure("$758M", says="CoinMarketCap"))
    assert not found.known
    assert "repeats what others measured" in found.detail


@pytest.mark.parametrize("said", ["", "unattributed", "none", "n/a", "not stated (screenshot)"])
def test_a_figure_without_a_provider_is_unknown(said: str) -> None:
    assert lineage(figure("$812M", says=said)).reason is Reason.UNKNOWN


@pytest.mark.parametrize("said", ["CoinGlass and Coinalyze", "several data providers", "multiple sources"])
def test_several_providers_at_once_are_unknown(said: str) -> None:
    assert not lineage(figure("$812M", says=said)).known


def test_a_provider_nobody_registered_has_no_vote() -> None:
    found = lineage(figure("$812M", says="Zorbia Research"))
    assert (found.id, found.known, found.votes) == ("zorbiaresearch", True, False)


def test_an_own_measurement_founds_a_lineage_of_its_own() -> None:
    found = lineage(figure("$812M", says="Zorbia Research (own data)"))
    assert (found.id, found.reason, found.known) == ("zorbiaresearch", Reason.OWN_MEASUREMENT, True)


def test_what_the_file_declares_beats_the_text() -> None:
    found = lineage(figure("$812M", says="CoinGlass", lineage="Zorbia"))
    assert (found.id, found.reason) == ("zorbia", Reason.DECLARED)


def test_equal_digits_betray_a_copy() -> None:
    copy = figure("$27.63M", "short", page="two", says="")
    found = lineage(copy, figure("$27.63M", "short"))
    assert (found.id, found.reason) == ("coinglass", Reason.SAME_DIGITS)


@pytest.mark.parametrize("amount", ["$750M", "$1.1bn", "$73M", "$900M"])
def test_too_few_digits_betray_nothing(amount: str) -> None:
    assert not lineage(figure(amount, page="two", says=""), figure(amount)).known


def test_without_a_window_a_copy_needs_more_digits() -> None:
    three = figure("$758M", page="two", says="", windowless=True)
    four = figure("$27.63M", "short", page="three", says="", windowless=True)
    found = assign([three, four, figure("$758M"), figure("$27.63M", "short")])
    assert not found[three.id].known
    assert found[four.id].reason is Reason.SAME_DIGITS


def test_equal_digits_of_another_quantity_or_time_betray_nothing() -> None:
    other_side = figure("$27.63M", "long", page="two", says="")
    other_day = figure("$27.63M", "short", window(4, ending=72), page="three", says="")
    found = assign([figure("$27.63M", "short"), other_side, other_day])
    assert not found[other_side.id].known
    assert not found[other_day.id].known


def test_equal_digits_of_two_lineages_decide_for_neither() -> None:
    copy = figure("$27.63M", "short", page="three", says="")
    assert not lineage(copy, figure("$27.63M", "short"), figure("$27.63M", "short", page="two", says="Coinalyze")).known


def test_a_range_has_no_digits_to_compare() -> None:
    assert not lineage(figure("$551M-$554M", page="two", says=""), figure("$551M-$554M")).known


def test_a_sibling_on_the_same_page_shares_the_lineage() -> None:
    sibling = figure("$120M", assets="BTC", page="two", says="")
    found = lineage(sibling, figure("$27.63M", "short"), figure("$27.63M", "short", page="two", says=""))
    assert (found.id, found.reason) == ("coinglass", Reason.SAME_PAGE)


def impossible(page: str, says: str) -> list[Figure]:
    return [
        figure("$1.08bn", "both", page=page, says=says),
        figure("$1.08bn", "long", page=page, says=says),
        figure("$79.67M", "short", page=page, says=says),
    ]


def test_pages_that_repeat_an_impossible_set_descend_from_one_text() -> None:
    figures = impossible("one", "CoinGlass") + impossible("two", "")
    found = assign(figures)
    assert {found[f.id].id for f in figures} == {"coinglass"}
    assert found[figures[3].id].reason is Reason.SHARED_ERROR
    (error,) = shared_errors(figures)
    assert error.outlets == ("one", "two")


def test_an_error_shared_under_two_names_is_not_two_measurements() -> None:
    figures = [*impossible("one", "CoinGlass"), *impossible("two", "CoinGlass"), *impossible("three", "Coinalyze")]
    found = assign(figures)
    assert independent(found.values()) == ["coinglass"]
    assert "names Coinalyze, but" in found[figures[-1].id].detail


def test_repeating_the_error_of_a_provider_without_a_vote_gives_none() -> None:
    figures = [*impossible("one", "Zorbia"), *impossible("two", "")]
    assert not any(found.votes for found in assign(figures).values())
    assert independent(assign([*figures, *impossible("three", "CoinGlass")]).values()) == ["coinglass"]


def test_an_error_belongs_to_who_measured_it() -> None:
    figures = [*impossible("one", "CoinGlass"), *impossible("two", "Coinalyze (own data)")]
    assert independent(assign(figures).values()) == ["coinalyze"]


def test_a_declared_lineage_survives_a_shared_error() -> None:
    declared = [figure("$1.08bn", "both", page="two", lineage="Zorbia")]
    declared += [figure("$1.08bn", "long", page="two", lineage="Zorbia")]
    declared += [figure("$79.67M", "short", page="two", lineage="Zorbia")]
    found = assign([*impossible("one", "CoinGlass"), *declared])
    assert {found[f.id].reason for f in declared} == {Reason.DECLARED}


def test_an_impossible_set_nobody_claims_stays_unknown() -> None:
    found = assign(impossible("one", "") + impossible("two", ""))
    assert independent(found.values()) == ["unknown"]


def test_a_possible_set_is_no_shared_error() -> None:
    possible = [figure("$758M"), figure("$730M", "long"), figure("$27.63M", "short")]
    again = [figure("$758M", page="two"), figure("$730M", "long", page="two"), figure("$27.63M", "short", page="two")]
    assert shared_errors(possible + again) == []


def test_a_hedge_can_make_a_set_possible() -> None:
    def set_of(page: str) -> list[Figure]:
        return [
            figure("over $1.1bn", page=page),
            figure("$1.1bn", "long", page=page),
            figure("$200M", "short", page=page),
        ]

    assert shared_errors(set_of("one") + set_of("two")) == []


def test_a_page_that_also_prints_the_right_total_prints_no_impossible_set() -> None:
    right = [figure("$1.16bn", page=page) for page in ("one", "two")]
    for order in (1, -1):
        assert shared_errors((impossible("one", "") + impossible("two", "") + right)[::order]) == []


def test_unknown_lineages_are_never_independent() -> None:
    found = assign(
        [figure("$758M"), figure("$741M", page="two", says=""), figure("$799M", page="three", says="Zorbia")]
    )
    assert independent(found.values()) == ["coinglass"]
    assert independent([]) == []


MIXED: Sequence[Figure] = (
    *impossible("one", "CoinGlass"),
    *impossible("two", ""),
    *impossible("three", "Coinalyze"),
    figure("$27.63M", "short", page="four"),
    figure("$27.63M", "short", page="five", says=""),
    figure("$120M", assets="BTC", page="five", says=""),
    figure("$812M", page="six", says="several"),
)


@given(st.permutations(MIXED))
def test_the_order_of_figures_changes_nothing(shuffled: list[Figure]) -> None:
    assert assign(shuffled) == assign(MIXED)
    assert shared_errors(shuffled) == shared_errors(MIXED)
