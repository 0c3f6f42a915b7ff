"""The desk's own numbers: one number of a CSV, Parquet or SQLite file, or why there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.jobs.desk import Desk, NoValue, Unreadable
from verify.jobs.schema import Value
from verify.model.amount import Amount

CELL = {"asset": "BTC", "venue": "Binance", "side": "long", "date": "2026-01-19",
        "start": "2026-01-19T00:00:00Z", "end": "2026-01-20T00:00:00Z"}  # fmt: skip
CSV = """Day;Coin;Long USD;Short USD
2026-01-18;BTC;1,000,000.50;7
2026-01-19;Bitcoin;2000000;3
2026-01-19;ETH;$1.5M;0

2026-01-20T00:00:00Z;btc;4;
"""


def number(data: bytes | str, cell: Mapping[str, str] = CELL, **value: Any) -> Amount:
    raw = data.encode() if isinstance(data, str) else data
    desk = Desk(lambda _: raw)
    return desk.number(msgspec.convert({"file": "desk.csv", **value}, Value), cell, "USD")[0]


def test_a_row_is_picked_by_day_and_by_any_spelling_of_the_asset() -> None:
    assert number(CSV, column="long usd", where={"day": "{date}", "coin": "{asset}"}).value == 2_000_000


def test_the_rows_of_a_day_add_up_with_their_rounding() -> None:
    summed = number(CSV, column="Long USD", where={"day": "{date}"}, take="sum")
    assert summed.value == 3_500_000
    assert summed.high - summed.value == Decimal("50000.5")


def test_the_last_row_is_taken_where_that_is_asked() -> None:
    assert number(CSV, column="Long USD", take="last").value == 4


def test_a_list_of_values_is_one_of_them() -> None:
    assert number(CSV, column="short_usd", where={"coin": ["ETH", "SOL"]}).value == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"column": "Long USD", "where": {"day": "2026-02-01"}}, "no row of desk.csv has Day = 2026-02-01"),
        ({"column": "Short USD", "take": "last"}, "desk.csv:6: the cell is empty"),
        ({"column": "Short USD", "take": "sum"}, "desk.csv:6: the cell is empty"),
    ],
)
def test_nothing_is_not_zero(value: dict[str, Any], words: str) -> None:
    with pytest.raises(NoValue, match=words):
        number(CSV, **value)


@pytest.mark.parametrize(
    ("data", "value", "words"),
    [
        (CSV, {"column": "Lng USD"}, "has no column 'Lng USD'; did you mean Long USD"),
        (CSV, {"column": "zzzz"}, "it has Day, Coin, Long USD, Short USD"),
        (CSV, {"column": "Long USD"}, r"4 rows match \(lines 2, 3, 4, ...\): say take"),
        (CSV, {"column": "Coin", "take": "last"}, "desk.csv:6: "),
        ("a\n-5\n", {"column": "a"}, "is negative"),
        ("a\nnan\n", {"column": "a"}, "desk.csv:2"),
        ("a,b\n1\n", {"column": "a"}, "desk.csv:2: has 1 fields where the header has 2"),
        ('a\n"1\n', {"column": "a"}, "is not valid CSV"),
        ("", {"column": "a"}, "is empty"),
        (b"\xff\xfe", {"column": "a"}, "is not UTF-8"),
        (b"PAR1nonsense", {"column": "a"}, "is not a Parquet file"),
        ("a\n1\n", {"sql": "select b from desk"}, "the query fails"),
        ("a\n1\n2\n", {"sql": "select a from desk"}, "gives 2 rows of 1 columns"),
        ("a,b\n1,2\n", {"sql": "select a, b from desk"}, "gives 1 rows of 2 columns"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(data: bytes | str, value: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        number(data, **value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    desk = Desk(lambda name: (tmp_path / name).read_bytes())
    for _ in range(2):
        with pytest.raises(Unreadable, match=r"desk.csv: cannot be read: No such file"):
            desk.number(Value(file="desk.csv", column="a"), CELL, "USD")


def test_a_decimal_comma_is_not_a_thousands_comma() -> None:
    with pytest.raises(Unreadable, match="1,5"):
        number('a\n"1,5"\n', column="a")
    assert number('a\n"1,500"\n', column="a").value == 1500


def test_parquet_and_its_sql(tmp_path: Path) -> None:
    frame = pl.DataFrame({"asset": ["BTC", "ETH"], "usd": [1.5e6, 2.5e6]})
    frame.write_parquet(tmp_path / "x.parquet")
    data = (tmp_path / "x.parquet").read_bytes()
    assert number(data, column="usd", where={"asset": "{asset}"}).value == 1_500_000
    assert number(data, sql="select sum(usd) from desk where asset = {asset}").value == 1_500_000
    assert number(CSV, sql="select count(*) as n from desk").value == 4


def test_a_database_is_asked_with_parameters_and_never_written(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "d.sqlite") as made:
        made.execute("create table t (asset text, usd real)")
        made.executemany("insert into t values (?, ?)", [("BTC", 5.0), ("x' or '1'='1", 7.0)])
    made.close()
    data = (tmp_path / "d.sqlite").read_bytes()
    asked = "select sum(usd) from t where asset = {asset}"
    assert number(data, sql=asked).value == 5
    assert number(data, {**CELL, "asset": "x' or '1'='1"}, sql=asked).value == 7
    with pytest.raises(NoValue, match="is empty"):
        number(data, {**CELL, "asset": "SOL"}, sql=asked)
    for wrong in ("delete from t", "select 1; select 2", "select nonsense", ""):
        with pytest.raises((NoValue, Unreadable)):
            number(data, sql=wrong or " ")
    with pytest.raises(Unreadable, match="give sql instead of column"):
        number(data, column="usd")


@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=20))
def test_sums_are_exact(numbers: list[Decimal]) -> None:
    text = "a\n" + "".join(f"{n}\n" for n in numbers)
    summed = number(text, column="a", take="sum")
    assert summed.value == sum(numbers)
    assert summed.low <= summed.value <= summed.high
