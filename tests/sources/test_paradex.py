"""Paradex: liquidations among the trades; a cursor is sent alone."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload
from sources.paradex import SOURCE
from verify.model.errors import Unavailable
from verify.model.quantity import Quantity
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
CASES = {
    "trades": [
        Case(
            "trades.json",
            HOUR,
            rows="results",
            enums=("side", "trade_type"),
            amounts=("price", "size"),
            times=("created_at",),
        ),
        Case("none.json", HOUR, expect="empty"),
        Case("refused.json", HOUR, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_a_taker_who_sells_was_long_and_only_perpetuals_count() -> None:
    frame = read(SOURCE, "trades", CASES["trades"][0])
    assert frame.select("time", "asset", "side", "quantity", "price", "notional_usd", "event_id").rows() == [
        (datetime(2026, 1, 19, 0, 0, 0, 100000, UTC), "BTC", "long", 0.5, 92500.0, 46250.0, "1"),
        (datetime(2026, 1, 19, 0, 0, 1, 100000, UTC), "ETH", "short", 1.5, 3200.0, 4800.0, "2"),
    ]


def test_a_cursor_is_followed_alone_until_there_is_none() -> None:
    code = SOURCE.channels["trades"]
    assert code.requests is not None
    (first,) = code.requests(HOUR, Quantity())
    assert dict(first.params)["trade_type"] == "LIQUIDATION"
    (following,) = code.follow(Payload(first, fixture("paradex", "trades.json"), RECEIVED), HOUR, Quantity())
    assert following.params == (("cursor", "cursor-of-page-2"),)
    assert code.follow(Payload(following, fixture("paradex", "none.json"), RECEIVED), HOUR, Quantity()) == ()
