"""The report as JSON: described by a schema that is in step with the code, and safe to print."""

from __future__ import annotations

import json as plain_json
import math
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from report_examples import ATTACKS, FULL, attacked

from reports import json
from verify.model import report as model
from verify.reconcile.lineage import Reason as LineageReason

SCHEMA = json.schema()
VALIDATOR = Draft202012Validator(SCHEMA)
CLASSES = [
    item
    for item in vars(model).values()
    if isinstance(item, type) and is_dataclass(item) and item.__module__ == model.__name__ and item is not model.Report
]


def test_the_schema_is_one_and_every_report_validates() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    empty = replace(FULL, claim=None, channel=None, verdict=None, confidence=None, reasons=(), answers=(), figures=())
    for report in (FULL, empty):
        VALIDATOR.validate(plain_json.loads(json.render(report)))


@pytest.mark.parametrize("item", CLASSES, ids=lambda item: item.__name__)
def test_the_schema_describes_exactly_the_fields_of_each_part(item: type[Any]) -> None:
    described = SCHEMA["$defs"][item.__name__]
    assert list(described["properties"]) == [field.name for field in fields(item)]
    assert described["required"] == list(described["properties"])
    assert described["additionalProperties"] is False


def test_the_schema_describes_exactly_the_fields_of_the_report() -> None:
    assert set(SCHEMA["$defs"]) == {item.__name__ for item in CLASSES}
    assert set(SCHEMA["properties"]) == {field.name for field in fields(model.Report)} | {"exit_code"}
    assert list(SCHEMA["properties"]) == list(FULL.to_dict())
    assert SCHEMA["required"] == list(SCHEMA["properties"])
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["schema_version"]["const"] == model.SCHEMA_VERSION


def test_every_property_says_what_it_is() -> None:
    for described in (SCHEMA, *SCHEMA["$defs"].values()):
        assert described["description"]
        assert all(entry.get("description") for entry in described["properties"].values())


def test_enumerations_of_the_schema_are_those_of_the_code() -> None:
    assert SCHEMA["$defs"]["FigureRow"]["properties"]["lineage_reason"]["enum"] == list(LineageReason)
    assert SCHEMA["properties"]["verdict"]["enum"] == [*model.Verdict, None]
    codes = {*model.EXIT_CODES.values(), model.EXIT_SOURCE_FAILURE}
    assert set(SCHEMA["properties"]["exit_code"]["enum"]) == codes


def test_numbers_are_numbers_and_never_nan_or_infinite() -> None:
    report = replace(FULL, comparisons=(replace(FULL.comparisons[0], ratio=math.inf, second_value=0.0),))
    read = plain_json.loads(json.render(report), parse_constant=pytest.fail)
    assert read["comparisons"][0]["ratio"] is None
    assert read["figures"][0]["value"] == 552_888_888.5
    assert read["sources"][0]["long_usd"] == 1_234_567_890
    assert read["figures"][0]["slack"] == 1800
    assert read["figures"][0]["start"] == "2026-02-01T00:00Z"
    VALIDATOR.validate(read)


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_strings_from_outside_are_kept_and_cannot_act(attack: str) -> None:
    report = replace(FULL, sentence=attack, problems=(attack,), files={attack: "0" * 64})
    shown = json.render(report)
    hidden = [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n"]
    assert hidden == []
    assert "##" not in shown
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    read = plain_json.loads(shown)
    assert read["sentence"] == attack
    assert read["problems"] == [attack]
    assert list(read["files"]) == [attack]
    shown.encode()


def test_attacked_reports_still_render() -> None:
    for attack in ATTACKS:
        assert plain_json.loads(json.render(attacked(FULL, attack)))["verdict"] == "differs"
