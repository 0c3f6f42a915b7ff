"""The schemas of the three frames: what passes, and what is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from pandera.errors import SchemaError, SchemaErrors

from verify.model.frames import BAR_COLUMNS, BARS, EVENT_COLUMNS, EVENTS, FIGURE_COLUMNS, FIGURES, empty

TIME = datetime(2026, 1, 19, 2, 30, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "time": TIME, "venue": "gate", "instrument": "BTC_USDT", "asset": "BTC", "side": "long", "quantity": 0.115,
    "price": 26_245.1, "price_basis": "average_fill", "notional_usd": 3_018.19, "event_id": "1", "source": "gate",
    "received": None, "evidence": None,
}  # fmt: skip
BAR: dict[str, Any] = {
    "start": TIME, "end": TIME, "venue": "gate", "asset": "BTC", "side": "both", "notional_usd": 0.0, "count": None,
    "source": "gate", "completeness": "capped",
}  # fmt: skip


def events(**cells: Any) -> pl.DataFrame:
    return pl.DataFrame([EVENT | cells], schema=EVENT_COLUMNS)


@pytest.mark.parametrize(
    ("schema", "columns"), [(EVENTS, EVENT_COLUMNS), (BARS, BAR_COLUMNS), (FIGURES, FIGURE_COLUMNS)]
)
def test_an_empty_frame_is_a_true_nothing(schema: Any, columns: dict[str, pl.DataType]) -> None:
    frame = schema.validate(empty(columns))
    assert frame.height == 0
    assert frame.columns == list(schema.columns)
    assert dict(frame.schema) == columns


def test_an_event_passes_and_what_is_not_known_is_null() -> None:
    assert EVENTS.validate(events()).height == 1
    assert EVENTS.validate(events(quantity=None, price=None, notional_usd=None, event_id=None)).height == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("side", "buy"),
        ("side", "both"),
        ("side", None),
        ("quantity", 0.0),
        ("quantity", -1.0),
        ("price", float("inf")),
        ("notional_usd", float("nan")),
        ("notional_usd", -5.0),
        ("price_basis", "guess"),
        ("time", None),
        ("venue", ""),
        ("asset", None),
        ("source", ""),
    ],
)
def test_a_wrong_event_is_refused_with_the_name_of_its_column(column: str, value: object) -> None:
    with pytest.raises((SchemaError, SchemaErrors), match=column):
        EVENTS.validate(events(**{column: value}))


def test_columns_are_exactly_these_in_this_order() -> None:
    for frame in (
        events().drop("evidence"),
        events().with_columns(extra=pl.lit(1)),
        events().select(reversed(list(EVENT_COLUMNS))),
        events().with_columns(pl.col("time").dt.replace_time_zone(None)),
        events().with_columns(pl.col("price").cast(pl.Float32)),
    ):
        with pytest.raises((SchemaError, SchemaErrors)):
            EVENTS.validate(frame)


@pytest.mark.parametrize(
    ("cells", "passes"),
    [
        ({}, True),
        ({"notional_usd": None, "count": 0}, True),
        ({"count": -1}, False),
        ({"notional_usd": -1.0}, False),
        ({"notional_usd": float("inf")}, False),
        ({"side": "sell"}, False),
        ({"completeness": "full"}, False),
    ],
)
def test_bars(cells: dict[str, Any], passes: bool) -> None:
    frame = pl.DataFrame([BAR | cells], schema=BAR_COLUMNS)
    if passes:
        assert BARS.validate(frame).height == 1
    else:
        with pytest.raises((SchemaError, SchemaErrors)):
            BARS.validate(frame)
