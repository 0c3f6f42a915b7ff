"""FRED: daily closes of the S&P 500 (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://fred.stlouisfed.org/graph/fredgraph.csv"
_DOCS = "https://fred.stlouisfed.org/series/SP500"
_KEY = "fred/sp500"
_SERIES = "SP500"

SPEC = SourceSpec(
    id="fred",
    title="FRED",
    homepage="https://fred.stlouisfed.org",
    kind="market",
    hosts=("fred.stlouisfed.org",),
    rate=Rate(1, timedelta(seconds=1)),  # no limit was found; one request is all there is
    as_of=date(2026, 11, 22),
    channels=(
        ChannelSpec(
            id="sp500",
            title="S&P 500, daily close",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("index_level",),
            venues=(),
            lineage=("spdji/sp500",),
            completeness=(
                CompletenessRule(Completeness.COMPLETE, _DOCS, note="a holiday has no row; ten years are served"),
            ),
            quantity_unit="points",
            history=timedelta(days=3650),
            doubts=(
                "The name of the date column has differed over time: columns are read by their place.",
                "A close is that of 16:00 in New York.",
            ),
        ),
    ),
)


def _requests(window: Window, _quantity: Quantity) -> Sequence[Request]:
    last = (window.end - timedelta(microseconds=1)).date()
    span = (("id", _SERIES), ("cosd", str(window.start.date())), ("coed", str(last)))
    return [Request(_URL, span, note="closes of the S&P 500")]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One row per trading day, over that day in UTC; a day marked `.` or left empty was none."""
    lines = payload.body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()
    head = [cell.strip() for cell in lines[0].split(",")] if lines else []
    if len(head) != 2 or head[1] != _SERIES:
        raise SchemaChanged(f"the answer is no table of dates and {_SERIES}", source=_KEY, field=_SERIES)
    days, values = [], []
    for number, line in enumerate(lines[1:], 2):
        day, comma, value = line.partition(",")
        if not comma:
            raise SchemaChanged(f"line {number} has one field", source=_KEY, field=_SERIES)
        try:
            moment = datetime.strptime(day.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise SchemaChanged(f"line {number} begins with no date: {day[:20]!r}", source=_KEY, field="date") from None
        if value.strip() not in ("", "."):
            days.append(moment)
            values.append(value.strip())
    if not days:
        return build.no_series()
    levels = build.amounts(values, field=_SERIES, source=_KEY)
    data = {"start": days, "end": [day + timedelta(days=1) for day in days], "value": levels}
    return build.series(
        data, source=_KEY, window=window, metric="index_level", subject="S&P 500", field="close", unit="points"
    )


SOURCE = Source(SPEC, {"sp500": Channel(_requests, _parse)})
