"""A figure: one number that somebody states, with its window, its basis and its evidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from verify.model.amount import Amount
from verify.model.quantity import Quantity
from verify.model.window import Window


class Basis(StrEnum):
    """How money was computed from a liquidation."""

    AVERAGE_FILL = "average_fill"
    BANKRUPTCY = "bankruptcy"
    ORDER = "order"
    MARK = "mark"
    STATED = "stated"


class QuantityBasis(StrEnum):
    """Which quantity of a liquidation was counted."""

    FILLED = "filled"
    ORDERED = "ordered"
    LAST_SLICE = "last_slice"
    POSITION = "position"


class Completeness(StrEnum):
    """Whether a feed shows every liquidation of its venue. Anything but `complete` is a lower bound."""

    COMPLETE = "complete"
    CAPPED = "capped"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """How surely the window of a published figure was read from its words."""

    HIGH = "high"
    MEDIUM_HIGH = "medium-high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def slack(self) -> timedelta:
        """How far each edge may be off."""
        return _SLACK[self]


_SLACK = {
    Grade.HIGH: timedelta(minutes=5),
    Grade.MEDIUM_HIGH: timedelta(minutes=15),
    Grade.MEDIUM: timedelta(minutes=30),
    Grade.LOW: timedelta(hours=2),
}


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """Where the raw material behind a figure lies: a file with line, or a record of an evidence file."""

    name: str
    line: int | None = None
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.line}" if self.line is not None else self.name


@dataclass(frozen=True, slots=True)
class Figure:
    """One stated number.

    `amount` is None for a row that states no number (a remark). `window` is None where none is stated, and for
    levels, whose instant is `at`. `attribution` is who the text says has measured it, as written. `as_printed` is
    False for a number that the collector computed, such as the middle of a printed range.
    """

    quantity: Quantity
    amount: Amount | None
    window: Window | None
    outlet: str
    url: str
    attribution: str = ""
    published: str = ""
    window_text: str = ""
    note: str = ""
    event: str = ""
    declared_lineage: str = ""
    as_printed: bool = True
    at: datetime | None = None
    basis: Basis = Basis.STATED
    completeness: Completeness = Completeness.UNKNOWN
    evidence: EvidenceRef | None = None
    id: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", "f" + self._digest())

    def _digest(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of what is stated, where and by whom."""
        stated = (
            self.quantity.words(),
            str(self.amount),
            str(self.window),
            str(self.at),
            self.outlet,
            self.url,
            self.attribution,
            self.declared_lineage,
            self.quantity.metric.id,
            self.quantity.side.value,
            str(self.window.slack if self.window else ""),
            str(self.as_printed),
        )
        return hashlib.sha256("\x1f".join(stated).encode()).hexdigest()[:12]
