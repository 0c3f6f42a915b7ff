"""Is that liquidation figure true, and how sure can you be?

The Python face of `verify`: `verify.liquidations(window=..., claim=...)` returns a `Report`. Everything is
loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.model.report import Report
    from verify.pipeline import liquidations

__all__ = ["Report", "liquidations"]
__version__ = "0.1.0"

_HOMES = {"liquidations": "verify.pipeline", "Report": "verify.model.report"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'verify' has no attribute {name!r}")
