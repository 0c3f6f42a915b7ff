"""Bitget's contracts and how large they are: open interest, turnover of 24 h; and the form of its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from verify.model.errors import RateLimited, SchemaChanged, SourceError, Unavailable
from verify.model.quantity import Quantity

CATEGORIES = ("USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")
_API = "https://api.bitget.com/api/v3/market"
_TICKERS_DOCS = "https://www.bitget.com/api-doc/uta/public/Tickers"
_OK = "00000"
_NAME = re.compile(r"(.+?)(?:USDT|USDC|PERP|USD)(?:[-_].*|[A-Z]\d{2})?")
T = TypeVar("T")


class _Contract(msgspec.Struct, rename="camel"):
    symbol: str
    base_coin: str
    quote_coin: str


class _Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: str | None = None
    mark_price: str | None = None
    turnover24h: str | None = None


class Answer(msgspec.Struct, Generic[T], rename="camel"):
    code: str
    msg: str = ""
    request_time: int = 0
    data: T | None = None


def ask(what: str, category: str, *params: tuple[str, str]) -> Request:
    return Request(f"{_API}/{what}", (("category", category), *params), note=f"{category} {what}")


def base(symbol: str) -> str:
    """`BTCUSDT`, `BTCPERP` (in USDC) and `BTCUSD` are of BTC."""
    match = _NAME.fullmatch(symbol)
    return match[1] if match else symbol


def category_of(contract: Instrument) -> str:
    return "COIN-FUTURES" if contract.inverse else f"{contract.quote}-FUTURES"


def data(kind: type[Answer[T]], payload: Payload, source: str) -> T:
    answer = build.decode(kind, payload.body, source)
    if answer.code != _OK:
        error: type[SourceError] = RateLimited if answer.code == "429" else Unavailable
        raise error(f"refuses with {answer.code}: {answer.msg}", source=source)
    if answer.data is None:
        raise SchemaChanged("the answer has no data", source=source, field="data")
    return answer.data


def instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [ask("instruments", category) for category in CATEGORIES]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Amounts come as money, so that no contract size is needed: one unit is one of the quote coin."""
    coin = ("category", "COIN-FUTURES") in payload.request.params
    return {
        row.symbol: Instrument(
            "bitget", row.symbol, build.asset_of(row.base_coin), 1.0, unit="quote", inverse=coin, quote=row.quote_coin
        )
        for row in data(Answer[list[_Contract]], payload, "bitget")
    }


def weight_requests(_quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    return [] if at else [ask("tickers", category) for category in CATEGORIES[:2]]


def tickers(payload: Payload) -> list[_Ticker]:
    return data(Answer[list[_Ticker]], payload, "bitget")


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Open interest in coins at the mark price, and the turnover of 24 h in the quote coin."""
    answer = build.decode(Answer[list[_Ticker]], payload.body, "bitget")
    rows = tickers(payload)
    wire = build.columns(rows, *_Ticker.__struct_fields__)
    table = build.contracts(wire["symbol"], instruments, base)
    coins, price, turnover = (
        build.amounts(wire[name], field=field, source="bitget", zero=True, nullable=True)
        for name, field in (
            ("open_interest", "openInterest"),
            ("mark_price", "markPrice"),
            ("turnover24h", "turnover24h"),
        )
    )
    at = datetime.fromtimestamp(answer.request_time / 1000, UTC)
    return [
        Weight("bitget", asset, at, money, volume, citation=_TICKERS_DOCS)
        for asset, money, volume, dollars in zip(
            table["asset"], coins * price, turnover, table["in_dollars"], strict=True
        )
        if dollars
    ]
