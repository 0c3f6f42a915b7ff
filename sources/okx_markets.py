"""OKX's contracts: their sizes, open interest and volume, and the form of its answers."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from sources.lazy import pl
from verify.model.errors import RateLimited, Unavailable
from verify.model.quantity import Quantity

API = "https://www.okx.com/api/v5"

_INTEREST_DOCS = "https://www.okx.com/docs-v5/en/#public-data-rest-api-get-open-interest"
_SOURCE = "okx/weights"
_TOO_MANY_REQUESTS = ("50011", "50061")
T = TypeVar("T")


class Verdict(msgspec.Struct, gc=False):
    code: str
    msg: str = ""


class Answer(msgspec.Struct, Generic[T]):
    data: list[T]


class Contract(msgspec.Struct, gc=False):
    instId: str
    ctVal: str
    ctMult: str
    ctValCcy: str


class Interest(msgspec.Struct, gc=False):
    instId: str
    oiUsd: float


class Ticker(msgspec.Struct, gc=False):
    instId: str
    last: float
    volCcy24h: float


def rows(row: type[T], body: bytes, source: str) -> list[T]:
    """The rows of an answer; a code other than 0 raises `RateLimited` or `Unavailable`, whatever the HTTP status."""
    verdict = build.decode(Verdict, body, source)
    if verdict.code != "0":
        error = RateLimited if verdict.code in _TOO_MANY_REQUESTS else Unavailable
        raise error(f"refused: {verdict.code} {verdict.msg}".strip(), source=source)
    return build.decode(Answer[row], body, source, lax=True).data  # type: ignore[valid-type]


def base_of(contract: str) -> str:
    return contract.partition("-")[0]


def quote_of(contract: str) -> str:
    """`BTC-USDT-SWAP` -> `USDT`; `BTC-USD_UM-SWAP`, margined in dollar coins, -> `USD`."""
    return contract.partition("-")[2].partition("-")[0].partition("_")[0]


def instrument_requests(_quantity: Quantity) -> list[Request]:
    kinds = ("SWAP", "FUTURES")
    return [Request(f"{API}/public/instruments", (("instType", kind),), note=f"sizes of {kind}") for kind in kinds]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """A contract is `ctVal` x `ctMult` of `ctValCcy`: the base coin, or USD where the contract is inverse."""
    found = rows(Contract, payload.body, "okx/instruments")
    values = _sizes([row.ctVal for row in found], "ctVal")
    factors = _sizes([row.ctMult for row in found], "ctMult")
    sizes = (values * factors).to_list()
    return {row.instId: _instrument(row, size) for row, size in zip(found, sizes, strict=True)}


def _sizes(written: list[str], field: str) -> pl.Series:
    """An empty text is a size that OKX does not tell."""
    return build.amounts([text or None for text in written], field=field, source="okx/instruments", nullable=True)


def _instrument(row: Contract, size: float | None) -> Instrument:
    base, quote = base_of(row.instId), quote_of(row.instId)
    asset = build.asset_of(base)
    if row.ctValCcy == "USD":
        return Instrument("okx", row.instId, asset, size, unit="usd", inverse=True, quote="USD")
    return Instrument("okx", row.instId, asset, size if row.ctValCcy == base else None, quote=quote)


def weight_requests(_quantity: Quantity, at: datetime | None) -> list[Request]:
    """Open interest and tickers of all swaps; OKX serves no weights of a past time here."""
    if at is not None:
        return []
    return [
        Request(f"{API}/public/open-interest", (("instType", "SWAP"),), note="open interest"),
        Request(f"{API}/market/tickers", (("instType", "SWAP"),), note="24 h volume"),
    ]


def parse_weights(payload: Payload, _instruments: Instruments) -> list[Weight]:
    """Parts of weights: `oiUsd` of one side, and `volCcy24h` coins at the last price."""
    if payload.request.url.endswith("/open-interest"):
        interests = rows(Interest, payload.body, _SOURCE)
        dollars = build.amounts([row.oiUsd for row in interests], field="oiUsd", source=_SOURCE, zero=True)
        return [
            Weight("okx", _asset(row.instId), payload.received, figure, None, citation=_INTEREST_DOCS)
            for row, figure in zip(interests, dollars, strict=True)
        ]
    tickers = rows(Ticker, payload.body, _SOURCE)
    coins = build.amounts([row.volCcy24h for row in tickers], field="volCcy24h", source=_SOURCE, zero=True)
    prices = build.amounts([row.last for row in tickers], field="last", source=_SOURCE)
    return [
        Weight("okx", _asset(row.instId), payload.received, None, volume)
        for row, volume in zip(tickers, coins * prices, strict=True)
        if quote_of(row.instId) in build.DOLLARS
    ]


def _asset(contract: str) -> str:
    return build.asset_of(base_of(contract))


def control() -> Request:
    return Request(f"{API}/public/time", note="the server's time")


def alive(payload: Payload) -> bool:
    return bool(rows(dict[str, str], payload.body, "okx/control"))
