"""Sources that are given by address instead of by id: `file:desk.csv`, `recorded:DIR`, `simulated:crash?seed=7`.

The scheme names a module with a function `opened(address) -> Sequence[Source]`, which is imported when it is used.
Such a source answers from this machine: its channels have a `reader`, so that it may be asked offline, and what it
reads is evidence like any answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from sources.adapter import Source
from verify.model.errors import InputError

if TYPE_CHECKING:
    from sources.evidence import Archive

#: Where the sources of a scheme are made.
SCHEMES: dict[str, str] = {
    "farside": "sources.farside",
    "file": "sources.tables.source",
    "hyperliquid": "sources.hyperliquid_node",
    "recorded": "sources.recorder.serving",
    "simulated": "sources.simulated.serving",
    "sql": "sources.tables.sql",
}


def is_address(text: str) -> bool:
    """Whether `text` has the form of an address (`scheme:rest`); ids of sources have no colon."""
    return ":" in text


def opened(text: str, archive: Archive | None = None) -> Sequence[Source]:
    """The sources at an address. Raises `InputError` for an unknown scheme, or an address that leads nowhere.

    With `archive`, of a replay, a scheme that has a function `replayed(address, archive)` builds its sources from what
    that holds, so that what they were read from need not be there any more.
    """
    scheme, _, address = text.partition(":")
    home = SCHEMES.get(scheme.lower())
    if home is None:
        known = ", ".join(f"{name}:" for name in sorted(SCHEMES)) or "none"
        raise InputError(f"unknown kind of source {scheme + ':'!r}; known are {known}")
    if not address.strip():
        raise InputError(f"--source {scheme}: needs an address after the colon")
    module = import_module(home)
    if archive is not None and hasattr(module, "replayed"):
        kept: Sequence[Source] = module.replayed(address.strip(), archive)
        return kept
    found: Sequence[Source] = module.opened(address.strip())
    return found
