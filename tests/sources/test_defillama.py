"""DefiLlama: daily sums per protocol, of which only venues are read and no side is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from conformance import Case, conforms, fixture, read

from sources.defillama import SOURCE
from verify.model.errors import SchemaChanged, Suspect

CASES = {
    "liquidations": [
        Case("overview.json", rows=None),
        Case("no_venue.json", expect="empty"),
        Case("contradiction.json", expect=Suspect),
        Case("failed.json", expect=SchemaChanged),
    ]
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
