"""What a feed hides that keeps at most so many records per instrument and interval: a detector with dead time.

Tumbling intervals: an interval with N ~ Poisson(z) liquidations shows one, if N > 0. Its mark u in [0, 1] (the place
of the latest in its interval, or the size rank of the largest) is the largest of N uniform numbers, so that the
likelihood of z is that of a censored exponential, z = intervals with a record / (sum(1 - u) + empty intervals). A
record of the latest stands for z / (1 - exp(-z)) (Horvitz & Thompson 1952); one of the largest hides
z * integral_0^m x dF(x). A leading interval is the non-paralyzable dead time of counters: a record stands for
1 + lambda * tau, lambda = count / (time - count * tau) (Knoll, Radiation Detection and Measurement, ch. 4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from verify.reconcile.observed import CapRule, Keep
from verify.reconcile.records import Bools, Floats, Ints, Records

#: Records on either side from which the local rate is read.
NEIGHBOURS = 10
#: Rounds of un-biasing the sizes of a feed that keeps the largest; more change nothing.
_ROUNDS = 3
_Z_MOST = 200.0
_GOLDEN = 0.6180339887498949  # multiples of it fill the unit interval evenly


@dataclass(frozen=True, slots=True)
class Corrected:
    """Record by record of a capped feed: the dollars it stands for, its own among them, and the local rate `z` (per
    interval). `weight` is the number of liquidations it stands for."""

    usd: Floats
    z: Floats
    weight: Floats


def groups(records: Records, rule: CapRule) -> Ints:
    """The number of the group (instrument, or instrument and side) in which a record competes with others."""
    return records.instrument * 2 + records.long if rule.by_side else records.instrument * 2


def cells(seconds: Floats, rule: CapRule, phase: float = 0.0) -> Ints:
    """The number of the clock interval that each time falls into."""
    return np.floor(seconds / rule.interval + phase + 1e-9).astype(np.int64)


def cap(records: Records, rule: CapRule) -> tuple[Records, Ints]:
    """What a feed under this rule shows of a complete one, and for every record the kept one that stands for it.

    Hidden records belong to the kept one of their cell, or, under `first`, to the one whose dead time they fall into.
    """
    if not len(records):
        return records, np.zeros(0, np.int64)
    group = groups(records, rule)
    order = np.lexsort((records.seconds, group)) if rule.by_side else np.arange(len(records))
    if rule.keep is not Keep.LARGEST:
        order = order[_mixed(group[order], records.seconds[order])]
    group, seconds, usd = group[order], records.seconds[order], records.usd[order]
    cell = _leading(group, seconds, rule.interval) if rule.keep is Keep.FIRST else cells(seconds, rule)
    fresh = np.empty(len(group), bool)
    fresh[0] = True
    fresh[1:] = (group[1:] != group[:-1]) | (cell[1:] != cell[:-1])
    number = np.cumsum(fresh) - 1
    if rule.keep is Keep.LARGEST:
        ranked = np.lexsort((-usd, number))
    elif rule.keep is Keep.LATEST:
        ranked = np.lexsort((-np.arange(len(number)), number))
    else:
        ranked = np.arange(len(number))
    starts = np.flatnonzero(fresh)
    place = np.empty(len(number), np.int64)
    place[ranked] = np.arange(len(number)) - starts[number[ranked]]
    kept = np.sort(order[place < rule.most])
    owner = np.empty(len(number), np.int64)
    best = order[ranked[starts]]
    owner[order] = np.searchsorted(kept, best)[number]
    owner[kept] = np.arange(len(kept))
    return records.take(kept), owner


def _mixed(group: Ints, seconds: Floats) -> Ints:
    """An order in which records of one group and time follow one another regardless of their size.

    Which of them came last is not known. Each run of equals is turned by a step that is spread evenly over the runs,
    so that the same records give the same order.
    """
    count = len(seconds)
    same = np.r_[False, (group[1:] == group[:-1]) & (seconds[1:] == seconds[:-1])]
    if not same.any():
        return np.arange(count)
    starts = np.flatnonzero(~same)
    length = np.diff(np.r_[starts, count])
    number = np.cumsum(~same) - 1
    turn = np.floor((np.arange(len(starts)) * _GOLDEN % 1.0) * length).astype(np.int64)
    place = np.arange(count) - starts[number]
    return np.asarray(starts[number] + (place + turn[number]) % length[number], np.int64)


def _leading(group: Ints, seconds: Floats, interval: float) -> Ints:
    """Numbers of dead times: a new one starts with the first record after the last has passed."""
    # a gap of a whole interval surely ends a dead time; the runs between such gaps are walked through all at once
    gap = np.r_[True, (group[1:] != group[:-1]) | (np.diff(seconds) >= interval)]
    starts = np.flatnonzero(gap)
    ends = np.r_[starts[1:], len(group)]
    live = seconds[ends - 1] - seconds[starts] >= interval
    at, ends = starts[live], ends[live]
    kept = gap.astype(np.int64)
    while len(at):
        at = _after(seconds, at, ends, interval)
        found = at < ends
        at, ends = at[found], ends[found]
        kept[at] = 1
    return np.cumsum(kept)


def _after(seconds: Floats, at: Ints, ends: Ints, interval: float) -> Ints:
    """Per run the first index at least one interval after the one at `at`, by binary search in all runs at once."""
    target = seconds[at] + interval
    low, high = at + 1, ends.copy()
    while True:
        open_ = low < high
        if not open_.any():
            return low
        middle = (low + high) // 2
        below = np.zeros(len(low), bool)
        below[open_] = seconds[middle[open_]] < target[open_]
        low = np.where(open_ & below, middle + 1, low)
        high = np.where(open_ & ~below, middle, high)


def correct(records: Records, rule: CapRule, length: float, phase: float = 0.0) -> Corrected:
    """What the records of a capped feed stand for, under this rule, in a window of `length` seconds."""
    if not len(records):
        return Corrected(np.zeros(0), np.zeros(0), np.zeros(0))
    group = groups(records, rule)
    order = np.lexsort((records.seconds, group)) if rule.by_side else np.arange(len(records))
    group, seconds, usd = group[order], records.seconds[order], records.usd[order]
    span = max(length / rule.interval, 1.0)
    if rule.keep is Keep.FIRST:
        z = _leading_rate(group, seconds, rule.interval, span)
        weight = 1.0 + z
        stands = usd * weight
    else:
        cell = cells(seconds, rule, phase)
        z = _rate(group, cell, np.zeros(len(usd)), span)
        if rule.most > 1:
            weight = z / _mean_kept(z, rule.most)
            stands = usd * weight
        elif rule.keep is Keep.LATEST:
            place = seconds / rule.interval + phase - cell
            if resolved(seconds, rule.interval):
                z = _rate(group, cell, np.clip(place, 0.0, 1.0), span)
            weight = _inverse_inclusion(z)
            stands = usd * weight
        else:
            z, stands = _largest(group, cell, usd, z, span)
            weight = _inverse_inclusion(z)
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return Corrected(stands[back], z[back], weight[back])


def resolved(seconds: Floats, interval: float) -> bool:
    """Whether the times are finer than the interval, so that the place in it says something."""
    if len(seconds) < 10:
        return False
    some = seconds[:: max(len(seconds) // 2000, 1)]
    _, counts = np.unique(np.round((some / interval) % 1.0, 4), return_counts=True)
    return bool(counts.max() < 0.5 * len(some))


def floored(records: Records, rule: CapRule) -> Records:
    """The same without the place in the interval, so that rates come from occupancy alone."""
    return replace(records, seconds=np.floor(records.seconds / rule.interval + 1e-9) * rule.interval)


def _window_of(group: Ints) -> tuple[Ints, Ints]:
    """Indices of the tenth neighbour on either side within the group."""
    count = len(group)
    fresh = np.r_[True, group[1:] != group[:-1]]
    number = np.cumsum(fresh) - 1
    starts = np.flatnonzero(fresh)
    ends = np.r_[starts[1:], count] - 1
    index = np.arange(count)
    return np.maximum(index - NEIGHBOURS, starts[number]), np.minimum(index + NEIGHBOURS, ends[number])


def _rate(group: Ints, cell: Ints, mark: Floats, span: float) -> Floats:
    """Liquidations per interval around each record; `mark` is the u of the likelihood, zero where none is known."""
    low, high = _window_of(group)
    seen = (high - low).astype(float)
    intervals = (cell[high] - cell[low]).astype(float)
    if mark.any():
        exposed = np.cumsum(1.0 - mark)
        time = (exposed[high] - exposed[low]) + np.maximum(intervals - seen, 0.0)
        z = np.maximum(seen - 1.0, 0.5) / np.maximum(time, 1e-3)
    else:
        share = (seen - 0.5) / np.maximum(intervals, 1.0)
        z = -np.log1p(-np.clip(share, 0.0, 1.0 - 0.5 / np.maximum(intervals, 1.0)))
    alone = 1.0 / span
    z = np.where(seen > 0, z, alone)
    return np.clip(z, 1e-9, _Z_MOST)


def _leading_rate(group: Ints, seconds: Floats, interval: float, span: float) -> Floats:
    low, high = _window_of(group)
    seen = (high - low).astype(float)
    live = (seconds[high] - seconds[low]) / interval - seen
    z = np.where(seen > 0, np.maximum(seen - 1.0, 0.5) / np.maximum(live, 0.02 * np.maximum(seen, 1.0)), 1.0 / span)
    return np.clip(z, 1e-9, _Z_MOST)


def _inverse_inclusion(z: Floats) -> Floats:
    return np.asarray(z / -np.expm1(-z))


def _mean_kept(z: Floats, most: int) -> Floats:
    """E[min(N, most)] of a Poisson number."""
    term = np.exp(-z)
    below = term.copy()
    mean = np.zeros_like(z)
    for kept in range(1, most + 1):
        mean += 1.0 - below
        term = term * z / kept
        below = below + term
    return np.maximum(mean, 1e-12)


def _largest(group: Ints, cell: Ints, usd: Floats, z: Floats, span: float) -> tuple[Floats, Floats]:
    """Rates and dollars where the largest is kept: the sizes' distribution is un-biased from the maxima in rounds."""
    scale = _scale(group, usd)
    size = usd / scale
    order = np.argsort(size, kind="stable")
    rank = np.empty(len(order))
    moment = np.empty(len(order))
    mark = np.full(len(order), 0.5)
    occupied = z
    for _ in range(_ROUNDS):
        # the density of one size over that of the largest of N > 0, with N ~ Poisson(z) and rank u
        weight = np.exp(_log_expm1(z) - np.log(z) - z * mark)
        ordered = np.maximum(weight[order], 1e-300)
        total = ordered.sum()
        rank[order] = (np.cumsum(ordered) - 0.5 * ordered) / total
        moment[order] = (np.cumsum(ordered * size[order]) - 0.5 * ordered * size[order]) / total
        mark = rank
        # occupancy until intervals fill up, ranks beyond
        ranked = _rate(group, cell, mark, span)
        filled = np.clip((occupied - 1.0) / 1.5, 0.0, 1.0)
        z = np.exp((1.0 - filled) * np.log(occupied) + filled * np.log(np.maximum(ranked, occupied * 0.7)))
    return z, usd + z * moment * scale


def _log_expm1(z: Floats) -> Floats:
    return np.asarray(np.where(z > 30.0, z, np.log(np.expm1(np.minimum(z, 30.0)))))


def _scale(group: Ints, usd: Floats) -> Floats:
    """A typical size of each group: the exponential of the mean logarithm, shrunk to the feed's by ten records."""
    logs = np.log(usd)
    number = np.unique(group, return_inverse=True)[1]
    count = np.bincount(number)
    mean = np.bincount(number, weights=logs) / count
    overall = float(logs.mean())
    return np.asarray(np.exp((count * mean + 10.0 * overall) / (count + 10.0)))[number]


def excess(records: Records, rule: CapRule, phase: float = 0.0) -> Bools:
    """Which records a feed under this rule could not have shown beside their predecessor."""
    group = groups(records, rule)
    order = np.lexsort((records.seconds, group)) if rule.by_side else np.arange(len(records))
    group, seconds = group[order], records.seconds[order]
    over = np.zeros(len(order), bool)
    step = rule.most
    if len(order) > step:
        same = group[step:] == group[:-step]
        if rule.keep is Keep.FIRST:
            over[step:] = same & (seconds[step:] - seconds[:-step] < rule.interval * 0.999)
        else:
            cell = cells(seconds, rule, phase)
            over[step:] = same & (cell[step:] == cell[:-step])
    result = np.zeros(len(order), bool)
    result[order] = over
    return result
