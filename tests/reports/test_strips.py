"""The time line in characters: what is capped, not covered and quiet are three things."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from report_examples import FULL

from reports.strips import strips
from verify.model.report import Report, TimeBin

START = datetime(2026, 1, 18, 22, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(*hours: tuple[float, float, float | None], channel: str = "okx/stream") -> Report:
    """The four hours of a window as (dollars, covered share, capped seconds)."""
    bins = [
        TimeBin(channel, START + n * HOUR, START + (n + 1) * HOUR, usd, 0.0, 1, capped, covered)
        for n, (usd, covered, capped) in enumerate(hours)
    ]
    return replace(FULL, window="2026-01-18T22:30Z/2026-01-19T02:30Z", timeline=tuple(bins))


def test_quiet_capped_and_not_covered_look_different() -> None:
    strip, capped, axis, _ = strips(report((8e6, 1, 60), (1e6, 1, None), (0, 1, None), (0, 0, None)), 51)
    assert strip == "okx/stream " + "█" * 10 + "▂" * 10 + " " * 10 + "×" * 10
    assert capped == " " * 11 + "▔" * 10
    assert axis.split() == ["22:30", "02:30", "UTC"]


def test_without_a_time_line_there_is_no_strip() -> None:
    assert strips(report(), 80) == []
    assert strips(report((1e6, 1, None)), 20) == []


@given(
    st.lists(st.tuples(st.floats(0, 1e12), st.floats(0, 1), st.none() | st.floats(0, 3600)), min_size=1, max_size=9),
    st.integers(30, 200),
    st.text("abc/_", min_size=1, max_size=90),
)
def test_no_strip_is_wider_than_asked(hours: list[tuple[float, float, float | None]], width: int, channel: str) -> None:
    shown = strips(report(*hours, channel=channel), width)
    assert all(len(line) <= max(width, 77) for line in shown[-1:])
    assert all(len(line) <= width for line in shown[:-1])


def test_many_channels_are_counted() -> None:
    many = [bins for n in range(40) for bins in report((1e6, 1, None), channel=f"c{n}").timeline]
    assert "and 24 more channels" in strips(replace(FULL, timeline=tuple(many)), 80)
