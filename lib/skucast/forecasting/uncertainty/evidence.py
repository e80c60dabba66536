"""What rolling origins show of the distributions: where the demand that came lay in them, and what they lost.

Sums of whole numbers over series, so that neither their order nor their partitioning matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.forecasting.uncertainty.error_pool import GROUPS
from skucast.forecasting.uncertainty.kernel import probabilities
from skucast.forecasting.uncertainty.losses import origin_dispersion, origin_losses
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion, sum_variance

if TYPE_CHECKING:
    from skucast.forecasting.selection.choice import Candidates

EDGES: FloatArray = np.linspace(-4.0, 4.0, 81)
"""Normal scores below which cases are counted."""

UNITS = 1_000_000
"""Parts of a case, and of a loss, that are counted."""

LARGEST_LOSS = 1_000.0
"""A larger loss, in units of the scale, counts as this."""


@dataclass(frozen=True)
class Evidence:
    """Counts in units of 1 / ``UNITS``, by group of ``GROUPS`` (g), candidate (k) and step (h).

    Attributes:
        below: cases below each edge and, last, all of them, shape (g, k, h, n_edges + 1).
        loss: summed over origins and series, shape (g, k).
        n_losses: how many, shape (g, k).
    """

    below: IntArray
    loss: IntArray
    n_losses: IntArray

    @classmethod
    def none(cls, n_candidates: int, horizon: int) -> Evidence:
        """Nothing yet."""
        shape = (len(GROUPS), n_candidates)
        below = np.zeros((*shape, horizon, EDGES.size + 1), dtype=np.int64)
        return cls(below, np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))

    def __add__(self, other: Evidence) -> Evidence:
        """Evidence of both."""
        return Evidence(self.below + other.below, self.loss + other.loss, self.n_losses + other.n_losses)


def evidence_of(contest: Candidates, usual: UsualDispersion) -> Evidence:
    """Evidence of some series: every candidate, origin and sum over steps 1 to h."""
    trials = contest.trials
    found = Evidence.none(len(trials.names), trials.forecasts.shape[3])
    for series, origin, candidate, lower, upper in _cases(contest, usual):
        group = trials.group[series, origin]
        for each in np.unique(group).tolist():
            own = group == each
            found.below[each, candidate] += _counted(lower[own], upper[own])
    losses = np.minimum(origin_losses(contest, usual), LARGEST_LOSS)
    row, place, tried = np.nonzero(np.isfinite(losses) & (trials.group >= 0)[:, :, None])
    at = np.index_exp[trials.group[row, place], tried]
    np.add.at(found.loss, at, np.rint(losses[row, place, tried] * UNITS).astype(np.int64))
    np.add.at(found.n_losses, at, 1)
    return found


def _cases(
    contest: Candidates, usual: UsualDispersion
) -> Iterator[tuple[IntArray, IntArray, int, FloatArray, FloatArray]]:
    """Series, origin, candidate, and the probabilities of less and of no more than came, shapes (m,) and (m, h)."""
    trials = contest.trials
    series, origin = np.nonzero(trials.group >= 0)
    phi = origin_dispersion(contest, usual)[series, origin, None]
    actual = np.cumsum(trials.completed[series, origin], axis=1)
    whole = np.broadcast_to(contest.is_count[series, None], actual.shape)
    steps = np.arange(1.0, actual.shape[1] + 1.0)
    for candidate in range(len(trials.names)):
        mean = np.cumsum(trials.forecasts[series, origin, candidate], axis=1)
        tried = np.isfinite(mean[:, -1])
        if tried.any():
            own = mean[tried]
            spread = sum_variance(own, phi[tried], steps)
            yield (series[tried], origin[tried], candidate, *probabilities(actual[tried], own, spread, whole[tried]))


def _counted(lower: FloatArray, upper: FloatArray) -> IntArray:
    """Cases below each edge and in all, shape (h, n_edges + 1); of whole numbers in parts.

    The probability of a whole number lies evenly between that of less and of no more.

    Source: Czado, Gneiting & Held (2009), Biometrics 65, 1254-1261.
    """
    horizon = lower.shape[1]
    found = np.zeros((horizon, EDGES.size + 1), dtype=np.int64)
    edges = ndtr(EDGES)
    for step in range(horizon):
        known = np.isfinite(lower[:, step])
        low, width = lower[known, step, None], np.maximum(upper[known, step, None] - lower[known, step, None], 1e-9)
        shares = np.clip((edges - low) / width, 0.0, 1.0)
        found[step, :-1] = np.rint(shares * UNITS).astype(np.int64).sum(axis=0)
        found[step, -1] = UNITS * int(known.sum())
    return found
