"""One series of the ridge autoregression: lagged products, the penalty, the recursion and its law."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

PENALTIES: FloatArray = np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0])
"""Ridge penalties tried, per row and unit of variance of a lag."""

FEW = 4
"""Known values below which nothing is regressed and the spread is drawn to the level."""

ROWS_PER_LAG = 3
"""Rows a history must have for each lag."""

FARTHEST = 12
"""Part of the history that a lag beyond all seasons may take."""

LARGEST_RESPONSE = 3.0
"""Largest later effect of an error of 1 that is believed; beyond it the weights are damped."""

LEAST_LEFT = 1e-3
"""Share of the rows that counts as left where nearly as many are spent."""

CONSTANT = 1e-9
"""A lag whose spread is a smaller part of the widest is constant up to rounding."""

ROUNDS = 60
"""Of damping, at most: more than enough for any history."""


@compiled
def filled(values: FloatArray) -> FloatArray:
    """The values with gaps closed by lines between their neighbours; known at both ends."""
    out, last = values.copy(), 0
    for t in range(1, values.size):
        if np.isnan(values[t]):
            continue
        for gap in range(last + 1, t):
            out[gap] = values[last] + (values[t] - values[last]) * (gap - last) / (t - last)
        last = t
    return out


@compiled
def usable(lags: IntArray, longest: int, n_periods: int, n_known: int) -> int:
    """How many of the rising lags a history carries.

    None beyond half of it, or beyond a ``FARTHEST``th of it if longer than ``longest``; ``ROWS_PER_LAG`` rows for each.
    """
    count = 0
    for lag in lags:
        reach = FARTHEST if lag > longest else 2
        if n_known < FEW or reach * lag > n_periods or ROWS_PER_LAG * (count + 1) > n_known - lag:
            break
        count += 1
    return count


@compiled
def regressors(path: FloatArray, t: int, lags: IntArray, row: FloatArray) -> None:
    """Fill the lagged values and, last, the value of period t."""
    for i in range(lags.size):
        row[i] = path[t - lags[i]]
    row[lags.size] = path[t]


@compiled
def averages(values: FloatArray, path: FloatArray, lags: IntArray, means: FloatArray) -> int:
    """Fill the means of the regressors over the rows; returns the number of rows."""
    rows, row = 0, np.empty(lags.size + 1)
    means[:] = 0.0
    for t in range(lags[-1] if lags.size else 0, values.size):
        if np.isnan(values[t]):
            continue
        rows += 1
        regressors(path, t, lags, row)
        for i in range(row.size):
            means[i] += row[i]
    for i in range(row.size):
        means[i] /= rows
    return rows


@compiled
def products(values: FloatArray, path: FloatArray, lags: IntArray, gram: FloatArray, means: FloatArray) -> int:
    """Fill means and central products of the lagged values and, last, of the value itself.

    Args:
        values: NaN where a period is no row, shape (n_periods,).
        path: on the scale of the fit, without gaps, shape (n_periods or more,).
        lags: rising.
        gram: filled, shape (n_lags + 1, n_lags + 1).
        means: filled, shape (n_lags + 1,).

    Returns:
        The number of rows.
    """
    size, first, row = lags.size + 1, lags[-1] if lags.size else 0, np.empty(lags.size + 1)
    rows = averages(values, path, lags, means)
    gram[:] = 0.0
    for t in range(first, values.size):
        if np.isnan(values[t]):
            continue
        regressors(path, t, lags, row)
        for i in range(size):
            row[i] -= means[i]
        for i in range(size):
            factor = row[i]
            for j in range(size):
                gram[i, j] += factor * row[j]
    return rows


@compiled
def cholesky(matrix: FloatArray, ridge: float, lower: FloatArray, inverse: FloatArray) -> float:
    """Fill L of the leading block plus ``ridge`` times unity, and its inverse; returns the trace of the sum's."""
    size, trace = lower.shape[0], 0.0
    for i in range(size):
        for j in range(i + 1):
            left = matrix[i, j] + ridge if i == j else matrix[i, j]
            for k in range(j):
                left -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(left) if i == j else left / lower[j, j]
    for i in range(size):
        for j in range(i + 1):
            left = 1.0 if i == j else 0.0
            for k in range(j, i):
                left -= lower[i, k] * inverse[k, j]
            inverse[i, j] = left / lower[i, i]
            trace += inverse[i, j] ** 2
    return trace


@compiled
def ridge(gram: FloatArray, penalty: float, weights: FloatArray) -> tuple[float, float]:
    """Fill the weights of the standardised lags for one penalty; returns share of variance left and free parameters.

    Args:
        gram: correlations, the target last, shape (n_lags + 1, n_lags + 1).
        penalty: per row.
        weights: filled, shape (n_lags,).
    """
    n = weights.size
    lower, inverse = np.zeros((n, n)), np.zeros((n, n))
    freedom = n - penalty * cholesky(gram, penalty, lower, inverse)
    half = np.zeros(n)
    for i in range(n):
        for j in range(i + 1):
            half[i] += inverse[i, j] * gram[j, n]
    weights[:] = 0.0
    for i in range(n):
        for j in range(i + 1):
            weights[j] += inverse[i, j] * half[i]
    left = gram[n, n]
    for i in range(n):
        left -= (gram[i, n] + penalty * weights[i]) * weights[i]
    return max(left, 0.0), freedom


@compiled
def regress(gram: FloatArray, rows: int, weights: FloatArray) -> tuple[float, float]:
    """Fill the weights of the lags at the penalty of the smallest generalised cross-validation.

    Source: Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".

    Returns:
        Penalty, and free parameters with the mean.
    """
    n = weights.size
    scale, trial = np.zeros(n + 1), np.zeros(n)
    for i in range(n + 1):
        scale[i] = np.sqrt(gram[i, i] / rows)
    least = CONSTANT * scale.max()
    for i in range(n + 1):
        scale[i] = scale[i] if scale[i] > least else 0.0
    best, found = np.inf, (0.0, 1.0)
    correlations = np.zeros((n + 1, n + 1))
    for i in range(n + 1):
        for j in range(n + 1):
            both = rows * scale[i] * scale[j]
            correlations[i, j] = gram[i, j] / both if both > 0.0 else 0.0
    weights[:] = 0.0
    for penalty in PENALTIES:
        left, freedom = ridge(correlations, penalty, trial)
        score = left / max(1.0 - (freedom + 1.0) / rows, LEAST_LEFT) ** 2
        if score < best and scale[n] > 0.0:
            best, found = score, (penalty, freedom + 1.0)
            for i in range(n):
                weights[i] = trial[i] * scale[n] / scale[i] if scale[i] > 0.0 else 0.0
    return found


@compiled
def responses(lags: IntArray, weights: FloatArray, out: FloatArray) -> float:
    """Fill the effect of an error of 1 after 0, 1, ... periods; returns the largest in size."""
    largest = 0.0
    for h in range(out.size):
        out[h] = 1.0 if h == 0 else 0.0
        for i in range(lags.size):
            if lags[i] <= h:
                out[h] += weights[i] * out[h - lags[i]]
        largest = max(largest, abs(out[h]))
    return largest


@compiled
def damp(lags: IntArray, weights: FloatArray, response: FloatArray) -> None:
    """Draw the roots of the recursion in until no error has more than ``LARGEST_RESPONSE`` times its own effect."""
    for _ in range(ROUNDS):
        if responses(lags, weights, response) <= LARGEST_RESPONSE:
            break
        for i in range(lags.size):
            weights[i] *= (1.0 - 1.0 / response.size) ** lags[i]
