"""Loops over what orders gain, one item after the other."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.inventory.arrays import FloatArray


@compiled
def missed_with(ordered: float, need: FloatArray, shortage: FloatArray) -> float:
    """Units that the arrival cycle misses on average: straight between the quantiles of the need, flat above them."""
    last = need.size - 1
    if ordered <= need[0]:
        return float(shortage[0] + need[0] - ordered)
    if not ordered < need[last]:
        return float(shortage[last])
    i = np.searchsorted(need, ordered)
    share = (ordered - need[i - 1]) / (need[i] - need[i - 1])
    return float(shortage[i - 1] + share * (shortage[i] - shortage[i - 1]))


@compiled
def fill_missed(ordered: FloatArray, need: FloatArray, shortage: FloatArray, missed: FloatArray) -> None:
    """``missed_with`` of every order of every item."""
    for i in range(ordered.shape[0]):
        for j in range(ordered.shape[1]):
            missed[i, j] = missed_with(ordered[i, j], need[i], shortage[i])


@compiled
def fill_gains(
    ordered: FloatArray, need: FloatArray, shortage: FloatArray, lacking: FloatArray, wanted: FloatArray,
    shortage_cost: FloatArray, cycle_holding_cost: FloatArray, ordering_rate: FloatArray, lot_holding_cost: FloatArray,
    smallest_lot: FloatArray, gains: FloatArray,
) -> None:  # fmt: skip
    """Gains of every order of every item against none; see ``order_gains``."""
    for i in range(ordered.shape[0]):
        worth_of_none = 0.0
        for j in range(-1, ordered.shape[1]):
            q = 0.0 if j < 0 else ordered[i, j]
            inner, outer = min(q, lacking[i]), max(q, wanted[i])
            missed = missed_with(inner, need[i], shortage[i]) + missed_with(outer, need[i], shortage[i])
            more = max(min(q, wanted[i]) - lacking[i], 0.0)
            saved = 0.0
            if smallest_lot[i] > 0.0:
                saved = ordering_rate[i] / smallest_lot[i] - ordering_rate[i] / (smallest_lot[i] + more)
            worth = -(shortage_cost[i] + cycle_holding_cost[i]) * missed - cycle_holding_cost[i] * (inner + outer)
            worth += saved - lot_holding_cost[i] * more
            if j < 0:
                worth_of_none = worth
            else:
                gains[i, j] = worth - worth_of_none
