"""Checks of a simulated day: marked as such everywhere, resting on nothing real, and estimated once for all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports import github, junit, run
from verify.jobs import runner
from verify.model.errors import InputError
from verify.pipeline import outlook

JOB = """
[settings]
offline = true
[defaults]
window = "2025-03-01"
sources = ["simulated:quiet?seed=1"]
[checks.a]
claim = "$1M"
matrix = { sides = ["long", "short", "both"] }
[checks.b]
claim = "$900bn"
"""


@pytest.mark.slow
def test_a_simulated_day_says_so_and_is_estimated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("verify.toml").write_text(JOB, encoding="utf-8")
    estimates: list[object] = []
    work = outlook.estimated

    def counted(*arguments: Any) -> Any:
        estimates.append(arguments)
        return work(*arguments)

    monkeypatch.setattr(outlook, "estimated", counted)
    report = runner.run(runner.Options())
    assert len(report.checks) == 4
    assert len(estimates) == 1
    assert report.simulated
    assert all(row.simulated for row in report.checks)
    assert report.checks[-1].status == "differs"
    assert run.table(report).startswith("SIMULATED: 4 checks")
    assert json.loads(run.as_json(report))["simulated"] is True
    assert 'name="simulated" value="True"' in junit.render(report)
    assert not any("CoinGlass" in answer for row in report.checks for answer in row.answers)
    assert all("SIMULATED" in row.sentence for row in report.checks if row.sentence)
    assert all("::SIMULATED, " in line for line in github.render(report).splitlines())


def test_two_simulated_markets_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("verify.toml").write_text(
        JOB + '[checks.c]\nclaim = "$1M"\nsources = ["simulated:quiet?seed=2"]\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="a run is about one simulated market"):
        runner.run(runner.Options())
