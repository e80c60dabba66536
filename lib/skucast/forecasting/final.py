"""The forecast itself: each series' champion fitted to the whole history."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skucast.forecasting.fitlog import FitLog
from skucast.forecasting.fits import flat, published
from skucast.forecasting.models.baselines import known_mean
from skucast.forecasting.panel import FloatArray, IntArray, Panel
from skucast.forecasting.registry import Method
from skucast.forecasting.selection import champions

FALLBACK_METHOD = "mean"
"""Method of a series that the plan allows no method for, or none of whose methods could be scored."""


def final_fit(panel: Panel, rmsse: FloatArray, methods: Sequence[Method], log: FitLog) -> tuple[FloatArray, IntArray]:
    """Fit each series' best method; where that fails, the next best, and in the end the mean of known demand.

    Args:
        panel: the whole history, as the methods see it.
        rmsse: backtest scores, shape (n_series, n_methods), infinite where not scored.
        methods: the registry.
        log: filled with times, failures and parameters.

    Returns:
        Means, units per period, shape (n_series, horizon): finite, never negative, 0 at closed steps; and the index of
        the method behind each, shape (n_series,), -1 for the mean of a series without any scored method.
    """
    scores = rmsse.copy()
    mean = flat(np.nan_to_num(known_mean(panel.demand), nan=0.0), panel.horizon)
    chosen = champions(scores)
    pending = chosen >= 0
    while pending.any():
        for index, method in enumerate(methods):
            series = np.flatnonzero(pending & (chosen == index))
            if series.size:
                forecast = log.fit(method, panel.rows(series), series).mean
                is_fitted = np.isfinite(forecast).all(axis=1)
                mean[series[is_fitted]] = forecast[is_fitted]
                scores[series[~is_fitted], index] = np.inf
                pending[series[is_fitted]] = False
        chosen = np.where(pending, champions(scores), chosen)
        pending &= chosen >= 0
    return published(mean, panel.is_closed_ahead), chosen
