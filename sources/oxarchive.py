"""0xArchive: Hyperliquid's liquidations in bars of five minutes (key)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import aligned, milliseconds, pieces
from sources.spec import BarLabel, ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://api.0xarchive.io/v1/hyperliquid/liquidations"
_DOCS = "https://docs.rs/crate/oxarchive/1.8.0/source/src/resources/liquidations.rs"
_BUCKETS = "https://glama.ai/mcp/servers/0xArchiveIO/0xarchive-mcp/tools/get_liquidation_volume"
_KEY = "0xarchive/volume"
_BAR = timedelta(minutes=5)
_PAGE = 1000
_MAJORS = ("BTC", "ETH", "HYPE", "SOL", "XRP")

SPEC = SourceSpec(
    id="0xarchive",
    title="0xArchive",
    homepage="https://www.0xarchive.io",
    kind="aggregator",
    hosts=("api.0xarchive.io",),
    rate=Rate(5, timedelta(seconds=1)),  # limits belong to plans and are not documented
    auth=("VERIFY_0XARCHIVE_API_KEY",),
    auth_headers=("x-api-key",),
    as_of=date(2026, 11, 22),
    limits=(
        "coins are asked for one by one: there is no sum over all",
        "how far back a key reads depends on its plan (about 30 days without payment)",
        "single liquidations, and Lighter's, are not read",
    ),
    channels=(
        ChannelSpec(
            id="volume",
            title="Liquidations per coin in bars of five minutes",
            transport=Transport.REST,
            form=Form.BARS,
            docs=(_DOCS, _BUCKETS),
            metrics=("liquidations", "liquidation_count"),
            venues=("hyperliquid",),
            lineage=("hyperliquid/node_fills",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _DOCS,
                    note="an archive of the chain's fills; whether one leg of a trade or both are added up is not said",
                    confirmed=False,
                ),
            ),
            side_rule="`long_usd` are liquidated longs, `short_usd` shorts",
            side_citation=_DOCS,
            quantity_unit="USD",
            price_basis=Basis.STATED,
            quantity_basis=QuantityBasis.FILLED,
            first_day=date(2025, 5, 25),
            span=_PAGE * _BAR,
            page=_PAGE,
            bar_label=BarLabel.UNKNOWN,
            bar_length=_BAR,
            selected=f"where no asset is named, only {', '.join(_MAJORS)} are asked for",
            doubts=(
                "That a bar is named by its start, and left out where nothing was liquidated, is not documented.",
                "The sums may be twice the truth: whether both legs are counted is not documented.",
            ),
        ),
    ),
)


class _Bar(msgspec.Struct, gc=False):
    timestamp: str
    total_usd: float
    long_usd: float
    short_usd: float


class _Meta(msgspec.Struct):
    next_cursor: str | None = None


class _Answer(msgspec.Struct):
    success: bool = True
    data: list[_Bar] | None = None
    meta: _Meta = msgspec.field(default_factory=_Meta)
    error: str | None = None


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    coins = sorted(quantity.assets.names) if quantity.assets.names is not None else _MAJORS
    return [
        Request(
            f"{_API}/{coin}/volume",
            (
                ("start", milliseconds(part.start)),
                ("end", milliseconds(part.end)),
                ("interval", "5m"),
                ("limit", str(_PAGE)),
            ),
            note=coin,
        )
        for coin in coins
        for part in pieces(aligned(window, _BAR), _PAGE * _BAR)
    ]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    cursor = _answer(payload.body).meta.next_cursor
    if not cursor:
        return ()
    params = tuple(pair for pair in payload.request.params if pair[0] != "cursor")
    return [replace(payload.request, params=(*params, ("cursor", cursor)))]


def _answer(body: bytes) -> _Answer:
    answer = build.decode(_Answer, body, _KEY)
    if answer.error is not None or not answer.success:
        raise Unavailable(f"refuses: {answer.error or 'without a reason'}", source=_KEY)
    if answer.data is None:
        raise SchemaChanged("the answer holds no data", source=_KEY, field="data")
    return answer


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """A bar of each side. Raises `Suspect` where the sides do not add up to the total."""
    rows = _answer(payload.body).data or []
    if not rows:
        return build.no_bars()
    text = pl.Series("timestamp", [row.timestamp for row in rows], dtype=pl.String)
    start = text.str.to_datetime(time_unit="us", time_zone="UTC", format="%+", strict=False)
    if start.null_count() or (start.dt.truncate("5m") != start).any():
        raise SchemaChanged("timestamp is no start of a bar", source=_KEY, field="timestamp")
    money = {
        name: build.amounts([getattr(row, name) for row in rows], field=name, source=_KEY, zero=True)
        for name in ("total_usd", "long_usd", "short_usd")
    }
    off = (money["total_usd"] - money["long_usd"] - money["short_usd"]).abs() > 0.01 + money["total_usd"] * 1e-6
    if off.any():
        at = start.filter(off)[0]
        raise Suspect(f"long_usd and short_usd of {at:%Y-%m-%d %H:%M} do not add up to total_usd", source=_KEY)
    coin = payload.request.url.removesuffix("/volume").rpartition("/")[2]
    frame = build.bars_of_sides(
        start, _BAR, build.asset_of(coin), {"long": money["long_usd"], "short": money["short_usd"]}
    )
    unknown = Completeness.UNKNOWN
    return build.bars(frame, venue="hyperliquid", source=_KEY, completeness=unknown, window=window)


SOURCE = Source(SPEC, {"volume": Channel(_requests, _parse, _follow)})
