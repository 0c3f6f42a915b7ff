"""Wire columns become checked columns, money and frames; what is not as documented is refused by the field's name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import build
from sources.adapter import Instrument
from verify.model.errors import SchemaChanged
from verify.model.figure import Basis, Completeness
from verify.model.window import Window

MOMENT = datetime(2026, 1, 19, tzinfo=UTC)
WINDOW = Window(MOMENT, MOMENT + timedelta(hours=1))


class Row(msgspec.Struct):
    price: float
    time: int


class Answer(msgspec.Struct):
    data: list[Row]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"data":[{"price":1}]}', "time"),
        (b'{"data":[{"price":1,"time":"soon"}]}', "time"),
        (b'{"data":[{"price":1e400,"time":1}]}', "price"),
        (b'{"data":null}', "data"),
        (b"{}", "data"),
        (b"[]", ""),
        (b"<html>", ""),
        (b'{"data":[{"pri', ""),
        (b'{"data":[{"price":NaN,"time":1}]}', ""),
        (b"\xff\xfe[", ""),
        (b'{"data":[],"deep":' + b"[" * 100_000, ""),
        (b"", ""),
    ],
)
def test_what_does_not_decode_is_refused_with_the_field_at_fault(body: bytes, field: str) -> None:
    with pytest.raises(SchemaChanged) as raised:
        build.decode(Answer, body, "venue/feed", lax=True)
    assert (raised.value.field, raised.value.source) == (field, "venue/feed")


def test_numbers_written_as_text_are_read_only_where_that_is_documented() -> None:
    body = b'{"data":[{"price":"1.5","time":"7"}]}'
    assert build.decode(Answer, body, "venue/feed", lax=True).data == [Row(1.5, 7)]
    with pytest.raises(SchemaChanged, match="price"):
        build.decode(Answer, body, "venue/feed")


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "1e400", "", "x", None, float("nan"), float("inf"), -1, "-1", 0]
)
def test_an_amount_is_finite_and_positive(value: object) -> None:
    with pytest.raises(SchemaChanged) as raised:
        build.amounts(["1", value], field="qty", source="venue/feed")
    assert raised.value.field == "qty"


def test_zero_and_missing_amounts_are_taken_where_they_are_allowed() -> None:
    assert build.amounts([0, "2"], field="qty", source="v", zero=True).to_list() == [0.0, 2.0]
    assert build.amounts([None, "2"], field="qty", source="v", nullable=True).to_list() == [None, 2.0]
    assert build.amounts([], field="qty", source="v").to_list() == []


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@given(second=st.integers(1_400_000_000, 4_000_000_000))
def test_times_are_read_in_their_unit_whether_numbers_or_text(unit: str, second: int) -> None:
    stamp = second * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    expected = [datetime.fromtimestamp(second, UTC)] * 2
    assert build.times([stamp, stamp], unit=unit, field="t", source="v").to_list() == expected
    assert build.times([str(stamp)] * 2, unit=unit, field="t", source="v").to_list() == expected


@given(
    second=st.integers(1_400_000_000, 4_000_000_000),
    unit=st.sampled_from(["s", "ms", "us"]),
    wrong=st.sampled_from([-3, 3]),
)
def test_a_time_in_another_unit_is_refused(second: int, unit: str, wrong: int) -> None:
    exponent = {"s": 0, "ms": 3, "us": 6}[unit] + wrong
    stamp = second * 10**exponent if exponent >= 0 else second // 10**-exponent
    with pytest.raises(SchemaChanged) as raised:
        build.times([stamp], unit=unit, field="t", source="v")
    assert raised.value.field == "t"


@pytest.mark.parametrize("value", [None, "soon", 10**30, float("nan"), -1, 0])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(SchemaChanged):
        build.times([1_768_780_800, value], unit="s", field="t", source="v")


def test_fractions_of_a_second_are_kept_to_the_microsecond() -> None:
    found = build.times([1_768_780_800.25], unit="s", field="t", source="v").to_list()
    assert found == [MOMENT + timedelta(milliseconds=250)]


def test_an_unknown_side_is_refused_with_what_is_documented() -> None:
    assert build.sides(["Buy", "Sell"], long="Buy", short="Sell", field="S", source="v").to_list() == ["long", "short"]
    with pytest.raises(SchemaChanged, match="documented are Buy, Sell") as raised:
        build.sides(["Buy", "buy"], long="Buy", short="Sell", field="S", source="v")
    assert raised.value.field == "S"


def test_a_sign_gives_the_side_and_zero_none() -> None:
    assert build.side_of_sign([1, -2], positive="long", field="size", source="v").to_list() == ["long", "short"]
    assert build.side_of_sign([1, -2], positive="short", field="size", source="v").to_list() == ["short", "long"]
    with pytest.raises(SchemaChanged, match="has no side"):
        build.side_of_sign([1, 0], positive="long", field="size", source="v")


@pytest.mark.parametrize(
    ("written", "asset"),
    [
        ("BTC", "BTC"),
        ("xbt", "BTC"),
        (" LAT", "LAT"),
        ("1000PEPE", "PEPE"),
        ("1000000MOG", "MOG"),
        ("SHIB1000", "SHIB"),
        ("1MBABYDOGE", "BABYDOGE"),
        ("1INCH", "1INCH"),
        ("LUNA2", "LUNA2"),
        ("API3", "API3"),
    ],
)
def test_a_base_coin_is_known_by_one_name(written: str, asset: str) -> None:
    assert build.asset_of(written) == asset


KNOWN = {
    "linear": Instrument("v", "linear", "BTC", 0.01),
    "inverse": Instrument("v", "inverse", "BTC", 100.0, unit="usd", inverse=True, quote="USD"),
    "euro": Instrument("v", "euro", "BTC", 0.01, quote="EUR"),
    "sizeless": Instrument("v", "sizeless", "BTC", None),
}


def test_contracts_are_valued_by_their_kind_and_never_guessed() -> None:
    table = build.contracts(["linear", "inverse", "euro", "sizeless", "NEW-USD"], KNOWN, lambda n: n.partition("-")[0])
    assert table["asset"].to_list() == ["BTC", "BTC", "BTC", "BTC", "NEW"]
    fives, price = pl.Series([5.0] * 5), pl.Series([50_000.0] * 5)
    found = build.value(fives, price, table)
    assert found["quantity"].to_list() == [pytest.approx(0.05), pytest.approx(0.01), pytest.approx(0.05), None, None]
    assert found["notional_usd"].to_list() == [pytest.approx(2500), pytest.approx(500), None, None, None]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([1.0, 2.0, None])), max_size=12))
def test_look_alikes_have_ids_of_their_own_that_do_not_change(rows: list[tuple[str, float | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"name": pl.String, "size": pl.Float64}, orient="row")
    ids = build.identities(frame, "name", "size")
    assert ids.n_unique() == len(rows)
    assert ids.to_list() == build.identities(frame, "name", "size").to_list()
    assert build.identities(frame.head(5), "name", "size").to_list() == ids.to_list()[:5]


def rows(**changed: object) -> dict[str, object]:
    times = [MOMENT + timedelta(minutes=m) for m in (30, -1, 0, 60, 30)]
    usual = {"time": times, "instrument": ["X"] * 5, "asset": ["X"] * 5, "side": ["long"] * 5}
    return {**usual, "event_id": ["a", "b", "c", "d", "a"], **changed}


def events(data: dict[str, object]) -> pl.DataFrame:
    return build.events(data, venue="v", source="v/f", price_basis=Basis.ORDER, window=WINDOW, received=MOMENT)


def test_events_are_sorted_inside_the_half_open_window_and_counted_once() -> None:
    frame = events(rows())
    assert frame["event_id"].to_list() == ["c", "a"]
    assert set(frame["received"]) == {MOMENT}
    assert set(frame["price_basis"]) == {"order"}


def test_events_without_an_id_are_all_kept() -> None:
    assert events(rows(event_id=[None] * 5)).height == 3
    without = rows()
    del without["event_id"]
    assert events(without).height == 3


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"side": ["buy"] * 5}, "side"),
        ({"quantity": [float("nan")] * 5}, "quantity"),
        ({"notional_usd": [float("inf")] * 5}, "notional_usd"),
        ({"price": [-1.0] * 5}, "price"),
        ({"price": [0.0] * 5}, "price"),
        ({"instrument": [""] * 5}, "instrument"),
        ({"asset": [None] * 5}, "asset"),
    ],
)
def test_a_column_that_breaks_the_schema_is_named(changed: dict[str, object], column: str) -> None:
    with pytest.raises(SchemaChanged) as raised:
        events(rows(**changed))
    assert raised.value.field == column


def test_bars_that_overlap_the_window_are_kept_whole_and_once() -> None:
    starts = [MOMENT + timedelta(minutes=m) for m in (-10, -5, 58, 60, -5)]
    data = {"start": starts, "asset": ["X"] * 5, "side": ["both"] * 5, "notional_usd": [1.0] * 5}
    data["end"] = [start + timedelta(minutes=6) for start in starts]
    frame = build.bars(data, venue="v", source="v/f", completeness=Completeness.UNKNOWN, window=WINDOW)
    assert frame["start"].to_list() == starts[1:3]


def test_merged_pages_hold_each_event_of_a_source_once() -> None:
    frame = events(rows())
    other = frame.with_columns(source=pl.lit("v/other"))
    assert build.merge([frame, frame, other]).height == 4
    assert build.merge([]).is_empty()
