"""By what factor the quantiles of past forecasts should have stood further from, or nearer to, their mean."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.monitoring.realised import Windows
from skucast.forecasting.panel.panel import FloatArray, IntArray

FACTORS: FloatArray = np.geomspace(0.5, 2.0, 25)
"""Factors that are tried; 1 is in their middle."""

PRIOR_WINDOWS, PRIOR_ERRORS = 4.0, 100.0
"""Evidence that the promise is believed to have: windows of time after each other, and errors of single series."""


def covered_at_factors(windows: Windows, applied: FloatArray) -> tuple[IntArray, IntArray]:
    """``Windows.covered`` if the distance of every quantile from the mean had been the raw one times each factor.

    A quantile of 0 stays there: how far below 0 it would have been is not known. Whole quantiles stay whole.

    Args:
        windows: that do not overlap.
        applied: factor that had been applied to each forecast, > 0, shape (n, w).

    Returns:
        Counts below and not above, each of shape (n, k, n_factors).
    """
    mean = windows.mean[:, :, None]
    distance = (windows.quantiles - mean) / applied[:, :, None]
    is_count = (windows.quantiles % 1 == 0).all(axis=2, keepdims=True)
    found = []
    for factor in FACTORS:
        moved = np.maximum(mean + factor * distance, 0.0)
        moved = np.where(is_count, np.ceil(np.round(moved - 0.5, 9)), moved)
        found.append(windows.covered(np.where(windows.quantiles > 0, moved, 0.0)))
    below, not_above = (np.stack(each, axis=2) for each in zip(*found, strict=True))
    return below, not_above


def fitted_factor(below: IntArray, not_above: IntArray, n: IntArray, levels: FloatArray) -> FloatArray:
    """The factor whose coverage lies nearest to the levels, of those as near the one nearest to 1; shape (m,).

    Nearness is Σ (coverage − level)²/(level·(1 − level)) over the levels, where a level between the shares below and
    not above is met.

    Args:
        below: as ``covered_at_factors`` gives it, or a sum of such, shape (m, k, n_factors).
        not_above: the same.
        n: windows, shape (m,); without any the factor is 1.
        levels: shape (k,).
    """
    counts = np.maximum(n, 1)[:, None, None]
    level = levels[None, :, None]
    missed = np.maximum(np.maximum(below / counts - level, level - not_above / counts), 0.0)
    misfit = (missed**2 / (level * (1 - level))).sum(axis=1)
    by_nearness = np.argsort(np.abs(np.log(FACTORS)), kind="stable")
    near = misfit[:, by_nearness] <= misfit.min(axis=1, keepdims=True) + 1e-12
    return np.where(n > 0, FACTORS[by_nearness[np.argmax(near, axis=1)]], 1.0)


def agreed(halves: FloatArray) -> float:
    """What two halves of the time both ask for: the factor nearer to 1, or 1 where one says wider and one narrower."""
    first, second = np.log(halves).tolist()
    return float(np.exp(min(first, second, key=abs))) if first * second > 0 else 1.0


def shrunk(found: FloatArray, windows: FloatArray, errors: FloatArray, towards: FloatArray | float = 1.0) -> FloatArray:
    """Factors drawn to what was believed, the more the less was seen; shape (m,).

    log f = log t + w·(log found − log t), w = 1/(1 + ``PRIOR_WINDOWS``/windows + ``PRIOR_ERRORS``/errors): series of a
    class err together, so many errors of few windows of time say little, as do few errors.

    Args:
        found: as fitted, shape (m,).
        windows: windows of time after each other that it was fitted to, shape (m,).
        errors: errors of all series together, shape (m,); infinite: no matter.
        towards: factor believed beforehand. [t]
    """
    with np.errstate(divide="ignore"):
        weight = 1.0 / (1.0 + PRIOR_WINDOWS / windows + PRIOR_ERRORS / errors)
    drawn: FloatArray = np.exp(np.log(towards) + weight * (np.log(found) - np.log(towards)))
    return drawn
