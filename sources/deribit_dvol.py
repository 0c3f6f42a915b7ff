"""Deribit's volatility index DVOL (keyless): implied, 30 days ahead, of one venue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from sources import build, candles
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.candles import DAY, HOUR, MINUTE
from sources.lazy import pl
from sources.plan import milliseconds
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://www.deribit.com/api/v2/public/get_volatility_index_data"
_DOCS = "https://docs.deribit.com/api-reference/market-data/public-get_volatility_index_data"
_KEY = "deribit_dvol/history"
_STEPS = {MINUTE: "60", HOUR: "3600", DAY: "1D"}
_BARS = 1000

SPEC = SourceSpec(
    id="deribit_dvol",
    title="Deribit DVOL",
    homepage="https://www.deribit.com",
    kind="market",
    hosts=("www.deribit.com",),
    rate=Rate(5, timedelta(seconds=1), "https://docs.deribit.com/articles/rate-limits"),
    as_of=date(2026, 11, 22),
    limits=("assets other than BTC and ETH; terms other than 30 days",),
    channels=(
        ChannelSpec(
            id="history",
            title="Bars of DVOL",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS,),
            metrics=("implied_volatility",),
            venues=("deribit",),
            lineage=("deribit_dvol/options",),
            completeness=(CompletenessRule(Completeness.COMPLETE, _DOCS),),
            quantity_unit="percent a year",
            first_day=date(2021, 3, 24),
            doubts=(
                "How many rows one answer holds is not documented; what is left over is asked for again.",
                "One index of one venue, 30 days ahead: other terms and indices move otherwise.",
            ),
        ),
    ),
)


class _Rows(msgspec.Struct):
    data: list[list[Any]]
    continuation: int | None = None


class _Error(msgspec.Struct):
    message: str = ""
    code: int = 0


class _Answer(msgspec.Struct):
    result: _Rows | None = None
    error: _Error | None = None


def _requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    wanted = [asset for asset in ("BTC", "ETH") if quantity.assets.names is None or asset in quantity.assets.names]
    length = candles.step(window, list(_STEPS), _BARS)
    return [_request(asset, window, milliseconds(window.end), _STEPS[length]) for asset in wanted]


def _request(asset: str, window: Window, end: str, resolution: str) -> Request:
    start = milliseconds(window.start)
    asked = (("currency", asset), ("start_timestamp", start), ("end_timestamp", end), ("resolution", resolution))
    return Request(_URL, asked, note=f"DVOL of {asset}")


def _follow(payload: Payload, window: Window, _quantity: Quantity) -> Sequence[Request]:
    """The continuation is the end of the page before: pages go back in time."""
    rows = _rows(payload)
    if rows.continuation is None:
        return ()
    asked = dict(payload.request.params)
    return [_request(asked["currency"], window, str(rows.continuation), asked["resolution"])]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    asked = dict(payload.request.params)
    length = {name: length for length, name in _STEPS.items()}[asked["resolution"]]
    frame = candles.prices(
        _rows(payload).data, (0, 1, 2, 3, 4), unit="ms", length=length, asset=asked["currency"], venue="deribit",
        quote="percent", source=_KEY, window=window,
    )  # fmt: skip
    return frame.with_columns(metric=pl.lit("implied_volatility"))


def _rows(payload: Payload) -> _Rows:
    answer = build.decode(_Answer, payload.body, _KEY)
    if answer.error is not None:
        raise Unavailable(f"refuses: {answer.error.message} (code {answer.error.code})", source=_KEY)
    if answer.result is None:
        build.decode(_Rows, payload.body, _KEY)  # which names what is missing
    assert answer.result is not None
    return answer.result


SOURCE = Source(SPEC, {"history": Channel(_requests, _parse, _follow)})
