"""`verify record` as an operator runs it: a process of its own, its log, its status, its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from recording import clock, fill, told, until, us
from stream_server import DIALECTS, Order, StreamServer, Venue

from sources.recorder import status
from sources.recorder.log import stamp
from sources.recorder.status import ChannelStatus, Health, Status
from verify.cli.record import command

PROGRAM = str(Path(sys.executable).with_name("verify"))
KEYS = ["binance/usdm", "okx/liquidation_stream"]


def environment(server: StreamServer) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("VERIFY_")}
    return {**plain, "VERIFY_HOST_MAP": server.host_map_text, "COLUMNS": "80"}


async def program(server: StreamServer, *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        PROGRAM, "record", *arguments, env=environment(server), stdout=pipe, stderr=pipe
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def sources() -> list[str]:
    return [part for key in KEYS for part in ("--source", key)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_everything_committed(tmp_path: Path, number: int, code: int) -> None:
    async def run() -> tuple[tuple[int, str, str], list[Venue]]:
        async with StreamServer() as server:
            venues = [server.venue(key) for key in KEYS]
            process = await program(server, "--store", str(tmp_path), *sources())
            for venue in venues:
                await venue.subscribed()
            for venue in venues:
                await venue.push(*[venue.order(clock() // 1000) for _ in range(5)])
            await asyncio.sleep(0.1)  # less than a commit takes
            process.send_signal(number)
            return await ended(process), venues

    (ended_with, out, err), venues = asyncio.run(run())
    assert ended_with == code
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines[0]["event"] == "started"
    assert lines[-1]["event"] == "stopped"
    with sqlite3.connect(next(tmp_path.glob("*.sqlite"))) as file:
        assert file.execute("SELECT count(*) FROM frames WHERE kind = 0").fetchone() == (len(venues),)
        assert file.execute("SELECT count(*) FROM connections WHERE closed_us IS NULL").fetchone() == (0,)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert told(tmp_path).state == "stopped"


def test_it_serves_metrics_and_refuses_a_second_recorder(tmp_path: Path) -> None:
    async def run(port: int) -> tuple[str, str, tuple[int, str, str]]:
        async with StreamServer() as server:
            venue = server.venue(KEYS[0])
            wanted = ("--store", str(tmp_path), "--source", KEYS[0])
            process = await program(server, *wanted, "--metrics", str(port))
            await venue.subscribed()
            await until(lambda: (tmp_path / "status.json").exists())
            answers = [await ask(port, path) for path in ("/metrics", "/else")]
            second = await ended(await program(server, *wanted))
            process.terminate()
            await ended(process)
            return answers[0], answers[1], second

    async def ask(port: int, path: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.decode()

    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    metrics, other, (code, _, err) = asyncio.run(run(port))
    assert metrics.startswith("HTTP/1.1 200 OK")
    assert 'verify_record_channel_alive{channel="binance/usdm"} 1' in metrics
    assert other.startswith("HTTP/1.1 404")
    assert code == 4
    assert "another recorder writes" in err
    assert "Traceback" not in err


def test_too_little_disk_ends_it_with_four_and_says_so(tmp_path: Path) -> None:
    async def run() -> tuple[int, str, str]:
        async with StreamServer() as server:
            server.venue(KEYS[0])
            wanted = ("--store", str(tmp_path), "--source", KEYS[0], "--reserve", str(1 << 40))
            return await ended(await program(server, *wanted))

    code, _, err = asyncio.run(run())
    assert code == 4
    assert err.splitlines()[-1].startswith(f"verify: the disk of {tmp_path} is full: less than")
    assert told(tmp_path).state == "failed"


def invoke(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, standalone_mode=False)
    code = done.return_value if done.exception is None else getattr(done.exception, "exit_code", 1)
    return int(code), done.output + str(done.exception or "")


def channel(health: Health, reason: str = "") -> ChannelStatus:
    return ChannelStatus("binance/usdm", health, reason, "", "", "", 1, 1, 1, 60.0)


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({}, 0, "recording"),
        ({"channels": [channel(Health.QUIET)]}, 0, "quiet"),
        ({"channels": [channel(Health.SUSPECT_SILENT, "nothing for 40 s while a, b, c burst")]}, 1, "SUSPECT_SILENT"),
        ({"channels": [channel(Health.DEAD), channel(Health.SUSPECT_SILENT)]}, 4, "DEAD"),
        ({"channels": [channel(Health.PARTLY)]}, 4, "partly"),
        ({"state": "stopped"}, 4, "stopped"),
        ({"state": "failed", "message": "the disk is full"}, 4, "the disk is full"),
        ({"at": stamp(us("2026-01-01T00:00:00+00:00"))}, 4, "NOT RECORDING"),
    ],
)
def test_the_exit_code_of_status_says_how_it_is(
    tmp_path: Path, changes: dict[str, object], code: int, says: str
) -> None:
    well = Status(stamp(clock()), "recording", 1, "0", stamp(clock()), [channel(Health.RECORDING)])
    status.write(tmp_path, replace(well, **changes))  # type: ignore[arg-type]
    found, out = invoke("status", "--store", str(tmp_path))
    assert found == code
    assert says in out
    found, out = invoke("status", "--store", str(tmp_path), "--format", "json")
    assert json.loads(out)["exit_code"] == found == code


NOON = us("2026-11-20T12:00:00+00:00")


def stored(store: Path) -> Path:
    (frame,) = DIALECTS[KEYS[0]].frames([Order("BTCUSDT", "long", 2.0, 100.0, NOON // 1000)])
    fill(store, KEYS[0], [(NOON + 1, frame)], alive=(NOON, NOON + 60_000_000))
    return store


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["reparse", "--store", "{}"], 0, "2026-11-20: 1 events (+1), 0 frames unreadable"),
        (["reparse", "--store", "{}", "--day", "yesterday"], 2, "'yesterday' is no day"),
        (["compact", "--store", "{}"], 0, "2026-11-20: 1 frames and 1 events verified"),
        (["compact", "--store", "{}", "--keep", "1d"], 0, "2026-11-20: removed, older than 1d"),
        (["coverage", "--store", "{}", "--window", "2026-11-20T12:00Z/PT2M"], 0, "50.0%  binance/usdm  1 events"),
        (["coverage", "--store", "{}/none", "--window", "4h"], 2, "there is no store at"),
        (["status", "--store", "{}"], 4, "nothing was ever recorded there"),
        (["export", "--store", "{}", "--window", "2026-11-20", "-o", "{}/x.csv"], 0, "1 events written"),
        (["--store", "{}", "coverage", "--window", "2026-11-20"], 0, "binance/usdm"),
    ],
)
def test_a_store_is_looked_after_by_short_commands(
    tmp_path: Path, arguments: Sequence[str], code: int, says: str
) -> None:
    store = stored(tmp_path / "store")
    found, out = invoke(*[part.replace("{}", str(store)) for part in arguments])
    assert (found, says in out) == (code, True), out


def test_without_a_store_or_with_the_network_forbidden_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "name the store: --store DIR" in invoke("status")[1]
    monkeypatch.setenv("VERIFY_OFFLINE", "1")
    code, out = invoke("--store", "x")
    assert code == 2
    assert "VERIFY_OFFLINE forbids the network" in out


def test_the_status_of_the_longest_channel_fits_into_eighty_columns(tmp_path: Path) -> None:
    longest = replace(channel(Health.SUSPECT_SILENT, "nothing for 40 s " * 9), channel="bitfinex/liquidations_stream")
    heard = replace(longest, data=12_345_678, last_data=stamp(clock()))
    well = Status(stamp(clock()), "recording", 1, "0", stamp(clock()), [heard])
    status.write(tmp_path, well)
    _, out = invoke("status", "--store", str(tmp_path))
    assert max(map(len, out.splitlines())) <= 80
    assert "12345678" in out
