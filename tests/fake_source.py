"""A small adapter for the tests of the machinery: one provider, `fake`, that answers in Gate's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
import polars as pl

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

NOW = datetime(2026, 1, 19, 4, 0, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=4), NOW)
DOCS = "https://docs.fake.example/liquidations"
QUICK = Rate(10_000, timedelta(seconds=1))
ORDERS = "/v1/liquidations"


class Order(msgspec.Struct):
    id: str
    time: int
    side: str
    size: float
    price: float


class Page(msgspec.Struct):
    orders: list[Order]
    next: str = ""


def source(
    identity: str = "fake",
    *,
    rate: Rate = QUICK,
    auth: tuple[str, ...] = (),
    auth_headers: tuple[str, ...] = (),
    history: timedelta | None = timedelta(days=90),
    hosts: tuple[str, ...] = (),
    requests: Callable[[Window, Quantity], Sequence[Request]] | None = None,
    follow: Callable[[Payload, Window, Quantity], Sequence[Request]] | None = None,
    transport: Transport = Transport.REST,
) -> Source:
    """A source at `api.<identity>.example` with one channel, `orders`, that pages by the cursor `next`."""
    host = f"api.{identity}.example"
    url = f"https://{host}{ORDERS}"
    channel = ChannelSpec(
        id="orders",
        title="Liquidation orders",
        transport=transport,
        form=Form.EVENTS,
        docs=(DOCS,),
        metrics=("liquidations",),
        venues=(identity,),
        lineage=(f"{identity}/orders",),
        completeness=(CompletenessRule(Completeness.COMPLETE, DOCS),),
        side_rule="the side of the position, as stated",
        side_citation=DOCS,
        quantity_unit="coins",
        price_basis=Basis.AVERAGE_FILL,
        quantity_basis=QuantityBasis.FILLED,
        history=history,
    )
    spec = SourceSpec(
        id=identity,
        title=identity.title(),
        homepage="https://fake.example",
        channels=(channel,),
        hosts=(host, *hosts),
        rate=rate,
        as_of=date(2026, 1, 1),
        auth=auth,
        auth_headers=auth_headers,
    )

    def first(window: Window, _quantity: Quantity) -> Sequence[Request]:
        span = (("from", build_ms(window.start)), ("to", build_ms(window.end)))
        return (Request(url, span, note="orders"),)

    def next_page(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
        cursor = build.decode(Page, payload.body, f"{identity}/orders").next
        if not cursor:
            return ()
        kept = tuple(pair for pair in payload.request.params if pair[0] != "cursor")
        return (Request(url, (*kept, ("cursor", cursor)), note="next page"),)

    return Source(spec, {"orders": Channel(requests=requests or first, follow=follow or next_page, parse=parse)})


def parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    name = "fake/orders"
    rows = build.decode(Page, payload.body, name).orders
    wire = build.columns(rows, "id", "time", "side", "size", "price")
    size = build.amounts(wire["size"], field="size", source=name)
    price = build.amounts(wire["price"], field="price", source=name)
    frame = {
        "time": build.times(wire["time"], unit="ms", field="time", source=name),
        "instrument": ["BTC_USDT"] * len(rows),
        "asset": ["BTC"] * len(rows),
        "side": build.sides(wire["side"], "long", "short", field="side", source=name),
        "quantity": size,
        "price": price,
        "notional_usd": size * price,
        "event_id": wire["id"],
    }
    return build.events(
        frame,
        venue="fake",
        source=name,
        price_basis=Basis.AVERAGE_FILL,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def page(*identities: str, next: str = "", size: str = "2", price: str = "50000", time: int | None = None) -> bytes:
    """A page of orders a minute before `NOW`; numbers are given as JSON text, so that they may be no numbers."""
    moment = time if time is not None else int((NOW - timedelta(minutes=1)).timestamp() * 1000)
    rows = ",".join(
        f'{{"id":"{name}","time":{moment},"side":"long","size":{size},"price":{price}}}' for name in identities
    )
    return f'{{"orders":[{rows}],"next":"{next}"}}'.encode()


def build_ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
