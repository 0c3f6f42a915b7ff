"""Lighter: the taker of a liquidation is the liquidated account."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance import Case, conforms, read

from sources.lighter import SOURCE
from verify.model.errors import Suspect, Unavailable

_ROW = {"enums": ("type",), "amounts": ("size", "price", "usd_amount"), "times": ("timestamp",)}
_ROW |= {"optional": ("tx_hash",), "instruments": "markets.json"}
CASES = {
    "trades": [
        Case("liquidations.json", rows="liquidation_trades", **_ROW),
        Case("ordinary.json", expect="empty"),
        Case("connected.json", expect="empty"),
        Case("contradiction.json", expect=Suspect),
        Case("refused.json", expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_where_the_maker_asks_a_short_was_liquidated() -> None:
    frame = read(SOURCE, "trades", CASES["trades"][0])
    assert frame.select("time", "asset", "side", "quantity", "price", "notional_usd", "event_id").rows() == [
        (datetime(2026, 1, 19, 0, 0, 0, 100000, UTC), "BTC", "long", 0.5, 92500.0, 46250.0, "2"),
        (datetime(2026, 1, 19, 0, 0, 1, 100000, UTC), "ETH", "short", 1.5, 3200.0, 4800.0, "3"),
    ]


def test_a_market_that_is_not_in_the_list_keeps_its_number() -> None:
    frame = read(SOURCE, "trades", Case("liquidations.json"))
    assert set(frame["asset"]) == {"MARKET 0", "MARKET 1"}
