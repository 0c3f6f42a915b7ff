"""From a claim of a text to its row: which question it asks, and which judge answers it.

Liquidations are judged like on the command line (`verify.pipeline.judge`), each claim for its own quantity and window,
all on the same material. What no source measures is compared with what others printed, and stays inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sources.rows import known_caps
from verify.article import printed
from verify.article.readable import Readable, judged, readable
from verify.claims.claim import Claim
from verify.claims.result import Row
from verify.model import names
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, METRICS, CountUnit, Quantity, Scope
from verify.model.report import ExplanationRow, Reason, Report, Verdict
from verify.model.window import Window
from verify.pipeline import Material, Question, judge, shared
from verify.pipeline.judging import Measured
from verify.pipeline.run import Collected

if TYPE_CHECKING:
    from sources.adapter import Source

#: What `verify.pipeline.judge` reconciles: liquidations, and what is told of them in other numbers.
RECONCILED = frozenset(
    {"liquidations", "liquidation_count", "largest_liquidation", "auto_deleveraging", "estimated_liquidations",
     "open_interest_drop"}
)  # fmt: skip
#: What is read off series where the text says when and of what.
READ_OFF = frozenset({"etf_net_flow", "dex_volume", "price", "price_change", "volatility_change"})
_MOST_WINDOWS = 3
#: How far from the dateline a window of the stated length is looked for where the text gives no edges.
_NEAR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Asking:
    """What a claim asks: None for the window where the text does not give one that can be placed.

    `reading` is the question where the answer is read off series (flows, prices, volatilities).
    """

    claim: Claim
    quantity: Quantity
    window: Window | None
    reading: Readable | None = None

    @property
    def wanted(self) -> tuple[tuple[Window, Quantity], ...]:
        """What sources are asked for it."""
        if self.reading is not None:
            return self.reading.wanted
        return ((self.window, self.quantity),) if self.window and self.quantity.metric == LIQUIDATIONS else ()


def asking(claim: Claim) -> Asking | None:
    """The question of a claim, or None where its metric is not one that is known."""
    if claim.metric not in METRICS or (claim.metric == "open_interest_drop" and claim.direction == "rise"):
        return None  # a rise is no fall
    metric = METRICS[claim.metric]
    unit = (claim.unit or CountUnit.UNSPECIFIED) if claim.metric == "liquidation_count" else None
    quantity = Quantity(metric, Scope.of(*claim.venues), Scope.of(*claim.assets), claim.side, claim.threshold, unit)
    window = claim.when.window if claim.when else None
    return Asking(claim, quantity, window, readable(claim, window))


class Judge:
    """Judges claims on one material; two claims that ask the same are answered once.

    `told` is what the sources said (`verify.pipeline.shared`), `restricted` whether only those asked for by name were
    asked; `published` is the dateline, UTC.
    """

    def __init__(
        self,
        material: Material,
        sources: Mapping[str, Source],
        told: Mapping[shared.Key, Collected],
        published: datetime | None,
        *,
        restricted: bool,
    ) -> None:
        self.material = material
        self.sources = sources
        self.told = told
        self.published = published
        self.restricted = restricted
        self.channels = {lineage.id for lineage in material.lineages.values() if lineage.known}
        self.answers: dict[Question, Report] = {}

    def __call__(self, number: int, claim: Claim, wrong: Sequence[Reason]) -> Row:
        """The row of a claim; `wrong` are the contradictions within the text that it takes part in."""
        row = self._judged(number, claim)
        if wrong:
            return replace(row, verdict=Verdict.DIFFERS, reasons=(*wrong, *row.reasons))
        return row

    def _judged(self, number: int, claim: Claim) -> Row:
        if not claim.metric:
            return _open(number, claim, Reason("no_metric", "the text does not say what this number counts"))
        if claim.metric == "liquidation_risk":
            text = (
                "what would be liquidated if a price were reached is a model's estimate, and no count: name the model"
            )
            return _open(number, claim, Reason("hypothetical", text))
        asked = asking(claim)
        if asked is not None and asked.reading is not None:
            report = judged(asked.reading, self.material, self.told)
            if report is not None:
                return Row(number, claim, report.verdict or Verdict.INCONCLUSIVE, report.reasons, report=report)
        if asked is None or claim.metric not in RECONCILED:
            return self._printed(number, claim, asked)
        if asked.window is None:
            return self._without_window(number, claim, asked.quantity)
        report = self._answer(asked.quantity, asked.window, claim)
        return Row(number, claim, report.verdict or Verdict.INCONCLUSIVE, report.reasons, report=report)

    def _answer(self, quantity: Quantity, window: Window, claim: Claim) -> Report:
        known = names.find("providers", claim.attribution) if claim.attribution else None
        channel = known.id if known and known.kind == "measurer" and known.id in self.channels else None
        question = Question(quantity, window, claim.number.amount, channel)
        if question not in self.answers:
            caps, feeds = known_caps(self.sources.values(), window, quantity)
            told = self.told.get(shared.key_of(window, quantity), Collected())
            material = replace(self.material, caps=caps, feeds=feeds)
            if quantity.metric == LIQUIDATIONS:
                lineages = frozenset(self.material.lineages[figure.id].id for figure in told.figures)
                measured = Measured(
                    told.deliveries, told.weights, tuple(self.sources.values()), self.restricted, lineages
                )
                material = replace(
                    material,
                    sources=told.told,
                    findings=told.findings,
                    evidence=told.evidence,
                    measured=measured,
                    simulated=told.simulated,
                )
            self.answers[question] = judge(question, material)
        return self.answers[question]

    def _printed(self, number: int, claim: Claim, asked: Asking | None) -> Row:
        found = printed.compare(asked, self.material.figures, self.material.lineages) if asked else None
        if found is not None:
            return _open(number, claim, found)
        title = METRICS[claim.metric].title if claim.metric in METRICS else claim.metric.replace("_", " ")
        if asked is not None and asked.reading is not None:
            text = f"nothing that was asked or printed speaks of this ({title}, {asked.reading.window.words()})"
            return _open(number, claim, Reason("no_reading", text))
        if claim.metric in READ_OFF:
            lacking = " and ".join(slot for slot in ("window", "asset") if slot in claim.missing) or "a single subject"
            return _open(
                number, claim, Reason("no_window", f"the text does not say {lacking}: nothing can be read off")
            )
        return _open(number, claim, Reason("no_source_for_metric", f"no source knows this ({title}): check it by hand"))

    def _without_window(self, number: int, claim: Claim, quantity: Quantity) -> Row:
        holds = self._holds(claim, quantity)
        stated = f" but {claim.when.text!r}" if claim.when else (f" but {claim.event!r}" if claim.event else "")
        last = "it would hold for the windows listed" if holds else "no known figure of known origin has this value"
        reasons = [Reason("no_window", f"no window: the text gives no time that can be placed{stated}; {last}")]
        if not holds and (near := self._explained(claim, quantity)):
            reasons.append(Reason("slip_found", f"it would be explained by {near.text}"))
        windows = tuple(figure.window for figure in holds if figure.window is not None)
        said = [
            f"{window.words()} ({figure.amount}, {self.material.lineages[figure.id].title})"
            for window, figure in zip(windows, holds, strict=True)
        ]
        return Row(number, claim, Verdict.INCONCLUSIVE, tuple(reasons), tuple(said), windows=windows)

    def _of_this_length(self, claim: Claim, window: Window) -> bool:
        """Whether the text allows this window: its length where one is stated, and near the dateline."""
        length = claim.when.length if claim.when else None
        if length is not None and abs(window.length - length) > length / 8:
            return False
        return self.published is None or abs(window.end - self.published) <= _NEAR + window.slack

    def _holds(self, claim: Claim, quantity: Quantity) -> list[Figure]:
        """Known figures of the same quantity, one for each window, that the claim would be true of."""
        found: dict[tuple[datetime, datetime], Figure] = {}
        for figure in self.material.figures:
            window = figure.window
            if figure.quantity != quantity or figure.amount is None or window is None:
                continue
            if not self.material.lineages[figure.id].known or not self._of_this_length(claim, window):
                continue
            if printed.agree(claim.number.amount, figure.amount):
                found.setdefault((window.start, window.end), figure)
        return list(found.values())[:_MOST_WINDOWS]

    def _explained(self, claim: Claim, quantity: Quantity) -> ExplanationRow | None:
        """The slip that would explain the number in one of the windows that the text allows."""
        if claim.when is None or claim.when.length is None:
            return None
        windows = {
            (f.window.start, f.window.end): f.window
            for f in self.material.figures
            if f.window is not None and f.quantity.metric == quantity.metric and self.material.lineages[f.id].known
            and self._of_this_length(claim, f.window)
        }  # fmt: skip
        found = [e for w in windows.values() for e in self._answer(quantity, w, claim).explanations[:1]]
        return min(found, key=lambda e: (not e.exact, abs(e.distance)), default=None)


def _open(number: int, claim: Claim, *reasons: Reason) -> Row:
    return Row(number, claim, Verdict.INCONCLUSIVE, reasons)
