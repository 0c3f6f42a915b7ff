"""How long a dozen sources take together, as a multiple of the slowest of them alone.

Run `python benchmarks/fetch.py` from the root of the repository. Each source answers three pages with 300 ms of
latency on the loopback, so that one alone takes 0.9 s. Aim: at most 1.3.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import fake_source  # noqa: E402
from fake_source import NOW, ORDERS, WINDOW, page  # noqa: E402
from provider_server import Answer, Ask, ProviderServer  # noqa: E402

from sources.evidence import Recorder  # noqa: E402
from sources.http import fetch_all  # noqa: E402
from sources.jobs import Job  # noqa: E402
from verify.model.quantity import Quantity  # noqa: E402

SOURCES, PAGES, LATENCY, ROUNDS = 12, 3, 0.3, 5
ROWS = 1000
NAMES = [f"order{number}" for number in range(ROWS)]


def served(ask: Ask) -> Answer:
    """One of three pages of a thousand orders."""
    number = int(ask.query.get("cursor", "1"))
    following = str(number + 1) if number < PAGES else ""
    return Answer(page(*NAMES, next=following), latency=LATENCY)


def seconds(server: ProviderServer, jobs: list[Job], *, evidence: bool = False) -> float:
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        recorder = Recorder(Path(folder) / "run.warc.gz", now=NOW) if evidence else None
        outcomes = fetch_all(jobs, now=NOW, environment={}, host_map=server.host_map, recorder=recorder)
        if recorder is not None:
            recorder.close()
        taken = time.perf_counter() - started
    assert all(outcome.failure is None and len(outcome.payloads) == PAGES for outcome in outcomes)
    return taken


def main() -> None:
    names = [f"venue{number}" for number in range(SOURCES)]
    jobs = [Job.for_channel(fake_source.source(name), "orders", WINDOW, Quantity()) for name in names]
    with ProviderServer() as server:
        for name in names:
            server.serve(f"api.{name}.example", ORDERS, served)
        seconds(server, jobs[:1])  # imports and caches
        together = statistics.median(seconds(server, jobs) for _ in range(ROUNDS))
        each = [seconds(server, [job]) for job in jobs]
        alone, in_a_row = statistics.median(each), sum(each)  # they are equal: the median, not the luckiest
        kept = statistics.median(seconds(server, jobs, evidence=True) for _ in range(ROUNDS))
    print(f"{SOURCES} sources x {PAGES} pages of {ROWS} rows, {LATENCY * 1000:.0f} ms each, median of {ROUNDS}")
    print(f"one of them alone      {alone:6.2f} s")
    print(f"all together           {together:6.2f} s   ratio {together / alone:.2f} (aim: at most 1.3)")
    print(f"with an evidence file  {kept:6.2f} s   ratio {kept / alone:.2f}")
    print(f"one after another      {in_a_row:6.2f} s   ratio {in_a_row / alone:.2f}")


if __name__ == "__main__":
    main()
