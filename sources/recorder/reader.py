"""The thread that reads events out of stored frames while the recorder runs, when there is time: frames come first."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from sources.adapter import Source
from sources.recorder import days
from sources.recorder.log import Log
from sources.recorder.writing import Digested, Writer
from verify.model.errors import VerifyError

#: Seconds between looks for new frames.
EVERY = 1.0
#: Frames a second from which on events are left for later.
BUSY = 1_500


class Reader:
    """Reads the frames of today and yesterday as they are committed, and hands their events to the writer."""

    def __init__(
        self, store: Path, writer: Writer, sources: Sequence[Source], clock: Callable[[], int], log: Log
    ) -> None:
        self.behind = self.unread = 0
        self._store, self._writer, self._sources, self._clock, self._log = store, writer, sources, clock, log
        self._through: dict[date, int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End after the chunk at hand; what is not read yet is read by the next run, or by whoever asks."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        before = self._writer.frames
        while not self._stopping.wait(EVERY):
            frames, before = self._writer.frames - before, self._writer.frames
            if frames > BUSY * EVERY:
                self.behind += frames
                continue
            try:
                for day in days.live_days(self._store)[-2:]:
                    self._read(day)
            except (sqlite3.Error, VerifyError) as error:
                self._log.error("events", what=f"cannot read stored frames: {error}")

    def _read(self, day: date) -> None:
        from sources.recorder import digest

        connection = days.read_day(self._store, day)
        try:
            through = self._through.setdefault(day, days.meta(connection, "digested"))
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM frames").fetchone()
            self.behind = last - through
            if last == through:
                return
            listings = digest.listings_of(connection)
            codes = digest.codes(self._sources)
            while not self._stopping.is_set() and (rows := digest.frames_of(connection, through, digest.CHUNK)):
                found = digest.read(rows, codes, listings)
                through = self._through[day] = found.through
                self._writer.note(Digested(day, through, found.events, found.unread))
                self._tell(found.unread)
                self.behind = max(last - through, 0)
                if len(rows) < digest.CHUNK:
                    return
        finally:
            connection.close()

    def _tell(self, unread: Sequence[tuple[object, ...]]) -> None:
        self.unread += len(unread)
        for channel in {row[1] for row in unread}:
            mine = [row for row in unread if row[1] == channel]
            self._log.warning("unread", channel=channel, frames=len(mine), error=mine[0][2], what=mine[0][3])
