"""The forecast itself: each series' champion fitted to the whole history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.fitlog import FitLog
from skucast.forecasting.fits import Fits, published
from skucast.forecasting.models.baselines import mean as mean_of_all
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
        step_sd: of the method's own law, units, same shape; NaN where it has none.
        sum_sd: the same of the sum over steps 1 to h.
        method: index of the method behind each, shape (n_series,); -1 for the mean of a series without a scored one.
        components: name -> units per period, same shape as ``mean``, which they add up to; empty unless asked for.
    """

    mean: FloatArray
    step_sd: FloatArray
    sum_sd: FloatArray
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
        fallback = mean_of_all(panel)
        self._arrays = tuple(np.nan_to_num(values, nan=0.0) for values in (fallback.mean, *fallback.law))
        self._components = {"level": self._arrays[0].copy()} if with_components else {}

    def fill(self, series: IntArray, method: Method, panel: Panel, log: FitLog) -> BoolArray:
        """Fit the rows ``series``; returns which of them have a forecast."""
        fits = log.fit(method, panel, series)
        is_fitted = np.asarray(np.isfinite(fits.mean).all(axis=1))
        for whole, part in zip(self._arrays, (fits.mean, *fits.law), strict=True):
            whole[series[is_fitted]] = part[is_fitted]
        if self._components:
            self._explain(series[is_fitted], method, panel.rows(np.flatnonzero(is_fitted)), fits.rows(is_fitted))
        return is_fitted

    def _explain(self, series: IntArray, method: Method, panel: Panel, fits: Fits) -> None:
        for values in self._components.values():
            values[series] = 0.0
        for name, values in method.components(panel, fits).items():
            self._components.setdefault(name, np.zeros_like(self._arrays[0]))[series] = values

    def published(self, panel: Panel, chosen: IntArray) -> FinalFit:
        """Everything as it is published."""
        raw, step_sd, sum_sd = self._arrays
        mean = published(raw, panel.is_closed_ahead)
        components = {**self._components, BOUNDS: mean - raw} if self._components else {}
        return FinalFit(mean, step_sd, sum_sd, chosen, components)
