"""Aster: its public stream of liquidation orders, one per symbol and second."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Source
from sources.lazy import pl
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, SourceSpec, Transport
from sources.streams.binance import ASTER
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis

_DOCS = "https://github.com/asterdex/api-docs/tree/265e024"
_KEY = "aster/force_orders"
_STATUSES = {word: word for word in ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED")}

SPEC = SourceSpec(
    id="aster",
    title="Aster",
    homepage="https://www.asterdex.com",
    hosts=("fstream.asterdex.com",),
    rate=None,
    as_of=date(2026, 11, 22),
    limits=("what happened while nobody listened is not served to anybody",),
    channels=(
        ChannelSpec(
            id="force_orders",
            title="Stream of liquidation orders (`!forceOrder@arr`)",
            transport=Transport.STREAM,
            form=Form.EVENTS,
            docs=(_DOCS,),
            metrics=("liquidations", "liquidation_count"),
            venues=("aster",),
            lineage=(_KEY,),
            completeness=(CompletenessRule(Completeness.CAPPED, _DOCS, cap=Cap(timedelta(seconds=1), Keep.LATEST)),),
            side_rule="`S` is the side of the order: SELL means that a long was liquidated",
            side_citation=_DOCS,
            quantity_unit="base coins",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(0),
        ),
    ),
)


class _Order(msgspec.Struct, gc=False):
    s: str
    S: str
    q: str
    ap: str
    X: str
    z: str
    T: int


class _Fault(msgspec.Struct):
    msg: str = ""
    code: int = 0


_NOTHING = msgspec.Raw()


class _Message(msgspec.Struct, gc=False):
    e: str | None = None
    o: msgspec.Raw = _NOTHING
    stream: str | None = None
    data: msgspec.Raw = _NOTHING
    id: int | str | None = None
    error: _Fault | None = None


def _message(body: bytes, received: datetime, _instruments: Instruments) -> pl.DataFrame:
    """The order of one message, bare or in the envelope of a combined stream; acknowledgements hold none."""
    told = build.decode(_Message, body, _KEY)
    if told.stream is not None:
        if bytes(told.data) == b"":
            raise SchemaChanged("a message of a stream has no data", source=_KEY, field="data")
        told = build.decode(_Message, bytes(told.data), _KEY)
    if told.error is not None:
        raise Unavailable(f"the stream refuses with {told.error.code}: {told.error.msg}", source=_KEY)
    if told.e is None:
        if told.id is not None:
            return build.no_events()
        raise SchemaChanged("a message names no event", source=_KEY, field="e")
    if told.e != "forceOrder":
        return build.no_events()
    if bytes(told.o) == b"":
        raise SchemaChanged("the event has no order", source=_KEY, field="o")
    order = build.decode(_Order, bytes(told.o), _KEY)
    return _events(order, received)


def _events(order: _Order, received: datetime) -> pl.DataFrame:
    """What was filled, at the average price; an order without any fill is no event."""
    build.mapped([order.X], _STATUSES, field="X", source=_KEY)
    frame = pl.DataFrame(
        {
            "time": build.times([order.T], unit="ms", field="T", source=_KEY),
            "side": build.sides([order.S], "SELL", "BUY", field="S", source=_KEY),
            "ordered": build.amounts([order.q], field="q", source=_KEY),
            "quantity": build.amounts([order.z], field="z", source=_KEY, zero=True),
            "price": build.amounts([order.ap], field="ap", source=_KEY, zero=True),
        }
    )
    if (frame["quantity"] > frame["ordered"]).any():
        raise Suspect("z is more than q", source=_KEY)
    frame = frame.filter(pl.col("quantity") > 0)
    build.amounts(frame["price"], field="ap", source=_KEY)
    base = next((order.s.removesuffix(quote) for quote in build.DOLLARS[::-1] if order.s.endswith(quote)), "")
    frame = frame.with_columns(
        instrument=pl.lit(order.s),
        asset=pl.lit(build.asset_of(base or order.s)),
        notional_usd=pl.col("quantity") * pl.col("price") if base else pl.lit(None, dtype=pl.Float64),
    )
    ids = build.identities(frame, "instrument", "time", "side", "quantity", "price")
    return build.events(
        frame.with_columns(event_id=ids),
        venue="aster",
        source=_KEY,
        price_basis=Basis.AVERAGE_FILL,
        received=received,
    )


SOURCE = Source(SPEC, {"force_orders": Channel(message=_message, stream=ASTER)})
