"""The store: one file a day, committed or not there, read while it is written, read anew, moved and pruned."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from recording import fill, us
from stream_server import DIALECTS, Order

from sources import binance, registry
from sources.recorder import archive, days, digest, lock, reading, report, upkeep, writing
from sources.recorder.coverage import MINUTE, SECOND, Minute
from sources.recorder.holdings import Held
from sources.recorder.writing import Connection, Covered, Feed, Listing, Writer
from verify.model.errors import InputError, StoreError
from verify.model.window import Window

KEY = "binance/usdm"
CODES = digest.codes([binance.SOURCE])
NOON = us("2026-11-20T12:00:00+00:00")
MIDNIGHT = us("2026-11-21T00:00:00+00:00")
FEED = Feed(KEY, "market")


def frame(at: int, number: int = 1, *, side: str = "long") -> str:
    """A frame with one order of that time, worth 2 x (100 + number)."""
    (made,) = DIALECTS[KEY].frames([Order("BTCUSDT", side, 2.0, 100.0 + number, at // 1000, number)])
    assert isinstance(made, str)
    return made


def frames(start: int, count: int, step: int = SECOND) -> list[tuple[int, str]]:
    return [(start + n * step + 50_000, frame(start + n * step, n)) for n in range(count)]


def held(store: Path, start: int, end: int, key: str = KEY) -> Held:
    return reading.held(store, key, start, end, digest.codes([registry.get(key.partition("/")[0])])[key])


def bodies(store: Path) -> list[bytes]:
    found = []
    for path in sorted(store.glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as file:
            found += [body for (body,) in file.execute("SELECT body FROM frames ORDER BY id")]
    return found


def test_each_day_of_reception_has_its_own_file_that_can_be_read_alone(tmp_path: Path) -> None:
    fill(tmp_path, KEY, frames(MIDNIGHT - 5 * SECOND, 10))
    assert days.live_days(tmp_path) == [date(2026, 11, 20), date(2026, 11, 21)]
    for day in days.live_days(tmp_path):
        with closing(sqlite3.connect(days.path_of(tmp_path, day))) as file:
            alone = file.execute(
                "SELECT count(*) FROM frames JOIN connections c ON c.id = connection JOIN feeds f ON f.id = c.feed"
            ).fetchone()
            assert alone == (5,)
    assert len(held(tmp_path, MIDNIGHT - MINUTE, MIDNIGHT + MINUTE).events) == 10
    assert len(held(tmp_path, MIDNIGHT, MIDNIGHT + MINUTE).events) == 5


def test_an_event_told_on_both_sides_of_midnight_counts_once(tmp_path: Path) -> None:
    told = frame(MIDNIGHT - SECOND)
    fill(tmp_path, KEY, [(MIDNIGHT - SECOND // 2, told), (MIDNIGHT + SECOND // 2, told)])
    (event,) = held(tmp_path, MIDNIGHT - MINUTE, MIDNIGHT + MINUTE).events
    assert event.frame == "2026-11-20/1"


def test_a_second_run_of_the_same_day_adds_to_its_file_whatever_it_listens_to(tmp_path: Path) -> None:
    fill(tmp_path, "okx/liquidation_stream", [], alive=(NOON, NOON + MINUTE), feed="public")
    fill(tmp_path, KEY, frames(NOON, 3), alive=(NOON, NOON + MINUTE // 2))
    fill(tmp_path, KEY, frames(NOON + MINUTE, 2), alive=(NOON + MINUTE // 2, NOON + MINUTE), opened=NOON + MINUTE)
    found = held(tmp_path, NOON, NOON + 2 * MINUTE)
    assert len(found.events) == 5
    first = NOON // MINUTE
    assert found.feeds == {"market": {first: Minute(MINUTE, MINUTE, MINUTE), first + 1: Minute()}}
    assert held(tmp_path, NOON, NOON + MINUTE, "okx/liquidation_stream").share == 1


def test_readers_do_not_block_the_writer_and_see_only_what_is_committed(tmp_path: Path) -> None:
    writer = Writer(tmp_path, failed=lambda error: pytest.fail(str(error)), reserve=0)
    writer.start(days.day_of(NOON))
    writer.note(Connection(NOON, FEED, "wss://venue", NOON, NOON, complete=True))
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        with closing(days.read_day(tmp_path, days.day_of(NOON))) as file:
            while not stop.is_set():
                file.execute("BEGIN")  # a reader that holds on to what it sees
                seen.append(file.execute("SELECT count(*) FROM frames").fetchone()[0])
                time.sleep(0.05)
                file.execute("COMMIT")

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(20_000):
        writer.frame(NOON, NOON + n, 0, b"x")
    writer.close()
    stop.set()
    reader.join()
    assert seen == sorted(seen)
    assert len(bodies(tmp_path)) == 20_000


def test_a_full_disk_ends_it_in_order_and_says_how_much_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = days.open_day

    def small(store: Path, day: date) -> sqlite3.Connection:
        connection = real(store, day)
        connection.execute("PRAGMA max_page_count = 60")  # 240 kB
        return connection

    monkeypatch.setattr(days, "open_day", small)
    failures: list[StoreError] = []
    writer = Writer(tmp_path, failed=failures.append, reserve=0)
    writer.start(days.day_of(NOON))
    writer.note(Connection(NOON, FEED, "wss://venue", NOON, NOON, complete=True))
    sent = 0
    while not failures and sent < 2_000:
        writer.frame(NOON, NOON + sent, 0, f"{sent:06}".encode() * 50)
        sent += 1
        if sent % 10 == 0:
            time.sleep(0.02)
    with pytest.raises(StoreError, match="disk is full"):
        writer.close()
    assert len(failures) == 1
    kept = bodies(tmp_path)
    assert kept == [f"{n:06}".encode() * 50 for n in range(len(kept))]
    assert 0 < len(kept) == writer.frames < sent
    assert f"{len(kept)} frames of this run are committed" in failures[0].message


def test_it_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    failures: list[StoreError] = []
    writer = Writer(tmp_path, failed=failures.append, reserve=1 << 62)
    writer.start(days.day_of(NOON))
    writer.frame(NOON, NOON, 0, b"x")
    with pytest.raises(StoreError, match="is full: less than"):
        writer.close()
    assert failures[0].exit_code == 4


def test_what_waits_for_the_disk_is_bounded_and_told(tmp_path: Path) -> None:
    writer = Writer(tmp_path, failed=lambda _: None, reserve=0, room=10_000)
    for n in range(100):
        writer.frame(1, NOON + n, 0, b"x" * 100)
    assert writer.full
    assert writer.waiting == 100 * 300
    writer.start(days.day_of(NOON))
    writer.close()
    assert not writer.full
    assert writer.waiting == 0


def test_two_recorders_to_one_store_are_one_too_many(tmp_path: Path) -> None:
    with lock.locked(tmp_path):
        assert lock.in_use(tmp_path)
        with pytest.raises(StoreError, match="another recorder writes"), lock.locked(tmp_path):
            pass
    assert not lock.in_use(tmp_path)


def test_a_file_that_is_damaged_or_of_another_format_is_one_clear_error(tmp_path: Path) -> None:
    fill(tmp_path, KEY, frames(NOON, 1))
    path = days.path_of(tmp_path, days.day_of(NOON))
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
        file.commit()
    with pytest.raises(StoreError, match="format 99"):
        reading.channels(tmp_path)
    path.write_bytes(b"no database at all " * 100)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with pytest.raises(StoreError, match=r"20\.sqlite is damaged"):
        reading.channels(tmp_path)


def test_a_place_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="verify record --store"):
        reading.require(tmp_path)


def table(store: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(days.path_of(store, days.day_of(NOON)))) as file:
        return file.execute("SELECT * FROM events ORDER BY event_id").fetchall()


def test_events_are_rebuilt_from_the_frames_alone(tmp_path: Path) -> None:
    told = [*frames(NOON, 420), (NOON + 901 * SECOND, "garbage"), *frames(NOON, 5)]
    fill(tmp_path, KEY, told)
    (done,) = upkeep.reparse(tmp_path, None, CODES)
    assert (done.before, done.after, done.unread) == (0, 420, 1)
    first = table(tmp_path)
    with closing(sqlite3.connect(days.path_of(tmp_path, done.day))) as file:
        file.execute("DELETE FROM events WHERE price > 300")
        file.execute("UPDATE events SET side = 'short'")
        file.commit()
    upkeep.reparse(tmp_path, [done.day], CODES)
    assert table(tmp_path) == first
    assert {(line[8], line[12]) for line in first} >= {("long", 200.0), ("long", 202.0)}


def test_contracts_are_those_known_when_a_frame_came(tmp_path: Path) -> None:
    from sources.adapter import Instrument

    def listing(size: float, at: int) -> Listing:
        return Listing("okx", at, digest.encode_instruments({"A-SWAP": Instrument("okx", "A-SWAP", "A", size)}))

    (made,) = DIALECTS["okx/liquidation_stream"].frames([Order("A-SWAP", "long", 1.0, 100.0, NOON // 1000)])
    (later,) = DIALECTS["okx/liquidation_stream"].frames([Order("A-SWAP", "long", 1.0, 101.0, NOON // 1000)])
    feed = Feed("okx/liquidation_stream", "public")
    writer = Writer(tmp_path, failed=lambda _: None, reserve=0)
    writer.start(days.day_of(NOON))
    writer.note(Connection(NOON - MINUTE, feed, "wss://venue", NOON - MINUTE, NOON - MINUTE, complete=True))
    writer.note(listing(1.0, NOON + SECOND))
    writer.note(listing(10.0, NOON + 30 * SECOND))
    for at, body in ((NOON, made), (NOON + 40 * SECOND, later)):
        assert isinstance(body, str)
        writer.frame(NOON - MINUTE, at, 0, body.encode())
    writer.close()
    events = held(tmp_path, NOON - MINUTE, NOON + MINUTE, feed.channel).events
    assert sorted(event.notional_usd or 0 for event in events) == [100.0, 1010.0]


def test_reparse_of_the_day_that_is_written_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, KEY, frames(NOON, 1))
    with lock.locked(tmp_path), pytest.raises(StoreError, match="a recorder is writing 2026-11-20"):
        upkeep.reparse(tmp_path, None, CODES)
    with pytest.raises(StoreError, match="holds nothing of 2020-01-01"):
        upkeep.reparse(tmp_path, [date(2020, 1, 1)], CODES)


TODAY = date(2026, 11, 22)


def two_days(store: Path) -> tuple[Held, Held]:
    """A store of two days and two venues, the events of which are read in part; what it serves."""
    fill(store, KEY, [*frames(NOON, 90), (NOON + 400 * SECOND, "garbage")], alive=(NOON, NOON + 10 * MINUTE))
    (made,) = DIALECTS["htx/linear_stream"].frames([Order("BTC-USDT", "short", 1.0, 90.0, (NOON + 5 * MINUTE) // 1000)])
    fill(store, "htx/linear_stream", [(NOON + 5 * MINUTE, made)], alive=(NOON, NOON + 10 * MINUTE), feed="linear")
    upkeep.reparse(store, None, digest.codes(registry.load().values()))
    fill(store, KEY, frames(MIDNIGHT, 5), opened=MIDNIGHT)
    return served(store)


def served(store: Path) -> tuple[Held, Held]:
    end = MIDNIGHT + 60 * MINUTE
    return held(store, NOON, end), held(store, NOON, end, "htx/linear_stream")


def test_compacted_days_serve_the_same_and_their_files_are_gone(tmp_path: Path) -> None:
    before = two_days(tmp_path)
    done = upkeep.compact(tmp_path, TODAY, digest.codes(registry.load().values()))
    assert [(d.day, d.frames, d.events) for d in done] == [
        (date(2026, 11, 20), 92, 91),
        (date(2026, 11, 21), 5, 5),
    ]
    assert days.live_days(tmp_path) == []
    assert not list(tmp_path.glob("*.sqlite*"))
    assert served(tmp_path) == before
    assert before[0].unread == 1
    place = tmp_path / "parquet" / "day=2026-11-20"
    assert {path.name for path in place.iterdir()} == {"venue=binance", "venue=htx"}
    whole = pl.read_parquet(tmp_path / "parquet/**/events.parquet", hive_partitioning=False)
    assert whole.height == 96


def test_today_is_not_compacted_and_a_second_time_nothing_is_left_to_do(tmp_path: Path) -> None:
    two_days(tmp_path)
    assert [d.day for d in upkeep.compact(tmp_path, date(2026, 11, 21), CODES)] == [date(2026, 11, 20)]
    assert upkeep.compact(tmp_path, date(2026, 11, 21), CODES) == []
    assert days.live_days(tmp_path) == [date(2026, 11, 21)]


def test_a_copy_that_does_not_agree_leaves_the_day_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = two_days(tmp_path)
    real = pl.read_parquet

    def wrong(path: Path, **options: object) -> pl.DataFrame:
        return real(path, **options).head(1)  # type: ignore[arg-type]

    monkeypatch.setattr(pl, "read_parquet", wrong)
    with pytest.raises(StoreError, match="nothing is removed"):
        upkeep.compact(tmp_path, TODAY, CODES)
    monkeypatch.undo()
    assert days.archived_days(tmp_path) == []
    assert served(tmp_path) == before
    upkeep.compact(tmp_path, TODAY, CODES)
    assert served(tmp_path)[0] == before[0]


def test_frames_of_an_unknown_connection_keep_a_day_from_being_compacted(tmp_path: Path) -> None:
    two_days(tmp_path)
    with closing(sqlite3.connect(days.path_of(tmp_path, date(2026, 11, 20)))) as file:
        file.execute("UPDATE frames SET connection = 7 WHERE id = 1")
        file.commit()
    with pytest.raises(StoreError, match="left as it is"):
        upkeep.compact(tmp_path, TODAY, CODES)
    assert date(2026, 11, 20) in days.live_days(tmp_path)


def test_compacted_days_are_read_anew_too(tmp_path: Path) -> None:
    before = two_days(tmp_path)
    codes = digest.codes(registry.load().values())
    upkeep.compact(tmp_path, TODAY, codes)
    path = archive.folder(tmp_path, date(2026, 11, 20)) / "venue=binance" / "events.parquet"
    pl.read_parquet(path).head(7).write_parquet(path)
    done = upkeep.reparse(tmp_path, [date(2026, 11, 20)], codes)
    assert [(d.before, d.after, d.unread) for d in done] == [(8, 91, 1)]
    assert served(tmp_path) == before


def test_only_compacted_days_are_pruned_and_only_old_ones(tmp_path: Path) -> None:
    two_days(tmp_path)
    upkeep.compact(tmp_path, date(2026, 11, 21), CODES)
    assert upkeep.prune(tmp_path, date(2026, 12, 31), timedelta(days=90)) == []
    assert upkeep.prune(tmp_path, date(2026, 12, 31), timedelta(days=10)) == [date(2026, 11, 20)]
    assert days.archived_days(tmp_path) == []
    assert days.live_days(tmp_path) == [date(2026, 11, 21)]


def test_coverage_tells_every_minute_of_a_window_apart(tmp_path: Path) -> None:
    fill(tmp_path, KEY, frames(NOON, 2), alive=(NOON, NOON + 3 * MINUTE))
    writer = Writer(tmp_path, failed=lambda _: None, reserve=0)
    writer.start(days.day_of(NOON))
    writer.note(Covered(FEED, {NOON // MINUTE + 3: Minute(connected=MINUTE, subscribed=MINUTE)}))
    writer.note(Covered(FEED, {NOON // MINUTE: Minute(frames=2)}))
    since, until_us = NOON + 2 * MINUTE, NOON + 3 * MINUTE
    writer.note(writing.Suspicion(KEY, since, until_us, "nothing for 30 s while three burst"))
    writer.close()
    (row,) = report.coverage(tmp_path, Window.parse("2026-11-20T12:00Z/PT5M"), CODES)
    assert row["minutes"] == {"recorded": 1, "quiet": 1, "silent": 1, "dead": 1, "not recorded": 1}
    assert (row["share"], row["events"]) == (0.6, 2)


@pytest.mark.parametrize("name", ["events.csv", "events.jsonl", "events.parquet"])
def test_events_are_exported_with_the_frame_they_come_from(tmp_path: Path, name: str) -> None:
    store = tmp_path / "store"
    fill(store, KEY, frames(NOON, 4))
    count = report.export(store, Window.parse("2026-11-20T12:00Z/PT5M"), ["binance"], CODES, tmp_path / name)
    read = {"csv": pl.read_csv, "jsonl": pl.read_ndjson, "parquet": pl.read_parquet}[name.partition(".")[2]]
    frame = read(tmp_path / name)
    assert count == frame.height == 4
    assert frame["notional_usd"].to_list() == [200.0, 202.0, 204.0, 206.0]
    assert frame["frame"].to_list() == [f"2026-11-20/{n}" for n in range(1, 5)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "store"])


@pytest.mark.parametrize(
    ("target", "only", "says"), [("events.xls", (), "ends in none"), ("e.csv", ("gate",), "gate is not in")]
)
def test_an_export_that_cannot_be_is_one_clear_error(
    tmp_path: Path, target: str, only: Sequence[str], says: str
) -> None:
    fill(tmp_path, KEY, frames(NOON, 1))
    with pytest.raises(InputError, match=says):
        report.export(tmp_path, Window.parse("2026-11-20T12:00Z/PT5M"), only, CODES, tmp_path / target)
