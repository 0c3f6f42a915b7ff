"""Which channels are silent though they should not be: each against its own rate, and against the others.

Pure: times are seconds on any clock that only goes forward. A quiet market is no fault, so that a channel is suspected
only if its silence is next to impossible: by its own quietest hour of the last day, or because channels of three other
venues burst while a channel that always takes part shows nothing. A channel that was never busy is never suspected:
of its death its control tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from statistics import median

HOUR = 3600.0
#: Hours that a channel's own rate rests on, and the fewest of them that say how quiet it can be.
HOURS, LEARNED = 24, 6
#: Liquidations come in clusters: how often a channel is heard is counted in stretches of so many seconds with a frame.
BIN = 5.0
#: How often it should have been heard by its quietest hour: more than the 14 at which a Poisson process of that rate
#: would be silent once in a million.
OWN_EXPECTED = 20.0
#: How often it should have been heard in a burst of the others.
BURST_EXPECTED = 14.0
#: A burst: this many frames in RECENT seconds, this many times the channel's own rate, at this many venues.
RECENT, BURST_FRAMES, BURST_TIMES, BURST_VENUES = 30.0, 10, 4.0, 3
#: What the others' bursts are taken to multiply a channel's rate by at most.
MOST_TIMES = 10.0
#: A channel that is usually heard less often an hour is too small to be missed in a burst.
LOUD = 60.0
#: Seconds of silence before anything is said.
PATIENCE = 20.0


@dataclass(slots=True)
class _Heard:
    venue: str
    typical: float
    seconds: deque[tuple[float, int]] = field(default_factory=deque)
    recent: int = 0
    hours: deque[float] = field(default_factory=lambda: deque(maxlen=HOURS))
    hour_frames: int = 0
    active: deque[float] = field(default_factory=lambda: deque(maxlen=HOURS))
    hour_active: int = 0
    last_bin: int = -1
    hour_alive: float = 0.0
    last: float | None = None
    alive_since: float | None = None

    def add(self, at: float, frames: int) -> None:
        self.seconds.append((at, frames))
        self.recent += frames
        self.hour_frames += frames
        self.last = at
        if int(at // BIN) != self.last_bin:
            self.last_bin = int(at // BIN)
            self.hour_active += 1

    def forget(self, at: float) -> None:
        while self.seconds and self.seconds[0][0] <= at - RECENT:
            self.recent -= self.seconds.popleft()[1]

    @property
    def rate(self) -> float:
        """Frames an hour on a usual hour: the median of the last day, before there are three hours what is typical."""
        return median(self.hours) if len(self.hours) >= 3 else max(self.typical, *self.hours, 0.0)

    @property
    def stirs(self) -> float:
        """Stretches of BIN seconds with a frame, an hour, on a usual hour."""
        return median(self.active) if len(self.active) >= 3 else max(self.typical, *self.active, 0.0)

    def bursts(self) -> bool:
        return self.recent >= max(BURST_FRAMES, BURST_TIMES * self.rate * RECENT / HOUR)


@dataclass(frozen=True, slots=True)
class Change:
    """A channel has become suspect (`reason` says why, in words), or is no longer (`reason` is empty)."""

    channel: str
    since: float
    reason: str


class Silence:
    """The detector. `channels` maps each channel to its venue and the rate that is typical of it, frames an hour."""

    def __init__(self, channels: Mapping[str, tuple[str, float]]) -> None:
        self._heard = {name: _Heard(venue, typical) for name, (venue, typical) in channels.items()}
        self._last_tick: float | None = None
        self._burst_since: dict[str, float] = {}
        self.suspects: dict[str, Change] = {}

    def data(self, channel: str, at: float, frames: int = 1) -> None:
        """`frames` frames with liquidations have come on `channel` at `at`."""
        self._heard[channel].add(at, frames)

    def usual(self, channel: str) -> float:
        """The channel's own rate, frames an hour."""
        return self._heard[channel].rate

    def tick(self, at: float, alive: Collection[str]) -> list[Change]:
        """Judge every channel at `at`; `alive` are those whose control comes. Call it every second or so."""
        step = at - self._last_tick if self._last_tick is not None else 0.0
        self._last_tick = at
        for name, heard in self._heard.items():
            heard.forget(at)
            self._age(heard, step, at, alive=name in alive)
        bursting = {name for name, heard in self._heard.items() if heard.bursts()}
        changes = []
        for name, heard in self._heard.items():
            reason = self._reason(name, heard, at, bursting) if name in alive else ""
            known = self.suspects.get(name)
            if reason and known is None:
                change = Change(name, heard.last if heard.last is not None else heard.alive_since or at, reason)
                self.suspects[name] = change
                changes.append(change)
            elif known is not None and (name not in alive or (heard.last or 0.0) > known.since):
                del self.suspects[name]
                changes.append(Change(name, at, ""))
        return changes

    @staticmethod
    def _age(heard: _Heard, step: float, at: float, *, alive: bool) -> None:
        """Count an hour of listening as soon as it is full; time that the channel was dead does not count."""
        if not alive:
            heard.alive_since = None
            return
        if heard.alive_since is None:
            heard.alive_since = at
        heard.hour_alive += step
        if heard.hour_alive >= HOUR:
            heard.hours.append(heard.hour_frames * HOUR / heard.hour_alive)
            heard.active.append(heard.hour_active * HOUR / heard.hour_alive)
            heard.hour_alive, heard.hour_frames, heard.hour_active = 0.0, 0, 0

    def _reason(self, name: str, heard: _Heard, at: float, bursting: set[str]) -> str:
        since = max(heard.last if heard.last is not None else 0.0, heard.alive_since or 0.0)
        silent = at - since
        venues = {self._heard[other].venue for other in bursting if self._heard[other].venue != heard.venue}
        if len(venues) < BURST_VENUES:
            self._burst_since.pop(name, None)
        else:
            self._burst_since.setdefault(name, at)
        if silent < PATIENCE:
            return ""
        if len(heard.active) >= LEARNED and min(heard.active) * silent / HOUR >= OWN_EXPECTED:
            return f"nothing for {silent:.0f} s, though it was heard {min(heard.active):.0f} times in its quietest hour"
        began = self._burst_since.get(name)
        if began is None or heard.stirs < LOUD:
            return ""
        times = min(median(self._times(other) for other in bursting), MOST_TIMES)
        if heard.stirs * times * min(silent, at - began) / HOUR >= BURST_EXPECTED:
            return f"nothing for {silent:.0f} s while {', '.join(sorted(venues))} burst"
        return ""

    def _times(self, name: str) -> float:
        """How many times its own rate a channel shows now."""
        heard = self._heard[name]
        return heard.recent * HOUR / RECENT / heard.rate if heard.rate > 0 else MOST_TIMES
