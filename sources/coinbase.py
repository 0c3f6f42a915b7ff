"""Coinbase Exchange candles (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sources import build, candles
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.candles import DAY, HOUR, MINUTE
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://api.exchange.coinbase.com/products/{}-USD/candles"
_DOCS = "https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-candles"
_KEY = "coinbase/candles"
_PAGE = 300
_STEPS = (MINUTE, timedelta(minutes=5), timedelta(minutes=15), HOUR, timedelta(hours=6), DAY)

SPEC = SourceSpec(
    id="coinbase",
    title="Coinbase Exchange",
    homepage="https://exchange.coinbase.com",
    kind="market",
    hosts=("api.exchange.coinbase.com",),
    rate=Rate(5, timedelta(seconds=1), "https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits"),
    as_of=date(2026, 11, 22),
    channels=(
        ChannelSpec(
            id="candles",
            title="Candles against US dollars",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("price",),
            venues=("coinbase",),
            lineage=("coinbase/trades",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
            quantity_unit="USD",
            page=_PAGE,
            doubts=("A bar in which nothing was traded is left out of the answer.",),
        ),
    ),
)


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    """Both ends of a request belong to it, so that the last bar's start is named."""
    length = candles.step(window, _STEPS, _PAGE)
    return [
        Request(
            _URL.format(asset),
            (
                ("granularity", str(int(length.total_seconds()))),
                ("start", f"{span.start:%Y-%m-%dT%H:%M:%SZ}"),
                ("end", f"{span.end - length:%Y-%m-%dT%H:%M:%SZ}"),
            ),
            note=f"candles of {asset}",
        )
        for asset in candles.tickers(quantity)
        for span in candles.spans(window, length, _PAGE)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """The low stands before the high, and bars before the start asked may come; they are left out."""
    rows = build.decode(list[list[Any]], payload.body, _KEY)
    product = payload.request.url.rsplit("/", 2)[1]
    length = timedelta(seconds=int(dict(payload.request.params)["granularity"]))
    return candles.prices(
        rows, (0, 3, 2, 1, 4), unit="s", length=length, asset=product.removesuffix("-USD"), venue="coinbase",
        quote="USD", source=_KEY, window=window,
    )  # fmt: skip


SOURCE = Source(SPEC, {"candles": Channel(_requests, _parse)})
