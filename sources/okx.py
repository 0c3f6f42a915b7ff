"""OKX: liquidation orders of the last day over REST, and the stream of the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Literal

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.okx_markets import (
    API,
    alive,
    base_of,
    control,
    instrument_requests,
    parse_instruments,
    parse_weights,
    rows,
    weight_requests,
)
from sources.plan import milliseconds
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.okx import LIQUIDATIONS
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

REST, STREAM = "okx/liquidation_orders", "okx/liquidation_stream"
_DOCS = "https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel"
_OLD_DOCS = "https://github.com/openxapi/openxapi/tree/main/samples/okx/rest"
_CLIENT = "https://github.com/thrasher-corp/gocryptotrader/tree/7417b81/exchanges/okx"
_PAGE = 100
_MAJORS = ("BTC", "DOGE", "ETH", "SOL", "XRP")
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("okx",),
    side_rule="`posSide` is the position, long or short; where it is `net`, the order `side`: sell closes a long",
    side_citation=_DOCS,
    quantity_unit="contracts of `ctVal` x `ctMult`: coins, or USD where `ctValCcy` is USD",
    price_basis=Basis.BANKRUPTCY,
    quantity_basis=QuantityBasis.FILLED,
)

SPEC = SourceSpec(
    id="okx",
    title="OKX",
    homepage="https://www.okx.com",
    hosts=("www.okx.com", "ws.okx.com"),
    rate=Rate(40, timedelta(seconds=2), _CLIENT),
    as_of=date(2026, 11, 22),
    limits=("only perpetual swaps are asked for over REST; margin and options are left out",),
    channels=(
        _channel(
            id="liquidation_orders",
            title="Liquidation orders of the last day",
            transport=Transport.REST,
            docs=(_CLIENT,),
            lineage=(REST,),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL,
                    _DOCS,
                    note="OKX calls its feed not the total; whether the stream's limit applies here is not documented",
                    confirmed=False,
                ),
            ),
            history=timedelta(hours=24),
            page=_PAGE,
            doubts=(
                "The endpoint is missing from OKX's documentation of 2025 and 2026, though it answered others in 2026.",
                "Whether `after` pages reach back all the way is reported both ways.",
                "An answer that was 69 minutes old has been seen.",
            ),
        ),
        _channel(
            id="liquidation_stream",
            title="Stream of liquidation orders",
            transport=Transport.STREAM,
            docs=(_DOCS,),
            lineage=(REST,),
            completeness=(
                CompletenessRule(Completeness.CAPPED, _OLD_DOCS, cap=Cap(timedelta(seconds=1), Keep.UNKNOWN)),
                CompletenessRule(
                    Completeness.PARTIAL,
                    _DOCS,
                    since=date(2026, 7, 19),
                    note="the limit is gone from the documentation read that day, which still says: not the total",
                    confirmed=False,
                ),
            ),
            history=timedelta(0),
            doubts=(
                "When the limit of one order per contract and second was lifted, if it was, is not documented.",
                "`bkPx` was called the bankruptcy price until 2025 and the liquidation mark price since.",
            ),
        ),
    ),
)


class Detail(msgspec.Struct, gc=False):
    posSide: Literal["long", "short", "net"]
    side: Literal["buy", "sell"]
    sz: float
    bkPx: float
    ts: int


class Item(msgspec.Struct, gc=False):
    instId: str
    instType: Literal["SWAP", "FUTURES", "MARGIN", "OPTION"]
    details: list[Detail]


class Subject(msgspec.Struct, gc=False):
    channel: str


class Push(msgspec.Struct, gc=False):
    arg: Subject | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    event: str | None = None
    msg: str = ""


def requests(_window: Window, quantity: Quantity) -> list[Request]:
    """The newest page of each family of contracts: of the assets named, or of the largest."""
    assets = sorted(quantity.assets.names or _MAJORS)
    return [_page(f"{asset}-{quote}") for asset in assets for quote in ("USDT", "USD")]


def requests_for(instruments: Instruments, _window: Window, quantity: Quantity) -> list[Request]:
    """The newest page of every family that has a swap."""
    wanted = quantity.assets.names
    swaps = [item for item in instruments.values() if item.name.endswith("-SWAP")]
    return [_page(item.name.removesuffix("-SWAP")) for item in swaps if wanted is None or item.asset in wanted]


def _page(family: str, after: int | None = None) -> Request:
    params = (("instType", "SWAP"), ("instFamily", family), ("state", "filled"), ("limit", str(_PAGE)))
    older = (("after", str(after)),) if after is not None else ()
    return Request(f"{API}/public/liquidation-orders", params + older, note=f"liquidation orders of {family}")


def follow(payload: Payload, window: Window, _quantity: Quantity) -> list[Request]:
    """The page before, while pages are full and begin inside the window.

    It is asked for with the oldest millisecond included, which may hold more; a page that does not reach further back
    than the one before is `Suspect`.
    """
    stamps = [detail.ts for item in rows(Item, payload.body, REST) for detail in item.details]
    if len(stamps) < _PAGE or min(stamps) < int(milliseconds(window.start)):
        return []
    asked = dict(payload.request.params)
    oldest, before = min(stamps), int(asked.get("after", max(stamps) + 2))
    after = oldest + 1 if oldest + 1 < before else oldest
    if after >= before:
        raise Suspect(f"pages of {asked['instFamily']} do not go back beyond {before}", source=REST)
    return [_page(asked["instFamily"], after)]


def parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    """One event per detail; an instrument's row holds several."""
    found = rows(Item, payload.body, REST)
    return _events(found, instruments, REST, window, payload.received, payload.evidence)


def message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The details of one push; acknowledgements, pongs, other channels, margin and options yield nothing."""
    if body == b"pong":
        return build.no_events()
    told = build.decode(Push, body, STREAM)
    if told.event == "error":
        raise Unavailable(f"refused the subscription: {told.msg}", source=STREAM)
    if told.event is not None:
        return build.no_events()
    if told.arg is None:
        raise SchemaChanged("neither an event nor a push", source=STREAM, field="arg")
    if told.arg.channel != "liquidation-orders":
        return build.no_events()
    items = build.decode(list[Item], bytes(told.data), STREAM, lax=True)
    return _events(items, instruments, STREAM, None, received)


def _events(
    items: list[Item],
    instruments: Instruments,
    source: str,
    window: Window | None,
    received: datetime,
    evidence: str | None = None,
) -> pl.DataFrame:
    items = [item for item in items if item.instType in ("SWAP", "FUTURES")]
    details = [detail for item in items for detail in item.details]
    wire = pl.DataFrame(build.columns(details, "posSide", "side"), schema={"posSide": pl.String, "side": pl.String})
    time = build.times([detail.ts for detail in details], unit="ms", field="ts", source=source)
    count = build.amounts(build.floats(details, "sz"), field="sz", source=source)
    price = build.amounts(build.floats(details, "bkPx"), field="bkPx", source=source)
    known = build.contracts([item.instId for item in items for _ in item.details], instruments, base_of)
    data = {
        "time": time,
        "instrument": known["instrument"],
        "asset": known["asset"],
        "side": _position(wire),
        "price": price,
        **build.value(count, price, known),
    }
    told = wire.with_columns(time, count, price, known["instrument"])
    data["event_id"] = build.identities(told, "instrument", "ts", "posSide", "side", "sz", "bkPx")
    return build.events(
        data,
        venue="okx",
        source=source,
        price_basis=Basis.BANKRUPTCY,
        window=window,
        received=received,
        evidence=evidence,
    )


def _position(wire: pl.DataFrame) -> pl.Series:
    """`posSide`; where that is `net`, an order that sells closes a long."""
    closed = pl.when(pl.col("side") == "sell").then(pl.lit("long")).otherwise(pl.lit("short"))
    return wire.select(side=pl.when(pl.col("posSide") == "net").then(closed).otherwise("posSide"))["side"]


SOURCE = Source(
    SPEC,
    {
        "liquidation_orders": Channel(
            requests, parse, follow, control=control, control_alive=alive, requests_for=requests_for
        ),
        "liquidation_stream": Channel(message=message, stream=LIQUIDATIONS, control=control, control_alive=alive),
    },
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
)
