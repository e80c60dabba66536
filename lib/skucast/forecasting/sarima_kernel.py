"""Exact Gaussian likelihood of a seasonal ARMA process, compiled; missing values allowed.

The process is φ(B) Φ(Bᵐ) (z_t - μ) = θ(B) Θ(Bᵐ) ε_t, φ(B) = 1 - φ₁B - ..., θ(B) = 1 + θ₁B + ..., ε_t ~ N(0, σ²), started
in its stationary law. Everything here is in units of σ²; σ² and μ are concentrated out by the callers.

Throughout, ``orders`` is (p, q, P, Q, m) as int64 and ``coefficients`` is (φ, θ, Φ, Θ) in that order.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.compiled import compiled
from skucast.forecasting.panel import FloatArray, IntArray

NEGLIGIBLE = 1e-22
"""Impulse responses below this no longer change a sum of squares."""

STEADY = 1e-13
"""Excess variance of the state at which the filter counts as converged, in units of σ²."""


@compiled
def expanded(coefficients: FloatArray, orders: IntArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients φ and θ of the multiplied-out polynomials, shapes (p + Pm,) and (q + Qm,), for lags 1, 2, ..."""
    p, q, seasonal_p, seasonal_q, m = orders
    phi, theta = np.zeros(p + seasonal_p * m), np.zeros(q + seasonal_q * m)
    phi[:p] = coefficients[:p]
    theta[:q] = coefficients[p : p + q]
    for i in range(seasonal_p):
        factor = coefficients[p + q + i]
        phi[(i + 1) * m - 1] += factor
        for j in range(p):
            phi[(i + 1) * m + j] -= factor * coefficients[j]
    for i in range(seasonal_q):
        factor = coefficients[p + q + seasonal_p + i]
        theta[(i + 1) * m - 1] += factor
        for j in range(q):
            theta[(i + 1) * m + j] += factor * coefficients[p + j]
    return phi, theta


@compiled
def _solved(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Solution of a small linear system by elimination with row exchanges; overwrites its arguments."""
    n = vector.size
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if pivot != k:
            for j in range(k, n):
                matrix[k, j], matrix[pivot, j] = matrix[pivot, j], matrix[k, j]
            vector[k], vector[pivot] = vector[pivot], vector[k]
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            if factor != 0.0:
                for j in range(k + 1, n):
                    matrix[i, j] -= factor * matrix[k, j]
                vector[i] -= factor * vector[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            vector[k] -= matrix[k, j] * vector[j]
        vector[k] /= matrix[k, k]
    return vector


@compiled
def psi_weights(phi: FloatArray, theta: FloatArray, count: int) -> FloatArray:
    """ψ_0 = 1, ψ_1, ... of θ(B)/φ(B), shape (count,). Source: Box & Jenkins (1976), eq. 5.2.3."""
    psi = np.zeros(count)
    for k in range(count):
        value = 1.0 if k == 0 else (theta[k - 1] if k <= theta.size else 0.0)
        for i in range(min(k, phi.size)):
            value += phi[i] * psi[k - 1 - i]
        psi[k] = value
    return psi


@compiled
def presample_covariance(phi: FloatArray, theta: FloatArray, size: int) -> FloatArray:
    """Covariance of what the unknown past adds to the first ``size`` equations, in units of σ², shape (size, size).

    Equation t < max(p, q) lacks b_t = Σ_{i>t} φ_i z_{t-i} + Σ_{j>t} θ_j ε_{t-j}: the state of Harvey's form less its
    newest innovation. Its first row follows from the autocovariances, the rest from the transition.

    Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 3.3; McLeod (1975).
    """
    p, q = phi.size, theta.size
    r = size + 1
    loading = np.zeros(r + 1)
    loading[0] = 1.0
    loading[1 : q + 1] = theta
    psi = psi_weights(phi, theta, q + 1)
    innovation = np.zeros(r + 1)
    for j in range(q + 1):
        for k in range(j, q + 1):
            innovation[j] += loading[k] * psi[k - j]
    matrix, gamma = np.zeros((p + 1, p + 1)), np.zeros(p + 1)
    for k in range(p + 1):
        gamma[k] = innovation[k]
        matrix[k, k] += 1.0
        for i in range(1, p + 1):
            matrix[k, abs(k - i)] -= phi[i - 1]
    gamma = _solved(matrix, gamma)
    first = np.zeros(r + 1)
    for j in range(r):
        first[j] = innovation[j]
        for i in range(j + 1, p + 1):
            first[j] += phi[i - 1] * gamma[i - j]
    lag = np.zeros(r + 1)
    lag[:p] = phi
    covariance = np.zeros((r + 1, r + 1))
    for i in range(size - 1, -1, -1):
        for j in range(size - 1, i - 1, -1):
            value = covariance[i + 1, j + 1] + loading[i + 1] * loading[j + 1]
            value += lag[i] * lag[j] * first[0] + lag[i] * first[j + 1] + lag[j] * first[i + 1]
            covariance[i, j] = value
            covariance[j, i] = value
    return covariance[:size, :size]


@compiled
def _autoregress(values: FloatArray, coefficients: FloatArray, step: int) -> None:
    """Apply 1 - Σ c_i B^(i step) in place, with zeros before the start."""
    for t in range(values.size - 1, step - 1, -1):
        total = values[t]
        for i in range(min(coefficients.size, t // step)):
            total -= coefficients[i] * values[t - (i + 1) * step]
        values[t] = total


@compiled
def _invert_average(values: FloatArray, coefficients: FloatArray, step: int) -> None:
    """Apply 1 / (1 + Σ c_j B^(j step)) in place, with zeros before the start."""
    n, q = values.size, coefficients.size
    if q == 1 and step == 1:
        last, factor = 0.0, coefficients[0]
        for t in range(n):
            last = values[t] - factor * last
            values[t] = last
    elif q == 1:
        factor = coefficients[0]
        for t in range(step, n):
            values[t] -= factor * values[t - step]
    elif q > 1:
        for t in range(step, n):
            total = values[t]
            for j in range(min(q, t // step) - 1, -1, -1):
                total -= coefficients[j] * values[t - (j + 1) * step]
            values[t] = total


@compiled
def _impulse_response(coefficients: FloatArray, orders: IntArray, n: int) -> FloatArray:
    """First terms of 1 / (θ(B) Θ(Bᵐ)), as many as are not negligible; shape (at most n,)."""
    _, theta = expanded(coefficients, orders)
    lags = np.flatnonzero(theta) + 1
    weights = theta[lags - 1]
    response = np.zeros(n)
    response[0] = 1.0
    quiet = 0
    for t in range(1, n):
        total = 0.0
        for j in range(lags.size):
            if lags[j] <= t:
                total -= weights[j] * response[t - lags[j]]
        response[t] = total
        quiet = quiet + 1 if abs(total) < NEGLIGIBLE else 0
        if quiet >= max(theta.size, 1):
            return response[: t + 1 - quiet]
    return response


@compiled
def _shift_products(response: FloatArray, n: int, r: int) -> FloatArray:
    """Inner products of the first r shifts of ``response`` within n periods, shape (r, r)."""
    length = response.size
    products = np.zeros((r, r))
    for j in range(min(r, length)):
        total = 0.0
        for t in range(j, min(length, n)):
            total += response[t] * response[t - j]
        products[0, j] = total
    for i in range(1, r):
        for j in range(i, r):
            lost = 0.0
            if n - j < length and n - i < length:
                lost = response[n - i] * response[n - j]
            products[i, j] = products[i - 1, j - 1] - lost
    for i in range(r):
        for j in range(i):
            products[i, j] = products[j, i]
    return products


@compiled
def _factorised(matrix: FloatArray) -> FloatArray:
    """Lower Cholesky factor; NaN where there is none."""
    n = matrix.shape[0]
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(total) if i == j else total / lower[j, j]
    return lower


@compiled
def _forward_solved(lower: FloatArray, vector: FloatArray) -> FloatArray:
    """Solution of a lower triangular system."""
    solution = vector.copy()
    for i in range(vector.size):
        for k in range(i):
            solution[i] -= lower[i, k] * solution[k]
        solution[i] /= lower[i, i]
    return solution


@compiled
def moments(columns: FloatArray, coefficients: FloatArray, orders: IntArray) -> tuple[FloatArray, float]:
    """Products aᵀΣ⁻¹b of all columns and log|Σ|, without a filter; no missing values.

    With zero-start residuals e, H the first r shifts of the impulse response of 1/θ, M = HᵀH = RRᵀ, P the covariance of
    the missing past and u = R⁻¹Hᵀe: log|Σ| = log|I + RᵀPR| and eᵀΣ⁻¹e = eᵀe - uᵀu + uᵀ(I + RᵀPR)⁻¹u.

    Args:
        columns: the series, and regressors if any, shape (n_columns, n).

    Source: Box & Jenkins (1976), appendix A7.4; Ljung & Box (1979), Biometrika 66, 265-270.
    """
    p, q, seasonal_p, seasonal_q, m = orders
    n_columns, n = columns.shape
    r = min(max(p + seasonal_p * m, q + seasonal_q * m), n)
    errors = columns.copy()
    for c in range(n_columns):
        _autoregress(errors[c], coefficients[:p], 1)
        _autoregress(errors[c], coefficients[p + q : p + q + seasonal_p], m)
        _invert_average(errors[c], coefficients[p : p + q], 1)
        _invert_average(errors[c], coefficients[p + q + seasonal_p :], m)
    products = np.zeros((n_columns, n_columns))
    for a in range(n_columns):
        for b in range(a, n_columns):
            total = 0.0
            for t in range(n):
                total += errors[a, t] * errors[b, t]
            products[a, b] = total
            products[b, a] = total
    if r == 0:
        return products, 0.0
    phi, theta = expanded(coefficients, orders)
    response = _impulse_response(coefficients, orders, n)
    root = _factorised(_shift_products(response, n, r))
    inner = np.zeros((r, r))
    covariance = presample_covariance(phi, theta, max(phi.size, theta.size))[:r, :r]
    half = np.zeros((r, r))
    for i in range(r):
        for k in range(r):
            weight = covariance[i, k]
            if weight != 0.0:
                for j in range(k + 1):
                    half[i, j] += weight * root[k, j]
    for k in range(r):
        for i in range(k + 1):
            weight = root[k, i]
            for j in range(i + 1):
                inner[i, j] += weight * half[k, j]
    for i in range(r):
        inner[i, i] += 1.0
    factor = _factorised(inner)
    log_determinant = 0.0
    for i in range(r):
        log_determinant += 2.0 * np.log(factor[i, i])
    before, after = np.zeros((n_columns, r)), np.zeros((n_columns, r))
    for c in range(n_columns):
        scores = np.zeros(r)
        for i in range(r):
            total = 0.0
            for t in range(min(response.size, n - i)):
                total += response[t] * errors[c, t + i]
            scores[i] = total
        before[c] = _forward_solved(root, scores)
        after[c] = _forward_solved(factor, before[c])
    for a in range(n_columns):
        for b in range(n_columns):
            for i in range(r):
                products[a, b] += after[a, i] * after[b, i] - before[a, i] * before[b, i]
    return products, log_determinant


@compiled
def filtered(
    columns: FloatArray, coefficients: FloatArray, orders: IntArray
) -> tuple[FloatArray, float, FloatArray, FloatArray]:
    """The same by a Kalman filter over what is known, and predictions.

    Args:
        columns: the series with NaN where unknown, and regressors if any, shape (n_columns, n).

    Returns:
        products, log|Σ|, one-step predictions of each column, shape (n_columns, n), and the state predicted for period
        n, shape (n_columns, max(p + Pm, q + Qm) + 1).

    Source: Harvey (1989), section 3.3; Gardner, Harvey & Phillips (1980), Applied Statistics 29, 311-322.
    """
    n_columns, n = columns.shape
    phi, theta = expanded(coefficients, orders)
    r = max(phi.size, theta.size) + 1
    lag, loading = np.zeros(r), np.zeros(r)
    lag[: phi.size] = phi
    loading[0] = 1.0
    loading[1 : theta.size + 1] = theta
    excess = np.zeros((r + 1, r + 1))
    excess[: r - 1, : r - 1] = presample_covariance(phi, theta, r - 1)
    state = np.zeros((n_columns, r + 1))
    predictions = np.zeros((n_columns, n))
    products = np.zeros((n_columns, n_columns))
    gain, error = np.zeros(r + 1), np.zeros(n_columns)
    log_determinant = 0.0
    is_steady = False
    for t in range(n):
        predictions[:, t] = state[:, 0]
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
                gain[i] = loading[i] if is_steady else (excess[i, 0] + loading[i]) / variance
            for c in range(n_columns):
                for i in range(r):
                    state[c, i] = lag[i] * columns[c, t] + state[c, i + 1] + gain[i + 1] * error[c]
            if not is_steady:
                trace = 0.0
                for i in range(r):
                    after = loading[i + 1] if i + 1 < r else 0.0
                    for j in range(i, r):
                        other = loading[j + 1] if j + 1 < r else 0.0
                        value = excess[i + 1, j + 1] + after * other - gain[i + 1] * gain[j + 1] * variance
                        excess[i, j] = value
                        excess[j, i] = value
                    trace += excess[i, i]
                is_steady = trace < STEADY
        else:
            is_steady = False
            total = excess[0, 0] + 1.0
            first = excess[0].copy()
            for j in range(r):
                first[j] += loading[j]
            for c in range(n_columns):
                head = state[c, 0]
                for i in range(r):
                    state[c, i] = lag[i] * head + state[c, i + 1]
            for i in range(r):
                after = loading[i + 1] if i + 1 < r else 0.0
                for j in range(i, r):
                    other = loading[j + 1] if j + 1 < r else 0.0
                    value = excess[i + 1, j + 1] + after * other + lag[i] * lag[j] * total
                    excess[i, j] = value + lag[i] * first[j + 1] + lag[j] * first[i + 1]
                    excess[j, i] = excess[i, j]
    return products, log_determinant, predictions, state[:, :r].copy()
