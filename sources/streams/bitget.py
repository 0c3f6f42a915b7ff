"""Bitget's topic of liquidations (unified account, v3), one subscription per kind of contract."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import Feed, Kind, Protocol, always, head

_DOCS = "https://www.bitget.com/api-doc/uta/websocket/public/Liquidation-Channel"
_INTRO = "https://www.bitget.com/api-doc/uta/websocket/intro"
_TYPES = ("usdt-futures", "coin-futures", "usdc-futures")


class _Subject(msgspec.Struct, gc=False):
    topic: str = ""


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
    return {"liquidation": Kind.DATA, "ticker": Kind.CONTROL}.get(told.arg.topic, Kind.OTHER)


LIQUIDATIONS = Protocol(
    feeds=(
        Feed(
            "public",
            "wss://ws.bitget.com/v3/ws/public",
            always(
                {
                    "op": "subscribe",
                    "args": [
                        *({"instType": kind, "topic": "liquidation"} for kind in _TYPES),
                        {"instType": "usdt-futures", "topic": "ticker", "symbol": "BTCUSDT"},
                    ],
                },
                acks=4,
            ),
        ),
    ),
    sort=sort,
    control="the ticker of BTCUSDT",
    control_every=5.0,
    docs=(_DOCS, _INTRO),
    ping="ping",
    ping_every=25.0,
    typical=100.0,
    needle=b"liquidation",
    doubts=(
        "the address without /v3 acknowledges and stays silent",
        "that the ticker and the liquidations fall silent together is assumed",
    ),
)
