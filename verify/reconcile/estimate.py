"""What really happened: from the evidence of one window to intervals, and what they rest on.

Faults come first, then what each venue shows, what caps hide (calibrated on the complete
feeds of the same window), what venues have in common, what totals add, and draws from all of it. Nothing here knows a
venue by name: covered venues are put in the order of what they show.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import fsum

import numpy as np

from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.reconcile.bars import sum_bars
from verify.reconcile.calibration import Cells, Curves
from verify.reconcile.clumping import Clumping
from verify.reconcile.drawing import Drawn, Settings, Sized, Unseen, draw
from verify.reconcile.estimated import Change, Estimate, Fault, Interval, Kind, RuleShare, VenueEstimate
from verify.reconcile.faults import diagnose
from verify.reconcile.gaps import Profile, spans
from verify.reconcile.hiding import USUAL_ORDER, Hiding
from verify.reconcile.observed import CapRule, Evidence, Keep, Size
from verify.reconcile.records import Floats, Records, records
from verify.reconcile.rules import judge
from verify.reconcile.shown import EXACT, Prepared, Seen, Summed, from_feed, from_sums, row_sums
from verify.reconcile.totals import constraints, only_totals

#: Draws of the runs that only say how far the answer moves.
_FEWER = 600
_RANK = {Completeness.COMPLETE: 0, Completeness.CAPPED: 1, Completeness.UNKNOWN: 2, Completeness.PARTIAL: 3}
#: A feed that no document calls complete is a yardstick for caps when it is surely complete, and large enough to tell.
_SURE, _ENOUGH = 0.99, 200
#: A complete feed with gaps is a yardstick too while it covers this part of the window: what a cap hides does not
#: depend on what was not listened to.
_MOSTLY = 0.6
#: Sums with more noise (log sd) may be faulty ones, and are no yardstick for others.
_CLEAN = 0.25
#: Assets that get an interval of their own, by the dollars seen.
MOST_ASSETS = 25


@dataclass(frozen=True, slots=True)
class _Basis:
    """What the evidence comes to after diagnosis, before any draw."""

    feeds: tuple[Prepared, ...]
    sums: tuple[Summed, ...]
    faults: tuple[Fault, ...]
    profile: Profile
    hiding: Hiding
    hours: float
    assets: dict[str, int]
    read: dict[str, Seen]  # what each feed shows, by its id


@dataclass(frozen=True, slots=True)
class _Run:
    """One set of draws and what it was drawn from."""

    seen: tuple[Seen, ...]
    others: tuple[Size, ...]
    sized: Sized
    drawn: Drawn
    lineages: int
    faults: tuple[Fault, ...]

    @property
    def total(self) -> Interval:
        return Interval.of(self.drawn.long.sum(1) + self.drawn.short.sum(1))


def estimate(evidence: Evidence, settings: Settings | None = None, *, thorough: bool = True) -> Estimate:
    """The estimate of what the market lost in the window of the evidence.

    `thorough` adds what each lineage and each assumption is worth (some ten further, smaller runs). The same evidence
    gives the same bytes, in whatever order it comes and whatever its venues are called.
    """
    settings = settings or Settings()
    basis = _prepare(evidence)
    run = _run(evidence, basis, frozenset(), settings)
    if run is None:
        return only_totals(evidence, basis.faults, settings, _seen(basis))
    answer = _summary(basis, run)
    if not thorough:
        return answer
    few = replace(settings, draws=min(_FEWER, settings.draws))
    whole = _run(evidence, basis, frozenset(), few)
    if whole is None:
        return answer
    return replace(
        answer,
        without=_without(evidence, basis, few, whole),
        sensitivity=_sensitivity(evidence, basis, few, whole.total),
    )


def _prepare(evidence: Evidence) -> _Basis:
    window = evidence.window
    length = window.length.total_seconds()
    assets: dict[str, int] = {}
    read = tuple(
        Prepared(feed, records(feed.events, window, assets), spans(feed.covered, window))
        for feed in sorted(evidence.feeds, key=lambda feed: feed.id)
    )
    diagnosis = diagnose(evidence, read, assets)
    feeds = diagnosis.feeds
    listening = [one.records for one in feeds if _covered(one) > 0.999 * length and len(one.records) >= 10]
    profile = Profile.of(listening, length)
    complete = [
        one.records
        for one in feeds
        if one.penalty <= EXACT and _covered(one) > _MOSTLY * length and _is_complete(one, length)
    ]
    sums: list[Summed] = []
    for bars, penalty, gone in diagnosis.bars:
        added = sum_bars(bars, window, profile, assets, penalty, gone)
        sums += [added] if added is not None else []
    sums += row_sums(diagnosis.rows)
    curves = Curves(complete, length)
    hiding = Hiding(curves, length / 3600.0, *_market(feeds, sums), _clumping(complete, feeds, sums))
    shown = {one.feed.id: from_feed(one, profile, hiding, _sums_of(one, sums)) for one in feeds if one.parts}
    return _Basis(feeds, tuple(sums), diagnosis.faults, profile, hiding, length / 3600.0, assets, shown)


def _market(feeds: Sequence[Prepared], sums: Sequence[Summed]) -> tuple[float, float]:
    """The records that all venues show together, and the dollars of a usual one."""
    dollars: dict[str, float] = {}
    counted: dict[str, tuple[float, float]] = {}  # records and their dollars
    for added in sums:
        dollars[added.venue] = max(dollars.get(added.venue, 0.0), float(added.base.sum()))
        if added.cells is not None:
            counted[added.venue] = (float(added.cells.count.sum()), float(added.cells.usd.sum()))
    for one in feeds:
        if len(one.records):
            counted[one.feed.venue] = (float(len(one.records)), float(one.records.usd.sum()))
    # summed exactly, so that the order of venues means nothing
    records = fsum(count for count, _ in counted.values())
    order = fsum(usd for _, usd in counted.values()) / records if records else USUAL_ORDER
    return records + fsum(usd / order for venue, usd in dollars.items() if venue not in counted), order


def _clumping(complete: Sequence[Records], feeds: Sequence[Prepared], sums: Sequence[Summed]) -> Clumping:
    """What tells capped sums from complete ones: complete feeds, and of venues without a feed the sums that documents
    place in one class, each venue once."""
    known = {one.feed.venue for one in feeds if one.parts}
    whole: list[Cells] = []
    capped: list[tuple[CapRule, Cells]] = []
    for added in sorted(sums, key=lambda s: (s.noise, -float(s.base.sum()))):
        if added.venue in known or added.cells is None or added.noise > _CLEAN:
            continue
        rules = {belief.rule for belief in added.rules if belief.weight > 0}
        if added.completeness is Completeness.COMPLETE:
            whole.append(added.cells)
        elif added.completeness is Completeness.CAPPED and len(rules) == 1 and None not in rules:
            capped += [(rule, added.cells) for rule in rules if rule is not None]
        else:
            continue
        known.add(added.venue)
    return Clumping(complete, whole, capped)


def _is_complete(one: Prepared, length: float) -> bool:
    """Whether a feed shows everything: by what it shows where that tells, else by the documents."""
    if one.feed.completeness is Completeness.PARTIAL:
        return False
    documented = one.feed.completeness is Completeness.COMPLETE
    best = judge(one.feed, one.records, length, Curves([], length))[0]
    return best.rule is None and (documented or (best.posterior > _SURE and len(one.records) >= _ENOUGH))


def _sums_of(one: Prepared, sums: Sequence[Summed]) -> Summed | None:
    """The surest sums of the same venue and lineage."""
    same = [s for s in sums if s.venue == one.feed.venue and s.lineage & set(one.feed.lineage)]
    return min(same, key=lambda s: (s.noise, -float(s.base.sum())), default=None)


def _covered(one: Prepared) -> float:
    return sum(end - start for start, end in one.parts)


def _seen(basis: _Basis, without: frozenset[str] = frozenset()) -> list[Seen]:
    """One `Seen` per covered venue, the largest first; channels of the lineages in `without` are left out."""
    by_venue: dict[str, list[Prepared]] = {}
    for one in basis.feeds:
        if not without & set(one.feed.lineage):
            by_venue.setdefault(one.feed.venue, []).append(one)
    sums: dict[str, list[Summed]] = {}
    for added in basis.sums:
        if not without & added.lineage:
            sums.setdefault(added.venue, []).append(added)
    found = []
    for venue in sorted({*by_venue, *sums}):
        own = [one for one in by_venue.get(venue, []) if one.parts]
        if own:
            best = min(own, key=_preference)
            found.append(basis.read[best.feed.id])
        elif venue in sums:
            ordered = sorted(sums[venue], key=lambda s: (_RANK[s.completeness], s.noise, -float(s.base.sum())))
            found.append(from_sums(ordered, basis.hiding))
    return sorted(found, key=lambda one: (-float(one.base.sum()), -float(one.floor[0]), one.basis))


def _preference(one: Prepared) -> tuple[float, ...]:
    return (one.penalty, _RANK[one.feed.completeness], -_covered(one), -float(one.records.usd.sum()))


def _run(evidence: Evidence, basis: _Basis, without: frozenset[str], settings: Settings) -> _Run | None:
    """The draws without the channels of some lineages; None where no venue shows anything."""
    seen = _seen(basis, without)
    if not any(one.base.sum() > 0 for one in seen):
        return None
    sizes = {size.venue: size for size in evidence.sizes}
    covered = {one.venue for one in seen}
    others = sorted((size for size in evidence.sizes if size.venue not in covered), key=_by_size)
    every = [*(sizes.get(one.venue, Size(one.venue)) for one in seen), *others]
    sized = Sized(_positive(s.open_interest_usd for s in every), _positive(s.volume_usd for s in every))
    unseen = [Unseen(size.venue, _ways(size, seen)) for size in others]
    totals = [total for total in evidence.totals if not without & set(total.lineage)]
    bound, faults, used = constraints(totals, seen, others, basis.sums)
    drawn = draw(seen, unseen, sized, bound, settings, _seed(seen, basis, used))
    lineages = _components([one.lineage for one in seen]) + used
    return _Run(tuple(seen), tuple(others), sized, drawn, lineages, (*basis.faults, *faults))


def _positive(values: Iterable[float | None]) -> Floats:
    """Sizes, with NaN where one is missing, zero, negative or not finite."""
    return np.array([v if v is not None and np.isfinite(v) and v > 0 else np.nan for v in values], float)


def _by_size(size: Size) -> tuple[float, float]:
    return (-(size.open_interest_usd or 0.0), -(size.volume_usd or 0.0))


def _ways(size: Size, seen: Sequence[Seen]) -> tuple[tuple[float, float], ...]:
    """How a feed that was not read hides, for totals that count it: like the capped ones that were read."""
    hidden = [
        float(np.log(o.dollars.sum() / one.base.sum()))
        for one in seen
        for o in one.options[:1]
        if o.rule is not None and one.base.sum() > 0 and o.dollars.sum() > 0
    ]
    typical = float(np.median(hidden)) if hidden else 0.5
    if size.completeness is Completeness.COMPLETE:
        return ((1.0, 0.0),)
    if size.completeness is Completeness.CAPPED:
        return ((1.0, typical),)
    return ((0.5, 0.0), (0.5, typical))


def _components(lineages: Sequence[frozenset[str]]) -> int:
    """How many of them have nothing in common with one another."""
    groups: list[set[str]] = []
    for lineage in lineages:
        touching = [group for group in groups if group & lineage]
        merged = set(lineage).union(*touching)
        groups = [group for group in groups if not group & lineage] + [merged]
    return len(groups)


def _seed(seen: Sequence[Seen], basis: _Basis, used: int) -> int:
    """From what the estimate uses, names and scale left out: the same evidence gives the same draws."""
    biggest = max(float(one.base.sum()) for one in seen)
    parts = sorted(f"{float(one.base.sum()) / biggest:.6e} {one.basis}" for one in seen)
    digest = hashlib.sha256("\n".join([*parts, f"{basis.hours:.6f}", str(used)]).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _summary(basis: _Basis, run: _Run) -> Estimate:
    seen, others, drawn, lineages = run.seen, run.others, run.drawn, run.lineages
    long, short = drawn.long.sum(1), drawn.short.sum(1)
    total = long + short
    by_venue = drawn.long + drawn.short
    count = len(seen)
    shown = float(sum(one.base.sum() for one in seen))
    median = float(np.median(total))
    beyond = float(np.median(by_venue[:, count:].sum(1))) if by_venue.shape[1] > count else 0.0
    shown_share = min(shown / median, 1.0)
    beyond_share = min(beyond / median, 1.0 - shown_share)
    venues = []
    for place, venue in enumerate([*(one.venue for one in seen), *(size.venue for size in others)]):
        if place >= count and not by_venue[:, place].any():
            continue
        one = seen[place] if place < count else None
        venues.append(
            VenueEstimate(
                venue,
                one.basis if one else "extrapolated",
                float(one.base.sum()) if one else 0.0,
                Interval.of(by_venue[:, place]),
                Interval.of(drawn.long[:, place]),
                Interval.of(drawn.short[:, place]),
                one.channels if one else (),
            )
        )
    poor = lineages < 2
    return Estimate(
        Kind.LOWER_BOUND if poor else Kind.ESTIMATE,
        Interval.of(total),
        Interval.of(long),
        Interval.of(short),
        shown,
        lineages,
        tuple(venues),
        _by_asset(basis, seen, by_venue),
        shown_share,
        max(1.0 - shown_share - beyond_share, 0.0),
        beyond_share,
        _variance(seen, by_venue),
        Interval.of(drawn.tau) if np.isfinite(drawn.tau).all() else None,
        run.faults,
        tuple(
            RuleShare(one.channels[0], candidate.words(), candidate.prior, candidate.posterior)
            for one in seen
            for candidate in one.candidates
            if candidate.posterior >= 0.005 or candidate.prior >= 0.25
        ),
        limits=_limits(run),
        window=1.0 - sum(one.edge * float(one.base.sum()) for one in seen) / shown,
        draws={Side.BOTH: total, Side.LONG: long, Side.SHORT: short},
    )


def _by_asset(basis: _Basis, seen: Sequence[Seen], by_venue: Floats) -> dict[str, Interval]:
    """Each venue's dollars by its own mix of assets, those without one by the common mix."""
    names = {code: name for name, code in basis.assets.items()}
    money: dict[int, float] = {}
    for one in seen:
        for code, usd in one.assets.items():
            money[code] = money.get(code, 0.0) + usd
    top = sorted(money, key=lambda code: (-money[code], names[code]))[:MOST_ASSETS]
    everything = sum(money.values())
    if everything <= 0:
        return {}
    mixes = [
        (place, {code: one.assets.get(code, 0.0) / total for code in top})
        for place, one in enumerate(seen)
        if (total := sum(one.assets.values())) > 0
    ]
    blind = np.setdiff1d(np.arange(by_venue.shape[1]), [place for place, _ in mixes])
    rest = by_venue[:, blind].sum(1)
    found = {}
    for code in top:
        dollars = rest * (money[code] / everything)
        apart = np.array([mix[code] for _, mix in mixes if mix[code] > 0])
        for place, mix in mixes:
            dollars = dollars + by_venue[:, place] * mix[code]
        if len(blind) and len(apart) > 1:
            # how unlike the venues' mixes are, for those whose mix is not known
            sd = float(np.std(np.log(apart)))
            wave = np.sin(np.arange(len(dollars)) * 2.399963)  # spread evenly, the same for the same evidence
            dollars = dollars + rest * (money[code] / everything) * np.expm1(sd * wave)
        found[names[code]] = Interval.of(np.maximum(dollars, 0.0))
    return found


def _variance(seen: Sequence[Seen], by_venue: Floats) -> dict[str, float]:
    """The share of each cause in the variance of the total (covariance with it); they add up to one."""
    scale = by_venue.sum(1).mean()
    total = by_venue.sum(1) / scale
    whole = float(total.var())
    if whole <= 0 or not np.isfinite(whole):
        return {}
    causes: dict[str, float] = {}
    for place in range(by_venue.shape[1]):
        cause = seen[place].basis if place < len(seen) else "extrapolated"
        part = float(
            np.mean((by_venue[:, place] / scale - (by_venue[:, place] / scale).mean()) * (total - total.mean()))
        )
        causes[cause] = causes.get(cause, 0.0) + part / whole
    return dict(sorted(causes.items()))


def _limits(run: _Run) -> tuple[str, ...]:
    """What makes the interval as wide as it is, or leaves it a lower bound, in words."""
    seen, others, sized, drawn = run.seen, run.others, run.sized, run.drawn
    said = []
    if run.lineages < 2:
        said.append("One lineage only: nothing independent confirms what it shows, so that this is a lower bound.")
    if not any(one.basis == "complete" for one in seen):
        said.append("No venue shows everything: how much the caps hide is not calibrated on feeds of this window.")
    unknown = sum(one.basis == "unknown" for one in seen)
    if unknown:
        said.append(f"Of {unknown} venues it is not known whether their feed shows everything.")
    count = len(seen)
    unsized = int((~np.isfinite(sized.interest[count:]) & ~np.isfinite(sized.volume[count:])).sum())
    if unsized:
        said.append(f"{unsized} venues without a channel have no known size either and are left out.")
    if others and not np.isfinite(sized.interest[:count]).any() and not np.isfinite(sized.volume[:count]).any():
        said.append("No covered venue has a known size: venues without a channel are left out.")
    elif len(others) > unsized:
        said.append(f"{len(others) - unsized} venues without a channel are extrapolated; they may differ as a group.")
    if drawn.effective < 0.02 * len(drawn.long):
        said.append("The evidence contradicts itself: few draws fit all of it.")
    return tuple(said)


def _without(evidence: Evidence, basis: _Basis, settings: Settings, whole: _Run) -> tuple[Change, ...]:
    """How far the total moves without each lineage."""
    found = []
    for name in sorted({name for one in whole.seen for name in one.lineage}):
        other = _run(evidence, basis, frozenset([name]), settings)
        if other is None:
            found.append(Change(name, 0.0, "nothing is left without it"))
        else:
            found.append(Change(name, other.total.median / whole.total.median))
    return tuple(found)


def _sensitivity(evidence: Evidence, basis: _Basis, settings: Settings, whole: Interval) -> tuple[Change, ...]:
    """How far the total moves when one assumption is flipped."""
    flips = {
        "every cap keeps the latest": replace(settings, keep=Keep.LATEST),
        "every cap keeps the largest": replace(settings, keep=Keep.LARGEST),
        "feeds of unknown class are complete": replace(settings, unknown=Completeness.COMPLETE),
        "feeds of unknown class are capped": replace(settings, unknown=Completeness.CAPPED),
        "open interest is the size of a venue": replace(settings, size="interest"),
        "volume is the size of a venue": replace(settings, size="volume"),
        "venues without a channel are like the others": replace(settings, group_sd=0.0),
        "venues without a channel may differ twice as much": replace(settings, group_sd=0.5),
    }
    found = []
    for name, changed in flips.items():
        other = _run(evidence, basis, frozenset(), changed)
        if other is None:
            continue
        width = (other.total.high90 / other.total.low90) / (whole.high90 / whole.low90)
        text = f"the 90 % interval is {width:.2f} times as wide" if abs(width - 1) > 0.05 else ""
        found.append(Change(name, other.total.median / whole.median, text))
    return tuple(found)
