"""Constants are changed one at a time, counted, and put back."""

from __future__ import annotations

import pytest

from verify import sensitivity
from verify.sensitivity import CONSTANTS, Result, value


def test_every_constant_exists_and_is_in_use() -> None:
    for name, what in CONSTANTS.items():
        assert value(name) > 0
        assert what


def test_a_constant_that_does_not_count_changes_nothing_and_all_are_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "SCENARIOS", ("outlet_hyperliquid",))
    before = {name: value(name) for name in CONSTANTS}
    plain, rows = sensitivity.sensitivity(1, 3, ["LINE", "UNNAMED_SD"])
    assert [row.name for row in rows] == ["LINE", "UNNAMED_SD"]
    line, total = rows
    # its one feed is complete, so that nothing is carried over from elsewhere
    assert line.halved == line.doubled == plain
    # it rests on a printed total
    assert total.doubled.width > total.halved.width
    assert isinstance(plain, Result)
    assert {name: value(name) for name in CONSTANTS} == before
