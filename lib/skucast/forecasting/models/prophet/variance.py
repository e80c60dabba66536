"""Closed-form variance of Prophet's forecasts, in each step and summed over steps: no simulation.

After the history, changes of slope come as a Poisson process with n_changepoints events per unit of scaled time, each
of Laplace size with mean size λ, so that with a = t − 1 <= b = t' − 1: Cov[g(t), g(t')] = 2 S λ² (a²b/2 − a³/6).
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray

LEAST_CHANGE = 1e-8
"""Prophet adds this to the mean size of slope changes."""


def step_variance(
    time: FloatArray, n_changes: FloatArray, size: FloatArray, noise: FloatArray, factor: FloatArray
) -> FloatArray:
    """Variance of the scaled demand in each step, shape (n_series, horizon).

    Args:
        time: scaled time of the steps, 1 at the last known period, shape (n_series, horizon). [t]
        n_changes: changepoints per unit of time, shape (n_series,). [S]
        size: mean absolute change of slope, shape (n_series,). [λ]
        noise: standard deviation of the noise, shape (n_series,). [σ]
        factor: multiplicative effects on the trend, 1 without them, shape (n_series, horizon). [1 + M]
    """
    reach = time - 1.0
    trend = 2.0 / 3.0 * (n_changes * size**2)[:, None] * reach**3
    result: FloatArray = noise[:, None] ** 2 + factor**2 * trend
    return result


def sum_variance(
    time: FloatArray, n_changes: FloatArray, size: FloatArray, noise: FloatArray, factor: FloatArray
) -> FloatArray:
    """Variance of the scaled demand summed over steps 1 to h, shape (n_series, horizon). Arguments as above."""
    reach = time - 1.0
    before2 = np.cumsum(factor * reach**2, axis=1) - factor * reach**2
    before3 = np.cumsum(factor * reach**3, axis=1) - factor * reach**3
    own = factor**2 * reach**3 / 3.0
    shared = 2.0 * factor * (reach * before2 / 2.0 - before3 / 6.0)
    trend = 2.0 * (n_changes * size**2)[:, None] * np.cumsum(own + shared, axis=1)
    steps = np.arange(1, time.shape[1] + 1)
    result: FloatArray = steps * noise[:, None] ** 2 + trend
    return result
