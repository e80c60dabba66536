"""Exponential smoothing with automatic form (ETS with additive errors), one compiled loop over series."""

from __future__ import annotations

import math

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.ets.kernel import begin, eliminate, layout, linearise, n_states, profile, states_step
from skucast.forecasting.models.ets.search import STARTS, choose, searched
from skucast.forecasting.models.ets.variance import forecast
from skucast.forecasting.panel.panel import FloatArray, Panel

MAX_SEASON = 24
"""Longest season given places of its own. Beyond it the places cost more parameters than a retail history can pay for
(the same line as in the ``ets`` of Hyndman & Khandakar, 2008); a year of weeks is left to other methods."""

FEW = 4
"""Known values below which nothing is searched."""

FEW_ALPHA = 0.1
"""Smoothing constant where there is too little to find one."""

NAMES = ("alpha", "beta", "gamma", "phi", "trend", "season_length", "sigma", "aicc", "level", "growth")


def ets(panel: Panel) -> ModelFit:
    """Exponential smoothing with additive errors; level, trend, damped trend, each with and without a season, by AICc.

    The season has the panel's length, up to ``MAX_SEASON``, and is tried where the life of a series carries two of
    them. Where demand is unknown the states move on by their own law. Series with fewer than ``FEW`` known values get
    a level with a fixed alpha, and a spread drawn to their level.

    The spreads are those of the model: errors to come, errors since the last known value, and estimated initial
    states; smoothing parameters are taken as known.

    Parameters: alpha, beta, gamma, phi (0, 0 and 1 where absent), trend (0 none, 1 undamped, 2 damped), season_length
    (1 for none), sigma (units), aicc (of the values divided by a power of two, without constants), and level and
    growth (units) after the history.

    Source: Hyndman, Koehler, Ord & Snyder (2008), chapters 2, 5, 6 and 7.
    """
    shape = (panel.n_series, panel.horizon)
    mean, step, total = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    parameters = np.full((panel.n_series, len(NAMES)), np.nan)
    for row in range(panel.n_series):
        known = np.flatnonzero(~np.isnan(panel.demand[row]))
        if known.size:
            values, gap = panel.demand[row, known[0] :], panel.n_periods - 1 - int(known[-1])
            out = (mean[row], step[row], total[row])
            parameters[row] = _fit(values, int(known.size), gap, panel.season_length, out)
    named = {name: parameters[:, index].copy() for index, name in enumerate(NAMES)}
    return ModelFit(mean, named, step_sd=step, sum_sd=total)


def _fit(
    values: FloatArray, n_known: int, gap: int, season_length: int, out: tuple[FloatArray, FloatArray, FloatArray]
) -> tuple[float, ...]:
    """Fill mean, step_sd and sum_sd, each of shape (horizon,), of one series; returns its parameters.

    The search works on values divided by the power of two above the largest: exact, whatever the unit of measure.
    """
    unit = math.ldexp(1.0, math.frexp(float(np.nanmax(values)))[1])
    scaled = np.ascontiguousarray(values / unit)
    has_season = 1 < season_length <= MAX_SEASON and values.size >= 2 * season_length
    longest = season_length if has_season else 1
    theta, states = np.zeros((8, 4)), np.zeros((8, 1 + longest))
    fit = _few if n_known < FEW else choose
    trend, season, sse, aicc = fit(scaled, n_known, longest, STARTS.copy(), theta, states)
    level, growth = _law(scaled, gap, trend, season, theta[6], states[6], out)
    if n_known < FEW:
        sigma = math.sqrt((sse + out[0][0] ** 2) / n_known)
    else:
        sigma = math.sqrt(sse / max(n_known - n_states(trend, season) - searched(trend, season).size, 1))
    for filled, factor in zip(out, (unit, sigma * unit, sigma * unit), strict=True):
        np.multiply(filled, factor, out=filled)
    alpha, beta, gamma, phi = theta[6].tolist()
    smoothing = alpha, alpha * beta, (1.0 - alpha) * gamma, phi
    return *smoothing, trend, season, sigma * unit, aicc, level * unit, growth * unit


def ets_components(_panel: Panel, fits: ModelFit) -> dict[str, FloatArray]:
    """Level after the history, trend from there on, and season; units per period, shape (n_series, horizon)."""
    steps = np.arange(1, fits.mean.shape[1] + 1)
    level = np.repeat(fits.parameters["level"][:, None], steps.size, axis=1)
    damped = np.cumsum(fits.parameters["phi"][:, None] ** steps, axis=1)
    trend = fits.parameters["growth"][:, None] * damped
    return {"level": level, "trend": trend, "season": fits.mean - level - trend}


def _few(
    values: FloatArray, _n_known: int, _season: int, _starts: FloatArray, theta: FloatArray, states: FloatArray
) -> tuple[int, int, float, float]:
    """``choose`` without a choice: the level form with ``FEW_ALPHA``, and no AICc."""
    theta[6] = FEW_ALPHA, 0.0, 0.0, 1.0
    gram, change, step = np.empty((4, 4)), np.zeros(4), np.zeros(1)
    sse = profile(values, 0, 1, theta[6], states[6], gram)
    states_step(gram, 1, 3, change, step)
    states[6, 0] = step[0]
    return 0, 1, max(sse, 0.0), math.nan


def _law(
    values: FloatArray,
    gap: int,
    trend: int,
    season: int,
    theta: FloatArray,
    start: FloatArray,
    out: tuple[FloatArray, FloatArray, FloatArray],
) -> tuple[float, float]:
    """Fill mean, and standard deviations in units of sigma; returns level and growth after the history."""
    n, width = n_states(trend, season), layout(trend, season)[4] + 2
    state, tangent, gram = np.empty(2 + season), np.empty((2 + season, width)), np.empty((width, width))
    begin(state, tangent, start, trend, season)
    linearise(values, trend, season, theta, state, tangent, gram)
    eliminate(gram, n, n)
    forecast(values.size, gap, season, theta, state, tangent, gram, n, *out)
    for variance in out[1:]:
        np.sqrt(variance, out=variance)
    return float(state[0]), float(state[1])
