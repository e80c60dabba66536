"""Demand paths from a forecast: what the next periods may bring, step by step, so that every sum over them is right.

A forecast says how demand of each step and demand summed over steps 1…h is distributed. Paths join the two by a
Gaussian copula between each step and the sum before it (a D-vine in which the sum stands for all earlier steps): its
correlation is the one that the spread of the next sum asks for. Then the paths are given the quantiles of that sum by
rank. So the law of every sum is reproduced, up to the number of paths and to sums that would otherwise fall.

The paths of an item depend on its forecast and its seed alone: they need not be stored.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skucast.inventory import paths_kernel
from skucast.inventory.arrays import FloatArray, IntArray

N_PATHS = 256
"""Paths per item: the 95 % quantile of what is needed is then off by 1 to 2 % of its distance from the mean."""
_SHUFFLES = 64


def demand_paths(
    levels: FloatArray, quantiles: FloatArray, cumulative_quantiles: FloatArray, seeds: IntArray, n_paths: int = N_PATHS
) -> FloatArray:
    """Equally likely paths of demand.

    Args:
        levels: probabilities of the quantiles, rising, shape (n_levels,).
        quantiles: of demand in each step, units per period, shape (n_items, horizon, n_levels).
        cumulative_quantiles: of demand summed over steps 1…h, units, same shape.
        seeds: one per item, such as a hash of its key, shape (n_items,).
        n_paths: number of paths.

    Returns:
        Demand, units per period, shape (n_items, horizon, n_paths).
    """
    demand = np.empty((*quantiles.shape[:2], n_paths))
    scores, shuffled = chances(n_paths)
    paths_kernel.fill_all_paths(levels, quantiles, cumulative_quantiles, scores, shuffled, seeds, demand)
    return demand


@cache
def chances(n_paths: int) -> tuple[FloatArray, IntArray]:
    """Normal scores of equal shares of probability, and orders to meet them in: the same on every machine."""
    scores: FloatArray = ndtri((np.arange(n_paths) + 0.5) / n_paths)
    generator = np.random.Generator(np.random.PCG64(20100601))
    shuffled: NDArray[np.int64] = np.argsort(generator.random((_SHUFFLES, n_paths)), axis=1).astype(np.int64)
    return scores, shuffled
