"""What is going on, on stderr: which source, and what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

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
