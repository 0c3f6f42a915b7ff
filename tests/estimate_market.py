"""A small market for the tests of the estimate: clustered liquidations of several venues, and evidence built from them.

Everything is invented and drawn from a seed. It is deliberately not `sources.simulated`: the estimator must not rest
on the details of one simulator.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from verify.model.figure import Completeness
from verify.model.window import Window
from verify.reconcile.observed import Belief, CapRule, Evidence, Feed, Keep, Size
from verify.reconcile.records import Records, records
from verify.reconcile.thinning import cap

START = datetime(2026, 1, 18, 22, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=4))
SECONDS = 4 * 3600.0
LATEST, LARGEST, FIRST = (CapRule(1.0, keep) for keep in (Keep.LATEST, Keep.LARGEST, Keep.FIRST))
_ASSETS = 12
_PRICES = 10.0 ** (4 - np.arange(_ASSETS) % 6)


def tape(seed: int, venue: str, count: int, *, scale: float = 1.0) -> pl.DataFrame:
    """Events of one venue: pulses that all venues share, sizes of its own, nine longs in ten."""
    shared, own = np.random.default_rng(seed), np.random.default_rng([seed, *venue.encode()])
    peaks = shared.uniform(0.1, 0.8, 3) * SECONDS
    which = own.integers(0, 4, count)
    even = own.uniform(0, SECONDS, count)
    pulse = peaks[np.minimum(which, 2)] + own.exponential(300.0, count)
    time = np.where((which < 3) & (pulse < SECONDS), pulse, even)
    time = np.sort(np.round(time, 3))
    asset = np.minimum(own.geometric(0.25, count) - 1, _ASSETS - 1)
    usd = own.lognormal(9.0, 1.3, count) * scale
    price = _PRICES[asset]
    micros = int(START.timestamp() * 1e6) + np.round(time * 1e6).astype(np.int64)
    return pl.DataFrame(
        {
            "time": pl.Series(micros).cast(pl.Datetime("us", "UTC")),
            "venue": [venue] * count,
            "instrument": [f"A{a}-PERP" for a in asset],
            "asset": [f"A{a}" for a in asset],
            "side": np.where(own.uniform(size=count) < 0.9, "long", "short"),
            "quantity": usd / price,
            "price": price,
            "price_basis": ["average_fill"] * count,
            "notional_usd": usd,
            "event_id": pl.Series([None] * count, dtype=pl.String),
            "source": [venue] * count,
            "received": pl.Series([None] * count, dtype=pl.Datetime("us", "UTC")),
            "evidence": pl.Series([None] * count, dtype=pl.String),
        }
    )


def capped(events: pl.DataFrame, rule: CapRule) -> pl.DataFrame:
    """What a feed under this rule shows of events."""
    ordered = events.sort(pl.col("instrument").rank("dense"), "time", "notional_usd")
    kept, _ = cap(records(ordered, WINDOW, {}), rule)
    marks = pl.DataFrame({"seconds": np.round(kept.seconds, 6), "notional_usd": kept.usd})
    timed = events.with_columns(seconds=((pl.col("time") - START).dt.total_microseconds() / 1e6).round(6))
    return timed.join(marks, on=["seconds", "notional_usd"], how="semi").drop("seconds")


def feed(venue: str, events: pl.DataFrame, completeness: Completeness = Completeness.COMPLETE, *rules: CapRule) -> Feed:
    return Feed(f"{venue}/feed", venue, (f"{venue}/feed",), events, completeness, tuple(Belief(rule) for rule in rules))


#: Venues, how many liquidations each had, and the rule of its feed (None: complete).
VENUES: dict[str, tuple[int, CapRule | None]] = {
    "amber": (9000, LATEST),
    "birch": (5000, None),
    "cedar": (4000, None),
    "dogwood": (2500, LARGEST),
    "elm": (1500, None),
    "fir": (800, None),
}
UNSEEN = {"ginkgo": 2000, "hazel": 900}


def market(seed: int = 1) -> tuple[Evidence, float]:
    """Evidence and truth: six venues with a feed, two without."""
    feeds, sizes, truth = [], [], 0.0
    for venue, (count, rule) in VENUES.items():
        events = tape(seed, venue, count)
        truth += float(events["notional_usd"].sum())
        sizes.append(Size(venue, count * 1e6, count * 3e6))
        shown = events if rule is None else capped(events, rule)
        kind = Completeness.COMPLETE if rule is None else Completeness.CAPPED
        feeds.append(feed(venue, shown, kind, *([rule] if rule else [])))
    for venue, count in UNSEEN.items():
        truth += float(tape(seed, venue, count)["notional_usd"].sum())
        sizes.append(Size(venue, count * 1e6, count * 3e6))
    return Evidence(WINDOW, feeds=tuple(feeds), sizes=tuple(sizes)), truth


def with_feed(evidence: Evidence, venue: str, **changes: object) -> Evidence:
    """The evidence with another feed of one venue."""
    feeds = tuple(replace(f, **changes) if f.venue == venue else f for f in evidence.feeds)  # type: ignore[arg-type]
    return replace(evidence, feeds=feeds)


def events_of(evidence: Evidence, venue: str) -> pl.DataFrame:
    return next(f.events for f in evidence.feeds if f.venue == venue)


#: Assets of `clumped`.
RARE = 60


def clumped(seed: int, clusters: float = 6.0, size: float = 4.0) -> Records:
    """A feed of rare assets whose liquidations come in clumps within a second or so."""
    rng = np.random.default_rng(seed)
    seconds, asset = [], []
    for one in range(RARE):
        for start in rng.uniform(0, SECONDS, rng.poisson(clusters)):
            number = rng.geometric(1.0 / size)
            seconds.append(start + np.cumsum(rng.exponential(0.1, number)))
            asset.append(np.full(number, one))
    second, of = np.concatenate(seconds), np.concatenate(asset)
    order = np.lexsort((second, of))
    second, of = second[order], of[order]
    usd = rng.lognormal(9, 1.5, len(of))
    unknown = np.full(len(of), np.nan)
    return Records(second, of, of, np.ones(len(of), bool), usd, unknown, unknown, ())
