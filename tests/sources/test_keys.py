"""Sources that need a key: asked only where it is set, refused in words otherwise, never a failure by themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sources import registry
from sources.adapter import Source
from sources.collect import Plan, plan
from sources.jobs import Job
from sources.spec import Form
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

NOW = datetime(2026, 11, 22, 19, tzinfo=UTC)
WINDOW = Window.parse("2026-11-20T10:00Z/PT4H")
KEYED = ("coinalyze", "coinank", "coinglass", "tardis")


def _planned(*, key: bool, only: tuple[str, ...] = ()) -> Plan:
    def keyed(_job: Job) -> bool:
        return key

    known = [registry.get(name) for name in KEYED]
    return plan(known, WINDOW, Quantity(assets=Scope.of("BTC")), NOW, only=only, keyed=keyed)


def test_without_its_key_a_source_is_refused_once_and_says_what_to_set() -> None:
    found = _planned(key=False)
    assert found.jobs == ()
    told = [(refusal.source.id, refusal.reason) for refusal in found.refusals if "needs a key" in refusal.reason]
    assert told == [(name, f"needs a key: set VERIFY_{name.upper()}_API_KEY") for name in KEYED]


def test_with_its_key_a_source_is_asked_once() -> None:
    found = _planned(key=True)
    assert [job.label for job in found.jobs] == [
        *("coinalyze/liquidations_1hour", "coinalyze/instruments", "coinank/history_1h"),
        *("coinglass/history_1h", "tardis/csv"),
    ]


@pytest.mark.parametrize("name", KEYED)
def test_what_is_asked_for_by_name_is_asked(name: str) -> None:
    assert [job.spec.id for job in _planned(key=False, only=(name,)).jobs][:1] == [name]


@pytest.mark.parametrize("name", [*KEYED, "defillama"])
def test_the_lineage_of_an_aggregator_is_that_of_the_feeds_below_it(name: str) -> None:
    own = {feed for source in registry.load().values() if source.spec.kind != "aggregator" for feed in _feeds(source)}
    for channel in registry.get(name).spec.channels:
        assert channel.form is Form.SERIES or set(channel.lineage) <= own, "only liquidations have declared feeds below"


def _feeds(source: Source) -> set[str]:
    return {feed for channel in source.spec.channels for feed in channel.lineage}
