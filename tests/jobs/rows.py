"""Rows of runs for tests."""

from __future__ import annotations

from typing import Any

from verify.model.checks import CheckRow, ProviderRow, RunReport, Severity, Status
from verify.model.report import Reason, Verdict

_REASONS = {
    Status.PASSED: "quoted_right",
    Status.DIFFERS: "out_of_range",
    Status.INCONCLUSIVE: "no_evidence",
    Status.FAILED: "source_failed",
}


def check(identity: str, status: Status = Status.PASSED, **more: Any) -> CheckRow:
    """A check with that outcome."""
    row: dict[str, Any] = {
        "id": identity,
        "name": identity.partition("[")[0],
        "description": "",
        "tags": (),
        "severity": Severity.ERROR,
        "status": status,
        "reasons": (Reason(_REASONS[status], "somebody says so"),),
        "quantity": "long liquidations, all venues",
        "window": "2026-01-19T00:00Z/2026-01-20T00:00Z",
        "window_words": "19 Jan 2026 00:00 to 20 Jan 00:00 UTC (24 hours)",
        "claim": "$750M",
        "origin": "claim",
        "verdict": Verdict.SUPPORTED if status is Status.PASSED else Verdict.INCONCLUSIVE,
        "confidence": 0.5,
        "independent": 1,
        "sentence": "At least $750M.",
        "caveat": "Single channel.",
        "file": "verify.toml",
        "line": 3,
    }
    return CheckRow(**(row | more))


def provider(source: str, state: str = "delivered") -> ProviderRow:
    return ProviderRow(source, state, 5 if state == "delivered" else None)


def report(*rows: CheckRow | ProviderRow, **more: Any) -> RunReport:
    """A run of those checks and providers."""
    checks = tuple(row for row in rows if isinstance(row, CheckRow))
    providers = tuple(row for row in rows if isinstance(row, ProviderRow))
    return RunReport("0.1.0", "verify.toml", "2026-01-20T00:00Z", checks, providers, **more)
