"""Gate futures: liquidation orders over REST, five-minute statistics, and the public stream."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.gate_markets import (
    API,
    BAR,
    BARS,
    SDK,
    SETTLED,
    Refusal,
    Stat,
    alive,
    answer,
    base_of,
    contract_requests,
    control,
    moment,
    parse_contracts,
    parse_weights,
    stats_requests,
    weight_requests,
)
from sources.lazy import pl
from sources.plan import halves, pieces
from sources.spec import BarLabel, Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.gate import LIQUIDATES
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

ORDERS, STATS, STREAM = "gate/liq_orders", "gate/contract_stats", "gate/public_liquidates"
_DOCS = "https://www.gate.io/docs/developers/apiv4/en/"
_STREAM_DOCS = "https://www.gate.io/docs/developers/futures/ws/en/#public-liquidates-channel"
_SIDES = "https://github.com/Tucsky/aggr-server/blob/aed6102/src/exchanges/gateio.js"
_SPAN, _PAGE = timedelta(hours=1), 1000
_MILLISECONDS_FROM = 100_000_000_000  # read as seconds, the year 5138
_orders = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("gate",),
    side_citation=_SIDES,
    quantity_unit="contracts of `quanto_multiplier` coins; settled in BTC: of 1 USD",
)

SPEC = SourceSpec(
    id="gate",
    title="Gate",
    homepage="https://www.gate.io/futures",
    hosts=("api.gateio.ws", "fx-ws.gateio.ws"),
    rate=Rate(200, timedelta(seconds=10), f"{_DOCS}#frequency-limit-rule"),
    as_of=date(2026, 11, 22),
    limits=("contracts settled in USD1 are not asked for",),
    channels=(
        _orders(
            id="liq_orders",
            title="Liquidation orders",
            transport=Transport.REST,
            docs=(f"{_DOCS}#retrieve-liquidation-history", f"{SDK}/FuturesLiqOrder.md"),
            lineage=(ORDERS,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    f"{SDK}/FuturesLiqOrder.md",
                    note="no cap is documented, and none is ruled out",
                    confirmed=False,
                ),
            ),
            side_rule="`size` is the position: above zero a long was liquidated, below zero a short",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(days=90),
            span=_SPAN,
            page=_PAGE,
            doubts=(
                "How far back it answers (90 days) was measured by others and is not documented.",
                "Where `order_size` is absent, the size of the position is taken for that of the order.",
                "Whether takeovers by the insurance fund are included is not documented.",
            ),
        ),
        ChannelSpec(
            id="contract_stats",
            title="Statistics of a contract, five minutes each",
            transport=Transport.REST,
            form=Form.BARS,
            docs=(f"{_DOCS}#futures-stats", f"{SDK}/ContractStat.md"),
            metrics=("liquidations",),
            venues=("gate",),
            lineage=(ORDERS,),  # Gate's own sums of the same orders
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    f"{SDK}/ContractStat.md",
                    note="how the sums are made is not documented",
                    confirmed=False,
                ),
            ),
            side_rule="`long_liq_usd` are the liquidated longs, `short_liq_usd` the shorts",
            side_citation=f"{SDK}/ContractStat.md",
            quantity_unit="quote coin",
            price_basis=Basis.STATED,
            quantity_basis=QuantityBasis.FILLED,
            span=BAR * BARS,
            page=BARS,
            bar_label=BarLabel.UNKNOWN,
            bar_length=BAR,
            selected="five large contracts are asked for",
            doubts=(
                "How far back it answers is not documented.",
                "Whether a bar is labelled by its start or its end is not documented; the start is assumed.",
                "Only the contracts that are asked for are covered: five large ones where no asset is named.",
            ),
        ),
        _orders(
            id="public_liquidates",
            title="Stream of liquidation orders",
            transport=Transport.STREAM,
            docs=(_STREAM_DOCS,),
            lineage=(ORDERS,),
            completeness=(
                CompletenessRule(Completeness.CAPPED, _STREAM_DOCS, cap=Cap(timedelta(seconds=1), Keep.UNKNOWN)),
                # The documentation of this day sends a second's orders together instead of dropping all but one.
                CompletenessRule(Completeness.COMPLETE, _STREAM_DOCS, since=date(2026, 8, 20)),
            ),
            side_rule="`size` is the order: below zero it sells, so that a long was liquidated; above zero a short",
            price_basis=Basis.ORDER,
            quantity_basis=QuantityBasis.ORDERED,
            history=timedelta(0),
            doubts=("The sign was compared with REST answers by others (6 of 6 opposite) and is not documented.",),
        ),
    ),
)


class Order(msgspec.Struct, gc=False):
    contract: str
    time: float
    size: float
    left: float
    fill_price: float
    order_size: float | None = None


class Liquidated(msgspec.Struct, gc=False):
    contract: str
    price: float
    size: float
    time: int
    time_ms: int | None = None


class Fault(msgspec.Struct, gc=False):
    message: str = ""


class Message(msgspec.Struct, gc=False):
    channel: str
    event: str
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Fault | None = None


def requests(window: Window, _quantity: Quantity) -> list[Request]:
    """The whole market, settled in USDT and in BTC, an hour at a time."""
    start = window.start.replace(microsecond=0)
    end = (window.end - timedelta(microseconds=1)).replace(microsecond=0) + timedelta(seconds=1)
    return [_range(settled, hour) for settled in SETTLED for hour in pieces(Window(start, end), _SPAN)]


def _range(settled: str, window: Window) -> Request:
    """Both ends belong to the answer, so that the last second is asked for and the next range starts after it."""
    first, last = int(window.start.timestamp()), int(window.end.timestamp()) - 1
    params = (("from", str(first)), ("to", str(last)), ("limit", str(_PAGE)))
    return Request(f"{API}/{settled}/liq_orders", params, note=f"liquidation orders settled in {settled.upper()}")


def follow(payload: Payload, _window: Window, _quantity: Quantity) -> list[Request]:
    """Both halves of a range whose answer is full; a full second cannot be halved and is `Suspect`."""
    rows = build.decode(list[msgspec.Raw] | Refusal, payload.body, ORDERS)  # type: ignore[arg-type]
    if isinstance(rows, Refusal) or len(rows) < _PAGE:
        return []
    asked = dict(payload.request.params)
    window = Window(moment(asked["from"]), moment(asked["to"]) + timedelta(seconds=1))
    parts = halves(window)
    if not parts:
        raise Suspect(f"{len(rows)} orders in the second {window}: there may be more, out of reach", source=ORDERS)
    settled = "btc" if "/btc/" in payload.request.url else "usdt"
    return [_range(settled, part) for part in parts]


def parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    """Executed contracts (the order less what is left of it) at the average fill; without a fill there is no event."""
    rows = answer(Order, payload.body, ORDERS)
    numbers = {name: build.floats(rows, name) for name in ("size", "left", "fill_price", "time")}
    ordered = [row.order_size for row in rows]
    table = pl.DataFrame(
        [
            pl.Series("contract", [row.contract for row in rows], dtype=pl.String),
            build.numbers(numbers["size"], field="size", source=ORDERS),
            build.numbers(numbers["left"], field="left", source=ORDERS),
            build.numbers(ordered, field="order_size", source=ORDERS, nullable=True),
            build.numbers(numbers["fill_price"], field="fill_price", source=ORDERS),
            build.times(numbers["time"], unit="s", field="time", source=ORDERS),
        ]
    ).with_columns(
        executed=pl.coalesce("order_size", "size").abs() - pl.col("left").abs(),
        position=pl.when(pl.col("size") != 0).then("size").otherwise(-pl.col("order_size")),
    )
    if (table["executed"] < 0).any():
        raise SchemaChanged("more is left than was ordered", source=ORDERS, field="left")
    table = table.filter(pl.col("executed") > 0)
    price = build.amounts(table["fill_price"], field="fill_price", source=ORDERS)
    known = build.contracts(table["contract"], instruments, base_of)
    data = {
        "time": table["time"],
        "instrument": known["instrument"],
        "asset": known["asset"],
        "side": build.side_of_sign(table["position"], positive="long", field="size", source=ORDERS),
        "price": price,
        "event_id": build.identities(table, "contract", "time", "size", "executed", "fill_price"),
        **build.value(table["executed"], price, known),
    }
    return build.events(
        data,
        venue="gate",
        source=ORDERS,
        price_basis=Basis.AVERAGE_FILL,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def parse_stats(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """Two bars of five minutes per row, one of each side, in dollars as stated; zero is zero."""
    rows = answer(Stat, payload.body, STATS)
    asset = build.asset_of(base_of(dict(payload.request.params).get("contract", "")))
    start = build.times([row.time for row in rows], unit="s", field="time", source=STATS)
    sides = []
    for side, field in (("long", "long_liq_usd"), ("short", "short_liq_usd")):
        stated = build.amounts([getattr(row, field) for row in rows], field=field, source=STATS, zero=True)
        bars = pl.DataFrame({"start": start, "end": start + BAR, "notional_usd": stated})
        sides.append(bars.with_columns(asset=pl.lit(asset), side=pl.lit(side)))
    completeness = SPEC.channel("contract_stats").rule_at(window.start).completeness
    return build.bars(pl.concat(sides), venue="gate", source=STATS, completeness=completeness, window=window)


def message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The orders of one `update`; acknowledgements, pongs and other channels yield nothing."""
    told = build.decode(Message, body, STREAM, lax=True)
    if told.error is not None:
        raise Unavailable(f"refused the subscription: {told.error.message}", source=STREAM)
    if told.channel != "futures.public_liquidates" or told.event in ("subscribe", "unsubscribe"):
        return build.no_events()
    if told.event != "update":
        raise SchemaChanged(f"event is {told.event!r}", source=STREAM, field="event")
    rows = build.decode(list[Liquidated], bytes(told.result), STREAM, lax=True)
    stamps = [row.time_ms or (row.time if row.time >= _MILLISECONDS_FROM else row.time * 1000) for row in rows]
    size = build.numbers([row.size for row in rows], field="size", source=STREAM)
    price = build.amounts([row.price for row in rows], field="price", source=STREAM)
    known = build.contracts([row.contract for row in rows], instruments, base_of)
    data = {
        "time": build.times(stamps, unit="ms", field="time", source=STREAM),
        "instrument": known["instrument"],
        "asset": known["asset"],
        "side": build.side_of_sign(size, positive="short", field="size", source=STREAM),
        "price": price,
        **build.value(size.abs(), price, known),
    }
    data["event_id"] = build.identities({**data, "size": size}, "instrument", "time", "size", "price")
    return build.events(data, venue="gate", source=STREAM, price_basis=Basis.ORDER, received=received)


SOURCE = Source(
    SPEC,
    {
        "liq_orders": Channel(requests, parse, follow, control=control, control_alive=alive),
        "contract_stats": Channel(stats_requests, parse_stats, control=control, control_alive=alive),
        "public_liquidates": Channel(message=message, stream=LIQUIDATES, control=control, control_alive=alive),
    },
    instrument_requests=contract_requests,
    parse_instruments=parse_contracts,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
)
