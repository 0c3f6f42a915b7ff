"""What providers do wrong, from the socket to the frame: each failure has its name, and none takes the others down."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import fake_source
import polars as pl
import pytest
from fake_source import NOW, ORDERS, WINDOW, page
from provider_server import (
    Answer,
    Ask,
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

from sources import registry
from sources.adapter import NO_INSTRUMENTS, Instruments, Request, Source
from sources.build import merge
from sources.ethereum import SOURCE as ETHEREUM
from sources.evidence import Recorder, check
from sources.fred import SOURCE as FRED
from sources.gate import SOURCE as GATE
from sources.gmx import SOURCE as GMX
from sources.http import Limits, fetch_all
from sources.hyperliquid import SOURCE as HYPERLIQUID
from sources.jobs import Job, Outcome, Purpose, contained, instruments_of
from sources.okx import SOURCE as OKX
from sources.spec import Form, Transport
from sources.tardis import SOURCE as TARDIS
from verify.model.errors import RateLimited, SchemaChanged, SourceError, Suspect, Unavailable
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.window import Window

HOST = "api.fake.example"
PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"
ALL = Quantity()
MEGABYTE = 2**20
SECONDS = int(NOW.timestamp()) - 60

FAULTS: dict[str, tuple[Served, type[SourceError], str]] = {
    "server error": (failing(500), Unavailable, "the server failed (HTTP 500)"),
    "no patience": (failing(429, Retry_After="3600"), RateLimited, "it asks to wait 3600 s"),
    "banned": (failing(418, Retry_After="120"), RateLimited, "too many requests (HTTP 418)"),
    "forbidden here": (failing(451), Unavailable, "refuses this network or country (HTTP 451)"),
    "hangs": (hang(), Unavailable, "did not finish within 3 s: it was waiting for an answer from api.fake.example"),
    "hangs on page two": (in_turn(page("a", next="2"), hang()), Unavailable, "an answer from api.fake.example (next p"),
    "breaks off": (broken_off(page("a"), 20), Unavailable, "api.fake.example: the connection broke off"),
    "truncated JSON": (page("a")[:-9], SchemaChanged, "the answer is not JSON"),
    "not JSON": (b"OK", SchemaChanged, "the answer is not JSON"),
    "empty": (b"", SchemaChanged, "the answer is not JSON"),
    "web page": (html(), SchemaChanged, "answered with a web page instead of data: <!DOCTYPE html>"),
    "web page labelled as JSON": (b"\n<html>blocked</html>", SchemaChanged, "web page instead of data"),
    "broken gzip": (gzipped(page("a"), damaged=True), SchemaChanged, "cannot be decompressed"),
    "200 MB": (huge(200 * MEGABYTE), SchemaChanged, "the answer was cut: it is longer than 1 MB"),
    "200 MB when decompressed": (
        lambda _: bomb(200 * MEGABYTE),
        SchemaChanged,
        "the answer was cut: it is longer than 1 MB",
    ),
    "wrong charset": (
        in_charset('{"orders":[],"next":"é"}', "latin-1"),
        SchemaChanged,
        "the answer is not",
    ),
    "field missing": (b'{"next":""}', SchemaChanged, "orders"),
    "field of another type": (b'{"orders":{}}', SchemaChanged, "Expected `array`"),
    "not a number": (page("a", price="NaN"), SchemaChanged, "the answer is not JSON"),
    "beyond all numbers": (page("a", price="1e400"), SchemaChanged, ""),
    "negative": (page("a", size="-2"), SchemaChanged, "size is not positive"),
    "seconds for milliseconds": (page("a", time=SECONDS), SchemaChanged, "time is no time in ms since 1970"),
    "unknown side": (page("a").replace(b"long", b"sell"), SchemaChanged, "side is 'sell'"),
    "endless paging": (lambda ask: page("a", next=str(ask.number)), Suspect, "its paging finds no end"),
    "paging in a circle": (page("a", next="1"), Suspect, "its paging goes round in a circle"),
    "led astray": (redirect("https://evil.example/x"), Unavailable, "evil.example, which is none of its hosts"),
}


def job(source: Source) -> Job:
    return Job.for_channel(source, "orders", WINDOW, ALL)


def collected(outcome: Outcome, instruments: Instruments = NO_INSTRUMENTS) -> pl.DataFrame:
    """What the pipeline does with an outcome: every page read, or the failure raised."""
    if outcome.failure is not None:
        raise outcome.failure
    assert outcome.covered is not None
    with contained(outcome.job.label):
        code = outcome.job.source.channels[outcome.job.channel]
        assert code.parse is not None
        frames = [code.parse(payload, outcome.covered, instruments) for payload in outcome.payloads]
        spec = outcome.job.channel_spec
        return merge(frames) if spec is not None and spec.form is Form.EVENTS else pl.concat(frames)


def fetch(
    server: ProviderServer, *jobs: Job, recorder: Recorder | None = None, deadline: float = 60.0
) -> list[Outcome]:
    return fetch_all(
        jobs,
        now=NOW,
        environment={"VERIFY_ETHEREUM_RPC_URL": "https://node.example/rpc"},
        host_map=server.host_map,
        recorder=recorder,
        deadline=deadline,
        limits=Limits(first_wait=0.0, jitter=0.0, body=MEGABYTE, pages=20),
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_name_and_stops_no_other_source(server: ProviderServer, fault: str, tmp_path: Path) -> None:
    served, kind, words = FAULTS[fault]
    server.serve(HOST, ORDERS, served)
    server.serve("api.sound.example", ORDERS, in_turn(late(page("x", next="2"), 0.05), page("y")))
    path = tmp_path / "run.warc.gz"
    with Recorder(path, now=NOW) as recorder:
        bad, good = fetch(
            server,
            job(fake_source.source()),
            job(fake_source.source("sound")),
            recorder=recorder,
            deadline=3.0 if fault.startswith("hangs") else 60.0,
        )
    with pytest.raises(SourceError) as caught:
        collected(bad)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.source == "fake/orders"
    assert collected(good)["event_id"].to_list() == ["x", "y"]
    assert check(path).intact


def test_a_long_answer_is_kept_as_its_beginning(server: ProviderServer, tmp_path: Path) -> None:
    server.serve(HOST, ORDERS, huge(200 * MEGABYTE))
    path = tmp_path / "run.warc"
    with Recorder(path, now=NOW) as recorder:
        fetch(server, job(fake_source.source()), recorder=recorder)
    assert b"WARC-Truncated: length" in path.read_bytes()
    assert path.stat().st_size < MEGABYTE


@pytest.mark.parametrize(
    "served",
    [
        gzipped(page("a")),
        late(page("a"), 0.1),
        in_turn(failing(429, Retry_After="0"), page("a")),
        in_turn(failing(503), page("a")),
        Answer(page("a"), headers={"Content-Type": "text/plain; charset=latin-1"}),
        Answer(page("a")[:-1] + b',"new":{"unknown":[1]}}'),
    ],
    ids=["gzip", "slow", "a 429 in between", "a 503 in between", "another charset named", "a new field"],
)
def test_what_is_merely_unusual_is_read(server: ProviderServer, served: Served) -> None:
    server.serve(HOST, ORDERS, served)
    (outcome,) = fetch(server, job(fake_source.source()))
    frame = collected(outcome)
    assert frame.select("side", "quantity", "price", "notional_usd").rows() == [("long", 2.0, 50000.0, 100000.0)]
    assert frame["evidence"][0].startswith("fake/orders/")


def test_no_liquidations_are_no_failure(server: ProviderServer) -> None:
    server.serve(HOST, ORDERS, page())
    (outcome,) = fetch(server, job(fake_source.source()))
    assert collected(outcome).is_empty()


def test_all_faults_at_once_are_told_apart(server: ProviderServer) -> None:
    faults = [fault for name, fault in FAULTS.items() if not name.startswith("hangs")]
    jobs = []
    for number, (served, _, _) in enumerate(faults):
        server.serve(f"api.s{number}.example", ORDERS, served)
        jobs.append(job(fake_source.source(f"s{number}")))
    for (_, kind, _), outcome in zip(faults, fetch(server, *jobs), strict=True):
        with pytest.raises(kind):
            collected(outcome)


class TestGate:
    """The same with a real adapter, whose answers are the fixtures."""

    API = "/api/v4/futures"

    def test_orders_and_contracts_come_together(self, server: ProviderServer) -> None:
        empty = b"[]"
        for settled in ("usdt", "btc"):
            contracts = PAYLOADS / "gate" / f"contracts_{settled}.json"
            server.serve("api.gateio.ws", f"{self.API}/{settled}/contracts", contracts)
            server.serve("api.gateio.ws", f"{self.API}/{settled}/liq_orders", empty)
        jobs = [Job.for_channel(GATE, "liq_orders", WINDOW, ALL), Job.for_instruments(GATE, ALL)]
        orders, contracts_told = fetch(server, *jobs)
        assert orders.failure is None
        assert len(orders.payloads) == 8, "four hours, settled in two coins"
        assert collected(orders).is_empty()
        assert "BTC_USDT" in instruments_of(contracts_told)

    def test_a_full_hour_is_asked_for_again_in_halves(self, server: ProviderServer) -> None:
        row = b'{"contract":"BTC_USDT","left":0,"size":-1,"fill_price":"28070","order_price":"28225","time":%d}'
        first = int(WINDOW.start.timestamp())
        full = b"[" + b",".join(row % (first + n) for n in range(1000)) + b"]"

        def served(ask: Ask) -> bytes:
            return full if (int(ask.query["from"]), int(ask.query["to"])) == (first, first + 3599) else b"[]"

        server.serve("api.gateio.ws", f"{self.API}/usdt/liq_orders", served)
        server.serve("api.gateio.ws", f"{self.API}/btc/liq_orders", b"[]")
        (outcome,) = fetch(server, Job.for_channel(GATE, "liq_orders", WINDOW, ALL))
        assert outcome.failure is None
        assert len(outcome.payloads) == 10
        halves = [dict(payload.request.params) for payload in outcome.payloads[1:3]]
        assert [(int(half["from"]), int(half["to"])) for half in halves] == [
            (first, first + 1799),
            (first + 1800, first + 3599),
        ]

    def test_its_error_body_is_named(self, server: ProviderServer) -> None:
        error = (PAYLOADS / "gate" / "error_range.json").read_bytes()
        server.serve("api.gateio.ws", f"{self.API}/usdt/liq_orders", failing(400, error))
        server.serve("api.gateio.ws", f"{self.API}/btc/liq_orders", b"[]")
        (outcome,) = fetch(server, Job.for_channel(GATE, "liq_orders", WINDOW, ALL))
        assert isinstance(outcome.failure, Unavailable)
        assert "refused the request (HTTP 400)" in str(outcome.failure)


class TestOkx:
    """Asked family by family, once the contracts are known; its rate limit hides in an answer that says 200."""

    HOST = "www.okx.com"
    ORDERS = "/api/v5/public/liquidation-orders"
    WINDOW = Window.parse("2026-01-19T00:00Z/PT4H")

    def asked(self, server: ProviderServer) -> list[Outcome]:
        server.serve(self.HOST, "/api/v5/public/instruments", PAYLOADS / "okx" / "instruments.json")
        jobs = [Job.for_channel(OKX, "liquidation_orders", self.WINDOW, ALL), Job.for_instruments(OKX, ALL)]
        return fetch(server, *jobs)

    def test_each_family_that_the_venue_lists_is_asked_for(self, server: ProviderServer) -> None:
        def served(ask: Ask) -> Path:
            mine = ask.query["instFamily"] == "BTC-USDT"
            return PAYLOADS / "okx" / ("liquidation_orders.json" if mine else "empty.json")

        server.serve(self.HOST, self.ORDERS, served)
        orders, contracts = self.asked(server)
        assert orders.failure is None
        families = [ask.query["instFamily"] for ask in server.asked if ask.path == self.ORDERS]
        assert sorted(families) == ["BTC-USD", "BTC-USDT", "BTC-USD_UM", "ETH-USDC", "NEW-USDT"]
        frame = collected(orders, instruments_of(contracts))
        # 120 contracts of 0.01 BTC at 92,100.5, and so on; the oldest first.
        assert frame.select("side", "quantity", "price").rows() == [
            ("short", pytest.approx(0.01), 92500.0),
            ("long", pytest.approx(1.2), 92100.5),
            ("long", pytest.approx(0.305), 92090.0),
        ]

    def test_its_rate_limit_is_named(self, server: ProviderServer) -> None:
        server.serve(self.HOST, self.ORDERS, PAYLOADS / "okx" / "error_rate.json")
        orders, _ = self.asked(server)
        assert isinstance(orders.failure, RateLimited)


class TestTransports:
    """One provider of each transport, with what goes wrong on that transport only."""

    DAY = Window.parse("2026-01-19T00:00Z/PT4H")
    INDEX = "/gmx-synthetics-arbitrum:prod/api/graphql"
    CSV = "/v1/deribit/liquidations/2026/01/19/PERPETUALS.csv.gz"
    DENIED = Answer(
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
        403,
        {"Content-Type": "application/xml"},
    )

    def read(self, server: ProviderServer, source: Source, channel: str, quantity: Quantity = ALL) -> pl.DataFrame:
        (outcome,) = fetch(server, Job.for_channel(source, channel, self.DAY, quantity))
        return collected(outcome)

    def test_errors_of_graphql_come_with_200(self, server: ProviderServer) -> None:
        server.serve("gmx.squids.live", self.INDEX, PAYLOADS / "gmx" / "refused.json")
        with pytest.raises(Unavailable, match="refuses"):
            self.read(server, GMX, "trade_actions")

    def test_data_beside_errors_of_graphql_is_no_answer(self, server: ProviderServer) -> None:
        body = b'{"data":{"tradeActions":[]},"errors":[{"message":"statement timeout"}]}'
        server.serve("gmx.squids.live", self.INDEX, body)
        with pytest.raises(Unavailable, match="statement timeout"):
            self.read(server, GMX, "trade_actions")

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [("pruned", Unavailable, "an archive node is needed"), ("limited", RateLimited, "asks for patience")],
    )
    def test_errors_of_json_rpc_come_with_200(
        self, server: ProviderServer, answer: str, kind: type[SourceError], words: str
    ) -> None:
        last = int(self.DAY.end.timestamp()) - 1
        block = b'{"height":24070657,"timestamp":%d}' % last
        server.serve("coins.llama.fi", f"/block/ethereum/{last}", block)
        server.serve("ethereum-node.invalid", "/", PAYLOADS / "ethereum" / f"{answer}.json")
        with pytest.raises(kind, match=words):
            self.read(server, ETHEREUM, "balances", Quantity(METRICS["holding"], subject="0x" + "a" * 40))

    @pytest.mark.parametrize(
        ("served", "kind", "words"),
        [
            (html(), SchemaChanged, "web page instead of data"),
            (html(status=403), Unavailable, "refuses this network or country"),
            (html(status=503), Unavailable, "the server failed"),
        ],
    )
    def test_a_challenge_is_no_table(
        self, server: ProviderServer, served: Answer, kind: type[SourceError], words: str
    ) -> None:
        server.serve("fred.stlouisfed.org", "/graph/fredgraph.csv", served)
        with pytest.raises(kind, match=words):
            self.read(server, FRED, "sp500", Quantity(METRICS["index_level"]))

    def test_a_bucket_that_denies_is_no_missing_day(self, server: ProviderServer) -> None:
        server.serve("datasets.tardis.dev", self.CSV, self.DENIED)
        with pytest.raises(Unavailable, match="HTTP 403"):
            self.read(server, TARDIS, "csv", Quantity(venues=Scope.of("deribit")))

    @pytest.mark.parametrize("packed", [False, True])
    def test_a_byte_order_mark_hides_no_column(self, server: ProviderServer, packed: bool) -> None:
        rows = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        rows += b"deribit,BTC-PERPETUAL,1768780800100000,1768780800200000,1,sell,92500,10\n"
        text = b"\xef\xbb\xbf" + rows
        server.serve("datasets.tardis.dev", self.CSV, gzipped(text).body if packed else text)
        frame = self.read(server, TARDIS, "csv", Quantity(venues=Scope.of("deribit")))
        assert frame.select("time", "side", "notional_usd").rows() == [
            (datetime(2026, 1, 19, 0, 0, 0, 100_000, UTC), "long", 10.0)
        ]

    @pytest.mark.parametrize("kept", [-1, -9, 40])
    def test_an_lz4_file_that_was_copied_in_part_is_refused(self, server: ProviderServer, kept: int) -> None:
        whole = (PAYLOADS / "hyperliquid" / "node_fills.lz4").read_bytes()
        here = Request("file:///node_fills/20260119/0.lz4", note="20260119/0.lz4")
        code = replace(HYPERLIQUID.channels["node_fills"], requests=lambda *_: [here], reader=lambda _: whole[:kept])
        local = replace(HYPERLIQUID, channels={**HYPERLIQUID.channels, "node_fills": code})
        with pytest.raises(SchemaChanged, match="cut off"):
            self.read(server, local, "node_fills")


NONSENSE: dict[str, Served] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a list of nonsense": b"[1,null,{}]",
    "an object": b"{}",
    "an object with an error": b'{"code":"1","error":["x"],"success":false,"data":null,"result":null}',
    "deep": b"[" * 5000,
    "binary": bytes(range(256)),
    "web page": html(),
    "not found": failing(404),
    "server error": failing(502),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_no_registered_source_breaks_over_nonsense(server: ProviderServer, nonsense: str) -> None:
    server.serve("*", "*", NONSENSE[nonsense])
    jobs = []
    for source in {**registry.load(), "okx": OKX}.values():
        jobs += [Job.for_instruments(source, ALL), Job.for_weights(source, ALL)]
        for spec, _ in source.pairs():
            if spec.transport is not Transport.STREAM:
                jobs.append(Job.for_channel(source, spec.id, WINDOW, ALL))
    for outcome in fetch(server, *jobs):
        if outcome.failure is not None:
            assert "could not deal with the answer" not in outcome.failure.message, "an adapter did not foresee this"
        elif outcome.job.purpose is Purpose.CHANNEL:
            with suppress(SchemaChanged, RateLimited, Suspect, Unavailable):
                assert collected(outcome).is_empty()
