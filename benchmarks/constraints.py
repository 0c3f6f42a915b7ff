"""Seconds to build, check and range 2,000 figures of one lineage over 200 distinct windows (stated ceiling: 5 s).

The market is invented: non-negative amounts per venue, asset, side and five minutes, rounded to three digits and
printed by several pages. Run it with `python benchmarks/constraints.py`; medians of three runs are printed.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

import numpy as np

from verify.model.amount import Amount
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, Quantity, Scope, Side
from verify.model.window import Window
from verify.reconcile.cells import System, Target
from verify.reconcile.statements import statements

CEILING = 5.0
RUNS = 3
WINDOWS = 200
FIGURES_PER_WINDOW = 10
STEP = timedelta(minutes=5)
BEGIN = datetime(2026, 1, 18, tzinfo=UTC)
STEPS = 48 * 12
VENUES = ("binance", "bybit", "okx", "hyperliquid", "gate")
ASSETS = ("BTC", "ETH", "SOL")
SIDES = (Side.LONG, Side.SHORT)


def scopes() -> list[Quantity]:
    """The ten quantities that a page prints: totals and sides, venues, assets, one venue's asset."""
    return [
        *(Quantity(LIQUIDATIONS, side=side) for side in Side),
        *(Quantity(LIQUIDATIONS, Scope.of(venue)) for venue in VENUES[:4]),
        *(Quantity(LIQUIDATIONS, assets=Scope.of(asset)) for asset in ASSETS[:2]),
        Quantity(LIQUIDATIONS, Scope.of(VENUES[3]), Scope.of(ASSETS[0]), Side.LONG),
    ]


def market(random: np.random.Generator) -> np.ndarray:
    """Dollars by venue, asset, side and step: quiet hours and a cascade."""
    shape = (len(VENUES) + 1, len(ASSETS) + 1, len(SIDES), STEPS)
    return random.lognormal(10, 1.5, shape) * (1 + 40 * np.exp(-(((np.arange(STEPS) - 290) / 12) ** 2)))


def amount(truth: np.ndarray, quantity: Quantity, first: int, last: int) -> Amount:
    """What a quantity is between two steps, printed with three digits."""
    part = truth
    for axis, (scope, names) in enumerate(((quantity.venues, VENUES), (quantity.assets, ASSETS))):
        if scope.names is not None:
            part = part.take([names.index(name) for name in sorted(scope.names)], axis=axis)
    if quantity.side is not Side.BOTH:
        part = part.take([SIDES.index(quantity.side)], axis=2)
    value = Decimal(float(part[..., first:last].sum()))
    unit = Decimal(1).scaleb(value.adjusted() - 2)
    return Amount.rounded((value / unit).to_integral_value() * unit, unit)


def figures(slack: timedelta) -> list[Figure]:
    """Rolling windows of 1, 4, 12 and 24 hours; with slack each was really read some minutes earlier or later."""
    random = np.random.default_rng(20260119)
    truth = market(random)
    found: list[Figure] = []
    for number in range(WINDOWS):
        length = (12, 48, 144, 288)[number % 4]
        end = 290 + (number // 4) * 5
        shift = int(random.integers(-(slack // STEP), slack // STEP + 1)) if slack else 0
        window = Window(BEGIN + (end - length) * STEP, BEGIN + end * STEP, slack)
        for quantity in scopes()[:FIGURES_PER_WINDOW]:
            said = amount(truth, quantity, end - length + shift, end + shift)
            found.append(Figure(quantity, said, window, f"outlet {number}", f"https://example.org/{number}"))
    return found


def measure(slack: timedelta) -> dict[str, float]:
    """Seconds of each step, medians of the runs."""
    known = figures(slack)
    seconds: dict[str, list[float]] = {"build": [], "feasibility": [], "range": [], "all": []}
    for _ in range(RUNS):
        begun = time.perf_counter()
        stated = statements(known)
        asked = next(s for s in stated if s.quantity.side is Side.LONG and s.window.length == timedelta(hours=4))
        target = Target(asked.quantity, asked.window, asked.reading)
        system = System(stated, [target])
        built = time.perf_counter()
        feasible = system.feasible()
        checked = time.perf_counter()
        span = system.range(target, without=[asked.id])
        ranged = time.perf_counter()
        if not feasible or span is None or not span[0] <= asked.value <= span[1]:
            raise SystemExit(f"wrong: feasible {feasible}, range {span}, truth about {asked.value}")
        steps = (built - begun, checked - built, ranged - checked, ranged - begun)
        for name, value in zip(seconds, steps, strict=True):
            seconds[name].append(value)
    return {name: median(values) for name, values in seconds.items()}


def main() -> None:
    for slack, title in ((timedelta(0), "exact edges"), (timedelta(minutes=10), "edges good to 10 minutes")):
        count = len(figures(slack))
        steps = measure(slack)
        listed = ", ".join(f"{name} {value:.2f} s" for name, value in steps.items())
        verdict = "within" if steps["all"] <= CEILING else "OVER"
        print(f"{count:,} figures, {WINDOWS} windows, {title}: {listed} ({verdict} the ceiling of {CEILING:g} s)")


if __name__ == "__main__":
    main()
