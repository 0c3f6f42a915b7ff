"""Silence that should not be, and silence that may: the detector on a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.recorder.silence import HOUR, Silence

LOUD = {name: (name, 100.0) for name in ("a", "b", "c", "d")}
DAY = 24 * HOUR


def arrivals(chance: random.Random, rate: float, seconds: float) -> float:
    """How many frames of a Poisson process of `rate` an hour come in `seconds`."""
    mean = rate * seconds / HOUR
    if mean > 50:
        return max(round(chance.gauss(mean, mean**0.5)), 0)
    count, product, limit = 0, chance.random(), 2.718281828**-mean
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def week(chance: random.Random) -> Iterator[float]:
    """By how much the market multiplies every rate, every ten seconds of a week: quiet nights, bursts by chance."""
    burst = 0.0
    for step in range(int(7 * DAY / 10)):
        hour = step * 10 / HOUR % 24
        burst = burst * 0.98 if burst > 0.1 else (chance.uniform(5, 60) if chance.random() < 1 / 2500 else 0.0)
        yield (0.3 if hour < 7 else 1.0) + burst


def test_a_week_of_market_with_a_small_venue_raises_nothing() -> None:
    """A venue of two liquidations an hour, none in some nights, beside five that always burst together."""
    chance = random.Random(7)
    rates = {"binance": 600.0, "bybit": 400.0, "okx": 200.0, "gate": 150.0, "bitget": 150.0, "small": 2.0}
    detector = Silence({name: (name, 0.0 if name == "small" else 100.0) for name in rates})
    asleep = {2, 3, 5}  # the small venue's quiet days
    raised = []
    for step, market in enumerate(week(chance)):
        at = step * 10.0
        for name, rate in rates.items():
            takes_part = name != "small" or int(at // DAY) not in asleep
            count = int(arrivals(chance, rate * market, 10)) if takes_part else 0
            if count:
                detector.data(name, at, count)
        raised += [change for change in detector.tick(at, set(rates)) if change.reason]
    assert raised == []


@pytest.mark.parametrize("learned", [0.0, 6 * HOUR])
def test_silence_while_three_others_burst_is_told_within_a_minute_of_its_start(learned: float) -> None:
    detector = Silence(LOUD)
    at = 0.0
    while at < learned:  # ordinary hours of a hundred and twenty frames
        for name in LOUD:
            if int(at) % 30 == 0:
                detector.data(name, at)
        detector.tick(at, set(LOUD))
        at += 10.0
    for _ in range(60):  # a minute of burst in which all take part
        for name in LOUD:
            detector.data(name, at, 3)
        assert not [c for c in detector.tick(at, set(LOUD)) if c.reason]
        at += 1.0
    began = at
    while not detector.suspects:
        for name in ("b", "c", "d"):
            detector.data(name, at, 3)
        detector.tick(at, set(LOUD))
        at += 1.0
        assert at - began <= 60
    assert set(detector.suspects) == {"a"}
    assert detector.suspects["a"].since == pytest.approx(began, abs=1.5)
    assert detector.suspects["a"].reason.endswith("while b, c, d burst")


def test_two_bursting_venues_prove_nothing() -> None:
    channels = {**LOUD, "b2": ("b", 100.0)}  # a second channel of a venue is no third witness
    detector = Silence(channels)
    for second in range(300):
        for name in ("b", "b2", "c"):
            detector.data(name, float(second), 5)
        assert detector.tick(float(second), set(channels)) == []


def test_what_is_dead_is_not_called_silent() -> None:
    detector = Silence(LOUD)
    for second in range(300):
        for name in ("b", "c", "d"):
            detector.data(name, float(second), 5)
        assert detector.tick(float(second), {"b", "c", "d"}) == []


def test_one_that_never_pauses_is_suspected_by_its_own_quietest_hour() -> None:
    detector = Silence({"a": ("a", 0.0)})
    at = 0.0
    while at < 8 * HOUR:
        detector.data("a", at)
        detector.tick(at, {"a"})
        at += 2.0
    silent_from = at
    while not detector.suspects:
        detector.tick(at, {"a"})
        at += 2.0
        assert at < silent_from + 120
    assert "quietest hour" in detector.suspects["a"].reason


def test_the_first_frame_takes_a_suspicion_back() -> None:
    detector = Silence(LOUD)
    for second in range(120):
        for name in ("b", "c", "d"):
            detector.data(name, float(second), 5)
        detector.tick(float(second), set(LOUD))
    assert "a" in detector.suspects
    detector.data("a", 120.5)
    changes = detector.tick(121.0, set(LOUD))
    assert [(change.channel, change.reason) for change in changes] == [("a", "")]
    assert detector.suspects == {}


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 40), st.integers(0, 100)), max_size=80))
def test_whatever_comes_every_suspicion_begins_and_ends_once_and_in_turn(steps: list[tuple[str, int, int]]) -> None:
    detector, at = Silence(LOUD), 0.0
    open_now: set[str] = set()
    for name, later, count in steps:
        at += later
        if count:
            detector.data(name, at, count)
        for change in detector.tick(at, set(LOUD)):
            if change.reason:
                assert change.channel not in open_now
                assert change.since <= at
                open_now.add(change.channel)
            else:
                open_now.remove(change.channel)
        assert set(detector.suspects) == open_now
