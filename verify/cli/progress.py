"""What is going on, on stderr: which source, and what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sources.http import Progress


def reporter(*, quiet: bool) -> Callable[[Progress], None] | None:
    """On a terminal every step of every source, in a log only how each ended; None where nothing shall be said."""
    if quiet:
        return None
    steps = sys.stderr.isatty()

    def say(progress: Progress) -> None:
        if steps or progress.state != "waiting":
            waits = "waits for " if progress.state == "waiting" else ""
            click.echo(f"verify: {progress.label}: {waits}{progress.text}", err=True)

    return say


class Bar:
    """A bar of how many checks are judged: on a terminal only, and not where nothing shall be said."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def update(self, done: int, total: int) -> None:
        if not self._shown:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label="checks", file=sys.stderr)
            self._bar.render_progress()
        self._bar.update(done - self._bar.pos)
