"""Flows from request to verdict, over HTTP to providers on this machine: keys, lineages, refusals, replay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from provider_server import Answer, ProviderServer

from verify.model.report import Report
from verify.pipeline.flows import flows
from verify.pipeline.observed import Options

PAYLOADS = Path(__file__).parents[2] / "fixtures" / "payloads"
NOW = datetime(2026, 1, 21, 12, tzinfo=UTC)
WEEK = "2026-01-12/2026-01-17"
FUNDS = ("sosovalue", "coinglass_etf", "farside")
CHALLENGE = (PAYLOADS / "farside" / "challenge.html").read_bytes()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderServer]:
    with ProviderServer() as providers:
        monkeypatch.setenv("VERIFY_HOST_MAP", providers.host_map_text)
        monkeypatch.delenv("VERIFY_OFFLINE", raising=False)
        for name in ("SOSOVALUE", "COINGLASS"):
            monkeypatch.setenv(f"VERIFY_{name}_API_KEY", f"sesame-of-{name.lower()}")
        yield providers


def serve_funds(server: ProviderServer) -> None:
    summary = "/openapi/v1/etfs/summary-history"
    server.serve("openapi.sosovalue.com", summary, PAYLOADS / "sosovalue" / "summary_enveloped.json")
    server.serve("open-api-v4.coinglass.com", "/api/etf/solana/flow-history", PAYLOADS / "coinglass_etf" / "week.json")


def asked(claim: str, **more: object) -> Report:
    options = Options(sources=FUNDS[:2], now=NOW, deadline=20, **more)  # type: ignore[arg-type]
    return flows(WEEK, claim, asset="SOL", options=options)


def test_one_compilation_decides_and_its_copy_has_no_vote(server: ProviderServer) -> None:
    serve_funds(server)
    report = asked("$46.88M")
    assert (report.verdict, report.independent) == ("supported", 1)
    told = {row.source: row.status for row in report.sources if row.status != "not asked"}
    assert told == {"sosovalue/summary": "ok", "coinglass_etf/flows": "lower bound"}
    sent = {ask.host.partition(":")[0]: ask.headers for ask in server.asked}
    assert any("sesame-of-sosovalue" in value for value in sent["openapi.sosovalue.com"].values())
    assert any("sesame-of-coinglass" in value for value in sent["open-api-v4.coinglass.com"].values())


def test_a_copy_alone_decides_nothing(server: ProviderServer) -> None:
    serve_funds(server)
    server.serve("openapi.sosovalue.com", "/openapi/v1/etfs/summary-history", Answer(b"", status=503))
    report = asked("$46.9M")
    assert (report.verdict, report.reasons[0].code) == ("inconclusive", "only_unknown_lineage")


def test_answers_that_were_kept_give_the_same_report(server: ProviderServer, tmp_path: Path) -> None:
    serve_funds(server)
    file = tmp_path / "run.warc"
    first = asked("$46.88M", evidence=file)
    before = len(server.asked)
    again = asked("$46.88M", evidence=file, replay=True)
    assert again.to_dict() == first.to_dict()
    assert len(server.asked) == before
    assert b"sesame" not in file.read_bytes()


def test_a_page_that_keeps_clients_out_is_a_named_failure(server: ProviderServer) -> None:
    page = Answer(CHALLENGE, status=403, headers={"Content-Type": "text/html"})
    server.serve("api.llama.fi", "/summary/dexs/byreal", page)
    server.serve("api2.byreal.io", "/byreal/api/dex/v2/overview/global", PAYLOADS / "byreal" / "with_all.json")
    options = Options(sources=("defillama_dex", "byreal"), now=NOW, deadline=20)
    report = flows("2026-01-16/2026-01-19", "about $1.18bn", kind="dex", subject="byreal", options=options)
    told = {row.source: row for row in report.sources}
    assert told["defillama_dex/byreal"].status == "failed"
    assert "HTTP 403" in told["defillama_dex/byreal"].note
    assert report.verdict == "inconclusive"
    assert "its sum from launch until it was asked" in report.answers[0].text


def test_the_days_of_a_protocol_are_added_up(server: ProviderServer) -> None:
    server.serve("api.llama.fi", "/summary/dexs/byreal", PAYLOADS / "defillama_dex" / "byreal.json")
    options = Options(sources=("defillama_dex",), now=NOW, deadline=20)
    report = flows("2026-01-16/2026-01-19", "$9.9M", kind="dex", subject="Byreal", options=options)
    assert report.verdict == "supported"
    partly = flows("2026-01-15/2026-01-19", "$9.9M", kind="dex", subject="Byreal", options=options)
    assert partly.verdict == "inconclusive"
