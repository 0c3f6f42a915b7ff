"""Run the checks of a job file: everything is read, asked and parsed once, and every check is judged on what came.

Checks of the same window and scope rest on the same answers; a request that several of them need is sent once; all
sources are asked in one go, and what they answer, the published figures and the desk's files are in one evidence file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import verify
from verify.jobs import config, expand, layers
from verify.jobs.desk import Desk
from verify.jobs.expand import Asked
from verify.jobs.material import Collected, Key, Pool, keys_of
from verify.jobs.verdicts import Judge
from verify.model.checks import CheckRow, RunReport
from verify.model.errors import EvidenceError, FigureFileError
from verify.model.stages import stage
from verify.model.window import iso, parse_instant
from verify.pipeline import run as pipeline

if TYPE_CHECKING:
    from sources.evidence import Archive, Recorder
    from sources.jobs import Progress

_AS_OF = "as_of"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was told on the command line; None is "as the job file says, or the default"."""

    file: str | Path = config.FILE_NAME
    as_of: datetime | None = None
    only: Sequence[str] = ()
    figures: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    offline: bool | None = None
    deadline: float | None = None
    strict: bool | None = None
    jobs: int | None = None
    fail_on: str | None = None
    compared: bool = False  # with a run before, so that by default only what is new counts
    evidence: str | Path | None = None
    replay: bool = False
    now: datetime | None = None
    progress: Callable[[Progress], None] | None = None
    judged: Callable[[int, int], None] | None = None


@dataclass(slots=True)
class Job:
    """A job file that is read, its checks chosen, its settings settled."""

    tree: config.Tree
    checks: list[Asked]
    as_of: datetime
    clock: datetime
    figures: list[str]
    sources: list[str]
    offline: bool
    deadline: float
    strict: bool
    workers: int
    fail_on: str
    digests: dict[str, str] = field(default_factory=dict)

    def only(self, asked: Asked) -> tuple[str, ...]:
        """The sources that a check is about; the command line's win over its own."""
        return tuple(self.sources) or asked.sources


def prepare(options: Options, archive: Archive | None = None) -> Job:
    """Read the job file and choose the checks. Raises `InputError`, most with file and line."""
    clock = archive.now if archive else (options.now or datetime.now(UTC)).replace(microsecond=0)
    as_of = options.as_of or (parse_instant(archive.info[_AS_OF]) if archive and _AS_OF in archive.info else clock)
    tree = config.read(options.file)
    settings = layers.settle(tree)

    def settled(flag: Any, name: str) -> Any:
        """The flag, else what stands in the nearest place."""
        return settings[name].value if flag is None else flag

    every = expand.checks(
        tree, as_of, zone=settled(None, "timezone"), min_confidence=settled(None, "min_confidence")
    )  # fmt: skip
    return Job(
        tree=tree,
        checks=expand.chosen(every, options.only),
        as_of=as_of,
        clock=clock,
        figures=list(settled(options.figures or None, "figures")),
        sources=list(settled(options.sources or None, "sources")),
        offline=settled(options.offline, "offline"),
        deadline=settled(options.deadline, "deadline"),
        strict=settled(options.strict or None, "strict"),
        workers=settled(options.jobs, "jobs"),
        fail_on=settled(
            options.fail_on or ("new" if options.compared and not settings["fail_on"].given else None), "fail_on"
        ),
    )


def run(options: Options) -> RunReport:
    """Run a job file. Raises `InputError` for what cannot be used; sources never raise, their failures are rows."""
    with pipeline.kept(options.evidence, replay=options.replay, now=options.now) as kept:
        with stage("read the job file"):
            job = prepare(options, kept.archive)
        recorder = kept.begin({"command": "run", _AS_OF: iso(job.as_of)}, job.clock)
        with stage("read figures"):
            pool = Pool.read(job.figures, recorder, kept.archive)
        if job.strict and pool.problems:
            raise FigureFileError(f"{pool.problems[0]} ({len(pool.problems)} unreadable rows, --strict)")
        warnings = [*(kept.archive.warnings if kept.archive else ()), *_changed(job, recorder, kept.archive)]
        desk = Desk(lambda name: _desk_file(name, recorder, kept.archive, job.digests))
        judge = Judge(pool, desk)
        with stage("values of the desk"):
            values = [judge.value(asked) for asked in job.checks]
        keys = [keys_of(asked, job.only(asked)) for asked in job.checks]
        with stage("ask the sources"):
            collected = pool.collect(
                [key for some in keys for key in some], job.clock, offline=job.offline, deadline=job.deadline,
                recorder=recorder, archive=kept.archive, progress=options.progress,
            )  # fmt: skip
    with stage(f"judge {len(job.checks)} checks"):
        rows = _judged(
            job,
            keys,
            collected,
            lambda index: judge(job.checks[index], values[index], keys[index], collected),
            options.judged,
        )
    return RunReport(
        version=verify.__version__,
        file=job.tree.name,
        as_of=iso(job.as_of),
        checks=tuple(rows),
        providers=collected.providers(),
        problems=tuple(pool.problems),
        warnings=(*warnings, *collected.warnings),
        files={**pool.digests, **job.digests},
        requests=collected.requests,
        fail_on=job.fail_on,
    )


def _judged(
    job: Job,
    keys: Sequence[Sequence[Key]],
    collected: Collected,
    one: Callable[[int], CheckRow],
    told: Callable[[int, int], None] | None,
) -> list[CheckRow]:
    """The rows in the order of the checks, several judged at a time: the solver lets other threads run."""
    total = len(job.checks)
    collected.prepare(key for some in keys for key in some)
    rows: list[CheckRow] = []
    if job.workers == 1 or total == 1:
        for index in range(total):
            rows.append(one(index))
            if told:
                told(len(rows), total)
        return rows
    executor = ThreadPoolExecutor(job.workers, thread_name_prefix="judge")
    try:
        for row in executor.map(one, range(total)):
            rows.append(row)
            if told:
                told(len(rows), total)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return rows


def _changed(job: Job, recorder: Recorder | None, archive: Archive | None) -> list[str]:
    """Keep the job file as evidence, or say that it is another one than was kept."""
    files = {document.name: document.text.encode() for document in job.tree.origins.values()}
    found = []
    for name, data in sorted(files.items()):
        if recorder is not None:
            recorder.resource(f"{pipeline.JOB_FILES}{name}", data, "application/toml")
        kept = f"{pipeline.JOB_FILES}{name}"
        if archive is not None and kept in archive.resources and archive.resource(kept) != data:
            found.append(f"{name} is not as it was when {archive.path} was written")
    return found


def _desk_file(name: str, recorder: Recorder | None, archive: Archive | None, digests: dict[str, str]) -> bytes:
    kept = f"{pipeline.JOB_FILES}{name}"
    if archive is not None:
        if kept not in archive.resources:
            raise EvidenceError(f"{archive.path} holds no file {name!r}")
        data = archive.resource(kept)
    else:
        data = Path(name).read_bytes()
    if recorder is not None:
        recorder.resource(kept, data, "application/octet-stream")
    digests[name] = hashlib.sha256(data).hexdigest()
    return data
