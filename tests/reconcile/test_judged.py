"""Claims about the market are judged by the draws; the confidence is learned, and its parts stay visible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from estimate_market import market
from hypothesis import example, given
from hypothesis import strategies as st

from verify.learning import isotonic, learn
from verify.model.quantity import Side
from verify.reconcile.estimate import estimate
from verify.reconcile.estimated import Estimate, Kind
from verify.reconcile.judged import NAMES, judge, shares, table
from verify.reconcile.observed import Evidence

DRAWS = np.linspace(50.0, 150.0, 1001)
RICH = Estimate(
    Kind.ESTIMATE, None, None, None, 90.0, 6, shown=0.8, hidden=0.1, extrapolated=0.1, draws={Side.BOTH: DRAWS}
)


@pytest.fixture(scope="module")
def answer() -> Estimate:
    return estimate(market(3)[0], thorough=False)


def test_the_table_in_the_repository_rises_and_its_weights_add_up_to_one() -> None:
    known = table()
    assert sum(known.weights) == pytest.approx(1, abs=1e-3)
    assert all(weight >= 0 for weight in known.weights)
    assert list(known.scores) == sorted(known.scores)
    assert list(known.right) == sorted(known.right)
    assert (known.scores[0], known.scores[-1]) == (0.0, 1.0)
    assert all(0.3 < right < 1 for right in known.right)
    assert known.windows >= 400


@given(
    st.floats(1, 1e12),
    st.floats(1, 1e12),
    st.integers(0, 20),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_the_components_add_up_to_the_score_that_the_table_reads(
    low: float, high: float, lineages: int, shown: float, beyond: float, window: float
) -> None:
    poor = replace(RICH, lineages=lineages, shown=shown, hidden=1 - shown, extrapolated=beyond, window=window)
    found = judge(poor, min(low, high), max(low, high))
    assert found is not None
    assert [part.name for part in found.confidence.components] == list(NAMES)
    assert all(0 <= part.points <= part.most and part.reason for part in found.confidence.components)
    score = sum(part.points for part in found.confidence.components)
    assert found.confidence.value == pytest.approx(table().value(score), abs=1e-4)


def test_a_claim_holds_if_most_draws_say_so(answer: Estimate) -> None:
    assert answer.total is not None
    inside = judge(answer, answer.total.low90, answer.total.high90)
    outside = judge(answer, answer.total.high90 * 10, answer.total.high90 * 11)
    assert inside is not None
    assert outside is not None
    assert inside.holds
    assert inside.probability == pytest.approx(0.9, abs=0.01)
    assert not outside.holds
    assert outside.confidence.value >= inside.confidence.value


def test_better_evidence_is_never_less_sure() -> None:
    def value(**changes: object) -> float:
        found = judge(replace(RICH, **changes), 1.0, 60.0)  # type: ignore[arg-type]
        assert found is not None
        return found.confidence.value

    assert value(lineages=1) <= value(lineages=2) <= value(lineages=9)
    assert value(extrapolated=0.9) <= value(extrapolated=0.0)
    assert value(shown=0.2, hidden=0.7) <= value(shown=0.9, hidden=0.0)
    assert value(window=0.2) <= value(window=1.0)


def test_nothing_known_is_no_judgement() -> None:
    nothing = estimate(Evidence(market(3)[0].window))
    assert judge(nothing, 1.0, 2.0) is None
    assert shares(nothing, 0.5) == (0.0, 1.0, 0.0, 0.0, 1.0)


def test_learning_finds_the_component_that_tells_and_keeps_what_it_promises() -> None:
    rng = np.random.default_rng(5)
    known = rng.uniform(size=(20_000, 5))
    chance = 1 / (1 + np.exp(-(known[:, 2] * 5 - 1)))
    found = learn(known, (rng.uniform(size=20_000) < chance).astype(float), 1, 1)
    assert int(np.argmax(found.weights)) == 2
    assert found.weights[2] > 0.9
    again = rng.uniform(size=(20_000, 5))
    truth = 1 / (1 + np.exp(-(again[:, 2] * 5 - 1)))
    stated = np.array([found.value(score) for score in again @ np.array(found.weights)])
    assert np.abs(stated - truth).mean() < 0.05


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200))
@example([(6.3374201748440066e-21, right) for right in (False, True, False, False)])
def test_the_isotonic_table_never_falls(judged: list[tuple[float, bool]]) -> None:
    scores, right = isotonic(np.array([s for s, _ in judged]), np.array([float(r) for _, r in judged]))
    assert (np.diff(scores) >= 0).all()
    assert (np.diff(right) >= 0).all()
    assert (right > 0).all()
    assert (right < 1).all()


def test_a_component_that_only_misleads_has_no_weight() -> None:
    rng = np.random.default_rng(6)
    known = rng.uniform(size=(4_000, 2))
    right = (rng.uniform(size=4_000) < 0.9 - 0.6 * known[:, 0] + 0.05 * known[:, 1]).astype(float)
    assert learn(known, right, 1, 1).weights[0] == pytest.approx(0, abs=1e-6)
