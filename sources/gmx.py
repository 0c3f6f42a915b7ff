"""GMX v2 on Arbitrum: executed liquidation orders from the public index of its chain events (GraphQL)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instrument, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import SchemaChanged, Suspect, Unavailable
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_INDEX = "https://gmx.squids.live/gmx-synthetics-arbitrum:prod/api/graphql"
_MARKETS = "https://arbitrum-api.gmxinfra.io/markets/info"
_DOCS = "https://github.com/gmx-io/gmx-interface/blob/a78e920/src/config/indexers.ts"
_ORDERS = "https://github.com/gmx-io/gmx-synthetics/blob/a5c0c88/contracts/order/Order.sol"
_KEY = "gmx/trade_actions"
_PAGE = 500
_LIQUIDATION = 7  # the order type; `_ORDERS`
_FIELDS = "id eventName orderType isLong sizeDeltaUsd marketAddress timestamp transactionHash"
#: Dollars are whole numbers with 30 decimals.
_UNIT = 10**30

SPEC = SourceSpec(
    id="gmx",
    title="GMX v2",
    homepage="https://gmx.io",
    kind="chain",
    hosts=("gmx.squids.live", "arbitrum-api.gmxinfra.io"),
    rate=Rate(5, timedelta(seconds=1)),  # no limit was found
    as_of=date(2026, 11, 22),
    limits=(
        "Arbitrum only, where most of the trade is; Avalanche and other chains have indexes of their own",
        "auto-deleveraging is a decrease order of another type and is not counted",
    ),
    channels=(
        ChannelSpec(
            id="trade_actions",
            title="Executed liquidation orders",
            transport=Transport.REST,
            form=Form.EVENTS,
            docs=(_DOCS, _ORDERS),
            metrics=("liquidations", "liquidation_count"),
            venues=("gmx",),
            lineage=(_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL,
                    _DOCS,
                    note="every executed liquidation order on Arbitrum; other chains are left out",
                    confirmed=False,
                ),
            ),
            side_rule="`isLong` says whether the liquidated position was a long",
            side_citation=_ORDERS,
            quantity_unit="USD with 30 decimals; the number of coins is not read",
            price_basis=Basis.STATED,
            quantity_basis=QuantityBasis.POSITION,
            page=_PAGE,
            doubts=(
                "The address of the index changes with releases; the one named `prod` was seen by others.",
                "Where the list of markets did not come, an event's asset is the address of its market.",
            ),
        ),
    ),
)


class _Action(msgspec.Struct, gc=False):
    id: str
    eventName: str
    orderType: int
    isLong: bool
    sizeDeltaUsd: str
    marketAddress: str
    timestamp: int


class _Actions(msgspec.Struct):
    tradeActions: list[_Action]


class _Fault(msgspec.Struct):
    message: str = ""


class _Answer(msgspec.Struct):
    data: _Actions | None = None
    errors: list[_Fault] = []


class _Market(msgspec.Struct):
    name: str
    marketToken: str


class _Markets(msgspec.Struct):
    markets: list[_Market]


def _instrument_requests(_quantity: Quantity) -> Sequence[Request]:
    return [Request(_MARKETS, note="GMX markets")]


def _parse_instruments(payload: Payload) -> dict[str, Instrument]:
    """Markets by address in lower case; `BTC/USD [BTC-USDC]` is one of BTC, `SWAP-ONLY [...]` of nothing."""
    rows = build.decode(_Markets, payload.body, "gmx/markets").markets
    return {
        row.marketToken.lower(): Instrument(
            "gmx", row.marketToken.lower(), build.asset_of(row.name.partition("/")[0]), None, quote="USD"
        )
        for row in rows
        if "/" in row.name.partition("[")[0]
    }


def _requests(window: Window, _quantity: Quantity) -> Sequence[Request]:
    last = (window.end - timedelta(microseconds=1)).replace(microsecond=0)
    return [_ask(int(window.start.timestamp()), int(last.timestamp()), 0)]


def _ask(start: int, last: int, offset: int) -> Request:
    """Both seconds belong to the answer."""
    query = (
        f"{{ tradeActions(limit:{_PAGE}, offset:{offset}, orderBy:[timestamp_ASC,id_ASC], where:"
        f'{{eventName_eq:"OrderExecuted", orderType_eq:{_LIQUIDATION}, timestamp_gte:{start}, timestamp_lte:{last}}}) '
        f"{{ {_FIELDS} }} }}"
    )
    body = json.dumps({"query": query, "variables": {"start": start, "last": last, "offset": offset}}).encode()
    return Request(_INDEX, method="POST", body=body, content_type="application/json", note=f"rows from {offset}")


def _follow(payload: Payload, _window: Window, _quantity: Quantity) -> Sequence[Request]:
    if len(_rows(payload.body)) < _PAGE:
        return ()
    asked = json.loads(payload.request.body or b"{}")["variables"]
    return [_ask(asked["start"], asked["last"], asked["offset"] + _PAGE)]


def _rows(body: bytes) -> list[_Action]:
    answer = build.decode(_Answer, body, _KEY)
    if answer.errors:  # which come with HTTP 200
        raise Unavailable(f"refuses: {'; '.join(fault.message for fault in answer.errors)}", source=_KEY)
    if answer.data is None:
        raise SchemaChanged("the answer holds neither data nor errors", source=_KEY, field="data")
    rows = answer.data.tradeActions
    if any(row.orderType != _LIQUIDATION or row.eventName != "OrderExecuted" for row in rows):
        raise Suspect("an eventName or orderType that was not asked for", source=_KEY)
    return rows


def _parse(payload: Payload, window: Window, instruments: Instruments) -> pl.DataFrame:
    wire = build.columns(_rows(payload.body), *_Action.__struct_fields__)
    markets = [address.lower() for address in wire["marketAddress"]]
    known = build.contracts(markets, instruments, lambda address: address)
    size = build.amounts(wire["sizeDeltaUsd"], field="sizeDeltaUsd", source=_KEY, zero=True)
    data = known.select("instrument", "asset").with_columns(
        time=build.times(wire["timestamp"], unit="s", field="timestamp", source=_KEY),
        side=pl.when(pl.Series(wire["isLong"], dtype=pl.Boolean)).then(pl.lit("long")).otherwise(pl.lit("short")),
        notional_usd=size / _UNIT,
        event_id=pl.Series(wire["id"], dtype=pl.String),
    )
    return build.events(
        data.filter(pl.col("notional_usd") > 0),  # collateral alone can be liquidated
        venue="gmx",
        source=_KEY,
        price_basis=Basis.STATED,
        window=window,
        received=payload.received,
        evidence=payload.evidence,
    )


def _control() -> Request:
    return Request(_MARKETS, note="GMX markets")


def _alive(payload: Payload) -> bool:
    return bool(build.decode(_Markets, payload.body, "gmx/markets").markets)


SOURCE = Source(
    SPEC,
    {"trade_actions": Channel(_requests, _parse, _follow, control=_control, control_alive=_alive)},
    instrument_requests=_instrument_requests,
    parse_instruments=_parse_instruments,
)
