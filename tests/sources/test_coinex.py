"""CoinEx: coins at the bankruptcy price, a market's name with a space before it, pages until there is no next."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Instrument, Payload, Request, merged_weights
from sources.build import merge
from sources.coinex import SOURCE
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

ROW = {
    "rows": "data",
    "enums": ("side",),
    "amounts": ("liq_price", "liq_amount", "bkr_price"),
    "times": ("created_at",),
    "instruments": "market_more.json",
}
DOCUMENTED = Case("liquidation_history_documented.json", "2023-08-08", **ROW)
FIRST = Case("liquidation_history_page1.json", "2026-05-21", **ROW)
SECOND = Case("liquidation_history_page2.json", "2026-05-21", **ROW)
INVERSE = Case("liquidation_history_inverse.json", "2026-05-21", **ROW)

test_conformance = conforms(
    SOURCE,
    {
        "history": [
            DOCUMENTED,
            FIRST,
            SECOND,
            INVERSE,
            Case("liquidation_history_empty.json", expect="empty"),
            Case("liquidation_history_endless.json", expect=Suspect),
            Case("error_rate.json", expect=RateLimited),
            Case("error_service.json", expect=Unavailable),
        ]
    },
)

COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd")


def test_the_documented_longs_are_coins_at_the_bankruptcy_price_of_a_market_without_the_space():
    first, second = read(SOURCE, "history", DOCUMENTED).select(COLUMNS).rows()
    assert first[:4] == (datetime(2023, 8, 8, 8, 14, 11, tzinfo=UTC), "LATUSDT", "LAT", "long")
    assert first[4:] == pytest.approx((184_378_262.0, 0.009038, 1_666_410.731956))
    assert second[:4] == (datetime(2023, 8, 8, 8, 20, 29, tzinfo=UTC), "LATUSDT", "LAT", "long")
    assert second[4:] == pytest.approx((375_947_238.0, 0.009016, 3_389_540.297808))


def test_a_row_that_slipped_to_the_next_page_counts_once():
    frame = merge([read(SOURCE, "history", FIRST), read(SOURCE, "history", SECOND)])
    assert frame.select("time", "side").rows() == [
        (datetime(2026, 5, 21, 1, 14, 10, tzinfo=UTC), "long"),
        (datetime(2026, 5, 21, 1, 15, tzinfo=UTC), "long"),
        (datetime(2026, 5, 21, 1, 15, 51, 293000, tzinfo=UTC), "short"),
    ]
    assert frame["notional_usd"].to_list() == pytest.approx([153.8, 38_400.0, 981.98125])
    assert frame["quantity"].to_list() == [0.002, 0.5, 0.0125]


def test_an_inverse_market_and_one_that_is_not_listed_have_no_value():
    [row] = read(SOURCE, "history", INVERSE).select(COLUMNS).rows()
    assert row == (datetime(2026, 5, 21, 1, 15, tzinfo=UTC), "BTCUSD", "BTC", "long", None, 76800.0, None)
    unknown = read(SOURCE, "history", Case(DOCUMENTED.fixture, "2023-08-08"))
    assert (unknown["notional_usd"].null_count(), unknown["asset"][0]) == (2, "LAT")


WINDOW = Window.parse("2026-01-19T00:00Z/2026-01-19T04:00Z")
CODE = SOURCE.channels["history"]


def payload(name: str, path: str) -> Payload:
    return Payload(Request(f"https://api.coinex.com/v2/futures/{path}"), fixture("coinex", name), RECEIVED)


def instruments() -> dict[str, Instrument]:
    assert SOURCE.parse_instruments is not None
    return SOURCE.parse_instruments(payload("market_more.json", "market"))


def test_linear_markets_are_asked_for_by_asset_and_all_of_them_once_they_are_known():
    assert CODE.requests is not None
    assert CODE.requests_for is not None
    [bitcoin] = CODE.requests(WINDOW, Quantity(assets=Scope.of("BTC")))
    assert bitcoin.params == (
        ("market", "BTCUSDT"),
        ("start_time", "1768780800000"),
        ("end_time", "1768795200000"),
        ("page", "1"),
        ("limit", "100"),
    )
    assert len(CODE.requests(WINDOW, Quantity())) == 12
    asked = CODE.requests_for(instruments(), WINDOW, Quantity())
    assert [request.note for request in asked] == ["BTCUSD", "BTCUSDT", "LATUSDT", "OLDUSDT"]


def test_the_next_page_is_asked_for_until_there_is_none():
    assert CODE.requests is not None
    [first] = CODE.requests(WINDOW, Quantity(assets=Scope.of("BTC")))
    [second] = CODE.follow(Payload(first, fixture("coinex", FIRST.fixture), RECEIVED), WINDOW, Quantity())
    assert dict(second.params) == dict(first.params) | {"page": "2"}
    assert CODE.follow(Payload(second, fixture("coinex", SECOND.fixture), RECEIVED), WINDOW, Quantity()) == ()


def test_an_answer_that_does_not_say_whether_it_goes_on_is_refused():
    with pytest.raises(SchemaChanged, match="goes on"):
        read(SOURCE, "history", FIRST, b'{"code":0,"data":[],"message":"OK"}')


def test_markets_count_coins_if_they_are_linear():
    found = instruments()
    assert found["BTCUSDT"] == Instrument("coinex", "BTCUSDT", "BTC", 1.0)
    assert (found["BTCUSD"].size, found["BTCUSD"].inverse) == (None, True)
    assert SOURCE.parse_instruments is not None
    assert set(SOURCE.parse_instruments(payload("market_documented.json", "market"))) == {"BTCUSDT"}


def test_coins_of_the_markets_and_the_price_of_the_tickers_make_one_weight():
    assert SOURCE.parse_weights is not None
    parts = [
        *SOURCE.parse_weights(payload("market_more.json", "market"), instruments()),
        *SOURCE.parse_weights(payload("ticker_documented.json", "ticker"), instruments()),
    ]
    found = {weight.asset: weight for weight in merged_weights(parts)}
    assert set(found) == {"BTC", "LAT", "OLD"}
    assert found["LAT"].open_interest_usd == pytest.approx(1000 * 0.008158)
    assert found["LAT"].volume_24h_usd == 6689.21644207
    assert (found["BTC"].open_interest_usd, found["BTC"].open_interest_coins) == (None, 100.0)
    assert not found["LAT"].halved


def test_nothing_is_asked_of_a_past_time():
    assert SOURCE.weight_requests is not None
    assert SOURCE.weight_requests(Quantity(), datetime(2026, 1, 19, tzinfo=UTC)) == []
