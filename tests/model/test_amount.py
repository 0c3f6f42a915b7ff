"""Amounts as people write them, and the interval that their rounding leaves open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.model.amount import HEDGE_SHARE, Amount, Hedge, money, rounding_unit
from verify.model.errors import AmountError

M = 10**6
BN = 10**9


@pytest.mark.parametrize(
    ("text", "value", "low", "high"),
    [
        ("$750M", 750 * M, 745 * M, 755 * M),
        ("758M", 758 * M, 757_500_000, 758_500_000),
        ("$27.63 million", 27_630_000, 27_625_000, 27_635_000),
        ("$1.08bn", 1_080 * M, 1_075 * M, 1_085 * M),
        ("$1.080bn", 1_080 * M, 1_079_500_000, 1_080_500_000),
        ("75,040,000", 75_040_000, 75_035_000, 75_045_000),
        ("75_040_000", 75_040_000, 75_035_000, 75_045_000),
        ("$19B", 19 * BN, 18_500 * M, 19_500 * M),
        ("$19.0B", 19 * BN, 18_950 * M, 19_050 * M),
        ("US$750m", 750 * M, 745 * M, 755 * M),
        ("USD 750 mn", 750 * M, 745 * M, 755 * M),
        ("750 million US dollars", 750 * M, 745 * M, 755 * M),
        ("750M USDT", 750 * M, 745 * M, 755 * M),
        ("a $750-million".removeprefix("a "), 750 * M, 745 * M, 755 * M),
        ("$.75B", 750 * M, 745 * M, 755 * M),
        ("+$46.9M", 46_900_000, 46_850_000, 46_950_000),
        ("“$750M”", 750 * M, 745 * M, 755 * M),
        ("'$750M'.", 750 * M, 745 * M, 755 * M),
        ("7.5亿", 750 * M, 745 * M, 755 * M),
        ("7.5億美元", 750 * M, 745 * M, 755 * M),
        ("7504万", 75_040_000, 75_035_000, 75_045_000),
        ("3亿5000万", 350 * M, 345 * M, 355 * M),
        ("７.５亿", 750 * M, 745 * M, 755 * M),
        ("1.2万亿", 1_200 * BN, 1_150 * BN, 1_250 * BN),
        ("$1,234.56", Decimal("1234.56"), Decimal("1234.555"), Decimal("1234.565")),
        ("$0", 0, 0, Decimal("0.5")),
    ],
)
def test_a_number_as_written_and_what_its_rounding_leaves_open(
    text: str, value: Decimal, low: Decimal, high: Decimal
) -> None:
    amount = Amount.parse(text)
    assert (amount.value, amount.low, amount.high) == (value, low, high)
    assert amount.hedge is Hedge.NONE
    assert amount.tolerated == (low, high)


@pytest.mark.parametrize(
    ("text", "hedge"),
    [
        ("about $750M", Hedge.ABOUT),
        ("~$750M", Hedge.ABOUT),
        ("$750M or so", Hedge.ABOUT),
        ("$750M-ish", Hedge.ABOUT),
        ("约7.5亿美元", Hedge.ABOUT),
        ("7.5亿左右", Hedge.ABOUT),
        ("nearly $750M", Hedge.NEARLY),
        ("just under $750M", Hedge.NEARLY),
        ("近7.5亿", Hedge.NEARLY),
        ("at least $750M", Hedge.AT_LEAST),
        ("$750M+", Hedge.AT_LEAST),
        ("≥ $750M", Hedge.AT_LEAST),
        ("7.5亿美元以上", Hedge.AT_LEAST),
        ("over $750M", Hedge.OVER),
        ("MORE THAN $750M", Hedge.OVER),
        ("＞$750M", Hedge.OVER),
        ("超过7.5亿美元", Hedge.OVER),
        ("up to $750M", Hedge.UP_TO),
        ("as much as $750M", Hedge.UP_TO),
        ("最多7.5亿", Hedge.UP_TO),
        ("under $750M", Hedge.UNDER),
        ("不到7.5亿", Hedge.UNDER),
        ("more than about $750M", Hedge.OVER),
        ("nearly, at least $750M", Hedge.NEARLY),
    ],
)
def test_hedges_are_kept_beside_the_number(text: str, hedge: Hedge) -> None:
    amount = Amount.parse(text)
    assert amount.hedge is hedge
    assert amount.value == 750 * M
    assert amount.plain().hedge is Hedge.NONE
    assert amount.plain().value == amount.value


def test_what_each_hedge_tolerates() -> None:
    share = 1 - HEDGE_SHARE, 1 + HEDGE_SHARE
    tolerated = {words: Amount.parse(f"{words} $100M").tolerated for words in ("about", "nearly", "over", "up to")}
    assert tolerated["about"] == (50 * M, 150 * M)  # the rounding of 100M is wider than the hedge
    assert tolerated["nearly"] == (50 * M, 100 * M)
    assert tolerated["over"] == (100 * M, None)
    assert tolerated["up to"] == (0, 100 * M)
    assert Amount.parse("about $758M").tolerated == (758 * M * share[0], 758 * M * share[1])


def test_odd_hundreds_of_millions_in_chinese_are_more_than_the_number() -> None:
    amount = Amount.parse("10余亿美元")
    assert (amount.value, amount.hedge) == (BN, Hedge.OVER)


@pytest.mark.parametrize(
    ("text", "ends", "low", "high"),
    [
        ("$551-$554 million", (551 * M, 554 * M), 550_500_000, 554_500_000),
        ("$551–554M", (551 * M, 554 * M), 550_500_000, 554_500_000),
        ("between $700M and $800M", (700 * M, 800 * M), 650 * M, 850 * M),
        ("$700M to $800M", (700 * M, 800 * M), 650 * M, 850 * M),
        ("$900M-$1.2B", (900 * M, 1_200 * M), 850 * M, 1_250 * M),
        ("7亿至8亿美元", (700 * M, 800 * M), 650 * M, 850 * M),
    ],
)
def test_a_range_runs_from_the_low_end_of_one_to_the_high_end_of_the_other(
    text: str, ends: tuple[int, int], low: int, high: int
) -> None:
    amount = Amount.parse(text)
    assert (amount.ends, amount.low, amount.high) == (ends, low, high)
    assert amount.currency == "USD"
    assert amount.digits == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "$", "M", "foo", "$750Mfoo", "nan", "NaN", "inf", "-inf", "∞", "1e9", "7.5E+08",
        "-$5M", "$-5M", "−5M", "--750M", "€750M", "750 million yuan", "7.5亿元", "人民币7.5亿", "A$750M", "HK$750M",
        "5%", "750 BTC", "1,08bn", "750.000.000", "$1,23,456", "$5 5", "$5M 5M", "$1.2B-$800M", "a few million",
        "750\u202eM", "750\x1b[31mM", "$750M\x00", "9" * 30, "0." + "0" * 40 + "1", "10000000tn", "1" * 5_000_000,
        "100000 tn 0.0000000000000000001",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_one_short_sentence(text: str) -> None:
    with pytest.raises(AmountError) as caught:
        Amount.parse(text)
    said = str(caught.value)
    assert len(said) < 320
    assert said.isprintable()


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("half a billion dollars", "$0.5 billion"),
        ("more than three quarters of a billion", "over 0.75bn"),
        ("nearly three-quarters of a billion US dollars", "nearly $750M"),
        ("seven hundred million", "700M"),
        ("about two billion dollars", "about $2bn"),
    ],
)
def test_a_number_in_words_is_the_number_in_digits(text: str, same: str) -> None:
    assert Amount.parse(text) == Amount.parse(same)


@pytest.mark.parametrize("text", ["00M", "over 00M", "0750M", "00-800M"])
def test_a_number_that_a_shell_has_bitten_is_not_taken_for_zero(text: str) -> None:
    with pytest.raises(AmountError, match="use single quotes"):
        Amount.parse(text)


def test_a_range_from_nothing_is_written_as_such() -> None:
    assert str(Amount.parse("$0 to $800M")) == "$0-$800M"


@given(st.text(max_size=40))
def test_any_text_is_an_amount_or_an_amount_error(text: str) -> None:
    try:
        amount = Amount.parse(text)
    except AmountError:
        return
    assert 0 <= amount.low <= amount.value <= amount.high


NUMBERS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.integers(0, 10**12).map("{:,}".format),
    st.decimals(0, 10**5, places=1).map(str),
    st.decimals(0, 10**5, places=4).map(str),
)
MAGNITUDES = st.sampled_from(["", "k", "M", "mn", " million", "bn", " billion", "tn", "万", "亿", "万亿", "百万"])
QUANTITIES = st.tuples(st.sampled_from(["", "$", "US$", "USD "]), NUMBERS, MAGNITUDES).map("".join)
HEDGES = st.sampled_from(["", "about ", "nearly ", "at least ", "over ", "up to ", "under ", "约", "近", "超过", "~"])
WRITTEN = st.one_of(
    st.tuples(HEDGES, QUANTITIES).map("".join),
    st.tuples(HEDGES, QUANTITIES, st.sampled_from(["-", "–", " to ", "至"]), QUANTITIES).map("".join),
)


@given(WRITTEN)
def test_reading_what_was_printed_gives_the_amount_back(text: str) -> None:
    try:
        amount = Amount.parse(text)
    except AmountError:
        return
    assert Amount.parse(str(amount)) == amount


@st.composite
def amounts(draw: st.DrawFn) -> Amount:
    """Amounts of up to ten trillion, rounded to any power of ten that the number is a multiple of."""
    unit = Decimal(1).scaleb(draw(st.integers(-6, 12)))
    value = unit * draw(st.integers(0, int(Decimal(10**13 - 1) / unit)))
    hedge = draw(st.sampled_from(Hedge))
    return Amount.rounded(value, unit, hedge=hedge, currency=draw(st.sampled_from(["USD", ""])))


@given(amounts().filter(lambda amount: bool(amount.value)))
def test_every_amount_can_be_written_and_read_back(amount: Amount) -> None:
    assert Amount.parse(str(amount)) == amount


@given(amounts(), st.integers(1, 1000))
def test_scaling_scales_value_and_interval_alike(amount: Amount, factor: int) -> None:
    scaled = amount.scaled(Decimal(factor))
    assert (scaled.low, scaled.value, scaled.high) == tuple(x * factor for x in (amount.low, amount.value, amount.high))
    assert scaled.hedge is amount.hedge


@pytest.mark.parametrize(
    ("number", "unit"),
    [("750000000", 10**7), ("27630000", 10**4), ("27.630", Decimal("0.001")), ("7.5E+8", 10**7), ("0", 1), ("5", 1)],
)
def test_trailing_zeros_before_the_point_are_rounding_and_after_it_are_not(number: str, unit: Decimal) -> None:
    assert rounding_unit(Decimal(number)) == unit
    assert Amount.from_decimal(Decimal(number)).unit == unit


@pytest.mark.parametrize(
    "number",
    ["NaN", "sNaN", "Infinity", "-1", "1E+19", "1E-999999", "0E-999999", "1E-99999999", "1E+99999999", "1E-30"],
)
def test_numbers_that_no_figure_can_be_are_refused_at_once(number: str) -> None:
    with pytest.raises(AmountError):
        Amount.from_decimal(Decimal(number))


def test_the_digits_are_those_that_carry_information() -> None:
    assert Amount.parse("19.7261M").digits == "197261"
    assert Amount.parse("$750M").digits == "75"
    assert Amount.parse("$1.080bn").digits == "1080"
    assert Amount.parse("182,729").digits == "182729"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (730_880_000.0, "$730.9M"),
        (999_999_999.0, "$1bn"),
        (1_000, "$1k"),
        (0, "$0"),
        (12.3456, "$12.35"),
        (Decimal("19130000000"), "$19.13bn"),
        (5e15, "$5,000tn"),
        (-46_900_000.0, "$-46.9M"),
    ],
)
def test_money_for_a_reader(value: float, shown: str) -> None:
    assert money(value) == shown


def test_counts_for_a_reader_have_no_currency() -> None:
    assert money(182_729.0, currency="") == "182,729"
    assert money(Decimal("1.5"), currency="") == "1.5"
