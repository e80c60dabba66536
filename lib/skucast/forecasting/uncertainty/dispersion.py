"""How much a series varies about its level: variance per unit of mean, recent, and robust to single jumps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

MEMORY = 0.97
"""Weight that a squared change keeps from one known period to the next: what has passed is forgotten."""

FARTHEST = 2.0
"""Multiple of the second largest change to which the largest counts: a jump to another level is no spread."""


class Dispersion(NamedTuple):
    """What the history of n series says of their spread; each of shape (n,).

    Attributes:
        value: variance per unit of mean, units; NaN where no two values were compared or none was positive.
        level: mean of the values compared, units per period; NaN as above.
        evidence: positive pairs of values that it rests on, weighted alike.
    """

    value: FloatArray
    level: FloatArray
    evidence: FloatArray


def dispersion(demand: FloatArray, factor: FloatArray) -> Dispersion:
    """Dispersion from changes between successive known values, which a moving level hardly touches.

    With variance φ·level·factor of demand, a change of demand over factor has the variance φ·level·(1/f + 1/f'). So
    φ = Σ w·change² / Σ w·(mean of the two)·(1/f + 1/f'), the weights falling by ``MEMORY`` into the past.

    Args:
        demand: units per period less seasons and events (divided by ``factor``), NaN where unknown, shape (n, w).
        factor: of seasons and events in each period, > 0 where demand is known, same shape.

    Source: von Neumann (1941), mean square successive difference; Cox & Lewis (1966), index of dispersion.
    """
    return Dispersion(*_dispersion(np.ascontiguousarray(demand), np.ascontiguousarray(factor)))


@compiled
def _dispersion(demand: FloatArray, factor: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    n, w = demand.shape
    value, mean, evidence = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n)
    for row in range(n):
        limit = FARTHEST**2 * _second_largest(demand[row])
        before, its_factor, squares, mass, levels, weight, positive = np.nan, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for t in range(w):
            x, f = demand[row, t], factor[row, t]
            if np.isnan(x):
                continue
            if not np.isnan(before):
                middle, spread = 0.5 * (x + before), 1.0 / f + 1.0 / its_factor
                squares = MEMORY * squares + min((x - before) ** 2, limit)
                mass = MEMORY * mass + middle * spread
                levels = MEMORY * levels + middle
                weight = MEMORY * weight + 1.0
                positive = MEMORY * positive + (1.0 if middle > 0.0 else 0.0)
            before, its_factor = x, f
        if mass > 0.0:
            value[row], mean[row], evidence[row] = squares / mass, levels / weight, positive
    return value, mean, evidence


@compiled
def _second_largest(values: FloatArray) -> float:
    """Second largest squared change between successive known values; infinite with fewer than two changes."""
    before, largest, second, n = np.nan, 0.0, 0.0, 0
    for x in values:
        if np.isnan(x):
            continue
        if not np.isnan(before):
            n += 1
            change = (x - before) ** 2
            if change > largest:
                largest, second = change, largest
            elif change > second:
                second = change
        before = x
    return second if n > 1 else np.inf
