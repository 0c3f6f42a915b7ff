"""Trading days of US exchanges, by rule and against the published calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.model.trading_days import close_of, day_window, easter, holidays, is_trading_day, trading_days

#: https://www.nyse.com/trade/hours-calendars, by month and day.
PUBLISHED = {
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
    2027: "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_holidays_are_those_that_are_published(year: int) -> None:
    assert sorted(f"{day:%m-%d}" for day in holidays(year)) == PUBLISHED[year].split()


def test_a_new_year_s_day_on_a_saturday_is_not_kept() -> None:
    assert is_trading_day(date(2021, 12, 31))
    assert date(2022, 1, 1) not in holidays(2022)


def test_a_day_of_mourning_is_no_trading_day() -> None:
    assert not is_trading_day(date(2025, 1, 9))


def test_the_week_before_the_crash_has_five_days_and_the_monday_of_it_none() -> None:
    days = trading_days(date(2026, 1, 12), date(2026, 1, 20))
    assert [day.day for day in days] == [12, 13, 14, 15, 16]


def test_a_day_and_its_close_move_with_daylight_saving() -> None:
    assert day_window(date(2026, 1, 16)).start == datetime(2026, 1, 16, 5, tzinfo=UTC)
    assert close_of(date(2026, 1, 16)) == datetime(2026, 1, 16, 21, tzinfo=UTC)
    assert close_of(date(2026, 7, 16)) == datetime(2026, 7, 16, 20, tzinfo=UTC)
    assert day_window(date(2026, 3, 8)).length == timedelta(hours=23)


@given(st.integers(2000, 2200))
def test_easter_is_a_sunday_between_its_limits(year: int) -> None:
    found = easter(year)
    assert found.weekday() == 6
    assert date(year, 3, 22) <= found <= date(year, 4, 25)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 60))
def test_trading_days_are_those_that_are_one(start: date, length: int) -> None:
    days = trading_days(start, start + timedelta(days=length))
    assert all(map(is_trading_day, days))
    assert len(days) <= length
    assert days == sorted(set(days))
