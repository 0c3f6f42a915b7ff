"""Compare a run with the one before: what is new, known and fixed, which provider flaps and which went silent.

Each check and each provider carries its history, one letter per run, oldest first, at most `KEPT` of them:

    check       P passed, D differs, I inconclusive, F a source failure prevented a verdict
    provider    P delivered, S answered and delivered nothing while another provider of that metric did, F failed,
                - nothing to say: it was not asked, or nobody delivered

A *gap* is an unbroken series of letters that are not P (dashes are skipped). The rules, for one history:

* The gap at the end is *tolerated* while it is no longer than the longest earlier gap that ended; a provider or check
  that was away for two nights before is not an alarm when it is away for two nights again. That is *flapping*.
* A gap with an F in it is tolerated for `PATIENCE` runs in any case: a provider that fails says so, and most come back.
* Everything else alarms: at once where a provider answers as if nothing had happened (S) or a check is inconclusive,
  at the latest after `KEPT` runs, as only gaps that a history remembers excuse one.
* A provider that never delivered alarms nobody.
* That a figure differs (D) is never tolerated.

An alarm is `new` in the run in which it begins, `known` in those after it, and `fixed` in the first P after it. In a
run without a baseline nothing is called anything; to the next run, checks that did not pass in it are `known`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from verify.model.checks import RUN_SCHEMA_VERSION, Change, CheckRow, ProviderRow, RunReport, Status
from verify.model.errors import InputError

#: Letters kept of a history: a fortnight of nights.
KEPT = 14
#: So many runs in a row may fail before that is an alarm.
PATIENCE = 2
_LETTERS = {Status.PASSED: "P", Status.DIFFERS: "D", Status.INCONCLUSIVE: "I", Status.FAILED: "F"}
_LARGEST = 200_000_000


class BaselineError(InputError):
    """The file of the run before cannot be used."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is needed of the run before: histories and alarms by check and by provider."""

    name: str
    checks: Mapping[str, tuple[str, Change]]
    providers: Mapping[str, tuple[str, Change]]


def read(path: str | Path) -> Baseline:
    """The JSON report of the run before. Raises `BaselineError`."""
    try:
        raw = Path(path).read_bytes()
        data = json.loads(raw) if len(raw) <= _LARGEST else None
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "is not JSON"
        raise BaselineError(f"--baseline {path}: {reason}") from None
    if not isinstance(data, dict) or data.get("command") != "run":
        raise BaselineError(f"--baseline {path}: is no report of verify run: write one with --report json=FILE")
    if data.get("schema_version") != RUN_SCHEMA_VERSION:
        raise BaselineError(f"--baseline {path}: is of another version of verify ({data.get('schema_version')})")
    try:
        checks = {row["id"]: _past_check(row) for row in data["checks"]}
        return Baseline(str(path), checks, {row["source"]: _past(row) for row in data["providers"]})
    except (KeyError, TypeError, ValueError) as error:
        raise BaselineError(f"--baseline {path}: is no report of verify run ({error})") from None


def _past(row: Mapping[str, Any]) -> tuple[str, Change]:
    history = row["history"]
    if not isinstance(history, str) or set(history) - set("PDIFS-"):
        raise ValueError(f"its history is {str(history)[:20]!r}")
    return history[-KEPT:], Change(row["change"])


def _past_check(row: Mapping[str, Any]) -> tuple[str, Change]:
    """A check that did not pass in a run without a baseline was an alarm: all of them counted."""
    history, change = _past(row)
    return history, Change.KNOWN if change is Change.NONE and history[-1:] in ("D", "I", "F") else change


def compared(report: RunReport, baseline: Baseline | None) -> RunReport:
    """The report with histories, and with a baseline what changed since."""
    delivering = {row.metric for row in report.providers if row.state == "delivered"}
    checks = tuple(_check(row, baseline) for row in report.checks)
    providers = [_provider(row, baseline, delivering=row.metric in delivering) for row in report.providers]
    if baseline is None:
        return replace(report, checks=checks, providers=tuple(providers))
    asked = {row.source for row in providers}
    for source, (history, change) in baseline.providers.items():
        if source not in asked and history.strip("-"):
            row = ProviderRow(source, "not asked", None, "was not asked in this run", history=(history + "-")[-KEPT:])
            providers.append(replace(row, change=Change.KNOWN if change in (Change.NEW, Change.KNOWN) else Change.NONE))
    gone = tuple(sorted(set(baseline.checks) - {row.id for row in checks}))
    providers.sort(key=lambda row: row.source)
    return replace(report, checks=checks, providers=tuple(providers), baseline=baseline.name, gone=gone)


def _check(row: CheckRow, baseline: Baseline | None) -> CheckRow:
    letter = _LETTERS[row.status]
    if row.status is Status.FAILED and not row.failures:
        letter = _LETTERS[Status.INCONCLUSIVE]  # a file of the desk that cannot be read does not come back by itself
    if baseline is None:
        return replace(row, history=letter)
    history, before = baseline.checks.get(row.id, ("", Change.NONE))
    return replace(row, history=(history + letter)[-KEPT:], change=change(history, letter, before))


def _provider(row: ProviderRow, baseline: Baseline | None, *, delivering: bool) -> ProviderRow:
    letter = {"delivered": "P", "failed": "F"}.get(row.state, "S" if delivering else "-")
    history, before = baseline.providers.get(row.source, ("", Change.NONE)) if baseline else ("", Change.NONE)
    whole = (history + letter)[-KEPT:]
    alarming = before in (Change.NEW, Change.KNOWN)
    if baseline is None or (not alarming and "P" not in whole):
        return replace(row, history=whole)
    return replace(row, history=whole, change=change(history, letter, before))


def change(history: str, letter: str, before: Change) -> Change:
    """What one more letter means after a history whose last run was called `before`."""
    alarming = before in (Change.NEW, Change.KNOWN)
    if letter == "-":
        return Change.KNOWN if alarming else Change.NONE
    if letter == "P":
        return Change.FIXED if alarming else Change.NONE
    if letter == "D":
        return Change.KNOWN if alarming and _last(history) == "D" else Change.NEW
    if alarming:
        return Change.KNOWN
    return Change.FLAPPING if tolerated(history + letter) else Change.NEW


def tolerated(history: str) -> bool:
    """Whether the gap at the end of a history is no alarm yet."""
    runs = [(good, "".join(letters)) for good, letters in groupby(history.replace("-", ""), lambda c: c == "P")]
    if not runs or runs[-1][0]:
        return True
    gap = runs[-1][1]
    if "D" in gap:
        return False
    excused = max((len(letters) for good, letters in runs[:-1] if not good), default=0)
    return len(gap) <= max(excused, PATIENCE if "F" in gap else 0)


def _last(history: str) -> str:
    return history.replace("-", "")[-1:]
