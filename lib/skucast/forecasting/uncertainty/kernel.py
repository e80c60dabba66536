"""Quantiles and probabilities of gamma and negative binomial demand, in compiled loops."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import betainc, gammainc, gammaincc, gammaincinv, ndtr

from skucast.forecasting.panel.panel import BoolArray, FloatArray
from skucast.numerics.compiled import compiled

SMALL = 60.0
"""Mean from which a negative binomial is taken as a gamma distribution rounded to whole units."""

EVEN = 1e-9
"""Part of the mean by which a variance differs from a Poisson's at least."""

LOG_SHAPES: FloatArray = np.linspace(np.log(1e-3), np.log(1e4), 321)
"""Shapes at which gamma quantiles are tabulated."""

SCORES: FloatArray = np.linspace(-5.0, 5.0, 101)
"""Normal scores at which they are."""


@cache
def gamma_table() -> FloatArray:
    """Quantiles of gamma distributions of mean 1, shape (n_shapes, n_scores)."""
    shape = np.exp(LOG_SHAPES)[:, None]
    found: FloatArray = gammaincinv(shape, ndtr(SCORES)[None, :]) / shape
    return found


def quantiles(mean: FloatArray, variance: FloatArray, is_count: BoolArray, scores: FloatArray) -> FloatArray:
    """Quantiles of demand; units, of the shape of ``scores``.

    Whole goods follow a negative binomial, or a Poisson where the variance is the mean, or a gamma rounded to whole
    units where it is below; others a gamma. Without demand all are 0.

    Args:
        mean: units, >= 0.
        variance: units squared, >= 0, same shape.
        is_count: demand comes in whole units, same shape.
        scores: normal scores of the levels, rising along the last axis, whose length is that of the levels.
    """
    outer = scores.shape[:-1]
    m: FloatArray = np.broadcast_to(mean, outer).astype(np.float64).ravel()
    v: FloatArray = np.broadcast_to(variance, outer).astype(np.float64).ravel()
    whole: BoolArray = np.broadcast_to(is_count, outer).astype(np.bool_).ravel()
    z = np.ascontiguousarray(scores).reshape(-1, scores.shape[-1])
    found: FloatArray = _quantiles(m, v, whole, z, ndtr(z), gamma_table())
    return found.reshape(scores.shape)


@compiled
def _quantiles(
    mean: FloatArray,
    variance: FloatArray,
    is_count: BoolArray,
    scores: FloatArray,
    levels: FloatArray,
    table: FloatArray,
) -> FloatArray:
    found = np.zeros(scores.shape)
    first, step = LOG_SHAPES[0], LOG_SHAPES[1] - LOG_SHAPES[0]
    lowest, apart = SCORES[0], SCORES[1] - SCORES[0]
    for i in range(mean.size):
        m, v = mean[i], variance[i]
        if not (m > 0.0):
            continue
        if is_count[i] and m < SMALL and v >= (1.0 - EVEN) * m:
            _whole(m, v, levels[i], found[i])
            continue
        place = min(max((np.log(m * m / max(v, 1e-12 * m * m)) - first) / step, 0.0), table.shape[0] - 1.000001)
        low = int(place)
        share = place - low
        for j in range(scores.shape[1]):
            at = min(max((scores[i, j] - lowest) / apart, 0.0), table.shape[1] - 1.000001)
            left = int(at)
            part = at - left
            below = (1.0 - part) * table[low, left] + part * table[low, left + 1]
            above = (1.0 - part) * table[low + 1, left] + part * table[low + 1, left + 1]
            q = m * ((1.0 - share) * below + share * above)
            found[i, j] = max(np.ceil(q - 0.5), 0.0) if is_count[i] else q
    return found


@compiled
def _whole(m: float, v: float, levels: FloatArray, out: FloatArray) -> None:
    """Smallest whole numbers whose probability not to be exceeded reaches the levels."""
    excess = v - m
    if excess > EVEN * m:
        size = m * m / excess
        chance = size / (size + m)
        p = np.exp(size * np.log(chance))
    else:
        size, chance = 0.0, 1.0
        p = np.exp(-m)
    total, k = p, 0
    limit = int(50.0 * (m + np.sqrt(max(v, m)))) + 1000
    for j in range(levels.size):
        while total < levels[j] * (1.0 - 1e-12) and k < limit:
            k += 1
            p *= (size + k - 1.0) * (1.0 - chance) / k if size > 0.0 else m / k
            total += p
        out[j] = k


def probabilities(
    actual: FloatArray, mean: FloatArray, variance: FloatArray, is_count: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Probability of less demand than came, and of no more; equal where goods are not whole. Shape of ``actual``.

    NaN where anything is unknown; 0 and 1 where nothing was expected and nothing came.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = variance - mean
        is_wide, is_narrow = excess > EVEN * mean, excess < -EVEN * mean
        size = np.where(is_wide, mean**2 / np.where(is_wide, excess, 1.0), 1.0)
        chance = size / (size + mean)
        at_most, less = (
            np.where(
                k < 0,
                0.0,
                np.where(
                    is_wide, betainc(size, np.maximum(k, 0.0) + 1.0, chance), gammaincc(np.maximum(k, 0.0) + 1.0, mean)
                ),
            )
            for k in (np.floor(actual), np.ceil(actual) - 1.0)
        )
        shape = mean**2 / np.maximum(variance, 1e-300)
        amount, *rounded = (
            gammainc(shape, np.maximum(at, 0.0) * shape / mean)
            for at in (actual, np.floor(actual) + 0.5, np.ceil(actual) - 0.5)
        )
        at_most, less = (
            np.where(is_narrow, narrow, usual) for narrow, usual in zip(rounded, (at_most, less), strict=True)
        )
        lower, upper = np.where(is_count, less, amount), np.where(is_count, at_most, amount)
    nothing = mean <= 0
    lower, upper = np.where(nothing, (actual > 0) * 1.0, lower), np.where(nothing, 1.0, upper)
    unknown = ~np.isfinite(actual + mean + variance)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
