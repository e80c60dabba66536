"""The most accurate candidate of every series, and how accurate it was: what a reconciliation weighs."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.forecasting.selection.candidates import champions
from skucast.forecasting.selection.choice import Candidates


def most_accurate(contest: Candidates) -> tuple[IntArray, FloatArray]:
    """The candidate of lowest squared error over all origins and steps, of equals the cheaper.

    A reconciliation adds means, and the mean is what minimises squared errors.

    Returns:
        Candidate of each series, shape (n,), -1 where none was scored; and its mean squared error, units squared, NaN
        where there is none.
    """
    trials = contest.trials
    scores = np.where(np.isfinite(contest.mean).all(axis=2), trials.pooled_rmsse(), np.inf)
    best = champions(scores)
    squared = (trials.scored_errors()[np.arange(best.size), :, best] ** 2).sum(axis=2)
    n_scored = trials.is_scored.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_squared = np.nansum(squared, axis=1) / n_scored
    return best, np.where(best >= 0, mean_squared, np.nan)
