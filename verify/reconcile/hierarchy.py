"""Venues borrow strength: a normal-normal model of log size-adjusted losses, by Monte-Carlo draws.

theta_v ~ N(mu, tau^2), y_v ~ N(theta_v, u_v^2), mu flat, tau half-normal (Roever 2020, bayesmeta, for why half-normal
and at which scale; Fay & Herriot 1979 for venues as small areas). `dersimonian_laird` (DerSimonian & Laird 1986) and
`paule_mandel` (Paule & Mandel 1982) are the classical estimates of the same model, the reference that `verify
calibrate` compares with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from verify.reconcile.records import Floats, Ints

_GRID = np.concatenate([[1e-3], np.linspace(0.03, 1.2, 27), np.linspace(1.3, 3.0, 9)])
_LEAST_SD = 1e-3


@dataclass(frozen=True, slots=True)
class Classical:
    """A random-effects mean with its standard error and the variance between the studies."""

    mean: float
    error: float
    tau2: float


def dersimonian_laird(y: Floats, variance: Floats) -> Classical:
    """The one-step moment estimate of the variance between."""
    weight = 1.0 / variance
    mean = float((weight * y).sum() / weight.sum())
    q = float((weight * (y - mean) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2 = max(0.0, (q - (len(y) - 1)) / scale) if scale > 0 else 0.0
    return _mean(y, variance, tau2)


def paule_mandel(y: Floats, variance: Floats) -> Classical:
    """The variance between at which the generalised Q equals its degrees of freedom; found by Newton steps, which
    rise monotonically because Q is convex and falls."""
    tau2 = 0.0
    for _ in range(200):
        weight = 1.0 / (variance + tau2)
        mean = float((weight * y).sum() / weight.sum())
        away = float((weight * (y - mean) ** 2).sum()) - (len(y) - 1)
        if away <= 1e-13 * max(len(y), 1):
            break
        tau2 += away / float((weight**2 * (y - mean) ** 2).sum())
    return _mean(y, variance, tau2)


def _mean(y: Floats, variance: Floats, tau2: float) -> Classical:
    weight = 1.0 / (variance + tau2)
    return Classical(float((weight * y).sum() / weight.sum()), float(np.sqrt(1.0 / weight.sum())), tau2)


class Chance:
    """Stratified random numbers: each column fills every one of M equal slices of the distribution once, which takes
    most of the Monte-Carlo noise out (McKay, Beckman & Conover 1979)."""

    def __init__(self, seed: int, draws: int) -> None:
        self._random = np.random.default_rng(seed)
        self.draws = draws
        self._middle = (np.arange(draws) + 0.5) / draws
        self._normal = ndtri(self._middle)
        self._student: dict[float, Floats] = {}

    def uniform(self) -> Floats:
        return self._middle[self._random.permutation(self.draws)]

    def normal(self) -> Floats:
        return np.asarray(self._normal[self._random.permutation(self.draws)])

    def normals(self, columns: int) -> Floats:
        return np.column_stack([self.normal() for _ in range(columns)]) if columns else np.zeros((self.draws, 0))

    def student(self, degrees: float) -> Floats:
        if degrees not in self._student:
            self._student[degrees] = np.asarray(stdtrit(degrees, self._middle))
        return self._student[degrees][self._random.permutation(self.draws)]


@dataclass(frozen=True, slots=True)
class Pooled:
    """Draws of the common level and the spread between venues, and the log evidence of each draw's data."""

    mu: Floats
    tau: Floats
    evidence: Floats


def pool(y: Floats, u: Floats, tau_scale: float, chance: Chance) -> Pooled:
    """Draw mu and tau given y (draws x venues) with standard deviations u (the same shape)."""
    variance = np.maximum(u, _LEAST_SD) ** 2
    log_density = np.empty((len(y), len(_GRID)))
    mean = np.empty_like(log_density)
    error = np.empty_like(log_density)
    for index, tau in enumerate(_GRID):
        weight = 1.0 / (variance + tau**2)
        total = weight.sum(1)
        centre = (weight * y).sum(1) / total
        away = (weight * (y - centre[:, None]) ** 2).sum(1)
        log_density[:, index] = 0.5 * (np.log(weight).sum(1) - np.log(total) - away) - 0.5 * (tau / tau_scale) ** 2
        mean[:, index] = centre
        error[:, index] = np.sqrt(1.0 / total)
    log_density += np.log(np.gradient(_GRID))
    top = log_density.max(1)
    density = np.exp(log_density - top[:, None])
    cumulative = np.cumsum(density, 1)
    target = chance.uniform() * cumulative[:, -1]
    chosen: Ints = np.minimum((cumulative < target[:, None]).sum(1), len(_GRID) - 1)
    row = np.arange(len(y))
    mu = mean[row, chosen] + error[row, chosen] * chance.normal()
    return Pooled(mu, _GRID[chosen], top + np.log(cumulative[:, -1]))


def shrink(y: Floats, u: Floats, pooled: Pooled, chance: Chance) -> Floats:
    """Draws of theta (draws x venues): each venue between its own figure and the common level, by precision."""
    own = np.maximum(u, _LEAST_SD) ** -2.0
    common = np.maximum(pooled.tau, _LEAST_SD)[:, None] ** -2.0
    mean = (own * y + common * pooled.mu[:, None]) / (own + common)
    return np.asarray(mean + chance.normals(y.shape[1]) / np.sqrt(own + common))


def resample(log_weight: Floats, chance: Chance) -> Ints:
    """Indices of the draws by weight, systematically; heavy single weights are truncated at sqrt(M) times the mean
    (Ionides 2008)."""
    weight = np.exp(log_weight - log_weight.max())
    weight = np.minimum(weight, weight.mean() * np.sqrt(len(weight)))
    cumulative = np.cumsum(weight) / weight.sum()
    return np.minimum(np.searchsorted(cumulative, np.sort(chance.uniform())), len(weight) - 1)
