"""How far off the correction of a cap is, measured on complete feeds of the same window that are capped on purpose.

The ratio of truth to correction is taken by bins of the local rate: each kept record stands for exactly the records
that it hides, so that the bins of a feed add up to the feed. Calibrate on the truth at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verify.reconcile.observed import CapRule, Keep
from verify.reconcile.records import Floats, Ints, Records
from verify.reconcile.thinning import Corrected, cap, correct, floored, resolved

#: Bins of the local rate per interval.
EDGES = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
#: A bin is trusted like this many records against its neighbour of a lower rate.
PRIOR_RECORDS = 30.0
#: Below this no curve can be told from chance.
_LEAST_RECORDS = 30
#: A feed whose dollars and records differ by more owes it to single liquidations.
_LEVEL_MOST = 1.5
#: A feed of so many kept records counts half of one with very many, where feeds are averaged.
_HALF_RECORDS = 300.0


@dataclass(frozen=True, slots=True)
class Slope:
    """How log size rises with log rate within instruments, and its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Log of truth over correction by bin of the rate. `spread` is the standard deviation of what is left of each
    complete feed under the curve of the others (None with fewer than two), large ones counting more, `slopes` their
    size slopes under the rule, `feeds` their number, `points` the log of their dollars with the log of whole over
    shown."""

    log_ratio: Floats
    spread: float | None
    slopes: tuple[Slope, ...]
    feeds: int
    points: tuple[tuple[float, float], ...] = ()

    def apply(self, corrected: Corrected, usd: Floats) -> Floats:
        """The dollars that each record stands for, never less than its own."""
        factor = np.exp(self.log_ratio)[np.digitize(corrected.z, EDGES)]
        return np.maximum(corrected.usd * factor, usd)


class Curves:
    """The curves of the complete feeds of one window by rule, each worked out when it is first asked for."""

    def __init__(self, complete: Sequence[Records], length: float) -> None:
        self._complete = complete
        self._length = length
        self._known: dict[CapRule, Curve] = {}

    def get(self, rule: CapRule) -> Curve:
        if rule not in self._known:
            self._known[rule] = curve(self._complete, rule, self._length)
        return self._known[rule]


def curve(complete: Sequence[Records], rule: CapRule, length: float) -> Curve:
    """The curve of one rule from the complete feeds, over a window of `length` seconds."""
    bins = len(EDGES) + 1
    truths, sums, counts, slopes, points, dollars = [], [], [], [], [], []
    for feed in _telling(complete, rule):
        kept, owner = cap(feed, rule)
        corrected = correct(kept, rule, length)
        which = np.digitize(corrected.z, EDGES)
        by_money = rule.keep is Keep.LARGEST
        truth = np.bincount(owner, weights=feed.usd if by_money else None, minlength=len(kept))
        stands = corrected.usd if by_money else corrected.weight
        truths.append(np.bincount(which, weights=truth, minlength=bins))
        sums.append(np.bincount(which, weights=stands, minlength=bins))
        counts.append(np.bincount(which, minlength=bins))
        slopes.append(size_slope(kept, rule, length))
        whole = float(feed.usd.sum())
        points.append((float(np.log(whole)), float(np.log(whole / kept.usd.sum()))))
        dollars.append(np.bincount(which, weights=corrected.usd / whole, minlength=bins))
    if not truths:
        return Curve(np.zeros(bins), None, (), 0)
    each = _Pooled(np.array(truths, float), np.array(sums, float), np.array(counts), np.array(dollars))
    every = np.arange(len(truths))
    spread = None
    if len(truths) > 1:
        left = [each.left(int(out), each.curve(np.delete(every, out))) for out in every]
        kept_of = each.count.sum(1)
        spread = float(np.sqrt(np.average(np.square(left), weights=kept_of / (kept_of + _HALF_RECORDS))))
    return Curve(each.curve(every), spread, tuple(s for s in slopes if s is not None), len(truths), tuple(points))


def _telling(complete: Sequence[Records], rule: CapRule) -> list[Records]:
    """The feeds that can be capped by this rule: where times are coarser than its interval it is not known which record
    came last, so that such feeds serve only where no finer one does."""
    large = [feed for feed in complete if len(feed) >= _LEAST_RECORDS]
    fine = [feed for feed in large if resolved(feed.seconds, rule.interval)]
    return fine if fine and rule.keep is not Keep.LARGEST else large


@dataclass(frozen=True, slots=True)
class _Pooled:
    """Feeds x bins: truth and what kept records stand for (in records or dollars), their number, and the dollars they
    stand for as a share of the feed's true dollars."""

    truth: Floats
    stands: Floats
    count: Ints
    dollars: Floats

    def curve(self, which: Ints) -> Floats:
        """The shape by bins from records (dollars are too few to tell), the level from dollars: large liquidations set
        off more than small ones."""
        truth, stands, count = self.truth[which], self.stands[which], self.count[which]
        shape = _smooth(_relative(truth, stands).sum(0), _relative(stands, stands).sum(0), count.sum(0))
        weight = count.sum(1).astype(float)
        weight = np.minimum(weight, 3 * np.median(weight))
        off = np.clip([-self.left(int(one), shape) for one in which], -_LEVEL_MOST, _LEVEL_MOST)
        level = float((weight * off).sum() / weight.sum())
        total = float(count.sum())
        return np.clip(shape + level * total / (total + PRIOR_RECORDS), -1.0, 3.0)

    def left(self, one: int, shape: Floats) -> float:
        """The log of corrected over true dollars of one feed under a curve."""
        return float(np.log(max((self.dollars[one] * np.exp(shape)).sum(), 1e-300)))


def _relative(values: Floats | Ints, stands: Floats) -> Floats:
    """Feeds of unlike size count alike: each is divided by its own sum."""
    return np.asarray(values / stands.sum(1, keepdims=True))


def _smooth(truth: Floats, stands: Floats, count: Ints) -> Floats:
    log_ratio = np.zeros(len(count))
    before = 0.0
    for index in range(len(count)):
        ratio = before
        if count[index] and truth[index] > 0 and stands[index] > 0:
            ratio = float(np.log(truth[index] / stands[index]))
        log_ratio[index] = (count[index] * ratio + PRIOR_RECORDS * before) / (count[index] + PRIOR_RECORDS)
        before = log_ratio[index]
    return np.clip(log_ratio, -1.0, 3.0)


def size_slope(kept: Records, rule: CapRule, length: float) -> Slope | None:
    """The regression of log size on log rate within instruments; the rate is read from occupancy alone, so that it
    means the same under every rule. None where too little varies."""
    plain = CapRule(rule.interval, Keep.LATEST, rule.by_side, rule.most)
    z = correct(floored(kept, rule), plain, length).z
    x, y = np.log(z), np.log(kept.usd)
    number = kept.instrument
    count = np.maximum(np.bincount(number), 1)
    x = x - (np.bincount(number, weights=x) / count)[number]
    y = y - (np.bincount(number, weights=y) / count)[number]
    varied = float(x @ x)
    if len(x) < _LEAST_RECORDS or varied < 1.0:
        return None
    value = float(x @ y) / varied
    error = float(np.sqrt(np.mean((y - value * x) ** 2) / varied))
    return Slope(value, 2.0 * error)  # doubled: neighbours share their rate
