"""Deribit's futures and how large they are: contracts, open interest, 24 h volume; and the form of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from verify.model.errors import RateLimited, SchemaChanged, Unavailable
from verify.model.quantity import Quantity

API = "https://www.deribit.com/api/v2/public"
_SUMMARY_DOCS = "https://docs.deribit.com/api-reference/market-data/public-get_book_summary_by_currency"
_OWN = ("BTC", "ETH")  # coins with inverse futures of their own; the rest is margined in dollar coins
_DOLLARS = ("USDC", "USDT")
_TOO_MANY_REQUESTS = 10028
T = TypeVar("T")


class Refusal(msgspec.Struct, gc=False):
    code: int
    message: str


class Answer(msgspec.Struct, Generic[T]):
    result: T | None = None
    error: Refusal | None = None


class _Future(msgspec.Struct, gc=False):
    instrument_name: str
    instrument_type: str
    base_currency: str
    quote_currency: str
    contract_size: float


class _Summary(msgspec.Struct, gc=False):
    instrument_name: str
    creation_timestamp: int
    open_interest: float | None = None
    volume_usd: float | None = None
    mark_price: float | None = None


def result(kind: type[Answer[T]], body: bytes, source: str) -> T:
    answer = build.decode(kind, body, source)
    refused(answer.error, source)
    if answer.result is None:
        raise SchemaChanged("the answer has no result", source=source, field="result")
    return answer.result


def refused(error: Refusal | None, source: str) -> None:
    if error is not None:
        kind = RateLimited if error.code == _TOO_MANY_REQUESTS else Unavailable
        raise kind(f"refuses with {error.code}: {error.message}", source=source)


def base_of(name: str) -> str:
    """The base coin in the name of a contract: `BTC-PERPETUAL`, `SOL_USDC-PERPETUAL`."""
    return name.split("-")[0].split("_")[0]


def currencies(quantity: Quantity) -> tuple[str, ...]:
    wanted = quantity.assets.names
    return (*(coin for coin in _OWN if wanted is None or coin in wanted), *_DOLLARS)


def instrument_requests(quantity: Quantity) -> Sequence[Request]:
    """Living and recently expired futures: a window in the past may hold trades of either."""
    url = f"{API}/get_instruments"
    return [
        Request(url, (("currency", coin), ("kind", "future"), ("expired", expired)), note=f"{coin} futures")
        for coin in currencies(quantity)
        for expired in ("false", "true")
    ]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    rows = result(Answer[list[_Future]], payload.body, "deribit")
    kinds = build.columns(rows, "instrument_type")["instrument_type"]
    meaning = build.mapped(kinds, {"reversed": "usd", "linear": "base"}, field="instrument_type", source="deribit")
    sizes = build.amounts([row.contract_size for row in rows], field="contract_size", source="deribit")
    return {
        row.instrument_name: Instrument(
            "deribit",
            row.instrument_name,
            build.asset_of(row.base_currency),
            size,
            unit,
            inverse=unit == "usd",
            quote=row.quote_currency,
        )
        for row, unit, size in zip(rows, meaning, sizes, strict=True)
    }


def weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    url = f"{API}/get_book_summary_by_currency"
    coins = () if at else currencies(quantity)
    return [Request(url, (("currency", coin), ("kind", "future")), note=f"{coin} open interest") for coin in coins]


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Outstanding contracts, which are one-sided: in dollars for inverse futures, in coins for linear ones."""
    parts = []
    for row in result(Answer[list[_Summary]], payload.body, "deribit"):
        item = instruments.get(row.instrument_name)
        money = row.open_interest
        if item is None or item.quote not in build.DOLLARS:
            money = None
        elif not item.inverse and money is not None:
            money = None if row.mark_price is None else money * row.mark_price
        at = datetime.fromtimestamp(row.creation_timestamp / 1000, UTC)
        asset = item.asset if item else build.asset_of(base_of(row.instrument_name))
        parts.append(Weight("deribit", asset, at, money, row.volume_usd, citation=_SUMMARY_DOCS))
    return parts
