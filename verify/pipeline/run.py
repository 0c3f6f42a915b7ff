"""What every command does around its question: figures are read, sources loaded and asked, evidence kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import verify
from sources import published
from verify.model.errors import EvidenceError, InputError
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS
from verify.model.report import Finding, SourceRow
from verify.model.stages import stage
from verify.pipeline.judging import Question

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Outcome, Progress
    from sources.registry import Registry

#: Seconds within which all sources must have answered.
DEADLINE = 60.0
#: What the names of files begin with that a job keeps as evidence beside published figures.
JOB_FILES = "job/"
#: Set to anything but 0 or nothing, it forbids the network like `--offline`.
OFFLINE_VARIABLE = "VERIFY_OFFLINE"
#: What a report says that rests on servers of this machine in the place of providers.
TRIAL = "VERIFY_HOST_MAP sent requests to a server on this machine: this report rests on a trial, not on providers"


def offline_by_environment() -> bool:
    """Whether `VERIFY_OFFLINE` forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0")


@stage("read figures")
def read_figures(
    paths: Sequence[str | Path], recorder: Recorder | None, archive: Archive | None
) -> list[published.FigureFile]:
    """The files of figures; on replay those that the evidence kept, whatever has become of them since."""
    if archive is not None:
        names = [name for name in archive.resources if not name.startswith(JOB_FILES)]
        return [published.parse_figures(archive.resource(name), name=name) for name in names]
    files: list[published.FigureFile] = []
    for path in paths or [published.BUNDLED]:
        files += published.read_bundled() if path == published.BUNDLED else [published.read_figures(path)]
    if recorder is not None:
        for file in files:
            recorder.resource(file.name, file.data)
    return files


@stage("load sources")
def load_sources(only: Sequence[str]) -> tuple[Registry, list[str]]:
    """Every source that works, those at the addresses in `only` too, and what is asked for as ids of sources.

    What is asked for by name must be there; a package that cannot be loaded is told in the registry.
    """
    from sources import addressed, registry

    at_addresses: list[Source] = []
    wanted: list[str] = []
    for text in only:
        if addressed.is_address(text):
            opened = addressed.opened(text)
            at_addresses += opened
            wanted += [source.spec.id for source in opened]
        else:
            registry.get(text.partition("/")[0])
            wanted.append(text)
    loaded = registry.load_all()
    known = {**loaded.sources, **{source.spec.id: source for source in at_addresses}}
    return registry.Registry(known, loaded.broken), wanted


def unloadable(name: str, reason: str) -> Progress:
    from sources.jobs import Progress

    return Progress(name, "failed", f"cannot be loaded: {reason}")


@stage("ask the sources")
def collected(
    known: Mapping[str, Source],
    only: Sequence[str],
    question: Question,
    now: datetime,
    *,
    offline: bool,
    deadline: float,
    recorder: Recorder | None,
    archive: Archive | None,
    progress: Callable[[Progress], None] | None,
) -> tuple[list[SourceRow], list[Figure], list[Finding]]:
    """Ask every source that can speak for the window, all at once: a row each, and figures of what they said."""
    if offline and not may_ask(known, only):
        return [], [], []
    from sources import collect
    from sources.rows import delivered, refused

    plan = collect.plan(
        known.values(), question.window, question.quantity, now, only=only, keyed=keys_there(archive)
    )  # fmt: skip
    if not plan.jobs:
        return [refused(refusal) for refusal in plan.refusals], [], []
    from sources import http

    outcomes = http.fetch_all(
        plan.jobs, now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
    )
    deliveries = collect.deliver(outcomes, question.window, question.quantity)
    told = [delivered(delivery, question.window) for delivery in deliveries]
    told += [refused(refusal) for refusal in plan.refusals]
    findings = trial(outcomes)
    if question.quantity.metric != LIQUIDATIONS:
        return told, [], findings
    return told, collect.figures(deliveries, question.window, question.quantity), findings


def forbid_network(known: Mapping[str, Source], only: Sequence[str], *, offline: bool) -> None:
    """Raise `InputError` where a source is asked for by name that cannot be asked offline."""
    away = [name for name in only if not _is_here(known[name.partition("/")[0]])] if offline else []
    if away:
        raise InputError(f"--source {away[0]} is asked over the network, and --offline forbids it: leave one out")


def may_ask(known: Mapping[str, Source], only: Sequence[str]) -> bool:
    """Whether there is anything to ask offline: what was asked for by name must be on this machine."""
    forbid_network(known, only, offline=True)
    return bool(only)


def keys_there(archive: Archive | None) -> Callable[[Job], bool]:
    """Tells of a job whether the keys of its source are there; on replay, whether they were."""

    def keyed(job: Job) -> bool:
        if archive is not None:
            return archive.outcome(job) is not None
        return all(os.environ.get(name, "").strip() for name in job.spec.auth)

    return keyed


def trial(outcomes: Sequence[Outcome]) -> list[Finding]:
    """A word of warning where answers are not those of providers."""
    if not any(outcome.diverted for outcome in outcomes):
        return []
    return [Finding("trial", TRIAL, ())]


def _is_here(source: Source) -> bool:
    """Whether a source answers from this machine."""
    return all(code.reader is not None for code in source.channels.values())


class Keeper:
    """The evidence file of a run: none, one to write, or one to replay."""

    def __init__(self, path: Path | None, archive: Archive | None) -> None:
        self.archive = archive
        self._path = path
        self.recorder: Recorder | None = None

    def open(self, question: Question, now: datetime) -> Recorder | None:
        return self.begin({"window": str(question.window), "quantity": question.quantity.words()}, now)

    def begin(self, info: Mapping[str, str], now: datetime) -> Recorder | None:
        """Begin the file, if one is to be written; `info` is what a replay is given back."""
        if self._path is not None and self.archive is None:
            from sources.evidence import Recorder

            self.recorder = Recorder(self._path, now=now, info=info, software=f"verify {verify.__version__}")
        return self.recorder


@contextmanager
def kept(path: str | Path | None, *, replay: bool, now: datetime | None) -> Iterator[Keeper]:
    """Open the evidence file; what was kept stays, also when the run is interrupted."""
    if replay and path is None:
        raise EvidenceError("--replay needs --evidence FILE: the file to take the answers from")
    archive = None
    if replay and path is not None:
        from sources.evidence import Archive

        archive = Archive(Path(path))
        if now is not None and not archive.jobs and not archive.resources:
            raise EvidenceError(f"{path} holds nothing to replay")
    keeper = Keeper(Path(path) if path is not None else None, archive)
    complete = False
    try:
        yield keeper
        complete = True
    finally:
        if keeper.recorder is not None:
            keeper.recorder.close(complete=complete)
