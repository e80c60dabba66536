"""A spread scale per series: what errors are divided by before they are pooled over series."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.baselines import known_mean
from skucast.forecasting.models.smoothing import smooth
from skucast.forecasting.panel.panel import FloatArray

ALPHA = 0.2
"""Smoothing constant whose one-step errors are taken: fixed, so that no lucky fit shrinks the scale."""

MEMORY = 0.94
"""Weight that a squared error keeps from one period to the next. Source: J.P. Morgan/Reuters (1996), RiskMetrics."""

PRIOR_ERRORS = 0.5
"""Weight, in observed errors, of the belief that errors are as large as the present level."""

PRIOR_HISTORY = 0.01
"""Weight of the belief that they are as large as the mean of the whole history: all that a dead item keeps."""


def spread_scale(demand: FloatArray, variance: FloatArray | None = None) -> FloatArray:
    """Root mean square of recent one-step smoothing errors, drawn slightly to the level; shape (n_series,), > 0.

    scale² = (Σ λ^age·e² + w·level² + v·mean²) / (Σ λ^age + w + v), with λ = ``MEMORY``, w = ``PRIOR_ERRORS`` and
    v = ``PRIOR_HISTORY``. Recent errors count most, so that the spread of an item that dies goes with its sales; the
    level keeps one or two lucky small errors from blowing up every scaled error of a series. The scale turns with the
    unit of measure, as a Poisson floor √mean would not (some sources give kilograms or normalised amounts). Without
    any demand there is no unit to respect: the scale is 1.

    Args:
        demand: units per period that one origin knew, NaN where unknown, shape (n_series, n_periods).
        variance: of values that are estimates, units squared, same shape; it adds to the squared error of its period.
    """
    smoothing = smooth(demand, np.array([ALPHA]), memory=MEMORY)
    level, mean = np.nan_to_num(smoothing.level[:, 0]), np.nan_to_num(known_mean(demand), nan=0.0)
    believed = PRIOR_ERRORS * level**2 + PRIOR_HISTORY * mean**2
    squared = smoothing.squared_error[:, 0] + (0.0 if variance is None else _remembered(demand, variance))
    scale = np.sqrt((squared + believed) / (smoothing.n_errors + PRIOR_ERRORS + PRIOR_HISTORY))
    return np.where(scale > 0, scale, 1.0)


def _remembered(demand: FloatArray, variance: FloatArray) -> FloatArray:
    """Variances of the known values but the first, weighted as their errors are by now; shape (n_series,)."""
    is_known = ~np.isnan(demand)
    age = np.cumsum(is_known[:, ::-1], axis=1)[:, ::-1] - 1
    is_error = is_known & (np.cumsum(is_known, axis=1) > 1)
    total: FloatArray = np.where(is_error, MEMORY**age * variance, 0.0).sum(axis=1)
    return total
