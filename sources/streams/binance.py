"""Binance's liquidation streams, and Aster's, which speaks the same language."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import NOTHING, Feed, Kind, Protocol, always, head, present

_DOCS = "https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams"
_COIN_DOCS = "https://developers.binance.com/docs/derivatives/coin-margined-futures/websocket-market-streams"
_ASTER_DOCS = "https://github.com/asterdex/api-docs/tree/265e024"
_DAY = 24 * 3600.0
_TYPICAL = 200.0


class _Head(msgspec.Struct, gc=False):
    e: str | None = None
    stream: str | None = None
    id: int | str | None = None
    error: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING


_HEAD = msgspec.json.Decoder(_Head)
_HEADS = msgspec.json.Decoder(list[_Head])


def sort(body: bytes) -> Kind:
    """Single events, arrays of them, and both in the envelope of a combined stream."""
    if body.lstrip()[:1] == b"[":
        heads = head(body, _HEADS)
        if not heads:
            return Kind.OTHER
        events = {told.e for told in heads}
        return Kind.DATA if "forceOrder" in events else _of_event(next(iter(events)))
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.stream is not None and present(told.data):
        return sort(bytes(told.data))
    if present(told.error):
        return Kind.REFUSAL
    if told.e is None:
        return Kind.ACK if told.id is not None else Kind.OTHER
    return _of_event(told.e)


def _of_event(event: str | None) -> Kind:
    return {"forceOrder": Kind.DATA, "markPriceUpdate": Kind.CONTROL}.get(event or "", Kind.OTHER)


def _protocol(name: str, url: str, control: str, docs: str, typical: float, doubts: tuple[str, ...]) -> Protocol:
    asked = {"method": "SUBSCRIBE", "params": [control], "id": 1}
    return Protocol(
        feeds=(Feed(name, f"{url}/!forceOrder@arr", always(asked, acks=1)),),  # the address names the liquidations
        sort=sort,
        control=f"{control}, every second",
        control_every=1.0,
        docs=(docs,),
        life=_DAY,
        typical=typical,
        needle=b"forceOrder",
        doubts=doubts,
    )


USDM = _protocol(
    "market",
    "wss://fstream.binance.com/market/ws",
    "btcusdt@markPrice@1s",
    _DOCS,
    _TYPICAL,
    ("that both streams of one connection fall silent together is assumed; the old address lost all of them",),
)
COINM = _protocol("coinm", "wss://dstream.binance.com/ws", "btcusd_perp@markPrice@1s", _COIN_DOCS, 0.0, ())
ASTER = _protocol(
    "stream",
    "wss://fstream.asterdex.com/ws",
    "btcusdt@markPrice@1s",
    _ASTER_DOCS,
    0.0,
    ("that a connection lives 24 hours is taken over from Binance, whose interface Aster copies",),
)
