"""Bitget futures: three days of liquidations over REST, and the public stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.bitget_markets import (
    CATEGORIES,
    Answer,
    ask,
    base,
    category_of,
    data,
    instrument_requests,
    parse_instruments,
    parse_weights,
    tickers,
    weight_requests,
)
from sources.lazy import pl
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.bitget import LIQUIDATIONS
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_DOCS = "https://www.bitget.com/api-doc/uta/public/Get-Liquidations"
_STREAM_DOCS = "https://www.bitget.com/api-doc/uta/websocket/public/Liquidation-Channel"
_CAPTURE = "https://github.com/tardis-dev/tardis-node/blob/master/test/mappers.test.ts"
_LAST_BATCH = date(2026, 4, 28)  # a capture of that day still shows a batch of 20 seconds
_FIRST_NOTE = date(2026, 9, 30)  # notes of that day describe the largest of each second
_SECOND = Cap(timedelta(seconds=1), Keep.LARGEST, ("symbol", "side"))
_COIN_UNIT = (
    "the unit of `amount` of coin-margined contracts is documented as the quote coin and was not seen confirmed"
)
_PRICE = "the price is called a liquidation price; that it is the bankruptcy price is read off its twelve digits"
_KIND = "whether auto-deleveraging is included is not documented"
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("bitget",),
    lineage=("bitget/liquidations",),
    side_rule="`side` is the position: buy = a long was liquidated, sell = a short",
    side_citation=_STREAM_DOCS,
    quantity_unit="quote coin (`amount`); base coins = amount / price",
    price_basis=Basis.BANKRUPTCY,
    quantity_basis=QuantityBasis.ORDERED,
)

SPEC = SourceSpec(
    id="bitget",
    title="Bitget",
    homepage="https://www.bitget.com",
    channels=(
        _channel(
            id="liquidations",
            title="Liquidations of the last three days",
            transport=Transport.REST,
            docs=(_DOCS,),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN, _DOCS, note="neither a limit nor completeness is documented", confirmed=False
                ),
            ),
            history=timedelta(days=3),
            page=100,
            doubts=(
                "the REST documentation leaves the unit of `amount` open; it is taken for the quote coin, which the "
                "stream's documentation states for the same fields, though some users read coins",
                "the answers may be delayed, says the documentation, and not by how much",
                _COIN_UNIT,
                _PRICE,
                _KIND,
            ),
        ),
        _channel(
            id="liquidation_stream",
            title="Stream of liquidations",
            transport=Transport.STREAM,
            docs=(_STREAM_DOCS, _CAPTURE),
            completeness=(
                CompletenessRule(Completeness.COMPLETE, _STREAM_DOCS, note="everything, in batches of 20 seconds"),
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _CAPTURE,
                    since=_LAST_BATCH + timedelta(days=1),
                    note="at some day from here to September 2026 the stream was capped",
                    confirmed=False,
                ),
                CompletenessRule(
                    Completeness.CAPPED,
                    _STREAM_DOCS,
                    since=_FIRST_NOTE,
                    cap=_SECOND,
                    note="the rule is documented, the day it began is not",
                    confirmed=False,
                ),
            ),
            history=timedelta(0),
            doubts=(
                "the day between 2026-04-28 and the end of September 2026 from which only the largest long and the "
                "largest short of each pair and second are sent is not documented",
                _COIN_UNIT,
                _PRICE,
                _KIND,
            ),
        ),
    ),
    hosts=("api.bitget.com", "ws.bitget.com"),
    rate=Rate(5, timedelta(seconds=1), _DOCS),
    as_of=date(2026, 11, 22),
    limits=(
        "the history takes no times: it is read from the newest row back to the window",
        "open interest and volume are those of now, of contracts in USDT and USDC; the unit of coin-margined ones and "
        "whether open interest counts one side or both are not documented (it is taken as one-sided)",
    ),
)

_PAGE = 100


class _Liquidation(msgspec.Struct, gc=False):
    symbol: str
    side: str
    price: str
    amount: str
    ts: str


class _Page(msgspec.Struct, rename={"rows": "list"}):
    rows: list[_Liquidation]
    cursor: str | int | None = None


class _Message(msgspec.Struct):
    event: str = ""
    action: str = ""
    code: str | int = ""
    msg: str = ""
    data: list[_Liquidation] | None = None


def _requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    return [ask("liquidations", category, ("limit", str(_PAGE))) for category in CATEGORIES]


def _requests_for(known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    """Contract by contract where assets are named, which spares the pages of all others."""
    wanted = quantity.assets.names
    if wanted is None:
        return _requests(window, quantity)
    return [
        ask("liquidations", category_of(item), ("symbol", name), ("limit", str(_PAGE)))
        for name, item in known.items()
        if item.asset in wanted
    ]


def _follow(payload: Payload, window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The page after this one; where rows come newest first, until one ends before the window."""
    page = data(Answer[_Page], payload, "bitget/liquidations")
    if not page.cursor or not page.rows:
        return ()
    ends = [page.rows[0].ts, page.rows[-1].ts]
    first, last = build.times(ends, unit="ms", field="ts", source="bitget/liquidations")
    if last <= first and last < window.start:
        return ()
    step = ("cursor", str(page.cursor))
    params = payload.request.params
    if step in params:
        raise Suspect("the cursor of a page leads to the same page", source="bitget/liquidations")
    return [replace(payload.request, params=(*(pair for pair in params if pair[0] != "cursor"), step))]


def _parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    rows = data(Answer[_Page], payload, "bitget/liquidations").rows
    return _events(
        rows, "bitget/liquidations", instruments, window=window, received=payload.received, evidence=payload.evidence
    )


def _message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    source = "bitget/liquidation_stream"
    if body == b"pong":
        return build.no_events()
    message = build.decode(_Message, body, source)
    if message.event == "error":
        raise Unavailable(f"the stream refuses with {message.code}: {message.msg}", source=source)
    if message.event:
        return build.no_events()
    build.mapped([message.action], {"update": "", "snapshot": ""}, field="action", source=source)
    if message.data is None:
        raise SchemaChanged("a message has no data", source=source, field="data")
    return _events(message.data, source, instruments, received=received)


def _events(
    rows: Sequence[_Liquidation],
    source: str,
    instruments: Instruments,
    **came: Any,
) -> pl.DataFrame:
    """`amount` is money: 13.70319 / 0.1649 is 83.1 coins to the digit (a capture of 2026-04-28).

    `came` goes to `build.events`.
    """
    fields = _Liquidation.__struct_fields__
    wire = pl.DataFrame(build.columns(rows, *fields), schema=dict.fromkeys(fields, pl.String))
    table = build.contracts(wire["symbol"], instruments, base)
    amount = build.amounts(wire["amount"], field="amount", source=source)
    price = build.amounts(wire["price"], field="price", source=source)
    frame = table.select("instrument", "asset", "in_dollars").with_columns(
        build.identities(wire, *fields),
        time=build.times(wire["ts"], unit="ms", field="ts", source=source),
        side=build.sides(wire["side"], "buy", "sell", field="side", source=source),
        quantity=amount / price,
        price=price,
        notional_usd=pl.when(table["in_dollars"]).then(amount),
    )
    return build.events(frame, venue="bitget", source=source, price_basis=Basis.BANKRUPTCY, **came)


SOURCE = Source(
    SPEC,
    {
        "liquidations": Channel(
            requests=_requests,
            requests_for=_requests_for,
            follow=_follow,
            parse=_parse,
            control=lambda: ask("tickers", "USDT-FUTURES", ("symbol", "BTCUSDT")),
            control_alive=lambda payload: bool(tickers(payload)),
        ),
        "liquidation_stream": Channel(message=_message, stream=LIQUIDATIONS),
    },
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
)
