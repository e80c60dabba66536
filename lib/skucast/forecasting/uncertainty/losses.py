"""Pinball losses of candidates at their origins, by each series' own distribution before any recalibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.forecasting.uncertainty.dispersion import Dispersion
from skucast.forecasting.uncertainty.error_pool import Activity
from skucast.forecasting.uncertainty.kernel import quantiles
from skucast.forecasting.uncertainty.pooled_dispersion import UsualDispersion, shrunk_dispersion, sum_variance

if TYPE_CHECKING:
    from skucast.forecasting.selection.choice import Candidates

JUDGED: FloatArray = np.array([0.5, 0.8, 0.9, 0.95, 0.99])
"""Levels whose losses are averaged: those that stock is held for, and the middle."""


def origin_dispersion(contest: Candidates, usual: UsualDispersion) -> FloatArray:
    """Dispersion as each origin would have shrunk it, shape (n, o); that of no demand class without an origin."""
    trials = contest.trials
    n, o = trials.origin.shape
    place = np.maximum(trials.group, 0) // len(Activity)
    whole = np.repeat(contest.is_count[:, None], o, axis=1)
    flat = Dispersion(*(each.ravel() for each in trials.dispersion))
    return shrunk_dispersion(flat, usual, place.ravel(), whole.ravel()).reshape(n, o)


def origin_losses(contest: Candidates, usual: UsualDispersion) -> FloatArray:
    """Loss of demand summed over the span, in units of the scale, shape (n, o, k); NaN where unknown or not tried.

    Of a span that no origin has seen to its end, the longest part that one has.

    Source: Koenker & Bassett (1978), eq. 1.2.
    """
    trials = contest.trials
    rows, last = np.arange(contest.n_periods.size), trials.last_step(contest.evaluation_span)
    mean = np.cumsum(trials.forecasts, axis=3)[rows, :, :, last]
    actual = np.cumsum(trials.completed, axis=2)[rows, :, last][:, :, None]
    phi, steps = origin_dispersion(contest, usual)[:, :, None], (last + 1.0).astype(np.float64)[:, None, None]
    usable = np.nan_to_num(mean)
    found = quantiles(usable, sum_variance(usable, phi, steps), contest.is_count[:, None, None], _scores(usable.shape))
    missed = actual[..., None] - found
    loss = np.maximum(JUDGED * missed, (JUDGED - 1.0) * missed).mean(axis=-1)
    losses: FloatArray = np.where(np.isfinite(mean), loss, np.nan) / trials.scale[:, :, None]
    return losses


def _scores(shape: tuple[int, ...]) -> FloatArray:
    return np.broadcast_to(ndtri(JUDGED), (*shape, JUDGED.size))


def class_of(group: IntArray) -> IntArray:
    """Place of the demand class of each group of ``GROUPS``."""
    return group // len(Activity)
