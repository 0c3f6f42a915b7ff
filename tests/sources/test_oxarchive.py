"""0xArchive: bars of one coin each, whose sides add up to the total."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload
from sources.hyperliquid import SOURCE as HYPERLIQUID
from sources.oxarchive import SOURCE
from verify.model.errors import Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window
from verify.pipeline.beliefs import live_feeds

HOUR = Window.parse("2026-01-19T00:02Z/PT1H")
CODE = SOURCE.channels["volume"]
assert CODE.requests is not None
(ASKED,) = CODE.requests(HOUR, Quantity(assets=Scope.of("BTC")))
CASES = {
    "volume": [
        Case(
            "volume.json",
            HOUR,
            ASKED,
            rows="data",
            optional=("coin", "count", "long_count", "short_count"),
            amounts=("total_usd", "long_usd", "short_usd"),
        ),
        Case("more.json", HOUR, ASKED, rows="data", optional=("coin", "count", "long_count", "short_count")),
        Case("empty.json", HOUR, ASKED, expect="empty"),
        Case("refused.json", HOUR, ASKED, expect=Unavailable),
        Case("odd_total.json", HOUR, ASKED, expect=Suspect),
    ]
}
test_conformance = conforms(SOURCE, CASES)


def test_a_bar_of_each_side() -> None:
    frame = read(SOURCE, "volume", CASES["volume"][0])
    first, third = datetime(2026, 1, 19, tzinfo=UTC), datetime(2026, 1, 19, 0, 10, tzinfo=UTC)
    assert frame.select("start", "venue", "asset", "side", "notional_usd").rows() == [
        (first, "hyperliquid", "BTC", "long", 1250000.5),
        (first, "hyperliquid", "BTC", "short", 40000.0),
        (third, "hyperliquid", "BTC", "long", 0.0),
        (third, "hyperliquid", "BTC", "short", 5200.25),
    ]


def test_whole_bars_are_asked_for_coin_by_coin_and_pages_are_followed() -> None:
    assert ASKED.url.endswith("/BTC/volume")
    assert dict(ASKED.params)["start"] == "1768780800000"
    (more,) = CODE.follow(Payload(ASKED, fixture("0xarchive", "more.json"), RECEIVED), HOUR, Quantity())
    assert dict(more.params) == {**dict(ASKED.params), "cursor": "1768781100000"}
    assert SOURCE.spec.channel("volume").selected


def test_what_it_archives_is_not_counted_as_another_witness_of_the_chain() -> None:
    assert SOURCE.spec.channel("volume").lineage == ("hyperliquid/node_fills",)


def test_what_it_leaves_open_of_itself_does_not_make_the_chain_doubtful() -> None:
    (rule,) = live_feeds([SOURCE, HYPERLIQUID], HOUR)["hyperliquid/node_fills"]
    assert rule.completeness is Completeness.COMPLETE
