"""A recorder at work in a test: the real one, in this process, against the stream server of this machine."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from stream_server import DIALECTS, Order, StreamServer, Venue

from sources import registry
from sources.adapter import Instrument, Source
from sources.recorder import connection, days, listing, report, run, status, writing
from sources.recorder.coverage import MINUTE, SECOND, Minute, split
from sources.recorder.digest import codes
from sources.recorder.holdings import Event, Held
from sources.recorder.log import Log
from sources.recorder.run import Chosen, Options, channels_of, record
from sources.recorder.status import Status
from sources.recorder.writing import Writer
from verify.model.errors import StoreError
from verify.model.window import Window

#: One contract for each venue, of one coin each, so that a notional is quantity x price everywhere.
CONTRACTS = {
    key.partition("/")[0]: {
        d.symbol: Instrument(key.partition("/")[0], d.symbol, "BTC", 1.0)
        for k, d in DIALECTS.items()
        if k.partition("/")[0] == key.partition("/")[0]
    }
    for key in DIALECTS
}

CONTRACTS["bybit"]["BTCUSD"] = Instrument("bybit", "BTCUSD", "BTC", 1.0, "usd", inverse=True, quote="USD")


def clock() -> int:
    return time.time_ns() // 1000


def fast_clock(times: float) -> Callable[[], int]:
    """A clock that starts now and runs `times` as fast."""
    began, start = time.monotonic(), clock()
    return lambda: start + int((time.monotonic() - began) * times * SECOND)


async def fetched(sources: Iterable[Source], *_: object, **__: object) -> dict[str, dict[str, Instrument]]:
    """Every venue's list of contracts, at once: in the place of `listing.fetch`."""
    return {source.spec.id: CONTRACTS[source.spec.id] for source in sources if source.spec.id in CONTRACTS}


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every venue's list of contracts comes at once."""
    monkeypatch.setattr(listing, "fetch", fetched)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before the next attempt are short; how long they are is tested on its own."""
    monkeypatch.setattr(connection, "pause", lambda *_: 0.05)


def chosen(keys: Sequence[str], **changes: object) -> list[Chosen]:
    """The channels with those keys; `changes` to their protocols."""
    sources = [registry.get(name) for name in sorted({key.partition("/")[0] for key in keys})]
    found = channels_of(sources, keys)
    return [replace(c, code=replace(c.code, stream=replace(c.speaks, **changes))) for c in found]  # type: ignore[arg-type]


@asynccontextmanager
async def recording(
    store: Path,
    server: StreamServer,
    keys: Sequence[str],
    *,
    now: Callable[[], int] = clock,
    options: Options | None = None,
    log: StringIO | None = None,
    **changes: object,
) -> AsyncIterator[list[Venue]]:
    """Record `keys` while the context lasts, every venue subscribed at its beginning."""
    venues = [server.venue(key) for key in keys]
    stop = asyncio.Event()
    given = replace(options or Options(), hosts={"*": server.url})
    told = Log(now, level="debug", stream=log if log is not None else StringIO())
    running = asyncio.create_task(
        record(store, chosen(keys, **changes), given, log=told, stop=stop, clock=now, chance=random.Random(1))
    )
    try:
        for venue in venues:
            if venue.refuse is None:
                await venue.subscribed()
        await asyncio.sleep(0.12)  # two signs of life
        yield venues
        await asyncio.sleep(0.1)
    finally:
        stop.set()
        await running


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds; fails where it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)


def told(store: Path) -> Status:
    """The status file, once it is there."""
    return status.read(store)


def held(store: Path, key: str, *, minutes: int = 30) -> Held:
    """All that the store holds of a channel around now."""
    now = clock() // SECOND
    window = Window.parse(f"{_iso(now - 60 * minutes)}/{_iso(now + 60 * minutes)}")
    (found,) = report.held(store, window, [key], codes([registry.get(key.partition("/")[0])]))
    return found


def _iso(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def as_sent(orders: Iterable[Order], *, timed: bool = True) -> list[tuple[object, ...]]:
    """Orders as they should be served, sorted; those of BitMEX carry no time."""
    return sorted(
        (o.symbol, o.side, o.price, round(o.quantity * o.price, 6), o.at * 1000 if timed else 0) for o in orders
    )


def as_served(events: Iterable[Event], *, timed: bool = True) -> list[tuple[object, ...]]:
    return sorted(
        (e.instrument, e.side, e.price, round(e.notional_usd or -1.0, 6), e.time_us if timed else 0) for e in events
    )


def fill(
    store: Path,
    key: str,
    frames: Sequence[tuple[int, str | bytes]],
    *,
    alive: tuple[int, int] | None = None,
    feed: str = "market",
    opened: int | None = None,
) -> None:
    """Write frames of a channel into a store as the recorder does: (received, body) in order; times in microseconds.

    `alive` is the span in which the feed counts as heard; `opened` is when its connection was, else a minute before.
    """
    failures: list[StoreError] = []
    writer = Writer(store, failed=failures.append, reserve=0)
    first = opened if opened is not None else (frames[0][0] if frames else alive[0] if alive else 0) - MINUTE
    store.mkdir(exist_ok=True)
    writer.start(days.day_of(first))
    name = writing.Feed(key, feed)
    writer.note(writing.Connection(first, name, "wss://venue", first, first, complete=True))
    (speaks,) = [c.speaks for c in chosen([key])]
    for received, body in frames:
        raw = body if isinstance(body, bytes) else body.encode()
        writer.frame(first, received, speaks.sort(speaks.unpack(raw) if speaks.unpack is not None else raw), raw)
    if alive is not None:
        minutes = {n: Minute(connected=size, subscribed=size, alive=size) for n, size in split(*alive)}
        writer.note(writing.Covered(name, minutes))
    writer.close()
    assert not failures


def us(text: str) -> int:
    """Microseconds since 1970 of a time like `2026-11-20T23:59Z`."""
    return report.microseconds(datetime.fromisoformat(text))


def record_until_killed(store: str, url: str, keys: Sequence[str]) -> None:
    """The recorder in a process of its own, for processes made with `multiprocessing`; it ends when it is killed."""
    listing.fetch = fetched
    writing.COMMIT_EVERY = run.LOOK_EVERY = 0.1  # so that many a kill hits a commit
    log = Log(clock, level="error")
    asyncio.run(record(Path(store), chosen(keys), Options(hosts={"*": url}), log=log, stop=asyncio.Event()))
