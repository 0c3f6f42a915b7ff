"""What the market lost, as the terminal and Markdown tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_examples import ESTIMATED, FULL

from reports import estimated, markdown, terminal
from verify.model.report import ChangeRow, Estimated, RuleRow

NOTHING = Estimated("nothing", None, None, None, 0.0, 0)


@pytest.mark.parametrize("form", [terminal, markdown])
def test_both_forms_show_the_interval_the_lineages_and_the_heterogeneity(form: object) -> None:
    shown = " ".join(form.render(FULL).split())  # type: ignore[attr-defined]  # both modules have it
    for words in ("What the market lost", "3 independent lineages", "heterogeneity of venues 0.40 (0.20 to 0.70)"):
        assert words in shown
    assert "What the market lost" not in form.render(replace(FULL, estimate=None))  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut_whatever_the_width(width: int) -> None:
    shown = terminal.render(replace(FULL, explanations=(), figures=()), width=width)
    words = set(shown.replace("│", " ").split())
    for row in estimated.spread_rows(ESTIMATED):
        assert row[1] in words


def test_shown_and_lost_are_two_numbers() -> None:
    assert "The channels show $1.2bn, which is another number." in estimated.remarks(ESTIMATED)[0]
    assert "50% is shown by channels, 30% is hidden by their limits and 20% is extrapolated" in " ".join(
        estimated.remarks(ESTIMATED)
    )


def test_a_lower_bound_is_not_called_an_estimate() -> None:
    bound = replace(ESTIMATED, kind="lower_bound", lineages=1, heterogeneity=None, probability=None)
    said = estimated.remarks(bound)
    assert said[0].startswith("A lower bound")
    assert "1 independent lineage;" in said[0]
    assert "heterogeneity of venues is not known" in said[0]
    assert not any("probability" in text for text in said)


def test_where_nothing_was_measured_there_is_no_number() -> None:
    assert estimated.remarks(NOTHING) == ["Nothing measured the window."]
    assert not [*estimated.spread_rows(NOTHING), *estimated.venue_rows(NOTHING), *estimated.change_rows(NOTHING)]
    assert "Nothing measured the window." in terminal.render(replace(FULL, estimate=NOTHING))


def test_a_venue_without_a_channel_shows_nothing_which_is_not_zero() -> None:
    assert {row[0]: row[2] for row in estimated.venue_rows(ESTIMATED)}["MEXC"] == "-"


def test_only_changes_that_matter_are_listed() -> None:
    found = replace(ESTIMATED, without=(ChangeRow("a", 1.049), ChangeRow("b", 0.95)), sensitivity=())
    assert [row[0] for row in estimated.change_rows(found)] == ["without b"]


def test_only_rules_that_are_in_doubt_are_listed() -> None:
    sure = (RuleRow("a/feed", "complete", 0.8, 0.99), RuleRow("a/feed", "latest", 0.2, 0.01))
    other = (RuleRow("b/feed", "complete", 0.8, 0.05), RuleRow("b/feed", "latest", 0.2, 0.95))
    doubtful = (RuleRow("c/feed", "complete", 0.8, 0.6), RuleRow("c/feed", "latest", 0.2, 0.4))
    said = estimated.rules(replace(ESTIMATED, rules=(*sure, *other, *doubtful)))
    assert [text.partition(":")[0] for text in said] == ["b/feed", "c/feed"]
    assert "latest 95% (documents 20%)" in said[0]


def test_a_fault_is_named_with_what_was_done() -> None:
    [said] = estimated.faults(ESTIMATED)
    assert said == "htx/linear: sides swapped, 98% sure, mended: longs are where others show shorts"
