"""One recorder to a store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verify.model.errors import StoreError

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing warns of a second recorder there
    fcntl = None  # type: ignore[assignment]

NAME = "recorder.lock"


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store; raises `StoreError` where another process does. The system lets go when a process dies."""
    try:
        handle = os.open(store / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"cannot write {store}: {error.strerror}") from None
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreError(f"another recorder writes {store}: stop it first, or name another store") from None
        yield
    finally:
        os.close(handle)


def in_use(store: Path) -> bool:
    """Whether a recorder is writing the store now."""
    try:
        with locked(store):
            return False
    except StoreError:
        return True
