"""Loops over the steps of demand paths, one item after the other."""

from __future__ import annotations

import math

import numpy as np

from skucast.compiled import compiled
from skucast.inventory.arrays import FloatArray, IntArray

_STRONGEST = 0.98
"""Rank correlation beyond which a path would hardly depend on the new step's own chance."""


@compiled
def stratified(levels: FloatArray, quantiles: FloatArray, into: FloatArray) -> None:
    """Quantiles at the middles of equal shares of probability: rising, flat outside the outer levels."""
    n, last, i = into.size, levels.size - 1, 0
    for j in range(n):
        p = (j + 0.5) / n
        while i < last and levels[i + 1] < p:
            i += 1
        if p <= levels[0]:
            into[j] = quantiles[0]
        elif i >= last:
            into[j] = quantiles[last]
        else:
            share = (p - levels[i]) / (levels[i + 1] - levels[i])
            into[j] = quantiles[i] + share * (quantiles[i + 1] - quantiles[i])


@compiled
def spread(values: FloatArray) -> float:
    """Standard deviation of equally likely values."""
    return float(math.sqrt(max(((values - values.mean()) ** 2).mean(), 0.0)))


@compiled
def turn(seed: int, step: int, n: int) -> int:
    """A number from 0 to n − 1 that looks random and depends on seed and step alone (Steele et al. 2014, SplitMix)."""
    z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(step + 1)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int((z ^ (z >> np.uint64(31))) % np.uint64(n))


@compiled
def correlation(before: float, step: float, together: float) -> float:
    """Correlation of a step with the sum before it that gives the sum with it its spread."""
    if before <= 0.0 or step <= 0.0:
        return 0.0
    wanted = (together * together - before * before - step * step) / (2.0 * before * step)
    return float(min(max(wanted, -_STRONGEST), _STRONGEST))


@compiled
def push(heap: IntArray, size: int, entry: int, guess: FloatArray) -> None:
    """Put an entry into a heap of ``size`` entries whose least guess is on top."""
    at = size
    while at > 0 and guess[heap[(at - 1) // 2]] > guess[entry]:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = entry


@compiled
def pop(heap: IntArray, size: int, guess: FloatArray) -> int:
    """Take the entry with the least guess out of a heap of ``size`` entries."""
    top, last, at = heap[0], heap[size - 1], 0
    while 2 * at + 1 < size - 1:
        child = 2 * at + 1
        if child + 1 < size - 1 and guess[heap[child + 1]] < guess[heap[child]]:
            child += 1
        if guess[heap[child]] >= guess[last]:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
    return int(top)


@compiled
def matched(
    total: FloatArray, rising: IntArray, targets: FloatArray, guess: FloatArray, heap: IntArray, order: IntArray
) -> None:
    """Which path gets which sum: each target in turn the least guess among the paths that have not passed it yet.

    ``rising`` orders the paths by their totals; the answer, in ``order``, orders them by their new ones.
    """
    size, entered = 0, 0
    for rank in range(targets.size):
        while entered < targets.size and (size == 0 or total[rising[entered]] <= targets[rank]):
            push(heap, size, rising[entered], guess)
            size, entered = size + 1, entered + 1
        order[rank] = pop(heap, size, guess)
        size -= 1


@compiled
def fill_paths(
    levels: FloatArray,
    steps: FloatArray,
    sums: FloatArray,
    scores: FloatArray,
    shuffled: IntArray,
    seed: int,
    demand: FloatArray,
) -> None:
    """Paths of one item into ``demand`` (steps, paths)."""
    n, before = scores.size, 0.0
    total, rank_score, guess = np.zeros(n), np.zeros(n), np.empty(n)
    drawn, targets = np.empty(n), np.empty(n)
    rising, order, heap = np.arange(n), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for h in range(steps.shape[0]):
        stratified(levels, sums[h], targets)
        start, row, together = turn(seed, h, n), h % shuffled.shape[0], spread(targets)
        if h == 0:  # nothing came before: every path gets the sum of its own chance
            for j in range(n):
                order[shuffled[row, (j + start) % n]] = j
        else:
            stratified(levels, steps[h], drawn)
            tie = correlation(before, spread(drawn), together)
            own = math.sqrt(1.0 - tie * tie)
            for j in range(n):
                z = tie * rank_score[j] + own * scores[shuffled[row, (j + start) % n]]
                place = int(0.5 * math.erfc(-z / math.sqrt(2.0)) * n)
                # What is added changes nothing but the order of ties, which must be as good as random.
                guess[j] = total[j] + drawn[min(place, n - 1)] + 1e-9 * z
            matched(total, rising, targets, guess, heap, order)
        for rank in range(n):
            j = order[rank]
            demand[h, j] = max(targets[rank] - total[j], 0.0)
            total[j] += demand[h, j]
            rank_score[j] = scores[rank]
        rising[:] = order
        before = together


@compiled
def fill_all_paths(
    levels: FloatArray,
    steps: FloatArray,
    sums: FloatArray,
    scores: FloatArray,
    shuffled: IntArray,
    seeds: IntArray,
    demand: FloatArray,
) -> None:
    """Paths of every item into ``demand`` (items, steps, paths)."""
    for i in range(steps.shape[0]):
        fill_paths(levels, steps[i], sums[i], scores, shuffled, seeds[i], demand[i])
