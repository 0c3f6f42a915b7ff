"""The report: what every renderer, every exit code and the Python API speak of. Plain data, no behaviour of its own.

Money is in US dollars, times are UTC. The JSON form is described by `reports/schema.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from verify.model.window import iso

if TYPE_CHECKING:
    import polars as pl

#: Changes when a field of the JSON form changes its name or meaning.
SCHEMA_VERSION = 1


class Verdict(StrEnum):
    SUPPORTED = "supported"
    DIFFERS = "differs"
    INCONCLUSIVE = "inconclusive"


#: The exit code of each verdict; docs/exit-codes.md.
EXIT_CODES = {Verdict.SUPPORTED: 0, Verdict.DIFFERS: 1, Verdict.INCONCLUSIVE: 3}
EXIT_SOURCE_FAILURE = 4


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the verdict is what it is: a stable code for machines and one sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One of the three questions. `answer` is "yes", "no", "possible" or "not answerable"."""

    id: str
    title: str
    answer: str
    text: str


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the confidence: `points` of at most `most`."""

    name: str
    points: float
    most: float
    reason: str


@dataclass(frozen=True, slots=True)
class Confidence:
    """In [0, 1]: the sum of its components, or, where it is `learned`, how often verdicts whose components add up to
    the same were right in simulated markets."""

    value: float
    components: tuple[Component, ...]
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """What a quantity can be. `high` is None where nothing bounds it."""

    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure in flat form."""

    id: str
    stated: str
    quantity: str
    value: float | None
    low: float | None
    high: float | None
    start: datetime | None
    end: datetime | None
    slack: timedelta | None
    lineage: str
    lineage_reason: str
    lineage_detail: str
    outlet: str
    url: str
    evidence: str
    side: str
    metric: str
    venues: str
    assets: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one channel says of the claim.

    `answer` is "yes", "through hedge", "no", "possible" or "no reading". `feasible` is what all its figures together
    allow the claimed quantity to be; `derived` is the same without the figures that state it; `by_clock` is the
    range for exactly the window asked, whatever minute the readings were taken at.
    """

    lineage: str
    title: str
    answer: str
    text: str
    nearest: FigureRow | None = None
    distance: float | None = None
    outlets: int = 0
    feasible: Range | None = None
    derived: Range | None = None
    derived_from: tuple[str, ...] = ()
    by_clock: Range | None = None


@dataclass(frozen=True, slots=True)
class ExplanationRow:
    """How a known figure would become the claim."""

    slip: str
    title: str
    text: str
    value: float
    distance: float
    rounding: float
    exact: bool
    lineage: str
    outlet: str
    url: str


@dataclass(frozen=True, slots=True)
class LineageRow:
    """One lineage: how many figures and outlets descend from it, and why they are taken to."""

    id: str
    title: str
    counts: bool
    figures: int
    outlets: int
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two lineages side by side. `same_scope` says whether they state the same quantity and window.

    `ratio` is the larger value over the smaller; None where the smaller is zero.
    """

    first: str
    second: str
    quantity: str
    first_value: float
    second_value: float
    ratio: float | None
    same_scope: bool
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Figures that cannot all be true, and the one that was set aside."""

    text: str
    set_aside: str
    because: str
    figures: tuple[FigureRow, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something noticed in the figures themselves: a shared error, a truncated count."""

    code: str
    text: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cap:
    """A known limit of a venue's feed in this window."""

    venue: str
    text: str
    citation: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What one channel delivered for the window, or why it did not.

    `status` is "ok", "lower bound", "failed" or "not asked". Amounts are in USD; `covered` is a share of the window.
    """

    source: str
    venues: str
    status: str
    long_usd: float | None = None
    short_usd: float | None = None
    events: int | None = None
    basis: str = ""
    completeness: str = ""
    covered: float | None = None
    lineage: str = ""
    evidence: tuple[str, ...] = ()
    note: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """An estimated amount in US dollars: the median, the central 50 % and the central 90 % of the draws."""

    median: float
    low50: float
    high50: float
    low90: float
    high90: float


@dataclass(frozen=True, slots=True)
class VenueRow:
    """One venue in the estimate. `basis` is how it is known: "complete", "capped", "unknown", "partial" or
    "extrapolated"; `channels` are those that it rests on."""

    venue: str
    basis: str
    shown_usd: float
    total: Spread
    long: Spread
    short: Spread
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A fault of a channel that comparison with others found. It is named, never silently mended."""

    channel: str
    kind: str
    probability: float
    text: str
    action: str
    asset: str = ""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """How probable a rule of a capped feed is, by the documents alone and after looking at what it shows."""

    channel: str
    rule: str
    prior: float
    posterior: float


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The estimated total under another assumption, or without a lineage, as a factor of the stated one."""

    name: str
    factor: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What the whole market lost, as far as it can be told: question 3, never the number that a channel shows.

    `kind` is "estimate", "lower_bound" (one lineage: nothing confirms it) or "nothing". `shown`, `hidden` and
    `extrapolated` are shares of the median total that add up to one. `heterogeneity` is the log standard deviation of
    venues around their size. `variance` is each cause's share of the variance. `probability` is that of the claim under
    the draws; None without a claim about the market. `limits` say in words why the interval is as wide as it is.
    """

    kind: str
    total: Spread | None
    long: Spread | None
    short: Spread | None
    shown_usd: float
    lineages: int
    heterogeneity: Spread | None = None
    shown: float = 0.0
    hidden: float = 0.0
    extrapolated: float = 0.0
    probability: float | None = None
    venues: tuple[VenueRow, ...] = ()
    assets: Mapping[str, Spread] = field(default_factory=dict)
    variance: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[FaultRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    without: tuple[ChangeRow, ...] = ()
    sensitivity: tuple[ChangeRow, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeBin:
    """What one channel showed in one part of the window.

    `capped_seconds` are the seconds in which its limit was reached, so that more may have happened; None where the
    channel has no limit or tells no moments. `covered` is the share of the bin that the channel was asked for: what is
    not covered is not zero. Amounts are in USD.
    """

    channel: str
    start: datetime
    end: datetime
    long_usd: float
    short_usd: float
    records: int | None = None
    capped_seconds: float | None = None
    covered: float = 1.0


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """A venue of the market: its open interest, the channels through which it is seen (none: it is not), and the
    measuring feeds beneath them."""

    venue: str
    open_interest_usd: float | None
    share: float | None
    channels: tuple[str, ...] = ()
    lineages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One answer that the report rests on: where it came from, when, and the SHA-256 of its bytes."""

    id: str
    url: str
    received: datetime
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was asked, found and concluded."""

    command: str
    version: str
    window: str
    window_words: str
    slack_seconds: float
    quantity: str
    claim: str | None
    channel: str | None
    verdict: Verdict | None
    reasons: tuple[Reason, ...]
    questions: tuple[Question, ...]
    confidence: Confidence | None
    sentence: str
    caveat: str
    answers: tuple[Answer, ...] = ()
    explanations: tuple[ExplanationRow, ...] = ()
    lineages: tuple[LineageRow, ...] = ()
    independent: int = 0
    outlets: int = 0
    comparisons: tuple[Comparison, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    findings: tuple[Finding, ...] = ()
    caps: tuple[Cap, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    figures: tuple[FigureRow, ...] = ()
    estimate: Estimated | None = None
    timeline: tuple[TimeBin, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()
    evidence: tuple[EvidenceRow, ...] = ()
    problems: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    schema_version: int = SCHEMA_VERSION
    #: How a notebook shows a report; set by `verify.pipeline`, which knows the renderers, as the model knows none.
    in_notebook: ClassVar[Callable[[Report], str] | None] = None

    def _repr_html_(self) -> str | None:
        show = Report.in_notebook
        return None if show is None else show(self)

    @property
    def exit_code(self) -> int:
        """0 supported, 1 differs, 3 inconclusive, 4 where a source failure prevented a verdict; without a claim 0 if
        anything is known."""
        prevented = any(row.status == "failed" for row in self.sources)
        if self.verdict in (Verdict.SUPPORTED, Verdict.DIFFERS):
            return EXIT_CODES[self.verdict]
        known = bool(self.figures) or any(row.status == "ok" for row in self.sources)
        if self.verdict is None and known:
            return 0
        return EXIT_SOURCE_FAILURE if prevented else EXIT_CODES[Verdict.INCONCLUSIVE]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: numbers as numbers, times as ISO 8601, enumerations as their values."""
        plain = plain_data(self)
        assert isinstance(plain, dict)
        return {"schema_version": plain.pop("schema_version"), **plain, "exit_code": self.exit_code}

    def to_polars(self) -> pl.DataFrame:
        """The figures as a frame that passes `verify.model.frames.FIGURES`."""
        import polars as pl

        from verify.model.frames import FIGURE_COLUMNS, FIGURES

        rows = [
            {
                **{name: getattr(row, name) for name in FIGURE_COLUMNS if name != "slack_seconds"},
                "slack_seconds": row.slack.total_seconds() if row.slack is not None else None,
            }
            for row in self.figures
        ]
        return FIGURES.validate(pl.DataFrame(rows, schema=FIGURE_COLUMNS))


def plain_data(value: object) -> object:
    """Dataclasses as what JSON knows: numbers as numbers, times as ISO 8601, enumerations as their values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain_data(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_data(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain_data(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
