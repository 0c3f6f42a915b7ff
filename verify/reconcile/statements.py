"""Figures of one lineage as statements about a counter: equal ones merged, those read at one moment grouped."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, Quantity
from verify.model.window import Window

Key = tuple[Quantity, Window, float, float]


@dataclass(frozen=True, slots=True)
class Statement:
    """`low <= quantity over window <= high`, in US dollars, as at least one figure states it.

    `reading` groups statements that share their true window: figures read from the counter at one moment. `high` is
    infinite where only a lower bound is stated. `figures` are all that state exactly this, sorted by id.
    """

    id: str
    quantity: Quantity
    window: Window
    low: float
    high: float
    reading: int
    figures: tuple[Figure, ...]

    @property
    def outlets(self) -> tuple[str, ...]:
        return tuple(sorted({figure.outlet for figure in self.figures}))

    @property
    def figure(self) -> Figure:
        """The figure that stands for all of them: the first by id."""
        return self.figures[0]

    @property
    def value(self) -> float:
        """The number as printed, in US dollars."""
        amount = self.figure.amount
        return float(amount.value) if amount is not None else self.low


def usable(figure: Figure) -> bool:
    """Whether a figure can be a constraint: liquidations in dollars over a window, printed as such."""
    return (
        figure.quantity.metric == LIQUIDATIONS
        and figure.amount is not None
        and figure.window is not None
        and figure.as_printed
        and figure.quantity.threshold_usd is None
    )


def interval(figure: Figure) -> tuple[float, float]:
    """What a figure leaves open: its rounding, widened by its hedge."""
    if figure.amount is None:
        return 0.0, math.inf
    low, high = figure.amount.tolerated
    return float(low), math.inf if high is None else float(high)


def statements(figures: Iterable[Figure]) -> list[Statement]:
    """The statements that usable figures of one lineage make, in a fixed order.

    Pages that state the same window belong to one reading if they have a quantity in common and agree on every
    quantity they have in common; where the window is known exactly there is nothing to tell apart.
    """
    merged: dict[Key, dict[str, Figure]] = defaultdict(dict)
    for figure in figures:
        if usable(figure) and figure.window is not None:
            low, high = interval(figure)
            merged[figure.quantity, figure.window, low, high][figure.id] = figure
    ordered = sorted(merged.items(), key=lambda item: min(item[1]))
    readings = _readings([key for key, _ in ordered], [_pages(group.values()) for _, group in ordered])
    return [
        Statement(min(group), *key, reading, tuple(group[identity] for identity in sorted(group)))
        for (key, group), reading in zip(ordered, readings, strict=True)
    ]


def _pages(figures: Iterable[Figure]) -> frozenset[str]:
    return frozenset(figure.url for figure in figures)


def _readings(keys: Sequence[Key], pages: Sequence[frozenset[str]]) -> list[int]:
    """A group number for each statement."""
    by_window: dict[Window, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        by_window[key[1]].append(index)
    found = [0] * len(keys)
    number = 0
    for window in sorted(by_window, key=lambda w: (w.start, w.end, w.slack)):
        members = by_window[window]
        if window.slack == timedelta(0):
            for index in members:
                found[index] = number
            number += 1
            continue
        groups: list[set[int]] = []
        by_page: dict[str, set[int]] = defaultdict(set)
        for index in members:
            for page in pages[index]:
                by_page[page].add(index)
        for page in sorted(by_page, key=lambda p: (-len(by_page[p]), p)):
            stated = by_page[page]
            home = next((group for group in groups if _same_moment(keys, group, stated)), None)
            if home is None:
                groups.append(set(stated))
            else:
                home |= stated
        for group in groups:
            for index in sorted(group):
                found[index] = number
            number += 1
    return found


def _same_moment(keys: Sequence[Key], group: set[int], stated: set[int]) -> bool:
    common = False
    for mine in stated:
        for theirs in group:
            if keys[mine][0] == keys[theirs][0]:
                common = True
                if keys[mine][2] >= keys[theirs][3] or keys[theirs][2] >= keys[mine][3]:
                    return False
    return common
