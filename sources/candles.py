"""What all candle channels share: how long a bar is asked for, and how rows of bars become a series of prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sources import build
from sources.lazy import pl
from sources.plan import aligned, pieces
from verify.model.errors import SchemaChanged, Suspect
from verify.model.quantity import Quantity
from verify.model.window import Window

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: The finest bar is asked for that needs no more requests than this per asset.
_MOST_REQUESTS = 12
#: The order of a bar's numbers in every answer of this module.
FIELDS = ("open", "high", "low", "close")


def step(window: Window, steps: Sequence[timedelta], page: int) -> timedelta:
    """The finest of `steps` with which `window` fits into a few pages; the coarsest where none does."""
    for length in steps:
        if aligned(window, length).length <= length * page * _MOST_REQUESTS:
            return length
    return steps[-1]


def spans(window: Window, length: timedelta, page: int) -> Iterable[Window]:
    """The window, widened to whole bars, in parts of a page each."""
    return pieces(aligned(window, length), length * page)


def tickers(quantity: Quantity) -> list[str]:
    """The assets asked for, sorted; none where no asset is named: a price is always one of something."""
    return sorted(quantity.assets.names or ())


def prices(
    rows: Sequence[Sequence[Any]],
    places: tuple[int, int, int, int, int],
    *,
    unit: str,
    length: timedelta,
    asset: str,
    venue: str,
    quote: str,
    source: str,
    window: Window,
    names: tuple[str, ...] = (),
) -> pl.DataFrame:
    """A series of prices (fields open, high, low, close) from positional rows that are labelled by their start.

    `places` are the positions of time, open, high, low and close, `names` what errors call them (default: their
    numbers); `unit` is that of the time ("s" or "ms"). Raises `SchemaChanged` for a short row or a field that is no
    price, `Suspect` where a low is above what it must be below.
    """
    if not rows:
        return build.no_series()
    if min(map(len, rows)) <= max(places):
        raise SchemaChanged(f"a row has fewer than {max(places) + 1} fields", source=source, field=str(max(places)))
    called = names or tuple(map(str, places))
    start = build.times([row[places[0]] for row in rows], unit=unit, field=called[0], source=source)
    found = {
        name: build.amounts([row[place] for row in rows], field=call, source=source)
        for name, place, call in zip(FIELDS, places[1:], called[1:], strict=True)
    }
    low, high = found["low"], found["high"]
    for name in ("open", "close"):
        wrong = (found[name] < low) | (found[name] > high)
        if wrong.any():
            at = start.filter(wrong)[0]
            raise Suspect(f"the bar of {at:%Y-%m-%d %H:%M} has its {name} outside of low and high", source=source)
    parts = [
        pl.DataFrame({"start": start, "end": start + length, "value": values}).with_columns(field=pl.lit(name))
        for name, values in found.items()
    ]
    return build.series(
        pl.concat(parts), source=source, window=window, metric="price", subject=venue, asset=asset, unit=quote
    )
