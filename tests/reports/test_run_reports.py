"""The reports of a run: valid against the published schemas, read back by real parsers, safe, and never too long."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs.rows import check, provider, report
from junitparser import Error, Failure, JUnitXml, Skipped

from reports import github, junit, run, sarif
from verify.cli import cli
from verify.model.checks import Change, RunReport, Severity, Status
from verify.model.report import Reason

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
SARIF = jsonschema.Draft7Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text(encoding="utf-8")))
JUNIT = [xmlschema.XMLSchema(str(SCHEMAS / name)) for name in ("junit-4.xsd", "junit-10.xsd")]
EVERY = report(
    check("a"),
    check("b", Status.DIFFERS, explanations=("a total printed as one side",)),
    check("c[side=long]", Status.INCONCLUSIVE),
    check("d", Status.FAILED, failures=("gate: no answer",)),
    check("e", Status.DIFFERS, severity=Severity.WARNING),
    check("f", Status.INCONCLUSIVE, severity=Severity.NOTE, file="", line=0),
    provider("gate", "failed"),
)
NASTY = (
    "::error::x\n##[error]y\x1b[31mred\x00\u202e\ud800\ufffe]]> <script>alert(1)</script> &amp; "
    "[link](https://evil.example) |cell| @everyone %0A::warning::z ```"
)


def nasty() -> RunReport:
    rows = [
        check(f"x{NASTY}{status}", status, claim=NASTY, quantity=NASTY, window_words=NASTY, sentence=NASTY,
              caveat=NASTY, explanations=(NASTY,), file=f"dir/{NASTY}", tags=(NASTY,), reasons=(Reason("code", NASTY),))
        for status in Status
    ]  # fmt: skip
    return report(*rows, replace(provider("gate", "failed"), note=NASTY, change=Change.NEW), problems=(NASTY,))


class TestJUnit:
    @pytest.mark.parametrize("schema", JUNIT, ids=["junit-4", "junit-10"])
    @pytest.mark.parametrize("told", [EVERY, report(), nasty()], ids=["every", "none", "nasty"])
    def test_it_is_valid(self, schema: xmlschema.XMLSchema, told: RunReport) -> None:
        schema.validate(junit.render(told))

    def test_a_parser_reads_what_was_meant(self) -> None:
        read = JUnitXml.fromstring(junit.render(EVERY).encode())
        (suite,) = read
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 1, 1, 3)
        kinds = {case.name: [type(result) for result in case.result] for case in suite}
        assert kinds == {
            "a": [],
            "b": [Failure],
            "c[side=long]": [Skipped],
            "d": [Error],
            "e": [Skipped],
            "f": [Skipped],
        }
        told = {case.name: case.result[0].message for case in suite if case.result}
        assert told["c[side=long]"].startswith("c[side=long]: inconclusive. $750M, long liquidations")

    def test_the_severity_decides_what_breaks_a_build(self) -> None:
        (suite,) = JUnitXml.fromstring(junit.render(report(check("n", Status.FAILED, severity=Severity.NOTE))).encode())
        assert (suite.errors, suite.skipped) == (0, 1)


class TestSarif:
    @pytest.mark.parametrize("told", [EVERY, report(), nasty()], ids=["every", "none", "nasty"])
    def test_it_is_valid(self, told: RunReport) -> None:
        SARIF.validate(json.loads(sarif.render(told)))

    def test_levels_rules_and_places(self) -> None:
        (told,) = json.loads(sarif.render(EVERY))["runs"]
        assert [(r["kind"], r["level"]) for r in told["results"]] == [
            ("pass", "none"), ("fail", "error"), ("fail", "warning"), ("fail", "error"), ("fail", "warning"),
            ("fail", "note"),
        ]  # fmt: skip
        rules = [rule["id"] for rule in told["tool"]["driver"]["rules"]]
        assert [rules[r["ruleIndex"]] for r in told["results"]] == [r["ruleId"] for r in told["results"]]
        place = told["results"][0]["locations"][0]["physicalLocation"]
        assert place == {"artifactLocation": {"uri": "verify.toml"}, "region": {"startLine": 3}}
        assert told["invocations"][0]["executionSuccessful"] is False
        assert [
            n["message"]["text"].partition(":")[0] for n in told["invocations"][0]["toolExecutionNotifications"]
        ] == ["d"]
        assert "baselineState" not in told["results"][0]

    def test_a_baseline_is_told(self) -> None:
        rows = [check(str(change) or "same", Status.DIFFERS, change=change) for change in Change]
        (told,) = json.loads(sarif.render(report(*rows, baseline="b.json")))["runs"]
        states = {r["message"]["text"].partition(":")[0]: r["baselineState"] for r in told["results"]}
        assert states == {"same": "unchanged", "new": "new", "known": "unchanged", "fixed": "absent",
                          "flapping": "unchanged"}  # fmt: skip
        SARIF.validate(json.loads(sarif.render(report(*rows, baseline="b.json"))))


class TestGitHub:
    def test_every_check_that_does_not_pass_is_one_line_of_its_type(self) -> None:
        lines = github.render(EVERY).splitlines()
        assert [line.partition(" ")[0] for line in lines] == [
            "::error", "::error", "::warning", "::warning", "::notice",
        ]  # fmt: skip
        assert lines[0].startswith("::error file=verify.toml,line=3,title=b::b: differs. $750M, long liquidations")
        assert lines[-1].startswith("::notice title=f::")

    @pytest.mark.parametrize("count", [1, 10, 11, 40])
    def test_ten_of_a_type_and_the_rest_counted(self, count: int) -> None:
        rows = [check(f"i{n}", Status.FAILED) for n in range(count - 1)]
        lines = github.render(report(*rows, check("worst", Status.DIFFERS))).splitlines()
        assert len(lines) == min(count, github.MOST)
        assert "title=worst" in lines[0]
        left = f"::error title=verify::{count - 9} more of this kind are in the report"
        assert (lines[-1] == left) == (count > github.MOST)

    def test_what_is_new_comes_before_what_is_known(self) -> None:
        rows = [check("old", Status.DIFFERS, change=Change.KNOWN), check("new", Status.DIFFERS, change=Change.NEW)]
        assert "title=new" in github.render(report(*rows)).splitlines()[0]

    def test_nothing_that_passes_is_annotated(self) -> None:
        assert github.render(report(check("a"))) == ""


class TestSummary:
    def test_it_is_the_whole_report_where_that_fits(self) -> None:
        assert run.summary(EVERY) == run.markdown_report(EVERY)

    @settings(max_examples=30)
    @given(st.integers(1, 300), st.integers(1500, 60_000))
    def test_it_is_never_longer_than_it_may_be_and_says_what_is_missing(self, count: int, most: int) -> None:
        told = report(*(check(f"überprüfung{n}", Status.DIFFERS) for n in range(count)))
        shown = run.summary(told, most)
        assert len(shown.encode()) <= most
        whole = run.markdown_report(told)
        assert (shown == whole) or "more lines are not shown: a summary holds" in shown
        assert shown == whole or len(whole.encode()) > most - 200

    def test_the_limit_of_github_holds(self) -> None:
        told = report(*(check(f"c{n}", Status.DIFFERS, caveat="x" * 500, sentence="y " * 400) for n in range(3000)))
        assert len(run.summary(told).encode()) < 1024 * 1024


class TestTable:
    def test_the_worst_comes_first_and_why(self) -> None:
        lines = run.table(EVERY).splitlines()
        assert lines[0] == "6 checks: 1 passed, 2 inconclusive, 1 failed, 2 differs"
        told = [line.split()[1] for line in lines[3:] if line[:1].strip() and line.split()[1:]]
        assert told == ["b", "d", "c[side=long]", "e", "f", "a"]
        assert "a total printed as one side" in run.table(EVERY)

    @pytest.mark.parametrize("width", [40, 80, 200])
    def test_no_line_is_wider_than_the_terminal(self, width: int) -> None:
        assert max(map(len, run.table(EVERY, width=width).splitlines())) <= width

    def test_what_changed_is_counted(self) -> None:
        told = report(check("a", Status.DIFFERS, change=Change.NEW), check("b", change=Change.FIXED), baseline="b.json")
        assert run.table(told).splitlines()[0].endswith("1 new, 0 known, 1 fixed, 0 flapping since b.json")


class TestNastyStrings:
    def test_no_line_is_a_command_of_ours_that_is_not(self) -> None:
        for line in github.render(nasty()).splitlines():
            assert line.startswith(("::error file=", "::warning file=", "::notice file="))
            assert line.count("::") == 2
            assert "##[" not in line
        for shown in (run.table(nasty()), run.markdown_report(nasty()), junit.render(nasty()), run.as_json(nasty()),
                      run.json_lines(nasty()), sarif.render(nasty())):  # fmt: skip
            assert "##[error]" not in shown
            assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
            assert not {"\x1b", "\x00", "\u202e", "\ud800"} & set(shown)

    def test_markdown_shows_it_as_text(self) -> None:
        shown = run.markdown_report(nasty())
        assert "<script>" not in shown
        assert "](https" not in shown
        rows = [line for line in shown.splitlines() if line.startswith("| x")]
        assert {row.replace("\\|", "").count("|") for row in rows} == {6}

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(max_size=60))
    def test_any_text_makes_valid_files(self, text: str) -> None:
        told = report(check("a", Status.DIFFERS, claim=text, caveat=text, reasons=(Reason("code", text),)))
        for schema in JUNIT:
            schema.validate(junit.render(told))
        SARIF.validate(json.loads(sarif.render(told)))
        assert len(run.json_lines(told).splitlines()) == 1
        json.loads(run.as_json(told))


@pytest.mark.parametrize("form", ["junit", "sarif", "github", "jsonl"])
def test_a_single_claim_has_the_formats_of_a_run(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "liquidations",
        "--offline",
        "--window",
        "2026-01-19",
        "--claim",
        "$1",
        "--format",
        form,
        "--exit-zero",
    ]
    assert cli.main(arguments, standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert "liquidations" in shown
    if form == "junit":
        for schema in JUNIT:
            schema.validate(shown)
    elif form == "sarif":
        SARIF.validate(json.loads(shown))
    elif form == "jsonl":
        assert json.loads(shown)["claim"] == "$1"
