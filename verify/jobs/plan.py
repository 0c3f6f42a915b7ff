"""What a run would ask, without asking: `verify run --dry-run`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from verify.jobs import runner
from verify.jobs.material import Collected, Pool, keys_of, loaded
from verify.model.errors import SourceError


def words(options: runner.Options) -> str:
    """The checks, and for each window and scope the sources with the number of requests they begin with."""
    return "\n".join(_lines(options)) + "\n"


def _lines(options: runner.Options) -> Iterator[str]:
    from sources.jobs import Job, fingerprint, served
    from verify.model.window import iso

    job = runner.prepare(options)
    keys = list(dict.fromkeys(key for asked in job.checks for key in keys_of(asked, job.only(asked))))
    yield f"{job.tree.name}, as of {iso(job.as_of)}: {len(job.checks)} checks, {len(keys)} to collect for"
    for asked in job.checks:
        said = asked.reading.question.said if asked.reading else None
        named = f"from {asked.value.source or asked.value.file}" if asked.value else "no value"
        claim = asked.claim or (said.text if said else named)
        yield f"  {asked.id}: {asked.quantity.words()}, {asked.window}, {claim}"
    collected = Collected(Pool([], {}, [], {}), loaded({key.only for key in keys}))
    asking = collected.plan(keys, job.clock, offline=job.offline, archive=None)
    plans = collected.planned
    sent: set[tuple[str, str]] = set()
    asked_of: Counter[str] = Counter()
    refused: dict[str, str] = {}

    def first(item: Job) -> None:
        window = (
            served(item.spec, item.channel_spec, item.window, job.clock) if item.channel_spec and item.window else None
        )
        for request in item.first(window, None):
            mark = (item.spec.id, fingerprint(request))
            asked_of[item.label] += mark not in sent
            sent.add(mark)

    for key, plan in plans.items():
        for item in asking.get(key, ()):
            asked_of[item.label] += 0
            try:
                first(item)
            except SourceError as error:
                refused[item.label] = str(error)
        refused |= {f"{r.source.id}/{r.channel.id}": r.reason for r in plan.refusals}
    if not plans:
        yield "asks no source: judged by published figures and the desk's files"
        return
    yield f"{len(sent)} requests to begin with (further pages, retries and markets come on top):"
    for label, count in sorted(asked_of.items()):
        yield f"  {label}: {count}"
    for label, reason in sorted(refused.items()):
        yield f"  {label}: not asked: {reason}"
