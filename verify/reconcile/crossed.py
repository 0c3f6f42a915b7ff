"""One feed by two readers: its events against an aggregator's sums of the same venue, cell by cell.

The same lineage twice is one vote about the market and two about the reading: what differs is somebody's fault. A
difference at one venue is the feed's; at most venues the aggregator's, and then it says nothing of a single feed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from verify.reconcile.observed import Bars, Evidence
from verify.reconcile.shown import Prepared
from verify.reconcile.sum_faults import cells_of_bars, cells_of_feeds

#: Cells agree, or do not, when the median of their logs is below the first or above the second.
_AGREE, _DIFFER = 0.12, 0.3
_LEAST_CELLS = 4
_WORTH = 10.0


@dataclass(frozen=True, slots=True)
class Cross:
    """What sums of the same venue say of a feed. `turned` is a log likelihood ratio for exchanged sides; `ratios` are
    logs of the feed's over the sums' dollars by asset, where the two agree on the whole."""

    turned: float = 0.0
    ratios: Mapping[int, float] = field(default_factory=dict)


def crossed(feeds: Sequence[Prepared], evidence: Evidence, assets: dict[str, int]) -> dict[str, Cross]:
    """The comparison of every feed with every aggregator that has sums of its venue."""
    by_source: dict[str, list[Bars]] = {}
    for bars in evidence.bars:
        by_source.setdefault(bars.by, []).append(bars)
    turned: dict[str, float] = {}
    ratios: dict[str, dict[int, list[float]]] = {}
    for group in by_source.values():
        tables = _tables(feeds, group, evidence, assets)
        flips = {key: _turned(table) for key, table in tables.items()}
        logs = {key: _by_asset(table) for key, table in tables.items()}
        if sum(v > 0 for v in flips.values()) <= 0.5 * len(flips):
            for key, value in flips.items():
                turned[key] = turned.get(key, 0.0) + value
        usual = _usual(logs)
        for key, found in logs.items():
            for asset, log in found.items():
                ratios.setdefault(key, {}).setdefault(asset, []).append(log - usual.get(asset, 0.0))
    return {
        one.feed.id: Cross(
            turned.get(one.feed.id, 0.0),
            {asset: float(np.median(values)) for asset, values in ratios.get(one.feed.id, {}).items()},
        )
        for one in feeds
    }


def _tables(
    feeds: Sequence[Prepared], group: Sequence[Bars], evidence: Evidence, assets: dict[str, int]
) -> dict[str, pl.DataFrame]:
    length = evidence.window.length.total_seconds()
    sums = cells_of_bars(group, evidence.window, assets).filter((pl.col("a") >= 0) & (pl.col("b") <= length))
    if not sums.height:
        return {}
    step = float((sums["b"] - sums["a"]).median())  # type: ignore[arg-type]
    phase = float(sums["a"].min()) % step  # type: ignore[arg-type]
    sums = sums.with_columns(bin=((pl.col("a") - phase) / step).round().cast(pl.Int64))
    keys = ["bin", "asset", "long"]
    found = {}
    for one in feeds:
        theirs = sums.filter(pl.col("venue") == one.feed.venue)
        mine = cells_of_feeds([one], step, phase)
        if not mine.height or not theirs.height:
            continue
        both = mine.select(*keys, mine="usd").join(
            theirs.group_by(keys).agg(pl.col("usd").sum().alias("same")), on=keys, how="left"
        )
        other = theirs.with_columns(~pl.col("long")).group_by(keys).agg(pl.col("usd").sum().alias("other"))
        found[one.feed.id] = both.join(other, on=keys, how="left")
    return found


def _turned(table: pl.DataFrame) -> float:
    """For or against exchanged sides: cells that agree as they stand, or when turned round."""
    plain = (table["mine"] / table["same"]).log().abs().fill_null(3.0)
    flipped = (table["mine"] / table["other"]).log().abs().fill_null(3.0)
    if len(table) < _LEAST_CELLS:
        return 0.0
    as_is, turned = float(np.median(plain.to_numpy())), float(np.median(flipped.to_numpy()))
    if turned < _AGREE and as_is > _DIFFER:
        return _WORTH
    return -_WORTH if as_is < _AGREE and turned > _DIFFER else 0.0


def _by_asset(table: pl.DataFrame) -> dict[int, float]:
    logs = table.filter(pl.col("same").is_not_null()).with_columns(log=(pl.col("mine") / pl.col("same")).log())
    if logs.height < _LEAST_CELLS:
        return {}
    by_asset = logs.group_by("asset").agg(pl.col("log").median())
    values = by_asset["log"].to_numpy()
    if float(np.median(np.abs(values))) > _DIFFER:
        return {}  # the two do not speak of the same thing
    return {int(a): float(v) for a, v in by_asset.iter_rows()}


def _usual(logs: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    """By asset the median over venues: what the aggregator itself is off by."""
    values: dict[int, list[float]] = {}
    for found in logs.values():
        for asset, log in found.items():
            values.setdefault(asset, []).append(log)
    return {asset: float(np.median(logs)) for asset, logs in values.items() if len(logs) >= 3}
