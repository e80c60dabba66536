"""Whether forecasts go wrong in one direction: sequential and whole-window tests of standardised errors."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.stats import norm

from skucast.forecasting.panel.panel import FloatArray, IntArray

REFERENCE = 0.75
"""Reference value k of the CUSUM: half of the shift in standardised errors that it finds soonest."""

SMOOTHING = 0.2
"""Smoothing constant of the tracking signal."""

_WIDEST, _STEP = 24.0, 0.02
"""Range and step of the grid on which the law of the CUSUM is computed."""


def cusum(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Cumulative sums of standardised errors as they stand at the end, upwards and downwards; each of shape (n,).

    C⁺ = max(0, C⁺ + z − k) and C⁻ = max(0, C⁻ − z − k): high where demand has lately been above, or below, what was
    promised. They fall back once forecasts have followed.

    Args:
        scores: z in the order of time, mean 0 and variance at most 1 without drift, NaN for none; shape (n, w).

    Source: Page (1954), "Continuous inspection schemes", Biometrika 41, 100-115.
    """
    above, below = np.zeros(scores.shape[0]), np.zeros(scores.shape[0])
    for z in np.nan_to_num(scores).T:
        above, below = np.maximum(above + z - REFERENCE, 0.0), np.maximum(below - z - REFERENCE, 0.0)
    return above, below


@cache
def cusum_limit(false_alarm_share: float) -> float:
    """Limit that either cumulative sum exceeds at a given time in that share of series without drift.

    The stationary law of max(0, C + z − k) with z uniform on ±√3, the law of the scores of a continuous demand whose
    promise holds; from C = 0 it is approached from below, and a discrete law scatters less.

    Source: Brook & Evans (1972), Biometrika 59, 539-549, for the Markov chain.
    """
    grid = np.arange(0.0, _WIDEST, _STEP)
    half = np.sqrt(3.0)
    # P(C' <= x | C = c), C' = max(0, c + z - k).
    reached = np.clip((grid[None, :] + _STEP / 2 - grid[:, None] + REFERENCE + half) / (2 * half), 0.0, 1.0)
    reached[:, -1] = 1.0
    chain = np.diff(reached, axis=1, prepend=0.0)
    balance = np.vstack([(chain.T - np.eye(grid.size))[:-1], np.ones(grid.size)])
    stationary = np.linalg.solve(balance, np.append(np.zeros(grid.size - 1), 1.0))
    exceeded = 1.0 - np.cumsum(stationary)
    return float(grid[np.argmax(exceeded <= false_alarm_share / 2)])


def mean_score(scores: FloatArray) -> tuple[FloatArray, IntArray]:
    """Σz/√n over all windows, about standard normal without bias, and n; each of shape (n_series,)."""
    n = np.isfinite(scores).sum(axis=1)
    total: FloatArray = np.nansum(scores, axis=1) / np.sqrt(np.maximum(n, 1))
    return total, n


def mean_limit(false_alarm_share: float) -> float:
    """Limit that ``mean_score`` exceeds in either direction in that share of series without bias."""
    return float(norm.isf(false_alarm_share / 2))


def tracking_signal(errors: FloatArray) -> FloatArray:
    """Smoothed error over smoothed absolute error, from -1 to 1, shape (n,); NaN without any error.

    Args:
        errors: actual less forecast in the order of time, NaN for none, shape (n, w).

    Source: Trigg (1964), "Monitoring a forecasting system", OR Quarterly 15, 271-274.
    """
    smooth, absolute = np.zeros(errors.shape[0]), np.zeros(errors.shape[0])
    for error in errors.T:
        is_there = ~np.isnan(error)
        e = np.where(is_there, error, 0.0)
        smooth = np.where(is_there, smooth + SMOOTHING * (e - smooth), smooth)
        absolute = np.where(is_there, absolute + SMOOTHING * (np.abs(e) - absolute), absolute)
    return np.divide(smooth, absolute, out=np.full_like(smooth, np.nan), where=absolute > 0)
