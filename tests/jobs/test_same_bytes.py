"""The same evidence and as-of give the same bytes: twice, in two time zones, in two locales, with any hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("verify"))
KINDS = ("json", "md", "junit", "sarif", "github", "jsonl", "summary")
JOB = """
[settings]
offline = true
[defaults]
window = "yesterday"
tolerance = { relative = "3%" }
[checks.totals]
claim = "$870M"
matrix = { sides = ["long", "short", "both"] }
[checks.event]
side = "long"
window = "2026-01-18T22:30Z/2026-01-19T02:30Z"
claim = "$750M"
[checks.low]
metric = "price"
asset = "BTC"
window = "2026-01-18T23:00Z/2026-01-19T03:00Z"
claim = "broke $92,000"
[checks.desk]
value = { file = "desk.csv", column = "usd", where = { day = "{date}" } }
"""
WORLDS = (
    {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "LANG": "de_DE.UTF-8", "PYTHONUTF8": "0"},
)


def written(folder: Path, *arguments: str, world: dict[str, str]) -> dict[str, bytes]:
    """The reports of a run in a process of its own."""
    reports = [f"--report={kind}=out.{kind}" for kind in KINDS]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("VERIFY_", "LC_", "LANG", "GITHUB_"))}
    done = subprocess.run(
        [PROGRAM, "run", "--as-of", "2026-01-20T06:00Z", "-q", *reports, *arguments],
        cwd=folder, env={**environment, **world}, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    assert not done.stderr
    found = {kind: (folder / f"out.{kind}").read_bytes() for kind in KINDS}
    return {**found, "stdout": done.stdout if world["LC_ALL"] != "C" else b""}


@pytest.mark.slow
def test_time_zone_locale_and_hash_seed_change_no_byte(tmp_path: Path) -> None:
    (tmp_path / "verify.toml").write_text(JOB, encoding="utf-8")
    (tmp_path / "desk.csv").write_text("day,usd\n2026-01-19,870000000\n", encoding="utf-8")
    first = written(tmp_path, "--evidence", "run.warc", world=WORLDS[0])
    again = [written(tmp_path, "--evidence", "run.warc", "--replay", world=world) for world in WORLDS]
    for other in again:
        assert {kind: other[kind] == first[kind] for kind in KINDS} == dict.fromkeys(KINDS, True)
