"""Compiled loop over the items whose demand over a random lead time is mixed."""

from __future__ import annotations

import numpy as np

from skucast.inventory.demand.quantile_distribution_kernel import is_whole, share_up_to, tail_scale
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled

_NOISE = 1e-12
_HALVINGS = 40


@compiled
def mixed_share(
    x: float, levels: FloatArray, weights: FloatArray, quantiles: FloatArray, tails: FloatArray, count_equal: int
) -> float:
    """P(demand ≤ x) of a mixture, or P(demand < x); what its weights leave of 1 is no demand at all."""
    n = levels.size
    rest = max(0.0, 1.0 - weights.sum())
    total = rest if x > 0 or (count_equal == 1 and x == 0) else 0.0
    for k in range(weights.size):
        total += weights[k] * share_up_to(x, levels, quantiles[k * n : (k + 1) * n], tails[k], count_equal)
    return total


@compiled
def invert_mixture(levels: FloatArray, weights: FloatArray, quantiles: FloatArray, mixed: FloatArray) -> None:
    """Quantiles of one mixture at its levels, whole ones where those of all its laws are whole."""
    n = levels.size
    if weights.size == 1 and weights[0] >= 1.0 - 1e-9:
        mixed[:] = quantiles
        return
    tails = np.empty(weights.size)
    for k in range(weights.size):
        tails[k] = tail_scale(levels, quantiles[k * n : (k + 1) * n])
    if is_whole(quantiles):
        invert_whole(levels, weights, quantiles, tails, mixed)
    else:
        invert_straight(levels, weights, quantiles, tails, mixed)


@compiled
def invert_whole(
    levels: FloatArray, weights: FloatArray, quantiles: FloatArray, tails: FloatArray, mixed: FloatArray
) -> None:
    """The least whole number that is not exceeded with each probability, by halving."""
    low = min(quantiles.min(), 0.0) if weights.size > 0 else 0.0
    for j in range(levels.size):
        target, step = min(levels[j], 1.0) - _NOISE, 1.0
        if mixed_share(low + 0.5, levels, weights, quantiles, tails, 1) < target:
            while mixed_share(low + step + 0.5, levels, weights, quantiles, tails, 1) < target:
                low, step = low + step, 2.0 * step
            high = low + step
            while high - low > 1.0:
                middle = np.floor(0.5 * (low + high))
                if mixed_share(middle + 0.5, levels, weights, quantiles, tails, 1) < target:
                    low = middle
                else:
                    high = middle
            low = high
        mixed[j] = low


@compiled
def invert_straight(
    levels: FloatArray, weights: FloatArray, quantiles: FloatArray, tails: FloatArray, mixed: FloatArray
) -> None:
    """The same of laws that run straight: between neighbouring quantiles by halving, but for a jump at one of them."""
    knots = np.sort(np.append(quantiles, 0.0)) if weights.sum() < 1.0 - 1e-9 else np.sort(quantiles)
    i = 0
    for j in range(levels.size):
        target = min(levels[j], 1.0) - _NOISE
        while i < knots.size and mixed_share(knots[i], levels, weights, quantiles, tails, 1) < target:
            i += 1
        low = knots[max(i - 1, 0)]
        if i < knots.size:
            high = knots[i]
            if mixed_share(high, levels, weights, quantiles, tails, 0) <= levels[j]:
                mixed[j] = high
                continue
        else:
            step = max(tails.max(), 1e-9)
            while mixed_share(low + step, levels, weights, quantiles, tails, 1) < target:
                low, step = low + step, 2.0 * step
            high = low + step
        mixed[j] = halved(target, low, high, levels, weights, quantiles, tails)


@compiled
def halved(
    target: float, low: float, high: float, levels: FloatArray, weights: FloatArray, quantiles: FloatArray,
    tails: FloatArray,
) -> float:  # fmt: skip
    """The value between two at which a share of ``target`` is passed."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if mixed_share(middle, levels, weights, quantiles, tails, 1) < target:
            low = middle
        else:
            high = middle
    return high


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
