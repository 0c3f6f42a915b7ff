"""What the checks of a run rest on: figures read once, sources asked once, answers parsed once per window and scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from verify.jobs.expand import Asked
from verify.model.checks import ProviderRow
from verify.model.figure import Figure
from verify.model.quantity import Quantity, Scope
from verify.model.report import Finding, SourceRow
from verify.model.window import Window
from verify.pipeline import run as pipeline
from verify.pipeline.judging import Material
from verify.pipeline.readings import examined
from verify.reconcile.lineage import Lineage, assign
from verify.reconcile.votes import with_origins

if TYPE_CHECKING:
    from sources.adapter import Source
    from sources.collect import Plan
    from sources.evidence import Archive, Recorder
    from sources.jobs import Outcome, Progress


@dataclass(frozen=True, slots=True)
class Key:
    """What is asked of the sources: checks with equal keys rest on the same answers."""

    window: Window
    venues: Scope
    assets: Scope
    only: tuple[str, ...]

    @property
    def quantity(self) -> Quantity:
        return Quantity(venues=self.venues, assets=self.assets)


def key_of(asked: Asked, only: tuple[str, ...]) -> Key:
    """The key of a check; neither side, threshold nor slack change what is asked."""
    window = Window(asked.window.start, asked.window.end)
    return Key(window, asked.quantity.venues, asked.quantity.assets, only)


@dataclass(slots=True)
class Pool:
    """The published figures of a run, with their lineages."""

    figures: list[Figure]
    lineages: Mapping[str, Lineage]
    problems: list[str]
    digests: dict[str, str]

    @classmethod
    def read(cls, paths: Sequence[str], recorder: Recorder | None, archive: Archive | None) -> Pool:
        files = pipeline.read_figures(paths, recorder, archive)
        figures = list({figure.id: figure for file in files for figure in file.figures}.values())
        problems = [str(problem) for file in files for problem in file.problems]
        return cls(figures, assign(figures), problems, {file.name: file.sha256 for file in files})

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
        known, wanted = known_sources({text for key in keys for text in key.only}, archive)
        collected = Collected(self, known, progress)
        plans = collected.plans(keys, wanted, now, offline=offline, archive=archive)
        jobs = [job for plan in plans.values() for job in plan.jobs]
        if not jobs:
            return collected
        from sources import http

        outcomes = iter(
            http.fetch_all(jobs, now=now, deadline=deadline, recorder=recorder, archive=archive, progress=progress)
        )
        for key, plan in plans.items():
            collected.outcomes[key] = [next(outcomes) for _ in plan.jobs]
        return collected


def known_sources(texts: set[str], archive: Archive | None = None) -> tuple[dict[str, Source], dict[str, list[str]]]:
    """Every source by id, and for each text that a check asks for the ids it means."""
    known: dict[str, Source] = {}
    wanted: dict[str, list[str]] = {}
    for text in sorted(texts):
        registry, wanted[text] = pipeline.load_sources([text], archive)
        known |= registry.sources
    if not texts:
        known = dict(pipeline.load_sources(())[0].sources)
    return known, wanted


@dataclass(slots=True)
class Collected:
    """What came of asking: outcomes and refusals by key, parsed when they are first looked at."""

    pool: Pool
    known: dict[str, Source]
    progress: Callable[[Progress], None] | None = None
    outcomes: dict[Key, list[Outcome]] = field(default_factory=dict)
    planned: dict[Key, Plan] = field(default_factory=dict)
    _material: dict[Key, Material] = field(default_factory=dict)

    def plans(
        self,
        keys: Sequence[Key],
        wanted: Mapping[str, list[str]],
        now: datetime,
        *,
        offline: bool,
        archive: Archive | None,
    ) -> dict[Key, Plan]:
        """What each key asks; nothing offline but what is on this machine, on replay what the file can answer."""
        from sources import collect

        for key in dict.fromkeys(keys):
            only = [identity for text in key.only for identity in wanted[text]]
            if archive is not None:
                if not archive.jobs:
                    continue
            elif offline and not pipeline.may_ask(self.known, only):
                continue
            keyed = pipeline.keys_there(archive)
            self.planned[key] = collect.plan(self.known.values(), key.window, key.quantity, now, only=only, keyed=keyed)
        return self.planned

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
            told, measured, remarks = self._told(key)
            figures, lineages = self.pool.figures, self.pool.lineages
            if measured:
                figures = [*figures, *measured]
                lineages = assign(figures)
            origins = pipeline.origins(self.known)
            findings = [*remarks, *pipeline.trial(self.outcomes.get(key, []))]
            self._material[key] = Material(
                figures, with_origins(lineages, origins), (), (), told, findings, self.pool.problems,
                self.pool.digests, origins=origins,
            )  # fmt: skip
        return self._material[key]

    def _told(self, key: Key) -> tuple[list[SourceRow], list[Figure], list[Finding]]:
        from sources import collect
        from sources.rows import delivered, refused

        plan = self.planned.get(key)
        if plan is None:
            return [], [], []
        refusals = [refused(refusal) for refusal in plan.refusals]
        if key not in self.outcomes:
            return refusals, [], []
        deliveries = collect.deliver(self.outcomes[key], key.window, key.quantity)
        deliveries, remarks = examined(deliveries, self.outcomes[key], key.window)
        told = [delivered(delivery, key.window) for delivery in deliveries]
        return [*told, *refusals], collect.figures(deliveries, key.window, key.quantity), remarks

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
