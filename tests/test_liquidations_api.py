"""`verify.liquidations` on real published figures and on events that never happened: the same rules for all."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import verify
from verify.model.report import Answer, Report, Verdict

EVENTS = Path(__file__).parent.parent / "fixtures" / "events"
JANUARY_19 = "2026-01-18T22:30Z/2026-01-19T02:30Z"
JANUARY_20 = "2026-01-20T04:00Z/2026-01-21T04:00Z"
OCTOBER = "2025-10-10T04:00Z/2025-10-11T04:00Z"
Row = dict[str, str]
Save = Callable[[list[Row]], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(rows: list[Row]) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def rows_of(event: str) -> list[Row]:
    with (EVENTS / event / "figures.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def judged(window: str, claim: str | None = None, *files: Path, **options: Any) -> Report:
    return verify.liquidations(window, claim, figures=files, offline=True, **options)


def answer(report: Report, lineage: str = "coinglass") -> Answer:
    return next(answer for answer in report.answers if answer.lineage == lineage)


def codes(report: Report) -> list[str]:
    return [reason.code for reason in report.reasons]


# --- 18-19 January 2026 ----------------------------------------------------------------------------------------------


def test_750_million_of_longs_differ_from_every_reading() -> None:
    report = judged(JANUARY_19, "$750M", side="long")
    said = answer(report)
    assert (report.verdict, report.exit_code) == (Verdict.DIFFERS, 1)
    assert codes(report) == ["out_of_range", "slip_found"]
    assert said.nearest is not None
    assert said.nearest.stated == "$730M"
    assert said.distance == pytest.approx(-0.0267, abs=1e-4)
    assert "no reading of CoinGlass prints $750M" in said.text
    assert report.independent == 1
    assert report.outlets > 25
    assert "Single channel" in report.caveat


def test_its_explanations_are_the_reading_the_total_and_the_longer_window() -> None:
    report = judged(JANUARY_19, "$750M", side="long")
    first = [(row.slip, row.value, row.title) for row in report.explanations[:3]]
    assert first == [
        ("rounded", 730e6, "the same reading, rounded"),
        ("total_as_side", 758e6, "a total printed as one side"),
        ("window_changed", 763e6, "12 hours printed as 4 hours"),
    ]
    assert all(row.url.startswith("https://") and row.rounding > 0 for row in report.explanations)


def test_the_range_is_derived_without_the_reading(save: Save) -> None:
    rows = rows_of("2026-01-19")
    without = [row for row in rows if not (row["amount_usd"].startswith("730") and row["side"] == "long")]
    assert len(without) < len(rows)
    full, less = (
        judged(JANUARY_19, "$750M", save(rows), side="long"),
        judged(JANUARY_19, "$750M", save(without), side="long"),
    )
    said, derived = answer(full), answer(less)
    assert derived.nearest is None or derived.nearest.stated != "$730M"
    assert derived.derived == said.derived
    assert said.derived is not None
    assert (said.derived.low, said.derived.high) == pytest.approx((729.865e6, 730.875e6), abs=1e3)
    assert less.verdict is Verdict.DIFFERS


def test_a_hedge_supports_what_the_bare_number_does_not() -> None:
    report = judged(JANUARY_19, "about $750M", side="long")
    assert report.verdict is Verdict.SUPPORTED
    assert codes(report) == ["quoted_through_hedge"]
    assert "about" in report.questions[0].text


def test_the_total_is_quoted_right_and_not_corroborated() -> None:
    report = judged(JANUARY_19, "$758M", side="both")
    assert report.verdict is Verdict.SUPPORTED
    assert report.questions[0].answer == "yes"
    assert report.questions[1].text == "not corroborated: one lineage"
    assert report.sentence.startswith("At least $758M")
    assert "CoinGlass" in report.sentence


# --- 20 January 2026 -------------------------------------------------------------------------------------------------


def test_an_impossible_triple_is_named_and_its_repeaters_are_one_lineage() -> None:
    report = judged(JANUARY_20, "$1.08bn", side="long")
    (conflict,) = [c for c in report.conflicts if "cannot be" in c.text and "$79.67M" in c.text]
    assert "$1.08bn total = $1.08bn long + $79.67M short cannot be" in conflict.text
    assert "$1.16bn" in conflict.text
    (error,) = [finding for finding in report.findings if finding.code == "shared_error"]
    assert error.text.count(",") >= 5
    assert [row.id for row in report.lineages if row.counts] == ["coinglass"]
    assert report.independent == 1


def test_a_truncated_count_is_recognised() -> None:
    report = judged(JANUARY_20)
    (finding,) = [finding for finding in report.findings if finding.code == "digits_truncated"]
    assert "2,729" in finding.text
    assert "182,729" in finding.text


def test_a_claim_of_a_truncated_count_nobody_printed_is_explained() -> None:
    report = judged(JANUARY_20, "3,066", count_over="0")
    assert report.verdict is Verdict.DIFFERS
    assert [(row.slip, row.value) for row in report.explanations] == [("digits_truncated", 183066)]


def test_a_truncated_count_is_not_supported_by_its_own_misprint() -> None:
    assert judged(JANUARY_20, "2,729", count_over="0").verdict is not Verdict.SUPPORTED


# --- 10-11 October 2025 ----------------------------------------------------------------------------------------------


def test_independent_lineages_are_compared_and_never_averaged() -> None:
    report = judged(OCTOBER, "$19.13bn")
    assert report.independent >= 3
    assert report.comparisons
    assert all(row.ratio >= 1 and "factor" in row.text for row in report.comparisons)
    assert max(row.ratio for row in report.comparisons) > 1.5
    stated = {row.value for row in report.figures}
    assert {number for row in report.comparisons for number in (row.first_value, row.second_value)} <= stated


# --- An event that never happened ------------------------------------------------------------------------------------

NOVEMBER = "2031-11-02T08:00Z/2031-11-02T12:00Z"


def stated(
    amount: str,
    side: str = "total",
    *,
    outlet: str = "Gazette",
    says: str = "Zorbia (own data)",
    start: str = "2031-11-02T08:00Z",
    end: str = "2031-11-02T12:00Z",
    slack: str = "10m",
    **more: str,
) -> Row:
    name = outlet.lower().replace(" ", "")
    return {
        "url": f"https://{name}.example/{more.pop('page', 'a')}",
        "outlet": outlet,
        "side": side,
        "amount_text": amount,
        "provider_attributed": says,
        "window_start_utc": start,
        "window_end_utc": end,
        "slack": slack,
        "venue": "",
        "asset": "",
    } | more


INVENTED = [
    stated("$412M"),
    stated("$388M", "long"),
    stated("$24.1M", "short"),
    stated("$391M", venue="Quillex"),
    stated("$611M", "long", outlet="Herald", start="2031-11-02T00:00Z"),
    stated("$655M", outlet="Herald", start="2031-11-02T00:00Z"),
]
SLIPS = {
    "total_as_side": ("$412M", "long"),
    "window_changed": ("$611M", "long"),
    "sides_swapped": ("$388M", "short"),
    "side_as_total": ("$388M", "both"),
    "venue_as_market": ("$391M", "both"),
    "tenfold": ("$4.12bn", "both"),
    "tenth": ("$38.8M", "long"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_an_invented_event_is_judged_by_the_same_rules(save: Save, slip: str) -> None:
    claim, side = SLIPS[slip]
    report = judged(NOVEMBER, claim, save(INVENTED), side=side)
    assert report.verdict is Verdict.DIFFERS
    assert report.explanations[0].slip == slip
    assert report.explanations[0].exact
    assert "slip_found" in codes(report)


def test_an_invented_truth_is_supported(save: Save) -> None:
    report = judged(NOVEMBER, "$388M", save(INVENTED), side="long", strict=True)
    assert report.verdict is Verdict.SUPPORTED
    assert report.independent == 1
    assert "Zorbia" in report.sentence


def test_a_wrong_figure_of_one_page_does_not_poison_an_invented_lineage(save: Save) -> None:
    wrong = stated("$24.1M", outlet="Bugle")
    report = judged(NOVEMBER, "$388M", save([*INVENTED, wrong]), side="long")
    assert report.verdict is Verdict.SUPPORTED
    for conflict in report.conflicts:
        assert "$24.1M total" in conflict.set_aside


def test_two_invented_providers_that_agree_corroborate(save: Save) -> None:
    other = stated("$409M", outlet="Bugle", says="Umbra Metrics (own data)")
    report = judged(NOVEMBER, "$412M", save([*INVENTED, other]))
    assert report.independent == 2
    assert report.questions[1].answer == "yes"
    assert report.comparisons[0].ratio == pytest.approx(412 / 409, abs=1e-3)


def test_two_invented_providers_that_disagree_leave_it_open(save: Save) -> None:
    other = stated("$1.62bn", outlet="Bugle", says="Umbra Metrics (own data)")
    report = judged(NOVEMBER, "$412M", save([*INVENTED, other]))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert codes(report)[0] == "independent_lineages_disagree"
    assert report.questions[1].answer == "no"


def test_a_total_of_nothing_is_not_silence(save: Save) -> None:
    report = judged(NOVEMBER, "$0", save([stated("$0", "short"), stated("$412M")]), side="short")
    assert report.verdict is Verdict.SUPPORTED
    assert judged(NOVEMBER, "$5M", save([stated("$0", "short")]), side="short").verdict is Verdict.DIFFERS


def finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def test_a_comparison_with_nothing_is_finite(save: Save) -> None:
    zero = [stated("$0"), stated("$412M", outlet="Bugle", says="Umbra Metrics (own data)")]
    assert finite(judged(NOVEMBER, "$0", save(zero)).to_dict())


def test_every_number_of_a_report_is_finite(save: Save) -> None:
    assert finite(judged(NOVEMBER, "at least $1M", save(INVENTED)).to_dict())


# --- What must change nothing ----------------------------------------------------------------------------------------


def essence(report: Report) -> dict[str, Any]:
    """What a report concludes, without the rows it lists."""
    return {
        "verdict": report.verdict,
        "reasons": [reason.code for reason in report.reasons],
        "confidence": report.confidence,
        "independent": report.independent,
        "answers": [(a.lineage, a.answer, a.feasible, a.derived, a.by_clock, a.distance) for a in report.answers],
        "explanations": [(e.slip, e.value, e.distance, e.rounding, e.exact, e.url) for e in report.explanations],
        "comparisons": [asdict(row) | {"text": ""} for row in report.comparisons],
        "conflicts": len(report.conflicts),
        "aside": [c.set_aside.partition(",")[0] for c in report.conflicts],
    }


@pytest.mark.parametrize(
    ("event", "window", "claim", "side"),
    [
        ("2026-01-19", JANUARY_19, "$750M", "long"),
        ("2026-01-20", JANUARY_20, "$1.08bn", "long"),
        ("2025-10-10", OCTOBER, "$19.13bn", "both"),
    ],
)
class TestOfRealEvents:
    def test_duplicates_change_neither_confidence_nor_independence(
        self, save: Save, event: str, window: str, claim: str, side: str
    ) -> None:
        rows = rows_of(event)
        twice = [*rows, *(row | {"outlet": "Copycat", "url": row["url"] + "?copy"} for row in rows)]
        once, doubled = judged(window, claim, save(rows), side=side), judged(window, claim, save(twice), side=side)
        assert doubled.confidence == once.confidence
        assert doubled.independent == once.independent
        assert doubled.verdict == once.verdict
        assert [a.feasible for a in doubled.answers] == [a.feasible for a in once.answers]

    def test_the_order_of_rows_changes_nothing(
        self, save: Save, event: str, window: str, claim: str, side: str
    ) -> None:
        rows = rows_of(event)
        assert essence(judged(window, claim, save(rows[::-1]), side=side)) == essence(
            judged(window, claim, save(rows), side=side)
        )

    def test_shifting_everything_by_days_changes_nothing_else(
        self, save: Save, event: str, window: str, claim: str, side: str
    ) -> None:
        days = 7

        def later(text: str) -> str:
            if not text:
                return text
            moment = datetime.fromisoformat(text) + timedelta(days=days)
            return moment.date().isoformat() if len(text) == 10 else moment.isoformat()

        def shifted(row: Row) -> Row:
            moved = {column: later(row[column]) for column in ("window_start_utc", "window_end_utc")}
            day = row["published_at"][:10]
            try:
                published = (datetime.fromisoformat(day) + timedelta(days=days)).date().isoformat()
            except ValueError:
                published = day
            return row | moved | {"published_at": published}

        rows = rows_of(event)
        moved = "/".join(later(edge) for edge in window.split("/"))
        before = judged(window, claim, save(rows), side=side)
        after = judged(moved, claim, save([shifted(row) for row in rows]), side=side)
        assert essence(after) == essence(before)

    def test_scaling_all_amounts_scales_the_ranges(
        self, save: Save, event: str, window: str, claim: str, side: str
    ) -> None:
        def tenfold(row: Row) -> Row:
            usd = row["amount_usd"]
            return row | {"amount_usd": str(int(Decimal(usd) * 10)) if usd else ""}

        rows = [row for row in rows_of(event) if not row["amount_text"]]
        before = judged(window, claim, save(rows), side=side)
        after = judged(window, claim, save([tenfold(row) for row in rows]), side=side)
        for small, large in zip(before.answers, after.answers, strict=True):
            assert small.lineage == large.lineage
            one, ten = small.by_clock, large.by_clock
            assert (one is None) == (ten is None)
            if one and ten:
                assert ten.low == pytest.approx(one.low * 10, rel=1e-4, abs=1e4)
                assert (ten.high is None) == (one.high is None)
            if one and ten and one.high and ten.high:
                assert ten.high == pytest.approx(one.high * 10, rel=1e-4, abs=1e4)
