"""Bursts: isolated periods far beyond everything else that a series ever sold, whatever made them."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

LARGEST_CREDIBLE = 2.0
"""Multiple of the largest demand beyond the bursts to which a burst counts."""

ALONE = 4.0
"""Multiple of the next demand that several bursts must all exceed; one alone is a burst from ``LARGEST_CREDIBLE``."""

MOST_BURSTS = 3
"""Periods that may be bursts: what happens more often is demand."""

FEWEST_PERIODS = 8
"""Periods with demand that a series needs for one to be beyond the others."""


def burst_limits(demand: FloatArray) -> FloatArray:
    """Largest demand of each series that is taken as it is, shape (n,); infinite where no period is a burst.

    A single period counts to twice the second largest. Up to three count to twice the next one, where each is more than
    four times that and none stands beside another: neighbours are a level that has risen, or a season.

    Args:
        demand: units per period less seasons and events, NaN where unknown, shape (n, w).
    """
    return _limits(np.ascontiguousarray(demand))


def without_bursts(demand: FloatArray) -> FloatArray:
    """Demand with bursts cut to the limits of their series, shape (n, w)."""
    return np.minimum(demand, burst_limits(demand)[:, None])


@compiled
def _limits(demand: FloatArray) -> FloatArray:
    found = np.full(demand.shape[0], np.inf)
    for row in range(demand.shape[0]):
        top, at, positive = _largest(demand[row])
        if positive < FEWEST_PERIODS:
            continue
        found[row] = LARGEST_CREDIBLE * top[1]
        for several in range(2, MOST_BURSTS + 1):
            if top[several - 1] > ALONE * top[several] and _apart(at[:several]):
                found[row] = LARGEST_CREDIBLE * top[several]
    return found


@compiled
def _largest(values: FloatArray) -> tuple[FloatArray, IntArray, int]:
    """The ``MOST_BURSTS`` + 1 largest positive values, falling; their periods; and how many are positive."""
    top, at, positive = np.zeros(MOST_BURSTS + 1), np.full(MOST_BURSTS + 1, -10), 0
    for t in range(values.size):
        if not values[t] > 0.0:
            continue
        positive, place = positive + 1, MOST_BURSTS + 1
        while place > 0 and top[place - 1] < values[t]:
            place -= 1
        for lower in range(MOST_BURSTS, place, -1):
            top[lower], at[lower] = top[lower - 1], at[lower - 1]
        if place <= MOST_BURSTS:
            top[place], at[place] = values[t], t
    return top, at, positive


@compiled
def _apart(at: IntArray) -> bool:
    """Whether no two of the periods are neighbours."""
    for i in range(at.size):
        for j in range(i):
            if abs(at[i] - at[j]) < 2:
                return False
    return True
