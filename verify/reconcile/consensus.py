"""The consensus of three or more independent lineages about a column's total, and how it leans on each.

A lineage's total over the common keys is what they agree on at the median of each key, plus its own deviation; the
variance of that is read from how its deviations scatter over the keys. Random effects by Paule & Mandel (1982); I^2
after Higgins & Thompson (2002), doi:10.1002/sim.1186.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from verify.model.reconciliation import Consensus, Without
from verify.reconcile.hierarchy import paule_mandel
from verify.reconcile.records import Floats

LEAST = 3
_LEAST_KEYS = 2
_NORMAL = 1.959964


def agreed(
    wide: pl.DataFrame, groups: Sequence[Sequence[str]], values: Sequence[str], cell: Callable[[str, str], str]
) -> tuple[Consensus, ...]:
    """The consensus of each column; `groups` are the tables of each independent lineage, which are averaged."""
    if len(groups) < LEAST:
        return ()
    found = []
    for column in values:
        means = wide.select(
            pl.mean_horizontal(pl.col(cell(name, column)) for name in group).alias(str(place))
            for place, group in enumerate(groups)
        ).drop_nulls()
        if means.height >= _LEAST_KEYS:
            names = [" with ".join(group) for group in groups]
            found.append(_consensus(column, names, means.to_numpy()))
    return tuple(found)


def _consensus(column: str, names: Sequence[str], table: Floats) -> Consensus:
    total, error, tau, i2 = _pooled(table)
    without = []
    for place, name in enumerate(names):
        left = _pooled(np.delete(table, place, axis=1))[0]
        without.append(Without(name, left, left / total - 1 if total else None))
    return Consensus(
        column,
        tuple(names),
        len(table),
        total,
        total - _NORMAL * error,
        total + _NORMAL * error,
        tau,
        i2,
        tuple(without),
    )


def _pooled(table: Floats) -> tuple[float, float, float, float]:
    """Total, its standard error, tau and I^2."""
    keys = len(table)
    middle = np.median(table, axis=1)
    away = table - middle[:, None]
    deviation = away.sum(0)
    least = 1e-9 * max(float(np.abs(middle).sum()), 1e-300)
    variance = np.maximum(keys * away.var(0, ddof=1), least**2)
    scale = float(np.sqrt(variance.mean()))
    pooled = paule_mandel(deviation / scale, variance / scale**2)
    weight = scale**2 / variance
    mean = float((weight * deviation / scale).sum() / weight.sum())
    q = float((weight * (deviation / scale - mean) ** 2).sum())
    df = table.shape[1] - 1
    i2 = max(0.0, (q - df) / q) if q > 0 else 0.0
    return float(middle.sum()) + pooled.mean * scale, pooled.error * scale, float(np.sqrt(pooled.tau2)) * scale, i2
