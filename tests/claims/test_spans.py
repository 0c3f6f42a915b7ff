"""Numbers in text: what is found with which span and value, and what is left alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.claims import consistency
from verify.claims.slots import extract
from verify.claims.spans import Kind, scan
from verify.claims.text import read
from verify.claims.windows import dateline
from verify.model.amount import Hedge

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "claims.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize("row", [row for row in ROWS if row["part"] == "dev"], ids=lambda row: row["id"])
def test_every_labelled_span_is_found_and_nothing_else(row: dict[str, object]) -> None:
    claims = extract(read(str(row["text"])), dateline(str(row["dateline"]))).claims
    labels = row["claims"]
    assert isinstance(labels, list)
    assert [(claim.start, claim.end, str(claim.kind)) for claim in claims] == [
        (*label["span"], label["kind"]) for label in labels
    ]


@pytest.mark.parametrize(
    ("written", "value", "kind"),
    [
        ("$750 million", 750_000_000, Kind.MONEY),
        ("US$750m", 750_000_000, Kind.MONEY),
        ("$1.08 bn", 1_080_000_000, Kind.MONEY),
        ("750M USD", 750_000_000, Kind.MONEY),
        ("$551-$554 million", 552_500_000, Kind.MONEY),
        ("7.5亿美元", 750_000_000, Kind.MONEY),
        ("7504万美元", 75_040_000, Kind.MONEY),
        ("3亿5000万美元", 350_000_000, Kind.MONEY),
        ("＄７５０ million", 750_000_000, Kind.MONEY),
        ("$19B", 19_000_000_000, Kind.MONEY),
        ("$ 6.93 billion", 6_930_000_000, Kind.MONEY),
        ("$.75B", 750_000_000, Kind.MONEY),
        ("44.68 %", Decimal("44.68"), Kind.PERCENT),
        ("3-4%", Decimal("3.5"), Kind.PERCENT),
        ("6,755 ETH", 6_755, Kind.COIN),
        ("18-25 points", Decimal("21.5"), Kind.POINTS),
        ("6.3 times", Decimal("6.3"), Kind.FACTOR),
        ("half a billion dollars", 500_000_000, Kind.MONEY),
        ("nine hundred million US dollars", 900_000_000, Kind.MONEY),
        ("1,000 #BTC", 1_000, Kind.COIN),
        ("12.4亿", 1_240_000_000, Kind.MONEY),
    ],
)
def test_a_number_in_the_styles_that_outlets_write(written: str, value: Decimal, kind: Kind) -> None:
    text = f"It came to {written}, they said."
    (number,) = scan(text).numbers
    assert text[number.start : number.end] == written
    assert (number.amount.value, number.kind) == (value, kind)


@pytest.mark.parametrize(
    "text",
    [
        "Call +44 20 7946 0958 or 400-820-8820.",
        "tx 0x5b5d51203a0f9079f8aeb098a6523a13f298c060, id l61eM4owQ, ticket #20260119",
        "On 19 January 2026, 2026-01-19 and 19/01/2026 at 8:00 AM UTC+8, 在2026年1月19日8点整",
        "Since November 2025, since mid-2025, in Q4 2025.",
        "It took 4 hours, 24h, 3 days and a 90-minute call; 过去24小时",
        "The 3rd of 14 offices, 20x leverage, the S&P 500, Nasdaq 100, Web3, ERC-20, COVID-19, v2.1.3",
        "A price of €750m, A$12m, £3bn, 7.5亿元 or 300 yuan, 約50億円",
        "One in 4, 9 out of 10, odds of 1:10, 10x to 40x leverage, 25 倍 ETH 多单, 24/7",
        "https://example.org/750/$1?x=92000 and www.example.org/12%",
    ],
)
def test_what_is_not_a_figure_is_left_alone_with_a_reason(text: str) -> None:
    found = scan(text)
    assert not found.numbers
    assert found.alone
    assert all(alone.reason for alone in found.alone)


def test_from_one_to_another_is_two_numbers_and_between_is_one() -> None:
    moved = scan("BTC fell from $95,000 to $92,000.").numbers
    assert [number.amount.text for number in moved] == ["$95,000", "$92,000"]
    (span,) = scan("It was between $700M and $800M.").numbers
    assert span.amount.ends == (700_000_000, 800_000_000)


def test_a_change_and_the_level_it_leads_to_are_two_numbers() -> None:
    for text in (
        "It dropped $64 to $4,611.",
        "It dropped by $190 billion to $2.41 trillion.",
        "$2.07bn — $1.86bn long",
    ):
        assert len(scan(text).numbers) == 2
    for text in ("They lost $400 to $800M.", "It rose to $30 billion to $40 billion."):
        assert len(scan(text).numbers) == 1


def test_a_sign_before_a_number_is_kept_beside_it() -> None:
    (out, into) = scan("BTC funds: -$1.42B; SOL funds: +$12.6M").numbers
    assert [(number.sign, number.amount.text) for number in (out, into)] == [("-", "$1.42B"), ("+", "$12.6M")]


def test_a_hedge_is_kept_beside_the_span() -> None:
    for words, hedge in (("roughly", Hedge.ABOUT), ("no more than", Hedge.UP_TO), ("nearly", Hedge.NEARLY)):
        (number,) = scan(f"They lost {words} $750M.").numbers
        assert (number.hedge, number.amount.text) == (hedge, "$750M")
    (number,) = scan("They lost $750M or more.").numbers
    assert number.hedge is Hedge.AT_LEAST


_MAGNITUDES = {" million": 6, "M": 6, "m": 6, " mn": 6, "bn": 9, " billion": 9, "B": 9, "k": 3, "": 0}
_BEFORE = ["We read that ", "他们说", "(", "“", "The sum is: "]
_AFTER = [" there.", "。", ")", "”", ", it says"]


@given(
    whole=st.integers(1, 999),
    part=st.none() | st.integers(0, 99),
    magnitude=st.sampled_from(sorted(_MAGNITUDES)),
    sign=st.sampled_from(["$", "US$", "USD ", "$ "]),
    before=st.sampled_from(_BEFORE),
    after=st.sampled_from(_AFTER),
)
def test_any_dollar_amount_is_found_with_exact_value_and_span(
    whole: int, part: int | None, magnitude: str, sign: str, before: str, after: str
) -> None:
    digits = f"{whole}" if part is None else f"{whole}.{part:02}"
    written = f"{sign}{digits}{magnitude}"
    (number,) = scan(f"{before}{written}{after}").numbers
    assert (number.start, number.end) == (len(before), len(before) + len(written))
    assert number.amount.value == Decimal(digits).scaleb(_MAGNITUDES[magnitude])
    assert number.amount.currency == "USD"


@given(whole=st.integers(1, 9999), part=st.integers(0, 99), unit=st.sampled_from(["万", "亿"]))
def test_any_chinese_amount_is_found_with_exact_value_and_span(whole: int, part: int, unit: str) -> None:
    written = f"{whole}.{part:02}{unit}美元"
    (number,) = scan(f"爆仓{written}，继续下跌").numbers
    assert (number.start, number.end) == (2, 2 + len(written))
    assert number.amount.value == Decimal(f"{whole}.{part:02}").scaleb({"万": 4, "亿": 8}[unit])


@given(
    first=st.integers(1, 400),
    step=st.integers(1, 400),
    sign=st.sampled_from(["-", "–", " to ", "至"]),
    unit=st.sampled_from(["M", " million"]),
)
def test_any_range_is_one_number(first: int, step: int, sign: str, unit: str) -> None:
    written = f"${first}{sign}${first + step}{unit}"
    (number,) = scan(f"They lost {written} there.").numbers
    assert number.amount.text == written
    assert number.amount.ends == (first * 10**6, (first + step) * 10**6)


@settings(max_examples=300)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("utf-8", "replace")))
def test_any_text_is_read_and_every_span_is_what_it_says(text: str) -> None:
    for form in ("md", "txt", "html"):
        reading = extract(read(text, form))
        for claim in reading.claims:
            assert 0 <= claim.start < claim.end <= len(text)
            if form == "txt":
                assert text[claim.start : claim.end] == claim.text
        for alone in reading.alone:
            assert 0 <= alone.start <= alone.end <= len(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "7",
        "1,234",
        "(",
        "[",
        "$",
        "1-",
        "a@",
        "<",
        "&#",
        "7亿",
        "\u202e",
        "\u200b",
        "+1 (",
        "no. ",
        "0x",
        "long ",
        "longs lost $5M ",
        "if would $5M ",
        "Binance liquidated $5M, OKX $6M; ",
        "- BTC: $5M\n",
        "half a billion dollars ",
        "as of 8:00 UTC on Jan 2 to 6 ",
        "12 of them ",
        "Gate Link Near ",
    ],
)
def test_hostile_text_costs_no_more_than_its_length(piece: str) -> None:
    """Were the cost quadratic, these would not end."""
    text = piece * (40_000 // len(piece))
    for form in ("md", "html"):
        reading = extract(read(text, form))
        assert len(reading.document.original) == len(text)
        assert len(consistency.check(reading)) <= 3 * len(reading.claims)


@pytest.mark.slow
def test_ten_megabytes_of_digits_are_one_number_left_alone() -> None:
    found = scan("9" * 10_000_000)
    assert not found.numbers
    assert [alone.reason for alone in found.alone] == ["more digits than any figure has"]
