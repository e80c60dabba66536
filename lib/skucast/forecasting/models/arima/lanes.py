"""Likelihoods of many seasonal ARMA models of one series at once: a Kalman filter whose innermost index is the model.

Differencing by small steps and grids of starts ask for the same pass over time with other coefficients. Side by side,
in ``LANES`` lanes, a processor does them together. Arrays are flat, the lane last; the symmetric variance of the state
is kept by diagonals, ``excess[d, i * LANES + lane]`` being its entry (i, i + d), so that one step of the filter runs
over contiguous memory.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.arima.polynomials import coefficients_of, expanded, presample_covariance
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

LANES = 8
STEADY = 1e-13
"""Excess variance of the states, all lanes together, at which the filter counts as converged, in units of σ²."""

LOOK = 8
"""Periods between two looks at whether it has, and between two logarithms of the product of variances."""


@compiled
def deviances(points: FloatArray, columns: FloatArray, orders: IntArray, n_known: int, found: FloatArray) -> None:
    """Minus the log-likelihood at the best σ² and regression, but for a constant; infinite if undefined.

    Args:
        points: angles of ``coefficients_of``, shape (n_points, k).
        columns: the series with NaN where unknown, and at most one regressor, shape (n_columns, n).
        orders: (p, q, P, Q, m).
        n_known: known values of the series.
        found: filled, shape (n_points,).

    Source: Harvey (1989), section 3.3; Gardner, Harvey & Phillips (1980), Applied Statistics 29, 311-322.
    """
    p, q, seasonal_p, seasonal_q, m = orders
    r = max(p + seasonal_p * m, q + seasonal_q * m) + 1
    lag, loading = np.zeros((r + 1) * LANES), np.zeros((r + 1) * LANES)
    excess, outer = np.zeros((r, (r + 1) * LANES)), np.zeros((r, r * LANES))
    for first in range(0, points.shape[0], LANES):
        _load(points, first, orders, lag, loading, excess, outer)
        products, log_determinant = _pass(columns, lag, loading, excess, outer)
        for lane in range(min(LANES, points.shape[0] - first)):
            squared = products[0, lane]
            if columns.shape[0] > 1:
                squared -= products[1, lane] ** 2 / products[2, lane]
            likely = 0.5 * (n_known * np.log(squared) + log_determinant[lane]) if squared > 0.0 else np.inf
            found[first + lane] = likely


@compiled
def _load(
    points: FloatArray,
    first: int,
    orders: IntArray,
    lag: FloatArray,
    loading: FloatArray,
    excess: FloatArray,
    outer: FloatArray,
) -> None:
    """Fill the lanes with the models from point ``first`` on, the last one repeated."""
    r = excess.shape[0]
    loading[:LANES] = 1.0
    for lane in range(LANES):
        point = points[min(first + lane, points.shape[0] - 1)]
        phi, theta = expanded(coefficients_of(point, orders), orders)
        for k in range(phi.size):
            lag[k * LANES + lane] = phi[k]
        for k in range(theta.size):
            loading[(k + 1) * LANES + lane] = theta[k]
        past = presample_covariance(phi, theta)
        for d in range(r - 1):
            for i in range(r - 1 - d):
                excess[d, i * LANES + lane] = past[i, i + d]
            excess[d, (r - 1 - d) * LANES + lane] = 0.0
        excess[r - 1, lane] = 0.0
    for d in range(r):
        for f in range((r - d) * LANES):
            outer[d, f] = loading[f + LANES] * loading[f + (d + 1) * LANES] if f < (r - d - 1) * LANES else 0.0


@compiled
def _pass(
    columns: FloatArray, lag: FloatArray, loading: FloatArray, excess: FloatArray, outer: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Products (values², values × regressor, regressor²) over Σ, shape (3, LANES), and log|Σ|, shape (LANES,)."""
    width = lag.size
    state, error, products = np.zeros((2, width)), np.zeros((2, width)), np.zeros((3, LANES))
    gain, scaled, is_steady, since = np.zeros(width), np.zeros(width), False, 0
    variances, log_determinant = np.ones(LANES), np.zeros(LANES)
    for t in range(columns.shape[1]):
        if np.isnan(columns[0, t]):
            is_steady = False
            for c in range(columns.shape[0]):
                _move(state[c], lag)
            _forget(excess, outer, lag, loading, gain, scaled)
            continue
        if not is_steady:
            _find_gain(excess, loading, gain, scaled, variances)
            _learn(excess, outer, gain, scaled)
        for c in range(columns.shape[0]):
            _correct(state[c], lag, loading if is_steady else gain, error[c], columns[c, t])
        _add_products(error, loading if is_steady else scaled, columns.shape[0], products)
        since += 1
        if since >= LOOK and not is_steady:
            is_steady, since = _take_logarithms(variances, log_determinant, excess[0]), 0
    _take_logarithms(variances, log_determinant, excess[0])
    return products, log_determinant


@compiled
def _find_gain(
    excess: FloatArray, loading: FloatArray, gain: FloatArray, scaled: FloatArray, variances: FloatArray
) -> None:
    """Fill the gain, and the gain times the variance of the prediction, which is in the first places of the latter."""
    for i in range(excess.shape[0]):
        for lane in range(LANES):
            scaled[i * LANES + lane] = excess[i, lane] + loading[i * LANES + lane]
    inverse = 1.0 / scaled[:LANES]
    for lane in range(LANES):
        variances[lane] *= scaled[lane]
    for i in range(excess.shape[0]):
        for lane in range(LANES):
            gain[i * LANES + lane] = scaled[i * LANES + lane] * inverse[lane]


@compiled
def _add_products(error: FloatArray, variance: FloatArray, n_columns: int, products: FloatArray) -> None:
    """Add the products of the prediction errors over their variance, which is in the first places."""
    for lane in range(LANES):
        products[0, lane] += error[0, lane] * error[0, lane] / variance[lane]
    for lane in range(LANES if n_columns > 1 else 0):
        products[1, lane] += error[0, lane] * error[1, lane] / variance[lane]
        products[2, lane] += error[1, lane] * error[1, lane] / variance[lane]


@compiled
def _learn(excess: FloatArray, outer: FloatArray, gain: FloatArray, scaled: FloatArray) -> None:
    """Variance of the state after a known value and a step of time."""
    r = excess.shape[0]
    for d in range(r):
        row, product, ahead = excess[d], outer[d], gain[(d + 1) * LANES :]
        for f in range((r - d) * LANES):
            row[f] = row[f + LANES] + product[f] - scaled[f + LANES] * ahead[f]


@compiled
def _forget(
    excess: FloatArray, outer: FloatArray, lag: FloatArray, loading: FloatArray, first: FloatArray, other: FloatArray
) -> None:
    """Variance of the state after an unknown value and a step of time; the last two arguments are for work."""
    r = excess.shape[0]
    for j in range(r):
        for lane in range(LANES):
            first[j * LANES + lane] = excess[j, lane] + loading[j * LANES + lane]
    first[r * LANES :] = 0.0
    for i in range(r):
        for lane in range(LANES):
            at = i * LANES + lane
            other[at] = first[at + LANES] + lag[at] * first[lane]
    for d in range(r):
        row, product, ahead, late = excess[d], outer[d], first[(d + 1) * LANES :], lag[d * LANES :]
        for f in range((r - d) * LANES):
            row[f] = row[f + LANES] + product[f] + lag[f] * ahead[f] + late[f] * other[f]


@compiled
def _move(state: FloatArray, lag: FloatArray) -> None:
    """State after an unknown value and a step of time."""
    head = state[:LANES].copy()
    for i in range(state.size // LANES - 1):
        for lane in range(LANES):
            at = i * LANES + lane
            state[at] = lag[at] * head[lane] + state[at + LANES]


@compiled
def _correct(state: FloatArray, lag: FloatArray, gain: FloatArray, error: FloatArray, value: float) -> None:
    """State after a known value and a step of time; fills the prediction error, repeated for every place."""
    for i in range(state.size // LANES - 1):
        for lane in range(LANES):
            error[i * LANES + lane] = value - state[lane]
    for f in range(state.size - LANES):
        state[f] = lag[f] * value + state[f + LANES] + gain[f + LANES] * error[f]


@compiled
def _take_logarithms(variances: FloatArray, log_determinant: FloatArray, diagonal: FloatArray) -> bool:
    """Move the product of variances into its logarithm; whether all lanes have converged."""
    total = 0.0
    for lane in range(LANES):
        log_determinant[lane] += np.log(variances[lane])
        variances[lane] = 1.0
    for value in diagonal:
        total += value
    return total < STEADY
