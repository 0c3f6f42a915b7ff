"""Deribit: the trade tape, on which liquidations carry a flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.deribit_markets import (
    API,
    Answer,
    Refusal,
    base_of,
    currencies,
    instrument_requests,
    parse_instruments,
    parse_weights,
    refused,
    result,
    weight_requests,
)
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.deribit import TRADES
from verify.model.errors import SchemaChanged, Suspect
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_DOCS = "https://docs.deribit.com/api-reference/market-data/public-get_last_trades_by_currency_and_time"
_STREAM_DOCS = "https://docs.deribit.com/subscriptions/trades/tradeskindcurrencyinterval"
_HISTORY_DOCS = "https://github.com/BarendPotijk/deribit_historical_trades"
_RETENTION_DOCS = "https://docs.deribit.com/articles/accessing-historical-trades-orders"
_FLAG = (
    "a survey of September 2026 says that the API no longer has the liquidation flag; it looked at ordinary trades "
    "only, and the documentation still lists it; without the flag the tape would look like a quiet market"
)
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    docs=(_DOCS,),
    metrics=("liquidations", "liquidation_count"),
    venues=("deribit",),
    lineage=("deribit/trades",),
    completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
    side_rule=(
        "`direction` is the taker's, `liquidation` says who was liquidated: T the taker (sell = long), M the maker "
        "(sell = short), MT both, which is one long and one short"
    ),
    side_citation=_DOCS,
    quantity_unit="USD for inverse futures and perpetuals, base coins for linear ones",
    price_basis=Basis.AVERAGE_FILL,
    quantity_basis=QuantityBasis.FILLED,
    page=1000,
)

SPEC = SourceSpec(
    id="deribit",
    title="Deribit",
    homepage="https://www.deribit.com",
    channels=(
        _channel(
            id="trades",
            title="Deribit, recent trades with the liquidation flag",
            transport=Transport.REST,
            history=timedelta(hours=24),
            docs=(_DOCS, _RETENTION_DOCS),
            doubts=(_FLAG, "the reach of 24 hours is documented for a user's own trades and assumed for the tape"),
        ),
        _channel(
            id="trades_history",
            title="Deribit, trades since the start with the liquidation flag (history host)",
            transport=Transport.REST,
            docs=(_DOCS, _HISTORY_DOCS),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN, _HISTORY_DOCS, note="whether old trades keep the flag is not documented"
                ),
            ),
            doubts=(_FLAG, "whether the history host keeps the flag on old trades is not documented"),
        ),
        _channel(
            id="trades_stream",
            title="Deribit, stream of trades (`trades.future.any.100ms`)",
            transport=Transport.STREAM,
            history=timedelta(0),
            docs=(_STREAM_DOCS,),
            doubts=(_FLAG, "that the interval of 100 ms needs no login is what clients do, not what is documented"),
        ),
    ),
    hosts=("www.deribit.com", "history.deribit.com"),
    rate=Rate(20, timedelta(seconds=1), "https://www.deribit.com/pages/information/rate-limits"),
    as_of=date(2026, 11, 22),
    limits=(
        "futures and perpetuals only: liquidations of options and combinations are not read",
        "open interest and volume are those of now",
    ),
)

_HOSTS = {
    "trades": API,
    "trades_history": "https://history.deribit.com/api/v2/public",
}
_PAGE = 1000


class _Trade(msgspec.Struct, gc=False):
    trade_id: str
    instrument_name: str
    timestamp: int
    direction: str
    price: float
    amount: float
    liquidation: str | None = None


class _Page(msgspec.Struct, gc=False):
    trades: list[_Trade]
    has_more: bool


class _Params(msgspec.Struct, gc=False):
    channel: str = ""
    data: list[_Trade] | None = None


class _Message(msgspec.Struct, gc=False):
    jsonrpc: str
    method: str = ""
    params: _Params | None = None
    error: Refusal | None = None


def _requests(channel: str, window: Window, quantity: Quantity) -> Sequence[Request]:
    times = (("start_timestamp", milliseconds(window.start)), ("end_timestamp", milliseconds(window.end)))
    form = (("kind", "future"), *times, ("count", str(_PAGE)), ("sorting", "asc"))
    url = f"{_HOSTS[channel]}/get_last_trades_by_currency_and_time"
    return [Request(url, (("currency", coin), *form), note=f"{coin} trades") for coin in currencies(quantity)]


def _follow(channel: str, payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The next page starts with the last millisecond of this one, whose trades may be cut in two; ids tell them."""
    page = result(Answer[_Page], payload.body, f"deribit/{channel}")
    if not page.has_more or not page.trades:
        return ()
    start = ("start_timestamp", str(page.trades[-1].timestamp))
    if start in payload.request.params:
        raise Suspect(f"more than {len(page.trades)} trades in one millisecond", source=f"deribit/{channel}")
    params = tuple(start if name == start[0] else (name, value) for name, value in payload.request.params)
    return [replace(payload.request, params=params)]


def _parse(channel: str, payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    source = f"deribit/{channel}"
    return _events(
        result(Answer[_Page], payload.body, source).trades,
        source,
        instruments,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """A subscription's message holds trades; answers to subscriptions, heartbeats and the rest hold none."""
    source = "deribit/trades_stream"
    message = build.decode(_Message, body, source)
    refused(message.error, source)
    if message.method != "subscription" or message.params is None or not message.params.channel.startswith("trades."):
        return build.no_events()
    if message.params.data is None:
        raise SchemaChanged("a message of a subscription has no data", source=source, field="data")
    return _events(message.params.data, source, instruments, received=received)


def _events(
    trades: Sequence[_Trade],
    source: str,
    instruments: Instruments,
    **came: Any,
) -> pl.DataFrame:
    """The flagged trades; one that liquidates taker and maker is two events, a long and a short of the same size.

    `came` goes to `build.events`.
    """
    wire = build.columns([trade for trade in trades if trade.liquidation], *_Trade.__struct_fields__)
    if not wire["trade_id"]:
        return build.no_events()
    price = build.amounts(wire["price"], field="price", source=source)
    amount = build.amounts(wire["amount"], field="amount", source=source)
    table = build.contracts(wire["instrument_name"], instruments, base_of)
    frame = table.select("instrument", "asset", "size", "inverse", "in_dollars").with_columns(
        time=build.times(wire["timestamp"], unit="ms", field="timestamp", source=source),
        taker=build.sides(wire["direction"], "sell", "buy", field="direction", source=source),
        maker=build.sides(wire["direction"], "buy", "sell", field="direction", source=source),
        who=build.mapped(wire["liquidation"], {"T": "T", "M": "M", "MT": "MT"}, field="liquidation", source=source),
        price=price,
        # `amount` is not in contracts: an unknown contract may be worth dollars or coins, so that it has no value.
        quantity=pl.when(table["size"].is_not_null()).then(
            pl.when(table["inverse"]).then(amount / price).otherwise(amount)
        ),
        money=pl.when(table["size"].is_not_null()).then(
            pl.when(table["inverse"]).then(amount).otherwise(amount * price)
        ),
        trade_id=pl.Series(wire["trade_id"]),
    )
    parties = [
        frame.filter(pl.col("who").str.contains(letter, literal=True)).with_columns(
            side=pl.col(party), event_id=pl.col("trade_id") + f":{letter}"
        )
        for letter, party in (("T", "taker"), ("M", "maker"))
    ]
    both = pl.concat(parties).with_columns(notional_usd=pl.when("in_dollars").then("money"))
    return build.events(both, venue="deribit", source=source, price_basis=Basis.AVERAGE_FILL, **came)


def _rest(name: str) -> Channel:
    return Channel(
        requests=partial(_requests, name),
        follow=partial(_follow, name),
        parse=partial(_parse, name),
        control=lambda: Request(f"{_HOSTS[name]}/get_last_trades_by_currency", (("currency", "BTC"), ("count", "1"))),
        control_alive=lambda payload: bool(result(Answer[_Page], payload.body, f"deribit/{name}").trades),
    )


SOURCE = Source(
    SPEC,
    {**{name: _rest(name) for name in _HOSTS}, "trades_stream": Channel(message=_message, stream=TRADES)},
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
)
