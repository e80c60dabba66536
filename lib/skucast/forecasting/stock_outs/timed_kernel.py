"""Rate and dispersion of demand that stock-outs cut short: one series after the other, compiled.

Of n periods, sold y in exposure o (1: the whole period, 0: nothing is known). Demand is gamma-Poisson in purchases of φ
units: Λ ~ Gamma(mean μ, variance qμ²), sold ~ φ·Poisson(oΛ/φ). The likelihood of a period that ended when stock ran out
is that of the period so far, whatever the stock level was: the stopping rule drops out (Berger & Wolpert 1988).
"""

from __future__ import annotations

import math

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray
from skucast.numerics.compiled import compiled

MEMORIES: FloatArray = np.array([1.0, 0.97, 0.9, 0.8])
"""Weight that a period keeps in the level of the next one, and of the one before: from a constant level down."""

VARIABILITIES: FloatArray = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.5, 4.0])
"""Squared coefficients of variation of the rate between periods that are tried. [q]"""

USUAL = 1.0
"""Mean of the exponential prior of the variability: sparse sales say little of it."""

CERTAINTY = 2.0
"""Logarithm of the likelihood by which a moving level must beat the constant one: half a 5 % chi-squared limit."""

LEAST_NOISE = 0.02
"""Least share of a period's variance that lies within the period: amounts measured finely are no proof of none."""

PASSES = 4
"""Most rounds of level, season and dispersion, each given the others; at least two."""


@compiled
def rates(
    sold: FloatArray, exposure: FloatArray, is_seasonal: BoolArray, season_length: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Expected demand of every period from all other periods, purchase size and variability of each series.

    Args:
        sold: in multiples of the least difference between amounts, shape (n_series, n_periods); not read where
            ``exposure`` is 0.
        exposure: in [0, 1], same shape.
        is_seasonal: series long enough for a season, shape (n_series,).
        season_length: periods.

    Returns:
        rate [μ] of shape (n_series, n_periods), purchase [φ] and variability [q] of shape (n_series,). Without any
        sale the rate is 0; without any exposure NaN.
    """
    rate, purchase = np.full(sold.shape, np.nan), np.ones(sold.shape[0])
    variability = np.zeros(sold.shape[0])
    for row in range(sold.shape[0]):
        seen = exposure[row] > 0.0
        if not seen.any():
            continue
        length = season_length if is_seasonal[row] else 1
        rate[row], purchase[row], variability[row] = _fit(np.where(seen, sold[row], 0.0), exposure[row], length)
    return rate, purchase, variability


@compiled
def _fit(sold: FloatArray, exposure: FloatArray, season_length: int) -> tuple[FloatArray, float, float]:
    """Rate, purchase size and variability of one series."""
    mean = sold.sum() / exposure.sum()
    rate, seasonal = np.full(sold.size, mean), np.ones(sold.size)
    purchase, variability, memory = 1.0, 0.12, 1.0
    if mean == 0.0:
        return rate, purchase, 0.0
    counted = _distinct(sold[exposure > 0.0])
    for turn in range(PASSES):
        before = (memory, purchase, variability)
        weight = 1.0 / (1.0 + exposure * rate * variability / purchase)
        best = -np.inf
        for each in MEMORIES:
            level = _level(sold, exposure, weight, seasonal, each)
            rate = level * seasonal
            found = _likelihood(sold, exposure * rate, counted, _weighed(sold, exposure, rate), purchase, variability)
            found -= 0.0 if each == 1.0 else CERTAINTY
            if found > best:
                best, memory = found, each
        level = _level(sold, exposure, weight, seasonal, memory)
        if season_length > 1:
            seasonal = _season(sold, exposure, weight, level, purchase / mean + variability, season_length)
        rate = level * seasonal
        purchase, variability = _dispersion(sold, exposure, rate, counted, mean)
        if turn > 0 and before == (memory, purchase, variability):
            break
    return rate, purchase, variability


@compiled
def _level(
    sold: FloatArray, exposure: FloatArray, weight: FloatArray, seasonal: FloatArray, memory: float
) -> FloatArray:
    """Sold per exposure around each period, itself left out, weights falling with distance; season taken out.

    Half an average period of the whole series is added: far from any exposure the level is that of the series.
    """
    amount, base = weight * sold, weight * exposure * seasonal
    above, below = np.zeros(sold.size), np.zeros(sold.size)
    for step in (1, -1):
        a = b = 0.0
        t = 0 if step == 1 else sold.size - 1
        for _ in range(sold.size):
            above[t] += a
            below[t] += b
            a, b = memory * (a + amount[t]), memory * (b + base[t])
            t += step
    believed = 0.5 / (exposure > 0.0).sum()
    level: FloatArray = (above + believed * amount.sum()) / (below + believed * base.sum())
    return level


@compiled
def _distinct(sold: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Amounts that occur, and how often each does: gamma functions are taken once for each."""
    ordered = np.sort(sold)
    amounts, counts, n = np.empty(sold.size), np.zeros(sold.size), 0
    for value in ordered:
        if n == 0 or value != amounts[n - 1]:
            amounts[n] = value
            n += 1
        counts[n - 1] += 1.0
    return amounts[:n], counts[:n]


@compiled
def _weighed(sold: FloatArray, exposure: FloatArray, rate: FloatArray) -> float:
    """Sum of what was sold times the logarithm of what was expected in the exposure."""
    total = 0.0
    for t in range(sold.size):
        if exposure[t] > 0.0 and sold[t] > 0.0:
            total += sold[t] * math.log(exposure[t] * rate[t])
    return total


@compiled
def _dispersion(
    sold: FloatArray, exposure: FloatArray, rate: FloatArray, counted: tuple[FloatArray, FloatArray], mean: float
) -> tuple[float, float]:
    """Purchase size and the likeliest variability."""
    best, purchase, variability = -np.inf, 1.0, 0.0
    last, factorials = 0.0, 0.0
    expected, weighed = exposure * rate, _weighed(sold, exposure, rate)
    for each in VARIABILITIES:
        size = max(1.0, LEAST_NOISE / (1.0 - LEAST_NOISE) * each * mean)
        if size != last:
            last, factorials = size, _factorials(counted, size)
        found = _likelihood(sold, expected, counted, weighed, size, each) - factorials - each / USUAL
        if found > best:
            best, purchase, variability = found, size, each
    return purchase, variability


@compiled
def _likelihood(
    sold: FloatArray, expected: FloatArray, counted: tuple[FloatArray, FloatArray], weighed: float, purchase: float,
    variability: float,
) -> float:  # fmt: skip
    """Logarithm of the likelihood of all periods but for ``_factorials``: negative binomial, or Poisson.

    With k purchases where m are expected and r = 1/q, a period adds
    log Γ(r + k) - log Γ(r) + k log m + r log r - (r + k) log(r + m).

    Args:
        sold: 0 without exposure.
        expected: exposure times rate; 0 without exposure, > 0 with it.
        counted: as ``_distinct`` gives them.
        weighed: as ``_weighed`` gives it.
        purchase: φ.
        variability: q.
    """
    amounts, counts = counted
    total: float = (weighed - (amounts * counts).sum() * math.log(purchase)) / purchase
    if variability == 0.0:
        return float(total - expected.sum() / purchase)
    r = 1.0 / variability
    constant = r * math.log(r) - math.lgamma(r)
    for j in range(amounts.size):
        total += counts[j] * (math.lgamma(r + amounts[j] / purchase) + constant)
    for t in range(sold.size):
        if expected[t] > 0.0:
            total -= (r + sold[t] / purchase) * math.log(r + expected[t] / purchase)
    return total


@compiled
def _factorials(counted: tuple[FloatArray, FloatArray], purchase: float) -> float:
    """Part of the logarithm of the likelihood that depends on the purchase size alone."""
    total, (amounts, counts) = 0.0, counted
    for j in range(amounts.size):
        total += counts[j] * (math.lgamma(amounts[j] / purchase + 1.0) + math.log(purchase))
    return total


@compiled
def _season(
    sold: FloatArray, exposure: FloatArray, weight: FloatArray, level: FloatArray, noise: float, length: int
) -> FloatArray:
    """Factor of every period by its place in the season, mean 1, drawn to 1 as far as it is noise.

    ``noise`` is the squared coefficient of variation of a whole period's demand.

    Source: Bühlmann & Straub (1970), credibility of group means.
    """
    amount, base, seen = np.zeros(length), np.zeros(length), np.zeros(length)
    for t in range(sold.size):
        amount[t % length] += weight[t] * sold[t]
        base[t % length] += weight[t] * exposure[t] * level[t]
        seen[t % length] += exposure[t]
    if base.min() <= 0.0 or amount.sum() <= 0.0:
        return np.ones(sold.size)
    factor = amount / base
    factor /= factor.mean()
    error = noise / seen
    spread = ((factor - 1.0) ** 2).sum() / (length - 1) - error.mean()
    if spread <= 0.0:
        return np.ones(sold.size)
    drawn = 1.0 + (factor - 1.0) * spread / (spread + error)
    drawn = np.maximum(drawn / drawn.mean(), 0.01)
    factors: FloatArray = drawn[np.arange(sold.size) % length]
    return factors
