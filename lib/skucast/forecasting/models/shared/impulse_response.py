"""From responses to an error, to standard deviations of steps and of their sums; and from logarithms to units."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

LARGEST_LOG_VARIANCE = 1.0
"""Variance of a logarithm beyond which it does not raise the mean further."""

LARGEST_LOG = 40.0
"""Logarithm beyond which none is turned into units: far above any history, far below overflow."""

LARGEST_GROWTH = 4.0
"""Forecasts stay within this many times the largest value, up and down."""


@compiled
def law(
    response: FloatArray, effect: FloatArray, variance: float, rows: float, step: FloatArray, total: FloatArray
) -> None:
    """Fill the standard deviations of each step and of the sum over steps 1 to h.

    Each error moves all later periods by the responses; the estimated mean, of variance sigma² / rows, moves each by
    the responses cumulated. An effect turns the scale of the fit into units (delta method).

    Args:
        response: to an error of 1 after 0, 1, ... periods, shape (gap + horizon,), gap being the unknown periods
            before step 1.
        effect: units per unit of the scale at each step, shape (horizon,).
        variance: of an error. [sigma²]
        rows: periods that an estimated mean rests on; infinity where there is none.
        step: filled, shape (horizon,).
        total: filled, shape (horizon,).
    """
    gap = response.size - effect.size
    step[:], total[:] = 0.0, 0.0
    for at in range(-1, response.size):
        weight, part, moved = (1.0, 0.0, 0.0) if at >= 0 else (1.0 / rows, 0.0, 0.0)
        for t in range(max(at, 0), response.size):
            moved = response[t - at] if at >= 0 else moved + response[t]
            if t >= gap:
                part += effect[t - gap] * moved
                step[t - gap] += weight * (effect[t - gap] * moved) ** 2
                total[t - gap] += weight * part * part
    for h in range(effect.size):
        step[h], total[h] = np.sqrt(variance * step[h]), np.sqrt(variance * total[h])


@compiled
def to_units(response: FloatArray, variance: float, offset: float, mean: FloatArray, effect: FloatArray) -> None:
    """Turn means of logarithms into means in units, in place; fills what a unit of the logarithm is worth there."""
    gap, spread = response.size - mean.size, 0.0
    for t in range(response.size):
        spread += variance * response[t] ** 2
        if t >= gap:
            raised = mean[t - gap] + 0.5 * min(spread, LARGEST_LOG_VARIANCE)
            effect[t - gap] = np.exp(min(raised, LARGEST_LOG))
            mean[t - gap] = effect[t - gap] - offset


@compiled
def finish(
    response: FloatArray,
    variance: float,
    is_log: int,
    offset: float,
    largest: float,
    mean: FloatArray,
    effect: FloatArray,
) -> None:
    """Turn means into units, in place, and bound them; fills what a unit of the scale is worth at each step."""
    if is_log:
        to_units(response, variance, offset, mean, effect)
    limit = LARGEST_GROWTH * largest
    for h in range(mean.size):
        mean[h] = min(max(mean[h], -limit), limit)
        effect[h] = min(effect[h], limit + offset) if is_log else 1.0
