"""CoinAnk: liquidations of a market at a venue as bars (paid key)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import aligned, milliseconds, pieces
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import AuthMissing, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_HISTORY = "https://open-api.coinank.com/api/liquidation/history"
_DOCS = "https://github.com/coinank/coinank-cli/blob/5608718/src/commands/liq.js"
_PAGE = 500
#: How CoinAnk writes the venues, and the USDT perpetual of a coin there.
_VENUES = {"binance": ("Binance", "{}USDT"), "bybit": ("Bybit", "{}USDT")}
_MAJORS = ("BTC", "ETH", "SOL")
_INTERVALS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}

_channel = partial(
    ChannelSpec,
    transport=Transport.REST,
    form=Form.BARS,
    docs=(_DOCS,),
    metrics=("liquidations",),
    venues=tuple(_VENUES),
    lineage=("binance/usdm", "bybit/liquidations"),
    lineage_assumed=True,
    completeness=(
        CompletenessRule(
            Completeness.PARTIAL,
            _DOCS,
            note="USDT perpetuals only; how the sums are made from the venues' feeds is not documented",
            confirmed=False,
        ),
    ),
    side_rule="long and short are the liquidated positions",
    side_citation=_DOCS,
    quantity_unit="USD",
    price_basis=Basis.STATED,
    quantity_basis=QuantityBasis.FILLED,
    selected=f"where no asset is named, only {', '.join(_MAJORS)} are asked for",
    doubts=(
        "From which feeds the sums are made is not documented; the public feeds of the venues are assumed, so that it "
        "never counts as independent of them.",
        "How far back it answers, how many bars it gives at most and which edge labels a bar is not documented; the "
        "start is assumed.",
    ),
)

SPEC = SourceSpec(
    id="coinank",
    title="CoinAnk",
    homepage="https://coinank.com",
    kind="aggregator",
    hosts=("open-api.coinank.com",),
    rate=Rate(1, timedelta(seconds=1)),  # no limit was found; this is slow enough for any
    auth=("VERIFY_COINANK_API_KEY",),
    auth_headers=("apikey",),
    as_of=date(2026, 11, 22),
    limits=(
        "Binance and Bybit only: how the contracts of other venues are written is not documented",
        "sums over all exchanges (`aggregated-history`) are not read: they name no venue",
    ),
    channels=tuple(
        _channel(
            id=f"history_{name}",
            title=f"Liquidations of a market, bars of {name}",
            span=_PAGE * length,
            page=_PAGE,
            bar_length=length,
        )
        for name, length in _INTERVALS.items()
    ),
)


class _Status(msgspec.Struct):
    success: bool
    code: str = ""
    msg: str = ""


class _Bar(msgspec.Struct, gc=False):
    symbol: str
    exchangeName: str
    ts: int
    longTurnover: float
    shortTurnover: float


class _Answer(msgspec.Struct):
    data: list[_Bar]


def _requests(window: Window, quantity: Quantity, *, interval: str) -> Sequence[Request]:
    """The USDT perpetual of each asset at each venue; an answer ends at `endTime` and holds `size` bars."""
    bar = _INTERVALS[interval]
    wanted = quantity.venues.names
    return [
        Request(
            _HISTORY,
            (
                ("exchange", written),
                ("symbol", form.format(coin)),
                ("interval", interval),
                ("endTime", milliseconds(part.end)),
                ("size", str(part.length // bar + 1)),  # one more, as the bar that starts at the end may be counted
            ),
            note=f"{coin} at {written}",
        )
        for coin in sorted(quantity.assets.names or _MAJORS)
        for venue, (written, form) in _VENUES.items()
        if wanted is None or venue in wanted
        for part in pieces(aligned(window, bar), (_PAGE - 1) * bar)
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments, *, interval: str) -> pl.DataFrame:
    """Two bars per row, one of each side. Raises `Suspect` where the answer is of another market or time."""
    source = f"coinank/history_{interval}"
    _refused(payload, source)
    rows = build.decode(_Answer, payload.body, source).data
    if not rows:
        return build.no_bars()
    asked = dict(payload.request.params)
    bar = _INTERVALS[interval]
    if {(row.exchangeName, row.symbol) for row in rows} != {(asked["exchange"], asked["symbol"])}:
        raise Suspect("answers for another market than it was asked for", source=source)
    start = build.times([row.ts for row in rows], unit="ms", field="ts", source=source)
    end, size = int(asked["endTime"]), int(asked["size"])
    if not start.dt.epoch("ms").is_between(end - size * (bar // timedelta(milliseconds=1)), end).any():
        raise Suspect("answers for another time than it was asked for", source=source)
    usd = {
        side: build.amounts([getattr(row, field) for row in rows], field=field, source=source, zero=True)
        for side, field in (("long", "longTurnover"), ("short", "shortTurnover"))
    }
    venue, form = next((venue, form) for venue, (name, form) in _VENUES.items() if name == asked["exchange"])
    coin = asked["symbol"].removesuffix(form.format(""))
    frame = build.bars_of_sides(start, bar, build.asset_of(coin), usd)
    return build.bars(frame, venue=venue, source=source, completeness=Completeness.PARTIAL, window=window)


def _refused(payload: Payload, source: str) -> None:
    status = build.decode(_Status, payload.body, source, lax=True)
    if status.success and status.code in ("", "1"):
        return
    words = f"refuses with {status.code}: {status.msg}"
    raise (AuthMissing if status.code == "-3" else Unavailable)(words, source=source)


SOURCE = Source(
    SPEC,
    {
        f"history_{name}": Channel(partial(_requests, interval=name), partial(_parse, interval=name))
        for name in _INTERVALS
    },
)
