"""DVOL: bars of implied volatility in per cent a year, page by page back in time."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance import Case, conforms, fixture, read

from sources.adapter import Payload
from sources.deribit_dvol import SOURCE
from verify.model.errors import Unavailable
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.window import Window

DAYS = "2023-01-01/2026-01-20"
BTC = Quantity(METRICS["implied_volatility"], assets=Scope.of("BTC"))
REQUESTS = SOURCE.channels["history"].requests
assert REQUESTS is not None
REQUEST = REQUESTS(Window.parse(DAYS), BTC)[0]
PLACES = {"amounts": (1, 2, 3, 4), "times": (0,)}
CASES = {
    "history": [
        Case("history.json", DAYS, REQUEST, quantity=BTC, rows="result.data", **PLACES),
        Case("more.json", DAYS, REQUEST, quantity=BTC, rows="result.data", **PLACES),
        Case("empty.json", DAYS, REQUEST, quantity=BTC, expect="empty"),
        Case("error.json", DAYS, REQUEST, quantity=BTC, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_a_day_has_its_levels_in_per_cent() -> None:
    frame = read(SOURCE, "history", CASES["history"][0])
    close = frame.filter(field="close", start=datetime(2026, 1, 19, tzinfo=UTC)).row(0, named=True)
    assert (close["value"], close["unit"], close["asset"], close["metric"]) == (
        44.1, "percent", "BTC", "implied_volatility",
    )  # fmt: skip


def test_what_is_left_over_is_asked_for_again() -> None:
    page = Payload(REQUEST, fixture("deribit_dvol", "more.json"), datetime(2026, 1, 20, tzinfo=UTC))
    follow = SOURCE.channels["history"].follow
    (request,) = follow(page, Window.parse(DAYS), BTC)
    assert dict(request.params) == {**dict(REQUEST.params), "end_timestamp": "1768694400000"}


def test_both_indices_are_asked_for_where_no_asset_is_named() -> None:
    assert REQUESTS is not None
    asked = REQUESTS(Window.parse(DAYS), Quantity(METRICS["implied_volatility"]))
    assert [dict(request.params)["currency"] for request in asked] == ["BTC", "ETH"]
    assert REQUESTS(Window.parse(DAYS), Quantity(METRICS["implied_volatility"], assets=Scope.of("SOL"))) == []
