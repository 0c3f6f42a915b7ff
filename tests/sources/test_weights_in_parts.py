"""Weights that come in parts are put together, and what cannot be valued is no weight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sources.adapter import Weight, merged_weights

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_dollars_of_several_contracts_of_an_asset_add_up_and_the_latest_time_counts():
    parts = [
        Weight("kraken", "BTC", NOON, 10.0, 1.0, citation="https://docs.kraken.com/"),
        Weight("kraken", "ETH", NOON, 7.0, None),
        Weight("kraken", "BTC", NOON + timedelta(minutes=1), 5.0, None, halved=True),
    ]
    bitcoin, ether = merged_weights(parts)
    assert (bitcoin.open_interest_usd, bitcoin.volume_24h_usd, bitcoin.at) == (15.0, 1.0, NOON + timedelta(minutes=1))
    assert (bitcoin.halved, bitcoin.citation) == (True, "https://docs.kraken.com/")
    assert (ether.asset, ether.open_interest_usd, ether.volume_24h_usd) == ("ETH", 7.0, None)


def test_coins_are_valued_at_the_price_that_came_and_added_to_dollars():
    parts = [
        Weight("kraken", "BTC", NOON, 100.0, None),
        Weight("kraken", "BTC", NOON, None, None, open_interest_coins=2.0),
        Weight("kraken", "BTC", NOON, None, None, price_usd=50.0),
    ]
    [whole] = merged_weights(parts)
    assert whole.open_interest_usd == 200.0


def test_coins_without_a_price_leave_the_whole_unknown_rather_than_too_small():
    parts = [
        Weight("kraken", "BTC", NOON, 100.0, None),
        Weight("kraken", "BTC", NOON, None, None, open_interest_coins=2.0),
    ]
    [whole] = merged_weights(parts)
    assert whole.open_interest_usd is None
    assert whole.open_interest_coins == 2.0


def test_nothing_served_stays_unknown_and_is_not_zero():
    [whole] = merged_weights([Weight("coinex", "LAT", NOON, None, None, price_usd=0.1)])
    assert (whole.open_interest_usd, whole.volume_24h_usd) == (None, None)
    assert merged_weights([]) == []
