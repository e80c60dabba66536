"""Loops over what orders gain, one item after the other."""

from __future__ import annotations

import numpy as np

from skucast.inventory.demand.quantile_grid_kernel import line_at
from skucast.numerics.arrays import FloatArray
from skucast.numerics.compiled import compiled


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
def lies_unit_by_unit(need: FloatArray) -> bool:
    """The points of the law lie whole units apart: it is that of a need of whole goods."""
    for i in range(1, need.size):
        gap = need[i] - need[i - 1]
        if gap < 0.5 or abs(gap - np.rint(gap)) > 1e-6:
            return False
    return True


@compiled
def served_with(ordered: float, need: FloatArray, shortage: FloatArray, levels: FloatArray) -> float:
    """P(need ≤ ordered). Of whole goods it follows from what one unit more keeps from being missed."""
    if not lies_unit_by_unit(need):
        return line_at(ordered, need, levels)
    whole, last = need[0] + np.floor(ordered - need[0] + 1e-6), need.size - 1
    if whole < need[0] or np.isnan(ordered):
        return np.nan if np.isnan(ordered) else 0.0
    place, share = need[0] - 1.0, 0.0
    for i in range(last):
        gap = need[i + 1] - need[i]
        middle, at_middle = 0.5 * (need[i] + need[i + 1] - 1.0), 1.0 - (shortage[i] - shortage[i + 1]) / gap
        if whole <= middle:
            return float(share + (at_middle - share) * (whole - place) / (middle - place))
        place, share = middle, at_middle
    return 1.0 if shortage[last] <= 1e-12 else float(share)


@compiled
def fill_served(
    ordered: FloatArray, need: FloatArray, shortage: FloatArray, levels: FloatArray, served: FloatArray
) -> None:
    """``served_with`` of every order of every item."""
    for i in range(ordered.shape[0]):
        for j in range(ordered.shape[1]):
            served[i, j] = served_with(ordered[i, j], need[i], shortage[i], levels)


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
