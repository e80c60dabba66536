"""Rate and dispersion of demand of which some periods are lower bounds only: one series after the other, compiled.

A period in which stock ran out at an unknown time says that demand was at least what was sold. Its likelihood is the
mass of the law from there on, so dispersion is the likeliest of what was seen, never fitted to filled-in values. Rates
are found by expectation and maximisation: a bound counts with the demand expected at or beyond it (Dempster, Laird &
Rubin 1977; Tobin 1958 for limited variables; Conrad 1976, Operational Research Quarterly 27, 123-127, for sales).
"""

from __future__ import annotations

import math

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.stock_outs.timed_kernel import (
    CERTAINTY,
    LEAST_NOISE,
    MEMORIES,
    PASSES,
    VARIABILITIES,
    _distinct,
    _factorials,
    _level,
    _likelihood,
    _season,
    _weighed,
)
from skucast.numerics.compiled import compiled

ROUNDS = 20
"""Most rounds; without any period known whole the likelihood has no maximum, and ``ROUNDS_OF_BOUNDS`` are made."""

ROUNDS_OF_BOUNDS = 6

SETTLED = 0.003
"""Share of the sum of all bounds by which their expectations still move; less ends the rounds."""

USUAL = 2.0
"""Mean of the exponential prior of the variability. Bounds say less of it than whole periods do: the prior is wider."""

EVIDENCE = 1.0
"""Logarithm of the likelihood by which variability must beat none: one parameter more (Akaike 1974)."""

STEPS = 12
"""Most rounds for the mean of a constant rate, given a variability; the next begins where the last one ended."""

UNDERFLOW = -700.0
"""Logarithm of the chance of no purchase below which tails are those of the normal distribution."""


@compiled
def censored_rates(
    sold: FloatArray, exposure: FloatArray, is_bound: BoolArray, is_seasonal: BoolArray, season_length: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Expected demand of every period from all other periods, purchase size and variability of each series.

    Args:
        sold: in multiples of the least difference between amounts, shape (n_series, n_periods); not read where
            ``exposure`` is 0.
        exposure: in [0, 1], 1 where ``is_bound``, same shape.
        is_bound: demand was at least what was sold, same shape.
        is_seasonal: series long enough for a season, shape (n_series,).
        season_length: periods.

    Returns:
        As ``stock_out_kernel.rates``.
    """
    rate, purchase = np.full(sold.shape, np.nan), np.ones(sold.shape[0])
    variability = np.zeros(sold.shape[0])
    for row in range(sold.shape[0]):
        seen = exposure[row] > 0.0
        if seen.any():
            length = season_length if is_seasonal[row] else 1
            amounts = np.where(seen, sold[row], 0.0)
            rate[row], purchase[row], variability[row] = _fit(amounts, exposure[row], is_bound[row], length)
    return rate, purchase, variability


@compiled
def _fit(
    sold: FloatArray, exposure: FloatArray, is_bound: BoolArray, season_length: int
) -> tuple[FloatArray, float, float]:
    """Rate, purchase size and variability of one series."""
    rate, seasonal, amount = np.zeros(sold.size), np.ones(sold.size), sold.copy()
    if sold.sum() == 0.0:
        return rate, 1.0, 0.0
    whole = np.where(is_bound, 0.0, exposure)
    bounds, seen = np.flatnonzero(is_bound), np.where(is_bound, 0.0, sold)
    counted, memory = _distinct(sold[whole > 0.0]), 1.0
    mean, purchase, variability = _constant(sold, exposure, whole, bounds, counted)
    rate += mean
    _fill(amount, sold, bounds, rate, purchase, variability)
    for turn in range(ROUNDS if whole.any() else ROUNDS_OF_BOUNDS):
        weight = 1.0 / (1.0 + exposure * rate * variability / purchase)
        if turn < PASSES:
            cells = (sold, seen, whole, bounds)
            memory = _memory(amount, exposure, weight, seasonal, cells, counted, purchase, variability)
        level = _level(amount, exposure, weight, seasonal, memory)
        if season_length > 1:
            mean = amount.sum() / exposure.sum()
            seasonal = _season(amount, exposure, weight, level, purchase / mean + variability, season_length)
        rate = level * seasonal
        purchase, variability = _dispersion(sold, seen, whole, bounds, rate, counted, amount.sum() / exposure.sum())
        if _fill(amount, sold, bounds, rate, purchase, variability) < SETTLED:
            break
    return rate, purchase, variability


@compiled
def _constant(
    sold: FloatArray, exposure: FloatArray, whole: FloatArray, bounds: IntArray,
    counted: tuple[FloatArray, FloatArray],
) -> tuple[float, float, float]:  # fmt: skip
    """Likeliest mean, purchase size and variability of a constant rate: where the rounds begin.

    Mean and variability are sought together: given a mean that is too low, bounds look as if demand hardly varied.
    """
    seen, values, times = np.where(whole > 0.0, sold, 0.0), *_distinct(sold[bounds])
    mean = sold.sum() / exposure.sum()
    best, chosen = -np.inf, (mean, 1.0, 0.0)
    for each in VARIABILITIES:
        size = max(1.0, LEAST_NOISE / (1.0 - LEAST_NOISE) * each * mean)
        for _ in range(STEPS if counted[0].size else 1):
            before = mean
            mean = _mean(seen, whole, values, times, mean, size, each)
            if abs(mean - before) < SETTLED * mean:
                break
        expected = whole * mean
        found = _likelihood(seen, expected, counted, _weighed(seen, whole, np.full(sold.size, mean)), size, each)
        found -= _factorials(counted, size) + _doubt(each)
        for j in range(values.size):
            found += times[j] * math.log(tail(mean / size, each, values[j] / size)[0])
        if found > best:
            best, chosen = found, (mean, size, each)
    return chosen


@compiled
def _mean(
    seen: FloatArray, whole: FloatArray, values: FloatArray, times: FloatArray, mean: float, size: float, q: float
) -> float:
    """One round of expectation and maximisation of a constant rate."""
    above = below = 0.0
    for t in range(seen.size):
        weight = 1.0 / (1.0 + whole[t] * mean * q / size)
        above += weight * seen[t]
        below += weight * whole[t]
    weight = 1.0 / (1.0 + mean * q / size)
    for j in range(values.size):
        mass, part = tail(mean / size, q, values[j] / size)
        above += weight * times[j] * size * part / mass
        below += weight * times[j]
    return above / below


@compiled
def _memory(
    amount: FloatArray, exposure: FloatArray, weight: FloatArray, seasonal: FloatArray,
    cells: tuple[FloatArray, FloatArray, FloatArray, IntArray], counted: tuple[FloatArray, FloatArray],
    purchase: float, variability: float,
) -> float:  # fmt: skip
    """Memory of the level that makes what was seen likeliest; a moving level must be clearly better."""
    sold, seen, whole, bounds = cells
    best, memory = -np.inf, 1.0
    for each in MEMORIES:
        rate = _level(amount, exposure, weight, seasonal, each) * seasonal
        found = _likelihood(seen, whole * rate, counted, _weighed(seen, whole, rate), purchase, variability)
        found += _tails(sold, bounds, rate, purchase, variability) - (0.0 if each == 1.0 else CERTAINTY)
        if found > best:
            best, memory = found, each
    return memory


@compiled
def _dispersion(
    sold: FloatArray, seen: FloatArray, whole: FloatArray, bounds: IntArray, rate: FloatArray,
    counted: tuple[FloatArray, FloatArray], mean: float,
) -> tuple[float, float]:  # fmt: skip
    """Purchase size and the likeliest variability, given the rates."""
    best, purchase, variability = -np.inf, 1.0, 0.0
    weighed, expected = _weighed(seen, whole, rate), whole * rate
    for each in VARIABILITIES:
        size = max(1.0, LEAST_NOISE / (1.0 - LEAST_NOISE) * each * mean)
        found = _likelihood(seen, expected, counted, weighed, size, each) - _factorials(counted, size)
        found += _tails(sold, bounds, rate, size, each) - _doubt(each)
        if found > best:
            best, purchase, variability = found, size, each
    return purchase, variability


@compiled
def _doubt(variability: float) -> float:
    """What speaks against a variability before anything is seen."""
    return variability / USUAL + (EVIDENCE if variability > 0.0 else 0.0)


@compiled
def _tails(sold: FloatArray, bounds: IntArray, rate: FloatArray, purchase: float, variability: float) -> float:
    """Logarithm of the likelihood of the bounds."""
    total = 0.0
    for t in bounds:
        total += math.log(tail(rate[t] / purchase, variability, sold[t] / purchase)[0])
    return total


@compiled
def _fill(
    amount: FloatArray, sold: FloatArray, bounds: IntArray, rate: FloatArray, purchase: float, variability: float
) -> float:
    """Set the bounds to the demand expected at or beyond them; returns by what share of their sum they moved."""
    moved, total = 0.0, 0.0
    for t in bounds:
        mass, part = tail(rate[t] / purchase, variability, sold[t] / purchase)
        found = max(purchase * part / mass, sold[t])
        moved += abs(found - amount[t])
        total += found
        amount[t] = found
    return moved / total if total > 0.0 else 0.0


@compiled
def tail(mean: float, variability: float, least: float) -> tuple[float, float]:
    """P(K ≥ least) and E[K; K ≥ least] of a negative binomial, or of a Poisson count without variability.

    Between whole numbers both are interpolated.

    Args:
        mean: of K.
        variability: 1 over the shape.
        least: ≥ 0.
    """
    r = 1.0 / variability if variability > 0.0 else np.inf
    start = -mean if variability == 0.0 else -r * math.log1p(mean * variability)
    if start < UNDERFLOW:
        return _normal_tail(mean, mean * (1.0 + mean * variability), least)
    chance = mean * variability / (1.0 + mean * variability)
    low, p = math.floor(least), math.exp(start)
    below, part = 0.0, 0.0
    for k in range(int(low)):
        below += p
        part += k * p
        p *= mean / (k + 1.0) if variability == 0.0 else (r + k) / (k + 1.0) * chance
    share = least - low
    mass, rest = 1.0 - below - share * p, mean - part - share * low * p
    # Far out the difference is rounding alone: at least the chance of the next number is left.
    least_mass = max(p * (1.0 - share), 1e-300)
    mass = max(mass, least_mass)
    return mass, max(rest, low * mass)


@compiled
def _normal_tail(mean: float, variance: float, least: float) -> tuple[float, float]:
    """The same of a normal distribution, from half a unit below."""
    sd = math.sqrt(variance)
    z = (least - 0.5 - mean) / sd
    if z > 30.0:
        return 1e-300, least * 1e-300
    mass = max(0.5 * math.erfc(z / math.sqrt(2.0)), 1e-300)
    return mass, mean * mass + sd * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
