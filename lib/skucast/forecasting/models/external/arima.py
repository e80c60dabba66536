"""ARIMA per series, by statsmodels: a small order search once, then refits of the order found."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from skucast.forecasting.models.base import SeriesFit
from skucast.forecasting.models.regression.effects import effects_on
from skucast.forecasting.panel.panel import FloatArray, Panel

Order = tuple[int, int, int]

STATIONARY_ORDERS: tuple[Order, ...] = ((0, 0, 0), (1, 0, 0), (0, 0, 1), (1, 0, 1), (2, 0, 0))
"""Orders (p, d, q) tried on a series that needs no difference, each with a constant."""

INTEGRATED_ORDERS: tuple[Order, ...] = ((0, 1, 1), (1, 1, 0), (1, 1, 1), (0, 1, 2))
"""Orders tried on a series that needs one. (0, 1, 0) is the naive method."""

SEASONAL_ORDERS: tuple[Order, ...] = ((1, 0, 0), (0, 0, 1))
SEASONALLY_INTEGRATED_ORDERS: tuple[Order, ...] = ((0, 1, 1),)
"""Seasonal orders (P, D, Q) tried around the best order, where the history carries a season."""

MAX_SEASON_LENGTH = 12
"""Longer seasons make the state space too large to fit per item."""

MAX_ITERATIONS = 30
"""Of the optimiser. What is left to gain is far below the error of a forecast."""

COUNTS = ("p", "d", "q", "seasonal_p", "seasonal_d", "seasonal_q", "season_length")
"""Names under which the order travels from origin to origin."""


def arima(panel: Panel, previous: Mapping[str, float]) -> SeriesFit:
    """Fit one series; unknown periods stay unknown (Kalman filter).

    Without ``previous`` the order is searched by AICc; with it (an earlier origin) that order is refitted from the
    parameters found there, so that the search is done once and sees no later value. Demand is divided by its root mean
    square for the optimiser's sake. What events and drivers add is taken out before.

    Args:
        panel: one series.
        previous: parameters at the origin before; empty at the first.

    Source: Box & Jenkins (1976); Hurvich & Tsai (1989) for AICc.
    """
    effects = effects_on(panel, 0)
    history = (panel.demand[0] - effects[: panel.n_periods])[panel.start[0] :]
    unit = float(np.sqrt(np.nanmean(history**2))) or 1.0
    result = _refit(history / unit, previous) if previous else _search(history / unit, panel.season_length)
    ahead = unit * np.asarray(result.forecast(panel.horizon), dtype=np.float64)
    return ahead + effects[panel.n_periods :], _parameters(result)


def needs_difference(values: FloatArray, lag: int) -> bool:
    """Whether differencing at ``lag`` reduces the variance. Unknown values are passed over.

    Source: Anderson (1976), Time Series Analysis and Forecasting, the variance-difference rule.
    """
    difference = values[lag:] - values[:-lag]
    is_known = ~np.isnan(difference)
    return bool(is_known.sum() > 2 and difference[is_known].var() < np.nanvar(values))


def _search(values: FloatArray, season_length: int) -> Any:
    """The fit with the smallest AICc: over orders first, then over seasonal orders around the best.

    AICc compares fits of the same differences only, so differences are decided beforehand.
    """
    has_season = 1 < season_length <= MAX_SEASON_LENGTH and values.size >= 2 * season_length
    seasonal_difference = has_season and needs_difference(values, season_length)
    around = (*SEASONALLY_INTEGRATED_ORDERS[0], season_length) if seasonal_difference else (0, 0, 0, 0)
    orders = INTEGRATED_ORDERS if not seasonal_difference and needs_difference(values, 1) else STATIONARY_ORDERS
    fits = [_fit(values, order, around) for order in orders]
    best = min(fits, key=lambda fit: float(fit.aicc))
    if has_season and not seasonal_difference:
        seasonal = [_fit(values, best.model.order, (*order, season_length)) for order in SEASONAL_ORDERS]
        best = min([best, *seasonal], key=lambda fit: float(fit.aicc))
    return best


def _refit(values: FloatArray, previous: Mapping[str, float]) -> Any:
    """The order of an earlier origin on a longer history, started from the parameters found there."""
    p, d, q, *seasonal = (int(previous[name]) for name in COUNTS)
    start = {name: value for name, value in previous.items() if name not in COUNTS}
    return _fit(values, (p, d, q), tuple(seasonal), start)


def _fit(values: FloatArray, order: Order, seasonal: tuple[int, ...], start: Mapping[str, float] | None = None) -> Any:
    """Maximum likelihood with the noise variance concentrated out; a constant where nothing is differenced."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    trend = "c" if order[1] + seasonal[1] == 0 else "n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few iterations do not always converge; the backtest judges the forecast
        model = SARIMAX(values, order=order, seasonal_order=seasonal, trend=trend, concentrate_scale=True)
        known = [start[name] for name in model.param_names] if start else None
        return model.fit(start_params=known, disp=False, maxiter=MAX_ITERATIONS, cov_type="none")


def _parameters(result: Any) -> Mapping[str, float]:
    """Order, coefficients by statsmodels' names and AICc. Demand is in units of its root mean square."""
    order = dict(zip(COUNTS, (*result.model.order, *result.model.seasonal_order), strict=True))
    coefficients = dict(zip(result.model.param_names, result.params, strict=True))
    return {name: float(value) for name, value in {**order, **coefficients}.items()}
