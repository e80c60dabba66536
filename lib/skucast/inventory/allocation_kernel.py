"""What every row orders at given prices of what is scarce: one row after the other, compiled.

A row's options are ascending quantities with the money that each gains. At a price p per unit the row takes the option
that gains most after paying for it, on the concave hull of its options: a minimum order quantity is one indivisible
first step. Below a positive price it orders no more than it wants, below a negative one (an order that is topped up)
no less. Sums are whole numbers of a limit's smallest unit, so that they do not depend on the order of the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skucast.compiled import compiled

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RESOURCE: IntArray = np.array([0, 0, 1, 0, 1], dtype=np.int64)
"""Column of ``weight`` that each kind of limit counts: money or volume."""

IS_SUPPLIER: BoolArray = np.array([False, True, True, False, False])
"""Kinds of limits that belong to a supplier."""

TIE = 1e-4
"""Share by which prices differ between rows, by their tie numbers: equal rows do not all change at one price."""

UNITS = 2.0**40
"""Smallest units in a limit."""

GAIN_UNITS = 2.0**20
"""Smallest units in one unit of money gained."""

MOST = 2**52
"""Highest sum that is told apart: far above any limit."""


class Curves(NamedTuple):
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


class Priced(NamedTuple):
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
def choices(curves: Curves, priced: Priced) -> IntArray:
    """Place of the option that each row takes, shape (n,)."""
    found = np.zeros(curves.wanted.size, dtype=np.int64)
    for row in range(found.size):
        found[row] = _choice(curves, priced, row)
    return found


@compiled
def survey(curves: Curves, priced: Priced) -> IntArray:
    """What the rows use of every limit, and what they gain after paying for what is not their supplier's.

    Returns:
        Shape (2, n_limits): use in units of the limit; gain less payments, in ``GAIN_UNITS``, for limits of suppliers.
    """
    found = np.zeros((2, priced.price.size), dtype=np.int64)
    for row in range(curves.wanted.size):
        option = curves.start[row] + _choice(curves, priced, row)
        outside = 0.0
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0 and not IS_SUPPLIER[kind]:
                outside += priced.price[limit] * curves.weight[row, RESOURCE[kind]]
        net = curves.gain[option] - outside * curves.quantity[option]
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0:
                found[0, limit] += _used(curves, priced, row, kind, option)
                found[1, limit] += np.int64(np.rint(net * GAIN_UNITS))
    return np.minimum(found, MOST)


@compiled
def trials(curves: Curves, priced: Priced, kind: int, first: int, tried: FloatArray) -> IntArray:
    """Use of each limit of one kind at several prices, the other kinds' prices staying.

    Args:
        curves: the rows.
        priced: prices of the others.
        kind: whose prices are tried.
        first: number of the kind's first limit.
        tried: ascending prices, shape (limits of the kind, m).

    Returns:
        Shape (limits of the kind, m), in units of the limits.
    """
    found = np.zeros(tried.shape, dtype=np.int64)
    for row in range(curves.wanted.size):
        limit = curves.member[row, kind]
        if limit < 0 or _among(curves, row, priced.is_closed):
            continue
        if _among(curves, row, priced.is_held):
            found[limit - first] += _used(curves, priced, row, kind, curves.start[row] + _choice(curves, priced, row))
            continue
        other = _unit_price(curves, priced.price, row, kind)
        own = curves.weight[row, RESOURCE[kind]] * _tilt(curves, row)
        place, slope = _vertices(curves, row)
        vertex = 0
        for each in range(tried.shape[1] - 1, -1, -1):
            price = other + own * tried[limit - first, each]
            vertex = _walk(slope, vertex, price)
            option = curves.start[row] + (curves.wanted[row] if price == 0.0 else place[vertex])
            found[limit - first, each] += _used(curves, priced, row, kind, option)
    return np.minimum(found, MOST)


@compiled
def extents(curves: Curves, priced: Priced, kind: int, first: int, n_limits: int) -> FloatArray:
    """Prices of one kind's limits beyond which no row changes, shape (2, n_limits): highest, and minus the lowest."""
    found = np.zeros((2, n_limits))
    for row in range(curves.wanted.size):
        limit, own = curves.member[row, kind], curves.weight[row, RESOURCE[kind]] * _tilt(curves, row)
        if limit < 0 or own <= 0.0 or _among(curves, row, priced.is_closed) or _among(curves, row, priced.is_held):
            continue
        other = _unit_price(curves, priced.price, row, kind)
        _, slope = _vertices(curves, row)
        if slope.size > 1:
            found[0, limit - first] = max(found[0, limit - first], (slope[1] - other) / own)
            found[1, limit - first] = max(found[1, limit - first], (other - slope[-1]) / own)
    return found


@compiled
def pressure(curves: Curves, priced: Priced, is_over: BoolArray) -> IntArray:
    """What each supplier's rows use of exceeded limits, in ``UNITS`` of these, shape (n_limits,)."""
    found = np.zeros(priced.price.size, dtype=np.int64)
    for row in range(curves.wanted.size):
        option = curves.start[row] + _choice(curves, priced, row)
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0 and is_over[limit]:
                for own in curves.member[row, 1:3]:
                    if own >= 0:
                        found[own] += _used(curves, priced, row, kind, option)
    return np.minimum(found, MOST)


@compiled
def surplus(curves: Curves, priced: Priced) -> IntArray:
    """Most that the rows could gain after paying all prices, in ``GAIN_UNITS``, shape (n_limits + 1,).

    Summed by the last limit of each row's supplier; last of all the rows whose supplier has none.
    """
    found = np.zeros(priced.price.size + 1, dtype=np.int64)
    for row in range(curves.wanted.size):
        place = max(curves.member[row, 1], curves.member[row, 2])
        price = _unit_price(curves, priced.price, row, -1) / _tilt(curves, row)
        best = -np.inf
        for option in range(curves.start[row], curves.start[row + 1]):
            best = max(best, curves.gain[option] - price * curves.quantity[option])
        found[place if place >= 0 else found.size - 1] += np.int64(np.rint(best * GAIN_UNITS))
    return found


@compiled
def gains(curves: Curves, priced: Priced) -> IntArray:
    """What the rows gain, in ``GAIN_UNITS``, shape (1,)."""
    found = np.zeros(1, dtype=np.int64)
    for row in range(curves.wanted.size):
        found[0] += np.int64(np.rint(curves.gain[curves.start[row] + _choice(curves, priced, row)] * GAIN_UNITS))
    return found


@compiled
def regrets(curves: Curves, priced: Priced) -> FloatArray:
    """Money lost at the prices when a row takes its second best option, shape (n,); infinite where it cannot."""
    found = np.full(curves.wanted.size, np.inf)
    for row in range(found.size):
        if _among(curves, row, priced.is_closed):
            continue
        begin, end = curves.start[row], curves.start[row + 1]
        price = _unit_price(curves, priced.price, row, -1)
        own = begin + _choice(curves, priced, row)
        for option in range(begin, end):
            if option != own:
                change = (curves.gain[own] - curves.gain[option]) - price * (
                    curves.quantity[own] - curves.quantity[option]
                )
                found[row] = min(found[row], change)
    return found


@compiled
def _choice(curves: Curves, priced: Priced, row: int) -> int:
    if curves.chosen[row] >= 0:
        return int(curves.chosen[row])
    if _among(curves, row, priced.is_closed):
        return 0
    price = _unit_price(curves, priced.held if _among(curves, row, priced.is_held) else priced.price, row, -1)
    if price == 0.0:
        return int(curves.wanted[row])
    place, slope = _vertices(curves, row)
    return int(place[_walk(slope, 0, price)])


@compiled
def _walk(slope: FloatArray, vertex: int, price: float) -> int:
    """The last vertex from there on whose step gains more than the price."""
    while vertex + 1 < slope.size and slope[vertex + 1] > price:
        vertex += 1
    return vertex


@compiled
def _vertices(curves: Curves, row: int) -> tuple[IntArray, FloatArray]:
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
def _chain(curves: Curves, begin: int, place: IntArray, count: int, first: int, last: int) -> int:
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
def _slope(curves: Curves, begin: int, low: int, high: int) -> float:
    rise = curves.gain[begin + high] - curves.gain[begin + low]
    return float(rise / (curves.quantity[begin + high] - curves.quantity[begin + low]))


@compiled
def _among(curves: Curves, row: int, limits: BoolArray) -> bool:
    for kind in range(RESOURCE.size):
        limit = curves.member[row, kind]
        if limit >= 0 and limits[limit]:
            return True
    return False


@compiled
def _unit_price(curves: Curves, prices: FloatArray, row: int, without: int) -> float:
    total = 0.0
    for kind in range(RESOURCE.size):
        limit = curves.member[row, kind]
        if limit >= 0 and kind != without:
            total += prices[limit] * curves.weight[row, RESOURCE[kind]]
    return float(total * _tilt(curves, row))


@compiled
def _tilt(curves: Curves, row: int) -> float:
    return float(1.0 + TIE * (curves.tie[row] - 0.5))


@compiled
def _used(curves: Curves, priced: Priced, row: int, kind: int, option: int) -> int:
    limit = curves.member[row, kind]
    used = curves.weight[row, RESOURCE[kind]] * curves.quantity[option] / priced.unit[limit]
    return int(np.rint(min(used, 4.0 * UNITS)))
