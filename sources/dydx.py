"""dYdX v4: liquidations among the trades of its chain, read from the public indexer market by market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window, iso

_API = "https://indexer.dydx.trade/v4"
_DOCS = "https://github.com/dydxprotocol/v4-chain/blob/84d4664/indexer/services/comlink/public/api-documentation.md"
_PAGING = "https://github.com/dydxprotocol/v4-chain/tree/84d4664/indexer/services/comlink/src/controllers/api/v4"
_KEY = "dydx/trades"
_PAGE = 1000
_MAJORS = ("BTC", "ETH", "SOL")
_TYPES = {name: name for name in ("LIMIT", "LIQUIDATED", "DELEVERAGED", "TWAP_SUBORDER")}

SPEC = SourceSpec(
    id="dydx",
    title="dYdX v4",
    homepage="https://dydx.trade",
    kind="chain",
    hosts=("indexer.dydx.trade",),
    rate=Rate(100, timedelta(seconds=10), _DOCS),
    as_of=date(2026, 11, 22),
    limits=("auto-deleveraging (type DELEVERAGED) is not counted",),
    channels=(
        ChannelSpec(
            id="trades",
            title="Trades of a market, newest first",
            transport=Transport.REST,
            form=Form.EVENTS,
            docs=(_DOCS, _PAGING),
            metrics=("liquidations", "liquidation_count"),
            venues=("dydx",),
            lineage=(_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _DOCS,
                    note="every fill of type LIQUIDATED; that the public indexer lost none is not documented",
                    confirmed=False,
                ),
            ),
            side_rule="`side` is the taker's, who is the liquidated account: SELL means that a long was liquidated",
            side_citation=_PAGING,
            quantity_unit="base coins",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            page=_PAGE,
            selected=f"where no asset is named, only the markets of {', '.join(_MAJORS)} are asked for",
            doubts=(
                "How far back the public indexer answers is not documented. All trades of the window are walked "
                "through, a thousand at a time, to find the liquidations among them.",
            ),
        ),
    ),
)


class _Trade(msgspec.Struct, gc=False):
    id: str
    side: str
    size: str
    price: str
    type: str
    createdAt: str
    createdAtHeight: str


class _Fault(msgspec.Struct):
    msg: str = ""


class _Answer(msgspec.Struct):
    trades: list[_Trade] | None = None
    errors: list[_Fault] = []


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    end = window.end - timedelta(milliseconds=1)  # times before or at it belong to the answer
    return [
        Request(
            f"{_API}/trades/perpetualMarket/{asset}-USD",
            (("limit", str(_PAGE)), ("createdBeforeOrAt", iso(end))),
            note=f"{asset}-USD trades",
        )
        for asset in sorted(quantity.assets.names or _MAJORS)
    ]


def _follow(payload: Payload, window: Window, _quantity: Quantity) -> Sequence[Request]:
    """A full page is followed from its last block, which may be cut in two; ids tell the rows."""
    rows = _rows(payload.body)
    if len(rows) < _PAGE or _times(rows[-1:])[0] < window.start:
        return ()
    height = ("createdBeforeOrAtHeight", rows[-1].createdAtHeight)
    if height in payload.request.params:
        raise Suspect(f"a page of trades in block {height[1]}", source=_KEY)
    return [replace(payload.request, params=(("limit", str(_PAGE)), height))]


def _rows(body: bytes) -> list[_Trade]:
    answer = build.decode(_Answer, body, _KEY)
    if answer.errors:
        raise Unavailable(f"refuses: {'; '.join(fault.msg for fault in answer.errors)}", source=_KEY)
    if answer.trades is None:
        raise SchemaChanged("the answer holds no trades", source=_KEY, field="trades")
    return answer.trades


def _times(rows: Sequence[_Trade]) -> pl.Series:
    text = pl.Series("createdAt", [row.createdAt for row in rows], dtype=pl.String)
    found = text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
    if found.null_count():
        raise SchemaChanged(f"createdAt is {text.filter(found.is_null())[0]!r}", source=_KEY, field="createdAt")
    return found


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    rows = _rows(payload.body)
    wire = build.columns(rows, *_Trade.__struct_fields__)
    market = payload.request.url.rpartition("/")[2]
    table = pl.DataFrame(
        {
            "time": _times(rows),
            "side": build.sides(wire["side"], "SELL", "BUY", field="side", source=_KEY),
            "quantity": build.amounts(wire["size"], field="size", source=_KEY),
            "price": build.amounts(wire["price"], field="price", source=_KEY),
            "type": build.mapped(wire["type"], _TYPES, field="type", source=_KEY),
            "event_id": pl.Series(wire["id"], dtype=pl.String),
        }
    ).filter(pl.col("type") == "LIQUIDATED")
    data = table.with_columns(
        instrument=pl.lit(market),
        asset=pl.lit(build.asset_of(market.removesuffix("-USD").partition(",")[0] or market)),
        notional_usd=pl.col("quantity") * pl.col("price"),
    )
    return build.events(
        data,
        venue="dydx",
        source=_KEY,
        price_basis=Basis.AVERAGE_FILL,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _control() -> Request:
    return Request(f"{_API}/height", note="the height of the chain")


def _alive(payload: Payload) -> bool:
    return b'"height"' in payload.body


SOURCE = Source(SPEC, {"trades": Channel(_requests, _parse, _follow, control=_control, control_alive=_alive)})
