"""When a line tries again: pauses grow, are drawn by chance, and are longer where the venue objects."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.recorder.connection import LONGEST_PAUSE, REFUSED_PAUSE, pause
from sources.recorder.sockets import Ended


def pauses(code: int = 1006, status: int = 0, *, failures: int = 0) -> list[float]:
    chance = random.Random(1)
    return [pause(failures, Ended("x", code, status), chance) for _ in range(200)]


def test_pauses_grow_to_a_minute_and_not_beyond() -> None:
    longest = [max(pauses(failures=n)) for n in range(12)]
    assert longest == sorted(longest)
    assert longest[0] <= 0.5
    assert 0.9 * LONGEST_PAUSE < longest[-1] <= LONGEST_PAUSE


def test_pauses_are_drawn_by_chance_so_that_not_everybody_comes_back_at_once() -> None:
    assert len(set(pauses(failures=5))) > 190


@pytest.mark.parametrize(("code", "status"), [(1008, 0), (1006, 403), (1006, 451), (1006, 429)])
def test_a_venue_that_objects_is_left_alone_longer(code: int, status: int) -> None:
    assert min(pauses(code, status)) >= REFUSED_PAUSE / 2 > max(pauses())


def test_a_venue_that_restarts_is_asked_again_soon_however_often() -> None:
    assert max(pauses(1012, failures=9)) <= 3


@given(st.integers(0, 10_000), st.sampled_from([1000, 1001, 1006, 1008, 1011, 1012, 4000]), st.integers(0, 599))
def test_every_pause_is_positive_and_at_most_a_minute(failures: int, code: int, status: int) -> None:
    assert 0 < pause(failures, Ended("x", code, status), random.Random(failures)) <= LONGEST_PAUSE
