"""How far off the correction of a cap is, measured on complete feeds of the same window that are capped on purpose.

The ratio of truth to correction is taken by bins of the local rate: each kept record stands for exactly the records
that it hides, so that the bins of a feed add up to the feed. Calibrate on the truth at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verify.reconcile.observed import CapRule, Keep
from verify.reconcile.records import Bools, Floats, Ints, Records
from verify.reconcile.thinning import Corrected, cap, correct, floored, resolved

#: Bins of the local rate per interval.
EDGES = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0])
#: Bins of the number of records in a cell of sums.
COUNTS = 2.0 ** np.arange(1, 13)
#: A bin is trusted like this many records against its neighbour of a lower rate.
PRIOR_RECORDS = 30.0
#: From this rate per interval on, the log ratio of a bin without records is FADE times that of the bin before: where
#: every interval shows a record the rate is read well, and clumps matter less.
_DENSE, FADE = 4.0, 0.8
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
class Point:
    """One complete feed capped on purpose: the log of its shown records, that of its whole over its shown dollars, and
    its weight, which grows with its records; `dollars` is the log of its shown dollars."""

    shown: float
    hidden: float
    weight: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums by interval, asset and side, with the number of records in each; intervals are `step` seconds long and begin
    `phase` seconds after the window's start."""

    interval: Ints
    asset: Ints
    long: Bools
    usd: Floats
    count: Floats
    step: float
    phase: float

    def competing(self, by_side: bool) -> tuple[Floats, Floats]:
        """Dollars and numbers of the records that compete with one another under a rule."""
        place = self.interval * (int(self.asset.max(initial=0)) + 1) + self.asset
        key = place * 2 + self.long if by_side else place
        number = np.unique(key, return_inverse=True)[1]
        usd, count = np.bincount(number, weights=self.usd), np.bincount(number, weights=self.count)
        return np.asarray(usd, float), np.asarray(count, float)


@dataclass(frozen=True, slots=True)
class CellCurve:
    """The same as `Curve` for channels that are known by sums only, by bins of the number of records in a cell."""

    log_ratio: Floats
    spread: float | None
    feeds: int

    def hidden(self, usd: Floats, count: Floats) -> float:
        """The log of whole over shown of a channel with these cells."""
        shown = usd / usd.sum()
        return float(np.log((shown * np.exp(self.log_ratio[np.digitize(count, COUNTS)])).sum()))


@dataclass(frozen=True, slots=True)
class Curve:
    """Log of truth over correction by bin of the rate. `spread` is the standard deviation of what is left of each
    complete feed under the curve of the others (None with fewer than two), large ones counting more, `slopes` their
    size slopes under the rule, `feeds` their number, `points` what the rule hides of each."""

    log_ratio: Floats
    spread: float | None
    slopes: tuple[Slope, ...]
    feeds: int
    points: tuple[Point, ...] = ()

    def apply(self, corrected: Corrected, usd: Floats) -> Floats:
        """The dollars that each record stands for, never less than its own."""
        return np.maximum(corrected.usd * self._factor(corrected), usd)

    def weight(self, corrected: Corrected) -> Floats:
        """The number of liquidations that each record stands for."""
        return np.maximum(corrected.weight * self._factor(corrected), 1.0)

    def _factor(self, corrected: Corrected) -> Floats:
        return np.asarray(np.exp(self.log_ratio)[np.digitize(corrected.z, EDGES)])


class Curves:
    """The curves of the complete feeds of one window by rule, each worked out when it is first asked for."""

    def __init__(self, complete: Sequence[Records], length: float) -> None:
        self._complete = complete
        self._length = length
        self._known: dict[CapRule, Curve] = {}
        self._cells: dict[tuple[CapRule, float, float], CellCurve] = {}
        self._rises: dict[CapRule, float | None] = {}
        self._together: dict[tuple[int, ...], Records | None] = {}

    def get(self, rule: CapRule) -> Curve:
        if rule not in self._known:
            self._known[rule] = curve(self._complete, rule, self._length)
        return self._known[rule]

    def cells(self, rule: CapRule, step: float, phase: float) -> CellCurve:
        """The curve for sums over intervals of `step` seconds."""
        key = (rule, step, phase)
        if key not in self._cells:
            self._cells[key] = cell_curve(self._complete, self._busier(rule), rule, step, phase)
        return self._cells[key]

    def rise(self, rule: CapRule) -> float | None:
        """By how much more the rule hides (log) of a market e times as busy; None with fewer than two complete feeds.

        The feeds together are such a market: more cascades, of the same kind.
        """
        if rule not in self._rises:
            both = self._busier(rule)
            self._rises[rule] = None if both is None else _rise(self.get(rule).points, both, rule)
        return self._rises[rule]

    def _busier(self, rule: CapRule) -> Records | None:
        telling = _telling(self._complete, rule)
        key = tuple(id(feed) for feed in telling)
        if key not in self._together:
            self._together[key] = _merged(telling) if len(telling) > 1 else None
        return self._together[key]


def curve(complete: Sequence[Records], rule: CapRule, length: float) -> Curve:
    """The curve of one rule from the complete feeds, over a window of `length` seconds."""
    bins = len(EDGES) + 1
    truths, sums, counts, slopes, points, dollars, noise = [], [], [], [], [], [], []
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
        points.append(_point(whole, kept))
        noise.append(sampling(np.bincount(owner, minlength=len(kept)).astype(float), kept.usd))
        dollars.append(np.bincount(which, weights=corrected.usd / whole, minlength=bins))
    if not truths:
        return Curve(np.zeros(bins), None, (), 0)
    fade = bins if rule.keep is Keep.LARGEST else int(np.digitize(_DENSE, EDGES))
    each = _Pooled(
        np.array(truths, float), np.array(sums, float), np.array(counts), np.array(dollars), np.array(noise), fade
    )
    every = np.arange(len(truths))
    spread = each.spread() if len(truths) > 1 else None
    return Curve(each.curve(every), spread, tuple(s for s in slopes if s is not None), len(truths), tuple(points))


def _point(whole: float, kept: Records) -> Point:
    shown = float(kept.usd.sum())
    return Point(
        float(np.log(len(kept))),
        float(np.log(whole / shown)),
        len(kept) / (len(kept) + _HALF_RECORDS),
        float(np.log(shown)),
    )


def _merged(feeds: Sequence[Records]) -> Records:
    """Several feeds as one, in which liquidations of one asset compete."""
    asset = np.concatenate([feed.asset for feed in feeds])
    seconds = np.concatenate([feed.seconds for feed in feeds])
    order = np.lexsort((seconds, asset))
    return Records(
        seconds[order],
        asset[order],
        asset[order],
        np.concatenate([feed.long for feed in feeds])[order],
        np.concatenate([feed.usd for feed in feeds])[order],
        np.concatenate([feed.quantity for feed in feeds])[order],
        np.concatenate([feed.price for feed in feeds])[order],
        (),
    )


def _rise(points: Sequence[Point], together: Records, rule: CapRule) -> float | None:
    kept, _ = cap(together, rule)
    busy = _point(float(together.usd.sum()), kept)
    # each feed by its dollars, so that the same liquidations stand on both sides
    dollars = np.exp([point.hidden + point.dollars for point in points])
    hidden = float(np.log(dollars.sum() / np.exp([point.dollars for point in points]).sum()))
    apart = busy.shown - float(np.average([point.shown for point in points], weights=dollars))
    return max((busy.hidden - hidden) / apart, 0.0) if apart > 0.3 else None


def cell_curve(
    complete: Sequence[Records], together: Records | None, rule: CapRule, step: float, phase: float
) -> CellCurve:
    """The curve of one rule for sums over intervals of `step` seconds, from the complete feeds and all of them
    `together`, which has busier cells."""
    bins = len(COUNTS) + 1
    truths, sums, counts, dollars, noise = [], [], [], [], []
    alone = _telling(complete, rule)
    for feed in [*alone, *([together] if together is not None else [])]:
        kept, owner = cap(feed, rule)
        place, number = np.unique(_places(feed, rule, step, phase), return_inverse=True)
        mine = np.searchsorted(place, _places(kept, rule, step, phase))
        count = np.bincount(mine, minlength=len(place))
        shown = np.bincount(mine, weights=kept.usd, minlength=len(place))
        whole = np.bincount(number, weights=feed.usd)
        which = np.digitize(count, COUNTS)
        by_money = rule.keep is Keep.LARGEST
        truths.append(np.bincount(which, weights=whole if by_money else np.bincount(number), minlength=bins))
        sums.append(np.bincount(which, weights=shown if by_money else count, minlength=bins))
        counts.append(np.bincount(which, weights=count, minlength=bins))
        dollars.append(np.bincount(which, weights=shown / whole.sum(), minlength=bins))
        noise.append(sampling(np.bincount(owner, minlength=len(kept)).astype(float), kept.usd))
    if not truths:
        return CellCurve(np.zeros(bins), None, 0)
    each = _Pooled(
        np.array(truths), np.array(sums), np.array(counts, np.int64), np.array(dollars), np.array(noise), bins
    )
    spread = each.among(np.arange(len(alone))).spread() if len(alone) > 1 else None
    return CellCurve(each.curve(np.arange(len(truths))), spread, len(alone))


def _places(records: Records, rule: CapRule, step: float, phase: float) -> Ints:
    """The number of the interval, asset and, where they compete apart, side of each record."""
    interval = np.floor((records.seconds - phase) / step).astype(np.int64)
    assets = int(records.asset.max(initial=0)) + 1
    place = (interval * assets + records.asset) * 2
    return place + records.long if rule.by_side else place


def _telling(complete: Sequence[Records], rule: CapRule) -> list[Records]:
    """The feeds that can be capped by this rule: where times are coarser than its interval it is not known which record
    came last, so that such feeds serve only where no finer one does."""
    large = [feed for feed in complete if len(feed) >= _LEAST_RECORDS]
    fine = [feed for feed in large if resolved(feed.seconds, rule.interval)]
    return fine if fine and rule.keep is not Keep.LARGEST else large


@dataclass(frozen=True, slots=True)
class _Pooled:
    """Feeds x bins: truth and what kept records stand for (in records or dollars), their number, and the dollars they
    stand for as a share of the feed's true dollars; per feed the sampling error of its kept dollars. Ratios fade from
    the bin `fade` on where no record tells."""

    truth: Floats
    stands: Floats
    count: Ints
    dollars: Floats
    noise: Floats
    fade: int

    def curve(self, which: Ints) -> Floats:
        """The shape by bins from records (dollars are too few to tell), the level from dollars: large liquidations set
        off more than small ones."""
        truth, stands, count = self.truth[which], self.stands[which], self.count[which]
        shape = _smooth(_relative(truth, stands).sum(0), _relative(stands, stands).sum(0), count.sum(0), self.fade)
        weight = count.sum(1).astype(float)
        weight = np.minimum(weight, 3 * np.median(weight))
        off = np.clip([-self.left(int(one), shape) for one in which], -_LEVEL_MOST, _LEVEL_MOST)
        level = float((weight * off).sum() / weight.sum())
        total = float(count.sum())
        return np.clip(shape + level * total / (total + PRIOR_RECORDS), -1.0, 3.0)

    def among(self, which: Ints) -> _Pooled:
        """Some of the feeds."""
        return _Pooled(
            self.truth[which], self.stands[which], self.count[which], self.dollars[which], self.noise[which], self.fade
        )

    def spread(self) -> float:
        """What is left of each feed under the curve of the others (root mean square) beyond its sampling error, large
        ones counting more."""
        every = np.arange(len(self.truth))
        left = np.array([self.left(int(out), self.curve(np.delete(every, out))) for out in every])
        kept = self.count.sum(1)
        beyond = float(np.average(left**2 - self.noise**2, weights=kept / (kept + _HALF_RECORDS)))
        return float(np.sqrt(max(beyond, 0.0)))

    def left(self, one: int, shape: Floats) -> float:
        """The log of corrected over true dollars of one feed under a curve."""
        return float(np.log(max((self.dollars[one] * np.exp(shape)).sum(), 1e-300)))


def _relative(values: Floats | Ints, stands: Floats) -> Floats:
    """Feeds of unlike size count alike: each is divided by its own sum."""
    return np.asarray(values / stands.sum(1, keepdims=True))


def sampling(weight: Floats, usd: Floats) -> float:
    """The relative standard error of a sum over records kept with probability 1 / weight (Horvitz-Thompson)."""
    total = float((weight * usd).sum())
    if total <= 0:
        return 0.0
    # scaled first: squares of huge amounts would overflow
    part = usd / total
    return float(np.sqrt(((weight**2 - weight) * part**2).sum()))


def _smooth(truth: Floats, stands: Floats, count: Ints, fade: int) -> Floats:
    log_ratio = np.zeros(len(count))
    before = 0.0
    for index in range(len(count)):
        ratio = before
        if count[index] and truth[index] > 0 and stands[index] > 0:
            ratio = float(np.log(truth[index] / stands[index]))
        before *= 1.0 if index < fade else FADE
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
