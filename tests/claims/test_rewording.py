"""The smallest change of a text that the evidence demands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.article import article
from verify.claims.rewording import Edit, applied, restyled
from verify.claims.spans import scan

HEAD = (
    "url,outlet,published_at,metric,venue,asset,side,amount_usd,window_start_utc,window_end_utc,window_confidence,"
    "provider_attributed\n"
)
SIX = "2027-05-03T06:00Z,2027-05-03T12:00Z,high,Coinalyze\n"
ROWS = (
    f"https://a.example/1,A,2027-05-03,liquidations,all,all,long,412000000,{SIX}"
    f"https://a.example/1,A,2027-05-03,liquidations,all,all,short,38000000,{SIX}"
    f"https://a.example/1,A,2027-05-03,liquidations,all,all,total,450000000,{SIX}"
    f"https://a.example/2,B,2027-05-03,liquidations,Bybit,all,total,120000000,{SIX}"
    "https://a.example/2,B,2027-05-03,liquidations,all,all,total,610000000,"
    "2027-05-02T12:00Z,2027-05-03T12:00Z,high,Coinalyze\n"
)
LONG_WINDOW = "in the 6 hours to 12:00 UTC on 3 May 2027"


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "figures.csv"
    path.write_text(HEAD + ROWS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (
            "In the past six hours, $450 million in longs was liquidated.",
            "In the past six hours, $450 million in positions was liquidated.",
        ),
        (
            "In the past six hours, $38 million in longs was liquidated.",
            "In the past six hours, $38 million in shorts was liquidated.",
        ),
        (
            "In the past six hours, $610 million was liquidated.",
            "In the 24 hours to 12:00 UTC on 3 May 2027, $610 million was liquidated.",
        ),
        (
            "The 6-hour liquidations came to $610 million.",
            "The 24-hour liquidations came to $610 million.",
        ),
        (
            "In the past 6 hours, $120 million was liquidated.",
            "In the past 6 hours, $120 million on Bybit was liquidated.",
        ),
        (
            "In the past 6 hours, liquidations came to $999 million, Coinalyze said.",
            "In the past 6 hours, liquidations came to $450 million, Coinalyze said.",
        ),
        (
            "In the past 6 hours, liquidations came to $450 million.",
            "In the past 6 hours, liquidations came to $450 million, according to Coinalyze.",
        ),
        (
            "Some $412 million in longs was liquidated.",
            f"Some $412 million ({LONG_WINDOW}) in longs was liquidated.",
        ),
        ("过去6小时，全网多单爆仓4.5亿美元。", "过去6小时，全网爆仓4.5亿美元。"),
        ("过去6小时，全网爆仓 9.99 亿美元。", "过去6小时，全网爆仓 4.5 亿美元。"),
        ("过去6小时，全网爆仓4.5亿美元。", "过去6小时，全网爆仓4.5亿美元（据 Coinalyze）。"),
    ],
)
def test_only_what_the_evidence_demands_is_changed(figures: Path, text: str, reads: str) -> None:
    report = article(text + "\n", figures=[figures], published_at="2027-05-03T12:00Z")
    (row,) = report.rows
    assert report.reworded(row) == reads
    assert all(text[edit.start : edit.end] == edit.old for edit in row.edits)
    again = article(reads + "\n", figures=[figures], published_at="2027-05-03T12:00Z").rows[0]
    assert again.verdict in ("supported", "inconclusive")


@pytest.mark.parametrize(
    "text",
    [
        "In the past 6 hours, liquidations came to $450 million, according to Coinalyze.",
        "In the past 6 hours, BTC fell 3%.",
        "Liquidations came to $7 million.",
    ],
)
def test_what_demands_nothing_stays(figures: Path, text: str) -> None:
    report = article(text, figures=[figures], published_at="2027-05-03T12:00Z")
    assert [row.edits for row in report.rows] == [()]
    assert report.reworded(report.rows[0]) == ""


def test_a_figure_that_comes_back_without_its_slots_gets_them_back(figures: Path) -> None:
    text = (
        "Some $750M of longs were liquidated on Bybit in four hours, a single channel reported.\n\n"
        "After the $750M in liquidations, calm.\n"
    )
    report = article(text, figures=[figures], published_at="2027-05-03T12:00Z")
    assert report.reworded(report.rows[1]) == (
        "After the $750M (long, Bybit, in four hours, according to a single channel) in liquidations, calm."
    )


def test_figures_that_contradict_one_another_are_not_reworded(figures: Path) -> None:
    text = "In 24 hours $1.08bn was liquidated, $1.08bn in longs and $79.67M in shorts.\n"
    report = article(text, figures=[figures], published_at="2027-05-03T12:00Z")
    assert {row.verdict for row in report.rows} == {"differs"}
    assert [row.edits for row in report.rows] == [(), (), ()]


@pytest.mark.parametrize(
    ("written", "value", "new"),
    [
        ("$812 million", "450000000", "$450 million"),
        ("US$750m", "1080000000", "US$1.08b"),
        ("$1.08 bn", "758000000", "$758 mn"),
        ("$2 Billion", "758000000", "$758 Million"),
        ("7.5亿美元", "75040000", "7504万美元"),
        ("7504 万美元", "758000000", "7.58 亿美元"),
        ("241,172", "182729", "182,729"),
        ("241172", "182729", "182729"),
        ("$551-$554 million", "534000000", "$534 million"),
        ("750M USD", "19726100", "19.73M USD"),
        ("half a billion dollars", "1", ""),
    ],
)
def test_a_number_is_written_in_the_style_of_the_one_it_replaces(written: str, value: str, new: str) -> None:
    assert restyled(written, Decimal(value)) == new


@given(
    written=st.sampled_from(["$7 million", "$7B", "US$7mn", "7亿美元", "7.5M USD", "$750,000"]),
    value=st.integers(1, 999).flatmap(lambda n: st.integers(3, 11).map(lambda power: n * 10**power)),
)
def test_what_is_written_is_read_as_the_value(written: str, value: int) -> None:
    (number,) = scan(f"It was {restyled(written, Decimal(value))} in all.").numbers
    assert number.amount.value == value


def test_edits_are_made_in_the_stretch_that_is_shown() -> None:
    edits = [Edit(6, 11, "world", "there", ""), Edit(0, 0, "", "> ", ""), Edit(40, 41, "x", "y", "")]
    assert applied("hello world!", edits, 0, 12) == "> hello there!"
