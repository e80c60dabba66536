"""Classical seasonal adjustment of one series with unknown values."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

QUANTILE = 1.6448536269514722
"""Of the normal law at 0.95: a test at 90 %, two-sided."""

SMALLEST_INDEX = 0.01
"""A multiplicative index below it means that the season is not one of factors."""

MIN_SEASON = 4
"""Shorter seasons are not tested (as in the published method)."""


@compiled
def is_seasonal(values: FloatArray, season: int) -> bool:
    """Whether the autocorrelation at the season's lag is significant: |r_m| > z √((1 + 2 Σ r_k²) / n), k < m.

    Source: Bartlett (1946); Assimakopoulos & Nikolopoulos (2000). Pairs with an unknown value are passed over.

    Args:
        values: shape (n_periods,), NaN where unknown.
        season: periods of the season.
    """
    if season < MIN_SEASON or values.size < 2 * season:
        return False
    total, count = 0.0, 0
    for value in values:
        if not np.isnan(value):
            total += value
            count += 1
    centred = np.zeros(values.size)
    for t in range(values.size):
        centred[t] = 0.0 if np.isnan(values[t]) else values[t] - total / count
    variance, squares, product = _lagged(centred, 0), 0.0, 0.0
    if not variance > 0.0:
        return False
    for lag in range(1, season + 1):
        squares += (product / variance) ** 2
        product = _lagged(centred, lag)
    # the square added last is that of lag m - 1, and the first is 0
    significant: bool = abs(product / variance) > QUANTILE * np.sqrt((1.0 + 2.0 * squares) / count)
    return significant


@compiled
def _lagged(centred: FloatArray, lag: int) -> float:
    """Sum of products of values ``lag`` apart, in four interleaved parts."""
    size = centred.size - lag
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for t in range(0, size - 3, 4):
        a += centred[t] * centred[t + lag]
        b += centred[t + 1] * centred[t + 1 + lag]
        c += centred[t + 2] * centred[t + 2 + lag]
        d += centred[t + 3] * centred[t + 3 + lag]
    for t in range(size - size % 4, size):
        a += centred[t] * centred[t + lag]
    return a + b + c + d


@compiled
def seasonal_indices(values: FloatArray, season: int, is_multiplicative: int, indices: FloatArray) -> bool:
    """Classical decomposition: mean deviation from the centred moving average at each place of the season.

    Averages run over the known values under the window; a place that is never known gets no deviation.
    Source: Hyndman & Athanasopoulos (2021), section 3.4.

    Args:
        values: shape (n_periods,), NaN where unknown.
        season: periods of the season.
        is_multiplicative: ratios with mean 1, else differences with mean 0.
        indices: filled, shape (season,); of the place t mod season.

    Returns:
        False if some ratio is below ``SMALLEST_INDEX``.
    """
    neutral, half, even = (1.0 if is_multiplicative else 0.0), season // 2, season % 2 == 0
    counts, smallest, centre = np.zeros(season), np.inf, 0.0
    indices[:] = 0.0
    for t in range(half, values.size - half):
        if np.isnan(values[t]):
            continue
        total, weight = 0.0, 0.0
        for other in range(t - half, t + half + 1):
            if not np.isnan(values[other]):
                share = 0.5 if even and (other == t - half or other == t + half) else 1.0
                total += share * values[other]
                weight += share
        indices[t % season] += values[t] * weight / total if is_multiplicative else values[t] - total / weight
        counts[t % season] += 1.0
    for place in range(season):
        indices[place] = indices[place] / counts[place] if counts[place] > 0.0 else neutral
        centre += indices[place] / season
    for place in range(season):
        indices[place] = indices[place] / centre if is_multiplicative else indices[place] - centre
        smallest = min(smallest, indices[place])
    return not is_multiplicative or smallest >= SMALLEST_INDEX
