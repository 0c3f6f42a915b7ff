"""What each venue shows and how much that can stand for: one lineage, one vote.

A venue is read from one channel: its own feed (the most complete one, then the best covered), else bars, else
aggregators' rows. Rows of one feed by two aggregators are averaged and gain nothing in precision: they are the same
measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from verify.model.figure import Completeness
from verify.model.quantity import Side
from verify.reconcile.calibration import Cells, sampling
from verify.reconcile.gaps import Profile, Span
from verify.reconcile.hiding import CALIBRATED, LEVEL_SD, MOST_SD, UNCALIBRATED, UNEXPLAINED, Hiding, spread
from verify.reconcile.observed import Belief, CapRule, Feed, Keep, Row
from verify.reconcile.records import Floats, Records
from verify.reconcile.rules import Candidate, judge
from verify.reconcile.thinning import correct

#: A partial feed hides an unknown share: the log of the factor is half-normal with this scale.
PARTIAL = 0.5
#: What is lost by a mend (log sd): one that undoes the fault exactly, and one that only makes the channel plausible.
EXACT, MENDED = 0.02, 0.10
#: Before looking, a feed of unknown class is as likely capped as complete.
UNKNOWN_IS_COMPLETE = 0.5
#: Records lost on the way to anybody, also to the reader of a complete feed.
_GAP = 0.02  # log of what gaps hide from which on sums of the same feed are asked
_COMPLETE_NOISE, _CAPPED_NOISE, _ROW_NOISE = 0.005, 0.03, 0.03


@dataclass(frozen=True, slots=True)
class Option:
    """One way to read a channel: its probability, the dollars (long, short) that it stands for, the standard
    deviation of the log of what is hidden, the rule, and a further deviation that all venues have in common."""

    probability: float
    dollars: Floats
    hidden_sd: float
    rule: CapRule | None
    common_sd: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What one venue shows. `floor` (long, short) was certainly seen, `base` is the best figure of what is shown, of
    which the share `edge` comes from sums over an edge of the window."""

    venue: str
    basis: str
    floor: Floats
    base: Floats
    noise: float
    options: tuple[Option, ...]
    channels: tuple[str, ...]
    lineage: frozenset[str]
    candidates: tuple[Candidate, ...] = ()
    assets: Mapping[int, float] = field(default_factory=dict)
    sides_known: bool = True
    edge: float = 0.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A feed after diagnosis: its records in the window, what it covers, and the penalty (log sd) of mends."""

    feed: Feed
    records: Records
    parts: tuple[Span, ...]
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class Summed:
    """A venue's sums by one aggregator (rows, or bars added up), after diagnosis; (long, short) or only together. The
    share `edge` of them comes from bars over an edge of the window."""

    venue: str
    source: str
    lineage: frozenset[str]
    floor: Floats
    base: Floats
    noise: float
    completeness: Completeness
    rules: tuple[Belief, ...]
    sides_known: bool = True
    channel: str = ""
    assets: Mapping[int, float] = field(default_factory=dict)
    cells: Cells | None = None
    edge: float = 0.0


def from_feed(one: Prepared, profile: Profile, hiding: Hiding, sums: Summed | None = None) -> Seen:
    """What a feed of events shows and may stand for. `sums` are an aggregator's of the same feed: they tell what a gap
    hides better than other venues do."""
    feed, shown, curves = one.feed, one.records, hiding.curves
    missing, missing_sd = profile.factor(one.parts)
    if sums is not None and missing > _GAP and 0 < shown.usd.sum() < sums.base.sum():
        missing, missing_sd = float(np.log(sums.base.sum() / shown.usd.sum())), max(sums.noise, _ROW_NOISE)
    scale = float(np.exp(missing))
    listened = sum(end - start for start, end in one.parts)
    candidates = judge(feed, shown, max(listened, 1.0), curves)
    base = shown.sides()
    options = []
    noise = _COMPLETE_NOISE
    for candidate in candidates:
        if candidate.posterior < 1e-3:
            continue
        rule = candidate.rule
        if rule is None:
            options.append(Option(candidate.posterior, base * scale, 0.0, None))
            continue
        corrected = correct(shown, rule, max(listened, 1.0), candidate.phase)
        known = curves.get(rule)
        usd = known.apply(corrected, shown.usd)
        dollars = np.array([usd[shown.long].sum(), usd[~shown.long].sum()])
        hidden = float(np.log(max(dollars.sum(), 1e-300) / max(base.sum(), 1e-300)))
        usual, common = CALIBRATED * float(np.sqrt(max(hidden, 0.0))), 0.0
        if not known.feeds:
            line = hiding.unmeasured(float(len(shown)), rule)
            left_out = max(line - hidden, UNEXPLAINED * line)
            dollars, hidden = dollars * np.exp(left_out), hidden + left_out
            usual, common = UNCALIBRATED * hidden, LEVEL_SD
        usual = spread(min(usual, MOST_SD), known.spread, known.feeds)
        sd = float(np.hypot(usual, sampling(known.weight(corrected), shown.usd)))
        options.append(Option(candidate.posterior, dollars * scale, sd, rule, common))
        noise = max(noise, _CAPPED_NOISE * candidate.posterior)
    best = candidates[0].rule
    basis = "capped" if best is not None else "complete"
    if feed.completeness is Completeness.PARTIAL:
        basis = "partial"
    elif feed.completeness is Completeness.UNKNOWN and candidates[0].posterior < 0.9:
        basis = "unknown"
    per_asset = np.bincount(shown.asset, weights=shown.usd) if len(shown) else np.zeros(0)
    return Seen(
        feed.venue,
        basis,
        base if one.penalty <= EXACT else 0.0 * base,
        base,
        float(np.hypot(np.hypot(noise, missing_sd), one.penalty)),
        tuple(options),
        (feed.id,),
        frozenset(feed.lineage),
        candidates,
        {int(a): float(per_asset[a]) for a in np.flatnonzero(per_asset)},
    )


def from_sums(sums: Sequence[Summed], hiding: Hiding) -> Seen:
    """What aggregators' sums of one venue show; they agree or their difference is part of the noise."""
    first = sums[0]
    bases = [max(one.base.sum(), 1e-300) for one in sums]
    weights = np.array([1.0 / max(one.noise, 1e-3) ** 2 for one in sums])
    weights = weights / weights.sum()
    total = float(np.exp((weights * np.log(bases)).sum()))
    sided = [one for one in sums if one.sides_known]
    split = np.mean([one.base / max(one.base.sum(), 1e-300) for one in sided], 0) if sided else np.array([0.5, 0.5])
    base = total * split
    apart = float(np.std(np.log(bases))) if len(bases) > 1 else 0.0
    floors = np.array([one.floor for one in sums])
    cells = next((one.cells for one in sums if one.cells is not None), None)
    options = _options(first.completeness, first.rules, base, hiding, cells)
    basis = str(first.completeness) if first.completeness is not Completeness.COMPLETE else "complete"
    return Seen(
        first.venue,
        basis,
        floors.max(0) * 0.97 if first.sides_known else 0.0 * base,
        base,
        float(np.hypot(max(min(one.noise for one in sums), _ROW_NOISE), apart)),
        options,
        tuple(one.channel or one.source for one in sums),
        frozenset().union(*(one.lineage for one in sums)),
        (),
        next((one.assets for one in sums if one.assets), {}),
        bool(sided),
        min(one.edge for one in sums),
    )


def _options(
    completeness: Completeness, rules: Sequence[Belief], base: Floats, hiding: Hiding, cells: Cells | None
) -> tuple[Option, ...]:
    whole = Option(1.0, base, 0.0, None)
    if completeness is Completeness.COMPLETE or base.sum() <= 0:
        return (whole,)
    stated = [b for b in rules if b.rule is not None and b.weight > 0]
    stated = stated or [Belief(CapRule(1.0, keep)) for keep in (Keep.LATEST, Keep.LARGEST)]
    keeps = {b.rule.keep for b in stated if b.rule}
    total = sum(b.weight for b in stated)
    beliefs = [(b.rule, 0.8 * b.weight / total) for b in stated if b.rule]
    other = [keep for keep in (Keep.LATEST, Keep.LARGEST) if keep not in keeps]
    for keep in other:
        beliefs.append((replace(beliefs[0][0], keep=keep), 0.2 / len(other)))
    options = []
    for rule, weight in beliefs:
        hidden, sd = hiding.factor(float(base.sum()), rule, cells)
        options.append(Option(weight, base * np.exp(hidden), sd, rule))
    if completeness is Completeness.UNKNOWN:
        odds = (1 - UNKNOWN_IS_COMPLETE) / UNKNOWN_IS_COMPLETE
        odds *= 1.0 if cells is None else float(np.exp(hiding.clumping.ratio(cells, beliefs[0][0])))
        part = odds / (1.0 + odds)
        options = [replace(option, probability=part * option.probability) for option in options]
        options.append(replace(whole, probability=1.0 - part))
    elif completeness is Completeness.PARTIAL:
        return (Option(1.0, base * np.exp(0.67 * PARTIAL), 0.6 * PARTIAL, None),)
    return tuple(options)


def row_sums(rows: Sequence[Row]) -> list[Summed]:
    """Rows of one venue by each aggregator, long and short put together."""
    found = []
    cells: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        cells.setdefault((row.source, row.venue), []).append(row)
    for (source, _), group in cells.items():
        sides = {row.side: row for row in group}
        known = Side.LONG in sides and Side.SHORT in sides
        both = sides.get(Side.BOTH)
        if known:
            base = np.array([sides[Side.LONG].notional_usd, sides[Side.SHORT].notional_usd])
        elif both is not None and (one := sides.get(Side.LONG) or sides.get(Side.SHORT)):
            part = min(one.notional_usd, both.notional_usd)
            rest = both.notional_usd - part
            base = np.array([part, rest] if one.side is Side.LONG else [rest, part])
            known = True
        elif both is not None:
            base = np.array([both.notional_usd, both.notional_usd]) / 2
        else:
            continue  # one side alone says nothing of the venue
        first = group[0]
        noise = max(
            (0.3 * np.log(max(row.high / max(row.low, 1e-9), 1.0)) for row in group if row.low and row.high),
            default=0.0,
        )
        found.append(
            Summed(
                first.venue,
                source,
                frozenset(first.lineage),
                base,
                base,
                max(_ROW_NOISE, float(noise)),
                first.completeness,
                first.rules,
                known,
                source,
            )
        )
    return found
