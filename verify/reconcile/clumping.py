"""Whether sums with numbers of records come from a capped feed: dead time takes the clumps out of them.

Liquidations set each other off within a second, so that the numbers of a complete feed scatter more than Poisson
numbers do, in cells of rare assets above all; one record per interval swallows a clump. What a counter's dead time
does to its variance is known from reactors (Feynman, de Hoffmann & Serber 1956, J. Nucl. Energy 3, 64). The scatter is
the Pearson dispersion of an asset's numbers over the intervals, given their sum and the common profile of all rare
assets (McCullagh & Nelder 1989, Generalized Linear Models, section 4.5); it means the same for large and small venues.
What it comes to with and without the cap is read from other channels of the window: complete feeds, whole and capped on
purpose, and sums that documents call complete or capped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verify.reconcile.calibration import Cells
from verify.reconcile.observed import CapRule, Keep
from verify.reconcile.records import Floats, Ints, Records
from verify.reconcile.thinning import cap

#: Assets with so many records in the window are rare enough: busy ones scatter because rates differ.
_LEAST, _MOST = 2, 60
#: Fewer such assets tell nothing.
_ASSETS = 8
#: Channels of one kind differ by this (log) beyond chance.
BETWEEN = 0.15


@dataclass(frozen=True, slots=True)
class Clumps:
    """The log of the dispersion of a channel's numbers, and its standard error."""

    value: float
    error: float


def clumps(interval: Ints, asset: Ints, count: Floats) -> Clumps | None:
    """The dispersion of numbers of records by interval and asset; None where too few assets tell."""
    if not len(count):
        return None
    first = int(interval.min())
    wide = int(interval.max()) - first + 1
    table = np.bincount(asset * wide + interval - first, weights=count, minlength=(int(asset.max()) + 1) * wide)
    table = table.reshape(-1, wide)
    total = table.sum(1)
    table = table[(total >= _LEAST) & (total <= _MOST)]
    table = table[:, table.sum(0) > 0]
    if len(table) < _ASSETS or table.shape[1] < 2:
        return None
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    each = ((table - expected) ** 2 / expected).sum(1) / (table.shape[1] - 1)
    mean = float(each.mean())
    if mean <= 0:
        return None
    return Clumps(float(np.log(mean)), float(each.std() / mean / np.sqrt(len(each))))


class Clumping:
    """How clumped the channels of one window are whose class is known.

    `complete` are complete feeds; `whole` sums of further venues that show everything, `capped` sums of such whose feed
    follows a known rule.
    """

    def __init__(
        self, complete: Sequence[Records], whole: Sequence[Cells] = (), capped: Sequence[tuple[CapRule, Cells]] = ()
    ) -> None:
        self._complete = complete
        self._whole = [found for cells in whole if (found := _of_cells(cells))]
        self._capped = [(rule, found) for rule, cells in capped if (found := _of_cells(cells))]
        self._purposely: dict[CapRule | None, list[Records]] = {None: list(complete)}
        self._known: dict[tuple[CapRule | None, float, float, int, int], list[Clumps]] = {}

    def ratio(self, cells: Cells, rule: CapRule) -> float:
        """The log of how much likelier these sums are under a rule than from a complete feed (Student's t, 4 degrees: a
        channel may differ for other reasons); 0 where nothing tells."""
        mine = _of_cells(cells)
        rule = replace(rule, keep=Keep.LATEST) if rule.keep is Keep.LARGEST else rule  # which one, numbers do not tell
        complete, under = self._reference(cells, None), self._reference(cells, rule)
        if mine is None or not complete or not under:
            return 0.0
        return _likelihood(mine, under) - _likelihood(mine, complete)

    def _reference(self, cells: Cells, rule: CapRule | None) -> list[Clumps]:
        """The clumps of the channels that show everything, or follow a rule, over the intervals of these sums."""
        first, last = int(cells.interval.min()), int(cells.interval.max())
        key = (rule, cells.step, cells.phase, first, last)
        if key in self._known:
            return self._known[key]
        if rule is not None and rule not in self._purposely:
            self._purposely[rule] = [cap(feed, rule)[0] for feed in self._complete]
        found = []
        for feed in self._purposely[rule]:
            interval = np.floor((feed.seconds - cells.phase) / cells.step).astype(np.int64)
            inside = (interval >= first) & (interval <= last)
            one = clumps(interval[inside], feed.asset[inside], np.ones(int(inside.sum())))
            found += [one] if one is not None else []
        found += self._whole if rule is None else [one for known, one in self._capped if _alike(known, rule)]
        self._known[key] = found
        return found


def _of_cells(cells: Cells) -> Clumps | None:
    return clumps(cells.interval, cells.asset, cells.count)


def _alike(one: CapRule, two: CapRule) -> bool:
    """Whether two rules leave as many records, whichever they keep."""
    return replace(one, keep=Keep.LATEST) == replace(two, keep=Keep.LATEST) and Keep.FIRST not in (one.keep, two.keep)


def _likelihood(mine: Clumps, known: Sequence[Clumps]) -> float:
    value = np.array([one.value for one in known])
    weight = 1.0 / (np.array([one.error for one in known]) ** 2 + BETWEEN**2)
    mean = float((weight * value).sum() / weight.sum())
    sd = float(np.sqrt(mine.error**2 + BETWEEN**2 + 1.0 / weight.sum()))
    return float(-2.5 * np.log1p(((mine.value - mean) / sd) ** 2 / 4) - np.log(sd))
