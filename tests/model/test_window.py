"""Windows as people write them, their edges, and how they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.model.errors import WindowError
from verify.model.window import Window, duration_words, iso, parse_duration, parse_instant

NOW = datetime(2026, 1, 19, 2, 30, tzinfo=UTC)
FOUR_HOURS = Window(datetime(2026, 1, 18, 22, 30, tzinfo=UTC), NOW)
SECONDS = st.integers(1_230_000_000, 4_100_000_000)  # 2008 to 2099
MINUTES = st.builds(datetime.fromtimestamp, SECONDS, st.just(UTC))
LENGTHS = st.timedeltas(timedelta(seconds=1), timedelta(days=400))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-18T22:30Z/2026-01-19T02:30Z",
        "2026-01-18T22:30Z/PT4H",
        "2026-01-18T22:30Z/4h",
        "PT4H/2026-01-19T02:30Z",
        "4h",
        "PT4H",
        "4h@2026-01-19T02:30Z",
        "4h@2026-01-19T10:30+08:00",
        "240m@2026-01-19T02:30:00.000Z",
        " 2026-01-18 22:30Z / 2026-01-19 02:30Z ",
        "2026-01-18t22:30z/2026-01-19t02:30z",
    ],
)
def test_one_window_in_every_documented_form(text: str) -> None:
    assert Window.parse(text, now=NOW) == FOUR_HOURS


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("2026-01-19", datetime(2026, 1, 19, tzinfo=UTC)),
        ("2026-01-19Z", datetime(2026, 1, 19, tzinfo=UTC)),
        ("2026-01-19z", datetime(2026, 1, 19, tzinfo=UTC)),
        ("2026-01-19+08:00", datetime(2026, 1, 18, 16, tzinfo=UTC)),
        ("2026-01-19+0800", datetime(2026, 1, 18, 16, tzinfo=UTC)),
        ("2026-01-19+08", datetime(2026, 1, 18, 16, tzinfo=UTC)),
    ],
)
def test_a_day_is_the_day_of_its_zone(text: str, start: datetime) -> None:
    assert Window.parse(text) == Window(start, start + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot read the window"),
        ("yesterday", "cannot read the window"),
        ("a/b/c", "cannot read the window"),
        ("4h/4h", "two durations"),
        ("2026-01-19T02:30Z/2026-01-18T22:30Z", "before it starts"),
        ("2026-01-19T02:30Z/2026-01-19T02:30Z", "no length"),
        ("0h", "no length"),
        ("2026-01-18T22:30/2026-01-19T02:30", "no time zone"),
        ("2026-01-18T22:30Z/2026-01-19T02:30", "no time zone"),
        ("2026-13-01", "cannot read the time"),
        ("2026-02-30/P1D", "cannot read the time"),
        ("4h@", "cannot read the time"),
        ("@2026-01-19T02:30Z", "cannot read the duration"),
        ("9999-12-31", "outside the calendar"),
        ("0001-01-01+08:00", "outside the calendar"),
        ("PT4H/0001-01-01T00:00Z", "outside the calendar"),
        ("9" * 50 + "h", "too long"),
        ("x" * 5_000_000, "cannot read"),
    ],
)
def test_what_is_not_a_window_is_one_short_sentence(text: str, says: str) -> None:
    with pytest.raises(WindowError, match=says) as caught:
        Window.parse(text, now=NOW)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_window_that_ends_now_needs_a_clock() -> None:
    with pytest.raises(WindowError, match="no clock was given"):
        Window.parse("4h")


@given(st.text(max_size=60))
def test_any_text_is_a_window_or_a_window_error(text: str) -> None:
    try:
        window = Window.parse(text, now=NOW)
    except WindowError:
        return
    assert window.start < window.end


@given(MINUTES, LENGTHS)
def test_reading_what_was_printed_gives_the_window_back(start: datetime, length: timedelta) -> None:
    window = Window(start, start + length)
    assert Window.parse(str(window)) == window


def test_edges_are_kept_in_utc_and_must_name_their_zone() -> None:
    china = timezone(timedelta(hours=8))
    window = Window(datetime(2026, 1, 19, 6, 30, tzinfo=china), datetime(2026, 1, 19, 10, 30, tzinfo=china))
    assert window == FOUR_HOURS
    assert window.start.tzinfo is UTC
    with pytest.raises(WindowError, match="no time zone"):
        Window(datetime(2026, 1, 19), NOW)  # noqa: DTZ001  # naive on purpose


def test_slack_moves_the_edges_out_and_in() -> None:
    window = Window(FOUR_HOURS.start, FOUR_HOURS.end, timedelta(hours=1))
    assert str(window.outer) == "2026-01-18T21:30Z/2026-01-19T03:30Z"
    assert str(window.inner) == "2026-01-18T23:30Z/2026-01-19T01:30Z"
    assert Window(FOUR_HOURS.start, FOUR_HOURS.end, timedelta(hours=2)).inner is None
    with pytest.raises(WindowError, match="negative"):
        Window(FOUR_HOURS.start, FOUR_HOURS.end, timedelta(hours=-1))
    with pytest.raises(WindowError, match="calendar"):
        Window(FOUR_HOURS.start, FOUR_HOURS.end, timedelta(days=900_000))


def test_half_open_windows_that_touch_do_not_overlap() -> None:
    following = Window(FOUR_HOURS.end, FOUR_HOURS.end + timedelta(hours=1))
    assert not FOUR_HOURS.overlaps(following)
    assert FOUR_HOURS.overlaps(Window(following.start, following.end, timedelta(minutes=1)))
    assert FOUR_HOURS.contains(FOUR_HOURS)
    assert not FOUR_HOURS.contains(following)


def test_slack_lets_a_window_move_but_not_change_its_length() -> None:
    loose = timedelta(hours=2)
    moved = Window(FOUR_HOURS.start, FOUR_HOURS.end, loose).shifted(timedelta(hours=1))
    one_hour = Window(FOUR_HOURS.end - timedelta(hours=1), FOUR_HOURS.end, loose)
    assert moved.may_be(FOUR_HOURS)
    assert FOUR_HOURS.may_be(moved)
    assert not one_hour.may_be(FOUR_HOURS)
    assert not FOUR_HOURS.shifted(timedelta(minutes=1)).may_be(FOUR_HOURS)


@given(
    MINUTES,
    LENGTHS,
    st.timedeltas(timedelta(0), timedelta(hours=5)),
    st.timedeltas(-timedelta(days=9), timedelta(days=9)),
)
def test_moving_both_windows_changes_nothing_between_them(
    start: datetime, length: timedelta, slack: timedelta, by: timedelta
) -> None:
    one, two = Window(start, start + length, slack), Window(start + slack, start + slack + 2 * length)
    assert one.may_be(two) == one.shifted(by).may_be(two.shifted(by))
    assert one.overlaps(two) == one.shifted(by).overlaps(two.shifted(by))
    assert one.outer.contains(one)
    assert one.inner is None or one.contains(one.inner)


def test_words_name_the_year_again_only_where_it_changes() -> None:
    assert FOUR_HOURS.words() == "18 Jan 2026 22:30 to 19 Jan 02:30 UTC"
    assert Window.parse("1h@2026-01-19T02:30Z").words() == "19 Jan 2026 01:30 to 02:30 UTC"
    assert Window.parse("2025-01-01/2026-01-01").words() == "1 Jan 2025 00:00 to 1 Jan 2026 00:00 UTC"
    assert Window.parse("30s@2026-01-19T02:30Z").words() == "19 Jan 2026 02:29:30 to 02:30:00 UTC"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4h", "4 hours"),
        ("1h", "1 hour"),
        ("24h", "24 hours"),
        ("90m", "1.5 hours"),
        ("40m", "40 minutes"),
        ("61m", "1 hour 1 minute"),
        ("238m", "3 hours 58 minutes"),
        ("72h", "72 hours"),
        ("1w", "7 days"),
        ("100h", "4 days 4 hours"),
        ("30s", "30 seconds"),
        ("0.5s", "0.5 seconds"),
        ("3601s", "1 hour 1 second"),
    ],
)
def test_lengths_are_told_without_rounding(text: str, words: str) -> None:
    assert duration_words(parse_duration(text)) == words


@pytest.mark.parametrize("text", ["4", "h", "4 parsecs", "P", "PT", "-4h", "1e400h", "٤h" * 60])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(WindowError):
        parse_duration(text)


def test_no_slack_at_all_can_be_written() -> None:
    assert parse_duration("0m", zero=True) == timedelta(0)
    with pytest.raises(WindowError, match="no length"):
        parse_duration("0m")


def test_times_are_as_short_as_they_can_be_exact() -> None:
    assert iso(parse_instant("2026-01-19T10:30:00+08:00")) == "2026-01-19T02:30Z"
    assert iso(parse_instant("2026-01-19T02:30:05Z")) == "2026-01-19T02:30:05Z"
    assert iso(parse_instant("2026-01-19T02:30:05.25Z")) == "2026-01-19T02:30:05.250000Z"


@pytest.mark.parametrize(
    "text", ["0001-01-01", "9999-12-30", "700000d", "4h@1066-10-14T12:00Z", "2026-01-19/9998-01-01"]
)
def test_a_window_that_no_market_has_seen_is_outside_the_calendar(text: str) -> None:
    with pytest.raises(WindowError, match="outside the calendar: write a year from"):
        Window.parse(text, now=NOW)
    with pytest.raises(WindowError, match="outside the calendar"):
        Window.parse("2026-01-19", slack=timedelta(days=300_000))
