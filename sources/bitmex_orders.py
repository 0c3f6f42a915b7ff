"""BitMEX's liquidation orders: messages of the table, and pages of the orders that are open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from sources import build
from sources.adapter import Instruments, Payload, Request
from sources.bitmex_markets import API, VENUE, checked
from sources.lazy import pl
from verify.model.errors import RateLimited, SchemaChanged, Unavailable
from verify.model.figure import Basis
from verify.model.quantity import Quantity
from verify.model.window import Window

STREAM, OPEN = "bitmex/liquidation", "bitmex/open_orders"
PAGE = 500

_SYMBOL = re.compile(r"(?P<base>[A-Z0-9]+?)(?:USDT?|XBT|EUR)?(?:_[A-Z]+)?(?:[FGHJKMNQUVXZ]\d\d)?")
_ORDER = ("orderID", "symbol", "side", "price", "leavesQty")
_ACTIONS = ("partial", "insert", "update", "delete")


class _Order(msgspec.Struct, gc=False):
    orderID: str
    symbol: str
    side: str
    price: float
    leavesQty: float


class _Done(msgspec.Struct, gc=False):
    orderID: str


class _Message(msgspec.Struct, gc=False):
    table: str | None = None
    action: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    info: str | None = None
    success: bool | None = None
    status: int | None = None
    error: str | None = None


def message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The orders that one message inserts, at the time `received` (UTC).

    An update or the end of an order is no event; neither is `partial`, the table as it was at the subscription, which
    comes again with every connection: `resting` reads that of the first one.
    """
    return _told(body, "insert", received, instruments)


def resting(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The orders in a `partial` message: placed before, open when listening began.

    They belong to what was heard only on the first connection, or where their `event_id` (the order's) is new.
    """
    return _told(body, "partial", received, instruments)


def base_of(symbol: str) -> str:
    """The coin in a symbol (`XBTUSDT`, `ETHUSD_ETH`, `XBTZ26`); the symbol itself if it has another form."""
    parts = _SYMBOL.fullmatch(symbol)
    return parts["base"] if parts else symbol


def _told(body: bytes, action: str, received: datetime, instruments: Instruments) -> pl.DataFrame:
    if body == b"pong":
        return build.no_events()
    told = build.decode(_Message, body, STREAM)
    if told.error is not None:
        kind = RateLimited if told.status == 429 else Unavailable
        raise kind(f"refused: {told.error} ({told.status})", source=STREAM)
    if told.table is None:
        if told.info is None and told.success is None:
            raise SchemaChanged("a message of no table that answers nothing", source=STREAM, field="table")
        return build.no_events()
    if told.table != "liquidation":
        return build.no_events()
    if told.action not in _ACTIONS:
        raise SchemaChanged(f"action is {told.action!r}, not one of {_ACTIONS}", source=STREAM, field="action")
    if told.action in ("update", "delete"):
        build.decode(list[_Done], bytes(told.data), STREAM)
        return build.no_events()
    orders = build.decode(list[_Order], bytes(told.data), STREAM)
    return _events(orders if told.action == action else [], STREAM, received, instruments)


def requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The orders that are open now, whatever the window."""
    return [Request(f"{API}/liquidation", (("count", str(PAGE)), ("start", "0")), note="open liquidation orders")]


def follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The next page after a full one."""
    asked = payload.request
    if len(build.decode(list[_Order], checked(payload, OPEN), OPEN)) < PAGE:
        return ()
    start = str(int(dict(asked.params)["start"]) + PAGE)
    return [Request(asked.url, (("count", str(PAGE)), ("start", start)), note=asked.note)]


def parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    """The orders of one page, at the time of the answer: none of them unless that lies in the window."""
    orders = build.decode(list[_Order], checked(payload, OPEN), OPEN)
    return _events(orders, OPEN, payload.received, instruments, payload.evidence, window)


def _events(
    orders: Sequence[_Order],
    source: str,
    received: datetime,
    instruments: Instruments,
    evidence: str = "",
    window: Window | None = None,
) -> pl.DataFrame:
    if not orders:
        return build.no_events()
    wire = build.columns(orders, *_ORDER)
    price = build.amounts(wire["price"], field="price", source=source)
    left = build.amounts(wire["leavesQty"], field="leavesQty", source=source)
    table = build.contracts(wire["symbol"], instruments, base_of)
    frame = table.select("instrument", "asset").with_columns(
        time=pl.lit(received),
        side=build.sides(wire["side"], long="Sell", short="Buy", field="side", source=source),
        price=price,
        event_id=pl.Series(wire["orderID"], dtype=pl.String),
        received=pl.lit(received),
        evidence=pl.lit(evidence or None, dtype=pl.String),
        **build.value(left, price, table),
    )
    return build.events(frame, venue=VENUE, source=source, price_basis=Basis.ORDER, window=window)
