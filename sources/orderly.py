"""Orderly: positions that were liquidated, over a range of time (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://api.orderly.org/v1/public"
_DOCS = "https://orderly.network/docs/build-on-omnichain/restful-api/public/get-liquidated-positions-info.md"
_OWN = "https://www.orderly.network/docs/build-on-omnichain/evm-api/restful-api/private/get-liquidated-positions-of-account"
_KEY = "orderly/liquidated_positions"
_PAGE = 100

SPEC = SourceSpec(
    id="orderly",
    title="Orderly",
    homepage="https://orderly.network",
    hosts=("api.orderly.org",),
    rate=Rate(10, timedelta(seconds=1), _DOCS),
    as_of=date(2026, 11, 22),
    limits=("spot and strategy vaults have no liquidations here",),
    channels=(
        ChannelSpec(
            id="liquidated_positions",
            title="Liquidated positions",
            transport=Transport.REST,
            form=Form.EVENTS,
            docs=(_DOCS, _OWN),
            metrics=("liquidations", "liquidation_count"),
            venues=("orderly",),
            lineage=(_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _DOCS,
                    note="positions that were fully liquidated; whether a part of one is listed is not documented",
                    confirmed=False,
                ),
            ),
            side_rule="the sign of `cost_position_transfer`: above zero a long was taken over, below zero a short",
            side_citation=_OWN,
            quantity_unit="coins",
            price_basis=Basis.MARK,
            quantity_basis=QuantityBasis.POSITION,
            page=_PAGE,
            doubts=(
                "The side is read from the sign of what was transferred, as positions are signed elsewhere in this "
                "API; no document says so for this list.",
                "How far back it answers is not documented.",
                "The money is that of the transfer to the liquidator, not of a trade.",
            ),
        ),
    ),
)


class _Leg(msgspec.Struct, gc=False):
    symbol: str
    cost_position_transfer: float
    transfer_price: float


class _Row(msgspec.Struct, gc=False):
    timestamp: int
    liquidation_id: int
    type: str
    positions_by_perp: list[_Leg]


class _Meta(msgspec.Struct):
    records_per_page: int = _PAGE


class _Data(msgspec.Struct):
    rows: list[_Row]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Answer(msgspec.Struct):
    success: bool
    data: _Data | None = None
    code: int = 0
    message: str = ""


def _requests(window: Window, _quantity: Quantity) -> Sequence[Request]:
    """All markets at once: asked for one, the other legs of an account come as well. Both ends are taken to belong."""
    params = (
        ("start_t", milliseconds(window.start)),
        ("end_t", str(int(milliseconds(window.end)) - 1)),
        ("page", "1"),
        ("size", str(_PAGE)),
    )
    return [Request(f"{_API}/liquidated_positions", params, note="page 1")]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """Pages until a short one: the total that the answer states stops growing at 500."""
    data = _data(payload.body)
    if not data.rows or len(data.rows) < min(_PAGE, data.meta.records_per_page):
        return ()
    asked = dict(payload.request.params)
    if "page" not in asked:
        return ()
    page = str(int(asked["page"]) + 1)
    return [replace(payload.request, params=tuple((asked | {"page": page}).items()), note=f"page {page}")]


def _data(body: bytes) -> _Data:
    answer = build.decode(_Answer, body, _KEY)
    if not answer.success:
        raise Unavailable(f"refuses with {answer.code}: {answer.message}", source=_KEY)
    if answer.data is None:
        raise SchemaChanged("the answer holds no data", source=_KEY, field="data")
    return answer.data


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One event per leg of an account's liquidation; legs without a transfer are none."""
    rows = _data(payload.body).rows
    legs = [(row, leg) for row in rows for leg in row.positions_by_perp]
    table = pl.DataFrame(
        {
            "time": build.times([row.timestamp for row, _ in legs], unit="ms", field="timestamp", source=_KEY),
            "id": pl.Series([row.liquidation_id for row, _ in legs], dtype=pl.Int64),
            "instrument": pl.Series([leg.symbol for _, leg in legs], dtype=pl.String),
            "cost": build.numbers(
                [leg.cost_position_transfer for _, leg in legs], field="cost_position_transfer", source=_KEY
            ),
            "price": build.amounts(
                [leg.transfer_price for _, leg in legs], field="transfer_price", source=_KEY, zero=True
            ),
        }
    )
    build.mapped([row.type for row in rows], {"liquidated": "liquidated"}, field="type", source=_KEY)
    table = table.filter(pl.col("cost") != 0)
    if (table["price"] == 0).any():
        raise Suspect("money was transferred at a transfer_price of zero", source=_KEY)
    assets = {name: build.asset_of(_base_of(name)) for name in table["instrument"].unique()}
    data = table.with_columns(
        asset=pl.col("instrument").replace_strict(assets, return_dtype=pl.String),
        side=build.side_of_sign(table["cost"], positive="long", field="cost_position_transfer", source=_KEY),
        notional_usd=pl.col("cost").abs(),
        quantity=pl.col("cost").abs() / pl.col("price"),
        event_id=build.identities(table, "time", "id", "instrument", "cost"),
    )
    return build.events(
        data,
        venue="orderly",
        source=_KEY,
        price_basis=Basis.MARK,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _base_of(symbol: str) -> str:
    """`PERP_ETH_USDC` -> `ETH`."""
    kind, _, rest = symbol.partition("_")
    base, _, quote = rest.partition("_")
    if kind != "PERP" or not base or quote not in build.DOLLARS:
        raise SchemaChanged(f"symbol is {symbol!r}, not PERP_<coin>_USDC", source=_KEY, field="symbol")
    return base


def _control() -> Request:
    return Request(f"{_API}/system_info", note="the state of the system")


def _alive(payload: Payload) -> bool:
    return b'"success":true' in payload.body.replace(b" ", b"")


SOURCE = Source(
    SPEC,
    {"liquidated_positions": Channel(_requests, _parse, _follow, control=_control, control_alive=_alive)},
)
