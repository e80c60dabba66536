"""One method fitted to the values and to their logarithms, and the blend of both."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, Panel

FEW = 4
"""Known values below which logarithms have no weight."""

Out = tuple[FloatArray, FloatArray, FloatArray]
"""Mean, and standard deviations of the steps and of their sums, each of shape (horizon,) or (n_series, horizon)."""

Place = tuple[int, int]
"""Row of a series, and its first known period."""

FitScale = Callable[[FloatArray, Place, int, int, Out, FloatArray], None]
"""Fits values known at both ends, from a place on, with a gap before step 1, on a scale (1: logarithms); fills out and
numbers.

Numbers begin with the mean squared one-step error in units, the offset of logarithms and sigma on the scale.
"""


def on_both_scales(panel: Panel, fit: FitScale, n_numbers: int) -> tuple[Out, FloatArray, FloatArray]:
    """Fit every series on both scales, each divided by the power of two above its largest value, which is exact.

    Returns:
        The blend; the weight of logarithms, shape (n_series,); numbers of values and logarithms, offset and the sigma
        of values in units, shape (2, n_series, n_numbers). NaN for series without any known value.
    """
    shape = (2, panel.n_series, panel.horizon)
    both = (np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan))
    numbers: FloatArray = np.full((2, panel.n_series, n_numbers), np.nan)
    unit: FloatArray = np.full(panel.n_series, np.nan)
    for row in range(panel.n_series):
        known = np.flatnonzero(~np.isnan(panel.demand[row]))
        if known.size:
            values, gap = panel.demand[row, known[0] : known[-1] + 1], panel.n_periods - 1 - int(known[-1])
            unit[row] = math.ldexp(1.0, math.frexp(float(np.nanmax(values)))[1])
            scaled = np.ascontiguousarray(values / unit[row])
            for is_log in (0, 1):
                out = (both[0][is_log, row], both[1][is_log, row], both[2][is_log, row])
                fit(scaled, (row, int(known[0])), gap, is_log, out, numbers[is_log, row])
    share = log_share(numbers[:, :, 0], panel.is_known.sum(axis=1) >= FEW)
    mean, step, total = ((each[0] + share[:, None] * (each[1] - each[0])) * unit[:, None] for each in both)
    numbers[1, :, 1] *= unit
    numbers[0, :, 2] *= unit
    return (mean, step, total), share, numbers


def log_share(squared_error: FloatArray, has_enough: BoolArray) -> FloatArray:
    """Weight of the logarithms: squares of the inverse mean squared errors, shape (n_series,), adding up to 1.

    Args:
        squared_error: of values and logarithms, shape (2, n_series).
        has_enough: whether logarithms are trusted at all, shape (n_series,).
    """
    largest = np.maximum(squared_error[0], squared_error[1])
    values, logs = np.square(squared_error / np.where(largest > 0, largest, 1.0))
    total = values + logs
    return np.where(
        has_enough & (total > 0), values / np.where(total > 0, total, 1.0), np.where(np.isnan(total), np.nan, 0.0)
    )
