"""The market by draws: what venues show, what their feeds hide, what venues without a channel may have lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from verify.model.figure import Completeness
from verify.reconcile.hierarchy import DEGREES, Chance, pool, resample, shrink
from verify.reconcile.observed import Keep
from verify.reconcile.records import Floats, Ints
from verify.reconcile.shown import Seen

_LOGIT_MOST = 6.0
#: How likely a total that names no venues counts one of which nothing is known.
COUNTED = 0.8
_TAIL_MOST = 4.0
#: The share of effective draws from which quantiles are steady; at most so many times the draws are made for them.
_ENOUGH, _MORE_MOST = 0.375, 12.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The assumptions, each of which can be flipped.

    `tau_scale` and `side_scale` are the scales of the half-normal priors of the spread between venues, `group_sd` the
    error that all venues without a channel share, `shared` the part of a cap's error that all venues share (rho).
    `keep` makes every cap keep this record, `unknown` makes every feed of unknown class complete or capped, `size`
    takes open interest ("interest") or volume ("volume") as the size of venues; None leaves each to its probability.
    """

    draws: int = 4000
    tau_scale: float = 0.7
    side_scale: float = 0.5
    group_sd: float = 0.25
    shared: float = 0.5
    keep: Keep | None = None
    unknown: Completeness | None = None
    size: str | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """Sizes by venue, covered ones first and in the same order: open interest and volume, NaN where not known."""

    interest: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class Unseen:
    """A venue without a channel; `shown_factor` are the ways its feed may hide: (probability, log factor)."""

    venue: str
    shown_factor: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A total as shown: of these venues (by place; covered first), for the sides it counts, with its log sd."""

    dollars: float
    sd: float
    venues: Ints
    sides: tuple[bool, bool]
    doubtful: frozenset[int] = frozenset()  # of whom it is not known whether the total counts them


@dataclass(frozen=True, slots=True)
class Drawn:
    """Draws x venues of dollars, covered venues first; `tau` per draw; `effective` the effective number of draws."""

    long: Floats
    short: Floats
    tau: Floats
    effective: float


def draw(
    seen: Sequence[Seen],
    unseen: Sequence[Unseen],
    sized: Sized,
    constraints: Sequence[Constraint],
    settings: Settings,
    seed: int,
) -> Drawn:
    """The dollars that every venue lost, draw by draw.

    Where totals leave few of the draws, more are made and the same number is kept.
    """
    drawn = _draw(seen, unseen, sized, constraints, settings, seed)
    lacking = _ENOUGH * settings.draws / max(drawn.effective, 1.0)
    if not constraints or lacking <= 1.0:
        return drawn
    more = int(np.ceil(min(lacking, _MORE_MOST)))
    drawn = _draw(seen, unseen, sized, constraints, replace(settings, draws=more * settings.draws), seed)
    # resampled draws are in order, so that every so many of them are a systematic sample
    kept = slice(None, None, more)
    return Drawn(drawn.long[kept], drawn.short[kept], drawn.tau[kept], drawn.effective / more)


def _draw(
    seen: Sequence[Seen],
    unseen: Sequence[Unseen],
    sized: Sized,
    constraints: Sequence[Constraint],
    settings: Settings,
    seed: int,
) -> Drawn:
    chance = Chance(seed, settings.draws)
    count, draws = len(seen), settings.draws
    log_size, size_known = _sizes(sized, settings, chance)
    dollars, hidden_sd, noise, common_sd = _options(seen, settings, chance)
    shared, common = chance.normal(), chance.normal()
    total = np.maximum(dollars.sum(2), 0.0)
    live = np.array([one.base.sum() > 0 for one in seen], bool)
    y = np.log(np.maximum(total, 1e-300)) + np.sqrt(settings.shared) * hidden_sd * shared[:, None]
    y = y + common_sd * common[:, None]
    u = np.hypot(np.sqrt(1 - settings.shared) * hidden_sd, noise)
    speaking = live & size_known[:count]
    weight = np.zeros(draws)
    lost = np.zeros((draws, count))
    tau = np.full(draws, np.nan)
    own = live & ~size_known[:count]
    lost[:, own] = np.exp(y[:, own] + u[:, own] * chance.normals(int(own.sum())))
    reach = np.zeros((draws, len(unseen)))
    if speaking.any():
        adjusted = y[:, speaking] - log_size[:, :count][:, speaking]
        pooled = pool(adjusted, u[:, speaking], settings.tau_scale, chance)
        theta = shrink(adjusted, u[:, speaking], pooled, chance)
        lost[:, speaking] = np.exp(theta + log_size[:, :count][:, speaking])
        tau = pooled.tau
        weight += pooled.evidence
        group = settings.group_sd * chance.normal()
        for place in range(len(unseen)):
            away = np.clip(chance.student(DEGREES), -_TAIL_MOST, _TAIL_MOST) * pooled.tau
            if size_known[count + place]:
                reach[:, place] = np.exp(pooled.mu + away + group + log_size[:, count + place])
    share = _long_shares(seen, dollars, live, len(unseen), settings, chance)
    everything = np.concatenate([lost, reach], 1)
    long = everything * share
    short = everything - long
    for place, one in enumerate(seen):
        long[:, place] = np.maximum(long[:, place], one.floor[0])
        short[:, place] = np.maximum(short[:, place], one.floor[1])
    for constraint in constraints:
        weight += _fit(constraint, seen, unseen, long, short, chance)
    chosen = resample(weight, chance) if np.ptp(weight) > 0 else np.arange(draws)
    relative = np.exp(weight - weight.max())
    effective = float(relative.sum() ** 2 / (relative**2).sum())
    return Drawn(long[chosen], short[chosen], tau[chosen], effective)


def _sizes(
    sized: Sized, settings: Settings, chance: Chance
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The log size of each venue per draw: open interest, volume or their geometric mean, where one lacks the other
    is converted by the median ratio."""
    interest, volume = np.log(sized.interest), np.log(sized.volume)
    both = np.isfinite(interest) & np.isfinite(volume)
    ratio = float(np.median((volume - interest)[both])) if both.any() else 0.0
    if not np.isfinite(interest).any():
        ratio = 0.0
    volume = np.where(np.isfinite(volume), volume - ratio, interest)
    interest = np.where(np.isfinite(interest), interest, volume)
    known = np.isfinite(interest)
    pick = chance.uniform()
    by_volume = np.where(pick < 0.5, 0.0, np.where(pick < 0.8, 0.5, 1.0))
    if settings.size is not None:
        by_volume = np.full(len(pick), 1.0 if settings.size == "volume" else 0.0)
    log_size = (1 - by_volume)[:, None] * interest + by_volume[:, None] * volume
    return np.where(known, log_size, 0.0), known


def _options(seen: Sequence[Seen], settings: Settings, chance: Chance) -> tuple[Floats, Floats, Floats, Floats]:
    """Per draw and venue: the dollars by side under the option drawn, the sd of what it hides, the noise, and the sd
    of what is common to all venues."""
    draws = settings.draws
    dollars = np.zeros((draws, len(seen), 2))
    hidden_sd = np.zeros((draws, len(seen)))
    noise = np.zeros((draws, len(seen)))
    common_sd = np.zeros((draws, len(seen)))
    for place, one in enumerate(seen):
        options = one.options
        probability = np.array([option.probability for option in options])
        if settings.keep is not None and any(o.rule and o.rule.keep is settings.keep for o in options):
            fits = [o.rule is None or o.rule.keep is settings.keep for o in options]
            probability = probability * np.array(fits)
        if settings.unknown is not None and one.basis == "unknown":
            complete = settings.unknown is Completeness.COMPLETE
            fits = [(o.rule is None) == complete for o in options]
            probability = probability * np.array(fits) if any(fits) else probability
        cumulative = np.cumsum(probability) / probability.sum()
        chosen = np.minimum(np.searchsorted(cumulative, chance.uniform()), len(options) - 1)
        dollars[:, place] = np.array([option.dollars for option in options])[chosen]
        hidden_sd[:, place] = np.array([option.hidden_sd for option in options])[chosen]
        common_sd[:, place] = np.array([option.common_sd for option in options])[chosen]
        noise[:, place] = one.noise
    return dollars, hidden_sd, noise, common_sd


def _long_shares(
    seen: Sequence[Seen],
    dollars: Floats,
    live: np.ndarray[tuple[int], np.dtype[np.bool_]],
    unseen: int,
    settings: Settings,
    chance: Chance,
) -> Floats:
    """The share of longs per draw and venue; venues without their own share that of the others."""
    count, draws = len(seen), settings.draws
    share = np.full((draws, count + unseen), 0.5)
    known = live & np.array([one.sides_known for one in seen], bool)
    total = np.maximum(dollars.sum(2), 1e-300)
    own = np.clip(dollars[:, :, 0] / total, 0.0, 1.0)
    bent = np.clip(logit(np.clip(own, 1e-9, 1 - 1e-9)), -_LOGIT_MOST, _LOGIT_MOST)
    hidden = np.array([[1.0 - one.base.sum() / max(o.dollars.sum(), 1e-300) for o in one.options[:1]] for one in seen])
    doubt = 0.02 + 0.3 * np.clip(hidden.ravel(), 0.0, 1.0) if count else np.zeros(0)
    if not known.any():
        level, spread = chance.normal(), np.full(draws, 1.0)
    else:
        pooled = pool(
            bent[:, known], np.broadcast_to(0.1 + doubt[known], bent[:, known].shape), settings.side_scale, chance
        )
        level, spread = pooled.mu, pooled.tau
    for place in range(count + unseen):
        if place < count and known[place]:
            moved = expit(bent[:, place] + doubt[place] * chance.normal())
            pure = (own[:, place] <= 0) | (own[:, place] >= 1)
            share[:, place] = np.where(pure, own[:, place], moved)
        else:
            away = np.clip(chance.student(5.0), -_TAIL_MOST, _TAIL_MOST)
            share[:, place] = expit(level + spread * away)
    return share


def _fit(
    constraint: Constraint, seen: Sequence[Seen], unseen: Sequence[Unseen], long: Floats, short: Floats, chance: Chance
) -> Floats:
    """The log likelihood of a total as shown (Student's t with 4 degrees: a total may be simply wrong)."""
    draws, count = len(long), len(seen)
    want = np.array(constraint.sides, float)
    shown = np.zeros(draws)
    for place in constraint.venues:
        if place < count:
            shown += float((seen[place].base * want).sum())
            continue
        other = unseen[place - count]
        probability = np.cumsum([p for p, _ in other.shown_factor])
        factors = np.array([g for _, g in other.shown_factor])
        drawn = np.minimum(np.searchsorted(probability / probability[-1], chance.uniform()), len(factors) - 1)
        part = (want[0] * long[:, place] + want[1] * short[:, place]) * np.exp(-factors[drawn])
        if place in constraint.doubtful:
            part = part * (chance.uniform() < COUNTED)
        shown += part
    away = (np.log(constraint.dollars) - np.log(np.maximum(shown, 1e-300))) / constraint.sd
    return np.asarray(-2.5 * np.log1p(away**2 / 4))
