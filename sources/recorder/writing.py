"""The one thread that writes to a store: it takes what the event loop hands it and commits it twice a second.

The event loop never waits for the disk: it appends to bounded queues. When they are full (`full`), connections stop
reading, so that the venues' servers feel it and nothing is dropped.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sources.recorder import days
from sources.recorder.coverage import MINUTE, Minute
from verify.model.errors import StoreError

#: Seconds between commits; what a killed process loses at most.
COMMIT_EVERY = 0.5
#: Frames that wake the writer early, and those of one transaction.
BATCH, MOST_AT_ONCE = 4_000, 40_000
#: Bytes that may wait for the disk.
ROOM = 64 * 1024 * 1024
#: What a frame costs in memory beside its bytes.
_OVERHEAD = 200
#: Bytes of free disk below which the recorder stops, so that it ends in order.
RESERVE = 64 * 1024 * 1024

Frame = tuple[int, int, int, bytes]  # connection, received_us, kind, body


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a channel, by the channel's key (`bybit/liquidations`) and a name (`linear`, `linear.2`)."""

    channel: str
    name: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as it is stored; `since_us` is from when on the feed was listened to without a longer gap."""

    id: int
    feed: Feed
    url: str
    opened_us: int
    since_us: int
    complete: bool
    closed_us: int | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Covered:
    """Coverage of one feed that has become certain."""

    feed: Feed
    minutes: dict[int, Minute]


@dataclass(frozen=True, slots=True)
class Listing:
    """A source's contracts as JSON, as they were at `fetched_us`."""

    source: str
    fetched_us: int
    instruments: str


@dataclass(frozen=True, slots=True)
class Suspicion:
    channel: str
    since_us: int
    until_us: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Digested:
    """Events of a day's frames up to `through`; rows as the tables `events` and `unread` have them."""

    day: date
    through: int
    events: Sequence[tuple[object, ...]]
    unread: Sequence[tuple[object, ...]]


Note = Feed | Connection | Covered | Listing | Suspicion | Digested


class Writer:
    """Writes a store from a thread of its own. `failed` is called there, once, when it cannot go on."""

    def __init__(
        self,
        store: Path,
        *,
        failed: Callable[[StoreError], None],
        reserve: int = RESERVE,
        room: int = ROOM,
    ) -> None:
        self.failure: StoreError | None = None
        self.commits = 0
        self.frames = 0
        self._store, self._failed, self._reserve, self._room = store, failed, reserve, room
        self._queue: deque[Frame] = deque()
        self._notes: deque[Note] = deque()
        self._batch: list[Frame] = []
        self._put = self._taken = 0
        self._open: dict[date, sqlite3.Connection] = {}
        self._feeds: set[Feed] = set()
        self._numbers: dict[tuple[date, Feed], int] = {}
        self._day: date | None = None
        self._connections: dict[int, Connection] = {}
        self._listings: dict[str, Listing] = {}
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self, today: date) -> None:
        """Open today's file and begin. Raises `StoreError` where the store cannot be written."""
        self._file(today)
        self._thread.start()

    def frame(self, connection: int, received_us: int, kind: int, body: bytes) -> None:
        """Hand over a frame; never waits. Ask `full` after it."""
        self._queue.append((connection, received_us, kind, body))
        self._put += len(body) + _OVERHEAD
        if len(self._queue) == BATCH:
            self._wake.set()

    def note(self, note: Note) -> None:
        """Hand over anything else; never waits."""
        self._notes.append(note)

    @property
    def waiting(self) -> int:
        """Bytes that wait for the disk."""
        return self._put - self._taken

    @property
    def full(self) -> bool:
        return self._put - self._taken > self._room

    def close(self) -> None:
        """Commit all that was handed over and end; raises `StoreError` where that failed."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            while True:
                closing = self._closing
                if not closing:
                    self._wake.wait(COMMIT_EVERY)
                    self._wake.clear()
                while self._commit():
                    pass
                if closing:
                    break
        except (sqlite3.Error, StoreError, OSError) as error:
            self._fail(error)
        finally:
            for connection in self._open.values():
                connection.close()

    def _fail(self, error: Exception) -> None:
        message = error.message if isinstance(error, StoreError) else f"cannot write {self._store}: {error}"
        lost = len(self._batch) + len(self._queue)
        self.failure = StoreError(f"{message}; {self.frames} frames of this run are committed, {lost} more are lost")
        self._failed(self.failure)

    def _commit(self) -> bool:
        """One transaction for each day that there is something for; whether more is waiting."""
        if shutil.disk_usage(self._store).free < self._reserve:
            raise StoreError(
                f"the disk of {self._store} is full: less than {self._reserve // 1024 // 1024} MB are free"
            )
        batch, notes = self._batch, []
        while self._queue and len(batch) < MOST_AT_ONCE:
            batch.append(self._queue.popleft())
        while self._notes:  # after the frames, so that the connection of each is written with it or before
            notes.append(self._notes.popleft())
        if not batch and not notes:
            return False
        by_day: dict[date, list[Frame]] = {}
        for frame in batch:
            by_day.setdefault(days.day_of(frame[1]), []).append(frame)
        for day in sorted({*by_day, *_days_of(notes)}):
            self._file(day)
        for day in list(self._open):
            self._write(day, by_day.get(day, []), notes)
        self.frames += len(batch)
        self.commits += 1
        self._taken += sum(len(frame[3]) + _OVERHEAD for frame in batch)
        more = len(batch) == MOST_AT_ONCE
        self._batch = []
        self._let_go(notes)
        return more

    def _write(self, day: date, frames: Sequence[Frame], notes: Sequence[Note]) -> None:
        connection = self._open[day]
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT INTO frames(connection, received_us, kind, body) VALUES (?, ?, ?, ?)", frames
            )
            for note in notes:
                self._apply(connection, day, note)
        except BaseException:
            connection.rollback()
            raise
        connection.execute("COMMIT")

    def _apply(self, connection: sqlite3.Connection, day: date, note: Note) -> None:
        match note:
            case Covered():
                mine = {n: m for n, m in note.minutes.items() if days.day_of(n * MINUTE) == day}
                if mine:
                    add_coverage(connection, self._number(connection, day, note.feed), mine)
            case Feed():
                self._feeds.add(note)
                if day == self._day:
                    self._number(connection, day, note)
            case Digested():
                if note.day == day:
                    store_digested(connection, note)
            case Connection():
                self._connections[note.id] = note
                if day in (self._day, days.day_of(note.opened_us)):
                    store_connection(connection, note, self._number(connection, day, note.feed))
            case Listing():
                self._listings[note.source] = note
                if day == self._day:
                    store_listing(connection, note)
            case Suspicion():
                if day in (days.day_of(note.since_us), self._day):
                    row = (note.channel, note.since_us, note.until_us, note.reason)
                    connection.execute("INSERT OR REPLACE INTO suspicions VALUES (?, ?, ?, ?)", row)

    def _number(self, connection: sqlite3.Connection, day: date, feed: Feed) -> int:
        """The number of a feed in a day's file, which may be of an earlier run with other feeds."""
        found = self._numbers.get((day, feed))
        if found is None:
            found = self._numbers[day, feed] = number_of(connection, feed)
        return found

    def _file(self, day: date) -> None:
        """Open a day's file; a new day's gets the feeds, contracts and connections that are in force."""
        if day in self._open:
            return
        connection = self._open[day] = days.open_day(self._store, day)
        if self._day is not None and day < self._day:
            return
        self._day = day
        connection.execute("BEGIN IMMEDIATE")
        for feed in self._feeds:  # also those that cannot be connected to: what was to be heard and was not
            self._number(connection, day, feed)
        for listing in self._listings.values():
            store_listing(connection, listing)
        for link in self._connections.values():
            store_connection(connection, link, self._number(connection, day, link.feed))
        connection.execute("COMMIT")

    def _let_go(self, notes: Iterable[Note]) -> None:
        """Forget connections that are closed, and files of days before yesterday."""
        for note in notes:
            if isinstance(note, Connection) and note.closed_us is not None:
                self._connections.pop(note.id, None)
        for day in sorted(self._open)[:-2]:
            self._open.pop(day).close()
            self._numbers = {key: number for key, number in self._numbers.items() if key[0] != day}


def _days_of(notes: Iterable[Note]) -> set[date]:
    """The days whose files notes need to be written to."""
    found: set[date] = set()
    for note in notes:
        if isinstance(note, Covered):
            found |= {days.day_of(number * MINUTE) for number in note.minutes}
        elif isinstance(note, Digested):
            found.add(note.day)
    return found


def number_of(connection: sqlite3.Connection, feed: Feed) -> int:
    """The number of a feed in a file, given to it if it has none."""
    connection.execute("INSERT OR IGNORE INTO feeds(channel, name) VALUES (?, ?)", (feed.channel, feed.name))
    row = connection.execute("SELECT id FROM feeds WHERE channel = ? AND name = ?", (feed.channel, feed.name))
    return int(row.fetchone()[0])


def add_coverage(connection: sqlite3.Connection, number: int, minutes: dict[int, Minute]) -> None:
    rows = [(number, n, m.connected, m.subscribed, m.alive, m.frames, m.control) for n, m in minutes.items()]
    connection.executemany(
        "INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(feed, minute) DO UPDATE SET"
        " connected_us = connected_us + excluded.connected_us, subscribed_us = subscribed_us + excluded.subscribed_us,"
        " alive_us = alive_us + excluded.alive_us, frames = frames + excluded.frames,"
        " control = control + excluded.control",
        rows,
    )


def store_connection(connection: sqlite3.Connection, link: Connection, number: int) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO connections VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (link.id, number, link.url, link.opened_us, link.since_us, link.complete, link.closed_us, link.why),
    )


def store_listing(connection: sqlite3.Connection, listing: Listing) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO listings VALUES (?, ?, ?)", (listing.source, listing.fetched_us, listing.instruments)
    )


def store_digested(connection: sqlite3.Connection, digested: Digested) -> None:
    """Store events, each id of a channel once, and how far the day's frames are read."""
    marks = ", ".join("?" * 13)
    connection.executemany(f"INSERT OR IGNORE INTO events VALUES ({marks})", digested.events)
    connection.executemany("INSERT OR REPLACE INTO unread VALUES (?, ?, ?, ?)", digested.unread)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'digested'", (str(digested.through),))
