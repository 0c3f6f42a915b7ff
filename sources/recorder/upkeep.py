"""What is done to a store while nobody is looking: events read anew, closed days moved to Parquet, old ones removed."""

from __future__ import annotations

import hashlib
import math
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sources.adapter import Channel
from sources.lazy import pl
from sources.recorder import archive, days, digest, lock
from sources.recorder.writing import Digested, store_digested
from verify.model.errors import StoreError


@dataclass(frozen=True, slots=True)
class Reparsed:
    """A day's events before and after they were read anew, and frames that could not be read."""

    day: date
    before: int
    after: int
    unread: int


@dataclass(frozen=True, slots=True)
class Compacted:
    """A day moved to Parquet: what was verified in both forms, and the bytes of each."""

    day: date
    frames: int
    events: int
    bytes_before: int
    bytes_after: int


def reparse(store: Path, chosen: Sequence[date] | None, codes: Mapping[str, Channel]) -> list[Reparsed]:
    """Read the events of days (None: all) out of their frames anew.

    Raises `StoreError` for a day that a recorder is writing.
    """
    live, archived = days.live_days(store), days.archived_days(store)
    wanted = sorted({*live, *archived}) if chosen is None else list(chosen)
    for day in wanted:
        if day not in live and day not in archived:
            raise StoreError(f"{store} holds nothing of {day}")
    if wanted and live and max(live) in wanted and lock.in_use(store):
        raise StoreError(f"a recorder is writing {max(live)}: its events are read as they come; name earlier days")
    return [_reparse_live(store, day, codes) if day in live else _reparse_archived(store, day, codes) for day in wanted]


def _reparse_live(store: Path, day: date, codes: Mapping[str, Channel]) -> Reparsed:
    """In one transaction: a reader sees the old events or the new ones."""
    with closing(days.open_day(store, day)) as file:
        listings = digest.listings_of(file)
        file.execute("BEGIN IMMEDIATE")
        (before,) = file.execute("SELECT count(*) FROM events").fetchone()
        file.execute("DELETE FROM events")
        file.execute("DELETE FROM unread")
        _digest(file, day, 0, codes, listings)
        (after,) = file.execute("SELECT count(*) FROM events").fetchone()
        (unread,) = file.execute("SELECT count(*) FROM unread").fetchone()
        file.execute("COMMIT")
    return Reparsed(day, before, after, unread)


def _digest(
    file: sqlite3.Connection, day: date, through: int, codes: Mapping[str, Channel], listings: digest.Listings
) -> None:
    while rows := digest.frames_of(file, through, digest.CHUNK):
        read = digest.read(rows, codes, listings)
        through = read.through
        store_digested(file, Digested(day, through, read.events, read.unread))


def _reparse_archived(store: Path, day: date, codes: Mapping[str, Channel]) -> Reparsed:
    before = after = unread = 0
    for venue in archive.venues(store, day):
        place = archive.folder(store, day) / f"venue={venue}"
        listings = archive.listings(place)
        events: dict[tuple[object, ...], tuple[object, ...]] = {}
        failures: list[tuple[object, ...]] = []
        for rows in archive.frames(place):
            received = {row.id: row.received_us for row in rows}
            for start in range(0, len(rows), digest.CHUNK):
                read = digest.read(rows[start : start + digest.CHUNK], codes, listings)
                for line in read.events:
                    events.setdefault(line[:2], line)
                failures += [(*line, received[int(str(line[0]))]) for line in read.unread]
        before += archive.table(place, "events").height
        after += len(events)
        unread += len(failures)
        _replace(place, "events", events.values(), ["time_us", "channel", "event_id"])
        _replace(place, "unread", failures, ["frame"])
    return Reparsed(day, before, after, unread)


def _replace(place: Path, name: str, rows: Iterable[tuple[object, ...]], order: list[str]) -> None:
    frame = pl.DataFrame(list(rows), schema=archive.schema(archive.TABLES[name][0]), orient="row").sort(order)
    part = place / f".{name}.part"
    frame.write_parquet(part, compression="zstd")
    part.replace(place / f"{name}.parquet")


def compact(
    store: Path, today: date, codes: Mapping[str, Channel], done: Callable[[Compacted], None] = lambda _: None
) -> list[Compacted]:
    """Move every day before `today` to Parquet; a SQLite file goes only when its Parquet was read back and agrees.

    Raises `StoreError` where the two do not agree, which leaves both as they were.
    """
    found = []
    for day in days.live_days(store):
        if day < today:
            found.append(_compact(store, day, codes))
            done(found[-1])
    return found


def _compact(store: Path, day: date, codes: Mapping[str, Channel]) -> Compacted:
    path = days.path_of(store, day)
    size = path.stat().st_size
    target = archive.folder(store, day)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    with closing(days.open_day(store, day)) as file:
        file.execute("BEGIN IMMEDIATE")
        _digest(file, day, days.meta(file, "digested"), codes, digest.listings_of(file))
        file.execute("COMMIT")
        channels = [channel for (channel,) in file.execute("SELECT DISTINCT channel FROM feeds")]
        frames = events = 0
        for venue in sorted({channel.partition("/")[0] for channel in channels}):
            place = part / f"venue={venue}"
            place.mkdir(parents=True)
            counted = _write(file, venue, place)
            frames += counted[0]
            events += counted[1]
        (every,) = file.execute("SELECT count(*) FROM frames").fetchone()
        if frames != every:
            raise StoreError(f"{path}: {every} frames are stored and {frames} of them belong to a feed: left as it is")
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    written = sum(found.stat().st_size for found in target.rglob("*.parquet"))
    return Compacted(day, frames, events, size, written)


def _write(file: sqlite3.Connection, venue: str, place: Path) -> tuple[int, int]:
    """Write a venue's tables, read them back and compare; how many frames and events they hold."""
    frames, length, marks = 0, 0, hashlib.sha256()
    for number, part in enumerate(archive.frames_of(file, venue)):
        part.write_parquet(place / f"frames-{number:04}.parquet", compression="zstd")
        frames += part.height
        length += int(part["body"].bin.size().sum())
        marks.update("".join(part["sha256"]).encode())
    back, back_length, back_marks = 0, 0, hashlib.sha256()
    for path in archive.frame_files(place):
        bodies = pl.read_parquet(path, columns=["body"])["body"]
        back += bodies.len()
        back_length += int(bodies.bin.size().sum())
        back_marks.update("".join(hashlib.sha256(body).hexdigest() for body in bodies).encode())
    if (back, back_length, back_marks.digest()) != (frames, length, marks.digest()):
        raise StoreError(f"{place}: the frames that were read back are not those that were written; nothing is removed")
    for name in archive.TABLES:
        table = archive.rows_of(file, name, venue)
        table.write_parquet(place / f"{name}.parquet", compression="zstd")
        if not archive.table(place, name).equals(table):
            raise StoreError(f"{place}: the {name} that were read back are not those written; nothing is removed")
    events = archive.table(place, "events")
    (count, *_), total = (
        file.execute("SELECT count(*) FROM events WHERE channel GLOB ?", (f"{venue}/*",)).fetchone(),
        math.fsum(events["notional_usd"].drop_nulls()),
    )
    stored = math.fsum(
        value for (value,) in file.execute(
            "SELECT notional_usd FROM events WHERE channel GLOB ? AND notional_usd IS NOT NULL", (f"{venue}/*",)
        )
    )  # fmt: skip
    if count != events.height or total != stored:
        raise StoreError(f"{place}: {count} events over {stored} USD became {events.height} over {total}")
    return frames, events.height


def prune(store: Path, today: date, keep: timedelta) -> list[date]:
    """Remove compacted days that are older than `keep`; days that are not compacted are never removed."""
    removed = [day for day in days.archived_days(store) if day < today - keep]
    for day in removed:
        place = archive.folder(store, day)
        going = place.with_name(f".{place.name}.gone")
        place.rename(going)  # at once: a day is there or not
        shutil.rmtree(going)
    return removed
