"""The (s, S) policy with backorders: order up to S whenever a review finds the inventory position at or below s."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.textbook.distributions import Normal
from skucast.inventory.textbook.newsvendor import newsvendor_quantity
from skucast.inventory.textbook.s_s_kernel import cheapest_pairs, pair_costs
from skucast.numerics.arrays import FloatArray, floats, not_negative, positive, refuse_infinite

CAPPED_BELOW = 1.5
"""Lots of the power approximation, in mean demands of a review period, below which S is capped."""


class SSPolicy(NamedTuple):
    """Reorder point and order-up-to level in units, cost in money per review period; each of shape (n_items,)."""

    reorder_point: FloatArray
    order_up_to_level: FloatArray
    cost: FloatArray


def optimal_s_s(
    review_probabilities: FloatArray,
    protection_probabilities: FloatArray,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    backorder_cost: ArrayLike,
) -> SSPolicy:
    """The cheapest pair of n items, exact, in whole units.

    Args:
        review_probabilities: of demand of 0, 1, ... units in a review period, rows adding up to 1, shape (n_items, k).
        protection_probabilities: the same over the protection period R + L, shape (n_items, k2).
        fixed_cost: money per order, at least 0, shape (n_items,) or a scalar, as all others. [K]
        holding_cost: money per unit left at the end of a review period, above 0. [h]
        backorder_cost: money per unit that waits then, above 0. [b]

    Raises:
        ValueError: a value out of range.

    Source: Zheng & Federgruen (1991), Operations Research 39, 654-665.
    """
    review, protection = _tables(review_probabilities, protection_probabilities)
    K, h, b = _costs(review.shape[0], fixed_cost, holding_cost, backorder_cost)
    return SSPolicy(*cheapest_pairs(review, protection, K, h, b))


def s_s_cost(
    review_probabilities: FloatArray,
    protection_probabilities: FloatArray,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    backorder_cost: ArrayLike,
    policy: tuple[ArrayLike, ArrayLike],
) -> FloatArray:
    """Exact cost of given pairs (s, S), S above s, money per review period; arguments as in ``optimal_s_s``.

    Raises:
        ValueError: an S not above s, an item without demand, or a value out of range.
    """
    review, protection = _tables(review_probabilities, protection_probabilities)
    K, h, b = _costs(review.shape[0], fixed_cost, holding_cost, backorder_cost)
    s, S = (np.broadcast_to(np.floor(floats(each)), K.shape) for each in policy)
    positive(S_less_s=S - s, share_of_periods_with_demand=1.0 - review[:, 0])
    return pair_costs(review, protection, K, np.array([h, b]), np.array([s, S]))


def power_approximation(
    review: Normal, protection: Normal, fixed_cost: ArrayLike, holding_cost: ArrayLike, backorder_cost: ArrayLike
) -> SSPolicy:
    """Nearly the cheapest pair from moments alone; its cost is not computed, NaN.

    Lots below 1.5 mean demands are ordered at nearly every review: there neither s nor S exceeds the newsvendor's
    stock. Without this cap the policy can cost half as much again.

    Args:
        review: law of demand over a review period, mean above 0.
        protection: law of demand over the protection period R + L, variance above 0.
        fixed_cost: money per order, above 0. [K]
        holding_cost: money per unit left at the end of a review period. [h]
        backorder_cost: money per unit that waits then. [b]

    Raises:
        ValueError: a value out of range.

    Source: Ehrhardt & Mosier (1984), Management Science 30, 618-622.
    """
    K, h, b = positive(fixed_cost=fixed_cost, holding_cost=holding_cost, backorder_cost=backorder_cost)
    mean, variance = positive(mean=review.mean, protection_variance=protection.variance)
    sd = np.sqrt(variance)
    lot = 1.30 * mean**0.494 * (K / h) ** 0.506 * (1.0 + variance / mean**2) ** 0.116
    z = np.sqrt(lot * h / (sd * b))
    s = 0.973 * protection.mean + sd * (0.183 / z + 1.063 - 2.192 * z)
    most = np.where(lot <= CAPPED_BELOW * mean, newsvendor_quantity(protection, b, h), np.inf)
    return SSPolicy(np.minimum(s, most), np.minimum(s + lot, most), np.full(np.shape(lot), np.nan))


def _tables(review: FloatArray, protection: FloatArray) -> tuple[FloatArray, FloatArray]:
    tables = [np.ascontiguousarray(np.atleast_2d(each), dtype=np.float64) for each in (review, protection)]
    for table in tables:
        not_negative(probabilities=table)
        total = table.sum(axis=1)
        if not np.allclose(total, 1.0, rtol=0.0, atol=1e-9):
            raise ValueError(f"probabilities of each item must add up to 1, found {total.min():g} to {total.max():g}")
    return tables[0], tables[1]


def _costs(n_items: int, fixed: ArrayLike, holding: ArrayLike, backorder: ArrayLike) -> list[FloatArray]:
    given = not_negative(fixed_cost=fixed) + positive(holding_cost=holding, backorder_cost=backorder)
    refuse_infinite(fixed_cost=fixed, holding_cost=holding, backorder_cost=backorder)
    return [np.array(np.broadcast_to(each, (n_items,))) for each in given]
