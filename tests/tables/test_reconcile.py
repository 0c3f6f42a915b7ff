"""Any numeric tables by their keys: injected faults are found, noise has none, and order means nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from reports import reconciliation
from verify.cli import cli
from verify.model.errors import InputError
from verify.model.reconciliation import Reconciliation
from verify.reconcile.tables import Table, Tolerance, reconcile

COL = pl.col
KEYS, VALUES = ["time", "asset"], ["long", "short"]


def table(seed: int = 1, rows: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return pl.DataFrame(
        {
            "time": [start + timedelta(hours=row // 4) for row in range(rows)],
            "asset": [("BTC", "ETH", "SOL", "DOGE")[row % 4] for row in range(rows)],
            "long": np.exp(random.normal(10, 1, rows)),
            "short": np.exp(random.normal(9, 1, rows)),
        },
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    )


TRUTH = table()


def compared(*frames: pl.DataFrame, tolerance: Tolerance | None = None, **lineage: tuple[str, ...]) -> Reconciliation:
    tables = [Table(name, frame, lineage.get(name, ())) for name, frame in zip("abcde", frames, strict=False)]
    return reconcile(tables, KEYS, VALUES, tolerance)


def codes(found: Reconciliation) -> set[str]:
    return {diagnosis.code for pair in found.pairs for diagnosis in pair.diagnoses}


def test_equal_tables_match() -> None:
    found = compared(TRUTH, TRUTH)
    assert (found.exit_code, codes(found)) == (0, set())
    assert [(c.compared, c.matched) for c in found.pairs[0].columns] == [(400, 400), (400, 400)]


def test_what_is_missing_is_named_by_side() -> None:
    found = compared(TRUTH.head(398), TRUTH.tail(399))
    (pair,) = found.pairs
    assert (pair.common, pair.only_first, pair.only_second, found.exit_code) == (397, 1, 2, 1)
    assert pair.missing_in_second == ("2026-01-01T00:00:00Z, BTC",)


def test_what_differs_is_named_with_its_size() -> None:
    other = TRUTH.with_columns(long=pl.when(COL("time") == TRUTH["time"][0]).then(COL("long") + 5).otherwise("long"))
    (pair,) = compared(other, TRUTH).pairs
    assert pair.columns[0].differing == 4
    assert all(cell.difference == pytest.approx(5) for cell in pair.columns[0].largest)


def test_an_empty_cell_is_no_zero() -> None:
    other = TRUTH.with_columns(long=pl.when(COL("asset") == "BTC").then(None).otherwise("long"))
    found = compared(other, TRUTH.with_columns(COL("long")))
    assert (found.pairs[0].columns[0].one_sided, found.pairs[0].columns[0].differing, found.exit_code) == (100, 0, 1)


def test_nothing_in_common_is_not_comparable() -> None:
    assert compared(TRUTH.with_columns(asset=pl.lit("X")), TRUTH).exit_code == 3


@pytest.mark.parametrize(
    ("tolerance", "matches"),
    [
        (Tolerance(relative=0.02), True),
        (Tolerance(relative=0.001), False),
        (Tolerance(absolute=1e6), True),
        (Tolerance(columns={"long": (0.0, 0.02)}), True),
        (Tolerance(columns={"short": (0.0, 0.02)}), False),
    ],
)
def test_tolerances_are_absolute_relative_and_by_column(tolerance: Tolerance, matches: bool) -> None:
    found = compared(TRUTH.with_columns(long=COL("long") * 1.01), TRUTH, tolerance=tolerance)
    assert (found.exit_code == 0) is matches


FAULTS = {
    "power_of_ten": TRUTH.with_columns(COL("long") * 1000),
    "constant_factor": TRUTH.with_columns(COL("long") * 1.1),
    "sign_flip": TRUTH.with_columns(-COL("long")),
    "constant_difference": TRUTH.with_columns(COL("long") + 5000),
    "columns_swapped": TRUTH.rename({"long": "short", "short": "long"}).select(TRUTH.columns),
    "power_of_ten_of_group": TRUTH.with_columns(
        long=pl.when(COL("asset") == "ETH").then(COL("long") * 10).otherwise("long")
    ),
    "shifted": TRUTH.with_columns(COL("time") + timedelta(hours=8)),
    "time_unit": TRUTH.with_columns((COL("time").dt.epoch("us") * 1000).cast(pl.Datetime("us", "UTC"))),
    "duplicates": pl.concat([TRUTH, TRUTH]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_injected_fault_is_found_whatever_the_order(fault: str) -> None:
    found = compared(FAULTS[fault], TRUTH)
    assert codes(found) == {fault}
    assert codes(compared(TRUTH, FAULTS[fault])) == {fault}


@pytest.mark.parametrize(("hours", "amount"), [(8, 8.0), (-5, -5.0), (24, 24.0)])
def test_a_shift_is_named_with_its_hours(hours: int, amount: float) -> None:
    found = compared(TRUTH.with_columns(COL("time") + timedelta(hours=hours)), TRUTH)
    assert found.pairs[0].diagnoses[0].amount == amount


def test_noise_has_no_pattern() -> None:
    """The measured rate of false alarms: none in 40 pairs of tables that differ by chance alone."""
    alarms = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        noise = np.exp(random.normal(0, random.uniform(0.001, 1.0), 400))
        alarms += codes(compared(TRUTH.with_columns(COL("long") * pl.Series(noise)), TRUTH))
        alarms += codes(compared(table(seed + 100, 120), TRUTH.head(120)))
    assert alarms == []


@given(st.permutations(range(4)), st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_the_order_of_rows_and_tables_changes_nothing(order: Sequence[int], seed: int) -> None:
    frames = [TRUTH, FAULTS["duplicates"], FAULTS["power_of_ten_of_group"], TRUTH.head(300)]
    plain = [Table(name, frame) for name, frame in zip("abcd", frames, strict=True)]
    shuffled = [
        Table("abcd"[place], frames[place].sample(fraction=1, shuffle=True, seed=seed + place)) for place in order
    ]
    assert reconcile(shuffled, KEYS, VALUES) == reconcile(plain, KEYS, VALUES)


def test_who_stands_alone_is_named() -> None:
    found = compared(TRUTH, FAULTS["power_of_ten_of_group"], TRUTH)
    assert [(one.table, one.column, one.alone, one.of) for one in found.offenders] == [("b", "long", 100, 100)]


def test_two_readers_of_one_feed_do_not_outvote_a_third() -> None:
    found = compared(TRUTH, FAULTS["power_of_ten"], TRUTH, a=("x/y",), c=("x/y", "z/w"))
    assert (found.lineages, found.offenders, found.consensus) == (2, (), ())
    assert "a and c are one vote: a and c share x/y" in found.notes


def test_the_consensus_of_three_has_heterogeneity_and_leaves_one_out() -> None:
    random = np.random.default_rng(3)
    noisy = [TRUTH.with_columns(COL("long") * pl.Series(np.exp(random.normal(0, 0.05, 400)))) for _ in range(2)]
    found = compared(*noisy, TRUTH, TRUTH.with_columns(COL("long") * 1.5))
    one = next(c for c in found.consensus if c.column == "long")
    truth = float(TRUTH["long"].sum())
    assert one.low < truth < one.high
    assert one.i2 > 0.9
    assert one.tau > 0
    changes = {left.lineage: abs(left.change or 0) for left in one.without}
    assert max(changes, key=changes.__getitem__) == "d"
    agreeing = next(c for c in compared(*noisy, TRUTH).consensus if c.column == "long")
    assert agreeing.tau < one.tau / 10


@pytest.mark.parametrize(
    ("tables", "keys", "says"),
    [
        ([Table("a", TRUTH)], KEYS, "two tables"),
        ([Table("a", TRUTH), Table("a", TRUTH)], KEYS, "two tables are called 'a'"),
        ([Table("a", TRUTH), Table("b", TRUTH.drop("asset"))], KEYS, "b has no column 'asset'"),
        ([Table("a", TRUTH), Table("b", TRUTH.with_columns(asset=pl.lit(1)))], KEYS, "several types"),
        ([Table("a", TRUTH), Table("b", TRUTH)], [], "name a key"),
        ([Table("a", TRUTH), Table("b", TRUTH)], ["long"], "cannot be a key and a value"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(tables: list[Table], keys: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        reconcile(tables, keys, VALUES)


LEFT = 'time,asset,usd\n2026-01-19 00:00,BTC,"1,000.5"\n2026-01-19 01:00,BTC,2000\n2026-01-19 00:00,ETH,300\n'
RIGHT = "Zeit;asset;usd\n19.01.2026 00:00;BTC;1.000,5\n19.01.2026 01:00;BTC;2.000,0\n19.01.2026 00:00;ETH;300,0\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "left.csv").write_text(LEFT)
    (tmp_path / "right.csv").write_text(RIGHT)
    return tmp_path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["reconcile", *arguments], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return int(result.return_value), result.stdout


@pytest.mark.usefixtures("folder")
def test_files_written_in_two_ways_match() -> None:
    code, shown = run("left.csv", "right.csv", "--rename", "right.csv:Zeit=time")
    assert (code, shown.startswith("ALL MATCH")) == (0, True)
    assert "day month year" in shown


def test_forms_of_tables_and_databases_mix(folder: Path) -> None:
    frame = pl.read_csv(folder / "left.csv").with_columns(COL("usd").str.replace(",", "").cast(pl.Float64))
    frame.with_columns(COL("time").str.to_datetime("%Y-%m-%d %H:%M", time_zone="UTC")).write_parquet("a.parquet")
    frame.write_ndjson("a.ndjson")
    with sqlite3.connect("a.db") as connection:
        connection.execute("create table t (time text, asset text, usd real)")
        connection.executemany("insert into t values (?, ?, ?)", frame.rows())
    connection.close()
    found = verify.reconcile_tables("left.csv", "a.parquet", "file:a.ndjson", "sql:sqlite:///a.db?table=t", frame)
    assert found.exit_code == 0
    assert len(found.pairs) == 10


def test_rows_that_cannot_be_read_are_named_and_make_a_difference(folder: Path) -> None:
    (folder / "left.csv").write_text(LEFT + "2026-01-19 02:00,BTC,oops\n")
    code, shown = run("left.csv", "right.csv", "--rename", "right.csv:Zeit=time")
    assert code == 1
    assert "left.csv, line 5: usd 'oops' cannot be read as a number" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["left.csv", "gone.csv"], "gone.csv: there is no such file"),
        (["left.csv"], "two tables at least"),
        (["left.csv", "right.csv", "--key", "nope"], "no column 'nope'"),
        (["left.csv", "right.csv", "--rename", "x:a=b"], "no table is called 'x'"),
        (["left.csv", "right.csv", "--rename", "left.csv:a=b"], "no column 'a'"),
        (["left.csv", "right.csv", "--rel", "much"], "'much' is no tolerance"),
        (["left.csv", "gate"], "gate is a source: say for which time"),
        (["left.csv", "."], "is a directory"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_the_command_cannot_use_is_one_clear_error(arguments: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        run(*arguments)


@pytest.mark.usefixtures("folder")
def test_exit_codes_and_forms() -> None:
    assert run("left.csv", "right.csv", "--value", "usd", "--key", "asset")[0] == 0
    (Path("other.csv")).write_text(LEFT.replace("300", "350"))
    assert run("left.csv", "other.csv")[0] == 1
    assert run("left.csv", "other.csv", "--exit-zero")[0] == 0
    assert run("left.csv", "other.csv", "--tolerance", "usd=20%")[0] == 0
    assert run("left.csv", "other.csv", "--abs", "50")[0] == 0
    assert run("left.csv", "other.csv", "--every", "1d", "--key", "time", "--value", "usd")[0] == 1
    code, text = run("left.csv", "other.csv", "--format", "json")
    assert (code, json.loads(text)["exit_code"], json.loads(text)["command"]) == (1, 1, "reconcile")


EVIL = "<script>alert(1)</script>[x](http://e.example)\x1b[31m::error::"


def test_names_and_cells_are_data_in_every_form() -> None:
    other = TRUTH.with_columns(asset=pl.when(COL("asset") == "BTC").then(pl.lit(EVIL)).otherwise("asset"))
    found = reconcile([Table(EVIL, other, (), (EVIL,), (EVIL,)), Table("b", TRUTH)], KEYS, VALUES)
    for form in ("table", "md", "json"):
        shown = reconciliation.render(found, form)
        assert "\x1b" not in shown
        if form == "md":
            assert "<script>" not in shown
            assert "](http" not in shown
        if form != "json":
            assert "::error::" not in shown


def test_the_text_keeps_to_its_width_and_cuts_no_number() -> None:
    found = compared(TRUTH.with_columns(COL("long") * 1.1), TRUTH)
    assert max(len(line) for line in reconciliation.render(found, "table", width=80).splitlines()) <= 80


@pytest.mark.parametrize("name", ["a", "b", "n", "off", "apart", "value"])
def test_a_key_may_have_any_name(name: str) -> None:
    ours = pl.DataFrame({name: [str(n % 4) for n in range(40)], "day": [str(n) for n in range(40)], "usd": range(40)})
    theirs = ours.with_columns(pl.when(COL(name) == "1").then(10 * COL("usd")).otherwise(COL("usd")).alias("usd"))
    found = verify.reconcile_tables(ours, theirs, keys=[name, "day"], values=["usd"])
    assert "power_of_ten_of_group" in {one.code for pair in found.pairs for one in pair.diagnoses}


def test_columns_that_hold_no_cells_are_left_out_and_named() -> None:
    odd = pl.DataFrame(
        {
            "day": [b"mon", b"tue"],
            "usd": [1.0, 2.0],
            "fills": [[1], [2]],
            "raw": [b"\xff", b"a"],
            "took": [timedelta(1)] * 2,
            "more": [{"x": 1}] * 2,
            "none": pl.Series([None, None], dtype=pl.Null),
        }
    )
    found = verify.reconcile_tables(odd, odd, keys=["day"])
    assert found.exit_code == 0
    said = " ".join(found.tables[0].assumed)
    assert [name for name in odd.columns if f"{name!r} holds" in said] == ["fills", "raw", "took", "more"]


def test_a_column_named_twice_counts_once_and_a_tolerance_of_no_value_is_refused() -> None:
    frame = table(rows=8)
    assert verify.reconcile_tables(frame, frame, keys=["time", "asset", "time"], values=["long", "long"]).exit_code == 0
    with pytest.raises(InputError, match="--tolerance lng: no value is called so"):
        verify.reconcile_tables(frame, frame, keys=KEYS, tolerances={"lng": (1.0, 0.0)})


def test_a_feed_that_its_source_does_not_have_is_refused() -> None:
    frame = table(rows=8)
    with pytest.raises(InputError, match="okx has no feed 'okx/liquidation_ordrs'"):
        verify.reconcile_tables(frame, frame, keys=KEYS, lineage={"table 1": ["okx/liquidation_ordrs"]})
