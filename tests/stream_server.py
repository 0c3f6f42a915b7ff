"""Venues' live streams on this machine: they acknowledge, push, ping and misbehave as the test says.

::

    async with StreamServer() as server:
        binance = server.venue("binance/usdm")           # speaks that venue's protocol
        recorder = ... VERIFY_HOST_MAP=server.host_map_text ...
        await binance.subscribed()
        await binance.push(order, order)                 # in frames of the venue's form
        await binance.close(1012)

`Order`s are what was sent, to be compared with what is served. Hosts are told apart by the `Host` header, as in
`provider_server`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from sources import registry
from sources.recorder.run import Chosen, channels_of


@dataclass(frozen=True)
class Order:
    """One liquidation: the contract, the side of the position, coins, price and time in ms since 1970."""

    symbol: str
    side: str
    quantity: float
    price: float
    at: int
    id: int = 0


Frames = list[str | bytes]


def _json(content: Any) -> str:
    return json.dumps(content)


def _binance(orders: Sequence[Order]) -> Frames:
    def one(o: Order) -> dict[str, Any]:
        side = {"long": "SELL", "short": "BUY"}[o.side]
        q, p = str(o.quantity), str(o.price)
        order = {"s": o.symbol, "S": side, "o": "LIMIT", "f": "IOC", "q": q, "p": p, "ap": p, "X": "FILLED", "l": q,
                 "z": q, "T": o.at}  # fmt: skip
        return {"e": "forceOrder", "E": o.at, "o": order}

    return [_json(one(orders[0]))] if len(orders) == 1 else [_json([one(o) for o in orders])]


def _aster(orders: Sequence[Order]) -> Frames:
    return [frame for order in orders for frame in _binance([order])]


def _bybit(orders: Sequence[Order]) -> Frames:
    rows = [
        {"T": o.at, "s": o.symbol, "S": {"long": "Buy", "short": "Sell"}[o.side], "v": str(o.quantity),
         "p": str(o.price)} for o in orders
    ]  # fmt: skip
    return [
        _json({"topic": f"allLiquidation.{orders[0].symbol}", "type": "snapshot", "ts": orders[0].at, "data": rows})
    ]


def _okx(orders: Sequence[Order]) -> Frames:
    rows = [
        {"details": [{"bkLoss": "0", "bkPx": str(o.price), "ccy": "", "posSide": o.side,
                      "side": {"long": "sell", "short": "buy"}[o.side], "sz": str(o.quantity), "ts": str(o.at)}],
         "instFamily": "", "instId": o.symbol, "instType": "SWAP", "uly": ""} for o in orders
    ]  # fmt: skip
    return [_json({"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": rows})]


def _bitmex(orders: Sequence[Order]) -> Frames:
    rows = [
        {"orderID": f"{o.id:08d}-0000-4000-8000-{o.at:012d}", "symbol": o.symbol,
         "side": {"long": "Sell", "short": "Buy"}[o.side], "price": o.price, "leavesQty": o.quantity} for o in orders
    ]  # fmt: skip
    return [_json({"table": "liquidation", "action": "insert", "data": rows})]


def _bitget(orders: Sequence[Order]) -> Frames:
    rows = [
        {"symbol": o.symbol, "side": {"long": "buy", "short": "sell"}[o.side], "price": str(o.price),
         "amount": str(o.quantity * o.price), "ts": str(o.at)} for o in orders
    ]  # fmt: skip
    told = {"data": rows, "arg": {"instType": "usdt-futures", "topic": "liquidation"}, "action": "update"}
    return [_json({**told, "ts": orders[0].at})]


def _gate(orders: Sequence[Order]) -> Frames:
    rows = [
        {"price": str(o.price), "size": str(o.quantity * {"long": -1, "short": 1}[o.side]), "time": o.at,
         "contract": o.symbol} for o in orders
    ]  # fmt: skip
    return [_json({"channel": "futures.public_liquidates", "event": "update", "time": orders[0].at // 1000,
                   "result": rows})]  # fmt: skip


def _htx(orders: Sequence[Order]) -> Frames:
    rows = [
        {"symbol": o.symbol.split("-")[0], "contract_code": o.symbol,
         "direction": {"long": "sell", "short": "buy"}[o.side], "offset": "close", "volume": o.quantity,
         "price": o.price, "created_at": o.at, "amount": o.quantity, "trade_turnover": o.quantity * o.price}
        for o in orders
    ]  # fmt: skip
    told = {"op": "notify", "topic": f"public.{orders[0].symbol}.liquidation_orders", "ts": orders[0].at}
    return [gzip.compress(_json({**told, "data": rows}).encode())]


def _deribit(orders: Sequence[Order]) -> Frames:
    rows = [
        {"trade_seq": o.id, "trade_id": str(o.id), "timestamp": o.at, "price": o.price, "instrument_name": o.symbol,
         "direction": {"long": "sell", "short": "buy"}[o.side], "amount": o.quantity, "liquidation": "T"}
        for o in orders
    ]  # fmt: skip
    params = {"channel": "trades.future.any.100ms", "data": rows}
    return [_json({"jsonrpc": "2.0", "method": "subscription", "params": params})]


def _kraken(orders: Sequence[Order]) -> Frames:
    return [
        _json({"feed": "trade", "product_id": o.symbol, "uid": f"u{o.id}", "type": "liquidation", "seq": o.id,
               "side": {"long": "sell", "short": "buy"}[o.side], "time": o.at, "qty": o.quantity, "price": o.price})
        for o in orders
    ]  # fmt: skip


def _bitfinex(orders: Sequence[Order]) -> Frames:
    rows = [
        ["pos", o.id, o.at, None, o.symbol, o.quantity * {"long": 1, "short": -1}[o.side], o.price, None, 1, 1, None,
         o.price] for o in orders
    ]  # fmt: skip
    return [_json([916, rows])]


def _lighter(orders: Sequence[Order]) -> Frames:
    rows = [
        {"trade_id": o.id, "tx_hash": "0x1", "type": "liquidation", "market_id": int(o.symbol), "size": str(o.quantity),
         "price": str(o.price), "usd_amount": str(o.quantity * o.price), "is_maker_ask": o.side == "short",
         "timestamp": o.at} for o in orders
    ]  # fmt: skip
    told = {"channel": f"trade:{orders[0].symbol}", "type": "update/trade", "trades": None}
    return [_json({**told, "liquidation_trades": rows})]


@dataclass(frozen=True)
class Dialect:
    """A venue's words: a contract of its, frames of orders, what answers a subscription, and its control."""

    symbol: str
    frames: Callable[[Sequence[Order]], Frames]
    acks: Callable[[dict[str, Any]], Frames]
    control: str | bytes


def _okx_acks(asked: dict[str, Any]) -> Frames:
    return [_json({"event": "subscribe", "arg": arg, "connId": "a"}) for arg in asked["args"]]


def _deribit_acks(asked: dict[str, Any]) -> Frames:
    return [_json({"jsonrpc": "2.0", "id": asked["id"], "result": asked["params"].get("channels", "ok")})]


_SUBSCRIBED = _json({"result": None, "id": 1})
_MARK = _json({"e": "markPriceUpdate", "E": 1, "s": "BTCUSDT", "p": "1"})
DIALECTS = {
    "binance/usdm": Dialect("BTCUSDT", _binance, lambda _: [_SUBSCRIBED], _MARK),
    "binance/coinm": Dialect("BTCUSD_PERP", _binance, lambda _: [_SUBSCRIBED], _MARK),
    "aster/force_orders": Dialect("BTCUSDT", _aster, lambda _: [_SUBSCRIBED], _MARK),
    "bybit/liquidations": Dialect(
        "BTCUSDT", _bybit, lambda asked: [_json({"success": True, "ret_msg": "", "op": asked["op"]})],
        _json({"topic": "kline.1.BTCUSDT", "type": "snapshot", "ts": 1, "data": []}),
    ),
    "okx/liquidation_stream": Dialect(
        "BTC-USDT-SWAP", _okx, _okx_acks, _json({"arg": {"channel": "mark-price", "instId": "BTC-USDT-SWAP"},
                                                 "data": []}),
    ),
    "bitmex/liquidation": Dialect(
        "XBTUSD", _bitmex, lambda asked: [_json({"success": True, "subscribe": name}) for name in asked["args"]],
        _json({"table": "instrument", "action": "update", "data": []}),
    ),
    "bitget/liquidation_stream": Dialect(
        "BTCUSDT", _bitget, _okx_acks,
        _json({"arg": {"instType": "usdt-futures", "topic": "ticker", "symbol": "BTCUSDT"}, "data": []}),
    ),
    "gate/public_liquidates": Dialect(
        "BTC_USDT", _gate,
        lambda asked: [_json({"channel": asked["channel"], "event": "subscribe", "error": None,
                              "result": {"status": "success"}})],
        _json({"channel": "futures.tickers", "event": "update", "result": []}),
    ),
    "htx/linear_stream": Dialect(
        "BTC-USDT", _htx,
        lambda asked: [gzip.compress(_json({"op": "sub", "topic": asked["topic"], "err-code": 0}).encode())],
        gzip.compress(b'{"op":"ping","ts":"1789670295000"}'),
    ),
    "deribit/trades_stream": Dialect(
        "BTC-PERPETUAL", _deribit, _deribit_acks,
        _json({"jsonrpc": "2.0", "method": "subscription", "params": {"channel": "ticker.BTC-PERPETUAL.100ms",
                                                                       "data": {}}}),
    ),
    "kraken/trade": Dialect(
        "PF_XBTUSD", _kraken,
        lambda asked: [_json({"event": "subscribed", "feed": asked["feed"], "product_ids": asked.get("product_ids")})],
        _json({"feed": "ticker", "product_id": "PF_XBTUSD"}),
    ),
    "bitfinex/liquidations_stream": Dialect(
        "tBTCF0:USTF0", _bitfinex, lambda _: [_json({"event": "subscribed", "channel": "status", "chanId": 916})],
        '[917,"hb"]',
    ),
    "lighter/trades": Dialect(
        "1", _lighter,
        lambda asked: [] if "stats" in asked["channel"] else
        [_json({"channel": asked["channel"].replace("/", ":"), "type": "subscribed/trade", "trades": [],
                "liquidation_trades": None})],
        _json({"type": "update/market_stats", "channel": "market_stats:1"}),
    ),
}  # fmt: skip


@dataclass(eq=False)
class Session:
    """One connection of a recorder to a venue."""

    socket: ServerConnection
    path: str
    asked: list[Any] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # what is no subscription: pings and pongs
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Venue:
    """One channel's server: `alive` sends the control, `deaf` stops it, `mute` acknowledges nothing."""

    def __init__(self, chosen: Chosen, dialect: Dialect) -> None:
        self.key, self.speaks, self.dialect = chosen.key, chosen.speaks, dialect
        self.sessions: list[Session] = []
        self.past: list[Session] = []
        self.sent: list[Order] = []
        self.frames: Frames = []
        self.alive, self.mute, self.stalled = True, False, False
        self.refuse: int | None = None
        self._arrived = asyncio.Condition()
        self._number = 0

    def order(self, at: int, *, side: str = "long", quantity: float = 2.0, price: float = 100.0) -> Order:
        """An order unlike any before."""
        self._number += 1
        return Order(self.dialect.symbol, side, quantity, price + self._number / 4, at, self._number)

    async def subscribed(self, count: int = 1, *, total: bool = False) -> Session:
        """The newest session, once `count` are subscribed at the same time (`total`: one after another too)."""

        def enough() -> bool:
            every = [*self.past, *self.sessions] if total else self.sessions
            return len([s for s in every if s.ready.is_set()]) >= count

        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(enough), 20)
        return self.sessions[-1]

    async def push(self, *orders: Order, session: Session | None = None) -> None:
        """Send orders in one message, as far as the venue's form allows, to one session or to all."""
        self.sent += orders
        for frame in self.dialect.frames(orders):
            self.frames.append(frame)
            await self.raw(frame, session=session)

    async def raw(self, frame: str | bytes | Iterable[str], session: Session | None = None) -> None:
        """Send a frame; an iterable of texts is one message in fragments."""
        for one in [session] if session is not None else list(self.sessions):
            await one.socket.send(frame)

    async def close(self, code: int) -> None:
        """End every session; 1006 is a connection that breaks without a close."""
        for session in list(self.sessions):
            if code == 1006:
                session.socket.transport.abort()
            else:
                await session.socket.close(code)

    async def talk(self, socket: ServerConnection, path: str) -> None:
        session = Session(socket, path)
        self.sessions.append(session)
        control = asyncio.create_task(self._control(session))
        try:
            async for message in socket:
                await self._hear(session, message)
        except ConnectionClosed:
            pass
        finally:
            control.cancel()
            self.sessions.remove(session)
            self.past.append(session)

    async def _hear(self, session: Session, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode()
        asked = json.loads(text) if text[:1] == "{" else {}
        word = str(asked.get("op") or asked.get("event") or asked.get("method") or asked.get("type") or "")
        if "sub" not in word.lower() and "set_heartbeat" not in word:
            session.said.append(text)
            return
        session.asked.append(asked)
        if not self.mute:
            for frame in self.dialect.acks(asked):
                await session.socket.send(frame)
        async with self._arrived:
            session.ready.set()
            self._arrived.notify_all()

    async def _control(self, session: Session) -> None:
        await session.ready.wait()
        with suppress(ConnectionClosed):
            while True:
                if self.alive:
                    await session.socket.send(self.dialect.control)
                await asyncio.sleep(0.05)


class StreamServer:
    """Every venue at one free port of the loopback; an asynchronous context manager."""

    def __init__(self) -> None:
        self._venues: dict[str, Venue] = {}
        self._server: Any = None

    def venue(self, key: str) -> Venue:
        """Serve the channel `key`; the same venue at each call."""
        if key not in self._venues:
            (chosen,) = channels_of([registry.get(key.partition("/")[0])], [key])
            self._venues[key] = Venue(chosen, DIALECTS[key])
        return self._venues[key]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def host_map_text(self) -> str:
        return f"*={self.url}"

    async def __aenter__(self) -> StreamServer:
        self._server = await serve(self._handle, "127.0.0.1", 0, ping_interval=None, compression=None,
                                   close_timeout=0.2, max_queue=4096, process_request=self._refuse)  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _find(self, socket: ServerConnection) -> Venue | None:
        assert socket.request is not None
        host, path = socket.request.headers["Host"], socket.request.path
        for venue in self._venues.values():
            for feed in venue.speaks.feeds:
                parts = urlsplit(feed.url)
                if (parts.netloc, parts.path) == (host, path):
                    return venue
        return None

    def _refuse(self, socket: ServerConnection, _request: Any) -> Any:
        venue = self._find(socket)
        if venue is None:
            return socket.respond(404, "nothing is here\n")
        return socket.respond(venue.refuse, "no\n") if venue.refuse is not None else None

    async def _handle(self, socket: ServerConnection) -> None:
        venue = self._find(socket)
        assert venue is not None
        assert socket.request is not None
        await venue.talk(socket, socket.request.path)
