"""Models of statsforecast as methods of ours, so that one backtest, one calibration and one scale serve both."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from skucast.forecasting.models.base import SeriesFit, per_series
from skucast.forecasting.models.ets.ets import MAX_SEASON
from skucast.forecasting.models.registry import Method
from skucast.forecasting.panel.panel import FloatArray, Panel

SEASONAL: dict[str, Callable[[Any, int], Any]] = {
    "AutoETS": lambda models, m: models.AutoETS(season_length=m if m <= MAX_SEASON else 1),
    "AutoTheta": lambda models, m: models.AutoTheta(season_length=m),
    "DynamicOptimizedTheta": lambda models, m: models.DynamicOptimizedTheta(season_length=m),
    "SeasonalNaive": lambda models, m: models.SeasonalNaive(season_length=m),
    "AutoARIMA": lambda models, m: models.AutoARIMA(season_length=m if m <= MAX_SEASON else 1),
}
FLAT: dict[str, Callable[[Any, int], Any]] = {
    "Naive": lambda models, _: models.Naive(),
    "SES optimised": lambda models, _: models.SimpleExponentialSmoothingOptimized(),
    "CrostonOptimized": lambda models, _: models.CrostonOptimized(),
    "CrostonSBA": lambda models, _: models.CrostonSBA(),
    "TSB": lambda models, _: models.TSB(alpha_d=0.1, alpha_p=0.1),
    "ADIDA": lambda models, _: models.ADIDA(),
    "IMAPA": lambda models, _: models.IMAPA(),
}
SLOW = ("AutoARIMA",)
"""So slow that only a few series are tried."""


def models_of_statsforecast() -> Any:
    """The module, None where it is not installed."""
    try:
        return importlib.import_module("statsforecast.models")
    except ImportError:
        return None


def peers(models: Any) -> tuple[Method, ...]:
    """Every model that is compared; none without the package."""
    if models is None:
        return ()
    flat = [Method(name, per_series(_fit(models, make, is_seasonal=False))) for name, make in FLAT.items()]
    return (*flat, *(Method(name, per_series(_fit(models, make, is_seasonal=True))) for name, make in SEASONAL.items()))


def _fit(
    models: Any, make: Callable[[Any, int], Any], *, is_seasonal: bool
) -> Callable[[Panel, Mapping[str, float]], SeriesFit]:
    """One series from its first known period on.

    These models take no unknown periods: flat ones get the known periods only, seasonal ones 0 for the others, which
    are mostly closed weekdays.
    """

    def fit(panel: Panel, _previous: Mapping[str, float]) -> SeriesFit:
        values = panel.demand[0]
        known = np.flatnonzero(~np.isnan(values))
        history: FloatArray = np.nan_to_num(values[known[0] :]) if is_seasonal else values[known]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = make(models, panel.season_length).forecast(y=history, h=panel.horizon)["mean"]
        return np.asarray(found, dtype=np.float64), {}

    return fit
