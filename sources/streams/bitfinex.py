"""Bitfinex's status channel of all liquidations."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import Feed, Kind, Protocol, always, head

_DOCS = "https://docs.bitfinex.com/reference/ws-public-status"
_GENERAL = "https://docs.bitfinex.com/docs/ws-general"


class _Event(msgspec.Struct, gc=False):
    event: str = ""


_EVENT = msgspec.json.Decoder(_Event)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


def sort(body: bytes) -> Kind:
    """`[channel, "hb"]` comes every fifteen seconds on a quiet channel; tickers are flat lists of numbers."""
    if body.lstrip()[:1] == b"{":
        told = head(body, _EVENT)
        if told is None:
            return Kind.OTHER
        return {"subscribed": Kind.ACK, "error": Kind.REFUSAL, "pong": Kind.PONG}.get(told.event, Kind.OTHER)
    parts = head(body, _ROWS)
    if parts is None or len(parts) != 2:
        return Kind.OTHER
    content = bytes(parts[1])
    if content == b'"hb"':
        return Kind.CONTROL
    if content[:2] == b"[[" or content[:3] == b"[ [" or content == b"[]":
        return Kind.DATA
    return Kind.CONTROL if content[:1] == b"[" else Kind.OTHER


STATUS = Protocol(
    feeds=(
        Feed(
            "status",
            "wss://api-pub.bitfinex.com/ws/2",
            always(
                {"event": "subscribe", "channel": "status", "key": "liq:global"},
                {"event": "subscribe", "channel": "ticker", "symbol": "tBTCF0:USTF0"},
                acks=2,
            ),
        ),
    ),
    sort=sort,
    control="the ticker of tBTCF0:USTF0, and the heartbeats of both channels, every fifteen seconds",
    control_every=15.0,
    docs=(_DOCS, _GENERAL),
    ping='{"event":"ping","cid":1}',
    ping_every=30.0,
)
