"""Candles of five exchanges: one series of prices from five forms, each in its own money."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from conformance import Case, conforms, read

from sources import binance_spot, bitstamp, candles, coinbase, kraken_spot, okx_spot
from sources.adapter import Request, Source
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.quantity import METRICS, Quantity, Scope
from verify.model.window import Window

MIDNIGHT = datetime(2026, 1, 19, tzinfo=UTC)
MINUTES = "2026-01-19T00:00Z/PT3M"
BTC = Quantity(METRICS["price"], assets=Scope.of("BTC"))


def asked(source: Source, window: str = MINUTES) -> Request:
    """The request that the source makes for these minutes."""
    requests = source.channels[source.spec.channels[0].id].requests
    assert requests is not None
    return requests(Window.parse(window), BTC)[0]


def cases(source: Source, good: str, *, rows: str, fields: Mapping[str, tuple[int | str, ...]], **bad: type) -> object:
    request = asked(source)
    return [
        Case(
            good, MINUTES, request, quantity=BTC, rows=rows, amounts=fields["amounts"], times=fields["times"],
            optional=fields["optional"],
        ),
        Case("empty.json", MINUTES, request, quantity=BTC, expect="empty"),
        *(Case(f"{name}.json", MINUTES, request, quantity=BTC, expect=error) for name, error in bad.items()),
    ]  # fmt: skip


def places(*amounts: int, rest: int) -> dict[str, tuple[int | str, ...]]:
    return {"amounts": amounts, "times": (0,), "optional": tuple(range(max(amounts) + 1, rest))}


NAMED = {"amounts": ("open", "high", "low", "close"), "times": ("timestamp",), "optional": ("volume",)}
BINANCE = {
    "candles": cases(
        binance_spot.SOURCE, "klines.json", rows="", fields=places(1, 2, 3, 4, rest=12),
        error=SchemaChanged, impossible=Suspect,
    )
}  # fmt: skip
COINBASE = {
    "candles": cases(
        coinbase.SOURCE, "candles.json", rows="", fields=places(1, 2, 3, 4, rest=6),
        error=SchemaChanged, high_and_low_swapped=Suspect,
    )
}  # fmt: skip
KRAKEN_CASES = cases(
    kraken_spot.SOURCE, "ohlc.json", rows="result.XXBTZUSD", fields=places(1, 2, 3, 4, rest=8), error=Unavailable
)
KRAKEN = dict.fromkeys(("minutes", "hours", "days"), KRAKEN_CASES)
BITSTAMP = {"candles": cases(bitstamp.SOURCE, "ohlc.json", rows="data.ohlc", fields=NAMED, error=Unavailable)}
OKX = {
    "candles": cases(okx_spot.SOURCE, "candles.json", rows="data", fields=places(1, 2, 3, 4, rest=9), error=Unavailable)
}

test_binance_conforms = conforms(binance_spot.SOURCE, BINANCE)  # type: ignore[arg-type]
test_coinbase_conforms = conforms(coinbase.SOURCE, COINBASE)  # type: ignore[arg-type]
test_kraken_conforms = conforms(kraken_spot.SOURCE, KRAKEN)  # type: ignore[arg-type]
test_bitstamp_conforms = conforms(bitstamp.SOURCE, BITSTAMP)  # type: ignore[arg-type]
test_okx_conforms = conforms(okx_spot.SOURCE, OKX)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "cases_of", "venue", "quote", "low"),
    [
        (binance_spot.SOURCE, BINANCE, "binance", "USDT", 91910.5),
        (coinbase.SOURCE, COINBASE, "coinbase", "USD", 91905.75),
        (kraken_spot.SOURCE, KRAKEN, "kraken", "USD", 91935.0),
        (bitstamp.SOURCE, BITSTAMP, "bitstamp", "USD", 91912.0),
        (okx_spot.SOURCE, OKX, "okx", "USDT", 91908.1),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_minute_has_its_four_prices(source: Source, cases_of: object, venue: str, quote: str, low: float) -> None:
    channel = source.spec.channels[0].id
    frame = read(source, channel, cases_of[channel][0])  # type: ignore[index]
    assert frame.height == 12
    second = {row["field"]: row for row in frame.iter_rows(named=True) if row["start"] == MIDNIGHT + candles.MINUTE}
    assert {name: row["value"] for name, row in second.items()} == {
        "open": 92450.0, "high": 92500.0, "low": low, "close": 92010.0,
    }  # fmt: skip
    row = second["low"]
    assert (row["metric"], row["subject"], row["asset"], row["unit"]) == ("price", venue, "BTC", quote)
    assert row["end"] - row["start"] == candles.MINUTE


@pytest.mark.parametrize(
    ("window", "length"),
    [
        ("2026-01-19T00:00Z/PT4H", "1m"),
        ("2026-01-12/2026-01-20", "1m"),
        ("2025-06-01/2026-01-20", "1h"),
        ("2022-01-01/2026-01-20", "1d"),
    ],
)
def test_the_bar_is_as_fine_as_a_few_pages_allow(window: str, length: str) -> None:
    assert dict(asked(binance_spot.SOURCE, window).params)["interval"] == length


def test_bars_of_a_day_at_okx_are_those_of_utc() -> None:
    assert dict(asked(okx_spot.SOURCE, "2022-01-01/2026-01-20").params)["bar"] == "1Dutc"


def test_requests_cover_the_window_without_overlap() -> None:
    requests = binance_spot.SOURCE.channels["candles"].requests
    assert requests is not None
    window = Window.parse("2026-01-17/2026-01-20")
    asked_for = [dict(request.params) for request in requests(window, BTC)]
    assert int(asked_for[0]["startTime"]) == window.start.timestamp() * 1000
    assert int(asked_for[-1]["endTime"]) == window.end.timestamp() * 1000 - 1
    for before, after in itertools.pairwise(asked_for):
        assert int(after["startTime"]) == int(before["endTime"]) + 1


def test_kraken_s_reach_is_the_number_of_its_bars() -> None:
    assert [channel.history for channel in kraken_spot.SPEC.channels] == [
        720 * timedelta(minutes=1), timedelta(days=30), timedelta(days=720),
    ]  # fmt: skip


@pytest.mark.parametrize("source", [binance_spot, coinbase, kraken_spot, bitstamp, okx_spot], ids=lambda m: m.__name__)
def test_a_price_without_an_asset_is_not_asked_for(source: object) -> None:
    code = source.SOURCE  # type: ignore[attr-defined]
    for channel in code.channels.values():
        assert list(channel.requests(Window.parse(MINUTES), Quantity(METRICS["price"]))) == []
