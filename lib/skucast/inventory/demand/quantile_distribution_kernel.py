"""A law of demand that is known by quantiles: straight between its levels, exponential beyond the outer one.

Where all quantiles are whole, the item is counted in whole units, and so is its demand: it is the straight law rounded
half up, D = ⌈X − ½⌉. Then P(D ≤ k) = P(X ≤ k + ½), which lies in the middle of what the levels leave open: each level p
with quantile q says that P(D ≤ q) ≥ p > P(D ≤ q − 1). At a published level the quantile is the published one.

Beyond the outer level p the tail is P(X > x) = (1 − p)·exp(−(x − q)/θ). The scale θ joins the outer quantile to the
next lower one whose tail is at least ``TAIL_STEP`` times as likely. So falls the tail of geometric, negative binomial
and gamma demand, and that of lighter laws near the outer level (the law of excesses with shape 0: Pickands 1975).
Below the lowest level the law is flat.
"""

from __future__ import annotations

import math

import numpy as np

from skucast.numerics.arrays import FloatArray
from skucast.numerics.compiled import compiled

MOST_TOLD = 100.0
"""Largest outer quantile up to which a whole law is told unit by unit; above it the straight law is as good."""
TAIL_STEP = 4.0
"""How many times as likely the tail is at the level that the outer one is joined to, at least."""
_NOISE = 1e-9


@compiled
def is_whole(values: FloatArray) -> bool:
    """All of them are whole numbers."""
    for value in values.flat:  # noqa: SIM110 - compiled
        if abs(value - np.rint(value)) > _NOISE:
            return False
    return True


@compiled
def tail_scale(levels: FloatArray, quantiles: FloatArray) -> float:
    """The mean excess θ beyond the outer quantile, units; 0: nothing lies beyond.

    Several levels with one quantile count at the middle of the logarithms of their tails.
    """
    last = levels.size - 1
    top = last
    while top > 0 and quantiles[top - 1] == quantiles[last]:
        top -= 1
    if top == 0:
        return 0.0
    outer, high = math.sqrt((1.0 - levels[top]) * (1.0 - levels[last])), top - 1
    while high > 0 and 1.0 - levels[high] < TAIL_STEP * (1.0 - levels[last]) - 1e-12:
        high -= 1
    low = high
    while low > 0 and quantiles[low - 1] == quantiles[high]:
        low -= 1
    while high < top - 1 and quantiles[high + 1] == quantiles[low]:
        high += 1
    inner = math.sqrt((1.0 - levels[low]) * (1.0 - levels[high]))
    return float((quantiles[last] - quantiles[low]) / math.log(inner / outer))


@compiled
def rounded(x: float) -> float:
    """The straight law's value as one of whole units: half up, a half itself down."""
    return float(math.ceil(x - 0.5 - _NOISE))


@compiled
def quantile_at(p: float, levels: FloatArray, quantiles: FloatArray, tail: float, whole: bool) -> float:  # noqa: FBT001
    """The quantile at a probability below 1, units."""
    last = levels.size - 1
    if p <= levels[0]:
        x = quantiles[0]
    elif p >= levels[last]:
        x = quantiles[last] + tail * math.log((1.0 - levels[last]) / (1.0 - p)) if tail > 0.0 else quantiles[last]
    else:
        i = np.searchsorted(levels, p) - 1
        x = quantiles[i] + (quantiles[i + 1] - quantiles[i]) * (p - levels[i]) / (levels[i + 1] - levels[i])
    return rounded(x) if whole else float(x)


@compiled
def share_up_to(x: float, levels: FloatArray, quantiles: FloatArray, tail: float, count_equal: int) -> float:
    """P(X ≤ x) of the straight law, or P(X < x) where equal values do not count."""
    last, equal = levels.size - 1, count_equal == 1
    if x < quantiles[0] or (not equal and x == quantiles[0]):
        return 0.0
    if x > quantiles[last] or (equal and x == quantiles[last]):
        if tail > 0.0:
            return float(1.0 - (1.0 - levels[last]) * math.exp((quantiles[last] - x) / tail))
        return 1.0
    i = (np.searchsorted(quantiles, x, side="right") if equal else np.searchsorted(quantiles, x)) - 1
    within = (x - quantiles[i]) / (quantiles[i + 1] - quantiles[i])
    return float(levels[i] + (levels[i + 1] - levels[i]) * within)


@compiled
def mean_above(p: float, levels: FloatArray, quantiles: FloatArray, tail: float) -> float:
    """Mean of the straight law where it exceeds its quantile at p, units."""
    last, low = levels.size - 1, p
    total = 0.0
    for i in range(last):
        if levels[i + 1] > low:
            a, b = max(levels[i], low), levels[i + 1]
            middle = quantiles[i] + (quantiles[i + 1] - quantiles[i]) * ((a + b) / 2 - levels[i]) / (b - levels[i])
            total += (b - a) * middle
    beyond = min(1.0 - levels[last], 1.0 - low)
    excess = tail * (1.0 + math.log((1.0 - levels[last]) / beyond)) if tail > 0.0 else 0.0
    return float((total + max(levels[0] - low, 0.0) * quantiles[0] + beyond * (quantiles[last] + excess)) / (1.0 - p))


@compiled
def shortage(stock: float, levels: FloatArray, quantiles: FloatArray) -> float:
    """E(D − stock)⁺, units.

    At whole stocks the whole law has the shortage of the straight one, but for the tail: the trapezoid of whole steps.
    """
    tail, whole = tail_scale(levels, quantiles), is_whole(quantiles)
    low = math.floor(stock)
    if not whole or stock == low:
        return straight_shortage(stock, levels, quantiles, tail, whole)
    below = straight_shortage(low, levels, quantiles, tail, whole)
    return below + (stock - low) * (straight_shortage(low + 1.0, levels, quantiles, tail, whole) - below)


@compiled
def straight_shortage(
    stock: float,
    levels: FloatArray,
    quantiles: FloatArray,
    tail: float,
    whole: bool,  # noqa: FBT001
) -> float:
    """The same at one stock, a whole one where demand is whole."""
    last, total = levels.size - 1, levels[0] * max(quantiles[0] - stock, 0.0)
    for i in range(1, levels.size):
        left, right = quantiles[i - 1] - stock, quantiles[i] - stock
        if left >= 0.0:
            total += (levels[i] - levels[i - 1]) * 0.5 * (left + right)
        elif right > 0.0:
            total += (levels[i] - levels[i - 1]) * right * right / (2.0 * (right - left))
    above = max(quantiles[last] - stock, 0.0)
    if tail > 0.0:
        excess = 1.0 / (2.0 * math.sinh(min(0.5 / tail, 300.0))) if whole else tail
        above += excess * math.exp(min(quantiles[last] - stock, 0.0) / tail)
    return float(total + (1.0 - levels[last]) * above)


@compiled
def whole_shares(levels: FloatArray, quantiles: FloatArray, tail: float) -> FloatArray:
    """P(D ≤ k) for k = 0, 1, … of a whole law, until less than a millionth is left.

    Between the levels it follows the law of the same mean and variance as the rounded straight law.
    """
    shares = rounded_shares(levels, quantiles, tail)
    mean, variance = whole_moments(shares)
    if mean > 0.0 and variance > 0.0:
        follow_between_levels(levels, quantiles, count_shares(mean, variance, shares.size), shares)
    return shares


@compiled
def rounded_shares(levels: FloatArray, quantiles: FloatArray, tail: float) -> FloatArray:
    """P(D ≤ k) = P(X ≤ k + ½) of the straight law."""
    last, i = quantiles.size - 1, 0
    further = math.ceil(tail * math.log((1.0 - levels[last]) * 1e6)) if tail > 0.0 and levels[last] < 1.0 - 1e-6 else 0
    shares = np.zeros(int(quantiles[last]) + max(further, 0) + 1)
    fall = math.exp(-1.0 / tail) if tail > 0.0 else 0.0
    rest = (1.0 - levels[last]) * math.sqrt(fall)
    for k in range(int(quantiles[0]), shares.size):
        while i < last and quantiles[i + 1] <= k + 0.5:
            i += 1
        if i < last:
            within = (k + 0.5 - quantiles[i]) / (quantiles[i + 1] - quantiles[i])
            shares[k] = levels[i] + within * (levels[i + 1] - levels[i])
        else:
            shares[k], rest = 1.0 - rest, rest * fall
    return shares


@compiled
def sum_shares(
    levels: FloatArray, quantiles: FloatArray, tail: float, before: FloatArray, step: FloatArray
) -> FloatArray:
    """The same of a sum; between its levels it follows the sum of what came before and an independent step."""
    shares = rounded_shares(levels, quantiles, tail)
    together, step_points = np.zeros(shares.size), np.empty(step.size)
    for j in range(step.size):
        step_points[j] = step[j] - (step[j - 1] if j > 0 else 0.0)
    for k in range(shares.size):
        for j in range(max(0, k - before.size + 1), min(k + 1, step.size)):
            together[k] += step_points[j] * before[k - j]
        for j in range(max(0, k - before.size + 1)):
            together[k] += step_points[j] if j < step.size else 0.0
    follow_between_levels(levels, quantiles, together, shares)
    return shares


@compiled
def count_shares(mean: float, variance: float, size: int) -> FloatArray:
    """P(D ≤ k) of the (a, b, 0) law of that mean and variance: p(k) = p(k − 1)·(a + b/k).

    It is binomial, Poisson or negative binomial (Panjer 1981).
    """
    shares, a = np.empty(size), 1.0 - mean / variance
    b = mean * (1.0 - a) - a
    p = math.exp(-b) if abs(a) < 1e-6 else (1.0 - a) ** ((a + b) / a)
    shares[0] = p
    for k in range(1, size):
        p = max(p * (a + b / k), 0.0)
        shares[k] = shares[k - 1] + p
    return shares


@compiled
def whole_moments(shares: FloatArray) -> tuple[float, float]:
    """Mean and variance of a whole law."""
    mean, second = 0.0, 0.0
    for k in range(shares.size):
        mean += 1.0 - shares[k]
        second += (2 * k + 1) * (1.0 - shares[k])
    return mean, second - mean * mean


@compiled
def follow_between_levels(levels: FloatArray, quantiles: FloatArray, other: FloatArray, shares: FloatArray) -> None:
    """Replace the shares of a law by those of another, within what the levels allow; the tail keeps its fall."""
    i, outer, first = -1, quantiles[quantiles.size - 1], 1.0
    for k in range(shares.size):
        while i < levels.size - 1 and quantiles[i + 1] <= k:
            i += 1
        least = levels[i] if i >= 0 else 0.0
        most = levels[i + 1] - 1e-9 if i < levels.size - 1 else 1.0
        if k <= outer:
            before, shares[k] = shares[k], min(max(other[k], least), most)
            first = (1.0 - shares[k]) / (1.0 - before) if before < 1.0 else 1.0
        else:
            shares[k] = 1.0 - (1.0 - shares[k]) * first


@compiled
def whole_mean_above(p: float, shares: FloatArray) -> float:
    """Mean of the highest share 1 − p of a whole law."""
    total, below = 0.0, 0.0
    for k in range(shares.size):
        total += k * max(shares[k] - max(below, p), 0.0)
        below = shares[k]
    return (total + (shares.size - 1) * (1.0 - max(below, p))) / (1.0 - p)
