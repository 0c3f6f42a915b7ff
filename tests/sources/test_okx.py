"""OKX: every detail of a message counts, in contracts of their documented size; pages go back to the window's start."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from conformance import Case, conforms, fixture, read

from sources.adapter import Instruments, Payload, Request, merged_weights
from sources.build import merge
from sources.okx import SOURCE, SPEC, follow, parse, requests, requests_for
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity, Scope
from verify.model.window import Window

RECEIVED = datetime(2026, 1, 19, 1, 5, tzinfo=UTC)
HOUR = Window.parse("2026-01-19T00:00Z/PT1H")
BTC = Quantity(assets=Scope.of("BTC"))
PAGE = Request("https://www.okx.com/api/v5/public/liquidation-orders", (("instFamily", "BTC-USDT"),))

detail = {"optional": ("bkLoss", "ccy", "time"), "enums": ("posSide", "side"), "amounts": ("sz", "bkPx")}
detail |= {"rows": "data.*.details", "times": ("ts",), "instruments": "instruments.json"}
item = {"rows": "data", "optional": ("instFamily", "uly", "totalLoss"), "enums": ("instType",)}

test_conformance = conforms(
    SOURCE,
    {
        "liquidation_orders": [
            Case("liquidation_orders.json", HOUR, PAGE, **detail),
            Case("liquidation_orders.json", HOUR, PAGE, instruments="instruments.json", **item),
            Case("empty.json", HOUR, PAGE, expect="empty"),
            Case("empty_details.json", HOUR, PAGE, expect="empty"),
            Case("error_rate.json", HOUR, PAGE, expect=RateLimited),
            Case("error_family.json", HOUR, PAGE, expect=Unavailable),
        ],
        "liquidation_stream": [
            Case("liquidations_documented.json", **detail),
            Case("liquidations_many.json", **detail),
            Case("subscribed.json", expect="empty"),
            Case("pong.txt", expect="empty"),
            Case("trades.json", expect="empty"),
            Case("margin.json", expect="empty"),
            Case("subscription_refused.json", expect=Unavailable),
        ],
    },
)


def contracts() -> Instruments:
    asked = SOURCE.instrument_requests(Quantity())[0]
    return SOURCE.parse_instruments(Payload(asked, fixture("okx", "instruments.json"), RECEIVED))


def seen(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.select("time", "instrument", "asset", "side", "quantity", "price", "notional_usd").rows()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def heard(name: str) -> pl.DataFrame:
    return read(SOURCE, "liquidation_stream", Case(name, instruments=contracts()))


def test_the_documented_message_is_a_short_whose_contract_size_is_not_guessed() -> None:
    assert seen(heard("liquidations_documented.json")) == [
        (at("2023-08-17T10:00:34.010"), "IOST-USDT-SWAP", "IOST", "short", None, 0.007831, None)
    ]


def test_every_detail_of_every_instrument_counts_in_time_order() -> None:
    assert seen(heard("liquidations_many.json")) == [
        (at("2026-01-19T00:59:54"), "BTC-USDT-SWAP", "BTC", "short", pytest.approx(0.01), 92500.0, pytest.approx(925)),
        (
            at("2026-01-19T00:59:55.123"),
            "BTC-USDT-SWAP",
            "BTC",
            "long",
            pytest.approx(1.2),
            92100.5,
            pytest.approx(110520.6),
        ),
        (
            at("2026-01-19T00:59:55.456"),
            "BTC-USDT-SWAP",
            "BTC",
            "long",
            pytest.approx(0.305),
            92090.0,
            pytest.approx(28087.45),
        ),
        (at("2026-01-19T00:59:56"), "BTC-USD-SWAP", "BTC", "long", pytest.approx(0.05), 92000.0, 4600.0),
        (at("2026-01-19T00:59:57"), "BTC-USD-SWAP", "BTC", "short", pytest.approx(500 / 92600), 92600.0, 500.0),
    ]


def test_the_same_orders_over_rest_are_the_same_events() -> None:
    kept = ("time", "instrument", "side", "quantity", "price", "notional_usd", "event_id")
    asked = read(SOURCE, "liquidation_orders", Case("liquidation_orders.json", HOUR, PAGE, instruments=contracts()))
    told = heard("liquidations_many.json").filter(pl.col("instrument") == "BTC-USDT-SWAP")
    assert asked.select(kept).rows() == told.select(kept).rows()


def test_a_contract_is_its_value_times_its_multiplier_in_coins_or_dollars() -> None:
    known = contracts()
    assert (known["BTC-USDT-SWAP"].size, known["BTC-USDT-SWAP"].inverse) == (0.01, False)
    assert (known["BTC-USD-SWAP"].size, known["BTC-USD-SWAP"].unit, known["BTC-USD-SWAP"].inverse) == (100, "usd", True)
    assert (known["ETH-USDC-SWAP"].size, known["ETH-USDC-SWAP"].quote) == (1.0, "USDC")
    assert known["NEW-USDT-SWAP"].size is None
    assert (known["BTC-USD_UM-SWAP"].quote, known["BTC-USD_UM-SWAP"].inverse) == ("USD", False)


def test_a_contract_size_that_is_no_number_is_refused() -> None:
    body = fixture("okx", "instruments.json").replace(b'"0.01"', b'"NaN"')
    with pytest.raises(SchemaChanged) as raised:
        SOURCE.parse_instruments(Payload(PAGE, body, RECEIVED))
    assert raised.value.field == "ctVal"


def test_the_stream_is_capped_until_the_documentation_dropped_the_limit() -> None:
    channel = SPEC.channel("liquidation_stream")
    assert channel.rule_at(at("2026-07-18T23:59:59")).completeness is Completeness.CAPPED
    assert channel.rule_at(at("2026-07-19")).completeness is Completeness.PARTIAL


def test_every_family_is_asked_for_once_the_contracts_are_known() -> None:
    everything = [dict(request.params)["instFamily"] for request in requests_for(contracts(), HOUR, Quantity())]
    assert everything == ["BTC-USDT", "BTC-USD", "ETH-USDC", "NEW-USDT", "BTC-USD_UM"]
    assert [dict(request.params)["instFamily"] for request in requests_for(contracts(), HOUR, BTC)] == [
        "BTC-USDT",
        "BTC-USD",
        "BTC-USD_UM",
    ]
    assert [dict(request.params)["instFamily"] for request in requests(HOUR, BTC)] == ["BTC-USDT", "BTC-USD"]


def row(stamp: int, number: int) -> dict[str, str]:
    return {"posSide": "long", "side": "sell", "sz": str(1 + number), "bkPx": "90000", "ts": str(stamp)}


def venue(details: list[dict[str, str]], request: Request) -> bytes:
    """What OKX answers: the newest details older than `after`, as many as the limit."""
    asked = dict(request.params)
    older = [d for d in details if int(d["ts"]) < int(asked.get("after", 1 << 60))][: int(asked["limit"])]
    found = [{"instId": "BTC-USDT-SWAP", "instType": "SWAP", "details": older}] if older else []
    return json.dumps({"code": "0", "msg": "", "data": found}).encode()


@pytest.mark.parametrize("together", [1, 7, 99])
def test_pages_go_back_until_the_window_is_covered(together: int) -> None:
    start = int(HOUR.start.timestamp() * 1000)
    details = [row(start - 5000 + number // together * 1000, number) for number in range(700)][::-1]
    waiting, pages, asked = [*requests(HOUR, BTC)[:1]], [], 0
    while waiting:
        request = waiting.pop()
        payload = Payload(request, venue(details, request), RECEIVED)
        pages.append(parse(payload, HOUR, contracts()))
        waiting += follow(payload, HOUR, BTC)
        asked += 1
    expected = [d for d in details if start <= int(d["ts"]) < start + 3_600_000]
    assert merge(pages)["quantity"].sum() == pytest.approx(sum(int(d["sz"]) for d in expected) * 0.01)
    assert asked <= 9


def test_a_page_that_does_not_go_back_is_suspect() -> None:
    start = int(HOUR.start.timestamp() * 1000)
    body = venue([row(start + 1000 + n, n) for n in range(100)][::-1], requests(HOUR, BTC)[0])
    first = Payload(requests(HOUR, BTC)[0], body, RECEIVED)
    (second,) = follow(first, HOUR, BTC)
    (third,) = follow(replace(first, request=second), HOUR, BTC)
    with pytest.raises(Suspect, match="do not go back"):
        follow(replace(first, request=third), HOUR, BTC)


def weights(request: Request, name: str) -> list[Any]:
    return list(SOURCE.parse_weights(Payload(request, fixture("okx", name), RECEIVED), {}))


def test_open_interest_and_volume_of_all_contracts_of_a_coin_add_up() -> None:
    interest, tickers = SOURCE.weight_requests(Quantity(), None)
    (btc,) = merged_weights(weights(interest, "open_interest.json") + weights(tickers, "tickers.json"))
    assert (btc.asset, btc.open_interest_usd, btc.halved) == ("BTC", 3410000000.5, False)
    assert btc.volume_24h_usd == pytest.approx(50000 * 92000 + 5 * 92010)
    assert list(SOURCE.weight_requests(Quantity(), HOUR.start)) == []


def test_the_control_is_alive_when_the_server_tells_its_time() -> None:
    channel = SOURCE.channels["liquidation_orders"]
    payload = Payload(channel.control(), fixture("okx", "time.json"), RECEIVED)
    assert channel.control_alive(payload)
    assert not channel.control_alive(replace(payload, body=fixture("okx", "empty.json")))
