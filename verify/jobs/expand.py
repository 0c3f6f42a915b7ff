"""From a job file to the checks that are asked: defaults filled in, the matrix multiplied out, every name resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from verify.claims.counts import counted
from verify.jobs import windows
from verify.jobs.config import Place, Tree
from verify.jobs.schema import Check, Tolerance, Value
from verify.model import names
from verify.model.amount import Amount
from verify.model.checks import Severity
from verify.model.errors import AmountError, InputError
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, METRICS, CountUnit, Quantity, Scope, Side
from verify.model.window import Window, parse_duration

#: More cells than this are a mistake in a matrix.
_MOST_CELLS = 10_000
_AXES = ("assets", "venues", "sides", "windows")
_VALUE_WAYS = "give either file with column, file with sql, or source"


@dataclass(frozen=True, slots=True)
class Allowed:
    """A tolerance in numbers: the wider of the two counts."""

    absolute: Decimal = Decimal(0)
    relative: Decimal = Decimal(0)

    def __bool__(self) -> bool:
        return bool(self.absolute or self.relative)

    def of(self, value: Decimal) -> Decimal:
        return max(self.absolute, self.relative * value)


@dataclass(frozen=True, slots=True)
class Asked:
    """A check of one cell: what is asked, of which value, and how much it takes to pass."""

    id: str
    name: str
    place: Place
    description: str
    tags: tuple[str, ...]
    severity: Severity
    quantity: Quantity
    window: Window
    claim: Amount | None
    value: Value | None
    cell: Mapping[str, str]
    allowed: Allowed
    channel: str | None
    sources: tuple[str, ...]
    min_confidence: float
    min_lineages: int


def checks(tree: Tree, as_of: datetime, *, zone: str = "UTC", min_confidence: float = 0.0) -> list[Asked]:
    """Every check of the file, in its order. Raises `ConfigError` naming the line of what cannot be used."""
    with _placed(tree, ("settings", "timezone")):
        where = windows.zone(zone)
    found: dict[str, Asked] = {}
    for name in tree.data.get("checks", {}):
        maker = _Maker(tree, name, as_of, where, min_confidence)
        for asked in maker.made():
            if asked.id in found:
                raise tree.error(("checks", name), f"the matrix of {name} has {asked.id} twice")
            found[asked.id] = asked
            if len(found) > _MOST_CELLS:
                raise tree.error(("checks", name), f"the matrices make more than {_MOST_CELLS:,} checks")
    if not found:
        raise tree.error((), "has no checks: write [checks.NAME] with a window and a claim, or run verify init")
    return list(found.values())


def chosen(every: Sequence[Asked], only: Sequence[str]) -> list[Asked]:
    """The checks whose id, name or tag is in `only`; all without any. Raises `InputError` for what is none of them."""
    if not only:
        return list(every)
    known = {word for check in every for word in (check.id, check.name, *check.tags)}
    for word in only:
        if word not in known:
            near = max(known, key=lambda have: names.similarity(word.lower(), have.lower()))
            hint = f"; did you mean {near}?" if names.similarity(word.lower(), near.lower()) >= 60 else ""
            raise InputError(f"--only {word}: no check has this name or tag{hint}")
    return [check for check in every if {check.id, check.name, *check.tags} & set(only)]


@contextmanager
def _placed(tree: Tree, path: Sequence[str]) -> Iterator[None]:
    """Put file and line before what cannot be used."""
    try:
        yield
    except InputError as error:
        raise tree.error(path, f"{path[-1]}: {error}") from None


class _Maker:
    """Makes the cells of one check."""

    def __init__(self, tree: Tree, name: str, as_of: datetime, zone: Any, min_confidence: float) -> None:
        self.tree, self.name, self.as_of, self.zone = tree, name, as_of, zone
        own, shared = tree.data["checks"][name], tree.data.get("defaults", {})
        self.own = own
        merged = {key: value for key, value in shared.items() if not (key in ("claim", "value") and self._valued())}
        self.check = msgspec.convert({**merged, **own}, Check)
        self.min_confidence = _or(self.check.min_confidence, min_confidence)

    def _valued(self) -> bool:
        return "claim" in self.own or "value" in self.own

    def path(self, key: str) -> tuple[str, ...]:
        """Where a key of the check is written: in the check, or among the defaults."""
        return ("checks", self.name, key) if key in self.own else ("defaults", key)

    def made(self) -> Iterator[Asked]:
        if self.check.claim is not UNSET and self.check.value is not UNSET:
            raise self.tree.error(self.path("value"), "give claim or value, not both")
        if isinstance(self.check.value, Value):
            self._check_value(self.check.value)
        matrix = self.check.matrix
        axes = {axis: _or(getattr(matrix, axis), [None]) if matrix else [None] for axis in _AXES}
        for axis, key in (("assets", "assets"), ("venues", "venues"), ("sides", "side"), ("windows", "window")):
            if axes[axis] != [None] and key in self.own:
                raise self.tree.error(self.path("matrix"), f"the matrix has {axis}, and the check has {key}: leave one")
        for combination in product(*axes.values()):
            yield self._cell(dict(zip(("asset", "venue", "side", "window"), combination, strict=True)))

    def _cell(self, cell: dict[str, str | None]) -> Asked:
        check, tree = self.check, self.tree
        quantity = self._quantity(cell)
        window = self._window(cell["window"])
        here = {key: value for key, value in cell.items() if value is not None}
        shown = ",".join(f"{key}={value}" for key, value in here.items())
        claim = self._claim(quantity)
        return Asked(
            id=f"{self.name}[{shown}]" if shown else self.name,
            name=self.name,
            place=tree.place("checks", self.name),
            description=_or(check.description, ""),
            tags=tuple(_or(check.tags, [])),
            severity=Severity(_or(check.severity, "error")),
            quantity=quantity,
            window=window,
            claim=claim,
            value=_or(check.value, None),
            cell={
                "asset": here.get("asset") or ("+".join(sorted(quantity.assets.names or ())) or "all"),
                "venue": here.get("venue") or ("+".join(sorted(quantity.venues.names or ())) or "all"),
                "side": str(quantity.side),
                "date": window.start.strftime("%Y-%m-%d"),
                "start": window.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "end": window.end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            allowed=self._allowed(quantity.side),
            channel=_or(check.channel, None),
            sources=tuple(_or(check.sources, [])),
            min_confidence=self.min_confidence,
            min_lineages=_or(check.min_lineages, 0),
        )

    def _quantity(self, cell: Mapping[str, str | None]) -> Quantity:
        from verify.pipeline.liquidation import ticker

        check = self.check
        usual = "liquidations" if check.count_over is UNSET else LIQUIDATION_COUNT.id
        metric = METRICS.get(_or(check.metric, usual))
        if metric not in (LIQUIDATIONS, LIQUIDATION_COUNT):
            wrong = str(check.metric)
            known = f"{LIQUIDATIONS.id} and {LIQUIDATION_COUNT.id}"
            what = "is not judged yet" if metric else "is unknown"
            raise self.tree.error(self.path("metric"), f"metric: {wrong[:60]!r} {what}; judged are {known}")
        if check.count_over is not UNSET and metric is LIQUIDATIONS:
            raise self.tree.error(self.path("count_over"), "count_over: counts, and the metric is liquidations")
        with _placed(self.tree, self.path("matrix" if cell["venue"] else "venues")):
            venues = [cell["venue"]] if cell["venue"] else _or(check.venues, [])
            exchanges = Scope.of(*(names.resolve("venues", str(venue)).id for venue in venues))
        with _placed(self.tree, self.path("matrix" if cell["asset"] else "assets")):
            assets = [cell["asset"]] if cell["asset"] else _or(check.assets, [])
            coins = Scope.of(*(ticker(str(asset)) for asset in assets))
        side = Side(cell["side"] or _or(check.side, "both"))
        if metric is LIQUIDATIONS:
            return Quantity(LIQUIDATIONS, exchanges, coins, side)
        with _placed(self.tree, self.path("count_over")):
            threshold = None if check.count_over is UNSET else amount(check.count_over).value or None
        stated = self.check.claim
        unit = counted(stated)[1] if isinstance(stated, str) else CountUnit.UNSPECIFIED
        return Quantity(LIQUIDATION_COUNT, exchanges, coins, side, threshold, unit)

    def _window(self, text: str | None) -> Window:
        if text is None and self.check.window is UNSET:
            raise self.tree.error(("checks", self.name), f"{self.name} has no window: write window = 'yesterday'")
        with _placed(self.tree, self.path("slack")):
            slack = timedelta(0) if self.check.slack is UNSET else parse_duration(str(self.check.slack), zero=True)
        with _placed(self.tree, self.path("matrix" if text else "window")):
            return windows.resolve(text or str(self.check.window), self.as_of, self.zone, slack)

    def _claim(self, quantity: Quantity) -> Amount | None:
        if self.check.claim is UNSET:
            return None
        with _placed(self.tree, self.path("claim")):
            stated = self.check.claim
            if quantity.metric is LIQUIDATION_COUNT and isinstance(stated, str):
                stated = counted(stated)[0]
            claim = amount(stated, "" if quantity.metric is LIQUIDATION_COUNT else "USD")
            if quantity.metric is LIQUIDATION_COUNT and claim.currency:
                raise AmountError(f"{claim} is money, and a count is asked for")
            return claim

    def _allowed(self, side: Side) -> Allowed:
        given = self.check.tolerance
        if not isinstance(given, Tolerance):
            return Allowed()
        own = getattr(given, side.value)
        with _placed(self.tree, self.path("tolerance")):
            return _allowed(own if isinstance(own, Tolerance) else given)

    def _check_value(self, value: Value) -> None:
        ways = [value.column is not UNSET, value.sql is not UNSET, value.source is not UNSET]
        filed = value.file is not UNSET
        if sum(ways) != 1 or filed == (value.source is not UNSET):
            raise self.tree.error(self.path("value"), f"value: {_VALUE_WAYS}")
        if value.column is UNSET and (value.where is not UNSET or value.take is not UNSET):
            raise self.tree.error(self.path("value"), "value: where and take belong to column")


def amount(written: str | int | float | UnsetType, currency: str = "USD") -> Amount:
    """A number as a job file may write it: text as in print, or a TOML number, which counts `currency`."""
    if isinstance(written, bool) or written is UNSET:
        raise AmountError(f"{written} is not a number")
    if isinstance(written, str):
        return Amount.parse(written)
    return Amount.from_decimal(Decimal(repr(written)), currency=currency)


def _allowed(given: Tolerance) -> Allowed:
    absolute = Decimal(0) if given.absolute is UNSET else amount(given.absolute).value
    relative = Decimal(0)
    if given.relative is not UNSET:
        text = str(given.relative).strip()
        try:
            relative = Decimal(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
        except ArithmeticError:
            raise AmountError(f"cannot read the share {text[:60]!r}: write 0.02 or '2%'") from None
    if not relative.is_finite() or not 0 <= relative <= 1:
        raise AmountError(f"the share {given.relative} is not from 0 to 1 (100%)")
    return Allowed(absolute, relative)


def _or(value: Any, other: Any) -> Any:
    return other if value is UNSET else value
