"""Combinations of a series' candidates: forecasts of many methods, averaged."""

from __future__ import annotations

import warnings

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray

COMBINATIONS = ("combination_mean", "combination_median")
"""Names of the combinations, in the order of the arrays."""

FEWEST_MEMBERS = 2


def combined(forecasts: FloatArray, members: BoolArray) -> FloatArray:
    """Mean and median of the members' forecasts, step by step.

    Args:
        forecasts: units per period, shape (n, ..., k, h); finite where there is a member.
        members: candidates that are combined, shape (n, k).

    Returns:
        Shape (n, ..., 2, h), in the order of ``COMBINATIONS``; NaN with fewer than ``FEWEST_MEMBERS`` members.

    Source: Bates & Granger (1969), "The combination of forecasts"; for the median Petropoulos & Svetunkov (2020),
    "A simple combination of univariate models".
    """
    n, k = members.shape
    is_in = members & (members.sum(axis=1, keepdims=True) >= FEWEST_MEMBERS)
    chosen = np.where(is_in.reshape(n, *(1,) * (forecasts.ndim - 3), k, 1), forecasts, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of rows without a member, which are NaN by intent
        return np.stack([np.nanmean(chosen, axis=-2), np.nanmedian(chosen, axis=-2)], axis=-2)
