"""Is that liquidation figure true, and how sure can you be?

The Python face of `verify`: `verify.liquidations(window=..., claim=...)` returns a `Report`. Everything is
loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.model.report import Report
    from verify.pipeline import liquidations
    from verify.pipeline.flows import flows
    from verify.pipeline.market import market
    from verify.pipeline.observed import Options
    from verify.pipeline.position import position
    from verify.pipeline.tables import reconcile_tables

__all__ = ["Options", "Report", "flows", "liquidations", "market", "position", "reconcile_tables"]
__version__ = "0.1.0"

_HOMES = {
    "Options": "verify.pipeline.observed",
    "Report": "verify.model.report",
    "flows": "verify.pipeline.flows",
    "liquidations": "verify.pipeline",
    "market": "verify.pipeline.market",
    "position": "verify.pipeline.position",
    "reconcile_tables": "verify.pipeline.tables",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'verify' has no attribute {name!r}")
