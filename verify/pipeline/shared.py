"""Many questions, one run: what several claims ask of the sources is asked once.

Claims of one metric, window and set of assets share every request; venues, sides and hedges are told apart afterwards,
from the same answers. All requests of a run go out together, within one deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from verify.model.quantity import LIQUIDATIONS, Quantity, Scope
from verify.model.window import Window
from verify.pipeline import run
from verify.pipeline.judging import Question
from verify.pipeline.run import Collected

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.collect import Plan
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Progress

#: A longer window is no news event: asking every venue for it would take hours. It is judged by published figures.
LONGEST = timedelta(days=31)
#: Of more distinct things to ask than this the first are asked: an article names few.
MOST = 24

#: Metric, window without its slack, assets: what one request answers for every venue and side.
Key = tuple[str, Window, Scope]


def key_of(window: Window, quantity: Quantity) -> Key:
    """Under which key the answers to a question are found."""
    return quantity.metric.id, Window(window.start, window.end), quantity.assets


def grouped(wanted: Iterable[tuple[Window, Quantity]]) -> dict[Key, Quantity]:
    """The fewest things to ask that answer everything in `wanted`, in the order of their first claim.

    Venues are united; one claim about all venues asks all. Liquidations are asked for both sides.
    """
    found: dict[Key, Quantity] = {}
    for window, quantity in wanted:
        key = key_of(window, quantity)
        if quantity.metric.id in (LIQUIDATIONS.id, "price") and window.length > LONGEST:
            continue
        before = found.get(key)
        if before is None and len(found) == MOST:
            continue
        venues = quantity.venues if before is None else _united(before.venues, quantity.venues)
        found[key] = Quantity(quantity.metric, venues, quantity.assets)
    return found


def _united(one: Scope, two: Scope) -> Scope:
    if one.names is None or two.names is None:
        return Scope()
    return Scope(one.names | two.names)


def collected(
    known: Mapping[str, Source],
    only: Sequence[str],
    wanted: Mapping[Key, Quantity],
    now: datetime,
    *,
    deadline: float,
    recorder: Recorder | None,
    archive: Archive | None,
    progress: Callable[[Progress], None] | None,
) -> dict[Key, Collected]:
    """Ask every source that can speak for any of `wanted`, all at once; `now` (UTC) is the run's clock.

    Sources never raise: their failures are rows. On replay the answers are those of `archive`.
    """
    from sources import http

    keyed = run.keys_there(archive)
    asked: dict[Key, list[Job]] = {}
    plans: dict[Key, Plan] = {}
    for key, quantity in wanted.items():
        window = key[1]
        here = [s for s in known.values() if s.within is None or s.within.contains(window)]
        plans[key] = plan = run.planned(here, window, quantity, now, only=only, archive=archive)
        weights = run.weight_jobs(here, plan.jobs, Question(quantity, window), now, only=only, keyed=keyed)
        asked[key] = [*plan.jobs, *(weights if plan.jobs else ())]
    jobs = {job.key: job for some in asked.values() for job in some}
    fetched = (
        http.fetch_all(
            list(jobs.values()), now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
        )
        if jobs
        else []
    )
    outcomes = {outcome.job.key: outcome for outcome in fetched}
    return {
        key: run.answered(plans[key], [outcomes[job.key] for job in asked[key]], key[1], quantity)
        for key, quantity in wanted.items()
    }
