"""DefiLlama: liquidations and open interest per protocol and day (keyless)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from sources import build
from sources.adapter import Channel, Instruments, Payload, Request, Source, Weight
from sources.coingecko import venue_of
from sources.lazy import pl
from sources.spec import ChannelSpec, CompletenessRule, Form, Rate, SourceSpec, Transport
from verify.model.errors import Suspect
from verify.model.figure import Basis, Completeness, QuantityBasis
from verify.model.quantity import Quantity
from verify.model.window import Window

_URL = "https://api.llama.fi/overview/liquidations"
_DOCS = "https://github.com/DefiLlama/dimension-adapters/tree/e7346b0/liquidations"
_KEY = "defillama/liquidations"
_INTEREST = "https://api.llama.fi/overview/open-interest"
_INTEREST_DOCS = "https://github.com/DefiLlama/api-docs/tree/3a45e4e"
_INTEREST_KEY = "defillama/open_interest"
#: Whose adapter counts both sides of each contract, by venue, with where it says so.
_TWO_SIDED = {"lighter": "https://github.com/DefiLlama/dimension-adapters/tree/e7346b0/open-interest"}
_DAY = timedelta(days=1)
#: Protocols that are venues here, by how their names begin.
_VENUES = {"hyperliquid": "hyperliquid"}
#: The one asset of a row that counts all of them; assets are upper case, so that it is none of them.
_EVERYTHING = "all"

SPEC = SourceSpec(
    id="defillama",
    title="DefiLlama",
    homepage="https://defillama.com",
    kind="aggregator",
    hosts=("api.llama.fi",),
    rate=Rate(1, timedelta(seconds=1)),  # no limit was found; one request is all there is
    as_of=date(2026, 11, 22),
    limits=(
        "lending protocols (seized collateral) are another quantity and are left out",
        "no assets: a question about one is not answered",
    ),
    channels=(
        ChannelSpec(
            id="liquidations",
            title="Liquidations per protocol and UTC day",
            transport=Transport.REST,
            form=Form.BARS,
            docs=(_DOCS,),
            # Not "liquidations": whether a trade is counted once or for both its sides is not documented.
            metrics=("estimated_liquidations",),
            venues=tuple(_VENUES.values()),
            lineage=("hyperliquid/node_fills",),
            completeness=(
                CompletenessRule(
                    Completeness.UNKNOWN,
                    _DOCS,
                    note="an index of its own over the chain; one-sided or two-sided is not documented",
                    confirmed=False,
                ),
            ),
            side_rule="longs and shorts are not told apart",
            side_citation=_DOCS,
            quantity_unit="USD",
            price_basis=Basis.STATED,
            quantity_basis=QuantityBasis.FILLED,
            bar_length=_DAY,
            doubts=(
                "The endpoint is not in the published documentation; its form is that of its siblings (`dexs`).",
                "Its sum for Hyperliquid may be twice the truth: whether both legs are counted is not documented.",
            ),
        ),
        ChannelSpec(
            id="open_interest",
            title="Open interest per protocol and UTC day",
            transport=Transport.REST,
            form=Form.SERIES,
            docs=(_INTEREST_DOCS,),
            metrics=("open_interest",),
            venues=(),
            lineage=(_INTEREST_KEY,),
            completeness=(
                CompletenessRule(
                    Completeness.PARTIAL,
                    _INTEREST_DOCS,
                    note="decentralised exchanges only; each counted by an adapter of its own",
                ),
            ),
            quantity_unit="USD, one-sided: Lighter's is halved, as its adapter counts both sides",
            doubts=(
                "Some protocols are read at the time of the run and stand for the whole day.",
                "Before 26 May 2026 Hyperliquid's is the exchange's own daily file.",
            ),
        ),
    ),
)


class _Answer(msgspec.Struct):
    totalDataChart: list[tuple[int, float]]
    totalDataChartBreakdown: list[tuple[int, dict[str, float]]]


def _requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    params = (("excludeTotalDataChart", "false"), ("excludeTotalDataChartBreakdown", "false"))
    return [Request(_URL, params, note="all protocols and days")]


def _parse(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One bar per venue and day. Raises `Suspect` where the protocols of a day are more than its total."""
    answer = build.decode(_Answer, payload.body, _KEY)
    totals = dict(answer.totalDataChart)
    rows = []
    for day, protocols in answer.totalDataChartBreakdown:
        parts = sum(protocols.values())
        if day in totals and parts > totals[day] * 1.001 + 1.0:
            raise Suspect(f"the protocols of {day} add up to {parts:.0f}, the total is {totals[day]:.0f}", source=_KEY)
        for venue, begins in _VENUES.items():
            found = [usd for name, usd in protocols.items() if name.lower().startswith(begins)]
            if found:
                rows.append((day, venue, sum(found)))
    if not rows:
        return build.no_bars()
    start = build.times([day for day, _, _ in rows], unit="s", field="totalDataChartBreakdown", source=_KEY)
    money = build.amounts([usd for _, _, usd in rows], field="totalDataChartBreakdown", source=_KEY, zero=True)
    frame = pl.DataFrame({"start": start, "end": start + _DAY, "notional_usd": money})
    frame = frame.with_columns(asset=pl.lit(_EVERYTHING), side=pl.lit("both"), venue=pl.Series([v for _, v, _ in rows]))
    unknown = Completeness.UNKNOWN
    return pl.concat(
        build.bars(part.drop("venue"), venue=str(venue), source=_KEY, completeness=unknown, window=window)
        for (venue,), part in frame.group_by(["venue"], maintain_order=True)
    )


def _interest_requests(_window: Window, _quantity: Quantity) -> Sequence[Request]:
    params = (("excludeTotalDataChart", "false"), ("excludeTotalDataChartBreakdown", "false"))
    return [Request(_INTEREST, params, note="open interest of all protocols and days")]


def _parse_interest(payload: Payload, window: Window, _instruments: Instruments) -> pl.DataFrame:
    """One row per protocol and day in dollars, one-sided; `subject` is the venue where it is one that is known."""
    answer = build.decode(_Answer, payload.body, _INTEREST_KEY)
    rows = [(day, name, usd) for day, protocols in answer.totalDataChartBreakdown for name, usd in protocols.items()]
    if not rows:
        return build.no_series()
    field = "totalDataChartBreakdown"
    start = build.times([day for day, _, _ in rows], unit="s", field=field, source=_INTEREST_KEY)
    money = build.amounts([usd for _, _, usd in rows], field=field, source=_INTEREST_KEY, zero=True)
    venues = {name: venue_of(name) for name in {name for _, name, _ in rows}}
    shares = [0.5 if venues[name] in _TWO_SIDED else 1.0 for _, name, _ in rows]
    subjects = [venues[name] or name for _, name, _ in rows]
    data = {"start": start, "end": start + _DAY, "value": money * pl.Series(shares), "subject": subjects}
    return build.series(data, source=_INTEREST_KEY, window=window, metric="open_interest", unit="USD")


def _weight_requests(quantity: Quantity, at: datetime | None) -> Sequence[Request]:
    """Nothing for single coins, which are not told, or for the past: the answer does not say which day was asked."""
    if at is not None or quantity.assets.names is not None:
        return ()
    return _interest_requests(Window.parse("2026-01-19"), quantity)


def _parse_weights(payload: Payload, _instruments: Instruments) -> Sequence[Weight]:
    """The open interest of the latest day."""
    answer = build.decode(_Answer, payload.body, _INTEREST_KEY)
    if not answer.totalDataChartBreakdown:
        return ()
    day, protocols = max(answer.totalDataChartBreakdown, key=lambda pair: pair[0])
    at = build.times([day], unit="s", field="totalDataChartBreakdown", source=_INTEREST_KEY)[0]
    found = []
    for name, usd in protocols.items():
        venue = venue_of(name)
        if venue is not None and usd > 0:
            two = venue in _TWO_SIDED
            cited = _TWO_SIDED.get(venue, _INTEREST_DOCS)
            found.append(Weight(venue, _EVERYTHING, at, usd / 2 if two else usd, None, halved=two, citation=cited))
    return found


def _alive(payload: Payload) -> bool:
    return bool(build.decode(_Answer, payload.body, _KEY).totalDataChart)


SOURCE = Source(
    SPEC,
    {
        "liquidations": Channel(
            _requests,
            _parse,
            control=lambda: _requests(Window.parse("2026-01-19"), Quantity())[0],
            control_alive=_alive,
        ),
        "open_interest": Channel(_interest_requests, _parse_interest),
    },
    weight_requests=_weight_requests,
    parse_weights=_parse_weights,
)
