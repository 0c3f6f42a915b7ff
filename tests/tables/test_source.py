"""Tables of one's own as sources of the main command: addresses, evidence, gaps, and what stands in the report."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import polars as pl
import pytest
from shown_market import WINDOW, bars, events

import verify
from reports import json as as_json
from reports import markdown, terminal
from sources import addressed
from verify.model.errors import InputError
from verify.model.report import Report

HEAD = "time,symbol,side,qty,price\n"
ROW = "2026-01-18T22:00:00Z,BTC-USDT-SWAP,long,2,100\n2026-01-19T01:59:59Z,BTC-USDT-SWAP,short,1,100\n"
MAPPING = 'venue = "okx"\nlineage = ["okx/liquidation_orders"]\ncompleteness = "complete"\n'


def ask(*sources: str, **more: object) -> Report:
    return verify.liquidations(WINDOW, sources=sources, offline=True, **more)  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk.csv").write_text(HEAD + ROW)
    (tmp_path / "desk.csv.toml").write_text(MAPPING)
    return tmp_path


@pytest.mark.usefixtures("desk")
def test_a_table_is_a_row_of_the_report() -> None:
    (row,) = ask("file:desk.csv").sources
    assert (row.source, row.status, row.long_usd, row.short_usd, row.events) == (
        "file.desk/table",
        "ok",
        200.0,
        100.0,
        2,
    )
    assert row.lineage == "okx/liquidation_orders"


def test_the_mapping_is_found_beside_the_table_or_named(desk: Path) -> None:
    (desk / "desk.csv.toml").rename(desk / "verify.source.toml")
    assert ask("file:desk.csv").sources[0].status == "ok"
    (desk / "verify.source.toml").rename(desk / "other.toml")
    assert ask("file:desk.csv?mapping=other.toml").sources[0].status == "ok"
    assert ask("file:desk.csv?mapping=other.toml&venue=htx").sources[0].venues == "HTX"


def test_a_replay_needs_neither_table_nor_mapping(desk: Path) -> None:
    first = ask("file:desk.csv", evidence=desk / "run.warc")
    (desk / "desk.csv").unlink()
    (desk / "desk.csv.toml").write_text("venue = 'gate'")
    again = ask("file:desk.csv", evidence=desk / "run.warc", replay=True)
    assert again.to_dict() == first.to_dict()


def test_a_replay_of_what_was_not_asked_is_one_clear_error(desk: Path) -> None:
    ask("file:desk.csv", evidence=desk / "run.warc")
    with pytest.raises(InputError, match=r"holds nothing of file:other\.csv"):
        ask("file:other.csv", evidence=desk / "run.warc", replay=True)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("file:gone.csv", "there is no such file"),
        ("file:.", "is a directory"),
        ("file:desk.csv?mapping=gone.toml", "there is no mapping gone.toml"),
        ("file:desk.csv?vneue=x", "unknown option 'vneue'"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_clear_error(address: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        ask(address)


@pytest.mark.usefixtures("desk")
def test_two_tables_of_one_name_are_told_apart_by_a_name() -> None:
    with pytest.raises(InputError, match=r"two sources are called file\.desk"):
        ask("file:desk.csv", "file:./desk.csv")
    labels = [row.source for row in ask("file:desk.csv", "file:./desk.csv?name=again").sources]
    assert labels == ["file.desk/table", "file.again/table"]


def test_rows_that_were_not_read_make_it_a_part_and_are_named(desk: Path) -> None:
    (desk / "desk.csv").write_text(HEAD + ROW + "2026-01-19T01:00:00Z,BTC-USDT-SWAP,up,1,1\n")
    report = ask("file:desk.csv")
    assert report.sources[0].status == "lower bound"
    assert "line 4: side 'up' is no side" in report.sources[0].note
    assert [f.code for f in report.findings if f.code == "rows_not_read"] == ["rows_not_read"]
    with pytest.raises(InputError, match=r"line 4: .*--strict"):
        ask("file:desk.csv", strict=True)


def test_a_table_that_ends_early_or_has_a_threshold_is_a_part(desk: Path) -> None:
    (desk / "desk.csv").write_text(HEAD + ROW.splitlines()[0] + "\n")
    assert "its rows end at 2026-01-18T22:00" in ask("file:desk.csv").sources[0].note
    (desk / "desk.csv.toml").write_text(MAPPING + 'covers = "2026-01-18/2026-01-20"\n')
    assert ask("file:desk.csv").sources[0].status == "ok"
    (desk / "desk.csv.toml").write_text(MAPPING + "threshold_usd = 50\n")
    assert "rows below $50" in ask("file:desk.csv").sources[0].note


def test_a_table_of_another_time_is_no_zero(desk: Path) -> None:
    (desk / "desk.csv").write_text(HEAD + ROW.replace("2026", "2025"))
    (row,) = ask("file:desk.csv").sources
    assert (row.status, row.long_usd) == ("failed", None)
    assert "none of its 2 rows lies in the window" in row.note


def test_rows_of_no_declared_lineage_are_doubted(desk: Path) -> None:
    (desk / "desk.csv.toml").write_text('venue = "okx"\n')
    assert "has no vote" in ask("file:desk.csv").sources[0].doubts[0]


def database(folder: Path) -> None:
    with sqlite3.connect(folder / "desk.db") as connection:
        connection.execute('create table "liq" (ts integer, symbol text, side text, qty real, price text)')
        rows = [
            (1768773600000, "BTC-USDT-SWAP", "sell", 2.0, "100"),
            (1768787999000, "BTC-USDT-SWAP", "buy", 1.0, "100"),
        ]
        connection.executemany("insert into liq values (?, ?, ?, ?, ?)", rows)
    connection.close()


@pytest.mark.parametrize("asked", ["table=liq", "query=select * from liq"])
def test_a_database_is_a_source(desk: Path, asked: str) -> None:
    database(desk)
    address = f"sql:sqlite:///desk.db?{asked}&mapping=desk.csv.toml"
    first = ask(address, evidence=desk / "run.warc")
    assert (first.sources[0].long_usd, first.sources[0].short_usd) == (200.0, 100.0)
    (desk / "desk.db").unlink()
    assert ask(address, evidence=desk / "run.warc", replay=True).to_dict() == first.to_dict()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite:///gone.db?table=liq", "there is no database gone.db"),
        ("sqlite:///desk.db?table=gone", "no such table"),
        ("sqlite:///desk.db", "needs either"),
        ("sqlite:///desk.db?table=a&query=select 1", "needs either"),
        ("sqlite:///desk.db?query=delete from liq", "must be a SELECT"),
        ('sqlite:///desk.db?table=x" drop', "no name of a table"),
        ("oracle://x?table=liq", "no address of a database"),
        ("desk.db?table=liq", "no address of a database"),
        ("grpc://host?table=liq", "no driver for grpc"),
    ],
)
def test_a_database_that_does_not_answer_is_one_clear_error(desk: Path, address: str, says: str) -> None:
    database(desk)
    with pytest.raises(InputError, match=says):
        ask(f"sql:{address}")


def test_a_query_cannot_write(desk: Path) -> None:
    database(desk)
    with pytest.raises(InputError):
        ask("sql:sqlite:///desk.db?query=with x as (select 1) insert into liq select * from liq")


def test_a_password_never_leaves(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    seen: list[str] = []

    class Cursor:
        description = [("ts",), ("symbol",), ("side",), ("qty",), ("price",)]  # noqa: RUF012  # as a driver has it

        def execute(self, query: str) -> None:
            if "broken" in query:
                raise RuntimeError(f"cannot connect with {seen[0]}")

        def fetchall(self) -> list[tuple[object, ...]]:
            return [(1768773600000, "BTC-USDT-SWAP", "sell", 2.0, 100.0)]

        def close(self) -> None: ...

    class Connection:
        def cursor(self) -> Cursor:
            return Cursor()

        def close(self) -> None: ...

    def connect(url: str) -> Connection:
        seen[:] = [url]
        return Connection()

    for name in ("adbc_driver_postgresql", "adbc_driver_postgresql.dbapi"):
        module = ModuleType(name)
        module.connect = connect  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    in_address = "sql:postgresql://me:canary%2Fpw@db.example/desk?sslmode=require&table=liq&venue=okx"
    report = ask(in_address, evidence=desk / "run.warc")
    assert "canary%2Fpw" in seen[0]
    assert "sslmode=require" in seen[0]
    shown = as_json.render(report) + markdown.render(report) + terminal.render(report, width=80, color=False)
    assert "canary" not in shown
    assert b"canary" not in (desk / "run.warc").read_bytes()
    monkeypatch.setenv("VERIFY_SQL_PASSWORD", "canary/pw")
    ask("sql:postgresql://me@db.example/desk?table=liq&venue=okx")
    assert "canary%2Fpw@db.example" in seen[0]
    with pytest.raises(InputError) as raised:
        ask("sql:postgresql://me@db.example/desk?table=broken&venue=okx")
    assert "canary" not in str(raised.value)


def write(folder: Path, name: str, frame: pl.DataFrame, mapping: str = "") -> str:
    chosen = frame.select("time", "instrument", "side", "quantity", "price")
    chosen.with_columns(pl.col("time").dt.strftime("%Y-%m-%d %H:%M:%S%.3f")).write_csv(folder / f"{name}.csv")
    (folder / f"{name}.csv.toml").write_text('venue = "okx"\nlineage = ["okx/liquidation_orders"]\n' + mapping)
    return f"file:{folder / name}.csv"


def test_three_faults_at_once_are_named_with_evidence_and_nothing_is_mended(tmp_path: Path) -> None:
    truth = events(count=300, hours=4)
    size = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0}
    mine = truth.with_columns(
        time=pl.col("time") + pl.duration(hours=2),
        quantity=pl.col("quantity") / pl.col("asset").replace_strict(size, return_dtype=pl.Float64),
        side=pl.when(pl.col("side") == "long").then(pl.lit("sell")).otherwise(pl.lit("buy")),
    )
    rule = '[side]\nof = "position"\nlong = ["buy"]\nshort = ["sell"]\n'
    report = ask(write(tmp_path, "desk", mine, rule), write(tmp_path, "other", truth))
    said = {f.code: f.text for f in report.findings if f.text.startswith("file.desk/")}
    assert "shifted by 2 h" in said["table_shifted"]
    assert "sides swapped" in said["table_sides_swapped"]
    assert "looks like contracts x 0.01 (BTC)" in said["table_contracts_as_coins"]
    assert all("held against file.other/table" in text and "as it stands" in text for text in said.values())
    row = next(row for row in report.sources if row.source == "file.desk/table")
    inside = mine.filter(pl.col("time") < WINDOW.end)
    swapped = inside.filter(pl.col("side") == "buy")
    assert row.long_usd == pytest.approx((swapped["quantity"] * swapped["price"]).sum())


def test_a_sound_table_has_no_fault(tmp_path: Path) -> None:
    truth = events(count=300)
    report = ask(write(tmp_path, "desk", truth), write(tmp_path, "other", truth.sample(fraction=0.8, seed=1)))
    assert [f for f in report.findings if f.code.startswith("table_")] == []


def test_times_of_another_unit_are_named(tmp_path: Path) -> None:
    truth = events(count=100)
    frame = truth.select(pl.col("time").dt.epoch("ms"), "instrument", "side", "quantity", "price")
    frame.write_csv(tmp_path / "desk.csv")
    (tmp_path / "desk.csv.toml").write_text('venue = "okx"\n[time]\nunit = "s"\n')
    report = ask(f"file:{tmp_path}/desk.csv", write(tmp_path, "other", truth))
    assert "milliseconds read as seconds" in {f.code: f.text for f in report.findings}["table_milliseconds_as_seconds"]
    assert "the year 580" in next(row for row in report.sources if row.source == "file.desk/table").note


def test_a_table_of_sums_is_held_against_events(tmp_path: Path) -> None:
    truth = events(count=400)
    sums = bars(truth).with_columns(
        start=pl.col("start") + pl.duration(hours=8), notional_usd=pl.col("notional_usd") * 10
    )
    chosen = sums.select(pl.col("start").dt.epoch("ms").alias("start_ms"), "asset", "side", "notional_usd")
    chosen.write_csv(tmp_path / "sums.csv")
    (tmp_path / "sums.csv.toml").write_text(
        'venue = "okx"\n[columns]\nstart = "start_ms"\nasset = "asset"\nside = "side"\nnotional = "notional_usd"\n'
        '[time]\nlength = "15m"\n'
    )
    report = ask(f"file:{tmp_path}/sums.csv", write(tmp_path, "other", truth))
    said = {f.code: f.text for f in report.findings if f.text.startswith("file.sums/")}
    assert "shifted by 8 h" in said["table_shifted"]
    assert "100 times" in said["table_contracts_as_coins"] or "10 times" in said["table_contracts_as_coins"]


EVIL = '<script>alert(1)</script> [x](http://evil.example) ::error:: \x1b[31m =HYPERLINK("http://evil")'


def test_strings_of_a_table_are_data_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "desk.csv").write_text(
        HEAD + ROW + f'2026-01-19T00:00:00Z,BTC-USDT-SWAP,"{EVIL.replace(chr(34), chr(34) * 2)}",1,1\n'
    )
    (tmp_path / "desk.csv.toml").write_text(f"venue = 'okx'\ntitle = '''{EVIL.replace(chr(27), '')}'''\n")
    report = ask(f"file:{tmp_path}/desk.csv")
    shown = markdown.render(report)
    assert "<script>" not in shown
    assert "](http://evil" not in shown
    table = terminal.render(report, width=80, color=False)
    for text in (shown, table, as_json.render(report)):
        assert "\x1b" not in text
    assert "::error::" not in shown + table


def test_the_schemes_are_known() -> None:
    assert {"file", "sql"} <= set(addressed.SCHEMES)


def test_a_table_of_which_no_row_can_be_read_is_refused(desk: Path) -> None:
    (desk / "desk.csv.toml").write_text(MAPPING + '[time]\nformat = "%d.%m.%Y"\n')
    with pytest.raises(InputError, match=r"desk\.csv: no row could be read \(line 2"):
        ask("file:desk.csv")


def test_a_misspelt_feed_is_no_lineage_of_its_own(desk: Path) -> None:
    (desk / "desk.csv.toml").write_text('venue = "okx"\nlineage = ["okx/liquidation_ordrs"]\n')
    with pytest.raises(
        InputError, match=r"mapping of desk\.csv:2: okx has no feed 'okx/liquidation_ordrs'; it has okx/"
    ):
        ask("file:desk.csv")


def test_a_table_without_rows_is_a_failure_unless_it_says_what_it_covers(desk: Path) -> None:
    (desk / "desk.csv").write_text(HEAD)
    (row,) = ask("file:desk.csv?asset=BTC").sources
    assert (row.status, row.long_usd) == ("failed", None)
    (desk / "desk.csv.toml").write_text(MAPPING + 'covers = "2026-01-18/2026-01-20"\n')
    (row,) = ask("file:desk.csv?asset=BTC").sources
    assert (row.status, row.events) == ("ok", 0)


def test_a_table_that_shows_a_sliver_of_what_was_printed_is_no_estimate_of_the_whole(desk: Path) -> None:
    (desk / "desk.csv.toml").write_text('venue = "okx"\n')
    text = verify.liquidations("2026-01-19", sources=["file:desk.csv"], offline=True).questions[2].text
    assert "by what is shown; the channels that were read show $100 of it, from which the rest cannot be told" in text
    assert "feeds hide" not in text


def test_a_sliver_beside_a_printed_total_is_a_lower_bound_of_that_total(desk: Path) -> None:
    (desk / "desk.csv.toml").write_text('venue = "okx"\n')
    (desk / "printed.csv").write_text(
        "url,outlet,amount_text,side,window_start_utc,window_end_utc,provider_attributed\n"
        "https://a.example/1,A,$758M,total,2026-01-19T00:00Z,2026-01-20T00:00Z,CoinGlass\n"
    )
    report = verify.liquidations(
        "2026-01-19", sources=["file:desk.csv"], figures=[desk / "printed.csv"], offline=True
    )  # fmt: skip
    assert report.estimate is not None
    assert report.estimate.total is not None
    assert report.estimate.kind == "lower_bound"
    assert report.estimate.total.low90 > 700e6
    assert report.estimate.limits[0].startswith("The channels that were read show $100 of it")
