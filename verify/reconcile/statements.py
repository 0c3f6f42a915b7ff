"""Figures of one lineage as statements about a counter: equal ones merged, those read at one moment grouped."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, Quantity, Side
from verify.model.window import Window

#: A quantity and the interval that a page leaves open for it.
Said = tuple[Quantity, float, float]


@dataclass(frozen=True, slots=True)
class Statement:
    """`low <= quantity over window <= high`, in US dollars, as at least one figure states it.

    `reading` groups statements that share their true window: figures read from the counter at one moment. `high` is
    infinite where only a lower bound is stated. `figures` are all that state exactly this, sorted by outlet and page.
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
        """The figure that stands for all of them: the first by outlet."""
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
    """The statements that usable figures of one lineage make, ordered and numbered by what they state.

    Pages that state the same window belong to one reading if they have a quantity in common and agree on every
    quantity they have in common; where the window is known exactly there is nothing to tell apart. A number that
    stands in several readings is a statement of each. Repeating what is stated changes nothing.
    """
    pages: dict[Window, dict[str, set[Said]]] = defaultdict(lambda: defaultdict(set))
    printed: dict[tuple[Window, str, Said], dict[str, Figure]] = defaultdict(dict)
    for figure in figures:
        if usable(figure) and figure.window is not None:
            said = (figure.quantity, *interval(figure))
            pages[figure.window][figure.url].add(said)
            printed[figure.window, figure.url, said][figure.id] = figure
    found: list[Statement] = []
    reading = 0
    for window in sorted(pages, key=lambda w: (w.start, w.end, w.slack)):
        for group in _readings(window, pages[window]):
            merged: dict[Said, list[Figure]] = defaultdict(list)
            for page in group:
                for said in pages[window][page]:
                    merged[said] += printed[window, page, said].values()
            for said in sorted(merged, key=_in_order):
                members = tuple(sorted(merged[said], key=lambda figure: (figure.outlet, figure.url, figure.id)))
                found.append(Statement(f"s{len(found):05d}", said[0], window, said[1], said[2], reading, members))
            reading += 1
    return found


def _readings(window: Window, pages: Mapping[str, set[Said]]) -> list[list[str]]:
    """The pages that state one window, those of one moment together. What they state decides, not what they are."""
    if not window.slack:
        return [sorted(pages)]
    groups: list[tuple[set[Said], list[str]]] = []
    fullest_first = sorted(pages, key=lambda page: (-len(pages[page]), sorted(map(_in_order, pages[page])), page))
    for page in fullest_first:
        stated = pages[page]
        home = next((group for group in groups if stated <= group[0]), None) or next(
            (group for group in groups if _same_moment(group[0], stated)), None
        )
        if home is None:
            groups.append((set(stated), [page]))
        else:
            home[0].update(stated)
            home[1].append(page)
    return [members for _, members in groups]


def _same_moment(group: set[Said], stated: set[Said]) -> bool:
    common = [(mine, theirs) for mine in stated for theirs in group if mine[0] == theirs[0]]
    return bool(common) and all(mine[1] < theirs[2] and theirs[1] < mine[2] for mine, theirs in common)


def _in_order(said: Said) -> tuple[str, bool, str, float, float]:
    """By scope, totals before sides: an order that neither ids nor times have a part in."""
    quantity, low, high = said
    side = quantity.side
    return quantity.with_side(Side.BOTH).words(), side is not Side.BOTH, side, low, high
