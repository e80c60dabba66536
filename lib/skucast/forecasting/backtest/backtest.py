"""The rolling-origin backtest: every candidate of every series, from every origin, on what that origin knew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from skucast.forecasting.backtest.scores import naive_errors
from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.engine.fit_log import FitLog
from skucast.forecasting.models.base import published
from skucast.forecasting.models.registry import Method
from skucast.forecasting.panel.panel import BoolArray, IntArray, Panel
from skucast.forecasting.panel.profile import profile
from skucast.forecasting.seasons.adjustment import Adjusted
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.error_pool import error_group
from skucast.forecasting.uncertainty.error_scale import spread_scale

View = Callable[[Panel], Adjusted]
"""A panel as observed -> as the methods see it (stock-outs filled, seasons and events taken out), row by row."""


def backtest(
    panel: Panel,
    origins: IntArray,
    candidates: BoolArray,
    methods: Sequence[Method],
    view: View,
    log: FitLog,
    drawn: Panel | None = None,
) -> BacktestResult:
    """Forecast every series from its origins with its candidate methods.

    A candidate that fails at any origin drops out of the whole backtest of that series.

    Args:
        panel: the whole history; each origin is shown only what it knew.
        origins: shape (n_series, n_origins), -1 where there is none.
        candidates: methods to try, shape (n_series, n_methods).
        methods: the methods.
        view: what each origin does to what it knew before methods see it.
        log: filled with times, failures and parameters.
        drawn: the panel with a plausible demand where stock ran out; None: stock never ran out.
    """
    alive, trials = candidates.copy(), _untried(panel, origins, methods)
    plausible = None if drawn is None else trials.actuals.copy()
    for origin in np.unique(origins[origins >= 0]).tolist():
        series, place = np.nonzero(origins == origin)
        known = panel.until(origin).rows(series)
        sight = view(known)
        seen = sight.panel
        actuals, is_closed = panel.actuals(origin)[series], known.is_closed_ahead
        trials.actuals[series, place] = actuals
        if drawn is not None and plausible is not None:
            plausible[series, place] = drawn.actuals(origin)[series]
        trials.is_scored[series, place] = ~np.isnan(actuals) & ~is_closed
        trials.scale[series, place] = spread_scale(seen.demand, seen.variance)
        squared, absolute = naive_errors(known.demand)
        trials.naive_mean_square[series, place], trials.naive_mean_absolute[series, place] = squared, absolute
        trials.group[series, place] = error_group(profile(seen))
        for kept, found in zip(trials.dispersion, sight.dispersion(), strict=True):
            kept[series, place] = found
        trials.floor[series, place] = sight.floor()
        for index, method in enumerate(methods):
            rows = np.flatnonzero(alive[series, index])
            if rows.size:
                mean = log.fit(method, seen.rows(rows), series[rows]).mean
                is_fitted: BoolArray = np.asarray(np.isfinite(mean).all(axis=1))
                alive[series[rows], index] &= is_fitted
                mean = np.where(is_fitted[:, None], published(mean * sight.ahead[rows], is_closed[rows]), np.nan)
                trials.forecasts[series[rows], place[rows], index] = mean
    trials.forecasts[np.broadcast_to(~alive[:, None, :], trials.forecasts.shape[:3])] = np.nan
    return replace(trials, drawn=plausible)


def _untried(panel: Panel, origins: IntArray, methods: Sequence[Method]) -> BacktestResult:
    """Trials of which nothing is known yet."""
    shape, horizon = origins.shape, panel.horizon
    return BacktestResult(
        names=tuple(method.name for method in methods),
        origin=origins,
        forecasts=np.full((*shape, len(methods), horizon), np.nan),
        actuals=np.full((*shape, horizon), np.nan),
        is_scored=np.zeros((*shape, horizon), dtype=bool),
        scale=np.full(shape, np.nan),
        naive_mean_square=np.full(shape, np.nan),
        naive_mean_absolute=np.full(shape, np.nan),
        group=np.full(shape, -1),
        dispersion=Dispersion(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)),
        floor=np.zeros((*shape, horizon)),
    )
