"""Optimal orders over a finite horizon with random demand and a fixed cost: a pair (s, S) for each period.

Stock is in whole units, and demand moves it by whole units, a continuous law rounded to the nearest
(``probability_table``); holding and waiting within a period are those of the law itself. A coarser unit is had by
counting in packs. Published costs may rest on other roundings: a normal law cut at 4 standard deviations and not
divided by what is left moves the cost by 1e-4 of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.textbook.distributions import DemandLaw, probability_table
from skucast.inventory.textbook.finite_horizon_kernel import finite_horizon
from skucast.numerics.arrays import FloatArray, floats, not_negative, positive


@dataclass(frozen=True)
class HorizonCosts:
    """Costs over a finite horizon; each broadcasts to (n_items, n_periods), those at the end to (n_items,).

    Attributes:
        fixed: money per order. [K]
        unit: money per unit ordered. [c]
        holding: money per unit left at the end of a period, at least 0. [h]
        backorder: money per unit that waits then, above 0. [b]
        left_over: money per unit left after the last period.
        owed: money per unit still owed then.
        discount: worth of the next period's money in this one, in (0, 1].
    """

    fixed: ArrayLike
    unit: ArrayLike
    holding: ArrayLike
    backorder: ArrayLike
    left_over: ArrayLike = 0.0
    owed: ArrayLike = 0.0
    discount: ArrayLike = 1.0


class HorizonPolicy(NamedTuple):
    """Reorder points and order-up-to levels in units, each (n_items, n_periods); expected cost, shape (n_items,).

    Where ordering never pays in a period its reorder point lies below every stock that can occur.
    """

    reorder_points: FloatArray
    order_up_to_levels: FloatArray
    cost: FloatArray


def finite_horizon_policy(law: DemandLaw, costs: HorizonCosts, stock_at_start: ArrayLike = 0) -> HorizonPolicy:
    """The cheapest policy with backorders, orders arriving at once, by dynamic programming over every reachable stock.

    Args:
        law: of demand in each period, its fields of shape (n_items, n_periods, 1).
        costs: of ordering, holding and waiting.
        stock_at_start: whole units before the first decision, shape (n_items,) or a scalar.

    Raises:
        ValueError: a value out of range.

    Source: Scarf (1960), The optimality of (S, s) policies in the dynamic inventory problem; Snyder & Shen (2019),
    section 4.3.
    """
    _check(costs)
    tables = np.ascontiguousarray(probability_table(law))
    n, n_periods, k = tables.shape
    start = np.array(np.broadcast_to(np.floor(floats(stock_at_start)), (n,)), dtype=np.int64)
    most = n_periods * (k - 1)
    states = np.arange(start.min() - most, max(start.max(), most) + 1.0)
    h, b, left, owed = (
        floats(each)[..., None] for each in (costs.holding, costs.backorder, costs.left_over, costs.owed)
    )
    one_period = h * law.surplus(states) + b * law.shortage(states)
    at_end = np.ascontiguousarray(np.broadcast_to(_cost_at_end(states, left, owed), (n, states.size)))
    money = [np.broadcast_to(floats(each), (n, n_periods)) for each in (costs.fixed, costs.unit, costs.discount)]
    return HorizonPolicy(*finite_horizon(tables, one_period, np.array(money), at_end, start, int(states[0])))


def _cost_at_end(states: FloatArray, left_over: FloatArray, owed: FloatArray) -> FloatArray:
    cost: FloatArray = left_over * np.maximum(states, 0.0) + owed * np.maximum(-states, 0.0)
    return cost


def _check(costs: HorizonCosts) -> None:
    not_negative(fixed_cost=costs.fixed, holding_cost=costs.holding)
    positive(backorder_cost=costs.backorder, discount=costs.discount)
    if (floats(costs.discount) > 1).any():
        raise ValueError(f"discount must lie in (0, 1], found {floats(costs.discount).max():g}: give a factor, no rate")
