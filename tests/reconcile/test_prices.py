"""Lows, highs, changes and correlations read off bars, with what the bars over an edge leave open."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import build
from verify.model.window import Window
from verify.reconcile import prices

START = datetime(2026, 1, 19, tzinfo=UTC)
HOUR = timedelta(hours=1)
Bar = tuple[float, float, float, float]


def series(bars: list[Bar], start: datetime = START, length: timedelta = HOUR) -> pl.DataFrame:
    starts = [start + number * length for number in range(len(bars))]
    parts = [
        pl.DataFrame({"start": starts, "value": [bar[place] for bar in bars]}).with_columns(
            field=pl.lit(field), end=pl.col("start") + length
        )
        for place, field in enumerate(("open", "high", "low", "close"))
    ]
    return build.series(
        pl.concat(parts), source="x/candles", metric="price", subject="binance", asset="BTC", unit="USD"
    )


DAY = [(100.0, 104.0, 99.0, 103.0), (103.0, 103.5, 90.0, 95.0), (95.0, 97.0, 94.0, 96.0)]


def test_a_window_of_whole_bars_is_read_off_exactly() -> None:
    found = prices.extremes(series(DAY), Window(START, START + 3 * HOUR))
    assert found is not None
    assert (found.open, found.close, found.low, found.high) == ((100, 100), (96, 96), (90, 90), (104, 104))
    assert found.change == pytest.approx((-4.0, -4.0))
    assert found.to_low == pytest.approx((-10.0, -10.0))
    assert found.peak_to_low[0] == pytest.approx((90 / 104 - 1) * 100)


def test_a_bar_over_an_edge_only_bounds() -> None:
    found = prices.extremes(series(DAY), Window(START + HOUR / 2, START + 1.5 * HOUR))
    assert found is not None
    assert found.low[0] == 90
    assert found.high[1] == 104
    assert found.open == (99, 104)


def test_too_few_bars_are_no_reading() -> None:
    assert prices.extremes(series(DAY), Window(START, START + 4 * HOUR)) is None
    assert prices.extremes(series(DAY), Window(START - 9 * HOUR, START - 8 * HOUR)) is None


@st.composite
def walks(draw: st.DrawFn) -> list[Bar]:
    bars = []
    for _ in range(draw(st.integers(2, 12))):
        low, high = sorted(draw(st.tuples(st.floats(1, 1e5), st.floats(1, 1e5))))
        inside = st.floats(0, 1).map(lambda share, low=low, high=high: low + share * (high - low))
        bars.append((draw(inside), high, low, draw(inside)))
    return bars


@given(walks(), st.floats(0, 1), st.floats(0, 1))
def test_the_truth_lies_within_what_bars_leave_open(bars: list[Bar], first: float, last: float) -> None:
    whole = len(bars) * 3600
    a, b = sorted((first * whole, last * whole))
    window = Window(START + timedelta(seconds=int(a)), START + timedelta(seconds=int(b) + 60))
    found = prices.extremes(series(bars), window)
    if found is None:
        return
    for span in (found.open, found.close, found.low, found.high):
        assert span[0] <= span[1]
    assert found.low[0] <= found.high[1]
    inside = [
        bar for n, bar in enumerate(bars) if START + n * HOUR >= window.start and START + (n + 1) * HOUR <= window.end
    ]
    for bar in inside:
        assert found.low[1] <= bar[2] or found.low[0] <= bar[2]
        assert found.high[1] >= bar[1]


def test_points_are_counted_from_the_first_and_from_the_highest_value() -> None:
    assert prices.fall_in_points([50.0, 66.0, 41.0]) == (9.0, 25.0)


def levels(values: list[float]) -> dict[date, float]:
    return {date(2026, 1, 1) + timedelta(days=n): value for n, value in enumerate(values)}


@given(st.lists(st.floats(50, 150), min_size=12, max_size=40, unique=True))
def test_a_series_correlates_with_itself_and_against_its_inverse(values: list[float]) -> None:
    found = prices.rolling_correlation(levels(values), levels([v * 3 for v in values]), 10)
    assert list(found.values()) == pytest.approx([1.0] * len(found))
    against = prices.rolling_correlation(levels(values), levels([1 / v for v in values]), 10)
    assert list(against.values()) == pytest.approx([-1.0] * len(against))


def test_correlation_is_pearson_s_of_log_returns() -> None:
    rng = np.random.default_rng(5)
    a, b = (list(100 * np.exp(np.cumsum(rng.normal(0, 0.02, 31)))) for _ in range(2))
    found = prices.rolling_correlation(levels(a), levels(b), 30)
    expected = np.corrcoef(np.diff(np.log(a)), np.diff(np.log(b)))[0, 1]
    assert list(found.values()) == pytest.approx([expected])


def test_a_flat_series_has_no_correlation() -> None:
    assert prices.rolling_correlation(levels([100.0] * 20), levels([float(n + 1) for n in range(20)]), 10) == {}


def test_a_close_that_is_too_old_is_none() -> None:
    frame = series([(1.0, 1.0, 1.0, 1.0)])
    day = date(2026, 1, 19)
    at = prices.at_moments(frame, {day: START + 2 * HOUR}, tolerance=HOUR)
    assert at == {day: 1.0}
    assert prices.at_moments(frame, {day: START + 4 * HOUR}, tolerance=HOUR) == {}
