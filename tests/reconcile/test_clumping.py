"""Capped sums are told from complete ones by their numbers of records alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from estimate_market import RARE, clumped
from hypothesis import given
from hypothesis import strategies as st

from verify.reconcile.calibration import Cells
from verify.reconcile.clumping import Clumping, clumps
from verify.reconcile.observed import CapRule, Keep
from verify.reconcile.records import Records
from verify.reconcile.thinning import cap

HOUR, ASSETS = 3600.0, RARE
RULE = CapRule(1.0, Keep.LATEST)


def summed(feed: Records) -> Cells:
    """The feed as hourly sums with numbers of records."""
    key = np.floor(feed.seconds / HOUR).astype(np.int64) * ASSETS + feed.asset
    place, number = np.unique(key, return_inverse=True)
    return Cells(
        place // ASSETS,
        place % ASSETS,
        np.ones(len(place), bool),
        np.bincount(number, weights=feed.usd),
        np.bincount(number).astype(float),
        HOUR,
        0.0,
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_capped_venue_is_told_from_a_complete_one_whatever_its_size(seed: int) -> None:
    known = Clumping([clumped(100 + seed), clumped(200 + seed, 9.0)])
    for clusters in (3.0, 12.0):
        venue = clumped(seed, clusters)
        assert known.ratio(summed(venue), RULE) < -1.0
        assert known.ratio(summed(cap(venue, RULE)[0]), RULE) > 1.0
        assert known.ratio(summed(cap(venue, RULE)[0]), replace(RULE, keep=Keep.LARGEST)) > 1.0


def test_sums_whose_class_is_documented_serve_where_there_is_no_feed() -> None:
    whole = [summed(clumped(seed)) for seed in (1, 2)]
    capped = [(RULE, summed(cap(clumped(seed), RULE)[0])) for seed in (3, 4)]
    known = Clumping([], whole, capped)
    assert known.ratio(summed(clumped(5)), RULE) < -1.0
    assert known.ratio(summed(cap(clumped(5), RULE)[0]), RULE) > 1.0


def test_nothing_is_said_without_channels_of_both_kinds_or_with_few_assets() -> None:
    venue = summed(clumped(1))
    assert Clumping([]).ratio(venue, RULE) == 0.0
    assert Clumping([], [venue]).ratio(venue, RULE) == 0.0
    assert Clumping([], [], [(RULE, venue)]).ratio(venue, RULE) == 0.0
    few = clumped(2).take(clumped(2).asset < 5)
    assert Clumping([clumped(3)]).ratio(summed(few), RULE) == 0.0


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_amounts_and_the_numbering_of_assets_mean_nothing(seed: int, scale: float) -> None:
    cells = summed(clumped(seed % 50))
    names = np.random.default_rng(seed).permutation(ASSETS)
    order = np.random.default_rng(seed + 1).permutation(len(cells.count))
    other = clumps(cells.interval[order], names[cells.asset[order]], cells.count[order])
    mine = clumps(cells.interval, cells.asset, cells.count)
    assert mine is not None
    assert other is not None
    assert other.value == pytest.approx(mine.value)
    known = Clumping([clumped(77)])
    assert known.ratio(replace(cells, usd=cells.usd * scale), RULE) == pytest.approx(known.ratio(cells, RULE))


def test_poisson_numbers_have_a_dispersion_of_one() -> None:
    found = [
        clumps(*np.divmod(np.arange(240), 60), np.random.default_rng(s).poisson(6.0, 240).astype(float))
        for s in range(40)
    ]
    assert np.mean([one.value for one in found if one]) == pytest.approx(0.0, abs=0.05)
