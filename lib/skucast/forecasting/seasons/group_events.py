"""What events add to the series of a group: sums that buckets add up, and the effects that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.forecasting.seasons.events import DOUBTED, mean_of_known
from skucast.forecasting.seasons.shared import exact

LARGEST_EFFECT = 10.0
"""Levels that an event adds with which a series counts in its groups at most."""

SUMS = ("votes", "effect", "square", "error", "squared_votes", "squared_error")
"""Sums over series: of the votes v, of v·effect, v·effect², v·error variance, v² and v²·error variance."""

PRIOR_SERIES = 3.0
"""Series that count for belief in a variance: that of the wider group, or in the widest the square of the effect."""


def votes(panel: Panel) -> FloatArray:
    """Weight of each series in its groups, between a vote a unit and a vote a series, shape (n,)."""
    found: FloatArray = np.sqrt(mean_of_known(panel.demand))
    return found


def effect_sums(own: FloatArray, error: FloatArray, vote: FloatArray, membership: FloatArray) -> FloatArray:
    """Sums over the series of g groups from which their effects follow; exact in any order.

    Args:
        own: effects that the series show, NaN where none, shape (n, n_events).
        error: variance of their errors, same shape.
        vote: weight of each series, shape (n,).
        membership: 1 where a series belongs to a group, shape (g, n).

    Returns:
        In the order of ``SUMS``, shape (g, 6, n_events).
    """
    v = np.where(np.isfinite(own), vote[:, None], 0.0)
    size = np.clip(np.nan_to_num(own), -1.0, LARGEST_EFFECT)
    noise = np.minimum(np.nan_to_num(error), LARGEST_EFFECT**2)
    parts = np.stack([v, v * size, v * size**2, v * noise, v**2, v**2 * noise], axis=1)
    found: FloatArray = np.tensordot(membership, exact(parts), axes=1)
    return found


def group_effects(sums: FloatArray, parents: Sequence[Sequence[int]]) -> FloatArray:
    """Mean effect of each event in each group and the variance among its series, by the moments.

    A group's mean is believed as far as it differs from its last parent's by more than its own error; that of the
    widest group as far as it differs from none.

    Args:
        sums: as ``effect_sums`` gives them.
        parents: of each group, which come before it.

    Returns:
        Mean and variance, shape (g, 2, n_events).
    """
    found = np.zeros((sums.shape[0], 2, sums.shape[2]))
    for row, above in enumerate(parents):
        prior = found[above[-1]] if above else None
        found[row] = _group(sums[row], prior)
    return found


def _group(sums: FloatArray, prior: FloatArray | None) -> FloatArray:
    v, effect, square, error, squares, squared_error = sums
    weight, before = np.maximum(v, 1e-300), np.zeros(v.size) if prior is None else prior[0]
    mean = np.where(v > 0, effect / weight, before)
    n = np.where(squares > 0, v**2 / np.maximum(squares, 1e-300), 0.0)
    spread = np.maximum(square / weight - mean**2, 0.0) * n / np.maximum(n - 1.0, 1e-9)
    own = np.where(n > 1.5, np.maximum(spread - error / weight, 0.0), 0.0)
    believed = mean**2 if prior is None else prior[1]
    counted = np.where(n > 1.5, n, 0.0)
    variance = (counted * own + PRIOR_SERIES * believed) / (counted + PRIOR_SERIES)
    change = mean - before
    with np.errstate(divide="ignore", invalid="ignore"):
        doubt = DOUBTED**2 * (variance * squares + squared_error) / (weight * change) ** 2
    belief = np.where((v > 0) & (change != 0), np.clip(1.0 - doubt, 0.0, 1.0), 0.0)
    return np.stack([before + belief * change, variance])
