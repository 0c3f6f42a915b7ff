"""Flows of funds: SoSoValue, CoinGlass and saved pages of Farside give the same days, in dollars, nothing for zero."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from conformance import RECEIVED, Case, conforms, fixture, read
from hypothesis import given
from hypothesis import strategies as st

import verify
from sources import addressed, coinglass_etf, farside, sosovalue
from sources.adapter import Payload, Request
from verify.model.errors import AuthMissing, InputError, RateLimited, SchemaChanged, Suspect, Unavailable
from verify.model.quantity import ALL_FUNDS, METRICS, Quantity, Scope
from verify.model.trading_days import day_window
from verify.model.window import Window
from verify.pipeline.observed import Options

WEEK = "2026-01-12T05:00Z/2026-01-17T05:00Z"
#: Dollars of each day from the 12th of January 2026, as the constructed pages and answers print them.
TENTHS = [11.8, 5.7, 23.6, 8.9, -3.1]
_BTC = Request("https://openapi.sosovalue.com/x", (("symbol", "BTC"),))
_SOL = Request("https://openapi.sosovalue.com/x", (("symbol", "SOL"),))
_CHART = Request("https://api.sosovalue.xyz/x", method="POST", body=b'{"type": "us-sol-spot"}')
_FLOWS = Request("https://open-api-v4.coinglass.com/api/etf/solana/flow-history")

SOSOVALUE = {
    "summary": [
        Case("summary_documented.json", request=_BTC, amounts=("total_net_inflow",), signed=("total_net_inflow",),
             optional=("total_value_traded", "total_net_assets", "cum_net_inflow")),
        Case("summary_enveloped.json", request=_SOL, rows="data", amounts=("total_net_inflow",),
             signed=("total_net_inflow",)),
        Case("none.json", request=_SOL, expect=Unavailable),
        Case("refused.json", request=_SOL, expect=AuthMissing),
        Case("too_many.json", request=_SOL, expect=RateLimited),
    ],
    "chart": [
        Case("chart_documented.json", request=_CHART, rows="data.list", amounts=("totalNetInflow",),
             signed=("totalNetInflow",), optional=("totalValueTraded", "totalNetAssets", "cumNetInflow")),
        Case("chart_week.json", WEEK, request=_CHART, rows=None),
        Case("failed.json", request=_CHART, expect=Unavailable),
        Case("chart_week.json", "2025-06-02T04:00Z/P5D", request=_CHART, expect=Unavailable),
    ],
}  # fmt: skip
COINGLASS = {
    "flows": [
        Case("documented.json", request=_FLOWS, rows="data", amounts=("flow_usd",), signed=("flow_usd",),
             times=("timestamp",), optional=("flow_usd", "price_usd")),
        Case("week.json", WEEK, request=_FLOWS, rows=None),
        Case("contradiction.json", request=_FLOWS, expect=Suspect),
        Case("none.json", request=_FLOWS, expect=Unavailable),
        Case("upgrade.json", request=_FLOWS, expect=Unavailable),
    ]
}  # fmt: skip
FARSIDE = {
    "page": [
        Case("sol.html", rows=None),
        Case("all_data.html", rows=None),
        Case("contradiction.html", expect=Suspect),
        Case("short_row.html", expect=SchemaChanged),
        Case("no_amount.html", expect=SchemaChanged),
        Case("challenge.html", expect=SchemaChanged),
    ]
}
test_sosovalue = conforms(sosovalue.SOURCE, SOSOVALUE)
test_coinglass = conforms(coinglass_etf.SOURCE, COINGLASS)
test_farside = conforms(farside.SOURCE, FARSIDE)


def _days(frame: object, subject: str) -> dict[date, float]:
    import polars as pl

    assert isinstance(frame, pl.DataFrame)
    rows = frame.filter(pl.col("subject") == subject)
    return {start.date(): value for start, value in rows.select("start", "value").iter_rows()}


@pytest.mark.parametrize(
    ("source", "channel", "case"),
    [
        (coinglass_etf.SOURCE, "flows", COINGLASS["flows"][1]),
        (farside.SOURCE, "page", Case("sol.html", WEEK, rows=None)),
    ],
)
def test_days_and_funds_are_dollars_and_what_is_not_reported_is_no_zero(source, channel, case) -> None:  # type: ignore[no-untyped-def]
    frame = read(source, channel, case)
    assert set(frame["asset"]) == {"SOL"}
    assert set(frame["unit"]) == {"USD"}
    days = [date(2026, 1, day) for day in range(12, 17)]
    assert _days(frame, ALL_FUNDS) == dict(zip(days, [n * 1e6 for n in TENTHS], strict=True))
    assert _days(frame, "BSOL") == dict(zip(days, [10.2e6, 3.6e6, 20.1e6, 4.4e6, -6e6], strict=True))
    assert set(_days(frame, "TSOL")) == {days[0], days[1], days[3], days[4]}
    assert frame["start"][0] == day_window(days[0]).start == datetime(2026, 1, 12, 5, tzinfo=UTC)


def test_a_holiday_whose_total_is_printed_as_zero_is_left_out() -> None:
    frame = read(farside.SOURCE, "page", FARSIDE["page"][0])
    assert date(2026, 1, 19) not in _days(frame, ALL_FUNDS)


def test_a_page_may_say_only_by_its_funds_which_asset_they_hold() -> None:
    frame = read(farside.SOURCE, "page", FARSIDE["page"][1])
    assert set(frame["asset"]) == {"BTC"}
    assert _days(frame, ALL_FUNDS) == {
        date(2024, 1, 11): 576.6e6, date(2024, 1, 12): 598.7e6, date(2024, 1, 22): 1260.2e6,
    }  # fmt: skip
    assert set(_days(frame, "BTC")) == {date(2024, 1, 11)}


def test_the_page_in_place_of_the_table_says_what_to_do() -> None:
    with pytest.raises(SchemaChanged, match="save it once the browser shows the table"):
        read(farside.SOURCE, "page", FARSIDE["page"][-1])


@given(st.text(alphabet="<>/tdrhable =\"'x1.() -&;", max_size=400))
def test_no_text_makes_a_page_break(text: str) -> None:
    case = FARSIDE["page"][0]
    with pytest.raises(SchemaChanged):
        read(farside.SOURCE, "page", case, text.encode())


@given(st.lists(st.one_of(st.none(), st.integers(-99_999, 99_999)), min_size=2, max_size=5))
def test_what_is_printed_is_what_is_read(tenths: Sequence[int | None]) -> None:
    def cell(value: int | None) -> str:
        if value is None:
            return "-"
        return f"({-value / 10:,.1f})" if value < 0 else f"{value / 10:,.1f}"

    funds = [f"F{letter}SOL" for letter in "ABCDE"[: len(tenths)]]
    total = sum(value or 0 for value in tenths)
    rows = [["", *funds, "Total"], ["5 Mar 2026", *map(cell, tenths), cell(total)]]
    body = "".join("<tr>" + "".join(f"<td>{text}</td>" for text in row) + "</tr>" for row in rows)
    page = f"<title>Solana ETF Flow</title><table>{body}</table>".encode()
    frame = read(farside.SOURCE, "page", FARSIDE["page"][0], page)
    told = {fund: value for fund, value in zip(funds, tenths, strict=True) if value is not None}
    if told:
        told[ALL_FUNDS] = total
    assert dict(zip(frame["subject"], frame["value"], strict=True)) == {k: v * 1e5 for k, v in told.items()}


def test_the_summary_is_asked_by_days_of_new_york() -> None:
    window = Window(day_window(date(2026, 1, 12)).start, day_window(date(2026, 1, 16)).end)
    asset = Quantity(METRICS["etf_net_flow"], assets=Scope.of("SOL"))
    requests = sosovalue.SOURCE.channels["summary"].requests
    assert requests is not None
    (request,) = requests(window, asset)
    asked = dict(request.params)
    assert (asked["symbol"], asked["start_date"], asked["end_date"]) == ("SOL", "2026-01-12", "2026-01-16")


def test_a_time_that_is_no_day_is_refused() -> None:
    body = fixture("coinglass_etf", "documented.json").replace(b"1762473600000", b"1762477200000")
    with pytest.raises(SchemaChanged, match="midnight"):
        read(coinglass_etf.SOURCE, "flows", COINGLASS["flows"][0], body)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "Solana ETF Flow.html"
    path.write_bytes(fixture("farside", "sol.html"))
    return path


def test_a_saved_page_judges_a_claim_offline(page: Path) -> None:
    options = Options(sources=(f"farside:{page}",), offline=True, now=RECEIVED)
    report = verify.flows("2026-01-12/2026-01-17", "$46.9M", asset="SOL", options=options)
    assert report.verdict == "supported"
    told = [(row.source, row.status, row.lineage) for row in report.sources]
    assert told == [("farside.solana-etf-flow/page", "ok", "farside/tables")]


@pytest.mark.parametrize(
    ("claim", "verdict"), [("$46.88M", "inconclusive"), ("$46.5M", "differs"), ("about $47M", "supported")]
)
def test_a_sum_of_rounded_days_decides_no_more_than_rounding_allows(page: Path, claim: str, verdict: str) -> None:
    options = Options(sources=(f"farside:{page}",), offline=True, now=RECEIVED)
    report = verify.flows("2026-01-12/2026-01-17", claim, asset="SOL", options=options)
    assert report.verdict == verdict


def test_an_own_page_and_a_figure_that_names_its_provider_are_one_vote(page: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.csv"
    file.write_text(
        "url,outlet,published_at,metric,venue,asset,side,amount_usd,window_start_utc,window_end_utc,provider_attributed\n"
        "https://x.invalid/1,Desk,2026-01-17,ETF net flow,US spot SOL ETFs,SOL,inflow,46900000,"
        "2026-01-12,2026-01-16,Farside\n"
    )
    options = Options(sources=(f"farside:{page}",), figures=(file,), offline=True, now=RECEIVED)
    report = verify.flows("2026-01-12/2026-01-17", "$46.9M", asset="SOL", options=options)
    assert (report.verdict, report.independent) == ("supported", 1)


def test_a_page_of_another_asset_is_told_as_one(page: Path) -> None:
    options = Options(sources=(f"farside:{page}",), offline=True, now=RECEIVED)
    report = verify.flows("2026-01-12/2026-01-17", "$46.9M", asset="BTC", options=options)
    assert report.verdict == "inconclusive"
    assert [f.text for f in report.findings if f.code == "other_asset"] == [
        "farside.solana-etf-flow/page tells of SOL funds, not of BTC"
    ]


def test_a_saved_page_tells_single_funds(page: Path) -> None:
    options = Options(sources=(f"farside:{page}",), offline=True, now=RECEIVED)
    report = verify.flows("2026-01-12/2026-01-17", "$32.3M", asset="SOL", subject="BSOL", options=options)
    assert report.verdict == "supported"


def test_what_is_no_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        addressed.opened(f"farside:{tmp_path / 'nothing.html'}")


def test_a_page_that_vanishes_is_a_failure_of_the_source(page: Path) -> None:
    (source,) = addressed.opened(f"farside:{page}")
    reader = source.channels["page"].reader
    page.unlink()
    assert reader is not None
    with pytest.raises(Unavailable, match="cannot read"):
        reader(Request("https://farside.co.uk/"))


def test_without_a_page_the_report_says_how_to_get_one() -> None:
    from sources import collect

    window = Window(day_window(date(2026, 1, 12)).start, day_window(date(2026, 1, 16)).end)
    plan = collect.plan([farside.SOURCE], window, Quantity(METRICS["etf_net_flow"]), RECEIVED)
    assert not plan.jobs
    assert "--source farside:PATH" in plan.refusals[0].reason


def test_the_month_that_the_summary_keeps_decides_which_interface_is_asked() -> None:
    from sources import collect

    def asked(start: date, end: date) -> list[str]:
        window = Window(day_window(start).start, day_window(end).end)
        plan = collect.plan([sosovalue.SOURCE], window, Quantity(METRICS["etf_net_flow"]), RECEIVED)
        return [job.label for job in plan.jobs]

    assert asked(date(2026, 11, 16), date(2026, 11, 20)) == ["sosovalue/summary"]
    assert asked(date(2026, 1, 12), date(2026, 1, 16)) == ["sosovalue/chart"]


def test_a_payload_without_a_symbol_still_reads() -> None:
    payload = Payload(
        Request("https://openapi.sosovalue.com/"), fixture("sosovalue", "summary_documented.json"), RECEIVED
    )
    parse = sosovalue.SOURCE.channels["summary"].parse
    assert parse is not None
    assert parse(payload, Window.parse("2024-04-01/P30D"), {}).height == 2
