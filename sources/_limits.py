"""How often and how much: the limits of a run, and one rate limiter per host that is exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from aiolimiter import AsyncLimiter

from sources.spec import Rate


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run allows itself. Times in seconds, `body` in bytes after decompression.

    `pages` bounds the pages that follow the first requests of one job; `parallel` the requests under way at one host.
    `jitter` is the longest random addition to the wait before a retry; 0 makes waits repeatable.
    """

    connect: float = 5.0
    read: float = 20.0
    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 10.0
    jitter: float = 0.5
    body: int = 64 * 1024 * 1024
    pages: int = 500
    parallel: int = 10
    redirects: int = 5


class TooLate(Exception):
    """A slot would come after the deadline; `seconds` is the wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(slots=True)
class _Lane:
    limiter: AsyncLimiter
    free: float = 0.0


class HostLimit:
    """At most `rate.requests` in any span of `rate.per`, and `parallel` at once, for one host.

    One leaky bucket of n lets n through at once and refills meanwhile: up to 2n in the first span. So there are n
    buckets of one each, taken in turn: request k waits until request k - n is a full span ago.
    """

    def __init__(self, rate: Rate | None, parallel: int) -> None:
        self._rate = rate
        self._lanes: list[_Lane] = []
        self._turn = 0
        self._parallel = asyncio.Semaphore(parallel)
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing through for a while: the host asked for patience."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    def delay(self) -> float:
        """Seconds until the next request may go."""
        ready = self._held_until
        if self._rate is not None and len(self._lanes) == self._rate.requests:
            ready = max(ready, self._lanes[self._turn].free)
        return max(ready - asyncio.get_running_loop().time(), 0.0)

    @asynccontextmanager
    async def slot(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn; raises `TooLate` at once where it would come after `deadline` (loop time)."""
        async with self._parallel:
            while True:
                await self._patience(deadline)
                if self._rate is not None:
                    await self._in_turn(self._rate, deadline)
                if self._held_until <= asyncio.get_running_loop().time():
                    break  # else the host asked for patience meanwhile, and this turn is over
            yield

    async def _patience(self, deadline: float) -> None:
        now = asyncio.get_running_loop().time()
        if self._held_until > deadline:
            raise TooLate(self._held_until - now)
        if self._held_until > now:
            await asyncio.sleep(self._held_until - now)

    async def _in_turn(self, rate: Rate, deadline: float) -> None:
        now, span = asyncio.get_running_loop().time(), rate.per.total_seconds()
        if len(self._lanes) < rate.requests:
            lane = _Lane(AsyncLimiter(1, span))
            self._lanes.append(lane)
        else:
            lane = self._lanes[self._turn]
            if lane.free > deadline:
                raise TooLate(lane.free - now)
            self._turn = (self._turn + 1) % rate.requests
        lane.free = max(lane.free, now) + span
        await lane.limiter.acquire()


def retry_after(value: str | None, now: datetime) -> float | None:
    """The header `Retry-After` (seconds or an HTTP date, RFC 9110 section 10.2.3) in seconds; None where unreadable."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), 1e9)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)
