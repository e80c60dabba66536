"""The forecasts themselves: every candidate that passed its backtest, fitted to the whole history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.engine.fit_log import FitLog
from skucast.forecasting.models.base import flat, published
from skucast.forecasting.models.baselines import known_mean
from skucast.forecasting.models.registry import Method
from skucast.forecasting.panel.panel import BoolArray, FloatArray
from skucast.forecasting.seasons.adjustment import Adjusted

FALLBACK_METHOD = "mean"
"""Method of a series that the plan allows no method for, or none of whose methods could be scored."""

BOUNDS = "bounds"
"""Component that takes a raw mean to the published one: not below 0, and 0 at closed steps."""


SEASON = "season"
"""Component of a method's own season; seasons and events shared by many series are added to it."""


@dataclass(frozen=True)
class FinalFit:
    """Forecasts of a panel by every candidate of every series.

    Attributes:
        mean: units per period, shape (n_series, n_methods, horizon): never negative, 0 at closed steps, NaN where a
            method was not tried or has no forecast. ``FALLBACK_METHOD`` has one for every series.
        components: name -> units per period, same shape, together ``mean``; empty unless asked for.
    """

    mean: FloatArray
    components: Mapping[str, FloatArray]


def final_fit(
    sight: Adjusted, candidates: BoolArray, methods: Sequence[Method], log: FitLog, *, with_components: bool = False
) -> FinalFit:
    """Fit every candidate to the whole history.

    Args:
        sight: the whole history, as the methods see it.
        candidates: methods to fit, shape (n_series, n_methods).
        methods: the methods.
        log: filled with times, failures and parameters.
        with_components: say also what each forecast is made of.
    """
    panel = sight.panel
    fallback = [method.name for method in methods].index(FALLBACK_METHOD)
    raw: FloatArray = np.full((panel.n_series, len(methods), panel.horizon), np.nan)
    raw[:, fallback] = flat(np.nan_to_num(known_mean(panel.demand), nan=0.0), panel.horizon)
    components = {"level": raw.copy()} if with_components else {}
    for index, method in enumerate(methods):
        series = np.flatnonzero(candidates[:, index])
        if series.size:
            fits = log.fit(method, panel.rows(series), series)
            is_fitted: BoolArray = np.asarray(np.isfinite(fits.mean).all(axis=1))
            series = series[is_fitted]
            raw[series, index] = fits.mean[is_fitted]
            if with_components:
                for name, values in method.components(panel.rows(series), fits.rows(is_fitted)).items():
                    components.setdefault(name, np.full(raw.shape, np.nan))[series, index] = values
    has_forecast, season = np.isfinite(raw), sight.ahead[:, None, :]
    mean = np.where(has_forecast, published(raw * season, panel.is_closed_ahead[:, None, :]), np.nan)
    if with_components:
        components = {name: np.where(has_forecast, np.nan_to_num(part), np.nan) for name, part in components.items()}
        shared = np.where(has_forecast, raw * (season - 1.0), np.nan)
        components[SEASON] = components.get(SEASON, 0.0) + shared
        components[BOUNDS] = mean - raw * season
    return FinalFit(mean, components)
