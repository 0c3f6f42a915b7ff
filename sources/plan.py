"""Whether a channel reaches a window, and how a window is cut into the spans that one request may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sources.spec import ChannelSpec
from verify.model.errors import WindowUnsupported
from verify.model.window import Window, duration_words, iso

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unsupported(channel: ChannelSpec, window: Window, now: datetime, *, source: str = "") -> None:
    """Raise `WindowUnsupported` if the channel cannot serve all of `window` at `now`; ask before any request.

    The message says how far back the channel reaches. A stream serves only what happens while it is listened to,
    a window that ends in the future nobody.
    """
    name = source or channel.id
    if channel.history == timedelta(0):
        raise WindowUnsupported("has no history: it tells only what happens while it is listened to", source=name)
    first, last = window.start.date(), (window.end - timedelta(microseconds=1)).date()
    if (channel.first_day and first < channel.first_day) or (channel.last_day and last > channel.last_day):
        held = f"from {channel.first_day or 'the beginning'} to {channel.last_day or 'now'}"
        raise WindowUnsupported(f"holds the UTC days {held}; the window is {window}", source=name)
    if lacking := [str(day) for day in channel.missing_days if first <= day <= last]:
        raise WindowUnsupported(f"has nothing for {', '.join(lacking)}; ask for the days around", source=name)
    if window.start >= now:
        raise WindowUnsupported(f"the window {window} has not begun", source=name)
    if channel.history is not None and window.start < now - channel.history:
        reach = iso((now - channel.history).replace(microsecond=0))
        raise WindowUnsupported(
            f"reaches {duration_words(channel.history)} back, to {reach}; the window starts {iso(window.start)}",
            source=name,
        )


def pieces(window: Window, span: timedelta) -> Iterator[Window]:
    """`window` cut into consecutive windows no longer than `span`, in time order."""
    start = window.start
    while start < window.end:
        end = min(start + span, window.end)
        yield Window(start, end)
        start = end


def halves(window: Window, *, grain: timedelta = timedelta(seconds=1)) -> tuple[Window, ...]:
    """`window` cut in two at a whole multiple of `grain` after its start; empty where it cannot be cut."""
    steps = window.length // (2 * grain)
    if steps < 1:
        return ()
    middle = window.start + steps * grain
    return Window(window.start, middle), Window(middle, window.end)


def aligned(window: Window, bar: timedelta) -> Window:
    """`window` widened to whole bars, which are counted from 1970 UTC."""
    first, last = (window.start - _EPOCH) // bar, -((_EPOCH - window.end) // bar)
    return Window(_EPOCH + first * bar, _EPOCH + last * bar)


def milliseconds(moment: datetime) -> str:
    """`moment` as whole milliseconds since 1970, the way most providers want it in a query."""
    return str((moment - _EPOCH) // timedelta(milliseconds=1))
