"""How much of a minute was heard: arithmetic that never claims more than two signs of life prove."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.recorder.coverage import MINUTE, SECOND, FeedCoverage, Minute, State, share, split, state_of
from sources.recorder.holdings import covered, whole_parts
from sources.streams.protocol import Kind

START = 29_000_000 * MINUTE
GRACE = 15 * SECOND


def heard(*signs: float, grace: int = GRACE, complete: bool = True) -> FeedCoverage:
    """A feed with one connection from second 0 and signs of life at those seconds."""
    feed = FeedCoverage(grace)
    feed.opened(1, START, complete=complete)
    for sign in signs:
        feed.frame(1, START + int(sign * SECOND), Kind.CONTROL, sign=True)
    return feed


def alive(minutes: dict[int, Minute]) -> int:
    return sum(minute.alive for minute in minutes.values())


def test_time_between_two_signs_counts_and_before_the_first_none() -> None:
    assert alive(heard(5, 10, 20).drain()) == 15 * SECOND


def test_a_longer_pause_than_the_grace_counts_not_at_all() -> None:
    assert alive(heard(0, 5, 25, 30).drain()) == 10 * SECOND


def test_a_gap_between_two_connections_counts_not_at_all_however_short() -> None:
    feed = heard(0, 1)
    feed.closed(1, START + 2 * SECOND)
    feed.opened(2, START + 3 * SECOND)
    feed.frame(2, START + 4 * SECOND, Kind.CONTROL, sign=True)
    feed.frame(2, START + 5 * SECOND, Kind.CONTROL, sign=True)
    feed.advance(START + 5 * SECOND)
    minutes = feed.drain()
    assert alive(minutes) == 2 * SECOND
    assert sum(minute.connected for minute in minutes.values()) == 4 * SECOND


def test_two_connections_at_a_time_count_once() -> None:
    feed = heard(0)
    feed.opened(2, START)
    for second in range(1, 11):
        for link in (1, 2):
            feed.frame(link, START + second * SECOND, Kind.CONTROL, sign=True)
    assert alive(feed.drain()) == 10 * SECOND


def test_a_connection_to_a_part_of_the_venue_is_connected_and_not_heard() -> None:
    feed = heard(0, 5, 10, complete=False)
    feed.acknowledged(1, START + SECOND)
    feed.advance(START + 10 * SECOND)
    (minute,) = feed.drain().values()
    assert (minute.connected, minute.subscribed, minute.alive) == (10 * SECOND, 0, 0)


def test_after_a_refusal_nothing_more_counts() -> None:
    feed = heard(0, 5)
    feed.refused(1)
    feed.frame(1, START + 10 * SECOND, Kind.CONTROL, sign=True)
    assert alive(feed.drain()) == 5 * SECOND


def test_liquidations_and_control_are_counted_apart() -> None:
    feed = heard(1, 2, 3)
    feed.frame(1, START + 4 * SECOND, Kind.DATA, sign=True)
    feed.frame(1, START + 4 * SECOND, Kind.ACK, sign=False)
    (minute,) = feed.drain().values()
    assert (minute.frames, minute.control) == (1, 3)


@given(st.integers(0, 10**15), st.integers(0, 10 * MINUTE))
def test_pieces_add_up_to_the_whole_and_lie_in_their_minutes(start: int, length: int) -> None:
    pieces = list(split(start, start + length))
    assert sum(size for _, size in pieces) == length
    assert all(0 < size <= MINUTE for _, size in pieces)
    assert [number for number, _ in pieces] == sorted({number for number, _ in pieces})


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["open", "close", "ack", "sign", "data", "tick", "drain"]), st.integers(1, 3),
              st.integers(0, 30 * SECOND)),
    max_size=60,
)  # fmt: skip


@given(ACTIONS)
def test_whatever_happens_no_minute_holds_more_than_a_minute_and_nothing_alive_was_not_connected(
    actions: list[tuple[str, int, int]],
) -> None:
    feed, at = FeedCoverage(GRACE), START
    total: dict[int, Minute] = {}

    def add(minutes: dict[int, Minute]) -> None:
        for number, minute in minutes.items():
            known = total.setdefault(number, Minute())
            for name in ("connected", "subscribed", "alive", "frames", "control"):
                setattr(known, name, getattr(known, name) + getattr(minute, name))

    for action, link, later in actions:
        at += later
        act: dict[str, Any] = {
            "open": lambda link=link, at=at: feed.opened(link, at),
            "close": lambda link=link, at=at: feed.closed(link, at),
            "ack": lambda link=link, at=at: feed.acknowledged(link, at),
            "sign": lambda link=link, at=at: feed.frame(link, at, Kind.CONTROL, sign=True),
            "data": lambda link=link, at=at: feed.frame(link, at, Kind.DATA, sign=True),
            "tick": lambda at=at: feed.advance(at),
            "drain": lambda: add(feed.drain()),
        }
        act[action]()
    feed.advance(at)
    add(feed.drain())
    for minute in total.values():
        assert 0 <= minute.alive <= minute.connected <= MINUTE
        assert 0 <= minute.subscribed <= minute.connected


@given(st.lists(st.integers(0, 10 * SECOND), max_size=50))
def test_draining_in_between_changes_no_sum(pauses: list[int]) -> None:
    whole, parts, at = FeedCoverage(GRACE), FeedCoverage(GRACE), START
    drained = 0
    for feed in (whole, parts):
        feed.opened(1, at)
    for pause in pauses:
        at += pause
        for feed in (whole, parts):
            feed.frame(1, at, Kind.CONTROL, sign=True)
        drained += alive(parts.drain())
    assert drained == alive(whole.drain())


@pytest.mark.parametrize(
    ("minute", "suspected", "state"),
    [
        (None, False, State.NOT_RECORDED),
        (Minute(), False, State.NOT_RECORDED),
        (Minute(connected=MINUTE, subscribed=MINUTE), False, State.DEAD),
        (Minute(connected=MINUTE, alive=MINUTE // 2, frames=3), False, State.PARTLY),
        (Minute(connected=MINUTE, alive=MINUTE), False, State.QUIET),
        (Minute(connected=MINUTE, alive=MINUTE), True, State.SILENT),
        (Minute(connected=MINUTE, alive=MINUTE, frames=3), False, State.RECORDED),
    ],
)
def test_quiet_silent_dead_and_not_recorded_are_four_states(
    minute: Minute | None, suspected: bool, state: State
) -> None:
    assert state_of(minute, suspected=suspected) is state


def test_the_share_of_a_window_counts_cut_minutes_up_to_their_part_inside() -> None:
    minutes = {START // MINUTE + n: Minute(alive=MINUTE) for n in range(3)}
    assert share(minutes, START, START + 3 * MINUTE) == 1
    assert share(minutes, START + 30 * SECOND, START + 90 * SECOND) == 1
    assert share(minutes, START, START + 6 * MINUTE) == 0.5
    assert share({}, START, START + MINUTE) == 0


def test_the_parts_that_were_heard_whole_are_as_long_as_they_can_be() -> None:
    first = START // MINUTE
    whole, half = Minute(alive=MINUTE), Minute(alive=MINUTE // 2)
    feed = {first: whole, first + 1: whole, first + 2: half, first + 3: whole}
    assert whole_parts({"a": feed}, START + SECOND, START + 5 * MINUTE) == [
        (START + SECOND, START + 2 * MINUTE),
        (START + 3 * MINUTE, START + 4 * MINUTE),
    ]
    assert whole_parts({"a": feed, "b": {first: half}}, START, START + MINUTE) == []


def test_of_several_feeds_the_one_heard_least_counts() -> None:
    number = START // MINUTE
    feeds = {"usdt": {number: Minute(alive=MINUTE)}, "btc": {number: Minute(alive=MINUTE // 4)}}
    assert covered(feeds, START, START + MINUTE) == 0.25
