"""One series of smoothing with several seasons: the recursion, the search for its constants, the responses."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.shared.impulse_response import finish, law
from skucast.forecasting.models.shared.seasonal_effects import on_scale, remove_seasons, season_at
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

FEW = 4
"""Known values below which nothing is searched and the spread is drawn to the level."""

FEW_ALPHA = 0.1
"""Smoothing constant of the level where nothing is searched."""

LARGEST_RHO = 0.98
"""Bound of the autocorrelation of errors, in size."""

FIRST_STEP, LAST_STEP = 0.15, 0.004
"""Steps of the search, from the first halved to the last."""

MAX_ROUNDS = 60
"""Of the search, each trying a step up and down of every constant."""

ENOUGH = 1e-3
"""Share of the squared errors that a round must save for the step to stay as long."""


@compiled
def smooth(
    values: FloatArray, seasons: IntArray, theta: FloatArray, state: FloatArray, places: FloatArray, fitted: FloatArray
) -> float:
    """Run the model over the data, from and to the states given; returns the sum of squared one-step errors.

    y_t = l + s_1 + ... + s_k + rho u + e;  l <- l + alpha e;  s_i <- s_i + gamma_i e;  u <- rho u + e. Where y is
    unknown the states move on with e = 0. Source: Taylor (2003), "Short-term electricity demand forecasting using
    double seasonal exponential smoothing", without trend, in the innovations form of De Livera et al. (2011).

    Args:
        values: shape (n_periods,), NaN where unknown.
        seasons: periods of each season, shape (n_seasons,).
        theta: alpha, rho and the gamma of each season, shape (2 + n_seasons,).
        state: level and u, shape (2,).
        places: of each season, shape (n_seasons, longest or more).
        fitted: filled with the one-step means, shape (n_periods,).
    """
    alpha, rho, sse, level, own = theta[0], theta[1], 0.0, state[0], state[1]
    place = np.zeros(seasons.size, np.int64)
    for t in range(values.size):
        mean = level + rho * own
        for i in range(seasons.size):
            mean += places[i, place[i]]
        fitted[t] = mean
        error = 0.0 if np.isnan(values[t]) else values[t] - mean
        sse += error * error
        level += alpha * error
        own = rho * own + error
        for i in range(seasons.size):
            places[i, place[i]] += theta[2 + i] * error
            place[i] = place[i] + 1 if place[i] + 1 < seasons[i] else 0
    state[0], state[1] = level, own
    return sse


@compiled
def tried(values: FloatArray, seasons: IntArray, theta: FloatArray, start: FloatArray, profile: FloatArray) -> float:
    """Sum of squared errors for constants inside their bounds, infinity outside."""
    if theta[0] < 0.0 or abs(theta[1]) > LARGEST_RHO or theta.sum() - theta[1] > 1.0:
        return np.inf
    for gamma in theta[2:]:
        if gamma < 0.0:
            return np.inf
    sse: float = smooth(values, seasons, theta, start.copy(), profile.copy(), np.empty(values.size))
    return sse


@compiled
def begin(values: FloatArray, seasons: IntArray, theta: FloatArray, start: FloatArray, profile: FloatArray) -> None:
    """Fill the constants with the best of a few."""
    best, trial = np.inf, np.empty(theta.size)
    for alpha in (0.02, 0.2, 0.6):
        for rho in (0.0, 0.7):
            for gamma in (0.02, 0.15):
                trial[0], trial[1], trial[2:] = alpha, rho, gamma
                sse = tried(values, seasons, trial, start, profile)
                if sse < best:
                    best = sse
                    theta[:] = trial


@compiled
def first_level(values: FloatArray, season: int) -> float:
    """Mean of the known values of the first season."""
    total, count = 0.0, 0
    for value in values[:season]:
        if not np.isnan(value):
            total += value
            count += 1
    return total / count


@compiled
def error_in_units(values: FloatArray, fitted: FloatArray, is_log: int, offset: float) -> float:
    """Sum of squared one-step errors in units."""
    sse = 0.0
    for t in range(values.size):
        if not np.isnan(values[t]):
            mean = np.exp(fitted[t]) - offset if is_log else fitted[t]
            sse += (values[t] - mean) ** 2
    return sse


@compiled
def search(values: FloatArray, seasons: IntArray, theta: FloatArray, start: FloatArray, profile: FloatArray) -> None:
    """Improve the constants in place: one after the other by a step, halved when none helps (compass search)."""
    step, best = FIRST_STEP, tried(values, seasons, theta, start, profile)
    for _ in range(MAX_ROUNDS):
        if step <= LAST_STEP:
            break
        before = best
        for i in range(theta.size):
            for side in (-1.0, 1.0):
                kept = theta[i]
                theta[i] = kept + side * step
                sse = tried(values, seasons, theta, start, profile)
                if sse < best:
                    best = sse
                    break
                theta[i] = kept
        step = step / 2.0 if best >= (1.0 - ENOUGH) * before else step


@compiled
def respond(seasons: IntArray, theta: FloatArray, response: FloatArray) -> None:
    """Fill the effect of an error of 1 after 0, 1, ... periods: c_j = alpha + rho^j + gammas of the seasons in j."""
    fading = 1.0
    for j in range(response.size):
        fading *= theta[1] if j else 1.0
        response[j] = fading + (theta[0] if j else 0.0)
        for i in range(seasons.size):
            response[j] += theta[2 + i] if j and j % seasons[i] == 0 else 0.0


@compiled
def fit_scale(
    values: FloatArray,
    gap: int,
    is_log: int,
    seasons: IntArray,
    out: tuple[FloatArray, FloatArray, FloatArray],
    numbers: FloatArray,
) -> None:
    """Fit on one scale.

    Args:
        values: shape (n_periods,), known in the first and the last.
        gap: unknown periods after them, before step 1.
        is_log: 1 for logarithms, 0 for units.
        seasons: those that history has twice, rising, shape (n_seasons,).
        out: mean, and standard deviations of the steps and of their sums, each filled, shape (horizon,).
        numbers: filled with mean squared one-step error in units, offset, sigma, alpha, rho and the gammas.
    """
    n, horizon = values.size, out[0].size
    own, offset, n_known, largest = on_scale(values, is_log)
    scaled, profile = own.copy(), np.zeros((seasons.size, seasons[-1] if seasons.size else 1))
    remove_seasons(own, seasons, profile)
    start, theta = np.zeros(2), np.zeros(2 + seasons.size)
    start[0] = first_level(own, seasons[0] if seasons.size else FEW)
    theta[0], theta[1], theta[2:] = FEW_ALPHA, 0.0, 0.0
    if n_known >= FEW:
        begin(scaled, seasons, theta, start, profile)
        search(scaled, seasons, theta, start, profile)
    sse = smooth(scaled, seasons, theta, start, profile, own)
    left = max(n_known - theta.size - 1, 1)
    numbers[0], numbers[1] = error_in_units(values, own, is_log, offset) / left, offset
    for h in range(horizon):
        out[0][h] = start[0] + start[1] * theta[1] ** (gap + h + 1) + season_at(profile, seasons, n + gap + h)
    variance = sse / left
    if n_known < FEW:
        variance = (sse + start[0] ** 2) / n_known
    response, effect = np.zeros(gap + horizon), np.ones(horizon)
    respond(seasons, theta, response)
    finish(response, variance, is_log, offset, largest, out[0], effect)
    law(response, effect, variance, np.inf, out[1], out[2])
    numbers[2], numbers[3:] = np.sqrt(variance), theta
