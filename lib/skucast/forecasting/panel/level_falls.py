"""Falls of the level: a series that sells far less of late, period after period, is forecast from there.

Rises need no such rule: smoothing follows them fast enough, and on held-out dates of four data sets a rule for rises
made forecasts worse, one for falls did not.
"""

from __future__ import annotations

import numpy as np

from skucast.forecasting.panel.panel import FloatArray
from skucast.numerics.compiled import compiled

MOST_OF_A_PERIOD = 3.0
"""Evidence, in nats, that one period gives at most: no single one makes a level."""

ENOUGH = 12.0
"""Evidence from which a fall is believed: four periods at least. One in some thousands of Poisson series shows it."""

SMALLEST, LARGEST = 2.0, 50.0
"""Factors by which a level falls: smoothing follows smaller ones."""

LONGEST = 26
"""Periods after a fall in which it is looked for, and before it that tell the former level; of days twice as many."""

FEWEST_BEFORE = 8
"""Known periods that tell the former level."""


def fall_factors(demand: FloatArray, dispersion: FloatArray, period_days: float) -> FloatArray:
    """Factor of the former level over the present one in each period of the history, 1 from a fall on; shape (n, w).

    Of every window of the latest known periods the log likelihood ratio of its own level against that of the periods
    before is taken, over the dispersion of the series: quasi-likelihood of counts (Wedderburn 1974). The fall is the
    window with most evidence (Page 1955). A window without any demand is none: whether goods have died or cannot be
    bought, demand alone does not tell.

    Args:
        demand: units per period less seasons and events, NaN where unknown, shape (n, w).
        dispersion: variance per unit of mean, > 0; NaN: unknown, and no fall is looked for; shape (n,).
        period_days: length of a period.
    """
    shortest, longest = (7, 2 * LONGEST) if period_days < 7 else (3, LONGEST)
    return _factors(np.ascontiguousarray(demand), dispersion, shortest, longest)


@compiled
def _factors(demand: FloatArray, dispersion: FloatArray, shortest: int, longest: int) -> FloatArray:
    found = np.ones(demand.shape)
    for row in range(demand.shape[0]):
        known = np.flatnonzero(~np.isnan(demand[row]))
        if not dispersion[row] > 0.0:
            continue
        values, best, place, factor = demand[row][known], ENOUGH, 0, 1.0
        for k in range(shortest, min(longest, values.size - FEWEST_BEFORE) + 1):
            latest, former = values[values.size - k :], values[max(values.size - k - longest, 0) : values.size - k]
            before, total = former.mean(), latest.sum()
            if not total > 0.0:
                continue
            # One unit of dispersion sold at the former level keeps a low level above nothing.
            level = (total + dispersion[row]) / (k + dispersion[row] / before) if before > 0.0 else np.inf
            if before < SMALLEST * level:
                continue
            evidence = _evidence(latest, before, level, dispersion[row])
            if evidence > best:
                best, place, factor = evidence, known[values.size - k], min(before / level, LARGEST)
        found[row, :place] = factor
    return found


@compiled
def _evidence(values: FloatArray, before: float, level: float, dispersion: float) -> float:
    """Log likelihood ratio of a level against the former one, each period bounded above."""
    total, gain = 0.0, np.log(level / before)
    for x in values:
        total += min((x * gain - (level - before)) / dispersion, MOST_OF_A_PERIOD)
    return total
