"""Hyperliquid: the positions that a named account holds now."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Instruments, Payload, Request
from sources.hyperliquid_fills import asset_of
from sources.lazy import pl
from verify.model.errors import Suspect
from verify.model.quantity import Quantity
from verify.model.window import Window

STATE = "hyperliquid/account"
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_INFO = "https://api.hyperliquid.xyz/info"
#: What is asked for now is answered a moment after; an answer later than this is none to the question.
LATE = timedelta(minutes=5)
_THOUSANDS = 1000.0


class _Position(msgspec.Struct, rename="camel"):
    coin: str
    szi: str
    entry_px: str | None
    position_value: str
    unrealized_pnl: str


class _Held(msgspec.Struct):
    position: _Position


class _State(msgspec.Struct, rename="camel"):
    time: int
    asset_positions: list[_Held]


def requests(_window: Window, quantity: Quantity) -> Sequence[Request]:
    """The state of the account that the quantity names by its address; nothing where it names none."""
    if not ADDRESS.fullmatch(quantity.subject):
        return ()
    body = json.dumps({"type": "clearinghouseState", "user": quantity.subject.lower()}, separators=(",", ":")).encode()
    note = f"positions of {quantity.subject}"
    return [Request(_INFO, method="POST", body=body, content_type="application/json", note=note)]


def parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """Per coin: quantity (a short's is negative) in coins; entry price, value and unrealised gain in USD.

    The state is that of the answer's own time, or of the window's last moment where the answer came after it. Raises
    `Suspect` where it came more than minutes after.
    """
    state = build.decode(_State, payload.body, STATE)
    at = build.times([state.time], unit="ms", field="time", source=STATE)[0]
    if at - window.end > LATE:
        raise Suspect(f"the state is that of {at:%Y-%m-%d %H:%M}, long after the window", source=STATE)
    at = min(at, window.end - timedelta(microseconds=1))
    positions = [held.position for held in state.asset_positions]
    if not positions:
        return build.no_series()
    user = str(json.loads(payload.request.body or b"{}").get("user", ""))
    coins = [position.coin for position in positions]
    names = [asset_of(coin) for coin in coins]
    # `kPEPE` counts thousands, at the price of a thousand.
    scale = pl.Series([_THOUSANDS if _is_scaled(coin) else 1.0 for coin in coins])
    wire = {
        "quantity": scale * build.numbers([p.szi for p in positions], field="szi", source=STATE),
        "entry_price": build.amounts([p.entry_px for p in positions], field="entryPx", source=STATE, nullable=True)
        / scale,
        "position_value": build.amounts([p.position_value for p in positions], field="positionValue", source=STATE),
        "unrealised_gain": build.numbers([p.unrealized_pnl for p in positions], field="unrealizedPnl", source=STATE),
    }
    table = pl.DataFrame({"asset": names, **wire}).unpivot(index="asset", variable_name="field", value_name="value")
    table = table.filter(pl.col("value").is_not_null()).with_columns(
        start=pl.lit(at, dtype=pl.Datetime("us", "UTC")),
        end=pl.lit(at, dtype=pl.Datetime("us", "UTC")),
        unit=pl.when(pl.col("field") == "quantity").then("asset").otherwise(pl.lit("USD")),
    )
    return build.series(table, source=STATE, window=window, metric="holding", subject=user)


def _is_scaled(coin: str) -> bool:
    return coin[:1] == "k" and coin[1:].isupper()


def control() -> Request:
    """The state of the address of nobody, which is always answered."""
    return requests(Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)), _NOBODY)[0]


def alive(payload: Payload) -> bool:
    return build.decode(_State, payload.body, STATE).time > 0


_NOBODY = Quantity(subject="0x" + "0" * 40)
