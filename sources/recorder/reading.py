"""What a store holds of one channel in a window: events with the frames they come from, and how much was heard.

Reads SQLite files and compacted days alike, and never blocks who writes. Frames whose events are not read yet are
read on the way. Times are microseconds since 1970 (UTC).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

from sources.adapter import Channel
from sources.recorder import archive, days, digest
from sources.recorder.coverage import MINUTE, Minute
from sources.recorder.holdings import TRIAL, Event, Held, Suspicion
from verify.model.errors import InputError, StoreError

#: Events are looked for in files of reception up to so much before and after their own time: clocks differ, and an
#: event of before midnight may come after it.
REACH = 60 * MINUTE
#: The columns of an event as it is held, in the order of the table `events` without its channel.
COLUMNS = ("event_id", "frame", "time_us", "received_us", "venue", "instrument", "asset", "side", "quantity", "price",
           "price_basis", "notional_usd")  # fmt: skip


def exists(store: Path) -> bool:
    """Whether there is a store at that path."""
    return bool(days.live_days(store) or days.archived_days(store))


def require(store: Path) -> None:
    """Raise `InputError` where there is no store."""
    if not exists(store):
        raise InputError(f"there is no store at {store}: `verify record --store {store}` makes one")


def channels(store: Path) -> list[str]:
    """The channels that a store has ever listened to."""
    found: set[str] = set()
    for day in days.live_days(store):
        with closing(days.read_day(store, day)) as file:
            found |= {channel for (channel,) in file.execute("SELECT DISTINCT channel FROM feeds")}
    return sorted(found | archive.channels(store))


def held(store: Path, channel: str, start_us: int, end_us: int, code: Channel) -> Held:
    """What the store holds of `channel` in `[start, end)`. Raises `StoreError` where a file is damaged."""
    found = Held(channel, start_us, end_us)
    live, archived = set(days.live_days(store)), set(days.archived_days(store))
    first: dict[str, Event] = {}
    for day in days.between(start_us - REACH, end_us + REACH):
        if day in live:
            events = _live(store, day, found, code)
        elif day in archived:
            events = archive.held(store, day, found)
        else:
            continue
        for event in events:
            known = first.get(event.event_id)
            if known is None or event.received_us < known.received_us:
                first[event.event_id] = event
    found.events = sorted(first.values(), key=lambda event: (event.time_us, event.received_us, event.event_id))
    return found


def _live(store: Path, day: date, found: Held, code: Channel) -> list[Event]:
    """Events of one SQLite file; coverage, suspicions and unread frames are put into `found`."""
    with closing(days.read_day(store, day)) as file:
        try:
            _minutes(file, day, found)
            rows = file.execute(
                f"SELECT {', '.join(COLUMNS)} FROM events WHERE channel = ? AND time_us >= ? AND time_us < ?",
                (found.channel, found.start_us, found.end_us),
            ).fetchall()
            fresh, unread = _undigested(file, found, code)
            row = file.execute(
                "SELECT count(*) FROM unread u JOIN frames f ON f.id = u.frame WHERE u.channel = ?"
                " AND f.received_us >= ? AND f.received_us < ?",
                (found.channel, found.start_us, found.end_us),
            ).fetchone()
            found.unread += row[0] + unread
            hashes = _hashes(file, {line[1] for line in [*rows, *fresh]})
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{days.path_of(store, day)} cannot be read: {error}") from None
    return [Event(line[0], f"{day.isoformat()}/{line[1]}", hashes[line[1]], *line[2:]) for line in [*rows, *fresh]]


def _minutes(file: sqlite3.Connection, day: date, found: Held) -> None:
    asked = (found.channel, found.start_us // MINUTE, (found.end_us - 1) // MINUTE)
    for name, number, *amounts in file.execute(
        "SELECT f.name, c.minute, c.connected_us, c.subscribed_us, c.alive_us, c.frames, c.control FROM coverage c"
        " JOIN feeds f ON f.id = c.feed WHERE f.channel = ? AND c.minute BETWEEN ? AND ?",
        asked,
    ):
        found.feeds.setdefault(name, {})[number] = Minute(*amounts)
    names = file.execute("SELECT name FROM feeds WHERE channel = ?", (found.channel,))
    found.expect(day, [name for (name,) in names])
    found.trial |= bool(
        file.execute(
            "SELECT count(*) FROM connections c JOIN feeds f ON f.id = c.feed WHERE f.channel = ? AND c.url LIKE ?",
            (found.channel, f"%{TRIAL}"),
        ).fetchone()[0]
    )
    for since, until, reason in file.execute(
        "SELECT since_us, until_us, reason FROM suspicions WHERE channel = ? AND since_us < ?"
        " AND coalesce(until_us, ?) > ?",
        (found.channel, found.end_us, found.end_us, found.start_us),
    ):
        found.suspect(Suspicion(since, until, reason))


def _undigested(file: sqlite3.Connection, found: Held, code: Channel) -> tuple[list[tuple[object, ...]], int]:
    """Events of frames that the recorder has not read yet, and how many of those frames cannot be read."""
    through, listings = days.meta(file, "digested"), digest.listings_of(file)
    events: list[tuple[object, ...]] = []
    unread = 0
    while rows := digest.frames_of(file, through, digest.CHUNK):
        through = rows[-1].id
        read = digest.read([row for row in rows if row.channel == found.channel], {found.channel: code}, listings)
        events += [line[1:] for line in read.events if found.start_us <= int(str(line[3])) < found.end_us]
        unread += len(read.unread)
    return events, unread


def _hashes(file: sqlite3.Connection, frames: Iterable[int]) -> dict[int, str]:
    found = {}
    for frame in frames:
        (body,) = file.execute("SELECT body FROM frames WHERE id = ?", (frame,)).fetchone()
        found[frame] = hashlib.sha256(body).hexdigest()
    return found
