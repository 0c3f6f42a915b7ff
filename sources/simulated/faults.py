"""What goes wrong between a venue and its reader, done to SIMULATED channels on purpose: each fault has a name.

Faults are blunt (a factor, a side, an hour); soft ones are not (a drift, a few silent minutes). `damage_feed` and
`damage_aggregator` do one of them, chosen by the generator, and say which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

import numpy as np
import polars as pl

from sources.simulated.feeds import ShownAggregator, ShownFeed, ShownTotal
from verify.model.window import Window


class Fault(StrEnum):
    """The faults by name."""

    SWAPPED = "sides_swapped"  # sides: that of the order was read as that of the position
    CONTRACTS = "contracts_as_coins"  # contracts were read as coins
    NO_PRICE = "quantity_without_price"  # the quantity was read as money
    ASSET_SCALE = "asset_scaled"  # one asset is ten or a thousand times too large
    DOUBLED = "doubled"  # every row is there twice
    SHIFTED = "shifted"  # times are some hours too late
    TIME_UNIT = "milliseconds_as_seconds"  # it is some fifty thousand years from now
    STALE = "stale"  # the window before, served again
    SILENT = "empty"  # nothing, although something happened
    GAP = "gap"  # a part of the window is missing, and nobody says so
    DRIFT = "drift"  # soft: amounts drift away by up to a quarter
    GAPS = "gaps"  # soft: several short silences
    LOSSY = "lossy"  # soft: every tenth record is lost


SOFT = (Fault.DRIFT, Fault.GAPS, Fault.LOSSY)
HARD = tuple(fault for fault in Fault if fault not in SOFT)
#: What can happen to sums per hour.
OF_BARS = (Fault.SWAPPED, Fault.ASSET_SCALE, Fault.DOUBLED, Fault.SHIFTED, Fault.STALE, Fault.SILENT, Fault.GAP)
SOFT_OF_BARS = (Fault.DRIFT, Fault.LOSSY)

_Change = Callable[[ShownFeed, Window, np.random.Generator], pl.DataFrame]
_OTHER_SIDE = pl.when(pl.col("side") == "long").then(pl.lit("short")).otherwise(pl.lit("long")).alias("side")


def damage_feed(feed: ShownFeed, window: Window, rng: np.random.Generator, *, soft: bool = False) -> ShownFeed:
    """The feed with one fault, drawn from those that it can have."""
    possible = [fault for fault in (SOFT if soft else HARD) if fault is not Fault.CONTRACTS or feed.contract_sizes]
    return with_fault(feed, possible[rng.integers(len(possible))], window, rng)


def with_fault(feed: ShownFeed, fault: Fault, window: Window, rng: np.random.Generator) -> ShownFeed:
    """The feed with this fault. Events keep the form of `verify.model.frames.EVENTS`."""
    events = _CHANGES[fault](feed, window, rng).sort("time", maintain_order=True)
    return replace(feed, events=events, fault=str(fault))


def damage_aggregator(
    aggregator: ShownAggregator, window: Window, rng: np.random.Generator, *, soft: bool = False
) -> ShownAggregator:
    """The bars with one fault, drawn from those that bars can have."""
    possible = SOFT_OF_BARS if soft else OF_BARS
    return with_bar_fault(aggregator, possible[rng.integers(len(possible))], window, rng)


def with_bar_fault(
    aggregator: ShownAggregator, fault: Fault, window: Window, rng: np.random.Generator
) -> ShownAggregator:
    """The bars with this fault, of those in `OF_BARS` and `SOFT_OF_BARS`."""
    bars, earlier = aggregator.bars, aggregator.earlier
    money = pl.col("notional_usd")
    match fault:
        case Fault.SWAPPED:
            bars = bars.with_columns(_OTHER_SIDE)
        case Fault.ASSET_SCALE:
            asset, factor = _scaled_asset(bars, rng)
            bars = bars.with_columns(pl.when(pl.col("asset") == asset).then(money * factor).otherwise(money))
        case Fault.DOUBLED:
            bars = bars.with_columns(money * 2, pl.col("count") * 2)
        case Fault.SHIFTED:
            hours = timedelta(hours=int(rng.integers(1, 4)))
            moved = pl.concat([earlier.join(bars, on="start", how="anti"), bars])
            moved = moved.with_columns(pl.col("start") + hours, pl.col("end") + hours)
            bars = moved.filter(pl.col("start") < window.end, pl.col("end") > window.start)
        case Fault.STALE:
            bars = earlier.with_columns(pl.col("start") + window.length, pl.col("end") + window.length)
        case Fault.SILENT:
            bars = bars.clear()
        case Fault.GAP:
            starts = bars["start"].unique().sort()
            gone = starts[int(rng.integers(len(starts)))] if len(starts) else None
            bars = bars.filter(pl.col("start") != gone)
        case Fault.DRIFT:
            bars = bars.with_columns(money * _drift(pl.col("start"), window, rng))
        case Fault.LOSSY:
            bars = bars.with_columns(money * 0.9)
        case _:
            raise ValueError(f"bars cannot have the fault {fault}")
    return replace(aggregator, bars=bars.sort("start", maintain_order=True), fault=str(fault))


def damage_totals(totals: tuple[ShownTotal, ...], fault: str) -> tuple[ShownTotal, ...]:
    """The counters of an aggregator whose bars have this fault; some faults reach them too."""
    if fault == Fault.SILENT:
        return ()
    if fault == Fault.SWAPPED:
        other = {"long": "short", "short": "long", "both": "both"}
        return tuple(replace(total, side=other[total.side]) for total in totals)
    if fault == Fault.DOUBLED:
        return tuple(replace(t, value=2 * t.value, low=2 * t.low, high=2 * t.high) for t in totals)
    return totals


def _swapped(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    return feed.events.with_columns(_OTHER_SIDE)


def _contracts(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    size = pl.col("instrument").replace_strict(feed.contract_sizes, default=1.0, return_dtype=pl.Float64)
    return feed.events.with_columns(pl.col("quantity") / size, pl.col("notional_usd") / size)


def _no_price(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    return feed.events.with_columns(notional_usd=pl.col("quantity"))


def _asset_scale(feed: ShownFeed, _window: Window, rng: np.random.Generator) -> pl.DataFrame:
    asset, factor = _scaled_asset(feed.events, rng)
    scale = pl.when(pl.col("asset") == asset).then(factor).otherwise(1.0)
    return feed.events.with_columns(pl.col("quantity") * scale, pl.col("notional_usd") * scale)


def _scaled_asset(frame: pl.DataFrame, rng: np.random.Generator) -> tuple[str | None, float]:
    """One of the five assets with most money, and the factor that it is off by."""
    ranked = frame.group_by("asset").agg(pl.col("notional_usd").sum()).sort("notional_usd", "asset", descending=True)
    names = ranked["asset"].head(5).to_list()
    place, factor = int(rng.integers(5)), float(rng.choice([10.0, 1000.0]))
    return (names[place % len(names)] if names else None), factor


def _doubled(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    again = feed.events.with_columns(pl.col("event_id") + "#2")
    return pl.concat([feed.events, again])


def _shifted(feed: ShownFeed, window: Window, rng: np.random.Generator) -> pl.DataFrame:
    hours = timedelta(hours=int(rng.integers(1, 4)))
    moved = pl.concat([feed.earlier, feed.events]).with_columns(pl.col("time") + hours)
    return moved.filter(pl.col("time") >= window.start, pl.col("time") < window.end)


def _time_unit(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    dtype = feed.events.schema["time"]
    return feed.events.with_columns((pl.col("time").cast(pl.Int64) * 1000).cast(dtype))


def _stale(feed: ShownFeed, window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    return feed.earlier.with_columns(pl.col("time") + window.length)


def _silent(feed: ShownFeed, _window: Window, _rng: np.random.Generator) -> pl.DataFrame:
    return feed.events.clear()


def _gap(feed: ShownFeed, window: Window, rng: np.random.Generator) -> pl.DataFrame:
    """A quarter to three fifths of the window."""
    return _without(feed.events, window, rng, float(rng.uniform(0.25, 0.6)))


def _gaps(feed: ShownFeed, window: Window, rng: np.random.Generator) -> pl.DataFrame:
    events = feed.events
    for share in rng.uniform(0.01, 0.05, int(rng.integers(2, 6))):
        events = _without(events, window, rng, float(share))
    return events


def _without(events: pl.DataFrame, window: Window, rng: np.random.Generator, share: float) -> pl.DataFrame:
    begin = window.start + window.length * float(rng.uniform(0, 1 - share))
    return events.filter((pl.col("time") < begin) | (pl.col("time") >= begin + window.length * share))


def _drifting(feed: ShownFeed, window: Window, rng: np.random.Generator) -> pl.DataFrame:
    factor = _drift(pl.col("time"), window, rng)
    return feed.events.with_columns(pl.col("quantity") * factor, pl.col("notional_usd") * factor)


def _drift(time: pl.Expr, window: Window, rng: np.random.Generator) -> pl.Expr:
    """1 at the start of the window, up to a quarter more or less at its end."""
    slope = float(rng.uniform(-0.25, 0.25))
    return 1 + slope * ((time - window.start).dt.total_microseconds() / (window.length / timedelta(microseconds=1)))


def _lossy(feed: ShownFeed, _window: Window, rng: np.random.Generator) -> pl.DataFrame:
    return feed.events.filter(pl.Series(rng.random(feed.events.height) >= 0.1))


_CHANGES: dict[Fault, _Change] = {
    Fault.SWAPPED: _swapped,
    Fault.CONTRACTS: _contracts,
    Fault.NO_PRICE: _no_price,
    Fault.ASSET_SCALE: _asset_scale,
    Fault.DOUBLED: _doubled,
    Fault.SHIFTED: _shifted,
    Fault.TIME_UNIT: _time_unit,
    Fault.STALE: _stale,
    Fault.SILENT: _silent,
    Fault.GAP: _gap,
    Fault.DRIFT: _drifting,
    Fault.GAPS: _gaps,
    Fault.LOSSY: _lossy,
}
