"""Statements as linear constraints over cells: venue x asset x side x slot of time, none of them negative.

Time is cut at every edge of every window. A series is one group of cells, with one variable per slot of time. Exact
reductions keep the number of series small: venues (assets) that no statement crosses with an asset (a venue) need only
their own sums, because a non-negative table with given row and column sums always exists.

Where time is cut finely, each sum of series that is asked for gets a running total per edge: a statement is then the
difference of two of them, and the program stays sparse however long the windows are.

Uncertain edges: the statements of one reading share one true window, of which only an inner and an outer window are
known. What a reading tells apart gets one variable each, between the inner and the outer amount, so that sums within a
reading hold exactly. Two readings on one page, one inside the other, were taken at one moment: the inner one is the
smaller, series by series. What comes out is an outer bound of what is possible (Manski, partial identification).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from verify.model.quantity import Quantity, Scope, Side
from verify.model.window import Window
from verify.reconcile.statements import Statement

#: A statement gives way where it must by more than this, relative to its size; HiGHS's own tolerance is 1e-7.
TOLERANCE = 1e-6

#: From so many columns on, HiGHS's interior-point method (with crossover) beats its simplex here; below it, presolving
#: costs more than it saves. Measured with benchmarks/constraints.py and benchmarks/startup.py.
_LARGE = 4000
#: From so many slots on, running totals pay: measured in benchmarks/constraints.py.
_FINE = 100
_OPTIMAL, _INFEASIBLE, _UNBOUNDED = 0, 2, 3  # scipy.optimize.linprog's status
_SIDES = (Side.LONG, Side.SHORT)
_REST = ""  # the venues or assets that no statement names
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Solved:
    """What a linear program came to; `values` and `duals` only where it has an optimum."""

    status: int
    value: float
    values: Vector
    duals: Vector


@dataclass(frozen=True, slots=True)
class Terms:
    """A linear expression: columns and their factors, no column twice."""

    columns: NDArray[np.int64]
    factors: Vector

    @classmethod
    def one(cls, column: int, factor: float) -> Terms:
        return cls(np.array([column]), np.array([factor]))

    def __neg__(self) -> Terms:
        return Terms(self.columns, -self.factors)

    def __add__(self, other: Terms) -> Terms:
        return Terms(np.concatenate([self.columns, other.columns]), np.concatenate([self.factors, other.factors]))


@dataclass(frozen=True, slots=True)
class Target:
    """A quantity over a window. With `reading` set it is what that reading's own true window holds."""

    quantity: Quantity
    window: Window
    reading: int | None = None


@dataclass(frozen=True, slots=True)
class Relaxed:
    """By how much statements must give way so that all can be true, relative to their size, and which are involved."""

    total: float
    slack: dict[str, float]
    involved: list[str]


class System:
    """The constraints of one lineage, ready to be asked for ranges and contradictions."""

    def __init__(self, stated: Sequence[Statement], targets: Iterable[Target] = ()) -> None:
        self.statements = list(stated)
        targets = list(targets)
        windows = [s.window for s in stated] + [t.window for t in targets]
        times = sorted({edge for window in windows for edge in _edges(window)})
        self._at = {moment: index for index, moment in enumerate(times)}
        self._slots = max(len(times) - 1, 0)
        self._series = _Series([s.quantity for s in stated] + [t.quantity for t in targets])
        sizes = [s.low for s in stated if s.low > 0]
        self._unit = median(sizes) if sizes else 1.0  # the median, lest one absurd figure blurs all others
        self._rows = _Rows()
        self._readings: dict[int, _Groups] = {}
        self._size = len(self._series) * self._slots
        self._running: dict[
            tuple[int, ...], int
        ] = {}  # series added up, and the column of their total at the first edge
        self._balance()
        self._add_readings([t.quantity for t in targets])
        self._owners: list[tuple[int, float, int]] = []  # row, bound, statement
        self._state()

    def range(self, target: Target, *, without: Collection[str] = ()) -> tuple[float, float] | None:
        """The least and largest value of the target that all statements but those in `without` allow.

        The upper end is infinite where nothing bounds it; None if the statements contradict one another.
        """
        rows, size = self._rows, self._size
        if target.reading is not None and target.reading in self._readings:
            terms = self._in_reading(target.quantity, target.reading)
        elif target.window.slack:
            rows = self._rows.copy()
            size, terms = self._uncertain(target, rows)
        else:
            terms = self._over(target.quantity, target.window.start, target.window.end)
        objective = np.zeros(size)
        np.add.at(objective, terms.columns, terms.factors)
        with ThreadPoolExecutor(2) as pool:  # HiGHS leaves the interpreter to the other while it runs
            low, high = pool.map(lambda goal: self._solve(goal, rows, size, without), (objective, -objective))
        if low is None:
            return None
        return max(low, 0.0) * self._unit, (math.inf if high is None else -high) * self._unit

    def feasible(self) -> bool:
        """Whether all statements can be true at once."""
        return self._solve(np.zeros(self._size), self._rows, self._size, ()) is not None

    def relax(self) -> Relaxed:
        """The least total by which statements must give way, each relative to its size (an elastic program)."""
        count = len(self.statements)
        rows = self._rows.copy()
        for row, bound, owner in self._owners:
            scale = max(abs(bound), 1e-6)
            rows.put(row, Terms.one(self._size + owner, -scale))
        size = self._size + count
        objective = np.concatenate([np.zeros(self._size), np.ones(count)])
        result = _linprog(objective, rows, size)
        slack, duals = result.values[self._size :], result.duals
        involved = {owner for row, _, owner in self._owners if abs(duals[row]) > 1e-9}
        involved |= {index for index in range(count) if slack[index] > TOLERANCE}
        return Relaxed(
            total=float(slack.sum()),
            slack={self.statements[i].id: float(slack[i]) for i in range(count) if slack[i] > TOLERANCE},
            involved=[self.statements[i].id for i in sorted(involved)],
        )

    def _solve(self, objective: Vector, rows: _Rows, size: int, without: Collection[str]) -> float | None:
        """The minimum; None if infeasible (or, for an objective, unbounded)."""
        limits = np.array(rows.limits)
        if without:
            dropped = set(without)
            for row, _, owner in self._owners:
                if self.statements[owner].id in dropped:
                    limits[row] = np.inf
        result = _linprog(objective, rows, size, limits)
        return float(result.value) if result.status == _OPTIMAL else None

    def _over(self, quantity: Quantity, start: datetime, end: datetime) -> Terms:
        """The amount of a quantity between two edges."""
        return self._span(self._series.of(quantity), start, end)

    def _span(self, series: Sequence[int], start: datetime, end: datetime) -> Terms:
        """The amount of some series between two edges: what has come about since the first edge, or slot by slot."""
        if (first := self._running.get(tuple(series))) is not None:
            return Terms.one(first + self._at[end], 1.0) + Terms.one(first + self._at[start], -1.0)
        slots = np.arange(self._at[start], self._at[end])
        columns = (np.asarray(series)[:, None] * self._slots + slots).ravel()
        return Terms(columns, np.ones(len(columns)))

    def _run(self, series: Sequence[int]) -> None:
        """Give the sum of these series a column per edge: its total since the first, where nothing has come about."""
        if self._slots < _FINE or tuple(series) in self._running:
            return
        first = self._size
        self._size += self._slots + 1
        self._rows.equal(Terms.one(first, 1.0))
        columns = np.asarray(series) * self._slots
        for slot in range(self._slots):
            grows = Terms(np.array([first + slot + 1, first + slot]), np.array([-1.0, 1.0]))
            self._rows.equal(grows + Terms(columns + slot, np.ones(len(columns))))
        self._running[tuple(series)] = first

    def _in_reading(self, quantity: Quantity, reading: int) -> Terms:
        return self._readings[reading].sum_of(self._series.of(quantity))

    def _balance(self) -> None:
        """Venues and assets add up to the same in every slot."""
        for members, factors in self._series.balances:
            for slot in range(self._slots):
                self._rows.equal(Terms(members * self._slots + slot, factors))

    def _bracket(self, window: Window, groups: _Groups, rows: _Rows) -> None:
        """What a window with uncertain edges holds lies, group by group, between its inner and its outer window."""
        for variable, members in groups.members():
            inside = Terms.one(variable, 1.0)
            rows.at_most(inside + -self._span(members, window.outer.start, window.outer.end), 0.0)
            if inner := window.inner:
                rows.at_most(self._span(members, inner.start, inner.end) + -inside, 0.0)
        for balance in groups.balances(self._series.balances):
            rows.equal(balance)

    def _uncertain(self, target: Target, rows: _Rows) -> tuple[int, Terms]:
        groups = _Groups(self._series, [target.quantity], self._size)
        self._bracket(target.window, groups, rows)
        return self._size + len(groups), groups.sum_of(self._series.of(target.quantity))

    def _add_readings(self, targeted: Sequence[Quantity]) -> None:
        """Variables for what each reading's true window holds.

        Only what the statements of a reading (and of those nested with it) tell apart gets a variable of its own:
        a sum lies between sums if and only if its parts can be chosen to.
        """
        windows = {s.reading: s.window for s in self.statements if s.window.slack}
        nested = self._nested(windows)
        quantities: dict[int, list[Quantity]] = defaultdict(list)
        for statement in self.statements:
            quantities[statement.reading].append(statement.quantity)
        clusters = _clusters(windows, nested)
        for reading, window in sorted(windows.items()):
            told = [q for member in clusters[reading] for q in quantities[member]]
            groups = _Groups(self._series, [*told, *targeted], self._size)
            self._readings[reading] = groups
            self._size += len(groups)
            for _, members in groups.members():
                self._run(members)
            self._bracket(window, groups, self._rows)
        for inner, outer in nested:
            for small, large in zip(self._readings[inner].variables, self._readings[outer].variables, strict=True):
                self._rows.at_most(Terms.one(small, 1.0) + Terms.one(large, -1.0), 0.0)

    def _nested(self, windows: Mapping[int, Window]) -> list[tuple[int, int]]:
        """Pairs of readings on one page, the first inside the second: taken at one moment, the first is the smaller."""
        pages: dict[str, set[int]] = defaultdict(set)
        for statement in self.statements:
            if statement.reading in windows:
                for figure in statement.figures:
                    pages[figure.url].add(statement.reading)
        return sorted(
            {
                (inner, outer)
                for readings in pages.values()
                for inner in readings
                for outer in readings
                if windows[inner] != windows[outer]
                and windows[inner].slack == windows[outer].slack
                and windows[outer].contains(windows[inner])
            }
        )

    def _state(self) -> None:
        """The statements themselves. A part of nobody knows what bounds the whole from below only."""
        for owner, statement in enumerate(self.statements):
            if statement.reading in self._readings:
                terms = self._in_reading(statement.quantity, statement.reading)
            else:
                self._run(self._series.of(statement.quantity))
                terms = self._over(statement.quantity, statement.window.start, statement.window.end)
            if statement.low > 0:
                bound = statement.low / self._unit
                self._own(owner, self._rows.at_most(-terms, -bound), bound)
            vague = statement.quantity.venues.vague or statement.quantity.assets.vague
            if math.isfinite(statement.high) and not vague:
                bound = statement.high / self._unit
                self._own(owner, self._rows.at_most(terms, bound), bound)

    def _own(self, owner: int, row: int, bound: float) -> None:
        self._owners.append((row, bound, owner))


class _Groups:
    """The series of one reading, those that nothing tells apart taken together, with a variable for each group."""

    def __init__(self, series: _Series, quantities: Sequence[Quantity], first: int) -> None:
        told = [set(series.of(quantity)) for quantity in quantities]
        used = set().union(*told)
        balanced = [set(members.tolist()) for members, _ in series.balances]
        kept = [pair for pair in enumerate(balanced) if any(series.is_alone(index) for index in pair[1] & used)]
        signatures: dict[tuple[object, ...], list[int]] = {}
        for index in range(len(series)):
            if series.is_alone(index) and not any(index in members for _, members in kept):
                continue
            marks = (*(index in each for each in told), *(index in members for _, members in kept))
            signatures.setdefault((series.is_alone(index), series.side(index), *marks), []).append(index)
        self._members = list(signatures.values())
        self._kept = [number for number, _ in kept]
        self.variables = range(first, first + len(self._members))
        self._variable = {index: first + n for n, group in enumerate(self._members) for index in group}

    def __len__(self) -> int:
        return len(self._members)

    def members(self) -> Iterator[tuple[int, list[int]]]:
        """Each variable with the series it stands for."""
        return zip(self.variables, self._members, strict=True)

    def sum_of(self, series: Sequence[int]) -> Terms:
        """The sum of these series, which are whole groups."""
        columns = sorted({self._variable[index] for index in series})
        return Terms(np.array(columns), np.ones(len(columns)))

    def balances(self, of: Sequence[tuple[NDArray[np.int64], Vector]]) -> Iterator[Terms]:
        """The balances of the series, said of the groups."""
        for number in self._kept:
            members, factors = of[number]
            said = {self._variable[int(index)]: float(factor) for index, factor in zip(members, factors, strict=True)}
            yield Terms(np.array(list(said)), np.array(list(said.values())))


class _Series:
    """Which groups of cells are told apart, and how a quantity is a sum of them."""

    def __init__(self, quantities: Sequence[Quantity]) -> None:
        venues = sorted({name for q in quantities for name in _members(q.venues)})
        assets = sorted({name for q in quantities for name in _members(q.assets)})
        crossed = [q for q in quantities if _members(q.venues) and _members(q.assets)]
        self._joint_venues = sorted({name for q in crossed for name in _members(q.venues)})
        self._joint_assets = sorted({name for q in crossed for name in _members(q.assets)})
        self._alone_venues = [name for name in venues if name not in self._joint_venues]
        self._alone_assets = [name for name in assets if name not in self._joint_assets]
        self._index: dict[tuple[Side, str, str, str], int] = {}
        self.balances: list[tuple[NDArray[np.int64], Vector]] = []  # series and factors that add up to zero
        for side in _SIDES:
            self._lay_out(side)
        self._keys_in_order = list(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def _lay_out(self, side: Side) -> None:
        for venue in (*self._joint_venues, _REST):
            for asset in (*self._joint_assets, _REST):
                self._new("cell", side, venue, asset)
        for kind, alone in (("venue", self._alone_venues), ("asset", self._alone_assets)):
            if not alone:
                continue
            balance = {self._new(kind, side, name, _REST): 1.0 for name in (*alone, _REST)}
            others = self._joint_assets if kind == "venue" else self._joint_venues
            for other in (*others, _REST):
                cell = ("cell", side, _REST, other) if kind == "venue" else ("cell", side, other, _REST)
                balance[self._index[_key(*cell)]] = -1.0
            self.balances.append((np.array(list(balance)), np.array(list(balance.values()))))

    def _new(self, kind: str, side: Side, first: str, second: str) -> int:
        return self._index.setdefault(_key(kind, side, first, second), len(self._index))

    def is_alone(self, index: int) -> bool:
        """Whether a series is the sum of a venue or an asset, and not one of the cells that make up the market."""
        return self._keys_in_order[index][1] != "cell"

    def side(self, index: int) -> Side:
        return self._keys_in_order[index][0]

    def of(self, quantity: Quantity) -> list[int]:
        """The series that a quantity is the sum of."""
        sides = _SIDES if quantity.side is Side.BOTH else (quantity.side,)
        venues, assets = _members(quantity.venues), _members(quantity.assets)
        return [self._index[key] for side in sides for key in self._keys(side, venues, assets)]

    def _keys(self, side: Side, venues: frozenset[str], assets: frozenset[str]) -> list[tuple[Side, str, str, str]]:
        every_venue, every_asset = (*self._joint_venues, _REST), (*self._joint_assets, _REST)
        if venues and assets:
            return [_key("cell", side, venue, asset) for venue in sorted(venues) for asset in sorted(assets)]
        if venues:
            alone = [_key("venue", side, name, _REST) for name in sorted(venues) if name not in self._joint_venues]
            joint = [name for name in sorted(venues) if name in self._joint_venues]
            return alone + [_key("cell", side, venue, asset) for venue in joint for asset in every_asset]
        if assets:
            alone = [_key("asset", side, name, _REST) for name in sorted(assets) if name not in self._joint_assets]
            joint = [name for name in sorted(assets) if name in self._joint_assets]
            return alone + [_key("cell", side, venue, asset) for venue in every_venue for asset in joint]
        return [_key("cell", side, venue, asset) for venue in every_venue for asset in every_asset]


class _Rows:
    """The rows of a linear program, grown one at a time."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self._upper: list[tuple[int, Terms]] = []
        self._equal: list[Terms] = []

    def at_most(self, terms: Terms, limit: float) -> int:
        """Add the row `terms <= limit`; its number."""
        self.limits.append(limit)
        self.put(len(self.limits) - 1, terms)
        return len(self.limits) - 1

    def put(self, row: int, terms: Terms) -> None:
        """Add terms to a row."""
        self._upper.append((row, terms))

    def equal(self, terms: Terms) -> None:
        """Add the row `terms = 0`."""
        self._equal.append(terms)

    def copy(self) -> _Rows:
        other = _Rows()
        other.limits, other._upper, other._equal = list(self.limits), list(self._upper), list(self._equal)
        return other

    def matrices(self, size: int) -> tuple[csr_array, csr_array]:
        """The inequalities and the equalities."""
        return _sparse(self._upper, len(self.limits), size), _sparse(
            list(enumerate(self._equal)), len(self._equal), size
        )


def _sparse(rows: Sequence[tuple[int, Terms]], count: int, size: int) -> csr_array:
    if not rows:
        return csr_array((count, size))
    row = np.repeat([number for number, _ in rows], [len(terms.columns) for _, terms in rows])
    columns = np.concatenate([terms.columns for _, terms in rows])
    factors = np.concatenate([terms.factors for _, terms in rows])
    return csr_array((factors, (row, columns)), shape=(count, size))


def _linprog(objective: Vector, rows: _Rows, size: int, limits: Vector | None = None) -> _Solved:
    upper, equal = rows.matrices(size)
    bounds = np.array(rows.limits) if limits is None else limits
    if np.isinf(bounds).any():
        keep = np.isfinite(bounds)
        upper, bounds = upper[keep], bounds[keep]
    for method in ("highs-ipm", "highs-ds") if size > _LARGE else ("highs-ds", "highs-ipm"):
        result = linprog(  # type: ignore[misc,call-overload]  # scipy's stubs leave out sparse matrices, which it takes
            objective,
            A_ub=upper if upper.shape[0] else None,
            b_ub=bounds if upper.shape[0] else None,
            A_eq=equal if equal.shape[0] else None,
            b_eq=np.zeros(equal.shape[0]) if equal.shape[0] else None,
            bounds=(0, None),
            method=method,
            options={"presolve": size > _LARGE},
        )
        if result.status in (_OPTIMAL, _INFEASIBLE, _UNBOUNDED):
            break
    duals = result.ineqlin.marginals if result.status == _OPTIMAL else np.zeros(0)
    return _Solved(int(result.status), result.fun, result.x, duals)


def _clusters(windows: Mapping[int, Window], nested: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """For each reading the sorted readings that nesting connects it with, itself included."""
    root = {reading: reading for reading in windows}

    def find(reading: int) -> int:
        while root[reading] != reading:
            reading = root[reading]
        return reading

    for inner, outer in nested:
        root[find(inner)] = find(outer)
    clusters: dict[int, list[int]] = defaultdict(list)
    for reading in sorted(windows):
        clusters[find(reading)].append(reading)
    return {reading: clusters[find(reading)] for reading in windows}


def _members(scope: Scope) -> frozenset[str]:
    """The named members; empty for everything and for parts that nobody named."""
    return scope.names or frozenset()


def _key(kind: str, side: Side, first: str, second: str) -> tuple[Side, str, str, str]:
    return side, kind, first, second


def _edges(window: Window) -> list[datetime]:
    inner, outer = window.inner, window.outer
    edges = [outer.start, outer.end]
    return [*edges, inner.start, inner.end] if inner else edges
