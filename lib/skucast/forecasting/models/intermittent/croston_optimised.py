"""Croston, SBA and TSB with smoothing constants found for each series by the squared one-step error of the rate."""

from __future__ import annotations

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.shared.level_search import HIGHEST, LOWEST, TIE, known_values, level_spread
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.numerics.compiled import compiled

GRID, ROUNDS = 6, 4
"""Constants tried first on each axis, at equal ratios, and how often the ratio is then halved around the best pair."""

CROSTON, SBA, TSB = range(3)
"""Kinds of rate."""

RATE, ALPHA, BETA, SIZE, OCCURRENCE, VARIANCE, INFORMATION, DRIFT = range(8)
"""Columns of a kernel's result; OCCURRENCE is the interval, or for TSB the probability."""


def croston_optimised(panel: Panel) -> ModelFit:
    """Smoothed size over smoothed interval; constants by the squared one-step error of their ratio in every period.

    Both start as running means. The first interval counts only where zeros are known before the first sale: a life
    that begins with a sale says nothing of the wait for it. With a single sale the rate is the mean of all known
    periods; without sales it is 0.

    Source: Croston (1972), ORQ 23, 289-303. One objective for the rate, not one each for sizes and intervals:
    Kourentzes (2014), International Journal of Production Economics 156, 180-190, section 3.
    """
    return _fits(panel, CROSTON, "interval")


def sba_optimised(panel: Panel) -> ModelFit:
    """As ``croston_optimised`` with the ratio times 1 - beta/2, beta the constant of the intervals.

    Source: Syntetos & Boylan (2005), International Journal of Forecasting 21, 303-314, eq. 5.
    """
    return _fits(panel, SBA, "interval")


def tsb_optimised(panel: Panel) -> ModelFit:
    """Smoothed size times smoothed probability of demand; constants by the squared one-step error of their product.

    Size and probability start as running means; the probability is updated in every known period, so that the rate of
    an item that no longer sells goes to 0.

    Source: Teunter, Syntetos & Babai (2011), European Journal of Operational Research 214, 606-615, eq. 4.
    """
    return _fits(panel, TSB, "probability")


def _fits(panel: Panel, kind: int, occurrence: str) -> ModelFit:
    found = _fit(np.ascontiguousarray(panel.demand), kind, LOWEST, HIGHEST)
    step_sd, sum_sd = level_spread(found[:, VARIANCE], found[:, INFORMATION], found[:, DRIFT], panel.horizon)
    columns = {"alpha": ALPHA, "beta": BETA, "size": SIZE, occurrence: OCCURRENCE}
    parameters = {name: found[:, column] for name, column in columns.items()}
    return ModelFit(flat(found[:, RATE], panel.horizon), parameters, step_sd=step_sd, sum_sd=sum_sd)


@compiled
def croston_rate(
    sizes: FloatArray, waits: FloatArray, tail: float, alpha: float, beta: float, factor: float
) -> tuple[float, float, float, float, float]:
    """Size, interval, sum of squared one-step errors, information of the last rate in sales, periods with an error.

    Between sales the rate stands still: a wait of q periods for a sale z costs (q - 1) rate² + (z - rate)².

    Args:
        sizes: of the sales, at least two.
        waits: known periods from sale to sale, the first up to and including the first sale, 0 if it does not count.
        tail: known periods after the last sale.
        alpha: smoothing constant of sizes.
        beta: smoothing constant of intervals.
        factor: of the ratio.
    """
    size, interval, n_intervals = sizes[0], waits[0], 1.0 if waits[0] > 0.0 else 0.0
    squared, scored, size_spread, interval_spread = 0.0, tail, 1.0, 1.0
    for index in range(1, sizes.size):
        wait = waits[index]
        if interval > 0.0:
            rate = factor * size / interval
            squared += (wait - 1.0) * rate**2 + (sizes[index] - rate) ** 2
            scored += wait
        weight = max(alpha, 1.0 / (index + 1))
        size += weight * (sizes[index] - size)
        size_spread = (1.0 - weight) ** 2 * size_spread + weight**2
        n_intervals += 1.0
        weight = max(beta, 1.0 / n_intervals)
        interval += weight * (wait - interval)
        interval_spread = (1.0 - weight) ** 2 * interval_spread + weight**2
    squared += tail * (factor * size / interval) ** 2
    return size, interval, squared, 2.0 / (size_spread + interval_spread), scored


@compiled
def tsb_rate(
    values: FloatArray,
    alpha: float,
    beta: float,
    starts_as_mean: bool,  # noqa: FBT001
) -> tuple[float, float, float, float]:
    """Size, probability, sum of squared one-step errors from the second value on, information in periods."""
    size, probability, n_sales = values[0], 1.0 if values[0] > 0.0 else 0.0, 1.0 if values[0] > 0.0 else 0.0
    squared, size_spread, share_spread = 0.0, 1.0, 1.0
    for index in range(1, values.size):
        value = values[index]
        squared += (value - size * probability) ** 2
        sold = 1.0 if value > 0.0 else 0.0
        weight = max(beta, 1.0 / (index + 1)) if starts_as_mean else beta
        probability += weight * (sold - probability)
        share_spread = (1.0 - weight) ** 2 * share_spread + weight**2
        if sold > 0.0:
            n_sales += 1.0
            weight = max(alpha, 1.0 / n_sales) if starts_as_mean or n_sales == 1.0 else alpha
            size += weight * (value - size)
            size_spread = (1.0 - weight) ** 2 * size_spread + weight**2
    return size, probability, squared, 2.0 / (size_spread * probability + share_spread)


@compiled
def _error(
    kind: int, values: FloatArray, sizes: FloatArray, waits: FloatArray, tail: float, alpha: float, beta: float
) -> float:
    if kind == TSB:
        return tsb_rate(values, alpha, beta, True)[2]
    return croston_rate(sizes, waits, tail, alpha, beta, 1.0 - beta / 2.0 if kind == SBA else 1.0)[2]


@compiled
def _search(
    kind: int, values: FloatArray, sizes: FloatArray, waits: FloatArray, tail: float, lowest: float, highest: float
) -> tuple[float, float, float]:
    """alpha, beta and their sum of squared errors; of equals the pair with the smaller beta, then alpha."""
    ratio = (highest / lowest) ** (1.0 / (GRID - 1))
    alpha, beta = lowest, lowest
    least = _error(kind, values, sizes, waits, tail, alpha, beta)
    for i in range(GRID):
        for j in range(GRID):
            a, b = min(highest, lowest * ratio**j), min(highest, lowest * ratio**i)
            squared = _error(kind, values, sizes, waits, tail, a, b)
            if squared < least * (1.0 - TIE):
                alpha, beta, least = a, b, squared
    for _ in range(ROUNDS):
        ratio = np.sqrt(ratio)
        from_alpha, from_beta = alpha, beta
        for i in range(-1, 2):
            for j in range(-1, 2):
                a = min(highest, max(lowest, from_alpha * ratio**j))
                b = min(highest, max(lowest, from_beta * ratio**i))
                squared = _error(kind, values, sizes, waits, tail, a, b)
                if squared < least * (1.0 - TIE):
                    alpha, beta, least = a, b, squared
    return alpha, beta, least


@compiled
def sales_and_waits(values: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Sizes of the sales, known periods from sale to sale (the first 0 if it does not count), periods after."""
    sizes, waits = np.empty(values.size), np.empty(values.size)
    count, waited = 0, 0.0
    for value in values:
        waited += 1.0
        if value > 0.0:
            sizes[count] = value
            waits[count] = 0.0 if count == 0 and waited == 1.0 else waited
            count, waited = count + 1, 0.0
    return sizes[:count], waits[:count], waited


@compiled
def _fit(demand: FloatArray, kind: int, lowest: float, highest: float) -> FloatArray:
    """One row per series, NaN where nothing is known, shape (n_series, 8)."""
    found = np.full((demand.shape[0], 8), np.nan)
    for row in range(demand.shape[0]):
        values = known_values(demand[row])
        n = float(values.size)
        if n == 0.0:
            continue
        sizes, waits, tail = sales_and_waits(values)
        alpha, beta, squared, scored = lowest, lowest, 0.0, n - 1.0
        if sizes.size == 0:
            rate, size, occurrence, information, drift = 0.0, 0.0, 0.0 if kind == TSB else 1.0, n, 0.0
        elif kind != TSB and sizes.size == 1:
            rate, size, occurrence, information, drift = sizes[0] / n, sizes[0], n, n, 0.0
            squared = n * rate * (size - rate)
        elif kind == TSB:
            alpha, beta, squared = _search(kind, values, sizes, waits, tail, lowest, highest)
            size, occurrence, _, information = tsb_rate(values, alpha, beta, True)
            rate, drift = size * occurrence, beta
        else:
            alpha, beta, squared = _search(kind, values, sizes, waits, tail, lowest, highest)
            factor = 1.0 - beta / 2.0 if kind == SBA else 1.0
            size, occurrence, _, information, scored = croston_rate(sizes, waits, tail, alpha, beta, factor)
            rate, drift = factor * size / occurrence, beta / occurrence
            information *= occurrence
            if scored == 0.0:  # two values, both sales: their variance around the mean
                squared, scored = np.square(values - rate).sum(), 2.0
        found[row, RATE], found[row, ALPHA], found[row, BETA] = rate, alpha, beta
        found[row, SIZE], found[row, OCCURRENCE] = size, occurrence
        found[row, VARIANCE] = squared / scored if n > 1.0 else rate**2
        found[row, INFORMATION], found[row, DRIFT] = information, drift
    return found
