"""Many questions, one run: what several claims ask of the sources is asked once.

Claims of one window and one set of assets share every request; venues, sides and hedges are told apart afterwards, from
the same answers. All requests of a run go out together, within one deadline.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, Quantity, Scope
from verify.model.report import Finding, SourceRow
from verify.model.window import Window

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Progress

#: A longer window is no news event: asking every venue for it would take hours. It is judged by published figures.
LONGEST = timedelta(days=31)
#: Of more distinct windows and sets of assets than this the first are asked: an article names few.
MOST = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What several claims ask together: liquidations of `quantity`, both sides, over `window`."""

    window: Window
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Told:
    """What the sources said to it: a row for each, and figures of their own lineages."""

    rows: tuple[SourceRow, ...] = ()
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()


def grouped(wanted: Iterable[tuple[Window, Quantity]]) -> dict[tuple[Window, Scope], Asked]:
    """The fewest things to ask that answer every liquidation amount in `wanted`, in the order of their first claim.

    The key of each is (window without its slack, assets). Venues are united; one claim about all venues asks all.
    """
    found: dict[tuple[Window, Scope], Asked] = {}
    for window, quantity in wanted:
        if quantity.metric != LIQUIDATIONS or window.length > LONGEST:
            continue
        plain = Window(window.start, window.end)
        key = plain, quantity.assets
        before = found.get(key)
        venues = quantity.venues if before is None else _united(before.quantity.venues, quantity.venues)
        if before is None and len(found) == MOST:
            continue
        found[key] = Asked(plain, Quantity(LIQUIDATIONS, venues, quantity.assets))
    return found


def _united(one: Scope, two: Scope) -> Scope:
    if one.names is None or two.names is None:
        return Scope()
    return Scope(one.names | two.names)


def collected(
    known: Mapping[str, Source],
    only: Sequence[str],
    wanted: Mapping[tuple[Window, Scope], Asked],
    now: datetime,
    *,
    deadline: float,
    recorder: Recorder | None,
    archive: Archive | None,
    progress: Callable[[Progress], None] | None,
) -> dict[tuple[Window, Scope], Told]:
    """Ask every source that can speak for any of `wanted`, all at once; `now` (UTC) is the run's clock.

    Sources never raise: their failures are rows. On replay the answers are those of `archive`.
    """
    from sources import collect, http
    from sources.rows import delivered, refused

    def keyed(job: Job) -> bool:
        if archive is not None:
            return archive.outcome(job) is not None
        return all(os.environ.get(name, "").strip() for name in job.spec.auth)

    plans = {
        key: collect.plan(known.values(), asked.window, asked.quantity, now, only=only, keyed=keyed)
        for key, asked in wanted.items()
    }
    jobs = {job.key: job for plan in plans.values() for job in plan.jobs}
    outcomes = {}
    if jobs:
        fetched = http.fetch_all(
            list(jobs.values()), now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
        )
        outcomes = {outcome.job.key: outcome for outcome in fetched}
    told = {}
    for key, plan in plans.items():
        asked = wanted[key]
        mine = [outcomes[job.key] for job in plan.jobs]
        deliveries = collect.deliver(mine, asked.window, asked.quantity)
        rows = [delivered(delivery, asked.window) for delivery in deliveries]
        rows += [refused(refusal) for refusal in plan.refusals]
        findings = [TRIAL] if any(outcome.diverted for outcome in mine) else []
        figures = collect.figures(deliveries, asked.window, asked.quantity)
        told[key] = Told(tuple(rows), tuple(figures), tuple(findings))
    return told


#: Said of a report whose requests went to a server on this machine.
TRIAL = Finding(
    "trial",
    "VERIFY_HOST_MAP sent requests to a server on this machine: this report rests on a trial, not on providers",
    (),
)
