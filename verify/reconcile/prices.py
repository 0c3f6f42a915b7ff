"""Prices, volatilities and correlations read off series: lows, highs and changes over a window, with their bounds.

A bar over an edge of the window only bounds: its low may lie outside. Frames are those of `verify.model.frames.SERIES`
for one subject and asset, with the fields open, high, low and close; times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from verify.model.window import Window

if TYPE_CHECKING:
    import polars as pl

Span = tuple[float, float]
#: Days of returns in a rolling correlation; the first is what is meant where none is named.
ROLLING = (30, 60, 90)
#: Without this share of the window in bars nothing is read off.
LEAST_COVERED = 0.9


@dataclass(frozen=True, slots=True)
class Extremes:
    """Of one window: opening and closing price, lowest and highest, each as `[least, most]`; `covered` by bars."""

    open: Span
    close: Span
    low: Span
    high: Span
    covered: float

    @property
    def change(self) -> Span:
        """From opening to closing price, in per cent."""
        return _change(self.open, self.close)

    @property
    def to_low(self) -> Span:
        """From opening to lowest price, in per cent."""
        return _change(self.open, self.low)

    @property
    def peak_to_low(self) -> Span:
        """From the highest to the lowest price, whichever came first, in per cent."""
        return _change(self.high, self.low)


def extremes(frame: pl.DataFrame, window: Window) -> Extremes | None:
    """What the bars say of a window; None where they cover too little of it."""
    import polars as pl

    bars = (
        frame.filter(pl.col("end") > window.start, pl.col("start") < window.end)
        .pivot(on="field", index=["start", "end"], values="value", aggregate_function="first")
        .sort("start")
    )
    if bars.is_empty() or not {"open", "high", "low", "close"} <= set(bars.columns):
        return None
    rows = bars.select("start", "end", "open", "high", "low", "close").rows()
    seconds = sum((min(end, window.end) - max(start, window.start)).total_seconds() for start, end, *_ in rows)
    covered = min(seconds / window.length.total_seconds(), 1.0)
    if covered < LEAST_COVERED:
        return None
    inside = [row for row in rows if row[0] >= window.start and row[1] <= window.end]
    certain = inside or rows
    low, high = min(row[4] for row in rows), max(row[3] for row in rows)
    first, last = rows[0], rows[-1]
    return Extremes(
        open=(first[2], first[2]) if first[0] >= window.start else (first[4], first[3]),
        close=(last[5], last[5]) if last[1] <= window.end else (last[4], last[3]),
        low=(low, min(row[4] for row in certain) if inside else max(row[3] for row in certain)),
        high=(max(row[3] for row in certain) if inside else min(row[4] for row in certain), high),
        covered=covered,
    )


def _change(before: Span, after: Span) -> Span:
    return (after[0] / before[1] - 1) * 100, (after[1] / before[0] - 1) * 100


def closes(frame: pl.DataFrame) -> list[tuple[datetime, float]]:
    """The closing values in time order, each at the end of its bar."""
    import polars as pl

    found = frame.filter(pl.col("field").is_in(["close", "value"])).sort("end")
    return list(zip(found["end"].to_list(), found["value"].to_list(), strict=True))


def fall_in_points(values: Sequence[float]) -> tuple[float, float]:
    """How far a series fell: from its first value to its last, and from its highest to its last."""
    return values[0] - values[-1], max(values) - values[-1]


def at_moments(frame: pl.DataFrame, moments: Mapping[date, datetime], *, tolerance: timedelta) -> dict[date, float]:
    """By day the last closing value at or before a moment, where there is one within `tolerance`."""
    ends = closes(frame)
    times = [end for end, _ in ends]
    found: dict[date, float] = {}
    from bisect import bisect_right

    for day, moment in moments.items():
        place = bisect_right(times, moment) - 1
        if place >= 0 and moment - times[place] <= tolerance:
            found[day] = ends[place][1]
    return found


def rolling_correlation(first: Mapping[date, float], second: Mapping[date, float], days: int) -> dict[date, float]:
    """Pearson's correlation of the last `days` daily log returns of both, by the last day; on days that both have."""
    common = sorted(first.keys() & second.keys())
    if len(common) <= days:
        return {}
    returns = [np.diff(np.log([levels[day] for day in common])) for levels in (first, second)]
    found: dict[date, float] = {}
    for end in range(days, len(common)):
        a, b = (values[end - days : end] for values in returns)
        if a.std() > 0 and b.std() > 0:
            found[common[end]] = float(np.corrcoef(a, b)[0, 1])
    return found
