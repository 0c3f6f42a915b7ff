"""HTX's contracts and how large they are: open interest, turnover of 24 h; and the form of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Instrument, Instruments, Payload, Request, Weight
from verify.model.errors import RateLimited, SchemaChanged, SourceError, Unavailable, WindowUnsupported
from verify.model.quantity import Quantity

HOST = "https://api.hbdm.com"
APIS = ("/linear-swap-api/v1", "/swap-api/v1")
LINEAR_DOCS = "https://huobiapi.github.io/docs/usdt_swap/v1/en/"
COIN_DOCS = "https://huobiapi.github.io/docs/coin_margined_swap/v1/en/"
#: Errors come with HTTP 200. 1032 is documented; 1347 refuses a range of time, as users of v3 report.
_ERRORS: dict[int, type[SourceError]] = {1032: RateLimited, 1347: WindowUnsupported}
T = TypeVar("T")


class _Contract(msgspec.Struct):
    contract_code: str
    contract_size: float
    symbol: str


class Interest(msgspec.Struct):
    contract_code: str
    symbol: str
    volume: float
    trade_volume: float
    value: float | None = None
    trade_turnover: float | None = None


class Answer(msgspec.Struct, Generic[T]):
    """The envelope of v3 and v5 (`code`, `msg` or `message`) and of v1 (`status`, `err_code`, `err_msg`)."""

    code: int = 200
    status: str = "ok"
    err_code: int = 0
    err_msg: str = ""
    msg: str = ""
    message: str = ""
    ts: int = 0
    data: list[T] | None = None

    @property
    def rows(self) -> list[T]:
        return self.data or []


def answered(kind: type[Answer[T]], payload: Payload, source: str) -> Answer[T]:
    """An answer with rows; what HTX refuses with HTTP 200 is raised."""
    answer = build.decode(kind, payload.body, source, lax=True)
    if answer.code != 200 or answer.status != "ok":
        code = answer.err_code or answer.code
        said = answer.err_msg or answer.msg or answer.message
        raise _ERRORS.get(code, Unavailable)(f"refuses with {code}: {said}", source=source)
    if answer.data is None:
        raise SchemaChanged("the answer has no data", source=source, field="data")
    return answer


def _is_coin(payload: Payload) -> bool:
    return "/swap-api/" in payload.request.url


def weight_requests(_quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Open interest and volume of now; HTX is not asked for those of the past."""
    return [] if at else [Request(f"{HOST}{api}/swap_open_interest", note="HTX open interest") for api in APIS]


def parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Open interest and 24 h volume, halved: both are documented as the sum of buys and sells.

    `value`, of which the documentation does not say so, is `amount` x price, and `amount` is that sum.
    """
    coin = _is_coin(payload)
    answer = answered(Answer[Interest], payload, "htx")
    at = datetime.fromtimestamp(answer.ts / 1000, UTC)
    parts = []
    for row in answer.rows:
        if coin:
            item = instruments.get(row.contract_code)
            size = item.size if item else None
            money = (None if size is None else row.volume * size, None if size is None else row.trade_volume * size)
        else:
            money = (row.value, row.trade_turnover)
        halves = [None if amount is None else amount / 2 for amount in money]
        citation = COIN_DOCS if coin else LINEAR_DOCS
        parts.append(
            Weight("htx", build.asset_of(row.symbol), at, halves[0], halves[1], halved=True, citation=citation)
        )
    return parts


def instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{HOST}{api}/swap_contract_info", note="HTX contracts") for api in APIS]


def parse_instruments(payload: Payload) -> dict[str, Instrument]:
    coin = _is_coin(payload)
    rows = answered(Answer[_Contract], payload, "htx").rows
    sizes = build.amounts([row.contract_size for row in rows], field="contract_size", source="htx")
    return {
        row.contract_code: Instrument(
            "htx",
            row.contract_code,
            build.asset_of(row.symbol),
            size,
            unit="usd" if coin else "base",
            inverse=coin,
            quote="USD" if coin else row.contract_code.split("-")[1],
        )
        for row, size in zip(rows, sizes, strict=True)
    }
