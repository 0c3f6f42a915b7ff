"""BitMEX's contracts and the size of its markets, both from one list of instruments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from verify.model.errors import RateLimited, Unavailable
from verify.model.quantity import Quantity

VENUE = "bitmex"
API = "https://www.bitmex.com/api/v1"
_DOCS = "https://github.com/BitMEX/api-connectors/blob/master/auto-generated/python/docs/Instrument.md"

# Small units of the settlement currencies in one coin, and the contract whose mark price values that coin in dollars.
# https://www.bitmex.com/api/v1/wallet/assets
_SETTLED = {"XBt": (1e8, "XBTUSD"), "USDt": (1e6, None), "Gwei": (1e9, "ETHUSD")}


class _Instrument(msgspec.Struct, gc=False):
    symbol: str
    underlying: str
    quoteCurrency: str
    settlCurrency: str | None
    isInverse: bool
    isQuanto: bool
    multiplier: float | None
    timestamp: datetime
    underlyingToPositionMultiplier: float | None = None
    markPrice: float | None = None
    openValue: float | None = None
    turnover24h: float | None = None


class _Error(msgspec.Struct, gc=False):
    message: str
    name: str = ""


class _Refusal(msgspec.Struct, gc=False):
    error: _Error


class _Price(msgspec.Struct, gc=False):
    symbol: str
    lastPrice: float


def checked(payload: Payload, source: str) -> bytes:
    """The body of an answer, unless it is an error, which is raised."""
    if payload.body.lstrip().startswith(b'{"error"'):
        error = build.decode(_Refusal, payload.body, source).error
        kind = RateLimited if error.name == "RateLimitError" else Unavailable
        raise kind(f"refused: {error.message} ({error.name})", source=source)
    return payload.body


def instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{API}/instrument/active", note="contracts and their multipliers")]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Contracts: inverse ones are dollars, linear ones parts of a coin; of quanto ones and of indices no size is known.

    https://github.com/BitMEX/api-connectors/blob/master/auto-generated/python/docs/Instrument.md
    """
    rows = build.decode(list[_Instrument], checked(payload, VENUE), VENUE)
    return {
        row.symbol: Instrument(
            VENUE,
            row.symbol,
            build.asset_of(row.underlying),
            _size(row),
            "usd" if row.isInverse else "base",
            row.isInverse,
            row.quoteCurrency,
        )
        for row in rows
        if row.underlying
    }


def _size(row: _Instrument) -> float | None:
    """Dollars of an inverse contract, coins of a linear one. What a quanto contract is worth changes with its price."""
    if row.isQuanto or row.multiplier is None or row.settlCurrency not in _SETTLED:
        return None
    if row.isInverse:
        return abs(row.multiplier) / _SETTLED[row.settlCurrency][0] or None
    return 1 / row.underlyingToPositionMultiplier if row.underlyingToPositionMultiplier else None


def weight_requests(_quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """The list of instruments; of a past time nothing is served."""
    return [Request(f"{API}/instrument/active", note="open interest and volumes")] if at is None else ()


def parse_weights(payload: Payload, _instruments: Instruments) -> Sequence[Weight]:
    """Values in settlement units, in dollars at the mark price of the settlement coin in the same answer.

    That they count one side is how the venue shows them; no document says so.
    """
    rows = build.decode(list[_Instrument], checked(payload, VENUE), VENUE)
    marks: dict[str | None, float | None] = {row.symbol: row.markPrice for row in rows}
    found = []
    for row in rows:
        units, valued_by = _SETTLED.get(row.settlCurrency or "", (None, None))
        price = 1.0 if valued_by is None else marks.get(valued_by)
        if units is None or price is None or row.openValue is None or row.turnover24h is None:
            continue
        amounts = build.amounts([row.openValue, row.turnover24h], field="openValue", source=VENUE, zero=True)
        interest, traded = (amounts * price / units).to_list()
        found.append(
            Weight(
                VENUE, build.asset_of(row.underlying), row.timestamp.astimezone(UTC), interest, traded, citation=_DOCS
            )
        )
    return found


def control() -> Request:
    columns = (("symbol", "XBTUSD"), ("columns", "lastPrice"))
    return Request(f"{API}/instrument", columns, note="price of XBTUSD, which is always there")


def control_alive(payload: Payload) -> bool:
    return bool(build.decode(list[_Price], checked(payload, VENUE), VENUE))
