"""What is new, known and fixed since the run before; who flaps, and who went silent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs.rows import check, provider, report

from reports.run import as_json
from verify.jobs import trend
from verify.model.checks import Change, RunReport, Status

FIRST = {Change.NEW, Change.FLAPPING, Change.NONE}
LETTERS = {"P": "delivered", "S": "nothing", "F": "failed"}


def nights(tmp_path: Path, *runs: RunReport) -> list[RunReport]:
    """Each run with the JSON report of the one before as its baseline."""
    told: list[RunReport] = []
    for run in runs:
        before = None
        if told:
            (tmp_path / "before.json").write_text(as_json(told[-1]), encoding="utf-8")
            before = trend.read(tmp_path / "before.json")
        told.append(trend.compared(replace(run, fail_on="new" if told else "any"), before))
    return told


def changes(history: str) -> list[Change]:
    """What a provider with these letters is called, night by night."""
    before, seen, found = Change.NONE, "", []
    for letter in history:
        whole = seen + letter
        alarming = before in (Change.NEW, Change.KNOWN)
        before = trend.change(seen, letter, before) if alarming or "P" in whole else Change.NONE
        found.append(before)
        seen = whole[-trend.KEPT :]
    return found


def test_new_known_and_fixed_are_told_apart(tmp_path: Path) -> None:
    passed, differs = report(check("a")), report(check("a", Status.DIFFERS))
    told = nights(tmp_path, passed, differs, differs, passed, passed)
    assert [run.checks[0].change for run in told] == ["", "new", "known", "fixed", ""]
    assert [run.exit_code for run in told] == [0, 1, 0, 0, 0]
    assert told[-1].checks[0].history == "PDDPP"


@pytest.mark.parametrize("status", [Status.DIFFERS, Status.INCONCLUSIVE, Status.FAILED])
def test_what_the_first_run_found_is_known_to_the_second(tmp_path: Path, status: Status) -> None:
    wrong = report(check("a", status))
    told = nights(tmp_path, wrong, wrong, report(check("a")))
    assert [run.checks[0].change for run in told] == ["", "known", "fixed"]


def test_a_check_that_was_not_there_is_new_and_one_that_is_gone_is_named(tmp_path: Path) -> None:
    told = nights(tmp_path, report(check("a")), report(check("b", Status.DIFFERS)))
    assert [(row.id, row.change) for row in told[1].checks] == [("b", Change.NEW)]
    assert told[1].gone == ("a",)


def test_what_was_inconclusive_and_now_differs_is_new(tmp_path: Path) -> None:
    told = nights(
        tmp_path, report(check("a", Status.INCONCLUSIVE)), report(check("a", Status.DIFFERS)),
        report(check("a", Status.INCONCLUSIVE)),
    )  # fmt: skip
    assert [run.checks[0].change for run in told[1:]] == ["new", "known"]


def test_one_night_of_a_failing_source_is_no_alarm_and_three_are(tmp_path: Path) -> None:
    failed = report(check("a", Status.FAILED, failures=("gate: no answer",)))
    told = nights(tmp_path, report(check("a")), failed, failed, failed, failed)
    assert [run.checks[0].change for run in told[1:]] == ["flapping", "flapping", "new", "known"]
    assert [run.exit_code for run in told[1:]] == [0, 0, 4, 0]


def test_a_file_of_the_desk_that_cannot_be_read_alarms_at_once(tmp_path: Path) -> None:
    told = nights(tmp_path, report(check("a")), report(check("a", Status.FAILED)))
    assert told[1].checks[0].change is Change.NEW


def test_a_flapping_provider_is_not_a_nightly_alarm(tmp_path: Path) -> None:
    rows = [report(check("a"), provider("gate", state), provider("okx")) for state in ("delivered", "failed") * 4]
    told = nights(tmp_path, *rows)
    assert {run.providers[0].change for run in told} <= {Change.NONE, Change.FLAPPING}
    assert [run.exit_code for run in told] == [0] * 8


def test_a_provider_that_went_silent_is_an_alarm_the_same_night(tmp_path: Path) -> None:
    loud = report(check("a"), provider("gate"), provider("okx"))
    silent = report(check("a"), provider("gate", "nothing"), provider("okx"))
    told = nights(tmp_path, loud, silent, silent, loud)
    assert [run.providers[0].change for run in told] == ["", "new", "known", "fixed"]
    assert [run.exit_code for run in told] == [0, 4, 0, 0]


def test_a_quiet_market_is_nobodys_silence(tmp_path: Path) -> None:
    loud = report(check("a"), provider("gate"), provider("okx"))
    quiet = report(check("a"), provider("gate", "nothing"), provider("okx", "nothing"))
    told = nights(tmp_path, loud, quiet)
    assert {row.change for row in told[1].providers} == {Change.NONE}
    assert [row.history for row in told[1].providers] == ["P-", "P-"]


def test_a_provider_that_is_not_asked_tonight_keeps_its_history(tmp_path: Path) -> None:
    loud = report(check("a"), provider("gate"), provider("okx"))
    silent = report(check("a"), provider("gate", "nothing"), provider("okx"))
    told = nights(tmp_path, loud, silent, report(check("a"), provider("okx")), silent, loud)
    assert [run.providers[0].change for run in told] == ["", "new", "known", "known", "fixed"]
    assert told[-1].providers[0].history == "PS-SP"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ("[]", "is no report of verify run"),
        ('{"command": "liquidations"}', "is no report of verify run"),
        ('{"command": "run", "schema_version": 99}', "is of another version"),
        ('{"command": "run", "schema_version": 1, "checks": [{}], "providers": []}', "is no report of verify run"),
        (
            '{"command": "run", "schema_version": 1, "checks": [{"id": "a", "history": "Z", "change": ""}]}',
            "its history is 'Z'",
        ),
    ],
)
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(trend.BaselineError, match=words):
        trend.read(tmp_path / "b.json")
    with pytest.raises(trend.BaselineError, match="No such file"):
        trend.read(tmp_path / "nowhere.json")


def test_the_json_report_is_its_own_baseline(tmp_path: Path) -> None:
    run = trend.compared(report(check("a", Status.DIFFERS), provider("gate")), None)
    (tmp_path / "b.json").write_text(as_json(run), encoding="utf-8")
    assert json.loads(as_json(run))["checks"][0]["history"] == "D"
    assert trend.read(tmp_path / "b.json").checks == {"a": ("D", Change.KNOWN)}


HISTORIES = st.text("PSF-", min_size=1, max_size=60)


@given(HISTORIES)
def test_whoever_delivers_is_never_alarming(history: str) -> None:
    for letter, change in zip(history, changes(history), strict=True):
        if letter == "P":
            assert change in (Change.NONE, Change.FIXED)


@given(HISTORIES, st.text("SF", min_size=trend.KEPT + 1, max_size=trend.KEPT + 1))
def test_whoever_delivered_and_stays_away_alarms_in_the_end(history: str, away: str) -> None:
    assert changes(f"{history}P{away}")[-1] in (Change.NEW, Change.KNOWN)


@given(HISTORIES)
def test_an_alarm_is_new_once_and_then_known_until_it_is_fixed(history: str) -> None:
    alarming = False
    for change in changes(history):
        assert (change in (Change.KNOWN, Change.FIXED)) == alarming
        alarming = change in (Change.NEW, Change.KNOWN)


@given(st.integers(1, trend.PATIENCE), st.integers(1, 10))
def test_failing_for_less_than_the_patience_never_alarms(length: int, times: int) -> None:
    assert set(changes(("P" + "F" * length) * times)) <= {Change.NONE, Change.FLAPPING}


@given(st.integers(1, 6), st.integers(2, 8))
def test_silence_that_comes_and_goes_alarms_once(length: int, times: int) -> None:
    """Once its history has such a gap, another of that length is no news."""
    assert changes(("P" + "S" * length) * times + "P").count(Change.NEW) == 1


@given(st.text("SF-", max_size=40))
def test_who_never_delivered_alarms_nobody(history: str) -> None:
    assert set(changes(history)) <= {Change.NONE}


@given(HISTORIES)
def test_dashes_change_nothing(history: str) -> None:
    spread = "".join(letter + "-" for letter in history.replace("-", ""))[-trend.KEPT :]
    assert trend.tolerated(spread) == trend.tolerated(spread.replace("-", ""))
