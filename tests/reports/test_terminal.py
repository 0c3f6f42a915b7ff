"""The report in a terminal: nothing is cut, nothing from outside acts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from report_examples import ATTACKS, FIGURE, FULL, attacked

from reports import terminal
from verify.model.report import Report, Verdict

#: Numbers of the example as they must be readable, whatever the width.
NUMBERS = (
    "$730.123456M", "$729.9M", "2.7%", "$513.8M", "$782M", "+12345.7", "$25M", "$758.123456M", "1234567", "12345",
    "$1.234567bn", "$2.345678bn", "$440.123456M", "$1.080001bn", "$1.235bn", "$9.877M", "75%", "$0.01234567",
    "-730123456", "0.060", "0.30", "0.517", "0.52",
)  # fmt: skip


@pytest.mark.parametrize("width", [1, 40, 60, 72, 80, 100, 200])
def test_no_number_is_cut_or_broken(width: int) -> None:
    shown = terminal.render(FULL, width=width)
    words = shown.replace(",", " ").replace(";", " ").replace("(", " ").split()
    for number in NUMBERS:
        assert any(number in word for word in words), number


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_but_addresses_stay_whole(width: int) -> None:
    lines = terminal.render(FULL, width=width).splitlines()
    assert [line for line in lines if len(line) > width and not re.match(r"\[\d+\] https://", line)] == []
    assert f"[1] {FIGURE.url}" in lines
    assert "[2] https://paper.example/2" in lines
    assert "…" not in "".join(lines)


def test_without_a_claim_the_figures_are_listed_whole() -> None:
    report = replace(FULL, claim=None, verdict=None, confidence=None, reasons=(), explanations=())
    for width in (60, 80):
        words = terminal.render(report, width=width).split()
        assert "$551.123456M-$554.654321M" in words


def test_figures_of_what_was_asked_come_first_then_those_nearest_in_time() -> None:
    later = {"start": FIGURE.start + timedelta(days=1), "end": FIGURE.end + timedelta(days=1)}  # type: ignore[operator]
    rows = (
        replace(FIGURE, stated="$3M", quantity="total liquidations, all venues"),
        replace(FIGURE, stated="$2M", **later),
        replace(FIGURE, stated="$4M", quantity="total liquidations, all venues", start=None, end=None),
        replace(FIGURE, stated="$1M"),
    )
    shown = terminal.render(replace(FULL, claim=None, verdict=None, figures=rows))
    assert re.findall(r"\$[1-4]M", shown) == ["$1M", "$2M", "$3M", "$4M"]
    assert "01 Feb 00:00, 4 hours" in shown
    assert "not stated" in shown


def test_colours_come_only_where_asked_for() -> None:
    assert "\x1b[" not in terminal.render(FULL)
    coloured = terminal.render(FULL, color=True)
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == terminal.render(FULL).splitlines()


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_is_the_first_word(verdict: Verdict) -> None:
    assert terminal.render(replace(FULL, verdict=verdict)).split()[0] == verdict.upper()


def test_what_is_simulated_says_so_before_anything_else() -> None:
    assert terminal.render(replace(FULL, simulated=True)).startswith("SIMULATED")


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
@pytest.mark.parametrize("width", [60, 80])
def test_strings_from_outside_are_only_shown(attack: str, width: int) -> None:
    report: Report = attacked(FULL, attack)
    for shown in (terminal.render(report, width=width), terminal.render(replace(report, claim=None), width=width)):
        assert all(line.isprintable() for line in shown.splitlines())
        assert not re.search(r"^\s*::", shown, re.MULTILINE)
        assert "##" not in shown
        coloured = re.sub(r"\x1b\[[\d;]*m", "", terminal.render(report, width=width, color=True))
        assert all(line.isprintable() for line in coloured.splitlines())
    if attack.startswith("[red]"):
        assert "[red]markup[/red]" in shown
