"""Every cassette is played to the real client and read by its adapter; nothing is ever recorded by a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from provider_server import ProviderServer

from sources import registry
from sources.adapter import NO_INSTRUMENTS
from sources.http import Limits, fetch_all
from sources.jobs import Job, Purpose, contained, instruments_of
from verify.model.errors import SchemaChanged
from verify.model.quantity import Quantity
from verify.model.window import Window, parse_instant

ALL = Quantity()
HERE = Path(__file__).parent / "cassettes"
ROOT = Path(__file__).parents[2]
GATE = ROOT / "fixtures" / "payloads" / "gate"
CASSETTES = [
    pytest.param(path, id=str(path.relative_to(HERE)), marks=pytest.mark.vcr(str(path)))
    for path in HERE.glob("*/*.yaml")
]


def about(path: Path) -> dict[str, str]:
    with path.open() as file:
        told: dict[str, str] = json.loads(file.readline().removeprefix("#"))
    return told


def job_of(path: Path) -> Job:
    told = about(path)
    window = Window.parse(told["window"]) if told["window"] else None
    return Job(registry.get(told["source"]), Quantity(), Purpose(told["purpose"]), told["channel"], window)


@pytest.mark.parametrize("path", CASSETTES)
def test_a_cassette_is_read_to_its_end(path: Path) -> None:
    job = job_of(path)
    (outcome,) = fetch_all([job], now=parse_instant(about(path)["now"]), environment={}, host_map={})
    assert outcome.failure is None
    assert len(outcome.payloads) == len(yaml.safe_load(path.read_text())["interactions"])
    with contained(job.label):
        if job.purpose is Purpose.CHANNEL:
            parse = job.source.channels[job.channel].parse
            assert parse is not None
            assert outcome.covered is not None
            for payload in outcome.payloads:
                parse(payload, outcome.covered, NO_INSTRUMENTS)
        elif job.purpose is Purpose.INSTRUMENTS:
            assert instruments_of(outcome)


@pytest.mark.vcr(str(HERE / "gate" / "liq_orders.yaml"))
def test_a_request_that_is_on_no_cassette_reaches_nobody() -> None:
    path = HERE / "gate" / "liq_orders.yaml"
    job = job_of(path)
    assert job.window is not None
    earlier = job.window.shifted(timedelta(hours=-1))
    other = Job.for_channel(job.source, job.channel, earlier, ALL)
    (outcome,) = fetch_all([other], now=parse_instant(about(path)["now"]), environment={}, host_map={})
    assert isinstance(outcome.failure, SchemaChanged)
    assert "CannotOverwriteExistingCassetteException" in str(outcome.failure)


def test_without_a_cassette_the_network_is_blocked() -> None:
    job = job_of(HERE / "gate" / "liq_orders.yaml")
    now = parse_instant(about(HERE / "gate" / "liq_orders.yaml")["now"])
    (outcome,) = fetch_all([job], now=now, environment={}, host_map={}, limits=Limits(attempts=1), deadline=5.0)
    assert outcome.failure is not None
    assert "Network is disabled" in str(outcome.failure)


@pytest.mark.parametrize("path", [parameter.values[0] for parameter in CASSETTES], ids=lambda path: path.stem)
def test_a_cassette_says_whether_it_was_recorded(path: Path) -> None:
    assert about(path)["kind"] in ("recorded", "constructed")


def test_what_the_script_gets_from_this_machine_is_called_constructed(server: ProviderServer, tmp_path: Path) -> None:
    for settled in ("usdt", "btc"):
        server.serve("api.gateio.ws", f"/api/v4/futures/{settled}/liq_orders", b"[]")
        server.serve("api.gateio.ws", f"/api/v4/futures/{settled}/contracts", GATE / f"contracts_{settled}.json")
    server.serve("api.gateio.ws", "/api/v4/futures/usdt/liq_orders", GATE / "liq_orders.json")
    options = ["gate", "--out", str(tmp_path), "--evidence", str(tmp_path / "run.warc.gz")]
    options += ["--now", "2023-10-08T04:00Z", "--note", "from fixtures"]
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "record"), *options],
        env={**os.environ, "VERIFY_HOST_MAP": server.host_map_text, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in run.stderr
    written = tmp_path / "gate" / "liq_orders.yaml"
    assert about(written) == {
        "kind": "constructed",
        "source": "gate",
        "purpose": "channel",
        "channel": "liq_orders",
        "window": "2023-10-08T03:00Z/2023-10-08T04:00Z",
        "now": "2023-10-08T04:00Z",
        "note": "from fixtures",
    }
    assert len(yaml.safe_load(written.read_text())["interactions"]) == 2
    assert (tmp_path / "run.warc.gz").exists()
    assert "gate/weights: failed" in run.stderr
    assert run.returncode == 4
