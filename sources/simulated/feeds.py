"""What a SIMULATED market shows of itself: capped feeds, gaps, aggregators, bars, totals, outlets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from sources.simulated.market import Flags, Ints, Market, Tape, micros
from sources.simulated.world import Feed, Venue
from sources.spec import Cap, Keep
from verify.model.figure import Completeness
from verify.model.window import Window

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class ShownFeed:
    """A venue's feed: events of the window, those of the window before, and what is documented of it.

    `covered` are the parts that were listened to (None: all); `contract_sizes` are coins per contract by instrument.
    `fault` names what was done to it ("": nothing), which nobody is told.
    """

    channel: str
    venue: str
    events: pl.DataFrame
    earlier: pl.DataFrame
    completeness: Completeness
    cap: Cap | None
    doubtful: bool = False
    covered: tuple[Window, ...] | None = None
    contract_sizes: dict[str, float] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class ShownAggregator:
    """Hourly bars of several venues' feeds, per venue, asset and side; they begin at full hours.

    `sources` are the venues' feeds beneath, as documented, by venue. `fault` names what was done to it.
    """

    name: str
    bars: pl.DataFrame
    earlier: pl.DataFrame
    sources: dict[str, Feed]
    fault: str = ""


@dataclass(frozen=True)
class ShownTotal:
    """A total as shown over the venues of an aggregator: by its own counter, or printed by an outlet and rounded."""

    source: str
    side: str
    value: float
    low: float
    high: float
    lineage: tuple[str, ...]
    venues: tuple[str, ...] | None
    outlet: bool = False


@dataclass(frozen=True)
class ShownSize:
    """Open interest, one-sided, and 24 h volume in dollars, with the errors that such figures have."""

    venue: str
    open_interest: float | None
    volume: float | None


@dataclass(frozen=True)
class Shown:
    """All that can be known of one window from outside."""

    window: Window
    feeds: tuple[ShownFeed, ...]
    aggregators: tuple[ShownAggregator, ...]
    totals: tuple[ShownTotal, ...]
    sizes: tuple[ShownSize, ...]


def capped(tape: Tape, cap: Cap | None) -> Tape:
    """What a feed with this rule shows of the events of one venue, in time order.

    `latest` and `largest` keep of each interval of the clock, `first` is silent for one interval after each event that
    it shows; a rule that does not say which record it keeps, keeps the latest.
    """
    if cap is None or not len(tape):
        return tape
    key = tape.asset * 2 + tape.long if "side" in cap.per else tape.asset * 2
    interval = round(cap.interval / timedelta(microseconds=1))
    if cap.keep is Keep.FIRST:
        return tape.where(_leading(key, tape.time, interval))
    clock = tape.time // interval
    bucket = key * int(clock[-1] - clock[0] + 1) + (clock - clock[0])
    # The preferred record comes first in its bucket; of equals the earlier one.
    order = np.argsort(-tape.usd, kind="stable") if cap.keep is Keep.LARGEST else np.arange(len(tape))[::-1]
    order = order[np.argsort(bucket[order], kind="stable")]
    ordered, number = bucket[order], np.arange(len(order))
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    place = number - np.maximum.accumulate(np.where(begins, number, 0))
    return tape.where(np.sort(order[place < cap.most]))


def _leading(key: Ints, time: Ints, interval: int) -> Flags:
    """The non-paralyzable dead time: from each event kept, the next one kept is the first at least `interval` later."""
    order = np.lexsort((time, key))
    # One axis for all keys: those of the next key lie further away than any interval.
    axis = time[order] - time.min() + key[order] * (int(np.ptp(time)) + 2 * interval + 1)
    following = np.searchsorted(axis, axis + interval).tolist()
    kept, at = [], 0
    while at < len(following):
        kept.append(at)
        at = following[at]
    flags = np.zeros(len(time), dtype=np.bool_)
    flags[order[kept]] = True
    return flags


def contract_sizes(market: Market, venue: Venue) -> dict[str, float]:
    """Coins per contract, the power of ten nearest to the usual worth of one; empty where contracts are coins."""
    if venue.contract is None:
        return {}
    sizes = 10.0 ** np.round(np.log10(venue.contract / market.prices))
    assets = market.world.assets
    return {venue.instrument(asset): float(size) for asset, size in zip(assets[: venue.listed], sizes, strict=False)}


def show_feed(market: Market, venue: Venue, seen: Tape, covered: tuple[Window, ...] | None = None) -> ShownFeed:
    """The feed of a venue, of whose tape `seen` is what it shows."""
    assert venue.feed is not None
    window = market.window
    events = seen.within(window).frame(venue, venue.feed.channel)
    earlier = seen.within(Window(window.start - window.length, window.start)).frame(venue, venue.feed.channel)
    if covered is not None:
        events = events.filter(inside(pl.col("time"), covered))
    return ShownFeed(
        venue.feed.channel,
        venue.name,
        events,
        earlier,
        venue.feed.completeness,
        venue.feed.possible,
        doubtful=venue.feed.doubtful,
        covered=covered,
        contract_sizes=contract_sizes(market, venue),
    )


def inside(time: pl.Expr, parts: tuple[Window, ...]) -> pl.Expr:
    return pl.any_horizontal([(time >= part.start) & (time < part.end) for part in parts])


def show_aggregator(
    market: Market, name: str, feeds: dict[str, Tape], rng: np.random.Generator, *, noise: float = 0.01
) -> ShownAggregator:
    """Bars over the venues in `feeds`, of whose tapes these are what they show.

    The aggregator listens itself: it loses a few records (`noise`, per venue) and adds up the rest.
    """
    frames, before = [], []
    window = market.window
    sources = {}
    for venue_name, shown in feeds.items():
        venue = market.world.venue(venue_name)
        assert venue.feed is not None
        lost = abs(rng.normal(0.0, noise))
        seen = shown.where(rng.random(len(shown)) >= lost)
        frames.append(bars(seen, venue_name, name, _hours(window), venue.feed.completeness))
        earlier = _hours(Window(window.start - window.length, window.start))
        before.append(bars(seen, venue_name, name, earlier, venue.feed.completeness))
        sources[venue_name] = venue.feed
    return ShownAggregator(name, pl.concat(frames), pl.concat(before), sources)


def _hours(window: Window) -> Window:
    """The full hours that cover a window."""
    floor = datetime.fromtimestamp(window.start.timestamp() // 3600 * 3600, UTC)
    ceiling = datetime.fromtimestamp(-(-window.end.timestamp() // 3600) * 3600, UTC)
    return Window(floor, ceiling)


def bars(tape: Tape, venue: str, source: str, hours: Window, completeness: Completeness) -> pl.DataFrame:
    """Hourly sums per asset and side of one venue's tape (schema `verify.model.frames.BARS`); zeros are not sent."""
    from verify.model.frames import BAR_COLUMNS

    tape = tape.within(hours)
    count, assets = hours.length // HOUR, tape.world.assets
    slot = (tape.time - micros(hours.start)) // round(HOUR / timedelta(microseconds=1))
    cell = (slot * len(assets) + tape.asset) * 2 + ~tape.long
    size = count * len(assets) * 2
    money = np.bincount(cell, weights=tape.usd, minlength=size)
    number = np.bincount(cell, minlength=size)
    found = np.flatnonzero(number)
    start = pl.Series(micros(hours.start) + found // (2 * len(assets)) * 3_600_000_000).cast(pl.Datetime("us", "UTC"))
    data = {
        "start": start,
        "end": start + HOUR,
        "asset": pl.Series(list(assets), dtype=pl.String).gather(pl.Series(found // 2 % len(assets))),
        "side": pl.Series(["long", "short"]).gather(pl.Series(found % 2)),
        "notional_usd": money[found],
        "count": number[found],
    }
    constants = {"venue": venue, "source": source, "completeness": str(completeness)}
    return pl.DataFrame(data).select(
        (pl.col(name) if name in data else pl.lit(constants[name], dtype=dtype).alias(name)).cast(dtype)
        for name, dtype in BAR_COLUMNS.items()
    )


def totals(market: Market, aggregator: ShownAggregator, feeds: dict[str, Tape]) -> tuple[ShownTotal, ...]:
    """The counter of an aggregator for exactly the window, per side: what it has seen, not what happened."""
    seen = {name: feeds[name].within(market.window) for name in aggregator.sources}
    kept = _kept_share(aggregator, seen, market)
    lineage = tuple(feed.channel for feed in aggregator.sources.values())
    return tuple(
        ShownTotal(aggregator.name, side, value, value, value, lineage, tuple(seen))
        for side in ("long", "short")
        for value in [kept * sum(tape.total(side) for tape in seen.values())]
    )


def _kept_share(aggregator: ShownAggregator, seen: dict[str, Tape], market: Market) -> float:
    """The share of the feeds' money that the aggregator has not lost, from the hours that lie in the window."""
    window = market.window
    whole = aggregator.bars.filter(pl.col("start") >= window.start, pl.col("end") <= window.end)
    first = -(-micros(window.start) // 3_600_000_000) * 3_600_000_000
    last = micros(window.end) // 3_600_000_000 * 3_600_000_000
    money = sum(float(tape.usd[(tape.time >= first) & (tape.time < last)].sum()) for tape in seen.values())
    return float(whole["notional_usd"].sum()) / money if money else 1.0


def outlet(total: ShownTotal, name: str, digits: int = 3) -> ShownTotal:
    """What an outlet prints of a counter: rounded to `digits` figures."""
    if total.value <= 0:
        return replace(total, source=name, outlet=True)
    unit = 10.0 ** (np.floor(np.log10(total.value)) - digits + 1)
    value = float(round(total.value / unit) * unit)
    return replace(total, source=name, value=value, low=value - unit / 2, high=value + unit / 2, outlet=True)


def sizes(market: Market, rng: np.random.Generator, *, error: float = 0.1) -> tuple[ShownSize, ...]:
    """Open interest of 60 billion dollars in all, each venue's off by `error` in its log; volume is further off."""
    shares = np.array([venue.share for venue in market.world.venues])
    interest = 60e9 * shares * rng.lognormal(0.0, error, len(shares))
    volume = 180e9 * shares * rng.lognormal(0.0, 0.35 + error, len(shares))
    return tuple(
        ShownSize(venue.name, float(a), float(b))
        for venue, a, b in zip(market.world.venues, interest, volume, strict=True)
    )
