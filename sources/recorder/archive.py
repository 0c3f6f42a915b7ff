"""Compacted days: Parquet files (zstd) by day and venue, which any tool reads and `reading` serves like the rest.

`parquet/day=2026-11-24/venue=binance/` holds `frames-0000.parquet` and further, and one file for each of the tables
`events`, `feeds`, `coverage`, `connections`, `suspicions`, `unread` and `listings`. Times are microseconds since 1970
(UTC).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sources.lazy import pl
from sources.recorder import days
from sources.recorder.coverage import MINUTE, Minute
from sources.recorder.digest import Listings, Row
from sources.recorder.holdings import TRIAL, Event, Held, Suspicion
from verify.model.errors import StoreError

#: Frames in one file, which bounds the memory that it takes to write and to read one.
FRAMES_PER_FILE = 50_000

_INTEGERS = ("id", "connection", "received_us", "kind", "frame", "time_us", "minute", "connected_us", "subscribed_us",
             "alive_us", "frames", "control", "opened_us", "since_us", "closed_us", "until_us", "fetched_us",
             "complete")  # fmt: skip
_FLOATS = ("quantity", "price", "notional_usd")
_BYTES = ("body",)

#: Each table with its columns and the query that reads a venue's rows; `?` is the pattern of its channels.
TABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "events": (
        ("channel", "event_id", "frame", "time_us", "received_us", "venue", "instrument", "asset", "side", "quantity",
         "price", "price_basis", "notional_usd"),
        "SELECT * FROM events WHERE channel GLOB ? ORDER BY time_us, channel, event_id",
    ),
    "feeds": (
        ("channel", "name"),
        "SELECT channel, name FROM feeds WHERE channel GLOB ? ORDER BY 1, 2",
    ),
    "coverage": (
        ("channel", "feed", "minute", "connected_us", "subscribed_us", "alive_us", "frames", "control"),
        "SELECT f.channel, f.name, c.minute, c.connected_us, c.subscribed_us, c.alive_us, c.frames, c.control"
        " FROM coverage c JOIN feeds f ON f.id = c.feed WHERE f.channel GLOB ? ORDER BY 1, 2, 3",
    ),
    "connections": (
        ("id", "channel", "feed", "url", "opened_us", "since_us", "complete", "closed_us", "why"),
        "SELECT c.id, f.channel, f.name, c.url, c.opened_us, c.since_us, c.complete, c.closed_us, c.why"
        " FROM connections c JOIN feeds f ON f.id = c.feed WHERE f.channel GLOB ? ORDER BY c.id",
    ),
    "suspicions": (
        ("channel", "since_us", "until_us", "reason"),
        "SELECT * FROM suspicions WHERE channel GLOB ? ORDER BY 1, 2",
    ),
    "unread": (
        ("frame", "channel", "error", "message", "received_us"),
        "SELECT u.frame, u.channel, u.error, u.message, fr.received_us FROM unread u JOIN frames fr ON fr.id = u.frame"
        " WHERE u.channel GLOB ? ORDER BY 1",
    ),
    "listings": (
        ("source", "fetched_us", "instruments"),
        "SELECT * FROM listings WHERE source || '/' GLOB ? ORDER BY 1, 2",
    ),
}  # fmt: skip
FRAMES = (
    ("id", "connection", "received_us", "kind", "body", "channel", "opened_us", "since_us"),
    "SELECT fr.id, fr.connection, fr.received_us, fr.kind, fr.body, f.channel, c.opened_us, c.since_us FROM frames fr"
    " JOIN connections c ON c.id = fr.connection JOIN feeds f ON f.id = c.feed"
    " WHERE f.channel GLOB ? AND fr.id > ? ORDER BY fr.id LIMIT ?",
)


def folder(store: Path, day: date) -> Path:
    return store / days.ARCHIVE / f"day={day.isoformat()}"


def schema(names: tuple[str, ...]) -> dict[str, pl.DataType]:
    """The types of columns, which are the same in every table."""
    kinds = {**dict.fromkeys(_INTEGERS, pl.Int64()), **dict.fromkeys(_FLOATS, pl.Float64()),
             **dict.fromkeys(_BYTES, pl.Binary())}  # fmt: skip
    return {name: kinds.get(name, pl.String()) for name in names}


def rows_of(file: sqlite3.Connection, table: str, venue: str) -> pl.DataFrame:
    """A venue's rows of a table of a day's SQLite file."""
    names, query = TABLES[table]
    return pl.DataFrame(file.execute(query, (f"{venue}/*",)).fetchall(), schema=schema(names), orient="row")


def frames_of(file: sqlite3.Connection, venue: str) -> Iterator[pl.DataFrame]:
    """A venue's frames of a day's SQLite file, in parts, with the SHA-256 of each."""
    names, query = FRAMES
    after = 0
    while rows := file.execute(query, (f"{venue}/*", after, FRAMES_PER_FILE)).fetchall():
        after = rows[-1][0]
        frame = pl.DataFrame(rows, schema=schema(names), orient="row")
        yield frame.with_columns(sha256=pl.Series([hashlib.sha256(row[4]).hexdigest() for row in rows]))


def venues(store: Path, day: date) -> list[str]:
    return sorted(path.name.removeprefix("venue=") for path in folder(store, day).glob("venue=*"))


def table(place: Path, name: str) -> pl.DataFrame:
    """A table of one venue and day; raises `StoreError` where the file is damaged."""
    path = place / f"{name}.parquet"
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StoreError(f"cannot read {path}: {error}") from None


def channels(store: Path) -> set[str]:
    """The channels that were listened to on the first and on the last day of each venue: of years, not every day."""
    places: dict[str, list[Path]] = {}
    for day in days.archived_days(store):
        for venue in venues(store, day):
            places.setdefault(venue, []).append(folder(store, day) / f"venue={venue}")
    return {
        channel
        for mine in places.values()
        for place in {mine[0], mine[-1]}
        for channel in table(place, "feeds")["channel"]
    }


def frame_files(place: Path) -> list[Path]:
    return sorted(place.glob("frames-*.parquet"))


def held(store: Path, day: date, found: Held) -> list[Event]:
    """A compacted day's events of a window; coverage, suspicions and unread frames are put into `found`."""
    place = folder(store, day) / f"venue={found.channel.partition('/')[0]}"
    if not place.is_dir():
        return []
    mine = pl.col("channel") == found.channel
    first, last = found.start_us // MINUTE, (found.end_us - 1) // MINUTE
    minutes = table(place, "coverage").filter(mine, pl.col("minute").is_between(first, last))
    for _, feed, number, *amounts in minutes.iter_rows():
        found.feeds.setdefault(feed, {})[number] = Minute(*amounts)
    found.expect(day, table(place, "feeds").filter(mine)["name"])
    for _, since, until, reason in table(place, "suspicions").filter(mine).iter_rows():
        if since < found.end_us and (until or found.end_us) > found.start_us:
            found.suspect(Suspicion(since, until, reason))
    found.trial |= table(place, "connections").filter(mine, pl.col("url").str.ends_with(TRIAL)).height > 0
    inside = pl.col("received_us").is_between(found.start_us, found.end_us, closed="left")
    found.unread += table(place, "unread").filter(mine, inside).height
    events = table(place, "events").filter(
        mine, pl.col("time_us").is_between(found.start_us, found.end_us, closed="left")
    )
    hashes = _hashes(place, events["frame"])
    return [
        Event(row[1], f"{day.isoformat()}/{row[2]}", hashes[row[2]], row[3], row[4], *row[5:])
        for row in events.iter_rows()
    ]


def _hashes(place: Path, frames: pl.Series) -> dict[int, str]:
    found: dict[int, str] = {}
    if frames.len():
        wanted = frames.unique().to_list()
        for path in frame_files(place):
            part = pl.read_parquet(path, columns=["id", "sha256"]).filter(pl.col("id").is_in(wanted))
            found |= dict(part.iter_rows())
    return found


def frames(place: Path) -> Iterator[list[Row]]:
    """The frames of one venue and day as `digest` reads them, file by file."""
    columns = ["id", "received_us", "kind", "body", "channel", "opened_us", "since_us"]
    for path in frame_files(place):
        yield [Row(*row) for row in pl.read_parquet(path, columns=columns).iter_rows()]


def listings(place: Path) -> Listings:
    return Listings(table(place, "listings").iter_rows())
