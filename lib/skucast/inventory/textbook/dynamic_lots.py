"""Lots for known demand that varies from period to period: the cheapest plan, and the usual heuristic.

Items are rows. Orders arrive at the start of the period in which demand falls: a lead time shifts the plan, no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.textbook.dynamic_lots_kernel import cheapest_lots, steady_lots
from skucast.numerics.arrays import FloatArray, floats, not_negative


class LotPlan(NamedTuple):
    """Units ordered in each period, shape (n_items, n_periods), and the plan's cost in money, shape (n_items,)."""

    orders: FloatArray
    cost: FloatArray


def wagner_whitin(
    demand: FloatArray, fixed_cost: ArrayLike, holding_cost: ArrayLike, unit_cost: ArrayLike = 0.0
) -> LotPlan:
    """The cheapest plan that meets all demand from an empty start; of equally cheap ones that with earlier orders.

    Args:
        demand: units, at least 0, shape (n_items, n_periods).
        fixed_cost: money per order, of the same shape or what broadcasts to it, as all others. [K]
        holding_cost: money per unit kept from a period to the next. [h]
        unit_cost: money per unit ordered in the period. [c]

    Raises:
        ValueError: a negative or unknown value.

    Source: Wagner & Whitin (1958), Management Science 5, 89-96.
    """
    return LotPlan(*cheapest_lots(*_tables(demand, fixed_cost, holding_cost, unit_cost)))


def silver_meal(demand: FloatArray, fixed_cost: ArrayLike, holding_cost: ArrayLike) -> LotPlan:
    """Each order covers further periods as long as that lowers its cost per period; arguments as in ``wagner_whitin``.

    It looks no further than it orders, so that later changes of demand leave earlier orders as they are.

    Source: Silver & Meal (1973), Production and Inventory Management 14, 64-74.
    """
    d, K, h, _ = _tables(demand, fixed_cost, holding_cost, 0.0)
    orders = steady_lots(d, K, h)
    return LotPlan(orders, plan_cost(d, orders, K, h))


def plan_cost(
    demand: FloatArray,
    orders: FloatArray,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    unit_cost: ArrayLike = 0.0,
) -> FloatArray:
    """Cost of any orders that meet all demand, money, shape (n_items,); arguments as in ``wagner_whitin``."""
    left = np.cumsum(orders - demand, axis=1)
    spent = (orders > 0) * floats(fixed_cost) + orders * floats(unit_cost) + left * floats(holding_cost)
    cost: FloatArray = spent.sum(axis=1)
    return cost


def _tables(demand: FloatArray, fixed: ArrayLike, holding: ArrayLike, unit: ArrayLike) -> list[FloatArray]:
    given = not_negative(demand=demand, fixed_cost=fixed, holding_cost=holding, unit_cost=unit)
    if not all(np.isfinite(each).all() for each in given):
        raise ValueError("demand and costs of a plan must be known and finite: forecast demand, or leave the item out")
    return [np.ascontiguousarray(np.broadcast_to(each, np.shape(demand))) for each in given]
