"""Loops over items whose demand is known by quantiles; lists follow each other, ``starts`` says where each begins."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.inventory.arrays import FloatArray, IntArray


@compiled
def shortage(stock: float, levels: FloatArray, quantiles: FloatArray) -> float:
    """E(D − stock)⁺ where quantiles run straight between levels, and on flat beyond the outer ones."""
    last = levels.size - 1
    total = levels[0] * max(quantiles[0] - stock, 0.0) + (1.0 - levels[last]) * max(quantiles[last] - stock, 0.0)
    for i in range(1, levels.size):
        left, right = quantiles[i - 1] - stock, quantiles[i] - stock
        if left >= 0.0:
            total += (levels[i] - levels[i - 1]) * 0.5 * (left + right)
        elif right > 0.0:
            total += (levels[i] - levels[i - 1]) * right * right / (2.0 * (right - left))
    return float(total)


@compiled
def fill_shortages(
    stocks: FloatArray,
    stock_starts: IntArray,
    levels: FloatArray,
    level_starts: IntArray,
    quantiles: FloatArray,
    starts: IntArray,
    short: FloatArray,
) -> None:
    """``shortage`` of every stock of every item; items without levels or quantiles keep what is there."""
    for i in range(starts.size - 1):
        p, q = levels[level_starts[i] : level_starts[i + 1]], quantiles[starts[i] : starts[i + 1]]
        if p.size > 0 and q.size > 0:
            for j in range(stock_starts[i], stock_starts[i + 1]):
                short[j] = shortage(stocks[j], p, q)


@compiled
def line_at(x: float, xs: FloatArray, ys: FloatArray) -> float:
    """The y at x: the last of the segments that begin below x gives it, the ends hold."""
    y = ys[0] if not np.isnan(x) else np.nan
    for i in range(1, xs.size):
        if xs[i - 1] < x:
            width = xs[i] - xs[i - 1]
            part = (min(x, xs[i]) - xs[i - 1]) / width if width != 0.0 else 1.0
            y = ys[i - 1] + (ys[i] - ys[i - 1]) * part
    return float(y)


@compiled
def fill_lines(
    x: FloatArray,
    x_starts: IntArray,
    xs: FloatArray,
    xs_starts: IntArray,
    ys: FloatArray,
    ys_starts: IntArray,
    found: FloatArray,
) -> None:
    """``line_at`` of every x of every item; items without points keep what is there."""
    for i in range(x_starts.size - 1):
        a, b = xs[xs_starts[i] : xs_starts[i + 1]], ys[ys_starts[i] : ys_starts[i + 1]]
        if a.size > 0 and b.size > 0:
            for j in range(x_starts[i], x_starts[i + 1]):
                found[j] = line_at(x[j], a, b)
