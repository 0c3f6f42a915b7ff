"""`verify liquidations --window 4h`: what each venue counts, of a cascade that is known."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from program import cascade
from program.conftest import NOW, Run
from provider_server import ProviderServer

import verify
from verify.model.report import Report, SourceRow

#: What each channel must count: long, short and events, from `cascade.CASCADE`.
EXPECTED = {
    "gate/liq_orders": (358_000, 40_000, 4),
    "okx/liquidation_orders": (344_000, 20_500, 3),
    "htx/linear": (78_000, 8_400, 2),
    "htx/coin": (20_000, 0, 1),
    "bitget/liquidations": (98_500, 12_000, 2),
    "bitfinex/liquidations": (39_800, 4_050, 2),
    "deribit/trades": (60_000, 8_000, 2),
    "kraken/executions": (24_000, 6_000, 2),
    "coinex/history": (4_900, 2_050, 2),
    "poloniex/orders": (1_940, 1_200, 2),
    "dydx/trades": (0, 0, 0),
    "gmx/trade_actions": (0, 0, 0),
    "paradex/trades": (0, 0, 0),
}
#: The venues that the server of these tests speaks for, and those that cannot be asked for the past.
TWELVE = sorted({name.partition("/")[0] for name in EXPECTED} | {"binance", "bybit", "bitmex"})
LIVE_ONLY = {"binance/usdm", "binance/coinm", "bybit/liquidations", "bitmex/liquidation"}
pytestmark = pytest.mark.usefixtures("online")


def ask(now: datetime, window: str = "4h", **more: object) -> Report:
    return verify.liquidations(window, now=now, **{"sources": TWELVE, **more})  # type: ignore[arg-type]


def rows(report: Report) -> dict[str, SourceRow]:
    return {row.source: row for row in report.sources}


def test_the_expected_sums_are_those_of_the_cascade() -> None:
    for venue in {event.venue for event in cascade.CASCADE}:
        for place, side in enumerate(("long", "short")):
            told = sum(sums[place] for name, sums in EXPECTED.items() if name.startswith(f"{venue}/"))
            assert told == cascade.truth(venue, side), (venue, side)


def test_every_venue_counts_what_happened(now: datetime) -> None:
    report = ask(now)
    counted = {
        name: (row.long_usd, row.short_usd, row.events)
        for name, row in rows(report).items()
        if row.status in ("ok", "lower bound")
    }
    assert set(counted) == set(EXPECTED)
    for name, expected in EXPECTED.items():
        assert counted[name] == pytest.approx(expected), name
    assert all(row.covered == 1.0 for row in report.sources if row.source in EXPECTED)
    assert not [row.note for row in report.sources if row.status == "failed"]
    assert report.exit_code == 0


def test_what_is_live_only_is_named_with_the_reason(now: datetime) -> None:
    refused = {name: row for name, row in rows(ask(now)).items() if row.status == "not asked"}
    assert set(refused) >= LIVE_ONLY
    assert all("live stream" in refused[name].note for name in LIVE_ONLY)
    assert all(row.note and row.long_usd is None for row in refused.values())


def test_only_complete_channels_are_said_to_be_complete(now: datetime) -> None:
    found = rows(ask(now))
    complete = {name for name, row in found.items() if row.status == "ok"}
    assert complete == {"gate/liq_orders", "htx/linear", "htx/coin", "deribit/trades"}
    assert "45 coins" in found["kraken/executions"].note, "of all assets it shows a part"


def test_named_assets_make_a_venue_asked_contract_by_contract_complete(now: datetime) -> None:
    found = rows(ask(now, assets=["BTC"]))
    assert found["kraken/executions"].status == "ok"
    assert found["kraken/executions"].long_usd == pytest.approx(24_000)
    assert found["kraken/executions"].short_usd == 0
    assert found["gate/liq_orders"].short_usd == 0


def test_channels_of_one_venue_add_up_to_one_figure(now: datetime) -> None:
    stated = {row.side: row for row in ask(now).figures if row.lineage == "htx"}
    assert {side: row.value for side, row in stated.items()} == {"long": 98_000, "short": 8_400, "both": 106_400}
    assert not ask(now).conflicts


def test_one_side_of_one_venue(now: datetime) -> None:
    report = ask(now, side="short", venues=["Gate"])
    assert [row.source for row in report.sources if row.status == "ok"] == ["gate/liq_orders"]
    assert {row.lineage for row in report.figures} == {"gate"}
    assert "short crypto positions on Gate" in report.sentence


def test_statistics_are_asked_for_by_name_and_agree_with_the_orders(now: datetime) -> None:
    found = rows(ask(now, sources=["gate/contract_stats"], assets=["BTC", "ETH"]))
    assert set(found) == {"gate/contract_stats"}
    bars = found["gate/contract_stats"]
    # All but the contract that is settled in BTC, of which these statistics do not tell.
    assert (bars.long_usd, bars.short_usd) == pytest.approx((348_000, 40_000))
    assert bars.status == "lower bound"
    assert bars.events is None


def test_bars_across_an_edge_are_left_out_and_said(now: datetime) -> None:
    found = rows(ask(now, "2026-11-20T08:02Z/PT3H", sources=["gate/contract_stats"], assets=["BTC"]))
    bars = found["gate/contract_stats"]
    assert "4 bars straddle an edge of the window" in bars.note, "two ends, two sides"
    assert bars.long_usd == pytest.approx(348_000)


def test_where_a_count_is_asked_for_only_events_above_the_size_count(now: datetime) -> None:
    report = ask(now, count_over="$100K")
    assert {name: row.events for name, row in rows(report).items() if row.events} == {
        "gate/liq_orders": 2,
        "okx/liquidation_orders": 1,
    }


class TestWindows:
    """What lies outside of a provider's history is said before it is asked for."""

    def test_one_in_the_future_is_refused_by_all(self, now: datetime, server: ProviderServer) -> None:
        report = ask(now, "2026-11-21T00:00Z/PT4H")
        assert {row.status for row in report.sources} == {"not asked"}
        assert "has not begun" in rows(report)["gate/liq_orders"].note
        assert not server.asked
        assert report.exit_code == 3

    def test_one_that_is_not_over_yet_is_covered_in_part(self, now: datetime) -> None:
        gate = rows(ask(now, "2026-11-20T10:00Z/PT4H"))["gate/liq_orders"]
        assert gate.covered == 0.5
        assert gate.status == "lower bound"
        assert (gate.long_usd, gate.short_usd) == pytest.approx((208_000, 40_000))

    def test_one_that_begins_before_the_history_is_covered_in_part(self, now: datetime) -> None:
        found = rows(ask(now, "2026-11-19T00:00Z/2026-11-20T12:00Z"))
        assert found["okx/liquidation_orders"].covered == pytest.approx(24 / 36, abs=1e-4)
        assert found["gate/liq_orders"].covered == 1.0
        assert found["deribit/trades"].status == "lower bound"
        assert found["deribit/trades"].long_usd == pytest.approx(60_000)

    def test_one_that_is_longer_than_the_history(self, now: datetime) -> None:
        report = ask(now, "2026-11-10T00:00Z/2026-11-20T12:00Z", sources=["bitget", "okx"], assets=["BTC"])
        found = rows(report)
        assert found["bitget/liquidations"].covered == pytest.approx(3 / 10.5, abs=1e-4)
        assert found["okx/liquidation_orders"].covered == pytest.approx(1 / 10.5, abs=1e-4)
        assert {row.status for row in report.sources} == {"lower bound"}

    def test_one_that_is_all_before_it_names_the_reach(self, now: datetime, server: ProviderServer) -> None:
        found = rows(ask(now, "2026-07-01T00:00Z/PT4H", sources=["bitget", "okx"]))
        assert found["bitget/liquidations"].status == "not asked"
        assert "back, to 2026-11-17T12:00" in found["bitget/liquidations"].note
        assert not server.asked

    def test_where_the_orders_do_not_reach_back_the_statistics_of_the_same_feed_are_asked_for(
        self, now: datetime
    ) -> None:
        found = rows(ask(now, "2026-07-01T00:00Z/PT4H", sources=["gate"]))
        assert set(found) == {"gate/contract_stats"}
        assert "five large contracts are asked for" in found["gate/contract_stats"].note


def test_without_the_list_of_contracts_no_size_is_guessed(now: datetime, server: ProviderServer) -> None:
    server.serve("api.gateio.ws", "/api/v4/futures/usdt/contracts", b"{}")
    gate = rows(ask(now, sources=["gate"]))["gate/liq_orders"]
    assert gate.events == 4
    assert gate.long_usd == 0
    assert "4 events of contracts of unknown size are not in the sums" in gate.note
    assert "the list of contracts did not come" in gate.note
    assert gate.status == "lower bound"


def test_without_the_list_of_contracts_a_venue_asked_one_by_one_is_a_part(
    now: datetime, server: ProviderServer
) -> None:
    server.serve("api.hbdm.com", "/linear-swap-api/v1/swap_contract_info", b"<html>")
    htx = rows(ask(now, sources=["htx"]))["htx/linear"]
    assert (htx.long_usd, htx.short_usd) == pytest.approx((78_000, 8_400))
    assert htx.status == "lower bound"
    assert "only those of the largest assets were asked for" in htx.note


def test_one_source_alone(now: datetime, server: ProviderServer) -> None:
    assert set(rows(ask(now, sources=["deribit"]))) == {"deribit/trades"}
    assert {asked.host for asked in server.asked} == {"www.deribit.com"}


def test_the_program_prints_the_table(program: Run, server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(NOW.tzinfo)))
    done = program("liquidations", "--window", "4h", *(f"--source={name}" for name in TWELVE))
    assert done.code == 0
    shown = done.out.splitlines()
    assert max(map(len, shown)) <= 80 or all(line.startswith("[") for line in shown if len(line) > 80)
    asked = shown[shown.index("Sources asked") :]
    gate = next(line for line in asked if line.strip().startswith("gate/liq_orders "))
    assert gate.split()[:5] == ["gate/liq_orders", "$358k", "$40k", "4", "100%"]
    flat = " ".join(done.out.split())
    for words in (
        "filled quantity at average fill price; lineage gate/liq_orders; evidence gate/liq_orders/1",
        "binance/usdm, binance/coinm, bitmex/liquidation, bybit/liquidations not asked:",
        "kraken/executions $24k $6k 2 100% lower bound",
        "this report rests on a trial, not on providers",
    ):
        assert words in flat, words
    assert "gate/liq_orders: " in done.err, "progress goes to stderr"
    assert "verify: " not in done.out


def test_the_program_prints_json_and_markdown(run: Run, server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(NOW.tzinfo)))
    done = run("liquidations", "--window", "4h", "--format", "json", "--source", "gate", "-q")
    told = json.loads(done.out)
    gate = next(row for row in told["sources"] if row["source"] == "gate/liq_orders")
    assert (gate["long_usd"], gate["short_usd"], gate["status"]) == (358_000, 40_000, "ok")
    assert gate["evidence"]
    assert done.err == "", "-q says nothing"
    written = run("liquidations", "--window", "4h", "--format", "md", "--source", "gate", "-q").out
    assert "358" in written
    assert "gate" in written


def test_a_window_in_words_has_no_fraction_of_a_second(now: datetime) -> None:
    report = ask(now + timedelta(microseconds=291_179), sources=["gate"])
    assert report.window == "2026-11-20T08:00Z/2026-11-20T12:00Z"


def test_venues_that_are_apart_add_up_to_a_least_sum(now: datetime) -> None:
    report = ask(now)
    total = sum(event.usd for event in cascade.CASCADE)
    assert total == 1_131_340
    assert report.sentence.startswith("At least $1.13M of crypto positions were liquidated")
    assert "adding up what Gate, OKX (own figures), Bitget, HTX" in report.sentence
    market = next(question for question in report.questions if question.id == "market")
    assert "at least $1.13M" in market.text


def test_an_aggregator_of_a_venue_is_not_added_to_the_venue(now: datetime, tmp_path: Path) -> None:
    head = "url,outlet,amount_usd,venue,side,window_start_utc,window_end_utc,window_confidence,provider_attributed"
    span = "2026-11-20T08:00Z,2026-11-20T12:00Z,high,CoinGlass"
    file = tmp_path / "figures.csv"
    file.write_text(f"{head}\nhttps://a.example/,A,380123,Gate,total,{span}\n", encoding="utf-8")
    report = ask(now, sources=["gate", "deribit"], figures=[file])
    assert "At least $466k" in report.sentence, "398,000 of Gate and 68,000 of Deribit"
