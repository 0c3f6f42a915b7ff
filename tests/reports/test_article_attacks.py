"""What stands in a text, or comes from a provider, is data in every format of a judged article."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import pytest
from report_examples import ATTACKS, FULL, attacked
from reports_page import Page

from reports import article as shown_as
from reports import article_ci, article_html
from verify.claims.result import ArticleReport, Row
from verify.claims.slots import extract
from verify.claims.text import read
from verify.claims.windows import dateline
from verify.model.report import Reason, Verdict

TEXT = "In the past 4 hours $758 million was liquidated, $999 million in longs, CoinGlass data shows."
FORMATS: dict[str, Callable[[ArticleReport], str]] = {
    "table": lambda report: shown_as.table(report, explain=True),
    "md": lambda report: shown_as.markdown(report, explain=True),
    "json": shown_as.as_json,
    "html": article_html.html,
    "sarif": article_ci.sarif,
    "github": article_ci.github,
}


def hostile(attack: str, *, simulated: bool = False) -> ArticleReport:
    """An article with the attack in its text and its name, and in everything that was found about it."""
    reading = extract(read(f"{TEXT} {attack}\n\n{attack}\n", "md"), dateline("2026-01-19T02:30Z"))
    found = replace(attacked(FULL, attack), simulated=simulated)
    rows = tuple(
        Row(number, claim, verdict, (Reason("code", attack),), holds=(attack,), report=found)
        for number, (claim, verdict) in enumerate(zip(reading.claims, cycle(Verdict)), 1)
    )
    return ArticleReport(
        f"a{attack}.md", reading, rows, (), sources=attacked(FULL.sources, attack), warnings=(attack,), version="1"
    )


@pytest.fixture(scope="module", params=ATTACKS, ids=ascii)
def attack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shown(attack: str) -> dict[str, str]:
    report = hostile(attack)
    assert report.rows
    return {form: render(report) for form, render in FORMATS.items()}


def test_nothing_reaches_a_terminal_or_a_build_server(shown: dict[str, str]) -> None:
    for form, text in shown.items():
        assert text.encode("utf-8")
        assert all(line.replace("\u200b", "").isprintable() for line in text.splitlines()), form
        assert "##[" not in text
        assert "##vso" not in text
        if form != "github":
            assert not re.search(r"^\s*::", text, re.MULTILINE), form


def test_an_annotation_is_one_command(shown: dict[str, str]) -> None:
    for line in shown["github"].splitlines():
        assert re.match(r"::(error|warning|notice) file=[^,:]*,line=\d+", line)
        assert line.count("::") == 2


def test_the_page_has_only_its_own_elements_and_the_pages_that_were_cited(shown: dict[str, str]) -> None:
    page = Page(shown["html"])
    assert not {"script", "img", "iframe", "form", "b", "svg", "link", "object"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        address = attributes.get("href") or "#"
        assert address.startswith("#") or re.match(r"https://(paper|docs)\.example/", address), address


def test_markdown_shows_it_as_text(shown: dict[str, str]) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[<~$]|(?<!\\)\]\(", shown["md"])
    assert not re.search(r"(?:https?:|www\.)(?://)?evil|@(?=\w)|(?<!#)#(?=\d)", shown["md"])
    for table in re.findall(r"(?:^\|.*\n)+", shown["md"], re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_json_says_it_whole(shown: dict[str, str]) -> None:
    for form in ("json", "sarif"):
        assert json.loads(shown[form])


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("json", "sarif", "github")])
def test_simulated_data_is_named_in_the_first_line(form: str) -> None:
    assert "SIMULATED data" in FORMATS[form](hostile("", simulated=True)).splitlines()[0]
    assert "SIMULATED" not in FORMATS[form](hostile(""))


def test_machines_are_told_of_simulated_data_too() -> None:
    report = hostile("", simulated=True)
    assert json.loads(shown_as.as_json(report))["simulated"] is True
    assert all("SIMULATED" in line for line in article_ci.github(report).splitlines())
    (run,) = json.loads(article_ci.sarif(report))["runs"]
    assert all(result["message"]["text"].startswith("SIMULATED") for result in run["results"])


def test_a_figure_and_its_row_lead_to_one_another() -> None:
    page = Page(article_html.html(hostile("")))
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {str(a["href"]) for tag, a in page.elements if tag == "a" and str(a["href"]).startswith("#")}
    assert {"#c1", "#t1", "#c2", "#t2", "#figures"} <= links
    assert {link[1:] for link in links} <= names
