"""Lots for known demand that varies from period to period."""

from __future__ import annotations

import numpy as np

from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled

TIE = 1e-12
"""Relative difference below which two costs are the same: the earlier order is taken."""


@compiled
def _cheapest_last_orders(
    demand: FloatArray, fixed: FloatArray, holding: FloatArray, unit: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Smallest cost up to each period and the period of its last order, -1 where none is due; one item."""
    n = demand.size
    least, last = np.full(n + 1, np.inf), np.full(n + 1, -1, dtype=np.int64)
    least[0] = 0.0
    for start in range(n):
        ordered, variable, per_unit = 0.0, 0.0, unit[start]
        for end in range(start, n):
            ordered += demand[end]
            variable += demand[end] * per_unit
            per_unit += holding[end]
            cost = least[start] + (fixed[start] + variable if ordered > 0 else 0.0)
            if cost < least[end + 1] - TIE * abs(cost):
                least[end + 1], last[end + 1] = cost, start
    return least, last


@compiled
def cheapest_lots(
    demand: FloatArray, fixed: FloatArray, holding: FloatArray, unit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Orders of the cheapest plan, shape (n_items, n_periods), and its cost, shape (n_items,).

    All arguments of shape (n_items, n_periods), as in ``dynamic_lots.wagner_whitin``.
    """
    orders, cost = np.zeros(demand.shape), np.zeros(demand.shape[0])
    for item in range(demand.shape[0]):
        least, last = _cheapest_last_orders(demand[item], fixed[item], holding[item], unit[item])
        cost[item], end = least[-1], demand.shape[1]
        while end > 0:
            orders[item, last[end]] = demand[item, last[end] : end].sum()
            end = last[end]
    return orders, cost


@compiled
def steady_lots(demand: FloatArray, fixed: FloatArray, holding: FloatArray) -> FloatArray:
    """Orders, each lasting as long as that lowers its cost per period, shape (n_items, n_periods).

    All arguments of shape (n_items, n_periods), as in ``dynamic_lots.silver_meal``.
    """
    orders = np.zeros(demand.shape)
    for item in range(demand.shape[0]):
        start = 0
        while start < demand.shape[1]:
            if demand[item, start] <= 0:
                start += 1
                continue
            total, per_unit, per_period, end = fixed[item, start], 0.0, np.inf, start
            while end < demand.shape[1]:
                total += demand[item, end] * per_unit
                if total / (end - start + 1) > per_period:
                    break
                per_period = total / (end - start + 1)
                per_unit += holding[item, end]
                orders[item, start] += demand[item, end]
                end += 1
            start = end
    return orders
