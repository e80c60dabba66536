"""The ridge autoregression of one series on one scale, units or logarithms: forecast and law."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.regression.effects import added
from skucast.forecasting.models.regression.ridge_kernel import FEW, damp, filled, products, regress, usable
from skucast.forecasting.models.shared.impulse_response import finish, law
from skucast.forecasting.models.shared.seasonal_effects import on_scale, remove_seasons, season_at
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled


@compiled
def one_step(path: FloatArray, t: int, lags: IntArray, weights: FloatArray, means: FloatArray) -> float:
    """Mean of period t given the periods before; ``means`` holds those of the lags and, last, of the value."""
    mean: float = means[lags.size]
    for i in range(lags.size):
        mean += weights[i] * (path[t - lags[i]] - means[i])
    return mean


@compiled
def squared_errors(
    values: FloatArray,
    path: FloatArray,
    fit: tuple[IntArray, FloatArray, FloatArray],
    season: FloatArray,
    is_log: int,
    offset: float,
) -> tuple[float, float]:
    """Sums of squared one-step errors on the scale of the fit, and in units."""
    own, units = 0.0, 0.0
    lags, weights, means = fit
    for t in range(lags[-1] if lags.size else 0, values.size):
        if np.isnan(values[t]):
            continue
        mean = one_step(path, t, lags, weights, means)
        error = path[t] - mean
        own += error * error
        if is_log:
            error = values[t] + offset - np.exp(mean + season[t])
        units += error * error
    return own, units


@compiled
def fit_scale(
    values: FloatArray,
    columns: FloatArray,
    gap: int,
    is_log: int,
    lags: IntArray,
    seasons: IntArray,
    n_removed: int,
    out: tuple[FloatArray, FloatArray, FloatArray],
    numbers: FloatArray,
) -> None:
    """Fit on one scale.

    Args:
        values: shape (n_periods,), known in the first and the last.
        columns: events and drivers, shape (k, n_periods + gap + horizon).
        gap: unknown periods after them, before step 1.
        is_log: 1 for logarithms, 0 for units.
        lags: rising.
        seasons: periods of each season, rising.
        n_removed: of them, whose deviations are taken out first, the shortest.
        out: mean, and standard deviations of the steps and of their sums, each filled, shape (horizon,).
        numbers: filled with mean squared one-step error in units (of generalised cross-validation), offset, sigma,
            penalty and number of lags, shape (5,).
    """
    n, horizon = values.size, out[0].size
    own, offset, n_known, largest = on_scale(values, is_log)
    path, season, profile = np.empty(n + gap + horizon), np.zeros(n), np.zeros((seasons.size, seasons[-1]))
    used = lags[: usable(lags, seasons[-1] + seasons[0], n, n_known)]
    effect = added(own, columns, seasons[0])
    own -= effect[:n]
    remove_seasons(own, seasons[:n_removed], profile)
    path[:n] = filled(own)
    for t in range(n):
        season[t] = season_at(profile, seasons, t) + effect[t]
    weights, means, gram = np.zeros(used.size), np.empty(used.size + 1), np.empty((used.size + 1, used.size + 1))
    rows = products(values, path, used, gram, means)
    penalty, freedom = regress(gram, rows, weights)
    errors, in_units = squared_errors(values, path, (used, weights, means), season, is_log, offset)
    response, of_mean = np.zeros(gap + horizon), np.ones(horizon)
    damp(used, weights, response)
    for t in range(n, path.size):
        path[t] = one_step(path, t, used, weights, means)
    left = max(rows - freedom, 1.0)
    variance = errors / left if n_known >= FEW else (errors + means[0] ** 2) / n_known
    for h in range(horizon):
        out[0][h] = path[n + gap + h] + season_at(profile, seasons, n + gap + h) + effect[n + gap + h]
    finish(response, variance, is_log, offset, largest, out[0], of_mean)
    law(response, of_mean, variance, float(rows), out[1], out[2])
    numbers[0], numbers[1], numbers[2] = in_units * rows / left**2, offset, np.sqrt(variance)
    numbers[3], numbers[4] = penalty, used.size
