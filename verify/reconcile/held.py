"""One table held against another that shows the same liquidations: what is wrong with its times, sides and amounts.

The two may descend from one feed: that is one vote about the market and two about the reading. Rows of one are found
again in the other by instrument's asset, time and, where both tell it, price; never by what may be wrong. Nothing is
mended: a fault is named with the share of rows that shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from verify.model.window import Window, duration_words
from verify.reconcile.records import Bools, Floats, Ints

HOUR = 3600.0
#: Rows that must be found again before anything is said.
LEAST = 5
#: Zones are whole quarters of an hour, and at most fourteen hours from Greenwich.
_STEP, _FURTHEST = 900.0, 14 * HOUR
#: How far, in seconds, two clocks may be apart; the second is for times that tell the minute only.
_TOLERANCES = (1.0, 60.0)
#: A log ratio below the first is agreement (bases differ); rows agree on a factor when within the second of it.
_AGREE, _TIGHT = 0.15, 0.1
#: A lag is named when it explains so many times the rows that any other does: cascades make neighbours by chance.
_STANDS_OUT = 1.5
#: So many rows are enough to find the lag by.
_MOST_TRIED = 20_000
_ROUND = np.array([1.0, 2.0, 2.5, 5.0])
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a table looks like. `amount` is the factor that would put it right, or the hours by which it is late;
    `share` is that of the rows compared which show it."""

    code: str
    text: str
    share: float
    against: str = ""
    amount: float | None = None
    asset: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one channel shows, also outside the window. `events` pass `verify.model.frames.EVENTS`."""

    id: str
    events: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Rows:
    """Events as arrays in the order of time. `seconds` count from the start of the window."""

    seconds: Floats
    asset: Ints
    long: Bools
    usd: Floats
    coins: Floats
    price: Floats

    def take(self, which: Ints | Bools) -> _Rows:
        return _Rows(
            self.seconds[which], self.asset[which], self.long[which], self.usd[which], self.coins[which],
            self.price[which],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.seconds)


def suspicions(mine: Shown, theirs: Shown, window: Window) -> tuple[Suspicion, ...]:
    """What comparison with `theirs` says of `mine`, over one window; nothing where too few rows can be compared.

    Only venues and assets that both show are compared.
    """
    events, others = _common(mine.events, theirs.events)
    codes = {name: code for code, name in enumerate(sorted({*events["asset"].unique(), *others["asset"].unique()}))}
    length = window.length.total_seconds()
    theirs_rows = _rows(others, codes, window)
    theirs_rows = theirs_rows.take((theirs_rows.seconds >= 0) & (theirs_rows.seconds < length))
    rows = _rows(events, codes, window)
    found: list[Suspicion] = []
    if len(theirs_rows) >= LEAST and len(rows) >= LEAST:
        rows, unit = _unit(rows, window.start.timestamp(), length)
        rows = rows.take((rows.seconds > -2 * _DAY) & (rows.seconds < length + 2 * _DAY))
        found += [unit] if unit else []
        found += _compared(rows, theirs_rows, {code: name for name, code in codes.items()}, length)
    return tuple(replace(one, against=theirs.id) for one in found)


def _common(mine: pl.DataFrame, theirs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    for column in ("venue", "asset"):
        both = sorted(set(mine[column].unique()) & set(theirs[column].unique()))
        mine, theirs = mine.filter(pl.col(column).is_in(both)), theirs.filter(pl.col(column).is_in(both))
    return mine, theirs


def _rows(events: pl.DataFrame, codes: Mapping[str, int], window: Window) -> _Rows:
    start = round(window.start.timestamp() * 1e6)
    frame = events.select(
        seconds=(pl.col("time").dt.epoch("us") - start) / 1e6,
        asset=pl.col("asset").replace_strict(dict(codes), default=-1, return_dtype=pl.Int64),
        long=pl.col("side") == "long",
        usd=pl.col("notional_usd").fill_null(float("nan")),
        coins=pl.col("quantity").fill_null(float("nan")),
        price=pl.col("price").fill_null(float("nan")),
    ).sort("seconds", "asset", "long", "usd", "coins")
    return _Rows(*(frame[name].to_numpy() for name in frame.columns))


def _unit(rows: _Rows, epoch: float, length: float) -> tuple[_Rows, Suspicion | None]:
    """Times a thousand times too large or too small."""
    near = (rows.seconds > -_DAY) & (rows.seconds < length + _DAY)
    if near.mean() > 0.1:
        return rows, None
    for factor, what in ((1e-3, "milliseconds read as seconds"), (1e3, "seconds read as milliseconds")):
        moved = (rows.seconds + epoch) * factor - epoch
        share = float(((moved > -_DAY) & (moved < length + _DAY)).mean())
        if share > 0.5:
            text = f"its times look like {what}: {share:.0%} of them lie near the window so, {near.mean():.0%} as is"
            return replace(rows, seconds=moved), Suspicion("milliseconds_as_seconds", text, share, amount=factor)
    return rows, None


@dataclass(frozen=True, slots=True)
class _Match:
    """How rows are found again: at which lag, by price or not, within how many seconds, and how many of how many."""

    lag: float
    by_price: bool
    tolerance: float
    hits: int
    at_zero: int
    possible: int


def _compared(rows: _Rows, theirs: _Rows, names: Mapping[int, str], length: float) -> list[Suspicion]:
    found: list[Suspicion] = []
    match = _match(rows, theirs, length)
    if match is None:
        return [one for one in (_repeats_itself(rows, length),) if one]
    if match.lag:
        found.append(_shift(match))
    rows = replace(rows, seconds=rows.seconds - match.lag)
    rows = rows.take((rows.seconds >= -match.tolerance) & (rows.seconds < length + match.tolerance))
    found += [one for one in (_doubled(rows, theirs), _ends(rows, theirs, match)) if one]
    mine_at, theirs_at = _pairs(rows, theirs, match)
    if len(mine_at) >= LEAST:
        pairs = rows.take(mine_at), theirs.take(theirs_at)
        found += [one for one in (_sides(*pairs),) if one]
        found += _amounts(*pairs, names)
    return found


def _match(rows: _Rows, theirs: _Rows, length: float) -> _Match | None:
    """The lag at which most rows are found again, if that stands out from what any lag gives by chance."""
    steps = np.arange(-round(_FURTHEST / _STEP), round(_FURTHEST / _STEP) + 1) * _STEP
    if len(theirs) > _MOST_TRIED:
        theirs = theirs.take(np.linspace(0, len(theirs) - 1, _MOST_TRIED).astype(np.int64))
    for tolerance in _TOLERANCES:
        for by_price in (True, False):
            keys = _keys(rows, theirs, by_price)
            if keys is None:
                continue
            index = _Index(rows.seconds, keys[0])
            hits = np.array([(index.nearest(theirs.seconds + lag, keys[1])[1] <= tolerance).sum() for lag in steps])
            possible = np.array([_possible(rows, theirs, lag, length) for lag in steps])
            zero, best = len(steps) // 2, int(hits.argmax())
            if hits[zero] >= 0.7 * hits[best]:
                best = zero  # as it stands is the first choice: another lag must explain clearly more
            by_chance = int(np.delete(hits, best).max())
            enough = hits[best] >= LEAST and hits[best] >= 0.4 * possible[best]
            if enough and hits[best] > (1.2 if best == zero else _STANDS_OUT) * by_chance + 2 * np.sqrt(by_chance + 1):
                lag, at_zero = float(steps[best]), int(hits[zero])
                match = _Match(lag, by_price, tolerance, int(hits[best]), at_zero, int(possible[best]))
                if by_price or _coherent(replace(rows, seconds=rows.seconds - lag), theirs, match):
                    return match
    return None


def _coherent(rows: _Rows, theirs: _Rows, match: _Match) -> bool:
    """Whether rows that are neighbours in time tell one amount, but for a factor of their asset: if they do not, they
    are neighbours by chance."""
    mine_at, theirs_at = _pairs(rows, theirs, match)
    if len(mine_at) < LEAST:
        return False
    mine, other = rows.take(mine_at), theirs.take(theirs_at)
    agreeing = told = 0
    for ratio in (np.log(other.usd / mine.usd), np.log(other.coins / mine.coins)):
        for code in np.unique(mine.asset):
            some = ratio[(mine.asset == code) & np.isfinite(ratio)]
            if len(some) >= 3:
                told += len(some)
                agreeing += int((np.abs(some - np.median(some)) < 0.02).sum())
    return told >= LEAST and agreeing >= 0.4 * told


def _possible(rows: _Rows, theirs: _Rows, lag: float, length: float) -> int:
    inside = int(((rows.seconds - lag >= 0) & (rows.seconds - lag < length)).sum())
    return max(min(inside, len(theirs)), 1)


def _keys(rows: _Rows, theirs: _Rows, by_price: bool) -> tuple[Ints, Ints] | None:
    """A number for each row such that equal ones may be the same liquidation; None where prices are not told."""
    if not by_price:
        return rows.asset, theirs.asset
    if np.isfinite(rows.price).mean() < 0.5 or np.isfinite(theirs.price).mean() < 0.5:
        return None
    both = np.stack(
        [np.r_[rows.asset, theirs.asset].astype(float), np.nan_to_num(np.r_[rows.price, theirs.price], nan=-1.0)]
    )
    both[1] = np.array([float(f"{price:.9g}") for price in both[1]])
    _, code = np.unique(both, axis=1, return_inverse=True)
    code = code.reshape(-1)
    return code[: len(rows)], code[len(rows) :]


class _Index:
    """Times by key, to find the nearest one to a time; built once and asked for every lag."""

    def __init__(self, seconds: Floats, key: Ints) -> None:
        self._seconds, self._key = seconds, key
        self._order = np.lexsort((seconds, key))
        self._first = float(seconds.min(initial=0.0)) - 2 * _DAY
        self._span = float(seconds.max(initial=0.0)) - self._first + 2 * _DAY  # so that keys do not overlap
        self._line = key[self._order] * self._span + (seconds[self._order] - self._first)

    def nearest(self, seconds: Floats, key: Ints) -> tuple[Ints, Floats]:
        """For each time the nearest one of the same key: its place, and how far away it is (infinite: none)."""
        best = np.full(len(seconds), -1, dtype=np.int64)
        gap = np.full(len(seconds), np.inf)
        if not len(self._line):
            return best, gap
        wanted = key * self._span + np.clip(seconds - self._first, 0.0, self._span)
        right = np.searchsorted(self._line, wanted)
        for place in (right - 1, right):
            inside = (place >= 0) & (place < len(self._line))
            at = self._order[np.clip(place, 0, len(self._line) - 1)]
            away = np.where(inside & (self._key[at] == key), np.abs(self._seconds[at] - seconds), np.inf)
            nearer = away < gap
            best[nearer], gap[nearer] = at[nearer], away[nearer]
        return best, gap


def _pairs(rows: _Rows, theirs: _Rows, match: _Match) -> tuple[Ints, Ints]:
    """Rows that are each other's nearest."""
    keys = _keys(rows, theirs, match.by_price)
    assert keys is not None
    to_theirs, gap = _Index(theirs.seconds, keys[1]).nearest(rows.seconds, keys[0])
    to_mine, _ = _Index(rows.seconds, keys[0]).nearest(theirs.seconds, keys[1])
    near = np.flatnonzero(gap <= match.tolerance)
    mutual = near[to_mine[to_theirs[near]] == near]
    return mutual, to_theirs[mutual]


def _shift(match: _Match) -> Suspicion:
    hours = match.lag / HOUR
    text = shift_words(hours, match.hits, match.possible, match.at_zero, "rows")
    return Suspicion("shifted", text, match.hits / match.possible, amount=hours)


def shift_words(hours: float, hits: int, possible: int, at_zero: int, what: str) -> str:
    """How a shift is said; `hours` is by how much the table is late."""
    late, sign = ("later", "+") if hours > 0 else ("earlier", "-")
    return (
        f"shifted by {hours:g} h: {hits} of {possible} {what} stand {abs(hours):g} h {late} than the same liquidations"
        f" there ({at_zero} match as they stand); it looks like the time of UTC{sign}{abs(hours):g} taken for UTC"
    )


def _doubled(rows: _Rows, theirs: _Rows) -> Suspicion | None:
    mine, other = _repeats(rows), _repeats(theirs)
    again = round(mine * len(rows))
    if again < LEAST or mine < 0.05 or mine < 3 * other + 0.02:
        return None
    text = f"rows doubled: {again} of {len(rows)} rows repeat another exactly, where {other:.0%} do there"
    return Suspicion("doubled", text, mine)


def _repeats(rows: _Rows) -> float:
    if not len(rows):
        return 0.0
    table = np.stack([rows.seconds, rows.asset, rows.long, np.nan_to_num(rows.usd), np.nan_to_num(rows.coins)])
    return float(1.0 - np.unique(table, axis=1).shape[1] / len(rows))


def _ends(rows: _Rows, theirs: _Rows, match: _Match) -> Suspicion | None:
    """It stops while the other goes on."""
    after = theirs.seconds > rows.seconds.max(initial=0.0) + match.tolerance
    share, missed = float(after.mean()), int(after.sum())
    if missed < 2 * LEAST or share < 0.1 or missed < 3 * len(theirs) / max(match.hits, 1):
        return None
    from datetime import timedelta

    quiet = timedelta(seconds=round(float(theirs.seconds.max() - rows.seconds.max(initial=0.0))))
    after_that = f"{missed} ({share:.0%}) of its rows"
    text = f"stale: it ends {duration_words(quiet)} before the other, which shows {after_that} after that"
    return Suspicion("stale", text, share)


def _repeats_itself(rows: _Rows, length: float) -> Suspicion | None:
    """None of its rows is found again, and they are those that it had one window before."""
    inside = (rows.seconds >= 0) & (rows.seconds < length)
    before = (rows.seconds >= -length) & (rows.seconds < 0)
    if inside.sum() < LEAST or before.sum() < LEAST:
        return None

    def told(which: Bools, moved: float) -> set[tuple[float, ...]]:
        some = rows.take(which)
        return set(zip(np.round(some.seconds + moved, 3), some.asset, some.long, np.nan_to_num(some.usd), strict=True))

    now, then = told(inside, 0.0), told(before, length)
    share = len(now & then) / max(len(now), 1)
    if share < 0.5:
        return None
    text = f"stale: {share:.0%} of its rows are those of the window before, and none is found again there"
    return Suspicion("stale", text, share)


def _sides(mine: _Rows, theirs: _Rows) -> Suspicion | None:
    other = int((mine.long != theirs.long).sum())
    share = other / len(mine)
    if share < 0.8:
        return None
    text = f"sides swapped: {other} of {len(mine)} liquidations found again stand on the other side there"
    return Suspicion("sides_swapped", text, share)


@dataclass(frozen=True, slots=True)
class Factor:
    """By how much mine must be multiplied to be theirs, in one asset, and the share of rows that agree on it."""

    asset: str
    factor: float
    share: float
    rows: int
    price: float


def _amounts(mine: _Rows, theirs: _Rows, names: Mapping[int, str]) -> list[Suspicion]:
    """Amounts that differ by a factor: all of them, all of one asset, or each asset by its own."""
    money = np.isfinite(mine.usd) & np.isfinite(theirs.usd)
    in_coins = not money.any()
    ratio = np.log(theirs.coins / mine.coins) if in_coins else np.log(theirs.usd / mine.usd)
    factors = []
    for code in np.unique(mine.asset):
        which = (mine.asset == code) & np.isfinite(ratio)
        if which.sum() < 3:
            continue
        middle = float(np.median(ratio[which]))
        share = float((np.abs(ratio[which] - middle) < _TIGHT).mean())
        price = float(np.nanmedian(theirs.price[which])) if np.isfinite(theirs.price[which]).any() else float("nan")
        if share >= 0.6:
            factors.append(Factor(names[int(code)], float(np.exp(middle)), share, int(which.sum()), price))
    return amounts_named(factors, "rows")


def amounts_named(factors: Sequence[Factor], what: str) -> list[Suspicion]:
    """The faults that factors by asset amount to; `what` is what was compared ("rows", "sums")."""
    off = [one for one in factors if abs(np.log(one.factor)) > _AGREE]
    if not off:
        return []
    share = sum(one.share * one.rows for one in off) / sum(one.rows for one in off)
    rows = sum(round(one.share * one.rows) for one in off)
    if all(abs(np.log(one.factor / one.price)) < _AGREE and abs(np.log(one.price)) > 1 for one in off):
        text = f"looks like quantities without their price: {rows} {what} are right once they are multiplied by it"
        return [Suspicion("quantity_without_price", text, share)]
    if len(off) * 2 <= len(factors):
        return [_one_asset(one, len(factors), what) for one in off if _is_round(one.factor) or one.rows >= 2 * LEAST]
    alike = max(one.factor for one in off) / min(one.factor for one in off) < 1.1
    each = [off[0]] if alike else off
    if not all(_is_round(one.factor) for one in each):
        if not alike:
            return []
        text = f"its amounts differ by a constant factor: {rows} {what} agree once multiplied by {off[0].factor:.3g}"
        return [Suspicion("constant_factor", text, share, amount=off[0].factor)]
    said = ", ".join(f"x {_rounded(one.factor):g}" + ("" if alike else f" ({one.asset})") for one in each)
    text = f"looks like contracts {said}: {rows} of {sum(one.rows for one in off)} {what} agree with the other so"
    if alike and len(off) > 1 and abs(np.log10(off[0].factor)) > 0.9:
        text += f"; or all of it is {_times(1 / off[0].factor)}"
    return [
        Suspicion(
            "contracts_as_coins",
            text,
            share,
            amount=_rounded(each[0].factor),
            asset=off[0].asset if len(off) == 1 else "",
        )
    ]


def _one_asset(one: Factor, of: int, what: str) -> Suspicion:
    others = "the other asset" if of == 2 else f"the {of - 1} other assets"
    text = f"{one.asset} is {_times(1 / one.factor)} as there, in {one.share:.0%} of {one.rows} {what}, unlike {others}"
    return Suspicion("asset_scaled", text, one.share, amount=one.factor, asset=one.asset)


def _times(factor: float) -> str:
    return f"{_rounded(factor):,.10g} times as large" if factor > 1 else f"1/{_rounded(1 / factor):,.10g} as large"


def _rounded(factor: float) -> float:
    """The nearest of 1, 2, 2.5 or 5 times a power of ten, if it is within four per cent; else three digits."""
    power = 10.0 ** np.floor(np.log10(factor))
    candidates = np.r_[_ROUND * power, 10 * power]
    nearest = float(candidates[np.abs(np.log(candidates / factor)).argmin()])
    return float(f"{nearest:.6g}") if abs(np.log(nearest / factor)) < 0.04 else float(f"{factor:.3g}")


def _is_round(factor: float) -> bool:
    power = 10.0 ** np.floor(np.log10(factor))
    return bool(np.abs(np.log(np.r_[_ROUND, 10.0] * power / factor)).min() < 0.04)
