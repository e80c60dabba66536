"""The Weekly and Hourly series of the M4 competition as panels, and what its scores are measured against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.accuracy.held_out import panel_of
from benchmarks.parity.automatic_parity import HOURS, YEAR, m4_series
from skucast.forecasting.panel.panel import FloatArray, Panel

SIGNIFICANT = 1.645
"""Standard errors of the autocorrelation beyond which the competition calls a series seasonal."""


def weekly(count: int) -> Panel:
    """Horizon 13; training parts of 80 to 2,597 weeks."""
    return aligned(list(m4_series("Weekly", count)), 13, 7, YEAR)


def hourly(count: int) -> Panel:
    """Horizon 48; training parts of 700 or 960 hours."""
    return replace(aligned(list(m4_series("Hourly", count)), 48, 1 / 24, HOURS), longer_seasons=(7 * HOURS,))


def aligned(series: list[FloatArray], horizon: int, period_days: float, season_length: int) -> Panel:
    """Series that all end with the last period."""
    demand = np.full((len(series), max(values.size for values in series)), np.nan)
    for row, values in zip(demand, series, strict=True):
        row[row.size - values.size :] = values
    return panel_of(demand, horizon, period_days, season_length)


def naive2(panel: Panel, season: int) -> FloatArray:
    """The competition's yardstick, shape (n_series, horizon): the last value, seasonally adjusted if that is justified.

    Source: Makridakis, Spiliotis & Assimakopoulos (2020), "The M4 Competition", the organisers' published code.
    """
    rows = [values[~np.isnan(values)] for values in panel.demand]
    return np.array([_naive2(values, season, panel.horizon) for values in rows])


def _naive2(values: FloatArray, season: int, horizon: int) -> FloatArray:
    """One series: classical decomposition by a centred moving average, factors that multiply."""
    if season == 1 or values.size < 3 * season or not _is_seasonal(values, season):
        return np.full(horizon, values[-1])
    weights = np.concatenate([[0.5], np.ones(season - 1), [0.5]]) / season
    level = np.convolve(values, weights, "valid")
    ratio, place = values[season // 2 :][: level.size] / level, (np.arange(level.size) + season // 2) % season
    factors = np.array([ratio[place == each].mean() for each in range(season)])
    ahead = factors[(values.size + np.arange(horizon)) % season]
    return values[-1] / factors[(values.size - 1) % season] * ahead


def _is_seasonal(values: FloatArray, season: int) -> bool:
    """Whether the autocorrelation at the season stands out from those before it (90 %)."""
    own = values - values.mean()
    found = np.array([own[lag:] @ own[: own.size - lag] for lag in range(1, season + 1)]) / (own @ own)
    limit = SIGNIFICANT * np.sqrt((1.0 + 2.0 * np.sum(found[:-1] ** 2)) / values.size)
    return bool(abs(found[-1]) > limit)
