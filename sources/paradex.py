"""Paradex: liquidations on its public tape of trades."""

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
from verify.model.errors import SchemaChanged, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://api.prod.paradex.trade/v1"
_DOCS = "https://docs.paradex.trade"
_CLIENT = "https://github.com/tradeparadex/paradex-py/tree/334a7f8"
_KEY = "paradex/trades"
_PAGE = 1000
_TYPES = {name: name for name in ("FILL", "LIQUIDATION", "RPI", "TRANSFER", "SETTLE_MARKET", "BLOCK_TRADE")}

SPEC = SourceSpec(
    id="paradex",
    title="Paradex",
    homepage="https://www.paradex.trade",
    kind="chain",
    hosts=("api.prod.paradex.trade",),
    rate=Rate(10, timedelta(seconds=1)),  # no limit for public trades was found
    as_of=date(2026, 11, 22),
    limits=("perpetuals in dollars; options are left out",),
    channels=(
        ChannelSpec(
            id="trades",
            title="Trades of type LIQUIDATION, all markets",
            transport=Transport.REST,
            form=Form.EVENTS,
            docs=(_DOCS, _CLIENT),
            metrics=("liquidations", "liquidation_count"),
            venues=("paradex",),
            lineage=(_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _CLIENT,
                    note="that all markets may be asked for at once was seen for block trades only",
                    confirmed=False,
                ),
            ),
            side_rule="`side` is the taker's, who is taken to be the liquidated account: SELL means a long",
            side_citation=_CLIENT,
            quantity_unit="base coins",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            page=_PAGE,
            doubts=(
                "That the server filters by `trade_type` and by time is taken from the code of others.",
                "That the taker of a liquidation is the liquidated account is not documented.",
                "How far back it answers is not documented.",
            ),
        ),
    ),
)


class _Trade(msgspec.Struct, gc=False):
    id: str
    market: str
    price: str
    size: str
    side: str
    created_at: int
    trade_type: str


class _Answer(msgspec.Struct):
    results: list[_Trade] | None = None
    next: str | None = None
    error: str = ""
    message: str = ""


def _requests(window: Window, _quantity: Quantity) -> Sequence[Request]:
    times = (("start_at", milliseconds(window.start)), ("end_at", milliseconds(window.end)))
    params = (("trade_type", "LIQUIDATION"), *times, ("page_size", str(_PAGE)))
    return [Request(f"{_API}/trades", params, note="liquidations of all markets")]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """A cursor carries the question along and is sent alone."""
    cursor = _answer(payload.body).next
    return [replace(payload.request, params=(("cursor", cursor),))] if cursor else ()


def _answer(body: bytes) -> _Answer:
    answer = build.decode(_Answer, body, _KEY)
    if answer.error:
        raise Unavailable(f"refuses with {answer.error}: {answer.message}", source=_KEY)
    if answer.results is None:
        raise SchemaChanged("the answer holds no results", source=_KEY, field="results")
    return answer


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    wire = build.columns(_answer(payload.body).results or [], *_Trade.__struct_fields__)
    table = pl.DataFrame(
        {
            "time": build.times(wire["created_at"], unit="ms", field="created_at", source=_KEY),
            "instrument": pl.Series(wire["market"], dtype=pl.String),
            "side": build.sides(wire["side"], "SELL", "BUY", field="side", source=_KEY),
            "quantity": build.amounts(wire["size"], field="size", source=_KEY),
            "price": build.amounts(wire["price"], field="price", source=_KEY),
            "type": build.mapped(wire["trade_type"], _TYPES, field="trade_type", source=_KEY),
            "event_id": pl.Series(wire["id"], dtype=pl.String),
        }
    ).filter(pl.col("type") == "LIQUIDATION", pl.col("instrument").str.ends_with("-USD-PERP"))
    assets = {name: build.asset_of(name.removesuffix("-USD-PERP")) for name in table["instrument"].unique()}
    data = table.with_columns(
        asset=pl.col("instrument").replace_strict(assets, return_dtype=pl.String),
        notional_usd=pl.col("quantity") * pl.col("price"),
    )
    return build.events(
        data,
        venue="paradex",
        source=_KEY,
        price_basis=Basis.AVERAGE_FILL,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _control() -> Request:
    return Request(f"{_API}/system/time", note="the server's time")


def _alive(payload: Payload) -> bool:
    return b"server_time" in payload.body


SOURCE = Source(SPEC, {"trades": Channel(_requests, _parse, _follow, control=_control, control_alive=_alive)})
