"""From what is lacking to what is ordered: lots, minima, packs, pallets, limits and prices that fall with the quantity.

Plan and replay call the same functions; the plan by the SQL functions ``order_quantities`` and ``purchase_costs``. Null
of SQL is NaN here.
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


class PriceBreaks(NamedTuple):
    """Prices that fall with the quantity; NaN where a list has ended, or there is none.

    Attributes:
        min_quantity: starts of the brackets, rising from 0, units, shape (n, k).
        unit_cost: money per unit, shape (n, k).
        is_incremental: only units from a start on cost less; else all units cost what the last one does, shape (n,).
    """

    min_quantity: FloatArray
    unit_cost: FloatArray
    is_incremental: Bools

    def of(self, rows: NDArray[np.int64]) -> PriceBreaks:
        """Those of some items."""
        return PriceBreaks(self.min_quantity[rows], self.unit_cost[rows], self.is_incremental[rows])


class LotCosts(NamedTuple):
    """What a lot costs beside its purchase, each of shape (n,); NaN: nothing.

    Attributes:
        fixed_cost: money per order. [K]
        holding_cost: money per unit and period. [h]
        mean_per_period: demand, units.
    """

    fixed_cost: FloatArray
    holding_cost: FloatArray
    mean_per_period: FloatArray


class OrderQuantities(NamedTuple):
    """The way from what the policy wants to what is ordered, units, each of shape (n,).

    Attributes:
        raw: what the policy wants.
        with_minimum: at least the minimum order.
        packed: in whole packs.
        palletised: in whole pallets, where it fills one.
        covering: within the limit on cover.
        bargained: at a lower price, where that pays.
        final: within the limits on order and stock.
        room: most that those two allow.
        smallest: least that can be ordered.
    """

    raw: FloatArray
    with_minimum: FloatArray
    packed: FloatArray
    palletised: FloatArray
    covering: FloatArray
    bargained: FloatArray
    final: FloatArray
    room: FloatArray
    smallest: FloatArray


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


def quantity_by_policy(shortfall: FloatArray, terms: OrderConstraints) -> FloatArray:
    """What the policy orders when so much is lacking: that much, with a lot, or so many whole lots; units, >= 0.

    Args:
        shortfall: units.
        terms: of the items.
    """
    whole = np.isin(terms.replenishment_policy, WHOLE_LEVEL)
    in_lots = (terms.replenishment_policy == "s_Q") & (terms.lot > 0)
    lots = _up(shortfall, np.where(in_lots, terms.lot, np.nan))
    quantity = np.select([whole, in_lots], [shortfall, lots], shortfall + terms.lot - terms.smallest_lot)
    found: FloatArray = np.maximum(np.round(quantity, 9), 0.0)
    return found


def wanted_quantity(shortfall: FloatArray, terms: OrderConstraints, *, is_lost: bool) -> FloatArray:
    """What the policy orders, before the limits, units; where NaN is lacking nothing.

    Args:
        shortfall: units.
        terms: of the items.
        is_lost: demand that finds no stock is lost; else lots are also ordered where exactly nothing is lacking.
    """
    orders = (shortfall > 0) | ((shortfall == 0) & (terms.lot > terms.smallest_lot) & (not is_lost))
    return np.where(orders, quantity_by_policy(shortfall, terms), 0.0)


def order_quantities(
    raw: FloatArray,
    terms: OrderConstraints,
    at_arrival: FloatArray,
    prices: PriceBreaks | None = None,
    costs: LotCosts | None = None,
) -> OrderQuantities:
    """What the item's own terms leave of the quantity that the policy wants, step by step.

    A limit on cover keeps surplus out, not the item: it never forbids the smallest order. A full shelf does.

    Args:
        raw: units, 0: nothing is ordered.
        terms: of the items.
        at_arrival: stock when the order arrives, as far as it is foreseen, units.
        prices: that fall with the quantity; None: none do.
        costs: of a lot, with ``prices``.
    """
    least, pack = terms.min_order_quantity, terms.pack_size
    smallest = _up(np.maximum(least, _or(pack, 0.0)), pack)
    packed = _in_packs(raw, terms)
    palletised = _in_pallets(packed, terms)
    cover = _or(terms.max_cover, np.inf)
    within_cover = np.maximum(_down(terms.max_cover, pack, 0.0), np.minimum(smallest, palletised))
    covering = np.where(palletised > cover, within_cover, palletised)
    most = np.where(np.isnan(terms.max_stock), np.inf, np.fmax(terms.max_stock - at_arrival, 0.0))
    room = np.minimum(_or(terms.max_order_quantity, np.inf), most)
    bargained = covering
    if prices is not None and costs is not None:
        bargained = _bargained(covering, pack, np.minimum(cover, room), prices, costs)
    cut = np.where(room < smallest, 0.0, _down(room, pack, 0.0))
    final = np.where(bargained <= room, bargained, cut)
    with_minimum = np.where(raw > 0, np.maximum(raw, least), 0.0)
    return OrderQuantities(raw, with_minimum, packed, palletised, covering, bargained, final, room, smallest)


def final_quantity(raw: FloatArray, terms: OrderConstraints, at_arrival: FloatArray) -> FloatArray:
    """What the item's own terms leave of the quantity that the policy wants, units: as ``order_quantities``."""
    return order_quantities(raw, terms, at_arrival).final


def purchase_costs(quantities: FloatArray, prices: PriceBreaks) -> FloatArray:
    """What orders cost to buy, money, shape (n, m); NaN without prices.

    Args:
        quantities: units, shape (n, m); NaN: none.
        prices: of n items.

    Source: Hadley & Whitin (1963), sections 2-11 and 2-12.
    """
    starts, unit_cost, q = prices.min_quantity[:, None, :], prices.unit_cost[:, None, :], quantities[:, :, None]
    ends = np.concatenate([starts[:, :, 1:], np.full((len(quantities), 1, 1), np.nan)], axis=2)
    in_bracket = np.maximum(np.minimum(q, _or(ends, np.inf)) - starts, 0.0)
    summed = np.nansum(np.where(np.isnan(q), np.nan, in_bracket * unit_cost), axis=2)
    reached = np.maximum((starts <= q).sum(axis=2) - 1, 0)
    at_last = quantities * np.take_along_axis(prices.unit_cost, reached, axis=1)
    found = np.where(prices.is_incremental[:, None], summed, at_last)
    return np.where(np.isnan(quantities) | np.isnan(prices.unit_cost[:, :1]), np.nan, found)


def _bargained(
    covering: FloatArray, pack: FloatArray, most: FloatArray, prices: PriceBreaks, costs: LotCosts
) -> FloatArray:
    """The order, or a start of a cheaper bracket beyond it: what costs least per period, if every lot were like it."""
    mean = costs.mean_per_period
    rows = np.flatnonzero((covering > 0) & (mean > 0) & ~np.isnan(prices.unit_cost[:, 0]))
    found = covering.copy()
    if rows.size:
        own = prices.of(rows)
        order, starts = covering[rows, None], _up(own.min_quantity, pack[rows, None])
        offers = np.hstack([order, np.where((starts > order) & (starts <= most[rows, None]), starts, np.nan)])
        per_lot = purchase_costs(offers, own) + _or(costs.fixed_cost[rows, None], 0.0)
        cost = per_lot * mean[rows, None] / offers + _or(costs.holding_cost[rows, None], 0.0) * offers / 2
        found[rows] = offers[np.arange(rows.size), np.nanargmin(cost, axis=1)]
    return found


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
