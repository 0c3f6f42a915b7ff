"""From a job file to the checks that are asked: defaults filled in, the matrix multiplied out, every name resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from verify.claims.counts import counted
from verify.claims.statement import Statistic
from verify.jobs import metrics, windows
from verify.jobs.config import Place, Tree, meant
from verify.jobs.metrics import JUDGED, Reading
from verify.jobs.schema import Check, Tolerance, Value
from verify.model import names
from verify.model.amount import Amount
from verify.model.checks import Severity
from verify.model.errors import AmountError, InputError
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, METRICS, CountUnit, Quantity, Scope, Side
from verify.model.window import Window, parse_duration
from verify.pipeline.liquidation import ticker

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
    """A check of one cell: what is asked, of which value, and how much it takes to pass.

    `reading` is there where the metric is read off, and has the claim then.
    """

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
    reading: Reading | None = None


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
        self.metric = self._metric({**shared, **own})
        merged = {
            key: value
            for key, value in shared.items()
            if not (key in ("claim", "value") and self._valued())
            and not (key in ("asset", "assets") and self._of_assets())
            and metrics.has(self.metric, key)  # defaults may be of other metrics too
        }
        for key in own:
            if not metrics.has(self.metric, key):
                raise tree.error(self.path(key), f"{key}: {metrics.misplaced(self.metric, key)}")
        self.check = msgspec.convert({**merged, **own}, Check)
        self.min_confidence = _or(self.check.min_confidence, min_confidence)

    def _valued(self) -> bool:
        return "claim" in self.own or "value" in self.own

    def _of_assets(self) -> bool:
        """Whether the check says itself what it is about; a holding is written with its asset."""
        return any(key in self.own for key in ("asset", "assets", "holding"))

    def _metric(self, keys: Mapping[str, Any]) -> str:
        """The metric of the check, by its id."""
        metric = str(keys.get("metric", LIQUIDATION_COUNT.id if "count_over" in keys else LIQUIDATIONS.id))
        if metric in metrics.METRICS:
            return metric
        known = ", ".join(metrics.METRICS)
        what = f"is not judged yet; judged are {known}"
        if metric not in METRICS:
            what = f"is unknown; judged are {known}{meant(metric, metrics.METRICS)}"
        raise self.tree.error(self.path("metric"), f"metric: {metric[:60]!r} {what}")

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
        if self.check.asset is not UNSET and self.check.assets is not UNSET:
            raise self.tree.error(self.path("asset"), "asset: give asset or assets, not both")
        for axis, key in (
            ("assets", "assets"),
            ("assets", "asset"),
            ("venues", "venues"),
            ("sides", "side"),
            ("windows", "window"),
        ):
            if axes[axis] != [None] and not metrics.has(self.metric, key):
                text = f"the matrix has {axis}, and a check of {self.metric} has no {key}"
                raise self.tree.error(self.path("matrix"), text)
            if axes[axis] != [None] and key in self.own:
                raise self.tree.error(self.path("matrix"), f"the matrix has {axis}, and the check has {key}: leave one")
        for combination in product(*axes.values()):
            yield self._cell(dict(zip(("asset", "venue", "side", "window"), combination, strict=True)))

    def _cell(self, cell: dict[str, str | None]) -> Asked:
        check, tree = self.check, self.tree
        window = self._window(cell["window"])
        reading = self._reading(cell, window) if self.metric in JUDGED else None
        quantity = reading.question.quantity if reading else self._quantity(cell)
        here = {key: value for key, value in cell.items() if value is not None}
        shown = ",".join(f"{key}={value}" for key, value in here.items())
        claim = None if reading else self._claim(quantity)
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
            reading=reading,
        )

    def _reading(self, cell: Mapping[str, str | None], window: Window) -> Reading:
        """The question of a metric that is read off, with its claim."""
        check, judged = self.check, JUDGED[self.metric]
        assets = self._assets(cell)
        if len(assets) > 1:
            text = f"a check of {self.metric} is about one asset: write matrix = {{ assets = [...] }}"
            raise self.tree.error(self.path("assets"), f"assets: {text}")
        for keys in judged.needs:
            if not any(getattr(check, key) is not UNSET or (key == "assets" and assets) for key in keys):
                raise self.tree.error(("checks", self.name), f"{self.name}: {self.metric} needs {' or '.join(keys)}")
        statistic = None if check.statistic is UNSET else Statistic(str(check.statistic))
        if statistic is not None and statistic not in judged.statistics:
            known = ", ".join(judged.statistics)
            text = f"statistic: {statistic} is none of {self.metric}, which has {known}"
            raise self.tree.error(self.path("statistic"), text)
        scopes = self._scopes(cell)
        try:
            reading = Reading(judged, judged.ask(check, next(iter(scopes[1].names or ()), ""), scopes[0]), statistic)
        except InputError as error:
            path = self._quoted(judged.keys, str(error))
            raise self.tree.error(path, f"{path[-1]}: {str(error).removeprefix(f'--{path[-1]}: ')}") from None
        if check.claim is not UNSET:
            with _placed(self.tree, self.path("claim")):
                reading = reading.claiming(reading.claim(check.claim))
        try:
            return replace(reading, wanted=tuple(reading.question.wanted(window)))
        except InputError as error:  # of some nights only, such as a flow of funds on a Sunday
            return replace(reading, not_asked=str(error))

    def _assets(self, cell: Mapping[str, str | None]) -> list[str]:
        check = self.check
        if cell["asset"]:
            return [cell["asset"]]
        return [str(check.asset)] if check.asset is not UNSET else list(_or(check.assets, []))

    def _scopes(self, cell: Mapping[str, str | None]) -> tuple[Scope, Scope]:
        """The venues and assets of a cell."""
        with _placed(self.tree, self.path("matrix" if cell["venue"] else "venues")):
            venues = [cell["venue"]] if cell["venue"] else _or(self.check.venues, [])
            exchanges = Scope.of(*(names.resolve("venues", str(venue)).id for venue in venues))
        key = "asset" if self.check.asset is not UNSET else "assets"
        with _placed(self.tree, self.path("matrix" if cell["asset"] else key)):
            return exchanges, Scope.of(*(ticker(asset) for asset in self._assets(cell)))

    def _quoted(self, keys: Sequence[str], message: str) -> tuple[str, ...]:
        """Where the key is written whose value a message quotes, else the check."""
        found = [key for key in keys if (value := getattr(self.check, key)) is not UNSET and str(value) in message]
        return self.path(found[0]) if found else ("checks", self.name)

    def _quantity(self, cell: Mapping[str, str | None]) -> Quantity:
        check = self.check
        metric = METRICS[self.metric]
        if check.count_over is not UNSET and metric is LIQUIDATIONS:
            raise self.tree.error(self.path("count_over"), "count_over: counts, and the metric is liquidations")
        exchanges, coins = self._scopes(cell)
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
        if value.source is not UNSET and self.metric in JUDGED:
            text = f"value: source is for liquidations; {self.metric} is held against every source anyhow"
            raise self.tree.error(self.path("value"), text)
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
