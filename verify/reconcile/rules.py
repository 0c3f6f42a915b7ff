"""Which rule a feed follows: documents are the prior, the feed itself decides where it can.

What speaks for or against a rule, strongest first: records that the rule forbids; repeats that a complete feed would
show and this one does not; gaps below the dead time; the place of the kept record in its interval (late under
`latest`, anywhere under `largest`); the rise of sizes with the rate, against complete feeds capped either way.
Log likelihoods are tempered and bounded: the model behind them is itself in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.model.figure import Completeness
from verify.reconcile.calibration import Curves, size_slope
from verify.reconcile.observed import Belief, CapRule, Feed, Keep
from verify.reconcile.records import Floats, Records
from verify.reconcile.thinning import cells, correct, excess, floored, groups, resolved

#: Share of the prior that goes to rules that no document names: documents have been wrong before.
OTHERWISE = 0.2
#: A complete feed that shows too few repeats is taken to be capped by the commonest rule.
USUAL_INTERVAL = 1.0
_WRONG_RECORDS = 0.005  # records out of place that clocks and batches explain
_TEMPER = 0.25
_BOUND = 12.0
_DECISIVE = 60.0
_SOME = 5000  # records that the phase of a clock is looked for in


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule (None: complete) with its prior and posterior probability and the phase of its clock."""

    rule: CapRule | None
    prior: float
    posterior: float
    phase: float = 0.0

    def words(self) -> str:
        if self.rule is None:
            return "complete"
        per = "instrument and side" if self.rule.by_side else "instrument"
        return f"{self.rule.keep} {self.rule.most} per {per} and {self.rule.interval:g} s"


def priors(feed: Feed) -> list[tuple[CapRule | None, float]]:
    """The rules that come into question with their prior probabilities."""
    stated = [b for b in feed.rules if b.weight > 0]
    usual = [CapRule(USUAL_INTERVAL, keep) for keep in Keep]
    if feed.completeness is Completeness.COMPLETE:
        stated = [Belief(None)]
    elif feed.completeness is not Completeness.CAPPED and not any(b.rule is None for b in stated):
        weight = sum(b.weight for b in stated) or 1.0
        stated = [*(stated or [Belief(rule, 1 / len(usual)) for rule in usual]), Belief(None, weight)]
    total = sum(b.weight for b in stated)
    found: dict[CapRule | None, float] = {}
    for belief in stated:
        found[belief.rule] = found.get(belief.rule, 0.0) + (1 - OTHERWISE) * belief.weight / total
    basis = [rule for rule in found if rule is not None] or usual
    others: list[CapRule | None] = [None]
    for rule in basis:
        others += [CapRule(rule.interval, keep, rule.by_side, rule.most) for keep in Keep]
        others += [CapRule(rule.interval, rule.keep, not rule.by_side, rule.most)]
    for other in others:
        found[other] = found.get(other, 0.0) + OTHERWISE / len(others)
    return list(found.items())


def judge(feed: Feed, shown: Records, length: float, curves: Curves) -> tuple[Candidate, ...]:
    """The candidates with their posterior, likeliest first. `curves` are those of the window's complete feeds."""
    options = priors(feed)
    ratings = []
    for rule, _ in options:
        interval = next((r.interval for r, _ in options if r is not None), USUAL_INTERVAL)
        ratings.append(_rate(rule, shown, length, interval, curves))
    log = np.array([rating for rating, _ in ratings]) + np.log([prior for _, prior in options])
    posterior = np.exp(log - log.max())
    posterior /= posterior.sum()
    found = [
        Candidate(rule, prior, float(p), phase)
        for (rule, prior), p, (_, phase) in zip(options, posterior, ratings, strict=True)
    ]
    return tuple(sorted(found, key=lambda c: (-c.posterior, c.words())))


def _rate(rule: CapRule | None, shown: Records, length: float, interval: float, curves: Curves) -> tuple[float, float]:
    """Log likelihood (up to a constant of the feed) and the phase of the clock that fits best."""
    if len(shown) < 3:
        return 0.0, 0.0
    if rule is None:
        plain = CapRule(interval, Keep.LARGEST)
        expected, seen = _repeats(shown, plain, length)
        return (-min(0.5 * (expected - seen), _DECISIVE) if seen < 0.1 * expected else 0.0), 0.0
    phase, wrong = _phase(shown, rule)
    likelihood = -min(6.0 * max(wrong - _WRONG_RECORDS * len(shown), 0.0), _DECISIVE)
    if likelihood <= -_DECISIVE:
        return likelihood, phase
    if rule.by_side:
        likelihood -= min(0.5 * max(_both_sides_missing(shown, rule), 0.0), _DECISIVE)
    if resolved(shown.seconds, rule.interval):
        if rule.keep is not Keep.FIRST:
            likelihood -= min(0.5 * _short_gaps_missing(shown, rule, phase), _DECISIVE)
        likelihood += _place(shown, rule, phase, length)
    if likelihood < -_DECISIVE / 2:
        return likelihood, phase
    return likelihood + _slope(shown, rule, length, curves), phase


def _phase(shown: Records, rule: CapRule) -> tuple[float, float]:
    """Where in the second the clock of a tumbling rule ticks, and how many records are out of place then."""
    wrong = float(excess(shown, rule).sum())
    if rule.keep is Keep.FIRST or wrong <= 0.01 * len(shown):
        return 0.0, wrong
    some = shown if len(shown) <= _SOME else shown.take(np.arange(_SOME))
    tried = [(float(excess(some, rule, tenth / 10).sum()), tenth / 10) for tenth in range(10)]
    best, phase = min(tried)
    if best >= 0.2 * max(tried[0][0], 1.0):
        return 0.0, wrong
    return phase, float(excess(shown, rule, phase).sum())


def _repeats(shown: Records, rule: CapRule, length: float) -> tuple[float, float]:
    """Repeats in one interval that a complete feed of this density would show, and those that are there."""
    over = excess(shown, rule)
    single = shown.take(~over)
    z = correct(floored(single, rule), CapRule(rule.interval, Keep.LATEST), length).z
    return float((z / -np.expm1(-z) - 1.0).sum()), float(over.sum())


def _both_sides_missing(shown: Records, rule: CapRule) -> float:
    """How many intervals should show both sides, were they capped apart, and do not."""
    minute = np.floor(shown.seconds / (60 * rule.interval)).astype(np.int64)
    key = shown.instrument * (int(minute.max()) - int(minute.min()) + 1) + minute - int(minute.min())
    number = np.unique(key, return_inverse=True)[1]
    longs = np.bincount(number, weights=shown.long)
    shorts = np.bincount(number, weights=~shown.long)
    cell = cells(shown.seconds, rule)
    same = (shown.instrument[1:] == shown.instrument[:-1]) & (cell[1:] == cell[:-1])
    both = float((same & (shown.long[1:] != shown.long[:-1])).sum())
    return float((longs * shorts).sum()) / 60.0 - both if both < 0.1 * (longs * shorts).sum() / 60.0 else 0.0


def _short_gaps_missing(shown: Records, rule: CapRule, phase: float) -> float:
    """Records in neighbouring intervals lie closer than one interval about half of the time, unless a dead time
    forbids it."""
    group, cell = groups(shown, rule), cells(shown.seconds, rule, phase)
    if rule.by_side:
        order = np.lexsort((shown.seconds, group))
        group, cell, seconds = group[order], cell[order], shown.seconds[order]
    else:
        seconds = shown.seconds
    near = (group[1:] == group[:-1]) & (np.diff(cell) == 1)
    short = float((near & (np.diff(seconds) < 0.999 * rule.interval)).sum())
    expected = 0.4 * float(near.sum())
    return expected - short if short < 0.1 * expected else 0.0


def _place(shown: Records, rule: CapRule, phase: float, length: float) -> float:
    """The place of the kept record in its interval: density z exp(z u) / (exp(z) - 1) under `latest`, else even."""
    if rule.keep is not Keep.LATEST or rule.most > 1:
        return 0.0
    z = np.minimum(correct(floored(shown, rule), rule, length).z, 20.0)
    place = shown.seconds / rule.interval + phase
    place = place - np.floor(place + 1e-9)
    busy = z > 0.2
    score = float((np.log(z[busy]) + z[busy] * place[busy] - np.log(np.expm1(z[busy]))).sum())
    return float(np.clip(_TEMPER * score, -_BOUND, _BOUND))


def _slope(shown: Records, rule: CapRule, length: float, curves: Curves) -> float:
    """How well the rise of sizes with the rate fits that of complete feeds under this rule (Student's t, 4 degrees)."""
    known = curves.get(rule)
    if not known.slopes:
        return 0.0
    mine = size_slope(shown, rule, length)
    if mine is None:
        return 0.0
    values: Floats = np.array([s.value for s in known.slopes])
    errors: Floats = np.array([s.error for s in known.slopes])
    between = max(float(values.var()), 0.08**2)
    sd = float(np.sqrt(mine.error**2 + np.mean(errors**2) / len(values) + between * (1 + 1 / len(values))))
    away = (mine.value - float(values.mean())) / sd
    return float(np.clip(-2.5 * np.log1p(away**2 / 4) - np.log(sd), -_BOUND, _BOUND))
