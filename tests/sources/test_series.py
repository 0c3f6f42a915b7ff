"""Series: what is not a liquidation, in one validated form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from sources import build
from sources.spec import ChannelSpec, CompletenessRule, Form, SpecError, Transport
from verify.model.errors import SchemaChanged
from verify.model.figure import Completeness
from verify.model.window import Window

DAY = datetime(2026, 1, 19, tzinfo=UTC)
HOUR = timedelta(hours=1)
URL = "https://example.org/docs"


def lows(starts: list[datetime], values: list[float], window: Window | None = None) -> pl.DataFrame:
    data = {"start": starts, "end": [start + HOUR for start in starts], "value": values}
    return build.series(
        data, source="x/candles", window=window, metric="price", subject="binance", asset="BTC", field="low", unit="USD"
    )


def test_rows_overlapping_the_window_are_kept_whole_and_in_order() -> None:
    window = Window(DAY + HOUR / 2, DAY + 2 * HOUR)
    frame = lows([DAY + 2 * HOUR, DAY + HOUR, DAY, DAY - HOUR], [4.0, 3.0, 2.0, 1.0], window)
    assert frame["start"].to_list() == [DAY, DAY + HOUR]
    assert frame["value"].to_list() == [2.0, 3.0]
    assert frame["field"].unique().to_list() == ["low"]


def test_an_instant_at_the_start_belongs_to_the_window_and_one_at_its_end_does_not() -> None:
    times = [DAY, DAY + HOUR]
    data = {"start": times, "end": times, "value": [1.0, 2.0]}
    frame = build.series(
        data, source="x/level", window=Window(DAY, DAY + HOUR), metric="holding", subject="0x1", unit="ETH"
    )
    assert frame["value"].to_list() == [1.0]
    assert frame["asset"].to_list() == [""]


def test_a_row_told_twice_counts_once() -> None:
    assert lows([DAY, DAY], [1.0, 1.0]).height == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(SchemaChanged, match="value"):
        lows([DAY], [value])


def spec(**changes: Any) -> ChannelSpec:
    return ChannelSpec(
        **{
            "id": "candles", "title": "Candles", "transport": Transport.REST, "form": Form.SERIES, "docs": (URL,),
            "metrics": ("price",), "venues": (), "lineage": ("x/candles",), "quantity_unit": "USD",
            "completeness": (CompletenessRule(Completeness.COMPLETE, URL),), **changes,
        }
    )  # fmt: skip


def test_a_series_declares_no_side_and_all_else_must() -> None:
    assert spec().side_rule == ""
    with pytest.raises(SpecError, match="side"):
        spec(side_rule="long is long", side_citation=URL)
    with pytest.raises(SpecError, match="side"):
        spec(form=Form.EVENTS, venues=("binance",))
