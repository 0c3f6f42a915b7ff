"""Gate: orders by position sign over REST and by order sign in the stream, statistics, contracts, weights."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from conformance import Case, conforms, fixture, read

from sources.adapter import Instruments, Payload, Request, merged_weights
from sources.build import merge
from sources.gate import SOURCE, SPEC, follow, parse, requests
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

API = "https://api.gateio.ws/api/v4/futures"
RECEIVED = datetime(2026, 1, 19, 1, 5, tzinfo=UTC)
HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
BTC = Quantity(assets=Scope.of("BTC"))
STATS = Request(f"{API}/usdt/contract_stats", (("contract", "BTC_USDT"),))

order = {"rows": "", "optional": ("order_size", "order_price"), "amounts": ("size", "left", "fill_price")}
order |= {"signed": ("size", "left"), "times": ("time",), "instruments": "contracts_usdt.json"}
update = {"rows": "result", "amounts": ("price", "size"), "signed": ("size",), "instruments": "contracts_usdt.json"}
unused = ("lsr_taker", "lsr_account", "long_liq_size", "long_liq_amount", "short_liq_size", "short_liq_amount")
unused += ("open_interest", "open_interest_usd", "top_lsr_account", "top_lsr_size")

test_conformance = conforms(
    SOURCE,
    {
        "liq_orders": [
            Case("liq_orders.json", "2023-10-08T03:00Z/PT1H", **order),
            Case("liq_orders_both.json", HOUR, **order),
            Case("empty.json", HOUR, expect="empty"),
            Case("error_range.json", HOUR, expect=Unavailable, status=400),
            Case("error_rate.json", HOUR, expect=RateLimited, status=429),
        ],
        "contract_stats": [
            Case(
                "contract_stats.json",
                HOUR,
                STATS,
                rows="",
                optional=unused,
                amounts=("long_liq_usd", "short_liq_usd"),
                times=("time",),
            ),
            Case("empty.json", HOUR, STATS, expect="empty"),
            Case("error_rate.json", HOUR, STATS, expect=RateLimited, status=429),
        ],
        "public_liquidates": [
            Case("public_liquidates.json", **update),
            Case("public_liquidates_seconds.json", optional=("time_ms",), **update),
            Case("subscribed.json", expect="empty"),
            Case("pong.json", expect="empty"),
            Case("trades.json", expect="empty"),
            Case("empty_update.json", expect="empty"),
            Case("subscription_refused.json", expect=Unavailable),
        ],
    },
)


def contracts() -> Instruments:
    usdt, btc = (
        SOURCE.parse_instruments(
            Payload(Request(f"{API}/{settled}/contracts"), fixture("gate", f"contracts_{settled}.json"), RECEIVED)
        )
        for settled in ("usdt", "btc")
    )
    return {**usdt, **btc}


def seen(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("time", "instrument", "asset", "side", "quantity", "price", "notional_usd").rows()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def events(name: str, window: str | Window) -> pl.DataFrame:
    return read(SOURCE, "liq_orders", Case(name, window, instruments=contracts()))


def test_the_documented_order_is_a_short_of_165_contracts() -> None:
    assert seen(events("liq_orders.json", "2023-10-08T03:00Z/PT1H")) == [
        (at("2023-10-08T03:35:32"), "BTC_USDT", "BTC", "short", pytest.approx(0.0165), 28070.0, pytest.approx(463.155))
    ]


def test_what_was_filled_of_the_order_counts_and_not_the_position() -> None:
    found = seen(events("liq_orders_both.json", HOUR))
    assert found == [
        (at("2026-01-19T00:59:55"), "BTC_USDT", "BTC", "long", pytest.approx(0.015), 92050.0, pytest.approx(1380.75)),
        (at("2026-01-19T00:59:55"), "BTC_USDT", "BTC", "long", pytest.approx(0.03), 92010.0, pytest.approx(2760.3)),
        (at("2026-01-19T00:59:56"), "ETH_USDT", "ETH", "short", pytest.approx(0.4), 3205.0, pytest.approx(1282.0)),
        (at("2026-01-19T00:59:58"), "NEW_USDT", "NEW", "long", None, 1.51, None),
    ]


def test_an_inverse_contract_is_worth_a_dollar_whatever_the_price() -> None:
    assert seen(events("liq_orders_btc.json", HOUR)) == [
        (at("2026-01-19T00:59:55"), "BTC_USD", "BTC", "long", pytest.approx(0.1), 92500.0, 9250.0)
    ]


def test_more_left_than_ordered_is_refused() -> None:
    row = {"time": 1768784395, "contract": "BTC_USDT", "size": 5, "order_size": -5, "left": -6}
    body = json.dumps([{**row, "order_price": "1", "fill_price": "1"}]).encode()
    with pytest.raises(SchemaChanged) as raised:
        parse(Payload(Request(API), body, RECEIVED), HOUR, {})
    assert raised.value.field == "left"


def test_the_stream_names_the_order_so_that_a_sale_is_a_long() -> None:
    frame = read(SOURCE, "public_liquidates", Case("public_liquidates.json", instruments=contracts()))
    assert seen(frame) == [
        (
            at("2018-11-06T06:43:21.123"),
            "BTC_USDT",
            "BTC",
            "long",
            pytest.approx(0.01245),
            215.1,
            pytest.approx(2.677995),
        ),
        (
            at("2018-11-06T06:43:21.456"),
            "BTC_USDT",
            "BTC",
            "long",
            pytest.approx(0.00105),
            215.2,
            pytest.approx(0.22596),
        ),
    ]


def test_older_messages_in_seconds_are_read_as_seconds() -> None:
    frame = read(SOURCE, "public_liquidates", Case("public_liquidates_seconds.json", instruments=contracts()))
    assert seen(frame) == [
        (at("2026-01-19T00:59:56"), "ETH_USDT", "ETH", "long", pytest.approx(0.4), 3215.5, pytest.approx(1286.2)),
        (
            at("2026-01-19T00:59:56.321"),
            "BTC_USDT",
            "BTC",
            "short",
            pytest.approx(0.003),
            92300.5,
            pytest.approx(276.9015),
        ),
    ]


def test_the_stream_is_capped_until_the_day_its_documentation_changed() -> None:
    channel = SPEC.channel("public_liquidates")
    assert channel.rule_at(at("2026-08-19T23:59:59")).completeness is Completeness.CAPPED
    assert channel.rule_at(at("2026-08-20")).completeness is Completeness.COMPLETE
    assert len(channel.rules_in(at("2026-08-19T20:00"), at("2026-08-20T04:00"))) == 2


def test_statistics_give_a_long_and_a_short_bar_of_five_minutes() -> None:
    frame = read(SOURCE, "contract_stats", Case("contract_stats.json", HOUR, STATS))
    first, second, third = at("2026-01-19T00:00"), at("2026-01-19T00:05"), at("2026-01-19T00:10")
    assert sorted(frame.select("start", "end", "asset", "side", "notional_usd").rows()) == [
        (first, second, "BTC", "long", 1110000.5),
        (first, second, "BTC", "short", 0.0),
        (second, third, "BTC", "long", 9250.0),
        (second, third, "BTC", "short", 4625.25),
    ]
    assert set(frame["completeness"]) == {"unknown"}


def test_a_bar_that_straddles_the_edge_is_kept_whole() -> None:
    window = Window.parse("2026-01-19T00:04Z/PT3M")
    frame = read(SOURCE, "contract_stats", Case("contract_stats.json", window, STATS))
    assert frame["start"].to_list()[0] == at("2026-01-19T00:00")
    assert frame.height == 4


def test_statistics_are_asked_from_the_start_of_the_bar_that_holds_the_window() -> None:
    first, *rest = SOURCE.channels["contract_stats"].requests(Window.parse("2026-01-19T00:04Z/PT12H"), BTC)
    assert dict(first.params) == {"contract": "BTC_USDT", "from": "1768780800", "interval": "5m", "limit": "96"}
    assert [dict(request.params)["from"] for request in rest] == [str(1768780800 + 8 * 3600)]


def spans(asked: list[Request], settled: str = "usdt") -> list[tuple[int, int]]:
    params = [dict(request.params) for request in asked if f"/{settled}/" in request.url]
    return [(int(param["from"]), int(param["to"])) for param in params]


@pytest.mark.parametrize("text", ["2026-01-19T00:00Z/PT4H", "2026-01-19T00:00:00.5Z/PT90M", "2026-01-19T00:00Z/PT1S"])
def test_ranges_of_an_hour_at_most_cover_the_window_without_overlap(text: str) -> None:
    window = Window.parse(text)
    asked = requests(window, Quantity())
    for settled in ("usdt", "btc"):
        ranges = spans(asked, settled)
        assert all(last - first <= 3600 for first, last in ranges)
        assert all(after[0] == before[1] + 1 for before, after in pairwise(ranges))
        assert ranges[0][0] <= window.start.timestamp()
        assert ranges[-1][1] + 1 >= window.end.timestamp()


def venue(rows: list[dict[str, Any]], request: Request) -> bytes:
    """What Gate answers: the newest rows of the closed range, as many as the limit."""
    asked = {name: int(number) for name, number in request.params}
    inside = [row for row in rows if asked["from"] <= row["time"] <= asked["to"]]
    return json.dumps(inside[::-1][: asked["limit"]]).encode()


def test_a_full_answer_is_split_until_every_order_is_there_once() -> None:
    rows = [
        {"time": 1768780800 + number // 3, "contract": "BTC_USDT", "size": 1 + number % 2, "left": 0}
        | {"order_size": -1 - number % 2, "order_price": "90000", "fill_price": "90000"}
        for number in range(4000)
    ]
    waiting = [request for request in requests(HOUR, Quantity()) if "/usdt/" in request.url]
    pages, asked = [], 0
    while waiting:
        request = waiting.pop()
        payload = Payload(request, venue(rows, request), RECEIVED)
        pages.append(parse(payload, HOUR, contracts()))
        waiting += follow(payload, HOUR, Quantity())
        asked += 1
    found = merge(pages)
    assert found.height == 4000
    assert found["quantity"].sum() == pytest.approx(6000 * 0.0001)
    assert asked < 20


def test_a_full_second_cannot_be_split_and_is_said() -> None:
    request = replace(requests(Window.parse("2026-01-19T00:00Z/PT1S"), Quantity())[0])
    with pytest.raises(Suspect, match="1000 orders"):
        follow(Payload(request, json.dumps([{}] * 1000).encode(), RECEIVED), HOUR, Quantity())


def test_contracts_have_the_size_of_their_multiplier() -> None:
    known = contracts()
    assert (known["BTC_USDT"].size, known["BTC_USDT"].unit, known["BTC_USDT"].inverse) == (0.0001, "base", False)
    assert (known["BTC_USD"].size, known["BTC_USD"].unit, known["BTC_USD"].inverse) == (1.0, "usd", True)
    assert known["ETH_USD"].size is None


def weights(path: str, name: str, **params: str) -> list[Any]:
    request = Request(f"{API}/{path}", tuple(params.items()))
    return list(SOURCE.parse_weights(Payload(request, fixture("gate", name), RECEIVED), {}))


def test_open_interest_is_that_of_one_side() -> None:
    parts = weights("usdt/contracts", "contracts_usdt.json") + weights("btc/contracts", "contracts_btc.json")
    parts += weights("usdt/tickers", "tickers_usdt.json")
    btc, eth = merged_weights(parts)
    assert btc.open_interest_usd == pytest.approx(5223816 * 0.0001 * 37985.6 + 11_000_000)
    assert btc.volume_24h_usd == 184040233284.0
    assert eth.open_interest_usd == pytest.approx(2_000_000 * 0.01 * 1210.5)
    assert (btc.halved, btc.asset, eth.volume_24h_usd) == (False, "BTC", None)


def test_open_interest_of_a_past_time_counts_both_sides_and_is_halved() -> None:
    asked = SOURCE.weight_requests(BTC, HOUR.start)
    assert [dict(request.params)["contract"] for request in asked] == ["BTC_USDT"]
    (found,) = weights("usdt/contract_stats", "contract_stats.json", contract="BTC_USDT")
    assert (found.open_interest_usd, found.halved, found.at) == (8325000000 / 2, True, HOUR.start)


def test_the_control_is_alive_when_it_has_a_ticker() -> None:
    channel = SOURCE.channels["liq_orders"]
    payload = Payload(channel.control(), fixture("gate", "tickers_usdt.json"), RECEIVED)
    assert channel.control_alive(payload)
    assert not channel.control_alive(replace(payload, body=b"[]"))


def test_a_seconds_old_window_is_asked_for_in_whole_seconds() -> None:
    window = Window(HOUR.start + timedelta(milliseconds=1500), HOUR.start + timedelta(milliseconds=2500))
    assert spans(requests(window, Quantity())) == [(1768780801, 1768780802)]
