"""dYdX: the taker of a liquidation is the liquidated account; paging walks back by height."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Request
from sources.dydx import SOURCE
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
BTC = Request("https://indexer.dydx.trade/v4/trades/perpetualMarket/BTC-USD", (("limit", "1000"),))
CASES = {
    "trades": [
        Case("trades.json", HOUR, BTC, rows="trades", enums=("side", "type"), amounts=("size", "price")),
        Case("ordinary.json", HOUR, BTC, expect="empty"),
        Case("documented.json", HOUR, BTC, expect=SchemaChanged),
        Case("refused.json", HOUR, BTC, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_only_liquidated_trades_count_and_a_sell_liquidated_a_long() -> None:
    frame = read(SOURCE, "trades", CASES["trades"][0])
    assert frame.select("time", "asset", "side", "quantity", "price", "notional_usd", "event_id").rows() == [
        (datetime(2026, 1, 19, 0, 0, 2, tzinfo=UTC), "BTC", "short", 0.25, 92600.0, 23150.0, "t4"),
        (datetime(2026, 1, 19, 0, 0, 3, 250000, UTC), "BTC", "long", 0.5, 92500.0, 46250.0, "t5"),
    ]


def test_the_walk_back_ends_before_the_window() -> None:
    code = SOURCE.channels["trades"]
    assert code.requests is not None
    (first,) = code.requests(HOUR, Quantity(assets=Scope.of("BTC")))
    assert dict(first.params)["createdBeforeOrAt"].startswith("2026-01-19T00:59:59")
    row = json.loads(fixture("dydx", "trades.json"))["trades"][0]
    page = json.dumps({"trades": [row] * 1000}).encode()
    (following,) = code.follow(Payload(first, page, RECEIVED), HOUR, Quantity())
    assert following.params == (("limit", "1000"), ("createdBeforeOrAtHeight", "105"))
    with pytest.raises(Suspect, match="in block 105"):
        code.follow(Payload(following, page, RECEIVED), HOUR, Quantity())
    later = Window.parse("2026-01-19T00:10Z/PT1H")
    assert code.follow(Payload(first, page, RECEIVED), later, Quantity()) == ()
    assert code.follow(Payload(replace(first), fixture("dydx", "trades.json"), RECEIVED), HOUR, Quantity()) == ()


def test_a_time_that_is_none_is_named() -> None:
    body = fixture("dydx", "trades.json").replace(b"2026-01-19T00:00:03.250Z", b"yesterday")
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "trades", CASES["trades"][0], body)
    assert raised.value.field == "createdAt"
