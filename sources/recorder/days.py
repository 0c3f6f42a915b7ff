"""One SQLite file per UTC day of reception: its tables, and how it is opened.

Times are microseconds since 1970 (UTC), `minute` is the minute's number since 1970. `frames.body` is the frame as it
was received. A connection that lives over midnight stands in both days' files, so that each file can be read alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from verify.model.errors import StoreError

FORMAT = "1"
DAY = 86_400_000_000
SUFFIX = ".sqlite"
#: Where compacted days are: `parquet/day=2026-11-24/venue=binance/frames-0000.parquet`.
ARCHIVE = "parquet"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feeds(id INTEGER PRIMARY KEY, channel TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE(channel, name));
CREATE TABLE IF NOT EXISTS connections(id INTEGER PRIMARY KEY, feed INTEGER NOT NULL, url TEXT NOT NULL,
    opened_us INTEGER NOT NULL, since_us INTEGER NOT NULL, complete INTEGER NOT NULL, closed_us INTEGER, why TEXT);
CREATE TABLE IF NOT EXISTS frames(id INTEGER PRIMARY KEY, connection INTEGER NOT NULL, received_us INTEGER NOT NULL,
    kind INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events(channel TEXT NOT NULL, event_id TEXT NOT NULL, frame INTEGER NOT NULL,
    time_us INTEGER NOT NULL, received_us INTEGER NOT NULL, venue TEXT NOT NULL, instrument TEXT NOT NULL,
    asset TEXT NOT NULL, side TEXT NOT NULL, quantity REAL, price REAL, price_basis TEXT NOT NULL, notional_usd REAL,
    PRIMARY KEY(channel, event_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_by_time ON events(time_us);
CREATE TABLE IF NOT EXISTS unread(frame INTEGER PRIMARY KEY, channel TEXT NOT NULL, error TEXT NOT NULL,
    message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS coverage(feed INTEGER NOT NULL, minute INTEGER NOT NULL, connected_us INTEGER NOT NULL,
    subscribed_us INTEGER NOT NULL, alive_us INTEGER NOT NULL, frames INTEGER NOT NULL, control INTEGER NOT NULL,
    PRIMARY KEY(feed, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suspicions(channel TEXT NOT NULL, since_us INTEGER NOT NULL, until_us INTEGER,
    reason TEXT NOT NULL, PRIMARY KEY(channel, since_us)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listings(source TEXT NOT NULL, fetched_us INTEGER NOT NULL, instruments TEXT NOT NULL,
    PRIMARY KEY(source, fetched_us)) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS minutes AS SELECT f.channel, f.name AS feed, c.minute, c.connected_us, c.subscribed_us,
    c.alive_us, c.frames, c.control, (SELECT count(*) FROM events e WHERE e.channel = f.channel
    AND e.time_us >= c.minute * 60000000 AND e.time_us < (c.minute + 1) * 60000000) AS events
    FROM coverage c JOIN feeds f ON f.id = c.feed;
"""


def day_of(at_us: int) -> date:
    """The UTC day of a time."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).date()


def start_of(day: date) -> int:
    """The first microsecond of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def path_of(store: Path, day: date) -> Path:
    return store / f"{day.isoformat()}{SUFFIX}"


def live_days(store: Path) -> list[date]:
    """The days that have a SQLite file, in order."""
    return sorted(found for path in store.glob(f"*{SUFFIX}") if (found := _date(path.name.removesuffix(SUFFIX))))


def archived_days(store: Path) -> list[date]:
    """The days that were moved to Parquet, in order."""
    return sorted(found for path in (store / ARCHIVE).glob("day=*") if (found := _date(path.name.removeprefix("day="))))


def between(start_us: int, end_us: int) -> Iterator[date]:
    """Every UTC day that `[start, end)` touches."""
    day = day_of(start_us)
    while start_of(day) < end_us:
        yield day
        day += timedelta(days=1)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def open_day(store: Path, day: date) -> sqlite3.Connection:
    """A day's file to write to, made if it is not there.

    FULL, as there are two commits a second at most: then what is committed outlives a power cut too, at the price of
    a flush each. Raises `StoreError`.
    """
    try:
        connection = sqlite3.connect(path_of(store, day), timeout=30.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        connection.executescript(_SCHEMA)
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?), ('digested', '0')", (FORMAT,))
    except sqlite3.Error as error:
        raise StoreError(f"cannot write {path_of(store, day)}: {error}") from None
    _checked(connection, path_of(store, day))
    return connection


def read_day(store: Path, day: date) -> sqlite3.Connection:
    """A day's file to read from, which never blocks who writes. Raises `StoreError`."""
    path = path_of(store, day)
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=30.0, isolation_level=None,
                                     check_same_thread=False)  # fmt: skip
        connection.execute("PRAGMA query_only=1")
        _checked(connection, path)
    except sqlite3.OperationalError:
        return _read_only(path)  # a store on a medium that cannot be written
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is damaged: {error}") from None
    return connection


def _read_only(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, isolation_level=None)
        _checked(connection, path)
    except sqlite3.Error as error:
        raise StoreError(f"cannot read {path}: {error}") from None
    return connection


def _checked(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    if row is None or row[0] != FORMAT:
        raise StoreError(f"{path} has format {row[0] if row else 'none'}, and this version reads {FORMAT}")


def meta(connection: sqlite3.Connection, key: str) -> int:
    """A number among the file's notes; 0 where it was not noted."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0
