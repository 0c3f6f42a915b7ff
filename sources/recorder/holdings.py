"""What a store holds of one channel in a window, whichever kind of file it lies in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec

from sources.recorder import days
from sources.recorder.coverage import MINUTE, WHOLE, Minute, share, split

#: What is noted behind the address of a connection that led to a server on this machine instead.
TRIAL = " (a trial: a server on this machine in its place)"


class Event(msgspec.Struct, frozen=True):
    """One event, and the frame that told it first: `2026-11-25/123` and the SHA-256 of its bytes as received.

    Times are microseconds since 1970 (UTC); a quantity, price or notional that is not known is None.
    """

    event_id: str
    frame: str
    sha256: str
    time_us: int
    received_us: int
    venue: str
    instrument: str
    asset: str
    side: str
    quantity: float | None
    price: float | None
    price_basis: str
    notional_usd: float | None


class Suspicion(msgspec.Struct, frozen=True):
    """A time in which the channel was silent and should not have been; `until_us` is None where it went on."""

    since_us: int
    until_us: int | None
    reason: str


@dataclass(slots=True)
class Held:
    """What a store holds of a channel in `[start, end)`. `feeds` are minutes by feed, `unread` counts frames,
    `trial` says that a server on this machine stood in the venue's place."""

    channel: str
    start_us: int
    end_us: int
    events: list[Event] = field(default_factory=list)
    feeds: dict[str, dict[int, Minute]] = field(default_factory=dict)
    suspicions: list[Suspicion] = field(default_factory=list)
    unread: int = 0
    trial: bool = False

    @property
    def share(self) -> float:
        """The share of the window in which every feed of the channel was alive."""
        return covered(self.feeds, self.start_us, self.end_us)

    @property
    def heard(self) -> bool:
        """Whether anybody listened at any time of the window."""
        return any(minute.connected for minutes in self.feeds.values() for minute in minutes.values())

    def expect(self, day: date, feeds: Iterable[str]) -> None:
        """Of a day on which these feeds were to be listened to, every minute of the window that has no row is zero."""
        first = max(self.start_us, days.start_of(day)) // MINUTE
        last = (min(self.end_us, days.start_of(day) + days.DAY) - 1) // MINUTE
        for feed in feeds:
            minutes = self.feeds.setdefault(feed, {})
            for number in range(first, last + 1):
                minutes.setdefault(number, Minute())

    def suspect(self, found: Suspicion) -> None:
        """Add a suspicion; one that stands in two days' files is one, as the later file has it."""
        self.suspicions = [known for known in self.suspicions if known.since_us != found.since_us] + [found]


def whole_parts(feeds: Mapping[str, Mapping[int, Minute]], start: int, end: int) -> list[tuple[int, int]]:
    """The parts of `[start, end)` in whose every minute all `feeds` were alive, in order, as long as they can be."""
    parts: list[tuple[int, int]] = []
    for number, length in split(start, end):
        minutes = [minutes[number] for minutes in feeds.values() if number in minutes]
        if minutes and min(minute.alive for minute in minutes) >= WHOLE * MINUTE:
            first = max(number * MINUTE, start)
            if parts and parts[-1][1] == first:
                parts[-1] = (parts[-1][0], first + length)
            else:
                parts.append((first, first + length))
    return parts


def covered(feeds: Mapping[str, Mapping[int, Minute]], start: int, end: int) -> float:
    """The share of `[start, end)` in which all `feeds` were alive: of each minute, that of the least alive feed.

    A feed that was to be listened to and was not has zeros (`Held.expect`); one without a row was not to be.
    """
    least: dict[int, Minute] = {}
    for minutes in feeds.values():
        for number, minute in minutes.items():
            if number not in least or minute.alive < least[number].alive:
                least[number] = minute
    return share(least, start, end)
