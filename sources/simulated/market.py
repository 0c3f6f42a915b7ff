"""What really happens in a SIMULATED market: every liquidation of every venue, drawn from a seed.

Marked Hawkes cascades by branching: first events come at a base rate and in pulses that all venues share, each sets off
further ones at the same venue, in the same contract and on the same side, generation by generation (Hawkes & Oakes
1974, doi 10.2307/3212693). Everything is a function of (world, regime, window, seed): same seed, same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sources.simulated.world import Bursts, Regime, Venue, World
from verify.model.window import Window

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Hours after the window that are drawn too, so that bars over its end are whole; before it, one window's length.
AFTER = timedelta(hours=1)
#: No order is larger: 200 million dollars.
LARGEST_ORDER = 2e8
_GENERATIONS = 400
_SLICES = 30.0  # no position is closed in many more orders
_T5_SD = (5 / 3) ** 0.5


@dataclass(frozen=True)
class Tape:
    """Liquidations as arrays, in time order: microseconds since 1970 UTC, codes of venue and asset, side, money.

    `usd` is the notional and `price` that of a coin in dollars. What feeds
    make of it is in `sources.simulated.feeds`.
    """

    world: World
    time: Ints
    venue: Ints
    asset: Ints
    long: Flags
    usd: Floats
    price: Floats

    def __len__(self) -> int:
        return len(self.time)

    def where(self, kept: Flags | Ints | slice) -> Tape:
        return Tape(
            self.world,
            self.time[kept],
            self.venue[kept],
            self.asset[kept],
            self.long[kept],
            self.usd[kept],
            self.price[kept],
        )

    def within(self, window: Window) -> Tape:
        """The events of a window; a slice, as the tape is in time order."""
        first, last = np.searchsorted(self.time, [micros(window.start), micros(window.end)])
        return self.where(slice(first, last))

    def of(self, venue: str) -> Tape:
        names = [item.name for item in self.world.venues]
        return self.where(self.venue == names.index(venue))

    def total(self, side: str = "both") -> float:
        if side == "both":
            return float(self.usd.sum())
        return float(self.usd[self.long == (side == "long")].sum())

    def frame(self, venue: Venue, source: str) -> pl.DataFrame:
        """The events of one venue, all of them `venue`'s, in the form of `verify.model.frames.EVENTS`."""
        from verify.model.frames import EVENT_COLUMNS

        assets = list(self.world.assets)
        codes = pl.Series(self.asset)
        data: dict[str, Any] = {
            "time": pl.Series(self.time // venue.grain * venue.grain).cast(pl.Datetime("us", "UTC")),
            "instrument": pl.Series([venue.instrument(asset) for asset in assets], dtype=pl.String).gather(codes),
            "asset": pl.Series(assets, dtype=pl.String).gather(codes),
            "side": pl.Series(["short", "long"]).gather(pl.Series(self.long.astype(np.int64))),
            "quantity": self.usd / self.price,
            "price": self.price,
            "notional_usd": self.usd,
            "event_id": pl.int_range(len(self), eager=True).cast(pl.String),
        }
        constants = {"venue": venue.name, "source": source, "price_basis": venue.basis}
        return pl.DataFrame(data).select(
            pl.col(name) if name in data else pl.lit(constants.get(name), dtype=dtype).alias(name)
            for name, dtype in EVENT_COLUMNS.items()
        )


@dataclass(frozen=True)
class Truth:
    """What happened in the window, in dollars: `sides` per venue are (long, short)."""

    sides: dict[str, tuple[float, float]]
    assets: dict[str, float]
    events: int

    @cached_property
    def long(self) -> float:
        return sum(long for long, _ in self.sides.values())

    @cached_property
    def short(self) -> float:
        return sum(short for _, short in self.sides.values())

    @cached_property
    def total(self) -> float:
        return self.long + self.short

    def of(self, venue: str) -> float:
        return sum(self.sides[venue])


@dataclass(frozen=True)
class Market:
    """A drawn market: the tape of the window with what lies before and after it, and the truth."""

    world: World
    regime: Regime
    window: Window
    tape: Tape
    truth: Truth
    prices: Floats


def micros(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def draw(
    world: World,
    regime: Regime,
    window: Window,
    seed: int | np.random.SeedSequence,
    *,
    spread: tuple[float, float] = (0.45, 0.70),
    uncovered: float = 0.0,
) -> Market:
    """A market of one regime.

    `spread` is the range of the standard deviation by which the logs of the venues' shares are off their open interest
    (t with 5 degrees of freedom); `uncovered` that of a factor which all venues without a feed share.
    """
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    level, mixing, timing, sizing, pricing = (np.random.default_rng(child) for child in sequence.spawn(5))
    hours = window.length / timedelta(hours=4)
    low, high = world.totals[regime]
    total = float(np.exp(level.uniform(np.log(low), np.log(high)))) * hours
    shares = _shares(world, mixing, spread, uncovered)
    bursts = world.bursts[regime]
    first = _first_events(world, bursts, window, timing, total / world.means[regime], shares)
    tape = _cascade(world, bursts, window, timing, sizing, first)
    tape, prices = _priced(tape, pricing)
    inside = tape.within(window).total()
    if inside > 0:
        tape = Tape(world, tape.time, tape.venue, tape.asset, tape.long, tape.usd * (total / inside), tape.price)
    return Market(world, regime, window, tape, _truth(tape.within(window)), prices)


def _shares(world: World, rng: np.random.Generator, spread: tuple[float, float], uncovered: float) -> Floats:
    off = rng.uniform(*spread) * rng.standard_t(5, len(world.venues)) / _T5_SD
    common = rng.normal(0.0, 1.0) * uncovered
    off += np.array([common if venue.feed is None else 0.0 for venue in world.venues])
    weights = np.array([venue.share for venue in world.venues]) * np.exp(np.clip(off, -4, 4))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _first_events(
    world: World, bursts: Bursts, window: Window, rng: np.random.Generator, orders: float, shares: Floats
) -> dict[str, npt.NDArray[Any]]:
    """First events of cascades: seconds since the window's start, venue, asset, side, pulse (0: none)."""
    length, after = window.length.total_seconds(), AFTER.total_seconds()
    count = int(rng.integers(bursts.pulses[0], bursts.pulses[1] + 1))
    begins = rng.uniform(0.02, 0.9, count) * length
    rises = _log_uniform(rng, bursts.rise, count)
    decays = _log_uniform(rng, bursts.decay, count)
    strengths = rng.lognormal(0.0, 0.8, count)
    main_long = rng.random() < 0.7
    pulse_long = np.where(rng.random(count) < 0.9, main_long, not main_long)
    base = bursts.base if count else 1.0
    amount = orders * (1 - bursts.branching)
    inside = rng.poisson(amount * base)
    outside = rng.poisson(amount * base * (length + after) / length)
    pulsed = rng.poisson(amount * (1 - base))
    seconds = [rng.uniform(0, length, inside), rng.uniform(-length, length + after, outside)]
    seconds[1] = np.where((seconds[1] >= 0) & (seconds[1] < length), seconds[1] - length, seconds[1])
    pulse = np.zeros(inside + outside + pulsed, dtype=np.int64)
    if pulsed:
        which = rng.choice(count, pulsed, p=strengths / strengths.sum())
        pulse[inside + outside :] = which + 1
        rise = rng.exponential(rises[which])
        if bursts.omori is None:
            fade = rng.exponential(decays[which])
        else:
            fade = _fading(rng, decays[which], bursts.omori, length + after)
        seconds.append(begins[which] + rise + fade)
    # The same money in larger orders is fewer of them.
    by_count = shares / np.array([venue.size for venue in world.venues])
    venue = rng.choice(len(shares), len(pulse), p=by_count / by_count.sum())
    asset = _assets(world, rng, pulse, venue, count)
    # 85 % of a pulse's liquidations are on its side; elsewhere the sides are even.
    chance = np.where(pulse == 0, 0.5, 0.15 + 0.7 * np.concatenate([[True], pulse_long])[pulse])
    return {
        "seconds": np.concatenate(seconds),
        "venue": venue,
        "asset": asset,
        "long": rng.random(len(pulse)) < chance,
        "pulse": pulse,
    }


def _fading(rng: np.random.Generator, start: Floats, exponent: float, longest: float) -> Floats:
    """Times since a pulse began, at a rate proportional to (start + t) ** -exponent, none later than `longest`."""
    power = 1.0 - exponent
    reached = (1.0 + longest / start) ** power
    return np.asarray(start * ((1.0 - rng.random(len(start)) * (1.0 - reached)) ** (1.0 / power) - 1.0))


def _log_uniform(rng: np.random.Generator, ends: tuple[float, float], count: int) -> Floats:
    return np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]), count))


def _assets(world: World, rng: np.random.Generator, pulse: Ints, venue: Ints, count: int) -> Ints:
    """Zipf activity; each pulse hits other assets more, each venue leans to large or small ones."""
    rank = np.arange(1, len(world.assets) + 1, dtype=np.float64)
    listed = np.array([min(item.listed, len(rank)) for item in world.venues])
    lean = rng.lognormal(0.0, 0.15, len(listed))
    uniform = rng.random(len(pulse)) ** lean[venue]
    asset = np.zeros(len(pulse), dtype=np.int64)
    for number in range(count + 1):
        cumulative = np.cumsum(rank**-world.zipf * rng.lognormal(0.0, 0.5 if number else 0.2, len(rank)))
        mine = pulse == number
        asset[mine] = np.searchsorted(cumulative, uniform[mine] * cumulative[listed[venue[mine]] - 1])
    return np.asarray(np.minimum(asset, listed[venue] - 1), dtype=np.int64)


def _cascade(
    world: World,
    bursts: Bursts,
    window: Window,
    timing: np.random.Generator,
    sizing: np.random.Generator,
    first: dict[str, npt.NDArray[Any]],
) -> Tape:
    """All generations of all cascades, until a generation has no children or all are past the end."""
    end = (window.length + AFTER).total_seconds()
    factor = np.array([item.size for item in world.venues])
    generation, generations = first, []
    for _ in range(_GENERATIONS):
        marks = _marks(world, sizing, generation)
        generations.append({**generation, "usd": marks * factor[generation["venue"]]})
        eager = marks**bursts.mark
        mean = bursts.branching * eager / max(float(eager.mean()), 1e-300) if len(eager) else eager
        parents = np.repeat(np.arange(len(marks)), timing.poisson(np.minimum(mean, 3.0)))
        if not len(parents):
            break
        seconds = generation["seconds"][parents] + _delays(bursts, timing, len(parents))
        alive = seconds < end
        parents = parents[alive]
        generation = {name: column[parents] for name, column in generation.items()} | {"seconds": seconds[alive]}
        if not len(parents):
            break
    joined = {name: np.concatenate([item[name] for item in generations]) for name in generations[0]}
    if bursts.slices:
        joined = _sliced(bursts, timing, joined)
    start = micros(window.start)
    time = start + np.round(joined["seconds"] * 1e3).astype(np.int64) * 1000  # venues stamp milliseconds
    order = np.argsort(time, kind="stable")
    venue, asset, long, usd = (joined[name][order] for name in ("venue", "asset", "long", "usd"))
    return Tape(world, time[order], venue, asset, long, usd, np.ones(len(order)))


def _sliced(
    bursts: Bursts, rng: np.random.Generator, orders: dict[str, npt.NDArray[Any]]
) -> dict[str, npt.NDArray[Any]]:
    """Positions that are closed in several orders, one shortly after the other; the money stays the same."""
    usual = np.median(orders["usd"]) if len(orders["usd"]) else 1.0
    number = 1 + rng.poisson(np.minimum(bursts.slices * np.sqrt(orders["usd"] / usual), _SLICES))
    of = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(of)) - np.repeat(np.cumsum(number) - number, number)
    found = {name: column[of] for name, column in orders.items()}
    part = rng.exponential(size=len(of))
    whole = np.bincount(of, weights=part, minlength=len(number))
    found["usd"] = found["usd"] * part / whole[of]
    found["seconds"] = found["seconds"] + place * rng.exponential(bursts.fast, len(of))
    return found


def _delays(bursts: Bursts, rng: np.random.Generator, count: int) -> Floats:
    mean = np.where(rng.random(count) < bursts.fast_share, bursts.fast, bursts.slow)
    if bursts.power is None:
        return rng.exponential(mean)
    return np.asarray(mean * (bursts.power - 1) * rng.pareto(bursts.power, count), dtype=np.float64)


def _marks(world: World, rng: np.random.Generator, events: dict[str, npt.NDArray[Any]]) -> Floats:
    """Sizes before they are scaled to the total: 1 is a usual order."""
    sizes, count = world.sizes, len(events["seconds"])
    marks = rng.lognormal(0.0, sizes.sigma, count)
    tail = rng.random(count) < sizes.tail_share
    marks[tail] = 5 * (1 + rng.pareto(sizes.alpha, int(tail.sum())))
    marks *= (np.arange(1.0, len(world.assets) + 1) ** -sizes.with_rank)[events["asset"]]
    marks *= np.where(events["pulse"] > 0, 4.0**sizes.with_rate, 1.0)
    return np.minimum(marks, LARGEST_ORDER / 1e4)


def _priced(tape: Tape, rng: np.random.Generator) -> tuple[Tape, Floats]:
    """Prices that fall (or rise) with what is liquidated, and a little noise per order."""
    count = len(tape.world.assets)
    prices = 10 ** rng.uniform(-2, 2, count)
    prices[:3] = (65_000.0, 3_000.0, 150.0)
    net = np.cumsum(np.where(tape.long, tape.usd, -tape.usd))
    way = net / max(float(np.abs(net).max()), 1e-300) if len(net) else net
    move = rng.uniform(0.01, 0.12) * way
    noise = rng.normal(0.0, 5e-4, len(tape))
    price = prices[tape.asset] * (1 - move) * (1 + noise)
    return Tape(tape.world, tape.time, tape.venue, tape.asset, tape.long, tape.usd, price), prices


def _truth(tape: Tape) -> Truth:
    venues, assets = [item.name for item in tape.world.venues], tape.world.assets
    cell = np.bincount(tape.venue * 2 + ~tape.long, weights=tape.usd, minlength=2 * len(venues))
    by_asset = np.bincount(tape.asset, weights=tape.usd, minlength=len(assets))
    return Truth(
        {name: (float(cell[2 * i]), float(cell[2 * i + 1])) for i, name in enumerate(venues)},
        {name: float(value) for name, value in zip(assets, by_asset, strict=True)},
        len(tape),
    )
