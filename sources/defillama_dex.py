"""DefiLlama: volume of a decentralised exchange by UTC day (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://api.llama.fi/summary/dexs"
_DOCS = "https://api-docs.defillama.com/"
_ADAPTER = "https://github.com/DefiLlama/dimension-adapters/blob/e7346b0/dexs/byreal/index.ts"
_DAY = timedelta(days=1)

_channel = partial(
    ChannelSpec,
    transport=Transport.REST,
    form=Form.SERIES,
    metrics=("dex_volume",),
    quantity_unit="USD",
)

SPEC = SourceSpec(
    id="defillama_dex",
    title="DefiLlama (exchanges)",
    homepage="https://defillama.com",
    kind="flow",
    hosts=("api.llama.fi",),
    rate=Rate(1, timedelta(seconds=1)),  # no limit was found; one request is all there is
    as_of=date(2026, 11, 22),
    limits=("all exchanges together: a protocol has to be named",),
    channels=(
        _channel(
            id="byreal",
            title="Volume of Byreal by UTC day",
            docs=(_DOCS, _ADAPTER),
            venues=("byreal",),
            lineage=("byreal/overview",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _ADAPTER,
                    note="copies of Byreal's own number for 24 hours, taken once a day",
                ),
            ),
            doubts=(
                "It repeats what Byreal says of itself: the two are one lineage, and nothing independent is known.",
                "A day is the 24 hours before the moment of copying, so that sums drift, and a day missed is missing.",
            ),
        ),
        _channel(
            id="protocols",
            title="Volume of a protocol by UTC day",
            docs=(_DOCS,),
            venues=(),
            lineage=("defillama/dexs",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN, _DOCS, note="counted by another adapter for each protocol", confirmed=False
                ),
            ),
            doubts=(
                "Whether it counts trades on a chain itself or copies what the protocol says differs by protocol and "
                "is told in its adapter only.",
            ),
        ),
    ),
)


class _Answer(msgspec.Struct):
    totalDataChart: list[list[Any]]  # a time in seconds and dollars


def _byreal_requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    return [_request("byreal")]


def _requests(_window: Window, quantity: Quantity) -> Sequence[Request]:
    """The whole past in one answer for each protocol asked; none where none is named."""
    return [_request(name) for name in sorted(quantity.venues.names or ())]


def _request(name: str) -> Request:
    params = (("excludeTotalDataChart", "false"), ("excludeTotalDataChartBreakdown", "true"))
    return Request(f"{_URL}/{quote(name, safe='')}", params, note=name)


def _parse(payload: Payload, window: Window, _instruments: Instruments, *, channel: str) -> pl.DataFrame:
    source = f"defillama_dex/{channel}"
    name = payload.request.url.rpartition("/")[2]
    days = build.decode(_Answer, payload.body, source).totalDataChart
    if not days:
        raise Unavailable(f"no days of {name}: that is no answer, not zero", source=source)
    field = "totalDataChart"
    if min(map(len, days)) < 2:
        raise SchemaChanged("a day has no time or no volume", source=source, field=field)
    start = build.times([row[0] for row in days], unit="s", field=field, source=source)
    usd = build.amounts([row[1] for row in days], field=field, source=source, zero=True)
    data = {"start": start, "end": start + _DAY, "value": usd}
    return build.series(data, source=source, window=window, metric="dex_volume", subject=name, unit="USD")


def _control() -> Request:
    return _request("byreal")


def _alive(payload: Payload) -> bool:
    return bool(build.decode(_Answer, payload.body, "defillama_dex").totalDataChart)


SOURCE = Source(
    SPEC,
    {
        "byreal": Channel(_byreal_requests, partial(_parse, channel="byreal"), control=_control, control_alive=_alive),
        "protocols": Channel(_requests, partial(_parse, channel="protocols"), control=_control, control_alive=_alive),
    },
)
