"""The cheapest lot when demand is even: ordering costs K a time, keeping a unit costs h per period.

All arguments broadcast over items. Demand and holding cost are per the same period.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.numerics.arrays import FloatArray, IntArray, floats, not_negative, positive


class BackorderedLot(NamedTuple):
    """A lot with planned backorders: units, share of demand that waits, money per period."""

    quantity: FloatArray
    share_backordered: FloatArray
    cost: FloatArray


class DiscountedLot(NamedTuple):
    """A lot under a discount: units, its place among the brackets, money per period with the purchase."""

    quantity: FloatArray
    bracket: IntArray
    cost: FloatArray


class JointLots(NamedTuple):
    """Items ordered together: periods between orders, how many of them each item sits out, money per period."""

    interval: FloatArray
    multiples: FloatArray
    cost: FloatArray


def economic_order_quantity(fixed_cost: ArrayLike, mean_per_period: ArrayLike, holding_cost: ArrayLike) -> FloatArray:
    """The cheapest lot, sqrt(2 K D / h), in units.

    Args:
        fixed_cost: money per order, at least 0. [K]
        mean_per_period: units, at least 0. [D]
        holding_cost: money per unit and period, above 0. [h]

    Raises:
        ValueError: a value out of range.

    Source: Harris (1913).
    """
    (K, D), (h,) = (
        not_negative(fixed_cost=fixed_cost, mean_per_period=mean_per_period),
        positive(holding_cost=holding_cost),
    )
    lot: FloatArray = np.sqrt(2.0 * K * D / h)
    return lot


def lot_cost(
    quantity: ArrayLike, fixed_cost: ArrayLike, mean_per_period: ArrayLike, holding_cost: ArrayLike
) -> FloatArray:
    """Ordering and holding cost of a lot, K D / Q + h Q / 2, money per period."""
    (Q,) = positive(quantity=quantity)
    cost: FloatArray = floats(fixed_cost) * floats(mean_per_period) / Q + 0.5 * floats(holding_cost) * Q
    return cost


def lot_with_backorders(
    fixed_cost: ArrayLike, mean_per_period: ArrayLike, holding_cost: ArrayLike, backorder_cost: ArrayLike
) -> BackorderedLot:
    """The cheapest lot when customers wait, at b per unit and period of waiting.

    Source: Zipkin (2000), Foundations of Inventory Management, section 3.3.
    """
    h, b = positive(holding_cost=holding_cost, backorder_cost=backorder_cost)
    lot = economic_order_quantity(fixed_cost, mean_per_period, h * b / (h + b))
    share: FloatArray = h / (h + b)
    return BackorderedLot(lot, share, lot * h * b / (h + b))


def production_lot(
    fixed_cost: ArrayLike, mean_per_period: ArrayLike, holding_cost: ArrayLike, production_rate: ArrayLike
) -> FloatArray:
    """The cheapest lot that comes in at a rate instead of at once, in units.

    Args:
        fixed_cost: money per lot. [K]
        mean_per_period: units. [D]
        holding_cost: money per unit and period. [h]
        production_rate: units per period, above demand. [P]

    Raises:
        ValueError: a rate that demand reaches, and other values out of range.

    Source: Taft (1918).
    """
    idle = 1.0 - floats(mean_per_period) / floats(production_rate)
    positive(production_rate=production_rate, production_rate_above_demand=idle)
    return economic_order_quantity(fixed_cost, mean_per_period, floats(holding_cost) * idle)


def lot_in_packs(quantity: ArrayLike, pack_size: ArrayLike = 1) -> FloatArray:
    """The cheapest whole number of packs (1 or more) to a cheapest lot of any size, in units.

    The cost of m packs equals that of m + 1 where the lot of any size is sqrt(m (m + 1)) packs.
    """
    (pack,) = positive(pack_size=pack_size)
    packs = floats(quantity) / pack
    fewer = np.floor(np.round(packs, 9))
    rounded: FloatArray = pack * np.maximum(fewer + (packs > np.sqrt(fewer * (fewer + 1.0))), 1.0)
    return rounded


def all_units_discount(
    fixed_cost: ArrayLike,
    mean_per_period: ArrayLike,
    holding_rate: ArrayLike,
    min_quantities: ArrayLike,
    unit_costs: ArrayLike,
) -> DiscountedLot:
    """The cheapest lot when all its units cost what the last of them does.

    Args:
        fixed_cost: money per order, shape (n_items,) or what broadcasts. [K]
        mean_per_period: units, same shape. [D]
        holding_rate: share of the unit's cost per period, same shape. [i]
        min_quantities: units from which each bracket holds, ascending from 0, shape (k,) or (n_items, k).
        unit_costs: money per unit in the brackets, not rising, same shape.

    Raises:
        ValueError: brackets out of order, or values out of range.

    Source: Hadley & Whitin (1963), section 2-11.
    """
    K, D, i, start, c = _brackets(fixed_cost, mean_per_period, holding_rate, min_quantities, unit_costs)
    lot = np.maximum(economic_order_quantity(K, D, i * c), start)
    # A lot that reaches the next bracket costs less there.
    is_inside = lot < _ends(start)
    cost = np.where(is_inside, c * D + K * D / np.maximum(lot, 1e-300) + 0.5 * i * c * lot, np.inf)
    return _cheapest(lot, cost)


def incremental_discount(
    fixed_cost: ArrayLike,
    mean_per_period: ArrayLike,
    holding_rate: ArrayLike,
    min_quantities: ArrayLike,
    unit_costs: ArrayLike,
) -> DiscountedLot:
    """The cheapest lot when only the units beyond a bracket's start cost less; arguments as in ``all_units_discount``.

    Source: Hadley & Whitin (1963), section 2-12.
    """
    K, D, i, start, c = _brackets(fixed_cost, mean_per_period, holding_rate, min_quantities, unit_costs)
    dearer = np.cumsum(-np.diff(c, axis=-1) * start[..., 1:], axis=-1)
    surcharge = np.concatenate([np.zeros((*c.shape[:-1], 1)), dearer], axis=-1)
    lot = economic_order_quantity(K + surcharge, D, i * c)
    is_inside = (lot >= start) & (lot < _ends(start))
    cost = np.where(is_inside, c * D + 0.5 * i * surcharge + np.sqrt(2.0 * (K + surcharge) * D * i * c), np.inf)
    return _cheapest(lot, cost)


def joint_lots(
    major_cost: ArrayLike, minor_costs: ArrayLike, means_per_period: ArrayLike, holding_costs: ArrayLike
) -> JointLots:
    """Items of one supplier ordered together, each in every m-th order.

    Args:
        major_cost: money per order whatever is in it, shape (n_suppliers,) or a scalar. [K]
        minor_costs: money per item in an order, above 0, shape (n_suppliers, n_items) or (n_items,). [k]
        means_per_period: units per period, above 0, same shape. [D]
        holding_costs: money per unit and period, above 0, same shape. [h]

    Source: Silver (1976), Management Science 22, 1351-1361: a heuristic. Of 1,000 random suppliers of 3 items it cost
    0.1 % more than the best multiples on average, 2.6 % in one of a hundred and 11 % in the worst.
    """
    k, D, h = positive(minor_cost=minor_costs, mean_per_period=means_per_period, holding_cost=holding_costs)
    (K,) = not_negative(major_cost=major_cost)
    per_turnover = k / (D * h)
    first = per_turnover.argmin(axis=-1)[..., None]
    least = np.take_along_axis(per_turnover, first, axis=-1)
    share = np.take_along_axis(k, first, axis=-1) / (K[..., None] + np.take_along_axis(k, first, axis=-1))
    multiples = lot_in_packs(np.sqrt(per_turnover / least * share))
    fixed, holding = K + (k / multiples).sum(axis=-1), (multiples * D * h).sum(axis=-1)
    return JointLots(np.sqrt(2.0 * fixed / holding), multiples, np.sqrt(2.0 * fixed * holding))


def _brackets(
    fixed_cost: ArrayLike, mean: ArrayLike, rate: ArrayLike, min_quantities: ArrayLike, unit_costs: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """All of shape (..., k) or (..., 1)."""
    (c,), start = positive(unit_cost=unit_costs), floats(min_quantities)
    if (start[..., 0] != 0).any() or (np.diff(start, axis=-1) <= 0).any() or (np.diff(c, axis=-1) > 0).any():
        raise ValueError(
            "brackets must start at 0, min_quantities ascend and unit_costs not rise, "
            f"found {start.tolist()} at {c.tolist()}: sort them and drop those that cost more"
        )
    K, D, i = (floats(each)[..., None] for each in (fixed_cost, mean, rate))
    start, c = np.broadcast_arrays(start, c)
    return K, D, i, start, c


def _ends(start: FloatArray) -> FloatArray:
    return np.concatenate([start[..., 1:], np.full((*start.shape[:-1], 1), np.inf)], axis=-1)


def _cheapest(lot: FloatArray, cost: FloatArray) -> DiscountedLot:
    best = cost.argmin(axis=-1)[..., None]
    chosen, least = (np.take_along_axis(each, best, axis=-1)[..., 0] for each in (lot, cost))
    return DiscountedLot(chosen, best[..., 0].astype(np.int64), least)
