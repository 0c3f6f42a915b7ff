"""What a text says against itself."""

from __future__ import annotations

import pytest

from verify.claims.consistency import Finding, check
from verify.claims.slots import extract
from verify.claims.text import read
from verify.claims.windows import dateline


def findings(text: str) -> list[Finding]:
    return check(extract(read(text), dateline("2026-01-20T12:00Z")))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "In 24 hours $1.08bn was liquidated, $1.08bn in longs and $79.67M in shorts.",
            "long_plus_short",
        ),
        (
            "Liquidations totalled $103M in 24 hours. Binance liquidated $80M in 24 hours, OKX $70M.",
            "parts_exceed_whole",
        ),
        (
            "Total liquidations reached $870M. Bybit saw liquidations of $239M, or 72% of the total.",
            "share_does_not_fit",
        ),
        (
            "# $1.08 billion liquidated in 24 hours\n\nIn 24 hours, $1.02 billion was liquidated.",
            "digits_differ",
        ),
        (
            "# $750 million liquidated in 4 hours\n\nIn 4 hours $7.5 billion was liquidated.",
            "digits_differ",
        ),
        ("Bitcoin fell 9% from $95,000 to $92,000.", "move_does_not_fit"),
        ("比特币从 95000 美元跌至 92000 美元，跌幅 9%。", "move_does_not_fit"),
        (
            "Bybit liquidated $30 million in 4 hours. In those 4 hours Bybit counted 38 positions above $1M.",
            "size_exceeds_whole",
        ),
        (
            "Liquidations on Bybit came to $8 million in 4 hours. The largest order on Bybit was worth $9.8 million.",
            "size_exceeds_whole",
        ),
        ("On 31 November $5M was liquidated.", "impossible_date"),
        ("On 2026-03-01 $5M was liquidated.", "future_date"),
    ],
)
def test_a_contradiction_is_named(text: str, code: str) -> None:
    assert [finding.code for finding in findings(text) if finding.wrong] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "In four hours $758M was liquidated, $730M in longs and $27.63M in shorts.",
        "Bybit saw liquidations of $238.56M, 27.4% of the total. Total liquidations reached $870.9M.",
        "In 24 hours $870.9M was liquidated. In one hour $534M was liquidated.",
        "BTC fell from $95,000 to $92,000.",
        "Bitcoin fell 3.2% from $95,000 to $92,000.",
        "Bitcoin rose 3.3 percent from $92,000 to $95,000.",
        "Bitcoin, at $95,000 on Friday, fell 9% and traded at $92,000.",
        "In 4 hours Bybit liquidated $238M. Bybit counted 38 positions above $1M in 4 hours.",
        "# $870M liquidated\n\nIn 24 hours $870.9M was liquidated, said CoinGlass. In one hour $87M was liquidated.",
    ],
)
def test_what_rounding_leaves_open_is_no_contradiction(text: str) -> None:
    assert not [finding for finding in findings(text) if finding.wrong]


def test_a_figure_that_comes_back_without_its_window_side_and_source_is_noticed() -> None:
    (found, single) = findings(
        "Some $750M of longs were liquidated in four hours, a single channel reported.\n\n"
        "After $750M in liquidations, calm."
    )
    assert (found.code, found.claims, found.wrong) == ("repeated_without", (0, 1), False)
    assert all(words in found.text for words in ("four hours", "its side (long)", "single channel"))
    assert single.code == "single_channel"


def test_a_day_named_in_two_ways_is_one_time() -> None:
    text = "BTC fell 3% in a single day.\n\nBTC's drop of 3% on January 20 was sharp."
    assert not [finding for finding in findings(text) if finding.code == "repeated_without"]


def test_a_recap_that_dates_the_crash_leaves_its_figure_without_a_window() -> None:
    text = (
        "During a roughly four-hour slide, long positions worth $640 million were liquidated.\n\n"
        "In sum, the slide on January 20 exposed the leverage of the market, with $640 million in liquidations."
    )
    reading = extract(read(text), dateline("2026-01-20T12:00Z"))
    assert [claim.when and (claim.when.label, claim.when.window) for claim in reading.claims] == [("4h", None), None]
    (found,) = check(reading)
    assert found.code == "repeated_without"
    assert "its window (four-hour)" in found.text
    assert "its side (long)" in found.text
