"""Event frames as plain arrays, for the numerics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from verify.model.window import Window

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Records:
    """The events of one feed with a known amount, sorted by instrument and time.

    `seconds` count from the start of the window. `instrument` and `asset` are numbers: of an instrument within the
    feed, and of an asset in `assets`. `quantity` and `price` are NaN where they are not known.
    """

    seconds: Floats
    instrument: Ints
    asset: Ints
    long: Bools
    usd: Floats
    quantity: Floats
    price: Floats
    names: tuple[str, ...]  # of the instruments

    def __len__(self) -> int:
        return len(self.usd)

    def take(self, which: Ints | Bools) -> Records:
        """Some of the records; `which` keeps their order."""
        return Records(
            self.seconds[which],
            self.instrument[which],
            self.asset[which],
            self.long[which],
            self.usd[which],
            self.quantity[which],
            self.price[which],
            self.names,
        )

    def within(self, start: float, end: float) -> Records:
        """Those with `start <= seconds < end`."""
        inside = (self.seconds >= start) & (self.seconds < end)
        return self if inside.all() else self.take(inside)

    def with_usd(self, usd: Floats) -> Records:
        return Records(self.seconds, self.instrument, self.asset, self.long, usd, self.quantity, self.price, self.names)

    def sides(self) -> Floats:
        """The dollars of longs and of shorts."""
        return np.array([self.usd[self.long].sum(), self.usd[~self.long].sum()])


def records(events: pl.DataFrame, window: Window, assets: dict[str, int]) -> Records:
    """The events as arrays. New assets are added to `assets`.

    Events outside the window stay (with seconds below zero or beyond its length), events without an amount do not.
    """
    known = events.filter(pl.col("notional_usd").is_not_null() & pl.col("notional_usd").is_finite())
    known = known.filter(pl.col("notional_usd") > 0)
    start = pl.lit(window.start).cast(pl.Datetime("us", "UTC"))
    coded = known.select(
        seconds=(pl.col("time") - start).dt.total_microseconds().cast(pl.Float64) / 1e6,
        instrument=pl.col("instrument").rank("dense").cast(pl.Int64) - 1,
        name="instrument",
        asset="asset",
        long=pl.col("side") == "long",
        usd="notional_usd",
        quantity=pl.col("quantity").fill_null(float("nan")),
        price=pl.col("price").fill_null(float("nan")),
    ).sort("instrument", "seconds", "usd")
    of_asset = coded["asset"].unique().sort().to_list()
    for name in of_asset:
        assets.setdefault(name, len(assets))
    named = coded.select("instrument", "name").unique().sort("instrument")
    return Records(
        coded["seconds"].to_numpy(),
        coded["instrument"].to_numpy(),
        coded["asset"].replace_strict(assets, return_dtype=pl.Int64).to_numpy()
        if len(coded)
        else np.zeros(0, np.int64),
        coded["long"].to_numpy(),
        coded["usd"].to_numpy(),
        coded["quantity"].to_numpy(),
        coded["price"].to_numpy(),
        tuple(named["name"].to_list()),
    )
