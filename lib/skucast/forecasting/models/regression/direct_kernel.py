"""One series of the direct regression: changes and earlier years' growths as regressors, moments, penalty, errors."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

WORTH = 64.0
"""Rows that the prior of no effect counts for."""

FEWEST_ROWS = 8
"""Rows a regression needs."""

MAX_CYCLES = 3
"""Earlier cycles of a season that are averaged, at most."""

GROWTHS = 2
"""Regressors of each season: growth in the last cycle, and averaged."""


@compiled
def cycles_back(step: int, season: int) -> int:
    """Cycles to go back to a place from which as many steps are known."""
    return (step + season - 1) // season


@compiled
def regressors(path: FloatArray, at: int, step: int, changes: IntArray, seasons: IntArray, row: FloatArray) -> None:
    """Fill the changes up to a period, and what the path did over as many steps from the same place of each season.

    Args:
        path: shape (n_periods,), without gaps.
        at: the period forecast from.
        step: steps ahead, >= 1.
        changes: lags of the changes.
        seasons: periods of each season; history reaches back so far that a cycle is known.
        row: filled, shape (n_changes + GROWTHS * n_seasons or more,).
    """
    for i in range(changes.size):
        row[i] = path[at] - path[at - changes[i]]
    for i in range(seasons.size):
        back, total, count = cycles_back(step, seasons[i]), 0.0, 0
        for cycle in range(back, back + MAX_CYCLES):
            base = at - cycle * seasons[i]
            if base < 0:
                break
            total += path[base + step] - path[base]
            count += 1
            if count == 1:
                row[changes.size + GROWTHS * i] = total
        row[changes.size + GROWTHS * i + 1] = total / count


@compiled
def scales_of(step: int, changes: IntArray, n_seasons: int, unit: float, scale: FloatArray) -> None:
    """Fill the standard deviation of each regressor, and last of the target, if the path were a random walk."""
    for i in range(changes.size):
        scale[i] = unit * np.sqrt(changes[i])
    for i in range(GROWTHS * n_seasons):
        scale[changes.size + i] = unit * np.sqrt(step)
    scale[changes.size + GROWTHS * n_seasons] = unit


@compiled
def moments(
    known: FloatArray, path: FloatArray, first: int, step: int, lags: tuple[IntArray, IntArray], scale: FloatArray,
    gram: FloatArray, means: FloatArray,
) -> int:  # fmt: skip
    """Fill means and central products, per row, of the scaled regressors and, last, of the target.

    Args:
        known: NaN where a period is neither target nor start, shape (n_periods,).
        path: the same without gaps.
        first: period from which all regressors are known.
        step: steps between start and target.
        lags: of changes, and seasons.
        scale: of the regressors and the target, shape (k + 1,).
        gram: filled, shape (k + 1, k + 1).
        means: filled, shape (k + 1,).

    Returns:
        The number of rows.
    """
    k, row, rows = scale.size - 1, np.empty(scale.size), 0
    gram[:], means[:] = 0.0, 0.0
    for at in range(first, path.size - step):
        if np.isnan(known[at + step]) or np.isnan(known[at]):
            continue
        rows += 1
        regressors(path, at, step, lags[0], lags[1], row)
        row[k] = path[at + step] - path[at]
        row /= scale
        means += row
        for i in range(k + 1):
            for j in range(i + 1):
                gram[i, j] += row[i] * row[j]
    means /= max(rows, 1)
    for i in range(k + 1):
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = gram[i, j] / max(rows, 1) - means[i] * means[j]
    return rows
