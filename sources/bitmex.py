"""BitMEX: the stream of liquidation orders, and the orders that are open at a moment.

What is said here is coded in `bitmex_orders` and `bitmex_markets`.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from sources.adapter import Channel, Source
from sources.bitmex_markets import (
    VENUE,
    control,
    control_alive,
    instrument_requests,
    parse_instruments,
    parse_weights,
    weight_requests,
)
from sources.bitmex_orders import PAGE, STREAM, follow, message, parse, requests
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.bitmex import LIQUIDATION
from verify.model.figure import Basis, Completeness, QuantityBasis

_TABLE_DOCS = "https://www.bitmex.com/app/wsAPI"
_REST_DOCS = "https://github.com/BitMEX/api-connectors/blob/master/auto-generated/python/docs/LiquidationApi.md"
_EXPLAINED = "https://github.com/BitMEX/api-connectors/issues/241"
_DOUBTS = (
    "records carry no time: that of reception is taken",
    "prices are those of the orders, placed at the bankruptcy price and then moved, and not those of fills",
    "quanto contracts (ETHUSD settled in XBT) have no notional: it depends on a price that the record lacks",
    "whether auto-deleveraging is included is not documented",
)

_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    venues=(VENUE,),
    lineage=(STREAM,),
    side_rule="the side of the liquidation order: Sell closes a long, Buy a short",
    side_citation="https://github.com/Tucsky/aggr-server/blob/master/src/exchanges/bitmex.js",
    price_basis=Basis.ORDER,
    quantity_basis=QuantityBasis.ORDERED,
    history=timedelta(0),
)

SPEC = SourceSpec(
    id="bitmex",
    title="BitMEX",
    homepage="https://www.bitmex.com",
    channels=(
        _channel(
            id="liquidation",
            title="table of liquidation orders: each order once, when it is inserted",
            transport=Transport.STREAM,
            docs=(_TABLE_DOCS, _EXPLAINED),
            metrics=("liquidations", "liquidation_count"),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _EXPLAINED,
                    note="every order is inserted, as BitMEX's support has said; no document says so",
                    confirmed=False,
                ),
            ),
            quantity_unit="contracts",
            doubts=(
                "updates may enlarge an order (2024-11: 12,900 to 21,600 contracts); its first size is counted",
                *_DOUBTS,
            ),
        ),
        _channel(
            id="open_orders",
            title="liquidation orders that are open now: a snapshot, no history",
            transport=Transport.REST,
            docs=(_REST_DOCS, _EXPLAINED),
            metrics=("liquidations",),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL, _EXPLAINED, note="orders that are done are gone; mostly there are none"
                ),
            ),
            quantity_unit="contracts that are left of the order",
            page=PAGE,
            doubts=_DOUBTS,
        ),
    ),
    hosts=("www.bitmex.com", "ws.bitmex.com"),
    rate=Rate(30, timedelta(minutes=1), "https://www.bitmex.com/app/restAPI"),
    as_of=date(2026, 11, 22),
    limits=("no keyless history of liquidations",),
)

SOURCE = Source(
    SPEC,
    {
        "liquidation": Channel(message=message, stream=LIQUIDATION, control=control, control_alive=control_alive),
        "open_orders": Channel(
            requests=requests, parse=parse, follow=follow, control=control, control_alive=control_alive
        ),
    },
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
    notes={"liquidation": "wss://ws.bitmex.com/realtime?subscribe=liquidation"},
)
