"""Deribit's tape of futures, on which liquidations carry a flag; heartbeats are asked for and must be answered."""

from __future__ import annotations

import msgspec

from sources.streams.protocol import NOTHING, Feed, Kind, Protocol, always, head, present

_DOCS = "https://docs.deribit.com/subscriptions/trades/tradeskindcurrencyinterval"
_HEARTBEAT = "https://docs.deribit.com/api-reference/session-management/public-set_heartbeat"


class _Params(msgspec.Struct, gc=False):
    channel: str = ""
    type: str = ""


class _Head(msgspec.Struct, gc=False):
    method: str = ""
    params: _Params | None = None
    id: int | None = None
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


_HEAD = msgspec.json.Decoder(_Head)
_FLAG = b"iquidat"
_TEST = '{"jsonrpc":"2.0","id":9,"method":"public/test","params":{}}'


def sort(body: bytes) -> Kind:
    told = head(body, _HEAD)
    if told is None:
        return Kind.OTHER
    if present(told.error):
        return Kind.REFUSAL
    if told.method == "heartbeat" and told.params is not None:
        return Kind.PING if told.params.type == "test_request" else Kind.PONG
    if told.method == "subscription" and told.params is not None:
        if told.params.channel.startswith("trades."):
            return Kind.DATA if _FLAG in body else Kind.CONTROL  # ordinary trades say that the tape runs
        return Kind.CONTROL if told.params.channel.startswith("ticker.") else Kind.OTHER
    if not present(told.result):
        return Kind.OTHER
    return Kind.PONG if told.id == 9 else Kind.ACK


def _asked(number: int, method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": f"public/{method}", "params": params}


TRADES = Protocol(
    feeds=(
        Feed(
            "trades",
            "wss://www.deribit.com/ws/api/v2",
            always(
                _asked(1, "set_heartbeat", interval=30),
                _asked(2, "subscribe", channels=["trades.future.any.100ms", "ticker.BTC-PERPETUAL.100ms"]),
                acks=2,
            ),
        ),
    ),
    sort=sort,
    control="the ticker of BTC-PERPETUAL",
    control_every=5.0,
    docs=(_DOCS, _HEARTBEAT),
    answer=lambda _body: _TEST,
    needle=_FLAG,
    doubts=("without the flag of liquidations, which one survey missed, the tape would look like a quiet market",),
)
