"""Coinalyze: liquidations per market as bars, added up to venue and asset (free key)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import partial

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import aligned, pieces
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://api.coinalyze.net/v1"
_DOCS = "https://api.coinalyze.net/v1/doc/"
_NOTES = "https://github.com/smoothbrainquant/trading-for-new-dads/blob/f636914/COINALYZE_API_COMPLETE.md"
#: The letter or digit after the point of a symbol. The first rows from `_NOTES`; S and T as collectors use them.
_VENUES = {
    "A": "binance",
    "6": "bybit",
    "3": "okx",
    "H": "hyperliquid",
    "4": "htx",
    "Y": "gate",
    "0": "bitmex",
    "2": "deribit",
    "K": "kraken",
    "F": "bitfinex",
    "8": "dydx",
    "7": "phemex",
    "C": "coinbase",
    "P": "poloniex",
    "S": "aster",
    "T": "lighter",
}
_LARGEST = ("binance", "bybit", "okx", "hyperliquid")
_MAJORS = ("BTC", "ETH", "SOL")
#: Symbols of one request, and of one run: each counts as a call, of which a key has 40 a minute. One lists markets.
_TOGETHER, _CALLS = 20, 39
#: Intraday series keep 1,500 to 2,000 points, daily ones all.
_POINTS = 1500
_INTERVALS = {f"{hours}hour": timedelta(hours=hours) for hours in (1, 4, 6, 12)} | {"daily": timedelta(days=1)}

_channel = partial(
    ChannelSpec,
    transport=Transport.REST,
    form=Form.BARS,
    docs=(_DOCS, _NOTES),
    metrics=("liquidations",),
    venues=tuple(_VENUES.values()),
    lineage=(
        "binance/usdm",
        "binance/coinm",
        "bybit/liquidations",
        "okx/liquidation_orders",
        "hyperliquid/node_fills",
        "htx/linear",
        "htx/coin",
        "gate/liq_orders",
        "bitmex/liquidation",
        "deribit/trades",
        "kraken/executions",
        "bitfinex/liquidations",
        "dydx/trades",
        "poloniex/orders",
        "aster/force_orders",
        "lighter/trades",
    ),
    lineage_assumed=True,
    completeness=(
        CompletenessRule(
            Completeness.UNKNOWN,
            _DOCS,
            note="how the sums are made from the venues' feeds is not documented",
            confirmed=False,
        ),
    ),
    side_rule="`l` are the liquidated longs, `s` the liquidated shorts",
    side_citation=_DOCS,
    quantity_unit="USD, converted by Coinalyze",
    price_basis=Basis.STATED,
    quantity_basis=QuantityBasis.FILLED,
    selected=f"where no asset is named, only {', '.join(_MAJORS)} at {', '.join(_LARGEST)} are asked for",
    doubts=(
        "From which feeds the sums are made is not documented; the public feeds of the venues are assumed, so that it "
        "never counts as independent of them.",
        "Whether it has liquidations of Hyperliquid is not documented.",
        "That a bar is labelled by its start is assumed. A bar under way still grows.",
        "At which price it converts to dollars is not documented.",
        f"At most {_CALLS} markets are asked for, what a key may ask in a minute, {_TOGETHER} of an asset at a venue: "
        "perpetuals of the largest venues first.",
        "An interval without a bar is taken for one without liquidations.",
    ),
)

SPEC = SourceSpec(
    id="coinalyze",
    title="Coinalyze",
    homepage="https://coinalyze.net",
    kind="aggregator",
    hosts=("api.coinalyze.net",),
    rate=Rate(40, timedelta(minutes=1), _NOTES),
    auth=("VERIFY_COINALYZE_API_KEY",),
    auth_headers=("api_key",),
    as_of=date(2026, 11, 22),
    limits=("markets of venues that verify does not know are not asked for",),
    channels=tuple(
        _channel(
            id=f"liquidations_{name}",
            title=f"Liquidations per market, bars of {name}",
            history=None if name == "daily" else _POINTS * length,
            span=_POINTS * length,
            page=_POINTS,
            bar_length=length,
        )
        for name, length in _INTERVALS.items()
    ),
)


class _Refusal(msgspec.Struct):
    message: str


class _Bar(msgspec.Struct, gc=False):
    t: int
    l: float  # noqa: E741 - its name on the wire
    s: float


class _Series(msgspec.Struct):
    symbol: str
    history: list[_Bar]


class _Market(msgspec.Struct):
    symbol: str
    exchange: str
    base_asset: str
    quote_asset: str


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{_API}/future-markets", note="Coinalyze markets")]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Markets of the venues that `verify` knows; bars are in dollars, so that sizes do not matter."""
    rows = build.decode(list[_Market], payload.body, "coinalyze/markets")
    return {
        row.symbol: Instrument(
            _VENUES[row.exchange], row.symbol, build.asset_of(row.base_asset), None, quote=row.quote_asset
        )
        for row in rows
        if row.exchange in _VENUES
    }


def _requests(window: Window, quantity: Quantity, *, interval: str) -> Sequence[Request]:
    """Without the list of markets only Binance's largest ones have a symbol that is documented."""
    symbols = {f"{asset}USDT_PERP.A": asset for asset in sorted(quantity.assets.names or _MAJORS)}
    known = {symbol: Instrument("binance", symbol, asset, None) for symbol, asset in symbols.items()}
    return _requests_for(known, window, quantity, interval=interval)


def _requests_for(known: Instruments, window: Window, quantity: Quantity, *, interval: str) -> Sequence[Request]:
    """All markets of one asset at one venue in one request, so that they are added up together."""
    venues = quantity.venues.names or (_VENUES.values() if quantity.assets.names else _LARGEST)
    assets = quantity.assets.names or _MAJORS
    wanted = [item for item in known.values() if item.venue in venues and item.asset in assets]
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in sorted(wanted, key=_rank)[:_CALLS]:
        groups[item.venue, item.asset].append(item.name)
    bar = _INTERVALS[interval]
    return [
        Request(
            f"{_API}/liquidation-history",
            (
                ("symbols", ",".join(names[:_TOGETHER])),
                ("interval", interval),
                ("from", str(int(part.start.timestamp()))),
                ("to", str(int(part.end.timestamp()) - 1)),  # `to` belongs to the answer
                ("convert_to_usd", "true"),
            ),
            note=f"{asset} at {venue}",
        )
        for (venue, asset), names in groups.items()
        for part in pieces(aligned(window, bar), _POINTS * bar)
    ]


def _rank(item: Instrument) -> tuple[bool, int, str, str]:
    return "_PERP." not in item.name, list(_VENUES.values()).index(item.venue), item.asset, item.name


def _parse(payload: Payload, window: Window, instruments: Instruments, *, interval: str) -> pl.DataFrame:
    """Bars of each side in dollars; the markets of one asset at one venue are added up."""
    source = f"coinalyze/liquidations_{interval}"
    answer = build.decode(list[_Series] | _Refusal, payload.body, source)  # type: ignore[arg-type]
    if isinstance(answer, _Refusal):
        raise Unavailable(f"refuses: {answer.message}", source=source)
    rows = [(series.symbol, bar) for series in answer for bar in series.history]
    if not rows:
        return build.no_bars()
    start = build.times([bar.t for _, bar in rows], unit="s", field="t", source=source)
    table = pl.DataFrame(
        {
            "symbol": pl.Series([symbol for symbol, _ in rows], dtype=pl.String),
            "start": start,
            "long": build.amounts([bar.l for _, bar in rows], field="l", source=source, zero=True),
            "short": build.amounts([bar.s for _, bar in rows], field="s", source=source, zero=True),
        }
    )
    if table.select("symbol", "start").is_duplicated().any():
        raise Suspect("a market has two bars for one interval", source=source)
    _answers_what_was_asked(payload, table, source)
    table = table.join(_places(table["symbol"].unique(), instruments, source), on="symbol")
    parts = []
    for (venue, asset), group in table.group_by(["venue", "asset"], maintain_order=True):
        sums = group.group_by("start").agg(pl.col("long", "short").sum()).sort("start")
        frame = build.bars_of_sides(
            sums["start"], _INTERVALS[interval], str(asset), {side: sums[side] for side in ("long", "short")}
        )
        unknown = Completeness.UNKNOWN
        parts.append(build.bars(frame, venue=str(venue), source=source, completeness=unknown, window=window))
    return pl.concat(parts).sort("start", maintain_order=True)


def _answers_what_was_asked(payload: Payload, table: pl.DataFrame, source: str) -> None:
    asked = dict(payload.request.params)
    if "symbols" in asked and set(table["symbol"]) - set(asked["symbols"].split(",")):
        raise Suspect("answers for markets that it was not asked for", source=source)
    if "from" in asked:
        times = table["start"].dt.epoch("s")
        if not times.is_between(int(asked["from"]), int(asked["to"])).any():
            raise Suspect("answers for another time than it was asked for", source=source)


def _places(symbols: Iterable[str], instruments: Instruments, source: str) -> pl.DataFrame:
    """Venue and asset of each symbol; `BTCUSDT_PERP.A` says both itself where the market is not in the list."""
    rows = []
    for symbol in symbols:
        name, _, code = symbol.rpartition(".")
        if code not in _VENUES:
            raise SchemaChanged(f"symbol is {symbol!r}, of a venue that is not known", source=source, field="symbol")
        base = name.removesuffix("_PERP").removesuffix("USDT").removesuffix("USDC").removesuffix("USD")
        known = instruments.get(symbol)
        rows.append((symbol, _VENUES[code], known.asset if known else build.asset_of(base)))
    return pl.DataFrame(rows, schema=["symbol", "venue", "asset"], orient="row")


SOURCE = Source(
    SPEC,
    {
        f"liquidations_{name}": Channel(
            partial(_requests, interval=name),
            partial(_parse, interval=name),
            requests_for=partial(_requests_for, interval=name),
        )
        for name in _INTERVALS
    },
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
)
