"""An invented hour of liquidations as a venue would show it, for tables to be held against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from sources import build
from verify.model.figure import Basis
from verify.model.window import Window

WINDOW = Window(datetime(2026, 1, 18, 22, tzinfo=UTC), datetime(2026, 1, 19, 2, tzinfo=UTC))
PRICES = {"BTC": 92_000.0, "ETH": 3_200.0, "SOL": 133.0, "DOGE": 0.13}


def events(seed: int = 1, count: int = 400, *, hours: float = 4.0, venue: str = "okx") -> pl.DataFrame:
    """`count` liquidations over `hours` from the start of the window, clustered in time, two thirds of them longs."""
    random = np.random.default_rng(seed)
    bursts = random.uniform(0, hours * 3600, 12)
    seconds = np.clip(random.choice(bursts, count) + random.exponential(300, count), 0, hours * 3600 - 1)
    assets = random.choice(sorted(PRICES), count)
    price = np.array([PRICES[a] for a in assets]) * np.exp(random.normal(0, 0.01, count))
    price = np.array([float(f"{p:.6g}") for p in price])
    usd = np.exp(random.normal(9, 1.5, count))
    quantity = np.array([float(f"{q:.4g}") for q in usd / price])
    frame = {
        "time": [WINDOW.start + timedelta(milliseconds=round(1000 * s)) for s in seconds],
        "instrument": [f"{a}-USDT-SWAP" for a in assets],
        "asset": assets.tolist(),
        "side": np.where(random.uniform(size=count) < 0.67, "long", "short").tolist(),
        "quantity": quantity,
        "price": price,
        "notional_usd": quantity * price,
    }
    return build.events(frame, venue=venue, source="test/events", price_basis=Basis.AVERAGE_FILL)


def bars(frame: pl.DataFrame, every: str = "15m") -> pl.DataFrame:
    """The same added up to bars."""
    length = {"15m": timedelta(minutes=15), "1h": timedelta(hours=1), "5m": timedelta(minutes=5)}[every]
    added = frame.group_by(pl.col("time").dt.truncate(every).alias("start"), "asset", "side").agg(
        pl.col("notional_usd").sum()
    )
    added = added.with_columns(end=pl.col("start") + length)
    from verify.model.figure import Completeness

    return build.bars(added, venue=frame["venue"][0], source="test/bars", completeness=Completeness.COMPLETE)
