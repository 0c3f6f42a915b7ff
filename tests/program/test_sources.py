"""`verify sources` and its doctor, against venues that are well and ill."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from program import cascade
from program.conftest import Run
from provider_server import ProviderServer, failing, hang

from sources import registry

ORDERS = "/api/v4/futures/{}/liq_orders"
BROKEN = """
import importlib.metadata as metadata
found = metadata.entry_points
def with_a_broken_one(**asked):
    points = found(**asked)
    if asked.get("group") != "verify.sources":
        return points
    broken = metadata.EntryPoint("acme", "acme_feed:SOURCE", "verify.sources")
    return metadata.EntryPoints([*points, broken])
metadata.entry_points = with_a_broken_one
"""


@pytest.fixture
def busy(server: ProviderServer) -> None:
    """Every venue saw liquidations half an hour ago."""
    recent = tuple(event._replace(ago=30.0) for event in cascade.CASCADE)
    cascade.serve(server, cascade.Market(datetime.now(UTC), recent))


def test_all_sources_are_listed(run: Run) -> None:
    done = run("sources")
    assert (done.code, done.err) == (0, "")
    for identity in registry.ids():
        assert f"\n{identity}  " in f"\n{done.out}", identity
    assert "liq_orders: liquidations, liquidation_count; Gate; rest, 90 days back" in done.out
    assert "2023-06-25 to 2024-10-14" in " ".join(done.out.split()), "an archive says which days it holds"
    assert "live only" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_all_sources_as_json(run: Run) -> None:
    told = json.loads(run("sources", "--format", "json").out)
    assert [entry["id"] for entry in told] == registry.ids()
    gate = next(entry for entry in told if entry["id"] == "gate")
    assert {channel["id"] for channel in gate["channels"]} == {"liq_orders", "contract_stats", "public_liquidates"}
    capped = next(channel for channel in gate["channels"] if channel["id"] == "public_liquidates")
    assert [rule["since"] for rule in capped["shows"]] == [None, "2026-08-20"]


def test_one_source_is_shown_with_its_rules_doubts_and_citations(run: Run) -> None:
    done = run("sources", "show", "gate")
    flat = " ".join(done.out.split())
    assert done.code == 0
    for words in (
        "asked at most 200 times in 10 s",
        "above zero a long was liquidated",
        "since 2026-08-20: complete",
        "doubt: Whether takeovers by the insurance fund are included is not documented.",
        "lineage gate/liq_orders",
    ):
        assert words in flat, words


def test_a_misspelt_source_is_refused_with_the_one_meant(run: Run) -> None:
    done = run("sources", "show", "gatte")
    assert (done.code, done.out) == (2, "")
    assert "did you mean gate" in done.err


def test_a_broken_package_is_named_and_stops_nobody(program: Run) -> None:
    done = program("sources", before=BROKEN)
    assert done.code == 0
    assert "cannot load acme" in done.err
    assert "ModuleNotFoundError" in done.err
    assert "gate  Gate" in done.out
    asked = program("liquidations", "--window", "4h", "--source", "poloniex", before=BROKEN)
    assert "verify: acme (unknown package): cannot be loaded: ModuleNotFoundError" in asked.err
    examined = program("sources", "doctor", "-q", "--deadline", "1", before=BROKEN)
    assert examined.code == 4
    assert "dead       acme" in examined.out


@pytest.mark.usefixtures("busy")
def test_the_doctor_tells_dead_silent_quiet_and_healthy_apart(run: Run, server: ProviderServer) -> None:
    for settled in ("usdt", "btc"):
        server.serve("api.gateio.ws", ORDERS.format(settled), b"[]")
    server.serve("futures.kraken.com", "/derivatives/api/v3/instruments", failing(500))
    history = "/api/history/v3/market/{}/executions"
    for name in ("PF_XBTUSD", "PF_ETHUSD"):
        server.serve("futures.kraken.com", history.format(name), failing(403))
    server.serve("www.okx.com", "/api/v5/public/liquidation-orders", cascade.body({"code": "50001", "msg": "down"}))
    asked = [f"--source={name}" for name in ("gate", "okx", "kraken", "deribit", "coinex", "poloniex", "bybit")]
    done = run("sources", "doctor", *asked, "-q")
    lines = {line.partition(":")[0].split()[-1]: line for line in done.out.replace("\n    ", " ").splitlines()}
    assert lines["gate/liq_orders"].startswith("silent")
    assert "answers OK and empty while" in lines["gate/liq_orders"]
    assert lines["okx/liquidation_orders"].startswith("dead")
    assert "50001 down" in lines["okx/liquidation_orders"]
    assert lines["kraken/executions"].startswith("dead")
    assert lines["deribit/trades"].startswith("healthy")
    assert lines["coinex/history"].startswith("healthy")
    assert lines["bybit/liquidations"].startswith("not asked")
    assert (done.code, done.err) == (4, "")


def test_an_empty_hour_of_all_is_quiet(run: Run, server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(UTC), ()))
    done = run("sources", "doctor", "--source", "coinex", "--source", "poloniex")
    assert [line.split()[0] for line in done.out.splitlines() if "stream" not in line and line[0] != " "] == [
        "quiet",
        "quiet",
    ]
    assert done.code == 0
    assert "coinex/history" in done.err, "progress on stderr"


def test_an_empty_answer_whose_control_is_empty_too_is_silent(run: Run, server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(UTC), ()))
    server.serve("api.coinex.com", "/v2/futures/ticker", cascade.body({"code": 0, "data": [], "message": "OK"}))
    done = run("sources", "doctor", "--source", "coinex", "-q")
    assert done.out.startswith("silent")
    assert "its control does not answer" in " ".join(done.out.split())
    assert done.code == 4


def test_the_doctor_ends_at_its_deadline(run: Run, server: ProviderServer) -> None:
    server.serve("*", "*", hang())
    done = run("sources", "doctor", "--source", "poloniex", "--deadline", "1", "-q")
    assert done.out.startswith("dead")
    assert "did not finish within 1 s" in " ".join(done.out.split())
    assert done.code == 4
