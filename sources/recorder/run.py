"""The recorder: every feed of the chosen sources, one writer, one reader of events, and a status that tells the truth.

::

    asyncio.run(record(store, channels_of(sources, ()), Options(), clock=..., log=Log(...), stop=asyncio.Event()))

ends when `stop` is set, with everything committed. Raises `StoreError` where the store cannot be written any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sources.adapter import Channel, Instrument, Source, channel_key
from sources.recorder import days, listing, metrics, status
from sources.recorder.connection import Desk, Line
from sources.recorder.coverage import SECOND
from sources.recorder.lock import locked
from sources.recorder.log import Log, stamp
from sources.recorder.reader import Reader
from sources.recorder.silence import HOUR, Silence
from sources.recorder.status import ChannelStatus, Health, Status
from sources.recorder.writing import RESERVE, Feed, Listing, Suspicion, Writer
from sources.streams import protocol
from verify.model.errors import InputError, StoreError

#: Seconds: between looks at the lines, between status files, for the first lists of contracts, between lag samples.
LOOK_EVERY, STATUS_EVERY, LISTING_WAIT, LAG_EVERY = 0.5, 2.0, 20.0, 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """`refresh`: seconds between lists of contracts. `metrics_port`: 0 for none. `reserve`: bytes of disk left free."""

    refresh: float = 3600.0
    metrics_port: int = 0
    reserve: int = RESERVE
    hosts: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A channel to listen to."""

    source: Source
    key: str
    code: Channel

    @property
    def speaks(self) -> protocol.Protocol:
        assert self.code.stream is not None
        return self.code.stream


def channels_of(sources: Iterable[Source], only: Sequence[str]) -> list[Chosen]:
    """The channels that can be listened to: all, or those of `only` (`binance`, `gate/public_liquidates`).

    Raises `InputError` for a name in `only` that has no stream.
    """
    found = [
        Chosen(source, channel_key(source.spec, spec), code)
        for source in sources
        for spec, code in source.pairs()
        if code.stream is not None
    ]
    for name in only:
        if not any(name in (chosen.source.spec.id, chosen.key) for chosen in found):
            can = ", ".join(sorted({chosen.source.spec.id for chosen in found}))
            raise InputError(f"{name} has no stream to record; those that have are {can}")
    return [chosen for chosen in found if not only or chosen.key in only or chosen.source.spec.id in only]


async def record(
    store: Path,
    chosen: Sequence[Chosen],
    options: Options,
    *,
    log: Log,
    stop: asyncio.Event,
    clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    chance: random.Random | None = None,
) -> None:
    """Record `chosen` into `store` until `stop` is set."""
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {store}: {error.strerror}") from None
    with locked(store):
        await _Run(store, chosen, options, log, stop, clock, chance or random.Random()).run()


class _Run:
    """One run of the recorder."""

    def __init__(
        self, store: Path, chosen: Sequence[Chosen], options: Options, log: Log, stop: asyncio.Event,
        clock: Callable[[], int], chance: random.Random,
    ) -> None:  # fmt: skip
        self._store, self._chosen, self._options, self._log, self._stop = store, chosen, options, log, stop
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(store, failed=self._failed, reserve=options.reserve)
        self._desk = Desk(self._writer, clock, log, options.hosts, chance)
        self._reader = Reader(store, self._writer, [c.source for c in chosen], clock, log)
        self._silence = Silence({c.key: (c.source.spec.id, c.speaks.typical) for c in chosen})
        self._lines: dict[tuple[str, str], list[Line]] = {}
        self._tasks: dict[Line, asyncio.Task[None]] = {}
        self._started = stamp(clock())
        self._last: list[ChannelStatus] = []
        self._lags: deque[float] = deque(maxlen=int(60 / LAG_EVERY))

    def _failed(self, _error: StoreError) -> None:
        """The writer cannot go on: stop. Called in its thread."""
        self._loop.call_soon_threadsafe(self._stop.set)

    async def run(self) -> None:
        self._writer.start(days.day_of(self._clock()))
        self._log.info("started", store=str(self._store), channels=[c.key for c in self._chosen], pid=os.getpid())
        message = ""
        try:
            async with self._helpers():
                await self._stop.wait()
        finally:
            self._last = [self._channel_status(chosen) for chosen in self._chosen]
            for task in self._tasks.values():
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=10)
            self._look()
            await asyncio.to_thread(self._reader.close)
            try:
                await asyncio.to_thread(self._writer.close)
            except StoreError as error:
                message = error.message
                raise
            finally:
                with contextlib.suppress(OSError):  # where the disk is full, the old file stays and grows stale
                    status.write(self._store, self._status("failed" if message else "stopped", message))
                level = "error" if message else "info"
                self._log.say(level, "stopped", frames=self._writer.frames, **({"why": message} if message else {}))

    @contextlib.asynccontextmanager
    async def _helpers(self) -> AsyncIterator[None]:
        """Everything that runs beside the connections."""
        self._reader.start()
        work = [self._watch(), self._measure_lag(), self._keep_listed()]
        server = await metrics.serve(self._options.metrics_port, lambda: status.metrics(self._status("recording")))
        tasks = [asyncio.create_task(one) for one in work]
        for task in tasks:
            task.add_done_callback(self._broken)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if server is not None:
                server.close()

    def _broken(self, task: asyncio.Task[None]) -> None:
        """A helper that ends by itself is a fault of the program: say so and stop in order, never run on half."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("fault", what=f"{type(error).__name__}: {error}")
            self._stop.set()

    async def _keep_listed(self) -> None:
        """Start what needs no list, then the rest once the lists of contracts have come; ask for them again and again.

        Where none comes in time, the largest contracts are subscribed to, which counts as nothing heard.
        """
        for chosen in self._chosen:
            self._subscribe(chosen, {}, listed=False)
        sources = {c.source.spec.id: c.source for c in self._chosen if c.source.instrument_requests is not None}
        for chosen in self._chosen:
            if chosen.source.spec.id not in sources:
                self._subscribe(chosen, {}, listed=True)
        wait, known = LISTING_WAIT, dict.fromkeys(sources, "")
        while True:
            found = await listing.fetch(list(sources.values()), self._options.hosts, deadline=wait, log=self._log)
            for source, instruments in found.items():
                text = await asyncio.to_thread(listing.encode, instruments)
                if text != known[source]:
                    self._writer.note(Listing(source, self._clock(), text))
                known[source] = text
            for chosen in self._chosen:
                source = chosen.source.spec.id
                if source in found or (source in sources and not known[source]):
                    self._subscribe(chosen, found.get(source, {}), listed=True)
            missing = [source for source in sources if not known[source]]
            wait = 60.0
            await asyncio.sleep(min(60.0, self._options.refresh) if missing else self._options.refresh)

    def _subscribe(self, chosen: Chosen, instruments: Mapping[str, Instrument], *, listed: bool) -> None:
        """Bring the lines of a channel's feeds in step with its contracts."""
        for feed in chosen.speaks.feeds:
            if feed.listed != listed:
                continue
            wanted = feed.subscribe(instruments)
            lines = self._lines.setdefault((chosen.key, feed.name), [])
            for line, subscription in zip(lines, wanted, strict=False):
                line.subscribe(subscription)
            for subscription in wanted[len(lines) :]:
                name = feed.name if not lines else f"{feed.name}.{len(lines) + 1}"
                line = Line(self._desk, Feed(chosen.key, name), feed.url, chosen.speaks, subscription)
                lines.append(line)
                self._tasks[line] = asyncio.create_task(line.run())
                self._tasks[line].add_done_callback(self._broken)
            for line in lines[len(wanted) :]:
                self._tasks.pop(line).cancel()
                lines.remove(line)

    def _lines_of(self, key: str) -> list[Line]:
        return [line for (channel, _), lines in self._lines.items() if channel == key for line in lines]

    async def _watch(self) -> None:
        """Look at every line twice a second, judge silences every second, and write the status."""
        ticks = 0
        while True:
            self._look()
            if ticks % 2 == 0:
                self._judge()
            if ticks % round(STATUS_EVERY / LOOK_EVERY) == 0:
                told = self._status("recording")
                with contextlib.suppress(OSError):  # the writer meets the same disk, and stops the run if it is full
                    await asyncio.to_thread(status.write, self._store, told)
            ticks += 1
            await asyncio.sleep(LOOK_EVERY)

    def _look(self) -> None:
        now = self._clock()
        for lines in self._lines.values():
            for line in lines:
                line.watch(now)

    def _judge(self) -> None:
        """Hand what came to the silence detector, and keep and tell what it says."""
        now = self._clock()
        alive = set()
        for chosen in self._chosen:
            lines = self._lines_of(chosen.key)
            if came := sum(line.new_data for line in lines):
                self._silence.data(chosen.key, now / SECOND, came)
            for line in lines:
                line.new_data = 0
            if any(line.alive(now) for line in lines):
                alive.add(chosen.key)
        before = dict(self._silence.suspects)
        for change in self._silence.tick(now / SECOND, alive):
            since = int((before[change.channel].since if not change.reason else change.since) * SECOND)
            if change.reason:
                self._writer.note(Suspicion(change.channel, since, None, change.reason))
                self._log.warning("SUSPECT_SILENT", channel=change.channel, since=stamp(since), why=change.reason)
            else:
                self._writer.note(Suspicion(change.channel, since, now, before[change.channel].reason))
                self._log.info("heard again", channel=change.channel)

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(LAG_EVERY)
            self._lags.append(loop.time() - began - LAG_EVERY)

    def _status(self, state: str, message: str = "") -> Status:
        lags = sorted(self._lags) or [0.0]
        return Status(
            at=stamp(self._clock()),
            state=state,
            pid=os.getpid(),
            version=self._options.version,
            started=self._started,
            channels=self._last or [self._channel_status(chosen) for chosen in self._chosen],
            frames_stored=self._writer.frames,
            commits=self._writer.commits,
            waiting_bytes=self._writer.waiting,
            undigested=self._reader.behind,
            unread=self._reader.unread,
            held_back_seconds=round(sum(line.held_back for lines in self._lines.values() for line in lines), 2),
            lag_p99_ms=round(lags[int(len(lags) * 0.99)] * 1000, 1),
            memory_mb=round(resident() / 1024 / 1024, 1),
            message=message,
        )

    def _channel_status(self, chosen: Chosen) -> ChannelStatus:
        now = self._clock()
        lines = self._lines_of(chosen.key)
        feeds = {line.feed.name: _told(line, now) for line in lines}
        suspect = self._silence.suspects.get(chosen.key)
        health, reason = _health(lines, now, suspect.reason if suspect is not None else "")
        last_data = max((line.last_data for line in lines if line.last_data is not None), default=None)
        last_sign = max((line.last_sign for line in lines if line.last_sign is not None), default=None)
        return ChannelStatus(
            channel=chosen.key,
            health=health,
            reason=reason,
            since=stamp(int(suspect.since * SECOND)) if suspect is not None else "",
            last_data=stamp(last_data) if last_data is not None else "",
            last_sign=stamp(last_sign) if last_sign is not None else "",
            frames=sum(line.frames for line in lines),
            data=sum(line.data for line in lines),
            connections=sum(line.connections for line in lines),
            rate=round(self._silence.usual(chosen.key), 1),
            feeds=feeds,
        )


def _told(line: Line, now: int) -> str:
    """One feed in a word, and what is wrong with it."""
    if line.alive(now):
        return f"alive, but {line.lacks}" if line.lacks else "alive"
    if not line.overdue(now):
        return "connecting"
    return f"dead: {line.trouble or f'no sign of {line.protocol.control}'}"


def _health(lines: Sequence[Line], now: int, suspicion: str) -> tuple[Health, str]:
    """The health of a channel of several feeds: as good as the worst of them."""
    troubles = [f"{line.feed.name}: {_told(line, now)}" for line in lines if not line.alive(now) or line.lacks]
    alive = [line for line in lines if line.alive(now)]
    if not lines or not alive:
        if not lines or not all(line.overdue(now) for line in lines):
            return Health.CONNECTING, ""
        return Health.DEAD, "; ".join(troubles)
    if any((not line.alive(now) and line.overdue(now)) or (line.alive(now) and line.lacks) for line in lines):
        return Health.PARTLY, "; ".join(troubles)
    if suspicion:
        return Health.SUSPECT_SILENT, suspicion
    heard = max((line.last_data or 0) for line in lines)
    return (Health.RECORDING if now - heard <= HOUR * SECOND else Health.QUIET), ""


def resident() -> int:
    """Bytes of memory that the process holds now; where that is not told, the most it has held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
