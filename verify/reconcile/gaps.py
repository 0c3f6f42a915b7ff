"""What a channel missed while it was not listening: scaled by when the others saw liquidations.

A gap hides the share of the window's dollars that falls into it. That share is read from the channels that were
listening, minute by minute, and differs between them: the spread is the uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verify.model.window import Window
from verify.reconcile.records import Floats, Records

BIN = 60.0
#: Part of the profile that is spread evenly: no minute is impossible.
_EVEN = 0.05
#: A part of the window that is missing is never known better than this (log).
_LEAST_SPREAD = 0.3

Span = tuple[float, float]


def spans(covered: Sequence[Window] | None, window: Window) -> tuple[Span, ...]:
    """The covered parts in seconds from the window's start, merged and cut to the window."""
    length = window.length.total_seconds()
    if covered is None:
        return ((0.0, length),)
    raw = sorted(
        (max((part.start - window.start).total_seconds(), 0.0), min((part.end - window.start).total_seconds(), length))
        for part in covered
    )
    merged: list[Span] = []
    for start, end in raw:
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def without(parts: Sequence[Span], gone: Span) -> tuple[Span, ...]:
    """The parts less one span."""
    left: list[Span] = []
    for start, end in parts:
        pieces = ((start, min(end, gone[0])), (max(start, gone[1]), end))
        left += [piece for piece in pieces if piece[1] > piece[0]]
    return tuple(left)


@dataclass(frozen=True, slots=True)
class Profile:
    """The share of dollars up to each minute, one row per channel that listened all the time."""

    edges: Floats
    cumulative: Floats  # channels x edges

    @classmethod
    def of(cls, listening: Sequence[Records], length: float) -> Profile:
        bins = max(int(np.ceil(length / BIN)), 1)
        edges = np.linspace(0.0, length, bins + 1)
        rows = []
        for one in listening:
            money = np.histogram(one.seconds, edges, weights=one.usd)[0]
            if money.sum() > 0:
                rows.append((1 - _EVEN) * money / money.sum() + _EVEN / bins)
        if not rows:
            rows = [np.full(bins, 1.0 / bins)]
        return cls(edges, np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, 1)], 1))

    def share(self, parts: Sequence[Span]) -> Floats:
        """The share of the dollars in these parts of the window, by channel."""
        total = np.zeros(len(self.cumulative))
        for start, end in parts:
            for row, cumulative in enumerate(self.cumulative):
                total[row] += np.interp(end, self.edges, cumulative) - np.interp(start, self.edges, cumulative)
        return np.clip(total, 1e-6, 1.0)

    def factor(self, parts: Sequence[Span]) -> tuple[float, float]:
        """By how much (log) a channel that listened in these parts only must be raised, and its standard deviation."""
        logs = -np.log(self.share(parts))
        mean = float(np.median(logs))
        if mean < 1e-9:
            return 0.0, 0.0
        spread = float(logs.std(ddof=1)) if len(logs) > 2 else 0.0
        return mean, max(spread, _LEAST_SPREAD * mean + 0.02 * (mean > 0.005))
