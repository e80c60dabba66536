"""Demand paths from a forecast: what the next periods may bring, step by step, so that every sum over them is right.

A forecast says how demand of each step and demand summed over steps 1…h is distributed. Paths join the two by a
Gaussian copula between each step and the sum before it (a D-vine in which the sum stands for all earlier steps): its
correlation is the one that the spread of the next sum asks for. Then the paths are given the quantiles of that sum by
rank. So the law of every sum is reproduced, up to the number of paths and to sums that would otherwise fall.

The paths of an item depend on its forecast and its seed alone: they need not be stored.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from skucast.inventory.demand import paths_kernel
from skucast.numerics.arrays import FloatArray, IntArray

N_PATHS = 384
"""Paths per item: the probability that an order is enough is then off by 0.3 points, one standard deviation."""
N_PATHS_MIXED = 256
"""Paths per item whose lead time varies: there each path counts with every pair of lead times."""
N_PATHS_FINE = 1024
"""Paths per item where the order hangs on the tail."""
_PAIRINGS = 64


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
    scores, pairings = chances(n_paths)
    paths_kernel.fill_all_paths(levels, quantiles, cumulative_quantiles, scores, pairings, seeds, demand)
    return demand


class Chances(NamedTuple):
    """What n equally likely paths are drawn with, the same on every machine.

    Attributes:
        scores: normal scores of equal shares of probability, shape (n,).
        pairings: the share that the next step's own chance takes for each rank of the total so far: n points that fill
            the square of ranks and shares evenly, so that both are independent, shape (n_pairings, n).
    """

    scores: FloatArray
    pairings: IntArray


@cache
def chances(n_paths: int) -> Chances:
    """The chances of so many paths."""
    scores: FloatArray = ndtri((np.arange(n_paths) + 0.5) / n_paths)
    generator = np.random.Generator(np.random.PCG64(20100601))
    pairings = np.stack([_paired(n_paths, generator) for _ in range(_PAIRINGS)])
    return Chances(scores, pairings)


def _paired(n: int, generator: np.random.Generator) -> IntArray:
    """The partner of each of n ranks: bits in reverse order, each flipped as chance says for the bits above it.

    Where n is a power of two, every part of the square that is 2^−i wide and 2^i/n high has one point: a scrambled
    Hammersley set (Owen 1995); paths that are drawn with it rank by rank are Array-RQMC (L'Ecuyer et al. 2008).
    """
    ranks, partner = np.arange(n), np.zeros(n, dtype=np.int64)
    for bit in range(max(n - 1, 1).bit_length()):
        flips = generator.integers(0, 2, 1 << bit)
        partner = 2 * partner + ((ranks >> bit & 1) ^ flips[partner])
    found: IntArray = np.argsort(np.argsort(partner)).astype(np.int64)
    return found
