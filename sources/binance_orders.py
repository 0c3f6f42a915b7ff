"""Binance's contracts, and its liquidation orders as events: what its streams and its files have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request
from sources.lazy import pl
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis
from verify.model.quantity import Quantity
from verify.model.window import Window

VENUE = "binance"
USDM, COINM = "https://fapi.binance.com", "https://dapi.binance.com"

#: Both hosts of the streams may send both products, so that a product is told by the form of its symbol.
COIN_MARGINED = r"USD_(?:PERP|\d{6})$"
_SYMBOL = re.compile(rf"(?P<base>.+?)(?:(?P<quote>USDT|USDC|BUSD|BTC)(?:_\d{{6}})?$|{COIN_MARGINED})")

# https://developers.binance.com/docs/derivatives/usds-margined-futures/common-definition, "Order status"; the last two
# https://developers.binance.com/docs/derivatives/coin-margined-futures/user-data-streams/Event-Order-Update
_STATUSES = {
    word: word
    for word in (
        "NEW",
        "PARTIALLY_FILLED",
        "FILLED",
        "CANCELED",
        "REJECTED",
        "EXPIRED",
        "EXPIRED_IN_MATCH",
        "NEW_INSURANCE",
        "NEW_ADL",
    )
}
# https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
_TOO_MANY = (-1003, -1015)


class _Symbol(msgspec.Struct, gc=False):
    symbol: str
    baseAsset: str
    quoteAsset: str


class _CoinSymbol(_Symbol, gc=False):
    contractSize: float


class _Symbols(msgspec.Struct, gc=False):
    symbols: list[_Symbol]


class _CoinSymbols(msgspec.Struct, gc=False):
    symbols: list[_CoinSymbol]


class _Refusal(msgspec.Struct, gc=False):
    code: int
    msg: str


def checked(payload: Payload, source: str) -> bytes:
    """The body of an answer of the REST API, unless it is an error, which is raised."""
    if payload.body.lstrip().startswith(b'{"code"'):
        refusal = build.decode(_Refusal, payload.body, source)
        if refusal.code in _TOO_MANY:
            raise RateLimited(f"{refusal.msg} ({refusal.code})", source=source)
        raise Unavailable(f"refused: {refusal.msg} ({refusal.code})", source=source)
    return payload.body


def instrument_requests(_quantity: Quantity) -> tuple[Request, ...]:
    return (
        Request(f"{USDM}/fapi/v1/exchangeInfo", note="USD-M contracts"),
        Request(f"{COINM}/dapi/v1/exchangeInfo", note="COIN-M contracts and their sizes"),
    )


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """The contracts of one of the two products: USD-M ones count base coins, COIN-M ones a number of dollars.

    https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api/Exchange-Information
    """
    body = checked(payload, VENUE)
    if "/dapi/" in payload.request.url:
        coins = build.decode(_CoinSymbols, body, VENUE).symbols
        build.amounts([coin.contractSize for coin in coins], field="contractSize", source=VENUE)
        return {
            coin.symbol: Instrument(
                VENUE, coin.symbol, build.asset_of(coin.baseAsset), coin.contractSize, "usd", True, coin.quoteAsset
            )
            for coin in coins
        }
    return {
        row.symbol: Instrument(VENUE, row.symbol, build.asset_of(row.baseAsset), 1.0, quote=row.quoteAsset)
        for row in build.decode(_Symbols, body, VENUE).symbols
    }


def base_of(symbol: str) -> str:
    """The base coin in a symbol (`BTCUSDT_260925`, `BTCUSD_PERP`); the symbol itself if it has another form."""
    parts = _SYMBOL.fullmatch(symbol)
    return parts["base"] if parts else symbol


def contracts(symbols: pl.Series, instruments: Instruments) -> pl.DataFrame:
    """The contracts of `symbols`. USD-M quantities are base coins by the documents, so that no size has to be known."""
    known = dict(instruments)
    for symbol in set(symbols.unique()) - known.keys():
        parts = _SYMBOL.fullmatch(symbol)
        if parts and parts["quote"] in build.DOLLARS:
            known[symbol] = Instrument(VENUE, symbol, build.asset_of(parts["base"]), 1.0, quote=parts["quote"])
    return build.contracts(symbols, known, base_of)


def order_events(
    orders: Mapping[str, Sequence[object] | pl.Series],
    names: Mapping[str, str],
    instruments: Instruments,
    *,
    source: str,
    received: datetime,
    evidence: str = "",
    window: Window | None = None,
) -> pl.DataFrame:
    """Liquidation orders as events: what was filled, at the average price of the fills, at the time of the last one.

    `orders` holds `symbol`, `side`, `time` (ms), `ordered`, `filled` (of the whole order, not of its last slice),
    `average` and `status`; `names` gives their names on the wire. Orders without any fill are no events; rows that
    are equal in everything are one record.
    """
    if missing := [name for name in names if name not in orders]:
        raise SchemaChanged(f"{names[missing[0]]} is missing", source=source, field=names[missing[0]])
    build.mapped(orders["status"], _STATUSES, field=names["status"], source=source)
    frame = pl.DataFrame(
        {
            "time": build.times(orders["time"], unit="ms", field=names["time"], source=source),
            "instrument": pl.Series(orders["symbol"], dtype=pl.String),
            "side": build.sides(orders["side"], long="SELL", short="BUY", field=names["side"], source=source),
            "ordered": build.amounts(orders["ordered"], field=names["ordered"], source=source),
            "filled": build.amounts(orders["filled"], field=names["filled"], source=source, zero=True),
            "price": build.amounts(orders["average"], field=names["average"], source=source, zero=True),
        }
    )
    if not (frame["filled"] <= frame["ordered"]).all():
        raise Suspect(f"{names['filled']} is more than {names['ordered']}", source=source)
    frame = frame.filter(pl.col("filled") > 0).unique(maintain_order=True)
    build.amounts(frame["price"], field=names["average"], source=source)
    table = contracts(frame["instrument"], instruments)
    frame = frame.with_columns(
        asset=table["asset"],
        event_id=build.identities(frame, "instrument", "time", "side", "ordered", "filled", "price"),
        received=pl.lit(received),
        evidence=pl.lit(evidence or None, dtype=pl.String),
        **build.value(frame["filled"], frame["price"], table),
    )
    return build.events(frame, venue=VENUE, source=source, price_basis=Basis.AVERAGE_FILL, window=window)
