"""Reports made by hand for the tests of the renderers: one of every part, and one whose strings are attacks."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from verify.model import report as r

WINDOW = {"start": datetime(2026, 2, 1, tzinfo=UTC), "end": datetime(2026, 2, 1, 4, tzinfo=UTC)}

FIGURE = r.FigureRow(
    id="f0123456789ab",
    stated="about $551.123456M-$554.654321M",
    quantity="long liquidations, all venues",
    value=552_888_888.5,
    low=551_123_455.5,
    high=554_654_321.5,
    **WINDOW,
    slack=timedelta(minutes=30),
    lineage="coinglass",
    lineage_reason="attributed",
    lineage_detail="the text names CoinGlass",
    outlet="Paper",
    url="https://paper.example/a-very-long-address-that-no-terminal-of-eighty-columns-can-show-in-one-line/2026/02/01",
    evidence="mine.csv:2",
    side="long",
    metric="liquidations",
    venues="all venues",
    assets="all assets",
)
SPAN = r.Range(729_912_340.0, 730_987_650.0)

SPREAD = r.Spread(2.1e9, 1.9e9, 2.4e9, 1.5e9, 3.1e9)
ESTIMATED = r.Estimated(
    kind="estimate",
    total=SPREAD,
    long=SPREAD,
    short=r.Spread(2e8, 1.8e8, 2.2e8, 1.5e8, 3e8),
    shown_usd=1.2e9,
    lineages=3,
    heterogeneity=r.Spread(0.4, 0.3, 0.5, 0.2, 0.7),
    shown=0.5,
    hidden=0.3,
    extrapolated=0.2,
    probability=0.03,
    venues=(
        r.VenueRow("Binance", "capped", 3e8, SPREAD, SPREAD, SPREAD, ("binance/usdm",)),
        r.VenueRow("Gate", "complete", 2e8, r.Spread(2e8, 2e8, 2e8, 2e8, 2.1e8), SPREAD, SPREAD, ("gate/liq_orders",)),
        r.VenueRow("MEXC", "extrapolated", 0.0, r.Spread(1e8, 8e7, 1.5e8, 4e7, 3e8), SPREAD, SPREAD),
    ),
    assets={"BTC": SPREAD},
    variance={"capped": 0.7, "extrapolated": 0.3},
    faults=(r.FaultRow("htx/linear", "sides_swapped", 0.98, "longs are where others show shorts", "mended"),),
    rules=(r.RuleRow("binance/usdm", "the latest of each second", 0.6, 0.9),),
    without=(r.ChangeRow("gate/liq_orders", 1.12),),
    sensitivity=(r.ChangeRow("volume is the size of a venue", 0.93, "the 90 % interval is 1.2 times as wide"),),
    limits=("3 venues without a channel are extrapolated; they may differ as a group.",),
)


def _bins() -> tuple[r.TimeBin, ...]:
    step = timedelta(minutes=10)
    starts = [WINDOW["start"] + number * step for number in range(24)]
    return tuple(
        r.TimeBin(channel, start, start + step, scale * (1e6 + 9e6 * (number == 8)), 5e5 * scale, 30, capped, covered)
        for channel, scale in (("binance/usdm", 3.0), ("gate/liq_orders", 1.0))
        for number, start in enumerate(starts)
        for capped in (450.0 if channel == "binance/usdm" and 6 < number < 11 else 0.0,)
        for covered in (0.0 if channel == "gate/liq_orders" and number > 20 else 1.0,)
    )


FULL = r.Report(
    command="liquidations",
    version="0.1.0",
    window="2026-02-01T00:00Z/2026-02-01T04:00Z",
    window_words="1 Feb 2026 00:00 to 04:00 UTC (4 hours)",
    slack_seconds=0.0,
    quantity="long liquidations, all venues",
    claim="$750M",
    channel="CoinGlass",
    verdict=r.Verdict.DIFFERS,
    reasons=(r.Reason("out_of_range", "CoinGlass says $730.123456M, 2.7% below the claim"),),
    questions=(
        r.Question("quoted", "Is it quoted right?", "no", "no: CoinGlass says $730.123456M"),
        r.Question("corroborated", "Is it corroborated?", "no", "not corroborated: one lineage"),
        r.Question("market", "What really happened in the whole market?", "not answerable", "at least $729.9M"),
    ),
    confidence=r.Confidence(0.517, (r.Component("independence", 0.06, 0.3, "one lineage: one vote"),)),
    sentence="At least $729.9M of long crypto positions were liquidated, according to CoinGlass.",
    caveat="Single channel: 45 outlets print numbers for this window. That is one vote, not 45.",
    answers=(
        r.Answer(
            "coinglass", "CoinGlass", "no", "nearest reading: $730.123456M; by the clock: $513.8M to $782M",
            FIGURE, -0.0267, 3, SPAN, SPAN, ("$758.123456M total",), r.Range(513_812_345.0, None),
        ),
    ),
    explanations=(
        r.ExplanationRow(
            "total_as_side", "a total printed as one side", "$758.123456M total: a total printed as one side",
            758_123_456.0, 123.4567, 25_000_000.0, False, "coinglass", "Paper", "https://paper.example/2",
        ),
    ),
    lineages=(r.LineageRow("coinglass", "CoinGlass", True, 1_234_567, 12_345, {"attributed": 1_234_567}),),
    independent=1,
    outlets=45,
    comparisons=(
        r.Comparison("amberdata", "coinglass", "long", 1e9, 2e9, 2.0, False, "$1.234567bn against $2.345678bn"),
    ),
    conflicts=(r.Conflict("$758.123456M is more than $440.123456M", "$440.123456M", "likeliest slip", (FIGURE,)),),
    findings=(r.Finding("shared_error", "5 outlets print $1.080001bn", ("https://paper.example/3",)),),
    caps=(r.Cap("Binance", "at most one per symbol and second", "https://docs.example/", True),),
    sources=(
        r.SourceRow(
            "poloniex/liquidation-orders-history", "Poloniex", "ok", 1_234_567_890.0, 9_876_543.21, 1_234_567,
            "average_fill", "capped: at most one per symbol and second", 0.75, "poloniex",
            ("gate-1", "gate-2", "gate-3", "gate-4"), "reached 2026-02-01T01:00Z", ("rounding of $0.01234567",),
        ),
        r.SourceRow("bybit/rest", "Bybit", "failed", note="time-out after 60 s"),
    ),
    figures=(FIGURE,),
    estimate=ESTIMATED,
    timeline=_bins(),
    coverage=(
        r.CoverageRow("Binance", 2.9e10, 0.58, ("binance/usdm",)),
        r.CoverageRow("Gate", 1.2e10, 0.24, ("gate/liq_orders",)),
        r.CoverageRow("MEXC", 9e9, 0.18),
        r.CoverageRow("BingX", None, None),
    ),
    evidence=(
        r.EvidenceRow(
            "gate/liq_orders/1", "https://api.gateio.ws/api/v4/futures/usdt/liq_orders?from=1",
            datetime(2026, 2, 1, 5, tzinfo=UTC), "1" * 64, 1234,
        ),
    ),
    problems=("mine.csv:7: the amount -730123456 is negative",),
    files={"mine.csv": "0" * 64},
)  # fmt: skip

ATTACKS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "[red]markup[/red]",
    "[link=https://evil.example]x[/link]",
    "[click](https://evil.example/md)",
    "![i](https://evil.example/img)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "https://evil.example/auto",
    "www.evil.example",
    "@everyone #1234",
    "|| a | b ||",
    "`code` **bold** $math$ ~~gone~~",
    "\n# heading\n- item\n> quote",
    "\r\n::error file=x::stopped",
    "\n::set-output name=a::b",
    "##[error]stopped",
    "##vso[task.complete]",
    '=HYPERLINK("https://evil.example")',
    "\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff\u00ad",
    "\u2028line\u2029",
    "\ud800",
)


def attacked(value: Any, attack: str) -> Any:
    """The same report with the attack at the end of every free string in it."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {"code", "id", "window", "version", "command"}
        changed = {f.name: attacked(getattr(value, f.name), attack) for f in fields(value) if f.name not in kept}
        return replace(value, **changed)
    if isinstance(value, tuple):
        return tuple(attacked(entry, attack) for entry in value)
    if isinstance(value, str) and not isinstance(value, r.Verdict):
        return f"{value} {attack}"
    return value
