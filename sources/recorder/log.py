"""The recorder's log: one JSON object a line on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from sources.recorder.coverage import SECOND

LEVELS = ("debug", "info", "warning", "error")


def stamp(at_us: int) -> str:
    """A time in microseconds since 1970 as `2026-01-19T02:30:00.123Z`."""
    moment = datetime.fromtimestamp(at_us // SECOND, UTC).replace(microsecond=at_us % SECOND)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class Log:
    """Writes what happens from `level` on; `clock` gives microseconds since 1970."""

    def __init__(self, clock: Callable[[], int], *, level: str = "info", stream: TextIO | None = None) -> None:
        self._clock, self._least, self._stream = clock, LEVELS.index(level), stream

    def say(self, level: str, event: str, **facts: Any) -> None:
        if LEVELS.index(level) < self._least:
            return
        told = {"time": stamp(self._clock()), "level": level, "event": event, **facts}
        stream = self._stream or sys.stderr
        stream.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")
        stream.flush()

    def info(self, event: str, **facts: Any) -> None:
        self.say("info", event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        self.say("warning", event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        self.say("error", event, **facts)
