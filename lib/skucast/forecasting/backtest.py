"""The rolling-origin backtest: every candidate of every series, from every origin, on what that origin knew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

import numpy as np

from skucast.forecasting.fitlog import FitLog
from skucast.forecasting.fits import published
from skucast.forecasting.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.forecasting.registry import Method
from skucast.forecasting.scores import ErrorSums, error_sums, naive_mean_square, rmsse
from skucast.forecasting.spread import spread_scale

Treatment = Callable[[FloatArray], FloatArray]
"""Demand as observed -> demand as the methods see it (outliers capped), row by row."""


@dataclass(frozen=True)
class Backtest:
    """One row per series, origin and method; arrays of shape (n_rows,) unless said.

    Attributes:
        series: row of the series in the panel.
        origin: periods the origin knew; its step 1 is the period with this index.
        method: index into the registry.
        forecasts: published means, units per period, shape (n_rows, horizon).
        actuals: shape (n_rows, horizon); NaN where unknown or not yet happened, 0 in closed periods.
        sums: errors summed over the open steps with known demand.
        naive_mean_square: RMSSE denominator of what the origin knew, units squared, > 0.
        scale: spread scale of what the origin knew, units, > 0.
    """

    series: IntArray
    origin: IntArray
    method: IntArray
    forecasts: FloatArray
    actuals: FloatArray
    sums: ErrorSums
    naive_mean_square: FloatArray
    scale: FloatArray

    def pooled_rmsse(self, n_series: int, n_methods: int) -> FloatArray:
        """RMSSE over all origins of each series and method, shape (n_series, n_methods); infinite where not tried."""
        cell, size = self.series * n_methods + self.method, n_series * n_methods
        n_origins = np.bincount(cell, minlength=size)
        squared_error, n_scored, naive = (
            np.bincount(cell, weights=values, minlength=size).astype(np.float64)
            for values in (self.sums.squared_error, self.sums.n_scored, self.naive_mean_square)
        )
        pooled = rmsse(squared_error, n_scored, naive / np.maximum(n_origins, 1))
        return np.where(np.isnan(pooled), np.inf, pooled).reshape(n_series, n_methods)

    def rows(self, index: IntArray | BoolArray) -> Backtest:
        """The rows at ``index``."""
        sums = ErrorSums(*(getattr(self.sums, item.name)[index] for item in fields(ErrorSums)))
        rest = {item.name: getattr(self, item.name)[index] for item in fields(self) if item.name != "sums"}
        return Backtest(sums=sums, **rest)


def backtest(
    panel: Panel,
    origins: IntArray,
    candidates: BoolArray,
    methods: Sequence[Method],
    treatment: Treatment,
    log: FitLog,
) -> Backtest:
    """Forecast every series from its origins with its candidate methods and score the result.

    A candidate that fails at any origin drops out of the whole backtest of that series.

    Args:
        panel: the whole history; each origin is shown only what it knew.
        origins: shape (n_series, n_origins), -1 where there is none.
        candidates: methods to try, shape (n_series, n_methods).
        methods: the registry.
        treatment: what each origin does to the demand it knew before methods see it.
        log: filled with times, failures and parameters.

    Returns:
        One row per series, origin and surviving candidate, in that order.
    """
    alive = candidates.copy()
    parts = [_empty(panel.horizon)]
    for origin in np.unique(origins[origins >= 0]).tolist():
        series = np.flatnonzero((origins == origin).any(axis=1))
        view = OriginView.of(panel, origin, series, treatment)
        for index, method in enumerate(methods):
            part = _trial(view, alive[series, index], index, method, log)
            alive[part.series, index] &= np.isfinite(part.forecasts).all(axis=1)
            parts.append(part)
    everything = _stack(parts)
    order = np.lexsort((everything.method, everything.origin, everything.series))
    survived: BoolArray = alive[everything.series, everything.method]
    return everything.rows(order[survived[order]])


@dataclass(frozen=True)
class OriginView:
    """One origin of some series: what was known, and what came.

    Attributes:
        origin: periods known.
        series: rows of the series in the whole panel, shape (n_rows,).
        known: those series, with the demand as the methods see it.
        actuals: shape (n_rows, horizon).
        naive_mean_square: of the demand as observed, shape (n_rows,).
        scale: of the demand as the methods see it, shape (n_rows,).
    """

    origin: int
    series: IntArray
    known: Panel
    actuals: FloatArray
    naive_mean_square: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, panel: Panel, origin: int, series: IntArray, treatment: Treatment) -> OriginView:
        """The view of ``series`` from ``origin``."""
        known = panel.until(origin).rows(series)
        seen = replace(known, demand=treatment(known.demand))
        actuals = panel.actuals(origin)[series]
        return cls(origin, series, seen, actuals, naive_mean_square(known.demand), spread_scale(seen.demand))


def _trial(view: OriginView, wanted: BoolArray, index: int, method: Method, log: FitLog) -> Backtest:
    """One method from one origin, for the rows of the view that want it."""
    rows = np.flatnonzero(wanted)
    if rows.size == 0:
        return _empty(view.known.horizon)
    is_closed, actuals = view.known.is_closed_ahead[rows], view.actuals[rows]
    forecasts = log.fit(method, view.known.rows(rows), view.series[rows]).mean
    forecasts = np.where(np.isfinite(forecasts).all(axis=1, keepdims=True), published(forecasts, is_closed), np.nan)
    return Backtest(
        series=view.series[rows],
        origin=np.full(rows.size, view.origin),
        method=np.full(rows.size, index),
        forecasts=forecasts,
        actuals=actuals,
        sums=error_sums(forecasts, np.where(is_closed, np.nan, actuals)),
        naive_mean_square=view.naive_mean_square[rows],
        scale=view.scale[rows],
    )


def _empty(horizon: int) -> Backtest:
    none, steps, count = np.empty(0), np.empty((0, horizon)), np.empty(0, dtype=np.int64)
    return Backtest(count, count, count, steps, steps, ErrorSums(count, none, none, none), none, none)


def _stack(parts: Sequence[Backtest]) -> Backtest:
    def joined(name: str) -> Any:
        return np.concatenate([attrgetter(name)(part) for part in parts])

    sums = ErrorSums(*(joined(f"sums.{item.name}") for item in fields(ErrorSums)))
    rest = {item.name: joined(item.name) for item in fields(Backtest) if item.name != "sums"}
    return Backtest(sums=sums, **rest)
