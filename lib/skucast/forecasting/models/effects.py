"""Events and drivers as columns of a regression whose errors another model explains: ARIMA and ridge autoregression."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.compiled import compiled
from skucast.forecasting.panel import BoolArray, FloatArray, Panel

PERIODS_PER_COLUMN = 5
"""Known periods a series must have for each column."""

SAME = 1e-6
"""Share of a column's variance that the columns before it leave unexplained, below which it says nothing new."""


def effect_columns(panel: Panel, row: int) -> FloatArray:
    """Columns of one series, shape (k, n_periods + horizon): drivers by name, then events, the more frequent first.

    Drivers are standardised over the known periods, events stand as they are: one known period of a flag and one of a
    driver then weigh the same. Columns that are constant over the known periods have no effect to learn, and those that
    follow from columns before them none of their own: both are left out, and the last where history is short.
    """
    known = np.flatnonzero(panel.is_known[row])
    if known.size < PERIODS_PER_COLUMN or not (panel.drivers or panel.events):
        return np.zeros((0, panel.n_periods + panel.horizon))
    flags = [panel.events[name][row].astype(np.float64) for name in sorted(panel.events)]
    flags.sort(key=lambda values: -int(np.count_nonzero(values[known])))
    drivers = [standard(panel.drivers[name][row], known) for name in sorted(panel.drivers)]
    columns = np.array(drivers + flags)
    chosen = np.flatnonzero(says_something(np.ascontiguousarray(columns[:, known])))
    return np.ascontiguousarray(columns[chosen[: known.size // PERIODS_PER_COLUMN]])


def standard(values: FloatArray, known: np.typing.NDArray[np.int64]) -> FloatArray:
    """Values less their mean over their standard deviation in the known periods; 0 where these are all but constant."""
    seen = values[known]
    centre, spread = float(seen.mean()), float(seen.std())
    return (values - centre) / spread if spread > 1e-9 * float(np.abs(seen).max()) else np.zeros_like(values)


@compiled
def says_something(columns: FloatArray) -> BoolArray:
    """Columns that are neither constant nor follow from those before them, shape (k,); of columns of shape (k, n)."""
    k, n = columns.shape
    found = np.zeros(k, dtype=np.bool_)
    left = np.empty((k, n))
    for i in range(k):
        left[i] = columns[i] - columns[i].mean()
        own = np.sum(left[i] ** 2)
        for j in range(i):
            if found[j]:
                left[i] -= left[j] * (np.sum(left[i] * left[j]) / np.sum(left[j] ** 2))
        found[i] = np.sum(left[i] ** 2) > SAME * own and own > SAME * np.sum(columns[i] ** 2) / n
    return found


@compiled
def effects_of(products: FloatArray, weights: FloatArray) -> None:
    """Fill the weights of the columns, drawn to 0 by a normal prior that is worth one known period of each.

    Args:
        products: of the series, last, with the columns and of these with each other, in units of the variance of the
            errors, shape (k + 1, k + 1).
        weights: filled, shape (k,).

    Source: Kass & Wasserman (1995), Journal of the American Statistical Association 90, 928-934, for the prior.
    """
    k = weights.size
    weights[:] = np.linalg.solve(products[:k, :k] + np.eye(k), np.ascontiguousarray(products[:k, k]))
