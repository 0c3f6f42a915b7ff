"""The simulated market itself: the same seed gives the same bytes, and the truth is what is on the tape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sources.simulated.market import draw
from sources.simulated.world import ASSETS, NOMINAL, OTHER, Regime
from verify.model.frames import EVENTS
from verify.model.window import Window

WINDOW = Window(datetime(2026, 10, 10, 20, 30, tzinfo=UTC), datetime(2026, 10, 11, 0, 30, tzinfo=UTC))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    first, again, other = (draw(NOMINAL, Regime.QUIET, WINDOW, seed) for seed in (1, 1, 2))
    assert first.tape.time.tobytes() == again.tape.time.tobytes()
    assert first.tape.usd.tobytes() == again.tape.usd.tobytes()
    assert first.truth == again.truth
    assert first.tape.usd.tobytes() != other.tape.usd.tobytes()


@pytest.mark.parametrize("world", [NOMINAL, OTHER], ids=["nominal", "other"])
@pytest.mark.parametrize("regime", list(Regime)[:2])
def test_the_truth_is_what_happened_in_the_window(world, regime) -> None:  # type: ignore[no-untyped-def]
    market = draw(world, regime, WINDOW, 3)
    tape, truth = market.tape.within(WINDOW), market.truth
    assert truth.total == pytest.approx(tape.total())
    assert truth.long == pytest.approx(tape.total("long"))
    assert truth.total == pytest.approx(truth.long + truth.short)
    assert truth.total == pytest.approx(sum(truth.assets.values()))
    assert sum(truth.of(venue.name) for venue in world.venues) == pytest.approx(truth.total)
    assert truth.events == len(tape)


@pytest.mark.parametrize("regime", list(Regime)[:2])
def test_totals_lie_in_the_range_of_their_regime(regime: Regime) -> None:
    low, high = NOMINAL.totals[regime]
    totals = [draw(NOMINAL, regime, WINDOW, seed).truth.total for seed in range(12)]
    assert min(totals) >= low * 0.999999
    assert max(totals) <= high * 1.000001
    assert max(totals) > 1.5 * min(totals)


def test_a_longer_window_holds_more() -> None:
    long = Window(WINDOW.start, WINDOW.start + timedelta(hours=8))
    assert draw(NOMINAL, Regime.QUIET, long, 5).truth.total == pytest.approx(
        2 * draw(NOMINAL, Regime.QUIET, WINDOW, 5).truth.total
    )


def test_events_come_in_time_order_and_in_bursts() -> None:
    tape = draw(NOMINAL, Regime.CRASH, WINDOW, 4).tape
    assert (np.diff(tape.time) >= 0).all()
    per_minute = np.bincount((tape.within(WINDOW).time - tape.within(WINDOW).time[0]) // 60_000_000)
    # A Poisson process has a ratio of 1.
    assert per_minute.var() / per_minute.mean() > 20


def test_orders_are_positive_finite_and_bounded_below_the_size_of_a_market() -> None:
    market = draw(NOMINAL, Regime.CRASH, WINDOW, 6)
    assert np.isfinite(market.tape.usd).all()
    assert np.isfinite(market.tape.price).all()
    assert (market.tape.usd > 0).all()
    assert (market.tape.price > 0).all()
    assert market.tape.usd.max() < market.truth.total / 2


def test_a_venue_has_events_only_of_the_assets_that_it_lists() -> None:
    market = draw(NOMINAL, Regime.CRASH, WINDOW, 7)
    for venue in NOMINAL.venues:
        assert market.tape.of(venue.name).asset.max() < venue.listed


def test_frames_pass_the_schema_of_events() -> None:
    market = draw(NOMINAL, Regime.QUIET, WINDOW, 8)
    for venue in NOMINAL.venues:
        frame = market.tape.of(venue.name).frame(venue, f"{venue.name}/simulated")
        EVENTS.validate(frame, lazy=True)
        assert frame["notional_usd"].sum() == pytest.approx(market.tape.of(venue.name).total())


def test_a_venue_stamps_times_as_finely_as_it_does() -> None:
    market = draw(NOMINAL, Regime.QUIET, WINDOW, 8)
    for name, grain in (("gate", 1_000_000), ("bybit", 1_000)):
        stamps = market.tape.of(name).frame(NOMINAL.venue(name), "x")["time"].dt.timestamp("us")
        assert (stamps % grain == 0).all()
        assert stamps.is_sorted()


def test_no_asset_is_named_twice() -> None:
    assert len(ASSETS) == len(set(ASSETS)) == 120


def test_shares_of_open_interest_add_up() -> None:
    for world in (NOMINAL, OTHER):
        assert sum(venue.share for venue in world.venues) == pytest.approx(1.0)
