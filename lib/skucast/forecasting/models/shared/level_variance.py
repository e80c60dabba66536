"""Spread of the forecasts of simple level models, in each step and summed over steps: closed forms."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray


def smoothing_spread(variance: FloatArray, alpha: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
    """Law of simple exponential smoothing; of the naive forecast with alpha 1.

    An error of 1 adds alpha to every later step, so Var(step h) = v (1 + (h - 1) α²) and
    Var(sum) = v Σ (1 + j α)² over j = 0 .. h - 1 = v (h + α h (h - 1) + α² (h - 1) h (2h - 1) / 6).

    Args:
        variance: of one-step errors, shape (n_series,). [v]
        alpha: smoothing constant, shape (n_series,). [α]
        horizon: steps.

    Returns:
        step_sd and sum_sd, units, each of shape (n_series, horizon).

    Source: Hyndman, Koehler, Ord & Snyder (2008), sections 6.3 and 6.6.
    """
    h, a = np.arange(1.0, horizon + 1.0), alpha[:, None]
    step = 1.0 + (h - 1.0) * a**2
    total = h + a * h * (h - 1.0) + a**2 * (h - 1.0) * h * (2.0 * h - 1.0) / 6.0
    sd = np.sqrt(variance)[:, None]
    return sd * np.sqrt(step), sd * np.sqrt(total)


def mean_spread(variance: FloatArray, n_known: FloatArray, horizon: int) -> tuple[FloatArray, FloatArray]:
    """Law of independent demand about the mean of ``n_known`` periods: Var(sum) = v (h + h² / n); as above."""
    h, n = np.arange(1.0, horizon + 1.0), np.maximum(n_known, 1.0)[:, None]
    sd = np.sqrt(variance)[:, None]
    return sd * np.sqrt(1.0 + 1.0 / n + 0.0 * h), sd * np.sqrt(h + h**2 / n)


def seasonal_walk_spread(variance: FloatArray, season_length: int, horizon: int) -> tuple[FloatArray, FloatArray]:
    """Law of the seasonal naive forecast: every place of the season is a random walk of its own.

    The k-th visit to a place has variance k v, the sum of its first k visits v k (k + 1) (2k + 1) / 6.

    Args:
        variance: of changes from season to season, shape (n_series,). [v]
        season_length: periods.
        horizon: steps.
    """
    steps = np.arange(horizon)
    visits = 1.0 + steps // season_length
    squares = visits**2  # k (k + 1) (2k + 1) / 6 grows by k² with the k-th visit
    sd = np.sqrt(variance)[:, None]
    return sd * np.sqrt(visits), sd * np.sqrt(np.cumsum(squares))
