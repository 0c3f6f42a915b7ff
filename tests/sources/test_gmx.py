"""GMX: dollars with thirty decimals, markets by address, GraphQL errors inside HTTP 200."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload
from sources.gmx import SOURCE
from verify.model.errors import Suspect, Unavailable
from verify.model.quantity import Quantity
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
CASES = {
    "trade_actions": [
        Case(
            "actions.json",
            HOUR,
            rows="data.tradeActions",
            instruments="markets.json",
            amounts=("sizeDeltaUsd",),
            times=("timestamp",),
            optional=("transactionHash",),
        ),
        Case("none.json", HOUR, expect="empty"),
        Case("created.json", HOUR, expect=Suspect),
        Case("refused.json", HOUR, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_dollars_have_thirty_decimals_and_an_unknown_market_keeps_its_address() -> None:
    frame = read(SOURCE, "trade_actions", CASES["trade_actions"][0])
    assert frame.select("time", "asset", "side", "notional_usd", "event_id").rows() == [
        (datetime(2026, 1, 19, 0, 0, tzinfo=UTC), "BTC", "long", pytest.approx(125000.5), "0x1:1"),
        (datetime(2026, 1, 19, 0, 1, tzinfo=UTC), "ETH", "short", pytest.approx(3200.0), "0x2:1"),
        (datetime(2026, 1, 19, 0, 2, tzinfo=UTC), "0X" + "9" * 40, "long", pytest.approx(10.0), "0x3:1"),
    ]


def test_the_window_is_asked_for_in_whole_seconds_and_full_pages_go_on() -> None:
    code = SOURCE.channels["trade_actions"]
    assert code.requests is not None
    (first,) = code.requests(HOUR, Quantity())
    query = json.loads(first.body or b"")["query"]
    assert "orderType_eq:7" in query
    assert 'eventName_eq:"OrderExecuted"' in query
    assert "timestamp_gte:1768780800, timestamp_lte:1768784399" in query
    body = json.loads(fixture("gmx", "actions.json"))
    body["data"]["tradeActions"] *= 167
    page = json.dumps(body).encode()
    (following,) = code.follow(Payload(first, page, RECEIVED), HOUR, Quantity())
    assert "offset:500" in json.loads(following.body or b"")["query"]
    assert code.follow(Payload(first, fixture("gmx", "actions.json"), RECEIVED), HOUR, Quantity()) == ()
