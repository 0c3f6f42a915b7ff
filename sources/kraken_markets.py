"""Kraken Futures' contracts, and how large its markets are: open interest and volume, now and at a past time.

Each weight is one contract; those of an asset add up. Whether open interest counts one side or both is not documented;
it is taken as one-sided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from verify.model.errors import RateLimited, SchemaChanged, Unavailable
from verify.model.quantity import Quantity

HOST = "https://futures.kraken.com"
#: Asked for where neither the assets nor the contracts are known.
MAJORS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "LINK", "LTC", "AVAX", "SUI", "PEPE", "DOT")
#: Asked for all assets, as far as listed. There are some three hundred markets, and every fill of each would have to
#: be read; these were chosen by hand as those with most retail trade, not by a document.
WATCHED = (
    *MAJORS,
    "AAVE",
    "APT",
    "ARB",
    "ATOM",
    "BCH",
    "BNB",
    "BONK",
    "CRV",
    "ENA",
    "ETC",
    "FARTCOIN",
    "FET",
    "FIL",
    "HBAR",
    "HYPE",
    "ICP",
    "INJ",
    "NEAR",
    "ONDO",
    "OP",
    "PENGU",
    "SEI",
    "SHIB",
    "TAO",
    "TIA",
    "TRUMP",
    "TRX",
    "UNI",
    "WIF",
    "WLD",
    "XLM",
    "XMR",
    "ZEC",
)
_WITH_INVERSE = ("BTC", "ETH")

_INSTRUMENTS_DOCS = "https://docs.kraken.com/api-reference/instrument-details/get-instruments"
_TICKERS_DOCS = "https://docs.kraken.com/api-reference/market-data/get-tickers"
_ANALYTICS_DOCS = "https://docs.kraken.com/openapi/futures-charts-rest.yaml"
_TICKERS = Request(f"{HOST}/derivatives/api/v3/tickers", note="Kraken tickers")
_CHARTS = f"{HOST}/api/charts/v1"
_HOUR = timedelta(hours=1)
_NAME = re.compile(r"[A-Z]{2}_(.+?)(?:USDT|USDC|USD|EUR|GBP)(?:_\d+)?")


Figure = str | float  # some numbers come as strings, some do not


class _Status(msgspec.Struct):
    result: str = "success"
    error: str = ""


class _Contract(msgspec.Struct, rename="camel"):
    symbol: str
    type: str = ""
    base: str = ""
    quote: str = "USD"
    contract_size: float | None = None


class _Contracts(msgspec.Struct):
    instruments: list[_Contract]


class _Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: float | None = None
    open_interest: float | None = None
    vol24h: float | None = None


class _Tickers(msgspec.Struct, rename="camel"):
    server_time: datetime
    tickers: list[_Ticker]


class _Series(msgspec.Struct):
    timestamp: list[int]
    data: list[tuple[Figure, Figure, Figure, Figure]]  # open, high, low, close


class _Problem(msgspec.Struct):
    type: str = ""
    msg: str = ""


class _Analytics(msgspec.Struct):
    result: _Series | None = None
    errors: list[_Problem] = []


class _Candle(msgspec.Struct):
    time: int
    open: str


class _Candles(msgspec.Struct):
    candles: list[_Candle]


def check(body: bytes, source: str) -> None:
    """Raise what the error body of the derivatives API means; answers without `result` pass."""
    status = build.decode(_Status, body, source)
    if status.result != "success":
        error = RateLimited if status.error == "apiLimitExceeded" else Unavailable
        raise error(f"Kraken refuses: {status.error or status.result}", source=source)


def base_of(name: str) -> str:
    """`PF_XBTUSD` -> `XBT`; the whole name where it is built otherwise."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def names(quantity: Quantity) -> list[str]:
    """The contracts of the quantity's assets by the rule their names follow; of `MAJORS` for all assets."""
    wanted = sorted(quantity.assets.names) if quantity.assets.names else MAJORS
    written = {asset: "XBT" if asset == "BTC" else asset for asset in wanted}
    inverse = [f"PI_{written[asset]}USD" for asset in wanted if asset in _WITH_INVERSE]
    return [f"PF_{base}USD" for base in written.values()] + inverse


def listed(instruments: Instruments, quantity: Quantity) -> list[str]:
    """The listed contracts of the quantity's assets, for all assets those of `WATCHED`."""
    wanted = quantity.assets.names or WATCHED
    return sorted(item.name for item in instruments.values() if item.asset in wanted)


def instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{HOST}/derivatives/api/v3/instruments", note="Kraken contracts")]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Every contract; indices, which have no size, are left out. Source: _INSTRUMENTS_DOCS."""
    source = "kraken/instruments"
    check(payload.body, source)
    answer = build.decode(_Contracts, payload.body, source)
    rows = [row for row in answer.instruments if row.contract_size is not None]
    sizes = build.amounts([row.contract_size for row in rows], field="contractSize", source=source)
    return {row.symbol: _instrument(row, size) for row, size in zip(rows, sizes, strict=True)}


def _instrument(row: _Contract, size: float) -> Instrument:
    # The documented example calls PF_XBTUSD inverse; answers call it flexible_futures, and its fills are in coins.
    linear = row.type == "flexible_futures" or row.symbol.startswith("PF_")
    inverse = row.type == "futures_inverse" and not linear
    return Instrument(
        "kraken",
        row.symbol,
        build.asset_of(row.base or base_of(row.symbol)),
        size if linear or inverse else None,  # what one contract of another type stands for is not documented
        unit="usd" if inverse else "base",
        inverse=inverse,
        quote=row.quote.upper(),
    )


def tickers() -> Request:
    return _TICKERS


def alive(payload: Payload) -> bool:
    """Whether the tickers, which are never empty, have come."""
    check(payload.body, "kraken/tickers")
    return bool(build.decode(_Tickers, payload.body, "kraken/tickers").tickers)


def weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Now: all tickers. At a past time: open interest and mark price of the hour, contract by contract."""
    if at is None:
        return [_TICKERS]
    start, end = str(int((at - 2 * _HOUR).timestamp())), str(int(at.timestamp()))
    asked = []
    for name in names(quantity):
        span = (("since", start), ("to", end), ("interval", "3600"))
        asked.append(Request(f"{_CHARTS}/analytics/{name}/open-interest", span, note=f"{name} open interest"))
        asked.append(Request(f"{_CHARTS}/mark/{name}/1h", (("from", start), ("to", end)), note=f"{name} mark price"))
    return asked


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Contracts that are not known, or of unknown size, have no weight."""
    url = payload.request.url
    if "/analytics/" in url:
        return list(_past_interest(payload, instruments, url.split("/")[-2]))
    if url.startswith(_CHARTS):
        return list(_past_price(payload, instruments, url.split("/")[-2]))
    return list(_now(payload, instruments))


def _now(payload: Payload, instruments: Instruments) -> Iterator[Weight]:
    check(payload.body, "kraken/weights")
    answer = build.decode(_Tickers, payload.body, "kraken/weights")
    for row in answer.tickers:
        item = instruments.get(row.symbol)
        if item is None or item.size is None or row.open_interest is None or row.mark_price is None:
            continue
        price = 1.0 if item.inverse else _one(row.mark_price, "markPrice")
        yield Weight(
            "kraken",
            item.asset,
            answer.server_time.astimezone(UTC),
            _one(row.open_interest, "openInterest") * item.size * price,
            None if row.vol24h is None else _one(row.vol24h, "vol24h") * item.size * price,
            citation=_TICKERS_DOCS,
        )


def _past_interest(payload: Payload, instruments: Instruments, name: str) -> Iterator[Weight]:
    answer = build.decode(_Analytics, payload.body, "kraken/weights")
    for problem in answer.errors:
        raise Unavailable(f"Kraken refuses: {problem.type} {problem.msg}".rstrip(), source="kraken/weights")
    if (series := answer.result) is None:
        raise SchemaChanged("the answer has no result", source="kraken/weights", field="result")
    item = instruments.get(name)
    if len(series.timestamp) != len(series.data):
        raise SchemaChanged("times and values differ in number", source="kraken/weights", field="data")
    if item is None or item.size is None or not series.timestamp:
        return
    at = build.times(series.timestamp[-1:], unit="s", field="timestamp", source="kraken/weights")[0]
    amount = _one(series.data[-1][0], "data") * item.size
    dollars, coins = (amount, None) if item.inverse else (None, amount)
    yield Weight("kraken", item.asset, at, dollars, None, citation=_ANALYTICS_DOCS, open_interest_coins=coins)


def _past_price(payload: Payload, instruments: Instruments, name: str) -> Iterator[Weight]:
    candles = build.decode(_Candles, payload.body, "kraken/weights").candles
    item = instruments.get(name)
    if item is None or not candles:
        return
    at = build.times([candles[-1].time], unit="ms", field="time", source="kraken/weights")[0]
    price = _one(candles[-1].open, "open")
    yield Weight("kraken", item.asset, at, None, None, citation=_ANALYTICS_DOCS, price_usd=price)


def _one(number: Figure, field: str) -> float:
    return float(build.amounts([number], field=field, source="kraken/weights", zero=True)[0])
