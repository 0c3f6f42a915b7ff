"""A store as a source: figures with the share of the window that was heard, and evidence to replay them from."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recording import clock, eager, fill, listed, recording, us
from stream_server import DIALECTS, Order, StreamServer

import verify
from sources import registry
from sources.recorder import digest, upkeep
from sources.recorder.coverage import MINUTE, SECOND
from verify.model.errors import InputError
from verify.model.report import Report, SourceRow
from verify.model.window import iso

__all__ = ["eager", "listed"]
NOON = us("2026-11-20T12:00:00+00:00")
WINDOW = "2026-11-20T12:00Z/PT10M"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def orders(key: str, *worth: tuple[int, str, float]) -> list[tuple[int, str | bytes]]:
    """Frames of orders: seconds after noon, side, dollars."""
    found = []
    for number, (second, side, dollars) in enumerate(worth):
        order = Order(DIALECTS[key].symbol, side, 1.0, dollars, (NOON + second * SECOND) // 1000, number + 1)
        (frame,) = DIALECTS[key].frames([order])
        found.append((NOON + second * SECOND + 90_000, frame))
    return found


def ask(store: Path, window: str = WINDOW, **options: object) -> Report:
    return verify.liquidations(window, sources=[f"recorded:{store}"], offline=True, now=NOW, **options)  # type: ignore[arg-type]


def row(report: Report, key: str = "binance/usdm") -> SourceRow:
    (found,) = [row for row in report.sources if row.source == f"recorded.{key}"]
    return found


@pytest.mark.usefixtures("eager", "listed")
def test_the_figures_of_a_recorded_burst_are_those_of_a_few_lines_of_sql(tmp_path: Path) -> None:
    keys = ["binance/usdm", "bybit/liquidations", "bitget/liquidation_stream"]

    async def run() -> None:
        async with StreamServer() as server, recording(tmp_path, server, keys) as venues:
            for venue in venues:
                for n in range(12):
                    batch = [
                        venue.order(
                            clock() // 1000 - m, side=("long", "short")[n % 3 == 0], quantity=1.5 + n, price=90.0
                        )
                        for m in range(1 if "binance" in venue.key else 3)
                    ]
                    await venue.push(*batch)
                    for frame in venue.frames[-1:]:
                        await venue.raw(frame)  # and once more, as a second connection would

    began = datetime.now(UTC)
    asyncio.run(run())
    end = datetime.now(UTC) + timedelta(seconds=1)
    report = verify.liquidations(f"{iso(began)}/{iso(end)}", sources=[f"recorded:{tmp_path}"], offline=True, now=end)
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        # without the adapters: from the venues' own words in the frames, each frame's text once
        told = "SELECT DISTINCT CAST(body AS TEXT) AS b FROM frames WHERE kind = 0 AND b LIKE ?"
        binance = file.execute(
            "SELECT CASE json_extract(b, '$.o.S') WHEN 'SELL' THEN 'long' ELSE 'short' END, count(*),"
            f" sum(json_extract(b, '$.o.z') * json_extract(b, '$.o.ap')) FROM ({told}) GROUP BY 1 ORDER BY 1",
            ("%forceOrder%",),
        ).fetchall()
        bybit = file.execute(
            "SELECT CASE json_extract(r.value, '$.S') WHEN 'Buy' THEN 'long' ELSE 'short' END, count(*),"
            f" sum(json_extract(r.value, '$.v') * json_extract(r.value, '$.p'))"
            f" FROM ({told}), json_each(b, '$.data') r GROUP BY 1 ORDER BY 1",
            ("%allLiquidation.%",),
        ).fetchall()
        bitget = file.execute(
            "SELECT CASE json_extract(r.value, '$.side') WHEN 'buy' THEN 'long' ELSE 'short' END, count(*),"
            f" sum(json_extract(r.value, '$.amount')) FROM ({told}), json_each(b, '$.data') r GROUP BY 1 ORDER BY 1",
            ('%"topic": "liquidation"%',),
        ).fetchall()
    for key, rows in zip(keys, (binance, bybit, bitget), strict=True):
        ((_, longs, long_usd), (_, shorts, short_usd)) = rows
        found = row(report, key)
        assert found.events == longs + shorts, key
        assert found.long_usd == pytest.approx(long_usd, rel=1e-12), key
        assert found.short_usd == pytest.approx(short_usd, rel=1e-12), key


def test_a_window_that_was_heard_whole_is_as_complete_as_the_feed(tmp_path: Path) -> None:
    frames = orders("bybit/liquidations", (5, "long", 700.0), (70, "short", 300.0))
    fill(tmp_path, "bybit/liquidations", frames, alive=(NOON, NOON + 10 * MINUTE), feed="linear")
    found = row(ask(tmp_path), "bybit/liquidations")
    assert (found.status, found.covered, found.events) == ("ok", 1.0, 2)
    assert (found.long_usd, found.short_usd) == (700.0, 300.0)
    assert found.note == ""
    assert found.lineage == "bybit/liquidations"


def test_a_quiet_window_that_was_heard_is_zero(tmp_path: Path) -> None:
    fill(tmp_path, "bybit/liquidations", [], alive=(NOON, NOON + 10 * MINUTE), feed="linear")
    found = row(ask(tmp_path), "bybit/liquidations")
    assert (found.status, found.long_usd, found.short_usd, found.covered) == ("ok", 0.0, 0.0, 1.0)


def test_minutes_that_were_not_heard_are_no_zeros(tmp_path: Path) -> None:
    frames = orders("bybit/liquidations", (5, "long", 700.0))
    fill(tmp_path, "bybit/liquidations", frames, alive=(NOON, NOON + 4 * MINUTE), feed="linear")
    report = ask(tmp_path)
    found = row(report, "bybit/liquidations")
    assert (found.status, found.covered, found.long_usd) == ("lower bound", 0.4, 700.0)
    assert "40.0% of the window was heard; of 6 minutes of it nothing is known" in found.note
    assert report.sentence.startswith("At least")


def test_a_window_that_nobody_listened_to_fails_and_is_no_zero(tmp_path: Path) -> None:
    fill(tmp_path, "bybit/liquidations", [], alive=(NOON, NOON + MINUTE), feed="linear")
    found = row(ask(tmp_path, "2026-11-20T15:00Z/PT1H"), "bybit/liquidations")
    assert (found.status, found.long_usd) == ("failed", None)
    assert "nobody listened" in found.note


def test_seconds_in_which_a_feed_showed_all_it_may_are_counted(tmp_path: Path) -> None:
    frames = orders("binance/usdm", (5, "long", 700.0), (5, "short", 100.0), (9, "long", 50.0))
    fill(tmp_path, "binance/usdm", frames, alive=(NOON, NOON + 10 * MINUTE))
    found = row(ask(tmp_path))
    assert found.status == "lower bound"
    assert found.note == "in 2 seconds of contracts the feed showed as many as its limit allows"
    assert "at most one liquidation per symbol and second" in found.completeness


def test_frames_that_nobody_can_read_make_a_lower_bound(tmp_path: Path) -> None:
    frames = [*orders("bybit/liquidations", (5, "long", 700.0)), (NOON + 6 * SECOND, '{"topic":"allLiquidation.X"}')]
    fill(tmp_path, "bybit/liquidations", frames, alive=(NOON, NOON + 10 * MINUTE), feed="linear")
    found = row(ask(tmp_path), "bybit/liquidations")
    assert found.status == "lower bound"
    assert "1 frame could not be read" in found.note


def test_channels_of_a_venue_add_up_and_a_feed_that_was_not_heard_makes_a_lower_bound(tmp_path: Path) -> None:
    fill(tmp_path, "gate/public_liquidates", [], alive=(NOON, NOON + 10 * MINUTE), feed="usdt")
    fill(tmp_path, "gate/public_liquidates", [], alive=(NOON, NOON + 5 * MINUTE), feed="btc")
    assert row(ask(tmp_path), "gate/public_liquidates").covered == 0.5


def test_venues_and_assets_can_be_chosen(tmp_path: Path) -> None:
    for key, feed in (("bybit/liquidations", "linear"), ("binance/usdm", "market")):
        fill(tmp_path, key, orders(key, (5, "long", 700.0)), alive=(NOON, NOON + 10 * MINUTE), feed=feed)
    assert [r.source for r in ask(tmp_path, venues=["Bybit"]).sources] == ["recorded.bybit/liquidations"]
    assert [r.long_usd for r in ask(tmp_path, assets=["ETH"]).sources] == [0.0, 0.0]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_run_is_replayed_from_its_evidence_without_the_store(tmp_path: Path, compacted: bool) -> None:
    store, file = tmp_path / "store", tmp_path / "run.warc"
    frames = orders("bybit/liquidations", (5, "long", 700.0), (70, "short", 300.0))
    fill(store, "bybit/liquidations", frames, alive=(NOON, NOON + 8 * MINUTE), feed="linear")
    if compacted:
        upkeep.compact(store, NOW.date(), digest.codes(registry.load().values()))
    first = ask(store, evidence=file)
    store.rename(tmp_path / "elsewhere")
    assert ask(store, evidence=file, replay=True).to_dict() == first.to_dict()
    with pytest.raises(InputError, match="there is no store at"):
        ask(store)


def test_the_evidence_names_every_frame_and_its_hash(tmp_path: Path) -> None:
    import hashlib

    from sources.evidence import Archive

    store, file = tmp_path / "store", tmp_path / "run.warc"
    frames = orders("bybit/liquidations", (5, "long", 700.0), (70, "short", 300.0))
    fill(store, "bybit/liquidations", frames, alive=(NOON, NOON + 8 * MINUTE), feed="linear")
    report = ask(store, evidence=file)
    (kept,) = row(report, "bybit/liquidations").evidence
    head, *lines = map(json.loads, Archive(file).payload(kept).body.splitlines())
    assert head["feeds"]["linear"][0] == [NOON // MINUTE, MINUTE, MINUTE, MINUTE, 0, 0]
    assert [(line["frame"], line["sha256"]) for line in lines] == [
        (f"2026-11-20/{n}", hashlib.sha256(body if isinstance(body, bytes) else body.encode()).hexdigest())
        for n, (_, body) in enumerate(frames, 1)
    ]


@pytest.mark.usefixtures("eager", "listed")
def test_what_was_recorded_from_this_machine_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        async with StreamServer() as server, recording(tmp_path, server, ["bybit/liquidations"]) as (venue,):
            await venue.push(venue.order(clock() // 1000))

    asyncio.run(run())
    end = datetime.now(UTC) + timedelta(seconds=1)
    report = verify.liquidations(f"PT1M/{iso(end)}", sources=[f"recorded:{tmp_path}"], offline=True, now=end)
    assert "recorded in a trial" in row(report, "bybit/liquidations").note
