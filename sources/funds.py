"""What the sources of fund flows share: rows of days and funds become a series in dollars by trading day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TypeAlias

from sources import build
from sources.lazy import pl
from verify.model.errors import SchemaChanged, Suspect
from verify.model.trading_days import day_window
from verify.model.window import Window

#: A trading day in US Eastern time, whose flow it is, and dollars; None is not reported, which is not zero.
Flow: TypeAlias = tuple[date, str, float | None]


def flows(rows: Iterable[Flow], *, asset: str, field: str, source: str, window: Window) -> pl.DataFrame:
    """The reported flows as a series over whole US Eastern days. A flow may be zero or negative (an outflow).

    `field` is what errors call the flow.
    """
    told = [row for row in rows if row[2] is not None]
    if not told:
        return build.no_series()
    days = [day_window(day) for day, _, _ in told]
    data = {
        "start": pl.Series([day.start for day in days], dtype=pl.Datetime("us", "UTC")),
        "end": pl.Series([day.end for day in days], dtype=pl.Datetime("us", "UTC")),
        "subject": [subject for _, subject, _ in told],
        "value": build.numbers([usd for _, _, usd in told], field=field, source=source),
    }
    return build.series(data, source=source, window=window, metric="etf_net_flow", asset=asset, unit="USD")


def day_of(text: str, *, field: str, source: str) -> date:
    """A date written as `2026-01-16`, with or without a time after it. Raises `SchemaChanged`."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise SchemaChanged(f"{field} is no date: {text[:20]!r}", source=source, field=field) from None


def day_of_millis(moment: int, *, field: str, source: str) -> date:
    """The date whose midnight in UTC stands for a trading day. Raises `SchemaChanged` for any other time."""
    found: datetime = build.times([moment], unit="ms", field=field, source=source)[0]
    if found.time() != datetime.min.time():
        raise SchemaChanged(f"{field} is not midnight in UTC: {moment}", source=source, field=field)
    return found.date()


def add_up(day: date, total: float | None, parts: Sequence[float | None], *, within: float, source: str) -> None:
    """Raise `Suspect` where all funds of a day are reported and are not, `within` dollars, the total that is told."""
    known = [part for part in parts if part is not None]
    if total is None or not parts or len(known) < len(parts):
        return
    if abs(sum(known) - total) > within:
        text = f"the funds of {day} add up to {sum(known):.0f} USD, which is not the total of {total:.0f} USD"
        raise Suspect(text, source=source)
