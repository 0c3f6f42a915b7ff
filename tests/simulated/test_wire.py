"""What is written in a venue's wire format and read by its adapter is what was simulated."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

import polars as pl
import pytest

from sources import build
from sources.adapter import Instrument, Payload, Request, Source
from sources.simulated import feeds, wire
from sources.simulated.market import draw
from sources.simulated.world import NOMINAL, Regime
from verify.model.quantity import Quantity
from verify.model.window import Window

WINDOW = Window(datetime(2026, 10, 10, 20, 30, tzinfo=UTC), datetime(2026, 10, 11, 0, 30, tzinfo=UTC))
RECEIVED = datetime(2026, 10, 11, 0, 31, tzinfo=UTC)
MARKET = draw(NOMINAL, Regime.QUIET, WINDOW, 34)


def simulated(venue_name: str, count: int = 150) -> pl.DataFrame:
    venue = NOMINAL.venue(venue_name)
    return MARKET.tape.of(venue_name).within(WINDOW).frame(venue, "simulated").head(count)


def instruments(source: Source, venue_name: str) -> dict[str, Instrument]:
    if source.instrument_requests is None:
        return {}
    assert source.parse_instruments is not None
    venue = NOMINAL.venue(venue_name)
    body = wire.contracts(venue, NOMINAL.assets, feeds.contract_sizes(MARKET, venue))
    return source.parse_instruments(Payload(source.instrument_requests(Quantity())[0], body, RECEIVED))


def read(channel: str, bodies: list[bytes]) -> pl.DataFrame:
    """The frame that the channel's adapter makes of the bodies."""
    venue_name, _, name = channel.partition("/")
    source: Source = import_module(f"sources.{venue_name}").SOURCE
    known = instruments(source, venue_name)
    code = source.channels[name]
    if code.message is not None:
        return build.merge([code.message(body, RECEIVED, known) for body in bodies])
    assert code.parse is not None
    request = Request(f"https://{source.spec.hosts[0]}/usdt/")
    return build.merge([code.parse(Payload(request, body, RECEIVED), WINDOW, known) for body in bodies])


@pytest.mark.parametrize("channel", sorted(wire.FORMS))
def test_what_is_written_is_read_as_it_was(channel: str) -> None:
    venue_name = channel.partition("/")[0]
    before = simulated(venue_name)
    bodies = wire.write(channel, before, feeds.contract_sizes(MARKET, NOMINAL.venue(venue_name)))
    after = read(channel, bodies)
    order = ["time", "instrument", "side", "price", "quantity"]
    before, after = before.sort(order), after.sort(order)
    assert after.height == before.height > 20
    for column in ("time", "venue", "instrument", "asset", "side", "price_basis"):
        if (column, channel) != ("price_basis", "gate/public_liquidates"):  # the stream states the order's price
            assert after[column].to_list() == before[column].to_list(), column
    cent = 0.0051 if channel == "kraken/executions" else 0.0  # Kraken rounds `usdValue` to cents
    for column in ("quantity", "price", "notional_usd"):
        expected = before[column].to_list()
        assert after[column].fill_null(0.0).to_list() == pytest.approx(expected, rel=1e-9, abs=cent), column


def test_both_sides_and_many_contracts_are_in_what_is_read() -> None:
    for venue_name in {channel.partition("/")[0] for channel in wire.FORMS}:
        frame = simulated(venue_name)
        assert set(frame["side"]) == {"long", "short"}
        assert frame["instrument"].n_unique() >= 4


def test_the_same_events_are_the_same_bytes() -> None:
    frame = simulated("htx")
    sizes = feeds.contract_sizes(MARKET, NOMINAL.venue("htx"))
    assert wire.write("htx/linear_stream", frame, sizes) == wire.write("htx/linear_stream", frame, sizes)


def test_where_nothing_happened_nothing_is_written() -> None:
    assert wire.write("gate/liq_orders", simulated("gate").clear()) == []


def test_pages_hold_no_more_than_the_venue_serves() -> None:
    rows = simulated("bitget").height  # 150 at most
    assert len(wire.write("bitget/liquidations", simulated("bitget"))) == -(-rows // 100) > 1
    assert len(wire.write("deribit/trades", simulated("deribit"))) == 1
