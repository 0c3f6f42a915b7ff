"""A whole article of an event of our own invention, in the structure of the ones that the trade prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.article import article
from verify.claims.result import ArticleReport

HOME = Path(__file__).parents[1] / "data" / "articles"
SINGLE = "a single data provider"

#: text, metric, side, assets, venues, window, direction, attribution, threshold: what an editor reads.
READ = [
    ("$5,400", "price", "both", "ETH", "", "", "broke", "", None),
    ("7%", "price_change", "both", "ETH", "", "2027-05-03", "fall", "", None),
    ("$412 million", "liquidations", "long", "", "", "6h", "", SINGLE, None),
    ("12-16 volatility points", "volatility_change", "both", "", "", "since 2027-02-01", "fall", "", None),
    ("7%", "price_change", "both", "ETH", "", "2027-05-03", "fall", "", None),
    ("$412 million", "liquidations", "long", "", "", "6h", "", "a single provider", None),
    ("21", "liquidation_count", "both", "", "hyperliquid", "", "", "", 2_000_000),
    ("1,150 BTC", "position", "short", "BTC", "", "", "fall", "reports", None),
    ("$3.9 million", "realised_gain", "both", "BTC", "", "", "", "reports", None),
    ("$412 million", "liquidations", "both", "", "", "", "", "", None),
    ("21", "liquidation_count", "both", "", "", "", "", "", None),
    ("$88.4 million", "etf_net_flow", "both", "ETH", "", "2027-04-26/2027-05-01", "fall", "reports", None),
    ("$2.31 billion", "dex_volume", "both", "", "uniswap", "since 2026-07-01", "", "reports", None),
    ("310,400 ETH", "holding", "both", "ETH", "", "", "", "", None),
    ("$95.2 million", "unrealised_gain", "both", "ETH", "", "", "fall", "", None),
    ("$412 million", "liquidations", "both", "", "", "", "", "", None),
]


@pytest.fixture(scope="module")
def report() -> ArticleReport:
    path = HOME / "invented.txt"
    return article(path.read_text(encoding="utf-8"), name=path.name, figures=[HOME / "invented.csv"], offline=True)


def test_every_figure_is_read_as_its_editor_would(report: ArticleReport) -> None:
    read = [
        (
            c.text, c.metric, str(c.side), "+".join(c.assets), "+".join(c.venues), c.when.label if c.when else "",
            c.direction, c.attribution, int(c.threshold) if c.threshold else None,
        )
        for c in report.reading.claims
    ]  # fmt: skip
    assert read == READ


def test_each_has_a_verdict_from_offline_evidence(report: ArticleReport) -> None:
    by_number = {row.number: row for row in report.rows}
    assert [number for number, row in by_number.items() if str(row.verdict) != "inconclusive"] == [12]
    assert by_number[3].reasons[0].code == "no_window"
    assert by_number[3].holds == ("3 May 2027 06:00 to 12:00 UTC ($412M, Coinalyze)",)
    assert str(by_number[12].verdict) == "supported"
    assert by_number[12].edits == ()  # "reports say" is an attribution
    assert by_number[13].reasons[0].code == "no_reading"
    assert by_number[14].reasons[0].code == "no_source_for_metric"


def test_what_the_text_shows_by_itself_is_noticed(report: ArticleReport) -> None:
    noticed = {(finding.code, finding.claims) for finding in report.findings}
    assert noticed == {
        ("repeated_without", (2, 9)), ("repeated_without", (6, 10)), ("repeated_without", (2, 15)),
        ("single_channel", (2,)), ("single_channel", (5,)),
    }  # fmt: skip
    closing = next(finding for finding in report.findings if finding.claims == (2, 15))
    assert "its window (six-hour)" in closing.text


def test_nothing_is_marked_that_is_no_figure(report: ArticleReport) -> None:
    original = report.reading.document.original
    alone = {original[a.start : a.end] for a in report.reading.alone}
    assert alone >= {"May 3, 2027", "8:00 PM UTC+8", "mid-2026", "section 4.2", "+44 20 7946 0958", "$2 million"}


def test_the_same_article_with_the_window_said_is_decided(report: ArticleReport) -> None:
    text = report.reading.document.original.replace(
        "In this roughly six-hour stretch of falling prices", "In the past six hours"
    )
    said = article(text, name="a.txt", figures=[HOME / "invented.csv"], offline=True)
    assert str(said.rows[2].verdict) == "supported"
    text = text.replace("$412 million", "$450 million")
    wrong = article(text, name="a.txt", figures=[HOME / "invented.csv"], offline=True).rows[2]
    assert str(wrong.verdict) == "differs"
    assert [(edit.old, edit.new) for edit in wrong.edits] == [("long ", "")]
