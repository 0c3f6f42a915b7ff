"""What every command does around its question: figures are read, sources loaded and asked, evidence kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import verify
from sources import published
from verify.model import names
from verify.model.errors import EvidenceError, InputError
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATIONS, Quantity
from verify.model.report import EvidenceRow, Finding, SourceRow
from verify.model.stages import stage
from verify.model.window import Window, iso
from verify.pipeline import own_tables
from verify.pipeline.judging import Question
from verify.reconcile.votes import Origin

if TYPE_CHECKING:
    from sources.adapter import Source, Weight
    from sources.collect import Delivery, Plan
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Outcome, Progress
    from sources.registry import Registry

#: The kind of sources that show an invented market.
SIMULATED = "simulated"
#: Seconds within which all sources must have answered.
DEADLINE = 60.0
#: What the names of files begin with that a job keeps as evidence beside published figures.
JOB_FILES = "job/"
#: Set to anything but 0 or nothing, it forbids the network like `--offline`.
OFFLINE_VARIABLE = "VERIFY_OFFLINE"
#: What a report says that rests on servers of this machine in the place of providers.
TRIAL = "VERIFY_HOST_MAP sent requests to a server on this machine: this report rests on a trial, not on providers"
#: Open interest of now stands for that of a window which ended no longer ago.
RECENT = timedelta(days=1)


def offline_by_environment() -> bool:
    """Whether `VERIFY_OFFLINE` forbids the network."""
    return os.environ.get(OFFLINE_VARIABLE, "0") not in ("", "0")


@stage("read figures")
def read_figures(
    paths: Sequence[str | Path], recorder: Recorder | None, archive: Archive | None, *, bundled: bool = True
) -> list[published.FigureFile]:
    """The files of figures; on replay those that the evidence kept, whatever has become of them since.

    Without any path those that ship with the package are read, unless `bundled` is False: they are of real markets.
    """
    if archive is not None:
        names = [name for name in archive.resources if not name.startswith(JOB_FILES)]
        return [published.parse_figures(archive.resource(name), name=name) for name in names]
    files: list[published.FigureFile] = []
    for path in paths or ([published.BUNDLED] if bundled else []):
        files += published.read_bundled() if path == published.BUNDLED else [published.read_figures(path)]
    if recorder is not None:
        for file in files:
            recorder.resource(file.name, file.data)
    return files


@stage("load sources")
def load_sources(only: Sequence[str], archive: Archive | None = None) -> tuple[Registry, list[str]]:
    """Every source that works, those at the addresses in `only` too, and what is asked for as ids of sources.

    What is asked for by name must be there; a package that cannot be loaded is told in the registry. `archive` is what
    is replayed, if anything is.
    """
    from sources import addressed, registry

    at_addresses: list[Source] = []
    wanted: list[str] = []
    for text in only:
        if addressed.is_address(text):
            opened = addressed.opened(text, archive)
            if twice := {source.spec.id for source in opened} & {source.spec.id for source in at_addresses}:
                raise InputError(f"two sources are called {min(twice)}: give one another name with ?name=")
            at_addresses += opened
            wanted += [source.spec.id for source in opened]
        else:
            registry.get(text.partition("/")[0])
            wanted.append(text)
    loaded = registry.load_all()
    known = {**loaded.sources, **{source.spec.id: source for source in at_addresses}}
    invented = {source.spec.id for source in at_addresses if source.spec.kind == SIMULATED}
    if invented:
        if real := [name for name in wanted if name not in invented]:
            raise InputError(f"--source {real[0]} is no part of the simulated market: ask for the one or the other")
        known = {name: source for name, source in known.items() if name in invented}
    return registry.Registry(known, {} if invented else loaded.broken), wanted


def origins(known: Mapping[str, Source]) -> dict[str, Origin]:
    """What the numbers of each source descend from, by the lineage ids that its figures and others' words have."""
    found: dict[str, Origin] = {}
    for source in known.values():
        channels = [channel for channel in source.spec.channels if LIQUIDATIONS.id in channel.metrics]
        if not channels:
            continue
        feeds = frozenset(feed for channel in channels for feed in channel.lineage)
        assumed = any(channel.lineage_assumed for channel in channels)
        origin = Origin(feeds, assumed, venue=source.spec.kind == "venue")
        for identity in _lineage_ids(source):
            found.setdefault(identity, origin)
    return found


#: The lineage of a chain that everybody may replay, by the source that reads it.
_REPLAYED = {"hyperliquid": "hyperliquid-chain"}


def _lineage_ids(source: Source) -> set[str]:
    spec = source.spec
    titles = {spec.title, names.title("venues", spec.id)}
    registered = {known.id for title in (spec.id, *titles) if (known := names.find("providers", title))}
    return {spec.id, *(names.key(title) for title in titles), *registered, _REPLAYED.get(spec.id, spec.id)}


def unloadable(name: str, reason: str) -> Progress:
    from sources.jobs import Progress

    return Progress(name, "failed", f"cannot be loaded: {reason}")


@dataclass(frozen=True, slots=True)
class Collected:
    """What the sources said: a row for each, figures of what they said, remarks, and what an estimate rests on.

    `simulated`: some of it was invented by a simulator.
    """

    told: Sequence[SourceRow] = ()
    figures: Sequence[Figure] = ()
    findings: Sequence[Finding] = ()
    deliveries: Sequence[Delivery] = ()
    weights: Sequence[Weight] = ()
    evidence: Sequence[EvidenceRow] = ()
    simulated: bool = False


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
) -> Collected:
    """Ask every source that can speak for the window, all at once, and how large the venues are."""
    if offline and not may_ask(known, only):
        return Collected()
    must_exist(known.values(), question.window)
    plan = planned(known.values(), question.window, question.quantity, now, only=only, archive=archive)
    outcomes: Sequence[Outcome] = ()
    if plan.jobs:
        from sources import http

        keyed = keys_there(archive)
        jobs = [*plan.jobs, *weight_jobs(known.values(), plan.jobs, question, now, only=only, keyed=keyed)]
        outcomes = http.fetch_all(
            jobs, now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
        )
    from sources import measured

    found = answered(plan, outcomes, question.window, question.quantity)
    return replace(found, findings=[*measured.parts(found.deliveries, question.quantity), *found.findings])


def planned(
    known: Iterable[Source],
    window: Window,
    quantity: Quantity,
    now: datetime,
    *,
    only: Sequence[str],
    archive: Archive | None,
) -> Plan:
    """What to ask of the sources; on replay nothing of this machine that was not read then: it may have changed."""
    from sources import collect

    plan = collect.plan(known, window, quantity, now, only=only, keyed=keys_there(archive))
    if archive is None:
        return plan
    return replace(plan, jobs=tuple(job for job in plan.jobs if not job.reader or archive.outcome(job)))


def answered(plan: Plan, outcomes: Sequence[Outcome], window: Window, quantity: Quantity) -> Collected:
    """What came of asking by that plan; `outcomes` may hold those of sizes of venues beside those of its jobs."""
    from sources import collect, measured
    from sources.rows import delivered, refused

    deliveries, remarks = own_tables.examined(collect.deliver(outcomes, window, quantity), outcomes, window)
    return Collected(
        told=[*(delivered(each, window) for each in deliveries), *(refused(refusal) for refusal in plan.refusals)],
        figures=measured.figures(deliveries, window, quantity),
        findings=[*remarks, *trial(outcomes)],
        deliveries=deliveries,
        weights=collect.weights(outcomes),
        evidence=collect.evidence_rows(outcomes),
        simulated=any(map(is_simulated, outcomes)),
    )


def must_exist(sources: Iterable[Source], asked: Window) -> None:
    """Raise `InputError` where a window lies outside an invented market."""
    for source in sources:
        if source.within is not None and not source.within.contains(asked):
            stretch = f"{iso(source.within.start)} to {iso(source.within.end)}"
            raise InputError(
                f"{source.spec.title} exists from {stretch}; the window asked is {asked}: ask for a part of it, or name"
                " another start"
            )


def weight_jobs(
    known: Iterable[Source],
    jobs: Sequence[Job],
    question: Question,
    now: datetime,
    *,
    only: Sequence[str],
    keyed: Callable[[Job], bool],
) -> list[Job]:
    """How large each venue was then, which an estimate needs; of the sources that were asked for, or of all.

    Sizes of now are taken for windows that have just ended: providers serve few past ones.
    """
    from sources.jobs import Job

    if question.quantity.metric != LIQUIDATIONS or question.quantity.threshold_usd is not None:
        return []
    past = now - question.window.end > RECENT
    at = question.window.start if past else None
    named = {name.partition("/")[0] for name in only}
    having = {job.spec.id for job in jobs if job.purpose == "instruments"}
    found: list[Job] = []
    for source in known:
        if source.weight_requests is None or (named and source.spec.id not in named):
            continue
        job = Job.for_weights(source, question.quantity, at)
        if source.spec.auth and not keyed(job):
            continue
        found.append(job)
        if source.instrument_requests is not None and source.spec.id not in having:
            found.append(Job.for_instruments(source, question.quantity))
    return found


def is_simulated(outcome: Outcome) -> bool:
    """Whether a simulator answered: one of the sources, or a server on this machine that says so."""
    return outcome.job.spec.kind == SIMULATED or any(
        "simulated" in payload.content_type.lower() for payload in outcome.payloads
    )


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
    return all(code.reader is not None and not code.remote for code in source.channels.values())


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
