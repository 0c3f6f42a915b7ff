"""Poloniex Futures v3: liquidation orders at the bankruptcy price, over REST and as a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source, Weight
from sources.lazy import pl
from sources.plan import halves, milliseconds
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.poloniex import LIQUIDATIONS
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_REST_DOCS = "https://api-docs.poloniex.com/v3/futures/api/market/get-liquidation-order"
_STREAM_DOCS = "https://api-docs.poloniex.com/v3/futures/websocket/public/get-liquidation-orders"
_CLIENT = "https://github.com/thrasher-corp/gocryptotrader/tree/master/exchanges/poloniex"
_HOST = "https://api.poloniex.com"
_PAGE = 100
#: Open interest is asked for contract by contract; these are asked for where no asset is named.
_MAJORS = ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "LTC")
T = TypeVar("T")

_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("poloniex",),
    side_rule=(
        "`posSide` is the side of the position; in one-way mode it is BOTH and `side`, the side of the order, tells: "
        "SELL = long, BUY = short"
    ),
    quantity_unit="contracts of `ctVal` coins (instruments endpoint)",
    price_basis=Basis.BANKRUPTCY,
    quantity_basis=QuantityBasis.ORDERED,
)
_KIND = "Whether `sz` is what was ordered or what was filled is not documented; it is taken as ordered."

SPEC = SourceSpec(
    id="poloniex",
    title="Poloniex Futures",
    homepage="https://poloniex.com/futures",
    channels=(
        _channel(
            id="orders",
            title="Poloniex Futures v3, liquidation orders",
            transport=Transport.REST,
            docs=(_REST_DOCS,),
            lineage=("poloniex/orders",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _REST_DOCS,
                    note="nothing is said of what is left out; the stream shows one order per contract and second",
                    confirmed=False,
                ),
            ),
            side_citation=_REST_DOCS,
            page=_PAGE,
            doubts=(
                "How far back the orders reach is not documented.",
                "Orders carry no id, so that the documented paging by `from` cannot be followed: a full answer is "
                "asked for again in halves of its time, on the assumption that both edges of a range are served.",
                _KIND,
            ),
        ),
        _channel(
            id="stream",
            title="Poloniex Futures v3, `liquidation_orders`",
            transport=Transport.STREAM,
            docs=(_STREAM_DOCS,),
            lineage=("poloniex/orders",),
            completeness=(
                CompletenessRule(
                    Completeness.CAPPED,
                    _STREAM_DOCS,
                    cap=Cap(timedelta(seconds=1), Keep.UNKNOWN),
                    note="one order is pushed per second and contract; which one is not said",
                ),
            ),
            side_citation=_STREAM_DOCS,
            history=timedelta(0),
            doubts=(_KIND,),
        ),
    ),
    hosts=("api.poloniex.com", "ws.poloniex.com"),
    rate=Rate(50, timedelta(seconds=1)),
    as_of=date(2026, 11, 22),
    limits=(
        "No rate limit of the public futures endpoints was found; they are asked 50 times a second at most.",
        "Open interest is taken in contracts and as one-sided; neither is documented. Where no asset is named, it is "
        "asked for eight large coins.",
        "The documented examples of tickers and trades fit a contract of 0.01 BTC, that of the contracts says 0.001.",
        "Open interest and volume are those of now; no past figures are read.",
    ),
)


class _Answer(msgspec.Struct, Generic[T]):
    code: int
    msg: str = ""
    data: T | None = None


class _Order(msgspec.Struct, rename={"position": "posSide", "size": "sz", "price": "bkPx", "time": "uTime"}):
    symbol: str
    side: str
    position: str
    size: str
    price: str
    time: str


class _Pushed(
    msgspec.Struct, rename={"symbol": "s", "position": "posSide", "size": "sz", "price": "bkPx", "time": "uTime"}
):
    """An order as it is pushed: the same under other names, its time a number."""

    symbol: str
    side: str
    position: str
    size: str
    price: str
    time: int


class _Head(msgspec.Struct):
    channel: str = ""
    event: str = ""
    message: str = ""


class _Push(msgspec.Struct):
    data: list[_Pushed]


class _Contract(msgspec.Struct, rename={"size": "ctVal", "kind": "ctType", "base": "bCcy", "quote": "qCcy"}):
    symbol: str
    size: str
    kind: str
    base: str
    quote: str


class _Ticker(msgspec.Struct, rename={"name": "s", "turnover": "amt", "price": "mPx"}):
    name: str
    turnover: str
    ts: int
    price: str | None = None


class _Interest(msgspec.Struct, rename={"name": "s", "contracts": "oInterest"}):
    name: str
    contracts: str


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{_HOST}/v3/market/instruments", note="Poloniex contracts")]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Every contract under its name and under the one without underscores that orders bear."""
    rows = _data(_Answer[list[_Contract]], payload.body, "poloniex/instruments")
    sizes = build.amounts([row.size for row in rows], field="ctVal", source="poloniex/instruments")
    found: dict[str, Instrument] = {}
    for row, size in zip(rows, sizes, strict=True):
        known = size if row.kind == "LINEAR" else None  # what other contracts stand for is not documented
        item = Instrument("poloniex", row.symbol, build.asset_of(row.base), known, quote=row.quote)
        found |= {row.symbol: item, row.symbol.replace("_", ""): item}
    return found


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    names = quantity.assets.names
    return _ask([f"{asset}_USDT_PERP" for asset in sorted(names)] if names else [None], window)


def _requests_for(known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    names = quantity.assets.names
    return _ask(sorted({item.name for item in known.values() if item.asset in names}) if names else [None], window)


def _ask(names: Sequence[str | None], window: Window) -> list[Request]:
    """Without a name, the orders of all contracts are asked for."""
    span = (("sTime", milliseconds(window.start)), ("eTime", milliseconds(window.end)), ("limit", str(_PAGE)))
    url = f"{_HOST}/v3/market/liquidationOrder"
    return [Request(url, ((("symbol", name),) if name else ()) + span, note=name or "all contracts") for name in names]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The halves of the time of a full answer: the hundred orders it holds may not be all there were."""
    rows = _data(_Answer[list[_Order]], payload.body, "poloniex/orders")
    if len(rows) < _PAGE:
        return ()
    asked = dict(payload.request.params)
    start, end = (datetime.fromtimestamp(int(asked[edge]) / 1000, UTC) for edge in ("sTime", "eTime"))
    times = build.times([row.time for row in rows], unit="ms", field="uTime", source="poloniex/orders")
    if not times.is_between(start, end).all():
        raise Suspect("the orders are not of the time that was asked for", source="poloniex/orders")
    parts = halves(Window(start, end), grain=timedelta(milliseconds=1))
    if not parts:
        raise Suspect(f"{_PAGE} orders in one millisecond", source="poloniex/orders")
    spans = [{"sTime": milliseconds(part.start), "eTime": milliseconds(part.end)} for part in parts]
    return [replace(payload.request, params=tuple((asked | span).items())) for span in spans]


def _parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    rows = _data(_Answer[list[_Order]], payload.body, "poloniex/orders")
    return build.events(
        _columns(rows, instruments, "poloniex/orders"),
        venue="poloniex",
        source="poloniex/orders",
        price_basis=Basis.BANKRUPTCY,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _message(body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    source = "poloniex/stream"
    head = build.decode(_Head, body, source)
    if head.event == "error":
        raise Unavailable(f"the stream refuses: {head.message}", source=source)
    if not head.event and head.channel != "liquidation_orders":
        raise SchemaChanged(f"the message is of no known channel: {head.channel!r}", source=source, field="channel")
    if head.event:
        return build.no_events()
    data = _columns(build.decode(_Push, body, source).data, instruments, source)
    return build.events(data, venue="poloniex", source=source, price_basis=Basis.BANKRUPTCY, received=received)


def _columns(rows: Sequence[_Order] | Sequence[_Pushed], instruments: Instruments, source: str) -> dict[str, pl.Series]:
    wire = build.columns(rows, *_Order.__struct_fields__)
    field = "symbol" if source == "poloniex/orders" else "s"
    if "" in wire["symbol"]:
        raise SchemaChanged(f"{field} is empty", source=source, field=field)
    names = [instruments[name].name if name in instruments else name for name in wire["symbol"]]
    table = build.contracts(names, instruments, _base_of)
    price = build.amounts(wire["price"], field="bkPx", source=source)
    size = build.amounts(wire["size"], field="sz", source=source)
    order = build.sides(wire["side"], "SELL", "BUY", field="side", source=source)
    meaning = {"LONG": "long", "SHORT": "short", "BOTH": "both"}
    position = build.mapped(wire["position"], meaning, field="posSide", source=source)
    if ((position != "both") & (position != order)).any():
        raise Suspect("`side` and `posSide` of one order contradict each other", source=source)
    data = {
        "time": build.times(wire["time"], unit="ms", field="uTime", source=source),
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": order,
        "price": price,
        **build.value(size, price, table),
    }
    ids = build.identities(data | {"size": size}, "instrument", "time", "side", "price", "size")
    return {**data, "event_id": ids}


def _base_of(name: str) -> str:
    """`BTC_USDT_PERP` and `BTCUSDTPERP` -> `BTC`."""
    plain = name.replace("_", "").removesuffix("PERP")
    return plain.removesuffix("USDT").removesuffix("USDC").removesuffix("USD")


def _data(kind: type[_Answer[T]], body: bytes, source: str) -> T:
    answer = build.decode(kind, body, source)
    if answer.code != 200:
        error = RateLimited if answer.code == 429 else Unavailable
        raise error(f"refuses with {answer.code}: {answer.msg}", source=source)
    if answer.data is None:
        raise SchemaChanged("the answer has no data", source=source, field="data")
    return answer.data


def _control() -> Request:
    return Request(f"{_HOST}/v3/market/tickers", note="Poloniex tickers")


def _alive(payload: Payload) -> bool:
    return bool(_data(_Answer[list[_Ticker]], payload.body, "poloniex/tickers"))


def _weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Turnover and mark price of all contracts, and open interest contract by contract; nothing of the past."""
    if at is not None:
        return []
    names = [f"{asset}_USDT_PERP" for asset in (sorted(quantity.assets.names) if quantity.assets.names else _MAJORS)]
    url = f"{_HOST}/v3/market/openInterest"
    return [_control(), *(Request(url, (("symbol", name),), note=f"{name} open interest") for name in names)]


def _parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Parts of weights: coins from one endpoint, turnover and the price that values the coins from the other."""
    source = "poloniex/weights"
    if payload.request.url.endswith("/openInterest"):
        row = _data(_Answer[_Interest], payload.body, source)
        item = instruments.get(row.name)
        if item is None or item.size is None:
            return []
        coins = build.amounts([row.contracts], field="oInterest", source=source, zero=True)[0] * item.size
        part = Weight("poloniex", item.asset, payload.received, None, None, citation=_CLIENT, open_interest_coins=coins)
        return [part]
    rows = _data(_Answer[list[_Ticker]], payload.body, source)
    turnover = build.amounts([row.turnover for row in rows], field="amt", source=source, zero=True)
    price = build.amounts([row.price for row in rows], field="mPx", source=source, nullable=True)
    times = build.times([row.ts for row in rows], unit="ms", field="ts", source=source)
    known = [instruments.get(row.name) for row in rows]
    return [
        Weight("poloniex", item.asset, at, None, volume, citation=_CLIENT, price_usd=mark)
        for item, at, volume, mark in zip(known, times, turnover, price, strict=True)
        if item is not None and item.quote in build.DOLLARS
    ]


SOURCE = Source(
    SPEC,
    {
        "orders": Channel(
            requests=_requests,
            requests_for=_requests_for,
            follow=_follow,
            parse=_parse,
            control=_control,
            control_alive=_alive,
        ),
        "stream": Channel(message=_message, stream=LIQUIDATIONS),
    },
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
    weight_requests=_weight_requests,
    parse_weights=_parse_weights,
)
