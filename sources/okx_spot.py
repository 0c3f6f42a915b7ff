"""OKX spot candles, in bars of UTC (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from sources import build, candles
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.candles import DAY, HOUR, MINUTE
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://www.okx.com/api/v5/market/history-candles"
_DOCS = "https://www.okx.com/docs-v5/en/#order-book-trading-market-data-get-candlesticks-history"
_KEY = "okx_spot/candles"
_PAGE = 300
#: Bars of six hours and more begin at midnight of UTC+8, but for those that say `utc`.
_STEPS = {MINUTE: "1m", timedelta(minutes=5): "5m", HOUR: "1H", DAY: "1Dutc"}

SPEC = SourceSpec(
    id="okx_spot",
    title="OKX spot",
    homepage="https://www.okx.com",
    kind="market",
    hosts=("www.okx.com",),
    rate=Rate(10, timedelta(seconds=1), _DOCS),  # 20 requests in 2 seconds
    as_of=date(2026, 11, 22),
    channels=(
        ChannelSpec(
            id="candles",
            title="Candles of the spot market against USDT",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("price",),
            venues=("okx",),
            lineage=("okx_spot/trades",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
            quantity_unit="USDT",
            page=_PAGE,
            doubts=("Prices are in USDT, which is not always worth one dollar.",),
        ),
    ),
)


class _Answer(msgspec.Struct):
    code: str
    data: list[list[Any]]
    msg: str = ""


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    """`after` asks for bars older than it, `before` for newer ones."""
    length = candles.step(window, list(_STEPS), _PAGE)
    return [
        Request(
            _URL,
            (
                ("instId", f"{asset}-USDT"),
                ("bar", _STEPS[length]),
                ("after", milliseconds(span.end)),
                ("before", str(int(milliseconds(span.start)) - 1)),
                ("limit", str(_PAGE)),
            ),
            note=f"candles of {asset}",
        )
        for asset in candles.tickers(quantity)
        for span in candles.spans(window, length, _PAGE)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    answer = build.decode(_Answer, payload.body, _KEY)
    if answer.code != "0":
        raise Unavailable(f"refuses: {answer.msg or 'without a reason'} (code {answer.code})", source=_KEY)
    asked = dict(payload.request.params)
    length = {name: length for length, name in _STEPS.items()}[asked["bar"]]
    return candles.prices(
        answer.data, (0, 1, 2, 3, 4), unit="ms", length=length, asset=asked["instId"].removesuffix("-USDT"),
        venue="okx", quote="USDT", source=_KEY, window=window,
    )  # fmt: skip


SOURCE = Source(SPEC, {"candles": Channel(_requests, _parse)})
