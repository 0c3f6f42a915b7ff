"""SARIF and GitHub annotations of an article."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from reports import article_ci
from verify.article import article
from verify.claims.result import ArticleReport

SCHEMA = Path(__file__).parents[1] / "data" / "schemas" / "sarif-2.1.0.json"
FIGURES = (
    "url,outlet,published_at,metric,venue,asset,side,amount_usd,window_start_utc,window_end_utc,window_confidence,"
    "provider_attributed\n"
    "https://a.example/1,A,2027-05-03,liquidations,all,all,total,450000000,"
    "2027-05-03T06:00Z,2027-05-03T12:00Z,high,Coinalyze\n"
)
WRONG = "In the past 6 hours, liquidations came to $999 million."
RIGHT = "In the past 6 hours, liquidations came to $450 million."


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "figures.csv"
    path.write_text(FIGURES, encoding="utf-8")
    return path


def judged(text: str, figures: Path, name: str = "drafts/my draft.md") -> ArticleReport:
    return article(text, name=name, figures=[figures], published_at="2027-05-03T12:00Z")


def run_of(report: ArticleReport) -> dict[str, Any]:
    log = json.loads(article_ci.sarif(report))
    Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(log)
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


@pytest.mark.parametrize("text", ["", "Nothing.\n", f"{WRONG}\n\n{RIGHT}\n\nLongs lost $7 million.\n", f"# {WRONG}"])
def test_what_is_written_is_sarif(text: str, figures: Path) -> None:
    run = run_of(judged(text, figures))
    levels = {result["kind"]: result["level"] for result in run["results"]}
    assert levels.get("pass", "none") == "none"
    assert all(run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])


def test_columns_are_utf16_code_units_and_lines_end_in_any_way(figures: Path) -> None:
    text = f"Intro.\r\n🚨🚨 {WRONG}\r\n"
    run = run_of(judged(text, figures))
    assert run["columnKind"] == "utf16CodeUnits"
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    line = text.split("\r\n")[region["startLine"] - 1].encode("utf-16-le")
    shown = line[2 * (region["startColumn"] - 1) : 2 * (region["endColumn"] - 1)].decode("utf-16-le")
    assert shown == "$999 million"


def test_a_rewording_is_a_fix(figures: Path) -> None:
    wrong, right = run_of(judged(f"{WRONG}\n\n{RIGHT}\n", figures))["results"]
    (fix,) = wrong["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == "drafts/my%20draft.md"
    (replacement,) = change["replacements"]
    assert replacement["deletedRegion"] == wrong["locations"][0]["physicalLocation"]["region"]
    assert replacement["insertedContent"]["text"] == "$450 million"
    inserted = right["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert inserted["deletedRegion"]["startColumn"] == inserted["deletedRegion"]["endColumn"]
    assert inserted["insertedContent"]["text"] == ", according to Coinalyze"


def test_github_gets_ten_annotations_of_a_type_at_most_and_is_told_of_the_rest(figures: Path) -> None:
    text = "\n\n".join([*[WRONG] * 25, *["Longs lost $7 million."] * 3, RIGHT])
    lines = article_ci.github(judged(text, figures, "a.md")).splitlines()
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == article_ci.MOST_ANNOTATIONS
    assert errors[0].startswith("::error file=a.md,line=1,col=43,title=$999 million::")
    assert errors[-1].startswith("::error file=a.md,line=19,title=verify::16 more figures")
    assert len([line for line in lines if line.startswith("::warning ")]) == 3
    assert len([line for line in lines if line.startswith("::notice ")]) == 1


def test_a_path_cannot_end_a_property(figures: Path) -> None:
    (line,) = article_ci.github(judged(WRONG, figures, "a,b:c%d.md")).splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac%25d.md,line=1,")
