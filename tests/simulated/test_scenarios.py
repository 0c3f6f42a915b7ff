"""Each simulated scenario differs from the nominal one in what its title says."""

from __future__ import annotations

import math

import pytest

from sources.simulated.scenarios import SCENARIOS, Simulated, scenario, simulate
from sources.simulated.world import Regime
from sources.spec import Keep
from verify.model.errors import NameUnknown
from verify.model.figure import Completeness
from verify.model.frames import BARS, EVENTS


def many(name: str, count: int = 8, regime: Regime = Regime.QUIET) -> list[Simulated]:
    return [simulate(scenario(name), regime, seed) for seed in range(count)]


@pytest.mark.parametrize("name", [item.name for item in SCENARIOS])
def test_every_scenario_runs_and_its_frames_pass_the_schemas(name: str) -> None:
    window = simulate(scenario(name), Regime.QUIET, 1)
    for feed in window.shown.feeds:
        EVENTS.validate(feed.events, lazy=True)
        EVENTS.validate(feed.earlier, lazy=True)
    for aggregator in window.shown.aggregators:
        BARS.validate(aggregator.bars, lazy=True)
    venues = {size.venue for size in window.shown.sizes}
    assert venues == set(window.truth.sides)
    assert {feed.venue for feed in window.shown.feeds} <= venues
    assert window.truth.total > 0


def test_the_same_arguments_give_the_same_window() -> None:
    first, again = (simulate(scenario("faults"), Regime.QUIET, 3) for _ in range(2))
    assert first.truth == again.truth
    assert first.faults == again.faults
    for one, other in zip(first.shown.feeds, again.shown.feeds, strict=True):
        assert one.events.equals(other.events)
    for a, b in zip(first.shown.aggregators, again.shown.aggregators, strict=True):
        assert a.bars.equals(b.bars)
    assert first.shown.totals == again.shown.totals
    assert first.shown.sizes == again.shown.sizes


def test_a_quarter_of_the_channels_is_faulty() -> None:
    windows = many("faults", 24)
    channels = sum(len(window.shown.feeds) + len(window.shown.aggregators) for window in windows)
    assert 0.17 < sum(len(window.faults) for window in windows) / channels < 0.33
    assert not any(window.faults for window in many("nominal"))


def test_feeds_of_unknown_class_are_what_the_scenario_says() -> None:
    def shown(name: str) -> float:
        windows = many(name, 6, Regime.CRASH)
        feeds = [(w, f) for w in windows for f in w.shown.feeds if f.completeness is Completeness.UNKNOWN]
        money = sum(feed.events["notional_usd"].sum() for _, feed in feeds if feed.covered is None)
        return money / sum(window.truth.of(feed.venue) for window, feed in feeds if feed.covered is None)

    assert shown("unknown_complete") == pytest.approx(1.0)
    assert shown("unknown_capped") < 0.9


def test_no_feed_of_none_complete_says_that_it_is_complete() -> None:
    classes = {feed.completeness for window in many("none_complete") for feed in window.shown.feeds}
    assert classes == {Completeness.CAPPED, Completeness.UNKNOWN}


def test_poor_evidence_is_as_poor_as_its_title_says() -> None:
    window = simulate(scenario("aggregators_only"), Regime.QUIET, 2)
    assert not window.shown.feeds
    assert len(window.shown.aggregators) == 2
    window = simulate(scenario("minimal"), Regime.QUIET, 2)
    assert {feed.venue for feed in window.shown.feeds} == {"binance", "hyperliquid"}
    assert len(window.shown.aggregators) == 1
    window = simulate(scenario("outlet_hyperliquid"), Regime.QUIET, 2)
    assert [feed.venue for feed in window.shown.feeds] == ["hyperliquid"]
    assert not window.shown.aggregators
    assert [total.outlet for total in window.shown.totals] == [True]


def test_venues_without_a_feed_differ_as_a_group_under_a_common_shock() -> None:
    def spread(name: str) -> float:
        logs = []
        for window in many(name, 40):
            bare = [venue for venue in window.scenario.world.venues if venue.feed is None]
            share = sum(window.truth.of(venue.name) for venue in bare) / window.truth.total
            logs.append(math.log(share / sum(venue.share for venue in bare)))
        mean = sum(logs) / len(logs)
        return math.sqrt(sum((value - mean) ** 2 for value in logs) / len(logs))

    assert spread("common_shock") > 1.25 * spread("nominal")


def test_a_wrong_rule_shows_most_where_the_documents_promise_least() -> None:
    shares: dict[Keep, list[float]] = {Keep.LATEST: [], Keep.LARGEST: []}
    for window in many("wrong_rule", 12, Regime.CRASH):
        for feed in window.shown.feeds:
            if feed.venue == "binance" and feed.covered is None and feed.cap is not None:
                shown = feed.events["notional_usd"].sum() / window.truth.of("binance")
                shares[feed.cap.keep].append(shown)
    # Documented as the latest, it keeps the largest, and the reverse.
    assert min(shares[Keep.LATEST]) > max(shares[Keep.LARGEST])


def test_a_declared_gap_is_empty_and_inside_the_window() -> None:
    paused = [(w, f) for w in many("nominal", 16) for f in w.shown.feeds if f.covered is not None]
    assert paused
    for window, feed in paused:
        assert feed.covered is not None
        first, second = feed.covered
        assert window.window.start <= first.start < first.end < second.start < second.end <= window.window.end
        assert feed.events.filter((feed.events["time"] >= first.end) & (feed.events["time"] < second.start)).is_empty()


def test_an_unknown_scenario_is_answered_with_near_ones() -> None:
    with pytest.raises(NameUnknown) as error:
        scenario("nominl")
    assert error.value.suggestions[0] == "nominal"
