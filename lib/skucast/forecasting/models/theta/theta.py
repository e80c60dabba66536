"""Optimised Theta methods: smoothing with a drift taken from the line through the data."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.theta.kernel import adjusted, fit_rows
from skucast.forecasting.panel.panel import FloatArray, Panel

NAMES = ("alpha", "theta", "drift", "level", "season_length", "is_multiplicative", "sigma")


def theta(panel: Panel) -> ModelFit:
    """Optimised Theta: a level, and a share 1 - 1/theta of the line through all known values.

    Source: Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016), "Models for optimising the theta method and
    their relationship to state space models", OTM. See ``dynamic_theta`` for what both share.
    """
    return _fit(panel, is_dynamic=False)


def dynamic_theta(panel: Panel) -> ModelFit:
    """Dynamic optimised Theta: the line is that of the values known before each step.

    A season of the panel's length is taken out before, and put back, where the autocorrelation at its lag is
    significant at 90 % and the life of a series has two of them: by indices that multiply if all values are positive,
    else that are added (classical decomposition). Where demand is unknown the level stays and the line goes on.

    The spreads are the model's: exact for given alpha, theta and seasonal indices.

    Parameters: alpha, theta, drift (units per period after the history), level (of the next step, units),
    season_length (1 for none), is_multiplicative (1 or 0) and sigma (units, without the season).

    Source: Fiorucci et al. (2016), DOTM; seasonal test of Assimakopoulos & Nikolopoulos (2000).
    """
    return _fit(panel, is_dynamic=True)


def _fit(panel: Panel, *, is_dynamic: bool) -> ModelFit:
    """Either form, for all series."""
    shape = (panel.n_series, panel.horizon)
    mean, step, total = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    parameters: FloatArray = np.full((panel.n_series, len(NAMES)), np.nan)
    demand = np.ascontiguousarray(panel.demand)
    fit_rows(demand, panel.season_length, is_dynamic, mean, step, total, parameters)
    named = {name: parameters[:, index].copy() for index, name in enumerate(NAMES)}
    return ModelFit(mean, named, step_sd=step, sum_sd=total)


def theta_components(panel: Panel, fits: ModelFit) -> dict[str, FloatArray]:
    """Level of the next step, trend from there on, and season; units per period, shape (n_series, horizon)."""
    level = np.repeat(fits.parameters["level"][:, None], panel.horizon, axis=1)
    season = np.zeros_like(level)
    for row in np.flatnonzero(fits.parameters["season_length"] > 1):
        values = np.ascontiguousarray(panel.demand[row, np.argmax(panel.is_known[row]) :])
        place, indices = (values.size + np.arange(panel.horizon)) % panel.season_length, np.zeros(panel.season_length)
        _, is_multiplicative = adjusted(values.copy(), panel.season_length, indices)
        index = indices[place]
        season[row] = fits.mean[row] * (1.0 - 1.0 / index) if is_multiplicative else index
    return {"level": level, "trend": fits.mean - season - level, "season": season}
