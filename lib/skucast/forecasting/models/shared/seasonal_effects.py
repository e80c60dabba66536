"""Shrunk deviations of the places of a season, and the offset with which logarithms bear zeros."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

LOWEST_SHARE = 0.05
"""Of the mean: what the smallest value is lifted to before logarithms are taken."""

MANY_CYCLES = 4
"""Cycles from which each place of a season stands for itself; with fewer, neighbours are averaged."""


@compiled
def log_offset(values: FloatArray) -> float:
    """Units to add before taking logs so that the smallest value is at least ``LOWEST_SHARE`` of the mean; 0 often.

    Args:
        values: shape (n_periods,), not negative, NaN where unknown.
    """
    smallest, total, count = np.inf, 0.0, 0
    for value in values:
        if not np.isnan(value):
            smallest = min(smallest, value)
            total += value
            count += 1
    return max(LOWEST_SHARE * total / count - smallest, 0.0) if total > 0.0 else 1.0


@compiled
def on_scale(values: FloatArray, is_log: int) -> tuple[FloatArray, float, int, float]:
    """Values or their logarithms, the offset added before these are taken, number of known values and the largest.

    Args:
        values: shape (n_periods,), not negative, NaN where unknown.
        is_log: 1 for logarithms, 0 for units.
    """
    offset = log_offset(values) if is_log else 0.0
    own, n_known, largest = values.copy(), 0, 0.0
    for t in range(values.size):
        if not np.isnan(values[t]):
            n_known += 1
            largest = max(largest, values[t])
            own[t] = np.log(values[t] + offset) if is_log else values[t]
    return own, offset, n_known, largest


@compiled
def slope_of(values: FloatArray, season: int) -> float:
    """Mean change over a season, per period: a slope that no season can bend; 0 where no pair is known."""
    total, count = 0.0, 0
    for t in range(season, values.size):
        if not (np.isnan(values[t]) or np.isnan(values[t - season])):
            total += values[t] - values[t - season]
            count += 1
    return total / (count * season) if count else 0.0


@compiled
def deviations(values: FloatArray, slope: float, width: int, out: FloatArray) -> None:
    """Fill the deviation of each place from a line, times between / (between + within / count).

    Between and within are the variance components of the one-way random-effects model, by moments. Source: Searle,
    Casella & McCulloch (1992), "Variance Components", section 3.6.

    Args:
        values: shape (n_periods,), NaN where unknown.
        slope: of the line, per period.
        width: places averaged around each, odd; 1 for none.
        out: filled, shape (season,).
    """
    season = out.size
    sums, counts = np.zeros(season), np.zeros(season)
    centre, n_known = 0.0, 0
    for t in range(values.size):
        if not np.isnan(values[t]):
            centre += values[t] - slope * t
            n_known += 1
    centre /= n_known
    squares = 0.0
    for t in range(values.size):
        if not np.isnan(values[t]):
            own = values[t] - slope * t - centre
            sums[t % season] += own
            counts[t % season] += 1.0
            squares += own * own
    free = float(n_known)
    for place in range(season):
        if counts[place] > 0.0:
            squares -= sums[place] ** 2 / counts[place]
            free -= 1.0
    _shrink(sums, counts, width, max(squares, 0.0) / max(free, 1.0), n_known - free, out)


@compiled
def _shrink(sums: FloatArray, counts: FloatArray, width: int, within: float, n_places: float, out: FloatArray) -> None:
    """Average ``width`` neighbours, and draw each average to 0."""
    season, pooled = sums.size, np.zeros(sums.size)
    total, squares, spread = 0.0, 0.0, 0.0
    for place in range(season):
        out[place] = 0.0
        for near in range(place - width // 2, place + width // 2 + 1):
            out[place] += sums[near % season]
            pooled[place] += counts[near % season]
        if pooled[place] > 0.0:
            out[place] /= pooled[place]
        total += pooled[place]
        squares += pooled[place] ** 2
        spread += pooled[place] * out[place] ** 2
    between = max(spread - (n_places - 1.0) * within, 0.0) / max(total - squares / total, 1.0)
    for place in range(season):
        if pooled[place] > 0.0 and between > 0.0:
            out[place] *= between / (between + within / pooled[place])
        else:
            out[place] = 0.0


@compiled
def remove_seasons(values: FloatArray, seasons: IntArray, profile: FloatArray) -> int:
    """Take the seasons that history has twice out of the values, in place, the shortest first.

    Args:
        values: shape (n_periods,), NaN where unknown.
        seasons: periods of each season, rising.
        profile: filled with the deviations of each season, shape (n_seasons, longest); 0 where it was not removed.

    Returns:
        How many seasons were removed.
    """
    profile[:], removed = 0.0, 0
    for i in range(seasons.size):
        season = seasons[i]
        if season < 2 or values.size < 2 * season:
            continue
        width = 1 if values.size >= MANY_CYCLES * season else 2 * (season // 48) + 1
        for shorter in seasons[:i]:
            width = 1 if season % shorter == 0 else width
        own = profile[i, :season]
        deviations(values, slope_of(values, season), width, own)
        for t in range(values.size):
            values[t] -= own[t % season]
        removed += 1
    return removed


@compiled
def season_at(profile: FloatArray, seasons: IntArray, period: int) -> float:
    """Sum of the deviations of all seasons in one period."""
    total: float = 0.0
    for i in range(seasons.size):
        total += profile[i, period % seasons[i]]
    return total
