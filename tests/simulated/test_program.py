"""The program on a simulated day: it asks the simulated venues over HTTP, and adds up what their feeds show."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from provider_server import Answer, Ask, ProviderServer

from sources.simulated.provider import CONTENT_TYPE, Provider
from sources.simulated.scenarios import scenario, simulate
from sources.simulated.world import Regime
from verify import pipeline

SIMULATED = simulate(scenario("nominal"), Regime.QUIET, 3, start=datetime(2026, 11, 20, 20, 30, tzinfo=UTC))
VENUES = ("gate", "bitget", "bitfinex", "deribit")


@pytest.mark.block_network(allowed_hosts=["127\\.0\\.0\\.1", "localhost"])
def test_the_report_shows_what_the_simulated_feeds_show(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(SIMULATED)

    def served(asked: Ask) -> Answer:
        body = provider.answer(asked.host, asked.path, asked.query)
        return Answer(body, headers={"Content-Type": CONTENT_TYPE}) if body is not None else Answer(b"{}", status=404)

    with ProviderServer() as server:
        server.serve("*", "*", served)
        monkeypatch.setenv("VERIFY_HOST_MAP", server.host_map_text)
        monkeypatch.setenv("VERIFY_OFFLINE", "0")
        report = pipeline.liquidations(SIMULATED.window, sources=VENUES, now=SIMULATED.window.end)
    assert report.simulated
    told = {row.source.partition("/")[0]: row for row in report.sources}
    assert set(told) == set(VENUES)
    for feed in SIMULATED.shown.feeds:
        if feed.venue in VENUES:
            row = told[feed.venue]
            sums = dict(feed.events.group_by("side").agg(pl.col("notional_usd").sum()).iter_rows())
            assert row.events == feed.events.height
            assert row.long_usd == pytest.approx(sums["long"], abs=0.01)
            assert row.short_usd == pytest.approx(sums["short"], abs=0.01)
