"""Sums against sums, or against events: the same faults as in `verify.reconcile.held`, read from cells.

A cell is what is told for one interval, asset and side. Where one of the two tells events they are added up to the
intervals of the other; where both tell bars, the coarser intervals decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from verify.model.window import Window
from verify.reconcile.held import HOUR, Factor, Suspicion, amounts_named, shift_words
from verify.reconcile.records import Floats, Ints

#: Cells that must be comparable before anything is said.
LEAST = 4
_STEP, _FURTHEST = 900.0, 14 * HOUR
_CLOSE = 0.05  # log: cells of one feed by two readers agree within this
#: Two tables of other liquidations hardly ever agree this closely, so that few such cells are enough.
_EXACT, _LEAST_EXACT = 0.003, 3
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Sums:
    """What one channel shows, also outside the window: a frame of events or of bars."""

    id: str
    frame: pl.DataFrame

    @property
    def bars(self) -> bool:
        return "start" in self.frame.columns


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Amounts with the asset, side and time that they belong to; `end` equals `start` for events."""

    start: Floats
    end: Floats
    asset: Ints
    side: Ints  # 0 long, 1 short, 2 both
    usd: Floats

    def moved(self, seconds: float) -> _Pieces:
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Dollars of both by cell: (asset, long, short, total) for mine and theirs, where both tell the interval."""

    asset: Ints
    mine: Floats  # cells x 3: long, short, total
    theirs: Floats
    start: Floats


def against_sums(mine: Sums, theirs: Sums, window: Window) -> tuple[Suspicion, ...]:
    """What comparison with `theirs` says of `mine`, where at least one of them tells sums."""
    left, right = _common(mine.frame, theirs.frame)
    names = sorted({*left["asset"].unique(), *right["asset"].unique()})
    codes = {name: code for code, name in enumerate(names)}
    length = window.length.total_seconds()
    ours, others = _pieces(left, codes, window), _pieces(right, codes, window)
    inside = (others.start >= 0) & (others.end <= length)
    others = _Pieces(*(getattr(others, name)[inside] for name in ("start", "end", "asset", "side", "usd")))
    if len(ours.usd) < LEAST or len(others.usd) < LEAST:
        return ()
    ours, found = _unit(ours, window.start.timestamp(), length)
    found = [*found, *_compared(ours, others, names)]
    return tuple(replace(one, against=theirs.id) for one in found)


def _common(mine: pl.DataFrame, theirs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    for column in ("venue", "asset"):
        both = sorted(set(mine[column].unique()) & set(theirs[column].unique()))
        mine, theirs = mine.filter(pl.col(column).is_in(both)), theirs.filter(pl.col(column).is_in(both))
    return mine, theirs


def _pieces(frame: pl.DataFrame, codes: dict[str, int], window: Window) -> _Pieces:
    start, end = ("start", "end") if "start" in frame.columns else ("time", "time")
    epoch = round(window.start.timestamp() * 1e6)
    sides = {"long": 0, "short": 1, "both": 2}
    table = frame.filter(pl.col("notional_usd").is_not_null()).select(
        a=(pl.col(start).dt.epoch("us") - epoch) / 1e6,
        b=(pl.col(end).dt.epoch("us") - epoch) / 1e6,
        asset=pl.col("asset").replace_strict(codes, default=-1, return_dtype=pl.Int64),
        side=pl.col("side").replace_strict(sides, default=2, return_dtype=pl.Int64),
        usd="notional_usd",
    )
    return _Pieces(*(table[name].to_numpy() for name in ("a", "b", "asset", "side", "usd")))


def _unit(ours: _Pieces, epoch: float, length: float) -> tuple[_Pieces, list[Suspicion]]:
    near = (ours.start > -_DAY) & (ours.start < length + _DAY)
    if near.mean() > 0.1:
        return ours, []
    for factor, what in ((1e-3, "milliseconds read as seconds"), (1e3, "seconds read as milliseconds")):
        moved = (ours.start + epoch) * factor - epoch
        share = float(((moved > -_DAY) & (moved < length + _DAY)).mean())
        if share > 0.5:
            text = f"its times look like {what}: {share:.0%} of them lie near the window so"
            ended = (ours.end + epoch) * factor - epoch
            return replace(ours, start=moved, end=ended), [
                Suspicion("milliseconds_as_seconds", text, share, amount=factor)
            ]
    return ours, []


def _compared(ours: _Pieces, others: _Pieces, names: Sequence[str]) -> list[Suspicion]:
    steps = np.arange(-round(_FURTHEST / _STEP), round(_FURTHEST / _STEP) + 1) * _STEP
    tried = [_cells(ours.moved(-lag), others) for lag in steps]
    hits = np.array([_agreeing(cells, _CLOSE) for cells in tried])
    exact = np.array([_agreeing(cells, _EXACT) for cells in tried])
    sizes = np.array([len(cells.asset) - len(np.unique(cells.asset)) for cells in tried])
    zero = len(steps) // 2
    best = int((hits + exact).argmax())
    found: list[Suspicion] = []
    if hits[zero] >= 0.7 * hits[best]:
        best = zero
    closely = exact[best] >= _LEAST_EXACT and exact[best] >= 0.5 * sizes[best]
    loosely = hits[best] >= LEAST and hits[best] >= 0.6 * sizes[best]
    if not (closely or loosely) or hits[best] <= 2 * float(np.median(hits)) + 2:
        return found
    if best != zero:
        text = shift_words(steps[best] / HOUR, int(hits[best]), int(sizes[best]), int(hits[zero]), "sums")
        found.append(Suspicion("shifted", text, float(hits[best] / sizes[best]), amount=float(steps[best] / HOUR)))
    cells = tried[best]
    turned = _sides(cells)
    found += [turned] if turned else []
    return found + _amounts(cells, names)


def _cells(ours: _Pieces, others: _Pieces) -> _Cells:
    """Both added up to the intervals of the coarser one."""
    ours_longer = float(np.median(ours.end - ours.start)) > float(np.median(others.end - others.start))
    grid, finer = (ours, others) if ours_longer else (others, ours)
    edges = np.unique(np.stack([grid.start, grid.end], axis=1), axis=0)
    coarse, fine = _added(grid, edges), _added(finer, edges)
    both = sorted(coarse.keys() & fine.keys())
    mine, theirs = (coarse, fine) if ours_longer else (fine, coarse)
    rows = [(key, mine[key], theirs[key]) for key in both if mine[key][2] > 0 and theirs[key][2] > 0]
    return _Cells(
        np.array([key[1] for key, _, _ in rows], dtype=np.int64),
        np.array([a for _, a, _ in rows]).reshape(-1, 3),
        np.array([b for _, _, b in rows]).reshape(-1, 3),
        np.array([key[0] for key, _, _ in rows], dtype=float),
    )


def _added(pieces: _Pieces, edges: Floats) -> dict[tuple[float, int], Floats]:
    """Long, short and total dollars by interval (its start) and asset; pieces that lie in no interval are left out."""
    place = np.searchsorted(edges[:, 0], pieces.start + 1e-6, side="right") - 1
    inside = (place >= 0) & (pieces.end <= edges[np.clip(place, 0, len(edges) - 1), 1] + 1e-6)
    inside &= pieces.start < edges[np.clip(place, 0, len(edges) - 1), 1]
    found: dict[tuple[float, int], Floats] = {}
    keys = np.stack([place[inside], pieces.asset[inside], pieces.side[inside]], axis=1)
    if not len(keys):
        return found
    unique, code = np.unique(keys, axis=0, return_inverse=True)
    sums = np.bincount(code.reshape(-1), weights=pieces.usd[inside])
    for (at, asset, side), usd in zip(unique, sums, strict=True):
        cell = found.setdefault((float(edges[at, 0]), int(asset)), np.zeros(3))
        cell[2] += usd
        if side < 2:
            cell[side] += usd
    return found


def _agreeing(cells: _Cells, within: float) -> int:
    """How many cells agree once each asset has its own factor; the median of each fits itself and does not count."""
    count = 0
    for asset in np.unique(cells.asset):
        which = cells.asset == asset
        ratio = np.log(cells.theirs[which, 2] / cells.mine[which, 2])
        if len(ratio) >= 2:
            count += int((np.abs(ratio - np.median(ratio)) < within).sum()) - 1
    return count


def _sides(cells: _Cells) -> Suspicion | None:
    """Swapped sides: cells agree when turned round and not as they stand."""
    told = (cells.mine[:, :2].sum(1) > 0) & (cells.theirs[:, :2].sum(1) > 0)
    if told.sum() < LEAST:
        return None
    mine = cells.mine[told, 0] / cells.mine[told, :2].sum(1)
    theirs = cells.theirs[told, 0] / cells.theirs[told, :2].sum(1)
    unlike = np.abs(theirs - 0.5) > 0.03  # halves tell nothing
    if unlike.sum() < LEAST:
        return None
    plain = np.abs(mine - theirs)[unlike] < 0.02
    turned = np.abs((1 - mine) - theirs)[unlike] < 0.02
    share = float(turned.mean())
    if share < 0.6 or plain.mean() > 0.5 * share:
        return None
    text = f"sides swapped: {int(turned.sum())} of {int(unlike.sum())} sums agree when its sides are turned round"
    return Suspicion("sides_swapped", f"{text}, {int(plain.sum())} as they stand", share)


def _amounts(cells: _Cells, names: Sequence[str]) -> list[Suspicion]:
    factors = []
    for asset in np.unique(cells.asset):
        which = cells.asset == asset
        ratio = np.log(cells.theirs[which, 2] / cells.mine[which, 2])
        middle = float(np.median(ratio))
        share = float((np.abs(ratio - middle) < 2 * _CLOSE).mean())
        exact = len(ratio) >= 2 and float((np.abs(ratio - middle) < _EXACT).mean()) > 0.9
        if exact or (len(ratio) >= LEAST and share >= 0.75):
            factors.append(Factor(names[int(asset)], float(np.exp(middle)), share, len(ratio), float("nan")))
    return [_as_twice(one) for one in amounts_named(factors, "sums")]


def _as_twice(one: Suspicion) -> Suspicion:
    """Sums twice as large are those of rows that were counted twice, not of contracts of half a coin."""
    if one.amount is None or abs(np.log(one.amount * 2)) > 0.05 or one.code == "asset_scaled":
        return one
    text = f"rows doubled: its sums are twice those of the other in {one.share:.0%} of the cells"
    return replace(one, code="doubled", text=text, amount=0.5)
