"""Sums per interval: those inside the window count whole, those over an edge only bound.

How much of a bar over an edge belongs to the window is read from the profile of the event feeds, relative to the bars
inside; the answer never leaves the bounds none and all of the bar (Manski, partial identification).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from verify.model.window import Window
from verify.reconcile.calibration import Cells
from verify.reconcile.gaps import Profile, Span, spans, without
from verify.reconcile.observed import Bars
from verify.reconcile.shown import EXACT, Summed

#: How far (log) a profile of other venues is off for the part of a bar.
_EDGE_NOISE = 0.5
_NOISE = 0.02


def sum_bars(
    one: Bars,
    window: Window,
    profile: Profile,
    assets: dict[str, int],
    penalty: float = 0.0,
    gone: tuple[Span, ...] = (),
) -> Summed | None:
    """The window's sums (long, short), None where the bars do not touch the window. `gone` are silent parts of it."""
    length = window.length.total_seconds()
    start = pl.lit(window.start).cast(pl.Datetime("us", "UTC"))
    frame = one.bars.filter(pl.col("notional_usd").is_not_null() & pl.col("notional_usd").is_finite()).select(
        a=(pl.col("start") - start).dt.total_microseconds() / 1e6,
        b=(pl.col("end") - start).dt.total_microseconds() / 1e6,
        asset="asset",
        side="side",
        usd="notional_usd",
        count="count",
    )
    frame = frame.filter((pl.col("b") > 0) & (pl.col("a") < length) & (pl.col("b") > pl.col("a")))
    if not frame.height and not one.bars.height:
        return None
    sides_known = not (frame["side"] == "both").any()
    parts = spans(one.covered, window)
    inside = frame.filter((pl.col("a") >= 0) & (pl.col("b") <= length))
    floor = _by_side(inside)
    edges = frame.filter((pl.col("a") < 0) | (pl.col("b") > length))
    whole = tuple((a, b) for a, b in inside.select("a", "b").unique().sort("a").iter_rows())
    level = _level(floor.sum(), whole, profile)
    added, doubt = np.zeros(2), 0.0
    for (a, b), group in edges.group_by("a", "b"):
        begin, end = float(a), float(b)
        total = _by_side(group)
        if total.sum() <= 0:
            continue
        overlap = (max(begin, 0.0), min(end, length))
        expected = level * float(np.median(profile.share([overlap])))
        by_time = (overlap[1] - overlap[0]) / (end - begin)
        share = expected / total.sum() if level > 0 else by_time
        share = float(np.clip(0.7 * share + 0.3 * by_time, 0.0, 1.0))
        added = added + share * total
        doubt += float(min(_EDGE_NOISE * share, 1.0 - share * 0.5, 0.5) * total.sum())
    base = floor + added
    listened = parts
    for span in gone:
        listened = without(listened, span)
    missing, missing_sd = profile.factor(listened)
    noise = float(np.hypot(_NOISE, doubt / max(base.sum(), 1e-300) if base.sum() > 0 else 0.0))
    money: dict[int, float] = {}
    for name, usd in inside.group_by("asset").agg(pl.col("usd").sum()).iter_rows():
        assets.setdefault(name, len(assets))
        money[assets[name]] = float(usd)
    return Summed(
        one.venue,
        one.by,
        frozenset(one.lineage),
        floor if penalty <= EXACT else 0.0 * floor,
        base * float(np.exp(missing)),
        float(np.hypot(np.hypot(noise, missing_sd), penalty)),
        one.completeness,
        one.rules,
        bool(sides_known),
        one.id,
        money,
        _cells(inside, assets),
        float(added.sum() / base.sum()) if base.sum() > 0 else 0.0,
    )


def _cells(inside: pl.DataFrame, assets: dict[str, int]) -> Cells | None:
    """The sums with their numbers of records, where all of them have one and a side."""
    if not inside.height or inside["count"].null_count() or (inside["side"] == "both").any():
        return None
    step = float((inside["b"] - inside["a"]).median())  # type: ignore[arg-type]
    phase = float(inside["a"].min()) % step  # type: ignore[arg-type]
    interval = ((inside["a"].to_numpy() - phase) / step).round().astype(np.int64)
    asset = np.array([assets[name] for name in inside["asset"]], np.int64)
    return Cells(
        interval,
        asset,
        (inside["side"] == "long").to_numpy(),
        inside["usd"].to_numpy(),
        inside["count"].to_numpy().astype(float),
        step,
        phase,
    )


def _level(inside: float, whole: tuple[Span, ...], profile: Profile) -> float:
    """The dollars of the whole window that the bars inside it point to."""
    if not whole or inside <= 0:
        return 0.0
    return inside / float(np.median(profile.share(whole)))


def _by_side(frame: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    long = float(frame.filter(pl.col("side") == "long")["usd"].sum())
    short = float(frame.filter(pl.col("side") == "short")["usd"].sum())
    both = float(frame.filter(pl.col("side") == "both")["usd"].sum())
    return np.array([long + both / 2, short + both / 2])
