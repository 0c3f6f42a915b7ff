"""What a run of named checks found: plain data for every renderer of a job, and for the next night's comparison.

The same job file, evidence and `as_of` give the same `RunReport`, and it holds no clock but `as_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from verify.model.report import Reason, Verdict

#: Changes when a field of the JSON form changes its name or meaning.
RUN_SCHEMA_VERSION = 1


class Status(StrEnum):
    """What became of a check. `failed`: a source failure prevented a verdict."""

    PASSED = "passed"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"


class Severity(StrEnum):
    """How much a check that does not pass matters. Only an `error` counts in the exit code."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Change(StrEnum):
    """How a row lies to the run before; docs/jobs.md has the rules."""

    NONE = ""  # nothing was wrong and nothing is, or there is no run before
    NEW = "new"
    KNOWN = "known"
    FIXED = "fixed"
    FLAPPING = "flapping"  # it fails now and then, or has only begun to: no alarm yet


#: The worst first: a wrong figure outweighs what could not be found out.
PRECEDENCE = (Status.DIFFERS, Status.FAILED, Status.INCONCLUSIVE, Status.PASSED)
_EXIT = {Status.DIFFERS: 1, Status.FAILED: 4, Status.INCONCLUSIVE: 3, Status.PASSED: 0}
#: The exit code of a run whose checks pass, but in which a provider went silent.
_SILENT = 4


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check of one cell of its matrix.

    `id` is the name with the cell (`funds[asset=BTC]`), by which the next run finds it again. `file` and `line` say
    where it is written. `history` has one letter per run, oldest first: `verify.jobs.trend`.
    """

    id: str
    name: str
    description: str
    tags: tuple[str, ...]
    severity: Severity
    status: Status
    reasons: tuple[Reason, ...]
    quantity: str
    window: str
    window_words: str
    claim: str | None
    origin: str
    verdict: Verdict | None
    confidence: float | None
    independent: int
    sentence: str
    caveat: str
    answers: tuple[str, ...] = ()
    explanations: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    simulated: bool = False
    change: Change = Change.NONE
    history: str = ""


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One channel over the whole run. `state`: "delivered", "nothing" (it answered, and with no figure), "failed".

    `metric` is the id of what it was asked for: who is silent is told among those that were asked for the same.
    """

    source: str
    state: str
    events: int | None
    note: str = ""
    change: Change = Change.NONE
    history: str = ""
    metric: str = "liquidations"


@dataclass(frozen=True, slots=True)
class RunReport:
    """A job file, run. `gone` are checks of the baseline that the job file no longer has."""

    version: str
    file: str
    as_of: str
    checks: tuple[CheckRow, ...]
    providers: tuple[ProviderRow, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    baseline: str = ""
    gone: tuple[str, ...] = ()
    requests: int = 0
    fail_on: str = "any"  # "any", or "new": only what is new since the baseline
    command: str = "run"
    schema_version: int = RUN_SCHEMA_VERSION

    @property
    def simulated(self) -> bool:
        return any(check.simulated for check in self.checks)

    def count(self, status: Status) -> int:
        return sum(check.status is status for check in self.checks)

    def counts(self, row: CheckRow) -> bool:
        """Whether a check that does not pass counts in the exit code."""
        if row.severity is not Severity.ERROR or row.status is Status.PASSED:
            return False
        return self.fail_on == "any" or row.change is Change.NEW

    @property
    def exit_code(self) -> int:
        """That of the worst check that counts, else 4 where a provider newly went silent, else 0."""
        worst = [status for status in PRECEDENCE if any(c.status is status and self.counts(c) for c in self.checks)]
        if worst:
            return _EXIT[worst[0]]
        return _SILENT if any(provider.change is Change.NEW for provider in self.providers) else 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        from verify.model.report import plain_data

        plain = plain_data(self)
        assert isinstance(plain, dict)
        counted = {str(status): self.count(status) for status in PRECEDENCE}
        head = {name: plain.pop(name) for name in ("schema_version", "command")}
        return {**head, "simulated": self.simulated, "counts": counted, **plain, "exit_code": self.exit_code}


def worst_first(rows: tuple[CheckRow, ...]) -> list[CheckRow]:
    """By severity, then by what became of them, then what is new, then in the order of the job file."""
    severities, changes = list(Severity), [Change.NEW, Change.NONE, Change.KNOWN, Change.FLAPPING, Change.FIXED]
    order = {id(row): index for index, row in enumerate(rows)}
    return sorted(
        rows,
        key=lambda row: (
            PRECEDENCE.index(row.status) == len(PRECEDENCE) - 1,
            severities.index(row.severity),
            PRECEDENCE.index(row.status),
            changes.index(row.change),
            order[id(row)],
        ),
    )
