"""One decision before demand is known: the quantity at which a unit more costs as much as a unit less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.textbook.distributions import DemandLaw
from skucast.numerics.arrays import FloatArray, floats, not_negative, positive

BISECTIONS = 60
"""Halvings of an interval: as many as floats have digits."""


@dataclass(frozen=True)
class BudgetedQuantities:
    """Quantities that keep a budget.

    Attributes:
        shadow_price: expected profit that one more unit of money would bring; 0 where the budget does not bind.
        quantity: units, shape (n_items,).
    """

    shadow_price: float
    quantity: FloatArray


def critical_ratio(stockout_cost: ArrayLike, holding_cost: ArrayLike, review_period: ArrayLike = 1) -> FloatArray:
    """Share of cycles to protect: a unit short costs b once, a unit too many costs h for R periods. [b/(b + h R)]

    Args:
        stockout_cost: money per unit, above 0.
        holding_cost: money per unit and period, at least 0.
        review_period: periods.

    Raises:
        ValueError: costs out of range.
    """
    (b,), (h, R) = positive(stockout_cost=stockout_cost), not_negative(holding_cost=holding_cost, periods=review_period)
    ratio: FloatArray = b / (b + h * R)
    return ratio


def newsvendor_quantity(law: DemandLaw, underage: ArrayLike, overage: ArrayLike) -> FloatArray:
    """The cheapest stock: the quantile of demand at underage / (underage + overage), in units.

    Args:
        law: of demand over the span that the stock must last.
        underage: money per unit short.
        overage: money per unit left over.
    """
    return law.quantile(critical_ratio(underage, overage))


def newsvendor_cost(law: DemandLaw, quantity: ArrayLike, underage: ArrayLike, overage: ArrayLike) -> FloatArray:
    """Expected cost of a stock, money."""
    cost: FloatArray = floats(underage) * law.shortage(quantity) + floats(overage) * law.surplus(quantity)
    return cost


def newsvendor_profit(
    law: DemandLaw, quantity: ArrayLike, price: ArrayLike, cost: ArrayLike, salvage: ArrayLike
) -> FloatArray:
    """Expected profit of a stock, money: underage is price - cost, overage is cost - salvage."""
    margin, loss = floats(price) - floats(cost), floats(cost) - floats(salvage)
    profit: FloatArray = margin * law.mean - newsvendor_cost(law, quantity, margin, loss)
    return profit


def budget_newsvendor(
    law: DemandLaw, price: ArrayLike, cost: ArrayLike, salvage: ArrayLike, budget: float
) -> BudgetedQuantities:
    """The most profitable quantities whose cost keeps one budget: money is charged lambda for until it suffices.

    Of counted demand the quantities may leave part of the budget unspent, less than the next unit costs.

    Args:
        law: demand of n items.
        price: money per unit sold, above salvage.
        cost: money per unit bought, above 0 and above salvage.
        salvage: money per unit left over.
        budget: money for all, at least 0.

    Raises:
        ValueError: a price or cost not above salvage, a cost not above 0, a negative budget.

    Source: Hadley & Whitin (1963), Analysis of Inventory Systems, section 6-7.
    """
    r, c, v = floats(price), floats(cost), floats(salvage)
    positive(price_less_salvage=r - v, cost_less_salvage=c - v, cost=c)
    not_negative(budget=budget)

    def quantities(charge: float) -> FloatArray:
        share = (r - c * (1.0 + charge)) / (r - v)
        return np.where(share > 0, np.maximum(law.quantile(np.where(share > 0, share, 0.5)), 0.0), 0.0)

    low, high = 0.0, float(np.max(np.maximum((r - c) / c, 0.0)))
    if (c * quantities(low)).sum() <= budget:
        return BudgetedQuantities(0.0, quantities(low))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if (c * quantities(middle)).sum() <= budget else (middle, high)
    return BudgetedQuantities(high, quantities(high))
