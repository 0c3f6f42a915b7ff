"""What a venue's websocket feed declares: where it is, what to send, and what each frame that comes is.

A protocol is data and small pure functions: no clock, no network. `sources.recorder` drives it. What no document
says is in `doubts`, and nothing rests on an acknowledgement alone: many venues acknowledge routes on which nothing
ever comes, so that every feed subscribes to something that is never quiet as well, its *control*.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import polars as pl

    from sources.adapter import Instrument


class Kind(IntEnum):
    """What a frame is. CONTROL, PING and PONG are counted and not kept: they say that the feed lives and nothing else.

    Ordinary trades of a tape, among which liquidations are picked, are CONTROL too.
    """

    DATA = 0
    SNAPSHOT = 1  # what was there before the subscription
    ACK = 2
    REFUSAL = 3
    OTHER = 4
    CONTROL = 5
    PING = 6
    PONG = 7


#: Kinds that are stored.
KEPT = frozenset({Kind.DATA, Kind.SNAPSHOT, Kind.ACK, Kind.REFUSAL, Kind.OTHER})


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one connection sends once it is open, and how many acknowledgements answer it.

    `complete` is False where the venue's list of contracts did not come and only the largest are subscribed to: what
    such a connection hears is a part of the venue.
    """

    messages: tuple[str, ...]
    acks: int
    complete: bool = True


#: What to subscribe to, given the contracts: one entry for each connection that it takes.
SubscribeFn = Callable[[Mapping[str, "Instrument"]], Sequence[Subscription]]


@dataclass(frozen=True, slots=True)
class Feed:
    """One address of a channel; `name` tells it from the channel's others. `listed`: it is subscribed by contract."""

    name: str
    url: str
    subscribe: SubscribeFn
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a channel's feeds are spoken.

    `sort` says what a frame is, `answer` what must be sent back to a PING of the venue's own, `ping` what the venue
    wants to hear every `ping_every` seconds. `control_every` is the longest pause in seconds between frames of the
    control: a feed without one for three times as long, at least 15 s, is dead. `life` is how many seconds a
    connection lives at most; `pace` how many seconds to leave between messages. `resting` reads a SNAPSHOT whose
    records carry no time. `typical` is how many frames an hour with liquidations a busy feed shows even on quiet days:
    an assumption, zero where nothing is expected. `needle` is in every frame that can hold a liquidation. `signs` are
    the kinds of frames that prove the route alive.
    """

    feeds: tuple[Feed, ...]
    sort: Callable[[bytes], Kind]
    control: str
    control_every: float
    docs: tuple[str, ...]
    ping: str | None = None
    ping_every: float = 20.0
    answer: Callable[[bytes], str | None] | None = None
    unpack: Callable[[bytes], bytes] | None = None
    life: float | None = None
    pace: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    snapshot_acks: bool = False  # a SNAPSHOT is the answer to a subscription
    resting: Callable[[bytes, datetime, Mapping[str, Instrument]], pl.DataFrame] | None = None
    typical: float = 0.0
    needle: bytes = b""
    least_grace: float = 15.0
    signs: frozenset[Kind] = frozenset({Kind.CONTROL, Kind.DATA})
    doubts: tuple[str, ...] = ()

    @property
    def grace(self) -> float:
        """Seconds without a sign of the control after which a feed is dead; three missed ones, at most 45."""
        return min(max(3 * self.control_every, self.least_grace), 45.0)


#: A field that is not there, for heads of frames: unions with `Raw` are read wrongly by msgspec.
NOTHING = msgspec.Raw()


#: In a message, the Unix time in seconds at which it is sent.
NOW = "$now"


def stamped(message: str, second: int) -> str:
    """A message as it is sent at a time: with the Unix time in seconds where it says `NOW`."""
    return message.replace(f'"{NOW}"', str(second))


def present(raw: msgspec.Raw) -> bool:
    """Whether a field is there and not null."""
    return bytes(raw) not in (b"", b"null")


def text(content: Any) -> str:
    """A message as compact JSON."""
    return json.dumps(content, separators=(",", ":"))


def always(*messages: Any, acks: int) -> SubscribeFn:
    """The same messages on one connection, whatever contracts there are."""
    said = Subscription(tuple(text(message) for message in messages), acks)
    return lambda _instruments: (said,)


def chunks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def packed(items: Iterable[str], room: int, overhead: int) -> list[list[str]]:
    """`items` in lists whose lengths, each with `overhead` characters more, add up to at most `room`."""
    found: list[list[str]] = [[]]
    used = 0
    for item in items:
        size = len(item) + overhead
        if found[-1] and used + size > room:
            found.append([])
            used = 0
        found[-1].append(item)
        used += size
    return [group for group in found if group]


def head(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """The head of a frame, or None for what is no such JSON: `sort` calls that OTHER."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
