"""One pass of an additive exponential smoothing form over a series: its errors, and all their derivatives.

Errors are linear in the initial states, so that these are eliminated at every point by least squares and only the one
to four smoothing parameters remain (variable projection: Golub & Pereyra 1973, in the form of Kaufman 1975).

Parameters are kept as (alpha, beta/alpha, gamma/(1 - alpha), phi), which turns the usual region 0 < beta <= alpha,
gamma <= 1 - alpha into a box.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

FLAT = 8
"""Width of the Gram matrix that a form without a season is given; it needs up to 7."""

SINGULAR = 1e-11
"""Share of a column's own square that must remain after the columns before it are taken out."""


@compiled
def n_states(trend: int, season: int) -> int:
    """Free initial states: the level, a growth (trend 1, damped 2), and all places of the season but its last."""
    return 1 + min(trend, 1) + season - 1


@compiled
def layout(trend: int, season: int) -> tuple[int, int, int, int, int]:
    """Columns of alpha, beta, gamma, phi and of the error itself; absent parameters share the last, unused column."""
    n = n_states(trend, season)
    error = n + 1 + min(trend, 1) + min(season - 1, 1) + max(trend - 1, 0)
    growth = n + 1 if trend else error + 1
    place = n + 1 + min(trend, 1) if season > 1 else error + 1
    damping = error - 1 if trend > 1 else error + 1
    return n, growth, place, damping, error


@compiled
def begin(state: FloatArray, tangent: FloatArray, start: FloatArray, trend: int, season: int) -> None:
    """Set the states (level, growth, places of the season) and their derivatives by the columns to the start."""
    state[:], tangent[:] = 0.0, 0.0
    state[0], tangent[0, 0] = start[0], 1.0
    if trend:
        state[1], tangent[1, 1] = start[1], 1.0
    shift = 1 + min(trend, 1)
    for place in range(season - 1):
        state[2 + place], tangent[2 + place, shift + place] = start[shift + place], 1.0


@compiled
def linearise(
    values: FloatArray,
    trend: int,
    season: int,
    theta: FloatArray,
    state: FloatArray,
    tangent: FloatArray,
    gram: FloatArray,
) -> None:
    """Run the model over the data; sum the products of all derivatives of the one-step mean, and of the error.

    y_t = l + phi b + s_p + e;  l <- l + phi b + alpha e;  b <- phi b + beta e;  s_p <- s_p + gamma e, with p = t mod m.
    Where y is unknown the states move on with e = 0. Source: Hyndman, Koehler, Ord & Snyder (2008), table 2.2.

    Args:
        values: shape (n_periods,), NaN where unknown, known in the first.
        trend: 0 none, 1 undamped, 2 damped.
        season: places of the season, 1 for none.
        theta: alpha, beta/alpha, gamma/(1 - alpha), phi; 0, 0 and 1 for absent ones.
        state: level, growth and places of the season, shape (2 + season,); at the end those after the last period.
        tangent: derivatives of the states by the columns of ``layout``, shape (2 + season, width).
        gram: filled; shape (width, width).
    """
    alpha, phi, (at_alpha, at_beta, at_gamma, at_phi, at_error) = theta[0], theta[3], layout(trend, season)
    beta, gamma, width = alpha * theta[1], (1.0 - alpha) * theta[2], gram.shape[0]
    gram[:], column, place = 0.0, np.zeros(gram.shape[0]), 0
    for t in range(values.size):
        growth, mean = phi * state[1], state[0] + phi * state[1] + state[2 + place]
        is_known = not np.isnan(values[t])
        error = values[t] - mean if is_known else 0.0
        a, b, g = (alpha, beta, gamma) if is_known else (0.0, 0.0, 0.0)
        tangent[1, at_phi] += state[1] / phi
        for j in range(width):
            slope, periodic = phi * tangent[1, j], tangent[2 + place, j]
            level = tangent[0, j] + slope
            column[j] = level + periodic
            tangent[0, j] = level - a * column[j]
            tangent[1, j] = slope - b * column[j]
            tangent[2 + place, j] = periodic - g * column[j]
        if is_known:
            _add_products(column, error, at_error, gram)
            tangent[0, at_alpha] += error
            tangent[1, at_alpha] += theta[1] * error
            tangent[2 + place, at_alpha] -= theta[2] * error
            tangent[1, at_beta] += alpha * error
            tangent[2 + place, at_gamma] += (1.0 - alpha) * error
        state[0] += growth + a * error
        state[1] = growth + b * error
        state[2 + place] += g * error
        place = place + 1 if place + 1 < season else 0


@compiled
def linearise_flat(
    values: FloatArray, trend: int, theta: FloatArray, state: FloatArray, tangent: FloatArray, gram: FloatArray
) -> None:
    """``linearise`` without a season, in loops of fixed length: ``gram`` has the shape (FLAT, FLAT)."""
    alpha, phi, (at_alpha, at_beta, _, at_phi, at_error) = theta[0], theta[3], layout(trend, 1)
    beta, gram[:], column = alpha * theta[1], 0.0, np.zeros(FLAT)
    for t in range(values.size):
        growth = phi * state[1]
        is_known = not np.isnan(values[t])
        error = values[t] - state[0] - growth if is_known else 0.0
        a, b = (alpha, beta) if is_known else (0.0, 0.0)
        tangent[1, at_phi] += state[1] / phi
        for j in range(FLAT):
            slope = phi * tangent[1, j]
            column[j] = tangent[0, j] + slope
            tangent[0, j] = column[j] - a * column[j]
            tangent[1, j] = slope - b * column[j]
        if is_known:
            column[at_error] = error
            for i in range(FLAT - 2):
                for j in range(FLAT):
                    gram[i, j] += column[i] * column[j]
            tangent[0, at_alpha] += error
            tangent[1, at_alpha] += theta[1] * error
            tangent[1, at_beta] += alpha * error
        tangent[0, at_error], tangent[1, at_error] = 0.0, 0.0
        state[0] += growth + a * error
        state[1] = growth + b * error


@compiled
def _add_products(column: FloatArray, error: float, at_error: int, gram: FloatArray) -> None:
    """Add the outer product of (derivatives, error) to the Gram matrix."""
    column[at_error] = error
    for i in range(at_error + 1):
        factor = column[i]
        for j in range(column.size):
            gram[i, j] += factor * column[j]
    column[at_error] = 0.0


@compiled
def eliminate(gram: FloatArray, n: int, size: int) -> None:
    """Take the first ``n`` columns out of the rest of the leading ``size`` columns, in place (upper triangle).

    A column that those before it already explain is left out: its pivot is set to 0.
    """
    for i in range(n):
        own = gram[i, i]
        for above in range(i):
            if gram[above, above] > 0.0:
                own += gram[above, i] * gram[above, i] / gram[above, above]
        if not gram[i, i] > SINGULAR * own:
            gram[i, i] = 0.0
            continue
        for row in range(i + 1, size):
            factor = gram[i, row] / gram[i, i]
            for j in range(row, size):
                gram[row, j] -= factor * gram[i, j]


@compiled
def states_step(gram: FloatArray, n: int, size: int, change: FloatArray, step: FloatArray) -> None:
    """Change of the initial states that goes with a change of the parameters, after ``eliminate``."""
    for i in range(n - 1, -1, -1):
        left = gram[i, size - 1]
        for j in range(i + 1, n):
            left -= gram[i, j] * step[j]
        for j in range(n, size - 1):
            left -= gram[i, j] * change[j - n]
        step[i] = left / gram[i, i] if gram[i, i] > 0.0 else 0.0


@compiled
def profile(
    values: FloatArray, trend: int, season: int, theta: FloatArray, start: FloatArray, gram: FloatArray
) -> float:
    """Sum of squared errors at the best initial states; leaves the eliminated products in ``gram``."""
    n, error = n_states(trend, season), layout(trend, season)[4]
    state, tangent = np.empty(2 + season), np.empty((2 + season, gram.shape[0]))
    begin(state, tangent, start, trend, season)
    if season == 1 and gram.shape[0] == FLAT:
        linearise_flat(values, trend, theta, state, tangent, gram)
    else:
        linearise(values, trend, season, theta, state, tangent, gram)
    eliminate(gram, n, error + 1)
    sse: float = gram[error, error]
    return sse
