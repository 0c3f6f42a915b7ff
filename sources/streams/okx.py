"""OKX's channel of liquidation orders, swaps and futures."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import Feed, Kind, Protocol, always, head

_DOCS = "https://www.okx.com/docs-v5/en/#overview-websocket"
_CHANNEL = "https://www.okx.com/docs-v5/en/#public-data-websocket-liquidation-orders-channel"
_CONTROL = "https://www.okx.com/docs-v5/en/#public-data-websocket-mark-price-channel"


class _Subject(msgspec.Struct, gc=False):
    channel: str = ""


class _Head(msgspec.Struct, gc=False):
    event: str | None = None
    arg: _Subject | None = None


_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    if body == b"pong":
        return Kind.PONG
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.event is not None:
        return {"subscribe": Kind.ACK, "error": Kind.REFUSAL}.get(told.event, Kind.OTHER)
    if told.arg is None:
        return Kind.OTHER
    return {"liquidation-orders": Kind.DATA, "mark-price": Kind.CONTROL}.get(told.arg.channel, Kind.OTHER)


LIQUIDATIONS = Protocol(
    feeds=(
        Feed(
            "public",
            "wss://ws.okx.com:8443/ws/v5/public",
            always(
                {
                    "op": "subscribe",
                    "args": [
                        {"channel": "liquidation-orders", "instType": "SWAP"},
                        {"channel": "liquidation-orders", "instType": "FUTURES"},
                        {"channel": "mark-price", "instId": "BTC-USDT-SWAP"},
                    ],
                },
                acks=3,
            ),
        ),
    ),
    sort=sort,
    control="the mark price of BTC-USDT-SWAP, at least every ten seconds",
    control_every=10.0,
    docs=(_DOCS, _CHANNEL, _CONTROL),
    ping="ping",
    ping_every=20.0,
    typical=100.0,
    needle=b"liquidation-orders",
    doubts=("the first push after a subscription may hold orders of before: those are not counted as new",),
)
