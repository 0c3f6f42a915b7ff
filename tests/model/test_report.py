"""The report as plain data: exit codes, the JSON form, the frame; and the ids of figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from report_examples import FIGURE, FULL

from verify.model.amount import Amount
from verify.model.errors import VerifyError
from verify.model.figure import EvidenceRef, Figure, Grade
from verify.model.quantity import Quantity, Side
from verify.model.report import Report, SourceRow, Verdict
from verify.model.window import Window

FAILED = SourceRow("gate", "Gate", "failed")
ANSWERED = SourceRow("gate", "Gate", "ok", 5.0, 5.0, 2)


@pytest.mark.parametrize(
    ("verdict", "figures", "sources", "code"),
    [
        (Verdict.SUPPORTED, (FIGURE,), (), 0),
        (Verdict.SUPPORTED, (FIGURE,), (FAILED,), 0),
        (Verdict.DIFFERS, (FIGURE,), (FAILED,), 1),
        (Verdict.INCONCLUSIVE, (FIGURE,), (), 3),
        (Verdict.INCONCLUSIVE, (FIGURE,), (FAILED,), 4),
        (None, (FIGURE,), (), 0),
        (None, (), (ANSWERED,), 0),
        (None, (), (ANSWERED, FAILED), 0),
        (None, (), (), 3),
        (None, (), (FAILED,), 4),
    ],
)
def test_exit_codes(
    verdict: Verdict | None, figures: tuple[object, ...], sources: tuple[SourceRow, ...], code: int
) -> None:
    assert replace(FULL, verdict=verdict, figures=figures, sources=sources).exit_code == code


def test_the_json_form_holds_plain_values_only() -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(type(key) is str and plain(entry) for key, entry in value.items())
        if isinstance(value, list):
            return all(plain(entry) for entry in value)
        return value is None or type(value) in (str, int, float, bool)

    shown = FULL.to_dict()
    assert plain(shown)
    assert next(iter(shown)) == "schema_version"
    assert shown["exit_code"] == 1


def test_the_figures_are_a_frame_that_passes_its_schema() -> None:
    frame = FULL.to_polars()
    assert frame.height == 1
    assert frame["slack_seconds"].to_list() == [1800.0]
    assert replace(FULL, figures=()).to_polars().height == 0


def test_reports_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FULL.claim = "$1"  # type: ignore[misc]  # the point of the test
    assert isinstance(FULL, Report)


def figure(**changes: object) -> Figure:
    given: dict[str, object] = {
        "quantity": Quantity(side=Side.LONG),
        "amount": Amount.parse("$750M"),
        "window": Window.parse("4h@2026-01-19T02:30Z"),
        "outlet": "Paper",
        "url": "https://paper.example/1",
    }
    return Figure(**(given | changes))  # type: ignore[arg-type]  # as in the constructor


def test_the_id_tells_what_is_stated_where_and_by_whom() -> None:
    first = figure()
    assert first.id == figure().id
    assert first.id == figure(evidence=EvidenceRef("other.csv", 9), note="seen twice").id
    for changed in (
        {"amount": Amount.parse("$751M")},
        {"amount": Amount.parse("about $750M")},
        {"window": None},
        {"quantity": Quantity(side=Side.SHORT)},
        {"outlet": "Gazette"},
        {"url": "https://paper.example/2"},
        {"attribution": "CoinGlass"},
        {"declared_lineage": "coinglass"},
    ):
        assert figure(**changed).id != first.id


def test_evidence_is_named_by_file_and_line() -> None:
    assert str(EvidenceRef("mine.csv", 7)) == "mine.csv:7"
    assert str(EvidenceRef("run.warc.gz")) == "run.warc.gz"


def test_a_lower_grade_is_a_wider_edge() -> None:
    slack = [grade.slack for grade in (Grade.HIGH, Grade.MEDIUM_HIGH, Grade.MEDIUM, Grade.LOW)]
    assert slack == sorted(slack)
    assert len(set(slack)) == 4


def test_every_error_has_an_exit_code_and_prints_its_sentence() -> None:
    def all_of(kind: type[VerifyError]) -> list[type[VerifyError]]:
        return [kind, *(below for child in kind.__subclasses__() for below in all_of(child))]

    assert {kind.exit_code for kind in all_of(VerifyError)} == {2, 4}


def test_decimals_become_numbers() -> None:
    shown = replace(FULL, slack_seconds=Decimal("1.5")).to_dict()  # type: ignore[arg-type]  # any number is taken
    assert shown["slack_seconds"] == 1.5
