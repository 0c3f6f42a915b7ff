"""What an adapter is made of: requests, payloads, instruments and the channels that turn them into frames.

An adapter module reads, top to bottom: `SPEC`, wire types (`msgspec.Struct`), `requests`, `parse`, and at the end
`SOURCE = Source(SPEC, {...})`, which the entry point names. `requests`, `follow` and `parse` are pure: no clock, no
network, no environment. Only `sources.http` does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sources.spec import ChannelSpec, SourceSpec, Transport
from verify.model.quantity import CountUnit, Quantity
from verify.model.window import Window

if TYPE_CHECKING:
    import polars as pl

    from sources.streams.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, without secrets: keys are added by `sources.http` and never leave it."""

    url: str
    params: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: bytes | None = None
    content_type: str | None = None
    note: str = ""  # what it asks for, in words, for progress and reports


@dataclass(frozen=True, slots=True)
class Payload:
    """One answer. `received` is UTC; `evidence` is the id of the record that keeps the bytes."""

    request: Request
    body: bytes
    received: datetime
    status: int = 200
    content_type: str = "application/json"
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """The contract behind a symbol.

    `size` is what one contract stands for, in `unit` ("base": coins of `asset`; "usd": dollars; "quote": quote
    coin). None is not known: such a contract's notional is null, never guessed. `inverse` contracts are worth a fixed
    number of dollars, so that their notional is not multiplied by a price.
    """

    venue: str
    name: str
    asset: str
    size: float | None
    unit: str = "base"
    inverse: bool = False
    quote: str = "USDT"


Instruments = Mapping[str, Instrument]
NO_INSTRUMENTS: Instruments = {}


@dataclass(frozen=True, slots=True)
class Weight:
    """A venue's size: one-sided open interest and 24 h volume in USD at `at` (UTC); None where not served.

    `halved` says that the provider counts both sides and the figure was halved; `citation` says where that is said.
    An answer may tell a part only: `open_interest_coins` (one-sided, in coins of `asset`) where no price comes with
    it, and `price_usd` where one does. `merged_weights` puts the parts of several answers together.
    """

    venue: str
    asset: str
    at: datetime
    open_interest_usd: float | None
    volume_24h_usd: float | None
    halved: bool = False
    citation: str = ""
    open_interest_coins: float | None = None
    price_usd: float | None = None


def merged_weights(parts: Iterable[Weight]) -> list[Weight]:
    """One weight per venue and asset, in the order met: dollars are added up, coins are valued at the price that came.

    A figure that no part serves, or coins without a price, stay None. `at` is that of the latest part.
    """
    groups: dict[tuple[str, str], list[Weight]] = {}
    for part in parts:
        groups.setdefault((part.venue, part.asset), []).append(part)
    return [_merged(group) for group in groups.values()]


def _merged(group: list[Weight]) -> Weight:
    def total(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    price = next((part.price_usd for part in reversed(group) if part.price_usd is not None), None)
    coins = total(part.open_interest_coins for part in group)
    dollars = total(part.open_interest_usd for part in group)
    if coins is not None:
        # Coins that nobody can value make the sum a part of the whole, which is no weight at all.
        dollars = None if price is None else (dollars or 0.0) + coins * price
    return Weight(
        venue=group[0].venue,
        asset=group[0].asset,
        at=max(part.at for part in group),
        open_interest_usd=dollars,
        volume_24h_usd=total(part.volume_24h_usd for part in group),
        halved=any(part.halved for part in group),
        citation=next((part.citation for part in group if part.citation), ""),
        open_interest_coins=coins,
        price_usd=price,
    )


RequestsFn = Callable[[Window, Quantity], Sequence[Request]]
#: The same once the contracts are known: for endpoints that must be asked market by market.
RequestsForFn = Callable[[Instruments, Window, Quantity], Sequence[Request]]
#: Given an answer, what to ask next for the same window: the next page, or halves of a full one.
FollowFn = Callable[[Payload, Window, Quantity], Sequence[Request]]
#: Events or bars (schemas in `verify.model.frames`) inside the window, in time order.
ParseFn = Callable[[Payload, Window, Instruments], "pl.DataFrame"]
#: One message of a stream; an empty frame for acknowledgements, pings and other control messages.
MessageFn = Callable[[bytes, datetime, Instruments], "pl.DataFrame"]


@dataclass(frozen=True, slots=True)
class Told:
    """How much of a window an answer covers, where that is no single span: a share, and in words what is missing.

    `whole` says that nothing is; `notes` may hold remarks beside what is missing. `parts` are the covered parts of the
    window where they are known (empty: they are not told apart).
    """

    share: float
    notes: tuple[str, ...] = ()
    whole: bool = True
    parts: tuple[Window, ...] = ()


#: How many liquidations of a quantity (its sides, assets and threshold) the answers hold, by what one of them is.
CountsFn = Callable[[Sequence[Payload], Window, Quantity], Mapping[CountUnit, int]]
#: The bytes that a request for something on this machine stands for; run in a thread, raises `SourceError`.
ReadFn = Callable[[Request], bytes]


def no_more(_payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The `follow` of a channel that answers in one page."""
    return ()


@dataclass(frozen=True, slots=True)
class Channel:
    """The code of one channel. REST and file channels have `requests` and `parse`, streams have `message`.

    `control` asks for something that is never empty (a ticker, the server time), so that a channel that answers OK
    and nothing can be told from a quiet market.

    An endpoint that is asked market by market has `requests_for` too: where the contracts are known (the answer to
    `instrument_requests` has come), `sources.http` asks what it returns; `requests`, which cannot know them, asks for
    the markets of the quantity's assets or for a declared list, and its answer is partial for "all assets".

    A channel that answers from this machine has a `reader`, and is asked nothing over the network. A stream that
    `verify record` can listen to declares how it is spoken in `stream`. `told` reads from an answer how much of the
    window it covers, and `counts` how many liquidations there were, where events alone do not say whose they are.
    `remote` says that the `reader` itself goes over the network, so that it may not be asked offline.
    """

    requests: RequestsFn | None = None
    parse: ParseFn | None = None
    follow: FollowFn = no_more
    message: MessageFn | None = None
    control: Callable[[], Request] | None = None
    control_alive: Callable[[Payload], bool] | None = None
    requests_for: RequestsForFn | None = None
    reader: ReadFn | None = None
    stream: Protocol | None = None
    told: Callable[[Payload, Window], Told] | None = None
    counts: CountsFn | None = None
    remote: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """An adapter: its declaration and, by channel id, its code.

    `instrument_requests` and `parse_instruments` fetch what the channels need to know about contracts;
    `weight_requests` (for now, or at a past time) and `parse_weights` serve the venue's size. `reader` answers these
    on this machine. `within` is the only stretch of time that the source knows, where it is one: asked for another
    window it is not silent but wrongly asked. `notes` tell, by channel id, where a stream is listened to, or what to do
    instead where a channel of files has nothing to ask for.
    """

    spec: SourceSpec
    channels: Mapping[str, Channel]
    instrument_requests: Callable[[Quantity], Sequence[Request]] | None = None
    parse_instruments: Callable[[Payload], dict[str, Instrument]] | None = None
    weight_requests: Callable[[Quantity, datetime | None], Sequence[Request]] | None = None
    parse_weights: Callable[[Payload, Instruments], Sequence[Weight]] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    reader: ReadFn | None = None
    within: Window | None = None

    def __post_init__(self) -> None:
        declared = {channel.id for channel in self.spec.channels}
        if declared != set(self.channels):
            raise ValueError(f"{self.spec.id}: channels declared and coded differ: {declared ^ set(self.channels)}")
        for channel in self.spec.channels:
            code = self.channels[channel.id]
            if channel.transport is Transport.STREAM and code.message is None:
                raise ValueError(f"{self.spec.id}/{channel.id}: a stream needs `message`")
            if channel.transport is Transport.REST and (code.requests is None or code.parse is None):
                raise ValueError(f"{self.spec.id}/{channel.id}: a REST channel needs `requests` and `parse`")
            for feed in code.stream.feeds if code.stream is not None else ():
                if urlsplit(feed.url).hostname not in self.spec.hosts:
                    raise ValueError(f"{self.spec.id}/{channel.id}: {feed.url} is at none of the declared hosts")

    def pairs(self) -> Iterator[tuple[ChannelSpec, Channel]]:
        """Each channel's declaration with its code, in the order of the declaration."""
        return ((channel, self.channels[channel.id]) for channel in self.spec.channels)


def channel_key(spec: SourceSpec, channel: ChannelSpec) -> str:
    """`gate/liq_orders`: how a channel is named in options, reports and lineages."""
    return f"{spec.id}/{channel.id}"
