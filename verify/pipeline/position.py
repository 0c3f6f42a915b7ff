"""`verify.position`: what a holding gains or lost at a price, and which of the printed numbers that allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from sources.collect import Delivery

#: How near in time a printed gain must be to be set beside the one that is worked out.
_NEARBY = timedelta(days=2)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
#: The unit of a claim that is about the coins themselves.
COINS = "coins"
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
    holding: str = "",
    account: str = "",
    asset: str = "ETH",
    cost: str | None = None,
    price: str | None = None,
    short: bool = False,
    slack: str | timedelta | None = None,
    options: Options | None = None,
) -> Report:
    """Judge a claim about a holding or its gain: coins x (price - cost), over the prices of a window.

    `holding` is as written ("626,700 ETH"), or `account` an address whose holding of `asset` at the end of the window
    is read where it lies; a claim in coins is then about the holding itself. `cost` and `price` are dollars per coin
    ("$3,105.5"). Without `price` the prices of the exchanges over the window are taken, from the lowest to the
    highest; without `cost` the entry price that an account tells, else the claim is divided by the coins, which tells
    what it means per coin. Raises `InputError`.
    """
    options = options or Options()
    question = PositionQuestion.asked(
        holding=holding, account=account, asset=asset, cost=cost, price=price, short=short, claim=claim
    )
    return question.judged(gather(window, question, options, slack=slack), min_confidence=options.min_confidence)


@dataclass(frozen=True, slots=True)
class PositionQuestion:
    """A claim about a holding or its gain; without one, what is known. See `position`.

    Either `written` is what is held, or `account` who holds it. Without a claim it is about the coins themselves where
    `coins` says so, or where nobody tells what they have cost.
    """

    asset: str
    words: str
    written: Holding | None = None
    account: str = ""
    cost: Span | None = None
    price: Span | None = None
    coins: bool = False
    said: Stated | None = None

    @classmethod
    def asked(
        cls,
        *,
        holding: str = "",
        account: str = "",
        asset: str = "ETH",
        cost: str | None = None,
        price: str | None = None,
        short: bool = False,
        coins: bool = False,
        claim: str | None = None,
    ) -> PositionQuestion:
        """The question as written. Raises `InputError`."""
        _one_of(holding, account, short)
        value = _dollars(price, "--price") if price else None
        paid = _dollars(cost, "--cost") if cost else None
        written = _holding(holding, paid, short) if holding else None
        of = written.asset if written else _asset(asset)
        words = holding.strip() or f"{of} at {account}"
        words += f"{' sold short' if short else ''}{f' at a cost of {cost.strip()}' if cost else ''}"
        question = cls(of, words, written, account, paid, value, coins)
        return question.claiming(claimed(claim, of)) if claim else question

    def claiming(self, said: Stated | None) -> PositionQuestion:
        """The same question about another claim. Raises `InputError` for one that is neither money nor coins."""
        if said is not None and (said.amount is None or said.unit not in ("USD", COINS)):
            raise InputError(f"{said.text!r} is neither a sum of money nor coins: write for example $61.7M")
        return replace(self, said=said)

    @property
    def quantity(self) -> Quantity:
        """What it is about."""
        metric = "holding" if self.coins else "unrealised_gain"
        return Quantity(METRICS[metric], assets=Scope.of(self.asset), subject=self.account)

    def wanted(self, window: Window) -> list[tuple[Quantity, Window]]:
        """What sources are asked for."""
        scope = Scope.of(self.asset)
        of_account = [Quantity(METRICS["holding"], assets=scope, subject=self.account)] if self.account else []
        return [(quantity, window) for quantity in (Quantity(METRICS["price"], assets=scope), *of_account)]

    def judged(self, found: Gathered, *, min_confidence: float = 0.0) -> Report:
        """The report on what was gathered."""
        said, of = self.said, self.asset
        seen = list(_seen(found, self.account, of, self.cost)) if self.account else []
        in_coins = said.unit == COINS if said else self._in_coins(seen)
        listed: list[Reading] = []
        for delivery, coins in seen:
            if in_coins:
                listed.append(_held_reading(delivery, coins, said))
            else:
                found.findings.append(Finding("holding", f"{delivery.source.title} shows {_coins(coins)}", ()))
        for coins in () if in_coins else [self.written] if self.written else [coins for _, coins in seen]:
            if coins.cost is not None:
                listed += _worked_out(found, coins, self.price, said)
                listed += _printed(found, coins, said)
            found.findings += list(_sanity(coins, said, found))
        what = f"{'holding' if in_coins else 'unrealised gain'} of {self.words}"
        shown = (lambda value: f"{value:,.10g} {of}") if in_coins else dollars
        sentence = f"The {what} was {spread(listed, shown)} ({found.window.words()})." if listed else ""
        caveat = _caveat(self.account, in_coins=in_coins, priced=self.price is not None)
        told = Told("position", what, said.text if said else None, sentence, caveat, shown)
        return report(found, listed, told, min_confidence=min_confidence)

    def _in_coins(self, seen: Sequence[tuple[Delivery, Holding]]) -> bool:
        return self.coins or (not self.written and all(coins.cost is None for _, coins in seen))


def _one_of(holding: str, account: str, short: bool) -> None:
    """Raise `InputError` unless it is told either what is held or who holds."""
    if bool(holding) == bool(account):
        raise InputError("say either what is held (--holding '626,700 ETH') or who holds it (--account 0x...)")
    if account and short:
        raise InputError("--short belongs to --holding: an account tells itself what it has sold short")
    if account and not _ADDRESS.fullmatch(account):
        raise InputError(f"{account[:60]!r} is no address: 0x and 40 hexadecimal digits")


def _asset(text: str) -> str:
    known = names.find("assets", text)
    return known.id if known else text.upper()


def claimed(text: str, asset: str) -> Stated:
    """A claim as read: coins of the asset, or dollars gained or lost. Raises `InputError`."""
    numbers = [number for number in scan(text).numbers if number.kind is Kind.COIN]
    if len(numbers) != 1:
        return _gain(text)
    if _asset(numbers[0].asset) != asset:
        raise InputError(f"the claim is about {numbers[0].asset}, the holding is of {asset}")
    return Stated(Statistic.AMOUNT, numbers[0].amount, COINS, text.strip(), negative=False)


def _seen(found: Gathered, account: str, asset: str, paid: Span | None) -> Iterator[tuple[Delivery, Holding]]:
    """What each source shows the account to hold, last: with the cost given, or the entry price that it tells."""
    for delivery, frame in found.series("holding", asset):
        last = {
            field: value
            for whose, field, value in frame.select("subject", "field", "value").iter_rows()
            if whose.lower() == account.lower()
        }
        if coins := last.get("quantity"):
            entry = last.get("entry_price")
            cost = paid or ((entry, entry) if entry else None)
            yield delivery, Holding(asset, (abs(coins), abs(coins)), cost, short=coins < 0)


def _held_reading(delivery: Delivery, coins: Holding, said: Stated | None) -> Reading:
    return delivered_reading(
        delivery, delivery.source.title, coins.coins, _coins(coins), fitting=held(said, coins.coins) if said else None
    )


def _coins(coins: Holding) -> str:
    cost = f" at a cost of {_priced(coins.cost)}" if coins.cost else ""
    return f"{coins.coins[0]:,.10g} {coins.asset}{' sold short' if coins.short else ''}{cost}"


def _caveat(account: str, *, in_coins: bool, priced: bool) -> str:
    if in_coins:
        return "What one address holds is not what its owner holds: other addresses and debts are not seen."
    text = "Worked out from the holding and the cost as they were given; neither was read from a chain."
    if account:
        text = "Worked out from what the address was seen to hold: other addresses and debts are not seen."
    return text if priced else f"{text} The prices are those of exchanges over the window, from lowest to highest."


def _holding(text: str, paid: Span | None, short: bool) -> Holding:
    coins = [number for number in scan(text).numbers if number.kind is Kind.COIN]
    rest = text[: coins[0].start] + text[coins[0].end :] if len(coins) == 1 else "-"
    if any(sign.isdigit() or sign in "-\u2212,." for sign in rest):
        raise InputError(f"cannot read the holding {text!r}: write coins with their ticker, for example '626,700 ETH'")
    amount = coins[0].amount
    if not amount.low:
        raise InputError(f"the holding {text!r} is nothing, or all of it is rounding: write it with more digits")
    return Holding(_asset(coins[0].asset), (float(amount.low), float(amount.high)), paid, short)


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
    """Gains printed near the window, as other definitions. They decide nothing: whose they are is not known."""
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
    return replace(reading, variant=variant, votes=False)


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
