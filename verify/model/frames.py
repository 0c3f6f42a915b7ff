"""The frames of the project as pandera schemas on Polars.

Importing this module costs most of a second (pandera), so that nothing on the ground floor imports it: sources
load it while their requests are in flight. Times are UTC with microseconds; money and quantities of bulk frames are
float64; sides are those of the position. Schemas are strict: exactly these columns, in this order.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from verify.model.quantity import METRICS

UTC_MICROSECONDS = pl.Datetime("us", "UTC")

#: Column types, for building frames that pass the schemas.
EVENT_COLUMNS: dict[str, pl.DataType] = {
    "time": UTC_MICROSECONDS,
    "venue": pl.String(),
    "instrument": pl.String(),
    "asset": pl.String(),
    "side": pl.String(),
    "quantity": pl.Float64(),
    "price": pl.Float64(),
    "price_basis": pl.String(),
    "notional_usd": pl.Float64(),
    "event_id": pl.String(),
    "source": pl.String(),
    "received": UTC_MICROSECONDS,
    "evidence": pl.String(),
}
BAR_COLUMNS: dict[str, pl.DataType] = {
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "venue": pl.String(),
    "asset": pl.String(),
    "side": pl.String(),
    "notional_usd": pl.Float64(),
    "count": pl.Int64(),
    "source": pl.String(),
    "completeness": pl.String(),
}
SERIES_COLUMNS: dict[str, pl.DataType] = {
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "metric": pl.String(),
    "subject": pl.String(),
    "asset": pl.String(),
    "field": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "source": pl.String(),
}
FIGURE_COLUMNS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "metric": pl.String(),
    "venues": pl.String(),
    "assets": pl.String(),
    "side": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,
    "slack_seconds": pl.Float64(),
    "lineage": pl.String(),
    "lineage_reason": pl.String(),
    "outlet": pl.String(),
    "url": pl.String(),
    "evidence": pl.String(),
}

_SIDES = ["long", "short"]
_BASES = ["average_fill", "bankruptcy", "order", "mark", "stated"]
_COMPLETENESS = ["complete", "capped", "partial", "unknown"]
_TIME = UTC_MICROSECONDS


def _positive(*, nullable: bool = False) -> pa.Column:
    """Finite and above zero; a null is a value that is not known, which is not zero."""
    return pa.Column(float, pa.Check.in_range(0, float("inf"), include_min=False, include_max=False), nullable=nullable)


#: One row per liquidation. `quantity` is in base units; `notional_usd`, `quantity` and `price` are null where the
#: venue does not say (a contract whose size is unknown), never guessed.
EVENTS = pa.DataFrameSchema(
    {
        "time": pa.Column(_TIME),
        "venue": pa.Column(str, pa.Check.str_length(min_value=1)),
        "instrument": pa.Column(str, pa.Check.str_length(min_value=1)),
        "asset": pa.Column(str, pa.Check.str_length(min_value=1)),
        "side": pa.Column(str, pa.Check.isin(_SIDES)),
        "quantity": _positive(nullable=True),
        "price": _positive(nullable=True),
        "price_basis": pa.Column(str, pa.Check.isin(_BASES)),
        "notional_usd": _positive(nullable=True),
        "event_id": pa.Column(str, nullable=True),
        "source": pa.Column(str, pa.Check.str_length(min_value=1)),
        "received": pa.Column(_TIME, nullable=True),
        "evidence": pa.Column(str, nullable=True),
    },
    strict=True,
    ordered=True,
)

#: One row per interval, venue, asset and side. A bar that straddles a window edge gives bounds, never a share.
BARS = pa.DataFrameSchema(
    {
        "start": pa.Column(_TIME),
        "end": pa.Column(_TIME),
        "venue": pa.Column(str),
        "asset": pa.Column(str),
        "side": pa.Column(str, pa.Check.isin([*_SIDES, "both"])),
        "notional_usd": pa.Column(float, pa.Check.in_range(0, float("inf"), include_max=False), nullable=True),
        "count": pa.Column(int, pa.Check.ge(0), nullable=True),
        "source": pa.Column(str),
        "completeness": pa.Column(str, pa.Check.isin(_COMPLETENESS)),
    },
    strict=True,
    ordered=True,
)

#: One row per interval `[start, end)` (an instant where they are equal), subject and field: what is not a liquidation.
#: `metric` is an id of `verify.model.quantity.METRICS`; `subject` whose number it is (a venue, a fund's ticker, a
#: protocol, an index, an account); `asset` its ticker, or empty; `field` is "value", or "open", "high", "low", "close"
#: of a bar, or names one number of several (a holding's "quantity", "entry_price"); `unit` is "USD", a ticker of coins,
#: "percent" or "points". A value may be negative (an outflow). A missing row is a value that is not known.
SERIES = pa.DataFrameSchema(
    {
        "start": pa.Column(_TIME),
        "end": pa.Column(_TIME),
        "metric": pa.Column(str, pa.Check.isin(sorted(METRICS))),
        "subject": pa.Column(str, pa.Check.str_length(min_value=1)),
        "asset": pa.Column(str),
        "field": pa.Column(str, pa.Check.str_length(min_value=1)),
        "value": pa.Column(float, pa.Check.in_range(float("-inf"), float("inf"), include_min=False, include_max=False)),
        "unit": pa.Column(str, pa.Check.str_length(min_value=1)),
        "source": pa.Column(str, pa.Check.str_length(min_value=1)),
    },
    strict=True,
    ordered=True,
)

#: The flat form of published figures, for export.
FIGURES = pa.DataFrameSchema(
    {
        "id": pa.Column(str),
        "metric": pa.Column(str),
        "venues": pa.Column(str),
        "assets": pa.Column(str),
        "side": pa.Column(str, pa.Check.isin([*_SIDES, "both"])),
        "value": pa.Column(float, nullable=True),
        "low": pa.Column(float, nullable=True),
        "high": pa.Column(float, nullable=True),
        "start": pa.Column(_TIME, nullable=True),
        "end": pa.Column(_TIME, nullable=True),
        "slack_seconds": pa.Column(float, nullable=True),
        "lineage": pa.Column(str),
        "lineage_reason": pa.Column(str),
        "outlet": pa.Column(str),
        "url": pa.Column(str),
        "evidence": pa.Column(str, nullable=True),
    },
    strict=True,
    ordered=True,
)


def empty(columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """An empty frame with these columns: a true "nothing happened", never a failure."""
    return pl.DataFrame(schema=columns)
