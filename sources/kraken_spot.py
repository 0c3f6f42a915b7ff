"""Kraken spot candles (keyless): only the last 720 bars of each length are served."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
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

_URL = "https://api.kraken.com/0/public/OHLC"
_DOCS = "https://docs.kraken.com/api/docs/rest-api/get-ohlc-data"
_BARS = 720
#: Finest first: of channels that read one feed the first that reaches the window is asked.
_LENGTHS = {"minutes": MINUTE, "hours": HOUR, "days": DAY}
_OTHER_NAMES = {"BTC": "XBT", "DOGE": "XDG"}


def _channel(identity: str, length: timedelta) -> ChannelSpec:
    return ChannelSpec(
        id=identity,
        title=f"Candles against US dollars, by {identity}",
        transport=Transport.REST,
        form=Form.SERIES,
        docs=(_DOCS,),
        metrics=("price",),
        venues=("kraken",),
        lineage=("kraken_spot/trades",),
        completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
        quantity_unit="USD",
        history=_BARS * length,
        page=_BARS,
        doubts=("The last bar of an answer is not finished.",),
    )


SPEC = SourceSpec(
    id="kraken_spot",
    title="Kraken spot",
    homepage="https://www.kraken.com",
    kind="market",
    hosts=("api.kraken.com",),
    rate=Rate(1, timedelta(seconds=1), "https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits"),
    as_of=date(2026, 11, 22),
    limits=("older bars than the last 720 of each length",),
    channels=tuple(_channel(name, length) for name, length in _LENGTHS.items()),
)


class _Answer(msgspec.Struct):
    error: list[str]
    result: dict[str, Any] | None = None


def _requests(window: Window, quantity: Quantity, *, length: timedelta) -> Sequence[Request]:
    """`since` only leaves out bars that are served: it reaches no further back."""
    since = str(int((window.start - length).timestamp()))
    return [
        Request(
            _URL,
            (
                ("pair", f"{_OTHER_NAMES.get(asset, asset)}USD"),
                ("interval", str(int(length / MINUTE))),
                ("since", since),
            ),
            note=f"candles of {asset}",
        )
        for asset in candles.tickers(quantity)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments, *, key: str) -> pl.DataFrame:
    answer = build.decode(_Answer, payload.body, key)
    if answer.error:
        raise Unavailable(f"refuses: {'; '.join(answer.error)}", source=key)
    asked = dict(payload.request.params)
    named = asked["pair"].removesuffix("USD")
    asset = {theirs: ours for ours, theirs in _OTHER_NAMES.items()}.get(named, named)
    rows = [row for name, found in (answer.result or {}).items() if name != "last" for row in _rows(found, key)]
    return candles.prices(
        rows, (0, 1, 2, 3, 4), unit="s", length=int(asked["interval"]) * MINUTE, asset=asset, venue="kraken",
        quote="USD", source=key, window=window,
    )  # fmt: skip


def _rows(found: Any, key: str) -> list[list[Any]]:
    return build.decode(list[list[Any]], msgspec.json.encode(found), key)


SOURCE = Source(
    SPEC,
    {
        name: Channel(partial(_requests, length=length), partial(_parse, key=f"kraken_spot/{name}"))
        for name, length in _LENGTHS.items()
    },
)
