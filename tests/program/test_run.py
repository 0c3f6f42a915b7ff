"""`verify run` against the venues of this machine: requests are shared, evidence is one file, Ctrl-C is quick."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from program import cascade
from program.conftest import Done, Run
from provider_server import ProviderServer, failing, hang

CHECKS = """
[settings]
sources = ["gate", "okx", "deribit"]

[defaults]
window = "last 4h"
tolerance = { relative = "2%" }

[checks.gate]
venues = ["Gate"]
claim = "$398,000"

[checks.sides]
claim = "$0.36M"
[checks.sides.matrix]
venues = ["Gate", "OKX"]
sides = ["long", "short", "both"]

[checks.coins]
claim = "$1M"
severity = "note"
[checks.coins.matrix]
assets = ["BTC", "ETH"]
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "verify.toml"
    path.write_text(CHECKS, encoding="utf-8")
    return path


def served(server: ProviderServer) -> None:
    cascade.serve(server, cascade.Market(datetime.now(UTC)))


@pytest.mark.usefixtures("job")
def test_checks_share_every_request(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    served(server)
    done = run("run", "--report", "json=r.json", "-q", "--exit-zero")
    assert done.code == 0, done.err
    asked = Counter((ask.host, ask.path, tuple(ask.query.items()), ask.body) for ask in server.asked)
    assert {target: count for target, count in asked.items() if count > 1} == {}
    report = json.loads((tmp_path / "r.json").read_text())
    by_id = {row["id"]: row for row in report["checks"]}
    assert by_id["gate"]["status"] == "passed"
    assert by_id["sides[venue=Gate,side=long]"]["status"] == "passed"
    assert by_id["sides[venue=Gate,side=short]"]["status"] == "differs"
    assert {row["source"]: row["state"] for row in report["providers"]} == {
        "deribit/trades": "delivered",
        "gate/liq_orders": "delivered",
        "okx/liquidation_orders": "delivered",
    }
    assert 0 < report["requests"] <= len(server.asked)


@pytest.mark.usefixtures("job")
def test_a_plan_counts_the_requests_that_are_sent(run: Run, server: ProviderServer) -> None:
    served(server)
    planned = run("run", "--dry-run", "--only", "gate")
    assert (planned.code, server.asked) == (0, [])
    assert "verify.toml, as of" in planned.out
    assert "gate/liq_orders: " in planned.out


@pytest.mark.usefixtures("job")
def test_one_evidence_file_gives_the_same_reports_again(run: Run, server: ProviderServer, tmp_path: Path) -> None:
    served(server)
    server.serve("www.okx.com", "/api/v5/public/liquidation-orders", failing(451))
    kinds = ("json", "junit", "sarif", "github", "md", "jsonl")
    first = run("run", *(f"--report={kind}=first.{kind}" for kind in kinds), "--evidence", "run.warc", "-q")
    requests = len(server.asked)
    again = run("run", *(f"--report={kind}=again.{kind}" for kind in kinds), "--evidence", "run.warc", "--replay", "-q")
    assert len(server.asked) == requests
    assert (again.code, again.out) == (first.code, first.out)
    for kind in kinds:
        assert (tmp_path / f"again.{kind}").read_bytes() == (tmp_path / f"first.{kind}").read_bytes()
    assert run("evidence", "check", "run.warc").code == 0


@pytest.mark.usefixtures("job")
def test_a_source_that_fails_and_one_that_goes_silent_are_told_apart(
    run: Run, server: ProviderServer, tmp_path: Path
) -> None:
    served(server)
    run("run", "--report", "json=monday.json", "-q")
    server.serve("www.okx.com", "/api/v5/public/liquidation-orders", failing(451))
    failed = run("run", "--baseline", "monday.json", "--report", "json=tuesday.json", "-q")
    report = json.loads((tmp_path / "tuesday.json").read_text())
    providers = {row["source"]: row["change"] for row in report["providers"]}
    assert providers["okx/liquidation_orders"] == "flapping"
    assert "new" not in providers.values()
    assert failed.code in (0, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("job")
def test_ctrl_c_ends_within_a_second_and_keeps_what_came(
    interrupted: Callable[..., Done], server: ProviderServer, run: Run, tmp_path: Path
) -> None:
    served(server)
    server.serve("www.okx.com", "/api/v5/public/liquidation-orders", hang())

    def waiting() -> bool:
        return any(ask.host == "www.okx.com" for ask in server.asked) and any(
            "deribit" in ask.host for ask in server.asked
        )

    done = interrupted(waiting, "run", "--evidence", "run.warc", "-q")
    assert (done.code, done.out) == (130, "")
    assert done.err.strip() == "verify: interrupted"
    assert done.seconds < 5  # a second on an idle machine
    assert (tmp_path / "run.warc").exists()
    assert "(the run was interrupted)" in run("evidence", "check", "run.warc").out
