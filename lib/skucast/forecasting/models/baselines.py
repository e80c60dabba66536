"""Naive, mean and seasonal naive, for all series at once."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.shared.level_variance import mean_spread, seasonal_walk_spread, smoothing_spread
from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel
from skucast.numerics.compiled import compiled


def naive(panel: Panel) -> ModelFit:
    """The last known value at every step. Unknown periods are passed over."""
    level = last_known(panel.demand)
    step_sd, sum_sd = _walk_spread(panel)
    return ModelFit(flat(level, panel.horizon), {"level": level}, step_sd=step_sd, sum_sd=sum_sd)


def mean(panel: Panel) -> ModelFit:
    """The mean of all known periods at every step."""
    level, n_known = known_mean(panel.demand), panel.is_known.sum(axis=1).astype(np.float64)
    squares = np.where(panel.is_known, (panel.demand - level[:, None]) ** 2, 0.0).sum(axis=1)
    variance = np.where(n_known > 1, squares / np.maximum(n_known - 1.0, 1.0), level**2)
    step_sd, sum_sd = mean_spread(variance, n_known, panel.horizon)
    return ModelFit(flat(level, panel.horizon), {"level": level}, step_sd=step_sd, sum_sd=sum_sd)


def seasonal_naive(panel: Panel) -> ModelFit:
    """The last known value at the same place of the season.

    Where that place is unknown in all seasons, and for a series whose life is shorter than two seasons, this is by
    definition the naive forecast: a season seen once is not known to return, and no origin could have tested it.
    """
    season = panel.season_length
    place = _last_season(panel.demand, season)[:, np.arange(panel.horizon) % season]
    has_season: BoolArray = panel.n_periods - panel.start >= 2 * season
    variance = mean_square_change(panel.demand, season)
    long = seasonal_walk_spread(np.nan_to_num(variance), season, panel.horizon)
    has_law = (has_season & ~np.isnan(variance))[:, None]
    step_sd, sum_sd = (np.where(has_law, a, b) for a, b in zip(long, _walk_spread(panel), strict=True))
    mean = np.where(has_season[:, None] & ~np.isnan(place), place, last_known(panel.demand)[:, None])
    return ModelFit(mean, {"season_length": np.where(has_season, float(season), 1.0)}, step_sd=step_sd, sum_sd=sum_sd)


def _walk_spread(panel: Panel) -> tuple[FloatArray, FloatArray]:
    """step_sd and sum_sd of a random walk."""
    variance = mean_square_change(panel.demand, 1)
    return smoothing_spread(variance, np.ones(panel.n_series), panel.horizon)


@compiled
def mean_square_change(demand: FloatArray, lag: int) -> FloatArray:
    """Mean squared change from the latest known value at the same place of a season of ``lag`` periods.

    Shape (n_series,). With lag 1 and a single known value its square; NaN where nothing is known, or no place twice.
    """
    result = np.full(demand.shape[0], np.nan)
    for row in range(demand.shape[0]):
        latest, total, count = np.full(lag, np.nan), 0.0, 0
        for period in range(demand.shape[1]):
            value, before = demand[row, period], latest[period % lag]
            if not np.isnan(value):
                latest[period % lag] = value
                if not np.isnan(before):
                    total += (value - before) ** 2
                    count += 1
        if count > 0:
            result[row] = total / count
        elif lag == 1:
            result[row] = latest[0] ** 2
    return result


def last_known(demand: FloatArray) -> FloatArray:
    """Last value that is not NaN in each row, NaN if there is none; shape (n_series,)."""
    if demand.shape[1] == 0:
        return np.full(demand.shape[0], np.nan)
    known = ~np.isnan(demand)
    last = demand.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    result: FloatArray = demand[np.arange(demand.shape[0]), last]
    return result


def known_mean(demand: FloatArray) -> FloatArray:
    """Mean of the values that are not NaN in each row, NaN if there is none; shape (n_series,)."""
    known = ~np.isnan(demand)
    with np.errstate(invalid="ignore"):
        result: FloatArray = np.where(known, demand, 0.0).sum(axis=1) / known.sum(axis=1)
    return result


def _last_season(demand: FloatArray, season_length: int) -> FloatArray:
    """Last known value at each place of the season that begins at step 1, shape (n_series, season_length)."""
    n_series, n_periods = demand.shape
    padding = np.full((n_series, -n_periods % season_length), np.nan)
    seasons = np.hstack([padding, demand]).reshape(n_series, -1, season_length)
    latest = np.full((n_series, season_length), np.nan)
    for index in range(seasons.shape[1]):
        latest = np.where(np.isnan(seasons[:, index]), latest, seasons[:, index])
    return latest
