"""Seasonal ARIMA with automatic orders, one series after the other, the likelihood compiled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skucast.forecasting.models.arima.differences import difference_orders
from skucast.forecasting.models.arima.sarima import (
    FAST,
    Effort,
    Order,
    SarimaFit,
    SeasonalOrder,
    fit_sarima,
    forecast_sarima,
)
from skucast.forecasting.models.base import ModelFit, Previous
from skucast.forecasting.models.regression.effects import effects_on
from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel

SEARCH = Effort(n_starts=1, n_steps=8, gain=0.1, is_fine=False)
"""Effort per order tried; the chosen order is fitted anew."""

MAX_ORDER, MAX_SEASONAL_ORDER = 3, 1
MAX_SEASON_LENGTH = 24
MIN_KNOWN = 6
"""Known values below which the forecast is their mean."""

MIN_DRIFT = 60
"""Known changes below which an integrated model has no drift."""

NEAR_UNIT_ROOT = 0.99
"""A partial autocorrelation beyond it is left to differencing."""

MAX_TRIED = 30
"""Models tried per series."""

Model = tuple[int, int, int, int, bool]
"""p, q, P, Q and whether there is a constant."""

Orders = tuple[Order, SeasonalOrder, bool]
"""(p, d, q), (P, D, Q, m) and whether there is a constant."""

NOTHING: Previous = {}

STEPS: tuple[tuple[int, int, int, int], ...] = (
    (1, 0, 0, 0),
    (-1, 0, 0, 0),
    (0, 1, 0, 0),
    (0, -1, 0, 0),
    (1, 1, 0, 0),
    (-1, -1, 0, 0),
    (0, 0, 1, 0),
    (0, 0, -1, 0),
    (0, 0, 0, 1),
    (0, 0, 0, -1),
)
"""Neighbours of a model. Source: Hyndman & Khandakar (2008), section 3.2."""

PARAMETERS = ("p", "d", "q", "seasonal_p", "seasonal_d", "seasonal_q", "season_length", "constant", "aicc")


@dataclass(frozen=True)
class Forecast:
    """Of one series: mean, sd per step and of the sum so far, each (horizon,), and parameters by ``PARAMETERS``."""

    mean: FloatArray
    step_sd: FloatArray
    sum_sd: FloatArray
    parameters: tuple[float, ...] = (np.nan,) * len(PARAMETERS)


def arima_batched(panel: Panel, previous: Previous = NOTHING) -> ModelFit:
    """Seasonal ARIMA; differences by seasonal strength and KPSS, orders by AICc in a stepwise search.

    It explains what events and drivers leave of a series.

    Places of the season that are closed throughout the life and the horizon of a series, such as a weekly day of rest,
    are left out and the season shortened; their mean and standard deviation are 0. A series of fewer than ``MIN_KNOWN``
    values is forecast by their mean, a constant by itself. Orders found at an earlier origin are kept; only their
    coefficients are estimated anew.

    Source: Hyndman & Khandakar (2008), Journal of Statistical Software 27(3).
    """
    forecasts = [_forecast_row(panel, row, orders_of(previous, row)) for row in range(panel.n_series)]
    shape = (panel.n_series, panel.horizon)
    parameters = np.array([forecast.parameters for forecast in forecasts]).reshape(panel.n_series, len(PARAMETERS))
    return ModelFit(
        mean=np.array([forecast.mean for forecast in forecasts]).reshape(shape),
        parameters={name: parameters[:, index] for index, name in enumerate(PARAMETERS)},
        step_sd=np.array([forecast.step_sd for forecast in forecasts]).reshape(shape),
        sum_sd=np.array([forecast.sum_sd for forecast in forecasts]).reshape(shape),
    )


def orders_of(previous: Previous, row: int) -> Orders | None:
    """Orders that an earlier origin found for a series; None if there are none."""
    if not previous:
        return None
    values = [float(previous[name][row]) for name in PARAMETERS[:-1]]
    if not np.isfinite(values).all():
        return None
    p, d, q, seasonal_p, seasonal_d, seasonal_q, season_length = (int(value) for value in values[:-1])
    return (p, d, q), (seasonal_p, seasonal_d, seasonal_q, season_length), values[-1] != 0.0


def _forecast_row(panel: Panel, row: int, orders: Orders | None) -> Forecast:
    """One series, its places of rest left out."""
    start, season_length = int(panel.start[row]), panel.season_length
    is_resting = places_of_rest(panel.is_closed[row, start:], season_length)
    is_open = ~is_resting[np.arange(panel.n_periods + panel.horizon - start) % season_length]
    is_open_ahead = is_open[panel.n_periods - start :]
    effects = effects_on(panel, row)
    values = (panel.demand[row] - effects[: panel.n_periods])[start:][is_open[: panel.n_periods - start]]
    found = forecast_series(values, season_length - int(is_resting.sum()), int(is_open_ahead.sum()), orders)
    ahead = effects[panel.n_periods :][is_open_ahead]
    if is_open_ahead.all():
        return replace(found, mean=found.mean + ahead)
    step, mean, step_sd = np.cumsum(is_open_ahead), np.zeros(panel.horizon), np.zeros(panel.horizon)
    mean[is_open_ahead], step_sd[is_open_ahead] = found.mean + ahead, found.step_sd
    sum_sd = np.concatenate([np.zeros(1), found.sum_sd])[step]
    return Forecast(mean, step_sd, sum_sd, found.parameters)


def places_of_rest(is_closed: BoolArray, season_length: int) -> BoolArray:
    """Places of the season, counted from the first period, that are always closed; shape (season_length,).

    None where fewer than two seasons are seen, or nothing would be left.
    """
    if is_closed.size < 2 * season_length:
        return np.zeros(season_length, dtype=bool)
    is_resting: BoolArray = np.array([is_closed[place::season_length].all() for place in range(season_length)])
    return is_resting & ~is_resting.all()


def forecast_series(values: FloatArray, season_length: int, horizon: int, orders: Orders | None = None) -> Forecast:
    """One series from its first to its last known value on, with given orders or searched ones; NaN without any."""
    known = np.flatnonzero(~np.isnan(values))
    if known.size == 0:
        unknown = np.full(horizon, np.nan)
        return Forecast(unknown, unknown, unknown)
    life, skipped = values[known[0] : known[-1] + 1], values.size - 1 - int(known[-1])
    if known.size < MIN_KNOWN or np.ptp(values[known]) <= 1e-12 * np.abs(values[known]).max():
        return _mean_forecast(values[known], horizon)
    fit = _refitted(life, orders) if orders is not None else None
    if fit is None:
        fit = searched(life, _usable_season(life, season_length))
    if fit is None:
        return _mean_forecast(values[known], horizon)
    mean, step_sd, sum_sd = forecast_sarima(fit, life, horizon + skipped, skipped)
    parameters = (*fit.order, *fit.seasonal_order, fit.constant, fit.aicc)
    if not (np.isfinite(mean).all() and np.isfinite(sum_sd).all()):
        return _mean_forecast(values[known], horizon)
    return Forecast(mean, step_sd, sum_sd, parameters)


def _refitted(life: FloatArray, orders: Orders) -> SarimaFit | None:
    """The fit of given orders; None where they cannot be fitted."""
    order, seasonal_order, has_constant = orders
    try:
        fit = fit_sarima(life, order, seasonal_order, has_constant=has_constant)
    except ValueError:
        return None
    return fit if np.isfinite(fit.log_likelihood) else None


def _mean_forecast(known: FloatArray, horizon: int) -> Forecast:
    """Independent values around an estimated mean."""
    level, n = float(known.mean()), known.size
    variance = float(np.sum((known - level) ** 2)) / max(n - 1, 1)
    if np.ptp(known) <= 1e-12 * np.abs(known).max():
        level, variance = float(known[-1]), 0.0
    steps = np.arange(1, horizon + 1)
    step_sd = np.full(horizon, np.sqrt(variance * (1.0 + 1.0 / n)))
    return Forecast(np.full(horizon, level), step_sd, np.sqrt(variance * (steps + steps**2 / n)))


def _usable_season(life: FloatArray, season_length: int) -> int:
    """The season length, or 1 where it is too long or a place of it was seen less than twice."""
    if not 1 < season_length <= MAX_SEASON_LENGTH or life.size < 2 * season_length:
        return 1
    is_known = ~np.isnan(life)
    seen = [int(is_known[place::season_length].sum()) for place in range(season_length)]
    return season_length if min(seen) >= 2 else 1


def searched(life: FloatArray, season_length: int) -> SarimaFit | None:
    """The model of smallest AICc found stepwise; None where none can be fitted."""
    d, seasonal_d = difference_orders(life, season_length)
    tried: dict[Model, SarimaFit | None] = {}
    n_known = int((~np.isnan(life)).sum())
    may_drift = d + seasonal_d == 0 or (d + seasonal_d == 1 and n_known >= MIN_DRIFT)

    def aicc(model: Model) -> float:
        """Of a model, fitted when first asked for."""
        if model not in tried:
            tried[model] = _attempt(life, (model, d, seasonal_d, season_length))
        fit = tried[model]
        return fit.aicc if fit is not None else np.inf

    best = min(_first_models(season_length, may_drift=may_drift), key=aicc)
    is_moving = True
    while is_moving and len(tried) < MAX_TRIED:
        is_moving = False
        for model in _neighbours(best, season_length, may_change=may_drift and d + seasonal_d > 0):
            if len(tried) < MAX_TRIED and aicc(model) < aicc(best):
                best, is_moving = model, True
                break
    chosen = tried[best]
    if chosen is None:
        return None
    return fit_sarima(
        life, chosen.order, chosen.seasonal_order, has_constant=chosen.has_constant, effort=FAST, first=chosen.angles
    )


def _first_models(season_length: int, *, may_drift: bool) -> list[Model]:
    """Where a search begins. Source: Hyndman & Khandakar (2008), section 3.2."""
    if season_length == 1:
        return [(p, q, 0, 0, may_drift) for p, q in ((0, 0), (1, 0), (0, 1), (2, 2))]
    return [(*orders, may_drift) for orders in ((0, 0, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1), (2, 2, 1, 1))]


def _neighbours(model: Model, season_length: int, *, may_change: bool) -> list[Model]:
    """Models one step away."""
    found: list[Model] = []
    for step in STEPS:
        p, q, seasonal_p, seasonal_q = (a + b for a, b in zip(model[:4], step, strict=True))
        is_regular = 0 <= p <= MAX_ORDER and 0 <= q <= MAX_ORDER
        limit = MAX_SEASONAL_ORDER if season_length > 1 else 0
        if is_regular and 0 <= seasonal_p <= limit and 0 <= seasonal_q <= limit:
            found.append((p, q, seasonal_p, seasonal_q, model[4]))
    return [*found, (*model[:4], not model[4])] if may_change else found


def _attempt(life: FloatArray, asked: tuple[Model, int, int, int]) -> SarimaFit | None:
    """The fit of a model, or None where it cannot be fitted or is all but integrated."""
    (p, q, seasonal_p, seasonal_q, has_constant), d, seasonal_d, m = asked
    changes = life.size - d - seasonal_d * m
    if changes <= max(p + seasonal_p * m, q + seasonal_q * m) + 1:
        return None
    try:
        order, seasonal = (p, d, q), (seasonal_p, seasonal_d, seasonal_q, m)
        fit = fit_sarima(life, order, seasonal, has_constant=has_constant, effort=SEARCH)
    except ValueError:
        return None
    partial = np.abs(np.sin(np.concatenate([fit.angles[:p], fit.angles[p + q : p + q + seasonal_p]])))
    return fit if np.isfinite(fit.log_likelihood) and not (partial > NEAR_UNIT_ROOT).any() else None
