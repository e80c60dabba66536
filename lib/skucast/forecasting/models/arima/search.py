"""Maximum likelihood of a seasonal ARMA: bounded parameters, a grid of starts, trust-region Newton steps; compiled."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.arima.lanes import LANES, deviances
from skucast.forecasting.models.arima.likelihood_kernel import moments
from skucast.forecasting.models.arima.polynomials import coefficients_of
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

DIFFERENCE = 1e-3
"""Step of the finite differences, in radians."""

FIRST_RADIUS, LARGEST_RADIUS, LAST_RADIUS = 0.5, 1.5, 1e-4
"""Trust region at the start, at most, and where the search gives up, in radians."""

SAME = 0.1
"""A search that comes closer than this in every angle to what an earlier one reached is left."""


@compiled
def _stencil(x: FloatArray) -> FloatArray:
    """``x``, and the points whose values give gradient and Hessian there; shape (n_points, k)."""
    k = x.size
    points = np.empty((1 + 2 * k + k * (k - 1) // 2, k))
    for row in range(points.shape[0]):
        for i in range(k):
            points[row, i] = x[i]
    row = 2 * k
    for i in range(k):
        points[1 + i, i] += DIFFERENCE
        points[1 + k + i, i] -= DIFFERENCE
        for j in range(i):
            row += 1
            points[row, i] += DIFFERENCE
            points[row, j] += DIFFERENCE
    return points


@compiled
def _derivatives(found: FloatArray, gradient: FloatArray, hessian: FloatArray) -> None:
    """Fill gradient and Hessian from the values at the stencil."""
    k = gradient.size
    row = 2 * k
    for i in range(k):
        up, down = found[1 + i], found[1 + k + i]
        gradient[i] = (up - down) / (2.0 * DIFFERENCE)
        hessian[i, i] = (up - 2.0 * found[0] + down) / DIFFERENCE**2
        for j in range(i):
            row += 1
            hessian[i, j] = (found[row] - up - found[1 + j] + found[0]) / DIFFERENCE**2
            hessian[j, i] = hessian[i, j]


@compiled
def _eigen(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:  # noqa: C901, PLR0912 - a kernel
    """Eigenvalues and eigenvectors (columns) of a small symmetric matrix, by Jacobi rotations."""
    k = matrix.shape[0]
    a, vectors = matrix.copy(), np.eye(k)
    size = 0.0
    for i in range(k):
        size += abs(a[i, i])
    for _ in range(12):
        off = 0.0
        for i in range(k):
            for j in range(i):
                off += abs(a[i, j])
        if off <= 1e-13 * size:
            break
        for i in range(k):
            for j in range(i):
                if a[i, j] == 0.0:
                    continue
                ratio = (a[j, j] - a[i, i]) / (2.0 * a[i, j])
                tangent = (1.0 if ratio >= 0 else -1.0) / (abs(ratio) + np.sqrt(ratio**2 + 1.0))
                cosine = 1.0 / np.sqrt(tangent**2 + 1.0)
                sine = tangent * cosine
                for m in range(k):
                    x, y = a[m, i], a[m, j]
                    a[m, i], a[m, j] = cosine * x - sine * y, sine * x + cosine * y
                for m in range(k):
                    x, y = a[i, m], a[j, m]
                    a[i, m], a[j, m] = cosine * x - sine * y, sine * x + cosine * y
                for m in range(k):
                    x, y = vectors[m, i], vectors[m, j]
                    vectors[m, i], vectors[m, j] = cosine * x - sine * y, sine * x + cosine * y
    values = np.empty(k)
    for i in range(k):
        values[i] = a[i, i]
    return values, vectors


@compiled
def _step(values: FloatArray, vectors: FloatArray, gradient: FloatArray, radius: float) -> tuple[FloatArray, float]:
    """Newton step with the Hessian's eigenvalues made positive, within the radius, and the gain it promises."""
    k = gradient.size
    slope, step = np.zeros(k), np.zeros(k)
    steepness, largest, smallest = 0.0, 0.0, np.inf
    for i in range(k):
        for j in range(k):
            slope[i] += vectors[j, i] * gradient[j]
        steepness += slope[i] ** 2
        largest, smallest = max(largest, abs(values[i])), min(smallest, abs(values[i]))
    floor, damping, promised = 1e-6 * (largest + 1e-6), 0.0, 0.0
    for _ in range(60):
        length, promised = 0.0, 0.0
        for i in range(k):
            curvature = max(abs(values[i]), floor)
            along = slope[i] / (curvature + damping)
            length += along**2
            promised += slope[i] * along - 0.5 * curvature * along**2
        if length <= radius**2:
            break
        damping = max(1.7 * damping, 0.2 * (np.sqrt(steepness) / radius - smallest), 1e-3 * np.sqrt(steepness) / radius)
    for j in range(k):
        along = -slope[j] / (max(abs(values[j]), floor) + damping)
        for i in range(k):
            step[i] += vectors[i, j] * along
    return step, promised


@compiled
def _is_near(x: FloatArray, reached: FloatArray, n_rows: int) -> bool:
    """Whether one of the first rows lies closer than ``SAME``."""
    for row in range(n_rows):
        apart = 0.0
        for i in range(x.size):
            apart = max(apart, abs(x[i] - reached[row, i]))
        if apart < SAME:
            return True
    return False


@compiled
def scored(points: FloatArray, columns: FloatArray, orders: IntArray, n_known: int, found: FloatArray) -> None:
    """Fill the deviances of many points: where there are gaps by a filter of many at once, else without a filter."""
    if n_known < columns.shape[1]:
        deviances(points, columns, orders, n_known, found)
        return
    for row in range(points.shape[0]):
        products, log_determinant = moments(columns, coefficients_of(points[row], orders), orders)
        squared = products[0, 0]
        if columns.shape[0] > 1:
            squared -= products[0, 1] ** 2 / products[1, 1]
        found[row] = 0.5 * (n_known * np.log(squared) + log_determinant) if squared > 0.0 else np.inf


@compiled
def explored(
    starts: FloatArray, columns: FloatArray, orders: IntArray, n_known: int, n_steps: int, gain: float
) -> tuple[FloatArray, FloatArray]:
    """Points reached from each start by trust-region Newton steps, shape (n_starts, k), and their deviances.

    Args:
        starts: angles, shape (n_starts, k).
        columns: the series with NaN where unknown, and a regressor if any, shape (n_columns, n).
        orders: (p, q, P, Q, m).
        n_known: known values of the series.
        n_steps: at most, 1 or more.
        gain: of log-likelihood: a step that promises less is the last.

    Source: Nocedal & Wright (2006), Numerical Optimization, chapter 4, with all eigenvalues made positive.
    """
    n_starts, k = starts.shape
    reached, lowest = starts.copy(), np.full(n_starts, np.inf)
    values, vectors, gradient, step, hessian = np.zeros(k), np.zeros((k, k)), np.zeros(k), np.zeros(k), np.zeros((k, k))
    found = np.empty(1 + 2 * k + k * (k - 1) // 2)
    at_once = min(LANES, found.size) if n_known < columns.shape[1] else 1
    for row in range(n_starts):
        trial, radius, promised, is_last = starts[row].copy(), FIRST_RADIUS, np.inf, False
        for _ in range(n_steps + 1):
            points = _stencil(trial)
            n_first = 1 if is_last else at_once
            scored(points[:n_first], columns, orders, n_known, found[:n_first])
            gained = lowest[row] - found[0]
            if gained > 0.0:
                lowest[row] = found[0]
                reached[row] = trial
                if is_last or _is_near(trial, reached, row):
                    break
                scored(points[n_first:], columns, orders, n_known, found[n_first:])
                _derivatives(found, gradient, hessian)
                if not np.isfinite(hessian.sum()):
                    break
                values, vectors = _eigen(hessian)
            radius = _new_radius(radius, gained, promised, step)
            if is_last or radius < LAST_RADIUS or not np.isfinite(lowest[row]):
                break
            step, promised = _step(values, vectors, gradient, radius)
            is_last = promised < gain
            trial = reached[row] + step
    return reached, lowest


@compiled
def _new_radius(radius: float, gained: float, promised: float, step: FloatArray) -> float:
    """Of the trust region after a step that promised a gain; a step to an undefined point gained NaN."""
    if gained < 0.25 * promised or np.isnan(gained):
        return 0.25 * min(radius, float(np.sqrt(np.sum(step**2))))
    return min(2.0 * radius, LARGEST_RADIUS) if gained > 0.75 * promised else radius
