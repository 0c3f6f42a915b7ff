"""Bitfinex: the liquidation feed of its derivatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from sources.streams.bitfinex import STATUS
from verify.model.errors import RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_DOCS = "https://docs.bitfinex.com/reference/rest-public-liquidations"
_STREAM_DOCS = "https://docs.bitfinex.com/reference/ws-public-status"
_ROWS_OF_ONE = "https://github.com/ccxt/ccxt/pull/20989"  # a trigger and two matches of nearly the same amount
_channel = partial(
    ChannelSpec,
    form=Form.EVENTS,
    metrics=("liquidations", "liquidation_count"),
    venues=("bitfinex",),
    lineage=("bitfinex/liquidations",),
    completeness=(
        CompletenessRule(
            Completeness.UNKNOWN, _DOCS, note="neither a limit nor completeness is documented", confirmed=False
        ),
    ),
    side_rule="AMOUNT is the position: above zero a long was liquidated, below zero a short",
    side_citation=_DOCS,
    quantity_unit="base coins of the derivative",
    price_basis=Basis.STATED,
    quantity_basis=QuantityBasis.POSITION,
    doubts=(
        "each position is counted once, by its first row with a price: a trigger and several matches are published for "
        "one liquidation and their amounts do not add up; a position liquidated in parts counts for its first part",
        "the price (index 11) is the price acquired at for REST's documentation, that of the trigger for the stream's",
        "a trigger that no row with a price follows is not counted",
    ),
)

SPEC = SourceSpec(
    id="bitfinex",
    title="Bitfinex",
    homepage="https://www.bitfinex.com",
    channels=(
        _channel(
            id="liquidations",
            title="Liquidation history",
            transport=Transport.REST,
            docs=(_DOCS, _ROWS_OF_ONE),
            page=500,
        ),
        _channel(
            id="liquidations_stream",
            title="Stream of liquidations (`liq:global`)",
            transport=Transport.STREAM,
            history=timedelta(0),
            docs=(_STREAM_DOCS, _ROWS_OF_ONE),
        ),
    ),
    hosts=("api-pub.bitfinex.com",),
    # Three requests a minute, evenly: a second one at once is refused.
    rate=Rate(1, timedelta(seconds=20), _DOCS),
    as_of=date(2026, 11, 22),
    limits=(
        "derivatives only (`F0:` symbols): margin positions on spot pairs are in the feed and not counted",
        "how far back the history reaches is not documented",
        "open interest and volume are not read",
    ),
)

_API = "https://api-pub.bitfinex.com/v2"
_PAGE = 500
#: Coins with a name of their own here, among those with derivatives. https://api-pub.bitfinex.com/v2/conf/pub:map:currency:sym
_COINS = {"ALG": "ALGO", "AMP": "AMPL", "ATO": "ATOM", "BAB": "BCH", "DSH": "DASH", "IOT": "IOTA", "UST": "USDT"}
_RATE_LIMIT = 11010
T = TypeVar("T")


class _Row(msgspec.Struct, array_like=True, gc=False):
    """Index 6, BASE_PRICE, is what the user entered at; index 9 tells who took over, with two readings documented."""

    kind: str
    position: int
    time: int
    _3: Any
    symbol: str
    amount: float
    base_price: float | None
    _7: Any
    is_match: int
    is_market_sold: int
    _10: Any
    price: float | None


#: The documented names of a row's places, for errors.
_PLACES = (
    "kind",
    "POS_ID",
    "MTS",
    "",
    "SYMBOL",
    "AMOUNT",
    "BASE_PRICE",
    "",
    "IS_MATCH",
    "IS_MARKET_SOLD",
    "",
    "PRICE_ACQUIRED",
)
_PLACE = re.compile(r"\[(\d+)\]$")


class _Event(msgspec.Struct):
    event: str
    code: int = 0
    msg: str = ""


def _requests(window: Window, _quantity: Quantity) -> Sequence[Request]:
    times = (("start", milliseconds(window.start)), ("end", milliseconds(window.end)))
    return [Request(f"{_API}/liquidations/hist", (*times, ("limit", str(_PAGE)), ("sort", "1")), note="liquidations")]


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    """After a full page, the next starts with its last millisecond, which may be cut in two; ids tell the rows."""
    rows = _rows(payload.body)
    if len(rows) < _PAGE:
        return ()
    start = ("start", str(max(row.time for row in rows)))
    if start in payload.request.params:
        raise Suspect("a page of liquidations in one millisecond", source="bitfinex/liquidations")
    params = tuple(start if name == "start" else (name, value) for name, value in payload.request.params)
    return [replace(payload.request, params=params)]


def _rows(body: bytes) -> list[_Row]:
    source = "bitfinex/liquidations"
    opening = body.lstrip()[:8]
    if opening.startswith((b'["error"', b'{"error"')):
        code, words = 0, body.decode("utf-8", "replace").strip()
        if opening.startswith(b"["):
            _, code, words = build.decode(tuple[str, int, str], body, source)
        limited = code == _RATE_LIMIT or "ERR_RATE_LIMIT" in words
        raise (RateLimited if limited else Unavailable)(f"refuses with {code}: {words}", source=source)
    return [row for entry in _decode(list[list[_Row]], body, source) for row in entry]


def _decode(kind: type[T], body: bytes, source: str) -> T:
    """`build.decode`, naming the field that a place in a row stands for."""
    try:
        return build.decode(kind, body, source)
    except SchemaChanged as error:
        place = _PLACE.search(error.field)
        if place is None or "length" in error.message:
            raise
        raise SchemaChanged(error.message, source=source, field=_PLACES[int(place[1])]) from None


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    return _events(
        _rows(payload.body),
        "bitfinex/liquidations",
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _message(body: bytes, received: datetime, _instruments: Instruments) -> pl.DataFrame:
    """`[channel, rows]`; events and heartbeats hold no rows."""
    source = "bitfinex/liquidations_stream"
    if body.lstrip().startswith(b"{"):
        event = build.decode(_Event, body, source)
        if event.event == "error":
            raise Unavailable(f"the stream refuses with {event.code}: {event.msg}", source=source)
        return build.no_events()
    _, content = build.decode(tuple[int, msgspec.Raw], body, source)
    if bytes(content) == b'"hb"':
        return build.no_events()
    return _events(_decode(list[_Row], bytes(content), source), source, received=received)


def _events(rows: Sequence[_Row], source: str, **came: Any) -> pl.DataFrame:
    """One event for each position, from its first row with a price; `came` goes to `build.events`."""
    if wrong := next((row.kind for row in rows if row.kind != "pos"), None):
        raise SchemaChanged(f"a row is of kind {wrong!r}; documented is 'pos'", source=source, field="kind")
    executed = [row for row in rows if "F0:" in row.symbol and row.price is not None]
    wire = build.columns(executed, "position", "time", "symbol", "amount", "price")
    if not wire["time"]:
        return build.no_events()
    signed = build.numbers(wire["amount"], field="AMOUNT", source=source)
    symbol = pl.Series("symbol", wire["symbol"], dtype=pl.String)
    coins = symbol.to_frame().select(
        base=pl.col("symbol").str.strip_prefix("t").str.split(":").list.first().str.strip_suffix("F0"),
        quote=pl.col("symbol").str.split(":").list.last().str.strip_suffix("F0").replace(_COINS),
    )
    frame = coins.select(
        time=build.times(wire["time"], unit="ms", field="MTS", source=source),
        instrument=symbol,
        asset=pl.col("base").replace(_COINS).replace_strict(_assets(coins["base"])),
        side=build.side_of_sign(signed, positive="long", field="AMOUNT", source=source),
        quantity=signed.abs(),
        price=build.amounts(wire["price"], field="PRICE_ACQUIRED", source=source),
        in_dollars=pl.col("quote").is_in(build.DOLLARS),
        event_id=pl.Series(wire["position"], dtype=pl.Int64).cast(pl.String),
    ).with_columns(notional_usd=pl.when("in_dollars").then(pl.col("quantity") * pl.col("price")))
    return build.events(
        frame.sort("time", maintain_order=True),
        venue="bitfinex",
        source=source,
        price_basis=Basis.STATED,
        **came,
    )


def _assets(bases: pl.Series) -> dict[str, str]:
    """What `asset_of` makes of each base coin, once renamed."""
    names = bases.replace(_COINS).unique()
    return {name: build.asset_of(name) for name in names}


def _control() -> Request:
    return Request(f"{_API}/platform/status", note="Bitfinex platform status")


SOURCE = Source(
    SPEC,
    {
        "liquidations": Channel(
            requests=_requests,
            follow=_follow,
            parse=_parse,
            control=_control,
            control_alive=lambda payload: payload.body.strip() == b"[1]",
        ),
        "liquidations_stream": Channel(message=_message, stream=STATUS),
    },
)
