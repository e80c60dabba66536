"""Lead times drawn for each order: from the item's seed and the period of the decision, and nothing else. Compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled
from skucast.numerics.random import uniform

SeedArray = NDArray[np.uint64]


class LeadTimeLaw(NamedTuple):
    """Lead times in whole periods.

    Attributes:
        fixed: shape (n,); read where nothing is drawn.
        cumulative: P(lead time ≤ column), shape (n, w); or (n, 0): fixed.
        seeds: shape (n,).
    """

    fixed: IntArray
    cumulative: FloatArray
    seeds: SeedArray


@compiled
def lead_times(period: int, law: LeadTimeLaw) -> IntArray:
    """Lead time of an order decided in a period, shape (n,)."""
    drawn = np.empty(law.fixed.size, dtype=np.int64)
    for i in range(drawn.size):
        drawn[i] = lead_time(period, law.fixed[i], law.cumulative[i], law.seeds[i])
    return drawn


@compiled
def lead_time(period: int, fixed: int, cumulative: FloatArray, seed: np.uint64) -> int:
    """Lead time of the order of an item decided in a period: the same whatever else is simulated."""
    if cumulative.size == 0:
        return fixed
    u, periods = uniform(seed, period), 0
    while periods < cumulative.size - 1 and u >= cumulative[periods]:
        periods += 1
    return periods
