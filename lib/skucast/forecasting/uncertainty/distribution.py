"""The predictive distribution of demand summed over steps: a spread of its own, shrunk to its class.

Variance of demand over steps 1 to h with mean M: φ·M·(1 + g·h) + c²·M². φ is the dispersion of the series, shrunk
toward the one that its class has at its level; g allows for a level that is not known exactly; c for weeks in which
everything goes wrong together. The distribution is a negative binomial for whole goods, a gamma for others. Rolling
origins teach at which of its levels it must be read for each level to hold what it promises (Kuleshov, Fenner & Ermon
2018), within bounds, by group: a burst anywhere is one case, however large, and never widens what others get.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.panel.profile import DemandClass
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.error_pool import Activity
from skucast.forecasting.uncertainty.evidence import EDGES, UNITS, Evidence
from skucast.forecasting.uncertainty.kernel import quantiles
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion, shrunk_dispersion, sum_variance

MOST_SHIFT, WIDEST = 0.4, 1.7
"""Normal scores by which experience may move a level, and factor by which it may stretch it."""

MOST_BELIEVED = 0.5
"""Share of what origins show that is believed at most: there are few, and at each of them series err together."""

PRIOR_CASES = 200.0
"""Cases that the wider pool counts for beside those of a group."""

PRIOR_LOSSES = 20.0
"""Losses that the wider pool counts for beside those of a group."""


@dataclass(frozen=True)
class PredictiveDistribution:
    """What all series together say of the distribution of each; groups in the order of ``GROUPS``.

    Attributes:
        names: candidates, in the order of the arrays.
        levels: of the quantiles, shape (n_levels,).
        usual: dispersion that is usual in each class.
        scores: normal scores at which the levels are read, shape (n_groups, n_candidates, horizon, n_levels).
        rungs: whose cases taught them, "group", "class", "all" or "prior", shape (n_groups, n_candidates, horizon).
        losses: usual pinball loss at an origin, in units of the scale, shape (n_groups, n_candidates).
    """

    names: tuple[str, ...]
    levels: FloatArray
    usual: UsualDispersion
    scores: FloatArray
    rungs: NDArray[np.object_]
    losses: FloatArray

    @classmethod
    def of(
        cls, names: Sequence[str], levels: Sequence[float], usual: UsualDispersion, evidence: Evidence, fewest: int
    ) -> PredictiveDistribution:
        """The law that evidence teaches; each group's is drawn to its class, that to all, that to no change.

        Args:
            names: candidates.
            levels: rising, in (0, 1).
            usual: dispersion that the evidence was taken with.
            evidence: of all series.
            fewest: cases from which a rung gives its name.
        """
        at, below = np.array(levels), evidence.below / UNITS
        of_class, of_all = _pooled(below)
        promised = np.broadcast_to(ndtri(at), (*below.shape[1:3], at.size))
        everything = _read_at(of_all, at, promised)
        by_class = np.stack([_read_at(each, at, everything) for each in of_class])
        wider = np.repeat(by_class, len(Activity), axis=0)
        scores = np.stack([_read_at(own, at, prior) for own, prior in zip(below, wider, strict=True)])
        cases = [below[..., -1], np.repeat(of_class[..., -1], len(Activity), axis=0), of_all[None, ..., -1]]
        rungs = np.select([each >= fewest for each in cases], ["group", "class", "all"], "prior").astype(object)
        return cls(tuple(names), at, usual, np.maximum.accumulate(scores, axis=3), rungs, _losses(evidence))

    def dispersion(self, own: Dispersion, group: IntArray, is_count: BoolArray) -> FloatArray:
        """Dispersion of series of these groups, shape (n,)."""
        return shrunk_dispersion(own, self.usual, group // len(Activity), is_count)

    def stretch(self, scores: FloatArray) -> FloatArray:
        """Standard deviation that the scores imply, over that of the distribution; of their shape without levels."""
        low, high = np.argmin(np.abs(self.levels - 0.1)), np.argmin(np.abs(self.levels - 0.9))
        if low == high:
            return np.ones(scores.shape[:-1])
        promised = ndtri(self.levels[high]) - ndtri(self.levels[low])
        found: FloatArray = (scores[..., high] - scores[..., low]) / promised
        return found

    def predicted(
        self, mean: FloatArray, phi: FloatArray, is_count: BoolArray, scores: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Quantiles and standard deviation of demand summed over steps, neither falling from step to step.

        Args:
            mean: of the sums, units, shape (n, horizon).
            phi: dispersion, times the square of any factor of width, shape (n,).
            is_count: shape (n,).
            scores: rows of ``scores``, shape (n, horizon, n_levels).

        Returns:
            units, of shapes (n, horizon, n_levels) and (n, horizon).
        """
        steps = np.arange(1.0, mean.shape[1] + 1.0)
        variance = sum_variance(mean, phi[:, None], steps)
        found = quantiles(mean, variance, is_count[:, None], scores)
        sd = np.sqrt(variance) * self.stretch(scores)
        return np.maximum.accumulate(found, axis=1), np.maximum.accumulate(sd, axis=1)


def _pooled(values: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
    """Sums over the groups of each class, and over all."""
    of_class = values.reshape(len(DemandClass), len(Activity), *values.shape[1:]).sum(axis=1)
    return of_class, of_class.sum(axis=0)


def _read_at(below: FloatArray, levels: FloatArray, prior: FloatArray) -> FloatArray:
    """Scores at which the levels were seen, within bounds and drawn to a prior; shape (k, h, n_levels)."""
    n, promised = below[..., -1], ndtri(levels)
    share = below[..., :-1] / np.maximum(n, 1e-300)[..., None]
    flat = np.array([np.interp(levels, each, EDGES) for each in share.reshape(-1, EDGES.size)])
    reach = MOST_SHIFT + (WIDEST - 1.0) * np.abs(promised)
    bounded = np.clip(flat.reshape(prior.shape), promised - reach, promised + reach)
    belief = (MOST_BELIEVED * n / (n + PRIOR_CASES))[..., None]
    drawn: FloatArray = belief * bounded + (1.0 - belief) * prior
    return drawn


def _losses(evidence: Evidence) -> FloatArray:
    """Mean loss of each group and candidate, drawn to its class and that to all; 0 where never tried."""
    loss, n = evidence.loss / UNITS, evidence.n_losses.astype(np.float64)
    (class_loss, all_loss), (class_n, all_n) = _pooled(loss), _pooled(n)
    everything = all_loss / np.maximum(all_n, 1.0)
    by_class = (class_loss + PRIOR_LOSSES * everything) / (class_n + PRIOR_LOSSES)
    wider = np.repeat(by_class, len(Activity), axis=0)
    found: FloatArray = (loss + PRIOR_LOSSES * wider) / (n + PRIOR_LOSSES)
    return found
