"""Tardis: recorded streams as files; sizes only where a rule gives them; a cut file is no shorter day."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conformance import PAYLOADS, RECEIVED, Case, conforms, fixture, read

from sources._secrets import Secrets
from sources.adapter import Instrument, Payload, Request
from sources.tardis import SOURCE, SPEC, read_file
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
CASES = {
    "csv": [
        Case("binance_futures.csv", HOUR, rows=None),
        Case("binance_futures.csv.gz", HOUR, rows=None),
        Case("deribit.csv", HOUR, rows=None),
        Case("empty.csv", HOUR, expect="empty"),
        Case("empty.csv", HOUR, expect=Unavailable, status=404),
    ]
}
test_conformance = conforms(SOURCE, CASES)
COLUMNS = ("time", "venue", "instrument", "asset", "side", "quantity", "price", "notional_usd")


def test_a_sell_liquidated_a_long_and_rows_without_a_side_are_left_out() -> None:
    for case in CASES["csv"][:2]:
        frame = read(SOURCE, "csv", case)
        assert frame.select(COLUMNS).rows() == [
            (datetime(2026, 1, 19, 0, 0, 0, 493000, UTC), "binance", "BTCUSDT", "BTC", "long", 2.0, 92500.0, 185000.0),
            (
                datetime(2026, 1, 19, 0, 0, 1, 493000, UTC),
                *("binance", "1000PEPEUSDT", "PEPE", "short", 1000000.0, 0.0052),
                pytest.approx(5200.0),
            ),
        ]
        assert frame["received"][0] == datetime(2026, 1, 19, 0, 0, 0, 505152, UTC)


def test_dollars_of_an_inverse_contract_are_not_multiplied_by_its_price() -> None:
    frame = read(SOURCE, "csv", CASES["csv"][2])
    assert frame.select("asset", "side", "quantity", "notional_usd").rows() == [
        ("BTC", "long", 50000 / 92500, 50000.0),
        ("ETH", "short", 1.5, 4800.0),
    ]


def test_contracts_of_unknown_size_have_no_value_unless_the_size_is_given() -> None:
    frame = read(SOURCE, "csv", Case("okex_swap.csv", HOUR))
    assert frame.select("asset", "quantity", "notional_usd").rows() == [("BTC", None, None), ("ETH", None, None)]
    sizes = {"BTC-USDT-SWAP": Instrument("okx", "BTC-USDT-SWAP", "BTC", 0.01)}
    frame = read(SOURCE, "csv", Case("okex_swap.csv", HOUR, instruments=sizes))
    assert frame["notional_usd"].to_list() == [pytest.approx(27750.0), None]


def test_a_file_on_disk_is_read_as_one_that_was_fetched() -> None:
    frame = read_file(PAYLOADS / "tardis" / "binance_futures.csv.gz", HOUR, {})
    assert frame.select(COLUMNS).equals(read(SOURCE, "csv", CASES["csv"][0]).select(COLUMNS))
    assert set(frame["evidence"]) == {"binance_futures.csv.gz"}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b",side,", b",direction,", "side"),
        (b"sell", b"short", "side"),
        (b"92500,", b"NaN,", "price"),
        (b",2\n", b",-2\n", "amount"),
        (b"1768780800493000", b"1768780800493", "timestamp"),
        (b"binance-futures", b"binance-moon", "exchange"),
    ],
)
def test_what_is_not_as_documented_is_named(old: bytes, new: bytes, field: str) -> None:
    body = fixture("tardis", "binance_futures.csv").replace(old, new)
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "csv", CASES["csv"][0], body)
    assert raised.value.field == field


@pytest.mark.parametrize("cut", [30, -20, -3])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    for body in (fixture("tardis", "binance_futures.csv"), gzip.compress(fixture("tardis", "binance_futures.csv"))):
        with pytest.raises(SchemaChanged):
            read(SOURCE, "csv", CASES["csv"][0], body[:cut])


def test_a_file_of_two_exchanges_is_suspect(tmp_path: Path) -> None:
    mixed = fixture("tardis", "binance_futures.csv") + fixture("tardis", "deribit.csv").partition(b"\n")[2]
    (tmp_path / "mixed.csv").write_bytes(mixed)
    with pytest.raises(Suspect):
        read_file(tmp_path / "mixed.csv", HOUR, {})


def test_one_file_per_exchange_and_day_without_a_key() -> None:
    code = SOURCE.channels["csv"]
    assert code.requests is not None
    asked = code.requests(Window.parse("2026-01-18T23:00Z/PT2H"), Quantity(venues=Scope.of("bybit")))
    files = "https://datasets.tardis.dev/v1/bybit/liquidations/2026/01"
    assert [r.url for r in asked] == [f"{files}/18/PERPETUALS.csv.gz", f"{files}/19/PERPETUALS.csv.gz"]
    assert Secrets({}).headers(SPEC, "tardis/csv") == {}
    key = {"VERIFY_TARDIS_API_KEY": "0123456789"}
    assert Secrets(key).headers(SPEC, "tardis/csv") == {"Authorization": "Bearer 0123456789"}


def test_a_missing_file_is_no_quiet_day() -> None:
    asked = Request("https://datasets.tardis.dev/v1/x", note="bybit on 2026-01-19")
    parse = SOURCE.channels["csv"].parse
    assert parse is not None
    with pytest.raises(Unavailable, match="bybit on 2026-01-19"):
        parse(Payload(asked, b"", RECEIVED, status=404), HOUR, {})


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    body = b"\xef\xbb\xbf" + fixture("tardis", "binance_futures.csv")
    frame = read(SOURCE, "csv", CASES["csv"][0], body)
    assert frame.equals(read(SOURCE, "csv", CASES["csv"][0]))
