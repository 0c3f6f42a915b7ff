"""The whole program against a server on this machine: `market` serves every venue, `run` starts `verify`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from program import cascade
from provider_server import ProviderServer

from verify.cli import main

#: The clock of tests that call the Python API: a whole hour, so that what is asked for is easily written down.
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROGRAM = str(Path(sys.executable).with_name("verify"))


@dataclass(frozen=True)
class Done:
    """What a run of the program left behind."""

    code: int
    out: str
    err: str
    seconds: float


class Run(Protocol):
    def __call__(self, *arguments: str, before: str = "", **environment: str) -> Done: ...


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def now(server: ProviderServer) -> datetime:
    """Every venue is served with the cascade as of `NOW`, and asked at that moment."""
    cascade.serve(server, cascade.Market(NOW))
    return NOW


@pytest.fixture
def online(server: ProviderServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python API asks the server on this machine."""
    monkeypatch.setenv("VERIFY_OFFLINE", "0")
    monkeypatch.setenv("VERIFY_HOST_MAP", server.host_map_text)


def environment_of(server: ProviderServer | None, tmp_path: Path, before: str, **more: str) -> dict[str, str]:
    """That of a user with an 80-column terminal; `before` is Python that runs before the program."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("VERIFY_")}
    hosts = {"VERIFY_HOST_MAP": server.host_map_text} if server is not None else {}
    if before:
        (tmp_path / "before").mkdir(exist_ok=True)
        (tmp_path / "before" / "sitecustomize.py").write_text(before, encoding="utf-8")
        plain["PYTHONPATH"] = str(tmp_path / "before")
    return {**plain, "COLUMNS": "80", "VERIFY_OFFLINE": "0", **hosts, **more}


@pytest.fixture
def run(
    server: ProviderServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the program in this process, with the server in place of every provider: quick, as all is loaded."""

    def start(*arguments: str, before: str = "", **environment: str) -> Done:
        assert not before, "only a process of its own runs something before"
        with monkeypatch.context() as patched:
            for name, value in environment_of(server, tmp_path, "", **environment).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["verify", *arguments])
            patched.chdir(tmp_path)
            capsys.readouterr()
            began = time.monotonic()
            with pytest.raises(SystemExit) as ended:
                main()
            seconds = time.monotonic() - began
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err, seconds)

    return start


@pytest.fixture
def program(server: ProviderServer, tmp_path: Path) -> Run:
    """Run the program as a user does, in a process of its own, with the server in place of every provider."""

    def start(*arguments: str, before: str = "", **environment: str) -> Done:
        variables = environment_of(server, tmp_path, before, **environment)
        began = time.monotonic()
        done = subprocess.run(
            [PROGRAM, *arguments], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    return start


@pytest.fixture
def interrupted(server: ProviderServer, tmp_path: Path) -> Callable[..., Done]:
    """Start the program, send it Ctrl-C once `ready()` holds, and tell how long it took to end."""

    def start(ready: Callable[[], bool], *arguments: str, before: str = "", **environment: str) -> Done:
        variables = environment_of(server, tmp_path, before, **environment)
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([PROGRAM, *arguments], env=variables, cwd=tmp_path, **pipes) as running:
            while not ready():
                assert running.poll() is None, "it ended before it could be interrupted"
                time.sleep(0.02)
            began = time.monotonic()
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=60)
            return Done(running.returncode, out, err, time.monotonic() - began)

    return start
