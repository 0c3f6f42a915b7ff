"""What a number is read as: slots from its clause, its sentence, its heading, its table, and the dateline."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.claims.claim import Claim
from verify.claims.slots import extract
from verify.claims.text import guess_form, read
from verify.claims.windows import dateline

ROOT = Path(__file__).parents[2]
MONDAY = dateline("2026-01-19T02:30Z")


def claims(text: str, form: str = "md") -> tuple[Claim, ...]:
    return extract(read(text, form), MONDAY).claims


def scorer() -> ModuleType:
    loader = SourceFileLoader("score_claims", str(ROOT / "scripts" / "score-claims"))
    spec = importlib.util.spec_from_loader("score_claims", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("part", ["dev", "held"])
def test_the_scores_stay_where_they_are_quoted(part: str) -> None:
    scores = scorer().score(part)
    assert scores["span"][2] >= 0.97
    assert {name: round(f1, 3) for name, (_, _, f1) in scores.items() if f1 < 0.9} == {}


@pytest.mark.parametrize(
    ("words", "window"),
    [
        ("in the past 4 hours", "2026-01-18T22:30Z/2026-01-19T02:30Z"),
        ("within an hour", "2026-01-19T01:30Z/2026-01-19T02:30Z"),
        ("on Monday", "2026-01-19T00:00Z/2026-01-20T00:00Z"),
        ("on Friday", "2026-01-16T00:00Z/2026-01-17T00:00Z"),
        ("yesterday", "2026-01-18T00:00Z/2026-01-19T00:00Z"),
        ("last week", "2026-01-12T00:00Z/2026-01-19T00:00Z"),
        ("over the weekend", "2026-01-17T00:00Z/2026-01-19T00:00Z"),
        ("since mid-2025", "2025-07-01T00:00Z/2026-01-19T02:30Z"),
        ("since November", "2025-11-01T00:00Z/2026-01-19T02:30Z"),
        ("in December", "2025-12-01T00:00Z/2026-01-01T00:00Z"),
        ("between 6:30 AM and 10:30 AM UTC+8", "2026-01-18T22:30Z/2026-01-19T02:30Z"),
        ("from 22:30 to 02:30 UTC", "2026-01-18T22:30Z/2026-01-19T02:30Z"),
        ("on 31 December", "2025-12-31T00:00Z/2026-01-01T00:00Z"),
        ("within a day", "2026-01-18T02:30Z/2026-01-19T02:30Z"),
        ("from Monday to Sunday", "2026-01-12T00:00Z/2026-01-19T00:00Z"),
        ("between Wednesday and Friday", "2026-01-14T00:00Z/2026-01-17T00:00Z"),
        ("on 2 and 3 January", "2026-01-02T00:00Z/2026-01-04T00:00Z"),
        ("since the start of the year", "2026-01-01T00:00Z/2026-01-19T02:30Z"),
        ("this year", "2026-01-01T00:00Z/2026-01-20T00:00Z"),
        ("in the 24 hours to 0800 GMT on Sunday", "2026-01-17T08:00Z/2026-01-18T08:00Z"),
        ("in the last quarter of an hour", "2026-01-19T02:15Z/2026-01-19T02:30Z"),
        ("between 6:00 and 7:00 ET on 15 July 2025", "2025-07-15T10:00Z/2025-07-15T11:00Z"),
    ],
)
def test_words_for_a_time_are_resolved_against_the_dateline(words: str, window: str) -> None:
    (claim,) = claims(f"Some $750M of longs were liquidated {words}.")
    assert claim.when is not None
    assert str(claim.when.window) == window


def test_a_dateline_is_not_a_start() -> None:
    (claim,) = extract(read("On January 19, 2026, at 8:00 AM UTC+8, $750M was liquidated.", "txt")).claims
    assert claim.when is None
    assert "window" in claim.missing


def test_without_a_dateline_relative_words_have_a_length_and_no_edges() -> None:
    (claim,) = extract(read("Some $750M was liquidated in the past 4 hours.")).claims
    assert claim.when is not None
    assert (claim.when.label, claim.when.window) == ("4h", None)


def test_fund_flows_of_last_week_are_those_of_its_trading_days() -> None:
    (claim,) = claims("US spot SOL ETFs saw net inflows of $46.88 million last week.")
    assert claim.when is not None
    assert claim.when.label == "2026-01-12/2026-01-17"


def test_a_headline_and_the_body_share_the_slots_of_one_figure() -> None:
    head, body = claims("# Longs lose $750M\n\nIn four hours, $750 million was liquidated, CoinGlass data shows.")
    assert (head.side, head.when and head.when.label, head.attribution) == ("long", "4h", "CoinGlass")
    assert body.side == "long"
    assert body.carried == {"side": "the headline"}


def test_a_headline_may_round_the_figure_of_the_body() -> None:
    head, _ = claims("# $870M liquidated\n\nIn the past 24 hours $870.9 million was liquidated, CoinGlass said.")
    assert (head.when and head.when.label, head.attribution) == ("24h", "CoinGlass")


def test_a_pronoun_points_to_the_sentence_before() -> None:
    first, second = claims("Hyperliquid liquidated $235M in four hours. Of which BTC made up 44.68 %.")
    assert second.venues == first.venues == ("hyperliquid",)
    assert second.when == first.when
    assert second.carried["venues"] == "the sentence before"


def test_a_table_cell_takes_its_row_label_and_its_column_title() -> None:
    table = "| Venue | Long liquidations (24h) |\n|---|---|\n| Bybit | $238.56M |\n"
    web = (
        "<table><tr><th>Venue</th><th>Long liquidations (24h)</th></tr>"
        "<tr><td>Bybit</td><td>&#36;238.56M</td></tr></table>"
    )
    for text, form in ((table, "md"), (web, "html")):
        (claim,) = claims(text, form)
        assert (claim.metric, claim.side, claim.venues) == ("liquidations", "long", ("bybit",))
        assert claim.when is not None
        assert claim.when.label == "24h"


def test_names_that_are_ordinary_words_need_their_spelling() -> None:
    (claim,) = claims("Near the gate, a link to lighter hype: $12 million was liquidated.")
    assert (claim.assets, claim.venues) == ((), ())
    (claim,) = claims("On Gate, $12 million of LINK longs were liquidated.")
    assert (claim.assets, claim.venues) == (("LINK",), ("gate",))


def test_long_term_and_in_short_name_no_side() -> None:
    (claim,) = claims("In short, long-term holders watched as $12 million was liquidated over a long day.")
    assert claim.side == "both"


def test_places_in_marked_up_text_are_those_of_the_original() -> None:
    for text, form in (
        ("**$750&nbsp;million** of longs", "html"),
        ("<p>A <b>$750</b> million loss of longs</p>", "html"),
        ("[**$750 million**](https://x.example/1) of longs were liquidated", "md"),
    ):
        (claim,) = claims(text, form)
        assert text[claim.start : claim.end].startswith("$750")
        assert text[: claim.end].endswith("million")


_UNRELATED = st.lists(
    st.sampled_from(
        ["The weather stayed mild.", "Nobody wanted to comment.", "Shops opened as usual.", "今天天气很好。", "Ok?"]
    ),
    max_size=4,
).map(" ".join)


@given(before=_UNRELATED, after=_UNRELATED, row=st.sampled_from([
    "Longs lost $730 million and shorts $27.63 million in the past 4 hours, CoinGlass data shows.",
    "Hyperliquid saw 38 positions above $1M liquidated on Monday.",
    "过去24小时，全网爆仓8.7亿美元，其中多单爆仓7.88亿美元。",
    "BTC broke the $92,000 mark, falling more than 3%.",
]))  # fmt: skip
def test_unrelated_text_around_changes_no_slot(before: str, after: str, row: str) -> None:
    def slots(text: str) -> list[tuple[object, ...]]:
        return [
            (c.text, c.metric, c.side, c.assets, c.venues, c.threshold, c.when and c.when.label, c.attribution)
            for c in claims(text)
        ]

    assert slots(f"{before}\n\n{row}\n\n{after}") == slots(row)
    assert slots(f"{before} {row} {after}") == slots(row)
    assert slots(f"{row} {after}".strip()) == slots(row)


def test_respectively_deals_the_names_out() -> None:
    found = claims("OKX and Bybit followed with $366 million and $106 million in liquidations, respectively.")
    assert [claim.venues for claim in found] == [("okx",), ("bybit",)]


def test_both_ends_of_a_price_move_are_levels() -> None:
    found = claims("Bitcoin's drop from $112,000 to below $106,000 wiped out $1.27 billion in leveraged positions.")
    assert [(claim.metric, claim.direction, str(claim.hedge)) for claim in found] == [
        ("price", "level", ""),
        ("price", "broke", ""),
        ("liquidations", "", ""),
    ]


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="article:published_time" content="2026-01-19T02:30:00Z">',
        '<script type="application/ld+json">{"datePublished": "2026-01-19T10:30:00+08:00"}</script>',
        '<body><article><time datetime="2026-01-19T02:30Z">Monday</time>',
    ],
)
def test_a_page_says_when_it_was_published(head: str) -> None:
    page = f"<html><head>{head}</head><p>In the past 4 hours $750M was liquidated.</p></html>"
    (claim,) = extract(read(page, "html")).claims
    assert claim.when is not None
    assert str(claim.when.window) == "2026-01-18T22:30Z/2026-01-19T02:30Z"


@pytest.mark.parametrize(
    "text",
    [
        "As of 8:00 AM UTC+8 on January 19, 24-hour liquidations were $680 million.",
        "On Jan. 19 at 00:00 UTC, 24-hour liquidations stood at $680M.",
        "截至 1 月 19 日 08:00 UTC+8，24 小时爆仓 6.8 亿美元。",
    ],
)
def test_a_reading_at_an_instant_ends_there(text: str) -> None:
    (claim,) = claims(text)
    assert claim.when is not None
    assert str(claim.when.window) == "2026-01-18T00:00Z/2026-01-19T00:00Z"


def test_a_piece_of_a_page_is_read_as_one() -> None:
    for text in ("<table><tr><td>5</td></tr></table>", "\n<p>Longs</p>", "<!DOCTYPE html><html></html>"):
        assert guess_form("stdin", text) == "html"
    for text in ("<https://example.org> Longs", "1 < 2", "# Longs", ""):
        assert guess_form("stdin", text) == "md"


def test_what_would_happen_is_no_count() -> None:
    for text in (
        "Should bitcoin fall below $88,000, long liquidations would reach $1.36 billion, CoinGlass data shows.",
        "若比特币跌破9万美元，主流CEX累计多单清算强度将达12.4亿。",
    ):
        condition, risk = claims(text)
        assert (condition.metric, condition.direction, condition.attribution) == ("reference_price", "", "")
        assert (risk.metric, risk.assets) == ("liquidation_risk", ("BTC",))


def test_a_fund_is_not_all_funds_of_its_asset() -> None:
    all_funds, one = claims("Spot bitcoin ETFs lost $301M on Friday. BlackRock's IBIT alone saw outflows of $142M.")
    assert (all_funds.assets, all_funds.venues) == (("BTC",), ())
    assert (one.assets, one.venues) == (("BTC",), ("IBIT",))


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("$5M of SUI longs were liquidated.", ("SUI",)),
        ("Sui fell 14%.", ("SUI",)),
        ("Traders sui generis lost 14%.", ()),
        ("TON rose 3%.", ("TON",)),
        ("A ton of traders, up 3%, cheered.", ()),
        ("Optimism rose 3% among traders.", ("OP",)),
        ("There was optimism, up 3% on the day.", ()),
        ("NEAR RECORD HIGHS: STOCKS GAIN 3%", ()),
        ("$HYPE jumped 9%.", ("HYPE",)),
    ],
)
def test_names_that_are_words_too_are_told_apart_by_their_place(text: str, assets: tuple[str, ...]) -> None:
    (claim,) = claims(text)
    assert claim.assets == assets
