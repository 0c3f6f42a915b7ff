"""Bitstamp candles (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from sources import build, candles
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.candles import DAY, HOUR, MINUTE
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://www.bitstamp.net/api/v2/ohlc/{}usd/"
_DOCS = "https://www.bitstamp.net/api/#tag/Market-info/operation/GetOHLCData"
_KEY = "bitstamp/candles"
_PAGE = 1000
_STEPS = (MINUTE, timedelta(minutes=5), HOUR, DAY)

SPEC = SourceSpec(
    id="bitstamp",
    title="Bitstamp",
    homepage="https://www.bitstamp.net",
    kind="market",
    hosts=("www.bitstamp.net",),
    rate=Rate(10, timedelta(seconds=1), "https://www.bitstamp.net/api/#section/Response-limits"),
    as_of=date(2026, 11, 22),
    channels=(
        ChannelSpec(
            id="candles",
            title="Candles against US dollars",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("price",),
            venues=("bitstamp",),
            lineage=("bitstamp/trades",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
            quantity_unit="USD",
            page=_PAGE,
        ),
    ),
)


class _Bar(msgspec.Struct):
    timestamp: str | int
    open: str | float
    high: str | float
    low: str | float
    close: str | float


class _Data(msgspec.Struct):
    ohlc: list[_Bar]


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: list[Any] = []
    reason: Any = None


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    length = candles.step(window, _STEPS, _PAGE)
    return [
        Request(
            _URL.format(asset.lower()),
            (
                ("step", str(int(length.total_seconds()))),
                ("limit", str(_PAGE)),
                ("start", str(int(span.start.timestamp()))),
                ("end", str(int((span.end - length).timestamp()))),
            ),
            note=f"candles of {asset}",
        )
        for asset in candles.tickers(quantity)
        for span in candles.spans(window, length, _PAGE)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    answer = build.decode(_Answer, payload.body, _KEY)
    if answer.data is None:
        if answer.errors or answer.reason:
            raise Unavailable(f"refuses: {answer.errors or answer.reason}", source=_KEY)
        build.decode(_Data, payload.body, _KEY)  # which names what is missing
    assert answer.data is not None
    rows = [(bar.timestamp, bar.open, bar.high, bar.low, bar.close) for bar in answer.data.ohlc]
    asset = payload.request.url.rstrip("/").rsplit("/", 1)[1].removesuffix("usd").upper()
    length = timedelta(seconds=int(dict(payload.request.params)["step"]))
    return candles.prices(
        rows, (0, 1, 2, 3, 4), unit="s", length=length, asset=asset, venue="bitstamp", quote="USD", source=_KEY,
        window=window, names=("timestamp", *candles.FIELDS),
    )  # fmt: skip


SOURCE = Source(SPEC, {"candles": Channel(_requests, _parse)})
