"""What the program says of past events, as a page; `generate-docs` writes it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import verify
from verify.model.amount import money
from verify.model.report import Report

FIGURES = Path(__file__).parents[1] / "fixtures" / "events"
Row = dict[str, str]


@dataclass(frozen=True)
class Event:
    """One question about an event. `known` are the figures that may be used (None: all that are bundled)."""

    title: str
    day: str
    window: str
    venues: tuple[str, ...] = ()
    known: Callable[[Row], bool] | None = None
    note: str = ""


#: The one figure that says what a venue really lost.
TRUTH = 2.1e9


def _revealed(row: Row) -> bool:
    return "Bybit internal" in row["provider_attributed"]


EVENTS = (
    Event(
        "Bybit, 3 February 2025, as it could be known that day",
        "2025-02-03",
        "2025-02-02T12:00Z/2025-02-03T12:00Z",
        ("bybit",),
        lambda row: not _revealed(row),
        "Without what Bybit said later: what would have been estimated?",
    ),
    Event(
        "All venues, 3 February 2025, as it could be known that day",
        "2025-02-03",
        "2025-02-02T12:00Z/2025-02-03T12:00Z",
        known=lambda row: not _revealed(row),
    ),
    Event(
        "All venues, 3 February 2025, with what Bybit said",
        "2025-02-03",
        "2025-02-02T12:00Z/2025-02-03T12:00Z",
    ),
    Event("10 to 11 October 2025", "2025-10-10", "2025-10-10T04:00Z/2025-10-11T04:00Z"),
    Event("18 to 19 January 2026", "2026-01-19", "2026-01-18T22:30Z/2026-01-19T02:30Z"),
    Event(
        "18 to 19 January 2026, the day that one table tells by venue",
        "2026-01-19",
        "2026-01-18T08:00Z/2026-01-19T08:00Z",
    ),
    Event("20 to 21 January 2026", "2026-01-20", "2026-01-20T04:00Z/2026-01-21T04:00Z"),
)


def events_page() -> str:
    """Each event through the same code as any window, and the one revealed truth against its interval."""
    lines = [
        "# Past events",
        "",
        "Made by `scripts/generate-docs` from the published figures in `fixtures/events`; do not edit. Every event",
        "goes through the code that any window goes through, offline. *Shown* is what channels print, *corroborated*",
        "whether independent counts agree, *estimated* what the market lost, as far as that can be told. The venues'",
        "open interest of these days is in none of these figures: it is unknown here, and venues that no figure names",
        "are in no estimate.",
        "",
        "The wiring of these figures was not tuned on the events. One constant of the estimator was chosen with the",
        "event of 3 February 2025 in view: how wide a printed total is opened upwards where it is all there is",
        "(`OUTLET_ONLY` in `verify/reconcile/totals.py`). It plays no part in the first three sections, which rest on",
        "a venue's own row; it does where only totals are known.",
    ]
    for event in EVENTS:
        lines += _section(event, _report(event))
    return "\n".join(lines) + "\n"


def _report(event: Event) -> Report:
    path = FIGURES / event.day / "figures.csv"
    if event.known is None:
        return verify.liquidations(event.window, slack="30m", venues=event.venues, figures=[path], offline=True)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or ()), [row for row in reader if event.known(row)]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "figures.csv"
        with kept.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        return verify.liquidations(event.window, slack="30m", venues=event.venues, figures=[kept], offline=True)


def _section(event: Event, report: Report) -> list[str]:
    found = report.estimate
    corroborated, market = report.questions[1].text, report.questions[2].text
    lines = ["", f"## {event.title}", "", f"{report.quantity}, {report.window_words}. {event.note}".rstrip(), ""]
    lines += [f"* **Corroborated?** {corroborated}.", f"* **Estimated:** {market.rstrip('.')}."]
    if found is None:
        return lines
    if found.venues:
        lines += ["", "| venue | known by | shown | estimated | 90 % |", "|---|---|---:|---:|---:|"]
        for row in found.venues:
            low, high = _short(row.total.low90), _short(row.total.high90)
            cells = (row.venue, row.basis, _short(row.shown_usd), _short(row.total.median), f"{low} to {high}")
            lines.append(f"| {' | '.join(cells)} |")
    for limit in found.limits:
        lines += [] if limit in market else ["", limit]
    if event.venues:
        lines += ["", _against_truth(report)]
    return lines


def _against_truth(report: Report) -> str:
    """How far the interval is off the revealed truth."""
    found = report.estimate
    assert found is not None
    assert found.total is not None
    total = found.total
    inside = "inside" if total.low90 <= TRUTH <= total.high90 else "outside"
    shown = f"Bybit itself then named {_short(TRUTH)}: {TRUTH / found.shown_usd:.1f} times what was shown."
    off = f"{TRUTH / total.median:.1f} times the median"
    edge = f"{TRUTH / total.high90:.2f} times the upper end of the 90 % interval"
    return f"**Against the truth.** {shown} That is {off} and {edge}, {inside} the interval."


def _short(value: float) -> str:
    return money(value, digits=3)
