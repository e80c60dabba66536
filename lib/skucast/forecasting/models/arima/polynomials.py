"""Polynomials of a seasonal ARMA process and what its unknown past adds to the first equations; compiled.

Throughout, ``orders`` is (p, q, P, Q, m) as int64 and ``coefficients`` is (φ, θ, Φ, Θ) in that order.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled


@compiled
def coefficients_of(angles: FloatArray, orders: IntArray) -> FloatArray:
    """(φ, θ, Φ, Θ) of a stationary and invertible model from as many angles; every angle gives one.

    Partial autocorrelations are sin(angle), so that the boundaries lie at finite angles.

    Source: Barndorff-Nielsen & Schou (1973), Journal of Multivariate Analysis 3, 408-419; Durbin-Levinson recursion.
    """
    coefficients, before = np.zeros(angles.size), np.zeros(angles.size)
    at = 0
    for block in range(4):
        count = orders[block]
        for k in range(count):
            partial = np.sin(angles[at + k])
            for j in range(k):
                before[j] = coefficients[at + j]
            for j in range(k):
                coefficients[at + j] = before[j] - partial * before[k - 1 - j]
            coefficients[at + k] = partial
        if block % 2 == 1:
            for k in range(count):
                coefficients[at + k] = -coefficients[at + k]
        at += count
    return coefficients


@compiled
def expanded(coefficients: FloatArray, orders: IntArray) -> tuple[FloatArray, FloatArray]:
    """Coefficients φ and θ of the multiplied-out polynomials, shapes (p + Pm,) and (q + Qm,), for lags 1, 2, ..."""
    p, q, seasonal_p, seasonal_q, m = orders
    phi, theta = np.zeros(p + seasonal_p * m), np.zeros(q + seasonal_q * m)
    for i in range(p):
        phi[i] = coefficients[i]
    for j in range(q):
        theta[j] = coefficients[p + j]
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
def _solve(matrix: FloatArray, vector: FloatArray) -> None:  # noqa: C901, PLR0912 - a kernel
    """Solve a small linear system in place, by elimination with row exchanges."""
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
def presample_covariance(phi: FloatArray, theta: FloatArray) -> FloatArray:  # noqa: C901, PLR0912 - a kernel
    """Covariance of what the unknown past adds to the first r = max(p, q) equations, in units of σ², shape (r, r).

    Equation t < max(p, q) lacks b_t = Σ_{i>t} φ_i z_{t-i} + Σ_{j>t} θ_j ε_{t-j}: the state of Harvey's form less its
    newest innovation. Its first row follows from the autocovariances, the rest from the transition.

    Source: Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 3.3; McLeod (1975).
    """
    p, q = phi.size, theta.size
    size = max(p, q)
    r = size + 1
    loading, lag = np.zeros(r + 1), np.zeros(r + 1)
    loading[0] = 1.0
    for k in range(q):
        loading[k + 1] = theta[k]
    for k in range(p):
        lag[k] = phi[k]
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
    _solve(matrix, gamma)
    first = np.zeros(r + 1)
    for j in range(r):
        first[j] = innovation[j]
        for i in range(j + 1, p + 1):
            first[j] += phi[i - 1] * gamma[i - j]
    covariance = np.zeros((size, size))
    for i in range(size - 1, -1, -1):
        for j in range(size - 1, i - 1, -1):
            value = loading[i + 1] * loading[j + 1]
            if j + 1 < size:
                value += covariance[i + 1, j + 1]
            value += lag[i] * lag[j] * first[0] + lag[i] * first[j + 1] + lag[j] * first[i + 1]
            covariance[i, j] = value
            covariance[j, i] = value
    return covariance
