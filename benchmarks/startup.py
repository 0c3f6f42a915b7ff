"""Seconds until `verify --help` (stated ceiling: 0.15 s) and the main command offline (1.5 s) have ended.

Each runs as a process of its own, beside a bare `python -c pass`; medians of seven runs are printed. Run it with
`python benchmarks/startup.py`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

RUNS = 7
_VERIFY = (sys.executable, "-c", "from verify.cli import main; main()")
_WINDOW = "2026-01-18T22:30Z/2026-01-19T02:30Z"
COMMANDS: tuple[tuple[str, float | None, tuple[str, ...]], ...] = (
    ("python -c pass", None, (sys.executable, "-c", "pass")),
    ("verify --help", 0.15, (*_VERIFY, "--help")),
    (
        "the main command, offline",
        1.5,
        (*_VERIFY, "liquidations", "--offline", "--window", _WINDOW, "--side", "long", "--claim", "$750M"),
    ),
)
_SUCCESS = {0, 1}  # 1 is the verdict `differs`


def seconds(command: tuple[str, ...]) -> float:
    """The median wall-clock time of the command."""
    taken = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        taken.append(time.perf_counter() - begun)
        if done.returncode not in _SUCCESS:
            raise SystemExit(f"{' '.join(command)} failed: {done.stderr}")
    return median(taken)


def main() -> None:
    for title, ceiling, command in COMMANDS:
        value = seconds(command)
        against = ""
        if ceiling is not None:
            against = f" ({'within' if value <= ceiling else 'OVER'} the ceiling of {ceiling:g} s)"
        print(f"{title}: {value:.3f} s{against}")


if __name__ == "__main__":
    main()
