"""Tardis.dev: the venues' liquidation streams as it recorded them, one CSV file per exchange and day.

A key opens every day, the first of each month is open to all, and `read_file` reads a file from disk.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_FILES = "https://datasets.tardis.dev/v1"
_DOCS = "https://docs.tardis.dev/downloadable-csv-files/data-types"
_MAPPERS = "https://github.com/tardis-dev/tardis-node/tree/c1d73fb/src/mappers"
_SIDES = "https://github.com/tardis-dev/tardis-node/blob/c1d73fb/src/types.ts"
_KEY = "tardis/csv"
_COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
_LARGEST = 512 * 1024 * 1024  # bytes of one unpacked file
#: Exchanges with liquidations, as Tardis names them: venue and lineage. The mappers say which these are.
_EXCHANGES = {
    "binance-futures": ("binance", "binance/usdm"),
    "binance-delivery": ("binance", "binance/coinm"),
    "bybit": ("bybit", "bybit/liquidations"),
    "okex-swap": ("okx", "okx/liquidation_orders"),
    "bitmex": ("bitmex", "bitmex/liquidation"),
    "deribit": ("deribit", "deribit/trades"),
    "cryptofacilities": ("kraken", "kraken/executions"),
    "bitfinex-derivatives": ("bitfinex", "bitfinex/liquidations"),
    "bitget-futures": ("bitget", "bitget/liquidations"),
    "huobi-dm-linear-swap": ("htx", "htx/linear"),
    "huobi-dm-swap": ("htx", "htx/coin"),
    "dydx-v4": ("dydx", "dydx/trades"),
    "aster-futures": ("aster", "aster/force_orders"),
    "lighter": ("lighter", "lighter/trades"),
}
#: Where an amount is a number of coins whatever the symbol.
_COINS = {"binance-futures", "bitfinex-derivatives", "dydx-v4", "aster-futures", "lighter"}

SPEC = SourceSpec(
    id="tardis",
    title="Tardis.dev",
    homepage="https://tardis.dev",
    kind="aggregator",
    hosts=("datasets.tardis.dev",),
    rate=Rate(10, timedelta(seconds=1)),
    auth=("VERIFY_TARDIS_API_KEY",),
    key_optional=True,
    as_of=date(2026, 11, 22),
    limits=(
        "Hyperliquid, Gate and KuCoin are not among its liquidations",
        "perpetuals only; dated futures are in files of their own",
        "the first of each month needs no key, but has to be asked for by name (--source tardis)",
    ),
    channels=(
        ChannelSpec(
            id="csv",
            title="Recorded liquidation streams, daily CSV files",
            transport=Transport.FILE,
            form=Form.EVENTS,
            docs=(_DOCS, _MAPPERS),
            metrics=("liquidations", "liquidation_count"),
            venues=tuple(dict.fromkeys(venue for venue, _ in _EXCHANGES.values())),
            lineage=tuple(feed for _, feed in _EXCHANGES.values()),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _MAPPERS,
                    note="as capped as the stream of each venue was at the time; nothing is filled up",
                ),
            ),
            side_rule="side sell: a long was liquidated; buy: a short; rows of unknown side are left out",
            side_citation=_SIDES,
            quantity_unit="that of the venue: coins, dollars or contracts",
            price_basis=Basis.STATED,
            quantity_basis=QuantityBasis.FILLED,
            doubts=(
                "The price is that of each venue's stream: Binance's the order's, OKX's the bankruptcy price.",
                "Contracts of OKX, HTX, Binance COIN-M and most of BitMEX have no size here, so that their value is "
                "unknown.",
                "Before 26 February 2025 Bybit's is the stream of one liquidation per second.",
                "The columns are read by name; their order and unit were seen by others.",
            ),
        ),
    ),
)


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    """All perpetuals of an exchange in one file per UTC day."""
    wanted = quantity.venues.names
    first, last = window.start.date(), (window.end - timedelta(microseconds=1)).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [
        Request(f"{_FILES}/{exchange}/liquidations/{day:%Y/%m/%d}/PERPETUALS.csv.gz", note=f"{exchange} on {day}")
        for exchange, (venue, _) in _EXCHANGES.items()
        if wanted is None or venue in wanted
        for day in days
    ]


def read_file(path: Path, window: Window, instruments: Instruments) -> pl.DataFrame:
    """The liquidations of a file on disk (CSV, packed or not) inside the window. Raises as `parse` does."""
    read = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return _parse(Payload(Request(path.as_uri()), path.read_bytes(), read, evidence=path.name), window, instruments)


def _parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    """Events at the price of the venue's stream; `received` is when Tardis received them."""
    if payload.status == 404:
        raise Unavailable(f"has no file {payload.request.note or payload.request.url}", source=_KEY)
    table = _table(_unpacked(payload.body))
    exchanges = table["exchange"].unique().to_list()
    if not exchanges:
        return build.no_events()
    if len(exchanges) > 1:
        raise Suspect(f"rows of several exchanges in one file: {', '.join(sorted(exchanges))}", source=_KEY)
    exchange = exchanges[0]
    if exchange not in _EXCHANGES:
        raise SchemaChanged(f"exchange is {exchange!r}, which is not known", source=_KEY, field="exchange")
    meaning = {"sell": "long", "buy": "short", "unknown": "unknown"}
    table = table.with_columns(position=build.mapped(table["side"], meaning, field="side", source=_KEY))
    table = table.filter(pl.col("position") != "unknown")
    price = build.amounts(table["price"], field="price", source=_KEY)
    amount = build.amounts(table["amount"], field="amount", source=_KEY)
    own = {name: _contract(exchange, name) for name in table["symbol"].unique()}
    known = build.contracts(table["symbol"], {**own, **instruments}, _base_of)
    data = {
        "time": build.times(table["timestamp"], unit="us", field="timestamp", source=_KEY),
        "instrument": known["instrument"],
        "asset": known["asset"],
        "side": table["position"],
        "price": price,
        "received": build.times(table["local_timestamp"], unit="us", field="local_timestamp", source=_KEY),
        "event_id": build.identities(table, "symbol", "timestamp", "id", "side", "price", "amount"),
        **build.value(amount, price, known),
    }
    return build.events(
        data,
        venue=_EXCHANGES[exchange][0],
        source=_KEY,
        price_basis=Basis.STATED,
        window=window,
        evidence=payload.evidence,
    )


def _unpacked(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, _LARGEST)
    except zlib.error as error:
        raise SchemaChanged(f"the file cannot be unpacked: {error}", source=_KEY) from None
    if unpacker.unconsumed_tail:
        raise Suspect(f"the file unpacks to more than {_LARGEST} bytes", source=_KEY)
    if not unpacker.eof:
        raise SchemaChanged("the file is cut off", source=_KEY)
    return text


def _table(text: bytes) -> pl.DataFrame:
    try:
        table = pl.read_csv(text.removeprefix(b"\xef\xbb\xbf"), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise SchemaChanged(f"the file is no table: {error}", source=_KEY) from None
    if missing := [name for name in _COLUMNS if name not in table.columns]:
        raise SchemaChanged(f"the file has no column {missing[0]}", source=_KEY, field=missing[0])
    if text and not text.endswith(b"\n"):
        raise SchemaChanged("the file is cut off: its last line does not end", source=_KEY)
    return table


def _contract(exchange: str, symbol: str) -> Instrument:
    """What an amount of the contract counts; a size that no rule gives is not known."""
    venue, asset = _EXCHANGES[exchange][0], build.asset_of(_base_of(symbol))
    in_dollars = Instrument(venue, symbol, asset, 1.0, "usd", inverse=True, quote="USD")
    in_coins = Instrument(venue, symbol, asset, 1.0)
    if exchange in _COINS or (exchange == "bitget-futures" and symbol.startswith(f"{_base_of(symbol)}USD")):
        return in_coins
    if exchange == "bybit":
        return in_dollars if symbol.endswith("USD") else in_coins
    if exchange == "cryptofacilities":
        return in_dollars if symbol.startswith("PI_") else in_coins
    if exchange == "deribit":
        return in_coins if "_USD" in symbol else in_dollars
    if exchange == "bitmex" and symbol == "XBTUSD":
        return in_dollars
    return Instrument(venue, symbol, asset, None)


def _base_of(symbol: str) -> str:
    """`BTCUSDT`, `BTC-USDT-SWAP`, `PF_XBTUSD`, `BTC_USDC-PERPETUAL`, `BTCF0:USTF0` -> the base coin."""
    name = symbol.upper().removeprefix("PF_").removeprefix("PI_").partition(":")[0].removesuffix("F0")
    name = name.partition("-")[0].partition("_")[0]
    for quote in ("USDT", "USDC", "USD", "PERP"):
        if name.endswith(quote) and name != quote:
            return name.removesuffix(quote)
    return name


SOURCE = Source(SPEC, {"csv": Channel(_requests, _parse)})
