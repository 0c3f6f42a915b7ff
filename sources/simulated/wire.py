"""SIMULATED events in the form in which each venue would send them, and the contracts that they are read with.

The inverse of the adapters' `parse` and `message`: what is written here and read there is what was simulated, within
the digits that the form has. Fields that no adapter reads are written where the documented examples have them.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
import polars as pl

from sources.simulated.world import Venue

Row = dict[str, Any]
_NO_SIZES: Mapping[str, float] = {}


class Event(NamedTuple):
    """One event as a writer sees it: milliseconds since 1970 UTC, coins, dollars, contracts (coins where they are)."""

    ms: int
    instrument: str
    asset: str
    long: bool
    coins: float
    price: float
    usd: float
    contracts: float
    number: int

    def order(self, sell: str, buy: str) -> str:
        """The side of the order that closes the position."""
        return sell if self.long else buy


_NOTHING = Event(0, "", "", True, 0.0, 0.0, 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class Form:
    """How one channel writes: a row per event, a body around up to `page` rows (`by_contract`: of one contract)."""

    row: Callable[[Event], Any]
    body: Callable[[list[Any], Event], Any]
    page: int = 1
    by_contract: bool = False
    packed: bool = False


def write(
    channel: str, events: pl.DataFrame, sizes: Mapping[str, float] = _NO_SIZES, *, rows: int | None = None
) -> list[bytes]:
    """The bodies in which `channel` (as in `gate/liq_orders`) sends these events of one venue.

    `events` passes `verify.model.frames.EVENTS` and knows every quantity; `sizes` are coins per contract. `rows` is the
    most of one body, where it is not to be the venue's own page. Where nothing happened there are no bodies.
    """
    form = FORMS[channel] if rows is None or FORMS[channel].page == 1 else replace(FORMS[channel], page=rows)
    bodies = [form.body([form.row(event) for event in page], page[-1]) for page in _pages(form, events, sizes)]
    encoded = [msgspec.json.encode(body) for body in bodies]
    return [gzip.compress(body, mtime=0) for body in encoded] if form.packed else encoded


def page(channel: str, rows: Sequence[Event], now: int) -> bytes:
    """One body of `channel` with these events, or with none; `now` is its time in milliseconds since 1970 UTC."""
    form = FORMS[channel]
    body = form.body([form.row(event) for event in rows], rows[-1] if rows else _NOTHING._replace(ms=now))
    return msgspec.json.encode(body)


def rows_of(events: pl.DataFrame, sizes: Mapping[str, float] = _NO_SIZES) -> list[Event]:
    """Events in time order, numbered from 1."""
    frame = events.sort("time", maintain_order=True)
    return [Event(*row) for row in _columns(frame, sizes).iter_rows()]


def _pages(form: Form, events: pl.DataFrame, sizes: Mapping[str, float]) -> Iterator[Sequence[Event]]:
    rows = rows_of(events, sizes)
    if form.by_contract:
        rows.sort(key=lambda event: event.instrument)
    groups = groupby(rows, key=lambda event: event.instrument if form.by_contract else "")
    for group in [list(members) for _, members in groups]:
        yield from (group[first : first + form.page] for first in range(0, len(group), form.page))


def _columns(frame: pl.DataFrame, sizes: Mapping[str, float]) -> pl.DataFrame:
    size = pl.col("instrument").replace_strict(dict(sizes), default=1.0, return_dtype=pl.Float64)
    return frame.select(
        pl.col("time").dt.timestamp("ms"),
        "instrument",
        "asset",
        pl.col("side") == "long",
        "quantity",
        "price",
        "notional_usd",
        contracts=pl.col("quantity") / size,
        number=pl.int_range(pl.len()) + 1,
    )


def contracts(venue: Venue, assets: tuple[str, ...], sizes: Mapping[str, float] = _NO_SIZES) -> bytes:
    """The answer of the venue's endpoint that lists its linear contracts."""
    listed = assets[: venue.listed]
    rows = [_CONTRACTS[venue.name](venue.instrument(asset), asset, sizes) for asset in listed]
    return msgspec.json.encode(_LISTS[venue.name](rows))


def _text(number: float) -> str:
    return repr(float(number))


def _binance(event: Event) -> Row:
    coins, price = _text(event.coins), _text(event.price)
    order = {"s": event.instrument, "S": event.order("SELL", "BUY"), "o": "LIMIT", "f": "IOC", "q": coins, "p": price}
    return order | {"ap": price, "X": "FILLED", "l": coins, "z": coins, "T": event.ms}


def _bybit(event: Event) -> Row:
    side = "Buy" if event.long else "Sell"
    return {"T": event.ms, "s": event.instrument, "S": side, "v": _text(event.coins), "p": _text(event.price)}


def _okx(event: Event) -> Row:
    detail = {
        "bkLoss": "0",
        "bkPx": _text(event.price),
        "ccy": "",
        "posSide": "long" if event.long else "short",
        "side": event.order("sell", "buy"),
        "sz": _text(event.contracts),
        "ts": str(event.ms),
    }
    family = event.instrument.removesuffix("-SWAP")
    return {"details": [detail], "instFamily": family, "instId": event.instrument, "instType": "SWAP", "uly": family}


def _okx_page(rows: list[Row], _last: Event) -> Row:
    """One item of the contract with all its details."""
    details = [detail for row in rows for detail in row["details"]]
    return {"code": "0", "data": [rows[0] | {"details": details}] if rows else [], "msg": ""}


def _bitget(event: Event) -> Row:
    side = "buy" if event.long else "sell"
    money = {"price": _text(event.price), "amount": _text(event.usd)}
    return {"symbol": event.instrument, "side": side, **money, "ts": str(event.ms)}


def _gate(event: Event) -> Row:
    size = event.contracts if event.long else -event.contracts
    return {
        "contract": event.instrument,
        "left": 0,
        "size": size,
        "order_size": -size,
        "order_price": _text(event.price),
        "fill_price": event.price,
        "time": event.ms // 1000,
    }


def _gate_pushed(event: Event) -> Row:
    size = -event.contracts if event.long else event.contracts
    when = {"time": event.ms // 1000, "time_ms": event.ms}
    return {"contract": event.instrument, "price": event.price, "size": size, **when}


def _htx(event: Event) -> Row:
    return {
        "id": str(event.number),
        "contract_code": event.instrument,
        "liquidation_time": str(event.ms),
        "side": event.order("sell", "buy"),
        "position_side": "long" if event.long else "short",
        "volume": _text(event.contracts),
        "amount": _text(event.contracts),
        "bankrupt_price": _text(event.price),
        "trade_turnover": _text(event.usd),
    }


def _htx_pushed(event: Event) -> Row:
    return {
        "contract_code": event.instrument,
        "symbol": event.asset,
        "direction": event.order("sell", "buy"),
        "offset": "close",
        "volume": event.contracts,
        "price": event.price,
        "created_at": event.ms,
        "amount": event.coins,
        "trade_turnover": event.usd,
    }


def _bitfinex(event: Event) -> list[Any]:
    amount = event.coins if event.long else -event.coins
    state = [event.price, None, 1, 1, None, event.price]
    return ["pos", event.number, event.ms, None, event.instrument, amount, *state]


def _deribit(event: Event) -> Row:
    return {
        "trade_seq": event.number,
        "trade_id": str(event.number),
        "timestamp": event.ms,
        "tick_direction": 0,
        "price": event.price,
        "mark_price": event.price,
        "liquidation": "T",
        "instrument_name": event.instrument,
        "index_price": event.price,
        "direction": event.order("sell", "buy"),
        "amount": event.coins,
    }


def _kraken(event: Event) -> Row:
    order = {"tradeable": event.instrument, "direction": event.order("Sell", "Buy"), "orderType": "PartialLiquidation"}
    execution = {
        "uid": str(event.number),
        "makerOrder": order | {"direction": event.order("Buy", "Sell"), "orderType": "Limit"},
        "takerOrder": order,
        "timestamp": event.ms,
        "quantity": _text(event.coins),
        "price": _text(event.price),
        "markPrice": _text(event.price),
        "usdValue": f"{event.usd:.2f}",
    }
    return {"uid": str(event.number), "timestamp": event.ms, "event": {"Execution": {"execution": execution}}}


def _hyperliquid(event: Event) -> list[Any]:
    """The leg of the liquidated user, by a name that no account has."""
    user = f"0x{event.number:040x}"
    fill = {
        "coin": event.instrument,
        "px": _text(event.price),
        "sz": _text(event.coins),
        "side": event.order("A", "B"),
        "time": event.ms,
        "startPosition": _text(event.coins if event.long else -event.coins),
        "dir": "Close Long" if event.long else "Close Short",
        "hash": f"0x{event.number:064x}",
        "tid": event.number,
        "liquidation": {"liquidatedUser": user, "markPx": _text(event.price), "method": "market"},
    }
    return [user, fill]


def _kraken_pushed(rows: list[Event], last: Event) -> Row:
    return {
        "feed": "trade",
        "product_id": last.instrument,
        "uid": str(last.number),
        "side": last.order("sell", "buy"),
        "type": "liquidation",
        "seq": len(rows),
        "time": last.ms,
        "qty": last.coins,
        "price": last.price,
    }


#: The channels that can be written, by `source/channel`.
FORMS: dict[str, Form] = {
    "binance/usdm": Form(_binance, lambda rows, last: {"e": "forceOrder", "E": last.ms, "o": rows[0]}),
    "bybit/liquidations": Form(
        _bybit,
        lambda rows, last: {
            "topic": f"allLiquidation.{last.instrument}",
            "type": "snapshot",
            "ts": last.ms,
            "data": rows,
        },
        page=20,
        by_contract=True,
    ),
    "okx/liquidation_orders": Form(_okx, _okx_page, page=100, by_contract=True),
    "okx/liquidation_stream": Form(
        _okx, lambda rows, _: {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": rows}, page=5
    ),
    "bitget/liquidations": Form(
        _bitget,
        lambda rows, last: {
            "code": "00000",
            "msg": "success",
            "requestTime": last.ms,
            "data": {"list": rows, "cursor": ""},
        },
        page=100,
    ),
    "bitget/liquidation_stream": Form(
        _bitget,
        lambda rows, last: {
            "action": "update",
            "arg": {"instType": "usdt-futures", "topic": "liquidation"},
            "data": rows,
            "ts": last.ms,
        },
        page=5,
    ),
    "gate/liq_orders": Form(_gate, lambda rows, _: rows, page=1000),
    "gate/public_liquidates": Form(
        _gate_pushed,
        lambda rows, last: {
            "time": last.ms // 1000,
            "time_ms": last.ms,
            "channel": "futures.public_liquidates",
            "event": "update",
            "result": rows,
        },
        page=5,
    ),
    "htx/linear": Form(
        _htx,
        lambda rows, last: {"code": 200, "message": "Success", "data": rows, "ts": last.ms},
        page=100,
        by_contract=True,
    ),
    "htx/linear_stream": Form(
        _htx_pushed,
        lambda rows, last: {
            "op": "notify",
            "topic": f"public.{last.instrument}.liquidation_orders",
            "ts": last.ms,
            "data": rows,
        },
        page=5,
        by_contract=True,
        packed=True,
    ),
    "bitfinex/liquidations": Form(_bitfinex, lambda rows, _: [[row] for row in rows], page=500),
    "bitfinex/liquidations_stream": Form(_bitfinex, lambda rows, _: [9, rows], page=5),
    "deribit/trades": Form(
        _deribit, lambda rows, _: {"jsonrpc": "2.0", "result": {"trades": rows, "has_more": False}}, page=1000
    ),
    "deribit/trades_stream": Form(
        _deribit,
        lambda rows, _: {
            "jsonrpc": "2.0",
            "method": "subscription",
            "params": {"channel": "trades.future.any.100ms", "data": rows},
        },
        page=5,
    ),
    "kraken/executions": Form(
        _kraken, lambda rows, _: {"elements": rows, "len": len(rows)}, page=1000, by_contract=True
    ),
    "kraken/trade": Form(lambda event: event, _kraken_pushed),
    "hyperliquid/node_fills": Form(_hyperliquid, lambda rows, _: rows[0]),
}

_CONTRACTS: dict[str, Callable[[str, str, Mapping[str, float]], Row]] = {
    "binance": lambda name, asset, _: {"symbol": name, "baseAsset": asset, "quoteAsset": "USDT"},
    "bybit": lambda name, asset, _: {"symbol": name, "baseCoin": asset, "quoteCoin": "USDT"},
    "okx": lambda name, asset, sizes: {
        "instId": name,
        "ctVal": _text(sizes[name]),
        "ctMult": "1",
        "ctValCcy": asset,
    },
    "bitget": lambda name, asset, _: {"symbol": name, "baseCoin": asset, "quoteCoin": "USDT"},
    "gate": lambda name, _, sizes: {
        "name": name,
        "quanto_multiplier": _text(sizes[name]),
        "mark_price": "1",
        "position_size": 0,
    },
    "htx": lambda name, asset, sizes: {"contract_code": name, "contract_size": sizes[name], "symbol": asset},
    "deribit": lambda name, asset, _: {
        "instrument_name": name,
        "instrument_type": "linear",
        "base_currency": asset,
        "quote_currency": "USDC",
        "contract_size": 1.0,
    },
    "kraken": lambda name, asset, _: {
        "symbol": name,
        "type": "flexible_futures",
        "base": "XBT" if asset == "BTC" else asset,
        "quote": "USD",
        "contractSize": 1,
    },
}
_LISTS: dict[str, Callable[[list[Row]], Any]] = {
    "binance": lambda rows: {"symbols": rows},
    "bybit": lambda rows: {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": rows}, "time": 0},
    "okx": lambda rows: {"code": "0", "data": rows, "msg": ""},
    "bitget": lambda rows: {"code": "00000", "msg": "success", "requestTime": 0, "data": rows},
    "gate": lambda rows: rows,
    "htx": lambda rows: {"status": "ok", "data": rows, "ts": 0},
    "deribit": lambda rows: {"jsonrpc": "2.0", "result": rows},
    "kraken": lambda rows: {"result": "success", "instruments": rows},
}
