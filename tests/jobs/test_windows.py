"""Windows of a job: words relative to as-of, in a time zone, and everything that `Window.parse` reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.jobs.windows import resolve, zone
from verify.model.errors import WindowError
from verify.model.window import Window

NOON = datetime(2026, 1, 21, 12, tzinfo=UTC)  # a Wednesday
MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("yesterday", "2026-01-20T00:00Z/2026-01-21T00:00Z"),
        ("Last day", "2026-01-20T00:00Z/2026-01-21T00:00Z"),
        ("today", "2026-01-21T00:00Z/2026-01-21T12:00Z"),
        ("last 4h", "2026-01-21T08:00Z/2026-01-21T12:00Z"),
        ("last 4 hours", "2026-01-21T08:00Z/2026-01-21T12:00Z"),
        ("last hour", "2026-01-21T11:00Z/2026-01-21T12:00Z"),
        ("last 1d12h", "2026-01-20T00:00Z/2026-01-21T12:00Z"),
        ("last PT90M", "2026-01-21T10:30Z/2026-01-21T12:00Z"),
        ("last week", "2026-01-12T00:00Z/2026-01-19T00:00Z"),
        ("last trading week", "2026-01-12T00:00Z/2026-01-17T00:00Z"),
        ("last-trading-week", "2026-01-12T00:00Z/2026-01-17T00:00Z"),
        ("last trading day", "2026-01-20T00:00Z/2026-01-21T00:00Z"),
        ("last month", "2025-12-01T00:00Z/2026-01-01T00:00Z"),
        ("4h", "2026-01-21T08:00Z/2026-01-21T12:00Z"),
        ("2026-01-19", "2026-01-19T00:00Z/2026-01-20T00:00Z"),
        ("2026-01-18T22:30Z/PT4H", "2026-01-18T22:30Z/2026-01-19T02:30Z"),
    ],
)
def test_words(text: str, means: str) -> None:
    assert str(resolve(text, NOON, zone("UTC"))) == means


@pytest.mark.parametrize(
    ("day", "trading_day", "trading_week"),
    [(23, "22", "12"), (24, "23", "19"), (25, "23", "19"), (26, "23", "19"), (27, "26", "19")],
    ids=["Friday", "Saturday", "Sunday", "Monday", "Tuesday"],
)
def test_trading_days_are_over_and_on_weekdays(day: int, trading_day: str, trading_week: str) -> None:
    at = datetime(2026, 1, day, 9, tzinfo=UTC)
    assert str(resolve("last trading day", at, zone("UTC"))).startswith(f"2026-01-{trading_day}T00:00Z")
    week = resolve("last trading week", at, zone("UTC"))
    assert str(week).startswith(f"2026-01-{trading_week}T00:00Z")
    assert week.length == timedelta(days=5)


def test_a_day_of_another_zone_has_the_hours_that_it_has_there() -> None:
    after = datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert resolve("yesterday", after, zone("America/New_York")).length == timedelta(hours=23)
    assert str(resolve("yesterday", after, zone("Asia/Shanghai"))) == "2026-03-07T16:00Z/2026-03-08T16:00Z"


def test_slack_is_kept() -> None:
    assert resolve("yesterday", NOON, zone("UTC"), timedelta(hours=2)).slack == timedelta(hours=2)


@pytest.mark.parametrize("text", ["", "tomorrow", "last", "last never", "last -4h", "last 0h", "yesterday 4h"])
def test_what_is_no_window_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(WindowError) as refused:
        resolve(text, NOON, zone("UTC"))
    assert "\n" not in str(refused.value)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(WindowError, match="unknown time zone 'Europe/Lundon'"):
        zone("Europe/Lundon")


@given(
    MOMENTS, ZONES, st.sampled_from(["yesterday", "last trading day", "last week", "last trading week", "last month"])
)
def test_whole_days_are_over_and_do_not_depend_on_the_hour(moment: datetime, name: str, text: str) -> None:
    window = resolve(text, moment, zone(name))
    assert window.end <= moment
    assert moment - window.end < timedelta(days=32)
    local = (window.start.astimezone(zone(name)), window.end.astimezone(zone(name)))
    assert [edge.date() for edge in local] == sorted(edge.date() for edge in local)


@given(MOMENTS, st.integers(1, 500), st.sampled_from(["h", "m", "d"]))
def test_last_of_a_length_ends_at_as_of(moment: datetime, number: int, unit: str) -> None:
    assert resolve(f"last {number}{unit}", moment, zone("UTC")) == Window.parse(f"{number}{unit}", now=moment)
