"""Coinalyze: the markets of an asset at a venue add up; a key's calls per minute are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Instrument, Payload, Request
from sources.coinalyze import SOURCE, SPEC
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

_URL = "https://api.coinalyze.net/v1/liquidation-history"
WINDOW = Window.parse("2026-01-18T18:00Z/PT12H")


def _asked(start: int, end: int, symbols: str = "BTCUSDT_PERP.A,BTCUSD_PERP.A") -> Request:
    return Request(_URL, (("symbols", symbols), ("from", str(start)), ("to", str(end)), ("convert_to_usd", "true")))


TWICE_SIX_HOURS = _asked(1768759200, 1768802399)
_ROWS = {"rows": "*.history", "amounts": ("l", "s"), "times": ("t",)}


def _cases() -> list[Case]:
    return [
        Case("history.json", WINDOW, TWICE_SIX_HOURS, **_ROWS),
        Case("history_documented.json", request=_asked(1735686000, 1735689599), **_ROWS),
        Case("history_documented.json", request=TWICE_SIX_HOURS, expect=Suspect),
        Case("history.json", request=_asked(1768759200, 1768802399, "ETHUSDT_PERP.A"), expect=Suspect),
        Case("no_rows.json", request=TWICE_SIX_HOURS, expect="empty"),
        Case("refused.json", request=TWICE_SIX_HOURS, expect=Unavailable, status=400),
    ]


CASES = {channel.id: _cases() for channel in SPEC.channels}
test_conformance = conforms(SOURCE, CASES)


def test_the_markets_of_an_asset_at_a_venue_add_up() -> None:
    frame = read(SOURCE, "liquidations_6hour", CASES["liquidations_6hour"][0])
    first, second = datetime(2026, 1, 18, 18, tzinfo=UTC), datetime(2026, 1, 19, tzinfo=UTC)
    assert frame.select("start", "end", "venue", "asset", "side", "notional_usd").rows() == [
        (first, first + timedelta(hours=6), "binance", "BTC", "long", 1000000.5),
        (first, first + timedelta(hours=6), "binance", "BTC", "short", 20000.25),
        (second, second + timedelta(hours=6), "binance", "BTC", "long", 70000000.0),
        (second, second + timedelta(hours=6), "binance", "BTC", "short", 1500000.0),
    ]


def test_markets_name_venue_and_asset_and_unknown_venues_are_left_out() -> None:
    assert SOURCE.parse_instruments is not None
    found = SOURCE.parse_instruments(Payload(Request(_URL), fixture("coinalyze", "markets.json"), RECEIVED))
    assert {name: (item.venue, item.asset) for name, item in found.items()} == {
        "BTCUSDT_PERP.A": ("binance", "BTC"),
        "BTCUSD_PERP.A": ("binance", "BTC"),
        "BTCUSDT.6": ("bybit", "BTC"),
        "1000PEPEUSDT_PERP.A": ("binance", "PEPE"),
    }


def test_one_request_holds_all_markets_of_an_asset_at_a_venue() -> None:
    code = SOURCE.channels["liquidations_4hour"]
    assert code.requests_for is not None
    assert SOURCE.parse_instruments is not None
    known = SOURCE.parse_instruments(Payload(Request(_URL), fixture("coinalyze", "markets.json"), RECEIVED))
    window = Window.parse("2026-01-18T22:30Z/PT4H")
    asked = [dict(r.params) for r in code.requests_for(known, window, Quantity(assets=Scope.of("BTC")))]
    assert [p["symbols"] for p in asked] == ["BTCUSDT_PERP.A,BTCUSD_PERP.A", "BTCUSDT.6"]
    assert {(p["from"], p["to"]) for p in asked} == {("1768766400", "1768795199")}  # 20:00 to 04:00


def test_no_more_markets_are_asked_for_than_a_key_may_in_a_minute() -> None:
    code = SOURCE.channels["liquidations_1hour"]
    assert code.requests_for is not None
    names = [f"COIN{n}USDT_PERP.A" for n in range(100)]
    known = {name: Instrument("binance", name, name[: name.index("USDT")], None) for name in names}
    quantity = Quantity(assets=Scope.of(*(item.asset for item in known.values())))
    asked = code.requests_for(known, WINDOW, quantity)
    assert sum(len(dict(r.params)["symbols"].split(",")) for r in asked) == 39


def test_a_symbol_of_an_unknown_venue_is_refused_by_name() -> None:
    body = fixture("coinalyze", "history_documented.json").replace(b"_PERP.A", b"_PERP.Q")
    request = _asked(1735686000, 1735689599, "BTCUSDT_PERP.Q")
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "liquidations_1hour", Case("history_documented.json", request=request), body)
    assert raised.value.field == "symbol"
