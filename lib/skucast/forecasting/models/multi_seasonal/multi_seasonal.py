"""Exponential smoothing with several seasons at once and autocorrelated errors."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit
from skucast.forecasting.models.multi_seasonal.kernel import fit_scale
from skucast.forecasting.models.shared.log_blend import Out, Place, on_both_scales
from skucast.forecasting.panel.panel import FloatArray, Panel

NAMES = ("sigma", "alpha", "rho")


def seasonal_smoothing(panel: Panel) -> ModelFit:
    """Level, all seasons of the panel that history has twice, and first-order autocorrelated errors; no trend.

    Of the values and of their logarithms, blended by the squares of the inverse mean squared one-step errors. Seasons
    start from the averages of their places, drawn to 0 by what these are worth; neighbours of a long season that
    history has but a few times are averaged. The constants are those of the smallest squared one-step errors.

    Periods of unknown demand move the states by their own law. The spreads hold all errors to come and since the last
    known value; constants and first states are taken as known. Those of logarithms are turned into units by the delta
    method.

    Parameters: log_share (weight of the logarithms), offset (units added before they are taken); of the values sigma
    (units), alpha, rho and gamma_m of each season of m periods (NaN where history is too short for it); and of the
    logarithms the same after log_.

    Source: Taylor (2003), "Short-term electricity demand forecasting using double seasonal exponential smoothing"; De
    Livera, Hyndman & Snyder (2011), "Forecasting time series with complex seasonal patterns", for the innovations form.
    """
    every = np.array([season for season in panel.season_lengths if season > 1], dtype=np.int64)

    def fit(values: FloatArray, _place: Place, gap: int, is_log: int, out: Out, numbers: FloatArray) -> None:
        seasons = every[2 * every <= values.size]
        fit_scale(values, gap, is_log, seasons, out, numbers[: 5 + seasons.size])

    (mean, step, total), share, numbers = on_both_scales(panel, fit, 5 + every.size)
    names = (*NAMES, *(f"gamma_{season}" for season in every))
    parameters = {"log_share": share, "offset": numbers[1, :, 1]}
    parameters |= {name: numbers[0, :, 2 + index] for index, name in enumerate(names)}
    parameters |= {f"log_{name}": numbers[1, :, 2 + index] for index, name in enumerate(names)}
    return ModelFit(mean, parameters, step_sd=step, sum_sd=total)
