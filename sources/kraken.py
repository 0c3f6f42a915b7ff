"""Kraken Futures: fills of liquidation orders from the public executions, the trade history and the `trade` feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from sources import build, kraken_markets
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.kraken import TRADE
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_EXECUTIONS = "https://docs.kraken.com/api-reference/market-history/get-public-execution-events.md"
_HISTORY = "https://docs.kraken.com/api-reference/market-data/get-trade-history.md"
_TRADE = "https://docs.kraken.com/exchange/api-reference/futures-websocket/trade.md"
_PAGE, _TRADES = 1000, 100
_FRAME: dict[str, Any] = {"venue": "kraken", "price_basis": Basis.AVERAGE_FILL}
_TYPES = {kind: kind for kind in ("fill", "liquidation", "assignment", "termination", "block")}

_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("kraken",),
    lineage=("kraken/executions",),
    side_rule="the side of the taker, which is the liquidation order: sell = long, buy = short",
    quantity_unit="base coin for PF_ contracts, US dollars for PI_ and FI_ contracts",
    price_basis=Basis.AVERAGE_FILL,
    quantity_basis=QuantityBasis.FILLED,
    selected=f"only the contracts of {len(kraken_markets.WATCHED)} coins are asked for",
)
_STAGES = (
    "Only fills in the book count; what Kraken then assigns to liquidity providers or unwinds comes as other kinds of "
    "trade, so that the positions taken over are more than the figure says."
)
_LISTED = (
    "Liquidations are picked from all fills, market by market, so that for all assets only the contracts of "
    f"{len(kraken_markets.WATCHED)} coins are read ({len(kraken_markets.MAJORS)} where the list of contracts did not "
    "come): a part of the venue. Any other coin is read when it is named."
)
_BY_TYPE = "liquidations are trades with a type of their own"

SPEC = SourceSpec(
    id="kraken",
    title="Kraken Futures",
    homepage="https://futures.kraken.com",
    channels=(
        _channel(
            id="executions",
            title="Kraken Futures, public executions",
            transport=Transport.REST,
            docs=(_EXECUTIONS, "https://docs.kraken.com/openapi/futures-history-rest.yaml"),
            completeness=(CompletenessRule(Completeness.COMPLETE, _EXECUTIONS, note="every execution of a market"),),
            side_citation=_EXECUTIONS,
            page=_PAGE,
            doubts=(
                "The order type seen on liquidations (`PartialLiquidation`) is not among the documented ones; every "
                "taker whose order type contains `liquidat` is counted.",
                _STAGES,
                _LISTED,
                "PF_XBTUSD was seen to reach back to 23 March 2022; how far other markets reach is not documented.",
            ),
        ),
        _channel(
            id="history",
            title="Kraken Futures, trade history",
            transport=Transport.REST,
            docs=(_HISTORY,),
            completeness=(CompletenessRule(Completeness.COMPLETE, _HISTORY, note=_BY_TYPE, confirmed=False),),
            side_citation=_HISTORY,
            history=timedelta(days=7),
            page=_TRADES,
            doubts=(
                "A hundred trades come at a time, so that hours of a busy market are beyond the pages of one run.",
                "The history starts anew when the trading engine restarts, and no answer says when that was: a quiet "
                "beginning of a window may be a missing one.",
                _STAGES,
                _LISTED,
            ),
        ),
        _channel(
            id="trade",
            title="Kraken Futures, `trade` feed",
            transport=Transport.STREAM,
            docs=(_TRADE,),
            completeness=(CompletenessRule(Completeness.COMPLETE, _TRADE, note=_BY_TYPE, confirmed=False),),
            side_citation=_TRADE,
            selected="",
            history=timedelta(0),
            doubts=(_STAGES,),
        ),
    ),
    hosts=("futures.kraken.com",),
    rate=Rate(20, timedelta(seconds=1)),
    as_of=date(2026, 11, 22),
    limits=(
        "The analytics endpoint `liquidation-volume` is not read: neither its unit nor its sides are documented.",
        "No rate limit is documented for the public history; it is asked 20 times a second at most.",
        "Whether open interest counts one side or both is not documented; it is taken as one-sided.",
        "Past open interest is taken in the unit of the tickers and valued at the mark price of the same hour.",
    ),
)


class _Order(msgspec.Struct, rename="camel"):
    tradeable: str
    direction: str
    order_type: str


class _Execution(msgspec.Struct, rename="camel"):
    """A fill; `quantity` is what was filled, that of the taker's order what was ordered."""

    uid: str
    taker_order: _Order
    timestamp: int
    quantity: str
    price: str
    usd_value: str


class _Wrapped(msgspec.Struct):
    execution: _Execution


class _Event(msgspec.Struct):
    wrapped: _Wrapped = msgspec.field(name="Execution")


class _Element(msgspec.Struct):
    event: _Event


class _Executions(msgspec.Struct, rename="camel"):
    elements: list[_Element]
    continuation_token: str | None = None


class _Trade(msgspec.Struct):
    uid: str
    time: datetime
    type: str
    side: str
    size: float
    price: float


class _History(msgspec.Struct):
    history: list[_Trade]


class _Push(msgspec.Struct):
    product_id: str
    uid: str
    side: str
    type: str
    time: int
    qty: float
    price: float


class _Snapshot(msgspec.Struct):
    trades: list[_Push]


class _Head(msgspec.Struct):
    feed: str = ""
    event: str = ""
    message: str = ""


_Ask = Callable[[str, Window], Request]
T = TypeVar("T", _Trade, _Push)


def _requests(ask: _Ask, window: Window, quantity: Quantity) -> Sequence[Request]:
    return [ask(name, window) for name in kraken_markets.names(quantity)]


def _requests_for(ask: _Ask, known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    return [ask(name, window) for name in kraken_markets.listed(known, quantity)]


def _ask_executions(name: str, window: Window) -> Request:
    span = (("since", milliseconds(window.start)), ("before", milliseconds(window.end)))
    url = f"{kraken_markets.HOST}/api/history/v3/market/{name}/executions"
    return Request(url, (*span, ("sort", "asc"), ("count", str(_PAGE))), note=name)


def _ask_history(name: str, window: Window) -> Request:
    url = f"{kraken_markets.HOST}/derivatives/api/v3/history"
    return Request(url, (("symbol", name), ("lastTime", _stamp(window.end))), note=name)


def _next_executions(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The page after this one, from just before its last fill: what comes twice has the same `uid`.

    Not with the opaque token that is documented for it: a time can be replayed, checked and shown.
    """
    answer = build.decode(_Executions, payload.body, "kraken/executions")
    if not answer.elements or not answer.continuation_token:
        return ()
    since = str(answer.elements[-1].event.wrapped.execution.timestamp - 1)
    before = dict(payload.request.params)
    if since == before.get("since"):
        if len(answer.elements) >= _PAGE:
            raise Suspect(f"{_PAGE} fills in one millisecond", source="kraken/executions")
        return ()
    return [replace(payload.request, params=tuple({**before, "since": since}.items()))]


def _next_history(payload: Payload, window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The hundred trades before these, until the window's start is passed."""
    trades = build.decode(_History, payload.body, "kraken/history").history
    oldest = min((trade.time for trade in trades), default=window.start)
    if len(trades) < _TRADES or oldest <= window.start:
        return ()
    before = dict(payload.request.params)
    # A millisecond later, so that trades of the same moment are not lost; what comes twice has the same `uid`.
    last = _stamp(oldest + timedelta(milliseconds=1))
    if last == before.get("lastTime"):
        raise Suspect(f"{_TRADES} trades in one millisecond", source="kraken/history")
    return [replace(payload.request, params=tuple({**before, "lastTime": last}.items()))]


def _stamp(moment: datetime) -> str:
    """A UTC time as Kraken writes it: `2020-08-27T17:03:33.196Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_executions(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    source = "kraken/executions"
    kraken_markets.check(payload.body, source)
    fills = [item.event.wrapped.execution for item in build.decode(_Executions, payload.body, source).elements]
    taken = [fill for fill in fills if "liquidat" in fill.taker_order.order_type.lower()]
    if not taken:
        return build.no_events()
    price = build.amounts([fill.price for fill in taken], field="price", source=source)
    count = build.amounts([fill.quantity for fill in taken], field="quantity", source=source)
    worth = build.amounts([fill.usd_value for fill in taken], field="usdValue", source=source, zero=True)
    orders = [fill.taker_order for fill in taken]
    table = build.contracts([order.tradeable for order in orders], instruments, kraken_markets.base_of)
    data = {
        "time": build.times([fill.timestamp for fill in taken], unit="ms", field="timestamp", source=source),
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": build.sides([order.direction for order in orders], "Sell", "Buy", field="direction", source=source),
        "price": price,
        "quantity": build.value(count, price, table)["quantity"],
        # Rounded to cents: what reads 0.00 is worth less than half a cent, not nothing.
        "notional_usd": worth.replace(0.0, None),
        "event_id": [fill.uid for fill in taken],
    }
    return build.events(data, source=source, window=window, **_FRAME, **_came(payload))


def _parse_history(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    source = "kraken/history"
    kraken_markets.check(payload.body, source)
    trades = _liquidations(build.decode(_History, payload.body, source).history, source)
    moments = pl.Series([trade.time for trade in trades], dtype=pl.Datetime("us", "UTC"))
    names = [dict(payload.request.params).get("symbol", "")] * len(trades)
    data = _trades(trades, names, moments, "size", instruments, source)
    return build.events(data, source=source, window=window, **_FRAME, **_came(payload))


def _message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """One message: a trade, or the last hundred that come with a subscription, whose `uid` tells what is new."""
    source = "kraken/trade"
    head = build.decode(_Head, body, source)
    if head.event in ("alert", "error", "subscribed_failed"):
        raise Unavailable(f"the feed refuses: {head.event} {head.message}".rstrip(), source=source)
    if not head.feed and not head.event:
        raise SchemaChanged("the message names neither feed nor event", source=source, field="feed")
    if head.event or head.feed not in ("trade", "trade_snapshot"):
        return build.no_events()
    single = head.feed == "trade"
    pushed = [build.decode(_Push, body, source)] if single else build.decode(_Snapshot, body, source).trades
    trades = _liquidations(pushed, source)
    moments = build.times([trade.time for trade in trades], unit="ms", field="time", source=source)
    data = _trades(trades, [trade.product_id for trade in trades], moments, "qty", instruments, source)
    return build.events(data, source=source, received=received, **_FRAME)


def _liquidations(trades: Iterable[T], source: str) -> list[T]:
    """The trades of type `liquidation`; a type that is not documented raises `SchemaChanged`."""
    kept = list(trades)
    kinds = build.mapped([item.type for item in kept], _TYPES, field="type", source=source)
    return [item for item, kind in zip(kept, kinds, strict=True) if kind == "liquidation"]


def _trades(
    trades: Sequence[_Trade] | Sequence[_Push],
    names: Sequence[str],
    moments: pl.Series,
    amount: str,
    instruments: Instruments,
    source: str,
) -> dict[str, Any]:
    """Columns of trades that are liquidations; `amount` is what the wire calls the number of contracts."""
    price = build.amounts([trade.price for trade in trades], field="price", source=source)
    count = build.amounts([getattr(trade, amount) for trade in trades], field=amount, source=source)
    table = build.contracts(names, instruments, kraken_markets.base_of)
    return {
        "time": moments,
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": build.sides([trade.side for trade in trades], "sell", "buy", field="side", source=source),
        "price": price,
        **build.value(count, price, table),
        "event_id": [trade.uid for trade in trades],
    }


def _came(payload: Payload) -> dict[str, Any]:
    return {"received": payload.received, "evidence": payload.evidence}


SOURCE = Source(
    SPEC,
    {
        "executions": Channel(
            requests=partial(_requests, _ask_executions),
            requests_for=partial(_requests_for, _ask_executions),
            follow=_next_executions,
            parse=_parse_executions,
            control=kraken_markets.tickers,
            control_alive=kraken_markets.alive,
        ),
        "history": Channel(
            requests=partial(_requests, _ask_history),
            requests_for=partial(_requests_for, _ask_history),
            follow=_next_history,
            parse=_parse_history,
            control=kraken_markets.tickers,
            control_alive=kraken_markets.alive,
        ),
        "trade": Channel(message=_message, stream=TRADE),
    },
    instrument_requests=kraken_markets.instrument_requests,
    parse_instruments=kraken_markets.parse_instruments,
    weight_requests=kraken_markets.weight_requests,
    parse_weights=kraken_markets.parse_weights,
)
