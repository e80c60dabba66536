"""Exact Gaussian likelihood of a seasonal ARMA process without missing values, compiled.

The process is φ(B) Φ(Bᵐ) (z_t - μ) = θ(B) Θ(Bᵐ) ε_t, φ(B) = 1 - φ₁B - ..., θ(B) = 1 + θ₁B + ..., ε_t ~ N(0, σ²), and
starts in its stationary law. Everything is in units of σ²; σ² and μ are concentrated out by the callers.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.arima.polynomials import expanded, presample_covariance
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

NEGLIGIBLE = 1e-18
"""Impulse responses below this no longer change a sum of squares."""


@compiled
def _inner_product(a: FloatArray, a_start: int, b: FloatArray, b_start: int, count: int) -> float:
    """Σ a[a_start + t] b[b_start + t] in four interleaved sums, which a processor adds at the same time."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = count - count % 4
    for t in range(0, whole, 4):
        first += a[a_start + t] * b[b_start + t]
        second += a[a_start + t + 1] * b[b_start + t + 1]
        third += a[a_start + t + 2] * b[b_start + t + 2]
        fourth += a[a_start + t + 3] * b[b_start + t + 3]
    for t in range(whole, count):
        first += a[a_start + t] * b[b_start + t]
    return (first + second) + (third + fourth)


@compiled
def _residuals(values: FloatArray, coefficients: FloatArray, orders: IntArray) -> None:  # noqa: C901, PLR0912 - a kernel
    """Turn a series into its residuals in place, with zeros before the start."""
    n, at = values.size, 0
    for block in range(4):
        count = orders[block]
        step = 1 if block < 2 else orders[4]
        if count > 0 and block % 2 == 0:
            before = values.copy()
            for k in range(count):
                factor, back = coefficients[at + k], (k + 1) * step
                for t in range(n - back):
                    values[back + t] -= factor * before[t]
        elif count == 1 and step == 1:
            last, factor = 0.0, coefficients[at]
            for t in range(n):
                last = values[t] - factor * last
                values[t] = last
        elif count > 0:
            for t in range(step, n):
                total = values[t]
                for k in range(count - 1, -1, -1):
                    back = t - (k + 1) * step
                    if back >= 0:
                        total -= coefficients[at + k] * values[back]
                values[t] = total
        at += count


@compiled
def _impulse_response(coefficients: FloatArray, orders: IntArray, response: FloatArray) -> int:
    """Fill in the first terms of 1 / (θ(B) Θ(Bᵐ)) and return how many are not negligible."""
    p, q, seasonal_p, seasonal_q, m = orders
    n, quiet = response.size, 0
    response[0] = 1.0
    for t in range(1, n if q > 0 else 1):
        total = 0.0
        for k in range(min(q, t) - 1, -1, -1):
            total -= coefficients[p + k] * response[t - 1 - k]
        response[t] = total
        quiet = quiet + 1 if abs(total) < NEGLIGIBLE else 0
        if quiet > q:
            break
    for t in range(m, n if seasonal_q > 0 else m):
        total = response[t]
        for k in range(seasonal_q - 1, -1, -1):
            back = t - (k + 1) * m
            if back >= 0:
                total -= coefficients[p + q + seasonal_p + k] * response[back]
        response[t] = total
    length = n
    while abs(response[length - 1]) < NEGLIGIBLE:
        length -= 1
    return length


@compiled
def _shift_products(response: FloatArray, length: int, products: FloatArray) -> None:
    """Inner products of the first r shifts of a response within its n periods, into shape (r, r)."""
    n, r = response.size, products.shape[0]
    for j in range(r):
        products[0, j] = _inner_product(response, j, response, 0, min(length, n) - j)
    for i in range(1, r):
        for j in range(i, r):
            lost = response[n - i] * response[n - j] if n - i < length else 0.0
            products[i, j] = products[i - 1, j - 1] - lost
    for i in range(r):
        for j in range(i):
            products[i, j] = products[j, i]


@compiled
def _factorise(matrix: FloatArray) -> float:
    """Put the Cholesky factor into the lower triangle and return the log determinant; NaN where there is none."""
    log_determinant = 0.0
    for i in range(matrix.shape[0]):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = np.sqrt(total) if i == j else total / matrix[j, j]
        log_determinant += 2.0 * np.log(matrix[i, i])
    return log_determinant


@compiled
def _solve_forward(lower: FloatArray, vector: FloatArray) -> None:
    """Solve a lower triangular system in place."""
    for i in range(vector.size):
        total = vector[i]
        for k in range(i):
            total -= lower[i, k] * vector[k]
        vector[i] = total / lower[i, i]


@compiled
def _past_effect(root: FloatArray, covariance: FloatArray) -> FloatArray:  # noqa: C901 - a kernel
    """I + RᵀPR, lower triangle, shape (r, r)."""
    r = root.shape[0]
    half, result = np.zeros((r, r)), np.zeros((r, r))
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
                result[i, j] += weight * half[k, j]
    for i in range(r):
        result[i, i] += 1.0
    return result


@compiled
def moments(columns: FloatArray, coefficients: FloatArray, orders: IntArray) -> tuple[FloatArray, float]:  # noqa: C901, PLR0912 - a kernel
    """Products aᵀΣ⁻¹b of all columns and log|Σ|, without a filter; no missing values, more periods than max(p, q).

    With zero-start residuals e, H the first r shifts of the impulse response of 1/θ, M = HᵀH = RRᵀ, P the covariance of
    the missing past and u = R⁻¹Hᵀe: log|Σ| = log|I + RᵀPR| and eᵀΣ⁻¹e = eᵀe - uᵀu + uᵀ(I + RᵀPR)⁻¹u.

    Args:
        columns: the series, and regressors if any, shape (n_columns, n).
        coefficients: (φ, θ, Φ, Θ), shape (p + q + P + Q,).
        orders: (p, q, P, Q, m).

    Source: Box & Jenkins (1976), appendix A7.4; Ljung & Box (1979), Biometrika 66, 265-270.
    """
    n_columns, n = columns.shape
    errors = columns.copy()
    phi, theta = expanded(coefficients, orders)
    r = max(phi.size, theta.size)
    before = np.zeros((n_columns, r))
    response, root = np.zeros(n), np.zeros((r, r))
    length = 0
    log_determinant = 0.0
    if r > 0:
        length = _impulse_response(coefficients, orders, response)
        _shift_products(response, length, root)
    for c in range(n_columns):
        _residuals(errors[c], coefficients, orders)
        for i in range(r):
            before[c, i] = _inner_product(response, 0, errors[c], i, min(length, n - i))
    after = before
    if r > 0:
        _factorise(root)
        inner = _past_effect(root, presample_covariance(phi, theta))
        log_determinant = _factorise(inner)
        for c in range(n_columns):
            _solve_forward(root, before[c])
        after = before.copy()
        for c in range(n_columns):
            _solve_forward(inner, after[c])
    products = np.zeros((n_columns, n_columns))
    for a in range(n_columns):
        for b in range(a, n_columns):
            total = _inner_product(errors[a], 0, errors[b], 0, n)
            for i in range(r):
                total += after[a, i] * after[b, i] - before[a, i] * before[b, i]
            products[a, b] = total
            products[b, a] = total
    return products, log_determinant
