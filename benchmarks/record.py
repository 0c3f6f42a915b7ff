"""How many frames the recorder takes: a server in a process of its own sends, the recorder stores, both are counted.

    python benchmarks/record.py [--rate 20000] [--seconds 60]

Prints frames sent and stored, what was read out of order or missing, the lag of the event loop, and resident memory at
the start and at the end. The aim: 20,000 frames a second over 12 connections for 60 s, none lost, a 99th percentile of
the lag under 250 ms, memory flat. Frames have the venues' forms, and each a number of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing as mp
import random
import re
import shutil
import sqlite3
import tempfile
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

CHANNELS = (
    "aster/force_orders", "binance/usdm", "binance/coinm", "bitfinex/liquidations_stream", "bitget/liquidation_stream",
    "bitmex/liquidation", "deribit/trades_stream", "gate/public_liquidates", "htx/linear_stream", "kraken/trade",
    "okx/liquidation_stream",
)  # fmt: skip
CONNECTIONS = 12  # Gate has two
STEP = 0.02
#: Frames are numbered from here on, so that a number is told from all others in a message.
NUMBER = 700_000_000_000


_ORDER = {"s": "BTCUSDT", "S": "SELL", "q": "0.014", "p": "9910", "ap": "9910", "X": "FILLED", "z": "0.014", "T": 1}
_BINANCE = {"e": "forceOrder", "E": 1568014460893, "o": _ORDER}
_OKX_ROW = {"details": [{"bkPx": "1", "posSide": "long", "side": "sell", "sz": "1", "ts": "1"}], "instId": "A-B-SWAP"}
_TRADE = {"trade_id": "1", "timestamp": 1, "price": 1.0, "direction": "buy", "amount": 1.0, "liquidation": "T"}
#: A message with a liquidation in each venue's form, by the first words of the host.
MESSAGES: dict[str, object] = {
    "fstream": _BINANCE,
    "dstream": _BINANCE,
    "ws.okx": {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [_OKX_ROW]},
    "ws.bitmex": {"table": "liquidation", "action": "insert", "data": [{"orderID": "a", "leavesQty": 1}]},
    "ws.bitget": {"arg": {"topic": "liquidation"}, "action": "update", "data": [{"symbol": "A", "amount": "1"}]},
    "fx-ws": {"channel": "futures.public_liquidates", "event": "update", "result": [{"price": "1", "size": "1"}]},
    "api.hbdm": {"op": "notify", "topic": "public.A.liquidation_orders", "data": [{"volume": 1, "price": 1}]},
    "www.deribit": {"method": "subscription", "params": {"channel": "trades.future.any.100ms", "data": [_TRADE]}},
    "futures.kraken": {"feed": "trade", "type": "liquidation", "qty": 1, "price": 1},
    "api-pub": [916, [["pos", 9003, 1706418100000, None, "tBTCF0:USTF0", -0.5, 40000.0, None, 1, 1, None, 42900]]],
}


def message(host: str) -> tuple[bytes, bytes]:
    """The two parts of a venue's message between which a number goes."""
    content = next(content for start, content in MESSAGES.items() if host.startswith(start))
    text = json.dumps(content)
    if isinstance(content, list):  # the number stands for the position's
        before, _, after = text.partition("9003")
    else:
        before, after = text[:-1] + ', "n": ', "}"
    return before.encode(), after.encode()


def frame(parts: tuple[bytes, bytes], number: int) -> bytes:
    """A message as an unmasked text frame, ready for the wire."""
    body = parts[0] + b"%d" % (NUMBER + number) + parts[1]
    return bytes([0x81, 126]) + len(body).to_bytes(2, "big") + body


def serve_frames(pipe: Connection, rate: int, seconds: float) -> None:
    """The venues: send `rate` frames a second over all connections, and tell how many went out."""
    asyncio.run(_serve(pipe, rate, seconds))


async def _serve(pipe: Connection, rate: int, seconds: float) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    links: list[tuple[ServerConnection, tuple[bytes, bytes]]] = []
    done = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        links.append((socket, message(socket.request.headers["Host"])))
        await done.wait()

    async with serve(handle, "127.0.0.1", 0, ping_interval=None, compression=None) as server:
        pipe.send(next(iter(server.sockets)).getsockname()[1])
        while len(links) < CONNECTIONS:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        began, number = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < seconds:
            due = int(elapsed * rate)
            for index, (link, parts) in enumerate(links):
                mine = b"".join(frame(parts, n) for n in range(number, due) if n % CONNECTIONS == index)
                if mine:
                    link.transport.write(mine)
            number = due
            await asyncio.sleep(STEP)
        while any(link.transport.get_write_buffer_size() for link, _ in links):
            await asyncio.sleep(0.05)
        pipe.send((number, time.monotonic() - began))
        pipe.recv()
        done.set()


async def measure(store: Path, port: int, pipe: Connection) -> tuple[int, float, list[float], list[float]]:
    from sources import registry
    from sources.recorder.log import Log
    from sources.recorder.run import Options, channels_of, record, resident

    stop, lags, memory = asyncio.Event(), [], []
    chosen = channels_of([registry.get(name) for name in sorted({c.partition("/")[0] for c in CHANNELS})], CHANNELS)
    options = Options(hosts={"*": f"http://127.0.0.1:{port}"})
    log = Log(lambda: time.time_ns() // 1000, level="error")

    async def sample() -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.sleep(0.02)
            lags.append(loop.time() - began - 0.02)
            if len(lags) % 50 == 0:
                memory.append(resident() / 1024 / 1024)

    running = asyncio.create_task(record(store, chosen, options, log=log, stop=stop, chance=random.Random(1)))
    sampling = asyncio.create_task(sample())
    while not pipe.poll():
        await asyncio.sleep(0.1)
    sent, seconds = pipe.recv()
    sampling.cancel()
    await asyncio.sleep(2)
    stop.set()
    await running
    pipe.send("done")
    return sent, seconds, lags, memory


def stored(store: Path) -> tuple[int, int, int]:
    """Frames stored, distinct ones, and how many came after a later one of their connection."""
    numbers: dict[int, list[int]] = {}
    count = 0
    for path in store.glob("*.sqlite"):
        with sqlite3.connect(path) as file:
            for link, body in file.execute("SELECT connection, body FROM frames ORDER BY id"):
                if found := re.search(rb"7\d{11}", body):
                    numbers.setdefault(link, []).append(int(found[0]))
                    count += 1
    backwards = sum(a >= b for mine in numbers.values() for a, b in pairwise(mine))
    return count, len({n for mine in numbers.values() for n in mine}), backwards


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=int, default=20_000)
    options.add_argument("--seconds", type=float, default=60.0)
    given = options.parse_args()
    pipe, other = mp.Pipe()
    venues = mp.get_context("spawn").Process(target=serve_frames, args=(other, given.rate, given.seconds))
    venues.start()
    store = Path(tempfile.mkdtemp(prefix="record-"))
    try:
        sent, seconds, lags, memory = asyncio.run(measure(store, pipe.recv(), pipe))
        venues.join()
        count, distinct, backwards = stored(store)
        size = sum(path.stat().st_size for path in store.iterdir()) / 1024 / 1024
    finally:
        shutil.rmtree(store)
    lags.sort()
    steady = memory[len(memory) // 5 :]
    print(f"sent      {sent} frames over {CONNECTIONS} connections in {seconds:.1f} s ({sent / seconds:,.0f} a second)")
    print(
        f"stored    {count} frames, {distinct} distinct, {sent - distinct} lost, {backwards} out of order,"
        f" {size:.0f} MB"
    )
    print(f"loop lag  p50 {_ms(lags, 0.5)}, p99 {_ms(lags, 0.99)}, most {_ms(lags, 1.0)}")
    print(
        f"memory    {memory[0]:.0f} MB at the start, {steady[0]:.0f} MB after a fifth, {steady[-1]:.0f} MB at the end"
    )


def _ms(lags: list[float], share: float) -> str:
    return f"{lags[min(int(len(lags) * share), len(lags) - 1)] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
