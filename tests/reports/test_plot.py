"""The plot in characters: never wider than asked, ends where numbers are, nothing where nothing compares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import FIGURE, FULL

from reports import terminal
from reports.plot import plot
from reports.spans import Unit, claimed, extent, spans
from reports.spans import unit as spans_unit
from verify.model.report import Answer, Range, Report

AMOUNTS = st.floats(min_value=0, max_value=1e13, allow_nan=False)


def report(*ranges: tuple[float, float | None], claim: str | None = "$750M") -> Report:
    answers = tuple(
        Answer(f"c{place}", f"Channel {place}", "no", "", replace(FIGURE, value=low), None, 1, Range(low, high))
        for place, (low, high) in enumerate(ranges)
    )
    return replace(FULL, answers=answers, claim=claim)


@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS | st.none()), min_size=1, max_size=5),
    st.integers(10, 200),
    st.sampled_from(["$750M", "about $1.2bn", "over $5bn", None, "38"]),
)
def test_no_line_is_wider_than_asked(ranges: list[tuple[float, float | None]], width: int, claim: str | None) -> None:
    ordered = [(low, high if high is None else max(low, high)) for low, high in ranges]
    for line in plot(report(*ordered, claim=claim), width):
        assert len(line) <= max(width, 36)


def test_ends_stand_in_the_order_of_their_values() -> None:
    lines = plot(report((700e6, 720e6), (700e6, None), claim="$750M"), 80)
    first, second, claim = lines[0], lines[1], lines[2]
    assert first.index("●") < first.index("┤") < first.index("░")
    assert second.endswith("▶")
    assert claim.index("█") == first.index("░")
    assert claim.startswith("the claim")


def test_one_line_and_no_claim_is_nothing_to_compare() -> None:
    assert plot(report((700e6, 720e6), claim=None), 80) == []
    assert plot(report(claim="$750M"), 80) == []


def test_too_narrow_a_place_shows_none() -> None:
    assert plot(report((700e6, 720e6)), 29) == []


def test_a_count_is_no_money() -> None:
    counts = replace(report((30.0, 40.0), claim="38"), quantity="number of liquidations, Hyperliquid")
    assert "$" not in "".join(plot(counts, 80))


def test_an_open_claim_is_no_band() -> None:
    assert claimed(report(claim="over $5bn")) is None
    assert claimed(report(claim="$750M")) == (745e6, 755e6)


def test_the_axis_holds_every_end() -> None:
    lines = spans(report((1e6, 2e6), (3e6, None)))
    edges = extent(lines, (5e6, 6e6))
    assert edges is not None
    assert edges[0] <= 1e6
    assert edges[1] >= 6e6


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_table_shows_it_without_cutting(width: int) -> None:
    shown = terminal.render(FULL, width=width)
    assert "the claim" in shown
    assert "…" not in shown


def reading(quantity: str, claim: str, *values: float, command: str = "market") -> Report:
    answers = tuple(Answer(f"c{n}", f"C{n}", "no", "", None, None, 1, Range(v, v)) for n, v in enumerate(values))
    return replace(FULL, command=command, quantity=quantity, claim=claim, answers=answers)


@pytest.mark.parametrize(
    ("command", "quantity", "claim", "unit", "band"),
    [
        ("market", "price of BTC, lowest", "broke $92,000", Unit.DOLLARS, (92_000, 92_000)),
        ("market", "price of BTC, fall in per cent", "fell more than 3%", Unit.PERCENT, (3, 3)),
        ("market", "implied volatility of BTC, change in points", "down 18-25 points", Unit.POINTS, (17.5, 25.5)),
        ("market", "correlation of BTC with the S&P 500, daily returns", "a new high", Unit.CORRELATION, None),
        ("flows", "net outflow of TSOL", "net outflow of $725,800", Unit.DOLLARS, (725_750, 725_850)),
        ("position", "holding of 6,755 ETH", "$3M", Unit.COINS, None),
        ("liquidations", "long liquidations, all venues", "$750M", Unit.DOLLARS, (745e6, 755e6)),
        ("liquidations", "number of liquidations", "no number", Unit.COUNT, None),
    ],
)
def test_the_axis_has_the_unit_of_the_quantity_and_the_claim_its_place(
    command: str, quantity: str, claim: str, unit: Unit, band: tuple[float, float] | None
) -> None:
    report = reading(quantity, claim, 1.0, command=command)
    assert spans_unit(report) is unit
    assert claimed(report) == band


def test_a_share_is_no_money_and_one_number_is_seen() -> None:
    lines = plot(reading("price of BTC, fall in per cent", "fell more than 2%", -0.1078, 1.5), 80)
    assert lines[0].count("●") == lines[1].count("●") == 1
    assert "$" not in "".join(lines)
    assert lines[-2].split() == ["-0.234", "%", "0.946", "%", "2.13", "%"]


def test_money_below_zero_has_its_sign_before_the_currency() -> None:
    axis = plot(reading("net flow of BSOL", "$5M", -47e6, 5e6, command="flows"), 80)[-2]
    assert axis.split()[0].startswith("-$")


def test_the_ends_of_a_narrow_axis_are_told_apart() -> None:
    axis = plot(reading("price of BTC, lowest", "broke $92,000", 91_990.0, 92_010.0), 80)[-2].split()
    assert len(set(axis)) == 3
