"""SoSoValue: net flows of US spot funds by day, all funds of an asset together (key)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import msgspec

from sources import build, funds
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import AuthMissing, RateLimited, Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import ALL_FUNDS, Quantity
from verify.model.trading_days import EASTERN
from verify.model.window import Window

_SUMMARY = "https://openapi.sosovalue.com/openapi/v1/etfs/summary-history"
_CHART = "https://api.sosovalue.xyz/openapi/v2/etf/historicalInflowChart"
_SUMMARY_DOCS = "https://sosovalue-1.gitbook.io/sosovalue-api-doc/2.-etf/summary-history"
_CHART_DOCS = "https://sosovalue.gitbook.io/soso-value-api-doc/api-document/get-etf-historical-inflow-chart"
#: Assets with US spot funds that clients of the API name (https://pypi.org/project/sosovalue-pandas/).
_ASSETS = ("AVAX", "BTC", "DOGE", "ETH", "LINK", "LTC", "SOL", "XRP")
#: Asked for where no asset is named.
_MAJORS = ("BTC", "ETH", "SOL")
_MOST = 300

_channel = partial(
    ChannelSpec,
    transport=Transport.REST,
    form=Form.SERIES,
    metrics=("etf_net_flow",),
    venues=(),
    lineage=("sosovalue/flows",),
    quantity_unit="USD",
    page=_MOST,
)
_DOUBTS = (
    "Which funds are counted is not documented, and differs between providers.",
    "A day's first number may be completed a day later.",
    "Of the documented examples none is of an asset but BTC and ETH.",
)

SPEC = SourceSpec(
    id="sosovalue",
    title="SoSoValue",
    homepage="https://sosovalue.com",
    kind="flow",
    hosts=("openapi.sosovalue.com", "api.sosovalue.xyz"),
    rate=Rate(1, timedelta(seconds=3)),  # users tell of 20 a minute, and of one a minute on the smallest plan
    auth=("VERIFY_SOSOVALUE_API_KEY",),
    auth_headers=("x-soso-api-key",),
    as_of=date(2026, 11, 22),
    limits=(
        "single funds take one request each, of which the smallest plan allows few: only their sum is asked for",
        f"assets other than {', '.join(_ASSETS)}; funds outside of the United States",
    ),
    channels=(
        _channel(
            id="summary",
            title="Net flow of all US spot funds of an asset by day, the last month",
            docs=(_SUMMARY_DOCS,),
            completeness=(CompletenessRule(Completeness.COMPLETE, _SUMMARY_DOCS, note="the funds that it lists"),),
            history=timedelta(days=30),
            doubts=_DOUBTS,
        ),
        _channel(
            id="chart",
            title="Net flow of all US spot funds of an asset by day, about 300 days",
            docs=(_CHART_DOCS,),
            completeness=(CompletenessRule(Completeness.COMPLETE, _CHART_DOCS, note="the funds that it lists"),),
            doubts=(
                *_DOUBTS,
                "The documents say 300 days, clients find 300 rows, which are trading days and reach further.",
                "This older interface is documented for BTC and ETH; clients ask it for other assets.",
            ),
        ),
    ),
)


class _Day(msgspec.Struct):
    date: str
    total_net_inflow: float | None


class _ChartDay(msgspec.Struct):
    date: str
    totalNetInflow: float | None


class _Status(msgspec.Struct):
    code: int | str
    message: str | None = None
    msg: str | None = None


class _Days(msgspec.Struct):
    data: list[_Day]


class _List(msgspec.Struct):
    days: list[_ChartDay] = msgspec.field(name="list")


class _Chart(msgspec.Struct):
    data: _List


def _assets(quantity: Quantity) -> list[str]:
    return [asset for asset in _ASSETS if asset in (quantity.assets.names or _MAJORS)]


def _dates(window: Window) -> tuple[date, date]:
    """First and last day in New York of which the window holds a part."""
    last = window.end - timedelta(microseconds=1)
    return window.start.astimezone(EASTERN).date(), last.astimezone(EASTERN).date()


def _summary_requests(window: Window, quantity: Quantity) -> Sequence[Request]:
    first, last = _dates(window)
    span = (("start_date", str(first)), ("end_date", str(last)), ("limit", str(_MOST)))
    return [
        Request(_SUMMARY, (("symbol", asset), ("country_code", "US"), *span), note=f"{asset} funds")
        for asset in _assets(quantity)
    ]


def _chart_requests(_window: Window, quantity: Quantity) -> Sequence[Request]:
    return [
        Request(
            _CHART,
            method="POST",
            body=json.dumps({"type": f"us-{asset.lower()}-spot"}).encode(),
            content_type="application/json",
            note=f"{asset} funds",
        )
        for asset in _assets(quantity)
    ]


def _parse_summary(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One row per reported day. The documents show the bare list, clients an envelope around it: both are read."""
    source = "sosovalue/summary"
    if payload.body.lstrip().startswith(b"["):
        rows = build.decode(list[_Day], payload.body, source, lax=True)
    else:
        _refused(payload, source)
        rows = build.decode(_Days, payload.body, source, lax=True).data
    asset = dict(payload.request.params).get("symbol", "")
    days = [(funds.day_of(row.date, field="date", source=source), row.total_net_inflow) for row in rows]
    return _series(days, asset, "total_net_inflow", window, source)


def _parse_chart(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    source = "sosovalue/chart"
    _refused(payload, source)
    rows = build.decode(_Chart, payload.body, source, lax=True).data.days
    asked = build.decode(dict[str, str], payload.request.body or b"{}", source).get("type", "--")
    days = [(funds.day_of(row.date, field="date", source=source), row.totalNetInflow) for row in rows]
    return _series(days, asked.split("-")[1].upper(), "totalNetInflow", window, source)


def _series(
    days: Sequence[tuple[date, float | None]], asset: str, field: str, window: Window, source: str
) -> pl.DataFrame:
    """Raises `Unavailable` where there is nothing, or nothing so long ago: that is no flow of zero."""
    if not days:
        raise Unavailable(f"no days of {asset} funds: that is no answer, not zero", source=source)
    oldest = min(day for day, _ in days)
    if oldest > _dates(window)[1]:
        raise Unavailable(f"reaches back to {oldest} only", source=source)
    rows = [(day, ALL_FUNDS, usd) for day, usd in days]
    return funds.flows(rows, asset=asset, field=field, source=source, window=window)


def _refused(payload: Payload, source: str) -> None:
    """Raise what a code other than 0 means; errors come with HTTP 200 too."""
    status = build.decode(_Status, payload.body, source)
    code = str(status.code)
    if code == "0":
        return
    words = f"refuses with {code}: {status.message or status.msg or 'no reason given'}"
    if code.startswith("429"):
        raise RateLimited(words, source=source)
    if code.startswith("401"):
        raise AuthMissing(words, source=source)
    raise Unavailable(words, source=source)


SOURCE = Source(
    SPEC,
    {"summary": Channel(_summary_requests, _parse_summary), "chart": Channel(_chart_requests, _parse_chart)},
)
