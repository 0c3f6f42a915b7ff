"""Gate's channel of public liquidations, an address for each coin that contracts are settled in."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import NOTHING, NOW, Feed, Kind, Protocol, always, head, present, text

_DOCS = "https://www.gate.io/docs/developers/futures/ws/en/"
_CHANNEL = f"{_DOCS}#public-liquidates-channel"


class _Head(msgspec.Struct, gc=False):
    channel: str = ""
    event: str = ""
    error: msgspec.Raw = NOTHING


_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if present(told.error):
        return Kind.REFUSAL
    if told.event == "subscribe":
        return Kind.ACK
    if told.channel == "futures.pong":
        return Kind.PONG
    if told.event != "update":
        return Kind.OTHER
    return {"futures.public_liquidates": Kind.DATA, "futures.tickers": Kind.CONTROL}.get(told.channel, Kind.OTHER)


def _feed(settled: str, contract: str) -> Feed:
    asked = [
        {"time": NOW, "channel": channel, "event": "subscribe", "payload": [what]}
        for channel, what in (("futures.public_liquidates", "!all"), ("futures.tickers", contract))
    ]
    return Feed(settled, f"wss://fx-ws.gateio.ws/v4/ws/{settled}", always(*asked, acks=2))


LIQUIDATES = Protocol(
    feeds=(_feed("usdt", "BTC_USDT"), _feed("btc", "BTC_USD")),
    sort=sort,
    control="the ticker of the Bitcoin contract",
    control_every=10.0,
    docs=(_DOCS, _CHANNEL),
    ping=text({"time": NOW, "channel": "futures.ping"}),
    ping_every=15.0,
    headers=(("X-Gate-Size-Decimal", "1"),),
    typical=100.0,
    needle=b"public_liquidates",
    doubts=("how often the ticker of the contract settled in BTC comes is not documented",),
)
