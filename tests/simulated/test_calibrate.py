"""The calibration: what an estimator says is compared with what happened, and counted rightly."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from reports import calibration
from sources.simulated.scenarios import SCENARIOS, scenario, simulate
from sources.simulated.world import Regime
from verify import calibrate
from verify.calibrate import evidence_of, tasks
from verify.cli import cli
from verify.model.errors import InputError, NameUnknown
from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.reconcile.estimated import Estimate, Fault, FaultKind, Interval, Kind
from verify.reconcile.observed import Evidence, Keep
from verify.scores import Outcome, Task, fault_table, interval_score, reliability, score


def shown_times_two(evidence: Evidence) -> Estimate:
    """An estimator that can be followed by hand: twice what the feeds show, give or take a fifth."""
    shown = sum(float(feed.events["notional_usd"].sum()) for feed in evidence.feeds)
    total = Interval(2 * shown, 1.9 * shown, 2.1 * shown, 1.6 * shown, 2.4 * shown)
    fault = Fault("binance/usdm", FaultKind.DOUBLED, 0.9, "it says so", "mended")
    draws = np.linspace(1.6 * shown, 2.4 * shown, 1001)
    return Estimate(Kind.ESTIMATE, total, None, None, shown, 1, faults=(fault,), draws={Side.BOTH: draws})


def silent(_evidence: Evidence) -> Estimate:
    return Estimate(Kind.NOTHING, None, None, None, 0.0, 0)


def outcome(truth: float, *interval: float, **more: object) -> Outcome:
    five = tuple(interval) if interval else None
    plain = {"readings": {"a": 50.0, "b": 80.0, "c": 200.0}, "pooled": 90.0, "seconds": 0.5}
    return Outcome(Task("nominal", Regime.QUIET, 1), truth, five, **{**plain, **more})  # type: ignore[arg-type]


def test_scores_of_two_windows_by_hand() -> None:
    found = score("x", "x", [outcome(100.0, 80, 95, 110, 120, 130), outcome(200.0, 90, 100, 150, 160, 180)])
    assert found.mape == pytest.approx((0.1 + 0.25) / 2)
    assert found.bias == pytest.approx((math.log(1.1) + math.log(0.75)) / 2)
    assert found.covers50 == 0.5
    assert found.covers90 == 0.5
    # Widths 50 and 90; the second misses by 20 and pays 2 / 0.1 for it.
    assert found.interval == pytest.approx((50 / 100 + (90 + 20 * 20) / 200) / 2)
    assert found.best == pytest.approx((0.2 + 0.6) / 2)  # b; a is off by 0.5 and 0.75, c by 1 and 0
    assert found.mean == pytest.approx((0.1 + 0.45) / 2)
    assert found.median == pytest.approx((0.2 + 0.6) / 2)
    assert found.maximum == pytest.approx((1.0 + 0.0) / 2)
    assert found.pooled == pytest.approx((0.1 + 0.55) / 2)
    assert found.of_best == pytest.approx(0.175 / 0.4)


def test_the_best_channel_is_one_that_is_mostly_there() -> None:
    windows = [outcome(100.0, 1, 1, 1, 1, 1) for _ in range(4)]
    windows[0] = outcome(100.0, 1, 1, 1, 1, 1, readings={"a": 50.0, "lucky": 100.0})
    assert score("x", "x", windows).best == pytest.approx(0.2)  # b, in three of four


def test_windows_without_an_interval_are_counted_apart() -> None:
    found = score("x", "x", [outcome(100.0), outcome(100.0, 80, 95, 110, 120, 130)])
    assert (found.windows, found.unanswered) == (2, 1)
    assert found.mape == pytest.approx(0.1)
    nothing = score("x", "x", [outcome(100.0)])
    assert (nothing.mape, nothing.covers90, nothing.interval) == (None, None, None)


def test_faults_count_as_found_by_channel_and_name() -> None:
    there = frozenset({("a", "doubled"), ("b", "stale"), ("c", "gap")})
    said = frozenset({("a", "doubled"), ("b", "gap")})
    windows = [outcome(100.0, 1, 1, 1, 1, 1, faults=there, found=said)]
    found = score("x", "x", windows)
    assert found.precision == 0.5
    assert found.recall == pytest.approx(1 / 3)
    assert fault_table(windows) == {"doubled": (1, 1, 0), "gap": (1, 0, 1), "stale": (1, 0, 0)}


def test_the_interval_score_of_a_hit_is_its_width() -> None:
    one = interval_score(np.array([5.0]), np.array([4.0]), np.array([7.0]), 0.1)
    assert one.tolist() == [3.0]
    below = interval_score(np.array([3.0]), np.array([4.0]), np.array([7.0]), 0.5)
    assert below.tolist() == [3.0 + 4 * 1.0]


def test_reliability_by_tenths() -> None:
    found = reliability([(0.95, True), (0.95, True), (0.95, False), (0.55, True), (1.0, True)])
    assert [tenth.verdicts for tenth in found.tenths] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
    last = found.tenths[9]
    assert last.right == 0.75
    assert last.stated == pytest.approx((3 * 0.95 + 1) / 4)
    assert found.brier == pytest.approx((2 * 0.05**2 + 0.95**2 + 0.45**2) / 5)
    assert found.error == pytest.approx((0.45 + 4 * ((3 * 0.95 + 1) / 4 - 0.75)) / 5)
    assert reliability([]).brier is None


def test_windows_are_spread_over_scenarios_and_regimes() -> None:
    planned = tasks(18, 3, [scenario("nominal"), scenario("faults")])
    assert len(set(planned)) == 18
    for name in ("nominal", "faults"):
        regimes = [task.regime for task in planned if task.scenario == name]
        assert {regime: regimes.count(regime) for regime in Regime} == dict.fromkeys(Regime, 3)
    assert {task.seed for task in tasks(4, 0, SCENARIOS)}.isdisjoint(task.seed for task in tasks(4, 1, SCENARIOS))
    with pytest.raises(InputError):
        tasks(0, 0, SCENARIOS)


def test_an_estimator_sees_what_is_shown_and_nothing_of_the_truth() -> None:
    window = simulate(scenario("faults"), Regime.QUIET, 5)
    evidence = evidence_of(window)
    assert {feed.id for feed in evidence.feeds} == {feed.channel for feed in window.shown.feeds}
    assert {size.venue for size in evidence.sizes} == set(window.truth.sides)
    for bars in evidence.bars:
        assert set(bars.bars["venue"]) <= {bars.venue}
        assert len(bars.lineage) == 1
    whole = sum(float(item.bars["notional_usd"].sum()) for item in window.shown.aggregators)
    assert sum(float(bars.bars["notional_usd"].sum()) for bars in evidence.bars) == pytest.approx(whole)


def test_rules_are_told_as_documented_with_their_doubt() -> None:
    windows = (simulate(scenario("nominal"), Regime.QUIET, seed) for seed in range(20))
    later = next(window for window in windows if any(feed.doubtful for feed in window.shown.feeds))
    feeds = {feed.venue: feed for feed in evidence_of(later).feeds}
    binance = feeds["binance"]
    assert [(belief.rule.keep, belief.weight) for belief in binance.rules if belief.rule] == [
        (Keep.LARGEST, 0.6),
        (Keep.LATEST, 0.4),
    ]
    for feed in feeds.values():
        if feed.completeness is Completeness.COMPLETE:
            assert feed.rules == ()
        if feed.completeness is Completeness.UNKNOWN:
            assert [belief.rule is None for belief in feed.rules] == [False, True]


def test_a_run_is_the_same_again_but_for_the_time_it_took() -> None:
    def one() -> dict[str, object]:
        plain = calibrate.calibrate(4, 2, ["nominal", "faults"], estimator=shown_times_two).to_dict()
        for row in (*plain["scenarios"], *plain["regimes"]):
            row["seconds"] = row["longest"] = 0
        return plain

    assert one() == one()


def test_progress_is_told_window_by_window() -> None:
    told: list[tuple[int, int]] = []
    calibrate.calibrate(3, 0, ["minimal"], estimator=silent, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_fault_of_an_aggregator_is_told_once_for_all_its_venues() -> None:
    def accuse(evidence: Evidence) -> Estimate:
        ids = [bars.id for bars in evidence.bars if bars.id.startswith("aggregator_a/")]
        faults = tuple(Fault(one, FaultKind.STALE, 0.9, "", "mended") for one in ids)
        return Estimate(Kind.NOTHING, None, None, None, 0.0, 0, faults=faults)

    found = calibrate.run(Task("nominal", Regime.QUIET, 1), accuse).found
    assert found == {("aggregator_a", "stale")}


@pytest.mark.parametrize("form", ["table", "md", "json", "html"])
def test_every_format_says_that_it_is_simulated_first(form: str) -> None:
    run = calibrate.calibrate(2, 1, ["nominal", "minimal"], estimator=shown_times_two)
    text = calibration.render(run, form)
    assert "simulated" in text[:120].lower()
    assert text.endswith("\n")
    assert not re.search(r"\bnan\b|\binf\b", text.lower())
    if form == "json":
        assert json.loads(text)["windows"] == 2
    else:
        assert "nominal" in text
        assert "minimal" in text
    if form == "html":
        assert "<svg" in text
        assert "http" not in text


@pytest.mark.parametrize("form", ["table", "md", "json", "html"])
def test_a_run_that_says_nothing_can_be_shown(form: str) -> None:
    run = calibrate.calibrate(1, 1, ["minimal"], estimator=silent)
    assert calibration.render(run, form)
    assert run.scenarios[0].unanswered == 1


def test_an_unknown_scenario_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(NameUnknown):
        calibrate.calibrate(1, 0, ["nominel"], estimator=silent)


def test_the_command_prints_one_json_object_and_nothing_else() -> None:
    done = CliRunner().invoke(
        cli, ["calibrate", "--windows", "1", "--scenario", "outlet_hyperliquid", "--format", "json", "--processes", "1"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["simulated"] is True
    assert done.stderr == ""


@pytest.mark.slow
def test_two_processes_give_what_one_gives() -> None:
    names = ["minimal", "outlet_hyperliquid"]
    one, two = (calibrate.calibrate(2, 4, names, processes=number) for number in (1, 2))
    assert [row.mape for row in one.scenarios] == [row.mape for row in two.scenarios]
    assert [row.covers90 for row in one.scenarios] == [row.covers90 for row in two.scenarios]


@pytest.mark.slow
def test_the_page_is_made_from_a_run() -> None:
    script = Path(__file__).parents[2] / "scripts" / "calibrate-docs"
    asked = ["--windows", "2", "--seed", "5", "--constants", "0", "--processes", "1", "--stdout"]
    done = subprocess.run([sys.executable, str(script), *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, _, rest = done.stdout.partition("\n")
    assert first == "# Calibration"
    assert "verify calibrate --windows 2 --seed 5" in rest
    assert "SIMULATED" in rest
    assert "| nominal | 1 |" in rest
