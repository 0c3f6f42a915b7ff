"""Everything a provider can do wrong, all at once, at the level of the whole program."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from program import cascade
from program.conftest import Done, Run
from provider_server import (
    ProviderServer,
    Served,
    bomb,
    broken_off,
    failing,
    gzipped,
    hang,
    html,
    huge,
    in_charset,
    in_turn,
    late,
    redirect,
)

GATE = ("api.gateio.ws", "/api/v4/futures/usdt/liq_orders")
OKX = ("www.okx.com", "/api/v5/public/liquidation-orders")
HTX = ("api.hbdm.com", "/v5/market/liquidation_orders")
BITGET = ("api.bitget.com", "/api/v3/market/liquidations")
BITFINEX = ("api-pub.bitfinex.com", "/v2/liquidations/hist")
DERIBIT = ("www.deribit.com", "/api/v2/public/get_last_trades_by_currency_and_time")
KRAKEN = ("futures.kraken.com", "/api/history/v3/market/PF_XBTUSD/executions")
COINEX = ("api.coinex.com", "/v2/futures/liquidation-history")
POLONIEX = ("api.poloniex.com", "/v3/market/liquidationOrder")
MEGABYTE = 2**20
POLO_ROW = b'{"symbol":"BTCUSDTPERP","posSide":"LONG","side":"SELL","sz":%s,"bkPx":"97000","uTime":"%d"}'

#: What each venue does wrong, and what its row must say.
FIRST: dict[str, tuple[tuple[str, str], Served, str]] = {
    "okx/liquidation_orders": (OKX, failing(429, Retry_After="3600"), "it asks to wait 3600 s"),
    "htx/linear": (HTX, failing(500), "the server failed (HTTP 500)"),
    "bitget/liquidations": (BITGET, hang(), "did not finish within 8 s: it was waiting for an answer from api.bitget"),
    "bitfinex/liquidations": (BITFINEX, b'[[["pos",1,', "the answer is not JSON"),
    "deribit/trades": (DERIBIT, html(), "answered with a web page instead of data"),
    "kraken/executions": (KRAKEN, huge(200 * MEGABYTE), "the answer was cut: it is longer than 64 MB"),
    "coinex/history": (
        COINEX,
        cascade.body({"code": 0, "data": [], "pagination": {"has_next": True}, "message": "OK"}),
        "a page without rows says that more follow",
    ),
}
SECOND: dict[str, tuple[tuple[str, str], Served, str]] = {
    "okx/liquidation_orders": (OKX, in_charset('{"code":"0","msg":"é","data":[]}', "latin-1"), "the answer is not"),
    "htx/linear": (HTX, redirect("https://evil.example/x"), "evil.example, which is none of its hosts"),
    "bitget/liquidations": (BITGET, broken_off(b'{"code":"00000"', 9), "the connection broke off"),
    "bitfinex/liquidations": (BITFINEX, gzipped(b"[]", damaged=True), "cannot be decompressed"),
    "deribit/trades": (DERIBIT, b"", "the answer is not JSON"),
    "kraken/executions": (KRAKEN, lambda _: bomb(200 * MEGABYTE), "the answer was cut: it is longer than 64 MB"),
    "coinex/history": (COINEX, cascade.body({"code": 3008, "message": "busy"}), "refuses with 3008: busy"),
}


def put_up(server: ProviderServer, faults: dict[str, tuple[tuple[str, str], Served, str]]) -> None:
    for place, served, _ in faults.values():
        server.serve(*place, served)


def told(done: Done) -> dict[str, dict[str, Any]]:
    return {row["source"]: row for row in json.loads(done.out)["sources"]}


@pytest.fixture
def market(server: ProviderServer) -> cascade.Market:
    found = cascade.Market(datetime.now(UTC))
    cascade.serve(server, found)
    return found


def poloniex(count: bytes, moment: int) -> bytes:
    return b'{"code":200,"msg":"","data":[' + POLO_ROW % (count, moment) + b"]}"


@pytest.mark.slow
def test_each_fault_is_a_row_that_names_it_and_the_rest_stands(
    program: Run, server: ProviderServer, market: cascade.Market
) -> None:
    put_up(server, FIRST)
    server.serve(*POLONIEX, poloniex(b'"20"', int(market.now.timestamp()) - 600))  # seconds where ms are due
    done = program("liquidations", "--window", "4h", "--deadline", "8", "--format", "json", "-q")
    found = told(done)
    for source, (_, _, words) in FIRST.items():
        assert (found[source]["status"], words in found[source]["note"]) == ("failed", True), found[source]
        assert found[source]["long_usd"] is None
    assert found["poloniex/orders"]["status"] == "failed"
    assert "uTime is no time in ms" in found["poloniex/orders"]["note"]
    assert (found["gate/liq_orders"]["long_usd"], found["gate/liq_orders"]["status"]) == (358_000, "ok")
    assert found["htx/coin"]["long_usd"] == 20_000, "one channel of a venue stops no other"
    assert (done.code, done.err) == (0, "")


def test_other_faults_are_named_too(run: Run, server: ProviderServer, market: cascade.Market) -> None:
    put_up(server, SECOND)
    server.serve(*POLONIEX, poloniex(b'"1e400"', int(market.now.timestamp() * 1000) - 600_000))
    done = run("liquidations", "--window", "4h", "--deadline", "30", "--format", "json", "-q")
    found = told(done)
    for source, (_, _, words) in SECOND.items():
        assert (found[source]["status"], words in found[source]["note"]) == ("failed", True), found[source]
    assert found["poloniex/orders"]["status"] == "failed"
    assert "sz" in found["poloniex/orders"]["note"]
    assert found["gate/liq_orders"]["status"] == "ok"
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("count", [b'"NaN"', b'"-5"', b'"Infinity"', b"NaN", b"null"])
def test_amounts_that_are_none(run: Run, server: ProviderServer, market: cascade.Market, count: bytes) -> None:
    server.serve(*POLONIEX, poloniex(count, int(market.now.timestamp() * 1000) - 600_000))
    done = run("liquidations", "--window", "4h", "--source", "poloniex", "--format", "json", "-q")
    assert told(done)["poloniex/orders"]["status"] == "failed"
    assert done.code == 4, "no source answered"


@pytest.mark.usefixtures("market")
def test_what_recovers_in_time_is_an_answer(run: Run, server: ProviderServer) -> None:
    """Latency, a 500 that passes, a 429 whose patience is short, gzip: none of them is a failure."""
    tape, orders = server._routes[DERIBIT], server._routes[POLONIEX]
    assert callable(tape)
    assert callable(orders)
    in_order = in_turn(failing(500), failing(429, Retry_After="1"), lambda ask: gzipped(tape(ask)))
    server.serve(*DERIBIT, in_order)
    server.serve(*POLONIEX, lambda ask: late(orders(ask), 0.4))
    asked = ("--source", "poloniex", "--source", "deribit")
    found = told(run("liquidations", "--window", "4h", *asked, "--format", "json", "-q"))
    assert found["poloniex/orders"]["long_usd"] == pytest.approx(1_940)
    assert found["deribit/trades"]["long_usd"] == pytest.approx(60_000)


def test_endless_paging_ends_at_the_deadline(run: Run, server: ProviderServer, market: cascade.Market) -> None:
    row = {"market": "BTCUSDT", "side": "long", "liq_price": "1", "liq_amount": "1", "bkr_price": "1"}
    page = {**row, "created_at": int(market.now.timestamp() * 1000) - 60_000}
    server.serve(*COINEX, cascade.body({"code": 0, "data": [page], "pagination": {"has_next": True}, "message": ""}))
    done = run("liquidations", "--window", "4h", "--source", "coinex", "--deadline", "2", "--format", "json", "-q")
    coinex = told(done)["coinex/history"]
    assert coinex["status"] == "failed"
    assert re.search(r"did not finish within 2 s|rate limit of api.coinex.com", coinex["note"]), coinex["note"]
    assert done.code == 4


def test_where_all_sources_hang_the_deadline_ends_it(program: Run, server: ProviderServer) -> None:
    server.serve("*", "*", hang())
    done = program("liquidations", "--window", "4h", "--deadline", "1")
    assert done.code == 4
    assert done.seconds < 60
    flat = " ".join(done.out.split())
    assert "did not finish within 1 s" in flat
    assert "gate/liq_orders: did not finish within 1 s" in done.err, "progress tells of it as it happens"


@pytest.mark.slow
class TestNoNetwork:
    """No name is found, as on a laptop without a network."""

    NO_NAMES = """
look_up = socket.getaddrinfo
def fail(host, *more, **named):
    if host in (None, "127.0.0.1", "localhost"):
        return look_up(host, *more, **named)
    raise socket.gaierror(-3, "Temporary failure in name resolution")
socket.getaddrinfo = fail
"""
    NO_ANSWER = NO_NAMES.replace("    raise", "    import time; time.sleep(600)\n    raise")

    def test_every_source_has_its_row_at_once(self, program: Run) -> None:
        done = program("liquidations", "--window", "4h", before=self.NO_NAMES, VERIFY_HOST_MAP="")
        assert done.code == 4
        assert done.seconds < 45, "the deadline of 60 s is not waited for"
        flat = " ".join(done.out.split())
        for source in ("gate/liq_orders", "okx/liquidation_orders", "deribit/trades", "bitfinex/liquidations"):
            assert re.search(rf"{source}( failed|,).{{0,40}}", flat), source
        assert "cannot be reached" in flat

    def test_a_verdict_from_the_bundled_figures_stands(self, program: Run) -> None:
        asked = ("--window", "2026-01-18T22:30Z/2026-01-19T02:30Z", "--side", "long", "--claim", "about $750M")
        offline = program("liquidations", *asked, "--offline", "-q")
        done = program("liquidations", *asked, "-q", before=self.NO_NAMES, VERIFY_HOST_MAP="")
        assert done.code == offline.code != 4
        assert done.out.splitlines()[0] == offline.out.splitlines()[0]

    def test_a_resolver_that_hangs_is_not_waited_for(self, program: Run) -> None:
        asked = ("liquidations", "--window", "4h", "--deadline", "1", "-q")
        done = program(*asked, before=self.NO_ANSWER, VERIFY_HOST_MAP="")
        assert done.code == 4
        assert done.seconds < 60
        assert "did not finish within 1 s" in " ".join(done.out.split())

    def test_offline_asks_nobody(self, run: Run, server: ProviderServer) -> None:
        done = run("liquidations", "--window", "4h", "--offline")
        assert not server.asked
        assert (done.code, done.err) == (3, "")
        done = run("liquidations", "--window", "4h", VERIFY_OFFLINE="1")
        assert not server.asked
        assert run("liquidations", "--window", "4h", "--offline", "--source", "gate").code == 2


@pytest.mark.slow
class TestInterrupted:
    """Ctrl-C in the middle."""

    @pytest.mark.usefixtures("market")
    def test_it_ends_at_once_and_keeps_what_has_come(
        self, interrupted: Callable[..., Done], run: Run, server: ProviderServer, tmp_path: Path
    ) -> None:
        server.serve(*BITGET, hang())
        evidence = tmp_path / "run.warc"

        def all_but_the_one_that_hangs() -> bool:
            parts = list(tmp_path.glob("run.warc.*.part"))
            return bool(parts) and b"urn:verify:outcome:kraken/executions" in parts[0].read_bytes()

        done = interrupted(all_but_the_one_that_hangs, "liquidations", "--window", "4h", "--evidence", str(evidence))
        assert done.code == 130
        assert done.err.rstrip().endswith("verify: interrupted")
        assert "Traceback" not in done.err
        assert done.out == ""
        assert done.seconds < 10
        checked = run("evidence", "check", "run.warc")
        assert checked.code == 0
        assert "(the run was interrupted)" in checked.out
        again = run("liquidations", "--window", "4h", "--evidence", "run.warc", "--replay", "-q")
        flat = " ".join(again.out.split())
        assert "the run was interrupted before its end" in flat
        assert "gate/liq_orders $358k $40k 4 100%" in flat
        assert "bitget/liquidations" in re.findall(r"[^.]* failed: run.warc holds nothing of it", flat)[0]

    def test_it_ends_at_once_where_the_resolver_hangs(self, interrupted: Callable[..., Done], tmp_path: Path) -> None:
        evidence = tmp_path / "run.warc"

        def begun() -> bool:
            return any(b"urn:verify:resource:" in part.read_bytes() for part in tmp_path.glob("run.warc.*.part"))

        done = interrupted(
            begun,
            "liquidations",
            "--window",
            "4h",
            "--evidence",
            str(evidence),
            before=TestNoNetwork.NO_ANSWER,
            VERIFY_HOST_MAP="",
        )
        assert done.code == 130
        assert done.seconds < 10
        assert evidence.exists()
