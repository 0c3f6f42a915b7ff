"""One feed listened to: a connection after another, each subscribed, kept awake, watched, and followed by the next.

A connection that must end (its life, a new list of contracts) is overlapped by its successor; what both hear collapses
by the events' ids. One that breaks, stalls or is refused is followed after a pause that grows and is drawn by chance.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sources.recorder import sockets
from sources.recorder.coverage import SECOND, FeedCoverage
from sources.recorder.holdings import TRIAL
from sources.recorder.log import Log
from sources.recorder.sockets import Ended, Socket
from sources.recorder.writing import Connection, Covered, Feed, Writer
from sources.streams.protocol import KEPT, Kind, Protocol, Subscription, stamped

#: Pauses in seconds before the next attempt: the first, the longest, and the first after a refusal.
FIRST_PAUSE, LONGEST_PAUSE, REFUSED_PAUSE = 0.5, 60.0, 4.0
#: Close codes: the venue restarts or is overloaded; it objects to what was sent.
RESTARTS, REFUSES = (1001, 1012, 1013), (1008, 1003, 1007)
#: A connection that lived so long (seconds) has not failed.
LIVED = 30.0
#: A break of at most so many microseconds is bridged: what a first snapshot tells of it counts as heard.
BRIDGED = 60 * SECOND
#: Share of its life after which a connection gets its successor, and seconds that one has to be ready.
RENEWED_AT, READY_WITHIN = 0.97, 60.0
_FULL_WAIT = 0.02


def pause(failures: int, ended: Ended, chance: random.Random) -> float:
    """Seconds to wait after an end, given how many connections in a row have failed before it.

    Half of it is drawn by chance, so that not everybody comes back at the same moment.
    """
    if ended.code in RESTARTS:
        return chance.uniform(0.5, 3.0)
    refused = ended.code in REFUSES or ended.status in (401, 403, 418, 429, 451)
    longest = min((REFUSED_PAUSE if refused else FIRST_PAUSE) * 2.0 ** min(failures, 10), LONGEST_PAUSE)
    return chance.uniform(longest / 2, longest)


@dataclass(frozen=True)
class Desk:
    """What all lines share. `clock` gives microseconds since 1970, `hosts` is a checked host map."""

    writer: Writer
    clock: Callable[[], int]
    log: Log
    hosts: Mapping[str, str]
    chance: random.Random


@dataclass(eq=False)
class Link:
    """One connection while it lives."""

    id: int
    opened: int
    subscription: Subscription
    sign: int
    acks: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    socket: Socket | None = None
    task: asyncio.Task[Ended] | None = None
    ending: str = ""
    refused: str = ""


class Line:
    """One feed and what is known of it. `run` listens until it is cancelled; `watch` is called every half second."""

    def __init__(self, desk: Desk, feed: Feed, url: str, protocol: Protocol, subscription: Subscription) -> None:
        self.desk, self.feed, self.url, self.protocol = desk, feed, url, protocol
        self.coverage = FeedCoverage(int(protocol.grace * SECOND))
        self.links: dict[int, Link] = {}
        self._told_url = f"{url}{TRIAL}" if set(desk.hosts) & {"*", urlsplit(url).hostname} else url
        self.connections = self.frames = self.data = 0
        self.new_data = 0  # since it was last asked for
        self.last_data: int | None = None
        self.last_sign: int | None = None
        self.trouble = ""
        self.held_back = 0.0
        self._subscription = subscription
        self._renew = asyncio.Event()
        self._tasks: set[asyncio.Task[Ended]] = set()
        self._last_id = 0
        self._began = desk.clock()
        self._since = 0
        self._until = 0
        desk.writer.note(feed)
        self._signs, self._sort, self._unpack = protocol.signs, protocol.sort, protocol.unpack

    @property
    def lacks(self) -> str:
        """Why what is heard is a part of the venue at most; empty where it is all."""
        if not self._subscription.complete:
            return "the list of contracts did not come: only the largest are listened to"
        return next((link.refused for link in self.links.values() if link.refused), "")

    def alive(self, now: int) -> bool:
        """Whether it is connected and a sign of life came within the grace."""
        return bool(self.links) and self.last_sign is not None and now - self.last_sign <= self.coverage.grace

    def overdue(self, now: int) -> bool:
        """Whether a sign of life should have come by now: none has within the grace since the beginning or the last."""
        return now - max(self._began, self.last_sign or 0) > self.coverage.grace

    def subscribe(self, subscription: Subscription) -> None:
        """Listen to something else from now on; nothing is missed in between."""
        if subscription != self._subscription:
            self._subscription = subscription
            self._renew.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        link = self._start()
        try:
            while True:
                ended = await self._ended_or_old(link)
                if ended is None:
                    link = await self._succeeded(link)
                    continue
                worked = link.ready.is_set() and self.desk.clock() - link.opened >= LIVED * SECOND
                failures = 0 if worked else failures + 1
                wait = pause(max(failures - 1, 0), ended, self.desk.chance)
                self._say("warning", "ended", why=ended.why, code=ended.code, again_in=round(wait, 2))
                await asyncio.sleep(wait)
                link = self._start()
        finally:
            await self._close_all()

    def watch(self, now: int) -> None:
        """Account for the time that has passed, and end connections on which nothing lives."""
        self.coverage.advance(now)
        for link in list(self.links.values()):
            quiet = now - max(link.opened, link.sign)
            if quiet > self.coverage.grace and link.socket is not None and not link.ending:
                link.ending = f"no sign of {self.protocol.control} for {quiet / SECOND:.0f} s"
                self.trouble = link.ending
                link.socket.abort()
        minutes = self.coverage.drain()
        if minutes:
            self.desk.writer.note(Covered(self.feed, minutes))

    def _start(self) -> Link:
        now = self.desk.clock()
        link = Link(max(now, self._last_id + 1), now, self._subscription, now)
        self._last_id = link.id
        self._renew.clear()
        link.task = asyncio.create_task(self._talk(link))
        self._tasks.add(link.task)
        link.task.add_done_callback(self._tasks.discard)
        return link

    async def _ended_or_old(self, link: Link) -> Ended | None:
        """How the connection ended; None where it is time for its successor."""
        life = self.protocol.life
        left = None
        if life is not None:
            age = (self.desk.clock() - link.opened) / SECOND
            left = max(life * RENEWED_AT - age, 0.0)
        assert link.task is not None
        renew = asyncio.create_task(self._renew.wait())
        try:
            await asyncio.wait({link.task, renew}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            renew.cancel()
        return link.task.result() if link.task.done() else None

    async def _succeeded(self, old: Link) -> Link:
        """Open a successor, and end the old connection as soon as that one hears."""
        self._say("info", "succession")
        new = self._start()
        assert old.task is not None
        assert new.task is not None
        ready = asyncio.create_task(new.ready.wait())
        try:
            await asyncio.wait({new.task, ready}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if old.socket is not None and not old.task.done():
            old.ending = "followed by its successor"
            await old.socket.close()
        await asyncio.wait({old.task}, timeout=sockets.CLOSE_TIMEOUT + 1)
        return new

    async def _talk(self, link: Link) -> Ended:
        """One connection from its opening to its end; what ended it."""
        keeper: asyncio.Task[None] | None = None
        try:
            async with sockets.opened(self.url, dict(self.protocol.headers), self.desk.hosts) as socket:
                self._opened(link, socket)
                keeper = asyncio.create_task(self._speak(link, socket))
                await self._listen(link, socket)
        except Ended as ended:
            return self._closed(link, Ended(link.ending, ended.code) if link.ending else ended)
        except asyncio.CancelledError:
            self._closed(link, Ended("the recorder stops", 1000))
            raise
        finally:
            if keeper is not None:
                keeper.cancel()
        raise AssertionError("listening ends with an error")

    def _opened(self, link: Link, socket: Socket) -> None:
        now = self.desk.clock()
        link.opened, link.sign, link.socket = now, now, socket
        if not self.links and now - self._until > BRIDGED:
            self._since = now
        self.links[link.id] = link
        self.connections += 1
        self.coverage.opened(link.id, now, complete=link.subscription.complete)
        self.desk.writer.note(self._row(link))
        self._say("info", "connected", url=self.url)

    def _closed(self, link: Link, ended: Ended) -> Ended:
        if self.links.pop(link.id, None) is not None:
            now = self.desk.clock()
            if not self.links:
                self._until = now
            self.coverage.closed(link.id, now)
            self.desk.writer.note(self._row(link, now, ended))
        if ended.status or not self.trouble:
            self.trouble = ended.why if not self.links else ""
        return ended

    def _row(self, link: Link, closed: int | None = None, ended: Ended | None = None) -> Connection:
        why = f"{ended.why} ({ended.code})" if ended is not None else None
        complete = link.subscription.complete
        return Connection(link.id, self.feed, self._told_url, link.opened, self._since, complete, closed, why)

    async def _speak(self, link: Link, socket: Socket) -> None:
        """Subscribe, then say what keeps the connection awake."""
        with suppress(Ended):
            for message in link.subscription.messages:
                await socket.send(stamped(message, self.desk.clock() // SECOND))
                if self.protocol.pace:
                    await asyncio.sleep(self.protocol.pace)
            while self.protocol.ping is not None:
                await asyncio.sleep(self.protocol.ping_every)
                await socket.send(stamped(self.protocol.ping, self.desk.clock() // SECOND))

    async def _listen(self, link: Link, socket: Socket) -> None:
        """Take every frame; waits only where the disk does not keep up."""
        receive, clock, writer = socket.receive, self.desk.clock, self.desk.writer
        while True:
            body = await receive()
            now = clock()
            kind = self._sort(body if self._unpack is None else self._unpack(body))
            if kind in KEPT:
                writer.frame(link.id, now, kind, body)
                if writer.full:
                    await self._held_back(writer)
            if kind is Kind.DATA:
                self.new_data += 1
                self.data += 1
                self.last_data = now
            self.frames += 1
            self._heard(link, now, kind)
            if kind is Kind.REFUSAL:
                self._refused(link, body)
            if kind is Kind.PING and self.protocol.answer is not None:
                said = self.protocol.answer(body if self._unpack is None else self._unpack(body))
                if said is not None:
                    await socket.send(said)

    def _heard(self, link: Link, now: int, kind: Kind) -> None:
        sign = kind in self._signs
        self.coverage.frame(link.id, now, kind, sign=sign)
        if sign:
            link.sign = self.last_sign = now
            if not link.ready.is_set():
                self._acknowledged(link, now)
        elif kind is Kind.ACK or (kind is Kind.SNAPSHOT and self.protocol.snapshot_acks):
            link.acks += 1
            if link.acks == link.subscription.acks:
                self.coverage.acknowledged(link.id, now)
                self._say("debug", "acknowledged")

    def _refused(self, link: Link, body: bytes) -> None:
        """A subscription was answered with an error: what this connection hears is a part of the venue at most."""
        told = (body if self._unpack is None else self._unpack(body))[:200].decode("utf-8", "replace")
        self.coverage.refused(link.id)
        link.refused = f"the venue refused a subscription: {told}"
        self._say("warning", "refused", what=told)

    def _acknowledged(self, link: Link, now: int) -> None:
        """The first sign of life: with or without acknowledgements, the subscription works."""
        link.ready.set()
        self.trouble = ""
        self.coverage.acknowledged(link.id, now)
        self._say("info", "alive")

    async def _held_back(self, writer: Writer) -> None:
        began = self.desk.clock()
        while writer.full and writer.failure is None:
            await asyncio.sleep(_FULL_WAIT)
        self.held_back += (self.desk.clock() - began) / SECOND
        self._say("warning", "held back", seconds=round((self.desk.clock() - began) / SECOND, 2))

    async def _close_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=sockets.CLOSE_TIMEOUT + 1)

    def _say(self, level: str, event: str, **facts: object) -> None:
        self.desk.log.say(level, event, channel=self.feed.channel, feed=self.feed.name, **facts)
