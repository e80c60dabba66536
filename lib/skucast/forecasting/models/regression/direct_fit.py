"""The direct regression of one series on one scale, units or logarithms: forecast and law."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.regression.direct_kernel import (
    FEWEST_ROWS,
    GROWTHS,
    WORTH,
    cycles_back,
    moments,
    regressors,
    scales_of,
)
from skucast.forecasting.models.regression.ridge_kernel import filled, ridge
from skucast.forecasting.models.shared.impulse_response import LARGEST_GROWTH, LARGEST_LOG
from skucast.forecasting.models.shared.seasonal_effects import on_scale
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

FARTHEST = 4
"""Part of the history that a change may reach back over."""


@compiled
def carried(n_periods: int, steps: int, changes: IntArray, seasons: IntArray) -> tuple[IntArray, IntArray, int]:
    """Changes and seasons that a history carries, and the first period from which all of them are known."""
    n_changes, n_seasons, first = 0, 0, 0
    for lag in changes:
        n_changes += 1 if FARTHEST * lag <= n_periods else 0
    for season in seasons:
        n_seasons += 1 if 2 * season * cycles_back(steps, season) <= n_periods else 0
    if n_changes:
        first = changes[n_changes - 1]
    if n_seasons:
        for season in seasons[:n_seasons]:
            first = max(first, season * cycles_back(steps, season))
    return changes[:n_changes], seasons[:n_seasons], first


@compiled
def unit_of(values: FloatArray) -> float:
    """Standard deviation of the changes between neighbouring known periods; 0 without two of them."""
    total, squares, count = 0.0, 0.0, 0
    for t in range(1, values.size):
        if not (np.isnan(values[t]) or np.isnan(values[t - 1])):
            change = values[t] - values[t - 1]
            total += change
            squares += change * change
            count += 1
    return np.sqrt(max(squares - total * total / count, 0.0) / count) if count > 1 else 0.0


@compiled
def fit_scale(
    values: FloatArray,
    gap: int,
    is_log: int,
    changes: IntArray,
    every: IntArray,
    out: tuple[FloatArray, FloatArray, FloatArray],
    numbers: FloatArray,
) -> None:
    """Fit on one scale.

    Args:
        values: shape (n_periods,), known in the first and the last.
        gap: unknown periods after them, before step 1.
        is_log: 1 for logarithms, 0 for units.
        changes: lags, rising.
        every: periods of each season, rising.
        out: mean, and standard deviations of the steps and of their sums, each filled, shape (horizon,).
        numbers: filled with mean squared error in units over all steps, offset, sigma of the first step and
            number of regressors, shape (4,).
    """
    n, horizon = values.size, out[0].size
    own, offset, n_known, largest = on_scale(values, is_log)
    changes, seasons, first = carried(n, gap + horizon, changes, every)
    path, unit = filled(own), unit_of(own)
    numbers[:], numbers[1], numbers[3] = 0.0, offset, changes.size + GROWTHS * seasons.size
    if unit <= 1e-12 * np.abs(path).max() or n - first - gap - 1 < FEWEST_ROWS:
        steady(own, n_known, is_log, offset, out, numbers)
        return
    reached = regress(own, path, first, (changes, seasons), unit, (gap, is_log), out, numbers)
    if reached:
        bound(is_log, offset, largest, out)
    else:
        steady(own, n_known, is_log, offset, out, numbers)


@compiled
def steady(
    own: FloatArray, n_known: int, is_log: int, offset: float, out: tuple[FloatArray, FloatArray, FloatArray],
    numbers: FloatArray,
) -> None:  # fmt: skip
    """The mean of what is known at every step, where nothing can be regressed; its errors are independent."""
    total, squares = 0.0, 0.0
    for value in own:
        if not np.isnan(value):
            units = np.exp(value) - offset if is_log else value
            total += units
            squares += units * units
    mean = total / n_known
    variance = max(squares - n_known * mean * mean, 0.0) / max(n_known - 1, 1) if n_known > 1 else squares
    numbers[0], numbers[2] = variance, np.sqrt(variance)
    for h in range(out[0].size):
        out[0][h], out[1][h] = mean, np.sqrt(variance * (1.0 + 1.0 / n_known))
        out[2][h] = np.sqrt(variance * (h + 1) * (1.0 + (h + 1) / n_known))


@compiled
def regress(
    known: FloatArray, path: FloatArray, first: int, lags: tuple[IntArray, IntArray], unit: float, how: tuple[int, int],
    out: tuple[FloatArray, FloatArray, FloatArray], numbers: FloatArray,
) -> int:  # fmt: skip
    """Forecast step by step on the scale of the fit; spreads are those of the regressions' own errors and their sums.

    Args:
        known: values, NaN where unknown.
        path: the same without gaps.
        first: period from which all regressors are known.
        lags: of changes, and seasons.
        unit: standard deviation of a change.
        how: gap, and whether the scale is logarithms.
        out: filled, shape (horizon,).
        numbers: error in units and sigma are filled.

    Returns:
        Steps of the horizon that could be regressed.
    """
    (gap, is_log), k, reached, errors = how, lags[0].size + GROWTHS * lags[1].size, 0, np.zeros(3)
    gram, means, weights = np.empty((k + 1, k + 1)), np.empty(k + 1), np.empty(k)
    scale, row, summed = np.empty(k + 1), np.empty(k + 1), np.zeros(path.size)
    for place in range(out[0].size):
        h = gap + 1 + place
        scales_of(h, lags[0], lags[1].size, unit, scale)
        rows = moments(known, path, first, h, lags, scale, gram, means)
        if rows < FEWEST_ROWS:
            for farther in range(max(place, 1), out[0].size):
                carry(out, farther)
            break
        reached += 1
        _, freedom = ridge(gram, WORTH / rows, weights)
        means[k] *= rows / (rows + WORTH)
        left = max(rows - freedom - 1.0, 0.25 * rows)
        misses(known, path, (first, h, is_log), lags, scale, (weights, means), summed, errors)
        numbers[0] += errors[2] / left
        out[0][place] = path[-1] + ahead(path, path.size - 1, h, lags, scale, weights, means, row)
        out[1][place], out[2][place] = np.sqrt(errors[0] / left), np.sqrt(errors[1] / left)
        out[2][place] = max(out[2][place], out[2][place - 1]) if place else out[1][place]
    numbers[0], numbers[2] = numbers[0] / max(reached, 1), out[1][0]
    return reached


@compiled
def misses(
    known: FloatArray, path: FloatArray, how: tuple[int, int, int], lags: tuple[IntArray, IntArray], scale: FloatArray,
    fit: tuple[FloatArray, FloatArray], summed: FloatArray, errors: FloatArray,
) -> None:  # fmt: skip
    """Fill the sums of squared errors of a step, of the errors summed over steps so far, and of the step in units.

    Args:
        known: values, NaN where unknown.
        path: the same without gaps.
        how: first period with all regressors, step, and whether the scale is logarithms.
        lags: of changes, and seasons.
        scale: of the regressors and the target.
        fit: weights, and means of the regressors and the target.
        summed: errors of the steps before from each period on, added to, shape (n_periods,).
        errors: filled, shape (3,).
    """
    (first, h, is_log), row = how, np.empty(scale.size)
    errors[:] = 0.0
    for at in range(first, path.size - h):
        if np.isnan(known[at + h]) or np.isnan(known[at]):
            continue
        error = path[at + h] - path[at] - ahead(path, at, h, lags, scale, fit[0], fit[1], row)
        units = np.exp(path[at + h]) - np.exp(path[at + h] - error) if is_log else error
        summed[at] += error
        errors[0] += error * error
        errors[1] += summed[at] ** 2
        errors[2] += units * units


@compiled
def ahead(
    path: FloatArray,
    at: int,
    step: int,
    lags: tuple[IntArray, IntArray],
    scale: FloatArray,
    weights: FloatArray,
    means: FloatArray,
    row: FloatArray,
) -> float:
    """Expected change over the steps from a period on."""
    k = weights.size
    regressors(path, at, step, lags[0], lags[1], row)
    total: float = means[k]
    for i in range(k):
        total += weights[i] * (row[i] / scale[i] - means[i])
    change: float = total * scale[k]
    return change


@compiled
def carry(out: tuple[FloatArray, FloatArray, FloatArray], place: int) -> None:
    """A step farther than can be regressed is like the one before, and errs with it."""
    out[0][place], out[1][place] = out[0][place - 1], out[1][place - 1]
    out[2][place] = out[2][place - 1] + out[1][place]


@compiled
def bound(is_log: int, offset: float, largest: float, out: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    """Turn logarithms into units by the delta method, and keep forecasts within a few times the largest value."""
    limit, average = LARGEST_GROWTH * largest, 0.0
    for h in range(out[0].size):
        if is_log:
            effect = min(np.exp(min(out[0][h], LARGEST_LOG)), limit + offset)
            average += (effect - average) / (h + 1)
            out[0][h] = effect - offset
            out[1][h] *= effect
            out[2][h] *= average
            if h:
                out[2][h] = max(out[2][h], out[2][h - 1])
        out[0][h] = min(max(out[0][h], -limit), limit)
