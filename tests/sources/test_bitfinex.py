"""Bitfinex: one liquidation is several rows and one event, valued at the price it went for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read

from sources.adapter import Payload, Request
from sources.bitfinex import SOURCE
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import Quantity

_PAGE = Request(
    "https://api-pub.bitfinex.com/v2/liquidations/hist",
    (("start", "1706400000000"), ("end", "1706420000000"), ("limit", "500"), ("sort", "1")),
)
_FIELDS = {"enums": (0,), "amounts": (5, 11), "signed": (5,), "times": (2,)}

CASES = {
    "liquidations": [
        Case("history.json", request=_PAGE, rows="*", **_FIELDS),
        Case("history_trigger_and_matches.json", request=_PAGE, rows=None),
        Case("history_both_sides.json", request=_PAGE, rows="*", **_FIELDS),
        Case("history_full_page.json", request=_PAGE, rows=None),
        Case("history_margin_only.json", request=_PAGE, expect="empty"),
        Case("history_trigger_only.json", request=_PAGE, expect="empty"),
        Case("history_empty.json", request=_PAGE, expect="empty"),
        Case("rate_limited.json", request=_PAGE, expect=RateLimited),
        Case("rate_limited_object.json", request=_PAGE, expect=RateLimited),
        Case("refused.json", request=_PAGE, expect=Unavailable),
    ],
    "liquidations_stream": [
        Case("stream.json", rows="1", **_FIELDS),
        Case("stream_margin.json", expect="empty"),
        Case("stream_trigger.json", expect="empty"),
        Case("stream_heartbeat.json", expect="empty"),
        Case("stream_info.json", expect="empty"),
        Case("stream_subscribed.json", expect="empty"),
        Case("stream_refused.json", expect=Unavailable),
    ],
}
test_conformance = conforms(SOURCE, CASES)

COLUMNS = ("time", "instrument", "asset", "side", "quantity", "price", "notional_usd", "event_id")


def _events(channel: str, number: int) -> list[tuple[object, ...]]:
    return read(SOURCE, channel, CASES[channel][number]).select(COLUMNS).rows()


def test_the_price_is_the_one_acquired_at_and_not_the_entry_price() -> None:
    (event,) = _events("liquidations", 0)
    assert event[:4] == (datetime(2023, 3, 10, 16, 22, 31, 520000, tzinfo=UTC), "tAMPF0:USTF0", "AMPL", "long")
    assert event[4:] == (1e-8, 1.0098, pytest.approx(1.0098e-8), "158793100")


def test_a_trigger_and_its_matches_are_counted_once() -> None:
    first, second = _events("liquidations", 1)
    assert first[:4] == (datetime(2024, 1, 28, 4, 57, 28, 753000, tzinfo=UTC), "tBTCF0:USTF0", "BTC", "long")
    assert first[4:7] == (0.0392, 42735.0, pytest.approx(1675.212))
    assert second[0] == datetime(2024, 1, 28, 5, 0, 29, 79000, tzinfo=UTC)
    assert second[4:7] == (0.002, 42815.0, pytest.approx(85.63))


def test_the_sign_is_the_position_and_only_dollar_quotes_have_a_notional() -> None:
    assert [event[1:7] for event in _events("liquidations", 2)] == [
        ("tBTCF0:USTF0", "BTC", "short", 0.5, 42900.0, 21450.0),
        ("tETHF0:USTF0", "ETH", "long", 0.25, 2250.0, 562.5),
        ("tATOF0:USTF0", "ATOM", "short", 100.0, 10.0, 1000.0),
        ("tETHF0:BTCF0", "ETH", "short", 2.0, 0.05, None),
    ]


def test_streamed_rows_are_those_of_the_history() -> None:
    assert _events("liquidations_stream", 0) == _events("liquidations", 2)[:2]
    assert read(SOURCE, "liquidations_stream", CASES["liquidations_stream"][0])["received"].to_list() == [RECEIVED] * 2


def test_rows_newest_first_give_the_same_events() -> None:
    case = CASES["liquidations"][1]
    reverse = fixture("bitfinex", case.fixture).replace(b"]], [[", b"]]\n[[").strip()[1:-1].split(b"\n")
    body = b"[" + b",".join(reversed(reverse)) + b"]"
    assert read(SOURCE, "liquidations", case, body).equals(read(SOURCE, "liquidations", case))


def test_a_full_page_is_followed_from_its_last_millisecond() -> None:
    follow, window = SOURCE.channels["liquidations"].follow, CASES["liquidations"][3].asked()
    page = Payload(_PAGE, fixture("bitfinex", "history_full_page.json"), RECEIVED)
    (following,) = follow(page, window, Quantity())
    assert dict(following.params) == {"start": "1706410499000", "end": "1706420000000", "limit": "500", "sort": "1"}
    with pytest.raises(Suspect):
        follow(replace(page, request=following), window, Quantity())
    assert follow(replace(page, body=fixture("bitfinex", "history.json")), window, Quantity()) == ()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [(b"1678465351520", b'"soon"', "MTS"), (b"1e-8", b"null", "AMOUNT"), (b"1.0098", b'"1.0098"', "PRICE_ACQUIRED")],
)
def test_a_place_of_another_type_is_named_as_documented(old: bytes, new: bytes, field: str) -> None:
    body = fixture("bitfinex", "history.json").replace(old, new)
    with pytest.raises(SchemaChanged) as raised:
        read(SOURCE, "liquidations", CASES["liquidations"][0], body)
    assert raised.value.field == field


def test_the_platform_status_tells_life() -> None:
    code = SOURCE.channels["liquidations"]
    assert code.control is not None
    assert code.control_alive is not None
    assert code.control_alive(Payload(code.control(), b"[1]", RECEIVED))
    assert not code.control_alive(Payload(code.control(), b"[0]", RECEIVED))


def test_requests_are_spaced_twenty_seconds() -> None:
    rate = SOURCE.spec.rate
    assert rate is not None
    assert rate.per.total_seconds() / rate.requests == 20


def test_answers_keep_when_they_came_and_where_they_are_kept() -> None:
    frame = read(SOURCE, "liquidations", CASES["liquidations"][0])
    assert set(frame["received"]) == {RECEIVED}
    assert set(frame["evidence"]) == {"e1"}
