"""Gate's contracts: their sizes, statistics requests, weights, and the question that is never answered with nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from sources.plan import pieces
from verify.model.errors import RateLimited, Unavailable
from verify.model.quantity import Quantity
from verify.model.window import Window

API = "https://api.gateio.ws/api/v4/futures"
SDK = "https://github.com/gateio/gateapi-python/blob/master/docs"
SETTLED = ("usdt", "btc")
BAR, BARS = timedelta(minutes=5), 96  # eight hours; an answer of 99 rows was observed by others

_MAJORS = ("BTC", "DOGE", "ETH", "SOL", "XRP")
Row = TypeVar("Row")


class Refusal(msgspec.Struct, gc=False):
    label: str
    message: str = ""


class Stat(msgspec.Struct, gc=False):
    time: int
    long_liq_usd: float
    short_liq_usd: float
    open_interest_usd: float | None = None


class Contract(msgspec.Struct, gc=False):
    name: str
    quanto_multiplier: float
    mark_price: float
    position_size: float


class Ticker(msgspec.Struct, gc=False):
    contract: str
    volume_24h_quote: float


def answer(row: type[Row], body: bytes, source: str) -> list[Row]:
    """The rows of an answer; an error body raises `RateLimited` or `Unavailable` with what Gate says."""
    decoded = build.decode(list[row] | Refusal, body, source, lax=True)  # type: ignore[valid-type, arg-type]
    if isinstance(decoded, Refusal):
        error = RateLimited if decoded.label == "TOO_MANY_REQUESTS" else Unavailable
        raise error(f"refused: {decoded.label} {decoded.message}".strip(), source=source)
    return decoded


def base_of(contract: str) -> str:
    return contract.partition("_")[0]


def moment(seconds: float | str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def stats_requests(window: Window, quantity: Quantity) -> list[Request]:
    """The USDT contract of each asset, of the largest where none is named, eight hours at a time."""
    first = moment(window.start.timestamp() // BAR.total_seconds() * BAR.total_seconds())
    found = []
    for asset in sorted(quantity.assets.names or _MAJORS):
        for part in pieces(Window(first, window.end), BAR * BARS):
            params = (
                ("contract", f"{asset}_USDT"),
                ("from", str(int(part.start.timestamp()))),
                ("interval", "5m"),
                ("limit", str(-(-part.length // BAR))),
            )
            found.append(Request(f"{API}/usdt/contract_stats", params, note=f"five-minute statistics of {asset}"))
    return found


def contract_requests(_quantity: Quantity) -> list[Request]:
    return [Request(f"{API}/{settled}/contracts", note="contract sizes") for settled in SETTLED]


def parse_contracts(payload: Payload) -> dict[str, Instrument]:
    """Contracts of `quanto_multiplier` coins, or of 1 USD where that is 0.

    Source: https://github.com/gateio/gateapi-python/issues/137. The size of a contract that is quoted in one coin
    and settled in another (ETH_USD in BTC) is in neither, and stays unknown.
    """
    rows = answer(Contract, payload.body, "gate/instruments")
    sizes = build.amounts(
        [row.quanto_multiplier for row in rows], field="quanto_multiplier", source="gate/instruments", zero=True
    )
    return {row.name: _instrument(row.name, size, payload) for row, size in zip(rows, sizes, strict=True)}


def _instrument(name: str, multiplier: float, payload: Payload) -> Instrument:
    base, _, quote = name.partition("_")
    asset = build.asset_of(base)
    if multiplier == 0:
        return Instrument("gate", name, asset, 1.0, unit="usd", inverse=True, quote=quote)
    quanto = "/btc/" in payload.request.url
    return Instrument("gate", name, asset, None if quanto else multiplier, quote=quote)


def weight_requests(quantity: Quantity, at: datetime | None) -> list[Request]:
    """Contracts and tickers for now; for a past time the statistics of the named assets."""
    if at is None:
        return [Request(f"{API}/{settled}/{what}") for settled in SETTLED for what in ("contracts", "tickers")]
    return stats_requests(Window(at, at + BAR), quantity) if quantity.assets.names else []


def parse_weights(payload: Payload, _instruments: Instruments) -> list[Weight]:
    """Parts of weights: open interest from contracts and statistics, 24 h volume from tickers."""
    if payload.request.url.endswith("/contract_stats"):
        return _past(payload)
    if payload.request.url.endswith("/tickers"):
        tickers = answer(Ticker, payload.body, "gate/weights")
        volumes = _checked([row.volume_24h_quote for row in tickers], "volume_24h_quote")
        names = [build.asset_of(base_of(row.contract)) for row in tickers]
        return [
            Weight("gate", name, payload.received, None, volume) for name, volume in zip(names, volumes, strict=True)
        ]
    return _present(payload)


def _present(payload: Payload) -> list[Weight]:
    """`position_size` is that of all longs, one side (Contract.md of the SDK)."""
    contracts = parse_contracts(payload)
    rows = answer(Contract, payload.body, "gate/weights")
    sizes = _checked([row.position_size for row in rows], "position_size")
    prices = _checked([row.mark_price for row in rows], "mark_price")
    found = []
    for row, size, price in zip(rows, sizes, prices, strict=True):
        contract = contracts[row.name]
        if contract.size is not None:
            dollars = size * contract.size * (1.0 if contract.inverse else price)
            found.append(Weight("gate", contract.asset, payload.received, dollars, None, citation=f"{SDK}/Contract.md"))
    return found


def _past(payload: Payload) -> list[Weight]:
    """The statistics count longs and shorts, as others have measured: the figure is halved."""
    asset = build.asset_of(base_of(dict(payload.request.params).get("contract", "")))
    rows = [row for row in answer(Stat, payload.body, "gate/weights") if row.open_interest_usd is not None]
    both = _checked([row.open_interest_usd for row in rows], "open_interest_usd")
    return [
        Weight("gate", asset, moment(row.time), dollars / 2, None, halved=True, citation=f"{SDK}/ContractStat.md")
        for row, dollars in zip(rows[:1], both[:1], strict=True)
    ]


def _checked(values: list[float] | list[float | None], field: str) -> list[float]:
    checked: list[float] = build.amounts(values, field=field, source="gate/weights", zero=True).to_list()
    return checked


def control() -> Request:
    return Request(f"{API}/usdt/tickers", (("contract", "BTC_USDT"),), note="a ticker, which is never empty")


def alive(payload: Payload) -> bool:
    return bool(answer(Ticker, payload.body, "gate/control"))
