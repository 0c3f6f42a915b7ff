"""The S&P 500: a close for every trading day, none for a holiday."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conformance import Case, conforms, read

from sources.fred import SOURCE
from verify.model.errors import SchemaChanged

CASES = {
    "sp500": [
        Case("sp500.csv", rows=None),
        Case("bom.csv", rows=None),
        Case("holiday.csv", expect="empty"),
        Case("challenge.txt", expect=SchemaChanged),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_a_holiday_is_no_day_of_zero() -> None:
    frame = read(SOURCE, "sp500", CASES["sp500"][0])
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (15, 16, 20)]
    assert frame["start"].to_list() == days
    assert frame["value"].to_list() == [6944.47, 6940.01, 6796.86]
    assert set(frame["unit"]) == {"points"}


@pytest.mark.parametrize(
    "body",
    [b"observation_date,SP500\n2026-01-16\n", b"observation_date,SP500\n16.1.2026,1\n", b"a,b\n", b"d,SP500\nx,1\n"],
)
def test_what_is_no_table_of_days_is_refused(body: bytes) -> None:
    with pytest.raises(SchemaChanged):
        read(SOURCE, "sp500", CASES["sp500"][0], body)
