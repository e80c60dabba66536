"""Bursts: isolated periods far beyond everything else that a series ever sold, whatever made them."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.forecasting.panel import BoolArray, FloatArray

LARGEST_CREDIBLE = 2.0
"""Multiple of the largest demand beyond the bursts to which a burst counts."""

ALONE = 4.0
"""Multiple of the next demand that several bursts must all exceed; a single one is a burst from ``LARGEST_CREDIBLE``."""

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


def is_burst(demand: FloatArray) -> BoolArray:
    """Periods cut, shape (n, w)."""
    cut: BoolArray = demand > burst_limits(demand)[:, None]
    return cut


@compiled
def _limits(demand: FloatArray) -> FloatArray:
    n, w = demand.shape
    found = np.full(n, np.inf)
    for row in range(n):
        top, at, positive = np.zeros(MOST_BURSTS + 1), np.full(MOST_BURSTS + 1, -10), 0
        for t in range(w):
            x = demand[row, t]
            if not x > 0.0:
                continue
            positive += 1
            place = MOST_BURSTS
            if x <= top[place]:
                continue
            while place > 0 and top[place - 1] < x:
                top[place], at[place] = top[place - 1], at[place - 1]
                place -= 1
            top[place], at[place] = x, t
        if positive < FEWEST_PERIODS:
            continue
        for several in range(MOST_BURSTS, 1, -1):
            if top[several - 1] > ALONE * top[several] and _apart(at[:several]):
                found[row] = LARGEST_CREDIBLE * top[several]
                break
        else:
            found[row] = LARGEST_CREDIBLE * top[1]
    return found


@compiled
def _apart(at: FloatArray) -> bool:
    for i in range(len(at)):
        for j in range(i):
            if abs(at[i] - at[j]) < 2:
                return False
    return True
