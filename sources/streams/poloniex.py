"""Poloniex Futures' channel of liquidation orders."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import Feed, Kind, Protocol, always, head

_DOCS = "https://api-docs.poloniex.com/v3/futures/websocket/public/get-liquidation-orders"


class _Head(msgspec.Struct, gc=False):
    channel: str = ""
    event: str = ""


_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.event:
        return {"subscribe": Kind.ACK, "error": Kind.REFUSAL, "pong": Kind.PONG}.get(told.event, Kind.OTHER)
    return {"liquidation_orders": Kind.DATA, "mark_price": Kind.CONTROL}.get(told.channel, Kind.OTHER)


LIQUIDATIONS = Protocol(
    feeds=(
        Feed(
            "public",
            "wss://ws.poloniex.com/ws/v3/public",
            always(
                {"event": "subscribe", "channel": ["liquidation_orders"], "symbols": ["all"]},
                {"event": "subscribe", "channel": ["mark_price"], "symbols": ["BTC_USDT_PERP"]},
                acks=2,
            ),
        ),
    ),
    sort=sort,
    control="the mark price of BTC_USDT_PERP",
    control_every=10.0,
    docs=(_DOCS, "https://api-docs.poloniex.com/v3/futures/websocket/"),
    ping='{"event":"ping"}',
    ping_every=20.0,
    needle=b"liquidation_orders",
    doubts=("how often the mark price comes is not documented",),
)
