"""Readings of lineages against a claim: who decides, and what is told beside it."""

from __future__ import annotations

from typing import Any

import pytest

from verify.model.figure import Completeness
from verify.model.report import Verdict
from verify.reconcile import readings
from verify.reconcile.channels import Fit
from verify.reconcile.readings import Reading


def reading(lineage: str, fit: Fit | None, value: float = 1.0, **changes: Any) -> Reading:
    return Reading(lineage, lineage.title(), value, value, f"{value:g}", fit=fit, **changes)


def verdict(*found: Reading) -> tuple[Verdict, list[str]]:
    decided, reasons = readings.decide(found)
    return decided, [reason.code for reason in reasons]


def test_what_all_say_is_supported_or_differs() -> None:
    assert verdict(reading("a", Fit.YES), reading("b", Fit.YES)) == (Verdict.SUPPORTED, ["quoted_right"])
    assert verdict(reading("a", Fit.HEDGED)) == (Verdict.SUPPORTED, ["quoted_through_hedge"])
    assert verdict(reading("a", Fit.NO), reading("b", Fit.NO)) == (Verdict.DIFFERS, ["out_of_range"])
    assert verdict(reading("a", Fit.POSSIBLE)) == (Verdict.INCONCLUSIVE, ["claim_more_precise"])
    assert verdict() == (Verdict.INCONCLUSIVE, ["no_evidence"])


def test_lineages_that_disagree_are_both_told() -> None:
    decided, reasons = readings.decide([reading("binance", Fit.YES, 91_910.0), reading("index", Fit.NO, 92_415.0)])
    assert decided is Verdict.INCONCLUSIVE
    assert [reason.text for reason in reasons] == ["true by Binance: 91910", "false by Index: 92415"]


def test_another_definition_does_not_decide_but_is_told() -> None:
    asked = [reading("a", Fit.YES), reading("b", Fit.YES)]
    other = [reading(name, Fit.NO, variant="the day of UTC+8") for name in "ab"]
    decided, reasons = readings.decide([*asked, *other])
    assert decided is Verdict.SUPPORTED
    assert "by the day of UTC+8" in reasons[-1].text
    flipped = [reading("a", Fit.NO), reading("a", Fit.YES, variant="the day of UTC+8")]
    assert verdict(*flipped) == (Verdict.INCONCLUSIVE, ["depends_on_definition"])


def test_what_is_of_unknown_origin_decides_nothing() -> None:
    nobody = reading("unknown", Fit.YES, votes=False)
    assert verdict(nobody) == (Verdict.INCONCLUSIVE, ["only_unknown_lineage"])
    decided, codes = verdict(reading("a", Fit.YES), reading("unknown", Fit.NO, votes=False))
    assert (decided, codes) == (Verdict.SUPPORTED, ["quoted_right", "printed_otherwise"])


def test_two_readings_of_one_lineage_are_one_vote() -> None:
    two = [reading("a", Fit.YES), reading("a", Fit.YES)]
    alone = readings.confidence(two[:1], Verdict.SUPPORTED)
    assert readings.confidence(two, Verdict.SUPPORTED).value == alone.value
    apart = readings.confidence([reading("a", Fit.YES), reading("b", Fit.YES)], Verdict.SUPPORTED)
    assert apart.value > alone.value


def test_the_confidence_is_the_sum_of_its_parts() -> None:
    found = readings.confidence([reading("a", Fit.YES, completeness=Completeness.PARTIAL)], Verdict.SUPPORTED)
    assert found.value == pytest.approx(sum(part.points for part in found.components))
    assert all(0 <= part.points <= part.most for part in found.components)


def test_agreement_is_told_for_independent_lineages_only() -> None:
    assert readings.agreement([reading("a", None, 100.0)]) is None
    assert readings.agreement([reading("a", None, 100.0), reading("b", None, 110.0)]) == pytest.approx(1.1)
    assert readings.agreement([reading("a", None, 1.0), reading("b", None, 9.0, votes=False)]) is None
