"""What a number counts, and whether one quantity is a part of another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.model.quantity import (
    ALL,
    LIQUIDATION_COUNT,
    LIQUIDATIONS,
    METRICS,
    CountUnit,
    Quantity,
    Scope,
    Side,
)

NAMES = st.sets(st.sampled_from(["binance", "okx", "bybit", "gate"]), min_size=1)
SCOPES = st.one_of(
    st.just(ALL),
    NAMES.map(lambda names: Scope.of(*names)),
    st.just(Scope(vague=True, note="major exchanges")),
)
QUANTITIES = st.builds(
    Quantity,
    st.just(LIQUIDATIONS),
    SCOPES,
    SCOPES,
    st.sampled_from(Side),
    st.sampled_from([None, Decimal(0), Decimal(10**6)]),
)


def test_everything_includes_its_parts_and_not_the_other_way_round() -> None:
    whole = Quantity()
    part = Quantity(LIQUIDATIONS, Scope.of("okx"), Scope.of("BTC"), Side.LONG)
    assert whole.includes(part)
    assert not part.includes(whole)
    assert Quantity(venues=Scope.of("okx", "gate")).includes(part)
    assert not Quantity(venues=Scope.of("gate")).includes(part)
    assert not Quantity(side=Side.SHORT).includes(part)


def test_an_unnamed_part_is_part_of_everything_and_of_nothing_else() -> None:
    some = Scope(vague=True, note="major exchanges")
    assert ALL.includes(some)
    assert not some.includes(some)
    assert not some.includes(Scope.of("okx"))
    assert not Scope.of("okx").includes(some)
    assert not Scope.of("okx").includes(ALL)
    assert not some.is_all


def test_a_higher_threshold_counts_a_part_of_a_lower_one() -> None:
    def count(threshold: int | None, unit: CountUnit) -> Quantity:
        return Quantity(LIQUIDATION_COUNT, threshold_usd=Decimal(threshold) if threshold else None, unit=unit)

    assert count(None, CountUnit.TRADERS).includes(count(10**6, CountUnit.TRADERS))
    assert not count(10**6, CountUnit.TRADERS).includes(count(None, CountUnit.TRADERS))
    assert not count(None, CountUnit.TRADERS).includes(count(None, CountUnit.ORDERS))
    assert not count(None, CountUnit.TRADERS).includes(Quantity())


@given(QUANTITIES.filter(lambda q: not q.venues.vague and not q.assets.vague))
def test_a_quantity_includes_itself(quantity: Quantity) -> None:
    assert quantity.includes(quantity)


@given(QUANTITIES, QUANTITIES, QUANTITIES)
def test_parts_of_parts_are_parts(first: Quantity, second: Quantity, third: Quantity) -> None:
    if first.includes(second) and second.includes(third):
        assert first.includes(third)


@given(QUANTITIES)
def test_widening_gives_a_whole(quantity: Quantity) -> None:
    widest = quantity.widened("venues").widened("assets").with_side(Side.BOTH)
    assert widest.includes(quantity)


def test_the_other_side_is_that_of_the_other_position() -> None:
    assert [side.other for side in (Side.LONG, Side.SHORT, Side.BOTH)] == [Side.SHORT, Side.LONG, Side.BOTH]


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        (Quantity(), "total liquidations, all venues"),
        (
            Quantity(LIQUIDATIONS, Scope.of("okx", "binance"), Scope.of("BTC"), Side.LONG),
            "long liquidations, Binance+OKX, BTC",
        ),
        (Quantity(venues=Scope(vague=True, note="major exchanges")), "total liquidations, major exchanges"),
        (
            Quantity(LIQUIDATION_COUNT, ALL, ALL, Side.SHORT, Decimal(10**6), CountUnit.POSITIONS),
            "short liquidated positions above $1M, all venues",
        ),
        (Quantity(METRICS["open_interest"], Scope.of("backpack")), "open interest, backpack"),
    ],
)
def test_quantities_in_words(quantity: Quantity, words: str) -> None:
    assert quantity.words() == words


def test_metrics_are_found_under_their_own_id() -> None:
    assert all(identity == metric.id for identity, metric in METRICS.items())
