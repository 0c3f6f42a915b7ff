"""Orderly: each leg of a liquidated account is an event; its pages end with a short one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload
from sources.orderly import SOURCE
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity
from verify.model.window import Window

HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
CODE = SOURCE.channels["liquidated_positions"]
LEG = "data.rows.*.positions_by_perp"
_FEES = ("position_qty", "liquidator_fee", "insurance_fund_fee")
CASES = {
    "liquidated_positions": [
        Case(
            "liquidated.json",
            HOUR,
            rows="data.rows",
            optional=("transfer_amount_to_insurance_fund",),
            enums=("type",),
            times=("timestamp",),
        ),
        Case(
            "liquidated.json",
            HOUR,
            rows=LEG,
            optional=_FEES,
            amounts=("cost_position_transfer", "transfer_price"),
            signed=("cost_position_transfer",),
        ),
        Case("documented.json", expect="empty"),
        Case("empty.json", HOUR, expect="empty"),
        Case("refused.json", HOUR, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_the_sign_of_what_was_transferred_is_the_side_of_the_position() -> None:
    frame = read(SOURCE, "liquidated_positions", CASES["liquidated_positions"][0])
    assert frame.select("time", "asset", "side", "notional_usd").rows() == [
        (datetime(2026, 1, 19, 0, 0, 1, tzinfo=UTC), "SOL", "long", 1330.0),
        (datetime(2026, 1, 19, 0, 0, 5, tzinfo=UTC), "ETH", "long", 245.709706),
        (datetime(2026, 1, 19, 0, 0, 5, tzinfo=UTC), "BTC", "short", 9250.0),
    ]
    assert frame["quantity"].to_list() == [10.0, pytest.approx(0.0914), pytest.approx(0.1)]


def test_pages_are_asked_for_until_a_short_one() -> None:
    assert CODE.requests is not None
    (first,) = CODE.requests(HOUR, Quantity())
    assert ("start_t", "1768780800000") in first.params
    assert ("end_t", "1768784399999") in first.params
    body = json.loads(fixture("orderly", "liquidated.json"))
    body["data"]["rows"] *= 50
    (second,) = CODE.follow(Payload(first, json.dumps(body).encode(), RECEIVED), HOUR, Quantity())
    assert dict(second.params) == {**dict(first.params), "page": "2"}
    assert not CODE.follow(Payload(second, fixture("orderly", "liquidated.json"), RECEIVED), HOUR, Quantity())
    body["data"] = {"rows": body["data"]["rows"][:60], "meta": {"records_per_page": 60}}
    assert CODE.follow(Payload(first, json.dumps(body).encode(), RECEIVED), HOUR, Quantity()), "a page is what it says"


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"PERP_SOL_USDC", b"SPOT_SOL_USDC", SchemaChanged),
        (b"PERP_SOL_USDC", b"PERP_SOL_EUR", SchemaChanged),
        (b'"transfer_price": 133.0', b'"transfer_price": 0', Suspect),
    ],
)
def test_what_cannot_be_valued_is_refused(old: bytes, new: bytes, kind: type[Exception]) -> None:
    body = fixture("orderly", "liquidated.json").replace(old, new)
    with pytest.raises(kind):
        read(SOURCE, "liquidated_positions", CASES["liquidated_positions"][0], body)
