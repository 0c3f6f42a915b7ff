"""A window out of reach is refused before anything is asked; a long one is cut into spans."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.gate import SPEC
from sources.plan import halves, milliseconds, pieces, unsupported
from verify.model.errors import WindowUnsupported
from verify.model.window import Window

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORDERS = SPEC.channel("liq_orders")


def test_the_refusal_says_how_far_back_the_channel_reaches() -> None:
    window = Window.parse("2026-01-19T00:00Z/PT4H")
    with pytest.raises(WindowUnsupported, match="reaches 90 days back, to 2026-08-24T12:00Z"):
        unsupported(ORDERS, window, NOW, source="gate/liq_orders")


def test_the_oldest_moment_in_reach_is_served() -> None:
    edge = NOW - timedelta(days=90)
    unsupported(ORDERS, Window(edge, edge + timedelta(hours=1)), NOW)
    with pytest.raises(WindowUnsupported):
        unsupported(ORDERS, Window(edge - timedelta(seconds=1), NOW), NOW)


def test_a_stream_has_no_past_and_nobody_has_the_future() -> None:
    with pytest.raises(WindowUnsupported, match="no history"):
        unsupported(SPEC.channel("public_liquidates"), Window(NOW - timedelta(hours=1), NOW), NOW)
    with pytest.raises(WindowUnsupported, match="has not begun"):
        unsupported(ORDERS, Window(NOW, NOW + timedelta(hours=1)), NOW)


def test_an_archive_names_the_days_it_lacks() -> None:
    archive = replace(ORDERS, history=None, first_day=date(2023, 6, 25), last_day=date(2024, 10, 14))
    archive = replace(archive, missing_days=(date(2024, 6, 1),))
    unsupported(archive, Window.parse("2024-06-02"), NOW)
    for day, said in (("2024-06-01", "nothing for 2024-06-01"), ("2024-10-15", "to 2024-10-14")):
        with pytest.raises(WindowUnsupported, match=said):
            unsupported(archive, Window.parse(day), NOW)


@given(length=st.integers(1, 10**6), span=st.integers(10**3, 10**5))
def test_pieces_join_up_to_the_window_and_none_is_too_long(length: int, span: int) -> None:
    window = Window(NOW, NOW + timedelta(milliseconds=length))
    found = list(pieces(window, timedelta(milliseconds=span)))
    assert (found[0].start, found[-1].end) == (window.start, window.end)
    assert all(left.end == right.start for left, right in itertools.pairwise(found))
    assert all(piece.length <= timedelta(milliseconds=span) for piece in found)


@given(st.integers(1, 10**6))
def test_halves_meet_at_a_whole_second_or_are_none(seconds: int) -> None:
    window = Window(NOW, NOW + timedelta(seconds=seconds))
    found = halves(window)
    assert bool(found) == (seconds > 1)
    if found:
        first, second = found
        assert (first.start, first.end, second.end) == (window.start, second.start, window.end)
        assert first.end.microsecond == 0


def test_milliseconds_are_exact() -> None:
    assert milliseconds(datetime(2026, 1, 19, 0, 0, 0, 999_999, tzinfo=UTC)) == "1768780800999"
