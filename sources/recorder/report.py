"""What a store holds over a window, for people and for files: coverage by channel, events as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from sources.adapter import Channel
from sources.lazy import pl
from sources.recorder import reading
from sources.recorder.coverage import MINUTE, Minute, State, state_of
from sources.recorder.holdings import Event, Held
from verify.model.errors import InputError
from verify.model.window import Window

_WRITERS = (".csv", ".jsonl", ".parquet")


def held(store: Path, window: Window, only: Sequence[str], codes: Mapping[str, Channel]) -> list[Held]:
    """What the store holds of every channel in the window; `only` names sources or channels."""
    start, end = microseconds(window.start), microseconds(window.end)
    known = reading.channels(store)
    for name in only:
        if not any(name in (channel, channel.partition("/")[0]) for channel in known):
            raise InputError(f"{name} is not in {store}; it holds {', '.join(known) or 'nothing'}")
    wanted = [c for c in known if c in codes and (not only or c in only or c.partition("/")[0] in only)]
    return [reading.held(store, channel, start, end, codes[channel]) for channel in wanted]


def coverage(store: Path, window: Window, codes: Mapping[str, Channel]) -> list[dict[str, Any]]:
    """A row for each channel: the share of the window that was heard, its events, and its minutes by state."""
    rows = []
    for found in held(store, window, (), codes):
        states = Counter(_states(found))
        rows.append(
            {
                "channel": found.channel,
                "share": round(found.share, 4),
                "events": len(found.events),
                "unread_frames": found.unread,
                "minutes": {str(state): states[state] for state in State if states[state]},
                "suspicions": [msgspec.to_builtins(told) for told in found.suspicions],
            }
        )
    return rows


def _states(found: Held) -> list[State]:
    """The state of every minute of the window: that of the feed that was heard least, with the frames of all."""
    states = []
    for number in range(found.start_us // MINUTE, (found.end_us - 1) // MINUTE + 1):
        minutes = [minutes[number] for minutes in found.feeds.values() if number in minutes]
        worst = min(minutes, key=lambda minute: (minute.alive, minute.connected), default=None)
        together = None
        if worst is not None:
            frames = sum(minute.frames for minute in minutes)
            together = Minute(worst.connected, worst.subscribed, worst.alive, frames, worst.control)
        start = number * MINUTE
        suspected = any(
            told.since_us < start + MINUTE and (told.until_us or found.end_us) > start for told in found.suspicions
        )
        states.append(state_of(together, suspected=suspected))
    return states


def export(store: Path, window: Window, only: Sequence[str], codes: Mapping[str, Channel], target: Path) -> int:
    """Write the events of a window, in time order; the number of rows. Raises `InputError` for another kind of file."""
    if target.suffix not in _WRITERS:
        raise InputError(f"{target} ends in none of {', '.join(_WRITERS)}")
    events = [event for found in held(store, window, only, codes) for event in found.events]
    frame = table(events).sort("time", "venue", "event_id")
    part = target.with_name(f".{target.name}.part")
    try:
        if target.suffix == ".csv":
            frame.write_csv(part)
        elif target.suffix == ".jsonl":
            frame.write_ndjson(part)
        else:
            frame.write_parquet(part, compression="zstd")
        part.replace(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from None
    return frame.height


def table(events: Sequence[Event]) -> pl.DataFrame:
    """Events as a frame: times as UTC instants, the rest as held."""
    text, number = pl.String(), pl.Float64()
    schema = {"event_id": text, "frame": text, "sha256": text, "time_us": pl.Int64(), "received_us": pl.Int64(),
              "venue": text, "instrument": text, "asset": text, "side": text, "quantity": number, "price": number,
              "price_basis": text, "notional_usd": number}  # fmt: skip
    frame = pl.DataFrame([msgspec.structs.astuple(event) for event in events], schema=schema, orient="row")
    times = [
        pl.from_epoch(f"{name}_us", time_unit="us").dt.replace_time_zone("UTC").alias(name)
        for name in ("time", "received")
    ]
    return frame.select(*times, pl.exclude("time_us", "received_us"))


def microseconds(moment: datetime) -> int:
    """A UTC time as microseconds since 1970, exactly."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
