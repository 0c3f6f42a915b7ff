"""From a question to what the sources deliver: which channels can speak, what they were asked, what came of it.

`plan` reads only specs. Between it and `deliver` the jobs are run by `sources.http`. A channel's events become totals
per side; `sources.measured` makes figures of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sources.adapter import NO_INSTRUMENTS, Channel, Instruments, Source, Told, Weight, channel_key
from sources.jobs import Job, Outcome, Purpose, contained, full_url, instruments_of, served
from sources.plan import unsupported
from sources.spec import ChannelSpec, CompletenessRule, Form, SourceSpec, Transport
from verify.model.errors import SourceError, WindowUnsupported
from verify.model.figure import Completeness, QuantityBasis
from verify.model.quantity import LIQUIDATION_COUNT, LIQUIDATIONS, CountUnit, Quantity
from verify.model.report import EvidenceRow
from verify.model.stages import stage
from verify.model.window import Window

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Refusal:
    """A channel that cannot speak for the window, and why; found out before any request."""

    source: SourceSpec
    channel: ChannelSpec
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be asked, and what cannot be."""

    jobs: tuple[Job, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one channel delivered. Amounts in USD; None where the channel failed, or tells a series, which has none.

    `unvalued` events have no notional, as the size of their contracts is unknown. Bars that straddle an edge of the
    window are in `straddling`, and in neither amount. `gaps` says in words what else was not asked for or is missing,
    `told` how much of the window the channel itself says it covers. `frame` holds what lies in the window, `around`
    the bars over its edges too; `instruments` are the contracts that were known. `counts` are there where a count was
    asked and the channel tells what one liquidation is.
    """

    source: SourceSpec
    channel: ChannelSpec
    rules: tuple[CompletenessRule, ...]
    covered: Window | None
    failure: SourceError | None = None
    long_usd: float | None = None
    short_usd: float | None = None
    events: int | None = None
    unvalued: int = 0
    straddling: int = 0
    gaps: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    frame: pl.DataFrame | None = field(default=None, compare=False, repr=False)
    around: pl.DataFrame | None = field(default=None, compare=False, repr=False)
    instruments: Instruments = field(default_factory=dict, compare=False, repr=False)
    told: Told | None = None
    counts: Mapping[CountUnit, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return channel_key(self.source, self.channel)

    @property
    def completeness(self) -> Completeness:
        """The least complete of the rules in force during the window; what has gaps is partial."""
        found = {rule.completeness for rule in self.rules}
        if self.unvalued or self.straddling or self.gaps or (self.told is not None and not self.told.whole):
            found.add(Completeness.PARTIAL)
        return max(found, key=WORSE.index)

    def whole(self, window: Window) -> bool:
        """Whether the provider was asked for all of the window."""
        return self.covered is not None and self.covered.contains(Window(window.start, window.end))


#: From the best to the worst.
WORSE = [Completeness.COMPLETE, Completeness.UNKNOWN, Completeness.PARTIAL, Completeness.CAPPED]


def plan(
    sources: Iterable[Source],
    window: Window,
    quantity: Quantity,
    now: datetime,
    *,
    only: Sequence[str] = (),
    keyed: Callable[[Job], bool] = lambda _job: True,
) -> Plan:
    """Which channels to ask about `quantity` over `window` at `now` (UTC).

    `only` restricts to sources (`gate`) or channels (`gate/liq_orders`). Of several channels that read one feed the
    first that reaches the window is asked. `keyed` tells of a job whose source needs keys whether they are there; what
    is not asked for by name and lacks its key is refused, so that a key nobody has is no failure.
    """
    jobs: list[Job] = []
    refusals: list[Refusal] = []
    for source in sources:
        asked: set[tuple[str, ...]] = set()
        before = len(jobs)
        for channel, code in source.pairs():
            key = channel_key(source.spec, channel)
            if only and key not in only and source.spec.id not in only:
                continue
            if not _serves(channel, quantity) or (channel.lineage in asked and key not in only):
                continue
            if source.spec.named_elsewhere(channel, quantity.venues.names or ()):
                continue
            try:
                job = _job(source, channel, code, window, quantity, now)
                asked.add(channel.lineage)
                if source.spec.auth and not only and not keyed(job):
                    raise WindowUnsupported(f"needs a key: set {' and '.join(source.spec.auth)}")
                jobs.append(job)
            except WindowUnsupported as refusal:
                refusals.append(Refusal(source.spec, channel, refusal.message))
        if len(jobs) > before and source.instrument_requests is not None:
            jobs.append(Job.for_instruments(source, quantity))
    reached = {job.channel_spec.lineage for job in jobs if job.channel_spec is not None}
    return Plan(tuple(jobs), tuple(r for r in refusals if r.channel.lineage not in reached))


def _serves(channel: ChannelSpec, quantity: Quantity) -> bool:
    """Whether a channel speaks of the metric (liquidations are counted where they are added up) at a venue asked."""
    metric = LIQUIDATIONS if quantity.metric == LIQUIDATION_COUNT else quantity.metric
    venues = quantity.venues.names
    return metric.id in channel.metrics and (venues is None or not channel.venues or bool(venues & set(channel.venues)))


def _job(source: Source, channel: ChannelSpec, code: Channel, window: Window, quantity: Quantity, now: datetime) -> Job:
    if channel.transport is Transport.FILE and code.requests is None:
        reason = source.notes.get(channel.id, "reads files that you have on disk: there is nothing to ask for")
        raise WindowUnsupported(reason)
    if channel.transport is Transport.STREAM or code.requests is None:
        raise WindowUnsupported("is a live stream: it tells only what happens while it is listened to")
    if channel.first_day or channel.last_day or channel.missing_days:
        unsupported(channel, window, now, source=channel_key(source.spec, channel))
    served(source.spec, channel, window, now)
    return Job.for_channel(source, channel.id, window, quantity)


@stage("parse answers")
def deliver(outcomes: Sequence[Outcome], window: Window, quantity: Quantity) -> list[Delivery]:
    """What every asked channel delivered, in the order asked; a failure is a delivery too."""
    contracts = {o.job.spec.id: o for o in outcomes if o.job.purpose is Purpose.INSTRUMENTS}
    return [
        _delivery(outcome, contracts.get(outcome.job.spec.id), window, quantity)
        for outcome in outcomes
        if outcome.job.purpose is Purpose.CHANNEL
    ]


def _delivery(outcome: Outcome, contracts: Outcome | None, window: Window, quantity: Quantity) -> Delivery:
    job, channel = outcome.job, outcome.job.channel_spec
    assert channel is not None
    rules = channel.rules_in(window.start, window.end)
    evidence = tuple(payload.evidence for payload in outcome.payloads if payload.evidence)
    if outcome.failure is not None:
        return Delivery(job.spec, channel, rules, None, outcome.failure, evidence=evidence)
    instruments, missing = _instruments(contracts)
    try:
        frame = _frame(outcome, instruments, window)
        told = _told(outcome, window)
        counts = _counts(outcome, window, quantity)
    except SourceError as failure:
        return Delivery(job.spec, channel, rules, None, failure, evidence=evidence)
    gaps = _gaps(job, missing, quantity)
    if channel.form is Form.SERIES:
        return Delivery(
            job.spec, channel, rules, outcome.covered, events=frame.height, gaps=gaps, evidence=evidence, frame=frame
        )
    frame = _in_scope(frame, quantity)
    if channel.form is Form.BARS:
        inside, straddling = _bars_inside(frame, window)
        long, short = _sums(inside)
        return Delivery(
            job.spec, channel, rules, outcome.covered, None, long, short, None,
            straddling=straddling, gaps=gaps, evidence=evidence, frame=inside, around=frame, told=told,
        )  # fmt: skip
    long, short = _sums(frame)
    return Delivery(
        job.spec, channel, rules, outcome.covered, None, long, short, frame.height,
        unvalued=frame["notional_usd"].null_count(), gaps=gaps, evidence=evidence, frame=frame,
        instruments=instruments, told=told, counts=counts,
    )  # fmt: skip


def _instruments(contracts: Outcome | None) -> tuple[Instruments, SourceError | None]:
    """The contracts, as far as they came, and why they did not: without them notionals are null."""
    if contracts is None or contracts.failure is not None:
        return NO_INSTRUMENTS, contracts.failure if contracts else None
    try:
        return instruments_of(contracts), None
    except SourceError as failure:
        return NO_INSTRUMENTS, failure


def _gaps(job: Job, missing: SourceError | None, quantity: Quantity) -> tuple[str, ...]:
    """Why the answer is a part of the venue, though all that was asked for came."""
    channel = job.channel_spec
    found = []
    if channel is not None and channel.selected and quantity.assets.names is None:
        found.append(f"a part of the venue: {channel.selected}")
    if missing is not None:
        found.append(f"the list of contracts did not come: {missing.message}")
        if job.needs_instruments:
            found.append("only those of the largest assets were asked for")
    return tuple(found)


def _frame(outcome: Outcome, instruments: Instruments, window: Window) -> pl.DataFrame:
    import polars as pl

    from sources.build import merge, no_events

    channel = outcome.job.channel_spec
    parse = outcome.job.source.channels[outcome.job.channel].parse
    assert channel is not None
    assert parse is not None
    plain = Window(window.start, window.end)
    with contained(outcome.job.label):
        frames = [parse(payload, plain, instruments) for payload in outcome.payloads]
    if channel.form is Form.EVENTS:
        return merge(frames) if frames else no_events()
    if channel.form is Form.SERIES:
        from sources.build import no_series

        keys = ["start", "end", "metric", "subject", "asset", "field"]
        return pl.concat([no_series(), *frames]).unique(keys, keep="first", maintain_order=True).sort("start")
    if not frames:
        from verify.model.frames import BAR_COLUMNS, empty

        return empty(BAR_COLUMNS)
    return pl.concat(frames).unique(["start", "end", "venue", "asset", "side"], keep="first", maintain_order=True)


def _told(outcome: Outcome, window: Window) -> Told | None:
    """How much of the window the answer covers, where the channel says so itself; of several the least."""
    read = outcome.job.source.channels[outcome.job.channel].told
    if read is None:
        return None
    plain = Window(window.start, window.end)
    with contained(outcome.job.label):
        found = [read(payload, plain) for payload in outcome.payloads]
    return min(found, key=lambda told: told.share, default=None)


def _counts(outcome: Outcome, window: Window, quantity: Quantity) -> Mapping[CountUnit, int]:
    count = outcome.job.source.channels[outcome.job.channel].counts
    if count is None or quantity.metric != LIQUIDATION_COUNT:
        return {}
    with contained(outcome.job.label):
        return count(outcome.payloads, Window(window.start, window.end), quantity)


def evidence_rows(outcomes: Iterable[Outcome]) -> tuple[EvidenceRow, ...]:
    """The answers that a report rests on, in the order asked."""
    return tuple(
        EvidenceRow(
            payload.evidence,
            full_url(payload.request),
            payload.received,
            hashlib.sha256(payload.body).hexdigest(),
            len(payload.body),
        )
        for outcome in outcomes
        for payload in outcome.payloads
    )


def weights(outcomes: Sequence[Outcome]) -> list[Weight]:
    """The sizes of venues in the answers, in parts as they came; what cannot be read is left out: it is not known.

    What an aggregator says of a venue counts only where the venue itself, or an aggregator before it, says nothing: the
    same open interest is never added up twice.
    """
    contracts = {o.job.spec.id: o for o in outcomes if o.job.purpose is Purpose.INSTRUMENTS}
    found: list[Weight] = []
    said: set[str] = set()
    for outcome in sorted(outcomes, key=lambda outcome: outcome.job.spec.kind == "aggregator"):
        read = outcome.job.source.parse_weights
        if outcome.job.purpose is not Purpose.WEIGHTS or outcome.failure is not None or read is None:
            continue
        instruments, _ = _instruments(contracts.get(outcome.job.spec.id))
        try:
            with contained(outcome.job.label):
                parts = [weight for payload in outcome.payloads for weight in read(payload, instruments)]
        except SourceError:
            continue
        if outcome.job.spec.kind == "aggregator":
            parts = [part for part in parts if part.venue not in said]
        said |= {part.venue for part in parts if part.open_interest_usd or part.open_interest_coins}
        found += parts
    return found


def _in_scope(frame: pl.DataFrame, quantity: Quantity) -> pl.DataFrame:
    import polars as pl

    if quantity.venues.names is not None:
        frame = frame.filter(pl.col("venue").is_in(sorted(quantity.venues.names)))
    if quantity.assets.names is not None:
        frame = frame.filter(pl.col("asset").is_in(sorted(quantity.assets.names)))
    if quantity.threshold_usd is not None:
        frame = frame.filter(pl.col("notional_usd") > float(quantity.threshold_usd))
    return frame


def _bars_inside(frame: pl.DataFrame, window: Window) -> tuple[pl.DataFrame, int]:
    import polars as pl

    inside = frame.filter(pl.col("start") >= window.start, pl.col("end") <= window.end)
    return inside, frame.height - inside.height


def _sums(frame: pl.DataFrame) -> tuple[float | None, float | None]:
    """Dollars of the longs and of the shorts; None where the channel does not tell the sides apart."""
    import polars as pl

    if (frame["side"] == "both").any():
        return None, None
    sums = {side: float(frame.filter(pl.col("side") == side)["notional_usd"].sum()) for side in ("long", "short")}
    return sums["long"], sums["short"]


def basis_words(channel: ChannelSpec) -> str:
    """E.g. `filled quantity at average fill`."""
    quantity = {
        QuantityBasis.FILLED: "filled quantity",
        QuantityBasis.ORDERED: "ordered quantity",
        QuantityBasis.LAST_SLICE: "last slice",
        QuantityBasis.POSITION: "position",
    }[channel.quantity_basis]
    return f"{quantity} at {str(channel.price_basis).replace('_', ' ')} price"
