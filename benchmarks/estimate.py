"""Seconds and memory of an estimate from 13 venues' events, and how they grow: `python benchmarks/estimate.py`.

The events are invented (clusters that all venues share, six capped feeds, seven complete ones); building them is not
timed. Single-threaded: set POLARS_MAX_THREADS=1 and OMP_NUM_THREADS=1 for figures of one core.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import resource
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from verify.model.figure import Completeness
from verify.model.window import Window
from verify.reconcile.estimate import estimate
from verify.reconcile.observed import Belief, CapRule, Evidence, Feed, Keep, Size
from verify.reconcile.records import records
from verify.reconcile.thinning import cap

START = datetime(2026, 1, 18, 22, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=4))
VENUES = 13
_ASSETS = 120


def venue_events(venue: int, count: int) -> pl.DataFrame:
    rng = np.random.default_rng([7, venue])
    peaks = np.random.default_rng(7).uniform(0.1, 0.7, 5) * 14400
    time_ = np.where(rng.random(count) < 0.8, rng.choice(peaks, count) + rng.exponential(400, count), 0)
    time_ = np.where((time_ <= 0) | (time_ >= 14400), rng.uniform(0, 14400, count), time_)
    asset = np.minimum(rng.zipf(1.5, count) - 1, _ASSETS - 1)
    usd = rng.lognormal(9, 1.5, count)
    price = 10.0 ** (asset % 5)
    micros = int(START.timestamp() * 1e6) + (time_ * 1e3).astype(np.int64) * 1000
    name = f"venue{venue}"
    frame = pl.DataFrame({"time": micros, "asset": asset, "notional_usd": usd, "price": price, "quantity": usd / price})
    return frame.select(
        pl.col("time").cast(pl.Datetime("us", "UTC")),
        venue=pl.lit(name),
        instrument=pl.format("A{}-PERP", "asset"),
        asset=pl.format("A{}", "asset"),
        side=pl.Series(np.where(rng.random(count) < 0.85, "long", "short")),
        quantity="quantity",
        price="price",
        price_basis=pl.lit("average_fill"),
        notional_usd="notional_usd",
        event_id=pl.lit(None, pl.String),
        source=pl.lit(name),
        received=pl.lit(None, pl.Datetime("us", "UTC")),
        evidence=pl.lit(None, pl.String),
    )


def evidence(shown: int) -> Evidence:
    """About this many events in all feeds together."""
    feeds = []
    for venue in range(VENUES):
        capped = venue % 2 == 1
        events = venue_events(venue, shown // VENUES * (2 if capped else 1))
        rules: tuple[Belief, ...] = ()
        if capped:
            rule = CapRule(1.0, Keep.LATEST if venue % 4 == 1 else Keep.LARGEST)
            kept, _ = cap(records(events, WINDOW, {}), rule)
            marks = pl.DataFrame({"notional_usd": kept.usd})
            events = events.join(marks, on="notional_usd", how="semi").head(shown // VENUES)
            rules = (Belief(rule),)
        kind = Completeness.CAPPED if capped else Completeness.COMPLETE
        name = f"venue{venue}"
        feeds.append(Feed(f"{name}/feed", name, (f"{name}/feed",), events, kind, rules))
    sizes = tuple(Size(f"venue{v}", 1e9 * (v + 1), 3e9 * (v + 1)) for v in range(VENUES + 3))
    return Evidence(WINDOW, feeds=tuple(feeds), sizes=sizes)


def main() -> None:
    print(f"{'events':>10} {'seconds (CPU)':>14} {'us per event':>13} {'growth':>7} {'peak MB':>8}")
    before: tuple[int, float] | None = None
    for wanted in [int(text) for text in sys.argv[1:]] or [30_000, 300_000, 3_000_000]:
        known = evidence(wanted)
        events = sum(feed.events.height for feed in known.feeds)
        began = time.process_time()
        estimate(known)
        seconds = time.process_time() - began
        growth = ""
        if before is not None:
            growth = f"{np.log(seconds / before[1]) / np.log(events / before[0]):.2f}"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{events:>10,} {seconds:>14.2f} {1e6 * seconds / events:>13.2f} {growth:>7} {peak:>8.0f}")
        before = (events, seconds)


if __name__ == "__main__":
    main()
