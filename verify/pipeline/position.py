"""`verify.position`: what a holding gains or lost at a price, and which of the printed numbers that allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np

from verify.claims.spans import Kind, scan
from verify.claims.statement import Stated, Statistic
from verify.model import names
from verify.model.amount import Amount
from verify.model.errors import AmountError, InputError
from verify.model.figure import Completeness, Figure
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.report import Finding, Report
from verify.model.window import Window
from verify.pipeline.observed import (
    Gathered,
    Options,
    Told,
    delivered_reading,
    dollars,
    figure_reading,
    gather,
    held,
    report,
)
from verify.reconcile import prices
from verify.reconcile.readings import Reading, spread

#: How near in time a printed gain must be to be set beside the one that is worked out.
_NEARBY = timedelta(days=2)
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Holding:
    """So many coins of an asset (with what their rounding leaves open), bought or sold short at `cost` dollars each."""

    asset: str
    coins: Span
    cost: Span | None
    short: bool = False

    def gain(self, price: Span) -> Span:
        """The unrealised gain at a price, in dollars: coins x (price - cost), for a short with the sign turned."""
        assert self.cost is not None
        per_coin = (price[0] - self.cost[1], price[1] - self.cost[0])
        if self.short:
            per_coin = (-per_coin[1], -per_coin[0])
        ends = [coins * each for coins in self.coins for each in per_coin]
        return min(ends), max(ends)

    def price_for(self, gain: float) -> Span:
        """The price at which the holding has gained so much."""
        assert self.cost is not None
        each = [gain / coins for coins in self.coins]
        ends = [cost + (-per if self.short else per) for cost in self.cost for per in each]
        return min(ends), max(ends)


def position(
    window: str | Window,
    claim: str | None = None,
    *,
    holding: str,
    cost: str | None = None,
    price: str | None = None,
    short: bool = False,
    slack: str | timedelta | None = None,
    options: Options | None = None,
) -> Report:
    """Judge a claim about the gain of a holding: coins x (price - cost), over the prices of a window.

    `holding` is as written ("626,700 ETH"), `cost` and `price` dollars per coin ("$3,105.5"). Without `price` the
    prices of the exchanges over the window are taken, from the lowest to the highest; without `cost` the claim is
    divided by the coins, which tells what it means per coin. Raises `InputError`.
    """
    options = options or Options()
    held_coins = _holding(holding, cost, short)
    stated_price = _dollars(price, "--price") if price else None
    said = _gain(claim) if claim else None
    quantity = Quantity(METRICS["price"], assets=Scope.of(held_coins.asset))
    found = gather(window, lambda asked: [(quantity, asked)], options, slack=slack)
    listed: list[Reading] = []
    if held_coins.cost is not None:
        listed += _worked_out(found, held_coins, stated_price, said)
        listed += _printed(found, held_coins, said)
    found.findings += list(_sanity(held_coins, said, found))
    what = f"unrealised gain of {holding.strip()}{' sold short' if short else ''}"
    what += f" at a cost of {cost.strip()}" if cost else ""
    sentence = f"The {what} was {spread(listed, dollars)} ({found.window.words()})." if listed else ""
    caveat = "Worked out from the holding and the cost as they were given; neither was read from a chain."
    if stated_price is None:
        caveat += " The prices are those of exchanges over the window, from the lowest to the highest."
    told = Told("position", what, claim.strip() if claim else None, sentence, caveat, dollars)
    return report(found, listed, told, min_confidence=options.min_confidence)


def _holding(text: str, cost: str | None, short: bool) -> Holding:
    coins = [number for number in scan(text).numbers if number.kind is Kind.COIN]
    if len(coins) != 1:
        raise InputError(f"cannot read the holding {text!r}: write coins with their ticker, for example '626,700 ETH'")
    amount = coins[0].amount
    known = names.find("assets", coins[0].asset)
    asset = known.id if known else coins[0].asset.upper()
    return Holding(asset, (float(amount.low), float(amount.high)), _dollars(cost, "--cost") if cost else None, short)


def _dollars(text: str, option: str) -> Span:
    """A price as it was given: exact where it is a plain number, the ends of a range where it is one."""
    try:
        amount = Amount.parse(text)
    except AmountError as error:
        raise InputError(f"{option}: {error.message}") from None
    ends = amount.ends or (amount.value, amount.value)
    return float(ends[0]), float(ends[1])


def _gain(text: str) -> Stated:
    loss = text.strip().lower().startswith("-") or any(
        word in text.lower().split() for word in ("loss", "lost", "losses")
    )
    numbers = scan(text).numbers
    amount = numbers[0].amount if len(numbers) == 1 else Amount.parse(text.strip().removeprefix("-"))
    return Stated(Statistic.AMOUNT, amount, "USD", text.strip(), loss)


def _worked_out(found: Gathered, coins: Holding, stated_price: Span | None, said: Stated | None) -> Iterator[Reading]:
    sign = -1.0 if said is not None and said.negative else 1.0
    if stated_price is not None:
        span = _signed(coins.gain(stated_price), sign)
        yield Reading(
            "arithmetic", "the price given", *span, f"{_range(span)} at {_priced(stated_price)}",
            fit=held(said, span) if said else None, completeness=Completeness.COMPLETE, outlet="arithmetic",
        )  # fmt: skip
        return
    for delivery, frame in found.series("price", coins.asset):
        ext = prices.extremes(frame, found.window)
        if ext is None:
            continue
        at = (ext.low[0], ext.high[1])
        span = _signed(coins.gain(at), sign)
        text = f"{_range(span)} at {_priced(at)} {frame['unit'][0]}"
        yield delivered_reading(delivery, delivery.source.title, span, text, fitting=held(said, span) if said else None)


def _printed(found: Gathered, coins: Holding, said: Stated | None) -> list[Reading]:
    """Gains that were printed near the window, as other definitions: whose holding they are is not known."""
    listed = []
    for figure in found.stated("unrealised_gain"):
        if figure.quantity.assets.names != frozenset({coins.asset}) or not _near(figure, found.window):
            continue
        assert figure.amount is not None
        span = (float(figure.amount.low), float(figure.amount.high))
        price = coins.price_for(float(figure.amount.value))
        text = f"{figure.amount} printed, which means a price of {_priced(price)}"
        reading = figure_reading(figure, found, text, held(said, span) if said else None)
        listed.append(_as_variant(reading, f"what {figure.outlet} printed"))
    return listed


def _as_variant(reading: Reading, variant: str) -> Reading:
    from dataclasses import replace

    return replace(reading, variant=variant)


def _near(figure: Figure, window: Window) -> bool:
    moment = figure.at or (figure.window.start if figure.window else None)
    return moment is not None and window.start - _NEARBY <= moment <= window.end + _NEARBY


def _sanity(coins: Holding, said: Stated | None, found: Gathered) -> Iterator[Finding]:
    """What the claim means per coin, and at which price it would be right."""
    if said is None or said.amount is None:
        return
    value = float(said.amount.value) * (-1.0 if said.negative else 1.0)
    low, high = sorted(value / size for size in coins.coins)
    text = f"{said.text} is {_range((low, high))} per {coins.asset}"
    for _, frame in found.series("price", coins.asset):
        usual = float(np.median(frame["value"].to_numpy()))
        text += f", {abs(value / coins.coins[0] / usual):.1%} of its price then"
        break
    if coins.cost is not None:
        text += f"; with the cost given it means a price of {_priced(coins.price_for(value))}"
    yield Finding("per_unit", text, ())


def _signed(span: Span, sign: float) -> Span:
    low, high = sorted((sign * span[0], sign * span[1]))
    return low, high


def _range(span: Span) -> str:
    low, high = dollars(_cents(span[0])), dollars(_cents(span[1]))
    return low if low == high else f"{low} to {high}"


def _priced(span: Span) -> str:
    low, high = (f"${value:,.2f}".removesuffix(".00") for value in span)
    return low if low == high else f"{low} to {high}"


def _cents(value: float) -> float:
    return float(Decimal(repr(value)).quantize(Decimal("0.01")))
