"""The forecast itself: each series' champion fitted to the whole history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.fitlog import FitLog
from skucast.forecasting.fits import Fits, flat, published
from skucast.forecasting.models.baselines import known_mean
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.registry import Method
from skucast.forecasting.selection import champions

FALLBACK_METHOD = "mean"
"""Method of a series that the plan allows no method for, or none of whose methods could be scored."""

BOUNDS = "bounds"
"""Component that takes a raw mean to the published one: not below 0, and 0 at closed steps."""


@dataclass(frozen=True)
class FinalFit:
    """Forecasts of a panel by each series' champion.

    Attributes:
        mean: units per period, shape (n_series, horizon): finite, never negative, 0 at closed steps.
        method: index of the method behind each, shape (n_series,); -1 for the mean of a series without a scored one.
        components: name -> units per period, same shape as ``mean``, which they add up to; empty unless asked for.
    """

    mean: FloatArray
    method: IntArray
    components: Mapping[str, FloatArray]


def final_fit(
    panel: Panel, rmsse: FloatArray, methods: Sequence[Method], log: FitLog, *, with_components: bool = False
) -> FinalFit:
    """Fit each series' best method; where that fails, the next best, and in the end the mean of known demand.

    Args:
        panel: the whole history, as the methods see it.
        rmsse: backtest scores, shape (n_series, n_methods), infinite where not scored.
        methods: the registry.
        log: filled with times, failures and parameters.
        with_components: say also what each forecast is made of.
    """
    scores = rmsse.copy()
    filled = _Filled(panel, with_components=with_components)
    chosen = champions(scores)
    pending = chosen >= 0
    while pending.any():
        for index, method in enumerate(methods):
            series = np.flatnonzero(pending & (chosen == index))
            if series.size:
                is_fitted = filled.fill(series, method, panel.rows(series), log)
                scores[series[~is_fitted], index] = np.inf
                pending[series[is_fitted]] = False
        chosen = np.where(pending, champions(scores), chosen)
        pending &= chosen >= 0
    return filled.published(panel, chosen)


class _Filled:
    """Raw forecasts, filled method by method over the mean of known demand."""

    def __init__(self, panel: Panel, *, with_components: bool) -> None:
        self._mean = flat(np.nan_to_num(known_mean(panel.demand), nan=0.0), panel.horizon)
        self._components = {"level": self._mean.copy()} if with_components else {}

    def fill(self, series: IntArray, method: Method, panel: Panel, log: FitLog) -> BoolArray:
        """Fit the rows ``series``; returns which of them have a forecast."""
        fits = log.fit(method, panel, series)
        is_fitted = np.asarray(np.isfinite(fits.mean).all(axis=1))
        self._mean[series[is_fitted]] = fits.mean[is_fitted]
        if self._components:
            self._explain(series[is_fitted], method, panel.rows(np.flatnonzero(is_fitted)), fits.rows(is_fitted))
        return is_fitted

    def _explain(self, series: IntArray, method: Method, panel: Panel, fits: Fits) -> None:
        for values in self._components.values():
            values[series] = 0.0
        for name, values in method.components(panel, fits).items():
            self._components.setdefault(name, np.zeros_like(self._mean))[series] = values

    def published(self, panel: Panel, chosen: IntArray) -> FinalFit:
        """Everything as it is published."""
        mean = published(self._mean, panel.is_closed_ahead)
        components = {**self._components, BOUNDS: mean - self._mean} if self._components else {}
        return FinalFit(mean, chosen, components)
