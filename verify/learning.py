"""From judgements on SIMULATED windows and whether they were right to the weights and the table of the confidence.

Logistic regression with weights that cannot be negative (a better component never lowers the confidence) makes a score
of the components; isotonic regression by pooling adjacent violators (Ayer et al. 1955, doi 10.1214/aoms/1177728423)
makes a confidence of the score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from verify.reconcile.judged import Table

Floats = NDArray[np.float64]
#: Rows of the table before neighbours are pooled.
_ROWS = 12
#: Weight of the ridge that keeps components which hardly vary from growing.
_RIDGE = 2.0


def learn(shares: Floats, right: Floats, windows: int, seed: int) -> Table:
    """The table from judgements x components (each in [0, 1]) and whether each judgement was right (0 or 1)."""
    weights = _weights(shares, right)
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(shares.shape[1], 1.0 / shares.shape[1])
    scores, known = isotonic(shares @ weights, right)
    return Table(tuple(weights.tolist()), tuple(scores.tolist()), tuple(known.tolist()), windows, seed)


def _weights(shares: Floats, right: Floats) -> Floats:
    def loss(parameters: Floats) -> tuple[float, Floats]:
        odds = parameters[0] + shares @ parameters[1:]
        gap = 1.0 / (1.0 + np.exp(-odds)) - right
        value = float(np.logaddexp(0.0, odds).sum() - right @ odds + _RIDGE * parameters[1:] @ parameters[1:])
        return value, np.concatenate([[gap.sum()], gap @ shares + 2 * _RIDGE * parameters[1:]])

    start = np.zeros(shares.shape[1] + 1)
    bounds = [(None, None)] + [(0.0, None)] * shares.shape[1]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[1:], float)


def isotonic(scores: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Scores and the share right at each, rising; the first and the last reach as far as scores can."""
    order = np.argsort(scores, kind="stable")
    rows = [part for part in np.array_split(order, _ROWS) if len(part)]
    blocks: list[tuple[float, float, float]] = []  # number, mean score, share right
    for row in rows:
        number, score, share = (
            float(len(row)),
            float(scores[row].mean()),
            float((right[row].sum() + 1) / (len(row) + 2)),
        )
        while blocks and blocks[-1][2] >= share:
            before, low, less = blocks.pop()
            score, share = (
                np.average([low, score], weights=[before, number]),
                np.average([less, share], weights=[before, number]),
            )
            number += before
        blocks.append((number, float(score), float(share)))
    known = np.array([share for _, _, share in blocks])
    at = np.maximum.accumulate([score for _, score, _ in blocks])  # means of equal scores differ by rounding
    return np.concatenate([[0.0], at, [1.0]]), np.concatenate([known[:1], known, known[-1:]])
