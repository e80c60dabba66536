"""High outliers of each series: limits over its positive known demand. Low demand is demand, never an outlier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel

MIN_POSITIVE = 8
"""Fewer positive demands than this say nothing about a tail: no limit."""

MAD_TO_SD = 1.4826
"""Median absolute deviation times this estimates a normal's standard deviation. Source: Hampel (1974)."""

Sorted = tuple[FloatArray, IntArray]
"""Positive demands of each row in rising order, NaN behind them; and how many there are."""


def upper_limits(demand: FloatArray, method: str, limit: float) -> FloatArray:
    """Largest demand of each series that is not an outlier, shape (n_series,); infinite where there is no limit.

    No limit: method "none", fewer than ``MIN_POSITIVE`` positive demands, or no spread among the bulk of them (then any
    other value would be an outlier).

    Args:
        demand: units per period, NaN where unknown, shape (n_series, n_periods).
        method: "none", "iqr" (Tukey 1977), "zscore" or "hampel" (Hampel 1974).
        limit: how many spreads above the centre: of interquartile ranges above the upper quartile, of standard
            deviations above the mean, of scaled median absolute deviations above the median.

    Raises:
        ValueError: an unknown method.
    """
    if method == "none":
        return np.full(demand.shape[0], np.inf)
    if method not in OUTLIER_METHODS:
        raise ValueError(f"outlier method must be none, {', '.join(OUTLIER_METHODS)}, found {method!r}")
    ordered = np.sort(np.where(demand > 0, demand, np.nan), axis=1)
    count = (~np.isnan(ordered)).sum(axis=1)
    centre, spread = OUTLIER_METHODS[method]((ordered, count))
    with np.errstate(invalid="ignore"):
        return np.where((count >= MIN_POSITIVE) & (spread > 0), centre + limit * spread, np.inf)


def is_outlier(demand: FloatArray, method: str, limit: float) -> BoolArray:
    """Whether each known demand lies above its series' limit, shape (n_series, n_periods)."""
    result: BoolArray = demand > upper_limits(demand, method, limit)[:, None]
    return result


def capped(demand: FloatArray, method: str, limit: float) -> FloatArray:
    """Demand with outliers replaced by their series' limit, shape (n_series, n_periods)."""
    return np.minimum(demand, upper_limits(demand, method, limit)[:, None])


def with_capped(panel: Panel, method: str, limit: float) -> Panel:
    """The panel with demand, and what was sold before stock ran out, not above the limit of its series."""
    highest = upper_limits(panel.demand, method, limit)[:, None]
    sold = None if panel.lower_bound is None else np.minimum(panel.lower_bound, highest)
    return replace(panel, demand=np.minimum(panel.demand, highest), lower_bound=sold)


def _iqr(values: Sorted) -> tuple[FloatArray, FloatArray]:
    upper = _quantile(values, 0.75)
    return upper, upper - _quantile(values, 0.25)


def _zscore(values: Sorted) -> tuple[FloatArray, FloatArray]:
    ordered, count = values
    mean = np.nansum(ordered, axis=1) / np.maximum(count, 1)
    return mean, np.sqrt(np.nansum((ordered - mean[:, None]) ** 2, axis=1) / np.maximum(count - 1, 1))


def _hampel(values: Sorted) -> tuple[FloatArray, FloatArray]:
    ordered, count = values
    median = _quantile(values, 0.5)
    deviations = np.sort(np.abs(ordered - median[:, None]), axis=1)
    return median, MAD_TO_SD * _quantile((deviations, count), 0.5)


def _quantile(values: Sorted, level: float) -> FloatArray:
    """Linearly interpolated quantile of each sorted row (definition 7 of Hyndman & Fan 1996), NaN for empty rows."""
    ordered, count = values
    if ordered.shape[1] == 0:
        return np.full(ordered.shape[0], np.nan)
    position = level * np.maximum(count - 1, 0)
    lower = np.floor(position).astype(np.int64)
    upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
    rows = np.arange(ordered.shape[0])
    below, above = ordered[rows, lower], ordered[rows, upper]
    return below + (position - lower) * (above - below)


OUTLIER_METHODS: Mapping[str, Callable[[Sorted], tuple[FloatArray, FloatArray]]] = MappingProxyType(
    {"iqr": _iqr, "zscore": _zscore, "hampel": _hampel}
)
"""Method -> centre and spread of the positive demands of each series."""
