"""Judge one check: its value is found, judged like any claim, and held against what the check asks besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from verify.claims.statement import Stated
from verify.jobs.desk import Desk, NoValue, Unreadable
from verify.jobs.expand import Asked
from verify.jobs.material import Collected, Key, Pool
from verify.jobs.metrics import Reading
from verify.model.amount import Amount
from verify.model.checks import CheckRow, RunReport, Severity, Status
from verify.model.errors import InputError, NameUnknown
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS
from verify.model.report import EXIT_SOURCE_FAILURE, Reason, Report, Verdict
from verify.pipeline.judging import Material, Question, judge
from verify.pipeline.liquidation import channel_of
from verify.reconcile.channels import same_count

if TYPE_CHECKING:
    from sources.adapter import Source

_STATUS = {Verdict.SUPPORTED: Status.PASSED, Verdict.DIFFERS: Status.DIFFERS, Verdict.INCONCLUSIVE: Status.INCONCLUSIVE}
_MOST_FAILURES = 20
_MOST_EXPLANATIONS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The value to test and where it is from, or why there is none; `said` where the metric is read off."""

    amount: Amount | None = None
    origin: str = ""
    missing: Reason | None = None
    failed: bool = False
    said: Stated | None = None


class Judge:
    """Judges the checks of a run on what was collected."""

    def __init__(self, pool: Pool, desk: Desk) -> None:
        self._pool = pool
        self._desk = desk

    def value(self, asked: Asked) -> Found:
        """The value of a check as far as the desk states it; that of another source waits for the answers."""
        if asked.reading is not None:
            return self._statement(asked, asked.reading)
        if asked.value is None:
            return Found(asked.claim, "claim" if asked.claim else "")
        if asked.value.source is not UNSET:
            return Found(None, f"source {asked.value.source}")
        currency = "USD" if asked.quantity.metric is LIQUIDATIONS else ""
        try:
            amount, origin = self._desk.number(asked.value, asked.cell, currency)
        except NoValue as error:
            return Found(missing=Reason("no_value", str(error)))
        except Unreadable as error:
            return Found(missing=Reason("value_unreadable", str(error)), failed=True)
        return Found(amount, origin)

    def _statement(self, asked: Asked, reading: Reading) -> Found:
        """The value of a check that is read off, with its tolerance."""
        said, origin = reading.question.said, "claim"
        if asked.value is not None:
            try:
                amount, negative, origin = self._desk.signed(asked.value, asked.cell, reading.currency)
                said = reading.number(amount, negative=negative)
            except NoValue as error:
                return Found(missing=Reason("no_value", str(error)))
            except InputError as error:
                return Found(missing=Reason("value_unreadable", str(error)), failed=True)
        if said is None or said.amount is None:
            return Found(origin=origin if said else "", said=said)
        said = replace(said, amount=said.amount.allowing(asked.allowed.of(said.amount.value)))
        return Found(said.amount, origin, said=said)

    def __call__(self, asked: Asked, value: Found, keys: Sequence[Key], collected: Collected) -> CheckRow:
        if asked.reading is not None:
            return _read_off(asked, asked.reading, value, keys, collected)
        (key,) = keys
        material, known = collected.material(key), collected.known[key.only].sources
        if asked.value is not None and asked.value.source is not UNSET:
            value, material = _of_source(asked, str(asked.value.source), material, known)
        if value.missing is not None:
            return _without(asked, value, value.missing)
        from sources.rows import known_caps

        try:
            channel = channel_of(asked.channel, material.lineages.values(), known)
        except NameUnknown as error:
            return _row(asked, Status.FAILED, (Reason("unknown_channel", str(error)),), value, None)
        caps, feeds = known_caps(known.values(), asked.window, asked.quantity)
        amount = value.amount
        if amount is not None:
            amount = amount.allowing(asked.allowed.of(amount.value))
        question = Question(asked.quantity, asked.window, amount, channel, asked.min_confidence)
        report = judge(question, replace(material, caps=caps, feeds=feeds))
        status, reasons = _held(asked, report)
        return _row(asked, status, reasons, replace(value, amount=amount), report)


def _without(asked: Asked, value: Found, missing: Reason) -> CheckRow:
    """The row of a check whose value is not there."""
    return _row(asked, Status.FAILED if value.failed else Status.INCONCLUSIVE, (missing,), value, None)


def _read_off(asked: Asked, reading: Reading, value: Found, keys: Sequence[Key], collected: Collected) -> CheckRow:
    """Judge a check whose metric is read off."""
    if value.missing is not None:
        return _without(asked, value, value.missing)
    if reading.not_asked:
        return _without(asked, value, Reason("no_trading_day", reading.not_asked))
    question = reading.question.claiming(value.said)
    report = question.judged(collected.gathered(asked.window, keys), min_confidence=asked.min_confidence)
    status, reasons = _held(asked, report)
    return _row(asked, status, reasons, value, report)


def _held(asked: Asked, report: Report) -> tuple[Status, tuple[Reason, ...]]:
    """What a report means for its check."""
    status, reasons = status_of(report)
    if asked.reading is not None and report.verdict is None and report.answers:
        known = f"{len(report.answers)} readings of {report.outlets} outlets are known for the window"
        status, reasons = Status.PASSED, (Reason("known", known),)
    if status is Status.PASSED and report.independent < asked.min_lineages:
        text = f"{report.independent} independent lineages speak of it, and the check asks for {asked.min_lineages}"
        return Status.INCONCLUSIVE, (Reason("too_few_lineages", text), *reasons)
    return status, reasons


def status_of(report: Report) -> tuple[Status, tuple[Reason, ...]]:
    """What a report means as the outcome of a check, and why."""
    if report.exit_code == EXIT_SOURCE_FAILURE:
        status = Status.FAILED
    elif report.verdict is None:
        status = Status.PASSED if report.exit_code == 0 else Status.INCONCLUSIVE
    else:
        status = _STATUS[report.verdict]
    reasons = report.reasons
    if report.verdict is None:
        known = f"{len(report.figures)} figures of {report.outlets} outlets are known for the window"
        reasons = (Reason("known" if status is Status.PASSED else "no_evidence", known),)
    return status, reasons


def as_run(report: Report, as_of: str) -> RunReport:
    """One report of `verify liquidations` as a run of one check, for the formats that build servers read."""
    status, reasons = status_of(report)
    row = CheckRow(
        id=report.command,
        name=report.command,
        description="",
        tags=(),
        severity=Severity.ERROR,
        status=status,
        reasons=reasons,
        quantity=report.quantity,
        window=report.window,
        window_words=report.window_words,
        claim=report.claim,
        origin="claim" if report.claim else "",
        verdict=report.verdict,
        **_told(report),
    )
    return RunReport(report.version, report.command, as_of, (row,), problems=report.problems, files=report.files)


def _told(report: Report) -> dict[str, Any]:
    """What a row takes over from its report."""
    failures = [f"{row.source}: {row.note}" for row in report.sources if row.status == "failed"]
    return {
        "confidence": report.confidence.value if report.confidence else None,
        "independent": report.independent,
        "sentence": report.sentence,
        "caveat": report.caveat,
        "answers": tuple(answer.text for answer in report.answers),
        "explanations": tuple(row.text for row in report.explanations[:_MOST_EXPLANATIONS]),
        "failures": tuple(failures[:_MOST_FAILURES]),
        "simulated": report.simulated,
    }


def _of_source(asked: Asked, wanted: str, material: Material, known: Mapping[str, Source]) -> tuple[Found, Material]:
    """What another source says, and what everybody else does: it is tested on all lineages but its own."""
    origin = f"source {wanted}"
    try:
        identity = channel_of(wanted, material.lineages.values(), known)
    except NameUnknown as error:
        return Found(origin=origin, missing=Reason("unknown_channel", str(error)), failed=True), material
    own = {figure.id for figure in material.figures if _descends(figure, identity, material)}
    stated = [figure for figure in material.figures if figure.id in own and _states(figure, asked)]
    if not stated:
        failed = [r for r in material.sources if r.status == "failed" and r.source.partition("/")[0] == identity]
        text = failed[0].note if failed else f"{wanted} says nothing of {asked.quantity.words()} for the window"
        reason = Reason("source_failed" if failed else "no_value", text)
        return Found(origin=origin, missing=reason, failed=bool(failed)), material
    best = max(stated, key=lambda f: (f.window.shared(asked.window) if f.window else 0.0, f.published, f.id))
    others = [figure for figure in material.figures if figure.id not in own]
    assert best.amount is not None
    return Found(best.amount, f"{origin}: {best.outlet}, {best.url}"), replace(material, figures=others)


def _descends(figure: Figure, identity: str | None, material: Material) -> bool:
    lineage = material.lineages[figure.id]
    return lineage.known and lineage.id == identity


def _states(figure: Figure, asked: Asked) -> bool:
    if figure.amount is None or figure.window is None or not figure.window.may_be(asked.window):
        return False
    return figure.quantity == asked.quantity or same_count(figure.quantity, asked.quantity)


def _row(asked: Asked, status: Status, reasons: Sequence[Reason], value: Found, report: Report | None) -> CheckRow:
    from verify.model.window import duration_words

    told: dict[str, Any] = {"confidence": None, "independent": 0, "sentence": "", "caveat": ""}
    told |= _told(report) if report else {}
    if value.missing is not None and value.missing.code == "source_failed":
        told["failures"] = (value.missing.text,)
    return CheckRow(
        id=asked.id,
        name=asked.name,
        description=asked.description,
        tags=asked.tags,
        severity=asked.severity,
        status=status,
        reasons=tuple(reasons),
        quantity=report.quantity if report and asked.reading else asked.quantity.words(),
        window=str(asked.window),
        window_words=f"{asked.window.words()} ({duration_words(asked.window.length)})",
        claim=_claimed(value),
        origin=value.origin,
        verdict=report.verdict if report else None,
        file=asked.place.file,
        line=asked.place.line,
        **told,
    )


def _claimed(value: Found) -> str | None:
    """The value as it was written, with its tolerance."""
    amount = value.amount
    if amount is None:
        return value.said.text if value.said else None
    text = (value.said.text if value.said else amount.text) or str(amount)
    return f"{text} ± {_allowance(amount, value.said)}" if amount.allowance else text


def _allowance(amount: Amount, said: Stated | None) -> str:
    from verify.model.amount import money

    unit = said.unit if said else amount.currency
    words = money(amount.allowance, currency=unit if unit == "USD" else "")
    return {"percent": f"{words} %", "points": f"{words} points", "coins": f"{words} coins"}.get(unit, words)
