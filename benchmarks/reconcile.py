"""How fast tables are compared: two and three of a million rows, their keys in another order, one by a factor.

    python benchmarks/reconcile.py

Prints the median of three runs. The aim is a few seconds.
"""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from verify.reconcile.tables import Table, reconcile

ROWS = 1_000_000


def main() -> None:
    random = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments = pl.datetime_range(start, start + timedelta(minutes=ROWS // 10 - 1), "1m", eager=True, time_unit="us")
    truth = pl.DataFrame(
        {
            "time": moments.gather(np.arange(ROWS) // 10),
            "asset": pl.Series([f"A{n}" for n in range(10)] * (ROWS // 10)),
            "usd": np.exp(random.normal(10, 1, ROWS)),
        }
    )
    mine = truth.sample(fraction=1, shuffle=True, seed=2).with_columns(pl.col("usd") * 1.5)
    later = truth.with_columns(pl.col("time") + timedelta(hours=8))
    cases = {
        "two tables, one by a factor": (truth, mine),
        "two tables, one 8 h later": (truth, later),
        "three tables": (truth, mine, truth.head(ROWS // 2)),
    }
    for name, frames in cases.items():
        tables = [Table(letter, frame) for letter, frame in zip("abc", frames, strict=False)]
        spent = []
        for _ in range(3):
            begun = time.perf_counter()
            found = reconcile(tables, ["time", "asset"], ["usd"])
            spent.append(time.perf_counter() - begun)
        said = "; ".join(one.text for pair in found.pairs for one in pair.diagnoses)
        print(f"{name}: {statistics.median(spent):.2f} s for {ROWS:,} rows each ({said})")


if __name__ == "__main__":
    main()
