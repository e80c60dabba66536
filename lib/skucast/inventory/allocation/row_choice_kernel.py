"""What one row orders at given prices of what is scarce, compiled.

A row's options are ascending quantities with the money that each gains. At a price p per unit the row takes the option
that gains most after paying for it, on the concave hull of its options: a minimum order quantity is one indivisible
first step. Below a positive price it orders no more than it wants, below a negative one (an order that is topped up)
no less. Sums are whole numbers of a limit's smallest unit, so that they do not depend on the order of the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skucast.numerics.arrays import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

RESOURCE: IntArray = np.array([0, 0, 1, 0, 1], dtype=np.int64)
"""Column of ``weight`` that each kind of limit counts: money or volume."""

IS_SUPPLIER: BoolArray = np.array([False, True, True, False, False])
"""Kinds of limits that belong to a supplier."""

TIE = 1e-4
"""Share by which prices differ between rows, by their tie numbers: equal rows do not all change at one price."""

UNITS = 2.0**40
"""Smallest units in a limit."""


class OrderOptions(NamedTuple):
    """Options of n rows.

    Attributes:
        start: first option of each row, and the end of the last, shape (n + 1,).
        quantity: ascending in each row, shape (n_options,). The first is 0 in rows that may order nothing.
        gain: money gained compared with ordering nothing, shape (n_options,).
        wanted: place among the row's options of the quantity without shared limits, shape (n,).
        weight: money and volume of a unit, >= 0, shape (n, 2); 0 where unknown.
        member: number of the limit of each kind that counts the row, -1 for none, shape (n, 5).
        tie: in [0, 1), shape (n,), from the row's identity.
        key: identity of the row, shape (n,).
        chosen: place of the option that was chosen regardless of prices, -1 where the prices choose, shape (n,).
    """

    start: IntArray
    quantity: FloatArray
    gain: FloatArray
    wanted: IntArray
    weight: FloatArray
    member: IntArray
    tie: FloatArray
    key: IntArray
    chosen: IntArray


class ShadowPrices(NamedTuple):
    """Prices of limits.

    Attributes:
        price: money per unit of what each limit counts, shape (n_limits,); negative where an order is topped up.
        is_closed: limits whose rows order nothing, shape (n_limits,).
        unit: what is counted as 1 in the sums of each limit, shape (n_limits,).
        held: prices by which rows of held limits decide, shape (n_limits,): what they order does not follow ``price``.
        is_held: limits of suppliers whose orders were topped up and are not to fall below their minimum again.
    """

    price: FloatArray
    is_closed: BoolArray
    unit: FloatArray
    held: FloatArray
    is_held: BoolArray


@compiled
def choice(curves: OrderOptions, priced: ShadowPrices, row: int) -> int:
    """Place of the option that the row takes."""
    if curves.chosen[row] >= 0:
        return int(curves.chosen[row])
    if is_among(curves, row, priced.is_closed):
        return 0
    price = unit_price(curves, priced.held if is_among(curves, row, priced.is_held) else priced.price, row, -1)
    if price == 0.0:
        return int(curves.wanted[row])
    place, slope = vertices(curves, row)
    return int(place[walk(slope, 0, price)])


@compiled
def walk(slope: FloatArray, vertex: int, price: float) -> int:
    """The last vertex from there on whose step gains more than the price."""
    while vertex + 1 < slope.size and slope[vertex + 1] > price:
        vertex += 1
    return vertex


@compiled
def vertices(curves: OrderOptions, row: int) -> tuple[IntArray, FloatArray]:
    """Places and incoming slopes of the hull's vertices."""
    begin, wanted = curves.start[row], curves.wanted[row]
    last = curves.start[row + 1] - begin - 1
    place = np.zeros(last + 1, dtype=np.int64)
    here = _chain(curves, begin, place, 1, 0, wanted)
    count = _chain(curves, begin, place, here, wanted, last)
    slope = np.zeros(count)
    for vertex in range(1, count):
        rise = _slope(curves, begin, place[vertex - 1], place[vertex])
        slope[vertex] = max(rise, 0.0) if vertex < here else min(rise, 0.0)
    return place[:count], slope


@compiled
def _chain(curves: OrderOptions, begin: int, place: IntArray, count: int, first: int, last: int) -> int:
    """Add the vertices of the upper hull of the options after ``first`` up to ``last``; the new count."""
    fixed = count
    for option in range(first + 1, last + 1):
        while count > fixed and _slope(curves, begin, place[count - 2], place[count - 1]) <= _slope(
            curves, begin, place[count - 1], option
        ):
            count -= 1
        place[count] = option
        count += 1
    return count


@compiled
def _slope(curves: OrderOptions, begin: int, low: int, high: int) -> float:
    rise = curves.gain[begin + high] - curves.gain[begin + low]
    return float(rise / (curves.quantity[begin + high] - curves.quantity[begin + low]))


@compiled
def is_among(curves: OrderOptions, row: int, limits: BoolArray) -> bool:
    """Whether one of these limits counts the row."""
    for kind in range(RESOURCE.size):
        limit = curves.member[row, kind]
        if limit >= 0 and limits[limit]:
            return True
    return False


@compiled
def unit_price(curves: OrderOptions, prices: FloatArray, row: int, without: int) -> float:
    """What a unit of the row costs at these prices, those of one kind of limits left out (-1: of none)."""
    total = 0.0
    for kind in range(RESOURCE.size):
        limit = curves.member[row, kind]
        if limit >= 0 and kind != without:
            total += prices[limit] * curves.weight[row, RESOURCE[kind]]
    return float(total * tilt(curves, row))


@compiled
def tilt(curves: OrderOptions, row: int) -> float:
    """Factor on the prices of this row: equal rows do not all change at one price."""
    return float(1.0 + TIE * (curves.tie[row] - 0.5))


@compiled
def units_used(curves: OrderOptions, priced: ShadowPrices, row: int, kind: int, option: int) -> int:
    """What the option uses of the limit of that kind, in units of the limit."""
    limit = curves.member[row, kind]
    used = curves.weight[row, RESOURCE[kind]] * curves.quantity[option] / priced.unit[limit]
    return int(np.rint(min(used, 4.0 * UNITS)))
