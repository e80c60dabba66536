"""Naive, mean and seasonal naive, for all series at once."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.fits import Fits, flat
from skucast.forecasting.panel import BoolArray, FloatArray, Panel


def naive(panel: Panel) -> Fits:
    """The last known value at every step. Unknown periods are passed over."""
    level = last_known(panel.demand)
    return Fits(flat(level, panel.horizon), {"level": level})


def mean(panel: Panel) -> Fits:
    """The mean of all known periods at every step."""
    level = known_mean(panel.demand)
    return Fits(flat(level, panel.horizon), {"level": level})


def seasonal_naive(panel: Panel) -> Fits:
    """The last known value at the same place of the season.

    Where that place is unknown in all seasons, and for a series whose life is shorter than two seasons, this is by
    definition the naive forecast: a season seen once is not known to return, and no origin could have tested it.
    """
    place = _last_season(panel.demand, panel.season_length)[:, np.arange(panel.horizon) % panel.season_length]
    has_season: BoolArray = panel.n_periods - panel.start >= 2 * panel.season_length
    usable = has_season[:, None] & ~np.isnan(place)
    forecast = np.where(usable, place, last_known(panel.demand)[:, None])
    return Fits(forecast, {"season_length": np.where(has_season, float(panel.season_length), 1.0)})


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
