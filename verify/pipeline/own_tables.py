"""A user's own tables among what sources delivered: what they leave out, and what comparison with others says of them.

Nothing is corrected: what a table looks like is a finding of the report, with its evidence and against whom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from verify.model.report import Finding
from verify.model.window import Window

if TYPE_CHECKING:
    import polars as pl

    from sources.collect import Delivery
    from sources.jobs import Outcome
    from sources.tables.reading import Reading
    from verify.reconcile.held import Suspicion

#: Rows that could not be read are named up to this number, the rest counted.
_MOST_NAMED = 20


def examined(
    deliveries: Sequence[Delivery], outcomes: Sequence[Outcome], window: Window
) -> tuple[list[Delivery], list[Finding]]:
    """The deliveries with what tables leave out as gaps, and what was noticed about the tables."""
    tables = dict(_tables(outcomes))
    if not tables:
        return list(deliveries), []
    from sources.tables.source import gaps

    told = [
        replace(one, gaps=(*one.gaps, *gaps(tables[one.label], window))) if one.label in tables else one
        for one in deliveries
    ]
    findings: list[Finding] = []
    for label, table in tables.items():
        findings += _unread(label, table)
        findings += _looks(label, table, deliveries, tables, window)
    return told, findings


def _tables(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, Reading]]:
    from sources.tables.source import of_payload
    from verify.model.errors import VerifyError

    for outcome in outcomes:
        if outcome.job.spec.kind == "file" and "mapping" in outcome.job.source.notes and outcome.payloads:
            try:
                yield outcome.job.label, of_payload(outcome.job.source, outcome.payloads[0])
            except VerifyError:
                continue  # it is a row of the report already


def _unread(label: str, table: Reading) -> list[Finding]:
    from sources.tables.reading import lines_of

    if not table.problems:
        return []
    count = len(table.problems)
    rows = f"{count} row{'s' if count > 1 else ''}"
    return [Finding("rows_not_read", f"{label}: {rows} not read: {lines_of(table.problems, _MOST_NAMED)}", ())]


def _looks(
    label: str, table: Reading, deliveries: Sequence[Delivery], tables: dict[str, Reading], window: Window
) -> list[Finding]:
    """What the table looks like beside each other channel; the strongest evidence for each fault stands."""
    from verify.reconcile.held import Shown, suspicions
    from verify.reconcile.held_sums import Sums, against_sums
    from verify.reconcile.suspected import by_shapes

    found: list[Suspicion] = []
    for other in deliveries:
        if other.label == label or (other.frame is None and other.label not in tables):
            continue
        theirs = tables[other.label].frame if other.label in tables else other.frame
        assert theirs is not None
        mine_bars, their_bars = table.bars, _is_bars(theirs)
        if not mine_bars and not their_bars:
            found += suspicions(Shown(label, table.frame), Shown(other.label, theirs), window)
        else:
            found += against_sums(Sums(label, table.frame), Sums(other.label, theirs), window)
    feeds = [
        (other, other.frame)
        for other in deliveries
        if other.label != label and other.frame is not None and not _is_bars(other.frame)
    ]
    if not table.bars:
        told = {one.code for one in found}
        complete = table.mapping.completeness == "complete"
        more = by_shapes(label, table.frame, [(o.label, f) for o, f in feeds], window, table.contract_sizes, complete)
        found += [one for one in more if one.code not in told]
    best: dict[tuple[str, str], Suspicion] = {}
    for one in sorted(found, key=lambda one: (-one.share, one.against)):
        best.setdefault((one.code, one.asset), one)
    return [
        Finding(f"table_{one.code}", f"{label} {one.text} (held against {one.against}); it is taken as it stands", ())
        for one in best.values()
    ]


def _is_bars(frame: pl.DataFrame) -> bool:
    return "start" in frame.columns
