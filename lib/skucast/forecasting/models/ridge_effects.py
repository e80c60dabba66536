"""Effects of events and drivers on a series whose errors are an autoregression around seasons; compiled."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.compiled import compiled
from skucast.forecasting.models.effects import effects_of
from skucast.forecasting.models.ridge_kernel import filled, products, regress
from skucast.forecasting.models.season_deviations import remove_seasons
from skucast.forecasting.panel import FloatArray, IntArray


@compiled
def effects(values: FloatArray, columns: FloatArray, lags: IntArray, seasons: IntArray) -> FloatArray:
    """What events and drivers add in every period of the columns, shape (n_periods + gap + horizon,).

    By least squares beside the seasons, and again on what an autoregression leaves of the series and of the columns.

    Args:
        values: on the scale of the fit, NaN where unknown, shape (n_periods,).
        columns: shape (k, n_periods + gap + horizon).
        lags: that the history carries, rising.
        seasons: periods of each season, rising.

    Source: Cochrane & Orcutt (1949), Journal of the American Statistical Association 44, 32-61.
    """
    k, total = columns.shape[0], np.zeros(columns.shape[1])
    if k == 0:
        return total
    series, weights, ar = without_seasons(values, columns, seasons), np.zeros(k), np.zeros(0)
    effects_of(left_over(series, values, lags[:0], ar), weights)
    if lags.size:
        path = series[k].copy()
        for i in range(k):
            path -= weights[i] * series[i]
        ar, means = np.zeros(lags.size), np.empty(lags.size + 1)
        gram = np.empty((lags.size + 1, lags.size + 1))
        rows = products(values, path, lags, gram, means)
        regress(gram, rows, ar)
        effects_of(left_over(series, values, lags, ar), weights)
    for i in range(k):
        for t in range(total.size):
            total[t] += weights[i] * columns[i, t]
    return total


@compiled
def without_seasons(values: FloatArray, columns: FloatArray, seasons: IntArray) -> FloatArray:
    """Columns and, last, the values, their seasons removed and gaps closed, shape (k + 1, n_periods)."""
    k, n = columns.shape[0], values.size
    series, profile = np.empty((k + 1, n)), np.zeros((seasons.size, seasons[-1]))
    for i in range(k + 1):
        for t in range(n):
            series[i, t] = values[t] if i == k or np.isnan(values[t]) else columns[i, t]
        remove_seasons(series[i], seasons, profile)
        series[i] = filled(series[i])
    return series


@compiled
def left_over(series: FloatArray, values: FloatArray, lags: IntArray, ar: FloatArray) -> FloatArray:
    """Central products of what an autoregression leaves of each series in the known periods, shape (k + 1, k + 1)."""
    size, n = series.shape
    first = lags[-1] if lags.size else 0
    left, rows = np.zeros((size, n)), 0
    for t in range(first, n):
        if np.isnan(values[t]):
            continue
        for i in range(size):
            left[i, rows] = series[i, t]
            for j in range(lags.size):
                left[i, rows] -= ar[j] * series[i, t - lags[j]]
        rows += 1
    found = np.zeros((size, size))
    for i in range(size):
        left[i, :rows] -= left[i, :rows].mean()
        for j in range(i + 1):
            found[i, j] = np.sum(left[i, :rows] * left[j, :rows])
            found[j, i] = found[i, j]
    return found
