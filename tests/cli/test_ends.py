"""How the program ends where its output cannot be written, nobody reads it, or something was not foreseen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from verify import cli

DIFFERS = ["liquidations", "--window", "2026-01-19", "--offline", "--claim", "$1"]
PROGRAM = "import sys; from verify.cli import main; main()"


def run(words: list[str], output: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # this program
        [sys.executable, "-c", PROGRAM, *words], stdout=output, stderr=subprocess.PIPE, check=False
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [DIFFERS, ["completion", "bash"]])
def test_a_full_disk_is_one_line_and_no_verdict(words: list[str]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = run(words, full)
    os.close(full)
    said = [line for line in done.stderr.decode().splitlines() if "not read" not in line]
    assert (done.returncode, said) == (2, ["verify: cannot use the standard output: No space left on device"])


@pytest.mark.parametrize(("words", "code"), [(DIFFERS, 1), (["completion", "bash"], 0)])
def test_where_the_reader_has_gone_only_a_verdict_stands(words: list[str], code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(words, writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors by number")
def test_a_closed_output_leaves_the_verdict() -> None:
    code = f"import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-c', {PROGRAM!r}, *sys.argv[1:]])"
    done = subprocess.run([sys.executable, "-c", code, *DIFFERS], stderr=subprocess.PIPE, check=False)  # this program
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_fault_of_the_program_is_not_taken_for_a_claim_that_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_more: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli.cli, "main", broken)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (4, "")
    assert said.err.splitlines()[-2:] == [
        "ZeroDivisionError: division by zero",
        "verify: this is a fault of verify itself and no verdict: please report the lines above",
    ]
