"""Flows, markets and positions, from the claim as typed to the verdict: bundled figures, series from this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from series import bars, daily, fund_days, served, source

from sources.adapter import Source
from verify.cli import cli
from verify.model.errors import AmountError, InputError
from verify.model.report import Report, Verdict
from verify.model.trading_days import day_window, trading_days
from verify.pipeline.flows import flows
from verify.pipeline.market import market
from verify.pipeline.observed import Options
from verify.pipeline.position import position

NOW = datetime(2026, 1, 21, tzinfo=UTC)
OFFLINE = Options(offline=True, now=NOW)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Make these sources available as addresses `here:<number>`."""
    return served(monkeypatch)


def with_sources(addresses: list[str]) -> Options:
    return Options(offline=True, sources=addresses, now=NOW)


def codes(report: Report) -> list[str]:
    return [reason.code for reason in report.reasons]


# prices: two days of hours around midnight of 19 January 2026, whose days differ by where they begin
START = datetime(2026, 1, 18, 0, tzinfo=UTC)
QUIET = (95_000.0, 95_200.0, 94_900.0, 95_000.0)


def venue(name: str, low: float) -> Source:
    crash = (95_000.0, 95_100.0, low, 92_800.0)
    after = (92_800.0, 93_000.0, 92_700.0, 92_900.0)
    hours = [QUIET] * 23 + [crash] + [after] * 48
    return source(f"{name}_x", "price", (name,), bars(name, hours, START), "USD")


def test_a_mark_that_one_exchange_broke_and_another_did_not(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(venue("binance", 91_910.0), venue("coinbase", 92_040.0)))
    report = market("2026-01-18T20:00Z/2026-01-19T03:00Z", "broke $92,000", asset="BTC", options=options)
    assert report.verdict is Verdict.INCONCLUSIVE
    true, false = (reason.text for reason in report.reasons)
    assert true.startswith("true by Binance_X: lowest $91,910")
    assert false == "false by Coinbase_X: lowest $92,040"
    assert report.independent == 3  # with the exchange that a page names
    assert report.sentence.startswith("BTC traded as low as $91,910 to $92,040 according to 3 lineages")


def test_a_fall_depends_on_where_the_day_begins(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(venue("binance", 91_910.0), venue("coinbase", 92_040.0)))
    utc = market("2026-01-19", "fell more than 2%", asset="BTC", options=options)
    assert utc.verdict is Verdict.INCONCLUSIVE
    assert utc.sentence.startswith("BTC rose by 0.11 % according to 2 lineages from its opening to its closing price")
    assert codes(utc) == ["depends_on_definition"]
    assert "the day of UTC+8" in utc.reasons[0].text
    china = market("2026-01-19+08:00", "fell more than 2%", asset="BTC", options=options)
    assert china.verdict is Verdict.SUPPORTED
    assert "it would be false by the day of UTC" in china.reasons[-1].text


def test_a_fall_that_was_none_by_any_definition_differs(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(venue("binance", 91_910.0)))
    report = market("2026-01-18T20:00Z/2026-01-19T03:00Z", "fell more than 9%", asset="BTC", options=options)
    assert report.verdict is Verdict.DIFFERS
    assert report.exit_code == 1


def test_the_bundled_lows_are_told_with_who_printed_them() -> None:
    report = market("2026-01-18T23:00Z/2026-01-19T03:00Z", "broke $92,000", asset="BTC", options=OFFLINE)
    assert report.verdict is Verdict.SUPPORTED
    assert codes(report) == ["quoted_right", "printed_otherwise"]
    assert "$91.935k on Binance" in report.reasons[0].text
    assert "$92.234k" in report.reasons[1].text


@pytest.mark.parametrize(
    ("claim", "kind", "says"),
    [
        ("down 18 points", "price", "volatility"),
        ("$92,000", "volatility", "price"),
        ("new high", "price", "no number"),
        ("down 20%", "volatility", "per cent"),
        ("72%", "correlation", "a correlation has none"),
    ],
)
def test_a_claim_of_another_kind_is_told_where_it_belongs(claim: str, kind: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        market("2026-01-19", claim, kind=kind, asset="BTC", options=OFFLINE)


def test_a_printed_low_is_of_its_venue_and_says_nothing_of_prices_above_it() -> None:
    window = "2026-01-18T23:00Z/2026-01-19T03:00Z"
    elsewhere = market(window, "broke $92,000", asset="BTC", venues=["OKX"], options=OFFLINE)
    assert codes(elsewhere) == ["no_evidence"]
    here = market(window, "broke $92,000", asset="BTC", venues=["Binance"], options=OFFLINE)
    assert here.verdict is Verdict.SUPPORTED
    assert market(window, "traded at $93,000", asset="BTC", options=OFFLINE).verdict is Verdict.INCONCLUSIVE
    assert market(window, "traded at $90,100", asset="BTC", options=OFFLINE).verdict is Verdict.DIFFERS


def test_a_price_without_an_asset_is_a_usage_error() -> None:
    with pytest.raises(InputError, match="--asset"):
        market("2026-01-19", options=OFFLINE)


# volatility and correlation


def test_points_are_counted_from_the_first_day_and_from_the_peak(here: Callable[..., list[str]]) -> None:
    values = list(np.linspace(50, 60, 20)) + list(np.linspace(60, 40, 59))
    options = with_sources(
        here(
            source(
                "dvol_x",
                "implied_volatility",
                ("deribit",),
                daily(date(2025, 11, 1), values, "deribit", "BTC"),
                "percent",
            )
        )
    )
    report = market("2025-11-01/2026-01-19", "down 18-25 points", kind="volatility", options=options)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert codes(report) == ["depends_on_definition"]
    assert "-10.0 points, from 50.0 to 40.0" in report.answers[0].text
    assert "-20.0 points, from 60.0 to 40.0" in report.answers[0].text
    first = market("2025-11-01/2026-01-19", "down 8-12 points", kind="volatility", options=options)
    assert first.verdict is Verdict.SUPPORTED


def test_a_new_high_is_held_against_its_own_past(here: Callable[..., list[str]]) -> None:
    days = trading_days(date(2025, 6, 1), date(2026, 1, 17))
    rng = np.random.default_rng(3)
    moves = rng.normal(0, 0.01, len(days))
    noise = np.full(len(days), 0.02)
    noise[-30:] = 0.0  # only the last thirty returns are those of the index
    index = 6000 * np.exp(np.cumsum(moves))
    coin = 90_000 * np.exp(np.cumsum(moves + noise * rng.normal(0, 1, len(days))))
    closes: list[dict[str, object]] = []
    levels: list[dict[str, object]] = []
    for day, level, price in zip(days, index, coin, strict=True):
        close = day_window(day).start + timedelta(hours=16)
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        levels += daily(day, [float(level)], "S&P 500", "")
        closes.append(
            {
                "start": int((close - timedelta(hours=1)).timestamp()), "end": int(close.timestamp()),
                "subject": "binance", "asset": "BTC", "field": "close", "value": float(price),
            }
        )  # fmt: skip
        assert begin < close
    options = with_sources(
        here(
            source("candles_x", "price", ("binance",), closes, "USD"),
            source("index_x", "index_level", (), levels, "points"),
        )
    )
    report = market("2026-01-17", "a new height", kind="correlation", asset="BTC", options=options)
    assert report.verdict is Verdict.SUPPORTED
    assert "over 30 days to 2026-01-16" in report.answers[0].text
    number = market("2026-01-17", "0.1", kind="correlation", asset="BTC", options=options)
    assert number.verdict is Verdict.DIFFERS


# flows


WEEK = trading_days(date(2026, 1, 12), date(2026, 1, 17))
BSOL, FSOL = [10e6, 5e6, 23.57e6, 4e6, 4.31e6], [0.0, 0.0, 0.0, 0.0, 0.0]


def etf(values: dict[str, list[float | None]], name: str = "etf_x") -> Source:
    return source(name, "etf_net_flow", (), fund_days(values, WEEK), "USD")


def test_the_days_of_a_week_of_funds_are_added_up(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(etf({"BSOL": list(BSOL), "FSOL": list(FSOL)})))
    report = flows("2026-01-12/2026-01-17", "$46.88M", asset="SOL", options=options)
    assert report.verdict is Verdict.SUPPORTED
    one = flows("2026-01-14", "$23.57M", asset="SOL", options=options)
    assert one.verdict is Verdict.SUPPORTED
    fund = flows("2026-01-12/2026-01-17", "$46.88M", asset="SOL", subject="fsol", options=options)
    assert fund.verdict is Verdict.DIFFERS


def test_a_day_that_is_not_reported_is_not_zero(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(etf({"BSOL": [10e6, None, 23.57e6, 4e6, 4.31e6]})))
    report = flows("2026-01-12/2026-01-17", "$41.88M", asset="SOL", options=options)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert any("without 13 Jan: not reported" in answer.text for answer in report.answers)


def test_an_outflow_is_below_zero(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(etf({"TSOL": [-0.2e6, -0.2e6, -0.1e6, -0.1e6, -0.1258e6]})))
    for claim, verdict in (("net outflow of $725,800", Verdict.SUPPORTED), ("$725,800", Verdict.DIFFERS)):
        report = flows("2026-01-12/2026-01-17", claim, asset="SOL", subject="TSOL", options=options)
        assert report.verdict is verdict
        flow = "net outflow" if "outflow" in claim else "net flow"
        signed = "$725.8k" if "outflow" in claim else "-$725.8k"
        assert report.sentence.startswith(f"The {flow} of TSOL was {signed}"), report.sentence


def test_what_all_funds_took_in_says_nothing_of_one() -> None:
    report = flows("2026-01-12/2026-01-17", "$32.23M", asset="SOL", subject="BSOL", options=OFFLINE)
    assert [answer.text.split()[0] for answer in report.answers] == ["$32.23M"]


def test_two_independent_counts_that_agree_corroborate(here: Callable[..., list[str]]) -> None:
    both = here(etf({"BSOL": list(BSOL)}, "first_x"), etf({"BSOL": [v * 1.001 for v in BSOL]}, "second_x"))
    report = flows("2026-01-14", "about $23.6M", asset="SOL", options=with_sources(both))
    assert report.verdict is Verdict.SUPPORTED
    assert report.questions[1].answer == "yes"


def test_printed_parts_are_held_against_the_printed_whole() -> None:
    report = flows("2026-01-12/2026-01-17", "$46.88M", asset="SOL", options=OFFLINE)
    noticed = {finding.code: finding.text for finding in report.findings}
    assert "-$725.8k and as -$72.58k, apart by a factor of 10" in noticed["same_thing_twice"]
    assert "add up to $42.47M of $46.88M" in noticed["parts_of_whole"]
    assert report.verdict is Verdict.INCONCLUSIVE  # no page says who measured it


def test_a_window_without_a_trading_day_is_a_usage_error() -> None:
    with pytest.raises(InputError, match="no trading day"):
        flows("2026-01-17/2026-01-20", asset="SOL", options=OFFLINE)


def test_a_volume_is_added_up_over_days_of_utc(here: Callable[..., list[str]]) -> None:
    volume = source(
        "dex_x", "dex_volume", ("byreal",), daily(date(2026, 1, 1), [1e6] * 18, "byreal", "", "value"), "USD"
    )
    report = flows("2026-01-01/2026-01-19", "$18M", kind="dex", subject="Byreal", options=with_sources(here(volume)))
    assert report.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("window", "verdict"),
    [("2025-06-28/2026-01-20", Verdict.SUPPORTED), ("2026-01-12/2026-01-19", Verdict.INCONCLUSIVE)],
)
def test_a_sum_since_launch_is_of_the_window_from_launch_to_its_end(
    here: Callable[..., list[str]], window: str, verdict: Verdict
) -> None:
    launch, asked = (int(datetime(*day, tzinfo=UTC).timestamp()) for day in ((2025, 6, 27), (2026, 1, 20)))
    row = {"start": launch, "end": asked, "subject": "byreal", "asset": "", "field": "cumulative", "value": 1.18e9}
    options = with_sources(here(source("dex_x", "dex_volume", ("byreal",), [row], "USD")))
    report = flows(window, "about $1.18bn", kind="dex", subject="byreal", options=options)
    assert report.verdict is verdict
    assert any("from 27 Jun 2025 to 20 Jan 2026" in answer.text for answer in report.answers)


# positions


def test_a_gain_is_coins_times_price_less_cost() -> None:
    asked = {"holding": "626,700 ETH", "cost": "$3,105.5", "price": "$3,204", "options": OFFLINE}
    report = position("2026-01-19", "$61.7M", **asked)  # type: ignore[arg-type]
    assert report.verdict is Verdict.SUPPORTED
    assert position("2026-01-19", "$65M", **asked).verdict is Verdict.DIFFERS  # type: ignore[arg-type]
    noticed = next(finding.text for finding in report.findings if finding.code == "per_unit")
    assert "$98.4" in noticed
    assert "a price of $3,203.94 to $3,203.96" in noticed


def test_the_day_s_prices_bound_the_gain(here: Callable[..., list[str]]) -> None:
    day = datetime(2026, 1, 19, tzinfo=UTC)
    rows = [{**row, "asset": "ETH"} for row in bars("binance", [(3200.0, 3220.0, 3180.0, 3210.0)] * 24, day)]
    options = with_sources(here(source("eth_x", "price", ("binance",), rows, "USD")))
    report = position("2026-01-19", "$61.7M", holding="626,700 ETH", cost="$3,105.5", options=options)
    low, high = (626_700 * (price - 3105.5) for price in (3180, 3220))
    assert report.answers[0].feasible is not None
    assert report.answers[0].feasible.low == pytest.approx(low, rel=1e-3)
    assert report.answers[0].feasible.high == pytest.approx(high, rel=1e-3)
    assert report.verdict is Verdict.INCONCLUSIVE


def test_a_short_gains_when_the_price_falls() -> None:
    report = position(
        "2026-01-19", "$241,000", holding="6,755 ETH", cost="$3,239.68", price="$3,204", short=True, options=OFFLINE
    )
    assert report.verdict is Verdict.SUPPORTED


def test_without_a_cost_the_claim_is_told_per_coin() -> None:
    report = position("2026-01-19", "$241,000", holding="6,755 ETH", options=OFFLINE)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.findings[0].text.startswith("$241,000 is $35.67 to $35.68 per ETH")


@pytest.mark.parametrize("holding", ["626,700", "many ETH", "1 BTC and 2 ETH"])
def test_a_holding_that_is_none_is_refused(holding: str) -> None:
    with pytest.raises((InputError, AmountError), match="626,700 ETH"):
        position("2026-01-19", "$1M", holding=holding, options=OFFLINE)


ACCOUNT = "0x" + "ab" * 20


def account_source(identity: str, **fields: float) -> Source:
    moment = int(datetime(2026, 1, 19, 23, 59, tzinfo=UTC).timestamp())
    rows = [
        {"start": moment, "end": moment, "subject": ACCOUNT, "asset": "ETH", "field": field, "value": value}
        for field, value in fields.items()
    ]
    return source(identity, "holding", (), rows, "ETH")


@pytest.fixture
def eth_prices() -> Source:
    day = datetime(2026, 1, 19, tzinfo=UTC)
    rows = [{**row, "asset": "ETH"} for row in bars("binance", [(3200.0, 3206.0, 3202.0, 3204.0)] * 24, day)]
    return source("eth_x", "price", ("binance",), rows, "USD")


@pytest.mark.parametrize(("claim", "verdict"), [("626,700 ETH", Verdict.SUPPORTED), ("650,000 ETH", Verdict.DIFFERS)])
def test_a_claim_in_coins_is_about_what_the_account_holds(
    here: Callable[..., list[str]], claim: str, verdict: Verdict
) -> None:
    options = with_sources(here(account_source("chain_x", quantity=626_712.4)))
    report = position("2026-01-19", claim, account=ACCOUNT.upper().replace("0X", "0x"), options=options)
    assert report.verdict is verdict
    assert "626,712.4 ETH" in report.sentence


def test_the_gain_of_an_account_is_worked_out_from_what_it_holds(
    here: Callable[..., list[str]], eth_prices: Source
) -> None:
    options = with_sources(here(account_source("chain_x", quantity=626_700.0), eth_prices))
    asked = {"account": ACCOUNT, "cost": "$3,105.5", "options": options}
    assert position("2026-01-19", "$65M", **asked).verdict is Verdict.DIFFERS  # type: ignore[arg-type]
    report = position("2026-01-19", "about $61.7M", **asked)  # type: ignore[arg-type]
    assert report.verdict is not Verdict.DIFFERS
    assert any("626,700 ETH at a cost of $3,105.50" in finding.text for finding in report.findings)


def test_a_short_account_tells_its_own_entry_price(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(account_source("perp_x", quantity=-6_755.0, entry_price=3_239.68)))
    report = position("2026-01-19", "$241,000", account=ACCOUNT, price="$3,204", options=options)
    assert report.verdict is Verdict.SUPPORTED


def test_an_account_of_which_nothing_is_known_decides_nothing(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(account_source("chain_x", quantity=0.0)))
    report = position("2026-01-19", "$61.7M", account=ACCOUNT, options=options)
    assert (report.verdict, codes(report)) == (Verdict.INCONCLUSIVE, ["no_evidence"])


def test_without_a_claim_the_holding_is_told(here: Callable[..., list[str]]) -> None:
    options = with_sources(here(account_source("chain_x", quantity=12.5)))
    report = position("2026-01-19", account=ACCOUNT, options=options)
    assert report.verdict is None
    assert "12.5 ETH" in report.sentence


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "either what is held"),
        ({"holding": "1 ETH", "account": ACCOUNT}, "either what is held"),
        ({"account": ACCOUNT, "short": True}, "--short belongs"),
        ({"account": "vitalik.eth"}, "no address"),
        ({"account": ACCOUNT, "claim": "5 BTC"}, "the claim is about BTC"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_asked_of_a_position_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        position("2026-01-19", options=OFFLINE, **asked)  # type: ignore[arg-type]


# the commands


GAIN = ["position", "--holding", "626,700 ETH", "--cost", "$3,105.5", "--price", "$3,204", "--window", "2026-01-19"]
LOW = ["market", "price", "--asset", "BTC", "--window", "2026-01-18T23:00Z/2026-01-19T03:00Z"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["flows", "--asset", "SOL", "--window", "2026-01-12/2026-01-17", "--claim", "$46.88M"], 3),
        (["flows", "--window", "2026-01-12/2026-01-17"], 2),
        (["flows", "--kind", "dex", "--asset", "SOL", "--window", "2026-01-12"], 2),
        ([*LOW, "--claim", "broke $92,000"], 0),
        (["market", "volatility", "--window", "2025-11-01/2026-01-19", "--claim", "down 18-25 points"], 3),
        ([*GAIN, "--claim", "$61.7M"], 0),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else str(value),
)
def test_commands_exit_with_the_verdict(arguments: list[str], code: int, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    done = CliRunner().invoke(
        cli, [*arguments, "--offline", "--format", "json", "-o", str(target)], standalone_mode=False
    )
    if code == 2:
        assert isinstance(done.exception, InputError)
        return
    assert done.return_value == code
    from jsonschema import Draft202012Validator

    from reports import json as reports_json

    Draft202012Validator(reports_json.schema()).validate(json.loads(target.read_text(encoding="utf-8")))


@pytest.mark.parametrize("holding", ["0 ETH", "0.0 ETH", "-5 ETH", "626.700,5 ETH", "5 ETH, 3 BTC"])
def test_a_holding_of_nothing_or_read_in_part_is_refused(holding: str) -> None:
    with pytest.raises(InputError, match="the holding"):
        position("2026-01-19", "$61.7M", holding=holding, cost="$3,105.5", options=OFFLINE)


@pytest.mark.parametrize("claim", ["broke €92", "broke C$92,000", "跌破9.2万元"])
def test_a_price_in_another_currency_is_refused(claim: str) -> None:
    with pytest.raises(AmountError, match="not in US dollars"):
        market("2026-01-19", claim, kind="price", asset="BTC", options=OFFLINE)


@pytest.mark.parametrize(
    "words",
    [
        ["market", "price", "--asset", "BTC", "--claim", ""],
        ["flows", "--asset", "SOL", "--claim", " "],
        ["position", "--holding", "5 ETH", "--cost", ""],
    ],
)
def test_a_text_of_nothing_is_no_option_left_out(words: list[str]) -> None:
    done = CliRunner().invoke(cli, [*words, "--window", "2026-01-19", "--offline"])
    assert done.exit_code == 2
    assert "is empty" in done.output
