"""Lighter: liquidations in its public stream of trades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.lighter import TRADES
from verify.model.errors import Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity

_MARKETS = "https://mainnet.zklighter.elliot.ai/api/v1/orderBookDetails"
_DOCS = "https://github.com/tardis-dev/tardis-node/blob/c1d73fb/src/mappers/lighter.ts"
_KEY = "lighter/trades"
_TYPES = {word: word for word in ("trade", "liquidation", "deleverage", "market-settlement")}

SPEC = SourceSpec(
    id="lighter",
    title="Lighter",
    homepage="https://lighter.xyz",
    hosts=("mainnet.zklighter.elliot.ai",),
    rate=Rate(1, timedelta(seconds=1)),  # of the list of markets
    as_of=date(2026, 11, 22),
    limits=("the trades of the past need an account", "auto-deleveraging (type deleverage) is not counted"),
    channels=(
        ChannelSpec(
            id="trades",
            title="Stream of trades of a market (`trade/{market}`)",
            transport=Transport.STREAM,
            form=Form.EVENTS,
            docs=(_DOCS,),
            metrics=("liquidations", "liquidation_count"),
            venues=("lighter",),
            lineage=(_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.COMPLETE,
                    _DOCS,
                    note="every trade of the market by the reading of others; no cap is documented",
                    confirmed=False,
                ),
            ),
            side_rule="the taker is the liquidated account: where the maker asks he bought, so that a short was "
            "liquidated; else a long",
            side_citation=_DOCS,
            quantity_unit="base coins",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(0),
            doubts=("The rule of the side is that of a recorder's code and not documented.",),
        ),
    ),
)

#: What the dollars of a trade may differ by from price x size, as a share.
_TOLERANCE = 0.001


class _Trade(msgspec.Struct, gc=False):
    trade_id: int
    type: str
    market_id: int
    size: str
    price: str
    usd_amount: str
    is_maker_ask: bool
    timestamp: int


class _Fault(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Message(msgspec.Struct, gc=False):
    type: str
    trades: list[_Trade] | None = None
    liquidation_trades: list[_Trade] | None = None
    error: _Fault | None = None


class _Market(msgspec.Struct):
    symbol: str
    market_id: int


class _Markets(msgspec.Struct):
    order_book_details: list[_Market]


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(_MARKETS, note="Lighter markets")]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Perpetuals by the number of their market."""
    rows = build.decode(_Markets, payload.body, "lighter/markets").order_book_details
    return {
        str(row.market_id): Instrument(
            "lighter", str(row.market_id), build.asset_of(row.symbol.partition("/")[0]), 1.0, quote="USDC"
        )
        for row in rows
    }


def _message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """The liquidations among the trades of one message, each once whichever list it stands in."""
    told = build.decode(_Message, body, _KEY)
    if told.error is not None:
        raise Unavailable(f"the stream refuses with {told.error.code}: {told.error.message}", source=_KEY)
    if not told.type.endswith("/trade"):
        return build.no_events()
    wire = build.columns([*(told.trades or ()), *(told.liquidation_trades or ())], *_Trade.__struct_fields__)
    kinds = build.mapped(wire["type"], _TYPES, field="type", source=_KEY)
    known = build.contracts(
        [str(number) for number in wire["market_id"]], instruments, lambda number: f"MARKET {number}"
    )
    frame = known.select("instrument", "asset").with_columns(
        time=build.times(wire["timestamp"], unit="ms", field="timestamp", source=_KEY),
        type=kinds,
        side=pl.when(pl.Series(wire["is_maker_ask"], dtype=pl.Boolean)).then(pl.lit("short")).otherwise(pl.lit("long")),
        quantity=build.amounts(wire["size"], field="size", source=_KEY),
        price=build.amounts(wire["price"], field="price", source=_KEY),
        notional_usd=build.amounts(wire["usd_amount"], field="usd_amount", source=_KEY),
        event_id=pl.Series(wire["trade_id"], dtype=pl.Int64).cast(pl.String),
    )
    computed = frame["quantity"] * frame["price"]
    if ((computed - frame["notional_usd"]).abs() > _TOLERANCE * computed + 0.01).any():
        raise Suspect("usd_amount is not price x size", source=_KEY)
    return build.events(
        frame.filter(pl.col("type") == "liquidation"),
        venue="lighter",
        source=_KEY,
        price_basis=Basis.AVERAGE_FILL,
        received=received,
    )


SOURCE = Source(
    SPEC,
    {"trades": Channel(message=_message, stream=TRADES)},
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
)
