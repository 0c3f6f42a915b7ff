"""Checks of prices, volatilities, correlations, flows and positions, in one run with those of liquidations."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from series import bars, daily, fund_days, served, source

from reports import junit
from reports import run as reports_run
from sources import http
from sources.adapter import Source
from verify.jobs import plan, runner, trend
from verify.model.checks import CheckRow, RunReport
from verify.model.errors import InputError
from verify.model.trading_days import trading_days

NOW = datetime(2026, 1, 21, tzinfo=UTC)
CRASH = [(95_000.0, 95_200.0, 94_900.0, 95_000.0)] * 23 + [(95_000.0, 95_100.0, 91_910.0, 92_800.0)]
AFTER = [(92_800.0, 93_000.0, 92_700.0, 92_900.0)] * 48
NIGHT = "window = '2026-01-18T20:00Z/2026-01-19T03:00Z'\n"
FIGURE = """url,outlet,amount_usd,side,asset,window_start_utc,window_end_utc,window_confidence,lineage
https://a.example/1,A,731000000,long,all,2026-01-19T00:00Z,2026-01-20T00:00Z,high,Alpha
"""
ACCOUNT = "0x" + "ab" * 20


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.csv").write_text(FIGURE, encoding="utf-8")
    return tmp_path


def market() -> list[Source]:
    """Everything that is asked below, each told by one source."""
    start = datetime(2026, 1, 18, tzinfo=UTC)
    prices = bars("binance", [*CRASH, *AFTER], start)
    ether = [
        {**row, "asset": "ETH"}
        for row in bars("binance", [(3200.0, 3206.0, 3202.0, 3204.0)] * 24, datetime(2026, 1, 19, tzinfo=UTC))
    ]
    points = [*np.linspace(50, 60, 20), *np.linspace(60, 40, 59)]
    week = trading_days(date(2026, 1, 12), date(2026, 1, 17))
    moment = int(datetime(2026, 1, 19, 23, 59, tzinfo=UTC).timestamp())
    held = {"start": moment, "end": moment, "subject": ACCOUNT, "asset": "ETH", "field": "quantity", "value": 626_712.4}
    return [
        source("candles_x", "price", ("binance",), [*prices, *ether], "USD"),
        source(
            "dvol_x", "implied_volatility", ("deribit",), daily(date(2025, 11, 1), points, "deribit", "BTC"), "percent"
        ),
        source(
            "etf_x",
            "etf_net_flow",
            (),
            fund_days({"BSOL": [10e6, 5e6, 23.57e6, 4e6, 4.31e6], "TSOL": [-1e6] * 5}, week),
            "USD",
        ),
        source("dex_x", "dex_volume", ("byreal",), daily(date(2026, 1, 1), [1e6] * 18, "byreal", "", "value"), "USD"),
        source("chain_x", "holding", (), [held], "ETH"),
    ]


Run = Callable[..., RunReport]
PRICE_NIGHT = f"metric = 'price'\nasset = 'BTC'\n{NIGHT}"
MOVED = f"metric = 'price_change'\nasset = 'BTC'\n{NIGHT}"
TSOL = "metric = 'etf_net_flow'\nasset = 'SOL'\nfund = 'TSOL'\nwindow = '2026-01-14'\n"
GAIN = "metric = 'unrealised_gain'\nholding = '626,700 ETH'\nprice = 3204\nwindow = '2026-01-19'\n"
HELD = f"metric = 'holding'\naccount = '{ACCOUNT}'\nasset = 'ETH'\nwindow = '2026-01-19'\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    addresses = served(monkeypatch)(*market())

    def ran(text: str, *, keep: bool = False, **options: Any) -> RunReport:
        if not keep:
            write(text)
        return runner.run(runner.Options(sources=addresses, now=NOW, offline=True, figures=["f.csv"], **options))

    return ran


def write(text: str) -> None:
    Path("verify.toml").write_text(text, encoding="utf-8")


def one(report: RunReport) -> CheckRow:
    (row,) = report.checks
    return row


@pytest.mark.parametrize(
    ("keys", "means"),
    [
        (PRICE_NIGHT + "claim = 'broke $92,000'", ("passed", "quoted_right")),
        (f"metric = 'price'\nassets = ['bitcoin']\n{NIGHT}claim = 'fell to $91,910'", ("passed", "quoted_right")),
        (PRICE_NIGHT + "claim = 'broke $91,900'", ("differs", "out_of_range")),
        (
            PRICE_NIGHT + "claim = 'broke $91,900'\ntolerance = { absolute = 20 }",
            ("passed", "quoted_through_hedge"),
        ),
        (PRICE_NIGHT + "claim = 91_800\nstatistic = 'low'", ("differs", "out_of_range")),
        (PRICE_NIGHT + "claim = 91_910\nstatistic = 'low'", ("passed", "quoted_right")),
        (PRICE_NIGHT + "claim = 93_000", ("passed", "quoted_right")),
        (PRICE_NIGHT + "claim = 91_000", ("differs", "out_of_range")),
        (
            PRICE_NIGHT + "claim = 91_000\ntolerance = { relative = '1%' }",
            ("passed", "quoted_through_hedge"),
        ),
        (f"metric = 'price'\nasset = 'BTC'\nvenues = ['OKX']\n{NIGHT}claim = 1", ("inconclusive", "no_evidence")),
        (MOVED + "claim = 'fell more than 2%'", ("passed", "quoted_right")),
        (MOVED + "claim = -2.2", ("passed", "quoted_right")),
        (MOVED + "claim = 2.2", ("differs", "out_of_range")),
        (
            MOVED + "claim = 'fell 2.1%'\ntolerance = { absolute = 0.2 }",
            ("passed", "quoted_through_hedge"),
        ),
        (
            "metric = 'implied_volatility'\nwindow = '2025-11-01/2026-01-19'\nclaim = 'down 8-12 points'",
            ("passed", "quoted_right"),
        ),
        (
            "metric = 'implied_volatility'\nasset = 'BTC'\nwindow = '2025-11-01/2026-01-19'\nclaim = -10",
            ("passed", "quoted_right"),
        ),
        ("metric = 'correlation'\nasset = 'BTC'\nwindow = '2026-01-17'\nclaim = 0.72", ("inconclusive", "no_evidence")),
        (
            "metric = 'etf_net_flow'\nasset = 'SOL'\nfund = 'BSOL'\nwindow = '2026-01-14'\nclaim = '$23.57M'",
            ("passed", "quoted_right"),
        ),
        (TSOL + "claim = -1e6", ("passed", "quoted_right")),
        (TSOL + "claim = 1e6", ("differs", "out_of_range")),
        (
            "metric = 'etf_net_flow'\nasset = 'SOL'\nwindow = '2026-01-18'\nclaim = '$1M'",
            ("inconclusive", "no_trading_day"),
        ),
        (
            "metric = 'dex_volume'\nprotocol = 'Byreal'\nwindow = '2026-01-01/2026-01-19'\nclaim = '$18M'",
            ("passed", "quoted_right"),
        ),
        (
            GAIN + "cost = '$3,105.5'\nclaim = '$61.7M'",
            ("passed", "quoted_right"),
        ),
        (
            GAIN + "cost = 3205\nclaim = -626_700",
            ("passed", "quoted_right"),
        ),
        (HELD + "claim = 626_700", ("passed", "quoted_right")),
        (HELD + "claim = '650,000 ETH'", ("differs", "out_of_range")),
        (HELD, ("passed", "known")),
        (PRICE_NIGHT, ("passed", "known")),
        (PRICE_NIGHT + "claim = 'broke $92,000'\nmin_lineages = 9", ("inconclusive", "too_few_lineages")),
        (PRICE_NIGHT + "claim = 'broke $92,000'\nmin_confidence = 1", ("inconclusive", "low_confidence")),
    ],
)
def test_a_check_of_any_metric_has_a_verdict(run: Run, keys: str, means: tuple[str, str]) -> None:
    row = one(run(f"[checks.a]\n{keys}\n"))
    assert (str(row.status), row.reasons[0].code) == means, row.reasons


@pytest.mark.parametrize(
    ("cell", "keys", "means"),
    [
        ("91910", PRICE_NIGHT + "statistic = 'low'\n", ("passed", "$91,910")),
        ("-2.2", MOVED + "tolerance = { absolute = 0.1 }\n", ("passed", "-2.2 ± 0.1 %")),
        ("(1000000)", TSOL, ("passed", "-$1,000,000")),
        ("-$2.5M", TSOL, ("differs", "-$2,500,000")),
        ("-5", PRICE_NIGHT, ("failed", None)),
        ("", PRICE_NIGHT, ("inconclusive", None)),
    ],
)
def test_a_value_of_the_desk_has_its_sign(run: Run, cell: str, keys: str, means: tuple[str, str | None]) -> None:
    Path("desk.csv").write_text(f"name,value\nx,{cell}\n", encoding="utf-8")
    row = one(run(f"[checks.a]\n{keys}value = {{ file = 'desk.csv', column = 'value' }}\n"))
    assert (str(row.status), row.claim) == means


MIXED = f"""
[defaults]
side = "long"
window = "2026-01-19"
[checks.total]
claim = "$1M"
[checks.low]
metric = "price"
asset = "BTC"
{NIGHT}claim = "broke $92,000"
[checks.moved]
metric = "price_change"
asset = "BTC"
{NIGHT}claim = "fell more than 9%"
[checks.gain]
metric = "unrealised_gain"
holding = "626,700 ETH"
cost = "$3,105.5"
claim = "about $61.7M"
"""


def test_metrics_share_one_run_its_requests_and_its_evidence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fetch = http.fetch_all

    def counted(jobs: Any, **options: Any) -> Any:
        asked.extend(job.key for job in jobs)
        return fetch(jobs, **options)

    monkeypatch.setattr(http, "fetch_all", counted)
    first = run(MIXED, evidence="run.warc")
    assert [str(row.status) for row in first.checks] == ["differs", "passed", "differs", "passed"]
    assert len(asked) == len(set(asked)) == 2  # BTC of the night for two checks, ETH of the day
    assert [row.source for row in first.providers] == ["candles_x/rows"]
    again = run(MIXED, keep=True, evidence="run.warc", replay=True)
    assert again.checks == first.checks
    assert reports_run.as_json(again) == reports_run.as_json(first)
    assert "BTC traded as low as" in junit.render(first)


def test_checks_of_all_metrics_have_a_trend(run: Run) -> None:
    text = f"[checks.low]\nmetric = 'price'\nasset = 'BTC'\n{NIGHT}"
    Path("before.json").write_text(reports_run.as_json(trend.compared(run(text + "claim = 'broke $92,000'\n"), None)))
    after = trend.compared(run(text + "claim = 'broke $90,000'\n"), trend.read("before.json"))
    assert (one(after).history, str(one(after).change)) == ("PD", "new")


def test_a_matrix_asks_for_each_asset(run: Run) -> None:
    report = run("[checks.p]\nmetric = 'price'\nwindow = '2026-01-19'\n[checks.p.matrix]\nassets = ['BTC', 'ETH']\n")
    assert [(row.id, str(row.status)) for row in report.checks] == [
        ("p[asset=BTC]", "passed"),
        ("p[asset=ETH]", "passed"),
    ]
    assert "$3,202" in report.checks[1].sentence


def test_a_dry_run_counts_the_requests_of_all_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = served(monkeypatch)(*market())
    write(MIXED)
    said = plan.words(runner.Options(sources=addresses, now=NOW, offline=True))
    assert "low: price, all venues, BTC, 2026-01-18T20:00Z/2026-01-19T03:00Z, broke $92,000" in said
    assert "4 checks, 3 to collect for" in said
    assert "candles_x/rows: 1" in said


def test_published_figures_decide_where_no_source_is_asked() -> None:
    write(f"[checks.a]\nmetric = 'price'\nasset = 'BTC'\n{NIGHT}claim = 'broke $92,000'\n")
    row = one(runner.run(runner.Options(offline=True, now=NOW)))
    assert (str(row.status), row.reasons[0].code) == ("passed", "quoted_right")
    assert json.loads(reports_run.as_json(runner.run(runner.Options(offline=True, now=NOW))))["requests"] == 0


PRICE = "[checks.a]\nwindow = 'yesterday'\nmetric = 'price'\nasset = 'BTC'\n"
GAINED = "[checks.a]\nwindow = 'yesterday'\nmetric = 'unrealised_gain'\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            PRICE + "side = 'long'",
            5,
            "a check of price has no side, only asset, assets, venues, statistic; side belongs to liq",
        ),
        (PRICE + "fund = 'BSOL'", 5, "fund belongs to etf_net_flow"),
        (PRICE + "channel = 'gate'", 5, "channel belongs to liquidations, liquidation_count"),
        (PRICE + "assets = ['ETH']", 4, "give asset or assets, not both"),
        (PRICE + "statistic = 'lowest'", 5, "'lowest' is not one of level, low, high"),
        (PRICE + "statistic = 'fall'", 5, "fall is none of price"),
        (PRICE + "statistic = 'high'\nclaim = 'low of $91,000'", 6, "tells of the low, and the statistic is high"),
        (PRICE + "claim = 'down 18 points'", 5, "points"),
        (PRICE + "claim = 'new high'", 5, "holds no number"),
        (PRICE + "claim = -5", 5, "is negative, and a price is not"),
        (PRICE + "venues = ['Binanse']", 5, "did you mean Binance or"),
        (PRICE + "value = { source = 'gate' }", 5, "source is for liquidations"),
        (PRICE + "matrix = { sides = ['long'] }", 5, "the matrix has sides, and a check of price has no side"),
        (PRICE.replace("price", "prise"), 3, "'prise' is unknown; judged are"),
        (PRICE.replace("price", "prise"), 3, "did you mean price?"),
        (PRICE.replace("asset = 'BTC'\n", ""), 1, "a: price needs asset or assets"),
        (PRICE.replace("asset = 'BTC'", "assets = ['BTC', 'ETH']"), 4, "is about one asset"),
        (
            PRICE.replace("'price'", "'price_change'") + "claim = '$92,000'",
            5,
            "is in US dollars, and it is to be in per cent",
        ),
        (PRICE.replace("'price'", "'correlation'") + "claim = '72%'", 5, "is in per cent, and it is to be in no unit"),
        (PRICE.replace("'price'", "'implied_volatility'") + "claim = 'down 20%'", 5, "is to be in points"),
        (PRICE.replace("'price'", "'dex_volume'"), 4, "asset: a check of dex_volume has no asset, only protocol"),
        ("[checks.a]\nwindow = 'yesterday'\nmetric = 'dex_volume'\n", 1, "dex_volume needs protocol"),
        (PRICE.replace("'price'", "'unrealised_gain'"), 1, "unrealised_gain needs holding or account"),
        (PRICE.replace("'price'", "'unrealised_gain'") + "holding = 'many ETH'", 5, "write coins with their ticker"),
        (PRICE.replace("'price'", "'holding'") + f"account = '{ACCOUNT}'\nclaim = '$5M'", 6, "is to be in coins"),
        (PRICE.replace("'price'", "'unrealised_gain'") + "holding = '5 ETH'", 4, "5 ETH is no holding of BTC"),
        (GAINED + f"account = '{ACCOUNT}'", 4, "asset names it"),
        (GAINED + "account = '0x12'\nasset = 'ETH'", 4, "is no address"),
        (GAINED + "holding = '5 ETH'\ncost = 'lots'", 5, "cost: cannot read"),
        (PRICE + "protocl = 'byreal'", 5, "unknown key 'protocl'; did you mean protocol?"),
    ],
)
def test_what_does_not_belong_together_names_its_line(text: str, line: int, words: str) -> None:
    write(text + "\n")
    with pytest.raises(InputError) as refused:
        runner.prepare(runner.Options(now=NOW))
    assert str(refused.value).startswith(f"verify.toml:{line}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_defaults_of_other_metrics_are_passed_over() -> None:
    write(f"[defaults]\nside = 'long'\nassets = ['ETH']\nchannel = 'gate'\n{PRICE}")
    (check,) = runner.prepare(runner.Options(now=NOW)).checks
    assert check.quantity.words() == "price, all venues, BTC"


def test_a_quiet_market_is_not_silent_because_prices_came(monkeypatch: pytest.MonkeyPatch) -> None:
    row = source(
        "quiet_x",
        "etf_net_flow",
        (),
        fund_days({"BSOL": [1e6] * 5}, trading_days(date(2026, 1, 12), date(2026, 1, 17))),
        "USD",
    )
    addresses = served(monkeypatch)(market()[0], row)
    flow = "[checks.f]\nmetric = 'etf_net_flow'\nasset = 'SOL'\nwindow = '{day}'\n"
    price = f"[checks.p]\n{PRICE_NIGHT}"
    options = {"sources": addresses, "now": NOW, "offline": True, "figures": ["f.csv"]}
    histories = []
    for day in ("2026-01-14", "2026-01-20"):  # of the second no flow is told
        write(flow.replace("{day}", day) + price)
        report = trend.compared(runner.run(runner.Options(**options)), None)  # type: ignore[arg-type]
        histories.append({row.source: (row.metric, row.history) for row in report.providers})
    assert histories[0]["quiet_x/rows"] == ("etf_net_flow", "P")
    assert histories[1] == {"candles_x/rows": ("price", "P"), "quiet_x/rows": ("etf_net_flow", "-")}
