"""What the comparison of tables came to. Plain data, without behaviour; `reports.reconciliation` shows it."""

from __future__ import annotations

from dataclasses import dataclass

from verify.model.report import plain_data

#: Exit codes: everything matches; something differs or is missing; nothing could be compared.
EXIT_MATCH, EXIT_DIFFER, EXIT_NOTHING = 0, 1, 3


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One table: its rows, those that could not be read (named in `unread`, counted in `not_read`), keys that stand
    more than once, the feeds that it descends from, and what was assumed in reading it."""

    name: str
    rows: int
    repeated: int = 0
    lineage: tuple[str, ...] = ()
    not_read: int = 0
    unread: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell that differs: its key in words, both values, and by how much (relative to the larger; None if zero)."""

    key: str
    column: str
    first: float
    second: float
    difference: float
    relative: float | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A pattern in the differences of two tables: what it looks like, and the share of cells that show it."""

    code: str
    text: str
    share: float
    column: str = ""
    amount: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One column of two tables over their common keys. `one_sided` cells are empty in one of the two."""

    column: str
    compared: int
    matched: int
    differing: int
    one_sided: int
    largest: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class PairResult:
    """Two tables: common keys, those that only one has (with examples), the columns, and what the differences show."""

    first: str
    second: str
    common: int
    only_first: int
    only_second: int
    missing_in_second: tuple[str, ...] = ()
    missing_in_first: tuple[str, ...] = ()
    columns: tuple[ColumnMatch, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True, slots=True)
class Offender:
    """A table that stands alone: cells in which all others agree and it does not, of all that differ somewhere."""

    table: str
    column: str
    alone: int
    of: int


@dataclass(frozen=True, slots=True)
class Without:
    """The consensus when one lineage is left out, as total and relative to the consensus of all."""

    lineage: str
    total: float
    change: float | None


@dataclass(frozen=True, slots=True)
class Consensus:
    """A random-effects mean of a column's total over the keys that all independent lineages have.

    `low` and `high` bound its 95 % interval; `tau` is the standard deviation between lineages in the same unit, `i2`
    the share of the variance that lies between them (Higgins & Thompson 2002); by Paule & Mandel.
    """

    column: str
    lineages: tuple[str, ...]
    keys: int
    total: float
    low: float
    high: float
    tau: float
    i2: float
    without: tuple[Without, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Everything that came of it. `lineages` is the number of independent ones; `version` is that of the program."""

    version: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    tolerance: str
    tables: tuple[TableInfo, ...]
    pairs: tuple[PairResult, ...]
    offenders: tuple[Offender, ...]
    consensus: tuple[Consensus, ...]
    lineages: int
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where everything matches, 1 where anything differs, is missing or was not read, 3 where nothing could be
        compared."""
        if not any(column.compared for pair in self.pairs for column in pair.columns):
            return EXIT_NOTHING
        apart = any(pair.only_first or pair.only_second for pair in self.pairs)
        differ = any(column.differing or column.one_sided for pair in self.pairs for column in pair.columns)
        return EXIT_DIFFER if apart or differ or any(table.not_read for table in self.tables) else EXIT_MATCH

    def to_dict(self) -> dict[str, object]:
        """The JSON form."""
        plain = plain_data(self)
        assert isinstance(plain, dict)
        return {"schema_version": 1, "command": "reconcile", **plain, "exit_code": self.exit_code}
