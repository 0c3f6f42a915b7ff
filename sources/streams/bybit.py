"""Bybit's topic of all liquidations: one topic per symbol, linear and inverse contracts at an address each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from sources.adapter import Instrument
from sources.streams.protocol import Feed, Kind, Protocol, Subscription, chunks, head, packed, text

_DOCS = "https://bybit-exchange.github.io/docs/v5/ws/connect"
_TOPIC_DOCS = "https://bybit-exchange.github.io/docs/v5/websocket/public/all-liquidation"
#: The topics of one connection have 21,000 characters together: https://bybit-exchange.github.io/docs/v5/ws/connect
ROOM = 21_000
_QUOTES_AND_COMMA = 3
_PER_MESSAGE = 200
_CONTROLS = {"linear": "kline.1.BTCUSDT", "inverse": "kline.1.BTCUSD"}
_MAJORS = {
    "linear": ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT"),
    "inverse": ("BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD"),
}


class _Head(msgspec.Struct, gc=False):
    topic: str | None = None
    op: str | None = None
    success: bool | None = None


_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.topic is not None:
        if told.topic.startswith(("allLiquidation.", "liquidation.")):
            return Kind.DATA
        return Kind.CONTROL if told.topic.startswith("kline.") else Kind.OTHER
    if told.success is False:
        return Kind.REFUSAL
    if told.op in ("ping", "pong"):
        return Kind.PONG
    return Kind.ACK if told.op == "subscribe" else Kind.OTHER


def subscribe(category: str, instruments: Mapping[str, Instrument]) -> Sequence[Subscription]:
    """Every contract of the category, on as many connections as their names need; without a list, the largest."""
    names = sorted(name for name, item in instruments.items() if item.inverse == (category == "inverse"))
    control = _CONTROLS[category]
    found = []
    topics = [f"allLiquidation.{name}" for name in names or _MAJORS[category]]
    for group in packed(topics, ROOM - len(control) - _QUOTES_AND_COMMA, _QUOTES_AND_COMMA):
        asked = [{"op": "subscribe", "args": list(part)} for part in chunks([control, *group], _PER_MESSAGE)]
        found.append(Subscription(tuple(map(text, asked)), len(asked), complete=bool(names)))
    return found


LIQUIDATIONS = Protocol(
    feeds=tuple(
        Feed(category, f"wss://stream.bybit.com/v5/public/{category}", partial(subscribe, category), listed=True)
        for category in ("linear", "inverse")
    ),
    sort=sort,
    control="the minute bars of the Bitcoin contract (kline.1), pushed at least once a minute and mostly every second",
    control_every=5.0,
    docs=(_DOCS, _TOPIC_DOCS, "https://bybit-exchange.github.io/docs/v5/websocket/public/kline"),
    ping='{"op":"ping"}',
    ping_every=20.0,
    typical=200.0,
    needle=b"iquidation.",
    doubts=(
        "bars are documented as pushed every 1 to 60 seconds; that those of Bitcoin come within 15 is assumed",
        "the inverse contracts are so few that nothing is expected of them on quiet days",
    ),
)
