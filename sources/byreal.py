"""Byreal: its own volume of the last 24 hours, and since launch where it says it (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://api2.byreal.io/byreal/api/dex/v2/overview/global"
_DOCS = "https://github.com/DefiLlama/dimension-adapters/blob/e7346b0/dexs/byreal/index.ts"
_KEY = "byreal/overview"
_DAY = timedelta(days=1)
#: The first day that DefiLlama's adapter asks for.
_LAUNCH = datetime(2025, 6, 27, tzinfo=UTC)

SPEC = SourceSpec(
    id="byreal",
    title="Byreal",
    homepage="https://www.byreal.io",
    kind="flow",
    hosts=("api2.byreal.io",),
    rate=Rate(1, timedelta(seconds=1)),  # no limit was found; one request is all there is
    as_of=date(2026, 11, 22),
    limits=("single days of the past: it tells the last 24 hours, and the sum since launch where it tells that",),
    channels=(
        ChannelSpec(
            id="overview",
            title="Volume of the last 24 hours and since launch",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("dex_volume",),
            venues=("byreal",),
            lineage=("byreal/overview",),
            completeness=(
                CompletenessRule(Completeness.UNKNOWN, _DOCS, note="what the protocol says of itself", confirmed=False),
            ),
            quantity_unit="USD",
            doubts=(
                "No document of Byreal describes it; the fields are those that others read from it.",
                "An earlier version told the volume since launch (`volumeAll`); whether this one does is not known.",
                "The sum since launch ends when it is asked: for a window of the past it is an upper limit.",
            ),
        ),
    ),
)


class _Overview(msgspec.Struct):
    volumeUsd24h: float
    volumeAll: float | None = None


class _Result(msgspec.Struct):
    data: _Overview | None = None
    success: bool = True


class _Answer(msgspec.Struct):
    result: _Result | None = None
    retCode: int = 0
    retMsg: str = ""


def _requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    return [Request(_URL, note="volume of Byreal")]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """Fields `last_24_hours` and, where it is told, `cumulative` since launch; both end when the answer came."""
    told = _overview(payload)
    end = payload.received
    rows = [("last_24_hours", end - _DAY, told.volumeUsd24h, "volumeUsd24h")]
    if told.volumeAll is not None:
        rows.append(("cumulative", _LAUNCH, told.volumeAll, "volumeAll"))
    values = [build.amounts([usd], field=wire, source=_KEY, zero=True)[0] for _, _, usd, wire in rows]
    if values[-1] < values[0]:
        raise Suspect("its volume since launch is less than that of the last 24 hours", source=_KEY)
    data = {
        "start": pl.Series([start for _, start, _, _ in rows], dtype=pl.Datetime("us", "UTC")),
        "end": pl.Series([end] * len(rows), dtype=pl.Datetime("us", "UTC")),
        "field": [name for name, _, _, _ in rows],
        "value": values,
    }
    return build.series(data, source=_KEY, window=window, metric="dex_volume", subject="byreal", unit="USD")


def _overview(payload: Payload) -> _Overview:
    answer = build.decode(_Answer, payload.body, _KEY, lax=True)
    if answer.retCode or (answer.result and not answer.result.success):
        raise Unavailable(f"refuses with {answer.retCode}: {answer.retMsg or 'no reason given'}", source=_KEY)
    if answer.result is None or answer.result.data is None:
        build.decode(_Overview, b"{}", _KEY)  # which names what is missing
    assert answer.result is not None
    assert answer.result.data is not None
    return answer.result.data


SOURCE = Source(SPEC, {"overview": Channel(_requests, _parse)})
