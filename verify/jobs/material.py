"""What the checks of a run rest on: figures read once, sources asked once, answers parsed once per window and scope."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from verify.jobs.expand import Asked
from verify.model.checks import ProviderRow
from verify.model.errors import InputError
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, CountUnit, Quantity
from verify.model.window import Window
from verify.pipeline import run as pipeline
from verify.pipeline.judging import Material, Measured, Question
from verify.pipeline.observed import Gathered
from verify.reconcile.lineage import Lineage, assign
from verify.reconcile.votes import with_origins

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.collect import Plan
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Outcome, Progress


@dataclass(frozen=True, slots=True)
class Key:
    """What is asked of the sources: checks with equal keys rest on the same answers."""

    window: Window
    quantity: Quantity
    only: tuple[str, ...]

    @property
    def read_off(self) -> bool:
        """Whether it is for checks of other metrics than liquidations and their number."""
        return self.quantity.metric not in (LIQUIDATIONS, LIQUIDATION_COUNT)


def keys_of(asked: Asked, only: tuple[str, ...]) -> tuple[Key, ...]:
    """The keys of a check, of liquidations always one.

    Neither slack nor, of a sum, side change what is asked, nor the unit of a count.
    """
    if asked.reading is not None:
        return tuple(Key(Window(span.start, span.end), quantity, only) for quantity, span in asked.reading.wanted)
    quantity = Quantity(venues=asked.quantity.venues, assets=asked.quantity.assets)
    if asked.quantity.metric == LIQUIDATION_COUNT:
        quantity = replace(asked.quantity, unit=CountUnit.UNSPECIFIED)
    return (Key(Window(asked.window.start, asked.window.end), quantity, only),)


@dataclass(slots=True)
class Pool:
    """The published figures of a run, with their lineages; `own` are those of files that the user named."""

    figures: list[Figure]
    lineages: Mapping[str, Lineage]
    problems: list[str]
    digests: dict[str, str]
    own: list[Figure] = field(default_factory=list)

    @classmethod
    def read(cls, paths: Sequence[str], recorder: Recorder | None, archive: Archive | None) -> Pool:
        from sources.published import BUNDLED

        files = pipeline.read_figures(paths, recorder, archive)
        figures = list({figure.id: figure for file in files for figure in file.figures}.values())
        problems = [str(problem) for file in files for problem in file.problems]
        named = [file for file in files if BUNDLED in paths or not file.name.startswith(f"{BUNDLED}/")]
        own = list({figure.id: figure for file in named for figure in file.figures}.values())
        return cls(figures, assign(figures), problems, {file.name: file.sha256 for file in files}, own)

    def collect(
        self,
        keys: Sequence[Key],
        now: datetime,
        *,
        offline: bool,
        deadline: float,
        recorder: Recorder | None,
        archive: Archive | None,
        progress: Callable[[Progress], None] | None,
    ) -> Collected:
        """Ask all sources about all keys at the same time."""
        collected = Collected(self, loaded({key.only for key in keys}, archive))
        jobs = collected.plan(keys, now, offline=offline, archive=archive)
        every = {_mark(job): job for planned in jobs.values() for job in planned}
        if not every:
            return collected
        from sources import http

        outcomes = http.fetch_all(
            list(every.values()), now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress
        )
        came = dict(zip(every, outcomes, strict=True))
        for key, planned in jobs.items():
            collected.outcomes[key] = [came[_mark(job)] for job in planned]
        return collected


def _mark(job: Job) -> tuple[str, int]:
    """What is the same of jobs that ask the same: several checks may need one."""
    return job.key, id(job.source)


@dataclass(frozen=True, slots=True)
class Known:
    """The sources that a check may be about, and those of them that it asks for by id."""

    sources: dict[str, Source]
    wanted: list[str]

    @property
    def invented(self) -> bool:
        return any(source.spec.kind == pipeline.SIMULATED for source in self.sources.values())

    def about(self, key: Key) -> list[Source]:
        """The sources that there are in the window of a key. An invented market must be there for liquidations."""
        if not key.read_off:
            pipeline.must_exist(self.sources.values(), key.window)
        return [s for s in self.sources.values() if s.within is None or s.within.contains(key.window)]


def loaded(asked: set[tuple[str, ...]], archive: Archive | None = None) -> dict[tuple[str, ...], Known]:
    """The sources for each way in which checks ask for some. Raises `InputError` for two invented markets."""
    found = {}
    for only in sorted(asked):
        registry, wanted = pipeline.load_sources(only, archive)
        found[only] = Known(registry.sources, wanted)
    invented = [only for only, known in found.items() if known.invented]
    if len(invented) > 1:
        raise InputError(f"a run is about one simulated market: {invented[0][0]} and {invented[1][0]} are two")
    return found


@dataclass(slots=True)
class Collected:
    """What came of asking: outcomes and refusals by key, parsed when they are first looked at."""

    pool: Pool
    known: dict[tuple[str, ...], Known]
    outcomes: dict[Key, list[Outcome]] = field(default_factory=dict)
    planned: dict[Key, Plan] = field(default_factory=dict)
    _answers: dict[Key, pipeline.Collected] = field(default_factory=dict)
    _material: dict[Key, Material] = field(default_factory=dict)

    def plan(
        self, keys: Sequence[Key], now: datetime, *, offline: bool, archive: Archive | None
    ) -> dict[Key, list[Job]]:
        """What each key asks; nothing offline but what is on this machine, on replay what the file can answer."""
        jobs: dict[Key, list[Job]] = {}
        keyed = pipeline.keys_there(archive)
        for key in dict.fromkeys(keys):
            known = self.known[key.only]
            sources = known.about(key)
            if archive is not None:
                if not archive.jobs:
                    continue
            elif offline and not pipeline.may_ask(known.sources, known.wanted):
                continue
            plan = pipeline.planned(sources, key.window, key.quantity, now, only=known.wanted, archive=archive)
            self.planned[key] = plan
            if plan.jobs:
                question = Question(key.quantity, key.window)
                sizes = pipeline.weight_jobs(sources, plan.jobs, question, now, only=known.wanted, keyed=keyed)
                jobs[key] = [*plan.jobs, *sizes]
        return jobs

    @property
    def requests(self) -> int:
        """How many answers there are, each counted once."""
        answers = {payload.evidence for o in self._every() for payload in o.payloads}
        return len(answers)

    @property
    def warnings(self) -> list[str]:
        return [finding.text for finding in pipeline.trial(self._every())]

    def _every(self) -> list[Outcome]:
        return [outcome for outcomes in self.outcomes.values() for outcome in outcomes]

    def prepare(self, keys: Iterable[Key]) -> None:
        """Parse all that checks will look at, before several look at once."""
        for key in keys:
            if key.read_off:
                self.answer(key)
            else:
                self.material(key)

    def answer(self, key: Key) -> pipeline.Collected:
        """What the sources said; nothing where none was asked."""
        if key not in self._answers:
            plan = self.planned.get(key)
            self._answers[key] = (
                pipeline.answered(plan, self.outcomes.get(key, []), key.window, key.quantity)
                if plan
                else pipeline.Collected()
            )
        return self._answers[key]

    def gathered(self, window: Window, keys: Sequence[Key]) -> Gathered:
        """What a check rests on that is read off."""
        known = self.known[keys[0].only]
        figures, lineages = self._published(known)
        found = Gathered(
            window, figures=list(figures), lineages=lineages, problems=list(self.pool.problems),
            files=dict(self.pool.digests), simulated=known.invented,
        )  # fmt: skip
        for key in keys:
            found.add(self.answer(key))
        return found

    def material(self, key: Key) -> Material:
        """What checks of that key rest on, without the limits of feeds, which depend on the quantity."""
        if key not in self._material:
            self._material[key] = self._made(key)
        return self._material[key]

    def _published(self, known: Known) -> tuple[list[Figure], Mapping[str, Lineage]]:
        """The published figures; beside an invented market none of those that ship with the package, of real ones."""
        if known.invented:
            return self.pool.own, assign(self.pool.own)
        return self.pool.figures, self.pool.lineages

    def _made(self, key: Key) -> Material:
        known, answer = self.known[key.only], self.answer(key)
        figures, lineages = self._published(known)
        if answer.figures:
            figures = [*figures, *answer.figures]
            lineages = assign(figures)
        origins = pipeline.origins(known.sources)
        lineages = with_origins(lineages, origins)
        return Material(
            figures, lineages, (), (), answer.told, answer.findings, self.pool.problems, self.pool.digests,
            origins=origins,
            measured=Measured(
                answer.deliveries,
                answer.weights,
                tuple(known.sources.values()),
                restricted=bool(known.wanted),
                lineages=frozenset(lineages[figure.id].id for figure in answer.figures),
            ),
            evidence=answer.evidence,
            simulated=known.invented or answer.simulated,
        )  # fmt: skip

    def providers(self) -> tuple[ProviderRow, ...]:
        """Each channel over the whole run: it delivered if it did for any check, it failed if it did for all."""
        found: dict[str, ProviderRow] = {}
        for key, answer in self._answers.items():
            metric = key.quantity.metric.id if key.read_off else LIQUIDATIONS.id
            for row in answer.told:
                if row.status == "not asked":
                    continue
                nothing = not row.events and not row.long_usd and not row.short_usd
                state = "failed" if row.status == "failed" else ("nothing" if nothing else "delivered")
                told = ProviderRow(row.source, state, row.events, row.note, metric=metric)
                found[row.source] = _worse(found.get(row.source), told)
        return tuple(found[name] for name in sorted(found))


def _worse(before: ProviderRow | None, now: ProviderRow) -> ProviderRow:
    if before is None:
        return now
    states = ("delivered", "nothing", "failed")
    better = min((before, now), key=lambda row: states.index(row.state))
    events = [row.events for row in (before, now) if row.events is not None]
    return replace(better, events=sum(events) if events else None)
