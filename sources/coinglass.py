"""CoinGlass v4: liquidations per coin and venue, as bars of the past and as rolling sums of now (paid key)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import aligned, milliseconds, pieces
from sources.spec import BarLabel, ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model import names
from verify.model.errors import AuthMissing, RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://open-api-v4.coinglass.com/api/futures/liquidation"
_DOCS = "https://github.com/coinglass-official/coinglass-api-skills/blob/b1a6eb2/futures/liquidation/API.md"
_PAGE = 1000
#: The venues asked for, as CoinGlass writes them: eight that made up 99.8 % of its total of 19 January 2026.
_VENUES = {
    "binance": "Binance",
    "bybit": "Bybit",
    "okx": "OKX",
    "hyperliquid": "Hyperliquid",
    "bitget": "Bitget",
    "gate": "Gate",
    "htx": "HTX",
    "coinex": "CoinEx",
}
#: Registered venues that CoinGlass lists besides; they appear in the sums of now only.
_LISTED: tuple[str, ...] = ("bitmex", "bitfinex", "deribit", "kraken", "kucoin", "dydx", "bingx", "coinbase")
_LISTED += ("cryptocom", "mexc", "whitebit", "aster", "lighter", "drift", "paradex")
#: Asked for where no asset is named; each is listed by every one of the venues.
_MAJORS = ("BTC", "ETH", "SOL")
_INTERVALS = {name: timedelta(hours=hours) for name, hours in (("1h", 1), ("4h", 4), ("12h", 12), ("1d", 24))}
_RANGES = {name: timedelta(hours=hours) for name, hours in (("4h", 4), ("24h", 24))}
#: What the parts may differ from their sum by, as a share of it: figures are read at different moments.
_TOLERANCE = 0.001
#: The one asset of a row that counts all of them; assets are upper case, so that it is none of them.
_EVERYTHING = "all"

_channel = partial(
    ChannelSpec,
    transport=Transport.REST,
    form=Form.BARS,
    docs=(_DOCS,),
    metrics=("liquidations",),
    # The feeds that the venues offer to everybody: CoinGlass documents no other origin, and counts as none.
    lineage=(
        "binance/usdm",
        "binance/coinm",
        "bybit/liquidations",
        "okx/liquidation_orders",
        "hyperliquid/node_fills",
        "bitget/liquidations",
        "gate/liq_orders",
        "htx/linear",
        "htx/coin",
        "coinex/history",
    ),
    lineage_assumed=True,
    completeness=(
        CompletenessRule(
            Completeness.UNKNOWN,
            _DOCS,
            note="whether capped feeds are taken as they are, filled up or estimated is not documented",
            confirmed=False,
        ),
    ),
    side_rule="long and short are the liquidated positions",
    side_citation=_DOCS,
    quantity_unit="USD",
    price_basis=Basis.STATED,
    quantity_basis=QuantityBasis.FILLED,
)
_DOUBTS = (
    "From which feeds the sums are made, and which venues contribute, is not documented; the public feeds of the "
    "venues are assumed, so that it never counts as independent of them.",
)
_HISTORY_DOUBTS = (
    *_DOUBTS,
    "That a bar is labelled by its start is read from the examples (midnight for days) and not documented.",
    "How far back depends on the plan of the key: 1 h and 4 h bars reach 180 to 720 days, 12 h bars 360 or more.",
    "No rows for a coin at a venue are taken for a coin that is not listed there.",
)

SPEC = SourceSpec(
    id="coinglass",
    title="CoinGlass",
    homepage="https://www.coinglass.com",
    kind="aggregator",
    hosts=("open-api-v4.coinglass.com",),
    rate=Rate(30, timedelta(minutes=1), _DOCS),  # of the smallest plan
    auth=("VERIFY_COINGLASS_API_KEY",),
    auth_headers=("CG-API-KEY",),
    as_of=date(2026, 11, 22),
    limits=(
        f"bars of the past are asked for at {', '.join(names.title('venues', venue) for venue in _VENUES)} only",
        "heat maps, liquidation maps and max pain are modelled levels, no liquidations, and are not read",
    ),
    channels=(
        *(
            _channel(
                id=f"history_{name}",
                title=f"Liquidations of a coin at a venue, bars of {name}",
                venues=tuple(_VENUES),
                history=None if name == "1d" else timedelta(days=360),
                span=_PAGE * length,
                page=_PAGE,
                bar_length=length,
                selected=f"where no asset is named, only {', '.join(_MAJORS)} are asked for",
                doubts=_HISTORY_DOUBTS,
            )
            for name, length in _INTERVALS.items()
        ),
        *(
            _channel(
                id=f"exchanges_{name}",
                title=f"Liquidations of the last {name} at every venue",
                venues=(*_VENUES, *_LISTED),
                history=length,
                bar_label=BarLabel.END,
                bar_length=length,
                doubts=(
                    *_DOUBTS,
                    "The sums roll: they are taken to end when the answer came. Two of them are never subtracted.",
                ),
            )
            for name, length in _RANGES.items()
        ),
    ),
)


class _Status(msgspec.Struct):
    code: str
    msg: str = ""


class _Bar(msgspec.Struct, gc=False):
    time: int
    aggregated_long_liquidation_usd: float
    aggregated_short_liquidation_usd: float


class _Bars(msgspec.Struct):
    data: list[_Bar]


class _Exchange(msgspec.Struct):
    exchange: str
    liquidation_usd: float
    long_liquidation_usd: float
    short_liquidation_usd: float


class _Exchanges(msgspec.Struct):
    data: list[_Exchange]


def _history_requests(window: Window, quantity: Quantity, *, interval: str) -> Sequence[Request]:
    """Coin by coin and venue by venue: a sum over venues could be compared with nothing."""
    bar = _INTERVALS[interval]
    wanted = quantity.venues.names
    return [
        Request(
            f"{_API}/aggregated-history",
            (
                ("exchange_list", written),
                ("symbol", coin),
                ("interval", interval),
                ("limit", str(_PAGE)),
                ("start_time", milliseconds(part.start)),
                ("end_time", milliseconds(part.end)),
            ),
            note=f"{coin} at {written}",
        )
        for coin in sorted(quantity.assets.names or _MAJORS)
        for venue, written in _VENUES.items()
        if wanted is None or venue in wanted
        for part in pieces(aligned(window, bar), _PAGE * bar)
    ]


def _parse_history(payload: Payload, window: Window, _instruments: Instruments, *, interval: str) -> pl.DataFrame:
    """Two bars per row, one of each side. Raises `Suspect` where the answer is for another time than was asked."""
    source = f"coinglass/history_{interval}"
    refused(payload, source)
    rows = build.decode(_Bars, payload.body, source, lax=True).data
    asked = dict(payload.request.params)
    coin, written = asked["symbol"], asked["exchange_list"]
    if not rows:
        if coin in _MAJORS:
            text = f"no bars for {coin} at {written}: that is no answer, not zero; the key's plan may not reach so far"
            raise Unavailable(text, source=source)
        return build.no_bars()
    start = build.times([row.time for row in rows], unit="ms", field="time", source=source)
    bar = _INTERVALS[interval]
    usd = {
        side: build.amounts([getattr(row, field) for row in rows], field=field, source=source, zero=True)
        for side, field in (("long", _Bar.__struct_fields__[1]), ("short", _Bar.__struct_fields__[2]))
    }
    first, last = (int(asked[name]) for name in ("start_time", "end_time"))
    told = [row.time for row in rows]
    if max(told) < first or min(told) > last:
        raise Suspect("answers for another time than it was asked for", source=source)
    return build.bars(
        build.bars_of_sides(start, bar, build.asset_of(coin), usd),
        venue=next(venue for venue, name in _VENUES.items() if name == written),
        source=source,
        completeness=Completeness.UNKNOWN,
        window=window,
    )


def _exchange_requests(_window: Window, quantity: Quantity, *, span: str) -> Sequence[Request]:
    """An empty symbol asks for all coins together."""
    coins = sorted(quantity.assets.names) if quantity.assets.names else [""]
    return [
        Request(f"{_API}/exchange-list", (("symbol", coin), ("range", span)), note=coin or "all coins")
        for coin in coins
    ]


def _parse_exchanges(payload: Payload, window: Window, _instruments: Instruments, *, span: str) -> pl.DataFrame:
    """The rolling sums of the registered venues, which end when the answer came.

    Raises `Suspect` where longs and shorts do not add up to a venue's total, or the venues to that of all.
    """
    source = f"coinglass/exchanges_{span}"
    refused(payload, source)
    rows = build.decode(_Exchanges, payload.body, source, lax=True).data
    fields = _Exchange.__struct_fields__[1:]
    table = pl.DataFrame(
        [
            build.amounts([getattr(row, field) for row in rows], field=field, source=source, zero=True)
            for field in fields
        ]
    ).with_columns(exchange=pl.Series([row.exchange for row in rows], dtype=pl.String))
    _add_up(table, source)
    end = pl.Series([payload.received], dtype=pl.Datetime("us", "UTC"))
    coin = dict(payload.request.params).get("symbol", "")
    asset = build.asset_of(coin) if coin else _EVERYTHING
    known = SPEC.channel(f"exchanges_{span}").venues
    parts = []
    for row in table.iter_rows(named=True):
        found = names.find("venues", row["exchange"])
        if found is not None and found.id in known:
            usd = {"long": pl.Series([row[fields[1]]]), "short": pl.Series([row[fields[2]]])}
            frame = build.bars_of_sides(end - _RANGES[span], _RANGES[span], asset, usd)
            unknown = Completeness.UNKNOWN
            parts.append(build.bars(frame, venue=found.id, source=source, completeness=unknown, window=window))
    return pl.concat(parts) if parts else build.no_bars()


def _add_up(table: pl.DataFrame, source: str) -> None:
    total, long, short = (table[field] for field in _Exchange.__struct_fields__[1:])
    wrong = (long + short - total).abs() > _TOLERANCE * total + 1.0
    if wrong.any():
        name, stated = table.filter(wrong).select("exchange", "liquidation_usd").row(0)
        raise Suspect(f"{name}: longs and shorts do not add up to the total of {stated:.0f} USD", source=source)
    whole = table.filter(pl.col("exchange").str.to_lowercase() == "all")["liquidation_usd"]
    if whole.len() != 1:
        if table.height:
            raise SchemaChanged("there is no row `All`", source=source, field="exchange")
        return
    parts = float(total.sum()) - float(whole[0])
    if table.height > 1 and abs(parts - whole[0]) > _TOLERANCE * whole[0] + 1.0:
        text = f"the venues add up to {parts:.0f} USD, which is not the {whole[0]:.0f} USD of `All`"
        raise Suspect(text, source=source)


def refused(payload: Payload, source: str) -> None:
    """Raise what a code other than "0" means; errors come with HTTP 200."""
    status = build.decode(_Status, payload.body, source, lax=True)
    words = f"refuses with {status.code}: {status.msg}"
    if status.code == "0":
        return
    if status.code == "429":
        raise RateLimited(words, source=source)
    if status.code == "403" or "upgrade" in status.msg.lower():
        raise Unavailable(f"{words} (the plan of the key does not include this)", source=source)
    if status.code == "401":
        raise AuthMissing(words, source=source)
    raise Unavailable(words, source=source)


SOURCE = Source(
    SPEC,
    {
        f"history_{name}": Channel(partial(_history_requests, interval=name), partial(_parse_history, interval=name))
        for name in _INTERVALS
    }
    | {
        f"exchanges_{name}": Channel(partial(_exchange_requests, span=name), partial(_parse_exchanges, span=name))
        for name in _RANGES
    },
)
