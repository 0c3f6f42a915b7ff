"""How fast node fills are read, beside bare decompression and JSON decoding as the ceiling, and with what memory.

    python benchmarks/hyperliquid_fills.py [fills]

Simulated blocks of 40 fills in the documented form; one trade in ten is a liquidation, or all of them with --all.
Seconds are those of the processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lz4.frame
import msgspec

from sources.hyperliquid_fills import read_files
from verify.model.window import Window

START = datetime(2026, 1, 19, tzinfo=UTC)
TRADES = 20


def write(path: Path, fills: int, every: int) -> int:
    """Write about `fills` fills and return how many trades are liquidations."""
    liquidated, trade = 0, 0
    with lz4.frame.open(path, "wb") as file:
        for block in range(fills // (2 * TRADES)):
            events = []
            for _ in range(TRADES):
                trade += 1
                events += pair(trade, trade % every == 0)
                liquidated += trade % every == 0
            line = {"local_time": "2026-01-19T00:00:00", "block_time": "2026-01-19T00:00:00", "block_number": block}
            file.write(json.dumps(line | {"events": events}, separators=(",", ":")).encode() + b"\n")
    return liquidated


def pair(trade: int, liquidation: bool) -> list[list[object]]:
    """Both legs of a trade."""
    seller, buyer = f"0x{trade % 5000:040x}", f"0x{trade % 7919 + 10_000:040x}"
    both: dict[str, object] = {"coin": "BTC", "px": f"{92_500 - trade % 900}.0", "sz": "0.5", "tid": trade}
    both |= {"time": 1768780800000 + trade, "hash": f"0x{0:064x}", "closedPnl": "-12.5", "oid": trade * 3}
    both |= {"fee": "0.01", "cloid": None, "feeToken": "USDC", "twapId": None}
    if liquidation:
        both["liquidation"] = {"liquidatedUser": seller, "markPx": "92500.0", "method": "market"}
    sells = both | {"side": "A", "dir": "Close Long", "startPosition": "2.0", "crossed": True}
    return [
        [seller, sells],
        [buyer, both | {"side": "B", "dir": "Open Long", "startPosition": "0.0", "crossed": False}],
    ]


def ceiling(path: Path) -> float:
    """Processor seconds for decompressing and decoding every line into plain objects."""
    began = time.process_time()
    with lz4.frame.open(path, "rb") as file:
        for line in file:
            msgspec.json.decode(line)
    return time.process_time() - began


def main() -> None:
    fills = int(next((word for word in sys.argv[1:] if word.isdigit()), "1000000"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.lz4"
        liquidated = write(path, fills, 1 if "--all" in sys.argv else 10)
        size = path.stat().st_size / 1e6
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.process_time()
        legs = sum(frame.height for frame in read_files([path], Window(START, START + timedelta(hours=1))))
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = ceiling(path)
    assert legs == liquidated, (legs, liquidated)
    print(f"{fills} fills in {size:.0f} MB, {liquidated} liquidated legs, each found once")
    print(f"read_files: {seconds:.2f} s, {fills / seconds:,.0f} fills/s; peak {peak:.0f} MB (before: {before:.0f} MB)")
    print(f"bare decompress and decode: {bare:.2f} s, {fills / bare:,.0f} fills/s")


if __name__ == "__main__":
    main()
