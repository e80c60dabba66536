"""Compiled loop over the items and suppliers whose deliveries make a law."""

from __future__ import annotations

import numpy as np

from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled


@compiled
def product_limit(days: FloatArray, arrived: FloatArray, still_open: FloatArray, shares: FloatArray) -> None:
    """Kaplan–Meier shares of one law: what is open counts among the awaited of earlier days only."""
    order = np.argsort(days)
    awaited, rest, i = arrived.sum() + still_open.sum(), 1.0, 0
    while i < order.size:
        end, came, left = i, 0.0, 0.0
        while end < order.size and days[order[end]] == days[order[i]]:
            came += arrived[order[end]]
            left += still_open[order[end]]
            end += 1
        awaited -= left
        share = rest * min(1.0, came / awaited) if came > 0 else 0.0
        for j in range(i, end):
            shares[order[j]] = share * arrived[order[j]] / came if came > 0 else 0.0
        rest -= share
        awaited -= came
        i = end
    if order.size > 0:
        shares[order[-1]] += rest


@compiled
def product_limits(
    days: FloatArray, arrived: FloatArray, still_open: FloatArray, offsets: IntArray, shares: FloatArray
) -> None:
    """Every law: what was seen for it lies from ``offsets[i]`` on."""
    for i in range(offsets.size - 1):
        of = slice(offsets[i], offsets[i + 1])
        product_limit(days[of], arrived[of], still_open[of], shares[of])
