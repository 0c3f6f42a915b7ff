"""The status file of a store, its exit code, and the same as metrics for Prometheus.

The recorder replaces `status.json` every two seconds. A file that is older than `STALE` is of a recorder that stands
still or is gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from verify.model.errors import StoreError

NAME = "status.json"
#: Seconds after which a status file is of a recorder that has stopped without saying so.
STALE = 30.0


class Health(StrEnum):
    """What a channel does now."""

    RECORDING = "recording"  # alive; liquidations came within the hour
    QUIET = "quiet"  # alive, none came
    SUSPECT_SILENT = "SUSPECT_SILENT"  # alive, none came, and they should have
    PARTLY = "partly"  # alive, but subscribed to a part of the venue, or one of several feeds is dead
    DEAD = "DEAD"  # its control does not come
    CONNECTING = "connecting"


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel. Times are UTC in ISO form or empty; `rate` is its usual number of frames an hour."""

    channel: str
    health: Health
    reason: str
    since: str
    last_data: str
    last_sign: str
    frames: int
    data: int
    connections: int
    rate: float
    feeds: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """The recorder and its channels at `at`; `state` is "recording", "stopped" or "failed"."""

    at: str
    state: str
    pid: int
    version: str
    started: str
    channels: Sequence[ChannelStatus] = ()
    frames_stored: int = 0
    commits: int = 0
    waiting_bytes: int = 0
    undigested: int = 0
    unread: int = 0
    held_back_seconds: float = 0.0
    lag_p99_ms: float = 0.0
    memory_mb: float = 0.0
    message: str = ""


def write(store: Path, status: Status) -> None:
    """Replace the status file at once, so that no reader sees half of one."""
    part = store / f"{NAME}.{os.getpid()}.part"
    part.write_text(json.dumps(asdict(status), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(store / NAME)


def read(store: Path) -> Status:
    """The status file of a store; raises `StoreError`."""
    try:
        return msgspec.json.decode((store / NAME).read_bytes(), type=Status)
    except FileNotFoundError:
        raise StoreError(f"{store} has no {NAME}: nothing was ever recorded there") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"cannot read {store / NAME}: {error}") from None


def age(status: Status, now: datetime) -> float:
    """Seconds since the status was written."""
    return (now - datetime.fromisoformat(status.at).astimezone(UTC)).total_seconds()


def exit_code(status: Status, now: datetime) -> int:
    """0: all is well. 1: a channel is suspected to be silent. 4: one is dead or partly heard, or nobody records."""
    if status.state != "recording" or age(status, now) > STALE:
        return 4
    found = {channel.health for channel in status.channels}
    if found & {Health.DEAD, Health.PARTLY}:
        return 4
    return 1 if Health.SUSPECT_SILENT in found else 0


def metrics(status: Status) -> str:
    """The status in the text format of Prometheus."""
    lines: list[str] = []

    def gauge(name: str, text: str, values: Sequence[tuple[str, float]]) -> None:
        lines.extend((f"# HELP verify_record_{name} {text}", f"# TYPE verify_record_{name} gauge"))
        lines.extend(f"verify_record_{name}{labels} {value:g}" for labels, value in values)

    gauge("frames_stored", "Frames committed by this run.", [("", status.frames_stored)])
    gauge("waiting_bytes", "Bytes that wait for the disk.", [("", status.waiting_bytes)])
    gauge("undigested_frames", "Frames whose events are not read yet.", [("", status.undigested)])
    gauge("unread_frames", "Frames of today that no adapter could read.", [("", status.unread)])
    gauge("held_back_seconds", "Seconds that connections waited for the disk.", [("", status.held_back_seconds)])
    gauge("loop_lag_p99_seconds", "Lag of the event loop, 99th percentile.", [("", status.lag_p99_ms / 1000)])
    gauge("resident_bytes", "Resident memory.", [("", status.memory_mb * 1024 * 1024)])
    per_channel: tuple[tuple[str, str, Any], ...] = (
        ("channel_frames", "Frames received.", lambda c: c.frames),
        ("channel_liquidation_frames", "Frames with liquidations.", lambda c: c.data),
        ("channel_connections", "Connections made.", lambda c: c.connections),
        ("channel_alive", "1 where the control comes.", lambda c: float(c.health not in _NOT_ALIVE)),
        ("channel_suspect_silent", "1 where silence is suspect.", lambda c: float(c.health is Health.SUSPECT_SILENT)),
    )
    for name, text, value in per_channel:
        gauge(name, text, [(f'{{channel="{c.channel}"}}', value(c)) for c in status.channels])
    return "\n".join(lines) + "\n"


_NOT_ALIVE = (Health.DEAD, Health.CONNECTING)
