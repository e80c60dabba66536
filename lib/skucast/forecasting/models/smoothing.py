"""Simple exponential smoothing, for all series at once: a loop over time, arithmetic over series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.fits import Fits, flat
from skucast.forecasting.panel import FloatArray, Panel

ALPHAS: FloatArray = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0])
"""Smoothing constants tried. Finer near 0, where retail demand mostly lies."""


@dataclass(frozen=True)
class Smoothing:
    """Result of smoothing each series with several constants.

    Attributes:
        level: units per period after the last known period, shape (n_series, n_alphas); NaN without known periods.
        squared_error: sum of squared one-step errors, shape (n_series, n_alphas).
        n_errors: weight of the errors in the sum, their number where all weigh alike, shape (n_series,).
    """

    level: FloatArray
    squared_error: FloatArray
    n_errors: FloatArray


def smooth(demand: FloatArray, alphas: FloatArray, *, starts_as_mean: bool = True, memory: float = 1.0) -> Smoothing:
    """Exponentially smooth the known values of each row; unknown periods change nothing.

    The level starts at the first known value. With ``starts_as_mean`` the weight of the j-th known value is
    max(alpha, 1/j): the level is the running mean until 1/j has fallen to alpha. A series begins with its first sale,
    so that a constant weight would keep the level too high for long.

    Args:
        demand: units per period, NaN where unknown, shape (n_series, n_periods).
        alphas: smoothing constants in (0, 1], shape (n_alphas,). [alpha]
        memory: weight that an error keeps at the next known value, in (0, 1]; 1 weighs all errors alike.
        starts_as_mean: False is the textbook form with constant weights from the first value on.

    Source: Brown (1959); level start as in recursive least squares of a constant.
    """
    n_series = demand.shape[0]
    level = np.full((n_series, alphas.size), np.nan)
    squared_error = np.zeros((n_series, alphas.size))
    n_errors = np.zeros(n_series)
    n_known = np.zeros(n_series, dtype=np.int64)
    for values in np.ascontiguousarray(demand.T):
        known = ~np.isnan(values)
        n_known += known
        error = np.where((known & (n_known > 1))[:, None], values[:, None] - level, 0.0)
        fading = np.where(known & (n_known > 1), memory, 1.0)
        squared_error = fading[:, None] * squared_error + error**2
        n_errors = fading * n_errors + (known & (n_known > 1))
        weight = np.maximum(alphas, 1.0 / np.maximum(n_known, 1)[:, None]) if starts_as_mean else alphas
        level = np.where((known & (n_known == 1))[:, None], values[:, None], level + weight * error)
    return Smoothing(level, squared_error, n_errors)


def ses(panel: Panel) -> Fits:
    """Simple exponential smoothing; alpha from a grid by the smallest sum of squared one-step errors."""
    smoothing = smooth(panel.demand, ALPHAS)
    best = np.argmin(smoothing.squared_error, axis=1)
    level = smoothing.level[np.arange(panel.n_series), best]
    return Fits(flat(level, panel.horizon), {"alpha": ALPHAS[best], "level": level})
