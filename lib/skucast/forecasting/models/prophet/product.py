"""Maximum a posteriori of Prophet's model with multiplicative effects: Newton steps with the active set of the slopes.

The mean is g(1 + X_m β) + X_a β with the trend g linear in its own coefficients. Each step minimises the second-order
model of the negative log posterior, with the noise at its best value and the penalties included, and is damped until
the objective falls. The posterior is not concave: what is certified is a local maximum. Where factors can be a constant
a second search begins with larger factors and a flatter trend, for which changes of slope cost less, and the better
end counts. Searches run on sums over segments; the last steps and the certificate use the residuals themselves.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.prophet.map import minimise, noise_variance, objective, violation
from skucast.forecasting.models.prophet.product_sums import (
    column_sums,
    curvature,
    demand_sums,
    evaluate,
    residuals,
    segments,
)
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

STEPS = 200
"""Most Newton steps; 5 to 15 are usual."""

TOLERANCE = 1e-6
"""Largest violation of the conditions of a maximum at which the search ends; the objective is then exact to 1e-10."""

GAIN = 1e-8
"""Fall of the objective in an undamped step from which on the residuals themselves are used."""

FIRST_GAIN = 1e-3
"""The same where a second search follows."""

DAMPINGS = 30
"""Most attempts to make the objective fall in one step."""

LARGE_FACTOR = 12.0
"""Mean factor with which the second search begins; of 6 to 40 it found the best maxima on real daily series."""

LEAST_RESCALING = 0.02
"""Smallest change of the factors' scale, as a share, that is worth an evaluation."""


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


def fit_product(
    lines: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    precision: FloatArray,
    rate: float,
    n_ridge: int,
    n_starts: int,
    demand: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Fit the rows of ``demand``, one after the other, on the same columns.

    Args:
        lines: trend, effects, then one hinge per changepoint, one line each, shape (n, n_rows).
        is_factor: which effects multiply the trend, shape (n_ridge − n_trend,).
        n_trend: number of trend columns.
        precision: 1/sd² of the normal priors, 0 for the slope changes, shape (n,).
        rate: 1/τ of the Laplace prior. [1/τ]
        n_ridge: number of columns with normal priors.
        n_starts: more than 1 where factors can be a constant, for a second search with larger factors.
        demand: shares of each row's largest value, shape (n_series, n_rows).

    Returns:
        Coefficients, shape (n_series, n); and noise, objective and largest violation, shape (n_series, 3).
    """
    begins = segments(lines, n_ridge)
    pairs, parts, rows = column_sums(lines, n_trend, n_ridge, begins)
    unit = np.zeros(0)
    if n_starts > 1:
        gram = pairs[:, :, 0].sum(axis=-1)
        unit = np.zeros(is_factor.size)
        unit[is_factor] = np.linalg.lstsq(gram[1:, 1:][is_factor][:, is_factor], gram[1:, 0][is_factor], rcond=1e-9)[0]
    return _fit(lines, begins, pairs, parts, rows, is_factor, n_trend, precision, rate, n_ridge, unit, demand)


@compiled
def _fit(  # noqa: C901, PLR0912, PLR0915 - one kernel, where a call per step would cost speed
    lines: FloatArray,
    begins: IntArray,
    pairs: FloatArray,
    parts: FloatArray,
    rows: FloatArray,
    is_factor: BoolArray,
    n_trend: int,
    precision: FloatArray,
    rate: float,
    n_ridge: int,
    unit: FloatArray,
    demand: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover - compiled
    """``fit_product`` with the sums of the columns; ``unit`` holds the factors' coefficients of a constant 1, or none.

    The first step has the noise 1, as in Stan, and so a smooth trend. The noise then has its best value v, whose
    derivative takes 2v/(8v + T) ppᵀ from the second derivative at a maximum, p the derivative of the penalties.

    Source: Levenberg-Marquardt damping as in Moré (1978), Lecture Notes in Mathematics 630, 105-116.
    """
    n, n_rows, k, n_segments = lines.shape[0], lines.shape[1], pairs.shape[0], pairs.shape[3]
    theta, summary = np.zeros((demand.shape[0], n)), np.zeros((demand.shape[0], 3))
    wanted, line = np.zeros((k, 2, n_segments)), np.zeros((2, n_segments))
    flow, left = np.zeros((k, 3, n_segments)), np.zeros((k, 2, n_segments))
    gram, lower, slope, linear, size = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n), np.zeros(n), np.zeros(n)
    ridge, work, sign, near, trial = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    chosen, free, x, whole = np.arange(n), np.arange(n), np.zeros(n), 0.0
    for attempt in range(3 * demand.shape[0]):
        row, is_first, is_exact = attempt // 3, attempt % 3 == 0, attempt % 3 == 2
        y = demand[row]
        if is_first:
            whole = demand_sums(rows, begins, y, wanted)
            x[:] = 0.0
            x[n_trend - 1] = y.mean()
        elif is_exact:
            x[:] = theta[row]
        elif unit.size == 0:
            continue
        else:
            total = 0.0
            for t in range(n_rows):
                for i in range(is_factor.size):
                    total += rows[t, i + 1] * x[n_trend + i] if is_factor[i] else 0.0
            _rescale(x, LARGE_FACTOR / (1.0 + total / n_rows), is_factor, n_trend, unit, slope, flow, line)
        gain = FIRST_GAIN if is_first and unit.size > 0 else GAIN
        damping = 0.0
        squares = evaluate(pairs, parts, is_factor, n_trend, wanted, whole, x, flow, left, line, slope)
        if is_exact:
            squares = residuals(lines, is_factor, n_trend, x, y, slope)
        v = 1.0 if is_first else noise_variance(squares, n_rows)
        least = objective(squares, v, n_rows, precision, rate, n_ridge, x)
        worst = violation(slope, v, precision, rate, n_ridge, x)
        for turn in range(STEPS):
            is_best = turn > 0 or not is_first
            if is_best and worst <= TOLERANCE:
                break
            width = _working_set(slope, v * rate, n_ridge, x, chosen)
            curvature(pairs, parts, is_factor, n_trend, chosen, width, x, flow, left, line, gram, size)
            if is_best:
                for i in range(width):
                    work[i] = precision[i] * x[i] if i < n_ridge else rate * np.sign(x[chosen[i]])
                for i in range(width):
                    for j in range(width):
                        gram[i, j] -= 2.0 * v / (8.0 * v + n_rows) * work[i] * work[j]
            fell, later, u = False, squares, v
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
                fell = n_free > 0
                for i in range(abs(n_free)):
                    fell &= lower[i, i] < np.inf
                if fell:
                    trial[:] = x
                    for i in range(width):
                        trial[chosen[i]] = near[i]
                    later = evaluate(pairs, parts, is_factor, n_trend, wanted, whole, trial, flow, left, line, work)
                    if is_exact:
                        later = residuals(lines, is_factor, n_trend, trial, y, work)
                    u = noise_variance(later, n_rows) if is_best else v
                    fell = objective(later, u, n_rows, precision, rate, n_ridge, trial) <= least + 1e-13 * n_rows
                if fell:
                    break
                damping = max(10.0 * damping, 1e-3)
            if not fell:
                break
            x[:] = trial
            slope[:] = work
            squares = later
            if unit.size > 0 and not is_exact:
                by = _best_scale(x, precision, rate, is_factor, n_trend, unit)
                if abs(by - 1.0) > LEAST_RESCALING:
                    _rescale(x, by, is_factor, n_trend, unit, slope, flow, line)
            v, before = noise_variance(squares, n_rows), least
            least = objective(squares, v, n_rows, precision, rate, n_ridge, x)
            worst = violation(slope, v, precision, rate, n_ridge, x)
            if is_best and not is_exact and damping == 0.0 and before - least < gain:
                break
            damping = 0.1 * damping if damping > 1e-6 else 0.0
        if is_first or is_exact or least < summary[row, 1]:
            theta[row] = x
            summary[row, 0], summary[row, 1], summary[row, 2] = np.sqrt(v), least, worst
    return theta, summary


@compiled
def _best_scale(
    x: FloatArray, precision: FloatArray, rate: float, is_factor: BoolArray, n_trend: int, unit: FloatArray
) -> float:  # pragma: no cover - compiled
    """The c > 0 with the least penalty of factors c(1 + X_m β) on the trend g/c; the penalty is convex in c."""
    bend, pull, trend, change = 0.0, 0.0, 0.0, 0.0
    for i in range(x.size):
        if i < n_trend:
            trend += precision[i] * x[i] * x[i]
        elif i >= n_trend + is_factor.size:
            change += rate * abs(x[i])
        elif is_factor[i - n_trend]:
            b, w = x[i] + unit[i - n_trend], precision[i]
            bend += w * b * b
            pull += w * b * unit[i - n_trend]
    c = 1.0
    for _ in range(30):
        steepness = bend * c - pull - trend / c**3 - change / c**2
        step = steepness / (bend + 3.0 * trend / c**4 + 2.0 * change / c**3)
        later = min(max(c - step, 0.5 * c), 2.0 * c)
        if not abs(later - c) > 1e-3 * c:
            break
        c = later
    return c


@compiled
def _rescale(
    x: FloatArray,
    by: float,
    is_factor: BoolArray,
    n_trend: int,
    unit: FloatArray,
    slope: FloatArray,
    flow: FloatArray,
    line: FloatArray,
) -> None:  # pragma: no cover - compiled
    """Factors times ``by`` on the trend divided by it, and what follows from either, in place: the same means."""
    for i in range(x.size):
        if i < n_trend or i >= n_trend + is_factor.size:
            x[i] /= by
            slope[i] *= by
        elif is_factor[i - n_trend]:
            x[i] = by * x[i] + (by - 1.0) * unit[i - n_trend]
            slope[i] /= by
    for s in range(line.shape[1]):
        line[0, s] /= by
        line[1, s] /= by
        for j in range(flow.shape[0]):
            for p in range(3):
                flow[j, p, s] *= by


@compiled
def _working_set(
    slope: FloatArray, threshold: float, n_ridge: int, x: FloatArray, chosen: IntArray
) -> int:  # pragma: no cover - compiled
    """Ridge variables, slopes in use and those that violate their bound go to ``chosen``; their number."""
    width = n_ridge
    for i in range(n_ridge):
        chosen[i] = i
    for j in range(n_ridge, x.size):
        if x[j] != 0.0 or abs(slope[j]) > threshold:
            chosen[width] = j
            width += 1
    return width
