"""Kraken Futures' feed of trades, contract by contract; it begins with the last hundred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sources.adapter import Instrument
from sources.streams.protocol import Feed, Kind, Protocol, Subscription, chunks, head, text

_DOCS = "https://docs.kraken.com/exchange/api-reference/futures-websocket"
_PER_MESSAGE = 50
_MAJORS = ("PF_XBTUSD", "PF_ETHUSD", "PF_SOLUSD", "PF_XRPUSD", "PI_XBTUSD", "PI_ETHUSD")
_CONTROL = {"event": "subscribe", "feed": "ticker", "product_ids": ["PF_XBTUSD"]}


class _Head(msgspec.Struct, gc=False):
    feed: str = ""
    event: str = ""


_HEAD = msgspec.json.Decoder(_Head)
_TYPE = b"iquidat"
_FEEDS = {
    "trade": Kind.DATA,
    "trade_snapshot": Kind.SNAPSHOT,
    "ticker": Kind.CONTROL,
    "heartbeat": Kind.PONG,
}


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.event:
        kinds = {"subscribed": Kind.ACK, "pong": Kind.PONG}
        refused = ("alert", "error", "subscribed_failed")
        return Kind.REFUSAL if told.event in refused else kinds.get(told.event, Kind.OTHER)
    kind = _FEEDS.get(told.feed, Kind.OTHER)
    if kind in (Kind.DATA, Kind.SNAPSHOT) and _TYPE not in body:
        return Kind.CONTROL  # ordinary trades say that the feed runs
    return kind


def subscribe(instruments: Mapping[str, Instrument]) -> Sequence[Subscription]:
    names = sorted(instruments)
    parts = chunks(names or _MAJORS, _PER_MESSAGE)
    asked = [_CONTROL, *({"event": "subscribe", "feed": "trade", "product_ids": list(part)} for part in parts)]
    return [Subscription(tuple(map(text, asked)), len(asked), complete=bool(names))]


TRADE = Protocol(
    feeds=(Feed("v1", "wss://futures.kraken.com/ws/v1", subscribe, listed=True),),
    sort=sort,
    control="the ticker of PF_XBTUSD",
    control_every=5.0,
    docs=(_DOCS, f"{_DOCS}/trade", f"{_DOCS}/heartbeat"),
    ping='{"event":"ping"}',
    ping_every=30.0,
    needle=_TYPE,
    doubts=("whether one acknowledgement answers each message or each contract is not documented",),
)
