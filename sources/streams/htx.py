"""HTX's notifications of liquidation orders; every frame is compressed, and its pings must be answered."""

from __future__ import annotations

import gzip
import zlib

import msgspec

from sources.streams.protocol import NOTHING, Feed, Kind, Protocol, always, head, present

_DOCS = "https://www.htx.com/en-us/opend/newApiPages/?id=8cb7e25d-77b5-11ed-9966-0242ac110003"
_COIN_DOCS = "https://huobiapi.github.io/docs/coin_margined_swap/v1/en/"
_MAGIC = b"\x1f\x8b"


class _Head(msgspec.Struct, gc=False):
    op: str = ""
    topic: str = ""
    ts: msgspec.Raw = NOTHING
    err_code: int = msgspec.field(name="err-code", default=0)


_HEAD = msgspec.json.Decoder(_Head)


def unpack(body: bytes) -> bytes:
    """The text of a frame; one that is damaged is handed on as it is, to be told as what cannot be read."""
    if body[:2] != _MAGIC:
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if told.err_code or told.op in ("error", "close"):
        return Kind.REFUSAL
    if told.op == "notify":
        return Kind.DATA if told.topic.endswith("liquidation_orders") else Kind.OTHER
    return {"ping": Kind.PING, "sub": Kind.ACK}.get(told.op, Kind.OTHER)


def answer(body: bytes) -> str | None:
    """The pong that a ping asks for: its `ts` comes back letter by letter."""
    told = head(body, _HEAD)
    if told is None or not present(told.ts):
        return None
    return f'{{"op":"pong","ts":{bytes(told.ts).decode()}}}'


def _protocol(name: str, path: str, docs: str) -> Protocol:
    asked = {"op": "sub", "cid": "verify", "topic": "public.*.liquidation_orders"}
    return Protocol(
        feeds=(Feed(name, f"wss://api.hbdm.com/{path}", always(asked, acks=1)),),
        sort=sort,
        control="the venue's own pings, every five seconds",
        control_every=5.0,
        docs=(docs,),
        answer=answer,
        signs=frozenset({Kind.PING, Kind.DATA}),
        unpack=unpack,
        doubts=("a ping proves that the connection lives, not that the topic does: nothing on it is never quiet",),
    )


LINEAR = _protocol("linear", "linear-swap-notification", _DOCS)
COIN = _protocol("coin", "swap-notification", _COIN_DOCS)
