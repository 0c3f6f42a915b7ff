"""Frames into events: by the adapters' own parsers, in the order received, again at any time from the frames alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Source, channel_key
from sources.jobs import contained
from sources.lazy import pl
from sources.recorder.coverage import SECOND
from sources.streams.protocol import Kind
from verify.model.errors import SourceError

#: Frames read and validated at once.
CHUNK = 400
#: In this time after its opening a connection may tell what was before: the answer to its subscription.
FIRST_MOMENTS = 30 * SECOND
#: What happened so short before counts as new all the same: clocks differ, and venues send in batches.
SLACK = SECOND

_FRAMES = (
    "SELECT fr.id, fr.received_us, fr.kind, fr.body, fe.channel, c.opened_us, c.since_us FROM frames fr"
    " JOIN connections c ON c.id = fr.connection JOIN feeds fe ON fe.id = c.feed WHERE fr.id > ? ORDER BY fr.id LIMIT ?"
)
_READ = (Kind.DATA, Kind.SNAPSHOT, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class Row:
    """A stored frame with what its reading depends on."""

    id: int
    received_us: int
    kind: int
    body: bytes
    channel: str
    opened_us: int
    since_us: int


@dataclass(frozen=True, slots=True)
class Read:
    """What frames up to `through` hold; rows as the tables `events` and `unread` have them."""

    through: int
    events: list[tuple[object, ...]]
    unread: list[tuple[object, ...]]


class Listings:
    """The contracts of each source as they were known at a time: the latest list before it, else the first after."""

    def __init__(self, rows: Iterable[tuple[str, int, str]]) -> None:
        self._found: dict[str, list[tuple[int, str]]] = {}
        for source, fetched, text in sorted(rows):
            self._found.setdefault(source, []).append((fetched, text))
        self._read: dict[tuple[str, int], dict[str, Instrument]] = {}

    def at(self, source: str, moment_us: int) -> Instruments:
        lists = self._found.get(source, [])
        before = [entry for entry in lists if entry[0] <= moment_us]
        entry = before[-1] if before else next(iter(lists), None)
        if entry is None:
            return {}
        key = (source, entry[0])
        if key not in self._read:
            self._read[key] = decode_instruments(entry[1])
        return self._read[key]


def encode_instruments(instruments: Mapping[str, Instrument]) -> str:
    return msgspec.json.encode(dict(sorted(instruments.items()))).decode()


def decode_instruments(text: str) -> dict[str, Instrument]:
    return msgspec.json.decode(text, type=dict[str, Instrument])


def codes(sources: Iterable[Source]) -> dict[str, Channel]:
    """The code of every channel that can be listened to, by key."""
    return {
        channel_key(source.spec, spec): code
        for source in sources
        for spec, code in source.pairs()
        if code.stream is not None
    }


def frames_of(connection: sqlite3.Connection, after: int, most: int) -> list[Row]:
    """The frames of a day's file with a higher id, in order."""
    return [Row(*row) for row in connection.execute(_FRAMES, (after, most))]


def listings_of(connection: sqlite3.Connection) -> Listings:
    return Listings(connection.execute("SELECT source, fetched_us, instruments FROM listings"))


def read(rows: Sequence[Row], channels: Mapping[str, Channel], listings: Listings) -> Read:
    """The events of frames. What cannot be read is in `unread` with the reason, and stops nothing."""
    frames: dict[str, list[pl.DataFrame]] = {}
    unread: list[tuple[object, ...]] = []
    for row in rows:
        code = channels.get(row.channel)
        if code is None or row.kind not in _READ:
            continue
        try:
            found = events_of(row, code, listings.at(row.channel.partition("/")[0], row.received_us))
        except SourceError as error:
            unread.append((row.id, row.channel, type(error).__name__, error.message[:500]))
            continue
        if found is not None and found.height:
            frames.setdefault(row.channel, []).append(found)
    events: list[tuple[object, ...]] = []
    for channel, parts in frames.items():
        good, bad = _validated(channel, parts)
        events += [line for part in good for line in _lines(channel, part)]
        unread += bad
    return Read(rows[-1].id if rows else 0, events, unread)


def events_of(row: Row, code: Channel, instruments: Instruments) -> pl.DataFrame | None:
    """The new events of one frame with the frame's id in `evidence`, not yet validated; None where it holds none.

    What a connection hears first may be of the time before: it is new only if it happened since the feed has been
    listened to. A snapshot without times is new only if it follows another connection.
    """
    protocol = code.stream
    assert protocol is not None
    assert code.message is not None
    body = protocol.unpack(row.body) if protocol.unpack is not None else row.body
    if row.kind != Kind.OTHER and protocol.needle not in body:
        return None
    received = datetime.fromtimestamp(row.received_us // SECOND, UTC).replace(microsecond=row.received_us % SECOND)
    message = code.message
    if row.kind == Kind.SNAPSHOT and protocol.resting is not None:
        if row.since_us >= row.opened_us:
            return None
        message = protocol.resting
    with build.validated_later(), contained(row.channel):
        frame = message(body, received, instruments)
    if row.received_us - row.opened_us < FIRST_MOMENTS or row.kind == Kind.SNAPSHOT:
        frame = frame.filter(pl.col("time").dt.epoch("us") >= row.since_us - SLACK)
    return frame.with_columns(evidence=pl.lit(str(row.id)))


def _validated(channel: str, parts: list[pl.DataFrame]) -> tuple[list[pl.DataFrame], list[tuple[object, ...]]]:
    """Frames of a channel checked as one; where that fails one by one, so that a bad one takes no other with it."""
    try:
        return [build.checked(pl.concat(parts), channel)], []
    except SourceError:
        pass
    good: list[pl.DataFrame] = []
    bad: list[tuple[object, ...]] = []
    for part in parts:
        try:
            good.append(build.checked(part, channel))
        except SourceError as error:
            bad.append((int(part["evidence"][0]), channel, type(error).__name__, error.message[:500]))
    return good, bad


def _lines(channel: str, frame: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    """Rows of the table `events`. An event without an id of its own is told by its frame and place."""
    table = frame.with_columns(
        time_us=pl.col("time").dt.epoch("us"),
        received_us=pl.col("received").dt.epoch("us"),
        frame=pl.col("evidence").cast(pl.Int64),
        event_id=pl.coalesce("event_id", pl.col("evidence") + "/" + pl.int_range(pl.len()).cast(pl.String)),
    )
    names = ("event_id", "frame", "time_us", "received_us", "venue", "instrument", "asset", "side", "quantity",
             "price", "price_basis", "notional_usd")  # fmt: skip
    return ((channel, *line) for line in table.select(names).iter_rows())
