"""Maximum a posteriori of Prophet's model with multiplicative effects: Newton steps with the active set of the slopes.

The mean is g(1 + X_m β) + X_a β with the trend g linear in its own coefficients, so that it is linear in either of two
blocks and the second derivative of the residual sum of squares has one simple further term. Each step minimises the
second-order model, penalties included, and is damped until the objective falls. The posterior is not concave: what is
certified is a local maximum, and where it is known to have several the best of a few searches is taken.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.compiled import compiled
from skucast.forecasting.models.prophet_map import minimise, noise_variance, objective, violation
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray

STEPS = 200
"""Most Newton steps; 8 to 20 are usual."""

TOLERANCE = 1e-6
"""Largest violation of the conditions of a maximum at which the search ends; the objective is then exact to 1e-10."""

DAMPINGS = 30
"""Most attempts to make the objective fall in one step."""

ENTRIES = 4
"""Slopes that may become free in one step."""


@compiled
def predict(
    columns: FloatArray, is_factor: BoolArray, n_trend: int, theta: FloatArray
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    """Means g(1 + X_m β) + X_a β and factors 1 + X_m β of each series on the same columns.

    Args:
        columns: trend, effects, hinges, shape (n_rows, n).
        is_factor: which effects multiply, shape (n_effects,).
        n_trend: number of trend columns.
        theta: coefficients, shape (n_series, n).

    Returns:
        Two arrays of shape (n_series, n_rows).
    """
    shape = (theta.shape[0], columns.shape[0])
    mean, factor = np.zeros(shape), np.ones(shape)
    effects_end = n_trend + is_factor.size
    for row in range(shape[0]):
        for t in range(shape[1]):
            trend, added = 0.0, 0.0
            for i in range(columns.shape[1]):
                part = columns[t, i] * theta[row, i]
                if i < n_trend or i >= effects_end:
                    trend += part
                elif is_factor[i - n_trend]:
                    factor[row, t] += part
                else:
                    added += part
            mean[row, t] = trend * factor[row, t] + added
    return mean, factor


@compiled
def evaluate(
    lines: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    x: FloatArray,
    y: FloatArray,
    trend: FloatArray,
    factor: FloatArray,
    rest: FloatArray,
) -> float:  # pragma: no cover - compiled
    """Trend g, factor 1 + X_m β and residuals of the known periods, each (n_rows,), in place; sum of squares."""
    trend[:] = 0.0
    factor[:] = 1.0
    rest[:] = y
    for i in range(x.size):
        if x[i] != 0.0:
            is_trend = i < n_trend or i >= n_trend + is_factor.size
            if is_trend:
                trend += x[i] * lines[i]
            elif is_factor[i - n_trend]:
                factor += x[i] * lines[i]
            else:
                rest -= x[i] * lines[i]
    squares = 0.0
    for t in range(y.size):
        rest[t] -= trend[t] * factor[t]
        squares += rest[t] * rest[t]
    return squares


@compiled
def slopes(
    lines: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    trend: FloatArray,
    factor: FloatArray,
    rest: FloatArray,
    slope: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Derivativeᵀ residuals, shape (n,), in place."""
    slope[:] = np.dot(lines, factor * rest)
    effects = lines[n_trend : n_trend + is_factor.size]
    of_factor, of_sum = np.dot(effects, trend * rest), np.dot(effects, rest)
    for i in range(is_factor.size):
        slope[n_trend + i] = of_factor[i] if is_factor[i] else of_sum[i]


@compiled
def curvature(  # noqa: C901, PLR0912
    lines: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    chosen: IntArray,
    n: int,
    trend: FloatArray,
    factor: FloatArray,
    rest: FloatArray,
    derivative: FloatArray,
    gram: FloatArray,
    size: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Half the second derivative of the residual sum of squares for the first ``n`` of ``chosen``, in place.

    ``size`` becomes the diagonal of its part without residuals, the scale of the damping.
    """
    effects_end = n_trend + is_factor.size
    effects = lines[n_trend:effects_end]
    for c in range(n):
        i = chosen[c]
        if i < n_trend or i >= effects_end:
            derivative[c] = factor * lines[i]
        elif is_factor[i - n_trend]:
            derivative[c] = trend * lines[i]
        else:
            derivative[c] = lines[i]
    gram[:n, :n] = np.dot(derivative[:n], derivative[:n].T)
    for c in range(n):
        size[c] = gram[c, c]
    for c in range(n):
        if chosen[c] < n_trend or chosen[c] >= effects_end:
            cross = np.dot(effects, rest * lines[chosen[c]])
            for i in range(is_factor.size):
                if is_factor[i]:
                    gram[c, n_trend + i] -= cross[i]
                    gram[n_trend + i, c] -= cross[i]


@compiled
def fit_product(  # noqa: C901, PLR0912, PLR0915 - one kernel, where a call per step would cost speed
    lines: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    precision: FloatArray,
    rate: float,
    n_ridge: int,
    n_starts: int,
    demand: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    """Fit the rows of ``demand``, one after the other, on the same columns.

    Args:
        lines: trend, effects, then one hinge per changepoint, one line each, shape (n, n_rows).
        is_factor: which effects multiply the trend, shape (n_ridge − n_trend,).
        n_trend: number of trend columns.
        precision: 1/sd² of the normal priors, 0 for the slope changes, shape (n,).
        rate: 1/τ of the Laplace prior. [1/τ]
        n_ridge: number of columns with normal priors.
        n_starts: of the search; the best end counts. First the mean as the trend, then the line through the first and
            last value, then one that rises from 0.
        demand: shares of each row's largest value, shape (n_series, n_rows).

    Returns:
        Coefficients, shape (n_series, n); and noise, objective and largest violation, shape (n_series, 3).

    Source: Levenberg-Marquardt damping as in Moré (1978), Lecture Notes in Mathematics 630, 105-116.
    """
    n, n_rows = lines.shape
    theta, summary = np.zeros((demand.shape[0], n)), np.zeros((demand.shape[0], 3))
    trend, factor, rest, derivative = np.zeros(n_rows), np.zeros(n_rows), np.zeros(n_rows), np.zeros((n, n_rows))
    gram, lower, slope, linear, size = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n), np.zeros(n), np.zeros(n)
    ridge, work, sign, near, trial = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    chosen, free = np.arange(n), np.arange(n)
    x = np.zeros(n)
    for attempt in range(n_starts * demand.shape[0]):
        row, start = attempt // n_starts, attempt % n_starts
        y = demand[row]
        x[:] = 0.0
        x[n_trend - 1] = y.mean() if start == 0 else y[0] if start == 1 else 0.0
        if start > 0:
            x[0] = y[-1] - y[0] if start == 1 else 2.0 * y.mean()
        squares = evaluate(lines, is_factor, n_trend, x, y, trend, factor, rest)
        v, damping = 1.0, 0.0
        for turn in range(STEPS):
            slopes(lines, is_factor, n_trend, trend, factor, rest, slope)
            if turn > 1 and violation(slope, v, precision, rate, n_ridge, x) <= TOLERANCE:
                break
            width = _working_set(slope, v * rate, n_ridge, x, chosen)
            curvature(lines, is_factor, n_trend, chosen, width, trend, factor, rest, derivative, gram, size)
            before, fell = objective(squares, v, n_rows, precision, rate, n_ridge, x), False
            for _ in range(DAMPINGS):
                n_free = n_ridge
                for i in range(width):
                    near[i], sign[i] = x[chosen[i]], np.sign(x[chosen[i]]) if i >= n_ridge else 0.0
                    ridge[i] = v * precision[chosen[i]] + damping * size[i]
                    free[i] = i if i < n_ridge else free[i]
                    if sign[i] != 0.0:
                        free[n_free] = i
                        n_free += 1
                for i in range(width):
                    linear[i] = slope[chosen[i]] + damping * size[i] * near[i]
                    for j in range(width):
                        linear[i] += gram[i, j] * near[j]
                n_free = minimise(gram, linear, ridge, v * rate, n_ridge, width, near, sign, free, n_free, lower, work)
                trial[:] = x
                for i in range(width):
                    trial[chosen[i]] = near[i]
                later = evaluate(lines, is_factor, n_trend, trial, y, trend, factor, rest)
                fell = objective(later, v, n_rows, precision, rate, n_ridge, trial) <= before + 1e-13 * n_rows
                fell &= n_free > 0
                for i in range(abs(n_free)):
                    fell &= lower[i, i] < np.inf
                if fell:
                    break
                damping = max(10.0 * damping, 1e-3)
            if not fell:
                squares = evaluate(lines, is_factor, n_trend, x, y, trend, factor, rest)
                break
            x[:], squares = trial, later
            damping = 0.1 * damping if damping > 1e-6 else 0.0
            v = noise_variance(squares, n_rows)
        least = objective(squares, v, n_rows, precision, rate, n_ridge, x)
        if start > 0 and least >= summary[row, 1]:
            continue
        slopes(lines, is_factor, n_trend, trend, factor, rest, slope)
        theta[row] = x
        summary[row, 0], summary[row, 1] = np.sqrt(v), least
        summary[row, 2] = violation(slope, v, precision, rate, n_ridge, x)
    return theta, summary


@compiled
def _working_set(
    slope: FloatArray, threshold: float, n_ridge: int, x: FloatArray, chosen: IntArray
) -> int:  # pragma: no cover - compiled
    """Ridge variables, slopes in use and the few that violate their bound most go to ``chosen``; their number."""
    width, excess = n_ridge, np.zeros(x.size)
    for i in range(n_ridge):
        chosen[i] = i
    for j in range(n_ridge, x.size):
        excess[j] = abs(slope[j]) - threshold
        if x[j] != 0.0:
            chosen[width] = j
            excess[j] = 0.0
            width += 1
    for _ in range(ENTRIES):
        j = int(np.argmax(excess))
        if excess[j] <= 0.0:
            break
        chosen[width] = j
        excess[j] = 0.0
        width += 1
    return width
