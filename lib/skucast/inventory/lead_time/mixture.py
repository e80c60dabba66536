"""Demand over a random lead time: the mixture of its laws over each possible one.

Given the lead time, demand has a law of quantiles; over all of them it has the weighted mean of the distribution
functions (not of the quantiles), and its variance is the mean of the variances plus the variance of the means (law of
total variance; Hadley & Whitin 1963, section 3.4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skucast.inventory.demand.quantile_grid import Lists
from skucast.inventory.lead_time.mixture_kernel import fill_demand_over, invert_mixture
from skucast.numerics.arrays import FloatArray, IntArray


class DemandSums(NamedTuple):
    """Demand summed over the first 1, 2, … periods of n items, list after list.

    Attributes:
        levels: probabilities of the quantiles, ascending in each item.
        means: units, one per sum.
        sds: standard deviations, units, one per sum.
        quantiles: units, those of each sum after those of the one before, each at the levels of its item.
    """

    levels: Lists
    means: Lists
    sds: FloatArray
    quantiles: FloatArray


class DemandOver(NamedTuple):
    """Demand over a random number of periods; NaN where nothing is known, or no period is possible.

    Attributes:
        quantiles: units at the levels, in the places of ``levels.values``.
        mean: units, shape (n,).
        sd: standard deviation, units, shape (n,).
        sd_of_demand: what it would be if the number of periods were known, units, shape (n,).
    """

    quantiles: FloatArray
    mean: FloatArray
    sd: FloatArray
    sd_of_demand: FloatArray


def demand_over(periods: Lists, further: IntArray, sums: DemandSums) -> DemandOver:
    """Demand over a random number of periods and some further ones, for n items.

    Args:
        periods: probability of 0, 1, 2, … periods; what is missing to 1 is no demand at all.
        further: periods after those, shape (n,). More periods than there are sums count with the last sum.
        sums: the forecast.

    Raises:
        ValueError: if there are not as many quantiles as sums and levels ask for.
    """
    expected = int(np.diff(sums.levels.starts) @ np.diff(sums.means.starts))
    if sums.quantiles.size != expected:
        raise ValueError(f"found {sums.quantiles.size} quantiles, expected one per sum and level, {expected}")
    quantiles, moments = np.full(sums.levels.values.size, np.nan), np.full((3, further.size), np.nan)
    fill_demand_over(*periods, further, *sums.levels, *sums.means, sums.sds, sums.quantiles, quantiles, moments)
    return DemandOver(quantiles, *moments)


def units_of(sums: DemandSums) -> FloatArray:
    """1 for each item whose sums are all counted in whole units, else 0: any quantity is possible; shape (n,)."""
    lengths = np.diff(sums.levels.starts) * np.diff(sums.means.starts)
    parts = np.abs(sums.quantiles - np.rint(sums.quantiles)) > 1e-9
    found = np.bincount(np.repeat(np.arange(lengths.size), lengths), weights=parts, minlength=lengths.size)
    return np.where(found > 0, 0.0, 1.0)


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
    given, mixed = np.asarray(quantiles, float), np.zeros(at.size)
    if given.shape != (share.size, at.size):
        raise ValueError(f"quantiles of {share.size} laws at {at.size} levels: found shape {given.shape}")
    invert_mixture(at, share, given.ravel(), mixed)
    return mixed


def mixed_moments(weights: ArrayLike, means: ArrayLike, sds: ArrayLike) -> tuple[float, float]:
    """Mean and standard deviation of a mixture of laws with these means and standard deviations, each shape (m,)."""
    share, mean, sd = (np.asarray(values, float) for values in (weights, means, sds))
    total = float(share @ mean)
    return total, float(np.sqrt(share @ (sd**2 + (mean - total) ** 2)))
