"""Venues borrow strength: a hierarchical model of log size-adjusted losses, by Monte-Carlo draws.

theta_v ~ mu + tau t_5, y_v ~ N(theta_v, u_v^2), mu flat, tau half-normal (Roever 2020, bayesmeta, for why half-normal
and at which scale; Fay & Herriot 1979 for venues as small areas). `dersimonian_laird` (DerSimonian & Laird 1986) and
`paule_mandel` (Paule & Mandel 1982) are the classical estimates of the same model, the reference that `verify
calibrate` compares with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, ndtri, roots_genlaguerre, stdtrit

from verify.reconcile.records import Floats, Ints

_GRID = np.concatenate([[1e-3], np.linspace(0.03, 1.2, 27), np.linspace(1.3, 3.0, 9)])
_STEPS = np.gradient(_GRID)
_LEAST_SD = 1e-3
#: Venues differ by Student's t with so many degrees: a few are unlike all others, and must not move what is borrowed.
DEGREES = 5.0
#: That is normal with a Gamma-distributed precision: nodes of it and their probabilities.
_ROOTS, _WEIGHTS = roots_genlaguerre(12, 0.5 * DEGREES - 1.0)
_NODES, _SHARES = _ROOTS / (0.5 * DEGREES), _WEIGHTS / np.exp(gammaln(0.5 * DEGREES))
#: Of the proposal: the least spread between venues, how much wider it is, and its share at any spread (of all).
_APART, _WIDER, _LEAST_SHARE = 0.2, 1.2, 1e-3


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
    """Draw mu and tau given y (draws x venues) with standard deviations u (the same shape).

    They are proposed by the normal model, in which venues far from the others count less, and the evidence holds what
    the model with Student's t says of the proposal: draws must be weighted by it.
    """
    variance = np.maximum(u, _LEAST_SD) ** 2
    between = _usual_variance(y, variance)
    log_density = np.empty((len(y), len(_GRID)))
    mean = np.empty_like(log_density)
    error = np.empty_like(log_density)
    for index, tau in enumerate(_GRID):
        weight = 1.0 / (variance + tau**2 * between)
        total = weight.sum(1)
        centre = (weight * y).sum(1) / total
        away = (weight * (y - centre[:, None]) ** 2).sum(1)
        log_density[:, index] = 0.5 * (np.log(weight).sum(1) - np.log(total) - away) - 0.5 * (tau / tau_scale) ** 2
        mean[:, index] = centre
        error[:, index] = _WIDER * np.sqrt(1.0 / total)
    log_density += np.log(_STEPS)
    density = np.exp(log_density - log_density.max(1)[:, None])
    density = density / density.sum(1)[:, None] + _LEAST_SHARE  # no spread is ruled out by the proposal
    cumulative = np.cumsum(density, 1)
    target = chance.uniform() * cumulative[:, -1]
    chosen: Ints = np.minimum((cumulative < target[:, None]).sum(1), len(_GRID) - 1)
    row = np.arange(len(y))
    far = chance.student(DEGREES)
    mu = mean[row, chosen] + error[row, chosen] * far
    proposed = np.log(density[row, chosen] / cumulative[:, -1]) - np.log(error[row, chosen])
    proposed += -0.5 * (DEGREES + 1.0) * np.log1p(far**2 / DEGREES)
    tau = _GRID[chosen]
    prior = np.log(_STEPS[chosen]) - 0.5 * (tau / tau_scale) ** 2
    return Pooled(mu, tau, prior + _mixture(y, variance, mu, tau)[1].sum(1) - proposed)


def shrink(y: Floats, u: Floats, pooled: Pooled, chance: Chance) -> Floats:
    """Draws of theta (draws x venues): each venue between its own figure and the common level, by precision, the less
    borrowed the farther it is from the others."""
    variance = np.maximum(u, _LEAST_SD) ** 2
    share, _ = _mixture(y, variance, pooled.mu, pooled.tau)
    reached = np.cumsum(share, 0)
    pick = np.column_stack([chance.uniform() for _ in range(y.shape[1])])
    node: Ints = np.minimum((reached < pick).sum(0), len(_NODES) - 1)
    common = _NODES[node] / np.maximum(pooled.tau, _LEAST_SD)[:, None] ** 2
    own = 1.0 / variance
    mean = (own * y + common * pooled.mu[:, None]) / (own + common)
    return np.asarray(mean + chance.normals(y.shape[1]) / np.sqrt(own + common))


def _usual_variance(y: Floats, variance: Floats) -> Floats:
    """The variance of each venue's effect in units of tau^2, as far as its distance from the median of all tells."""
    middle = np.median(y, 1, keepdims=True)
    apart = np.maximum(1.4826 * np.median(np.abs(y - middle), 1, keepdims=True), _APART)
    return np.asarray((DEGREES + (y - middle) ** 2 / (variance + apart**2)) / (DEGREES + 1.0))


def _mixture(y: Floats, variance: Floats, mu: Floats, tau: Floats) -> tuple[Floats, Floats]:
    """Student's t plus normal noise as a mixture of normal distributions (Gauss-Laguerre nodes of its precision): the
    posterior share of every node (nodes x draws x venues), and the log density of y (draws x venues)."""
    spread = variance + (tau[:, None] ** 2) / _NODES[:, None, None]
    log = np.log(_SHARES)[:, None, None] - 0.5 * (np.log(spread) + (y - mu[:, None]) ** 2 / spread)
    top = log.max(0)
    share = np.exp(log - top)
    whole = share.sum(0)
    return share / whole, top + np.log(whole)


def resample(log_weight: Floats, chance: Chance) -> Ints:
    """Indices of the draws by weight, systematically; heavy single weights are truncated at sqrt(M) times the mean
    (Ionides 2008)."""
    weight = np.exp(log_weight - log_weight.max())
    weight = np.minimum(weight, weight.mean() * np.sqrt(len(weight)))
    cumulative = np.cumsum(weight) / weight.sum()
    return np.minimum(np.searchsorted(cumulative, np.sort(chance.uniform())), len(weight) - 1)
