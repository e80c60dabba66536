"""How often to difference a series before an ARMA is fitted: seasonal strength, then a test of stationarity."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.arima.sarima import differenced
from skucast.forecasting.panel.panel import FloatArray

KPSS_CRITICAL = 0.463
"""Of level stationarity at 5 %. Source: Kwiatkowski, Phillips, Schmidt & Shin (1992), table 1."""

SEASONAL_STRENGTH = 0.64
"""Above it a series is seasonally differenced. Source: Hyndman's forecast::nsdiffs, from the M4 data."""

MAX_DIFFERENCES = 1
"""Regular differences at most. A second one extrapolates the latest slope, which lost on weekly series of M4."""

MIN_TESTED = 8
"""Known values below which nothing is tested and nothing is differenced."""


def difference_orders(values: FloatArray, season_length: int) -> tuple[int, int]:
    """(d, D) of a series with NaN where unknown; ``season_length`` 1 has no season.

    Source: Hyndman & Khandakar (2008), Journal of Statistical Software 27(3), section 3.1.
    """
    seasonal_d = int(season_length > 1 and seasonal_strength(values, season_length) > SEASONAL_STRENGTH)
    d = 0
    while d < MAX_DIFFERENCES:
        changes = differenced(values, d, seasonal_d, season_length)
        known = changes[~np.isnan(changes)]
        if known.size < MIN_TESTED or kpss(known) <= KPSS_CRITICAL:
            break
        d += 1
    return d, seasonal_d


def kpss(values: FloatArray) -> float:
    """Statistic of level stationarity with trunc(3√n/13) lags; 0 of a constant.

    Source: Kwiatkowski, Phillips, Schmidt & Shin (1992), Journal of Econometrics 54, eq. 13.
    """
    n = values.size
    errors = values - values.mean()
    lags = int(3.0 * np.sqrt(n) / 13.0)
    long_run = float(np.mean(errors**2))
    if long_run <= 1e-24 * float(np.max(values**2)):
        return 0.0
    for lag in range(1, lags + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * float(np.sum(errors[lag:] * errors[:-lag])) / n
    return float(np.sum(np.cumsum(errors) ** 2)) / (n**2 * long_run)


def seasonal_strength(values: FloatArray, season_length: int) -> float:
    """1 - Var(remainder) / Var(season + remainder), at least 0; by a moving average and means per place.

    Variances are taken per degree of freedom, so that few seasons do not pass for a strong one.

    Source: Wang, Smith & Hyndman (2006), Data Mining and Knowledge Discovery 13, 335-364.
    """
    detrended = values - moving_average(values, season_length)
    place = np.arange(values.size) % season_length
    is_known = ~np.isnan(detrended)
    counts = np.bincount(place[is_known], minlength=season_length)
    n = int(is_known.sum())
    if n <= season_length + 1 or (counts < 2).any():
        return 0.0
    detrended, place = detrended[is_known], place[is_known]
    season = np.bincount(place, weights=detrended, minlength=season_length) / counts
    remainder = detrended - season[place]
    total = float(np.sum((detrended - detrended.mean()) ** 2)) / (n - 1)
    if total <= 1e-24 * float(np.nanmax(values**2)):
        return 0.0
    return max(0.0, 1.0 - float(np.sum(remainder**2)) / (n - season_length) / total)


def moving_average(values: FloatArray, season_length: int) -> FloatArray:
    """Centred average over one season, of the known values in it; shape as ``values``, NaN near the ends."""
    half = season_length // 2
    weights = np.ones(2 * half + 1)
    if season_length % 2 == 0:
        weights[0] = weights[-1] = 0.5
    average = np.full(values.size, np.nan)
    if values.size < weights.size:
        return average
    is_known = ~np.isnan(values)
    total = np.convolve(np.where(is_known, values, 0.0), weights, "valid")
    known = np.convolve(is_known.astype(np.float64), weights, "valid")
    average[half : values.size - half] = np.where(known > half, total / np.maximum(known, 0.5), np.nan)
    return average
