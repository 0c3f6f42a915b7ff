"""Messages of Binance's liquidation streams."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sources import build
from sources.adapter import Instruments
from sources.binance_orders import COIN_MARGINED, order_events
from sources.lazy import pl
from verify.model.errors import SchemaChanged, Unavailable

_NAMES = {"symbol": "s", "side": "S", "time": "T", "ordered": "q", "filled": "z", "average": "ap", "status": "X"}
# Events of the other streams that a connection may carry. https://developers.binance.com/docs/derivatives
_OTHER_EVENTS = frozenset(
    {
        "24hrMiniTicker",
        "24hrTicker",
        "aggTrade",
        "assetIndexUpdate",
        "bookTicker",
        "compositeIndex",
        "contractInfo",
        "continuous_kline",
        "depthUpdate",
        "indexPriceUpdate",
        "indexPrice_kline",
        "kline",
        "markPriceUpdate",
        "markPrice_kline",
        "trade",
    }
)


_NOTHING = msgspec.Raw()


class _Order(msgspec.Struct, gc=False):
    s: str
    S: str
    q: str
    ap: str
    X: str
    z: str
    T: int


class _Error(msgspec.Struct, gc=False):
    msg: str = ""
    code: int = 0


class _Message(msgspec.Struct, gc=False):
    e: str | None = None
    o: msgspec.Raw = _NOTHING
    stream: str | None = None
    data: msgspec.Raw = _NOTHING
    error: _Error | None = None
    id: int | str | None = None


def usdm_message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """Liquidations of USD-M contracts in one message; `received` is UTC."""
    return _events(body, received, instruments, "binance/usdm", coin_margined=False)


def coinm_message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """Liquidations of COIN-M contracts in one message; `received` is UTC."""
    return _events(body, received, instruments, "binance/coinm", coin_margined=True)


def _events(
    body: bytes, received: datetime, instruments: Instruments, source: str, *, coin_margined: bool
) -> pl.DataFrame:
    raw = _orders(body, source)
    if not raw:
        return build.no_events()
    orders = pl.DataFrame(
        build.columns(build.decode(list[_Order], b"[" + b",".join(raw) + b"]", source), *_NAMES.values())
    )
    orders = orders.filter(pl.col("s").str.contains(COIN_MARGINED) == coin_margined)
    named = {ours: orders[theirs] for ours, theirs in _NAMES.items()}
    return order_events(named, _NAMES, instruments, source=source, received=received)


def _orders(body: bytes, source: str, *, wrapped: bool = False) -> list[msgspec.Raw]:
    """The orders of a message: alone, in an array or wrapped with the name of its stream; of a control message none."""
    messages: list[_Message] = []
    if body.lstrip().startswith(b"["):
        messages += build.decode(list[_Message], body, source)
    else:
        messages.append(build.decode(_Message, body, source))
    orders: list[msgspec.Raw] = []
    for message in messages:
        if message.stream is not None:
            if message.data is _NOTHING or wrapped:
                raise SchemaChanged("a stream without data of its own", source=source, field="data")
            orders += _orders(bytes(message.data), source, wrapped=True)
        elif message.e == "forceOrder":
            if message.o is _NOTHING:
                raise SchemaChanged("a forceOrder without o", source=source, field="o")
            orders.append(message.o)
        elif message.error is not None:
            raise Unavailable(f"refused: {message.error.msg} ({message.error.code})", source=source)
        elif message.e is None and message.id is None:
            raise SchemaChanged("a message that is no event and no acknowledgement", source=source, field="e")
        elif message.e is not None and message.e not in _OTHER_EVENTS:
            raise SchemaChanged(f"e is {message.e!r}, which is no known event", source=source, field="e")
    return orders
