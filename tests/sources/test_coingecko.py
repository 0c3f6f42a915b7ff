"""CoinGecko: open interest in Bitcoin, which weighs only those venues that nobody nearer speaks for."""

from __future__ import annotations

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Source, merged_weights
from sources.bybit import SOURCE as BYBIT
from sources.coingecko import SOURCE, venue_of
from sources.collect import weights
from sources.defillama import SOURCE as DEFILLAMA
from sources.jobs import Job, Outcome
from verify.model.errors import Suspect, Unavailable
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

NOW = Window.parse("2026-11-21T23:59Z/PT1M")
CASES = {
    "exchanges": [
        Case(
            "exchanges.json",
            NOW,
            rows="",
            optional=("id", "trade_volume_24h_btc", "number_of_perpetual_pairs", "number_of_futures_pairs"),
        ),
        Case("exchanges.json", "2026-01-19", expect=Suspect),
        Case("limited.json", NOW, expect=Unavailable),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def _outcome(source: Source, *bodies: bytes) -> Outcome:
    assert source.weight_requests is not None
    asked = source.weight_requests(Quantity(), None)
    payloads = tuple(Payload(request, body, RECEIVED) for request, body in zip(asked, bodies, strict=True))
    return Outcome(Job.for_weights(source, Quantity()), payloads)


LISTED = _outcome(SOURCE, fixture("coingecko", "exchanges.json"), fixture("coingecko", "price.json"))
DAILY = _outcome(DEFILLAMA, fixture("defillama", "open_interest.json"))


def test_an_exchange_without_open_interest_is_not_one_of_zero() -> None:
    frame = read(SOURCE, "exchanges", CASES["exchanges"][0])
    assert frame.select("subject", "value", "unit").rows() == [
        ("binance", 332790.5, "BTC"),
        ("hyperliquid", 81000.25, "BTC"),
        ("Nowhere Exchange", 12.0, "BTC"),
    ]


def test_a_weight_is_valued_at_the_price_of_bitcoin() -> None:
    found = {weight.venue: weight.open_interest_usd for weight in merged_weights(weights([LISTED]))}
    assert found["binance"] == 332790.5 * 92500
    assert found["bybit"] is None


def test_the_same_open_interest_is_not_added_up_twice() -> None:
    found = merged_weights(weights([LISTED, DAILY]))
    assert [w.open_interest_usd for w in found if w.venue == "hyperliquid" and w.open_interest_usd] == [
        81000.25 * 92500
    ]
    assert [w.open_interest_usd for w in found if w.venue == "lighter" and w.open_interest_usd] == [1.0e9]


def test_single_coins_and_the_past_are_not_asked_for() -> None:
    assert SOURCE.weight_requests is not None
    assert not SOURCE.weight_requests(Quantity(assets=Scope.of("BTC")), None)
    assert not SOURCE.weight_requests(Quantity(), RECEIVED)


@pytest.mark.parametrize(
    ("name", "venue"),
    [("Binance (Futures)", "binance"), ("Lighter Perps", "lighter"), ("OKX (Futures)", "okx"), ("Nowhere", None)],
)
def test_exchanges_are_known_by_their_names(name: str, venue: str | None) -> None:
    assert venue_of(name) == venue


def test_what_a_venue_says_of_itself_comes_first() -> None:
    own = Outcome(Job.for_weights(_one_weight(BYBIT, "binance"), Quantity()), (LISTED.payloads[0],))
    found = [w for w in weights([LISTED, own]) if w.venue == "binance" and w.open_interest_usd]
    assert [w.open_interest_usd for w in found] == [5.0]


def _one_weight(source: Source, venue: str) -> Source:
    from dataclasses import replace

    from sources.adapter import Weight

    return replace(source, parse_weights=lambda *_: [Weight(venue, "BTC", RECEIVED, 5.0, None)])
