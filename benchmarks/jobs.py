"""How much longer 40 checks take than one, each in a process of its own: `python benchmarks/jobs.py [TIMES]`.

The checks are over the events that ship with the package and, with a source that simulates a market, a simulated day.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("verify"))
WINDOWS = (
    "2026-01-18T22:30Z/2026-01-19T02:30Z",
    "2026-01-19",
    "2025-10-10",
    "2025-10-10T21:00Z/2025-10-11T21:00Z",
    "2025-02-03",
    "2026-01-20",
)
SIDES = ("long", "short", "both")
SIMULATED = "simulated:crash?seed=7"
SIMULATED_DAY = "2026-01-19"


def job_file(checks: int, *, simulated: bool) -> str:
    """So many checks: the windows and sides in turn, with another claim each time round."""
    lines = ["[settings]", "offline = true", ""]
    for number in range(checks):
        day = simulated and number % 4 == 3
        window = SIMULATED_DAY if day else WINDOWS[number % len(WINDOWS)]
        lines += [
            f"[checks.c{number}]",
            f'window = "{window}"',
            f'side = "{SIDES[(number // len(WINDOWS)) % 3]}"',
            f'claim = "${700 + number}M"',
            'tolerance = { relative = "2%" }',
            f'sources = ["{SIMULATED}"]' if day else "",
            "",
        ]
    return "\n".join(lines)


def seconds(folder: Path, checks: int, times: int, *, simulated: bool) -> float:
    """The median of so many runs."""
    (folder / "verify.toml").write_text(job_file(checks, simulated=simulated), encoding="utf-8")
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        done = subprocess.run(
            [PROGRAM, "run", "-q", "--as-of", "2026-01-21"], cwd=folder, capture_output=True, text=True, check=False
        )
        taken.append(time.perf_counter() - began)
        if done.returncode not in (0, 1, 3):
            sys.exit(done.stderr)
    return statistics.median(taken)


def available() -> bool:
    """Whether this version has a source that simulates a market."""
    from sources.addressed import SCHEMES

    return "simulated" in SCHEMES


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    os.environ.pop("VERIFY_OFFLINE", None)
    simulated = available()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = seconds(folder, 1, times, simulated=simulated)
        forty = seconds(folder, 40, times, simulated=simulated)
    what = "bundled events and a simulated day" if simulated else "bundled events (no simulated source here)"
    print(f"{what}: 1 check {one:.2f} s, 40 checks {forty:.2f} s, ratio {forty / one:.2f} (median of {times})")


if __name__ == "__main__":
    main()
