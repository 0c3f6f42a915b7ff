"""The page in real Chromium: nothing leaves it, nothing is cut on a phone, everything can be reached and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, showing
from report_examples import FULL, attacked

from reports import html

pytestmark = pytest.mark.slow

#: Everything with words in it that lies outside the window, or is cut by its own box.
CUT = """[...document.querySelectorAll('main td, main li, main p, main dd, main code, main figcaption, main summary')]
    .filter(e => { const r = e.getBoundingClientRect();
        return e.checkVisibility() && e.innerText.trim() && (r.width === 0 || r.right > innerWidth + 0.5
            || r.left < -0.5 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0); })
    .map(e => e.innerText)"""
#: WCAG 2 contrast of the text of an element with what lies behind it.
CONTRAST = """(query) => { const light = (c) => { const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126*r + 0.7152*g + 0.0722*b; };
    return [...document.querySelectorAll(query)].map(e => { let b = e;
        while (b && /, 0\\)$|transparent/.test(getComputedStyle(b).backgroundColor)) b = b.parentElement;
        const [x, y] = [light(getComputedStyle(e).color), light(getComputedStyle(b || document.body).backgroundColor)]
            .sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); }); }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(html.render(FULL), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_it_is_whole_at_any_width(browser: Any, page_file: Path, width: int, dark: bool) -> None:
    with showing(browser, page_file, width=width, dark=dark) as shown:
        shown.js("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert shown.js("document.documentElement.scrollWidth") <= width
        assert shown.js(CUT) == []
        for part in (FULL.sentence, "mine.csv:2", "time-out after 60 s", "0.060"):
            assert part in shown.js("document.body.innerText"), part
        assert min(shown.page.evaluate(CONTRAST, "p, td, th, li, a, .why, .badge, figcaption, caption")) >= 4.5
        assert shown.asked == [page_file.as_uri()]
        assert shown.said == []


def test_no_label_of_a_picture_is_cut(browser: Any, page_file: Path) -> None:
    outside = """[...document.querySelectorAll('svg')].flatMap(s => { const b = s.getBoundingClientRect();
        return [...s.querySelectorAll('text')].filter(t => { const r = t.getBoundingClientRect();
            return r.width && (r.left < b.left - 0.5 || r.right > b.right + 0.5); }).map(t => t.textContent); })"""
    with showing(browser, page_file, width=800) as shown:
        assert shown.js("document.querySelectorAll('svg text').length") > 5
        assert shown.js(outside) == []


def test_it_can_be_read_with_the_keyboard_alone(browser: Any, page_file: Path) -> None:
    with showing(browser, page_file) as shown:
        reached = []
        for _ in range(40):
            shown.page.keyboard.press("Tab")
            reached.append(shown.js("document.activeElement.tagName + ' ' + (document.activeElement.href || '')"))
        assert reached[0].startswith("A")
        assert reached[0].endswith("#figures")
        wanted = set(shown.js("[...document.querySelectorAll('summary')].map(e => e.tagName + ' ')"))
        wanted |= set(shown.js("[...document.links].filter(l => l.checkVisibility()).map(l => 'A ' + l.href)"))
        assert wanted <= set(reached)
        assert shown.js("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))")
        assert shown.js("[...document.querySelectorAll('th')].every(t => t.scope)")


def test_in_print_nothing_is_folded_away(browser: Any, page_file: Path) -> None:
    with showing(browser, page_file, width=700, media="print") as shown:
        height = shown.js("document.querySelector('details table').getBoundingClientRect().height")
        assert height > 20


def test_an_attack_runs_nothing(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "attacked.html"
    attack = "</script><script>document.title='owned'</script><img src=https://evil.example/x onerror=alert(1)>"
    path.write_text(html.render(attacked(FULL, attack)), encoding="utf-8")
    with showing(browser, path) as shown:
        assert shown.page.title() != "owned"
        assert shown.asked == [path.as_uri()]
        assert shown.js("document.images.length + document.scripts.length") == 0
