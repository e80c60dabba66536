"""What earlier years add to a forecast: growth from the same place of the year on, less its mean."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

MAX_YEARS = 3
"""Earlier years averaged, at most."""


@compiled
def growths(path: FloatArray, season: int, at: int, horizon: int, out: FloatArray) -> int:
    """Fill the growth of earlier years from the place of period ``at`` to each step ahead, averaged over the years.

    Args:
        path: shape (n_periods,), without gaps.
        season: periods of a year.
        at: the period forecast from, below n_periods.
        horizon: steps ahead; steps beyond a season repeat those of the last.
        out: filled, shape (horizon,); steps beyond what the years show are 0.

    Returns:
        Years averaged; 0 if there is none.
    """
    out[:], years = 0.0, 0
    for year in range(1, MAX_YEARS + 1):
        base = at - year * season
        if base < 0:
            break
        years += 1
        for h in range(1, horizon + 1):
            ahead = base + h - season * ((h - 1) // season)
            out[h - 1] += path[ahead] - path[base]
    for h in range(horizon):
        out[h] /= max(years, 1)
    return years


@compiled
def carry_over(path: FloatArray, season: int, steps: int, drift: FloatArray) -> tuple[float, float]:
    """Regress the growth over the steps ahead on that of earlier years, both less their means, through the origin.

    Args:
        path: shape (n_periods,), without gaps.
        season: periods of a year.
        steps: ahead that are regressed, at most a season.
        drift: filled with the mean growth of earlier years over each step, shape (steps,).

    Returns:
        The share carried over, in [0, 1], and the share of variance it leaves.
    """
    past, own, count = np.zeros(steps), np.zeros(steps), np.zeros(steps)
    drift[:] = 0.0
    for at in range(season, path.size - 1):
        growths(path, season, at, steps, past)
        for h in range(min(steps, path.size - 1 - at)):
            drift[h] += past[h]
            own[h] += path[at + 1 + h] - path[at]
            count[h] += 1.0
    for h in range(steps):
        drift[h] /= max(count[h], 1.0)
        own[h] /= max(count[h], 1.0)
    square, product, variance = 0.0, 0.0, 0.0
    for at in range(season, path.size - 1):
        growths(path, season, at, steps, past)
        for h in range(min(steps, path.size - 1 - at)):
            x, y = past[h] - drift[h], path[at + 1 + h] - path[at] - own[h]
            square += x * x
            product += x * y
            variance += y * y
    share = min(max(product / square, 0.0), 1.0) if square > 0.0 else 0.0
    left = 1.0 - (2.0 * share * product - share * share * square) / variance if variance > 0.0 else 1.0
    return share, max(left, 0.0)


@compiled
def correction(path: FloatArray, season: int, change: FloatArray) -> tuple[float, float]:
    """Fill what is added to a forecast 1, 2, ... periods after the last value; 0 with less than two seasons.

    Args:
        path: shape (n_periods,), without gaps.
        season: periods of a year.
        change: filled, shape (gap + horizon,).

    Returns:
        As ``carry_over``; (0, 1) with less than two seasons.
    """
    change[:] = 0.0
    if season < 2 or path.size < 2 * season:
        return 0.0, 1.0
    drift = np.zeros(min(change.size, season))
    share, left = carry_over(path, season, drift.size, drift)
    growths(path, season, path.size - 1, change.size, change)
    for h in range(change.size):
        change[h] = share * (change[h] - drift[h % season])
    return share, left
