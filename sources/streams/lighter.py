"""Lighter's trades, market by market; liquidations stand in a list of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sources.adapter import Instrument
from sources.streams.protocol import NOTHING, Feed, Kind, Protocol, Subscription, chunks, head, present, text

_DOCS = "https://github.com/tardis-dev/tardis-node/blob/c1d73fb/src/mappers/lighter.ts"
_LIMITS = "https://apidocs.lighter.xyz/docs/rate-limits"
_PER_CONNECTION = 80
_MAJORS = ("0", "1", "2")
_CONTROL = "market_stats/1"


class _Head(msgspec.Struct, gc=False):
    type: str = ""
    error: msgspec.Raw = NOTHING


_TYPE = b'"liquidation"'
_HEAD = msgspec.json.Decoder(_Head)


def sort(body: bytes) -> Kind:
    """What comes with a subscription (`subscribed/trade`) acknowledges it and holds trades of before."""
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if present(told.error):
        return Kind.REFUSAL
    if told.type == "update/trade":
        return Kind.DATA if _TYPE in body else Kind.CONTROL  # ordinary trades say that the feed runs
    if told.type == "subscribed/trade":
        return Kind.SNAPSHOT
    if told.type.endswith("/market_stats"):
        return Kind.CONTROL
    return {"ping": Kind.PING, "pong": Kind.PONG}.get(told.type, Kind.OTHER)


def subscribe(instruments: Mapping[str, Instrument]) -> Sequence[Subscription]:
    """Every market; the snapshots that answer are counted as acknowledgements."""
    names = sorted(instruments, key=lambda name: (len(name), name))
    found = []
    for group in chunks(names or _MAJORS, _PER_CONNECTION):
        asked = [{"type": "subscribe", "channel": channel} for channel in (_CONTROL, *(f"trade/{n}" for n in group))]
        found.append(Subscription(tuple(map(text, asked)), len(group), complete=bool(names)))
    return found


TRADES = Protocol(
    feeds=(Feed("stream", "wss://mainnet.zklighter.elliot.ai/stream", subscribe, listed=True),),
    sort=sort,
    control="the statistics of the Bitcoin market (market_stats/1)",
    control_every=5.0,
    docs=(_DOCS, _LIMITS),
    ping='{"type":"ping"}',
    ping_every=30.0,
    answer=lambda _body: '{"type":"pong"}',
    pace=0.35,
    snapshot_acks=True,
    needle=_TYPE,
    doubts=(
        "that market 1 is Bitcoin and that at most a hundred markets go on one connection is what clients report",
        "subscriptions are sent three a second: the limit of messages is what clients report",
    ),
)
