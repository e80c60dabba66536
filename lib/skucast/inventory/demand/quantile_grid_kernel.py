"""Loops over items whose demand is known by quantiles; lists follow each other, ``starts`` says where each begins."""

from __future__ import annotations

import numpy as np

from skucast.inventory.demand.quantile_distribution_kernel import (
    is_whole,
    quantile_at,
    share_up_to,
    shortage,
    tail_scale,
)
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled

_FARTHEST = 1000.0
"""Tails are followed so many mean excesses far."""


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
def fill_quantiles(
    probabilities: FloatArray,
    levels: FloatArray,
    level_starts: IntArray,
    quantiles: FloatArray,
    starts: IntArray,
    found: FloatArray,
) -> None:
    """``quantile_at`` of every item's probability; items without levels or quantiles keep what is there."""
    for i in range(starts.size - 1):
        p, q = levels[level_starts[i] : level_starts[i + 1]], quantiles[starts[i] : starts[i + 1]]
        if p.size > 0 and q.size > 0 and not np.isnan(probabilities[i]):
            found[i] = quantile_at(probabilities[i], p, q, tail_scale(p, q), is_whole(q))


@compiled
def fill_rate_at(stock: float, levels: FloatArray, quantiles: FloatArray, before: FloatArray, demand: float) -> float:
    """1 less what is short of the demand of a cycle; what was short before it, if anything was, is not its doing."""
    short = shortage(stock, levels, quantiles) - (shortage(stock, levels, before) if before.size > 0 else 0.0)
    return min(max(1.0 - short / demand, 0.0), 1.0)


@compiled
def stock_for_fill_rate(
    wanted: float, levels: FloatArray, quantiles: FloatArray, before: FloatArray, demand: float
) -> float:
    """The least stock with that fill rate, by halving; a whole one where all quantiles are whole."""
    whole, tail = is_whole(quantiles), tail_scale(levels, quantiles)
    low, high = quantiles[0] - 1.0, quantiles[quantiles.size - 1] + 1.0
    while tail > 0.0 and fill_rate_at(high, levels, quantiles, before, demand) < wanted and high < _FARTHEST * tail:
        low, high = high, 2.0 * high + 1.0
    while high - low > (1.0 if whole else 1e-12 * max(abs(high), 1.0)):
        middle = np.floor(0.5 * (low + high)) if whole else 0.5 * (low + high)
        if fill_rate_at(middle, levels, quantiles, before, demand) < wanted:
            low = middle
        else:
            high = middle
    return float(max(high, quantiles[0]))


@compiled
def fill_stocks(
    wanted: FloatArray,
    levels: FloatArray,
    level_starts: IntArray,
    quantiles: FloatArray,
    starts: IntArray,
    before: FloatArray,
    before_starts: IntArray,
    demand: FloatArray,
    found: FloatArray,
) -> None:
    """Stock for every item's fill rate, and the probability that it is not exceeded, into ``found`` (2, items)."""
    for i in range(starts.size - 1):
        p, q = levels[level_starts[i] : level_starts[i + 1]], quantiles[starts[i] : starts[i + 1]]
        if p.size > 0 and q.size > 0 and not np.isnan(wanted[i]) and demand[i] > 0.0:
            of_before = before[before_starts[i] : before_starts[i + 1]]
            found[0, i] = stock_for_fill_rate(wanted[i], p, q, of_before, demand[i])
            half = 0.5 if is_whole(q) else 0.0
            found[1, i] = share_up_to(found[0, i] + half, p, q, tail_scale(p, q), 1)


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
