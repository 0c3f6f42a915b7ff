"""CoinEx: liquidation history of futures, market by market, at the bankruptcy price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source, Weight
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_DOCS = "https://docs.coinex.com/api/v2/futures/market/http"
_HISTORY_DOCS = f"{_DOCS}/list-market-liquidation-history"
_HOST = "https://api.coinex.com/v2/futures"
_SOURCE = "coinex/history"
#: The largest page that others were seen to ask for; the documentation names a default of 10 and no maximum.
_PAGE = 100
#: Asked for where neither the assets nor the markets are known: the answer is a part of the venue.
_MAJORS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "LTC", "LINK", "AVAX", "SUI", "PEPE")
#: Codes that ask for patience (https://docs.coinex.com/api/v2/error).
_PATIENCE = (4123, 4213)
T = TypeVar("T")

SPEC = SourceSpec(
    id="coinex",
    title="CoinEx",
    homepage="https://www.coinex.com",
    channels=(
        ChannelSpec(
            id="history",
            title="CoinEx futures, liquidation history (v2)",
            transport=Transport.REST,
            form=Form.EVENTS,
            docs=(_HISTORY_DOCS,),
            metrics=("liquidations", "liquidation_count"),
            venues=("coinex",),
            lineage=("coinex/history",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _HISTORY_DOCS,
                    note="nothing is said of what is left out, nor of auto-deleveraging",
                    confirmed=False,
                ),
            ),
            side_rule="`side` is the side of the position: long or short",
            side_citation=_HISTORY_DOCS,
            quantity_unit="base coin for linear markets; not documented for inverse ones, which are left without value",
            price_basis=Basis.BANKRUPTCY,
            quantity_basis=QuantityBasis.ORDERED,
            page=_PAGE,
            doubts=(
                "That `liq_amount` of a linear market is in coins is not documented. What a public collector added up "
                "in 2026 (https://github.com/hayhahen-ui/Trade.2026) makes sense in coins; the documented example "
                "would be millions of dollars in a market whose documented day is worth seven thousand.",
                "How far back the history reaches is not documented; the same collector was in September 2026 served "
                "from 1 January 2026 on.",
                "Whether `liq_amount` is the position, the order or what was filled is not documented.",
                "Asked market by market: where the list of markets did not come, only the USDT markets of twelve "
                "large coins are asked for, which is a part of all assets.",
                "Rows carry no id; equal rows of one answer are taken for different liquidations.",
            ),
        ),
    ),
    hosts=("api.coinex.com",),
    rate=Rate(20, timedelta(seconds=1)),
    as_of=date(2026, 11, 22),
    limits=(
        "The rate limit of public market data was not found; it is asked 20 times a second at most.",
        "Open interest is taken in coins and as one-sided; neither is documented. Inverse markets have no weight.",
        "Open interest and volume are those of now; no past figures are read.",
    ),
)


class _Pagination(msgspec.Struct):
    has_next: bool


class _Answer(msgspec.Struct, Generic[T]):
    data: T
    pagination: _Pagination | None = None


class _Status(msgspec.Struct):
    code: int
    message: str = ""


class _Row(msgspec.Struct):
    market: str
    side: str
    liq_price: str
    liq_amount: str
    bkr_price: str
    created_at: int


class _Market(msgspec.Struct):
    market: str
    contract_type: str
    base_ccy: str
    quote_ccy: str
    open_interest_volume: str


class _Ticker(msgspec.Struct):
    market: str
    value: str
    mark_price: str


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{_HOST}/market", note="CoinEx markets")]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Linear markets count coins; what inverse ones count is not documented, so that their size is not known."""
    return {row.market: _instrument(row) for row in _answer(_Answer[list[_Market]], payload, "coinex/markets").data}


def _instrument(row: _Market) -> Instrument:
    linear = row.contract_type == "linear"
    size = 1.0 if linear else None
    asset = build.asset_of(row.base_ccy)
    return Instrument("coinex", row.market, asset, size, inverse=not linear, quote=row.quote_ccy)


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    return _ask([f"{asset}USDT" for asset in sorted(quantity.assets.names or _MAJORS)], window)


def _requests_for(known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    """The markets of the assets, the largest coins first, as a deadline may cut the rest."""
    wanted = quantity.assets.names
    found = [item for item in known.values() if wanted is None or item.asset in wanted]
    return _ask([item.name for item in sorted(found, key=lambda i: (i.asset not in _MAJORS, i.name))], window)


def _ask(markets: Sequence[str], window: Window) -> list[Request]:
    span = (("start_time", milliseconds(window.start)), ("end_time", milliseconds(window.end)))
    page = (("page", "1"), ("limit", str(_PAGE)))
    return [Request(f"{_HOST}/liquidation-history", (("market", name), *span, *page), note=name) for name in markets]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    if not _page(payload)[1]:
        return ()
    asked = dict(payload.request.params)
    following = str(int(asked["page"]) + 1)
    return [replace(payload.request, params=tuple((asked | {"page": following}).items()))]


def _page(payload: Payload) -> tuple[list[_Row], bool]:
    """The rows of a page, and whether there is another."""
    answer = _answer(_Answer[list[_Row]], payload, _SOURCE)
    if answer.pagination is None:
        raise SchemaChanged("the answer does not say whether it goes on", source=_SOURCE, field="pagination")
    if answer.pagination.has_next and not answer.data:
        raise Suspect("a page without rows says that more follow", source=_SOURCE)
    return answer.data, answer.pagination.has_next


def _parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    wire = build.columns(_page(payload)[0], *_Row.__struct_fields__)
    # The documented example has a space before the name of the market.
    table = build.contracts([name.strip() for name in wire["market"]], instruments, _base_of)
    price = build.amounts(wire["bkr_price"], field="bkr_price", source=_SOURCE)
    amount = build.amounts(wire["liq_amount"], field="liq_amount", source=_SOURCE)
    data = {
        "time": build.times(wire["created_at"], unit="ms", field="created_at", source=_SOURCE),
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": build.sides(wire["side"], "long", "short", field="side", source=_SOURCE),
        "price": price,
        **build.value(amount, price, table),
    }
    trigger = build.amounts(wire["liq_price"], field="liq_price", source=_SOURCE)
    wired = data | {"amount": amount, "trigger": trigger}
    ids = build.identities(wired, "instrument", "time", "side", "price", "amount", "trigger")
    return build.events(
        {**data, "event_id": ids},
        venue="coinex",
        source=_SOURCE,
        price_basis=Basis.BANKRUPTCY,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _base_of(market: str) -> str:
    """`BTCUSDT` and `BTCUSD` -> `BTC`."""
    return market.removesuffix("USDT").removesuffix("USDC").removesuffix("USD") or market


def _answer(kind: type[_Answer[T]], payload: Payload, source: str) -> _Answer[T]:
    status = build.decode(_Status, payload.body, source)
    if status.code != 0:
        error = RateLimited if status.code in _PATIENCE else Unavailable
        raise error(f"refuses with {status.code}: {status.message}", source=source)
    return build.decode(kind, payload.body, source)


def _control() -> Request:
    return Request(f"{_HOST}/ticker", note="CoinEx tickers")


def _alive(payload: Payload) -> bool:
    return bool(_answer(_Answer[list[_Ticker]], payload, "coinex/tickers").data)


def _weight_requests(_quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Open interest of all markets from one endpoint, turnover and mark price from the other; nothing of the past."""
    return [] if at is not None else [*_instrument_requests(_quantity), _control()]


def _parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Parts of weights; the answers state no time, so that it is the one at which they came."""
    source, now = "coinex/weights", payload.received
    parts = []
    if payload.request.url.endswith("/market"):
        for market in _answer(_Answer[list[_Market]], payload, source).data:
            item = _instrument(market)
            coins = build.amounts([market.open_interest_volume], field="open_interest_volume", source=source, zero=True)
            if item.size is not None:
                cited = f"{_DOCS}/list-market"
                parts.append(
                    Weight("coinex", item.asset, now, None, None, citation=cited, open_interest_coins=coins[0])
                )
        return parts
    for row in _answer(_Answer[list[_Ticker]], payload, source).data:
        found = instruments.get(row.market)
        value = build.amounts([row.value], field="value", source=source, zero=True)[0]
        price = build.amounts([row.mark_price], field="mark_price", source=source)[0]
        if found is not None and found.size is not None and found.quote in build.DOLLARS:
            cited = f"{_DOCS}/list-market-ticker"
            parts.append(Weight("coinex", found.asset, now, None, value, citation=cited, price_usd=price))
    return parts


SOURCE = Source(
    SPEC,
    {
        "history": Channel(
            requests=_requests,
            requests_for=_requests_for,
            follow=_follow,
            parse=_parse,
            control=_control,
            control_alive=_alive,
        )
    },
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
    weight_requests=_weight_requests,
    parse_weights=_parse_weights,
)
