"""What the estimate says of a claim about the market, how it stands beside the quotation, and what it rests on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from sources.spec import Cap, CompletenessRule, Keep
from verify.model.amount import Amount
from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.model.report import Confidence, Reason, Report, Verdict
from verify.model.window import Window
from verify.pipeline import outlook
from verify.pipeline.beliefs import beliefs, of_venue
from verify.pipeline.estimation import REST, Estimation
from verify.pipeline.timeline import MOST_BINS, bin_length
from verify.reconcile.estimated import Estimate, Interval, Kind
from verify.reconcile.observed import Evidence

WINDOW = Window(datetime(2026, 1, 18, 20, tzinfo=UTC), datetime(2026, 1, 19, 0, tzinfo=UTC))
HEAD = "url,outlet,amount_usd,venue,side,window_start_utc,window_end_utc,window_confidence,provider_attributed\n"
SPAN = "2026-11-20T08:00Z,2026-11-20T12:00Z,high"


def estimation(kind: Kind = Kind.ESTIMATE, middle: float = 1e9, width: float = 0.1) -> Estimation:
    draws = middle * np.exp(np.random.default_rng(1).normal(0.0, width, 4000))
    said = Interval.of(draws)
    return Estimation(
        Estimate(kind, said, said, said, middle / 2, 5, draws=dict.fromkeys(Side, draws)), Evidence(WINDOW)
    )


@pytest.mark.parametrize(
    ("claim", "kind", "code"),
    [
        ("about $1bn", Kind.ESTIMATE, "market_estimate_agrees"),
        ("$1bn", Kind.ESTIMATE, "market_estimate_agrees"),
        ("more than $800M", Kind.ESTIMATE, "market_estimate_agrees"),
        ("up to $1.3bn", Kind.ESTIMATE, "market_estimate_agrees"),
        ("about $1.2bn", Kind.ESTIMATE, "market_estimate_open"),
        ("about $2bn", Kind.ESTIMATE, "market_estimate_excludes"),
        ("about $300M", Kind.ESTIMATE, "market_estimate_excludes"),
        ("more than $2bn", Kind.ESTIMATE, "market_estimate_excludes"),
        ("about $300M", Kind.LOWER_BOUND, "market_estimate_excludes"),
        ("about $1bn", Kind.LOWER_BOUND, None),
        ("about $9bn", Kind.LOWER_BOUND, None),
    ],
)
def test_the_draws_judge_a_claim_about_the_market(claim: str, kind: Kind, code: str | None) -> None:
    why = outlook.reason(estimation(kind), Amount.parse(claim), Side.BOTH)
    assert (why.code if why else None) == code


AGREES, EXCLUDES, OPEN = (Reason(f"market_estimate_{word}", "") for word in ("agrees", "excludes", "open"))


@pytest.mark.parametrize("code", ["no_evidence", "only_unknown_lineage", "no_reading_for_window"])
def test_where_no_channel_speaks_the_draws_decide(code: str) -> None:
    silent = [Reason(code, "")]
    assert outlook.judged(Verdict.INCONCLUSIVE, silent, AGREES) == (Verdict.SUPPORTED, [AGREES, *silent])
    assert outlook.judged(Verdict.INCONCLUSIVE, silent, EXCLUDES) == (Verdict.DIFFERS, [EXCLUDES, *silent])
    assert outlook.judged(Verdict.INCONCLUSIVE, silent, OPEN) == (Verdict.INCONCLUSIVE, [*silent, OPEN])
    assert outlook.judged(Verdict.INCONCLUSIVE, silent, None) == (Verdict.INCONCLUSIVE, silent)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.SUPPORTED, "quoted_right"),
        (Verdict.DIFFERS, "out_of_range"),
        (Verdict.INCONCLUSIVE, "independent_lineages_disagree"),
        (Verdict.INCONCLUSIVE, "claim_more_precise"),
    ],
)
def test_what_a_channel_says_is_not_overruled(verdict: Verdict, code: str) -> None:
    said = [Reason(code, "")]
    for why in (AGREES, EXCLUDES):
        assert outlook.judged(verdict, said, why) == (verdict, [*said, why])
    assert outlook.judged(verdict, said, OPEN) == (verdict, said)


def test_only_a_verdict_of_the_draws_has_the_confidence_learned_for_them() -> None:
    claim = Amount.parse("about $1bn")
    learned = outlook.confidence(estimation(), claim, Side.BOTH)
    assert learned is not None
    assert learned.learned
    assert learned.value > 0.8
    sums = Confidence(0.3, ())
    found = outlook.Outlook(None, (), (), None, AGREES, confidence=learned)
    silent, quoted = [Reason("no_evidence", "")], [Reason("quoted_right", "")]
    assert found.judged(Verdict.INCONCLUSIVE, silent, sums)[2] is learned
    assert found.judged(Verdict.SUPPORTED, quoted, sums)[2] is sums


def test_no_answer_stands_without_interval_lineages_and_heterogeneity() -> None:
    for kind in (Kind.ESTIMATE, Kind.LOWER_BOUND):
        text = outlook.answer(estimation(kind), Side.BOTH, None, 4e8).text
        for word in ("90 %", "5 independent lineages", "heterogeneity", "at least $400M by what is shown"):
            assert word in text
    assert outlook.answer(estimation(Kind.LOWER_BOUND), Side.BOTH, None, 4e8).answer == "not answerable"


def rule(completeness: Completeness, keep: Keep | None = None, *, confirmed: bool = True) -> CompletenessRule:
    cap = None if keep is None else Cap(timedelta(seconds=1), keep)
    since = None if keep is None else date(2024, 1, 1)
    return CompletenessRule(completeness, "https://venue.example/", since, cap, confirmed=confirmed)


def test_a_documented_rule_is_believed_and_a_doubtful_one_in_part() -> None:
    sure, [only] = beliefs([rule(Completeness.CAPPED, Keep.LATEST)])
    assert (sure, str(only.rule and only.rule.keep), only.weight) == (Completeness.CAPPED, "latest", 1.0)
    _, doubtful = beliefs([rule(Completeness.CAPPED, Keep.LARGEST, confirmed=False)])
    assert [str(b.rule and b.rule.keep) for b in doubtful] == ["largest", "latest"]
    assert doubtful[0].weight > doubtful[1].weight
    _, open_rule = beliefs([rule(Completeness.CAPPED, Keep.UNKNOWN)])
    assert {b.weight for b in open_rule} == {0.5}


def test_a_feed_that_became_complete_within_the_window_is_believed_either_way() -> None:
    worst, found = beliefs([rule(Completeness.CAPPED, Keep.LATEST), rule(Completeness.COMPLETE)])
    assert worst is Completeness.CAPPED
    assert {b.rule is None: b.weight for b in found} == {False: 0.5, True: 0.5}
    assert beliefs([rule(Completeness.COMPLETE)]) == (Completeness.COMPLETE, ())
    assert beliefs([]) == (Completeness.UNKNOWN, ())


def test_of_an_aggregators_feeds_those_of_the_venue_are_beneath_its_bars() -> None:
    feeds = {"one/a": (rule(Completeness.CAPPED, Keep.LATEST),), "two/b": (rule(Completeness.COMPLETE),)}
    assert of_venue("one", ("one/a", "two/b"), feeds)[:2] == (("one/a",), Completeness.CAPPED)
    assert of_venue("two", ("one/a", "two/b"), feeds) == (("two/b",), Completeness.COMPLETE, ())
    assert of_venue("three", ("one/a", "two/b"), feeds) == ((), Completeness.UNKNOWN, ())


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=4000)))
def test_a_window_is_cut_into_few_bins_of_a_round_length(length: timedelta) -> None:
    window = Window(WINDOW.start, WINDOW.start + length)
    step = bin_length(window)
    assert length <= MOST_BINS * step
    day = timedelta(days=1)
    assert day % step == timedelta(0) or step % day == timedelta(0)
    assert step == timedelta(seconds=1) or length > step * MOST_BINS / 3


def printed(tmp_path: Path, *rows: str) -> Report:
    file = tmp_path / "figures.csv"
    file.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return verify.liquidations("2026-11-20T08:00Z/2026-11-20T12:00Z", figures=[file], offline=True)


def test_one_printed_total_is_a_lower_bound_that_says_why(tmp_path: Path) -> None:
    found = printed(tmp_path, f"https://a.example/,A,500000000,all,total,{SPAN},CoinGlass").estimate
    assert found is not None
    assert found.total is not None
    assert (found.kind, found.lineages, found.heterogeneity, found.probability) == ("lower_bound", 1, None, None)
    assert found.total.low90 >= 500e6
    assert found.total.high90 > 2 * found.total.low90
    assert any("lower bound" in limit for limit in found.limits)


def test_ten_outlets_of_one_lineage_are_no_more_than_one(tmp_path: Path) -> None:
    row = "https://{0}.example/,{0},500000000,all,total," + SPAN + ",CoinGlass"
    one = printed(tmp_path, row.format("a"))
    ten = printed(tmp_path, *(row.format(name) for name in "abcdefghij"))
    assert ten.estimate == one.estimate


def test_a_venues_row_is_taken_off_the_total_of_its_lineage(tmp_path: Path) -> None:
    found = printed(
        tmp_path,
        f"https://a.example/,A,500000000,all,total,{SPAN},CoinGlass",
        f"https://a.example/,A,200000000,Bybit,total,{SPAN},CoinGlass",
    ).estimate
    assert found is not None
    assert {row.venue: row.shown_usd for row in found.venues} == {"Bybit": 200e6, REST: 300e6}
    assert found.shown_usd == pytest.approx(500e6)


def test_nothing_known_is_no_number(tmp_path: Path) -> None:
    report = printed(tmp_path, "https://a.example/,A,5,all,total,2025-01-01T00:00Z,2025-01-02T00:00Z,high,CoinGlass")
    assert report.estimate is None
    assert report.questions[2].answer == "not answerable"
