"""How fast payloads become validated frames: 200,000 rows of Gate and 200,000 details of OKX, one core.

    python benchmarks/parse.py

Prints events per second of CPU time (best of nine) beside the bare `msgspec` decode of the same bytes, which is the
ceiling. The aim is 500,000 events per second and core. Rows are made by a seeded generator in the providers' formats.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # before polars is imported: the figure is per core

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from sources import gate, okx
from sources.adapter import Instrument, Payload, Request
from sources.build import decode
from sources.gate_markets import Refusal
from verify.model.window import Window

EVENTS = 200_000
ROUNDS = 9
AIM = 500_000
START = 1_768_780_800  # 2026-01-19T00:00Z
HOUR = Window(datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + 3600, UTC))
COINS = [f"C{number}" for number in range(300)]


def gate_rows(chance: random.Random) -> bytes:
    rows = []
    for _ in range(EVENTS):
        size = chance.randint(1, 50_000) * chance.choice((-1, 1))
        price = round(chance.uniform(0.5, 90_000), 2)
        rows.append(
            {
                "time": START + chance.randrange(3600),
                "contract": f"{chance.choice(COINS)}_USDT",
                "size": size,
                "order_size": -size,
                "order_price": str(price),
                "fill_price": str(round(price * 1.003, 2)),
                "left": 0,
            }
        )
    return json.dumps(rows).encode()


def okx_rows(chance: random.Random) -> bytes:
    data = []
    for number in range(EVENTS // 100):
        details = []
        for _ in range(100):
            long = chance.random() < 0.5
            details.append(
                {
                    "bkLoss": "0",
                    "bkPx": str(round(chance.uniform(0.5, 90_000), 2)),
                    "ccy": "",
                    "posSide": "long" if long else "short",
                    "side": "sell" if long else "buy",
                    "sz": str(chance.randint(1, 9_000)),
                    "ts": str(START * 1000 + chance.randrange(3_600_000)),
                }
            )
        coin = COINS[number % len(COINS)]
        data.append(
            {"details": details, "instFamily": f"{coin}-USDT", "instId": f"{coin}-USDT-SWAP", "instType": "SWAP"}
        )
    return json.dumps({"code": "0", "msg": "", "data": data}).encode()


def best(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest of `ROUNDS` runs, so that a busy machine counts less."""
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def main() -> None:
    chance = random.Random(20260119)
    request = Request("https://example.invalid/")
    made = {
        "gate/liq_orders": (gate, gate_rows(chance), "_USDT", gate_decode),
        "okx/liquidation_orders": (okx, okx_rows(chance), "-USDT-SWAP", okx_decode),
    }
    print(f"{'channel':<26}{'events/s':>12}{'bare decode/s':>16}{'share':>8}")
    for name, (adapter, body, suffix, bare) in made.items():
        known = {coin + suffix: Instrument(adapter.SPEC.id, coin + suffix, coin, 0.01) for coin in COINS}
        payload = Payload(request, body, HOUR.end)
        count = adapter.parse(payload, HOUR, known).height
        assert count == EVENTS, f"{name}: {count} of {EVENTS} events came out"
        whole, ceiling = (
            best(lambda a=adapter, p=payload, k=known: a.parse(p, HOUR, k)),
            best(lambda b=bare, t=body: b(t)),
        )
        speed = EVENTS / whole
        print(f"{name:<26}{speed:>12,.0f}{EVENTS / ceiling:>16,.0f}{ceiling / whole:>8.0%}")
        print(f"{'':<26}{'reached' if speed >= AIM else 'missed'}: the aim is {AIM:,} events per second and core")


def gate_decode(body: bytes) -> object:
    return decode(list[gate.Order] | Refusal, body, "bench", lax=True)


class _Okx(msgspec.Struct):
    data: list[okx.Item]


def okx_decode(body: bytes) -> object:
    return decode(_Okx, body, "bench", lax=True)


if __name__ == "__main__":
    main()
