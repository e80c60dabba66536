"""Maximum likelihood of a seasonal ARMA: bounded parameters, a grid of starts, trust-region Newton steps; compiled."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.compiled import compiled
from skucast.forecasting.models.sarima_filter import filtered
from skucast.forecasting.models.sarima_kernel import moments
from skucast.forecasting.panel import FloatArray, IntArray

DIFFERENCE = 1e-3
"""Step of the finite differences, in radians."""

FIRST_RADIUS, LARGEST_RADIUS, LAST_RADIUS = 0.5, 1.5, 1e-4
"""Trust region at the start, at most, and where the search gives up, in radians."""

SAME = 0.1
"""A search that comes closer than this in every angle to what an earlier one reached is left."""


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
def _stencil(x: FloatArray, has_derivatives: bool) -> FloatArray:  # noqa: FBT001 - compiled functions take no keywords
    """``x``, and the points whose values give gradient and Hessian there; shape (n_points, k)."""
    k = x.size
    count = 1 + 2 * k + k * (k - 1) // 2 if has_derivatives else 1
    points = np.empty((count, k))
    for row in range(count):
        for i in range(k):
            points[row, i] = x[i]
    row = 2 * k
    for i in range(k * has_derivatives):
        points[1 + i, i] += DIFFERENCE
        points[1 + k + i, i] -= DIFFERENCE
        for j in range(i):
            row += 1
            points[row, i] += DIFFERENCE
            points[row, j] += DIFFERENCE
    return points


@compiled
def _derivatives(values: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Gradient and Hessian from the values at the stencil."""
    gradient, hessian = np.zeros(k), np.zeros((k, k))
    row = 2 * k
    for i in range(k):
        up, down = values[1 + i], values[1 + k + i]
        gradient[i] = (up - down) / (2.0 * DIFFERENCE)
        hessian[i, i] = (up - 2.0 * values[0] + down) / DIFFERENCE**2
        for j in range(i):
            row += 1
            hessian[i, j] = (values[row] - up - values[1 + j] + values[0]) / DIFFERENCE**2
            hessian[j, i] = hessian[i, j]
    return gradient, hessian


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
def explored(  # noqa: C901, PLR0912, PLR0915 - one compiled likelihood
    starts: FloatArray, columns: FloatArray, orders: IntArray, n_known: int, n_steps: int, gain: float
) -> tuple[FloatArray, FloatArray]:
    """Points reached from each start by trust-region Newton steps, shape (n_starts, k), and their deviances.

    The deviance is minus the log-likelihood at the best σ² and regression, but for a constant; infinite if undefined.

    Args:
        starts: angles, shape (n_starts, k).
        columns: the series with NaN where unknown, and regressors if any, shape (n_columns, n).
        orders: (p, q, P, Q, m).
        n_known: known values of the series.
        n_steps: at most; 0 only takes the deviance at the starts.
        gain: of log-likelihood: a step that promises less is the last.

    Source: Nocedal & Wright (2006), Numerical Optimization, chapter 4, with all eigenvalues made positive.
    """
    n_starts, k = starts.shape
    reached, deviances = starts.copy(), np.full(n_starts, np.inf)
    has_gaps = n_known < columns.shape[1]
    values, vectors, gradient, step = np.zeros(k), np.zeros((k, k)), np.zeros(k), np.zeros(k)
    for row in range(n_starts):
        trial, radius, promised = starts[row].copy(), FIRST_RADIUS, np.inf
        is_last = n_steps == 0
        for _ in range(n_steps + 1):
            points = _stencil(trial, not is_last)
            found = np.empty(points.shape[0])
            for i in range(points.shape[0]):
                coefficients = coefficients_of(points[i], orders)
                if has_gaps:
                    products, log_determinant, _, _ = filtered(columns, coefficients, orders)
                else:
                    products, log_determinant = moments(columns, coefficients, orders)
                squared = products[0, 0]
                if columns.shape[0] > 1:
                    squared -= products[0, 1] ** 2 / products[1, 1]
                found[i] = 0.5 * (n_known * np.log(squared) + log_determinant) if squared > 0.0 else np.inf
                if not found[0] < deviances[row]:
                    break
            gained = deviances[row] - found[0]
            if gained > 0.0:
                deviances[row] = found[0]
                reached[row] = trial
                if is_last or _is_near(trial, reached, row):
                    break
                gradient, hessian = _derivatives(found, k)
                if not np.isfinite(hessian.sum()):
                    break
                values, vectors = _eigen(hessian)
            if gained < 0.25 * promised or np.isnan(gained):
                length = 0.0
                for i in range(k):
                    length += step[i] ** 2
                radius = 0.25 * min(radius, np.sqrt(length))
            elif gained > 0.75 * promised:
                radius = min(2.0 * radius, LARGEST_RADIUS)
            if is_last or radius < LAST_RADIUS or not np.isfinite(deviances[row]):
                break
            step, promised = _step(values, vectors, gradient, radius)
            is_last = promised < gain
            trial = reached[row] + step
    return reached, deviances
