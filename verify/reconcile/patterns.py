"""What the differences of two tables look like: a factor, a sign, a shift of times, swapped columns, rows doubled.

A pattern is named where most cells that differ show it, and enough of them do; noise shows none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from verify.model.reconciliation import Diagnosis
from verify.reconcile.records import Bools, Floats

Limits = Callable[[str], tuple[float, float]]
#: Cells that must show a pattern, and the share of those that differ.
LEAST, SHARE = 5, 0.8
#: Ratios agree on a factor when their logs are within this.
_CLOSE = 0.005
_TRIED = 5_000
_MOST_GROUPS = 200
_MINUTES = 15
_DAYS = (-7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7)
_LAGS = (*range(-14 * 60, 14 * 60 + 1, _MINUTES), *(day * 1440 for day in _DAYS))


def diagnosed(
    left: pl.DataFrame,
    right: pl.DataFrame,
    both: pl.DataFrame,
    keys: Sequence[str],
    values: Sequence[str],
    limits: Limits,
    names: tuple[str, str],
    nth: str,
) -> Iterator[Diagnosis]:
    """The patterns of one pair; `both` has the second table's values with a NUL after their names."""
    yield from _doubled(left, right, names, nth)
    shifted = list(_shifted(left, right, keys, values, names, nth))
    yield from shifted
    if shifted:
        return  # cells of the wrong time have no pattern of their own
    swapped = list(_swapped(both, values, limits, names))
    yield from swapped
    gone = {column for one in swapped for column in one.column.split(", ")}
    for column in values:
        if column not in gone:
            yield from _column(both, column, keys, limits(column), names)


def _doubled(left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, str], nth: str) -> Iterator[Diagnosis]:
    for mine, other, name, against in ((left, right, names[0], names[1]), (right, left, names[1], names[0])):
        again, there = int((mine[nth] > 0).sum()), int((other[nth] > 0).sum())
        share = again / max(mine.height, 1)
        if again >= LEAST and share >= 0.05 and share > 3 * there / max(other.height, 1) + 0.02:
            text = f"{name}: {again} of {mine.height} rows repeat a key, {there} do in {against}: rows doubled?"
            yield Diagnosis("duplicates", text, share)


def _column(
    both: pl.DataFrame, column: str, keys: Sequence[str], limits: tuple[float, float], names: tuple[str, str]
) -> Iterator[Diagnosis]:
    """Factor, sign or constant difference of one column: of all of it, or of one value of a key."""
    pair = [column, f"{column}\x00"]
    told = both.select(*keys, *pair).drop_nulls(pair)
    a, b = (told[one].to_numpy() for one in pair)
    apart = np.abs(a - b) > np.maximum(limits[0], limits[1] * np.maximum(np.abs(a), np.abs(b)))
    if apart.sum() < LEAST:
        return
    if whole := _pattern(a[apart], b[apart]):
        code, words, amount, share = whole
        if apart.mean() >= 0.5 or not (groups := list(_groups(told, a, b, apart, keys, column, names))):
            yield Diagnosis(code, f"{column}: {_said(words, names)} in {_of(share, apart)}", share, column, amount)
        else:
            yield from groups
        return
    yield from _groups(told, a, b, apart, keys, column, names)


def _of(share: float, apart: Bools) -> str:
    return f"{round(share * apart.sum())} of {int(apart.sum())} cells that differ"


def _said(words: str, names: tuple[str, str]) -> str:
    return words.format(first=names[0], second=names[1])


def _groups(
    told: pl.DataFrame, a: Floats, b: Floats, apart: Bools, keys: Sequence[str], column: str, names: tuple[str, str]
) -> Iterator[Diagnosis]:
    """A pattern that holds for one value of a key (one asset, one venue), while the others agree."""
    for key in keys:
        if told.schema[key].is_temporal():
            continue
        table = pl.DataFrame({"value": told[key], "apart": apart})
        shares = table.group_by("value").agg(pl.col("apart").sum().alias("off"), pl.len().alias("n")).sort("value")
        if not 1 < shares.height <= _MOST_GROUPS:
            continue
        off = shares.filter(pl.col("off") >= LEAST, pl.col("off") >= SHARE * pl.col("n"))
        if off.height == shares.height:
            continue
        for value in off["value"].to_list():
            mine = (told[key] == value).fill_null(False).to_numpy() & apart
            if pattern := _pattern(a[mine], b[mine]):
                code, words, amount, share = pattern
                text = f"{column} where {key} is {value}: {_said(words, names)} in {_of(share, mine)}"
                yield Diagnosis(f"{code}_of_group", text, share, column, amount)


def _pattern(a: Floats, b: Floats) -> tuple[str, str, float, float] | None:
    """Code, words, amount and share of the pattern that most of these unequal cells show."""
    usable = (a != 0) & (b != 0)
    if usable.sum() >= LEAST:
        ratio = a[usable] / b[usable]
        flipped = float((np.abs(ratio + 1) < _CLOSE).sum() / len(a))
        if flipped >= SHARE:
            return "sign_flip", "the sign is turned round ({first} against {second})", -1.0, flipped
        sign = 1.0 if np.median(ratio) > 0 else -1.0
        logs = np.log(np.abs(ratio))
        middle = float(np.median(logs))
        agreeing = float(((np.abs(logs - middle) < _CLOSE) & (np.sign(ratio) == sign)).sum() / len(a))
        if agreeing >= SHARE and abs(middle) > 2 * _CLOSE:
            factor = sign * float(np.exp(middle))
            return *_factor(factor), factor, agreeing
    steps = a - b
    middle = float(np.median(steps))
    near = np.abs(steps - middle) <= 1e-3 * abs(middle)
    if middle and float(near.mean()) >= SHARE and float(np.ptp(a)) > 10 * abs(middle) * 1e-3:
        text = "{first} is {second} plus " + f"{middle:.6g}"
        return "constant_difference", text, middle, float(near.mean())
    return None


def _factor(factor: float) -> tuple[str, str]:
    power = round(float(np.log10(abs(factor))))
    turned = " with the sign turned round" if factor < 0 else ""
    if power and abs(np.log10(abs(factor)) - power) < 0.003:
        return "power_of_ten", "{first} is {second} x 10^" + f"{power}{turned}"
    return "constant_factor", "{first} is {second} x " + f"{abs(factor):.6g}{turned}"


def _swapped(both: pl.DataFrame, values: Sequence[str], limits: Limits, names: tuple[str, str]) -> Iterator[Diagnosis]:
    """Two columns that agree once they are exchanged, and not as they stand."""
    for place, one in enumerate(values):
        for other in values[place + 1 :]:
            told = both.select(pl.col(name) for c in (one, other) for name in (c, f"{c}\x00")).drop_nulls().to_numpy()
            if len(told) < LEAST:
                continue
            a, a2, b, b2 = told.T
            close = max(limits(one)[1], limits(other)[1], 1e-6), max(limits(one)[0], limits(other)[0])
            straight = _near(a, a2, *close) & _near(b, b2, *close)
            crossed = _near(a, b2, *close) & _near(b, a2, *close) & ~straight
            share = float(crossed.sum() / max((~straight).sum(), 1))
            if crossed.sum() >= LEAST and share >= SHARE:
                text = f"{one} and {other} are swapped in {int(crossed.sum())} rows ({names[0]} against {names[1]})"
                yield Diagnosis("columns_swapped", text, share, f"{one}, {other}")


def _near(a: Floats, b: Floats, relative: float, absolute: float) -> Bools:
    return np.asarray(np.abs(a - b) <= np.maximum(absolute, relative * np.maximum(np.abs(a), np.abs(b))))


def _shifted(
    left: pl.DataFrame,
    right: pl.DataFrame,
    keys: Sequence[str],
    values: Sequence[str],
    names: tuple[str, str],
    nth: str,
) -> Iterator[Diagnosis]:
    """Times that are late by whole quarters of an hour, or in another unit: found by values, not by keys alone."""
    times = [key for key in keys if isinstance(left.schema[key], pl.Datetime)]
    if not times or not left.height or not right.height:
        return
    key = times[0]
    on = [*keys, nth]
    asked = _blocks(left.sort(on))
    reach = timedelta(days=8)
    near = right.filter(pl.any_horizontal(pl.col(key).is_between(*_ends(part, key, reach)) for part in asked))
    asked_of = pl.concat(asked)

    def agreeing(moved: pl.Expr, among: pl.DataFrame = near) -> int:
        known = asked_of.with_columns(moved.alias(key)).drop_nulls(key)
        joined = known.join(among, on=on, how="inner", suffix="\x00", nulls_equal=True)
        return max((_agreeing(joined, column) for column in values), default=0)

    as_is = agreeing(pl.col(key))
    if as_is >= 0.5 * asked_of.height:
        return
    hits = {lag: agreeing(pl.col(key) - timedelta(minutes=lag)) for lag in _LAGS if lag}
    best = max(hits, key=lambda lag: (hits[lag], -abs(lag), lag))
    second = max((count for lag, count in hits.items() if lag != best), default=0)
    if hits[best] >= LEAST and hits[best] >= 0.4 * asked_of.height and hits[best] > 2 * max(second, as_is):
        late = f"{names[0]} is {abs(best) / 60:g} h {'later' if best > 0 else 'earlier'} than {names[1]}"
        text = f"{key} is shifted: {late} in {hits[best]} of {asked_of.height} rows ({as_is} agree as they stand)"
        yield Diagnosis("shifted", text, hits[best] / asked_of.height, key, best / 60)
        return
    for factor in (1e-3, 1e3):
        micros = (pl.col(key).dt.epoch("us") * factor).round().cast(pl.Int64, strict=False).cast(left.schema[key])
        count = agreeing(micros, right)
        if count >= LEAST and count >= 0.4 * asked_of.height and count > 2 * as_is:
            what = "milliseconds read as seconds" if factor < 1 else "seconds read as milliseconds"
            text = f"{key} of {names[0]} looks like {what} beside {names[1]}, in {count} of {asked_of.height} rows"
            yield Diagnosis("time_unit", text, count / asked_of.height, key, factor)


def _blocks(ordered: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows to find a shift by: all of a small table, else neighbours at a quarter and at three quarters of it."""
    if ordered.height <= _TRIED:
        return [ordered]
    half = _TRIED // 2
    return [ordered.slice(ordered.height * at // 4 - half // 2, half) for at in (1, 3)]


def _ends(part: pl.DataFrame, key: str, reach: timedelta) -> tuple[pl.Expr, pl.Expr]:
    """The first and last time of some rows, and a bit more."""
    micros = part[key].dt.epoch("us")
    more = round(reach.total_seconds() * 1e6)
    edges = (int(micros.min()) - more, int(micros.max()) + more)  # type: ignore[arg-type]
    first, last = (pl.lit(edge).cast(part.schema[key]) for edge in edges)
    return first, last


def _agreeing(joined: pl.DataFrame, column: str) -> int:
    """Cells that agree but for one factor; a value that repeats (zero) says nothing."""
    told = joined.select(a=pl.col(column), b=pl.col(f"{column}\x00")).drop_nulls()
    told = told.filter(pl.col("a") != 0, pl.col("b") != 0)
    if told.height < LEAST or told["a"].n_unique() < 0.3 * told.height:
        return 0
    ratio = told["a"].to_numpy() / told["b"].to_numpy()
    logs = np.log(np.abs(ratio))
    return int((np.abs(logs - np.median(logs)) < _CLOSE).sum())
