"""Bybit: the stream of all liquidations, the one before it, and the sizes of its markets."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Source
from sources.bybit_markets import (
    API,
    VENUE,
    contracts,
    control,
    control_alive,
    instrument_requests,
    parse_instruments,
    parse_weights,
    weight_requests,
)
from sources.lazy import pl
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.bybit import LIQUIDATIONS
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis

KEY = "bybit/liquidations"
_DOCS = "https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation"
_CHANGES = "https://bybit-exchange.github.io/docs/changelog/v5"
_OLD_DOCS = "https://github.com/bybit-exchange/docs/commits/master/docs/v5/websocket/public/liquidation.mdx"
_SINCE_ALL = date(2025, 2, 20)

SPEC = SourceSpec(
    id="bybit",
    title="Bybit",
    homepage="https://www.bybit.com",
    channels=(
        ChannelSpec(
            id="liquidations",
            title="liquidations: topic allLiquidation, before 2025-02-20 topic liquidation",
            transport=Transport.STREAM,
            form=Form.EVENTS,
            docs=(_DOCS, _OLD_DOCS),
            metrics=("liquidations", "liquidation_count"),
            venues=(VENUE,),
            lineage=(KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _OLD_DOCS,
                    note="documented as pushed in real time; the limit may be older than the sentence that names it",
                    confirmed=False,
                ),
                CompletenessRule(
                    Completeness.CAPPED,
                    _OLD_DOCS,
                    since=date(2024, 4, 18),
                    cap=Cap(timedelta(seconds=1), Keep.UNKNOWN),
                ),
                CompletenessRule(Completeness.COMPLETE, _CHANGES, since=_SINCE_ALL),
            ),
            side_rule="the side of the position: Buy = a long was liquidated, Sell = a short",
            side_citation=_DOCS,
            quantity_unit="linear: base coin; inverse: USD",
            price_basis=Basis.BANKRUPTCY,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(0),
            doubts=(
                "prices are bankruptcy prices, up to several per cent from the market, and not those of fills",
                "whether auto-deleveraging is included is not documented",
                "which order the old topic kept of each second is not documented",
            ),
        ),
    ),
    hosts=(API.removeprefix("https://"), "stream.bybit.com"),
    rate=Rate(600, timedelta(seconds=5), "https://bybit-exchange.github.io/docs/v5/rate-limit"),
    as_of=date(2026, 11, 22),
    limits=(
        "no history of liquidations over REST or as files",
        "one topic per symbol; the topics of one connection have at most 21,000 characters together",
    ),
)

_OTHER_TOPICS = re.compile(r"(publicTrade|orderbook|tickers|kline|insurance|priceLimit|adlAlert)\b.*")


class _Row(msgspec.Struct, gc=False):
    T: int
    s: str
    S: str
    v: str
    p: str


class _OldRow(msgspec.Struct, gc=False):
    updatedTime: int
    symbol: str
    side: str
    size: str
    price: str


class _Message(msgspec.Struct, gc=False):
    """A push names its topic, an answer to a request its `op`."""

    topic: str | None = None
    ts: int | None = None
    data: msgspec.Raw = msgspec.Raw()
    op: str | None = None
    success: bool | None = None
    ret_msg: str = ""


def message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The liquidations of one message of either topic; none of an acknowledgement, a pong or another topic.

    The old topic showed one order a second. From 2025-02-20 on it would stand beside the complete one, so that its
    messages of that time raise `Suspect`.
    """
    push = build.decode(_Message, body, KEY)
    if push.topic is None:
        if push.success is False:
            raise Unavailable(f"refused: {push.ret_msg}", source=KEY)
        if push.op is None:
            raise SchemaChanged("a message without a topic that answers nothing", source=KEY, field="topic")
        return build.no_events()
    if push.topic.startswith("allLiquidation."):
        rows = build.decode(list[_Row], bytes(push.data), KEY)
        return _events(build.columns(rows, "T", "s", "S", "v", "p"), push.ts, received, instruments)
    if push.topic.startswith("liquidation."):
        old = build.decode(_OldRow, bytes(push.data), KEY)
        columns = build.columns([old], "updatedTime", "symbol", "side", "size", "price")
        frame = _events(columns, push.ts, received, instruments)
        if frame["time"].dt.date().max() >= _SINCE_ALL:  # type: ignore[operator]
            raise Suspect(f"the topic {push.topic} is not complete; allLiquidation has replaced it", source=KEY)
        return frame
    if not _OTHER_TOPICS.fullmatch(push.topic):
        raise SchemaChanged(f"topic is {push.topic!r}, which is not documented", source=KEY, field="topic")
    return build.no_events()


def _events(
    columns: dict[str, list[object]], ts: int | None, received: datetime, instruments: Instruments
) -> pl.DataFrame:
    """Events of wire columns in the order time, symbol, side, size, price; their names name what is wrong."""
    if not next(iter(columns.values())):
        return build.no_events()
    if ts is None:
        raise SchemaChanged("a push without ts", source=KEY, field="ts")
    time, symbol, side, size, price = columns
    table = contracts(pl.Series(columns[symbol], dtype=pl.String), instruments)
    prices = build.amounts(columns[price], field=price, source=KEY)
    sizes = build.amounts(columns[size], field=size, source=KEY)
    frame = table.select("instrument", "asset").with_columns(
        time=build.times(columns[time], unit="ms", field=time, source=KEY),
        side=build.sides(columns[side], long="Buy", short="Sell", field=side, source=KEY),
        price=prices,
        size=sizes,
        ts=build.times([ts] * len(sizes), unit="ms", field="ts", source=KEY),
        received=pl.lit(received),
        **build.value(sizes, prices, table),
    )
    # Two equal rows of one push are two liquidations: their place among their equals is a part of the id.
    frame = frame.with_columns(event_id=build.identities(frame, "instrument", "ts", "time", "side", "size", "price"))
    return build.events(frame, venue=VENUE, source=KEY, price_basis=Basis.BANKRUPTCY)


SOURCE = Source(
    SPEC,
    {"liquidations": Channel(message=message, stream=LIQUIDATIONS, control=control, control_alive=control_alive)},
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
    notes={"liquidations": "wss://stream.bybit.com/v5/public/linear and /inverse, topics allLiquidation.<symbol>"},
)
