"""The report in Markdown: what comes from outside is text, never a link, an element or a mention."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from report_examples import ATTACKS, FIGURE, FULL, attacked

from reports import markdown, text

#: What a renderer would act on if it stood unescaped.
ACTIVE = re.compile(r"(?<!\\)(?:\\\\)*[\[\]<>`*~$]|(?<!\\)!\[")


def test_every_part_of_the_report_is_there() -> None:
    shown = markdown.render(FULL)
    for title in (
        "## DIFFERS (confidence 0.52)", "### What the channels say", "### What would explain the claim",
        "### Sources asked", "### Lineages", "### Side by side", "### Cannot all be true", "### Noticed",
        "### Confidence", "### Caveat", "### Rows that could not be read",
        "### Venues by open interest", "### Evidence",
    ):  # fmt: skip
        assert f"\n{title}\n" in f"\n{shown}"
    assert f"<{FIGURE.url}>" in shown
    assert markdown.render(replace(FULL, simulated=True)).startswith("**SIMULATED")


@pytest.mark.parametrize("attack", ["", "|| a | b ||\n| c |"])
def test_tables_have_as_many_cells_in_every_row(attack: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", markdown.render(attacked(FULL, attack)), re.MULTILINE)
    assert len(tables) == 10
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_strings_from_outside_are_only_shown(attack: str) -> None:
    shown = markdown.render(attacked(FULL, attack))
    lines = shown.splitlines()
    assert all(line.replace("\u200b", "").isprintable() for line in lines)
    assert [line for line in lines if line.startswith("#")] == [
        line for line in markdown.render(FULL).splitlines() if line.startswith("#")
    ]
    outside = re.sub(r"<https://(?:paper\.example|api\.gateio\.ws)/[^<>\s]*>", "", shown)
    assert "evil.example" not in outside or not re.search(r"(?:https?:|www\.)(?://)?evil", outside)
    assert not re.search(r"@(?=\w)|#(?=\d)", outside.replace("### ", "").replace("## ", ""))
    assert not re.search(r"^\s*::", shown, re.MULTILINE)
    assert "##[" not in shown
    assert "##vso" not in shown


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_nothing_active_is_left_in_escaped_text(attack: str) -> None:
    assert not ACTIVE.search(text.markdown(attack))
    assert "\n" not in text.markdown(attack)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("- item", "\\- item"),
        ("= sum", "\\= sum"),
        ("> quote", "\\> quote"),
        ("1. first", "1\\. first"),
        ("12) twelfth", "12\\) twelfth"),
        ("    code", "code"),
        ("$750M", "\\$750M"),
        ("https://a.example", "https:\u200b//a.example"),
        ("@team", "\\@\u200bteam"),
    ],
)
def test_text_that_would_start_something_does_not(written: str, shown: str) -> None:
    assert text.markdown(written) == shown


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "ftp://a.example"]
)
def test_only_web_addresses_become_links(address: str) -> None:
    assert text.url(address) == ""


def test_an_address_cannot_leave_its_brackets() -> None:
    assert text.url("https://a.example/> <img src=x> [x](y)`|\\\n\u202e") == (
        "https://a.example/%3E%20%3Cimg%20src=x%3E%20%5Bx%5D%28y%29%60%7C%5C%20"
    )
