"""The least that a combination expects of an item that still sells: no method in doubt can silence it."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray

LEAST_SHARE = 0.25
"""Share of the recent mean that is expected at least while the silence is no longer than usual."""

INTERVALS = 6.0
"""Intervals between sales over which the recent mean is taken."""

LONG_SILENCE = 0.02
"""Probability of a silence at the usual rate of sales below which it speaks for the end of the item."""

FIRST_INTERVAL = 4.0
"""Periods that a first sale is believed to take: one sale alone does not tell a rate."""


def least_mean(demand: FloatArray) -> FloatArray:
    """Units per period expected at least, less seasons and events, shape (n,).

    With one sale in ``interval`` periods a silence of g has the probability exp(-g / interval). While that is above
    ``LONG_SILENCE`` the floor is a share of the recent mean; beyond it falls with the probability, and so goes to 0.

    Args:
        demand: units per period less seasons and events, NaN where unknown, shape (n, w).

    Source: the probability of being alive after a silence (Schmittlein, Morrison & Colombo 1987), in its simplest form.
    """
    if demand.shape[1] == 0:
        return np.zeros(demand.shape[0])
    positive, rows, is_known = demand > 0, np.arange(demand.shape[0]), ~np.isnan(demand)
    known = np.cumsum(is_known, axis=1)
    count = positive.sum(axis=1)
    first, last = positive.argmax(axis=1), demand.shape[1] - 1 - positive[:, ::-1].argmax(axis=1)
    lived, silence = known[rows, last] - known[rows, first], known[:, -1] - known[rows, last]
    interval = (lived + FIRST_INTERVAL) / np.maximum(count, 1)
    alive = np.where(count > 0, np.minimum(np.exp(-silence / interval) / LONG_SILENCE, 1.0), 0.0)
    weight = is_known * np.exp(-(known[:, -1:] - known) / (INTERVALS * interval)[:, None])
    recent = (weight * np.where(is_known, demand, 0.0)).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-300)
    floor: FloatArray = LEAST_SHARE * alive * recent
    return floor
