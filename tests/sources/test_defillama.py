"""DefiLlama: daily sums per protocol, of which only venues are read and no side is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Request
from sources.defillama import SOURCE
from verify.model.errors import SchemaChanged, Suspect
from verify.model.quantity import Quantity, Scope

CASES = {
    "liquidations": [
        Case("overview.json", rows=None),
        Case("no_venue.json", expect="empty"),
        Case("contradiction.json", expect=Suspect),
        Case("failed.json", expect=SchemaChanged),
    ],
    "open_interest": [
        Case("open_interest.json", rows=None),
        Case("failed.json", expect=SchemaChanged),
    ],
}
test_conformance = conforms(SOURCE, CASES)


def test_a_protocol_that_is_a_venue_has_a_bar_of_both_sides() -> None:
    frame = read(SOURCE, "liquidations", CASES["liquidations"][0])
    day = datetime(2026, 1, 19, tzinfo=UTC)
    assert frame.select("start", "end", "venue", "asset", "side", "notional_usd").rows() == [
        (day, day + timedelta(days=1), "hyperliquid", "all", "both", 240000000.5)
    ]
    assert "liquidations" not in SOURCE.spec.channel("liquidations").metrics, "one-sided or two-sided is not known"


@pytest.mark.parametrize("change", [{"usd": -1.0}, {"day": 1768780800000}])
def test_money_below_zero_and_times_in_another_unit_are_refused(change: dict[str, float]) -> None:
    body = json.loads(fixture("defillama", "overview.json"))
    day = int(change.get("day", 1768780800))
    body["totalDataChartBreakdown"] = [[day, {"Hyperliquid Perps": change.get("usd", 1.0)}]]
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "liquidations", CASES["liquidations"][0], json.dumps(body).encode())
    assert raised.value.field == "totalDataChartBreakdown"


def test_open_interest_is_one_sided_and_a_protocol_that_is_no_venue_keeps_its_name() -> None:
    frame = read(SOURCE, "open_interest", CASES["open_interest"][0])
    day = datetime(2026, 1, 19, tzinfo=UTC)
    assert frame.filter(frame["start"] == day).select("subject", "value", "unit").rows() == [
        ("hyperliquid", 9.0e9, "USD"),
        ("lighter", 1.0e9, "USD"),
        ("Unheard Of", 5.0e8, "USD"),
    ]


def test_the_latest_day_weighs_venues_and_single_coins_and_the_past_are_not_asked_for() -> None:
    assert SOURCE.parse_weights is not None
    assert SOURCE.weight_requests is not None
    answer = Payload(Request("https://api.llama.fi/"), fixture("defillama", "open_interest.json"), RECEIVED)
    told = [(w.venue, w.asset, w.open_interest_usd, w.halved) for w in SOURCE.parse_weights(answer, {})]
    assert told == [("hyperliquid", "all", 9.0e9, False), ("lighter", "all", 1.0e9, True)]
    assert not SOURCE.weight_requests(Quantity(assets=Scope.of("BTC")), None)
    assert not SOURCE.weight_requests(Quantity(), RECEIVED)
