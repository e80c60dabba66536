"""Exact Gaussian likelihood of a seasonal ARMA process with missing values, and its predictions; compiled."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.arima.polynomials import expanded, presample_covariance
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

STEADY = 1e-13
"""Excess variance of the state at which the filter counts as converged, in units of σ²."""


@compiled
def filtered(  # noqa: C901, PLR0912, PLR0915 - one pass over time
    columns: FloatArray, coefficients: FloatArray, orders: IntArray
) -> tuple[FloatArray, float, FloatArray, FloatArray]:
    """The same by a Kalman filter over what is known, and predictions.

    Args:
        columns: the series with NaN where unknown, and regressors if any, shape (n_columns, n).
        coefficients: (φ, θ, Φ, Θ), shape (p + q + P + Q,).
        orders: (p, q, P, Q, m).

    Returns:
        products, log|Σ|, one-step predictions of each column, shape (n_columns, n), and the state predicted for period
        n, shape (n_columns, max(p + Pm, q + Qm) + 2), the last 0.

    Source: Harvey (1989), section 3.3; Gardner, Harvey & Phillips (1980), Applied Statistics 29, 311-322.
    """
    n_columns, n = columns.shape
    phi, theta = expanded(coefficients, orders)
    r = max(phi.size, theta.size) + 1
    lag, loading, first = np.zeros(r + 1), np.zeros(r + 1), np.zeros(r + 1)
    loading[0] = 1.0
    for k in range(phi.size):
        lag[k] = phi[k]
    for k in range(theta.size):
        loading[k + 1] = theta[k]
    excess = np.zeros((r + 1, r + 1))
    past = presample_covariance(phi, theta)
    for i in range(r - 1):
        for j in range(r - 1):
            excess[i, j] = past[i, j]
    state = np.zeros((n_columns, r + 1))
    predictions = np.zeros((n_columns, n))
    products = np.zeros((n_columns, n_columns))
    gain, error = np.zeros(r + 1), np.zeros(n_columns)
    log_determinant = 0.0
    is_steady = False
    for t in range(n):
        for c in range(n_columns):
            predictions[c, t] = state[c, 0]
        is_known = not np.isnan(columns[0, t])
        if is_known:
            variance = 1.0 if is_steady else excess[0, 0] + 1.0
            for c in range(n_columns):
                error[c] = columns[c, t] - state[c, 0]
            for a in range(n_columns):
                for b in range(n_columns):
                    products[a, b] += error[a] * error[b] / variance
            if not is_steady:
                log_determinant += np.log(variance)
            for i in range(r):
                gain[i] = loading[i] if is_steady else (excess[0, i] + loading[i]) / variance
            for c in range(n_columns):
                for i in range(r):
                    state[c, i] = lag[i] * columns[c, t] + state[c, i + 1] + gain[i + 1] * error[c]
            if not is_steady:
                trace = 0.0
                for i in range(r):
                    after, scaled = loading[i + 1], gain[i + 1] * variance
                    for j in range(i, r):
                        excess[i, j] = excess[i + 1, j + 1] + after * loading[j + 1] - scaled * gain[j + 1]
                    trace += excess[i, i]
                is_steady = trace < STEADY
        else:
            is_steady = False
            total = excess[0, 0] + 1.0
            for j in range(r):
                first[j] = excess[0, j] + loading[j]
            for c in range(n_columns):
                head = state[c, 0]
                for i in range(r):
                    state[c, i] = lag[i] * head + state[c, i + 1]
            for i in range(r):
                after, weight, other = loading[i + 1], lag[i], first[i + 1] + lag[i] * total
                for j in range(i, r):
                    value = excess[i + 1, j + 1] + after * loading[j + 1]
                    excess[i, j] = value + weight * first[j + 1] + lag[j] * other
    return products, log_determinant, predictions, state
