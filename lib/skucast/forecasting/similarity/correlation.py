"""Which series move together: pairwise correlation with gaps, the strongest partners of each."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray, IntArray

BLOCK = 256
"""Rows whose correlations with all others are computed at a time."""
FEWEST_CHANGES = 12


def changes(demand: FloatArray) -> FloatArray:
    """Changes of √demand from period to period, NaN where either is unknown; shape (n_series, n_periods - 1).

    Roots keep the spread of counts even (Bartlett 1936) and, unlike logarithms, bear zeros; correlations of them do not
    turn with the unit of measure.
    """
    return np.diff(np.sqrt(demand), axis=1)


def strongest_partners(values: FloatArray, count: int) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """Each series' partners of largest absolute correlation, over the periods that both know.

    A pair needs ``FEWEST_CHANGES`` common periods, and variation of both in them.

    Args:
        values: shape (n_series, n_periods), NaN where unknown.
        count: partners to keep of each.

    Returns:
        Series, partner, correlation in [-1, 1] and common periods of each pair kept, by series and falling strength; of
        equals the first.
    """
    known = ~np.isnan(values)
    mean = np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, values - mean[:, None], 0.0)
    mask = known.astype(np.float64)
    parts = []
    for first in range(0, len(values), BLOCK):
        rows = slice(first, min(first + BLOCK, len(values)))
        correlation, common = _correlations(filled, mask, rows)
        correlation[np.arange(correlation.shape[0]), np.arange(rows.start, rows.stop)] = np.nan
        strength = np.where(np.isnan(correlation), -1.0, np.abs(correlation))
        partner = np.argsort(-np.round(strength, 9), axis=1, kind="stable")[:, :count]
        own = np.repeat(np.arange(len(strength)), partner.shape[1])
        partner = partner.ravel()
        kept = strength[own, partner] >= 0
        own, partner = own[kept], partner[kept]
        parts.append((own + first, partner, correlation[own, partner], common[own, partner].astype(np.int64)))
    series, partners, correlations, periods = zip(*parts, strict=True)
    return np.concatenate(series), np.concatenate(partners), np.concatenate(correlations), np.concatenate(periods)


def _correlations(filled: FloatArray, mask: FloatArray, rows: slice) -> tuple[FloatArray, FloatArray]:
    """Correlation of a block with all series, NaN where there is none, and common periods; shape (block, n_series)."""
    x, k = filled[rows], mask[rows]
    n = k @ mask.T
    sum_x, sum_y = x @ mask.T, k @ filled.T
    spread_x = n * ((x**2) @ mask.T) - sum_x**2
    spread_y = n * (k @ (filled**2).T) - sum_y**2
    product = n * (x @ filled.T) - sum_x * sum_y
    # What rounding leaves of the spread of a constant is no spread.
    least_x = 1e-9 * n * ((x**2) @ mask.T)
    least_y = 1e-9 * n * (k @ (filled**2).T)
    usable = (n >= FEWEST_CHANGES) & (spread_x > least_x) & (spread_y > least_y)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = product / np.sqrt(spread_x * spread_y)
    return np.where(usable, np.clip(found, -1.0, 1.0), np.nan), n
