"""A simulated market as sources: from the address to a report that says SIMULATED, and on to the truth behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import verify
from reports import html, markdown, terminal
from reports import json as json_form
from sources import http
from sources.collect import deliver
from sources.jobs import Job
from sources.simulated import scenarios, serving
from sources.simulated.world import Regime
from sources.spec import Transport
from verify.model.errors import InputError
from verify.model.quantity import Quantity
from verify.model.report import Report
from verify.model.window import Window

WINDOW = "2025-03-01T08:00Z/2025-03-01T12:00Z"
ADDRESS = "simulated:quiet?seed=7"


@pytest.fixture(scope="module")
def report() -> Report:
    return verify.liquidations(WINDOW, "about $90M", sources=[ADDRESS], offline=True)


def test_every_format_says_simulated_in_its_first_line(report: Report) -> None:
    for shown in (terminal.render(report), markdown.render(report), html.render(report)):
        assert "SIMULATED" in shown.splitlines()[0]
    assert json.loads(json_form.render(report))["simulated"] is True
    assert report.sentence.startswith("SIMULATED, not for print")


def test_the_report_holds_an_estimate_its_time_line_and_its_coverage(report: Report) -> None:
    found = report.estimate
    assert found is not None
    assert found.total is not None
    assert found.kind == "estimate"
    assert found.lineages >= 5
    assert found.heterogeneity is not None
    assert found.shown + found.hidden + found.extrapolated == pytest.approx(1.0, abs=0.001)
    assert found.without
    assert found.sensitivity
    assert found.probability is not None
    assert report.confidence is not None
    assert report.confidence.learned == (
        report.reasons[0].code in ("market_estimate_agrees", "market_estimate_excludes")
    )
    seen = {row.venue for row in report.coverage if row.channels}
    assert {"Binance", "Bybit", "Gate"} <= seen
    assert {row.venue for row in report.coverage} - seen == {"MEXC", "BingX", "KuCoin"}
    assert sum(row.share or 0.0 for row in report.coverage) == pytest.approx(1.0, abs=0.001)
    Draft202012Validator(json_form.schema()).validate(json.loads(json_form.render(report)))


def test_the_third_question_gives_no_number_without_interval_lineages_and_heterogeneity(report: Report) -> None:
    market = report.questions[2]
    assert "90 %" in market.text
    assert "independent lineages" in market.text
    assert "heterogeneity" in market.text
    assert "by what is shown" in market.text


def test_the_time_line_adds_up_to_what_the_sources_show(report: Report) -> None:
    for row in (row for row in report.sources if row.status != "not asked"):
        bins = [one for one in report.timeline if one.channel == row.source]
        assert sum(one.long_usd for one in bins) == pytest.approx(row.long_usd, abs=1.0)
        assert sum(one.short_usd for one in bins) == pytest.approx(row.short_usd, abs=1.0)
        if row.events is not None:
            assert sum(one.records or 0 for one in bins) == row.events
            assert 60 <= len(bins) <= 120
            assert bins[0].start == datetime(2025, 3, 1, 8, tzinfo=UTC)
            assert bins[-1].end == datetime(2025, 3, 1, 12, tzinfo=UTC)
    capped = [one for one in report.timeline if one.channel == "simulated.binance/usdm"]
    assert all(0 <= (one.capped_seconds or 0) <= 120 for one in capped)
    assert sum(one.capped_seconds or 0 for one in capped) > 0
    assert all(one.capped_seconds is None for one in report.timeline if one.channel == "simulated.bybit/liquidations")


def test_it_is_replayed_byte_for_byte(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "run.warc.gz"
    first = verify.liquidations(WINDOW, "about $90M", sources=[ADDRESS], offline=True, evidence=file)
    again = verify.liquidations(WINDOW, "about $90M", sources=[ADDRESS], evidence=file, replay=True)
    assert json_form.render(again) == json_form.render(first)
    assert json_form.render(replace(first, evidence=())) == json_form.render(replace(report, evidence=()))


def test_a_source_that_is_not_simulated_is_not_mixed_in() -> None:
    with pytest.raises(InputError, match="gate is no part of the simulated market"):
        verify.liquidations(WINDOW, sources=[ADDRESS, "gate"], offline=True)


def test_figures_of_real_markets_stay_out(report: Report) -> None:
    inside = "2026-01-18T22:30Z/2026-01-19T02:30Z"
    day = "simulated:quiet?seed=1&start=2026-01-18T12:00Z"
    assert all("SIMULATED" in row.outlet for row in report.figures)
    assert not [row for row in verify.liquidations(inside, sources=[day]).figures if "SIMULATED" not in row.outlet]


def test_a_window_outside_the_simulated_day_is_an_error_that_names_the_day() -> None:
    with pytest.raises(InputError, match="2025-03-01T00:00Z to 2025-03-02T00:00Z"):
        verify.liquidations("2026-01-18T22:30Z/2026-01-19T02:30Z", sources=[ADDRESS], offline=True)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("panic", "no simulated regime 'panic': choose quiet, crash, extreme"),
        ("crash?speed=7", "no parameter 'speed': it takes seed, scenario, start"),
        ("crash?seed=-1", "a whole number"),
        ("crash?seed=x", "a whole number"),
        ("crash?seed=", "a whole number"),
        ("crash?scenario=nominol", "nominal"),
        ("crash?start=yesterday", "cannot read the time"),
        ("crash?start=2026-01-18T12:00", "no time zone"),
        ("crash?start=1966-01-18T12:00Z", "2000 to 2100"),
        ("crash?start=2026-01-18T12:00:07Z", "full minute"),
    ],
)
def test_an_address_that_names_nothing_is_one_clear_error(address: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        serving.opened(address)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_no_address_raises_anything_else(text: str) -> None:
    try:
        day = serving.read_address(text)
    except InputError:
        return
    assert day.window.length == serving.LENGTH


@pytest.mark.parametrize("name", ["nominal", "another_world", "outlet_hyperliquid"])
def test_what_is_served_in_wire_formats_is_what_the_feeds_show(name: str) -> None:
    shown = scenarios.simulate(
        scenarios.scenario(name), Regime.QUIET, 3, start=serving.START, length=serving.LENGTH
    ).shown
    window = Window(serving.START + timedelta(hours=6), serving.START + timedelta(hours=8))
    sources = {source.spec.id: source for source in serving.opened(f"quiet?seed=3&scenario={name}")}
    jobs = [
        job
        for source in sources.values()
        for channel in source.spec.channels
        if "liquidations" in channel.metrics and channel.transport is Transport.FILE
        for job in (Job.for_channel(source, channel.id, window, Quantity()), Job.for_instruments(source, Quantity()))
        if job.channel or source.instrument_requests is not None
    ]
    outcomes = http.fetch_all(jobs, now=window.end, deadline=60.0)
    told = {one.source.id: one for one in deliver(outcomes, window, Quantity())}
    assert len(told) == len(shown.feeds) + len(shown.aggregators)
    for feed in shown.feeds:
        one = told[f"simulated.{feed.venue}"]
        inside = feed.events.filter(pl.col("time") >= window.start, pl.col("time") < window.end)
        assert one.failure is None
        assert one.events == inside.height
        assert (one.long_usd or 0) + (one.short_usd or 0) == pytest.approx(inside["notional_usd"].sum(), abs=1.0)
        assert (one.told is not None and one.told.whole) == (feed.covered is None or _within(window, feed.covered))


def _within(window: Window, parts: tuple[Window, ...]) -> bool:
    return any(part.contains(window) for part in parts)


@pytest.mark.slow
def test_the_estimate_covers_the_truth_nearly_always() -> None:
    """Whole simulated days through the complete program; the truth is in no report."""
    hits, seeds = 0, range(40, 43)
    day = Window(serving.START, serving.START + serving.LENGTH)
    for seed in seeds:
        found = verify.liquidations(day, sources=[f"simulated:quiet?seed={seed}"], offline=True).estimate
        assert found is not None
        assert found.total is not None
        simulated = scenarios.simulate(
            scenarios.scenario("nominal"), Regime.QUIET, seed, start=serving.START, length=serving.LENGTH
        )
        truth = simulated.truth.total
        hits += found.total.low90 <= truth <= found.total.high90
        assert found.total.median == pytest.approx(truth, rel=0.6)
    assert hits >= len(seeds) - 1


def test_a_venue_that_nobody_listened_to_is_known_by_what_is_documented_of_its_feed() -> None:
    report = verify.liquidations(WINDOW, sources=[f"{ADDRESS}&scenario=minimal"], offline=True)
    unread = {row.source for row in report.sources if row.status == "not asked"}
    assert "simulated.bybit/liquidations" in unread
    assert report.estimate is not None
    bases = {row.venue: row.basis for row in report.estimate.venues}
    assert (bases["Bybit"], bases["Bitget"], bases["MEXC"]) == ("complete", "capped", "extrapolated")


def test_a_report_that_has_nothing_to_rest_on_says_simulated_too() -> None:
    report = verify.liquidations(WINDOW, sources=[ADDRESS], venues=["MEXC"], offline=True)
    assert report.simulated
    assert report.estimate is None
