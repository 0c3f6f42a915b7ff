"""What the checks of a run rest on: figures read once, sources asked once, answers parsed once per window and scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from verify.jobs.expand import Asked
from verify.model.checks import ProviderRow
from verify.model.errors import InputError
from verify.model.figure import Figure
from verify.model.quantity import LIQUIDATION_COUNT, CountUnit, Quantity, Scope
from verify.model.report import Finding, SourceRow
from verify.model.window import Window
from verify.pipeline import run as pipeline
from verify.pipeline.judging import Material, Measured, Question
from verify.pipeline.readings import examined
from verify.reconcile.lineage import Lineage, assign
from verify.reconcile.votes import with_origins

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.collect import Delivery, Plan
    from sources.evidence import Archive, Recorder
    from sources.jobs import Job, Outcome, Progress


@dataclass(frozen=True, slots=True)
class Key:
    """What is asked of the sources: checks with equal keys rest on the same answers."""

    window: Window
    venues: Scope
    assets: Scope
    only: tuple[str, ...]
    counted: Quantity | None = None

    @property
    def quantity(self) -> Quantity:
        return self.counted or Quantity(venues=self.venues, assets=self.assets)


def key_of(asked: Asked, only: tuple[str, ...]) -> Key:
    """The key of a check; neither slack nor, of a sum, side change what is asked, nor the unit of a count."""
    window, quantity = Window(asked.window.start, asked.window.end), asked.quantity
    counted = replace(quantity, unit=CountUnit.UNSPECIFIED) if quantity.metric == LIQUIDATION_COUNT else None
    return Key(window, quantity.venues, quantity.assets, only, counted)


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
        every = [job for planned in jobs.values() for job in planned]
        if not every:
            return collected
        from sources import http

        outcomes = iter(
            http.fetch_all(every, now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress)
        )
        for key, planned in jobs.items():
            collected.outcomes[key] = [next(outcomes) for _ in planned]
        return collected


@dataclass(frozen=True, slots=True)
class Known:
    """The sources that a check may be about, and those of them that it asks for by id."""

    sources: dict[str, Source]
    wanted: list[str]

    @property
    def invented(self) -> bool:
        return any(source.spec.kind == pipeline.SIMULATED for source in self.sources.values())


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
    _material: dict[Key, Material] = field(default_factory=dict)

    def plan(
        self, keys: Sequence[Key], now: datetime, *, offline: bool, archive: Archive | None
    ) -> dict[Key, list[Job]]:
        """What each key asks; nothing offline but what is on this machine, on replay what the file can answer."""
        from sources import collect

        jobs: dict[Key, list[Job]] = {}
        keyed = pipeline.keys_there(archive)
        for key in dict.fromkeys(keys):
            known = self.known[key.only]
            pipeline.must_exist(known.sources.values(), key.window)
            if archive is not None:
                if not archive.jobs:
                    continue
            elif offline and not pipeline.may_ask(known.sources, known.wanted):
                continue
            plan = collect.plan(
                known.sources.values(), key.window, key.quantity, now, only=known.wanted, keyed=keyed
            )  # fmt: skip
            if archive is not None:  # what is on this machine may have changed since: it is not asked for anew
                plan = replace(plan, jobs=tuple(job for job in plan.jobs if not job.reader or archive.outcome(job)))
            self.planned[key] = plan
            if plan.jobs:
                question = Question(key.quantity, key.window)
                sizes = pipeline.weight_jobs(
                    known.sources.values(), plan.jobs, question, now, only=known.wanted, keyed=keyed
                )  # fmt: skip
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

    def material(self, key: Key) -> Material:
        """What checks of that key rest on, without the limits of feeds, which depend on the quantity."""
        if key not in self._material:
            self._material[key] = self._made(key)
        return self._material[key]

    def _made(self, key: Key) -> Material:
        from sources import collect, measured

        known, outcomes = self.known[key.only], self.outcomes.get(key, [])
        told, deliveries, remarks = self._told(key)
        figures, lineages = self.pool.figures, self.pool.lineages
        if known.invented:  # the figures that ship with the package are of real markets
            figures, lineages = self.pool.own, assign(self.pool.own)
        own = measured.figures(deliveries, key.window, key.quantity)
        if own:
            figures = [*figures, *own]
            lineages = assign(figures)
        origins = pipeline.origins(known.sources)
        lineages = with_origins(lineages, origins)
        findings = [*remarks, *pipeline.trial(outcomes)]
        return Material(
            figures, lineages, (), (), told, findings, self.pool.problems, self.pool.digests, origins=origins,
            measured=Measured(
                deliveries,
                collect.weights(outcomes),
                tuple(known.sources.values()),
                restricted=bool(known.wanted),
                lineages=frozenset(lineages[figure.id].id for figure in own),
            ),
            evidence=collect.evidence_rows(outcomes),
            simulated=known.invented or any(map(pipeline.is_simulated, outcomes)),
        )  # fmt: skip

    def _told(self, key: Key) -> tuple[list[SourceRow], list[Delivery], list[Finding]]:
        """A row for each channel, what those that were asked delivered, and what is wrong with it."""
        from sources import collect
        from sources.rows import delivered, refused

        plan = self.planned.get(key)
        if plan is None:
            return [], [], []
        outcomes = self.outcomes.get(key, [])
        deliveries, remarks = examined(collect.deliver(outcomes, key.window, key.quantity), outcomes, key.window)
        told = [delivered(delivery, key.window) for delivery in deliveries]
        return [*told, *(refused(refusal) for refusal in plan.refusals)], deliveries, remarks

    def providers(self) -> tuple[ProviderRow, ...]:
        """Each channel over the whole run: it delivered if it did for any check, it failed if it did for all."""
        found: dict[str, ProviderRow] = {}
        for material in self._material.values():
            for row in material.sources:
                if row.status == "not asked":
                    continue
                nothing = not row.events and not row.long_usd and not row.short_usd
                state = "failed" if row.status == "failed" else ("nothing" if nothing else "delivered")
                found[row.source] = _worse(found.get(row.source), ProviderRow(row.source, state, row.events, row.note))
        return tuple(found[name] for name in sorted(found))


def _worse(before: ProviderRow | None, now: ProviderRow) -> ProviderRow:
    if before is None:
        return now
    states = ("delivered", "nothing", "failed")
    better = min((before, now), key=lambda row: states.index(row.state))
    events = [row.events for row in (before, now) if row.events is not None]
    return replace(better, events=sum(events) if events else None)
