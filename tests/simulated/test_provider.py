"""The simulated REST endpoints, asked by the adapters page by page: they read what the venue's feed shows."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from urllib.parse import urlsplit

import polars as pl
import pytest

from sources import build, kraken_markets
from sources.adapter import Channel, Instrument, Payload, Request, Source, Weight, merged_weights
from sources.simulated.provider import Provider
from sources.simulated.scenarios import scenario, simulate
from sources.simulated.world import Regime
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

START = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
#: All seven venues can be read, and something happened at each.
SEED = 3
SIMULATED = simulate(scenario("nominal"), Regime.QUIET, SEED, start=START)
PROVIDER = Provider(SIMULATED)
WINDOW = SIMULATED.window
CHANNELS = {
    "gate": "liq_orders",
    "okx": "liquidation_orders",
    "htx": "linear",
    "bitget": "liquidations",
    "bitfinex": "liquidations",
    "deribit": "trades",
    "kraken": "executions",
}


def source(name: str) -> Source:
    found: Source = import_module(f"sources.{name}").SOURCE
    return found


def ask(request: Request) -> Payload:
    parts = urlsplit(request.url)
    body = PROVIDER.answer(parts.netloc, parts.path, dict(request.params))
    assert body is not None, request.url
    return Payload(request, body, WINDOW.end)


def contracts(adapter: Source, quantity: Quantity) -> dict[str, Instrument]:
    if adapter.instrument_requests is None or adapter.parse_instruments is None:
        return {}
    answers = [adapter.parse_instruments(ask(request)) for request in adapter.instrument_requests(quantity)]
    return {name: item for answer in answers for name, item in answer.items()}


def fetched(adapter: Source, channel: Channel, window: Window, quantity: Quantity) -> tuple[pl.DataFrame, int]:
    """All pages of a channel as `sources.http` would ask for them, and their number."""
    known = contracts(adapter, quantity)
    assert channel.requests is not None
    assert channel.parse is not None
    first = (
        channel.requests_for(known, window, quantity) if channel.requests_for else channel.requests(window, quantity)
    )
    waiting, frames = list(first), []
    while waiting:
        payload = ask(waiting.pop())
        frames.append(channel.parse(payload, window, known))
        waiting += channel.follow(payload, window, quantity)
    return build.merge(frames), len(frames)


@pytest.mark.parametrize("venue", sorted(CHANNELS))
def test_an_adapter_reads_what_the_feed_shows(venue: str) -> None:
    bitcoin = Quantity(assets=Scope.of("BTC"))
    adapter = source(venue)
    read, _ = fetched(adapter, adapter.channels[CHANNELS[venue]], WINDOW, bitcoin)
    shown = next(feed.events for feed in SIMULATED.shown.feeds if feed.venue == venue)
    read, shown = (frame.filter(asset="BTC").sort("time", "quantity") for frame in (read, shown))
    assert read.height == shown.height > 3
    assert read["side"].to_list() == shown["side"].to_list()
    assert read["time"].to_list() == shown["time"].to_list()
    assert read["notional_usd"].to_list() == pytest.approx(shown["notional_usd"].to_list(), abs=0.0051)


@pytest.mark.parametrize("venue", ["gate", "bitfinex", "bitget", "deribit"])
def test_all_assets_come_in_one_run(venue: str) -> None:
    adapter = source(venue)
    read, _ = fetched(adapter, adapter.channels[CHANNELS[venue]], WINDOW, Quantity())
    shown = next(feed.events for feed in SIMULATED.shown.feeds if feed.venue == venue)
    assert read.height == shown.height
    assert read["notional_usd"].sum() == pytest.approx(shown["notional_usd"].sum())


@pytest.mark.parametrize("venue", ["gate", "okx", "htx", "bitget", "deribit", "kraken"])
def test_weights_add_up_to_the_open_interest_of_the_venue(venue: str) -> None:
    adapter, quantity = source(venue), Quantity()
    known = contracts(adapter, quantity)
    assert adapter.weight_requests is not None
    assert adapter.parse_weights is not None
    parts: list[Weight] = []
    for request in adapter.weight_requests(quantity, None):
        if venue != "gate" or "/btc/" not in request.url:
            parts += adapter.parse_weights(ask(request), known)
    stated = next(size.open_interest for size in SIMULATED.shown.sizes if size.venue == venue)
    assert sum(weight.open_interest_usd or 0.0 for weight in merged_weights(parts)) == pytest.approx(stated)


@pytest.mark.parametrize("venue", sorted(CHANNELS))
def test_the_control_question_is_answered(venue: str) -> None:
    channel = source(venue).channels[CHANNELS[venue]]
    if channel.control is not None and channel.control_alive is not None:
        assert channel.control_alive(ask(channel.control()))


def test_a_feed_that_cannot_be_read_is_not_answered_for() -> None:
    poor = Provider(simulate(scenario("outlet_hyperliquid"), Regime.QUIET, 1, start=START))
    assert poor.answer("api.gateio.ws", "/api/v4/futures/usdt/contracts", {}) is None
    assert PROVIDER.answer("api.unheard.example", "/", {}) is None


def test_an_adapter_reads_on_where_a_page_is_full() -> None:
    adapter = source("bitget")
    read, pages = fetched(adapter, adapter.channels["liquidations"], WINDOW, Quantity())
    assert pages > 3
    assert read.height > 100


def test_kraken_is_read_for_the_coins_that_are_watched() -> None:
    adapter = source("kraken")
    read, _ = fetched(adapter, adapter.channels["executions"], WINDOW, Quantity())
    shown = next(feed.events for feed in SIMULATED.shown.feeds if feed.venue == "kraken")
    watched = shown.filter(pl.col("asset").is_in(kraken_markets.WATCHED))
    assert read.height == watched.height
