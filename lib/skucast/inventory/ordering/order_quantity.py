"""What to order, given what lies ahead: the arithmetic of ``sql/quantities.sql`` over arrays, for the replay.

The plan is made in SQL, where a planner can read it; the replay decides thousands of times inside a simulation, where
SQL is out of reach. Both say the same, and a test holds them to it. Null of SQL is NaN here, or an infinite limit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skucast.numerics.arrays import FloatArray

Bools = NDArray[np.bool_]
Words = NDArray[np.object_]
MORE_PER_LOT = 1.5
"""Reviews that a lot longer than one answers for beside its own length, where unmet demand is lost."""
WHOLE_LEVEL = ("base_stock", "R_S")
"""Policies that order what is lacking and no lot."""


class OrderConstraints(NamedTuple):
    """What the policy and the supplier make of what is lacking, each of shape (n,); NaN: none.

    Attributes:
        replenishment_policy: base_stock, R_S, R_s_S, s_S or s_Q.
        rounding: to packs and pallets: up, down or nearest.
        lot: units. [Q]
        smallest_lot: demand of a review, units.
        min_order_quantity: units.
        pack_size: units.
        pallet_size: units.
        max_order_quantity: units.
        max_stock: units when the order arrives.
        max_cover: units that a limit on cover allows.
    """

    replenishment_policy: Words
    rounding: Words
    lot: FloatArray
    smallest_lot: FloatArray
    min_order_quantity: FloatArray
    pack_size: FloatArray
    pallet_size: FloatArray
    max_order_quantity: FloatArray
    max_stock: FloatArray
    max_cover: FloatArray

    def of(self, rows: NDArray[np.int64]) -> OrderConstraints:
        """Those of some items."""
        return OrderConstraints(**{name: values[rows] for name, values in self._asdict().items()})


def unconstrained(terms: OrderConstraints) -> OrderConstraints:
    """The same without lots and without limits: any quantity, at every review."""
    none = np.full(terms.lot.size, np.nan)
    free = terms._replace(
        **dict.fromkeys(("pack_size", "pallet_size", "max_order_quantity", "max_stock", "max_cover"), none)
    )
    return free._replace(lot=terms.smallest_lot, min_order_quantity=np.zeros_like(none))


def usual_order(terms: OrderConstraints, unit: FloatArray) -> FloatArray:
    """Units of a usual order, the lot that a stock-out threatens once: as ``usual_order`` in functions.sql.

    Args:
        terms: lots and limits.
        unit: 1 for whole goods, of which one unit is no lot; else 0.
    """
    forced = np.fmax(terms.min_order_quantity, terms.pack_size)
    return np.fmax(np.fmax(terms.lot, terms.smallest_lot), np.where(forced > unit, forced, 0.0))


def demand_per_order(terms: OrderConstraints, unit: FloatArray, *, is_lost: bool) -> FloatArray:
    """Units that one order answers for: as ``demand_per_order`` in functions.sql.

    Args:
        terms: lots and limits.
        unit: as ``usual_order`` takes it.
        is_lost: demand that finds no stock is lost.
    """
    review, lot = terms.smallest_lot, usual_order(terms, unit)
    more = MORE_PER_LOT * np.maximum(0.0, np.minimum(review, lot - review)) if is_lost else 0.0
    return np.fmax(review, lot) + more


def wanted_quantity(shortfall: FloatArray, terms: OrderConstraints, *, is_lost: bool) -> FloatArray:
    """What the policy orders when so much is lacking, before the limits, units; NaN orders nothing.

    Args:
        shortfall: units.
        terms: of the items.
        is_lost: demand that finds no stock is lost; else lots are also ordered where exactly nothing is lacking.
    """
    whole, has_lot = np.isin(terms.replenishment_policy, WHOLE_LEVEL), terms.lot > 0
    in_lots = (terms.replenishment_policy == "s_Q") & has_lot
    lots = _up(shortfall, np.where(in_lots, terms.lot, np.nan))
    quantity = np.select([whole, in_lots], [shortfall, lots], shortfall + terms.lot - terms.smallest_lot)
    orders = (shortfall > 0) | ((shortfall == 0) & (terms.lot > terms.smallest_lot) & (not is_lost))
    return np.where(orders, np.maximum(np.round(quantity, 9), 0.0), 0.0)


def final_quantity(raw: FloatArray, terms: OrderConstraints, at_arrival: FloatArray) -> FloatArray:
    """What the item's own terms leave of the quantity that the policy wants, units.

    Args:
        raw: units, 0: nothing is ordered.
        terms: of the items.
        at_arrival: stock when the order arrives, as far as it is foreseen, units.
    """
    least, pack = terms.min_order_quantity, terms.pack_size
    smallest = _up(np.maximum(least, _or(pack, 0.0)), pack)
    palletised = _in_pallets(_in_packs(raw, terms), terms)
    within_cover = np.maximum(_down(terms.max_cover, pack, 0.0), np.minimum(smallest, palletised))
    covering = np.where(palletised > _or(terms.max_cover, np.inf), within_cover, palletised)
    most = np.maximum(_or(terms.max_stock, np.inf) - at_arrival, 0.0)
    room = np.minimum(_or(terms.max_order_quantity, np.inf), most)
    cut = np.where(room < smallest, 0.0, _down(room, pack, 0.0))
    return np.where(covering <= room, covering, cut)


def _in_packs(raw: FloatArray, terms: OrderConstraints) -> FloatArray:
    least, pack = terms.min_order_quantity, terms.pack_size
    needed = np.maximum(raw, least)
    up = _up(needed, pack)
    down = np.maximum(_down(needed, pack, np.maximum(np.maximum(least, _or(pack, 0.0)), 0.0)), 0.0)
    is_nearer = (terms.rounding == "nearest") & (raw - down < up - raw)
    return np.where(raw > 0, np.where((terms.rounding == "down") | is_nearer, down, up), 0.0)


def _in_pallets(packed: FloatArray, terms: OrderConstraints) -> FloatArray:
    pallet = terms.pallet_size
    fits = ~(packed < pallet) & ~np.isnan(pallet)
    size = np.where(fits, pallet, 1.0)
    goes_up = (terms.rounding == "up") | ((terms.rounding == "nearest") & (packed % size * 2 >= size))
    whole = np.where(goes_up, _up(packed, size), _down(packed, size, size))
    return np.where(fits, whole, packed)


def _up(quantity: FloatArray, multiple: FloatArray) -> FloatArray:
    return _or(np.ceil(np.round(quantity / multiple, 9)) * multiple, quantity)


def _down(quantity: FloatArray, multiple: FloatArray, least: FloatArray | float) -> FloatArray:
    fewest = np.ceil(np.round(least / multiple, 9))
    return _or(np.maximum(np.floor(np.round(quantity / multiple, 9)), fewest) * multiple, quantity)


def _or(values: FloatArray, other: FloatArray | float) -> FloatArray:
    """The values, the other where there is none."""
    return np.where(np.isnan(values), other, values)
