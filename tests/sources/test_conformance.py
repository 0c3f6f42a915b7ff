"""The conformance suite finds the faults it is there for: each adapter here has one, and fails the check of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import polars as pl
import pytest
from _pytest.outcomes import Failed
from conformance import Case, checks

from sources import gate
from sources.adapter import Instruments, Payload, Request, Source
from sources.build import decode, no_events
from verify.model.errors import SchemaChanged, SourceError, Unavailable
from verify.model.window import Window

HOUR = "2026-01-19T00:00Z/PT1H"
ANSWER = Case(
    "liq_orders_both.json",
    HOUR,
    optional=("order_size", "order_price"),
    amounts=("size", "left", "fill_price"),
    signed=("size", "left"),
    times=("time",),
    instruments="contracts_usdt.json",
)
CASES = (ANSWER, Case("empty.json", HOUR, expect="empty"), Case("error_range.json", HOUR, expect=Unavailable))
COUNTER = count()
Parse = Callable[[Payload, Window, Instruments], pl.DataFrame]


def adapter(parse: Parse = gate.parse, **changed: Any) -> Source:
    """Gate's orders with a fault."""
    code = replace(gate.SOURCE.channels["liq_orders"], parse=parse, **changed)
    spec = replace(gate.SPEC, channels=(gate.SPEC.channel("liq_orders"),))
    return replace(gate.SOURCE, spec=spec, channels={"liq_orders": code})


def failures(source: Source, cases: tuple[Case, ...] = CASES) -> set[str]:
    failed = set()
    for name, check in checks(source, {"liq_orders": cases}):
        try:
            check()
        except (AssertionError, Failed, SourceError):
            failed.add(name.removeprefix("liq_orders-").replace("liq_orders_both.json-", ""))
    return failed


def test_a_sound_adapter_passes() -> None:
    assert failures(adapter()) == set()


def hides_failures(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    try:
        return gate.parse(payload, window, instruments)
    except SourceError:
        return no_events()


def changes_the_instruments(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    frame = gate.parse(payload, window, instruments)
    instruments.clear()  # type: ignore[attr-defined]
    return frame


def remembers(payload: Payload, window: Window, instruments: Instruments, seen: list[int] = []) -> pl.DataFrame:  # noqa: B006
    seen.append(1)
    return gate.parse(payload, window, instruments).with_columns(price=pl.lit(float(len(seen))))


def knows_one_side(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    return gate.parse(payload, window, instruments).with_columns(side=pl.lit("long"))


def ignores_the_window(payload: Payload, _window: Window, instruments: Instruments) -> pl.DataFrame:
    return gate.parse(payload, Window.parse("2026-01-01T00:00Z/2026-02-01T00:00Z"), instruments)


def has_no_ids(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    return gate.parse(payload, window, instruments).with_columns(event_id=pl.lit(None, dtype=pl.String))


def names_no_field(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    try:
        return gate.parse(payload, window, instruments)
    except SchemaChanged as error:
        raise SchemaChanged("something is wrong", source=error.source) from None


def refuses_new_fields(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    if b"verify_extra" in payload.body:
        raise SchemaChanged("a new field", source="gate/liq_orders", field="verify_extra")
    return gate.parse(payload, window, instruments)


def falls_back_to_zero(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    rows = [{"left": 0, **row} for row in decode(list[dict[str, Any]], payload.body, "gate/liq_orders")]
    return gate.parse(replace(payload, body=gate.msgspec.json.encode(rows)), window, instruments)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (hides_failures, {"garbage", "empty.json-garbage", "error_range.json-refused", "broken"}),
        (changes_the_instruments, {"pure"}),
        (remembers, {"pure"}),
        (knows_one_side, {"together"}),
        (ignores_the_window, {"half-open"}),
        (has_no_ids, {"pure"}),
        (names_no_field, {"broken"}),
        (refuses_new_fields, {"extra"}),
        (falls_back_to_zero, {"broken"}),
    ],
)
def test_a_fault_in_parse_is_found(fault: Parse, found: set[str]) -> None:
    assert found <= failures(adapter(fault))


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"requests": lambda _w, _q: [Request("https://elsewhere.example/")]}, "requests"),
        ({"requests": lambda _w, _q: [Request("http://api.gateio.ws/")]}, "requests"),
        ({"requests": lambda _w, _q: [Request("https://api.gateio.ws/", (("apikey", "1"),))]}, "requests"),
        ({"requests": lambda _w, _q: [Request(f"https://api.gateio.ws/{next(COUNTER)}")]}, "requests"),
        ({"follow": lambda payload, _w, _q: [payload.request]}, "follow"),
    ],
)
def test_a_fault_in_what_is_asked_is_found(changed: dict[str, Any], found: str) -> None:
    assert found in failures(adapter(**changed))


@pytest.mark.parametrize(
    ("cases", "found"),
    [
        ((ANSWER,), "together"),
        ((*CASES[:2],), "together"),
        ((replace(ANSWER, amounts=(), signed=()), *CASES[1:]), "together"),
        ((replace(ANSWER, instruments=""), *CASES[1:]), "together"),
        ((replace(ANSWER, expect="empty"), *CASES[1:]), "pure"),
    ],
)
def test_cases_that_show_too_little_are_found(cases: tuple[Case, ...], found: str) -> None:
    assert found in failures(adapter(), cases)
