"""Calibrated quantiles: the spread of each forecast from the pooled, scaled errors of rolling origins.

Errors of the sum over steps 1..h are pooled as such; the spread of a sum is never one-step spread times sqrt(h).
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray, IntArray


def scaled_errors(forecasts: FloatArray, actuals: FloatArray, scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Errors of a champion's backtest in units of each series' scale, ready to be pooled over series.

    Args:
        forecasts: units per period, shape (n_rows, horizon).
        actuals: same shape; NaN where unknown, 0 in closed periods.
        scale: spread scale at the origin of each row, units, > 0, shape (n_rows,).

    Returns:
        Step errors and errors of the sum over steps 1..h, both (actual - forecast) / scale of shape (n_rows, horizon).
        NaN at steps with unknown actual, and for sums from the first such step on.
    """
    step_errors = (actuals - forecasts) / scale[:, None]
    return step_errors, np.cumsum(step_errors, axis=1)


def calibrated_quantiles(
    mean: FloatArray,
    scale: FloatArray,
    step_errors: FloatArray,
    sum_errors: FloatArray,
    class_index: IntArray,
    is_closed: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of demand per step and of demand summed over steps 1..h.

    Each is the forecast plus scale times the pooled error quantile of the series' class, not below 0, never falling
    from level to level; sums also never fall from step to step. At closed steps demand is 0 for certain.

    Args:
        mean: units per period, shape (n_series, horizon).
        scale: units, shape (n_series,).
        step_errors: quantiles of scaled step errors, shape (n_classes, horizon, n_levels), finite, levels rising.
        sum_errors: quantiles of scaled errors of sums, same shape.
        class_index: row of each series in the pooled arrays, shape (n_series,).
        is_closed: closed steps, shape (n_series, horizon).

    Returns:
        quantiles and cumulative_quantiles, units, each of shape (n_series, horizon, n_levels).

    Raises:
        ValueError: a pooled error that is not finite.
    """
    if not (np.isfinite(step_errors).all() and np.isfinite(sum_errors).all()):
        raise ValueError("pooled error quantiles must be finite: pool over a wider class where one has no errors")
    quantiles = _around(mean, scale, step_errors[class_index])
    cumulative = _around(np.cumsum(mean, axis=1), scale, sum_errors[class_index])
    return np.where(is_closed[:, :, None], 0.0, quantiles), np.maximum.accumulate(cumulative, axis=1)


def cumulative_sd(scale: FloatArray, sum_moments: FloatArray, class_index: IntArray) -> FloatArray:
    """Spread of demand summed over steps 1..h around its forecast: root mean squared error, bias included.

    Args:
        scale: units, shape (n_series,).
        sum_moments: mean squared scaled error of sums, shape (n_classes, horizon).
        class_index: row of each series in the pooled array, shape (n_series,).

    Returns:
        Units, shape (n_series, horizon).
    """
    return scale[:, None] * np.sqrt(sum_moments[class_index])


def _around(centre: FloatArray, scale: FloatArray, errors: FloatArray) -> FloatArray:
    raw = centre[:, :, None] + scale[:, None, None] * errors
    return np.maximum(np.maximum.accumulate(raw, axis=2), 0.0)
