"""Aster: what was filled of an order, at the average price."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conformance import Case, conforms, fixture, read

from sources.aster import SOURCE
from verify.model.errors import SchemaChanged, Suspect, Unavailable

_FIELDS = {"enums": ("S", "X"), "amounts": ("q", "z", "ap"), "times": ("T",), "optional": ("o", "f", "p", "l")}
CASES = {
    "force_orders": [
        Case("documented.json", rows="o", **_FIELDS),
        Case("combined.json", rows="data.o", **_FIELDS),
        Case("acknowledged.json", expect="empty"),
        Case("trade.json", expect="empty"),
        Case("refused.json", expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)
COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd")


def test_the_documented_order_liquidated_a_long() -> None:
    (event,) = read(SOURCE, "force_orders", CASES["force_orders"][0]).select(COLUMNS).rows()
    assert event[:6] == (datetime(2019, 9, 9, 7, 34, 20, 893000, UTC), "BTCUSDT", "BTC", "long", 0.014, 9910.0)
    assert event[6] == pytest.approx(138.74)


def test_only_what_was_filled_counts() -> None:
    (event,) = read(SOURCE, "force_orders", CASES["force_orders"][1]).select(COLUMNS).rows()
    assert event[2:] == ("ETH", "short", 1.5, 3200.0, 4800.0)
    unfilled = fixture("aster", "combined.json").replace(b'"z": "1.5"', b'"z": "0"')
    assert read(SOURCE, "force_orders", CASES["force_orders"][1], unfilled).is_empty()
    too_much = fixture("aster", "combined.json").replace(b'"z": "1.5"', b'"z": "2.5"')
    with pytest.raises(Suspect):
        read(SOURCE, "force_orders", CASES["force_orders"][1], too_much)


def test_a_quote_that_is_no_dollar_has_no_value() -> None:
    body = fixture("aster", "combined.json").replace(b"ETHUSDT", b"ETHBTC")
    assert read(SOURCE, "force_orders", CASES["force_orders"][1], body)["notional_usd"].to_list() == [None]


def test_a_message_that_names_nothing_is_refused() -> None:
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "force_orders", CASES["force_orders"][0], b'{"o": {}}')
    assert raised.value.field == "e"
