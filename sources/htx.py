"""HTX (formerly Huobi): liquidation orders of linear and coin-margined swaps."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Generic, Literal, TypeVar

import msgspec
import polars as pl

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source, Weight
from sources.plan import milliseconds, pieces
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import RateLimited, SchemaChanged, SourceError, Suspect, Unavailable, WindowUnsupported
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_LINEAR_DOCS = "https://huobiapi.github.io/docs/usdt_swap/v1/en/"
_COIN_DOCS = "https://huobiapi.github.io/docs/coin_margined_swap/v1/en/"
_KIND = "Whether takeovers by the insurance fund and auto-deleveraging are included is not documented."
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("htx",),
    docs=(_LINEAR_DOCS,),
    lineage=("htx/linear",),
    completeness=(CompletenessRule(Completeness.COMPLETE, _LINEAR_DOCS, note="no cap documented", confirmed=False),),
    side_rule="the side of the order that closes the position: sell = a long was liquidated, buy = a short",
    side_citation=_LINEAR_DOCS,
    quantity_unit="quote coin (`trade_turnover`); base coins = turnover / price",
    price_basis=Basis.BANKRUPTCY,
    quantity_basis=QuantityBasis.ORDERED,
    doubts=(_KIND,),
)
_rest = partial(_channel, transport=Transport.REST, history=timedelta(days=90), span=timedelta(hours=2))
_stream = partial(_channel, transport=Transport.STREAM, history=timedelta(0))
_coin = {"docs": (_COIN_DOCS,), "lineage": ("htx/coin",), "quantity_unit": "contracts of `contract_size` USD"}

SPEC = SourceSpec(
    id="htx",
    title="HTX",
    homepage="https://www.htx.com",
    channels=(
        _rest(
            id="linear",
            title="HTX linear swaps and futures, liquidation orders (v5)",
            page=100,
            doubts=(
                _KIND,
                "The reach of 90 days and the two hours a request are documented for v3; for v5 users report them.",
            ),
        ),
        _rest(
            id="linear_v3",
            title="HTX linear swaps and futures, liquidation orders (v3)",
            completeness=(
                CompletenessRule(Completeness.UNKNOWN, _LINEAR_DOCS, note="one record a call was seen in 2026-09"),
            ),
            doubts=(_KIND, "In September 2026 a user saw the endpoint return one record a call."),
        ),
        _rest(
            id="coin",
            title="HTX coin-margined swaps, liquidation orders (v3)",
            doubts=(_KIND, "The two hours a request are documented for linear swaps, not for coin-margined ones."),
            **_coin,
        ),
        _stream(id="linear_stream", title="HTX linear swaps and futures, stream of liquidation orders"),
        _stream(id="coin_stream", title="HTX coin-margined swaps, stream of liquidation orders", **_coin),
    ),
    hosts=("api.hbdm.com",),
    rate=Rate(240, timedelta(seconds=3), _LINEAR_DOCS),
    as_of=date(2026, 11, 22),
    limits=(
        "HTX is asked contract by contract; where its list of contracts did not come, for the largest assets only.",
        "Coin-margined delivery futures are not read; open interest and volume are those of now.",
    ),
)

_HOST = "https://api.hbdm.com"
_PATHS = {
    "linear": "/v5/market/liquidation_orders",
    "linear_v3": "/linear-swap-api/v3/swap_liquidation_orders",
    "coin": "/swap-api/v3/swap_liquidation_orders",
}
_APIS = ("/linear-swap-api/v1", "/swap-api/v1")
_MAJORS = ("ADA", "BNB", "BTC", "DOGE", "ETH", "LTC", "SOL", "XRP")
#: Errors come with HTTP 200. 1032 is documented; 1347 refuses a range of time, as users of v3 report.
_ERRORS: dict[int, type[SourceError]] = {1032: RateLimited, 1347: WindowUnsupported}
_V5_NAMES = {
    "identity": "id",
    "contract": "contract_code",
    "time": "liquidation_time",
    "price": "bankrupt_price",
    "turnover": "trade_turnover",
}
_V3_NAMES = {**_V5_NAMES, "identity": "query_id", "time": "created_at", "side": "direction", "price": "price"}
T = TypeVar("T")


class _RowV5(msgspec.Struct, rename=_V5_NAMES):
    """Its `amount` is left alone: in v5 it counts contracts (ccxt's sample: 2 with a turnover of 0.002 BTC)."""

    identity: str
    contract: str
    time: int
    side: str
    volume: float
    price: float
    turnover: float
    position_side: str = ""


class _RowV3(msgspec.Struct, rename=_V3_NAMES):
    """A row of v3 or of a stream: streams send no `query_id`, coin-margined swaps no `trade_turnover`."""

    contract: str
    time: int
    side: str
    volume: float
    price: float
    identity: int | None = None
    turnover: float | None = None
    position_side: str = ""


class _Contract(msgspec.Struct):
    contract_code: str
    contract_size: float
    symbol: str


class _Interest(msgspec.Struct):
    contract_code: str
    symbol: str
    volume: float
    trade_volume: float
    value: float | None = None
    trade_turnover: float | None = None


class _Answer(msgspec.Struct, Generic[T]):
    """The envelope of v3 and v5 (`code`, `msg` or `message`) and of v1 (`status`, `err_code`, `err_msg`)."""

    code: int = 200
    status: str = "ok"
    err_code: int = 0
    err_msg: str = ""
    msg: str = ""
    message: str = ""
    ts: int = 0
    data: list[T] | None = None


class _Frame(msgspec.Struct):
    op: Literal["notify", "ping", "sub", "unsub", "error", "close"]
    err_code: int = msgspec.field(name="err-code", default=0)
    err_msg: str = msgspec.field(name="err-msg", default="")
    data: list[_RowV3] | None = None


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(f"{_HOST}{api}/swap_contract_info", note="HTX contracts") for api in _APIS]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    coin = _is_coin(payload)
    rows, _ = _rows(_Answer[_Contract], payload, "htx")
    sizes = build.amounts([row.contract_size for row in rows], field="contract_size", source="htx")
    return {
        row.contract_code: Instrument(
            "htx",
            row.contract_code,
            build.asset_of(row.symbol),
            size,
            unit="usd" if coin else "base",
            inverse=coin,
            quote="USD" if coin else row.contract_code.split("-")[1],
        )
        for row, size in zip(rows, sizes, strict=True)
    }


def _requests(channel: str, window: Window, quantity: Quantity) -> Sequence[Request]:
    quote = "USD" if channel == "coin" else "USDT"
    return _history(channel, [f"{asset}-{quote}" for asset in sorted(quantity.assets.names or _MAJORS)], window)


def _requests_for(channel: str, known: Instruments, window: Window, quantity: Quantity) -> Sequence[Request]:
    wanted, coin = quantity.assets.names, channel == "coin"
    names = [n for n, item in known.items() if item.inverse == coin and (wanted is None or item.asset in wanted)]
    return _history(channel, names, window)


def _history(channel: str, names: Sequence[str], window: Window) -> list[Request]:
    span = SPEC.channel(channel).span or window.length
    asked = []
    for name in names:
        who = (
            (("contract_code", name), ("limit", "100"))
            if channel == "linear"
            else (("contract", name), ("trade_type", "0"))
        )
        for piece in pieces(window, span):
            times = (("start_time", milliseconds(piece.start)), ("end_time", milliseconds(piece.end)))
            asked.append(Request(_HOST + _PATHS[channel], (*who, *times, ("direct", "prev")), note=name))
    return asked


def _follow(channel: str, payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The page before this one, from its oldest id. v3 documents no page size: it is asked until nothing is left."""
    v5 = channel == "linear"
    rows, _ = _orders(channel, payload)
    key = "from" if v5 else "from_id"
    ids = [int(row.identity) for row in rows if row.identity is not None]
    if not ids or (v5 and len(rows) < 100):
        return ()
    step = (key, str(min(ids)))
    params = payload.request.params
    return () if step in params else [replace(payload.request, params=(*(p for p in params if p[0] != key), step))]


def _orders(channel: str, payload: Payload) -> tuple[Sequence[_RowV5 | _RowV3], int]:
    if channel == "linear":
        return _rows(_Answer[_RowV5], payload, "htx/linear")
    return _rows(_Answer[_RowV3], payload, f"htx/{channel}")


def _parse(channel: str, payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    rows, _ = _orders(channel, payload)
    return _events(channel, rows, instruments, window=window)


def _message(channel: str, body: bytes, received: datetime, instruments: Instruments) -> pl.DataFrame:
    """One frame, compressed or not. Linear swaps and coin-margined ones have a stream each, alike in form."""
    source = f"htx/{channel}"
    try:
        frame = build.decode(_Frame, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, source)
    except (OSError, EOFError) as error:
        raise SchemaChanged(f"a frame is damaged: {error}", source=source) from None
    if frame.err_code or frame.op in ("error", "close"):
        raise Unavailable(f"the stream refuses: {frame.err_code} {frame.err_msg}".rstrip(), source=source)
    if frame.op != "notify":
        return build.no_events()
    if frame.data is None:
        raise SchemaChanged("a notification has no data", source=source, field="data")
    return _events(channel, frame.data, instruments, received=received)


def _events(
    channel: str,
    rows: Sequence[_RowV5 | _RowV3],
    instruments: Instruments,
    *,
    window: Window | None = None,
    received: datetime | None = None,
) -> pl.DataFrame:
    """Rows of any version as events. Turnover is money in every version; coin-margined contracts are worth dollars."""
    source = f"htx/{channel}"
    field = _V5_NAMES if channel == "linear" else _V3_NAMES
    wire = build.columns(rows, *_RowV3.__struct_fields__)
    side = build.sides(wire["side"], "sell", "buy", field=field.get("side", "side"), source=source)
    position = pl.Series(wire["position_side"], dtype=pl.String)
    if (position.is_in(["long", "short"]) & (position != side)).any():
        raise Suspect("`side` and `position_side` of one row contradict each other", source=source)
    price = build.amounts(wire["price"], field=field["price"], source=source)
    volume = build.amounts(wire["volume"], field="volume", source=source)
    table = build.contracts(wire["contract"], instruments, lambda name: name.split("-")[0])
    data: dict[str, Any] = {
        "time": build.times(wire["time"], unit="ms", field=field["time"], source=source),
        "instrument": table["instrument"],
        "asset": table["asset"],
        "side": side,
        "price": price,
    }
    if channel.startswith("coin"):
        data |= build.value(volume, price, table)
    else:
        turnover = build.amounts(wire["turnover"], field="trade_turnover", source=source)
        data |= {"notional_usd": turnover, "quantity": turnover / price}
    if channel.endswith("stream"):
        data["event_id"] = build.identities(data | {"volume": volume}, "instrument", "time", "side", "price", "volume")
        data["received"] = received
    else:
        build.numbers(wire["identity"], field=field["identity"], source=source)
        data["event_id"] = pl.Series(wire["identity"]).cast(pl.String)
    return build.events(data, venue="htx", source=source, price_basis=Basis.BANKRUPTCY, window=window)


def _rows(kind: type[_Answer[T]], payload: Payload, source: str) -> tuple[list[T], int]:
    """The rows of an answer and its time in milliseconds; what HTX refuses with HTTP 200 is raised."""
    answer = build.decode(kind, payload.body, source, lax=True)
    if answer.code != 200 or answer.status != "ok":
        code = answer.err_code or answer.code
        said = answer.err_msg or answer.msg or answer.message
        raise _ERRORS.get(code, Unavailable)(f"refuses with {code}: {said}", source=source)
    if answer.data is None:
        raise SchemaChanged("the answer has no data", source=source, field="data")
    return answer.data, answer.ts


def _is_coin(payload: Payload) -> bool:
    return "/swap-api/" in payload.request.url


def _weight_requests(_quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Open interest and volume of now; HTX is not asked for those of the past."""
    return [] if at else [Request(f"{_HOST}{api}/swap_open_interest", note="HTX open interest") for api in _APIS]


def _parse_weights(payload: Payload, instruments: Instruments) -> Sequence[Weight]:
    """Each figure is documented as the sum of buys and sells and is halved: open interest and 24 h volume alike."""
    coin = _is_coin(payload)
    rows, ts = _rows(_Answer[_Interest], payload, "htx")
    at = datetime.fromtimestamp(ts / 1000, UTC)
    parts = []
    for row in rows:
        if coin:
            item = instruments.get(row.contract_code)
            size = item.size if item else None
            money = (None if size is None else row.volume * size, None if size is None else row.trade_volume * size)
        else:
            money = (row.value, row.trade_turnover)
        halves = [None if amount is None else amount / 2 for amount in money]
        citation = _COIN_DOCS if coin else _LINEAR_DOCS
        parts.append(
            Weight("htx", build.asset_of(row.symbol), at, halves[0], halves[1], halved=True, citation=citation)
        )
    return parts


def _rest_channel(name: str) -> Channel:
    return Channel(
        requests=partial(_requests, name),
        requests_for=partial(_requests_for, name),
        follow=partial(_follow, name),
        parse=partial(_parse, name),
        control=lambda: Request(f"{_HOST}{_APIS[name == 'coin']}/swap_open_interest", note="HTX open interest"),
        control_alive=lambda payload: bool(_rows(_Answer[_Interest], payload, f"htx/{name}")[0]),
    )


SOURCE = Source(
    SPEC,
    {
        **{name: _rest_channel(name) for name in _PATHS},
        **{name: Channel(message=partial(_message, name)) for name in ("linear_stream", "coin_stream")},
    },
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
    weight_requests=_weight_requests,
    parse_weights=_parse_weights,
)
