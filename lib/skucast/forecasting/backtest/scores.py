"""RMSSE, and the errors of the naive forecast that scale it and MASE."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray


def naive_errors(demand: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean squared and mean absolute one-step error of the naive forecast, each of shape (n_series,), > 0.

    Differences are between successive known values, from the first positive one on. Where demand never changes it is
    the mean square, and the mean, of demand instead, and 1 without any demand.

    Args:
        demand: units per period that one origin knew, NaN where unknown, shape (n_series, n_periods).

    Source: Hyndman & Koehler (2006); M5 Competitors Guide, p. 6.
    """
    n_series = demand.shape[0]
    last, squared, absolute = np.full(n_series, np.nan), np.zeros(n_series), np.zeros(n_series)
    n_differences, has_started = np.zeros(n_series), np.zeros(n_series, dtype=bool)
    for values in np.ascontiguousarray(demand.T):
        has_started |= values > 0
        counts = has_started & ~np.isnan(values)
        pair = counts & ~np.isnan(last)
        change = np.where(pair, values - last, 0.0)
        squared += change**2
        absolute += np.abs(change)
        n_differences += pair
        last = np.where(counts, values, last)
    n_known = np.maximum((~np.isnan(demand)).sum(axis=1), 1)
    return (
        _positive(squared / np.maximum(n_differences, 1), np.nansum(demand**2, axis=1) / n_known),
        _positive(absolute / np.maximum(n_differences, 1), np.nansum(demand, axis=1) / n_known),
    )


def _positive(error: FloatArray, otherwise: FloatArray) -> FloatArray:
    """The error where it is positive, else the other where that is, else 1."""
    return np.where(error > 0, error, np.where(otherwise > 0, otherwise, 1.0))


def rmsse(squared_error: FloatArray, n_scored: FloatArray | IntArray, naive_mean_square: FloatArray) -> FloatArray:
    """Root mean squared scaled error, pooled: sqrt(sum of squared errors / steps / naive mean square).

    Args:
        squared_error: sum over the scored steps of all origins.
        n_scored: number of those steps; 0 gives NaN.
        naive_mean_square: mean over the origins of the squared ``naive_errors``, > 0.

    Source: M5 Competitors Guide, p. 6.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = np.sqrt(squared_error / n_scored / naive_mean_square)
    return result
