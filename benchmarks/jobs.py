"""How much longer 40 checks take than one, each run in a process of its own: `python benchmarks/jobs.py [TIMES]`.

The checks are over the events that ship with the package and over a simulated day, offline. Printed are wall seconds
and processor seconds, which other programs disturb less. The ratio is to one check of the simulated day, the longest,
and, without any check of it, to one of an event.
"""

from __future__ import annotations

import os
import resource
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
SIMULATED, DAY = "simulated:crash?seed=7", "2025-03-01"


def job_file(checks: int, *, simulated: int) -> str:
    """So many checks, of which `simulated` are of the simulated day: windows and sides in turn, each another claim."""
    lines = ["[settings]", "offline = true", ""]
    for number in range(checks):
        day = number < simulated
        lines += [
            f"[checks.c{number}]",
            f'window = "{DAY if day else WINDOWS[number % len(WINDOWS)]}"',
            f'side = "{SIDES[(number // len(WINDOWS)) % 3]}"',
            f'claim = "${700 + number}M"',
            'tolerance = { relative = "2%" }',
            f'sources = ["{SIMULATED}"]' if day else "",
            "",
        ]
    return "\n".join(lines)


def seconds(folder: Path, checks: int, times: int, *, simulated: int) -> tuple[float, float]:
    """The medians of so many runs: on the wall, and of the processor."""
    (folder / "verify.toml").write_text(job_file(checks, simulated=simulated), encoding="utf-8")
    wall, busy = [], []
    for _ in range(times):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([PROGRAM, "run", "-q"], cwd=folder, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.perf_counter() - began)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if done.returncode not in (0, 1, 3):
            sys.exit(done.stderr)
    return statistics.median(wall), statistics.median(busy)


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    os.environ.pop("VERIFY_OFFLINE", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, one, forty in (("events and a simulated day", 1, 10), ("events only", 0, 0)):
            single = seconds(folder, 1, times, simulated=one)
            many = seconds(folder, 40, times, simulated=forty)
            ratios = [b / a for a, b in zip(single, many, strict=True)]
            print(
                f"{title}: 1 check {single[0]:.2f} s ({single[1]:.2f} s of the processor), 40 checks {many[0]:.2f} s"
                f" ({many[1]:.2f} s); ratio {ratios[0]:.2f} ({ratios[1]:.2f}), median of {times}"
            )


if __name__ == "__main__":
    main()
