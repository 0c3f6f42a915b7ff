"""`verify article` as a whole: an event of our own invention, with its own figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import reports.article as rendered
from reports import article_ci, article_html
from verify.article import article
from verify.cli import cli
from verify.model.errors import InputError
from verify.model.report import Verdict

COLUMNS = (
    "url,outlet,published_at,metric,venue,asset,side,amount_usd,window_start_utc,window_end_utc,window_confidence,"
    "provider_attributed\n"
)
ROWS = """\
https://a.example/1,A,2027-05-03,liquidations,all,all,long,412000000,2027-05-03T06:00Z,2027-05-03T12:00Z,high,Coinalyze
https://a.example/1,A,2027-05-03,liquidations,all,all,short,38000000,2027-05-03T06:00Z,2027-05-03T12:00Z,high,Coinalyze
https://a.example/1,A,2027-05-03,liquidations,all,all,total,450000000,2027-05-03T06:00Z,2027-05-03T12:00Z,high,Coinalyze
"""

DRAFT = """---
date: 2027-05-03T12:00Z
---
# Longs lose $412 million as Dogecoin slides

In the past six hours, long positions lost $412 million and shorts $38 million, Coinalyze data shows.
Over the same stretch Dogecoin fell 11%.

- **The whole:** liquidations of $812 million in the past 6 hours, according to Coinalyze.
- Some $412 million in liquidations of longs made this the worst day since 2 March.

1. Read [the rules](https://rules.example/2027/05), call +44 20 7946 0958.
"""


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    path = tmp_path / "figures.csv"
    path.write_text(COLUMNS + ROWS, encoding="utf-8")
    return path


def test_an_invented_event_is_judged_by_its_own_figures(figures: Path) -> None:
    report = article(DRAFT, name="draft.md", figures=[figures])
    rows = {(row.claim.text, row.claim.sentence[:4]): row for row in report.rows}
    assert [row.claim.text for row in report.rows] == [
        "$412 million", "$412 million", "$38 million", "11%", "$812 million", "$412 million",
    ]  # fmt: skip
    assert rows["$412 million", "In t"].verdict is Verdict.SUPPORTED
    assert rows["$412 million", "Long"].verdict is Verdict.SUPPORTED  # the headline has its window from the body
    assert rows["$38 million", "In t"].verdict is Verdict.SUPPORTED
    assert rows["$812 million", "The "].verdict is Verdict.DIFFERS
    assert rows["11%", "Over"].reasons[0].code == "no_reading"
    open_row = rows["$412 million", "Some"]
    assert open_row.reasons[0].code == "no_window"
    assert open_row.holds == ("3 May 2027 06:00 to 12:00 UTC ($412M, Coinalyze)",)
    assert report.verdict is Verdict.DIFFERS
    assert {alone.reason for alone in report.reading.alone} >= {"a list number", "a phone number"}


def test_the_exit_code_is_that_of_the_worst_figure(figures: Path, tmp_path: Path) -> None:
    runner = CliRunner()

    def code(text: str, *options: str) -> int:
        path = tmp_path / "draft.md"
        path.write_text(text, encoding="utf-8")
        command = ["article", str(path), "--figures", str(figures), "--published", "2027-05-03T12:00Z", *options]
        result = runner.invoke(cli, command, standalone_mode=False, catch_exceptions=False)
        assert isinstance(result.return_value, int)
        return result.return_value

    right = "In the past six hours long positions lost $412 million in liquidations.\n"
    open_ = "\nLongs lost $999 million.\n"
    wrong = "\nIn the past 6 hours liquidations came to $812 million.\n"
    assert code("Nothing happened.\n") == 0
    assert code(right) == 0
    assert code(right + open_) == 3
    assert code(right + open_, "--fail-on", "differs") == 0
    assert code(right + open_ + wrong, "--fail-on", "differs") == 1


def test_every_format_holds_every_figure(figures: Path) -> None:
    report = article(DRAFT, name="draft.md", figures=[figures])
    assert rendered.table(report, explain=True).count("$412 million") >= 3
    assert "a phone number" in rendered.table(report, explain=True)
    assert "**$412 million** \\[1\\]" in rendered.markdown(report).replace("\\$", "$")
    plain = json.loads(rendered.as_json(report))
    assert [DRAFT[claim["start"] : claim["end"]] for claim in plain["claims"]] == [c["text"] for c in plain["claims"]]
    assert plain["verdict"] == "differs"


def test_the_page_shows_the_text_as_it_is_with_its_figures_marked(figures: Path) -> None:
    text = "<script>alert(1)</script> Longs & shorts: $812 million was liquidated in the past 6 hours.\n"
    page = article_html.html(article(text, form="txt", figures=[figures], published_at="2027-05-03T12:00Z"))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Longs &amp; shorts" in page
    assert '<mark class="differs" id="t1"><a href="#c1" title="figure 1: differs">$812 million</a></mark>' in page
    assert set(re.findall(r"https?://[^\"<]*", page)) == {"https://a.example/1"}  # the page that printed it


def test_sarif_and_github_point_at_the_number(figures: Path) -> None:
    report = article(DRAFT, name="draft.md", figures=[figures])
    (run,) = json.loads(article_ci.sarif(report))["runs"]
    lines = DRAFT.splitlines()
    for result, row in zip(run["results"], report.rows, strict=True):
        region = result["locations"][0]["physicalLocation"]["region"]
        line = lines[region["startLine"] - 1]
        assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == row.claim.text
    assert {result["level"] for result in run["results"]} == {"none", "warning", "error"}
    wrong = [line for line in article_ci.github(report).splitlines() if line.startswith("::error ")]
    assert len(wrong) == 1
    assert wrong[0].startswith("::error file=draft.md,line=9,col=34,title=$812 million::")


def test_text_cannot_give_commands_to_a_build_server_or_a_terminal(figures: Path) -> None:
    text = "Some\x1b[31m $5M of longs were liquidated, said ::error::x\u202e today.\n"
    report = article(text, name="a,b:c\n::warning::x", figures=[figures], published_at="2027-05-03T12:00Z")
    for shown in (
        rendered.table(report),
        article_ci.github(report),
        article_ci.sarif(report),
        rendered.as_json(report),
    ):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert len(article_ci.github(report).splitlines()) == len(report.rows)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="time"):
        article("x", published_at="yesterday")
    runner = CliRunner()
    for name, data in (("missing.md", None), ("latin.md", b"\xff\xfe\xfa$5M")):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        result = runner.invoke(cli, ["article", str(path)], standalone_mode=False)
        assert isinstance(result.exception, InputError)
        assert name in str(result.exception)


def test_stdin_is_read() -> None:
    text = "Longs lost $999 million.\n"
    result = CliRunner().invoke(cli, ["article", "-", "--format", "json"], input=text, standalone_mode=False)
    assert json.loads(result.stdout)["claims"][0]["text"] == "$999 million"
    assert "give --published" in result.stderr
