"""The search for the smoothing parameters of one form, and the choice among the forms."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.ets.kernel import FLAT, eliminate, layout, n_states, profile, states_step
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.numerics.compiled import compiled

LOWER: FloatArray = np.array([1e-4, 1e-4, 1e-4, 0.8])
UPPER: FloatArray = np.array([0.9999, 0.9999, 0.9999, 0.98])
"""The box of (alpha, beta/alpha, gamma/(1 - alpha), phi). Source: Hyndman & Khandakar (2008), bounds of ``ets``."""

MAX_PASSES = 25
MAX_DAMPINGS = 10
TOLERANCE = 1e-6
"""Of the sum of squares: a search ends when the next step promises less than this share of it."""

EXACT = 1e-20
"""Mean squared error, in units of the largest value squared, below which a fit is called exact."""

STARTS: FloatArray = np.array(
    [
        [0.5, 0.5, 0.5, 0.9],
        [0.5, 0.5, 0.5, 0.9],
        [0.02, 0.02, 0.05, 0.9],
        [0.1, 0.9, 0.05, 0.9],
        [0.3, 0.1, 0.1, 0.9],
        [0.6, 0.02, 0.2, 0.95],
        [0.95, 0.3, 0.3, 0.9],
        [0.005, 0.02, 0.02, 0.97],
        [0.5, 0.1, 0.05, 0.9],
    ]
)
"""Points from which every form is tried; the first two rows make room for the optima of smaller forms. The last two are
for the second search: the first of them if alpha was above ``DIVIDE``, else the other."""

DIVIDE = 0.15
SINGLE: IntArray = np.zeros(1, dtype=np.int64)
"""Parameters of the simplest form."""


@compiled
def parameters_step(
    gram: FloatArray, n: int, size: int, at: FloatArray, names: IntArray, damping: float, change: FloatArray
) -> float:
    """Damped Gauss-Newton step of the parameters within their box; returns the decrease it promises.

    Parameters at a bound that the gradient pushes outwards stay; one that would leave the box is set to its bound and
    the step of the others found anew. Where that promises nothing the damping is raised, which turns the step towards
    the gradient. Source: Levenberg (1944), Marquardt (1963).
    """
    p, last, promised = size - 1 - n, size - 1, 0.0
    free, change[:] = np.ones(p, dtype=np.bool_), 0.0
    for _ in range(MAX_DAMPINGS):
        for i in range(p):
            pull, now = gram[n + i, last], at[names[i]]
            free[i] = gram[n + i, n + i] > 0.0 and (now < UPPER[names[i]] if pull > 0.0 else now > LOWER[names[i]])
            change[i] = 0.0
        _solve(gram, n, size, free, damping, change)
        while _leaves_box(at, names, free, change):
            _solve(gram, n, size, free, damping, change)
        promised = 0.0
        for i in range(p):
            promised += 2.0 * change[i] * gram[n + i, last]
            for j in range(p):
                promised -= change[i] * change[j] * gram[n + min(i, j), n + max(i, j)]
        if promised > 0.0:
            break
        damping *= 10.0
    return promised


@compiled
def _leaves_box(at: FloatArray, names: IntArray, free: BoolArray, change: FloatArray) -> bool:
    """Set the parameters that would leave their box to its bound and no longer free; whether there were any."""
    any_left = False
    for i in range(free.size):
        aim = at[names[i]] + change[i]
        inside = min(max(aim, LOWER[names[i]]), UPPER[names[i]])
        if free[i] and inside != aim:
            change[i], free[i], any_left = inside - at[names[i]], False, True
    return any_left


@compiled
def _solve(gram: FloatArray, n: int, size: int, free: BoolArray, damping: float, change: FloatArray) -> None:
    """Damped step of the free parameters by elimination, given the step of the others."""
    p = free.size
    system = np.zeros((p + 1, p + 1))
    for i in range(p):
        system[i, p] = gram[n + i, size - 1]
        for j in range(p):
            system[i, j] = gram[n + min(i, j), n + max(i, j)] * (1.0 if free[i] and free[j] else 0.0)
            system[i, p] -= 0.0 if free[j] else gram[n + min(i, j), n + max(i, j)] * change[j]
        system[i, i] *= 1.0 + damping
    eliminate(system, p, p + 1)
    for i in range(p - 1, -1, -1):
        if free[i]:
            left = system[i, p]
            for j in range(i + 1, p):
                left -= system[i, j] * change[j] if free[j] else 0.0
            change[i] = left / system[i, i] if system[i, i] > 0.0 else 0.0


@compiled
def search(
    values: FloatArray, trend: int, season: int, starts: FloatArray, theta: FloatArray, state: FloatArray
) -> float:
    """Least squares from the best of several starts; returns the sum of squared errors.

    Args:
        values: shape (n_periods,), NaN where unknown.
        trend: 0 none, 1 undamped, 2 damped.
        season: places of the season, 1 for none.
        starts: points of (alpha, beta/alpha, gamma/(1 - alpha), phi), shape (n_starts, 4).
        theta: 0, 0, 0, 1; becomes the best point. Shape (4,).
        state: initial states to begin with; becomes the best ones. Shape (n_states or more,).
    """
    names, n, size = searched(trend, season), n_states(trend, season), layout(trend, season)[4] + 1
    width = FLAT if season == 1 else size + 1
    best, trial, change, zero = np.empty((width, width)), np.empty((width, width)), np.zeros(4), np.zeros(4)
    aim, aim_state, step, none, damping, sse = np.zeros(4), np.zeros(n), np.zeros(n), np.zeros(n), 1e-3, np.inf
    _go(theta, names, zero, state, none, aim, aim_state)
    for number in range(-starts.shape[0], MAX_PASSES):
        if number < 0:
            for name in names:
                aim[name] = starts[-number - 1, name]
        elif number == 0:
            sse, damping = np.inf, 1e-3
            _go(theta, names, zero, state, none, aim, aim_state)
        elif parameters_step(best, n, size, theta, names, damping, change) > TOLERANCE * sse:
            states_step(best, n, size, change, step)
            _go(theta, names, change, state, step, aim, aim_state)
        else:
            break
        tried = profile(values, trend, season, aim, aim_state, trial)
        damping *= 0.2 if tried < sse else 10.0
        if tried < sse:
            sse, best, trial = tried, trial, best
            states_step(best, n, size, zero, step)
            _go(aim, names, zero, aim_state, step if number < 0 else none, theta, state)
    states_step(best, n, size, zero, step)
    _go(theta, names, zero, state, step, theta, state)
    return sse


@compiled
def _go(
    theta: FloatArray,
    names: IntArray,
    change: FloatArray,
    state: FloatArray,
    step: FloatArray,
    to_theta: FloatArray,
    to_state: FloatArray,
) -> None:
    """A step from one point, written to another."""
    for i in range(4):
        to_theta[i] = theta[i]
    for i in range(names.size):
        to_theta[names[i]] += change[i]
    for i in range(step.size):
        to_state[i] = state[i] + step[i]


@compiled
def searched(trend: int, season: int) -> IntArray:
    """Indices in theta of the parameters a form has, in the order of their columns."""
    names, count = np.zeros(4, dtype=np.int64), 1
    for index in range(1, 4):
        if (index == 1 and trend > 0) or (index == 2 and season > 1) or (index == 3 and trend > 1):
            names[count] = index
            count += 1
    return names[:count]


@compiled
def choose(
    values: FloatArray, n_known: int, season: int, starts: FloatArray, theta: FloatArray, state: FloatArray
) -> tuple[int, int, float, float]:
    """Fit all forms a series allows and keep the best by AICc.

    AICc = n log(SSE) + 2k + 2k(k + 1)/(n - k - 1), with n known values and k counting parameters, free initial states
    and the variance. Source: Hurvich & Tsai (1989); Hyndman, Koehler, Ord & Snyder (2008), section 7.1.

    Args:
        values: shape (n_periods,), at most about 1, NaN where unknown.
        n_known: how many are known.
        season: places of the season, 1 for none.
        starts: points from which every form is tried, shape (n_starts, 4). The first two rows are overwritten.
        theta: row 6 is filled with the parameters of the best form, the others are for work; shape (8, 4).
        state: zeros; row 6 is filled with its initial states. Shape (8, 1 + season).

    Returns:
        Trend, season, sum of squared errors and AICc of the best form.
    """
    best, best_trend, best_season, best_sse, best_form = np.inf, 0, 1, 0.0, 0
    for form in range(6 if season > 1 else 3):
        trend, places = form % 3, season if form > 2 else 1
        k = n_states(trend, places) + searched(trend, places).size + 1
        if form > 0 and n_known <= k + 1:
            continue
        _warm(theta, form, starts)
        sse = search_twice(values, trend, places, starts, theta, state, form)
        penalty = 2.0 * k + 2.0 * k * (k + 1.0) / (n_known - k - 1.0) if n_known > k + 1 else 0.0
        aicc = n_known * np.log(max(sse, EXACT * n_known)) + penalty
        if aicc < best:
            best, best_trend, best_season, best_sse, best_form = aicc, trend, places, sse, form
    _go(theta[best_form], SINGLE, np.zeros(4), state[best_form], np.zeros(state.shape[1]), theta[6], state[6])
    return best_trend, best_season, max(best_sse, 0.0), best


@compiled
def search_twice(
    values: FloatArray, trend: int, season: int, starts: FloatArray, theta: FloatArray, state: FloatArray, form: int
) -> float:
    """Search from the best start, with a season also from the other end of alpha; the better goes into row ``form``.

    Of seasonal forms, whose passes cost most, the starts with the largest alphas are left out.
    """
    best, none, common = np.inf, np.zeros(state.shape[1]), starts.shape[0] - 2
    for attempt in range(2 if season > 1 else 1):
        row, first, last = form, 0, common - 2 if season > 1 else common
        if attempt == 1:
            row, first = 7, common + (1 if theta[form, 0] < DIVIDE else 0)
            last = first + 1
        theta[row, 0], theta[row, 1], theta[row, 2], theta[row, 3] = 0.0, 0.0, 0.0, 1.0
        state[7, :] = 0.0
        sse = search(values, trend, season, starts[first:last], theta[row], state[row])
        if attempt == 1 and sse < best:
            _go(theta[7], SINGLE, np.zeros(4), state[7], none, theta[form], state[form])
        best = min(best, sse)
    return best


@compiled
def _warm(theta: FloatArray, form: int, starts: FloatArray) -> None:
    """Two starts: the optimum without the season, and the optimum with less of a trend."""
    if form == 0:
        return
    flat = max(form - 3, 0)
    smaller = form - 1 if form % 3 else flat
    for i in range(4):
        starts[0, i], starts[1, i] = theta[flat, i], theta[smaller, i]
    starts[0, 2] = 0.1
    starts[1, 1] = max(starts[1, 1], 0.05)
    starts[1, 2] = max(starts[1, 2], 0.01)
    starts[1, 3] = 0.97
    starts[0, 3] = min(max(starts[0, 3], LOWER[3]), UPPER[3])
