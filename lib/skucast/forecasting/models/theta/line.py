"""The straight line through the known values of a series, all of them or those so far."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled


@compiled
def lines(values: FloatArray, is_dynamic: int, line: FloatArray, sums: FloatArray) -> None:
    """Intercept and slope that each period's mean is made with.

    Args:
        values: shape (n_periods,), NaN where unknown.
        is_dynamic: of the values before the period, else of all.
        line: filled, shape (n_periods, 2).
        sums: filled with number, sum of t, t², y and t y of the known values, shape (5,).
    """
    sums[:] = 0.0
    for t in range(values.size):
        line[t, 0], line[t, 1] = intercept_slope(sums)
        if not np.isnan(values[t]):
            add_point(sums, t + 1.0, values[t])
    if not is_dynamic:
        intercept, slope = intercept_slope(sums)
        for t in range(values.size):
            line[t, 0], line[t, 1] = intercept, slope


@compiled
def add_point(sums: FloatArray, t: float, value: float) -> None:
    """Count one more point in the sums of a line."""
    sums[0] += 1.0
    sums[1] += t
    sums[2] += t * t
    sums[3] += value
    sums[4] += t * value


@compiled
def intercept_slope(sums: FloatArray) -> tuple[float, float]:
    """Least squares line of the points so far; a constant of one point, 0 of none."""
    if sums[0] == 0.0:
        return 0.0, 0.0
    spread = sums[0] * sums[2] - sums[1] * sums[1]
    slope = (sums[0] * sums[4] - sums[1] * sums[3]) / spread if sums[0] > 1.0 else 0.0
    return (sums[3] - slope * sums[1]) / sums[0], slope
