"""Windows of time: half-open, in UTC, with edges that may be uncertain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from verify.model.errors import WindowError

_ZERO = timedelta(0)
_HALF = 0.5
_ISO_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
_SHORT_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+", re.IGNORECASE)
_SHORT_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.IGNORECASE)
_SHORT_UNIT = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}(?::?\d{2})?)?", re.IGNORECASE)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_TEXT = 100
#: The years that people write of markets, with room on both sides for whoever looks around a time.
_YEARS = range(1900, 2500)
_CALENDAR = f"write a year from {_YEARS[0]} to {_YEARS[-1]}"
_FORMS = (
    "write START/END, START/PT4H, PT4H/END, 4h, 4h@END or a day, with times like "
    "2026-01-19T02:30Z or 2026-01-19T08:00+08:00"
)


def parse_duration(text: str, *, zero: bool = False) -> timedelta:
    """Read `4h`, `90m`, `1d12h`, `PT4H` or `P1D`; raise `WindowError` if it is none of them.

    `zero` says whether no length at all (`0m`) is an answer, as it is for slack.
    """
    raw = _bounded(text)
    length = _ZERO
    try:
        if _SHORT_DURATION.fullmatch(raw):
            for number, unit in _SHORT_PART.findall(raw):
                length += float(number) * _SHORT_UNIT[unit.lower()]
        elif (iso := _ISO_DURATION.fullmatch(raw)) and any(iso.groups()):
            length = timedelta(**{name: int(value) for name, value in iso.groupdict().items() if value})
        else:
            raise WindowError(f"cannot read the duration {_short(text)!r}: write 4h, 90m, 1d or PT4H")
    except OverflowError:
        raise WindowError(f"the duration {_short(text)!r} is too long") from None
    if length <= _ZERO and not zero:
        raise WindowError(f"the duration {_short(text)!r} has no length")
    return length


def parse_instant(text: str) -> datetime:
    """Read one ISO 8601 time that names its zone (or a bare date, its midnight in UTC) as UTC."""
    raw = _bounded(text)
    if day := _DAY.fullmatch(raw):
        raw = f"{day[1]}T00:00:00{day[2] or 'Z'}"
    try:
        moment = datetime.fromisoformat(raw.upper())
    except ValueError:
        raise WindowError(f"cannot read the time {_short(text)!r}: write 2026-01-19T02:30Z") from None
    if moment.tzinfo is None:
        raise WindowError(f"the time {_short(text)!r} names no time zone: add Z or an offset like +08:00")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise WindowError(f"the time {_short(text)!r} is outside the calendar") from None
    if moment.year not in _YEARS:
        raise WindowError(f"the time {_short(text)!r} is outside the calendar: {_CALENDAR}")
    return moment


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open UTC interval `[start, end)`.

    `slack` says how far either edge may really lie from where it is stated, in either direction:
    the true window contains `inner` (if that has any length) and is contained in `outer`.
    Naive times raise `WindowError`; so does a window without length.
    """

    start: datetime
    end: datetime
    slack: timedelta = field(default=_ZERO)

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if edge.tzinfo is None:
                raise WindowError(f"the time {edge.isoformat()} names no time zone")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end < self.start:
            raise WindowError(f"the window ends ({iso(self.end)}) before it starts ({iso(self.start)})")
        if self.end == self.start:
            raise WindowError(f"the window at {iso(self.start)} has no length")
        if self.slack < _ZERO:
            raise WindowError("slack cannot be negative")
        try:
            _ = (self.start - self.slack, self.end + self.slack)
        except OverflowError:
            raise WindowError("the window with its slack is outside the calendar") from None

    @classmethod
    def parse(cls, text: str, *, now: datetime | None = None, slack: timedelta = _ZERO) -> Window:
        """Read a window as a person writes it.

        Forms: `START/END`, `START/PT4H`, `PT4H/END`, `4h` (ending at `now`), `4h@END`, `2026-01-19` (the UTC
        day) and `2026-01-19+08:00` (the day of that zone). `now` must be given for the forms that need it.
        """
        raw = _bounded(text)
        try:
            if "/" in raw:
                start, end = cls._edges(raw)
            elif "@" in raw:
                length, _, moment = raw.partition("@")
                end = parse_instant(moment)
                start = end - parse_duration(length)
            elif day := _DAY.fullmatch(raw):
                start = parse_instant(day[0])
                end = start + timedelta(days=1)
            elif _SHORT_DURATION.fullmatch(raw) or _ISO_DURATION.fullmatch(raw):
                if now is None:
                    raise WindowError(f"{_short(text)!r} ends now, and no clock was given: write {raw}@END")
                end = now.astimezone(UTC)
                start = end - parse_duration(raw)
            else:
                raise WindowError(f"cannot read the window {_short(text)!r}: {_FORMS}")
        except OverflowError:
            raise WindowError(f"the window {_short(text)!r} is outside the calendar") from None
        window = cls(start, end, slack)
        if any(edge.year not in _YEARS for edge in (window.outer.start, window.outer.end)):
            raise WindowError(f"the window {_short(text)!r} is outside the calendar: {_CALENDAR}")
        return window

    @staticmethod
    def _edges(raw: str) -> tuple[datetime, datetime]:
        parts = [part.strip() for part in raw.split("/")]
        if len(parts) != 2 or not all(parts):
            raise WindowError(f"cannot read the window {_short(raw)!r}: {_FORMS}")
        left, right = parts
        is_length = [bool(_SHORT_DURATION.fullmatch(p) or _ISO_DURATION.fullmatch(p)) for p in parts]
        if all(is_length):
            raise WindowError(f"the window {_short(raw)!r} has two durations and no time")
        if is_length[0]:
            end = parse_instant(right)
            return end - parse_duration(left), end
        start = parse_instant(left)
        return start, start + parse_duration(right) if is_length[1] else parse_instant(right)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def inner(self) -> Window | None:
        """What the true window surely contains, without slack; None where the slack leaves nothing."""
        start, end = self.start + self.slack, self.end - self.slack
        return Window(start, end) if start < end else None

    @property
    def outer(self) -> Window:
        """What surely contains the true window, without slack."""
        return Window(self.start - self.slack, self.end + self.slack)

    def contains(self, other: Window) -> bool:
        """Whether `other`, as stated, lies inside this window as stated."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Window) -> bool:
        """Whether the two could have a moment in common, given the slack of both."""
        mine, theirs = self.outer, other.outer
        return mine.start < theirs.end and theirs.start < mine.end

    def may_be(self, other: Window) -> bool:
        """Whether both could be statements of one and the same window.

        Each edge lies within the slack of the two together, and so does the length: a slack moves a window, it does
        not make one hour out of four. And unless both allow the shift, they have at least half of their union in
        common: that one of the two is vague does not make it a statement of the other.
        """
        slack = self.slack + other.slack
        shift = max(abs(self.start - other.start), abs(self.end - other.end))
        longest = max(self.length, other.length)
        if shift > slack or abs(self.length - other.length) > min(slack, longest / 8):
            return False
        return shift <= min(self.slack, other.slack) or self.shared(other) >= _HALF

    def shared(self, other: Window) -> float:
        """The common part of the two as a share of their union (Jaccard index), edges as stated."""
        common = min(self.end, other.end) - max(self.start, other.start)
        union = max(self.end, other.end) - min(self.start, other.start)
        return max(common, _ZERO) / union

    def shifted(self, by: timedelta) -> Window:
        return Window(self.start + by, self.end + by, self.slack)

    def __str__(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}"

    def words(self) -> str:
        """The window as a person reads it, e.g. `18 Jan 2026 22:30 to 19 Jan 02:30 UTC`."""
        start, end = self.start, self.end
        clock = "%H:%M:%S" if start.second or end.second else "%H:%M"
        last = f"{end:{clock}}"
        if start.date() != end.date():
            year = f" {end.year}" if start.year != end.year else ""
            last = f"{end.day} {_MONTHS[end.month - 1]}{year} {last}"
        return f"{start.day} {_MONTHS[start.month - 1]} {start.year} {start:{clock}} to {last} UTC"


def iso(moment: datetime) -> str:
    """A UTC time as short as it can be exact: `2026-01-19T02:30Z`."""
    moment = moment.astimezone(UTC)
    if moment.microsecond:
        timespec = "microseconds"
    elif moment.second:
        timespec = "seconds"
    else:
        timespec = "minutes"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def duration_words(length: timedelta) -> str:
    """`4 hours`, `1.5 hours`, `3 hours 58 minutes`, `7 days`: a length as the field states it, never rounded."""
    seconds = length / timedelta(seconds=1)
    units = [(3600.0, "hour"), (60.0, "minute"), (1.0, "second")]
    if length > timedelta(hours=72):
        units.insert(0, (86400.0, "day"))
    size, name = next((unit for unit in units if seconds >= unit[0]), units[-1])
    if (seconds * 10 / size).is_integer():
        return _counted(seconds / size, name)
    parts = []
    for size, name in units[:-1]:
        whole, seconds = divmod(seconds, size)
        parts += [_counted(whole, name)] if whole else []
    return " ".join([*parts, _counted(seconds, "second")] if seconds else parts)


def _counted(number: float, name: str) -> str:
    written = f"{number:.6f}".rstrip("0").rstrip(".")
    return f"{written} {name}{'' if written == '1' else 's'}"


def _bounded(text: str) -> str:
    raw = text.strip()
    if len(raw) > _LONGEST_TEXT:
        raise WindowError(f"cannot read {_short(raw)!r} as a time or window: {_FORMS}")
    return raw


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
