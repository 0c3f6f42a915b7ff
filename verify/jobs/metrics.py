"""What a check can be about besides liquidations: for each metric its keys, and how they make a question.

Another metric is another entry of `JUDGED`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec import UNSET

from verify.claims.statement import Stated, Statistic, stated
from verify.jobs.schema import Check
from verify.model.amount import Amount
from verify.model.errors import InputError
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, Quantity, Scope
from verify.model.window import Window
from verify.pipeline.flows import FlowQuestion
from verify.pipeline.market import MarketQuestion
from verify.pipeline.observed import ReadOff
from verify.pipeline.position import COINS, PositionQuestion, claimed

#: Keys that some metrics have and others do not; every other key of a check is of all of them.
_COUNTED = ("side", "assets", "asset", "venues", "count_over", "channel")
_PRICED = ("asset", "assets", "venues", "statistic")
_UNITS = {"USD": "US dollars", "percent": "per cent", "points": "points", COINS: "coins", "correlation": "no unit"}
#: Statistics that words leave open, so that the key `statistic` may say which.
_OPEN = (Statistic.AMOUNT, Statistic.LEVEL, Statistic.CHANGE)
_CHANGES = (Statistic.CHANGE, Statistic.FALL, Statistic.RISE)
_LEVELS = (Statistic.LEVEL, Statistic.LOW, Statistic.HIGH, Statistic.CLOSE, Statistic.BELOW, Statistic.ABOVE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric that is read off.

    `keys` are those that it has, `needs` those without which it says nothing (of alternatives, one). `units` are what
    a claim may be in, the first where it is a plain number, and `statistics` what such a number may be, likewise.
    `ask` makes the question of a check, the asset ("" for none) and the venues of its cell; it raises `InputError`.
    """

    keys: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    units: tuple[str, ...]
    statistics: tuple[Statistic, ...]
    ask: Callable[[Check, str, Scope], ReadOff]


@dataclass(frozen=True, slots=True)
class Reading:
    """A check of one cell that is read off: its question, what it wants of sources, and what a plain number would be.

    `not_asked` says why the window of this run cannot be asked about.
    """

    judged: Judged
    question: ReadOff
    statistic: Statistic | None
    wanted: tuple[tuple[Quantity, Window], ...] = ()
    not_asked: str = ""

    @property
    def currency(self) -> str:
        return "USD" if self.judged.units[0] == "USD" else ""

    def number(self, amount: Amount, *, negative: bool = False) -> Stated:
        """A plain number as a claim. A negative change is a fall. Raises `InputError`."""
        unit, statistic = self.judged.units[0], self.statistic or self.judged.statistics[0]
        text = amount.text or str(amount)
        if statistic in _CHANGES:
            falls = negative != (statistic is Statistic.FALL)
            return Stated(Statistic.FALL if falls else Statistic.RISE, amount, unit, text)
        if negative and (statistic in _LEVELS or unit == COINS):
            raise InputError(f"{text} is negative, and a {'holding' if unit == COINS else 'price'} is not")
        return Stated(statistic, amount, unit, text, negative)

    def words(self, text: str) -> Stated:
        """A claim as it would be printed. Raises `InputError`."""
        if isinstance(self.question, PositionQuestion):
            said = claimed(text, self.question.asset)
        else:
            said = stated(text, unit=self.judged.units[0])
        if said.amount is not None and said.unit not in self.judged.units:
            wanted = " or ".join(_UNITS[unit] for unit in self.judged.units)
            raise InputError(f"{said.text!r} is in {_UNITS[said.unit]}, and it is to be in {wanted}")
        if self.statistic is None or said.statistic is self.statistic:
            return said
        if said.statistic not in _OPEN or (said.statistic is Statistic.CHANGE) != (self.statistic in _CHANGES):
            raise InputError(f"{said.text!r} tells of the {said.statistic}, and the statistic is {self.statistic}")
        return replace(said, statistic=self.statistic)

    def claim(self, written: str | float) -> Stated:
        """A claim as a job file has it: text as in print, or a TOML number with its sign. Raises `InputError`."""
        if isinstance(written, str):
            return self.words(written)
        number = Decimal(repr(written))
        size = Amount.from_decimal(abs(number), currency=self.currency)
        shown = f"{'-' if number < 0 else ''}{size}"
        return self.number(replace(size, text=shown), negative=number < 0)

    def claiming(self, said: Stated | None) -> Reading:
        """The same with that claim. Raises `InputError` for one that the question cannot be about."""
        return replace(self, question=self.question.claiming(said))


def _market(kind: str) -> Callable[[Check, str, Scope], ReadOff]:
    return lambda _check, asset, venues: MarketQuestion(kind, asset, venues)


def _etf(check: Check, asset: str, _venues: Scope) -> ReadOff:
    return FlowQuestion.asked("etf", asset, _text(check.fund))


def _dex(check: Check, _asset: str, _venues: Scope) -> ReadOff:
    return FlowQuestion.asked("dex", subject=_text(check.protocol))


def _gain(check: Check, asset: str, _venues: Scope) -> ReadOff:
    if check.account is not UNSET and not asset:
        raise InputError(f"what does {check.account} hold? asset names it, for example asset = 'ETH'")
    question = PositionQuestion.asked(
        holding=_text(check.holding), account=_text(check.account), asset=asset, cost=_text(check.cost) or None,
        price=_text(check.price) or None, short=check.short is True,
    )  # fmt: skip
    if asset and question.asset != asset:
        raise InputError(f"{question.words} is no holding of {asset}: leave asset out")
    return question


def _holding(check: Check, asset: str, _venues: Scope) -> ReadOff:
    return PositionQuestion.asked(account=_text(check.account), asset=asset, coins=True)


def _text(value: Any) -> str:
    return "" if value is UNSET else str(value)


_ASSET = ("asset", "assets")
_POINTS = Judged(
    ("asset", "assets", "statistic"), (), ("points",), _CHANGES, _market("volatility")
)  # fmt: skip
JUDGED: Mapping[str, Judged] = MappingProxyType(
    {
        "price": Judged(_PRICED, (_ASSET,), ("USD", "percent"), _LEVELS, _market("price")),
        "price_change": Judged(_PRICED, (_ASSET,), ("percent",), _CHANGES, _market("price")),
        "implied_volatility": _POINTS,
        "volatility_change": _POINTS,
        "correlation": Judged(_ASSET, (_ASSET,), ("correlation",), (Statistic.CORRELATION,), _market("correlation")),
        "etf_net_flow": Judged((*_ASSET, "fund"), (_ASSET,), ("USD",), (Statistic.AMOUNT,), _etf),
        "dex_volume": Judged(("protocol",), (("protocol",),), ("USD",), (Statistic.AMOUNT,), _dex),
        "unrealised_gain": Judged(
            (*_ASSET, "holding", "account", "cost", "price", "short"), (("holding", "account"),), ("USD",),
            (Statistic.AMOUNT,), _gain,
        ),
        "holding": Judged((*_ASSET, "account"), (("account",), _ASSET), (COINS,), (Statistic.AMOUNT,), _holding),
    }
)  # fmt: skip
_KEYS: dict[str, tuple[str, ...]] = {
    LIQUIDATIONS.id: _COUNTED,
    LIQUIDATION_COUNT.id: _COUNTED,
    **{metric: judged.keys for metric, judged in JUDGED.items()},
}
#: Every metric that a check can be about.
METRICS = tuple(_KEYS)
_SPECIAL = frozenset(key for keys in _KEYS.values() for key in keys)


def has(metric: str, key: str) -> bool:
    """Whether checks of a metric have a key."""
    return key not in _SPECIAL or key in _KEYS[metric]


def misplaced(metric: str, key: str) -> str:
    """Why a check of a metric cannot have a key, and which could."""
    owners = [name for name, keys in _KEYS.items() if key in keys]
    return f"a check of {metric} has no {key}, only {', '.join(_KEYS[metric])}; {key} belongs to {', '.join(owners)}"
