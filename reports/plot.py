"""The plot of lineages against the claim in characters: one line each, over one axis."""

from __future__ import annotations

from reports.spans import Span, Unit, claimed, extent, labels, spans, unit
from verify.model.report import Report

_LABEL = 22
_NARROWEST = 20
_KEY = "├─┤ allowed   ● stated   ▶ unbounded"


def plot(report: Report, width: int) -> list[str]:
    """Lines of at most `width` characters; none where there is nothing to compare."""
    lines, band = spans(report), claimed(report)
    edges = extent(lines, band)
    if edges is None or len(lines) + (band is not None) < 2:
        return []
    margin = min(max(map(len, (*(line.label for line in lines), "the claim"))), max(_LABEL, width // 3)) + 1
    room = width - margin
    if room < _NARROWEST:
        return []
    scale = _Scale(*edges, room)
    drawn = [_row(line.label, scale.line(line, band), margin) for line in lines]
    if band is not None:
        drawn.append(_row("the claim", scale.band(band), margin))
    return [*drawn, " " * margin + scale.axis(unit(report)), _KEY]


def _row(label: str, drawn: str, margin: int) -> str:
    shown = label if len(label) < margin else f"{label[: margin - 2]}…"
    return f"{shown:<{margin}}{drawn}".rstrip()


class _Scale:
    """From values to columns."""

    def __init__(self, low: float, high: float, room: int) -> None:
        self.low, self.high, self.room = low, high, room

    def at(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (self.room - 1)), 0), self.room - 1)

    def line(self, span: Span, band: tuple[float, float] | None) -> str:
        cells = self._banded(band)
        first = self.at(span.low)
        last = self.room - 1 if span.high is None else self.at(span.high)
        for place in range(first, last + 1):
            cells[place] = "─"
        if last == first:
            cells[first] = "│" if span.high is not None else "▶"
        else:
            cells[first], cells[last] = "├", "▶" if span.high is None else "┤"
        for value in span.inner or ():
            cells[self.at(value)] = "┃"
        if span.middle is not None:
            cells[self.at(span.middle)] = "●"
        return "".join(cells)

    def band(self, band: tuple[float, float]) -> str:
        return "".join(self._banded(band, "█"))

    def axis(self, of: Unit) -> str:
        left, middle, right = labels((self.low, (self.low + self.high) / 2, self.high), of)
        gap = self.room - len(left) - len(right)
        if gap < len(middle) + 4:
            return f"{left}{' ' * max(gap, 1)}{right}"
        before = (self.room - len(middle)) // 2 - len(left)
        return f"{left}{' ' * before}{middle}{' ' * (gap - before - len(middle))}{right}"

    def _banded(self, band: tuple[float, float] | None, mark: str = "░") -> list[str]:
        cells = [" "] * self.room
        if band is not None:
            for place in range(self.at(band[0]), self.at(band[1]) + 1):
                cells[place] = mark
        return cells
