"""Reorder point and lot together, continuous review with backorders: (r, Q), known in ERP systems as (s, Q)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.textbook.distributions import Normal, poisson, probability_table, unit_normal_second_loss
from skucast.inventory.textbook.lot_sizes import economic_order_quantity, lot_cost
from skucast.inventory.textbook.newsvendor import newsvendor_quantity
from skucast.inventory.textbook.stage_cost_kernel import reorder_lots
from skucast.numerics.arrays import FloatArray, floats, not_negative, positive, refuse_infinite


class ReorderPolicy(NamedTuple):
    """Order Q whenever the inventory position has fallen to r: both in units, cost in money per period."""

    reorder_point: FloatArray
    lot: FloatArray
    cost: FloatArray


def reorder_policy(
    law: Normal, fixed_cost: ArrayLike, mean_per_period: ArrayLike, holding_cost: ArrayLike, backorder_cost: ArrayLike
) -> ReorderPolicy:
    """The textbook's pair: the economic order quantity, and the newsvendor's stock over the lead time.

    Args:
        law: of demand over the lead time.
        fixed_cost: money per order. [K]
        mean_per_period: units. [D]
        holding_cost: money per unit and period. [h]
        backorder_cost: money per unit and period of waiting. [b]

    Source: Snyder & Shen (2019), Fundamentals of Supply Chain Theory, section 5.3.2.
    """
    lot = economic_order_quantity(fixed_cost, mean_per_period, holding_cost)
    point = newsvendor_quantity(law, backorder_cost, holding_cost)
    return ReorderPolicy(
        point, lot, reorder_cost(law, point, lot, fixed_cost, mean_per_period, holding_cost, backorder_cost)
    )


def reorder_cost(
    law: Normal,
    reorder_point: ArrayLike,
    lot: ArrayLike,
    fixed_cost: ArrayLike,
    mean_per_period: ArrayLike,
    holding_cost: ArrayLike,
    backorder_cost: ArrayLike,
) -> FloatArray:
    """Exact cost per period of any (r, Q) under normal lead-time demand: K D / Q + h (r - mu_L + Q / 2) + (h + b) B.

    B, the units that wait on average, is sigma² [G2(z) - G2(z + Q / sigma)] / Q, G2 the second-order loss.

    Args:
        law: of demand over the lead time, with a variance above 0.
        reorder_point: units. [r]
        lot: units. [Q]
        fixed_cost: as in ``reorder_policy``, as the others.
        mean_per_period: units.
        holding_cost: money per unit and period.
        backorder_cost: money per unit and period of waiting.

    Source: Hadley & Whitin (1963), section 4-9; Zheng (1992), Management Science 38, 87-103.
    """
    Q, variance = positive(lot=lot, variance=law.variance)
    h, sd, above = floats(holding_cost), np.sqrt(variance), floats(reorder_point) - law.mean
    waiting = variance * (unit_normal_second_loss(above / sd) - unit_normal_second_loss((above + Q) / sd)) / Q
    cost: FloatArray = lot_cost(Q, fixed_cost, mean_per_period, h) + h * above + (h + floats(backorder_cost)) * waiting
    return cost


def poisson_reorder_policy(
    fixed_cost: ArrayLike,
    mean_per_period: ArrayLike,
    lead_time: ArrayLike,
    holding_cost: ArrayLike,
    backorder_cost: ArrayLike,
) -> ReorderPolicy:
    """The cheapest (r, Q) for customers who come one by one at random, exact, in whole units.

    Args:
        fixed_cost: money per order, shape (n_items,) or a scalar, as all others. [K]
        mean_per_period: units. [lambda]
        lead_time: periods. [L]
        holding_cost: money per unit and period, above 0. [h]
        backorder_cost: money per unit and period of waiting, above 0. [b]

    Raises:
        ValueError: a value out of range.

    Source: Federgruen & Zheng (1992), Operations Research 40, 808-813.
    """
    given = (
        *not_negative(fixed_cost=fixed_cost, mean_per_period=mean_per_period, lead_time=lead_time),
        *positive(holding_cost=holding_cost, backorder_cost=backorder_cost),
    )
    refuse_infinite(fixed_cost=fixed_cost, holding_cost=holding_cost, backorder_cost=backorder_cost)
    K, rate, L, h, b = (np.array(each) for each in np.broadcast_arrays(*(np.atleast_1d(each) for each in given)))
    found = reorder_lots(probability_table(poisson((rate * L)[:, None])), rate, K, h, b)
    return ReorderPolicy(*found)
