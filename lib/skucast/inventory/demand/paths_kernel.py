"""Loops over the steps of demand paths, one item after the other."""

from __future__ import annotations

import math

import numpy as np

from skucast.inventory.demand.quantile_distribution_kernel import (
    MOST_TOLD,
    is_whole,
    mean_above,
    quantile_at,
    rounded,
    sum_shares,
    tail_scale,
    whole_mean_above,
    whole_moments,
    whole_shares,
)
from skucast.numerics.arrays import FloatArray, IntArray
from skucast.numerics.compiled import compiled
from skucast.numerics.random import turn

_STRONGEST = 0.98
"""Rank correlation beyond which a path would hardly depend on the new step's own chance."""
_UNTOLD = 0.03
"""Share of the variance of a sum that its quantiles do not tell: so little more or less is no correlation."""
_SORTING_STEPS = 4
"""Steps in which guesses are sorted, per path."""


@compiled
def spread(values: FloatArray) -> float:
    """Standard deviation of equally likely values."""
    return float(math.sqrt(max(((values - values.mean()) ** 2).mean(), 0.0)))


@compiled
def stratified(levels: FloatArray, quantiles: FloatArray, whole: bool, into: FloatArray) -> float:  # noqa: FBT001
    """Quantiles at the middles of equal shares of probability, rising; the highest share by its mean.

    Returns:
        Their standard deviation.
    """
    n, last, i = into.size, levels.size - 1, 0
    tail = tail_scale(levels, quantiles)
    for j in range(n):
        p = (j + 0.5) / n
        while i < last and levels[i + 1] < p:
            i += 1
        if p <= levels[0] or i >= last:
            into[j] = quantile_at(p, levels, quantiles, tail, False)
        else:
            share = (p - levels[i]) / (levels[i + 1] - levels[i])
            into[j] = quantiles[i] + share * (quantiles[i + 1] - quantiles[i])
    into[n - 1] = mean_above(1.0 - 1.0 / n, levels, quantiles, tail)
    if whole:
        for j in range(n):
            into[j] = rounded(into[j])
    return spread(into)


@compiled
def stratified_shares(shares: FloatArray, into: FloatArray) -> float:
    """The same of a law that is told unit by unit."""
    n, k = into.size, 0
    for j in range(n - 1):
        while k < shares.size - 1 and shares[k] < (j + 0.5) / n - 1e-12:
            k += 1
        into[j] = k
    into[n - 1] = max(float(k), np.rint(whole_mean_above(1.0 - 1.0 / n, shares)))
    _, variance = whole_moments(shares)
    return math.sqrt(max(variance, 0.0))


@compiled
def correlation(before: float, step: float, together: float) -> float:
    """Correlation of a step with the sum before it that gives the sum with it its spread."""
    if before <= 0.0 or step <= 0.0:
        return 0.0
    more = together * together - before * before - step * step
    if abs(more) < _UNTOLD * together * together:
        return 0.0
    wanted = more / (2.0 * before * step)
    return float(min(max(wanted, -_STRONGEST), _STRONGEST))


@compiled
def sort_by_guess(guess: FloatArray, sequence: IntArray, ends: IntArray, into: IntArray) -> None:
    """Paths by their guesses, in steps of 1 / ``ends.size`` of their range; equal ones stay in the given sequence."""
    low, n_steps = guess.min(), ends.size
    width = guess.max() - low
    scale = (n_steps - 1) / width if width > 0.0 else 0.0
    ends[:] = 0
    for j in sequence:
        ends[int((guess[j] - low) * scale + 1e-6)] += 1
    for k in range(1, n_steps):
        ends[k] += ends[k - 1]
    for i in range(sequence.size - 1, -1, -1):
        k = int((guess[sequence[i]] - low) * scale + 1e-6)
        ends[k] -= 1
        into[ends[k]] = sequence[i]


@compiled
def match(total: FloatArray, by_guess: IntArray, targets: FloatArray, waiting: IntArray, order: IntArray) -> None:
    """Which path gets which sum: each target in turn the least guess among the paths that have not passed it yet.

    ``order`` gets the paths in the order of the targets. Paths that have passed a target wait for a higher one.
    """
    entered, n_waiting = 0, 0
    for rank in range(targets.size):
        place = 0
        while place < n_waiting and total[waiting[place]] > targets[rank]:
            place += 1
        while place == n_waiting and entered < by_guess.size:
            waiting[n_waiting] = by_guess[entered]
            entered, n_waiting = entered + 1, n_waiting + 1
            if total[waiting[place]] > targets[rank]:
                place += 1
        place = min(place, n_waiting - 1)
        order[rank] = waiting[place]
        n_waiting -= 1
        waiting[place:n_waiting] = waiting[place + 1 : n_waiting + 1]


@compiled
def fill_paths(
    levels: FloatArray,
    steps: FloatArray,
    sums: FloatArray,
    scores: FloatArray,
    pairings: IntArray,
    seed: int,
    demand: FloatArray,
) -> None:
    """Paths of one item into ``demand`` (steps, paths)."""
    n, before, whole = scores.size, 0.0, is_whole(sums) and is_whole(steps)
    total, guess, drawn, targets = np.zeros(n), np.empty(n), np.empty(n), np.empty(n)
    order, sequence, by_guess, waiting = (
        np.arange(n),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )
    ends = np.empty(_SORTING_STEPS * n, np.int64)
    rising, step_law, sum_law = np.arange(n), np.empty(0), np.empty(0)
    is_told = whole and sums.min() >= 0.0 and max(sums.max(), steps.max()) <= MOST_TOLD
    for h in range(steps.shape[0]):
        if is_told:
            step_law = whole_shares(levels, steps[h], tail_scale(levels, steps[h]))
            tail = tail_scale(levels, sums[h])
            sum_law = (
                sum_shares(levels, sums[h], tail, sum_law, step_law) if h > 0 else whole_shares(levels, sums[h], tail)
            )
        together = stratified_shares(sum_law, targets) if is_told else stratified(levels, sums[h], whole, targets)
        if h > 0:
            alone = stratified_shares(step_law, drawn) if is_told else stratified(levels, steps[h], whole, drawn)
            tie = correlation(before, alone, together)
            own, start, row = math.sqrt(1.0 - tie * tie), turn(seed, h, n), h % pairings.shape[0]
            for rank in range(n):
                place = (pairings[row, rank] + start) % n
                if tie != 0.0:
                    z = tie * scores[rank] + own * scores[place]
                    place = min(int(0.5 * math.erfc(-z / math.sqrt(2.0)) * n), n - 1)
                guess[rising[rank]] = total[rising[rank]] + drawn[place]
                # Equal guesses are met in an order that is as good as random.
                sequence[pairings[row - 1, rank]] = rising[rank]
            sort_by_guess(guess, sequence, ends, by_guess)
            match(total, by_guess, targets, waiting, order)
        for rank in range(n):
            j = order[rank]
            demand[h, j] = max(targets[rank] - total[j], 0.0)
            total[j] += demand[h, j]
        rising[:] = order
        before = together


@compiled
def fill_all_paths(
    levels: FloatArray,
    steps: FloatArray,
    sums: FloatArray,
    scores: FloatArray,
    pairings: IntArray,
    seeds: IntArray,
    demand: FloatArray,
) -> None:
    """Paths of every item into ``demand`` (items, steps, paths)."""
    for i in range(steps.shape[0]):
        fill_paths(levels, steps[i], sums[i], scores, pairings, seeds[i], demand[i])
