"""Combinations of a series' candidates: forecasts of many methods, averaged evenly or by how they did before."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np

from skucast.forecasting.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.trials import Trials

COMBINATIONS = ("combination_mean", "combination_median", "combination_weighted")
"""Names of the combinations, in the order of the arrays."""

FEWEST_MEMBERS = 2


def combined(forecasts: FloatArray, members: BoolArray, weights: FloatArray) -> FloatArray:
    """Mean, median and weighted mean of the members' forecasts, step by step.

    Args:
        forecasts: units per period, shape (n, ..., k, h); finite where there is a member.
        members: candidates that are combined, shape (n, k).
        weights: of the members, adding up to 1, shape (n, ..., k); 0 for others.

    Returns:
        Shape (n, ..., 3, h), in the order of ``COMBINATIONS``; NaN with fewer than ``FEWEST_MEMBERS`` members.

    Source: Bates & Granger (1969), "The combination of forecasts"; for the median Petropoulos & Svetunkov (2020),
    "A simple combination of univariate models".
    """
    n, k = members.shape
    is_in = members & (members.sum(axis=1, keepdims=True) >= FEWEST_MEMBERS)
    chosen = np.where(is_in.reshape(n, *(1,) * (forecasts.ndim - 3), k, 1), forecasts, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of rows without a member, which are NaN by intent
        mean, median = np.nanmean(chosen, axis=-2), np.nanmedian(chosen, axis=-2)
    weighted = np.nansum(chosen * weights[..., None], axis=-2)
    return np.stack([mean, median, np.where(np.isnan(mean), np.nan, weighted)], axis=-2)


def combined_components(
    components: Mapping[str, FloatArray], members: BoolArray, weights: FloatArray, mean: FloatArray
) -> Mapping[str, FloatArray]:
    """What the combinations are made of: the members' components in the members' shares; of a median all is level.

    Args:
        components: name, "level" among them -> units per period, shape (n, k, h); none at all is none again.
        members: candidates that are combined, shape (n, k).
        weights: of the members, adding up to 1, shape (n, k).
        mean: of the combinations, shape (n, 3, h).

    Returns:
        Name -> shape (n, 3, h), together the mean; NaN where that is.
    """
    even = members / np.maximum(members.sum(axis=1, keepdims=True), 1)
    shares = np.stack([even, np.zeros_like(even), weights], axis=1)
    parts = {
        name: np.einsum("nck,nkh->nch", shares, np.nan_to_num(each)) + 0.0 * mean for name, each in components.items()
    }
    if parts:
        parts["level"] += mean - sum(parts.values())
    return parts


def earlier_weights(trials: Trials, members: BoolArray) -> FloatArray:
    """Weights of the members at every origin and at the end of history, by their errors as known there.

    The inverse of the mean squared error over the steps of earlier origins whose periods had happened, to the power of
    the number of horizons that these steps make: without earlier errors all weigh the same, and the more has been seen
    the more the best weigh. The mean holds as many steps again as the horizon has in which each member errs like the
    median of them, so that a lucky hit decides little.

    Args:
        trials: the backtest of the candidates.
        members: candidates that are combined, shape (n, k).

    Returns:
        Shape (n, o + 1, k), the end last; adding up to 1 over the members, 0 for others.

    Source: Bates & Granger (1969), "The combination of forecasts", without covariances.
    """
    n, n_origins, k, horizon = trials.forecasts.shape
    squares = np.where(members[:, None, :, None], trials.scored_errors() ** 2, 0.0)
    period = trials.origin[:, :, None] + np.arange(horizon)
    weights = np.zeros((n, n_origins + 1, k))
    for place in range(n_origins + 1):
        seen = trials.is_scored & (trials.origin >= 0)[:, :, None]
        if place < n_origins:
            seen &= period < trials.origin[:, place, None, None]
        total = np.einsum("nokh,noh->nk", np.nan_to_num(squares), seen.astype(np.float64))
        count = seen.sum(axis=(1, 2))[:, None].astype(np.float64)
        weights[:, place] = _inverse(total, count, members, horizon)
    return weights


def _inverse(total: FloatArray, count: IntArray, members: BoolArray, horizon: int) -> FloatArray:
    """Weights from sums of squared errors over as many steps, shape (n, k)."""
    mean = np.where(members, total / np.maximum(count, 1), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of series without a member
        usual = np.nanmedian(mean, axis=1, keepdims=True)
    usual = np.where(usual > 0, usual, 1.0)
    drawn = (total / usual + horizon) / (count + horizon)
    inverse = np.where(members, drawn ** (-count / horizon), 0.0)
    found: FloatArray = inverse / np.maximum(inverse.sum(axis=1, keepdims=True), 1e-300)
    return found
