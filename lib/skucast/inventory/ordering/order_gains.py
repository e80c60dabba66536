"""What orders gain in money, and which orders are worth comparing where items share a limit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skucast.inventory.ordering.order_gains_kernel import fill_gains, fill_missed, fill_served
from skucast.inventory.projection.net_requirement import NEED_LEVELS
from skucast.numerics.arrays import FloatArray

N_BELOW, N_ABOVE = 8, 4
"""Steps up to the wanted order, and beyond it, that are compared."""
FURTHEST = 3.0
"""How many times the wanted order is the largest that is compared."""


class OrderEconomics(NamedTuple):
    """What the gain of an order hangs on; all of shape (n_items,) but the first two.

    Attributes:
        need: quantities at which the law of the net need is told, as in ``Outlook``, units, shape (n_items, n_levels).
        shortage: E(need − q)⁺ at each of them, units, same shape.
        lacking: what the arrival cycle needs at the wanted level, units.
        wanted: what the policy orders, units, at least ``lacking`` where that is positive.
        shortage_cost: b, money per unit.
        holding_cost: h, money per unit and period.
        review_period: R, periods.
        smallest_lot: demand of a review, units.
        fixed_cost: K, money per order.
        mean_per_period: units per period.
        overage_periods: how long a unit too many is kept, periods: as in policy.sql.
    """

    need: FloatArray
    shortage: FloatArray
    lacking: FloatArray
    wanted: FloatArray
    shortage_cost: FloatArray
    holding_cost: FloatArray
    review_period: FloatArray
    smallest_lot: FloatArray
    fixed_cost: FloatArray
    mean_per_period: FloatArray
    overage_periods: FloatArray


class Outcome(NamedTuple):
    """What comes of orders, each of shape (n_items, n_orders).

    Attributes:
        gain: money gained against ordering nothing; NaN where a cost is unknown.
        missed: units that the arrival cycle misses on average, E(need − ordered)⁺.
        served: probability that it misses none.
    """

    gain: FloatArray
    missed: FloatArray
    served: FloatArray


def order_outcomes(ordered: FloatArray, worth: OrderEconomics) -> Outcome:
    """What comes of each order: the plan's SQL calls it by this name.

    Args:
        ordered: units, shape (n_items, n_orders); NaN: no order, and NaN comes of it.
        worth: what it hangs on.
    """
    missed = np.empty(ordered.shape)
    fill_missed(ordered, worth.need, worth.shortage, missed)
    gains, served = order_gains(ordered, worth), chances_served(ordered, worth.need, worth.shortage)
    is_unknown = np.isnan(ordered) | np.isnan(worth.need[:, :1])
    return Outcome(*(np.where(is_unknown, np.nan, each) for each in (gains, missed, served)))


def chances_served(ordered: FloatArray, need: FloatArray, shortage: FloatArray) -> FloatArray:
    """Probability that each order is enough, shape (n_items, n_orders).

    Args:
        ordered: units, shape (n_items, n_orders).
        need: as in ``OrderEconomics``.
        shortage: the same.
    """
    served = np.empty(ordered.shape)
    fill_served(np.ascontiguousarray(ordered), need, shortage, np.array(NEED_LEVELS), served)
    return served


def order_gains(ordered: FloatArray, worth: OrderEconomics) -> FloatArray:
    """Money that orders gain against ordering nothing.

    Up to what is lacking: b for each unit kept from being missed in the arrival cycle, less h for each left over and
    each period that it is kept.
    From there to what is wanted: what the larger lot saves, R·{K·d/Q₀ − K·d/Q − h·(Q − Q₀)/2}. Beyond: the cycle again.

    Args:
        ordered: units, shape (n_items, n_orders).
        worth: what it hangs on.

    Returns:
        Money, shape (n_items, n_orders); NaN where a cost is unknown.
    """
    gains = np.empty(ordered.shape)
    R, h = worth.review_period, worth.holding_cost
    fill_gains(
        ordered, worth.need, worth.shortage, worth.lacking, worth.wanted, worth.shortage_cost,
        h * worth.overage_periods,
        R * worth.fixed_cost * worth.mean_per_period, R * h / 2, worth.smallest_lot, gains,
    )  # fmt: skip
    return gains


def order_steps(final: FloatArray, smallest: FloatArray, pack: FloatArray, most: FloatArray) -> FloatArray:
    """Quantities that can be ordered, rising, the proposed one among them.

    Args:
        final: the proposed order, units, shape (n_items,); 0: none.
        smallest: the least that the supplier takes, units, same shape.
        pack: orders are multiples of it, units; NaN: any quantity.
        most: the largest order possible, units; infinite where there is no limit.

    Returns:
        Units, shape (n_items, n_steps); NaN after the last step of an item.
    """
    step = np.where(np.isfinite(pack), pack, np.maximum(final, smallest) / 64)
    step = np.where(step > 0, step, 1.0)
    first = np.maximum(np.ceil(np.round(np.where(smallest > 0, smallest, step) / step, 9)), 1.0)
    wanted = np.maximum(final / step, first)
    below = first[:, None] + (wanted - first)[:, None] * np.linspace(0, 1, N_BELOW)
    above = wanted[:, None] * np.linspace(1, FURTHEST, N_ABOVE + 1)[1:]
    packs = np.concatenate([np.floor(below + 1e-9), np.ceil(above - 1e-9)], axis=1)
    found = np.concatenate([packs * step[:, None], final[:, None]], axis=1)
    found = np.where((found > 0) & (found <= np.maximum(np.minimum(most, np.inf), final)[:, None]), found, np.nan)
    found = np.sort(found, axis=1)
    is_again = np.concatenate([np.zeros((len(found), 1), dtype=bool), np.diff(found, axis=1) < 1e-9], axis=1)
    steps: FloatArray = np.sort(np.where(is_again, np.nan, found), axis=1)
    return steps
