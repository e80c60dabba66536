"""A smoothed level with an optimised constant, and the spread of demand around it: kernels and closed forms."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

LOWEST, HIGHEST = 0.02, 0.5
"""Bounds of a smoothing constant. Sparse demand says too little of its last period to trust it by more than half."""

GRID, ROUNDS = 8, 5
"""Constants tried first, at equal ratios, and how often the ratio is then halved around the best one."""

TIE = 1e-9
"""Relative gain below which two errors are equal: the smaller constant is kept, whatever the rounding."""


@compiled
def known_values(demand: FloatArray) -> FloatArray:
    """The values of one series that are not NaN, in order."""
    kept = np.empty(demand.size)
    count = 0
    for value in demand:
        if not np.isnan(value):
            kept[count] = value
            count += 1
    return kept[:count]


@compiled
def smoothed(values: FloatArray, alpha: float, starts_as_mean: bool) -> tuple[float, float, float, float]:  # noqa: FBT001
    """Exponential smoothing of at least one known value.

    The level starts at the first value. With ``starts_as_mean`` the weight of the j-th value is max(alpha, 1/j).

    Returns:
        level; sum of squared one-step errors; the same sum for independent demand of variance 1 around a constant
        level; information: the number of values whose plain mean would be as uncertain, 1 / sum of squared weights,
        which tends to (2 - alpha) / alpha.
    """
    level, squared, expected, spread = values[0], 0.0, 0.0, 1.0
    for index in range(1, values.size):
        error = values[index] - level
        squared += error * error
        expected += 1.0 + spread
        weight = max(alpha, 1.0 / (index + 1)) if starts_as_mean else alpha
        level += weight * error
        spread = (1.0 - weight) ** 2 * spread + weight**2
    return level, squared, expected, 1.0 / spread


@compiled
def best_alpha(values: FloatArray, lowest: float, highest: float, starts_as_mean: bool) -> float:  # noqa: FBT001
    """The constant in [lowest, highest] with the smallest sum of squared one-step errors; the smaller of equals."""
    ratio = (highest / lowest) ** (1.0 / (GRID - 1))
    best, least = lowest, smoothed(values, lowest, starts_as_mean)[1]
    candidate = lowest
    for _ in range(1, GRID):
        candidate = min(highest, candidate * ratio)
        squared = smoothed(values, candidate, starts_as_mean)[1]
        if squared < least * (1.0 - TIE):
            best, least = candidate, squared
    for _ in range(ROUNDS):
        ratio = np.sqrt(ratio)
        centre = best
        for candidate in (max(lowest, centre / ratio), min(highest, centre * ratio)):
            squared = smoothed(values, candidate, starts_as_mean)[1]
            if squared < least * (1.0 - TIE):
                best, least = candidate, squared
    return best


def drift_growth(horizon: int) -> FloatArray:
    """How much the variance of the mean level of steps 1..h exceeds that of the level now, shape (horizon,).

    In units of the variance of one step of a random walk: its h-step mean has variance (h - 1)(2h - 1) / (6h).
    """
    steps = np.arange(1.0, horizon + 1.0)
    return (steps - 1.0) * (2.0 * steps - 1.0) / (6.0 * steps)


def level_spread(
    variance: FloatArray, information: FloatArray, drift: FloatArray, horizon: int
) -> tuple[FloatArray, FloatArray]:
    """Standard deviations of demand in step h and of the sum over steps 1..h around an estimated level that drifts.

    Steps are independent given the level. The level has the variance of a mean over ``information`` periods and moves
    in each period by ``drift`` of the period's standard deviation, as the level of ARIMA(0, 1, 1) moves by alpha:
    Var(step h) = v (1 + 1/n + (h - 1) a²), Var(sum) = v (h + h²/n + a² (h - 1) h (2h - 1) / 6).

    Args:
        variance: of demand in one period around its level, shape (n_series,). [v]
        information: periods the level is worth, shape (n_series,). [n]
        drift: smoothing constant per period, shape (n_series,). [a]
        horizon: steps.

    Returns:
        step_sd and sum_sd, units, each of shape (n_series, horizon).

    Source: Muth (1960) for the level; Hyndman et al. (2008), Forecasting with Exponential Smoothing, section 6.4.
    """
    steps = np.arange(1.0, horizon + 1.0)
    known = (1.0 / information)[:, None]
    moved = np.square(drift)[:, None]
    step = 1.0 + known + moved * (steps - 1.0)
    total = steps + np.square(steps) * (known + moved * drift_growth(horizon))
    scale = np.sqrt(variance)[:, None]
    return scale * np.sqrt(step), scale * np.sqrt(total)
