"""Expected holding and backorder cost of a stock against a table of probabilities, and the cheapest (r, Q) on it."""

from __future__ import annotations

import numpy as np

from skucast.numerics.arrays import FloatArray
from skucast.numerics.compiled import compiled


@compiled
def stage_costs(probabilities: FloatArray, holding_cost: float, backorder_cost: float) -> tuple[FloatArray, float, int]:
    """Costs of stocks 0, 1, ..., mean demand and the cheapest stock, for demand of 0, 1, ... units with probabilities.

    Args:
        probabilities: shape (k,).
        holding_cost: per unit left. [h]
        backorder_cost: per unit short. [b]

    Returns:
        The costs, shape (k,); the mean; the stock with the smallest of them.
    """
    costs, mean = np.empty(probabilities.size), 0.0
    for units in range(probabilities.size):
        mean += units * probabilities[units]
    short, beyond, best = mean, 1.0, 0
    for stock in range(probabilities.size):
        costs[stock] = holding_cost * (stock - mean + short) + backorder_cost * short
        if costs[stock] < costs[best]:
            best = stock
        beyond -= probabilities[stock]
        short = max(short - max(beyond, 0.0), 0.0)
    return costs, mean, best


@compiled
def stage_cost(stock: int, costs: FloatArray, mean: float, holding_cost: float, backorder_cost: float) -> float:
    """Cost of any stock: linear below 0 and beyond the table."""
    if stock < 0:
        return backorder_cost * (mean - stock)
    if stock >= costs.size:
        return holding_cost * (stock - mean)
    cost: float = costs[stock]
    return cost


@compiled
def reorder_lots(
    probabilities: FloatArray, rate: FloatArray, fixed_cost: FloatArray, holding: FloatArray, backorder: FloatArray
) -> FloatArray:
    """Rows r, Q, cost per period of n items: levels are added around the cheapest one while each lowers the average.

    NaN where a cost is.

    Args:
        probabilities: of demand over the lead time, shape (n_items, k).
        rate: units per period, shape (n_items,), as all others.
        fixed_cost: per order.
        holding: per unit and period.
        backorder: per unit and period of waiting.

    Source: Federgruen & Zheng (1992), Operations Research 40, 808-813.
    """
    found = np.empty((3, rate.size))
    for item in range(rate.size):
        h, b = holding[item], backorder[item]
        costs, mean, low = stage_costs(probabilities[item], h, b)
        high, total = low, fixed_cost[item] * rate[item] + costs[low]
        while True:
            below, above = stage_cost(low - 1, costs, mean, h, b), stage_cost(high + 1, costs, mean, h, b)
            if not min(below, above) < total / (high - low + 1):  # so unknown costs end it too
                break
            total += min(below, above)
            if below < above:
                low -= 1
            else:
                high += 1
        found[0, item], found[1, item] = low - 1, high - low + 1
        found[2, item] = total / (high - low + 1)
        if np.isnan(total):
            found[:, item] = np.nan
    return found
