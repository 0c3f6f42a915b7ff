"""Killed at any moment: the store opens, what was committed is there, nothing counts twice, and the gap shows."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from recording import record_until_killed
from stream_server import StreamServer, Venue
from websockets.exceptions import ConnectionClosed

from sources import binance
from sources.recorder import digest, upkeep
from sources.recorder.coverage import SECOND

KILLS = 50
#: What every recorder needs, loaded once.
LOADED = ["recording", "pytest", "sources.binance", "sources.bitget", "sources.recorder.digest", "polars"]
KEYS = ["binance/usdm", "bitget/liquidation_stream"]


def committed(store: Path) -> int:
    """How many frames a reader sees now."""
    total = 0
    for path in store.glob("*.sqlite"):
        with closing(sqlite3.connect(path, timeout=30)) as file, suppress(sqlite3.OperationalError):
            total += file.execute("SELECT count(*) FROM frames").fetchone()[0]
    return total


async def load(venue: Venue, sent: Counter[str], done: asyncio.Event) -> None:
    """Orders to whoever listens, a few hundred a second, each with a price of its own and now and then twice."""
    chance = random.Random(venue.key)
    while not done.is_set():
        with suppress(ConnectionClosed):
            for _ in range(5):
                await venue.push(venue.order(time.time_ns() // 1_000_000))
                if chance.random() < 0.1:
                    await venue.raw(venue.frames[-1])
        sent[venue.key] = len(venue.sent)
        await asyncio.sleep(0.02)


async def killed(store: Path) -> tuple[list[Venue], list[int], int]:
    """Kill a recorder again and again; the venues, what was seen committed before each kill, and the time it ran."""
    chance = random.Random(8)
    seen: list[int] = []
    ran = 0
    context = multiprocessing.get_context("forkserver")  # so that a start takes a moment
    context.set_forkserver_preload(LOADED)
    async with StreamServer() as server:
        venues = [server.venue(key) for key in KEYS]
        done = asyncio.Event()
        loads = [asyncio.create_task(load(venue, Counter(), done)) for venue in venues]
        for _ in range(KILLS):
            process = context.Process(target=record_until_killed, args=(str(store), server.url, KEYS), daemon=True)
            process.start()
            for venue in venues:
                await venue.subscribed()
            began = time.time_ns()
            await asyncio.sleep(chance.uniform(0.0, 0.4))
            seen.append(await asyncio.to_thread(committed, store))
            process.kill()
            ran += (time.time_ns() - began) // 1000
            await asyncio.to_thread(process.join)
            assert process.exitcode == -signal.SIGKILL
            for venue in venues:
                while venue.sessions:
                    await asyncio.sleep(0.005)
        done.set()
        await asyncio.gather(*loads)
    return venues, seen, ran


@pytest.mark.slow
def test_fifty_kills_under_load_lose_nothing_committed_and_leave_their_gaps(tmp_path: Path) -> None:
    venues, seen, ran = asyncio.run(killed(tmp_path))
    assert seen == sorted(seen), "what was committed once was gone later"
    assert seen[-1] > 0
    (path,) = tmp_path.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.execute("SELECT count(*) FROM frames").fetchone()[0] >= seen[-1]
        links = file.execute("SELECT count(*) FROM connections").fetchone()[0]
        for venue in venues:
            numbers = {frame if isinstance(frame, bytes) else frame.encode(): n for n, frame in enumerate(venue.frames)}
            kept: dict[int, list[int]] = {}
            for link, body in file.execute(
                "SELECT fr.connection, fr.body FROM frames fr JOIN connections c ON c.id = fr.connection"
                " JOIN feeds f ON f.id = c.feed WHERE f.channel = ? AND fr.kind = 0 ORDER BY fr.id", (venue.key,)
            ):  # fmt: skip
                kept.setdefault(link, []).append(numbers[body])
            for mine in kept.values():
                distinct = sorted(set(mine))
                assert mine == sorted(mine), "a frame overtook another"
                assert distinct == list(range(distinct[0], distinct[-1] + 1)), "a frame is missing in between"
        assert links > KILLS
        orphans = "SELECT count(*) FROM frames WHERE connection NOT IN (SELECT id FROM connections)"
        assert file.execute(orphans).fetchone() == (0,)
        covered = dict(
            file.execute("SELECT f.channel, sum(alive_us) FROM coverage c JOIN feeds f ON f.id = c.feed GROUP BY 1")
        )
        for key in KEYS:
            assert 0 < covered[key] < ran + KILLS * SECOND // 10, "more is claimed than was heard"
    upkeep.reparse(tmp_path, None, digest.codes([binance.SOURCE]))
    with closing(sqlite3.connect(path)) as file:
        events = file.execute("SELECT price FROM events WHERE channel = 'binance/usdm'").fetchall()
        (frames,) = file.execute(
            "SELECT count(DISTINCT body) FROM frames fr JOIN connections c ON c.id = fr.connection"
            " JOIN feeds f ON f.id = c.feed WHERE f.channel = 'binance/usdm' AND fr.kind = 0"
        ).fetchone()
    prices = {order.price for order in venues[0].sent}
    assert len(events) == len({price for (price,) in events}) == frames
    assert {price for (price,) in events} <= prices
