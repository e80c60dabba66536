"""Simple exponential smoothing, for all series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.shared.level_variance import smoothing_spread
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.numerics.compiled import compiled

ALPHAS: FloatArray = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
"""Smoothing constants tried. A higher one fits a single jump of the level best and follows noise ever after: on four
retail data sets none was better out of sample (``python -m benchmarks.accuracy.held_out``)."""


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
    return Smoothing(*_smooth(np.ascontiguousarray(demand), alphas, starts_as_mean, memory))


@compiled
def _smooth(
    demand: FloatArray,
    alphas: FloatArray,
    starts_as_mean: bool,  # noqa: FBT001
    memory: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level, squared error and weight of errors, as in ``Smoothing``."""
    levels = np.full((demand.shape[0], alphas.size), np.nan)
    squared = np.zeros((demand.shape[0], alphas.size))
    n_errors = np.zeros(demand.shape[0])
    for row in range(demand.shape[0]):
        n_known = 0
        for value in demand[row]:
            if np.isnan(value):
                continue
            n_known += 1
            if n_known == 1:
                levels[row] = value
                continue
            n_errors[row] = memory * n_errors[row] + 1.0
            for k in range(alphas.size):
                error = value - levels[row, k]
                squared[row, k] = memory * squared[row, k] + error * error
                levels[row, k] += (max(alphas[k], 1.0 / n_known) if starts_as_mean else alphas[k]) * error
    return levels, squared, n_errors


def alphas_within(lowest: float, highest: float) -> FloatArray:
    """The grid between two bounds, and these."""
    inner = ALPHAS[(lowest < ALPHAS) & (highest > ALPHAS)]
    return np.unique(np.concatenate([[lowest], inner, [highest]]))


def ses(panel: Panel, alphas: FloatArray = ALPHAS) -> ModelFit:
    """Simple exponential smoothing; alpha from a grid by the smallest sum of squared one-step errors."""
    smoothing = smooth(panel.demand, alphas)
    rows, best = np.arange(panel.n_series), np.argmin(smoothing.squared_error, axis=1)
    level, alpha, n_errors = smoothing.level[rows, best], alphas[best], smoothing.n_errors
    squared = smoothing.squared_error[rows, best]
    variance = np.where(n_errors > 0, squared / np.maximum(n_errors, 1.0), level**2)
    step_sd, sum_sd = smoothing_spread(variance, np.maximum(alpha, 1.0 / (n_errors + 1.0)), panel.horizon)
    return ModelFit(flat(level, panel.horizon), {"alpha": alpha, "level": level}, step_sd=step_sd, sum_sd=sum_sd)
