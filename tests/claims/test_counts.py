"""What a claimed count counts is read from the claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.claims.counts import counted
from verify.model.quantity import CountUnit


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("38 positions", "38", CountUnit.POSITIONS),
        ("1 liquidated position", "1", CountUnit.POSITIONS),
        ("about 180,000 Traders ", "about 180,000", CountUnit.TRADERS),
        ("1.2 million people", "1.2 million", CountUnit.TRADERS),
        ("38 large liquidation orders", "38", CountUnit.ORDERS),
        ("12 fills", "12", CountUnit.FILLS),
        ("40 liquidations", "40", CountUnit.UNSPECIFIED),
        ("38", "38", CountUnit.UNSPECIFIED),
        ("38 green apples", "38 green apples", CountUnit.UNSPECIFIED),
        ("positions", "positions", CountUnit.UNSPECIFIED),
    ],
)
def test_number_and_unit_are_told_apart(text: str, number: str, unit: CountUnit) -> None:
    assert counted(text) == (number, unit)


@given(st.text(max_size=40))
def test_what_is_no_count_stays_as_it_is_written(text: str) -> None:
    number, unit = counted(text)
    assert number == text or (text.strip().startswith(number) and len(number) < len(text))
    assert isinstance(unit, CountUnit)
