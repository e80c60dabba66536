"""Demand over a random lead time: the mixture of its laws over each possible one.

Given the lead time, demand has a law of quantiles; over all of them it has the weighted mean of the distribution
functions (not of the quantiles), and its variance is the mean of the variances plus the variance of the means (law of
total variance; Hadley & Whitin 1963, section 3.4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skucast.inventory.arrays import FloatArray
from skucast.inventory.lead_time_mixture_kernel import invert_mixtures


def mixed_quantiles(levels: ArrayLike, weights: ArrayLike, quantiles: ArrayLike) -> FloatArray:
    """Quantiles of the mixture of laws that are straight between their quantiles and flat outside them.

    Args:
        levels: probabilities, ascending, shape (k,).
        weights: probability of each law, shape (m,); what they leave of 1 is no demand at all.
        quantiles: values at the levels, shape (m, k), in units.

    Returns:
        Values at the levels, shape (k,), in units.

    Raises:
        ValueError: if the shapes do not fit.
    """
    at, share = np.asarray(levels, float), np.asarray(weights, float)
    given = np.asarray(quantiles, float)
    if given.shape != (share.size, at.size):
        raise ValueError(f"quantiles of {share.size} laws at {at.size} levels: found shape {given.shape}")
    one = np.array([0, 1])
    return mixed_quantiles_of(at, one * at.size, share, one * share.size, given.ravel())


def mixed_quantiles_of(
    levels: FloatArray,
    level_offsets: NDArray[np.int64],
    weights: FloatArray,
    weight_offsets: NDArray[np.int64],
    quantiles: FloatArray,
) -> FloatArray:
    """The same for many items in flat arrays.

    Args:
        levels: of all items, one after the other.
        level_offsets: where the levels of each item begin, and their end, shape (n + 1,).
        weights: of all items, one after the other.
        weight_offsets: where the weights of each item begin, and their end, shape (n + 1,).
        quantiles: of all laws of all items, each at the levels of its item.

    Returns:
        Values at the levels, in the places of ``levels``.

    Raises:
        ValueError: if there are not as many quantiles as laws and levels ask for.
    """
    expected = int(np.diff(level_offsets) @ np.diff(weight_offsets))
    if quantiles.size != expected:
        raise ValueError(f"found {quantiles.size} quantiles, expected one per law and level, {expected}")
    mixed = np.zeros(levels.size)
    invert_mixtures(levels, level_offsets, weights, weight_offsets, quantiles, mixed)
    return mixed


def mixed_moments(weights: ArrayLike, means: ArrayLike, sds: ArrayLike) -> tuple[float, float]:
    """Mean and standard deviation of a mixture of laws with these means and standard deviations, each shape (m,)."""
    share, mean, sd = (np.asarray(values, float) for values in (weights, means, sds))
    total = float(share @ mean)
    return total, float(np.sqrt(share @ (sd**2 + (mean - total) ** 2)))
