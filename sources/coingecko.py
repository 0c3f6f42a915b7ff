"""CoinGecko: open interest of derivatives exchanges now, as they report it themselves (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source, Weight
from sources.hyperliquid_state import LATE
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model import names
from verify.model.errors import Suspect, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_API = "https://api.coingecko.com/api/v3"
_DOCS = "https://docs.coingecko.com/demo/reference/derivatives-exchanges.md"
_KEY = "coingecko/exchanges"
_PRICE = f"{_API}/simple/price"
#: How exchanges are called here beside the names by which they are known.
_KIND = (" (futures)", " (derivatives)", " futures", " derivatives", " perpetuals", " perps", " swap")
#: All coins together; assets are upper case, so that it is none of them.
_EVERYTHING = "all"

SPEC = SourceSpec(
    id="coingecko",
    title="CoinGecko",
    homepage="https://www.coingecko.com/en/exchanges/derivatives",
    kind="aggregator",
    hosts=("api.coingecko.com",),
    rate=Rate(5, timedelta(minutes=1)),  # the limit without a key is not documented
    as_of=date(2026, 11, 22),
    limits=("no past and no single coins; a key is not used",),
    channels=(
        ChannelSpec(
            id="exchanges",
            title="Open interest of derivatives exchanges, now",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("open_interest",),
            venues=(),
            lineage=("coingecko/exchanges",),
            completeness=(
                CompletenessRule(Completeness.PARTIAL, _DOCS, note="the exchanges that CoinGecko lists, first hundred"),
            ),
            quantity_unit="BTC: the money of all coins at Bitcoin's price",
            history=timedelta(minutes=1),
            page=100,
            doubts=(
                "Exchanges report it themselves, some of them wrongly (https://arxiv.org/abs/2310.14973).",
                "Whether both sides of a contract are counted differs by exchange and is not documented.",
            ),
        ),
    ),
)

_Amount = Annotated[float, msgspec.Meta(ge=0)]


class _Exchange(msgspec.Struct):
    name: str
    open_interest_btc: _Amount | None


class _Price(msgspec.Struct):
    usd: Annotated[float, msgspec.Meta(gt=0)]


class _Prices(msgspec.Struct):
    bitcoin: _Price


class _Status(msgspec.Struct):
    error_message: str = ""


class _Refusal(msgspec.Struct):
    status: _Status


def _requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    params = (("order", "open_interest_btc_desc"), ("per_page", "100"), ("page", "1"))
    return [Request(f"{_API}/derivatives/exchanges", params, note="derivatives exchanges")]


def _rows(body: bytes) -> list[_Exchange]:
    if body.lstrip()[:1] == b"{" and b'"status"' in body:
        raise Unavailable(f"refuses: {build.decode(_Refusal, body, _KEY).status.error_message}", source=_KEY)
    return build.decode(list[_Exchange], body, _KEY)


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One row per exchange in BTC, at the time of the answer (or the window's last moment); null is no row."""
    at = payload.received
    if at - window.end > LATE:
        raise Suspect(f"the list is that of {at:%Y-%m-%d %H:%M}, long after the window", source=_KEY)
    at = min(at, window.end - timedelta(microseconds=1))
    rows = [row for row in _rows(payload.body) if row.open_interest_btc is not None]
    if not rows:
        return build.no_series()
    data = {
        "subject": [venue_of(row.name) or row.name for row in rows],
        "value": build.amounts(
            [row.open_interest_btc for row in rows], field="open_interest_btc", source=_KEY, zero=True
        ),
    }
    moment = pl.lit(at, dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame(data).with_columns(start=moment, end=moment)
    return build.series(frame, source=_KEY, window=window, metric="open_interest", unit="BTC")


def venue_of(name: str) -> str | None:
    """The venue that is meant by `Binance (Futures)` or `Lighter Perps`, if it is one that is known."""
    short = name.lower()
    for kind in _KIND:
        short = short.removesuffix(kind)
    found = names.find("venues", name) or names.find("venues", short)
    return found.id if found else None


def _weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """The list and Bitcoin's price; nothing for the past, or for single coins, which are not told."""
    if at is not None or quantity.assets.names is not None:
        return ()
    price = Request(_PRICE, (("ids", "bitcoin"), ("vs_currencies", "usd")), note="the price of Bitcoin")
    return [*_requests(Window.parse("2026-01-19"), quantity), price]


def _parse_weights(payload: Payload, _instruments: Instruments) -> Sequence[Weight]:
    """Parts: open interest in Bitcoin from the list, and for every venue the price that values it."""
    if payload.request.url == _PRICE:
        price = build.decode(_Prices, payload.body, _KEY).bitcoin.usd
        return [
            Weight(venue, _EVERYTHING, payload.received, None, None, citation=_DOCS, price_usd=price)
            for venue in names.register("venues")
        ]
    known = [(venue_of(row.name), row.open_interest_btc) for row in _rows(payload.body)]
    return [
        Weight(venue, _EVERYTHING, payload.received, None, None, citation=_DOCS, open_interest_coins=coins)
        for venue, coins in known
        if venue and coins
    ]


SOURCE = Source(
    SPEC,
    {"exchanges": Channel(_requests, _parse)},
    weight_requests=_weight_requests,
    parse_weights=_parse_weights,
)
