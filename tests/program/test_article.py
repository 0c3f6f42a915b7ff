"""An article judged by what venues count themselves: one run, one evidence file, requests shared between claims."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from provider_server import ProviderServer, failing

from reports import article as shown
from verify.article import article
from verify.claims.result import ArticleReport
from verify.model.errors import EvidenceError, InputError

DRAFT = """\
In the past 4 hours, $398,000 was liquidated on Gate: $358,000 in longs and $40,000 in shorts.

Over the same 4 hours, Gate liquidated $750,000 in positions, another desk wrote.

OKX liquidated $364,500 in the past 4 hours.
"""
pytestmark = pytest.mark.usefixtures("online")


def judged(now: datetime, text: str = DRAFT, **more: object) -> ArticleReport:
    asked = {"published_at": "2026-11-20T12:00Z", "sources": ["gate", "okx"], "now": now, **more}
    return article(text, **asked)  # type: ignore[arg-type]


def test_each_claim_is_judged_by_the_venues_own_count(now: datetime) -> None:
    rows = {row.claim.text: row for row in judged(now).rows}
    assert {text: str(row.verdict) for text, row in rows.items()} == {
        "$398,000": "supported",
        "$358,000": "supported",
        "$40,000": "supported",
        "$750,000": "differs",
        "$364,500": "inconclusive",  # OKX shows a part: at least
    }


def test_what_several_claims_need_is_asked_once(now: datetime, server: ProviderServer) -> None:
    one = article("In the past 4 hours, $398,000 was liquidated on Gate.", published_at="2026-11-20T12:00Z",
                  sources=["gate"], now=now)  # fmt: skip
    assert one.rows[0].verdict == "supported"
    alone = Counter((ask.host, ask.path) for ask in server.asked)
    server.asked.clear()
    judged(now, sources=["gate"])
    assert Counter((ask.host, ask.path) for ask in server.asked) == alone


def test_the_evidence_gives_the_same_report_without_the_network(
    now: datetime, server: ProviderServer, tmp_path: Path
) -> None:
    path = tmp_path / "run.warc"
    first = judged(now, evidence=path)
    server.asked.clear()
    again = judged(now, evidence=path, replay=True)
    assert not server.asked
    assert shown.as_json(again) == shown.as_json(first)
    with pytest.raises(EvidenceError, match="another text"):
        judged(now, text=DRAFT + "More.", evidence=path, replay=True)


def test_evidence_of_an_offline_run_is_replayed_too(now: datetime, tmp_path: Path) -> None:
    path = tmp_path / "run.warc"
    first = judged(now, evidence=path, offline=True, sources=[])
    again = judged(now, evidence=path, replay=True, sources=[])
    assert shown.as_json(again) == shown.as_json(first)


def test_a_source_that_fails_is_told_and_leaves_the_claim_open(now: datetime, server: ProviderServer) -> None:
    server.serve("api.gateio.ws", "/api/v4/futures/usdt/liq_orders", failing(500))
    report = judged(now, text="In the past 4 hours, $398,000 was liquidated on Gate.\n", sources=["gate"])
    assert report.rows[0].verdict == "inconclusive"
    assert report.exit_code() == 4
    assert "gate/liq_orders: failed" in shown.table(report)


def test_offline_a_source_asked_for_by_name_is_refused(now: datetime) -> None:
    with pytest.raises(InputError, match="--offline forbids it"):
        judged(now, offline=True)


def test_a_trial_is_said_in_the_first_line(now: datetime) -> None:
    assert shown.table(judged(now)).startswith("TRIAL")
    assert not shown.table(judged(now, offline=True, sources=[])).startswith("TRIAL")
