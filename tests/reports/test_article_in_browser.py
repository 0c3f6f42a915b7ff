"""The page of an article in real Chromium: whole on a phone, in light and in dark, and nothing in it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, showing

from reports import article_html
from verify.article import article

pytestmark = pytest.mark.slow

DRAFT = """# Longs lose $730M <script>document.title='owned'</script>

In the past 4 hours $758 million was liquidated, $730 million in longs, CoinGlass data shows.
In the past 4 hours https://very.long.example/{} $999 million was liquidated <img src=x onerror=alert(1)>.

Some $7 million of longs were liquidated.
""".format("x" * 200)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_is_whole_and_quiet(browser: Any, tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "article.html"
    path.write_text(article_html.html(article(DRAFT, name="a.md", published_at="2026-01-19T02:30Z")), encoding="utf-8")
    with showing(browser, path, width=width, dark=dark) as shown:
        assert shown.js("document.documentElement.scrollWidth") <= width
        text = shown.js("document.body.innerText")
        assert all(part in text for part in ("$999 million", "differs", "supported", "inconclusive", "<script>"))
        assert shown.js("[...document.querySelectorAll('.badge')].every(b => b.getClientRects().length === 1)")
        inside = shown.js("[...document.links].map(a => a.getAttribute('href')).filter(h => h.startsWith('#'))")
        assert {"#figures", "#c1", "#t1"} <= set(inside)
        assert all(shown.page.evaluate("(h) => !!document.querySelector(h)", href) for href in inside)
        assert shown.asked == [path.as_uri()]
        assert shown.said == []
        assert shown.page.title() != "owned"
