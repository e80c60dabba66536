"""Compiled loop over the items whose demand over a random lead time is mixed."""

from __future__ import annotations

import numpy as np

from skucast.compiled import compiled
from skucast.inventory.arrays import FloatArray, IntArray


@compiled
def share_up_to(x: float, levels: FloatArray, quantiles: FloatArray, count_equal: int) -> float:
    """P(demand ≤ x), or P(demand < x) where equal ones do not count.

    The law is straight between its quantiles and flat outside them.
    """
    last, equal = levels.size - 1, count_equal == 1
    if x > quantiles[last] or (equal and x == quantiles[last]):
        return 1.0
    if x < quantiles[0] or (not equal and x == quantiles[0]):
        return 0.0
    i = 0
    while quantiles[i + 1] < x or (equal and quantiles[i + 1] == x):
        i += 1
    within = (x - quantiles[i]) / (quantiles[i + 1] - quantiles[i])
    return float(levels[i] + (levels[i + 1] - levels[i]) * within)


@compiled
def mixed_share(x: float, levels: FloatArray, weights: FloatArray, quantiles: FloatArray, count_equal: int) -> float:
    """The same of a mixture; what its weights leave of 1 is no demand at all."""
    n = levels.size
    rest = max(0.0, 1.0 - weights.sum())
    total = rest if x > 0 or (count_equal == 1 and x == 0) else 0.0
    for k in range(weights.size):
        total += weights[k] * share_up_to(x, levels, quantiles[k * n : (k + 1) * n], count_equal)
    return total


@compiled
def invert_mixture(levels: FloatArray, weights: FloatArray, quantiles: FloatArray, mixed: FloatArray) -> None:
    """Quantiles of one mixture at its levels: between neighbouring values its distribution function is straight."""
    knots = np.sort(np.append(quantiles, 0.0)) if weights.sum() < 1.0 - 1e-9 else np.sort(quantiles)
    before, up_to, i = knots[0], 0.0, 0
    for j in range(levels.size):
        target = min(levels[j], 1.0) - 1e-12
        while i < knots.size and mixed_share(knots[i], levels, weights, quantiles, 1) < target:
            before, up_to = knots[i], mixed_share(knots[i], levels, weights, quantiles, 1)
            i += 1
        at = min(i, knots.size - 1)
        below = mixed_share(knots[at], levels, weights, quantiles, 0)
        if below <= levels[j]:
            mixed[j] = knots[at]
        else:
            mixed[j] = before + (knots[at] - before) * (levels[j] - up_to) / (below - up_to)


@compiled
def invert_mixtures(
    levels: FloatArray, starts: IntArray, weights: FloatArray, first: IntArray, quantiles: FloatArray, mixed: FloatArray
) -> None:
    """Every item's mixture: levels from ``starts[i]``, weights from ``first[i]``, each with its quantiles."""
    begin = 0
    for i in range(starts.size - 1):
        of_item, parts = levels[starts[i] : starts[i + 1]], weights[first[i] : first[i + 1]]
        end = begin + of_item.size * parts.size
        invert_mixture(of_item, parts, quantiles[begin:end], mixed[starts[i] : starts[i + 1]])
        begin = end
