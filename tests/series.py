"""Series that sources on this machine answer with, and addresses at which a test serves them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from types import ModuleType

import polars as pl
import pytest

from sources import addressed, build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.spec import ChannelSpec, CompletenessRule, Form, SourceSpec, Transport
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.trading_days import day_window
from verify.model.window import Window

URL = "https://example.org/series"
Rows = Sequence[dict[str, object]]


def source(identity: str, metric: str, venues: tuple[str, ...], rows: Rows, unit: str) -> Source:
    """A source on this machine that answers with these rows."""
    key = f"{identity}/rows"
    channel = ChannelSpec(
        id="rows", title="Rows", transport=Transport.FILE, form=Form.SERIES, docs=(URL,), metrics=(metric,),
        venues=venues, lineage=(key,), completeness=(CompletenessRule(Completeness.COMPLETE, URL),), quantity_unit=unit,
    )  # fmt: skip
    spec = SourceSpec(
        id=identity, title=identity.title(), homepage=URL, channels=(channel,), hosts=(), rate=None,
        as_of=date(2026, 1, 1), kind="market",
    )  # fmt: skip

    def requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
        return [Request(f"{URL}/{identity}")]

    def parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
        frame = pl.DataFrame(json.loads(payload.body)).with_columns(
            pl.from_epoch("start", time_unit="s").dt.replace_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
            pl.from_epoch("end", time_unit="s").dt.replace_time_zone("UTC").cast(pl.Datetime("us", "UTC")),
        )
        return build.series(frame, source=key, window=window, metric=metric, unit=unit)

    body = json.dumps(rows).encode()
    return Source(spec, {"rows": Channel(requests, parse, reader=lambda _request: body)})


def bars(venue: str, hours: Sequence[tuple[float, float, float, float]], start: datetime) -> Rows:
    return [
        {
            "start": int((start + timedelta(hours=n)).timestamp()),
            "end": int((start + timedelta(hours=n + 1)).timestamp()),
            "subject": venue, "asset": "BTC", "field": field, "value": value,
        }
        for n, bar in enumerate(hours)
        for field, value in zip(("open", "high", "low", "close"), bar, strict=True)
    ]  # fmt: skip


def daily(start: date, values: Sequence[float], subject: str, asset: str, field: str = "close") -> Rows:
    rows = []
    for number, value in enumerate(values):
        day = datetime(start.year, start.month, start.day, tzinfo=UTC) + timedelta(days=number)
        rows.append(
            {
                "start": int(day.timestamp()), "end": int((day + timedelta(days=1)).timestamp()), "subject": subject,
                "asset": asset, "field": field, "value": value,
            }
        )  # fmt: skip
    return rows


def fund_days(values: dict[str, list[float | None]], days: list[date]) -> Rows:
    return [
        {
            "start": int(day_window(day).start.timestamp()), "end": int(day_window(day).end.timestamp()),
            "subject": fund, "asset": "SOL", "field": "value", "value": value,
        }
        for fund, flow in values.items()
        for day, value in zip(days, flow, strict=True)
        if value is not None
    ]  # fmt: skip


def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What makes sources available as the addresses `here:<number>` that it gives."""

    def serve(*sources: Source) -> list[str]:
        module = ModuleType("here_sources")
        module.opened = lambda address: [sources[int(address)]]  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "here_sources", module)
        monkeypatch.setitem(addressed.SCHEMES, "here", "here_sources")
        return [f"here:{number}" for number in range(len(sources))]

    return serve
