"""Named faults of one aggregator's sums: held, cell by cell, against the feeds that they were added up from.

A fault of the aggregator shows at all its venues; what differs at one venue only is that venue's feed. So every test
asks for the median over venues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from verify.model.window import Window
from verify.reconcile.estimated import Fault, FaultKind
from verify.reconcile.gaps import Span
from verify.reconcile.observed import Bars
from verify.reconcile.shown import EXACT, Prepared

#: Median disagreement (log) up to which sums and feeds are taken to be the same.
_SAME = 0.08
#: Beyond this they do not speak of the same thing, and single assets prove nothing.
_ALIKE = 0.3
_POWERS = (1e-3, 1e-2, 1e-1, 1e1, 1e2, 1e3)
#: Rows that must all be even numbers for that to be no accident.
_EVEN_ROWS = 12


@dataclass(frozen=True, slots=True)
class Sums:
    """The bars of one aggregator after diagnosis: those to use, the penalty, the silent parts of the window."""

    bars: tuple[Bars, ...]
    penalty: float
    gone: tuple[Span, ...]
    faults: tuple[Fault, ...]


def cells_of_feeds(feeds: Sequence[Prepared], step: float, phase: float) -> pl.DataFrame:
    """The feeds added up by venue, bin, asset number and side; bins are `step` seconds long, counted from the window's
    start plus `phase`, and lie wholly in what the feed covers."""
    frames = []
    for one in feeds:
        r = one.records
        if not len(r):
            continue
        bins = np.floor((r.seconds - phase) / step).astype(np.int64)
        frame = pl.DataFrame({"bin": bins, "asset": r.asset, "long": r.long, "usd": r.usd})
        frame = frame.group_by("bin", "asset", "long").agg(pl.col("usd").sum())
        begin, end = pl.col("bin") * step + phase, (pl.col("bin") + 1) * step + phase
        whole = pl.any_horizontal([(begin >= a - 1e-6) & (end <= b + 1e-6) for a, b in one.parts or ((0.0, 0.0),)])
        frames.append(frame.filter(whole).with_columns(venue=pl.lit(one.feed.venue)))
    schema = {"bin": pl.Int64, "asset": pl.Int64, "long": pl.Boolean, "usd": pl.Float64, "venue": pl.String}
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def cells_of_bars(bars: Sequence[Bars], window: Window, assets: dict[str, int], earlier: bool = False) -> pl.DataFrame:
    """The bars in the same form, with `a` and `b`, the seconds of their edges."""
    start = pl.lit(window.start).cast(pl.Datetime("us", "UTC"))
    frames = []
    for one in bars:
        frame = one.earlier if earlier else one.bars
        if frame is None or not frame.height:
            continue
        for name in frame["asset"].unique().sort().to_list():
            assets.setdefault(name, len(assets))
        frames.append(
            frame.filter(pl.col("notional_usd") > 0).select(
                a=(pl.col("start") - start).dt.total_microseconds() / 1e6,
                b=(pl.col("end") - start).dt.total_microseconds() / 1e6,
                asset=pl.col("asset").replace_strict(assets, return_dtype=pl.Int64),
                long=pl.col("side") == "long",
                usd="notional_usd",
                count="count",
                venue=pl.lit(one.venue),
            )
        )
    schema = {
        "a": pl.Float64,
        "b": pl.Float64,
        "asset": pl.Int64,
        "long": pl.Boolean,
        "usd": pl.Float64,
        "count": pl.Int64,
        "venue": pl.String,
    }
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def examine(
    source: str, bars: Sequence[Bars], feeds: Sequence[Prepared], window: Window, assets: dict[str, int], active: bool
) -> Sums:
    """The first fault that explains the sums of this source. `active`: others saw liquidations in the window."""
    mine = cells_of_bars(bars, window, assets)
    length = window.length.total_seconds()
    mine = mine.filter((pl.col("b") > 0) & (pl.col("a") < length))
    if not mine.height:
        if not active or not any(one.bars.width for one in bars):
            return Sums(tuple(bars), 0.0, (), ())
        return _aside(source, FaultKind.EMPTY, "it shows nothing where others show liquidations")
    if _stale(mine, cells_of_bars(bars, window, assets, earlier=True), length):
        return _aside(source, FaultKind.STALE, "its sums are those of the window before")
    step = float((mine["b"] - mine["a"]).median())  # type: ignore[arg-type]
    phase = float(mine["a"].min()) % step  # type: ignore[arg-type]
    mine = mine.with_columns(bin=((pl.col("a") - phase) / step).round().cast(pl.Int64))
    theirs = cells_of_feeds([f for f in feeds if f.feed.venue in {b.venue for b in bars}], step, phase)
    even = _even(mine)
    if theirs["venue"].n_unique() < 2:
        if even:
            return _scaled(source, bars, 0.5, "all its numbers of rows are even", FaultKind.DOUBLED)
        return Sums(tuple(bars), 0.0, (), ())
    return _against(source, bars, mine, theirs, assets, step, phase, length)


def _against(
    source: str,
    bars: Sequence[Bars],
    mine: pl.DataFrame,
    theirs: pl.DataFrame,
    assets: Mapping[str, int],
    step: float,
    phase: float,
    length: float,
) -> Sums:
    plain, _ = _apart(mine, theirs, ["venue", "bin", "long"])
    flipped, _ = _apart(mine.with_columns(~pl.col("long")), theirs, ["venue", "bin", "long"])
    if flipped < _SAME and plain > 3 * flipped + 0.1:
        text = f"with its sides turned round it agrees with the feeds to {flipped:.1%}"
        turned = tuple(replace(one, bars=one.bars.with_columns(_OTHER_SIDE)) for one in bars)
        return Sums(turned, EXACT, (), (_fault(source, FaultKind.SIDES_SWAPPED, text, None),))
    ratio = _ratio(mine, theirs)
    if abs(ratio - np.log(2)) < 0.1:
        return _scaled(source, bars, 0.5, f"it shows {np.exp(ratio):.2f} times what the feeds show", FaultKind.DOUBLED)
    late = _late(mine, theirs, step, length, plain)
    if late is not None:
        bins, left = late
        shift = pl.duration(microseconds=round(bins * step * 1e6))
        back = tuple(
            replace(one, bars=one.bars.with_columns(pl.col("start") - shift, pl.col("end") - shift)) for one in bars
        )
        edge = float(mine["b"].max()) - bins * step if bins > 0 else float(mine["a"].min()) - bins * step  # type: ignore[arg-type]
        silent = (max(edge, 0.0), length) if bins > 0 else (0.0, min(edge, length))
        hours = bins * step / 3600.0
        text = f"moved by {-hours:+g} h it agrees with the feeds to {left:.1%}"
        return Sums(back, EXACT, (silent,), (_fault(source, FaultKind.SHIFTED, text, hours),))
    by_cell, _ = _apart(mine, theirs, ["venue", "bin", "asset"])
    wrong = _asset(mine, theirs) if by_cell < _ALIKE else None
    if wrong is not None:
        code, factor = wrong
        name = next(name for name, number in assets.items() if number == code)
        is_it = pl.col("asset") == name
        money = pl.when(is_it).then(pl.col("notional_usd") / factor).otherwise(pl.col("notional_usd"))
        mended = tuple(replace(one, bars=one.bars.with_columns(notional_usd=money)) for one in bars)
        fault = Fault(
            source, FaultKind.ASSET_SCALED, 0.99, f"its {name} is {factor:g} times the feeds'", "mended", factor, name
        )
        return Sums(mended, EXACT, (), (fault,))
    gone = _gone(mine, theirs, step, phase)
    if gone:
        share = sum(b - a for a, b in gone) / length
        text = "it shows nothing in a part of the window where the feeds of several venues do"
        return Sums(tuple(bars), 0.0, gone, (_fault(source, FaultKind.GAP, text, share),))
    if plain > 0.7:
        text = f"its sums differ from the feeds' by a factor of {np.exp(plain):.1f} at the typical venue"
        return _aside(source, FaultKind.UNEXPLAINED, text)
    return Sums(tuple(bars), 0.0, (), ())


_OTHER_SIDE = (
    pl.when(pl.col("side") == "long")
    .then(pl.lit("short"))
    .when(pl.col("side") == "short")
    .then(pl.lit("long"))
    .otherwise(pl.col("side"))
    .alias("side")
)


def _joined(mine: pl.DataFrame, theirs: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    a = mine.group_by(keys).agg(pl.col("usd").sum())
    b = theirs.group_by(keys).agg(pl.col("usd").sum().alias("feed"))
    return a.join(b, on=keys, how="inner").with_columns(log=(pl.col("usd") / pl.col("feed")).log())


def _apart(mine: pl.DataFrame, theirs: pl.DataFrame, keys: list[str]) -> tuple[float, int]:
    """The median over venues of the median disagreement over cells."""
    both = _joined(mine, theirs, keys)
    if not both.height:
        return float("inf"), 0
    by_venue = both.group_by("venue").agg(pl.col("log").abs().median(), pl.len())
    return float(np.median(by_venue["log"].to_numpy())), both.height


def _ratio(mine: pl.DataFrame, theirs: pl.DataFrame) -> float:
    both = _joined(mine, theirs, ["venue", "bin"])
    if not both.height:
        return 0.0
    return float(np.median(both.group_by("venue").agg(pl.col("log").median())["log"].to_numpy()))


def _late(
    mine: pl.DataFrame, theirs: pl.DataFrame, step: float, length: float, plain: float
) -> tuple[int, float] | None:
    most = max(int(length / step) - 1, 0)
    tried = []
    for bins in range(-most, most + 1):
        if bins:
            left, cells = _apart(mine.with_columns(pl.col("bin") - bins), theirs, ["venue", "bin", "long"])
            if cells >= 3:
                tried.append((left, bins))
    if not tried:
        return None
    left, bins = min(tried)
    return (bins, left) if left < _SAME and plain > 3 * left + 0.1 else None


def _asset(mine: pl.DataFrame, theirs: pl.DataFrame) -> tuple[int, float] | None:
    both = _joined(mine, theirs, ["venue", "bin", "asset"])
    each = both.group_by("asset", "venue").agg(pl.col("log").median(), pl.len())
    by_asset = each.group_by("asset").agg(
        pl.col("log").median(), pl.col("log").min().alias("least"), pl.col("len").sum(), pl.len().alias("venues")
    )
    for code, log, least, cells, venues in by_asset.sort("len", descending=True).iter_rows():
        for factor in _POWERS:
            near = abs(log - np.log(factor)) < 0.2
            if near and cells >= 3 and (venues >= 3 or (venues == 2 and abs(least - log) < 0.2)):
                return int(code), factor
    return None


def _gone(mine: pl.DataFrame, theirs: pl.DataFrame, step: float, phase: float) -> tuple[Span, ...]:
    """Bins in which the source shows nothing of any venue, and the feeds of at least two show something."""
    present = set(mine["bin"].to_list())
    active = theirs.group_by("bin").agg(pl.col("venue").n_unique()).filter(pl.col("venue") >= 2)["bin"].to_list()
    return tuple((bin_ * step + phase, (bin_ + 1) * step + phase) for bin_ in sorted(active) if bin_ not in present)


def _stale(mine: pl.DataFrame, earlier: pl.DataFrame, length: float) -> bool:
    """Whether the sums equal those of the window before, row by row."""
    if not earlier.height:
        return False
    keys = ["venue", "asset", "long", "a", "usd"]
    moved = earlier.with_columns(pl.col("a") + length).select(keys)
    same = mine.select(keys).join(moved, on=keys, how="semi").height
    return same >= 3 and same > 0.6 * mine.height


def _even(mine: pl.DataFrame) -> bool:
    counts = mine["count"].drop_nulls().to_numpy()
    return bool(len(counts) >= _EVEN_ROWS and (counts % 2 == 0).all() and (counts > 0).all())


def _scaled(source: str, bars: Sequence[Bars], factor: float, text: str, kind: FaultKind) -> Sums:
    mended = tuple(replace(one, bars=one.bars.with_columns(pl.col("notional_usd") * factor)) for one in bars)
    return Sums(mended, EXACT, (), (_fault(source, kind, text, 1.0),))


def _fault(source: str, kind: FaultKind, text: str, amount: float | None) -> Fault:
    return Fault(source, kind, 0.99, text, "mended", amount)


def _aside(source: str, kind: FaultKind, text: str) -> Sums:
    return Sums((), 0.0, (), (Fault(source, kind, 0.99, text, "set aside"),))
