"""Polars, imported when it is first used.

Every run reads what the sources declare, and only those that ask them need frames: importing Polars takes a tenth of
a second that the others do not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
else:

    class _Polars:
        """Stands for the module until it is used."""

        def __getattr__(self, name: str) -> Any:
            import polars

            return getattr(polars, name)

    pl = _Polars()

__all__ = ["pl"]
