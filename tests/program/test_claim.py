"""A claim judged by what venues count themselves, beside what an aggregator says of the same venue."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from provider_server import ProviderServer, failing

import verify
from verify.model.report import Report

HEAD = "url,outlet,amount_usd,venue,side,window_start_utc,window_end_utc,window_confidence,provider_attributed"
WINDOW = "2026-11-20T08:00Z/2026-11-20T12:00Z"
START, END = WINDOW.split("/")
pytestmark = pytest.mark.usefixtures("online")


@pytest.fixture
def printed(tmp_path: Path) -> Path:
    return tmp_path / "figures.csv"


def says(path: Path, *rows: tuple[str, int], provider: str = "CoinGlass") -> Path:
    """A file in which a provider prints totals of venues over the window."""
    lines = [
        f"https://{provider.lower()}.example/{venue},{provider},{amount},{venue},total,{START},{END},high,{provider}"
        for venue, amount in rows
    ]
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    return path


def judge(now: datetime, claim: str | None, venue: str, *figures: Path, **more: object) -> Report:
    asked = {"venues": [venue], "sources": [venue.lower()], "figures": figures or ("bundled",), "now": now, **more}
    return verify.liquidations(WINDOW, claim, **asked)  # type: ignore[arg-type]


def codes(report: Report) -> set[str]:
    return {reason.code for reason in report.reasons}


def test_a_venues_own_count_bears_a_claim_out(now: datetime) -> None:
    report = judge(now, "$398K", "Gate")
    assert report.verdict == "supported"
    assert report.exit_code == 0
    assert [answer.title for answer in report.answers] == ["Gate"]


def test_a_venues_own_count_refutes_a_claim(now: datetime) -> None:
    report = judge(now, "$750K", "Gate")
    assert report.verdict == "differs"
    assert "out_of_range" in codes(report)
    assert report.exit_code == 1


def test_an_aggregator_and_the_venue_agree_on_the_common_scope(now: datetime, printed: Path) -> None:
    report = judge(now, "$398K", "Gate", says(printed, ("Gate", 398_000)))
    assert report.verdict == "supported"
    assert {row.title: (row.figures, row.counts) for row in report.lineages} == {
        "CoinGlass": (1, True),
        "Gate": (3, True),
    }
    assert report.independent == 1  # the public feed of the venue is what the aggregator is taken to be made from
    (finding,) = [finding for finding in report.findings if finding.code == "shared_feeds"]
    assert "Gate and CoinGlass are one vote: Gate and CoinGlass share gate/liq_orders" in finding.text
    assert "CoinGlass is made from is not documented" in finding.text
    (pair,) = [pair for pair in report.comparisons if pair.same_scope]
    assert pair.ratio == pytest.approx(1.0)
    corroborated = next(question for question in report.questions if question.id == "corroborated")
    assert (corroborated.answer, "share their feeds" in corroborated.text) == ("no", True)


@pytest.mark.parametrize("claim", ["$398K", "$199K"], ids=["the venue's", "the aggregator's"])
def test_an_aggregator_that_shows_half_is_seen_and_leaves_the_claim_open(
    now: datetime, printed: Path, claim: str
) -> None:
    report = judge(now, claim, "Gate", says(printed, ("Gate", 199_000)))
    (pair,) = [pair for pair in report.comparisons if pair.same_scope]
    assert pair.ratio == pytest.approx(2.0)
    assert "2" in pair.text
    assert report.verdict == "inconclusive"
    assert "independent_lineages_disagree" in codes(report)
    corroborated = next(question for question in report.questions if question.id == "corroborated")
    assert corroborated.answer == "no"
    assert "differ by a factor of 2.0" in corroborated.text


def test_what_one_channel_says_is_judged_by_it_alone(now: datetime, printed: Path) -> None:
    file = says(printed, ("Gate", 199_000))
    assert judge(now, "$199K", "Gate", file, channel="CoinGlass").verdict == "supported"
    assert judge(now, "$398K", "Gate", file, channel="CoinGlass").verdict == "differs"
    assert judge(now, "$398K", "Gate", file, channel="Gate").verdict == "supported"


class TestLowerBounds:
    """OKX calls its feed not the total: what it shows is the least, never the whole."""

    def test_more_than_it_shows_is_possible(self, now: datetime) -> None:
        report = judge(now, "$700K", "OKX")
        assert report.verdict == "inconclusive"
        assert report.exit_code == 3

    def test_what_it_shows_is_not_taken_for_the_total(self, now: datetime) -> None:
        assert judge(now, "$364.5K", "OKX").verdict == "inconclusive"

    def test_at_least_what_it_shows_is_borne_out(self, now: datetime) -> None:
        assert judge(now, "at least $300K", "OKX").verdict == "supported"

    def test_less_than_it_shows_is_refuted(self, now: datetime) -> None:
        report = judge(now, "$200K", "OKX")
        assert report.verdict == "differs"
        assert "out_of_range" in codes(report)

    def test_an_aggregator_that_counts_more_is_not_contradicted(self, now: datetime, printed: Path) -> None:
        report = judge(now, "$700K", "OKX", says(printed, ("OKX", 700_000)))
        assert report.verdict == "supported"
        assert report.independent == 1

    def test_an_aggregator_that_counts_less_is(self, now: datetime, printed: Path) -> None:
        report = judge(now, "$200K", "OKX", says(printed, ("OKX", 200_000)))
        assert report.verdict == "inconclusive"
        assert "independent_lineages_disagree" in codes(report)

    def test_a_part_of_the_window_is_a_lower_bound(self, now: datetime) -> None:
        """Half of the window lies in the future: Gate's complete feed has shown $248K so far."""
        later = "2026-11-20T10:00Z/PT4H"
        asked = {"venues": ["Gate"], "sources": ["gate"], "now": now}
        assert verify.liquidations(later, "$248K", **asked).verdict == "inconclusive"  # type: ignore[arg-type]
        assert verify.liquidations(later, "at least $240K", **asked).verdict == "supported"  # type: ignore[arg-type]
        assert verify.liquidations(later, "$100K", **asked).verdict == "differs"  # type: ignore[arg-type]


class TestFailures:
    """A verdict that was reached stands; one that a failure prevented is exit code 4."""

    def test_a_verdict_from_other_evidence_stands(self, now: datetime, server: ProviderServer, printed: Path) -> None:
        server.serve("*", "*", failing(500))
        broken(server, "api.gateio.ws")
        report = judge(now, "$199K", "Gate", says(printed, ("Gate", 199_000)))
        assert [row.status for row in report.sources] == ["failed"]
        assert report.verdict == "supported"
        assert report.exit_code == 0

    def test_without_other_evidence_the_failure_prevents_it(self, now: datetime, server: ProviderServer) -> None:
        broken(server, "api.gateio.ws")
        report = judge(now, "$398K", "Gate")
        assert report.verdict == "inconclusive"
        assert report.exit_code == 4

    def test_one_channel_of_a_venue_that_fails_makes_the_rest_a_lower_bound(
        self, now: datetime, server: ProviderServer
    ) -> None:
        server.serve("api.hbdm.com", "/swap-api/v3/swap_liquidation_orders", failing(403))
        report = judge(now, "$86.4K", "HTX")
        assert {row.source: row.status for row in report.sources} == {"htx/linear": "ok", "htx/coin": "failed"}
        assert report.verdict == "inconclusive"
        assert report.exit_code == 4


def broken(server: ProviderServer, host: str) -> None:
    """Every path of a host is refused."""
    for path in (
        "/api/v4/futures/usdt/liq_orders",
        "/api/v4/futures/btc/liq_orders",
    ):
        server.serve(host, path, failing(451))
