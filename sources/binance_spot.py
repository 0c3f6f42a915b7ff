"""Binance spot candles, from the market-data host that is not closed to any country (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sources import build, candles
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.candles import DAY, HOUR, MINUTE
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://data-api.binance.vision/api/v3/klines"
_DOCS = "https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints"
_KEY = "binance_spot/candles"
_PAGE = 1000
_STEPS = {MINUTE: "1m", HOUR: "1h", DAY: "1d"}

SPEC = SourceSpec(
    id="binance_spot",
    title="Binance spot",
    homepage="https://www.binance.com",
    kind="market",
    hosts=("data-api.binance.vision",),
    rate=Rate(20, timedelta(seconds=1), _DOCS),  # 6,000 weight a minute, 2 a request
    as_of=date(2026, 11, 22),
    channels=(
        ChannelSpec(
            id="candles",
            title="Candles of the spot market against USDT",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS, "https://github.com/binance/binance-public-data"),
            metrics=("price",),
            venues=("binance",),
            lineage=("binance_spot/trades",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
            quantity_unit="USDT",
            page=_PAGE,
            doubts=("Prices are in USDT, which is not always worth one dollar.",),
        ),
    ),
)


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    length = candles.step(window, list(_STEPS), _PAGE)
    return [
        Request(
            _URL,
            (
                ("symbol", f"{asset}USDT"),
                ("interval", _STEPS[length]),
                ("startTime", milliseconds(span.start)),
                ("endTime", str(int(milliseconds(span.end)) - 1)),
                ("limit", str(_PAGE)),
            ),
            note=f"candles of {asset}",
        )
        for asset in candles.tickers(quantity)
        for span in candles.spans(window, length, _PAGE)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    rows = build.decode(list[list[Any]], payload.body, _KEY)
    asked = dict(payload.request.params)
    length = {name: length for length, name in _STEPS.items()}[asked["interval"]]
    return candles.prices(
        rows, (0, 1, 2, 3, 4), unit="ms", length=length, asset=asked["symbol"].removesuffix("USDT"), venue="binance",
        quote="USDT", source=_KEY, window=window,
    )  # fmt: skip


SOURCE = Source(SPEC, {"candles": Channel(_requests, _parse)})
