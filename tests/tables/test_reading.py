"""Tables as they come: what is read, what is assumed, and what is named because it cannot be read."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.tables import cells
from sources.tables.grid import read
from sources.tables.reading import Reading, base_of, reading
from sources.tables.times import times, zone
from verify.model.errors import InputError, SchemaChanged, VerifyError

HEAD = "time,symbol,side,qty,price\n"
ROWS = "2026-01-19T00:00:00Z,BTC-USDT-SWAP,long,2,100\n2026-01-19T00:00:01Z,ETH-USDT-SWAP,short,3,10\n"
OKX = 'venue = "okx"\n'


def table(text: str | bytes, mapping: str = OKX, name: str = "desk.csv") -> Reading:
    return reading(text if isinstance(text, bytes) else text.encode(), mapping, name, "file.desk/table")


def money(found: Reading) -> list[float | None]:
    return found.frame["notional_usd"].to_list()


def parquet() -> bytes:
    frame = pl.DataFrame(
        {
            "time": [datetime(2026, 1, 19, tzinfo=UTC), datetime(2026, 1, 19, 0, 0, 1, tzinfo=UTC)],
            "symbol": ["BTC-USDT-SWAP", "ETH-USDT-SWAP"],
            "side": ["long", "short"],
            "qty": [2.0, 3.0],
            "price": [100, 10],
        }
    )
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def ndjson() -> bytes:
    rows = csv_rows()
    return "\n".join(json.dumps(row) for row in rows).encode()


def csv_rows() -> list[dict[str, str]]:
    names = HEAD.strip().split(",")
    return [dict(zip(names, line.split(","), strict=True)) for line in ROWS.splitlines()]


EUROPEAN = HEAD.replace(",", ";") + ROWS.replace(",", ";").replace(";100", ";100,00")
FORMS = {
    "csv": (HEAD + ROWS).encode(),
    "bom": b"\xef\xbb\xbf" + (HEAD + ROWS).encode(),
    "utf-16": (HEAD + ROWS).encode("utf-16"),
    "crlf": (HEAD + ROWS).replace("\n", "\r\n").encode(),
    "no last newline": (HEAD + ROWS).rstrip().encode(),
    "semicolons": EUROPEAN.encode(),
    "tabs": (HEAD + ROWS).replace(",", "\t").encode(),
    "quoted": (HEAD + ROWS).replace("long", '"long"').encode(),
    "blank lines": (HEAD + "\n" + ROWS + "\n\n").encode(),
    "title lines": ("Liquidations of the desk\nexported by hand\n" + HEAD + ROWS).encode(),
    "delimiters at the end": (HEAD + ROWS).replace("\n", ",\n").replace("price,", "price,").encode(),
    "spreadsheet text": (HEAD + ROWS).replace("BTC-USDT-SWAP", '"=""BTC-USDT-SWAP"""').encode(),
    "ndjson": ndjson(),
    "json": json.dumps(csv_rows()).encode(),
    "parquet": parquet(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_one_table_reads_the_same_in_every_form(form: str, packed: bool) -> None:
    body = gzip.compress(FORMS[form]) if packed else FORMS[form]
    found = table(body)
    assert money(found) == [200.0, 30.0]
    assert found.frame["asset"].to_list() == ["BTC", "ETH"]
    assert found.frame["side"].to_list() == ["long", "short"]
    assert found.frame["time"].to_list()[0] == datetime(2026, 1, 19, tzinfo=UTC)
    assert found.problems == ()


def test_rows_that_cannot_be_read_are_named_with_their_lines() -> None:
    broken = (
        HEAD
        + ROWS
        + "yesterday,BTCUSDT,long,1,1\n"
        + "2026-01-19T00:00:02Z,BTCUSDT,sideways,1,1\n"
        + "2026-01-19T00:00:02Z,BTCUSDT,long,many,1\n"
        + "2026-01-19T00:00:02Z,BTCUSDT,long,1\n"
        + "2026-01-19T00:00:02Z,,long,1,1\n"
        + "2026-01-19T00:00:02Z,BTCUSDT,long,0,1\n"
        + ",BTCUSDT,long,1,1\n"
    )
    found = table(broken)
    assert money(found) == [200.0, 30.0]
    said = {problem.line: problem.text for problem in found.problems}
    assert sorted(said) == [4, 5, 6, 7, 8, 9, 10]
    for line, word in {4: "yesterday", 5: "sideways", 6: "many", 7: "4 cells", 9: "zero", 10: "no time"}.items():
        assert word in said[line]


def test_lines_count_also_where_a_cell_spans_several() -> None:
    text = HEAD + '2026-01-19T00:00:00Z,"BTC\nUSDT",long,1,1\n2026-01-19T00:00:02Z,BTCUSDT,up,1,1\n'
    assert [problem.line for problem in table(text).problems] == [4]


def test_a_sum_line_is_no_row_and_nothing_is_missing_without_it() -> None:
    found = table(HEAD + ROWS + "Total,,,5,\n")
    assert (money(found), found.problems, [problem.line for problem in found.sums]) == ([200.0, 30.0], (), [4])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"<html><body>403</body></html>", "HTML"),
        (b"\x1f\x8bbroken", "unpacked"),
        (gzip.compress(FORMS["csv"], mtime=0)[:-9], "cut off"),
        (b"PAR1 and no more", "Parquet"),
        (b"[1, 2", "JSON"),
        (b"1,2,3\n4,5,6\n", "name the columns"),
        ((HEAD + '2026,"never closed').encode(), "line 2"),
    ],
)
def test_what_is_no_table_is_one_clear_error(body: bytes, says: str) -> None:
    with pytest.raises(SchemaChanged, match=says):
        table(body)


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("1,234.50", ".", 1234.5), ("1.234,50", ",", 1234.5), ("1 234,50", ",", 1234.5), ("1'234.5", ".", 1234.5),
        ("$1,234", ".", 1234.0), ("€ 7,5", ",", 7.5), ("(12.5)", ".", -12.5), ("3-", ".", -3.0), ("−4", ".", -4.0),
        ("1.2k", ".", 1200.0), ("3M", ".", 3e6), ("2 Mio", ".", 2e6), ("4bn", ".", 4e9), ("5万", ".", 5e4),
        ("0.5 BTC", ".", 0.5), ("7 USDT", ".", 7.0), ("USD 8", ".", 8.0), ("1e-3", ".", 1e-3),
        ("12,34,567", ".", 1234567.0),
        (".5", ".", 0.5), ("1,5", ".", None), ("1.2.3", ".", None), ("abc", ".", None), ("1,23", ".", None),
        ("inf", ".", None),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(written: str, decimal: str, value: float | None) -> None:
    found = cells.numbers(pl.Series("x", [written]), decimal)
    assert found.values.to_list() == [pytest.approx(value) if value is not None else None]
    assert found.unread.to_list() == [value is None]


@pytest.mark.parametrize("nothing", ["", "-", "n/a", "NULL", "NaN", "—"])
def test_nothing_is_not_zero_and_not_a_problem(nothing: str) -> None:
    found = cells.numbers(pl.Series("x", [nothing]), ".")
    assert (found.values.to_list(), found.unread.to_list()) == ([None], [False])


@given(st.lists(st.floats(0.001, 1e9), min_size=1, max_size=20), st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_written_in_either_way_is_read_back(values: list[float], comma: bool) -> None:
    texts = [f"{value:,.4f}" for value in values]
    if comma:
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    column = pl.Series("x", texts)
    sign = cells.decimal_sign([column]).sign
    assert sign == ("," if comma else ".")
    assert cells.numbers(column, sign).values.to_list() == pytest.approx([round(v, 4) for v in values])


def test_decimals_written_in_two_ways_are_asked_about() -> None:
    with pytest.raises(InputError, match=r"'1,5' and '2\.5' write decimals in two ways"):
        table(HEAD.replace(",", ";") + "2026-01-19T00:00:00Z;BTCUSDT;long;1,5;2.5\n")


def test_a_number_that_can_be_two_is_said() -> None:
    found = table(HEAD.replace(",", ";") + "2026-01-19T00:00:00Z;BTCUSDT;long;1.234;2\n")
    assert any("'1.234' is read with thousands" in note for note in found.assumed)


@pytest.mark.parametrize(
    ("written", "where", "utc"),
    [
        ("2026-01-19T00:00:00Z", "UTC+8", "2026-01-19T00:00:00"),
        ("2026-01-19 08:00:00+08:00", "UTC", "2026-01-19T00:00:00"),
        ("2026-01-19 08:00:00", "UTC+8", "2026-01-19T00:00:00"),
        ("2026-01-19 08:00:00", "Asia/Shanghai", "2026-01-19T00:00:00"),
        ("2026-07-19 02:00", "Europe/Berlin", "2026-07-19T00:00:00"),
        ("19.01.2026 00:00:05", "UTC", "2026-01-19T00:00:05"),
        ("1/19/2026 3:04 PM", "UTC", "2026-01-19T15:04:00"),
        ("Jan 19, 2026 10:00", "UTC", "2026-01-19T10:00:00"),
        ("1768780800", "UTC+8", "2026-01-19T00:00:00"),
        ("1768780800000", "UTC", "2026-01-19T00:00:00"),
        ("1768780800000000", "UTC", "2026-01-19T00:00:00"),
        ("1768780800.5", "UTC", "2026-01-19T00:00:00.500000"),
        ("46041.5", "UTC", "2026-01-19T12:00:00"),
        ("20260119", "UTC", "2026-01-19T00:00:00"),
        ("2026-01-19 05:30:00", "+05:30", "2026-01-19T00:00:00"),
    ],
)
def test_times_as_people_write_them(written: str, where: str, utc: str) -> None:
    found = times(pl.Series("t", [written]), zone(where))
    assert found.values.to_list() == [datetime.fromisoformat(utc).replace(tzinfo=UTC)]


@pytest.mark.parametrize("written", ["2026-10-25 02:30:00", "2026-03-29 02:30:00"])
def test_an_hour_that_is_there_twice_or_never_is_no_time(written: str) -> None:
    found = times(pl.Series("t", [written]), zone("Europe/Berlin"))
    assert (found.values.to_list(), found.unread.to_list()) == ([None], [True])


def test_day_and_month_are_never_guessed() -> None:
    with pytest.raises(InputError, match="can be day month year or month day year"):
        times(pl.Series("t", ["03/04/2026 10:00"]), zone("UTC"))
    either = times(pl.Series("t", ["03/04/2026 10:00", "25/04/2026 10:00"]), zone("UTC"))
    assert either.values[0] == datetime(2026, 4, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["Mars", "UTC+25", "Europe/Nowhere"])
def test_an_unknown_zone_is_an_error(wrong: str) -> None:
    with pytest.raises(InputError, match="unknown time zone"):
        zone(wrong)


def test_without_a_mapping_what_was_assumed_is_said() -> None:
    text = "Zeit (UTC+8);Paar;Seite;Menge;Preis\n19.01.2026 08:00:00;BTCUSDT;sell;1,5;100,0\n"
    found = table(text, "", "okx_desk.csv")
    assert found.frame.select("time", "venue", "asset", "side", "notional_usd").row(0) == (
        datetime(2026, 1, 19, tzinfo=UTC), "okx", "BTC", "long", 150.0,
    )  # fmt: skip
    said = " ".join(found.assumed)
    for word in ("'Zeit (UTC+8)' is the time", "UTC+8", "okx, by the name", "a sell closed a long", "after a comma"):
        assert word in said


@pytest.mark.parametrize(
    ("text", "mapping", "says"),
    [
        (HEAD + ROWS, "", "of which venue"),
        ("a,b\nx,y\n", OKX, "which column is the time"),
        ("time,symbol,qty,price\n2026-01-19,BTC,1,1\n", OKX, "which column is the side"),
        ("time,symbol,side\n2026-01-19,BTC,long\n", OKX, "which columns tell the size"),
        ("time,side,qty,price\n2026-01-19,long,1,1\n", OKX, "of which asset"),
        (HEAD + ROWS, OKX + '[columns]\ntime = "tiem"\n', "no column 'tiem'"),
    ],
)
def test_what_a_table_does_not_tell_is_asked_for(text: str, mapping: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        table(text, mapping)


def test_contracts_are_worth_their_size_and_unknown_ones_nothing() -> None:
    mapping = OKX + '[units]\nquantity = "contracts"\n[contracts]\n"BTC-USDT-SWAP" = 0.01\n'
    found = table(HEAD + ROWS, mapping)
    assert money(found) == [2.0, None]
    assert any("ETH-USDT-SWAP is not in the mapping" in note for note in found.assumed)
    inverse = OKX + '[units]\nquantity = "contracts"\n[contracts]\n"BTC-USDT-SWAP" = { size = 100, unit = "usd" }\n'
    assert table(HEAD + ROWS, inverse).frame.select("quantity", "notional_usd").row(0) == (2.0, 200.0)


def test_bars_with_both_sides_side_by_side() -> None:
    text = "hour,coin,long,short\n2026-01-19T00:00Z,BTC,100,0\n2026-01-19T01:00Z,BTC,,7\n"
    found = table(text, OKX + '[units]\nnotional = "thousand_usd"\n')
    rows = found.frame.sort("start", "side").select("side", "notional_usd").rows()
    assert rows == [("long", 100e3), ("short", 0.0), ("long", None), ("short", 7e3)]
    assert (found.frame["end"] - found.frame["start"]).unique().to_list() == [timedelta(hours=1)]


def test_bars_of_several_venues_do_not_hide_one_another() -> None:
    text = "start,exchange,coin,side,usd\n" + "".join(
        f"2026-01-19T0{hour}:00Z,{venue},BTC,long,{hour + 1}\n" for hour in range(3) for venue in ("OKX", "Binance")
    )
    found = table(text, '[time]\nlength = "1h"\n')
    assert (found.frame.height, found.venues) == (6, ("binance", "okx"))


def test_a_bar_that_is_told_twice_in_two_ways_is_named() -> None:
    text = "hour,coin,long,short\n2026-01-19T00:00Z,BTC,1,2\n2026-01-19T01:00Z,BTC,3,4\n2026-01-19T00:00Z,BTC,1,9\n"
    assert [problem.line for problem in table(text).problems] == [4]


def test_ids_make_rows_count_once_and_other_numbers_under_one_id_are_named() -> None:
    head = "id," + HEAD
    rows = ROWS.splitlines()
    found = table(head + f"a,{rows[0]}\na,{rows[0]}\na,{rows[1]}\n")
    assert found.frame.height == 1
    assert [problem.line for problem in found.problems] == [4]
    assert any("1 rows repeat an id" in note for note in found.assumed)


@pytest.mark.parametrize(
    ("symbol", "base"),
    [
        ("BTCUSDT", "BTC"), ("BTC-USDT-SWAP", "BTC"), ("BTC/USDT:USDT", "BTC"), ("PF_XBTUSD", "XBT"), ("ETH", "ETH"),
        ("BTCF0:USTF0", "BTC"), ("BTC_USDC-PERPETUAL", "BTC"), ("sol_usdt", "SOL"), ("USDT", "USDT"),
    ],
)  # fmt: skip
def test_the_coin_of_an_instrument(symbol: str, base: str) -> None:
    assert base_of(symbol) == base


def said_of(body: bytes) -> Reading | str:
    """What a table gives, or the one line that refuses it."""
    try:
        return table(body)
    except VerifyError as error:
        return str(error)


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    found = said_of(body)
    assert isinstance(found, Reading) or (found and "\n" not in found)


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_below_a_heading_is_read_or_named(text: str) -> None:
    body = (HEAD + text).encode("utf-8", "replace")
    found = said_of(body)
    if isinstance(found, str):
        assert "\n" not in found
    elif found.frame.height == 0 and text.strip():
        assert found.problems or found.sums or read(body, "x").frame.height == 0
