"""Short claims about markets: which statistic, which number, which sign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.claims.statement import Statistic, stated
from verify.model.amount import Hedge
from verify.model.errors import AmountError


@pytest.mark.parametrize(
    ("text", "statistic", "unit"),
    [
        ("fell more than 3%", Statistic.FALL, "percent"),
        ("BTC dropped by about 3.6 %", Statistic.FALL, "percent"),
        ("slid 4%", Statistic.FALL, "percent"),
        ("下跌3%", Statistic.FALL, "percent"),
        ("rose 5%", Statistic.RISE, "percent"),
        ("moved 5%", Statistic.CHANGE, "percent"),
        ("broke $92,000", Statistic.BELOW, "USD"),
        ("BTC broke below $92,000", Statistic.BELOW, "USD"),
        ("crashed through the $92,000 mark", Statistic.BELOW, "USD"),
        ("跌破92000美元", Statistic.BELOW, "USD"),
        ("broke above $100,000", Statistic.ABOVE, "USD"),
        ("climbed past $100,000", Statistic.ABOVE, "USD"),
        ("fell to $92,000", Statistic.LOW, "USD"),
        ("a low of $91,935", Statistic.LOW, "USD"),
        ("peaked at $97,000", Statistic.HIGH, "USD"),
        ("closed at $93,000", Statistic.CLOSE, "USD"),
        ("traded at $92,762", Statistic.LEVEL, "USD"),
        ("$46.88M", Statistic.AMOUNT, "USD"),
        ("92000", Statistic.AMOUNT, "USD"),
        ("down 18-25 points since November 2025", Statistic.FALL, "points"),
        ("reached a new height", Statistic.NEW_HIGH, ""),
        ("创下新高", Statistic.NEW_HIGH, ""),
    ],
)
def test_the_words_say_what_the_number_is_a_value_of(text: str, statistic: Statistic, unit: str) -> None:
    claim = stated(text)
    assert (claim.statistic, claim.unit) == (statistic, unit)


def test_a_hedge_stays_with_its_number() -> None:
    claim = stated("fell more than 3%")
    assert claim.amount is not None
    assert claim.amount.hedge is Hedge.OVER
    bare = stated("more than 0.7", unit="correlation")
    assert bare.amount is not None
    assert bare.amount.hedge is Hedge.OVER
    assert bare.statistic is Statistic.CORRELATION


@pytest.mark.parametrize("text", ["-$725,800", "net outflow of $725,800", "净流出72.58万美元", "-0.7M USD"])
def test_an_outflow_is_negative(text: str) -> None:
    assert stated(text).negative
    assert not stated(text.removeprefix("-").replace("outflow", "inflow").replace("流出", "流入")).negative


def test_several_numbers_are_not_one_claim() -> None:
    with pytest.raises(AmountError, match="several numbers"):
        stated("fell 3% to $92,000")


@pytest.mark.parametrize("text", ["", "fell a lot", "nothing"])
def test_a_claim_without_a_number_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        stated(text)


@given(st.text(max_size=80))
def test_any_text_is_a_claim_or_one_clear_error(text: str) -> None:
    try:
        claim = stated(text)
    except AmountError:
        return
    assert claim.amount is not None or claim.statistic is Statistic.NEW_HIGH
