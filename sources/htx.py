"""HTX (formerly Huobi): liquidation orders of linear and coin-margined swaps."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.htx_markets import (
    APIS,
    COIN_DOCS,
    HOST,
    LINEAR_DOCS,
    Answer,
    Interest,
    answered,
    instrument_requests,
    parse_instruments,
    parse_weights,
    weight_requests,
)
from sources.lazy import pl
from sources.plan import milliseconds, pieces
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.htx import COIN, LINEAR
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_V5_DOCS = "https://www.htx.com/en-us/opend/newApiPages/"
_KIND = "whether takeovers by the insurance fund and auto-deleveraging are included is not documented"
_PAGE, _SPAN = 100, timedelta(hours=2)
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("htx",),
    docs=(LINEAR_DOCS,),
    lineage=("htx/linear",),
    completeness=(CompletenessRule(Completeness.COMPLETE, LINEAR_DOCS, note="no cap documented", confirmed=False),),
    side_rule="the side of the order that closes the position: sell = a long was liquidated, buy = a short",
    side_citation=LINEAR_DOCS,
    quantity_unit="quote coin (`trade_turnover`); base coins = turnover / price",
    price_basis=Basis.BANKRUPTCY,
    quantity_basis=QuantityBasis.ORDERED,
    doubts=(_KIND,),
)
_rest = partial(_channel, transport=Transport.REST, history=timedelta(days=90), span=_SPAN)
_stream = partial(_channel, transport=Transport.STREAM, history=timedelta(0))
_coin = {"docs": (COIN_DOCS,), "lineage": ("htx/coin",), "quantity_unit": "contracts of `contract_size` USD"}

SPEC = SourceSpec(
    id="htx",
    title="HTX",
    homepage="https://www.htx.com",
    channels=(
        _rest(
            id="linear",
            title="HTX linear swaps and futures, liquidation orders (v5)",
            docs=(_V5_DOCS, LINEAR_DOCS),
            page=_PAGE,
            doubts=(
                _KIND,
                "the reach of 90 days and the two hours a request are documented for v3; for v5 users report them",
            ),
        ),
        _rest(
            id="linear_v3",
            title="HTX linear swaps and futures, liquidation orders (v3)",
            completeness=(
                CompletenessRule(Completeness.UNKNOWN, LINEAR_DOCS, note="one record a call was seen in 2026-09"),
            ),
            doubts=(_KIND, "in September 2026 a user saw the endpoint return one record a call"),
        ),
        _rest(
            id="coin",
            title="HTX coin-margined swaps, liquidation orders (v3)",
            doubts=(_KIND, "the two hours a request are documented for linear swaps, not for coin-margined ones"),
            **_coin,
        ),
        _stream(id="linear_stream", title="HTX linear swaps and futures, stream of liquidation orders"),
        _stream(id="coin_stream", title="HTX coin-margined swaps, stream of liquidation orders", **_coin),
    ),
    hosts=("api.hbdm.com",),
    rate=Rate(240, timedelta(seconds=3), LINEAR_DOCS),
    as_of=date(2026, 11, 22),
    limits=(
        "contracts are asked one by one; where the list of contracts did not come, those of the largest assets only",
        "coin-margined delivery futures are not read",
        "open interest and volume are those of now",
    ),
)

_PATHS = {
    "linear": "/v5/market/liquidation_orders",
    "linear_v3": "/linear-swap-api/v3/swap_liquidation_orders",
    "coin": "/swap-api/v3/swap_liquidation_orders",
}
_MAJORS = ("ADA", "BNB", "BTC", "DOGE", "ETH", "LTC", "SOL", "XRP")
_V5_NAMES = {
    "identity": "id",
    "contract": "contract_code",
    "time": "liquidation_time",
    "price": "bankrupt_price",
    "turnover": "trade_turnover",
}
_V3_NAMES = {**_V5_NAMES, "identity": "query_id", "time": "created_at", "side": "direction", "price": "price"}


class _RowV5(msgspec.Struct, gc=False, rename=_V5_NAMES):
    """Its `amount` is left alone: in v5 it counts contracts (ccxt's sample: 2 with a turnover of 0.002 BTC)."""

    identity: str
    contract: str
    time: int
    side: str
    volume: float
    price: float
    turnover: float
    position_side: str = ""


class _RowV3(msgspec.Struct, gc=False, rename=_V3_NAMES):
    """A row of v3 or of a stream: streams send no `query_id`, coin-margined swaps no `trade_turnover`."""

    contract: str
    time: int
    side: str
    volume: float
    price: float
    identity: int | None = None
    turnover: float | None = None
    position_side: str = ""


class _Frame(msgspec.Struct):
    op: Literal["notify", "ping", "sub", "unsub", "error", "close"]
    err_code: int = msgspec.field(name="err-code", default=0)
    err_msg: str = msgspec.field(name="err-msg", default="")
    data: list[_RowV3] | None = None


def _requests(channel: str, window: Window, quantity: Quantity) -> Sequence[Request]:
    quote = "USD" if channel == "coin" else "USDT"
    return _history(channel, [f"{asset}-{quote}" for asset in sorted(quantity.assets.names or _MAJORS)], window)


def _requests_for(channel: str, known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    wanted, coin = quantity.assets.names, channel == "coin"
    names = [n for n, item in known.items() if item.inverse == coin and (wanted is None or item.asset in wanted)]
    return _history(channel, names, window)


def _history(channel: str, names: Sequence[str], window: Window) -> list[Request]:
    v5, asked = channel == "linear", []
    for name in names:
        what = (("contract_code", name), ("limit", str(_PAGE))) if v5 else (("contract", name), ("trade_type", "0"))
        for piece in pieces(window, _SPAN):
            times = (("start_time", milliseconds(piece.start)), ("end_time", milliseconds(piece.end)))
            asked.append(Request(HOST + _PATHS[channel], (*what, *times, ("direct", "prev")), note=name))
    return asked


def _follow(channel: str, payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The page before this one, from its oldest id. v3 documents no page size: it is asked until nothing is left."""
    key, full = ("from", _PAGE) if channel == "linear" else ("from_id", 1)
    rows = _orders(channel, payload)
    ids = [int(row.identity) for row in rows if row.identity is not None]
    if not ids or len(rows) < full:
        return ()
    step = (key, str(min(ids)))
    params = payload.request.params
    return () if step in params else [replace(payload.request, params=(*(p for p in params if p[0] != key), step))]


def _orders(channel: str, payload: Payload) -> Sequence[_RowV5 | _RowV3]:
    if channel == "linear":
        return answered(Answer[_RowV5], payload, "htx/linear").rows
    return answered(Answer[_RowV3], payload, f"htx/{channel}").rows


def _parse(channel: str, payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    return _events(
        channel,
        _orders(channel, payload),
        instruments,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _message(channel: str, body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """One frame, compressed or not. Linear swaps and coin-margined ones have a stream each, alike in form."""
    source = f"htx/{channel}"
    try:
        frame = build.decode(_Frame, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, source)
    except (OSError, EOFError) as error:
        raise SchemaChanged(f"a frame is damaged: {error}", source=source) from None
    if frame.err_code or frame.op in ("error", "close"):
        raise Unavailable(f"the stream refuses: {frame.err_code} {frame.err_msg}".rstrip(), source=source)
    if frame.op != "notify":
        return build.no_events()
    if frame.data is None:
        raise SchemaChanged("a notification has no data", source=source, field="data")
    return _events(channel, frame.data, instruments, received=received)


def _events(
    channel: str,
    rows: Sequence[_RowV5 | _RowV3],
    instruments: Instruments,
    **came: Any,
) -> pl.DataFrame:
    """Rows of any version: turnover is money in each, coin-margined contracts are worth dollars.

    `came` goes to `build.events`.
    """
    source = f"htx/{channel}"
    field = _V5_NAMES if channel == "linear" else _V3_NAMES
    wire = build.columns(rows, *_RowV3.__struct_fields__)
    side = build.sides(wire["side"], "sell", "buy", field=field.get("side", "side"), source=source)
    position = pl.Series(wire["position_side"], dtype=pl.String)
    if (position.is_in(["long", "short"]) & (position != side)).any():
        raise Suspect("`side` and `position_side` of one row contradict each other", source=source)
    price = build.amounts(wire["price"], field=field["price"], source=source)
    volume = build.amounts(wire["volume"], field="volume", source=source)
    table = build.contracts(wire["contract"], instruments, lambda name: name.split("-")[0])
    data: dict[str, Any] = {
        "time": build.times(wire["time"], unit="ms", field=field["time"], source=source),
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": side,
        "price": price,
    }
    if channel.startswith("coin"):
        data |= build.value(volume, price, table)
    else:
        turnover = build.amounts(wire["turnover"], field="trade_turnover", source=source)
        data |= {"notional_usd": turnover, "quantity": turnover / price}
    if channel.endswith("stream"):
        data["event_id"] = build.identities(data | {"volume": volume}, "instrument", "time", "side", "price", "volume")
    else:
        build.numbers(wire["identity"], field=field["identity"], source=source)
        data["event_id"] = pl.Series(wire["identity"]).cast(pl.String)
    return build.events(data, venue="htx", source=source, price_basis=Basis.BANKRUPTCY, **came)


def _rest_channel(name: str) -> Channel:
    return Channel(
        requests=partial(_requests, name),
        requests_for=partial(_requests_for, name),
        follow=partial(_follow, name),
        parse=partial(_parse, name),
        control=lambda: Request(f"{HOST}{APIS[name == 'coin']}/swap_open_interest", note="HTX open interest"),
        control_alive=lambda payload: bool(answered(Answer[Interest], payload, f"htx/{name}").rows),
    )


SOURCE = Source(
    SPEC,
    {
        **{name: _rest_channel(name) for name in _PATHS},
        **{
            name: Channel(message=partial(_message, name), stream=stream)
            for name, stream in (("linear_stream", LINEAR), ("coin_stream", COIN))
        },
    },
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
)
