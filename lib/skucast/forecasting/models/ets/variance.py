"""The law of an additive exponential smoothing form: mean and spread of each step ahead, and of their sum."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled


@compiled
def forecast(
    n_periods: int,
    gap: int,
    season: int,
    theta: FloatArray,
    state: FloatArray,
    tangent: FloatArray,
    gram: FloatArray,
    n: int,
    mean: FloatArray,
    step: FloatArray,
    total: FloatArray,
) -> None:
    """Mean, and variances of each step and of the sum over steps 1 to h in units of the error variance.

    Each variance is that of the errors still to come, and of those since the last known value, plus that of the
    estimated initial states carried forward (exact for given smoothing parameters).

    Args:
        n_periods: periods of the history.
        gap: how many of them follow the last known value.
        season: places of the season, 1 for none.
        theta: alpha, beta/alpha, gamma/(1 - alpha), phi.
        state: level, growth and places of the season after the history, shape (2 + season,).
        tangent: its derivatives by the initial states, shape (2 + season, width).
        gram: products of the derivatives of the one-step means after ``eliminate``, shape (width, width).
        n: number of initial states.
        mean: filled, shape (horizon,).
        step: filled, shape (horizon,).
        total: filled, shape (horizon,).
    """
    column, columns, damped, phi = np.zeros(n), np.zeros(n), 0.0, 1.0
    for h in range(mean.size):
        phi *= theta[3]
        damped += phi
        place = 2 + (n_periods + h) % season
        mean[h] = state[0] + damped * state[1] + state[place]
        for j in range(n):
            column[j] = tangent[0, j] + damped * tangent[1, j] + tangent[place, j]
            columns[j] += column[j]
        step[h], total[h] = explained(gram, column), explained(gram, columns)
    add_errors(responses(theta, season, mean.size + gap), gap, step, total)


@compiled
def explained(gram: FloatArray, column: FloatArray) -> float:
    """Variance, in units of the error variance, of a combination of least squares estimates, after ``eliminate``."""
    left, total = column.copy(), 0.0
    for i in range(left.size):
        if gram[i, i] > 0.0:
            total += left[i] * left[i] / gram[i, i]
            for j in range(i + 1, left.size):
                left[j] -= gram[i, j] / gram[i, i] * left[i]
    return total


@compiled
def responses(theta: FloatArray, season: int, size: int) -> FloatArray:
    """What an error of 1 adds 0, 1, 2... steps later: 1, then alpha + beta (phi + ... + phi^j) + gamma [m divides j].

    Source: Hyndman, Koehler, Ord & Snyder (2008), table 6.1.
    """
    impulse, damped, phi = np.ones(size), 0.0, 1.0
    for lag in range(1, size):
        phi *= theta[3]
        damped += phi
        impulse[lag] = theta[0] * (1.0 + theta[1] * damped)
        if lag % season == 0:
            impulse[lag] += (1.0 - theta[0]) * theta[2]
    return impulse


@compiled
def add_errors(impulse: FloatArray, gap: int, step: FloatArray, total: FloatArray) -> None:
    """Add the variances of the errors of the steps ahead and of the ``gap`` periods before them.

    Of an error j steps before the end of the sum, its response over all of them is in the sum: C_j = 1 + c_1 + ... +
    c_j. Source: Hyndman, Koehler, Ord & Snyder (2008), section 6.6 (lead-time demand).
    """
    sums, squares, sum_of_squares = impulse.copy(), impulse * impulse, 0.0
    for j in range(1, impulse.size):
        sums[j] += sums[j - 1]
        squares[j] += squares[j - 1]
    for h in range(step.size):
        sum_of_squares += sums[h] * sums[h]
        step[h] += squares[h + gap]
        total[h] += sum_of_squares
        for age in range(gap):
            part = sums[h + 1 + age] - sums[age]
            total[h] += part * part
