"""A store as a source: `recorded:DIR` has the channels that were listened to, with what was heard and what was not.

The answer of such a channel is JSON lines: what was covered, then an event a line with the frame that it comes from and
its SHA-256. It is evidence like any answer, so that a run can be replayed without the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from sources import build, registry
from sources.adapter import Channel, Instruments, Payload, Request, Source, Told, channel_key
from sources.lazy import pl
from sources.recorder import reading
from sources.recorder.coverage import SECOND, Minute
from sources.recorder.holdings import Event, Held, Suspicion, covered, whole_parts
from sources.recorder.report import microseconds
from sources.spec import ChannelSpec, Transport
from verify.model.errors import SchemaChanged, StoreError, Unavailable, WindowUnsupported
from verify.model.figure import Basis
from verify.model.quantity import Quantity
from verify.model.window import Window, duration_words

SCHEME = "recorded"
#: Shares of a window above this are whole: a control every few seconds cannot prove the last of them.
WHOLE = 0.999


class _Head(msgspec.Struct):
    channel: str
    start_us: int
    end_us: int
    feeds: dict[str, list[tuple[int, int, int, int, int, int]]]
    suspicions: list[Suspicion]
    unread: int
    trial: bool = False


class _Line(Event, frozen=True):
    """An event; `capped` where the feed showed as much as its limit allows in that second."""

    capped: bool = False


def opened(address: str) -> Sequence[Source]:
    """The sources of a store: one for each venue, with the channels that can be listened to.

    Of a store that is not there all channels are named: its answers may be replayed from evidence. To read it raises
    `InputError`.
    """
    store = Path(address).expanduser()
    known = set(reading.channels(store)) if reading.exists(store) else None
    found = []
    for source in registry.load().values():
        pairs = [
            (spec, code)
            for spec, code in source.pairs()
            if code.stream is not None and (known is None or channel_key(source.spec, spec) in known)
        ]
        if pairs:
            found.append(_source(source, pairs, store))
    return found


def _source(source: Source, pairs: Sequence[tuple[ChannelSpec, Channel]], store: Path) -> Source:
    """The venue as it was heard: what it declares holds for the recording."""
    identity = f"{SCHEME}.{source.spec.id}"
    specs = tuple(_declared(spec, code) for spec, code in pairs)
    spec = replace(
        source.spec, id=identity, title=f"{source.spec.title}, recorded", channels=specs, hosts=(), rate=None
    )
    channels = {
        channel.id: Channel(
            requests=partial(_requests, store.name, channel_key(source.spec, channel)),
            parse=partial(_parse, channel_key(spec, channel)),
            reader=partial(_read, store, channel, channel_key(source.spec, channel), code),
            told=_told,
        )
        for channel, code in pairs
    }
    return Source(spec, channels)


def _declared(spec: ChannelSpec, code: Channel) -> ChannelSpec:
    """What the channel declares, as a recording of it: with what is doubtful about how it is listened to."""
    doubts = (*spec.doubts, *(code.stream.doubts if code.stream is not None else ()))
    title = f"{spec.title}, recorded"
    return replace(spec, title=title, transport=Transport.FILE, history=None, doubts=doubts)


def _requests(name: str, channel: str, window: Window, _quantity: Quantity) -> Sequence[Request]:
    edges = (("start", _iso(window.start)), ("end", _iso(window.end)))
    return [Request(f"{SCHEME}:{name}", (("channel", channel), *edges), note=f"what was heard of {channel}")]


def _read(store: Path, spec: ChannelSpec, channel: str, code: Channel, request: Request) -> bytes:
    """What the store holds of the window as JSON lines; raises `SourceError` where it holds nothing of it."""
    reading.require(store)
    asked = dict(request.params)
    start, end = (microseconds(datetime.fromisoformat(asked[edge])) for edge in ("start", "end"))
    try:
        held = reading.held(store, channel, start, end, code)
    except StoreError as error:
        raise Unavailable(error.message) from None
    if not held.heard and not held.events:
        raise WindowUnsupported("nobody listened to it in this window: nothing is known of it")
    return b"\n".join([msgspec.json.encode(_head(held)), *map(msgspec.json.encode, _lines(held, spec))]) + b"\n"


def _head(held: Held) -> _Head:
    feeds = {
        name: [(n, m.connected, m.subscribed, m.alive, m.frames, m.control) for n, m in sorted(minutes.items())]
        for name, minutes in sorted(held.feeds.items())
    }
    return _Head(held.channel, held.start_us, held.end_us, feeds, held.suspicions, held.unread, held.trial)


def _lines(held: Held, spec: ChannelSpec) -> Iterator[_Line]:
    """The events, those marked that came as many as the feed shows of their contract (and side) and interval."""
    seen: dict[tuple[object, ...], int] = {}
    keys = []
    for event in held.events:
        key = _capped_by(event, spec)
        keys.append(key)
        if key is not None:
            seen[key] = seen.get(key, 0) + 1
    for event, key in zip(held.events, keys, strict=True):
        limit = spec.rule_at(_utc(event.time_us)).cap
        full = key is not None and limit is not None and seen[key] >= limit.most
        yield _Line(**msgspec.structs.asdict(event), capped=full)


def _capped_by(event: Event, spec: ChannelSpec) -> tuple[object, ...] | None:
    """Which interval of which contract an event's limit is counted in; None where the feed has no limit then."""
    cap = spec.rule_at(_utc(event.time_us)).cap
    if cap is None:
        return None
    side = event.side if "side" in cap.per else ""
    return event.instrument, side, event.time_us // int(cap.interval.total_seconds() * SECOND)


def _parsed(payload: Payload) -> tuple[_Head, list[_Line]]:
    first, _, rest = payload.body.partition(b"\n")
    try:
        return msgspec.json.decode(first, type=_Head), [
            msgspec.json.decode(line, type=_Line) for line in rest.splitlines() if line
        ]
    except msgspec.MsgspecError as error:
        raise SchemaChanged(f"is no answer of a store: {error}", source=SCHEME) from None


def _parse(source: str, payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """The events of the window; `evidence` names the frame of each."""
    _, lines = _parsed(payload)
    if not lines:
        return build.no_events()
    frame = pl.DataFrame([msgspec.structs.asdict(line) for line in lines], infer_schema_length=None).with_columns(
        time=pl.from_epoch("time_us", time_unit="us").dt.replace_time_zone("UTC"),
        received=pl.from_epoch("received_us", time_unit="us").dt.replace_time_zone("UTC"),
        evidence=pl.col("frame"),
    )
    basis = Basis(lines[0].price_basis)
    return build.events(frame, venue=lines[0].venue, source=source, price_basis=basis, window=window)


def _told(payload: Payload, window: Window) -> Told:
    """How much of the window was heard, and in words what was not."""
    head, lines = _parsed(payload)
    feeds = {name: {row[0]: Minute(*row[1:]) for row in rows} for name, rows in head.feeds.items()}
    start, end = microseconds(window.start), microseconds(window.end)
    share = covered(feeds, start, end)
    notes = []
    if share < WHOLE:
        missing = duration_words(timedelta(seconds=round((end - start) * (1 - share) / SECOND)))
        notes.append(f"{share:.1%} of the window was heard; of {missing} of it nothing is known, which is not zero")
    if silent := [s for s in head.suspicions if s.since_us < end and (s.until_us or end) > start]:
        notes.append(f"silent at times though it should not have been ({silent[0].reason})")
    if head.trial:
        notes.append("recorded in a trial: a server on the recorder's own machine stood in the venue's place")
    if head.unread:
        frames = "1 frame" if head.unread == 1 else f"{head.unread} frames"
        notes.append(f"{frames} could not be read")
    if full := len({(line.instrument, line.time_us // SECOND) for line in lines if line.capped}):
        seconds = "1 second of a contract" if full == 1 else f"{full} seconds of contracts"
        notes.append(f"in {seconds} the feed showed as many as its limit allows")
    parts = tuple(Window(_utc(first), _utc(last)) for first, last in whole_parts(feeds, start, end))
    whole = share >= WHOLE and not silent and not head.unread and not head.trial
    return Told(share, tuple(notes), whole, parts)


def _utc(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // SECOND, UTC).replace(microsecond=at_us % SECOND)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
