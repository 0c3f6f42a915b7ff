"""The report as one page: everything is in it, nothing from outside acts in it, and it needs nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from report_examples import ATTACKS, FIGURE, FULL, attacked
from reports_page import Page

from reports import charts, html, markdown, notebook, terminal
from verify.model.errors import InputError
from verify.model.report import Answer, Range, Report

#: Everything that our own template and the pictures are made of.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "a", "main", "header", "p", "span", "h1", "h2", "h3", "strong",
    "code", "blockquote", "section", "dl", "dt", "dd", "figure", "figcaption", "ul", "li", "table", "caption", "thead",
    "tbody", "tr", "th", "td", "div", "details", "summary", "footer", "svg", "g", "path", "line", "text", "rect",
    "clippath", "defs", "wbr",
}  # fmt: skip


def test_every_part_of_the_report_is_there() -> None:
    page = Page(html.render(FULL))
    for part in (
        "DIFFERS", "confidence 0.52", "$750M", FULL.sentence, FULL.caveat, FULL.window_words, "$730.123456M",
        "Set aside: $440.123456M", "as claimed" if FULL.explanations[0].exact else "$25M", "$1,234,567,890",
        "time-out after 60 s", "rounding of $0.01234567", "5 outlets print $1.080001bn", "attributed 1234567",
        "$2.1bn (50 %: $1.9bn to $2.4bn; 90 %: $1.5bn to $3.1bn), from 3 lineages", "probability of 3 %",
        "htx/linear: sides swapped, 98 % sure, mended", "x 1.12", "60 % by the documents, 90 % after", "1" * 64,
        "mine.csv:2", f"sha256:{'0' * 64}", "mine.csv:7: the amount -730123456 is negative", "edges ± 30 minutes",
    ):  # fmt: skip
        assert part in page.text or part.replace("1,234,567,890", "1.235bn") in page.text, part


def test_a_picture_says_in_words_what_it_shows() -> None:
    pictures = [attributes for tag, attributes in Page(html.render(FULL)).elements if tag == "svg"]
    assert [picture["role"] for picture in pictures] == ["img"] * 5
    said = [str(picture["aria-label"]) for picture in pictures]
    assert "CoinGlass 729,912,340 to 730,987,650, stated 552,888,888" in said[0]
    assert "Binance shown 300,000,000, estimated 1,500,000,000 to 3,100,000,000" in said[1]
    assert "binance/usdm at its limit in 1,800 s" in said[2]
    assert "MEXC 18% not seen" in said[3]
    assert "independence 0.06 of 0.30" in said[4]


def test_the_page_needs_nothing_else() -> None:
    page = Page(html.render(FULL))
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    loaded = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "srcset", "style")]
    assert loaded == [] or all("url(" not in str(value) for value in loaded)


def test_simulated_data_is_named_in_the_first_line_and_on_the_page() -> None:
    page = html.render(replace(FULL, simulated=True))
    assert "SIMULATED" in page.splitlines()[0]
    assert Page(page).text.count("SIMULATED data: nothing here happened in a market") == 1
    assert "SIMULATED" not in html.render(FULL)


@pytest.mark.parametrize("attack", [*ATTACKS, '" onmouseover="alert(1)', "</title></svg><script>x</script>", "{{7*7}}"])
def test_strings_from_outside_are_only_shown(attack: str) -> None:
    page = Page(html.render(attacked(FULL, attack)))
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        target = attributes.get("href") or ""
        assert target.startswith(("https://", "http://", "#")) or not target, target
    outside = [a["href"] for t, a in page.elements if t == "a" and not str(a.get("href", "#")).startswith("#")]
    assert all(re.match(r"https://(paper|docs)\.example/", str(address)) for address in outside), outside
    assert "49" not in page.text or "{{7*7}}" not in attack or "{{7*7}}" in page.text


def test_addresses_that_are_none_of_the_web_are_no_links() -> None:
    figure = replace(FIGURE, url="javascript:alert(1)")
    page = Page(html.render(replace(FULL, figures=(figure,), answers=(replace(FULL.answers[0], nearest=figure),))))
    assert not [a for t, a in page.elements if t == "a" and "javascript" in str(a.get("href"))]


def test_a_report_about_nothing_is_a_page_too() -> None:
    bare = replace(
        FULL, claim=None, channel=None, verdict=None, confidence=None, reasons=(), answers=(), figures=(), sources=(),
        estimate=None,
        timeline=(), coverage=(), evidence=(), lineages=(), explanations=(), conflicts=(), comparisons=(), findings=(),
        caps=(), files={}, problems=(), sentence="", caveat="",
    )  # fmt: skip
    assert "No figure is known for this window." in Page(html.render(bare)).text


@pytest.mark.slow
def test_time_zone_locale_and_hash_seed_change_no_byte() -> None:
    """Of the page, which no run of checks writes; `tests/jobs/test_same_bytes.py` has the other formats."""
    told = "import sys; from report_examples import FULL; from reports import html; "
    told += "sys.stdout.buffer.write(html.render(FULL).encode())"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    pages = [
        subprocess.run(
            [sys.executable, "-c", told], cwd=Path(__file__).parents[1], env={**inherited, **world},
            capture_output=True, check=True, timeout=120,
        ).stdout
        for world in (
            {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
            {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "LANG": "de_DE.UTF-8"},
        )
    ]  # fmt: skip
    assert pages[0] == pages[1] == html.render(FULL).encode()


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(InputError, match=r"pip install 'verify-figures\[html\]'"):
        html.render(FULL)


def test_a_notebook_shows_the_page_in_a_frame_of_its_own() -> None:
    import verify.pipeline  # noqa: F401  # which tells reports how to be shown

    page = Page(str(FULL._repr_html_()))
    assert [tag for tag, _ in page.elements] == ["iframe"]
    frame = page.elements[0][1]
    assert "sandbox" in frame
    assert frame["srcdoc"] == html.render(FULL)


def test_a_notebook_without_the_extra_shows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    shown = notebook.shown(attacked(FULL, "<script>x</script>"))
    assert shown.startswith("<pre>")
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("quantity", "values", "title"),
    [
        ("price of BTC, fall in per cent", (-0.1078, 0.25), "per cent"),
        ("price of DOGE, lowest", (0.12, 0.13), "US dollars"),
    ],
)
def test_small_readings_are_written_out_on_the_axis(quantity: str, values: tuple[float, ...], title: str) -> None:
    answers = tuple(Answer(f"c{n}", f"C{n}", "no", "", None, None, 1, Range(v, v)) for n, v in enumerate(values))
    drawn = charts.lineages(replace(FULL, command="market", quantity=quantity, claim=None, answers=answers))
    assert drawn is not None
    ticks = re.findall(r">([^<>]+)</text>", drawn)
    assert title in ticks
    assert not [tick for tick in ticks if re.fullmatch(r"[−\d.]+m", tick)]  # SI thousandths, read as millions
    assert f"C0 {values[0]} to {values[0]}" in drawn


@pytest.mark.parametrize("render", [html.render, terminal.render, markdown.render])
def test_it_is_said_what_the_confidence_means(render: Callable[[Report], str]) -> None:
    assert FULL.confidence is not None
    assert "conventions, not calibrated" in render(FULL)
    learned = replace(FULL, confidence=replace(FULL.confidence, value=0.87, learned=True))
    shown = " ".join(re.sub(r"<[^>]*>", " ", render(learned)).split())
    assert "right 87 % of the time" in shown
