"""What the plots of a report show: each lineage as an interval on one line, with the claim across all of them.

Pure data from a `Report`, for the terminal's plot and for the page's picture alike. Money is in US dollars, counts are
counts, and readings of a market are in the unit that their quantity names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from verify.claims.statement import Statistic, stated
from verify.model.amount import Amount, money
from verify.model.errors import AmountError
from verify.model.report import Answer, Report


class Unit(StrEnum):
    """What the axis of a plot counts."""

    DOLLARS = "US dollars"
    COUNT = "number"
    PERCENT = "per cent"
    POINTS = "points"
    CORRELATION = "correlation"
    COINS = "coins"


#: How a claim calls the units of readings (`verify.claims.statement`).
_CLAIMED = {"USD": Unit.DOLLARS, "percent": Unit.PERCENT, "points": Unit.POINTS, "correlation": Unit.CORRELATION}
#: The commands whose claims are read as `verify.claims.statement` reads them.
_READ_OFF = ("market", "flows", "position")
_OPEN = (Statistic.ABOVE, Statistic.BELOW)


@dataclass(frozen=True, slots=True)
class Span:
    """One line of the plot: `[low, high]`, and a dot at `middle` where one number is stated.

    `high` is None where nothing bounds it from above (a lower bound). `inner` is the central half of an estimate.
    """

    label: str
    low: float
    high: float | None
    middle: float | None = None
    inner: tuple[float, float] | None = None


def spans(report: Report) -> list[Span]:
    """One line for each channel that says something about the quantity."""
    return [span for answer in report.answers if (span := _of(answer)) is not None]


def claimed(report: Report) -> tuple[float, float] | None:
    """The interval that the claim's rounding and hedge leave open; None without a claim, or where it is open-ended.

    A claim that a mark was broken is that mark alone.
    """
    if not report.claim:
        return None
    try:
        if report.command in _READ_OFF:
            return _read_off(report.claim, unit(report))
        low, high = Amount.parse(report.claim).tolerated
    except AmountError:
        return None
    return None if high is None else (float(low), float(high))


def extent(lines: list[Span], band: tuple[float, float] | None) -> tuple[float, float] | None:
    """The stretch of the axis that shows every end and the claim, with a margin; None where nothing is to be shown."""
    ends = [value for line in lines for value in (line.low, line.high, line.middle) if value is not None]
    ends += list(band or ())
    if not ends:
        return None
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (max(low - margin, 0.0) if low >= 0 else low - margin), high + margin


def unit(report: Report) -> Unit:
    """What the values of its spans are, as its quantity says in words."""
    words = report.quantity
    if report.command in _READ_OFF:
        for start, end, found in (
            ("price of", "in per cent", Unit.PERCENT), ("implied volatility", "in points", Unit.POINTS),
            ("correlation of", "", Unit.CORRELATION), ("holding of", "", Unit.COINS),
        ):  # fmt: skip
            if words.startswith(start) and words.endswith(end):
                return found
        return Unit.DOLLARS
    return Unit.COUNT if "number of" in words or "liquidated " in words else Unit.DOLLARS


def labels(values: tuple[float, ...], of: Unit) -> tuple[str, ...]:
    """Values of one axis in words, with as many digits as tell them apart: a help for the eye."""
    largest, apart = max(map(abs, values)), max(values) - min(values)
    digits = max(3, math.ceil(math.log10(largest / apart)) + 2) if 0 < apart < largest else 3
    return tuple(_label(float(f"{value:.{digits}g}"), of) for value in values)


def _label(value: float, of: Unit) -> str:
    if of is Unit.DOLLARS:
        return f"{'-' if value < 0 else ''}{money(abs(value))}"
    if of is Unit.COUNT:
        return f"{value:,.0f}"
    return f"{value:,.10g}{' %' if of is Unit.PERCENT else ''}"


def _read_off(claim: str, of: Unit) -> tuple[float, float] | None:
    said = stated(claim, unit=next((name for name, found in _CLAIMED.items() if found is of), ""))
    if said.amount is None or _CLAIMED.get(said.unit, Unit.COINS) is not of:
        return None
    if said.statistic in _OPEN:
        mark = float(said.amount.ends[0] if said.amount.ends else said.amount.value)
        return mark, mark
    low, high = said.amount.tolerated
    return (float(low), float(low)) if high is None else (float(low), float(high))


def _of(answer: Answer) -> Span | None:
    nearest, range_ = answer.nearest, answer.feasible or answer.by_clock
    middle = nearest.value if nearest is not None else None
    if range_ is not None:
        if middle is None and range_.low == range_.high:
            middle = range_.low  # one number, which a bar of no length would not show
        return Span(answer.title, range_.low, range_.high, middle)
    if nearest is None or nearest.low is None:
        return None
    return Span(answer.title, nearest.low, nearest.high, middle)
