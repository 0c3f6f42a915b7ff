"""Volumes of decentralised exchanges: DefiLlama's copy and Byreal's own word are one lineage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from conformance import RECEIVED, Case, conforms, read

from sources import byreal, collect, defillama_dex
from sources.adapter import Request
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.window import Window

_ASKED = Request("https://api.llama.fi/summary/dexs/byreal")
DEFILLAMA = {
    channel: [
        Case("byreal.json", request=_ASKED, rows="totalDataChart", amounts=(1,), times=(0,)),
        Case("none.json", request=_ASKED, expect=Unavailable),
        Case("failed.json", request=_ASKED, expect=SchemaChanged),
    ]
    for channel in ("byreal", "protocols")
}
BYREAL = {
    "overview": [
        Case("overview.json", rows="result.data", amounts=("volumeUsd24h",), optional=("tvl", "feeUsd24h")),
        Case("with_all.json", rows="result.data", amounts=("volumeUsd24h", "volumeAll"), optional=("volumeAll",)),
        Case("impossible.json", expect=Suspect),
        Case("failed.json", expect=Unavailable),
    ]
}
test_defillama = conforms(defillama_dex.SOURCE, DEFILLAMA)
test_byreal = conforms(byreal.SOURCE, BYREAL)


def test_a_day_of_no_volume_is_a_day() -> None:
    frame = read(defillama_dex.SOURCE, "byreal", DEFILLAMA["byreal"][0])
    assert frame["start"].dt.date().to_list() == [date(2026, 1, day) for day in (16, 17, 18)]
    assert frame["value"].to_list() == [4800000.0, 0.0, 5100000.5]
    assert set(frame["subject"]) == {"byreal"}


def test_the_sum_since_launch_ends_when_it_was_asked() -> None:
    frame = read(byreal.SOURCE, "overview", BYREAL["overview"][1])
    rows = {row["field"]: row for row in frame.iter_rows(named=True)}
    assert rows["cumulative"]["value"] == 1.18e9
    assert rows["cumulative"]["start"] == datetime(2025, 6, 27, tzinfo=UTC)
    assert rows["last_24_hours"]["start"] == RECEIVED - timedelta(days=1)
    assert set(frame["end"]) == {RECEIVED}


@pytest.mark.parametrize(
    ("protocol", "labels"),
    [("byreal", ["defillama_dex/byreal", "byreal/overview"]), ("uniswap-v3", ["defillama_dex/protocols"])],
)
def test_a_protocol_that_is_named_is_asked_for_once(protocol: str, labels: list[str]) -> None:
    window = Window.parse("2026-01-12/P5D")
    volume = Quantity(METRICS["dex_volume"], Scope.of(protocol))
    plan = collect.plan([defillama_dex.SOURCE, byreal.SOURCE], window, volume, RECEIVED)
    assert [job.label for job in plan.jobs] == labels
    assert not plan.refusals


def test_the_copy_and_its_origin_are_one_lineage() -> None:
    assert defillama_dex.SPEC.channel("byreal").lineage == byreal.SPEC.channel("overview").lineage
