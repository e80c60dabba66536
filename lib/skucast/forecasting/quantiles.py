"""Calibrated quantiles: the spread of each forecast from the pooled, scaled errors of rolling origins.

Errors of the sum over steps 1..h are pooled as such; the spread of a sum is never one-step spread times sqrt(h).
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray


def calibrated_quantiles(
    mean: FloatArray,
    scale: FloatArray,
    step_errors: FloatArray,
    sum_errors: FloatArray,
    is_closed: BoolArray,
    is_count: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of demand per step and of demand summed over steps 1..h.

    Each is the forecast plus scale times the pooled error quantile, not below 0, never falling from level to level;
    sums also never fall from step to step. At closed steps demand is 0 for certain. Demand in whole numbers has whole
    quantiles: where F is the law smoothed over units, the smallest k with F(k + 1/2) >= level.

    Args:
        mean: units per period, shape (n_series, horizon).
        scale: units, shape (n_series,).
        step_errors: quantiles of scaled step errors, shape (n_series, horizon, n_levels), finite, levels rising.
        sum_errors: quantiles of scaled errors of sums, same shape.
        is_closed: closed steps, shape (n_series, horizon).
        is_count: demand comes in whole numbers, shape (n_series,).

    Returns:
        quantiles and cumulative_quantiles, units, each of shape (n_series, horizon, n_levels).

    Raises:
        ValueError: a pooled error that is not finite.
    """
    if not (np.isfinite(step_errors).all() and np.isfinite(sum_errors).all()):
        raise ValueError("pooled error quantiles must be finite: pool over a wider class where one has no errors")
    quantiles = _around(mean, scale, step_errors)
    cumulative = _around(np.cumsum(mean, axis=1), scale, sum_errors)
    quantiles, cumulative = (
        np.where(is_count[:, None, None], np.ceil(each - 0.5) + 0.0, each) for each in (quantiles, cumulative)
    )
    return np.where(is_closed[:, :, None], 0.0, quantiles), np.maximum.accumulate(cumulative, axis=1)


def cumulative_sd(scale: FloatArray, sum_moments: FloatArray) -> FloatArray:
    """Spread of demand summed over steps 1..h around its forecast: root mean squared error, bias included.

    Args:
        scale: units, shape (n_series,).
        sum_moments: mean squared scaled error of sums, shape (n_series, horizon).

    Returns:
        Units, shape (n_series, horizon).
    """
    return scale[:, None] * np.sqrt(sum_moments)


def _around(centre: FloatArray, scale: FloatArray, errors: FloatArray) -> FloatArray:
    raw = centre[:, :, None] + scale[:, None, None] * errors
    return np.maximum(np.maximum.accumulate(raw, axis=2), 0.0)
