"""Hyperliquid: a trade written twice is one liquidation; files in constant memory; one account; daily statistics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lz4.frame
import polars as pl
import pytest
from conformance import PAYLOADS, RECEIVED, Case, conforms, fixture, read
from hypothesis import given
from hypothesis import strategies as st

from sources import hyperliquid_fills as fills
from sources import hyperliquid_state
from sources.adapter import Payload
from sources.hyperliquid import SOURCE, account_requests, follow_account, parse_account, parse_ledger
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import METRICS, Quantity
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
EVER = Window.parse("2020-01-01T00:00Z/P3000D")
LONG, SHORT = "0x" + "a" * 40, "0x" + "b" * 40
FOLDER = PAYLOADS / "hyperliquid"
BEFORE = Window.parse("2026-01-18T23:59Z/PT1M")
(STATE,) = hyperliquid_state.requests(BEFORE, Quantity(METRICS["holding"], subject=LONG))

CASES = {
    "node_fills": [
        Case("node_fills.jsonl", HOUR, rows=None),
        Case("node_fills.lz4", HOUR, rows=None),
        Case("node_fills_older.jsonl", HOUR, rows=None),
        Case("node_fills_observed.jsonl", expect="empty"),
    ],
    "daily": [
        Case("daily.json", rows="chart_data", amounts=("daily_notional_liquidated",)),
        Case("daily_empty.json", expect="empty"),
        Case("daily_not_found.json", expect=SchemaChanged),
    ],
    "account": [
        Case(
            "account_state.json",
            BEFORE,
            request=STATE,
            rows="assetPositions.*.position",
            optional=(
                "cumFunding",
                "leverage",
                "liquidationPx",
                "marginUsed",
                "maxLeverage",
                "returnOnEquity",
                "type",
            ),
            amounts=("szi", "entryPx", "positionValue", "unrealizedPnl"),
            signed=("szi", "unrealizedPnl"),
        ),
        Case("account_state_empty.json", BEFORE, request=STATE, expect="empty"),
        Case("account_state_refused.json", BEFORE, request=STATE, expect=SchemaChanged),
    ],
}
test_conformance = conforms(SOURCE, CASES)


def _legs(name: str = "node_fills.jsonl", *, batch: int = 50_000) -> pl.DataFrame:
    return pl.concat(fills.read_files([FOLDER / name], EVER, batch=batch))


def test_only_the_leg_of_the_liquidated_user_counts_and_a_row_written_again_does_not() -> None:
    frame = read(SOURCE, "node_fills", CASES["node_fills"][0])
    start = HOUR.start
    columns = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd")
    assert frame.select(columns).rows() == [
        (start + timedelta(milliseconds=100), "BTC", "BTC", "long", 0.5, 92500.0, 46250.0),
        (start + timedelta(milliseconds=100), "BTC", "BTC", "long", 1.5, 92490.0, 138735.0),
        (start + timedelta(seconds=1), "kPEPE", "PEPE", "short", 1000000.0, 0.0052, pytest.approx(5200.0)),
    ]


def test_market_backstop_and_auto_deleveraging_are_told_apart() -> None:
    legs = _legs()
    assert legs.select("coin", "dex", "kind").rows() == [
        ("BTC", "", "market"),
        ("BTC", "", "market"),
        ("kPEPE", "", "backstop"),
        ("SOL", "", "adl"),
        ("xyz:CRWV", "xyz", "market"),
    ]
    assert fills.events(legs, builders=True)["instrument"].to_list()[-1] == "xyz:CRWV"


def test_lz4_and_plain_text_say_the_same_in_batches_of_any_size() -> None:
    whole = _legs()
    assert whole.equals(_legs("node_fills.lz4"))
    assert whole.equals(_legs(batch=1))


def test_large_liquidations_are_counted_under_three_definitions() -> None:
    assert fills.counts(_legs()) == {"fills": 4, "transactions": 3, "positions": 3}
    assert fills.counts(_legs(), 150_000.0) == {"fills": 0, "transactions": 1, "positions": 1}


def test_the_older_form_is_read_and_a_liquidated_position_is_the_one_that_is_named() -> None:
    frame = read(SOURCE, "node_fills", CASES["node_fills"][2])
    assert frame.select("asset", "side", "notional_usd").rows() == [("BTC", "long", 46250.0), ("ETH", "short", 6400.0)]


def test_a_side_that_contradicts_what_was_closed_is_refused() -> None:
    body = fixture("hyperliquid", "node_fills.jsonl").replace(b'"Close Short"', b'"Close Long"')
    with pytest.raises(Suspect, match="on the other side"):
        read(SOURCE, "node_fills", CASES["node_fills"][0], body)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"backstop"', b'"new"', "method"),
        (b'"side":"A"', b'"side":"C"', "side"),
        (b'"px":"92500.0"', b'"px":"NaN"', "px"),
        (b'"sz":"0.5"', b'"sz":"-1"', "sz"),
        (b'"time":17687808', b'"time":17687', "time"),
        (b'"tid":', b'"id":', "tid"),
    ],
)
def test_what_is_not_as_documented_is_named(old: bytes, new: bytes, field: str) -> None:
    body = fixture("hyperliquid", "node_fills.jsonl").replace(old, new)
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "node_fills", CASES["node_fills"][0], body)
    assert raised.value.field == field


@given(st.integers(min_value=1))
def test_a_file_that_is_cut_off_is_never_read_as_a_shorter_one(cut: int) -> None:
    whole = fixture("hyperliquid", "node_fills.lz4")
    half = lz4.frame.compress(lz4.frame.decompress(whole))
    with pytest.raises(SchemaChanged):
        fills.parse_bytes(half[: cut % len(half)], HOUR)


def test_the_hour_after_the_window_is_read_too() -> None:
    late = Window.parse("2026-01-18T22:30Z/PT1H30M")
    assert fills.hour_names(late) == ["20260118/22.lz4", "20260118/23.lz4", "20260119/0.lz4"]
    ends_in_between = Window.parse("2026-01-18T23:00Z/PT30M")
    assert fills.hour_names(ends_in_between) == ["20260118/23.lz4", "20260119/0.lz4"]


def test_a_missing_hour_is_named(tmp_path: Path) -> None:
    (tmp_path / "20260119").mkdir()
    (tmp_path / "20260119" / "0.lz4").write_bytes(fixture("hyperliquid", "node_fills.lz4"))
    with pytest.raises(Unavailable, match=r"lacks 20260119/1\.lz4"):
        fills.hour_files(tmp_path, HOUR)
    (tmp_path / "20260119" / "1.lz4").write_bytes(fixture("hyperliquid", "node_fills.lz4"))
    assert pl.concat(fills.read_files(fills.hour_files(tmp_path, HOUR), HOUR)).height == _legs().height


def test_days_have_both_sides_together() -> None:
    frame = read(SOURCE, "daily", CASES["daily"][0])
    day = datetime(2026, 1, 19, tzinfo=UTC)
    assert frame.select("start", "asset", "side", "notional_usd").rows() == [
        (datetime(2023, 6, 13, tzinfo=UTC), "ETH", "both", 0.0),
        (day, "BTC", "both", 105000000.5),
        (day, "PEPE", "both", 2500000.0),
    ]
    assert "liquidations" not in SOURCE.spec.channel("daily").metrics, "an upper bound is no count of liquidations"


def test_of_an_account_only_its_own_liquidations_count() -> None:
    asked, ledger = account_requests(LONG, HOUR)
    frame = parse_account(Payload(asked, fixture("hyperliquid", "account_fills.json"), RECEIVED), HOUR)
    assert frame.select("asset", "side", "notional_usd").rows() == [("BTC", "long", 46250.0)]
    assert b'"startTime":1768780800000,"endTime":1768784399999' in (ledger.body or b"")


def test_the_ledger_tells_position_and_side() -> None:
    _, asked = account_requests(SHORT, EVER)
    frame = parse_ledger(Payload(asked, fixture("hyperliquid", "account_ledger.json"), RECEIVED), EVER)
    assert frame.select("asset", "side", "quantity", "positions", "position_usd", "leverage").rows() == [
        ("ATOM", "long", 29.21, 1, 356.80015, "Cross"),
        ("ETH", "short", 12.3, 2, 45000.0, "Cross"),
        ("BTC", "long", 0.05, 2, 45000.0, "Cross"),
    ]
    assert frame["time"][0] == datetime(2023, 2, 28, 21, 10, 23, 525000, tzinfo=UTC)
    assert parse_ledger(Payload(asked, b"[]", RECEIVED), EVER).is_empty()


def test_a_full_page_of_fills_is_followed_from_its_last_millisecond() -> None:
    asked, _ = account_requests(LONG, HOUR)
    row = fixture("hyperliquid", "account_fills.json").strip()[1:].partition(b"}, {")[0] + b"}"
    page = b"[" + b",".join([row] * 2000) + b"]"
    (following,) = follow_account(Payload(asked, page, RECEIVED))
    assert b'"startTime":1768780800100,"endTime":1768784399999' in (following.body or b"")
    with pytest.raises(Suspect):
        follow_account(Payload(following, page, RECEIVED))
    assert follow_account(Payload(asked, b"[]", RECEIVED)) == []


def test_a_short_is_a_negative_holding_and_a_scaled_coin_counts_its_coins() -> None:
    frame = read(SOURCE, "account", CASES["account"][0])
    told = {(asset, field): (value, unit) for asset, field, value, unit in
            frame.select("asset", "field", "value", "unit").iter_rows()}  # fmt: skip
    assert told["ETH", "quantity"] == (-6755.0, "ETH")
    assert told["ETH", "entry_price"] == (3239.2, "USD")
    assert told["ETH", "unrealised_gain"] == (241151.5, "USD")
    assert told["PEPE", "quantity"] == (2_000_000.0, "PEPE")
    assert told["PEPE", "entry_price"] == (pytest.approx(0.0000052), "USD")
    assert told["PEPE", "position_value"] == (10.2, "USD")
    assert set(frame["subject"]) == {LONG}
    assert set(frame["start"]) == {BEFORE.end - timedelta(microseconds=1)}, "the answer came just after the window"


def test_a_state_of_much_later_is_no_answer_and_without_an_account_nothing_is_asked() -> None:
    with pytest.raises(Suspect, match="long after the window"):
        read(SOURCE, "account", replace(CASES["account"][0], window=Window.parse("2026-01-18T22:00Z/PT1H")))
    assert hyperliquid_state.requests(BEFORE, Quantity()) == ()
