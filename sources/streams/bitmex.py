"""BitMEX's table of liquidation orders."""

from __future__ import annotations

import msgspec

from sources.bitmex_orders import resting
from sources.streams.protocol import Feed, Kind, Protocol, always, head

_DOCS = "https://www.bitmex.com/app/wsAPI"


class _Head(msgspec.Struct, gc=False):
    table: str | None = None
    action: str | None = None
    success: bool | None = None
    error: str | None = None


_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    """`partial` is the table as it was at the subscription: orders that were placed before."""
    if body == b"pong":
        return Kind.PONG
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.error is not None:
        return Kind.REFUSAL
    if told.table == "liquidation":
        return Kind.SNAPSHOT if told.action == "partial" else Kind.DATA
    if told.table is not None:
        return Kind.CONTROL if told.table == "instrument" else Kind.OTHER
    return Kind.ACK if told.success else Kind.OTHER


LIQUIDATION = Protocol(
    feeds=(
        Feed(
            "realtime",
            "wss://ws.bitmex.com/realtime",
            always({"op": "subscribe", "args": ["liquidation", "instrument:XBTUSD"]}, acks=2),
        ),
    ),
    sort=sort,
    control="changes of the instrument XBTUSD",
    control_every=10.0,
    docs=(_DOCS,),
    ping="ping",
    ping_every=5.0,
    resting=resting,
    needle=b"liquidation",
    doubts=("that XBTUSD changes at least every thirty seconds is assumed",),
)
