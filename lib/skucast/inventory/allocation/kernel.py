"""What all rows order at given prices of what is scarce, and sums of that: one row after the other, compiled."""

from __future__ import annotations

import numpy as np

from skucast.inventory.allocation.row_choice_kernel import (
    IS_SUPPLIER,
    RESOURCE,
    OrderOptions,
    ShadowPrices,
    choice,
    is_among,
    tilt,
    unit_price,
    units_used,
    vertices,
    walk,
)
from skucast.numerics.arrays import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

GAIN_UNITS = 2.0**20
"""Smallest units in one unit of money gained."""

MOST = 2**52
"""Highest sum that is told apart: far above any limit."""


@compiled
def choices(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """Place of the option that each row takes, shape (n,)."""
    found = np.zeros(curves.wanted.size, dtype=np.int64)
    for row in range(found.size):
        found[row] = choice(curves, priced, row)
    return found


@compiled
def survey(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """See ``row_sums.survey``."""
    found = np.zeros((2, priced.price.size), dtype=np.int64)
    for row in range(curves.wanted.size):
        option = curves.start[row] + choice(curves, priced, row)
        outside = 0.0
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0 and not IS_SUPPLIER[kind]:
                outside += priced.price[limit] * curves.weight[row, RESOURCE[kind]]
        net = curves.gain[option] - outside * curves.quantity[option]
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0:
                found[0, limit] += units_used(curves, priced, row, kind, option)
                found[1, limit] += np.int64(np.rint(net * GAIN_UNITS))
    return np.minimum(found, MOST)


@compiled
def trials(curves: OrderOptions, priced: ShadowPrices, kind: int, first: int, tried: FloatArray) -> IntArray:
    """See ``row_sums.trials``."""
    found = np.zeros(tried.shape, dtype=np.int64)
    for row in range(curves.wanted.size):
        limit = curves.member[row, kind]
        if limit < 0 or is_among(curves, row, priced.is_closed):
            continue
        if is_among(curves, row, priced.is_held):
            found[limit - first] += units_used(
                curves, priced, row, kind, curves.start[row] + choice(curves, priced, row)
            )
            continue
        other = unit_price(curves, priced.price, row, kind)
        own = curves.weight[row, RESOURCE[kind]] * tilt(curves, row)
        place, slope = vertices(curves, row)
        vertex = 0
        for each in range(tried.shape[1] - 1, -1, -1):
            price = other + own * tried[limit - first, each]
            vertex = walk(slope, vertex, price)
            option = curves.start[row] + (curves.wanted[row] if price == 0.0 else place[vertex])
            found[limit - first, each] += units_used(curves, priced, row, kind, option)
    return np.minimum(found, MOST)


@compiled
def extents(curves: OrderOptions, priced: ShadowPrices, kind: int, first: int, n_limits: int) -> FloatArray:
    """See ``row_sums.extents``."""
    found = np.zeros((2, n_limits))
    for row in range(curves.wanted.size):
        limit, own = curves.member[row, kind], curves.weight[row, RESOURCE[kind]] * tilt(curves, row)
        if limit < 0 or own <= 0.0 or is_among(curves, row, priced.is_closed) or is_among(curves, row, priced.is_held):
            continue
        other = unit_price(curves, priced.price, row, kind)
        _, slope = vertices(curves, row)
        if slope.size > 1:
            found[0, limit - first] = max(found[0, limit - first], (slope[1] - other) / own)
            found[1, limit - first] = max(found[1, limit - first], (other - slope[-1]) / own)
    return found


@compiled
def pressure(curves: OrderOptions, priced: ShadowPrices, is_over: BoolArray) -> IntArray:
    """See ``row_sums.pressure``."""
    found = np.zeros(priced.price.size, dtype=np.int64)
    for row in range(curves.wanted.size):
        option = curves.start[row] + choice(curves, priced, row)
        for kind in range(RESOURCE.size):
            limit = curves.member[row, kind]
            if limit >= 0 and is_over[limit]:
                for own in curves.member[row, 1:3]:
                    if own >= 0:
                        found[own] += units_used(curves, priced, row, kind, option)
    return np.minimum(found, MOST)


@compiled
def surplus(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """See ``row_sums.surplus``."""
    found = np.zeros(priced.price.size + 1, dtype=np.int64)
    for row in range(curves.wanted.size):
        place = max(curves.member[row, 1], curves.member[row, 2])
        price = unit_price(curves, priced.price, row, -1) / tilt(curves, row)
        best = -np.inf
        for option in range(curves.start[row], curves.start[row + 1]):
            best = max(best, curves.gain[option] - price * curves.quantity[option])
        found[place if place >= 0 else found.size - 1] += np.int64(np.rint(best * GAIN_UNITS))
    return found


@compiled
def gains(curves: OrderOptions, priced: ShadowPrices) -> IntArray:
    """See ``row_sums.gains``."""
    found = np.zeros(1, dtype=np.int64)
    for row in range(curves.wanted.size):
        found[0] += np.int64(np.rint(curves.gain[curves.start[row] + choice(curves, priced, row)] * GAIN_UNITS))
    return found


@compiled
def regrets(curves: OrderOptions, priced: ShadowPrices) -> FloatArray:
    """Money lost at the prices when a row takes its second best option, shape (n,); infinite where it cannot."""
    found = np.full(curves.wanted.size, np.inf)
    for row in range(found.size):
        if is_among(curves, row, priced.is_closed):
            continue
        begin, end = curves.start[row], curves.start[row + 1]
        price = unit_price(curves, priced.price, row, -1)
        own = begin + choice(curves, priced, row)
        for option in range(begin, end):
            if option != own:
                change = (curves.gain[own] - curves.gain[option]) - price * (
                    curves.quantity[own] - curves.quantity[option]
                )
                found[row] = min(found[row], change)
    return found
