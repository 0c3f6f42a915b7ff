"""How large Binance's markets are: open interest and volume, now and at a past time.

What Binance states is one-sided. Each weight is a part: one contract or pair, its open interest or its volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from sources import build
from sources.adapter import Instruments, Payload, Request, Weight
from sources.binance_files import ARCHIVE, daily, rows
from sources.binance_orders import COINM, USDM, VENUE, base_of, checked, contracts
from sources.lazy import pl
from verify.model.errors import SchemaChanged
from verify.model.quantity import Quantity

# Open interest is asked for contract by contract; these are asked for where no asset is named.
MAJORS = ("ADA", "AVAX", "BNB", "BTC", "DOGE", "ETH", "LINK", "LTC", "SOL", "XRP")
_INTEREST = "/futures/data/openInterestHist"
_USDM_DOCS = "https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api"
_COINM_DOCS = "https://developers.binance.com/docs/derivatives/coin-margined-futures/market-data/rest-api"
_METRICS = "https://github.com/binance/binance-public-data"


class _Interest(msgspec.Struct, gc=False):
    symbol: str
    sumOpenInterestValue: str
    timestamp: int | str


class _CoinInterest(msgspec.Struct, gc=False):
    pair: str
    sumOpenInterest: str
    timestamp: int | str


class _Ticker(msgspec.Struct, gc=False):
    symbol: str
    quoteVolume: str
    closeTime: int


class _CoinTicker(msgspec.Struct, gc=False):
    symbol: str
    volume: str
    closeTime: int


@dataclass(frozen=True)
class _Answer:
    """What an endpoint answers: rows, and the fields that name the contract, its amount and its time."""

    row: type
    name: str
    amount: str
    time: str
    citation: str
    in_contracts: bool = False
    is_volume: bool = False


_ANSWERS = {
    f"{USDM}{_INTEREST}": _Answer(
        _Interest, "symbol", "sumOpenInterestValue", "timestamp", f"{_USDM_DOCS}/Open-Interest-Statistics"
    ),
    f"{COINM}{_INTEREST}": _Answer(
        _CoinInterest,
        "pair",
        "sumOpenInterest",
        "timestamp",
        f"{_COINM_DOCS}/Open-Interest-Statistics",
        in_contracts=True,
    ),
    f"{USDM}/fapi/v1/ticker/24hr": _Answer(
        _Ticker,
        "symbol",
        "quoteVolume",
        "closeTime",
        f"{_USDM_DOCS}/24hr-Ticker-Price-Change-Statistics",
        is_volume=True,
    ),
    f"{COINM}/dapi/v1/ticker/24hr": _Answer(
        _CoinTicker,
        "symbol",
        "volume",
        "closeTime",
        f"{_COINM_DOCS}/24hr-Ticker-Price-Change-Statistics",
        in_contracts=True,
        is_volume=True,
    ),
}


def weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Now: the latest open interest of each asset and the volumes of all contracts.

    At a past time: the archive's file of that UTC day (5-minute rows, USD-M only), which appears the day after. The
    moment stands behind the `#` of the URL, which is not sent.
    """
    assets = sorted(quantity.assets.names or MAJORS)
    if at is not None:
        at = at.astimezone(UTC)
        return [
            Request(
                f"{daily('um', 'metrics', f'{asset}USDT', at.date())}#{at.isoformat()}",
                note=f"open interest of {asset} on {at.date()}",
            )
            for asset in assets
        ]
    latest = (("period", "5m"), ("limit", "1"))
    return [
        *(Request(f"{USDM}{_INTEREST}", (("symbol", f"{asset}USDT"), *latest), note=asset) for asset in assets),
        *(
            Request(
                f"{COINM}{_INTEREST}",
                (("pair", f"{asset}USD"), ("contractType", "ALL"), *latest),
                note=f"{asset}, coin-margined",
            )
            for asset in assets
            if asset in MAJORS
        ),
        Request(f"{USDM}/fapi/v1/ticker/24hr", note="USD-M volumes"),
        Request(f"{COINM}/dapi/v1/ticker/24hr", note="COIN-M volumes"),
    ]


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Open interest or volume in USD; of COIN-M contracts of unknown size and of other quote coins, nothing."""
    url = payload.request.url
    if url.startswith(ARCHIVE):
        return _metrics(payload)
    form = _ANSWERS.get(url)
    if form is None:
        raise SchemaChanged(f"no weights in an answer of {url}", source=VENUE)
    found = build.decode(list[form.row], checked(payload, VENUE), VENUE)  # type: ignore[name-defined]
    column = build.columns(found, form.name, form.amount, form.time)
    stated = build.amounts(column[form.amount], field=form.amount, source=VENUE, zero=True)
    moments = build.times(column[form.time], unit="ms", field=form.time, source=VENUE)
    # all contracts of a COIN-M pair have one size, that of the perpetual
    names = [f"{name}_PERP" for name in column[form.name]] if form.name == "pair" else column[form.name]
    table = contracts(pl.Series(names, dtype=pl.String), instruments).with_columns(stated=stated, at=moments)
    table = table.filter("in_dollars", pl.col("size").is_not_null())
    money = table["stated"] * table["size"] if form.in_contracts else table["stated"]
    return [
        Weight(
            VENUE,
            asset,
            at,
            open_interest_usd=None if form.is_volume else amount,
            volume_24h_usd=amount if form.is_volume else None,
            citation=form.citation,
        )
        for asset, at, amount in zip(table["asset"], table["at"], money, strict=True)
    ]


def _metrics(payload: Payload) -> list[Weight]:
    """The last 5-minute row before the moment that was asked for, or the first of the day.

    `create_time` is taken as UTC, which no document says.
    """
    _, table = rows(payload, VENUE)
    for field in ("create_time", "symbol", "sum_open_interest_value"):
        if field not in table.columns:
            raise SchemaChanged(f"{field} is missing", source=VENUE, field=field)
    times = table["create_time"].str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC", strict=False)
    if times.null_count():
        shown = table["create_time"].filter(times.is_null())[0]
        raise SchemaChanged(f"create_time is {shown!r}, not a time", source=VENUE, field="create_time")
    stated = build.amounts(table["sum_open_interest_value"], field="sum_open_interest_value", source=VENUE, zero=True)
    table = table.select("symbol", at=times, stated=stated).sort("at")
    asked = datetime.fromisoformat(payload.request.url.partition("#")[2])
    before = table.filter(pl.col("at") <= asked)
    return [
        Weight(VENUE, build.asset_of(base_of(symbol)), at, amount, None, citation=_METRICS)
        for symbol, at, amount in (before.tail(1) if before.height else table.head(1)).iter_rows()
    ]
