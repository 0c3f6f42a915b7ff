"""How much of each minute a feed was listened to: connected, subscribed, alive. Pure arithmetic, no clock.

Times are microseconds since 1970 (UTC). A feed counts as alive only between two signs of life (frames of its control
or liquidations) on one connection that are no further apart than its grace: nothing is credited in advance, so that a
process that is killed leaves a gap and never a claim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from sources.streams.protocol import Kind

MINUTE = 60_000_000
SECOND = 1_000_000
#: From this share of a minute on it counts as covered when a state is told in one word.
WHOLE = 0.95


class State(StrEnum):
    """What is known of a feed in a minute. Only RECORDED and QUIET say how much was liquidated."""

    RECORDED = "recorded"  # alive, and liquidations came
    QUIET = "quiet"  # alive, and none came
    SILENT = "silent"  # alive, none came, and they should have
    DEAD = "dead"  # connected, but the control did not come: whatever happened was not heard
    PARTLY = "partly recorded"  # alive for a part of the minute
    NOT_RECORDED = "not recorded"  # nobody listened


@dataclass(slots=True)
class Minute:
    """Microseconds and frames of one minute of one feed; as a change to be added, or as a sum."""

    connected: int = 0
    subscribed: int = 0
    alive: int = 0
    frames: int = 0
    control: int = 0


def state_of(minute: Minute | None, *, suspected: bool = False) -> State:
    """The state of a minute; None is one of which there is no row."""
    if minute is None or minute.connected == 0:
        return State.NOT_RECORDED
    if minute.alive < WHOLE * MINUTE:
        return State.PARTLY if minute.alive else State.DEAD
    if minute.frames:
        return State.RECORDED
    return State.SILENT if suspected else State.QUIET


def split(start: int, end: int) -> Iterator[tuple[int, int]]:
    """`[start, end)` cut at the minutes: the minute's number since 1970 and the microseconds in it."""
    while start < end:
        minute = start // MINUTE
        stop = min(end, (minute + 1) * MINUTE)
        yield minute, stop - start
        start = stop


@dataclass(slots=True)
class _Link:
    complete: bool
    subscribed: bool = False
    sign: int | None = None


@dataclass(slots=True)
class FeedCoverage:
    """One feed over time, whatever connections carry it: overlapping ones count once.

    `grace` is in microseconds. Call `opened`, `acknowledged`, `frame` and `closed` as things happen, `advance` at least
    once a second, and take what has become certain with `drain`.
    """

    grace: int
    _links: dict[int, _Link] = field(default_factory=dict)
    _through: int | None = None
    _credited: int = 0
    _minutes: dict[int, Minute] = field(default_factory=dict)

    def opened(self, link: int, at: int, *, complete: bool = True) -> None:
        """A connection is open; `complete` is False where it is subscribed to a part of the venue only."""
        self.advance(at)
        self._links[link] = _Link(complete)

    def acknowledged(self, link: int, at: int) -> None:
        """The subscription of a connection is answered."""
        self.advance(at)
        if link in self._links:
            self._links[link].subscribed = True

    def refused(self, link: int) -> None:
        """A subscription of a connection was refused: nothing it tells from now on proves that all was heard."""
        if link in self._links:
            self._links[link].complete = False

    def closed(self, link: int, at: int) -> None:
        """A connection is gone; what follows its last sign of life is not credited."""
        self.advance(at)
        self._links.pop(link, None)

    def frame(self, link: int, at: int, kind: Kind, *, sign: bool) -> None:
        """A frame has come; `sign` says whether it proves the route alive."""
        minute = self._minute(at // MINUTE)
        if kind in (Kind.DATA, Kind.SNAPSHOT):
            minute.frames += kind is Kind.DATA
        elif sign:
            minute.control += 1
        found = self._links.get(link)
        if not sign or found is None or not found.complete:
            return
        if found.sign is not None and 0 <= at - found.sign <= self.grace:
            start = max(found.sign, self._credited)
            for number, length in split(start, at):
                self._minute(number).alive += length
            self._credited = max(self._credited, at)
        found.sign = at

    def advance(self, at: int) -> None:
        """Credit the time since the last call as what it was: connected, subscribed."""
        if self._through is None or at <= self._through:
            self._through = max(at, self._through or at)
            return
        if self._links:
            subscribed = any(link.subscribed and link.complete for link in self._links.values())
            for number, length in split(self._through, at):
                minute = self._minute(number)
                minute.connected += length
                minute.subscribed += length if subscribed else 0
        self._through = at

    def drain(self) -> dict[int, Minute]:
        """What has become certain since the last call, by minute; to be added to what is stored."""
        taken, self._minutes = self._minutes, {}
        return taken

    def _minute(self, number: int) -> Minute:
        found = self._minutes.get(number)
        if found is None:
            found = self._minutes[number] = Minute()
        return found


def share(minutes: dict[int, Minute], start: int, end: int) -> float:
    """The share of `[start, end)` in which a feed was alive; minutes cut by an edge count up to their part inside.

    Which part of a cut minute was alive is not known: that it was the part inside is assumed, up to its length.
    """
    if end <= start:
        return 0.0
    alive = sum(min(minutes[number].alive, length) for number, length in split(start, end) if number in minutes)
    return alive / (end - start)
