"""The SIMULATED windows by name: what is assumed to be so, and what is not as assumed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from sources.simulated import feeds
from sources.simulated.faults import damage_aggregator, damage_feed, damage_totals
from sources.simulated.feeds import Shown, ShownAggregator, ShownFeed, ShownTotal
from sources.simulated.market import Market, Tape, Truth, draw
from sources.simulated.world import NOMINAL, OTHER, THIRD, Bursts, Regime, Venue, World
from sources.spec import Cap, Keep
from verify.model.errors import NameUnknown
from verify.model.figure import Completeness
from verify.model.window import Window

LENGTH = timedelta(hours=4)
_FIRST_DAY, _DAYS = datetime(2025, 10, 1, tzinfo=UTC), 400
#: How often the newer of two contradicting documents is right.
_NEWER_IS_RIGHT = 0.6
#: How often the feed of a venue can be read itself, and how often it names a gap.
_DIRECT, _DECLARED_GAP = 0.85, 0.15


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the calibration table.

    `faults` and `soft_faults` are probabilities per channel. `wrong_rule`: capped feeds keep another record than the
    documents say. `unknown`: what feeds of unknown class really are (None: either, evenly). `feeds` are the venues
    whose own feed can be read (None: of each with probability 0.85). `outlet` prints a total; `counters` are the
    aggregators' own totals, which leave out every third venue if they are `narrow`. `modelled` says whether the
    estimator's assumptions hold.
    """

    name: str
    title: str
    world: World = NOMINAL
    spread: tuple[float, float] = (0.45, 0.70)
    uncovered: float = 0.2
    interest_error: float = 0.1
    faults: float = 0.0
    soft_faults: float = 0.0
    wrong_rule: bool = False
    unknown: Completeness | None = None
    feeds: tuple[str, ...] | None = None
    aggregators: int = 2
    counters: bool = True
    narrow: bool = False
    outlet: bool = True
    modelled: bool = True


@dataclass(frozen=True)
class Simulated:
    """One simulated window: the truth beside what is shown. `faults` are those done, by channel."""

    scenario: Scenario
    regime: Regime
    seed: int
    window: Window
    truth: Truth
    shown: Shown
    faults: dict[str, str] = field(default_factory=dict)


def _burstier(world: World) -> World:
    def more(bursts: Bursts) -> Bursts:
        branching = 1 - (1 - bursts.branching) * 0.65
        return replace(bursts, branching=branching, fast=bursts.fast / 2, decay=(30, 700), mark=0.3)

    return replace(world, bursts={regime: more(bursts) for regime, bursts in world.bursts.items()})


def _none_complete(world: World) -> World:
    """Complete feeds become capped ones, documented as such."""
    cap = Cap(timedelta(seconds=1), Keep.LATEST)

    def thinned(venue: Venue) -> Venue:
        if venue.feed is None or venue.feed.completeness is not Completeness.COMPLETE:
            return venue
        return replace(venue, feed=replace(venue.feed, completeness=Completeness.CAPPED, cap=cap))

    return replace(world, venues=tuple(thinned(venue) for venue in world.venues))


_MINIMAL = ("binance", "hyperliquid")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("nominal", "as modelled"),
    Scenario("faults", "a quarter of the channels is faulty", faults=0.25),
    Scenario("soft_faults", "a quarter of the channels drifts, loses or pauses", soft_faults=0.25),
    Scenario("burstier", "cascades are burstier than modelled", _burstier(NOMINAL), modelled=False),
    Scenario("common_shock", "venues without a feed differ as a group", uncovered=0.6, modelled=False),
    Scenario("wrong_interest", "open interest is badly wrong", interest_error=0.7, modelled=False),
    Scenario("another_world", "other venues, shares, caps, sizes and bursts", OTHER, modelled=False),
    Scenario(
        "third_world",
        "bursts that fade slowly, orders in slices, caps of 5 s, of two records and per side, totals of fewer venues",
        THIRD,
        narrow=True,
        modelled=False,
    ),
    Scenario("none_complete", "no venue shows everything", _none_complete(NOMINAL)),
    Scenario("unknown_capped", "all feeds of unknown class are capped", unknown=Completeness.CAPPED, modelled=False),
    Scenario(
        "unknown_complete", "all feeds of unknown class are complete", unknown=Completeness.COMPLETE, modelled=False
    ),
    Scenario("aggregators_only", "no venue's own feed can be read", feeds=()),
    Scenario("minimal", "two feeds and one aggregator", feeds=_MINIMAL, aggregators=1, counters=False),
    Scenario(
        "minimal_faults",
        "two feeds and one aggregator, each faulty one time in four",
        feeds=_MINIMAL,
        aggregators=1,
        counters=False,
        faults=0.25,
    ),
    Scenario(
        "outlet_hyperliquid",
        "a printed total, one complete feed",
        feeds=("hyperliquid",),
        aggregators=0,
        counters=False,
    ),
    Scenario("wrong_rule", "capped feeds keep another record than documented", wrong_rule=True, modelled=False),
)


def scenario(name: str) -> Scenario:
    """The scenario of this name; raises `NameUnknown` with the nearest ones."""
    found = {item.name: item for item in SCENARIOS}
    if name not in found:
        from verify.model.names import similarity

        near = sorted(found, key=lambda known: -similarity(name, known))[:2]
        raise NameUnknown("scenario", name, near)
    return found[name]


def simulate(
    which: Scenario, regime: Regime, seed: int, *, start: datetime | None = None, length: timedelta = LENGTH
) -> Simulated:
    """One window, as a function of its arguments alone; `start` (UTC) is drawn too where it is not given."""
    key = [seed, *which.name.encode(), *str(regime).encode()]
    sequence = np.random.SeedSequence(key)
    tape_seed, show_seed, fault_seed = sequence.spawn(3)
    rng = np.random.default_rng(show_seed)
    drawn = _FIRST_DAY + timedelta(minutes=30 * int(rng.integers(48 * _DAYS)))
    start = drawn if start is None else start
    window = Window(start, start + length)
    world = _documented(which, start.date())
    market = draw(world, regime, window, tape_seed, spread=which.spread, uncovered=which.uncovered)
    caps = _in_force(which, world, rng)
    seen = {name: feeds.capped(market.tape.of(name), cap) for name, cap in caps.items()}
    shown_feeds = _feeds(which, market, seen, rng)
    aggregators = _aggregators(which, market, seen, rng)
    faulty = np.random.default_rng(fault_seed)
    shown_feeds = tuple(_damaged(which, feed, window, faulty) for feed in shown_feeds)
    damaged = tuple(_damaged_bars(which, item, window, faulty) for item in aggregators)
    shown = Shown(
        window,
        shown_feeds,
        damaged,
        _totals(which, market, seen, aggregators, damaged, rng),
        feeds.sizes(market, rng, error=which.interest_error),
    )
    faults = {feed.channel: feed.fault for feed in shown_feeds if feed.fault}
    faults |= {item.name: item.fault for item in damaged if item.fault}
    return Simulated(which, regime, seed, window, market.truth, shown, faults)


def _documented(which: Scenario, day: date) -> World:
    """The world with its feeds as they are documented for a day; where the documents are wrong, they are so surely."""

    def dated(venue: Venue) -> Venue:
        if venue.feed is None:
            return venue
        feed = venue.feed.documented(day)
        return replace(venue, feed=replace(feed, doubtful=feed.doubtful and not which.wrong_rule))

    return replace(which.world, venues=tuple(map(dated, which.world.venues)))


def _in_force(which: Scenario, world: World, rng: np.random.Generator) -> dict[str, Cap | None]:
    """The rule that each venue's feed really follows, by venue; None shows everything."""
    found: dict[str, Cap | None] = {}
    for venue in world.venues:
        if venue.feed is None:
            continue
        # Both drawn for every venue, so that scenarios differ in nothing else.
        coin, newer = rng.random() < 0.5, rng.random() < _NEWER_IS_RIGHT
        cap = venue.feed.cap
        if venue.feed.completeness is Completeness.UNKNOWN:
            is_capped = coin if which.unknown is None else which.unknown is Completeness.CAPPED
            cap = venue.feed.hidden_cap if is_capped else None
        elif cap is not None and (which.wrong_rule or (venue.feed.doubtful and not newer)):
            cap = replace(cap, keep=Keep.LATEST if cap.keep is Keep.LARGEST else Keep.LARGEST)
        found[venue.name] = cap
    return found


def _feeds(which: Scenario, market: Market, seen: dict[str, Tape], rng: np.random.Generator) -> tuple[ShownFeed, ...]:
    shown = []
    for venue in market.world.venues:
        if venue.feed is None:
            continue
        direct, pauses, begin, length = rng.random(4)
        readable = direct < _DIRECT if which.feeds is None else venue.name in which.feeds
        if not readable:
            continue
        covered = _paused(market.window, begin, length) if pauses < _DECLARED_GAP else None
        shown.append(feeds.show_feed(market, venue, seen[venue.name], covered))
    return tuple(shown)


def _paused(window: Window, begin: float, length: float) -> tuple[Window, ...]:
    """The window without a gap of two to 25 minutes."""
    gap = timedelta(minutes=2 + 23 * length)
    first = window.start + (window.length - gap) * (0.02 + 0.96 * begin)
    return Window(window.start, first), Window(first + gap, window.end)


def _aggregators(
    which: Scenario, market: Market, seen: dict[str, Tape], rng: np.random.Generator
) -> tuple[ShownAggregator, ...]:
    """The first sees all feeds, the second the larger ones."""
    venues = list(seen)
    reach = {"aggregator_a": len(venues), "aggregator_b": max(len(venues) * 2 // 3, 1)}
    return tuple(
        feeds.show_aggregator(market, name, {venue: seen[venue] for venue in venues[:count]}, rng)
        for name, count in list(reach.items())[: which.aggregators]
    )


def _totals(
    which: Scenario,
    market: Market,
    seen: dict[str, Tape],
    aggregators: tuple[ShownAggregator, ...],
    damaged: tuple[ShownAggregator, ...],
    rng: np.random.Generator,
) -> tuple[ShownTotal, ...]:
    found: list[ShownTotal] = []
    for whole, broken in zip(aggregators, damaged, strict=True):
        if which.counters:
            found += damage_totals(feeds.totals(market, _counted(which, whole), seen), broken.fault)
    if which.outlet:
        # An outlet prints the counter of an aggregator that sees all feeds, whether or not that can be read itself.
        counter = aggregators[0] if aggregators else feeds.show_aggregator(market, "aggregator_a", seen, rng)
        sides = feeds.totals(market, _counted(which, counter), seen)
        value = sum(total.value for total in sides)
        both = replace(sides[0], side="both", value=value, low=value, high=value, venues=None)
        found.append(feeds.outlet(both, "outlet"))
    return tuple(found)


def _counted(which: Scenario, aggregator: ShownAggregator) -> ShownAggregator:
    """The aggregator with the venues that its counter counts."""
    if not which.narrow:
        return aggregator
    kept = [venue for place, venue in enumerate(aggregator.sources) if place % 3 != 1]
    sources = {venue: aggregator.sources[venue] for venue in kept}
    return replace(aggregator, bars=aggregator.bars.filter(pl.col("venue").is_in(kept)), sources=sources)


def _damaged(which: Scenario, feed: ShownFeed, window: Window, rng: np.random.Generator) -> ShownFeed:
    """A fault that changes nothing, such as a gap where nothing happened, is none."""
    hard, soft = rng.random(2)
    changed = feed
    if hard < which.faults:
        changed = damage_feed(feed, window, rng)
    elif soft < which.soft_faults:
        changed = damage_feed(feed, window, rng, soft=True)
    return feed if changed.events.equals(feed.events) else changed


def _damaged_bars(
    which: Scenario, aggregator: ShownAggregator, window: Window, rng: np.random.Generator
) -> ShownAggregator:
    hard, soft = rng.random(2)
    changed = aggregator
    if hard < which.faults:
        changed = damage_aggregator(aggregator, window, rng)
    elif soft < which.soft_faults:
        changed = damage_aggregator(aggregator, window, rng, soft=True)
    return aggregator if changed.bars.equals(aggregator.bars) else changed
