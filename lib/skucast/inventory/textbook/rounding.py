"""What the supplier takes of what is needed: minimum order, whole packs in a named direction, a limit of cover."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from skucast.numerics.arrays import FloatArray, floats, not_negative, positive


class Rounding(StrEnum):
    """Which whole number of packs stands for a quantity between two."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


def round_to_packs(
    needed: ArrayLike,
    pack_size: ArrayLike,
    rounding: Rounding,
    cost_of: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """Whole packs for a needed quantity, in units; rounded at the ninth decimal first.

    Args:
        needed: units, at least 0.
        pack_size: units, above 0.
        rounding: up, down, or to the cheaper of the two.
        cost_of: expected cost of a quantity, for ``nearest``; without it the shorter way is the cheaper one. Of two
            that cost the same the larger is taken.

    Raises:
        ValueError: a value out of range.
    """
    (need,), (pack,) = not_negative(needed=needed), positive(pack_size=pack_size)
    packs = np.round(need / pack, 9)
    fewer, more = np.floor(packs) * pack, np.ceil(packs) * pack
    if rounding == Rounding.UP:
        return more
    if rounding == Rounding.DOWN:
        return fewer
    cost_of = cost_of or (lambda quantity: np.abs(quantity - need))
    return np.where(cost_of(fewer) < cost_of(more), fewer, more)


def orderable_quantity(
    needed: ArrayLike,
    min_order_quantity: ArrayLike,
    pack_size: ArrayLike,
    rounding: Rounding = Rounding.UP,
    most: ArrayLike = np.inf,
    cost_of: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """A quantity that the supplier takes, in units.

    Nothing needed is nothing ordered. Else at least the minimum order, in whole packs, and at most what the limit
    leaves of whole packs: where that is below the minimum order nothing can be ordered, which the caller reports.

    Args:
        needed: units.
        min_order_quantity: units. It bounds an order and is no safety stock.
        pack_size: units.
        rounding: direction of packs; a minimum order is always reached.
        most: units that cover, shelf life or space allow.
        cost_of: as in ``round_to_packs``.
    """
    need, (least, limit) = floats(needed), not_negative(min_order_quantity=min_order_quantity, most=most)
    smallest = round_to_packs(least, pack_size, Rounding.UP)
    wanted = round_to_packs(np.maximum(need, 0.0), pack_size, rounding, cost_of)
    largest = floats(pack_size) * np.floor(np.round(limit / floats(pack_size), 9))
    quantity = np.minimum(np.maximum(wanted, smallest), largest)
    return np.where((need > 0) & (quantity >= smallest), quantity, 0.0)
