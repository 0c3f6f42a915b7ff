"""Binance USD-M and COIN-M futures: the streams of liquidation orders, and the archive of the COIN-M one.

What is said here is coded in `binance_streams`, `binance_files`, `binance_orders` and `binance_weights`.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from sources import binance_files, build
from sources.adapter import Channel, Payload, Request, Source
from sources.binance_orders import COINM, USDM, VENUE, instrument_requests, parse_instruments
from sources.binance_streams import coinm_message, usdm_message
from sources.binance_weights import parse_weights, weight_requests
from sources.spec import Cap, ChannelSpec, CompletenessRule, Form, Keep, Rate, SourceSpec, Transport
from sources.streams.binance import COINM as COINM_STREAM
from sources.streams.binance import USDM as USDM_STREAM
from verify.model.figure import Basis, Completeness, QuantityBasis

_DOCS = "https://developers.binance.com/docs/derivatives"
_USDM_DOCS = f"{_DOCS}/usds-margined-futures/websocket-market-streams/Liquidation-Order-Streams"
_COINM_DOCS = f"{_DOCS}/coin-margined-futures/websocket-market-streams/Liquidation-Order-Streams"
_THROTTLED = f"{_DOCS}/change-log#2021-04-27-1"
_ARCHIVE_DOCS = "https://github.com/binance/binance-public-data"
_SIDES = "https://github.com/tardis-dev/tardis-node/blob/master/src/mappers/binance.ts"
_SIDE_RULE = "S is the side of the liquidation order: SELL closes a long, BUY a short"

_LATEST = Cap(timedelta(seconds=1), Keep.LATEST)
_BEFORE = CompletenessRule(
    Completeness.UNKNOWN,
    _THROTTLED,
    note="the change of 2021-04-27 replaced pushes in real time, which seem to have shown every order",
    confirmed=False,
)
_CAPPED = CompletenessRule(Completeness.CAPPED, _THROTTLED, since=date(2021, 4, 27), cap=_LATEST)

_DOUBTS = (
    "what does not fill goes to the insurance fund or to auto-deleveraging and is not in the filled quantity",
    "whether auto-deleveraging enters the stream is not documented",
    "an order that is shown while partly filled and again when done would be counted twice: orders have no id",
)

SPEC = SourceSpec(
    id="binance",
    title="Binance futures",
    homepage="https://www.binance.com/en/futures",
    channels=(
        ChannelSpec(
            id="usdm",
            title="USD-M liquidation orders",
            transport=Transport.STREAM,
            form=Form.EVENTS,
            docs=(_USDM_DOCS,),
            metrics=("liquidations", "liquidation_count"),
            venues=(VENUE,),
            lineage=("binance/usdm",),
            completeness=(
                _BEFORE,
                _CAPPED,
                CompletenessRule(
                    Completeness.CAPPED,
                    _USDM_DOCS,
                    since=date(2026, 4, 14),
                    cap=Cap(timedelta(seconds=1), Keep.LARGEST),
                    note="the documents say largest since then, Binance's SDK still latest: the wording or the feed",
                    confirmed=False,
                ),
            ),
            side_rule=_SIDE_RULE,
            side_citation=_SIDES,
            quantity_unit="base coin",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(0),
            doubts=(
                "whether the largest order of each second is kept since 2026-04-14, or still the latest, is not clear",
                "contracts quoted in other coins than USDT and USDC have no notional in dollars",
                *_DOUBTS,
            ),
        ),
        ChannelSpec(
            id="coinm",
            title="COIN-M liquidation orders",
            transport=Transport.STREAM,
            form=Form.EVENTS,
            docs=(_COINM_DOCS,),
            metrics=("liquidations", "liquidation_count"),
            venues=(VENUE,),
            lineage=("binance/coinm",),
            completeness=(_BEFORE, _CAPPED),
            side_rule=_SIDE_RULE,
            side_citation=_SIDES,
            quantity_unit="contracts of contractSize dollars",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            history=timedelta(0),
            doubts=_DOUBTS,
        ),
        ChannelSpec(
            id="coinm_files",
            title="archive of COIN-M liquidation orders, 2023-06-25 to 2024-10-14",
            transport=Transport.FILE,
            form=Form.EVENTS,
            docs=(_ARCHIVE_DOCS, f"{_ARCHIVE_DOCS}/issues/259", f"{_ARCHIVE_DOCS}/issues/361"),
            metrics=("liquidations", "liquidation_count"),
            venues=(VENUE,),
            lineage=("binance/coinm",),
            completeness=(
                CompletenessRule(
                    Completeness.CAPPED,
                    _COINM_DOCS,
                    cap=_LATEST,
                    note="the files hold what the stream showed",
                    confirmed=False,
                ),
            ),
            side_rule=_SIDE_RULE,
            side_citation=_SIDES,
            quantity_unit="contracts of contractSize dollars",
            price_basis=Basis.AVERAGE_FILL,
            quantity_basis=QuantityBasis.FILLED,
            span=timedelta(days=1),
            first_day=binance_files.FIRST,
            last_day=binance_files.LAST,
            missing_days=binance_files.MISSING,
            doubts=(
                "only the files of BTCUSD_PERP have been seen; other symbols may have none",
                "contract sizes are those of today",
                *_DOUBTS,
            ),
        ),
    ),
    hosts=("fapi.binance.com", "dapi.binance.com", "data.binance.vision", "fstream.binance.com", "dstream.binance.com"),
    rate=Rate(
        1000,
        timedelta(minutes=5),
        f"{_DOCS}/usds-margined-futures/market-data/rest-api/Open-Interest-Statistics",
    ),
    as_of=date(2026, 11, 22),
    limits=(
        "keyless history of liquidations ended on 2021-04-27 (REST) and 2024-10-14 (COIN-M files)",
        "addresses without /market answer and stay silent since 2026-04-23",
        "many countries and data centres are refused with HTTP 451",
    ),
)


class _Ticker(msgspec.Struct, gc=False):
    lastPrice: str
    closeTime: int


def _control(url: str, symbol: str) -> Request:
    return Request(url, (("symbol", symbol),), note=f"price of {symbol}, which is always there")


def _control_alive(payload: Payload) -> bool:
    """Whether the ticker is of the last hour; USD-M answers with one, COIN-M with a list."""
    tickers: list[_Ticker] = []
    if payload.body.lstrip().startswith(b"["):
        tickers += build.decode(list[_Ticker], payload.body, VENUE)
    else:
        tickers.append(build.decode(_Ticker, payload.body, VENUE))
    closing = build.times([ticker.closeTime for ticker in tickers], unit="ms", field="closeTime", source=VENUE)
    return bool((closing > payload.received - timedelta(hours=1)).any())


SOURCE = Source(
    SPEC,
    {
        "usdm": Channel(
            message=usdm_message,
            stream=USDM_STREAM,
            control=lambda: _control(f"{USDM}/fapi/v1/ticker/24hr", "BTCUSDT"),
            control_alive=_control_alive,
        ),
        "coinm": Channel(
            message=coinm_message,
            stream=COINM_STREAM,
            control=lambda: _control(f"{COINM}/dapi/v1/ticker/24hr", "BTCUSD_PERP"),
            control_alive=_control_alive,
        ),
        "coinm_files": Channel(
            requests=binance_files.requests,
            parse=binance_files.parse,
            control=binance_files.control,
            control_alive=binance_files.control_alive,
        ),
    },
    instrument_requests=instrument_requests,
    parse_instruments=parse_instruments,
    weight_requests=weight_requests,
    parse_weights=parse_weights,
    notes={
        "usdm": "wss://fstream.binance.com/market/ws/!forceOrder@arr",
        "coinm": "wss://dstream.binance.com/ws/!forceOrder@arr",
    },
)
