"""How long each stage of a command takes, told on the log for `--debug`: names and seconds, never what was read."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("verify.stages")


@contextmanager
def stage(name: str, *, since_start: bool = False) -> Iterator[None]:
    """Log how long the body took, also where it fails. `name` is ours: no string from outside goes into it.

    `since_start` times the body also where the log is only turned on in it.
    """
    if not since_start and not LOGGER.isEnabledFor(logging.DEBUG):
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        LOGGER.debug("%-28s %8.3f s", name, time.perf_counter() - began)
