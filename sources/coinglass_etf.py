"""CoinGlass v4: net flows of US spot funds by day and fund (paid key)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from sources import build, funds
from sources.adapter import Channel, Instruments, Payload, Request, Source
from sources.coinglass import refused
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Unavailable
from verify.model.figure import Completeness
from verify.model.quantity import ALL_FUNDS, Quantity
from verify.model.window import Window

_API = "https://open-api-v4.coinglass.com/api/etf"
_DOCS = "https://docs.coinglass.com/reference/etf-flows-history"
_SOLANA_DOCS = "https://github.com/coinglass-official/coinglass-api-skills"
_KEY = "coinglass_etf/flows"
#: What holds the asset's flows in the addresses of the API.
_ASSETS = {"BTC": "bitcoin", "ETH": "ethereum", "HYPE": "hyperliquid", "SOL": "solana", "XRP": "xrp"}
_MAJORS = ("BTC", "ETH", "SOL")
#: In the documented examples amounts are whole hundred thousands, so that each may be off by half of that.
_STEP = 100_000.0

SPEC = SourceSpec(
    id="coinglass_etf",
    title="CoinGlass (funds)",
    homepage="https://www.coinglass.com",
    kind="flow",
    hosts=("open-api-v4.coinglass.com",),
    rate=Rate(30, timedelta(minutes=1), _DOCS),  # of the smallest plan
    auth=("VERIFY_COINGLASS_API_KEY",),
    auth_headers=("CG-API-KEY",),
    as_of=date(2026, 11, 22),
    limits=(f"assets other than {', '.join(_ASSETS)}; funds outside of the United States",),
    channels=(
        ChannelSpec(
            id="flows",
            title="Net flow of US spot funds by day and fund",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_DOCS, _SOLANA_DOCS),
            metrics=("etf_net_flow",),
            venues=(),
            # It documents no origin: the two compilations that others repeat are assumed, so that it counts as none.
            lineage=("farside/tables", "sosovalue/flows"),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN, _DOCS, note="whose compilation it is is not documented", confirmed=False
                ),
            ),
            quantity_unit="USD",
            step=_STEP,
            doubts=(
                "Whose numbers these are is not documented; in the examples they are rounded as Farside's are, so that "
                "they never count as independent of the compilations of others.",
                "That a time stamp, midnight in UTC, names the trading day is read from the examples.",
                "A fund without a number has not been reported; a first number may be completed a day later.",
            ),
        ),
    ),
)


class _Fund(msgspec.Struct):
    etf_ticker: str
    flow_usd: float | None = None


class _Day(msgspec.Struct):
    timestamp: int
    etf_flows: list[_Fund]
    flow_usd: float | None = None


class _Days(msgspec.Struct):
    data: list[_Day]


def _requests(_window: Window, quantity: Quantity) -> Sequence[Request]:
    """The whole past in one answer: the endpoint takes no dates."""
    wanted = quantity.assets.names or _MAJORS
    return [
        Request(f"{_API}/{written}/flow-history", note=f"{asset} funds")
        for asset, written in _ASSETS.items()
        if asset in wanted
    ]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One row per day and fund, and one of all. Raises `Suspect` where the funds are not the total."""
    refused(payload, _KEY)
    days = build.decode(_Days, payload.body, _KEY, lax=True).data
    written = payload.request.url.rpartition("/")[0].rpartition("/")[2]
    asset = next((asset for asset, name in _ASSETS.items() if name == written), written.upper())
    if not days:
        raise Unavailable(f"no days of {asset} funds: that is no answer, not zero", source=_KEY)
    rows: list[funds.Flow] = []
    for row in days:
        day = funds.day_of_millis(row.timestamp, field="timestamp", source=_KEY)
        parts = [fund.flow_usd for fund in row.etf_flows]
        funds.add_up(day, row.flow_usd, parts, within=_STEP * (len(parts) + 1) / 2, source=_KEY)
        rows.append((day, ALL_FUNDS, row.flow_usd))
        rows += [(day, fund.etf_ticker, fund.flow_usd) for fund in row.etf_flows]
    return funds.flows(rows, asset=asset, field="flow_usd", source=_KEY, window=window)


SOURCE = Source(SPEC, {"flows": Channel(_requests, _parse)})
