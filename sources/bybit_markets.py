"""Bybit's contracts and the size of its markets, now and at a past time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from sources.lazy import pl
from sources.plan import milliseconds
from verify.model.errors import RateLimited, SchemaChanged, Unavailable
from verify.model.quantity import Quantity

VENUE = "bybit"
API = "https://api.bybit.com"
CATEGORIES = ("linear", "inverse")
# Open interest of the past is asked for contract by contract; these are asked for where no asset is named.
MAJORS = ("BTC", "DOGE", "ETH", "SOL", "XRP")

_INSTRUMENTS, _TICKERS = f"{API}/v5/market/instruments-info", f"{API}/v5/market/tickers"
_INTEREST, _MARK = f"{API}/v5/market/open-interest", f"{API}/v5/market/mark-price-kline"
_TICKERS_DOCS = "https://bybit-exchange.github.io/docs/v5/market/tickers"
_INTEREST_DOCS = "https://bybit-exchange.github.io/docs/v5/market/open-interest"
_BAR = timedelta(minutes=5)
_TOO_MANY = (10006, 10018)  # https://bybit-exchange.github.io/docs/v5/error

# How symbols name their product: https://bybit-exchange.github.io/docs/v5/enum#symbol
_DELIVERY = r"-\d+[A-Z]{3}\d\d"
_SYMBOL = re.compile(
    rf"(?P<base>[^-]+?)(?:(?P<linear>USDT|PERP|USDC)(?:{_DELIVERY})?|{_DELIVERY}|(?P<inverse>USD)(?:[FGHJKMNQUVXZ]\d\d)?)"
)

Row = TypeVar("Row")


class _Result(msgspec.Struct, Generic[Row]):
    rows: list[Row] = msgspec.field(name="list")


class _Answer(msgspec.Struct, Generic[Row]):
    result: _Result[Row]
    time: int


class _Status(msgspec.Struct, gc=False):
    retCode: int
    retMsg: str


class _Contract(msgspec.Struct, gc=False):
    symbol: str
    baseCoin: str
    quoteCoin: str


class _Ticker(msgspec.Struct, gc=False):
    symbol: str
    openInterest: str
    openInterestValue: str
    turnover24h: str
    volume24h: str
    singleOpenInterest: str = ""
    singleOpenInterestValue: str = ""


class _Interest(msgspec.Struct, gc=False):
    timestamp: str
    openInterest: str
    singleOpenInterest: str = ""


def _read(row: Any, payload: Payload) -> _Answer[Any]:
    status = build.decode(_Status, payload.body, VENUE)
    if status.retCode:
        kind = RateLimited if status.retCode in _TOO_MANY else Unavailable
        raise kind(f"refused: {status.retMsg} ({status.retCode})", source=VENUE)
    answer: _Answer[Any] = build.decode(_Answer[row], payload.body, VENUE)
    return answer


def instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [
        Request(_INSTRUMENTS, (("category", category), ("limit", "1000")), note=f"{category} contracts")
        for category in CATEGORIES
    ]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Contracts: linear ones count base coins, inverse ones dollars.

    The units are stated with the open interest: https://bybit-exchange.github.io/docs/v5/market/open-interest
    """
    inverse = dict(payload.request.params).get("category") == "inverse"
    return {
        row.symbol: Instrument(
            VENUE, row.symbol, build.asset_of(row.baseCoin), 1.0, "usd" if inverse else "base", inverse, row.quoteCoin
        )
        for row in _read(_Contract, payload).result.rows
    }


def weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Now: the tickers of all contracts. At a past time: open interest of each asset's contracts, and mark prices."""
    if at is None:
        return [Request(_TICKERS, (("category", category),), note=f"{category} tickers") for category in CATEGORIES]
    found = []
    start, end, one = milliseconds(at - 2 * _BAR), milliseconds(at), ("limit", "1")
    for asset in sorted(quantity.assets.names or MAJORS):
        linear = (("category", "linear"), ("symbol", f"{asset}USDT"))
        inverse = (("category", "inverse"), ("symbol", f"{asset}USD"))
        times = (("intervalTime", "5min"), ("startTime", start), ("endTime", end), one)
        found += [Request(_INTEREST, (*asked, *times), note=f"open interest of {asset}") for asked in (linear, inverse)]
        bars = (("interval", "5"), ("start", start), ("end", end), one)
        found.append(Request(_MARK, (*linear, *bars), note=f"mark price of {asset}"))
    return found


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Parts of weights. `openInterest` counts both sides and is halved where no single side is stated.

    https://bybit-exchange.github.io/docs/v5/market/open-interest
    """
    url, asked = payload.request.url, dict(payload.request.params)
    inverse = asked.get("category") == "inverse"
    if url == _TICKERS:
        return _tickers(_read(_Ticker, payload), inverse, instruments)
    if url == _INTEREST:
        return _interest(_read(_Interest, payload).result.rows, asked["symbol"], inverse, instruments)
    if url == _MARK:
        return _mark(_read(list[str], payload).result.rows, asked["symbol"], instruments)
    raise SchemaChanged(f"no weights in an answer of {url}", source=VENUE)


def _tickers(answer: _Answer[_Ticker], inverse: bool, instruments: Instruments) -> list[Weight]:
    rows = answer.result.rows
    (at,) = build.times([answer.time], unit="ms", field="time", source=VENUE)
    if inverse:  # contracts of a dollar
        interest, halved = _one_side(rows, "singleOpenInterest", "openInterest")
        volume = build.amounts([row.volume24h for row in rows], field="volume24h", source=VENUE, zero=True)
    else:
        interest, halved = _one_side(rows, "singleOpenInterestValue", "openInterestValue")
        volume = build.amounts([row.turnover24h for row in rows], field="turnover24h", source=VENUE, zero=True)
    assets = contracts(pl.Series([row.symbol for row in rows], dtype=pl.String), instruments)["asset"]
    return [
        Weight(VENUE, asset, at, dollars, traded, half, _TICKERS_DOCS)
        for asset, dollars, traded, half in zip(assets, interest, volume, halved, strict=True)
    ]


def _interest(rows: list[_Interest], symbol: str, inverse: bool, instruments: Instruments) -> list[Weight]:
    """The latest row: dollars of inverse contracts, coins of linear ones."""
    moments = build.times([row.timestamp for row in rows], unit="ms", field="timestamp", source=VENUE)
    amounts, halved = _one_side(rows, "singleOpenInterest", "openInterest")
    asset = _asset(symbol, instruments)
    latest = sorted(zip(moments, amounts, halved, strict=True))[-1:]
    if inverse:
        return [Weight(VENUE, asset, at, amount, None, half, _INTEREST_DOCS) for at, amount, half in latest]
    return [
        Weight(VENUE, asset, at, None, None, half, _INTEREST_DOCS, open_interest_coins=amount)
        for at, amount, half in latest
    ]


def _mark(bars: list[list[str]], symbol: str, instruments: Instruments) -> list[Weight]:
    """The price at the start of the latest bar: bars are start, open, high, low and close."""
    if any(len(bar) != 5 for bar in bars):
        raise SchemaChanged("a bar of the mark price does not have five values", source=VENUE, field="list")
    moments = build.times([bar[0] for bar in bars], unit="ms", field="startTime", source=VENUE)
    prices = build.amounts([bar[1] for bar in bars], field="openPrice", source=VENUE)
    latest = sorted(zip(moments, prices, strict=True))[-1:]
    return [Weight(VENUE, _asset(symbol, instruments), at, None, None, price_usd=price) for at, price in latest]


def _asset(symbol: str, instruments: Instruments) -> str:
    return str(contracts(pl.Series([symbol]), instruments)["asset"][0])


def _one_side(rows: Sequence[object], single: str, both: str) -> tuple[pl.Series, pl.Series]:
    """The figure of one side, and whether it is half of that of both."""
    column = build.columns(rows, single, both)
    stated = build.amounts(
        [text or None for text in column[single]], field=single, source=VENUE, zero=True, nullable=True
    )
    halves = build.amounts(column[both], field=both, source=VENUE, zero=True) / 2
    return halves.zip_with(stated.is_null(), stated), stated.is_null()


def contracts(symbols: pl.Series, instruments: Instruments) -> pl.DataFrame:
    """The contracts of `symbols`; units are documented per product, so that no contract's size has to be known."""
    known = dict(instruments)
    for symbol in set(symbols.unique()) - known.keys():
        if parts := _SYMBOL.fullmatch(symbol):
            inverse = parts["inverse"] is not None
            unit, quote = ("usd", "USD") if inverse else ("base", "USDT" if parts["linear"] == "USDT" else "USDC")
            known[symbol] = Instrument(VENUE, symbol, build.asset_of(parts["base"]), 1.0, unit, inverse, quote)
    return build.contracts(symbols, known, lambda symbol: symbol)


def control() -> Request:
    return Request(_TICKERS, (("category", "linear"), ("symbol", "BTCUSDT")), note="a ticker, which is never empty")


def control_alive(payload: Payload) -> bool:
    return bool(_read(_Ticker, payload).result.rows)
