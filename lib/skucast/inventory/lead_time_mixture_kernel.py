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
def chosen_sums(periods: FloatArray, further: int, n_sums: int, weight: FloatArray, place: IntArray) -> int:
    """Probability and place of every sum that is possible, zero periods left out; how many there are."""
    count = 0
    for n in range(periods.size):
        if periods[n] > 0.0 and n + further > 0:
            weight[count], place[count] = periods[n], min(n + further, n_sums) - 1
            count += 1
    return count


@compiled
def set_moments(weight: FloatArray, mean: FloatArray, sd: FloatArray, moments: FloatArray) -> None:
    """Mean, standard deviation, and the one within the laws, of a mixture; what weights leave of 1 is no demand."""
    total = (weight * mean).sum()
    within = (weight * sd**2).sum()
    rest = max(0.0, 1.0 - weight.sum())
    moments[0] = total
    moments[1] = np.sqrt(within + (weight * (mean - total) ** 2).sum() + rest * total**2)
    moments[2] = np.sqrt(within)


@compiled
def fill_demand_over(
    periods: FloatArray, period_starts: IntArray, further: IntArray, levels: FloatArray, level_starts: IntArray,
    means: FloatArray, sum_starts: IntArray, sds: FloatArray, quantiles: FloatArray, mixed: FloatArray,
    moments: FloatArray,
) -> None:  # fmt: skip
    """Every item's mixture over the periods that are possible; items without any keep what is there."""
    begin = 0
    for i in range(further.size):
        of_item, law = levels[level_starts[i] : level_starts[i + 1]], periods[period_starts[i] : period_starts[i + 1]]
        first, n_sums, k = sum_starts[i], sum_starts[i + 1] - sum_starts[i], of_item.size
        weight, place = np.empty(law.size), np.empty(law.size, dtype=np.int64)
        count = chosen_sums(law, further[i], n_sums, weight, place) if n_sums * k > 0 else 0
        if count > 0:
            parts, which = np.empty(count * k), first + place[:count]
            for j in range(count):
                parts[j * k : (j + 1) * k] = quantiles[begin + place[j] * k : begin + (place[j] + 1) * k]
            invert_mixture(of_item, weight[:count], parts, mixed[level_starts[i] : level_starts[i + 1]])
            set_moments(weight[:count], means[which], sds[which], moments[:, i])
        begin += n_sums * k
