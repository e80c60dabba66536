"""Losses of demand that is known by quantiles at some levels: also what the planning SQL calls by name.

Between levels and beyond the outer one demand runs as ``quantile_law_kernel`` says; below the lowest level it is flat.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.demand import quantile_grid_kernel as kernel
from skucast.numerics.arrays import FloatArray, IntArray, floats


class Lists(NamedTuple):
    """Numbers of items, list after list.

    Attributes:
        values: all of them.
        starts: where each item's begin, and where the last one's end, length n_items + 1.
    """

    values: FloatArray
    starts: IntArray

    @classmethod
    def of(cls, table: FloatArray) -> Lists:
        """Rows of a table, shape (n_items, m)."""
        return cls(np.ascontiguousarray(table, dtype=float).ravel(), np.arange(table.shape[0] + 1) * table.shape[1])

    def table(self, otherwise: float, width: int = 1) -> FloatArray:
        """As rows of a table, ``otherwise`` where lists end; shape (n_items, the longest, but at least ``width``)."""
        lengths = np.diff(self.starts)
        at = np.arange(int(lengths.max(initial=width)))
        found: FloatArray = np.full((lengths.size, at.size), otherwise)
        found[at < lengths[:, None]] = self.values
        return found


def shortages_of(stocks: Lists, levels: Lists, quantiles: Lists) -> FloatArray:
    """Units short on average, E[(D - stock)+], with quantiles of each item's own levels; NaN where it has none.

    Args:
        stocks: units.
        levels: ascending probabilities.
        quantiles: units at them.

    Returns:
        Units, one per value of ``stocks``.
    """
    short = np.full(stocks.values.size, np.nan)
    kernel.fill_shortages(*stocks, *levels, *quantiles, short)
    return short


def quantiles_at(probabilities: FloatArray, levels: Lists, quantiles: Lists) -> FloatArray:
    """The quantile of each item's demand at a probability: a whole one where all its quantiles are whole.

    Args:
        probabilities: below 1, shape (n_items,).
        levels: ascending probabilities.
        quantiles: units at them.

    Returns:
        Units, shape (n_items,); NaN where an item has no quantiles.
    """
    found = np.full(probabilities.size, np.nan)
    kernel.fill_quantiles(probabilities, *levels, *quantiles, found)
    return found


def stocks_for_fill_rates(
    wanted: FloatArray, levels: Lists, quantiles: Lists, before: Lists, demand: FloatArray
) -> FloatArray:
    """The least stock for each fill rate of the (R, S) policy with backorders, and the probability that it is enough.

    Args:
        wanted: fill rates, shape (n_items,).
        levels: ascending probabilities.
        quantiles: of demand over review period and lead time, units.
        before: of demand over the lead time, units; nothing where there is none.
        demand: of the cycle that one order answers for, units, shape (n_items,).

    Returns:
        Shape (2, n_items); NaN where an item has no quantiles, no fill rate is wanted or nothing demanded.
    """
    found = np.full((2, wanted.size), np.nan)
    kernel.fill_stocks(wanted, *levels, *quantiles, *before, demand, found)
    return found


def lines_at(x: Lists, xs: Lists, ys: Lists) -> FloatArray:
    """The y at each x on the lines through each item's points; outside them the ends hold; NaN where it has none.

    Args:
        x: any numbers.
        xs: not falling within an item.
        ys: as many.

    Returns:
        One per value of ``x``.
    """
    found = np.full(x.values.size, np.nan)
    kernel.fill_lines(*x, *xs, *ys, found)
    return found


def expected_shortages(stocks: FloatArray, levels: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Units short on average, E[(D - stock)+].

    Args:
        stocks: units, shape (n_items, m).
        levels: ascending probabilities, shape (k,).
        quantiles: units at the levels, shape (n_items, k).

    Returns:
        Units, shape (n_items, m).
    """
    each = Lists.of(np.broadcast_to(floats(levels), quantiles.shape))
    return shortages_of(Lists.of(stocks), each, Lists.of(quantiles)).reshape(stocks.shape)


def fill_rates(shortages: ArrayLike, shortages_before: ArrayLike | None, review_demand: ArrayLike) -> FloatArray:
    """Fill rate of the (R, S) policy for each target, from units short with and before the review's own demand.

    Args:
        shortages: over the R + L periods, units.
        shortages_before: over the first L of them; None where L = 0.
        review_demand: mean demand of the last R of them, units; without any everything is served.
    """
    demand = floats(review_demand)
    own = floats(shortages) - (0.0 if shortages_before is None else floats(shortages_before))
    share = np.where(demand != 0, own / np.where(demand != 0, demand, 1.0), 0.0)
    return np.clip(1.0 - share, 0.0, 1.0)


def lot_fill_rates(
    reorder_points: FloatArray, lots: FloatArray, levels: FloatArray, quantiles: FloatArray
) -> FloatArray:
    """Fill rate of the (s, Q) policy, 1 - {E[(D_L - s)+] - E[(D_L - s - Q)+]} / Q, shape (n_items, m).

    Args:
        reorder_points: units, shape (n_items, m).
        lots: units, above 0, same shape.
        levels: ascending probabilities, shape (k,).
        quantiles: of demand over the lead time at the levels, shape (n_items, k).
    """
    later = expected_shortages(reorder_points + lots, levels, quantiles)
    return np.clip(1.0 - (expected_shortages(reorder_points, levels, quantiles) - later) / lots, 0.0, 1.0)


def interpolate(x: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """The y at each x on the lines through each item's points; outside them the ends hold.

    Args:
        x: shape (n_items, m).
        xs: not falling, shape (n_items, k).
        ys: same shape.

    Returns:
        Shape (n_items, m).
    """
    return lines_at(Lists.of(x), Lists.of(xs), Lists.of(ys)).reshape(x.shape)
