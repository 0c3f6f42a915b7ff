"""The tests that every adapter passes; its test file calls them in two lines.

::

    from conformance import Case, conforms

    test_conformance = conforms(SOURCE, {"liq_orders": [Case("answer.json", "2026-01-19T00:00Z/PT1H", ...), ...]})

A `Case` is a fixture with what is known about its fields; from it the suite makes broken answers (a field missing, an
unknown word, an amount that is no number, a time in the wrong unit, truncated, not JSON) that must be refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sources.adapter import NO_INSTRUMENTS, Channel, Instruments, Payload, Request, Source, channel_key
from sources.build import merge
from sources.plan import unsupported
from sources.spec import ChannelSpec, Form, Transport
from verify.model import names
from verify.model.errors import SchemaChanged, SourceError, Suspect, WindowUnsupported
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"
RECEIVED = datetime(2026, 11, 22, tzinfo=UTC)
#: For requests, whose answer no fixture holds.
SOME_WINDOW = Window(datetime(2026, 11, 21, 20, tzinfo=UTC), datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
EVERYTHING = Quantity()
KINDS = ("documented", "recorded by others", "constructed")

_SECRET = re.compile(
    r"api[-_]?key|api[-_]?secret|authorization|signature|passphrase|set-cookie|eyJ[A-Za-z0-9_-]{10,}|AKIA[0-9A-Z]{16}",
    re.IGNORECASE,
)
_SECRET_PARAM = re.compile(r"key|secret|sign|token|passphrase", re.IGNORECASE)
_TABLE_ROW = re.compile(r"^\|\s*`?([^|`]+?)`?\s*\|([^|]*)\|([^|]*)\|", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One answer or message of a channel.

    `fixture` lies in `fixtures/payloads/<source>/`. `expect` is "events" (rows of either form), "empty" or the error
    that the body must raise. `rows` is the path to the rows (`data`, `data.*.details`; "" is the top): a list of rows,
    or an object that is one row; None where the fixture is not JSON. `optional` are fields that may be absent,
    `enums` fields with documented words only (the side is one), `amounts` fields that are finite and not negative
    (`signed` those of them that may be negative), `times` fields in a fixed unit. Positional rows name fields by index.
    `instruments` is a mapping or the fixture of an answer that `parse_instruments` reads; none are known otherwise.
    """

    fixture: str
    window: Window | str | None = None
    request: Request | None = None
    instruments: Instruments | str = ""
    quantity: Quantity = EVERYTHING
    expect: str | type[SourceError] = "events"
    rows: str | None = ""
    optional: tuple[str | int, ...] = ()
    enums: tuple[str | int, ...] = ()
    amounts: tuple[str | int, ...] = ()
    signed: tuple[str | int, ...] = ()
    times: tuple[str | int, ...] = ()
    received: datetime = RECEIVED
    status: int = 200

    def asked(self) -> Window:
        window = Window.parse(self.window) if isinstance(self.window, str) else self.window
        return window or Window(datetime(2015, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def conforms(source: Source, cases: Mapping[str, Sequence[Case]]) -> Callable[..., None]:
    """The parametrised test of `source`; `cases` by channel id."""
    found = [pytest.param(check, id=name) for name, check in checks(source, cases)]

    @pytest.mark.parametrize("check", found)
    def conformance(check: Callable[[], None]) -> None:
        check()

    return conformance


def fixture(source: str, name: str) -> bytes:
    """The bytes of `fixtures/payloads/<source>/<name>`."""
    return (PAYLOADS / source / name).read_bytes()


def read(source: Source, channel: str, case: Case, body: bytes | None = None) -> pl.DataFrame:
    """The frame that the channel makes of the case's fixture, or of `body` in its place."""
    code = source.channels[channel]
    body = fixture(source.spec.id, case.fixture) if body is None else body
    instruments = _instruments(source, case)
    if code.message is not None:
        return code.message(body, case.received, instruments)
    assert code.parse is not None
    return code.parse(_payload(source, case, body), case.asked(), instruments)


def _payload(source: Source, case: Case, body: bytes) -> Payload:
    request = case.request or Request(f"https://{(source.spec.hosts or ('files.invalid',))[0]}/")
    return Payload(request, body, case.received, status=case.status, evidence="e1")


def _instruments(source: Source, case: Case) -> Instruments:
    if not isinstance(case.instruments, str):
        return case.instruments
    if not case.instruments:
        return NO_INSTRUMENTS
    assert source.parse_instruments is not None
    body = fixture(source.spec.id, case.instruments)
    asked = Request(f"https://{source.spec.hosts[0]}/")
    if source.instrument_requests is not None and len(source.instrument_requests(Quantity())) == 1:
        asked = source.instrument_requests(Quantity())[0]
    return source.parse_instruments(Payload(asked, body, RECEIVED))


def checks(source: Source, cases: Mapping[str, Sequence[Case]]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every check of the suite and its name."""
    yield "spec", partial(_spec_is_complete, source, cases)
    yield "fixtures", partial(_fixtures_name_their_origin, source)
    yield "requests", partial(_requests_are_pure, source)
    for spec, code in source.pairs():
        mine = cases.get(spec.id, ())
        yield f"{spec.id}-reach", partial(_reach_is_declared, spec)
        yield f"{spec.id}-together", partial(_cases_cover_the_channel, source, spec, mine)
        for case in mine:
            name = f"{spec.id}-{case.fixture}"
            if isinstance(case.expect, type):
                yield f"{name}-refused", partial(_error_is_raised, source, spec.id, case)
                continue
            yield f"{name}-pure", partial(_parse_is_pure, source, spec, case)
            yield f"{name}-garbage", partial(_garbage_is_refused, source, spec.id, case)
            if code.requests is not None:
                yield f"{name}-follow", partial(_follow_is_pure, source, code, case)
            if case.expect == "empty":
                continue
            yield f"{name}-repeated", partial(_repeated_rows_count_once, source, spec, case)
            if code.parse is not None:
                yield f"{name}-half-open", partial(_window_is_half_open, source, spec, case)
            if case.rows is not None:
                yield f"{name}-extra", partial(_extra_fields_are_ignored, source, spec.id, case)
                yield f"{name}-broken", partial(_broken_fields_are_named, source, spec.id, case)


def _spec_is_complete(source: Source, cases: Mapping[str, Sequence[Case]]) -> None:
    spec = source.spec
    assert set(cases) == set(source.channels), "every channel has cases, and every case a channel"
    assert spec.as_of <= RECEIVED.date()
    for channel in spec.channels:
        for venue in channel.venues:
            found = names.find("venues", venue)
            assert found is not None, f"{venue} is not registered"
            assert found.id == venue, f"{venue} is registered as {found.id}"
        for feed in channel.lineage:
            assert "/" in feed, f"{feed} is not named venue/channel"
        for rule in channel.completeness:
            assert rule.confirmed or rule.note, f"{channel.id}: says unconfirmed, but not what is doubtful"
            assert rule.completeness is not Completeness.PARTIAL or rule.note, f"{channel.id}: partial needs a note"
        sided = channel.form is not Form.SERIES
        assert any(word in channel.side_rule.lower() for word in ("long", "short")) == sided, channel.side_rule


def _fixtures_name_their_origin(source: Source) -> None:
    folder = PAYLOADS / source.spec.id
    rows = _TABLE_ROW.findall((folder / "SOURCES.md").read_text(encoding="utf-8"))
    listed = {name: (url.strip(), kind.strip()) for name, url, kind in rows if "." in name}
    present = {path.name for path in folder.iterdir() if path.name != "SOURCES.md"}
    assert set(listed) == present, "SOURCES.md and the folder differ"
    for name, (url, kind) in listed.items():
        assert kind.startswith(KINDS), f"{name}: {kind!r} is none of {KINDS}"
        assert "https://" in url, f"{name} names no URL"
        if name.endswith((".json", ".csv", ".txt", ".md")):
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
            assert not _SECRET.search(text), f"{name} seems to hold a secret"


def _requests_are_pure(source: Source) -> None:
    asked: list[Request] = []
    before = datetime(2026, 11, 1, tzinfo=UTC)
    askers: list[Callable[[], Sequence[Request]]] = []
    for code in source.channels.values():
        if code.requests is not None:
            askers.append(partial(code.requests, SOME_WINDOW, Quantity()))
        if code.control is not None:
            askers.append(lambda control=code.control: [control()])  # type: ignore[misc]
    if source.instrument_requests is not None:
        askers.append(partial(source.instrument_requests, Quantity()))
    if source.weight_requests is not None:
        askers += [
            partial(source.weight_requests, Quantity(), None),
            partial(source.weight_requests, Quantity(), before),
        ]
    for asker in askers:
        first = list(asker())
        assert first == list(asker()), "asked twice, the requests differ"
        asked += first
    _stay_at_home(source, asked)


def _stay_at_home(source: Source, asked: Sequence[Request]) -> None:
    for request in asked:
        parts = urlsplit(request.url)
        assert parts.scheme == "https", request.url
        assert parts.hostname in source.spec.hosts, f"{request.url} is none of {source.spec.hosts}"
        for name, _ in request.params:
            assert not _SECRET_PARAM.search(name), f"{name} looks like a secret"
        assert len(set(request.params)) == len(request.params), f"{request.params} repeats a parameter"


def _reach_is_declared(channel: ChannelSpec) -> None:
    if channel.transport is Transport.STREAM:
        with pytest.raises(WindowUnsupported):
            unsupported(channel, SOME_WINDOW, RECEIVED)
    elif channel.history:
        long_ago = Window(RECEIVED - channel.history - timedelta(hours=2), RECEIVED - channel.history)
        with pytest.raises(WindowUnsupported, match="back, to 20"):
            unsupported(channel, long_ago, RECEIVED)
        unsupported(channel, Window(RECEIVED - min(channel.history, timedelta(hours=1)), RECEIVED), RECEIVED)


def _cases_cover_the_channel(source: Source, channel: ChannelSpec, cases: Sequence[Case]) -> None:
    """Both sides are seen, an honest "nothing" is seen, and no failure is taken for it."""
    frames = [read(source, channel.id, case) for case in cases if case.expect == "events"]
    if channel.form is Form.SERIES:
        assert frames, "no case shows what the channel tells"
        assert any(isinstance(case.expect, type) for case in cases), "no case shows an error body"
        return
    sides = {side for frame in frames for side in frame["side"].unique()}
    assert {"long", "short"} <= sides or sides == {"both"}, f"only {sides} is mapped"
    assert any(frame["notional_usd"].is_not_null().any() for frame in frames), "no case has a notional"
    assert any(case.expect == "empty" for case in cases), "no case shows what 'nothing happened' looks like"
    with_rows = [case for case in cases if case.expect == "events" and case.rows is not None]
    assert not with_rows or any(case.amounts for case in with_rows), "no case declares its amounts"
    if channel.transport is Transport.REST:
        errors = [case for case in cases if isinstance(case.expect, type)]
        assert errors, "no case shows an error body"


def _parse_is_pure(source: Source, channel: ChannelSpec, case: Case) -> None:
    known = dict(_instruments(source, case))
    before = dict(known)
    case = replace(case, instruments=known)
    frame = read(source, channel.id, case)
    assert_frame_equal(frame, read(source, channel.id, case))
    assert known == before, "parse has changed the instruments"
    if case.expect == "empty":
        assert frame.is_empty()
        return
    assert not frame.is_empty(), "the case expects rows"
    _frame_is_sound(source, channel, case, frame)


def _frame_is_sound(source: Source, channel: ChannelSpec, case: Case, frame: pl.DataFrame) -> None:
    from verify.model.frames import BARS, EVENTS, SERIES

    if channel.form is Form.FIGURES:
        return
    if channel.form is Form.SERIES:
        SERIES.validate(frame, lazy=True)
        window = case.asked()
        assert set(frame["source"]) == {channel_key(source.spec, channel)}
        assert set(frame["metric"]) <= set(channel.metrics)
        assert frame["start"].is_sorted()
        assert ((frame["end"] >= window.start) & (frame["start"] < window.end)).all()
        assert not frame.select("start", "end", "metric", "subject", "asset", "field").is_duplicated().any()
        return
    (EVENTS if channel.form is Form.EVENTS else BARS).validate(frame, lazy=True)
    assert set(frame["source"]) == {channel_key(source.spec, channel)}
    assert set(frame["venue"]) <= set(channel.venues)
    moment = "time" if channel.form is Form.EVENTS else "start"
    assert frame[moment].is_sorted()
    window = case.asked()
    if channel.form is Form.EVENTS:
        assert ((frame["time"] >= window.start) & (frame["time"] < window.end)).all()
        assert set(frame["price_basis"]) == {str(channel.price_basis)}
        assert frame["event_id"].null_count() == 0, "an event without an id cannot be counted once"
        assert frame["event_id"].is_unique().all()
    else:
        assert ((frame["end"] > window.start) & (frame["start"] < window.end)).all()
        assert set(frame["end"] - frame["start"]) == {channel.bar_length}


def _window_is_half_open(source: Source, channel: ChannelSpec, case: Case) -> None:
    if channel.form is not Form.EVENTS:
        return
    frame = read(source, channel.id, case)
    first, last = frame["time"][0], frame["time"][-1]
    starts = replace(case, window=Window(first, first + timedelta(microseconds=1)))
    assert set(read(source, channel.id, starts)["time"]) == {first}, "an event at the start belongs to the window"
    ends = replace(case, window=Window(first - timedelta(hours=1), last))
    assert last not in set(read(source, channel.id, ends)["time"]), "an event at the end does not"


def _repeated_rows_count_once(source: Source, channel: ChannelSpec, case: Case) -> None:
    """The same answer twice, as overlapping pages give it, is the same liquidations once."""
    if channel.form is Form.EVENTS:
        frame = read(source, channel.id, case)
        assert_frame_equal(merge([frame, frame]), frame)


def _error_is_raised(source: Source, channel: str, case: Case) -> None:
    assert isinstance(case.expect, type)
    with pytest.raises(case.expect) as raised:
        read(source, channel, case)
    assert raised.value.source, "the error does not say whose it is"


def _garbage_is_refused(source: Source, channel: str, case: Case) -> None:
    whole = fixture(source.spec.id, case.fixture)
    broken = [b"\x00\xffgarbage", b"<html><body>Forbidden</body></html>"]
    if source.channels[channel].parse is not None:
        broken.append(b"")
    if case.fixture.endswith(".json"):
        text = whole.strip()
        broken += [text[: len(text) // 2], text[:-1], b"null", b"17", b'{"unexpected": true}']
    for body in broken:
        error = _refusal(source, channel, case, body)
        assert isinstance(error, SchemaChanged), f"{body[:40]!r} gave {error!r}"
        assert error.source, "the error does not say whose it is"


def _refusal(source: Source, channel: str, case: Case, body: bytes) -> SourceError | None:
    """The error that the adapter raises on `body`; None where it takes it for an answer."""
    try:
        read(source, channel, case, body)
    except SourceError as error:
        return error
    return None


def _follow_is_pure(source: Source, code: Channel, case: Case) -> None:
    window = case.asked()
    payload = _payload(source, case, fixture(source.spec.id, case.fixture))
    if case.request is None:
        assert code.requests is not None
        first = list(code.requests(window, case.quantity))[:1] if window.length < timedelta(days=40) else []
        payload = replace(payload, request=first[0]) if first else payload
    more = list(code.follow(payload, window, case.quantity))
    assert more == list(code.follow(payload, window, case.quantity))
    assert payload.request not in more, "asking the same again never ends"
    _stay_at_home(source, more)


def _extra_fields_are_ignored(source: Source, channel: str, case: Case) -> None:
    body = json.loads(fixture(source.spec.id, case.fixture))
    for row in _rows(body, case.rows):
        if isinstance(row, dict):
            row["verify_extra"] = {"deep": [1, None, "x"]}
        else:
            row.append(None)
    assert_frame_equal(read(source, channel, case, _dump(body)), read(source, channel, case))


def _broken_fields_are_named(source: Source, channel: str, case: Case) -> None:
    whole = json.loads(fixture(source.spec.id, case.fixture))
    sample = _rows(whole, case.rows)[0]
    fields = list(sample) if isinstance(sample, dict) else list(range(len(sample)))
    for field in (*case.enums, *case.amounts, *case.times):
        assert field in fields, f"the rows at {case.rows!r} have no field {field!r}"
    for field in fields:
        if field not in case.optional:
            _must_name(source, channel, case, _without(whole, case, field), field, "is missing")
    for field in case.enums:
        _must_name(source, channel, case, _with(whole, case, field, lambda _: '"sideways"'), field, "is unknown")
    for field in case.amounts:
        for number in ("NaN", "1e400", "Infinity", *(() if field in case.signed else ("-1",))):
            body = _with(whole, case, field, lambda old, n=number: json.dumps(n) if isinstance(old, str) else n)
            bare = not isinstance(sample[field], str) and number in ("NaN", "Infinity")  # not JSON at all
            _must_name(source, channel, case, body, None if bare else field, f"is {number}")
    for field in case.times:
        for factor in (0.001, 1000):
            body = _with(whole, case, field, partial(_scaled, factor=factor))
            _must_name(source, channel, case, body, field, f"is multiplied by {factor}")


def _must_name(source: Source, channel: str, case: Case, body: bytes, field: str | int | None, what: str) -> None:
    error = _refusal(source, channel, case, body)
    assert isinstance(error, SchemaChanged | Suspect), f"{case.fixture}: {field} {what}, which gave {error!r}"
    named = getattr(error, "field", "")
    if isinstance(field, str):
        assert field == named or field in str(error), f"{field} {what}, but the error names {named!r}: {error}"


def _scaled(old: Any, factor: float) -> str:
    number = int(float(old) * factor)
    return json.dumps(str(number)) if isinstance(old, str) else str(number)


def _rows(body: Any, path: str | None) -> list[Any]:
    """The rows at `path`: `*` means every member, a number a place in a list."""
    nodes = [body]
    for step in (path or "").split("."):
        if step == "*":
            nodes = [child for node in nodes for child in (node.values() if isinstance(node, dict) else node)]
        elif step:
            nodes = [node[int(step) if isinstance(node, list) else step] for node in nodes]
    found: list[Any] = []
    for node in nodes:
        found += node if isinstance(node, list) else [node]
    assert found, f"no rows at {path!r}"
    return found


def _without(whole: Any, case: Case, field: str | int) -> bytes:
    body = deepcopy(whole)
    for row in _rows(body, case.rows):
        if isinstance(row, dict):
            row.pop(field, None)
        else:
            del row[int(field) :]
    return _dump(body)


def _with(whole: Any, case: Case, field: str | int, written: Callable[[Any], str]) -> bytes:
    """The body with `written(old value)`, which need not be JSON, in place of the field in every row."""
    body = deepcopy(whole)
    values = []
    for row in _rows(body, case.rows):
        if isinstance(row, list) or field in row:
            values.append(written(row[field]))
            row[field] = f"@{len(values) - 1}@"
    text = _dump(body).decode()
    for index, new in enumerate(values):
        text = text.replace(f'"@{index}@"', new)
    return text.encode()


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
