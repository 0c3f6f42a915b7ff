"""Named faults of one feed of events, each with the evidence for it.

What a feed says of itself comes first (times in another unit, exact repeats, the window before served again); then it
is held against what the others show together: when they saw liquidations, on which side, and how large in each asset.
A contrast is a log likelihood ratio against "no fault", tempered where neighbouring figures are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from verify.reconcile.estimated import Fault, FaultKind
from verify.reconcile.gaps import Span, without
from verify.reconcile.records import Floats, Records
from verify.reconcile.shown import EXACT, Prepared

HOUR = 3600.0
#: A fault is named when the odds for it, prior (1 : 30) included, exceed e^2.
NAMED = 5.4
_REPEATS, _REPEATS_OF_CAPPED = 0.25, 0.05
_LEAST = 20  # records from which shapes are compared
_BIN = 300.0
#: Seconds of a bin that is busy or not, and how many busy bins go together in a cascade.
_BUSY, _CLUSTER = 120.0, 1.8


def in_other_unit(one: Prepared, epoch: float, length: float) -> tuple[Prepared, Fault | None]:
    """Times a thousand times too large or too small: milliseconds taken for seconds, or the reverse."""
    seconds = one.records.seconds
    inside = float(((seconds >= 0) & (seconds < length)).mean()) if len(seconds) else 1.0
    if inside > 0.1:
        return one, None
    for factor in (1e-3, 1e3):
        moved = (seconds + epoch) * factor - epoch
        fits = float(((moved >= 0) & (moved < length)).mean())
        if fits > 0.5:
            text = f"{fits:.0%} of its times lie in the window if they are taken {factor:g} times"
            fault = Fault(one.feed.id, FaultKind.MILLISECONDS_AS_SECONDS, 0.999, text, "mended", factor)
            order = np.lexsort((one.records.usd, moved, one.records.instrument))
            records = replace(one.records, seconds=moved).take(order)
            return replace(one, records=records, penalty=max(one.penalty, EXACT)), fault
    return one, None


def doubled(one: Prepared, *, capped: bool) -> tuple[Prepared, Fault | None]:
    """Exact repeats of instrument, time, size and side. The records are sorted so that repeats are neighbours."""
    r = one.records
    if len(r) < 4:
        return one, None
    same = (
        (r.instrument[1:] == r.instrument[:-1])
        & (r.seconds[1:] == r.seconds[:-1])
        & (r.usd[1:] == r.usd[:-1])
        & (r.long[1:] == r.long[:-1])
    )
    share = float(same.mean())
    if share < (_REPEATS_OF_CAPPED if capped else _REPEATS) or same.sum() < 2:
        return one, None
    fault = Fault(
        one.feed.id, FaultKind.DOUBLED, 0.999, f"{share:.0%} of its rows repeat another exactly", "mended", share
    )
    return replace(one, records=r.take(np.r_[True, ~same]), penalty=max(one.penalty, EXACT)), fault


def served_again(one: Prepared, length: float) -> tuple[Prepared | None, Fault | None]:
    """Rows of the window before: all of them moved by its length (stale), or some by whole hours (shifted)."""
    earlier = one.feed.earlier
    if earlier is None or not earlier.height or not one.feed.events.height:
        return one, None
    keys = ["instrument", "side", "notional_usd"]
    now = one.feed.events.select(*keys, pl.col("time").alias("now"))
    both = now.join(earlier.select(*keys, "time"), on=keys, how="inner")
    if both.height < 5:
        return one, None
    offset = (both["now"] - both["time"]).dt.total_microseconds().to_numpy() / 1e6
    values, counts = np.unique(np.round(offset), return_counts=True)
    best = int(counts.argmax())
    agreeing, lag = int(counts[best]), float(values[best])
    share = agreeing / len(now)
    if agreeing < 5 or agreeing < 0.5 * both.height:
        return one, None
    if abs(lag - length) < 1 and share > 0.5:
        text = f"{share:.0%} of its rows are those of the window before"
        return None, Fault(one.feed.id, FaultKind.STALE, 0.999, text, "set aside")
    hours = round(lag / HOUR)
    if hours == 0 or abs(lag - hours * HOUR) > 1 or abs(lag) >= length:
        return one, None
    text = f"{agreeing} of its rows stand {hours} h earlier in the window before"
    return moved(one, float(hours), length), Fault(one.feed.id, FaultKind.SHIFTED, 0.99, text, "mended", float(hours))


def moved(one: Prepared, hours: float, length: float) -> Prepared:
    """The feed with its times put back; what lies outside the window then was not seen."""
    back = hours * HOUR
    known = replace(one.records, seconds=one.records.seconds - back)
    outside = (length - back, length) if back > 0 else (0.0, -back)
    # a frame that reaches beyond the window has the rest too
    beyond = known.seconds[(known.seconds >= outside[0]) & (known.seconds < outside[1])]
    parts = one.parts if len(beyond) else without(one.parts, outside)
    return replace(one, records=known, parts=parts, penalty=max(one.penalty, EXACT))


@dataclass(frozen=True, slots=True)
class Others:
    """What the other feeds show together: per bin of the window log activity and log ratio of the sides."""

    activity: Floats
    tilt: Floats
    level: float  # logit of the long share
    spread: float
    count: int


@dataclass(frozen=True, slots=True)
class Outline:
    """The shape of one feed: per bin of the window the log of the number of records and the log ratio of longs to
    shorts among them; the logit of its long share in dollars; its records."""

    activity: Floats
    tilt: Floats
    level: float
    count: int

    def turned(self) -> Outline:
        """The same with its sides exchanged."""
        return Outline(self.activity, -self.tilt, -self.level, self.count)


def together(others: Sequence[Outline]) -> Others | None:
    """The mean of the others' shapes; None without others of some size."""
    large = [one for one in others if one.count >= _LEAST]
    if not large:
        return None
    levels = np.array([one.level for one in large])
    spread = float(levels.std(ddof=1)) if len(levels) > 2 else 0.0
    return Others(
        np.mean([one.activity for one in large], 0),
        np.mean([one.tilt for one in large], 0),
        float(np.median(levels)),
        max(spread, 0.5) * (1 + 1 / len(levels)),
        len(levels),
    )


def outline(r: Records, length: float) -> Outline:
    """The shape of a feed over a window of `length` seconds."""
    bins = max(round(length / _BIN), 4)
    inside = (r.seconds >= 0) & (r.seconds < length)
    place = (r.seconds[inside] * (bins / length)).astype(np.int64)
    counts = np.bincount(place * 2 + r.long[inside], minlength=2 * bins).reshape(bins, 2)
    short, long = counts[:, 0].astype(float), counts[:, 1].astype(float)
    return Outline(np.log1p(long + short), np.log((long + 1.0) / (short + 1.0)), _logit(r), len(r))


def _logit(r: Records) -> float:
    long, short = (float(v) for v in r.sides())
    total = long + short
    return float(np.log((long + 0.01 * total) / (short + 0.01 * total))) if total > 0 else 0.0


def swapped(one: Prepared, mine: Outline, others: Others | None, by_cells: float = 0.0) -> Fault | None:
    """Sides the wrong way round: against the others' share of longs and its changes. `by_cells` is a contrast from
    sums of the same feed by somebody else."""
    if mine.count < 5 or (others is None and by_cells == 0):
        return None
    contrast = by_cells
    if others is not None:
        error = float(np.hypot(others.spread, 2.0 / np.sqrt(mine.count)))
        contrast += student(-mine.level, others.level, error) - student(mine.level, others.level, error)
        if mine.count >= _LEAST:
            contrast += -1.2 * _z(mine.tilt, others.tilt)
    if contrast < NAMED:
        return None
    text = f"turning its sides round fits the others e^{contrast:.0f} times better"
    return Fault(one.feed.id, FaultKind.SIDES_SWAPPED, probability(contrast), text, "mended")


def turned(one: Prepared) -> Prepared:
    """The feed with its sides exchanged."""
    return replace(one, records=replace(one.records, long=~one.records.long), penalty=max(one.penalty, EXACT))


def shifted(one: Prepared, own: Outline, others: Others | None, length: float) -> Fault | None:
    """Its activity follows the others' by whole hours."""
    if others is None or own.count < _LEAST or length < 2 * HOUR:
        return None
    mine = own.activity
    per_hour = round(HOUR / (length / len(mine)))
    at_zero = _z(mine, others.activity)
    found: list[tuple[float, int]] = []
    most = min(int(length / HOUR) - 1, 12)
    for hours in range(-most, most + 1):
        lag = hours * per_hour
        if hours == 0 or len(mine) - abs(lag) < max(per_hour, 8):
            continue
        a = mine[lag:] if lag > 0 else mine[:lag]
        b = others.activity[:-lag] if lag > 0 else others.activity[-lag:]
        found.append((_z(a, b), hours))
    if not found:
        return None
    best, hours = max(found)
    contrast = 0.5 * (best**2 - max(at_zero, 0.0) ** 2) * np.sign(best)
    if best < 4.0 or contrast < NAMED + np.log(2 * most):
        return None
    text = f"its activity follows that of the others {hours} h late (z {best:.1f} against {at_zero:.1f} as it stands)"
    return Fault(one.feed.id, FaultKind.SHIFTED, probability(contrast), text, "mended", float(hours))


def _z(a: Floats, b: Floats) -> float:
    """Fisher's z of a correlation; every third bin counts as independent."""
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -0.995, 0.995))
    return float(np.arctanh(r) * np.sqrt(max(len(a) / 3.0 - 3.0, 1.0)))


def student(value: float, centre: float, sd: float) -> float:
    return float(-2.5 * np.log1p(((value - centre) / sd) ** 2 / 4))


def probability(contrast: float) -> float:
    return float(round(1 / (1 + np.exp(-min(contrast - 3.4, 50.0))), 4))


def silent_part(one: Prepared, others: Sequence[Floats]) -> tuple[Span, float, float] | None:
    """The longest silence that the others' times make implausible: its span, the share of the others' records in it,
    and the contrast.

    Cascades cluster, so that busy bins are counted and not records: a bin in which another feed shows c records is
    busy with probability 1 - exp(-c r), r the ratio of the two feeds' numbers, scaled to the bins outside the silence.
    """
    own = np.sort(one.records.seconds)
    if len(own) < 5 or not others:
        return None
    best: tuple[Span, float, float] | None = None
    for start, end in one.parts:
        times = np.r_[start, own[(own >= start) & (own < end)], end]
        widest = int(np.diff(times).argmax())
        gap = (float(times[widest]), float(times[widest + 1]))
        if gap[1] - gap[0] < max(0.02 * (end - start), 2 * _BUSY):
            continue
        edges = np.arange(start, end + _BUSY, _BUSY)
        inside = (edges[:-1] >= gap[0]) & (edges[1:] <= gap[1])
        busy = float((np.histogram(own, edges)[0][~inside] > 0).sum())
        due, shares = [], []
        for theirs in others:
            counts = np.histogram(theirs, edges)[0]
            chance = -np.expm1(-counts * (len(own) / max(counts[~inside].sum(), 1)))
            due.append(busy * chance[inside].sum() / max(chance[~inside].sum(), 1.0))
            shares.append(counts[inside].sum() / max(counts.sum(), 1))
        contrast = float(np.quantile(due, 0.3)) / _CLUSTER
        if best is None or contrast > best[2]:
            best = (gap, float(np.median(shares)), contrast)
    return best
