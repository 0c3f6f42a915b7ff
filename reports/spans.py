"""What the plots of a report show: each lineage as an interval on one line, with the claim across all of them.

Pure data from a `Report`, for the terminal's plot and for the page's picture alike. Money is in US dollars, counts are
counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.model.amount import Amount
from verify.model.errors import AmountError
from verify.model.report import Answer, Report


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
    """The interval that the claim's rounding and hedge leave open; None without a claim, or where it is open-ended."""
    if not report.claim:
        return None
    try:
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


def _of(answer: Answer) -> Span | None:
    nearest, range_ = answer.nearest, answer.feasible or answer.by_clock
    middle = nearest.value if nearest is not None else None
    if range_ is not None:
        return Span(answer.title, range_.low, range_.high, middle)
    if nearest is None or nearest.low is None:
        return None
    return Span(answer.title, nearest.low, nearest.high, middle)
