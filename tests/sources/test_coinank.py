"""CoinAnk: bars of a market at a venue; an answer to another question is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conformance import Case, conforms, read

from sources.adapter import Request
from sources.coinank import SOURCE, SPEC
from verify.model.errors import AuthMissing, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

WINDOW = Window.parse("2026-01-18T20:00Z/PT8H")
ASKED = Request(
    "https://open-api.coinank.com/api/liquidation/history",
    (("exchange", "Binance"), ("symbol", "BTCUSDT"), ("endTime", "1768795200000"), ("size", "9")),
)


def _changed(name: str, value: str) -> Request:
    return replace(ASKED, params=tuple((key, value if key == name else old) for key, old in ASKED.params))


CASES = {
    channel.id: [
        Case("history.json", WINDOW, ASKED, rows="data", amounts=("longTurnover", "shortTurnover"), times=("ts",),
             optional=("shortAmount", "longAmount")),
        Case("no_rows.json", request=ASKED, expect="empty"),
        Case("history.json", request=_changed("symbol", "ETHUSDT"), expect=Suspect),
        Case("history.json", request=_changed("endTime", "1700000000000"), expect=Suspect),
        Case("refused.json", request=ASKED, expect=AuthMissing),
        Case("failed.json", request=ASKED, expect=Unavailable),
    ]
    for channel in SPEC.channels
}  # fmt: skip
test_conformance = conforms(SOURCE, CASES)


def test_turnover_is_that_of_the_liquidated_positions() -> None:
    frame = read(SOURCE, "history_4h", CASES["history_4h"][0])
    first, second = datetime(2026, 1, 18, 20, tzinfo=UTC), datetime(2026, 1, 19, tzinfo=UTC)
    assert frame.select("start", "end", "venue", "asset", "side", "notional_usd").rows() == [
        (first, first + timedelta(hours=4), "binance", "BTC", "long", 250000.5),
        (first, first + timedelta(hours=4), "binance", "BTC", "short", 0.0),
        (second, second + timedelta(hours=4), "binance", "BTC", "long", 61500000.0),
        (second, second + timedelta(hours=4), "binance", "BTC", "short", 1500000.25),
    ]


@pytest.mark.parametrize(("channel", "size"), [("history_1h", "9"), ("history_4h", "3")])
def test_enough_bars_are_asked_for(channel: str, size: str) -> None:
    code = SOURCE.channels[channel]
    assert code.requests is not None
    quantity = Quantity(venues=Scope.of("binance"), assets=Scope.of("BTC"))
    (asked,) = [dict(request.params) for request in code.requests(WINDOW, quantity)]
    assert (asked["symbol"], asked["endTime"], asked["size"]) == ("BTCUSDT", "1768795200000", size)
