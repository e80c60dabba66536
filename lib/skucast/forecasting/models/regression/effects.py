"""Events and drivers that show in a series: columns of a regression whose errors another model explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel
from skucast.numerics.compiled import compiled

LEVEL_WEIGHTS: FloatArray = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
"""Weights of the newest value in the level from which a series is taken; the best for it serves its columns too."""

LONGEST_SEASON = 24
"""Periods of the longest season whose places are compared each with itself."""

PERIODS_PER_COLUMN = 10
"""Known periods a series must have for each column that it keeps."""

SAME = 1e-6
"""Share of a column's variance that the columns before it leave unexplained, below which it says nothing new."""


def effect_columns(panel: Panel, row: int) -> FloatArray:
    """Columns of one series, shape (k, n_periods + horizon): drivers and events that vary in its known periods.

    Ahead they stay within what was seen: nothing is known of an effect beyond it.
    """
    return _varying(panel, row, [each[name] for each in (panel.drivers, panel.events) for name in sorted(each)])[1]


def effects_on(panel: Panel, row: int) -> FloatArray:
    """What events and drivers add to one series in every period, units, shape (n_periods + horizon,)."""
    return added(panel.demand[row], effect_columns(panel, row), panel.season_length)


def shown_drivers(panel: Panel, row: int) -> frozenset[str]:
    """Names of the drivers that show in a series."""
    names = sorted(panel.drivers)
    varying, columns = _varying(panel, row, [panel.drivers[name] for name in names])
    if varying.size == 0:
        return frozenset()
    left = whitened(panel.demand[row], columns, panel.season_length)
    chosen, _ = shown(np.dot(left, left.T), left.shape[1])
    return frozenset(names[varying[place]] for place in chosen)


def _varying(panel: Panel, row: int, values: Sequence[FloatArray | BoolArray]) -> tuple[IntArray, FloatArray]:
    """Which of the values vary in the known periods of a series, and these within their limits there."""
    known = np.flatnonzero(panel.is_known[row])
    if known.size < PERIODS_PER_COLUMN or not values:
        return np.zeros(0, dtype=np.int64), np.zeros((0, panel.n_periods + panel.horizon))
    columns = np.array([each[row] for each in values], dtype=np.float64)
    least, most = columns[:, known].min(axis=1, keepdims=True), columns[:, known].max(axis=1, keepdims=True)
    varying = np.flatnonzero(least < most)
    return varying, np.ascontiguousarray(np.clip(columns, least, most)[varying])


@compiled
def shown(products: FloatArray, n: int) -> tuple[IntArray, float]:
    """Columns that explain more of a series than their number would by chance, rising, and what of it to believe.

    Columns enter one by one, each the one that explains most, while the extended Bayesian information criterion falls.
    To believe is the share of the fall in the deviance that the penalty leaves.

    Args:
        products: of the series, last, with the columns and of these with each other, shape (k + 1, k + 1).
        n: known periods.

    Source: Chen & Chen (2008), Biometrika 95, 759-771, with γ = 1; Breiman (1995), Technometrics 37, 373-384.
    """
    k, gram, is_in = len(products) - 1, products.copy(), np.zeros(len(products) - 1, dtype=np.bool_)
    penalty, spent, fallen = np.log(n) + 2.0 * np.log(max(k, 1)), 0.0, 0.0
    for _ in range(n // PERIODS_PER_COLUMN):
        best, gain = -1, 0.0
        for i in range(k):
            if not is_in[i] and gram[i, i] > SAME * products[i, i] and gram[i, k] ** 2 > gain * gram[i, i]:
                best, gain = i, gram[i, k] ** 2 / gram[i, i]
        fall = n * np.log(gram[k, k] / max(gram[k, k] - gain, SAME * products[k, k])) if best >= 0 else 0.0
        if fall <= penalty:
            break
        is_in[best], spent, fallen = True, spent + penalty, fallen + fall
        gram -= np.outer(gram[best], gram[best]) / gram[best, best]
    return np.flatnonzero(is_in), 1.0 - spent / fallen if fallen > 0.0 else 0.0


@compiled
def less_level(values: FloatArray, period: IntArray, season: int, weight: float) -> FloatArray:
    """Values less their means by place of the season, if it was seen twice, and less their smoothed level."""
    left, n = values - values.mean(), values.size
    if 1 < season <= LONGEST_SEASON:
        total, count = np.zeros(season), np.zeros(season)
        for i in range(n):
            total[period[i] % season] += left[i]
            count[period[i] % season] += 1.0
        for i in range(n):
            if count.max() >= 2.0:
                left[i] -= total[period[i] % season] / count[period[i] % season]
    level = 0.0
    for i in range(n):  # backwards: where the level starts
        level += weight * (left[n - 1 - i] - level)
    for i in range(n):
        change = left[i] - level
        left[i] = change
        level += weight * change
    centred: FloatArray = left - left.mean()
    return centred


@compiled
def whitened(values: FloatArray, columns: FloatArray, season: int) -> FloatArray:
    """Columns and, last, the series in its known periods, less their levels, shape (k + 1, n_known)."""
    k, known = columns.shape[0], np.flatnonzero(~np.isnan(values))
    left, least, weight = np.empty((k + 1, known.size)), np.inf, 0.0
    for trial in LEVEL_WEIGHTS:
        found = less_level(values[known], known, season, trial)
        if np.sum(found**2) < least:
            left[k], least, weight = found, np.sum(found**2), trial
    for i in range(k):
        own = columns[i][known]
        left[i] = less_level(own, known, season, weight)
        if np.sum(left[i] ** 2) <= SAME * np.sum((own - own.mean()) ** 2):
            left[i] = 0.0  # the season itself
    return left


@compiled
def added(values: FloatArray, columns: FloatArray, season: int) -> FloatArray:
    """What the columns that show in a series add to it in every period, shape (n + horizon,); 0 where none does.

    Series and columns are compared less their mean in each place of the season and less their own smoothed level, both
    by the weight that leaves least of the series: what drifts explains any other thing that drifts.

    Args:
        values: NaN where unknown, shape (n,).
        columns: shape (k, n + horizon).
        season: periods of the season.
    """
    total = np.zeros(columns.shape[1])
    if columns.shape[0] == 0:
        return total
    left = whitened(values, columns, season)
    products = np.dot(left, left.T)
    chosen, share = shown(products, left.shape[1])
    weights = np.linalg.solve(products[chosen][:, chosen], products[chosen, -1])
    for i in range(chosen.size):
        total += share * weights[i] * columns[chosen[i]]
    return total
