"""A count law for each series around a smoothed level: dispersion, extra zeros and the choice among the laws."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

import numpy as np

from skucast.forecasting.models.base import ModelFit, flat
from skucast.forecasting.models.counts.distribution import CountLaw
from skucast.forecasting.models.shared.level_search import (
    HIGHEST,
    LOWEST,
    best_alpha,
    known_values,
    level_spread,
    smoothed,
)
from skucast.forecasting.panel.panel import FloatArray, Panel
from skucast.numerics.compiled import compiled

DISPERSION_LOG_SD = 2.0
"""Weak prior of the dispersion 1/r: log-normal around 1. It decides while the history is short."""

LOG_DISPERSION = 7.0
"""The dispersion lies within exp(-7) and exp(7)."""

LOGIT_ZERO = 5.0
"""The share of forced zeros lies within 1 / (1 + exp(5)) and its complement."""

FEW = 1e-8
"""Inverse size below which a negative binomial law is a Poisson law."""

MANY = 12.0
"""Count above which log gamma functions are cheaper than a product."""

SHORT = 6
"""Scored values below which not every AICc is defined."""

POISSON, NEGATIVE_BINOMIAL, ZERO_INFLATED_POISSON, ZERO_INFLATED_NEGATIVE_BINOMIAL = range(4)
"""The laws, with the number of their bits as number of parameters beside the level."""

LEVEL, ALPHA, INFORMATION, IS_COUNT, DISPERSION, ZERO_SHARE, CLOSING_ZEROS, VARIANCE = range(8)
"""Columns of a kernel's result."""


def negative_binomial(panel: Panel) -> ModelFit:
    """Smoothed level with the spread of the negative binomial law around it; other demand than counts by moments.

    The dispersion maximises the penalised likelihood of the one-step predictive law, in which the uncertainty of the
    level is kept apart. Demand counts whole units, so that the spread does not turn with the unit of measure as the
    mean does: a dozen counted as twelve is a different law, and a wider one. Where a value is not whole, ``is_count``
    is 0 and the spread comes from the variance of the one-step errors.

    Source: Snyder, Ord & Beaumont (2012), International Journal of Forecasting 28, 485-496: a local level.
    """
    return _fits(_fit(np.ascontiguousarray(panel.demand), LOWEST, HIGHEST, False), panel)


def best_count(panel: Panel) -> ModelFit:
    """As ``negative_binomial`` with the law of smallest AICc of four: Poisson or negative binomial, extra zeros or not.

    Source: Hurvich & Tsai (1989), Biometrika 76, 297-307, on one-step predictive probabilities.
    """
    return _fits(_fit(np.ascontiguousarray(panel.demand), LOWEST, HIGHEST, True), panel)


def law_of(fits: ModelFit) -> CountLaw:
    """The law of sums behind the fits of a count method; mean NaN where demand is not counted in whole units.

    A level of exponential smoothing is worth n = (2 - alpha)/alpha periods, less while it is young; where the history
    closes with a longer run of zeros, n is that run, and the level has stopped moving. The level is gamma with half a
    unit more than was seen (Jeffreys), and with at least one unit in n periods. So a history of n zeros has mean 0 and
    quantiles of one unit in n periods: its law is Poisson, demand of h steps is 0 with probability n / (n + h), and
    the level is below 3 / n with probability 0.95, the rule of three.
    """
    found = fits.parameters
    has_stopped = found["closing_zeros"] > found["information"]
    n = np.maximum(found["information"], found["closing_zeros"])
    mean = np.maximum(found["level"] + 0.5 / n, 1.0 / n)
    mean = np.where(found["is_count"] == 1.0, mean, np.nan)
    with np.errstate(divide="ignore"):
        size = 1.0 / found["dispersion"]
    zero_share = found["zero_share"]
    relative = (1.0 / mean) + (1.0 / size + zero_share) / (1.0 - zero_share)
    return CountLaw(mean, size, zero_share, n / relative, np.where(has_stopped, 0.0, found["alpha"] ** 2 * relative))


def _fits(found: FloatArray, panel: Panel) -> ModelFit:
    columns = {"alpha": ALPHA, "level": LEVEL, "information": INFORMATION, "is_count": IS_COUNT}
    columns |= {"dispersion": DISPERSION, "zero_share": ZERO_SHARE, "closing_zeros": CLOSING_ZEROS}
    parameters = {name: found[:, column] for name, column in columns.items()}
    moments = level_spread(found[:, VARIANCE], found[:, INFORMATION], found[:, ALPHA], panel.horizon)
    counted = law_of(ModelFit(np.empty((panel.n_series, 0)), parameters)).spread(panel.horizon)
    is_count = (found[:, IS_COUNT] == 1.0)[:, None]
    step_sd, sum_sd = (np.where(is_count, law, other) for law, other in zip(counted, moments, strict=True))
    return ModelFit(flat(found[:, LEVEL], panel.horizon), parameters, step_sd=step_sd, sum_sd=sum_sd)


@compiled
def _log_probability(value: float, mean: float, inverse_size: float) -> float:
    """Log probability of a count under a negative binomial law, Poisson for a very small inverse size.

    Gamma(y + k) / (Gamma(k) k^y) is the product of 1 + i/k over i < y, so that few counts need its logarithm.
    """
    if inverse_size < FEW:
        return value * log(mean) - mean - lgamma(value + 1.0)
    size = 1.0 / inverse_size
    found = -(value + size) * log1p(mean * inverse_size)
    if value > MANY:
        found += lgamma(value + size) - lgamma(size) - lgamma(value + 1.0) + value * log(mean * inverse_size)
    elif value > 0.0:
        product = mean
        for index in range(1, int(value)):
            product *= (1.0 + index * inverse_size) * mean / (index + 1)
        found += log(product)
    return found


@compiled
def _log_likelihood(
    values: FloatArray, level: FloatArray, information: FloatArray, dispersion: float, zero_share: float
) -> float:
    """Sum of log predictive probabilities of the values after the first, each with the level it was forecast from."""
    total = 0.0
    for index in range(1, values.size):
        n = information[index - 1]
        mean = level[index - 1] + 0.5 / n
        active = mean / (1.0 - zero_share)
        v = (1.0 / mean + (dispersion + zero_share) / (1.0 - zero_share)) / n
        inverse_size = dispersion * (1.0 + v) + v
        if zero_share == 0.0:
            total += _log_probability(values[index], active, inverse_size)
        elif values[index] > 0.0:
            total += log1p(-zero_share) + _log_probability(values[index], active, inverse_size)
        else:
            total += log(zero_share + (1.0 - zero_share) * exp(_log_probability(0.0, active, inverse_size)))
    return total


@compiled
def _best_law(values: FloatArray, level: FloatArray, information: FloatArray, law: int) -> tuple[float, float, float]:
    """Dispersion, share of forced zeros and log likelihood of a law; dispersion at its penalised maximum."""
    has_dispersion, has_zeros = law & 1, law >> 1
    log_dispersion, logit, best, likelihood = 0.0, 0.0, -np.inf, -np.inf
    step = 4.0
    for turn in range(6):
        from_dispersion, from_logit = log_dispersion, logit
        for i in range(-has_dispersion, has_dispersion + 1):
            for j in range(-has_zeros, has_zeros + 1):
                if turn > 0 and i == 0 and j == 0:
                    continue
                x = min(LOG_DISPERSION, max(-LOG_DISPERSION, from_dispersion + i * step))
                z = min(LOGIT_ZERO, max(-LOGIT_ZERO, from_logit + j * step))
                dispersion = np.exp(x) if has_dispersion else 0.0
                zero_share = 1.0 / (1.0 + np.exp(-z)) if has_zeros else 0.0
                found = _log_likelihood(values, level, information, dispersion, zero_share)
                penalised = found - 0.5 * has_dispersion * (x / DISPERSION_LOG_SD) ** 2
                if penalised > best:
                    log_dispersion, logit, best, likelihood = x, z, penalised, found
        step /= 2.0
    dispersion = np.exp(log_dispersion) if has_dispersion else 0.0
    return dispersion, 1.0 / (1.0 + np.exp(-logit)) if has_zeros else 0.0, likelihood


@compiled
def _choose_law(values: FloatArray, level: FloatArray, information: FloatArray) -> tuple[float, float]:
    """Dispersion and share of forced zeros of the law with the smallest AICc, negative binomial where undefined.

    Forced zeros are tried where there are zeros, and at least two sales to tell them from a low level;
    together with dispersion only if each alone is better than Poisson.
    """
    n_scored, n_sales = values.size - 1, np.sum(values > 0.0)
    if n_scored < SHORT:
        return _best_law(values, level, information, NEGATIVE_BINOMIAL)[0], 0.0
    smallest, chosen, share, plain, n_better = np.inf, 0.0, 0.0, np.inf, 0
    for law in range(4 if 1 < n_sales < values.size else 2):
        if law == ZERO_INFLATED_NEGATIVE_BINOMIAL and n_better < 2:
            continue
        k = 1 + (law & 1) + (law >> 1)
        dispersion, zero_share, likelihood = _best_law(values, level, information, law)
        criterion = 2.0 * k - 2.0 * likelihood + 2.0 * k * (k + 1.0) / (n_scored - k - 1.0)
        plain = criterion if law == POISSON else plain
        n_better += criterion < plain
        if criterion < smallest:
            smallest, chosen, share = criterion, dispersion, zero_share
    return chosen, share


@compiled
def _closing_zeros(values: FloatArray) -> int:
    count = 0
    while count < values.size and values[values.size - 1 - count] == 0.0:
        count += 1
    return count


@compiled
def _levels(values: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
    """Level and information after each value, started as a running mean."""
    level, information = np.empty(values.size), np.empty(values.size)
    now, spread = values[0], 1.0
    for index in range(values.size):
        if index > 0:
            weight = max(alpha, 1.0 / (index + 1))
            now += weight * (values[index] - now)
            spread = (1.0 - weight) ** 2 * spread + weight**2
        level[index], information[index] = now, 1.0 / spread
    return level, information


@compiled
def _fit(demand: FloatArray, lowest: float, highest: float, chooses: bool) -> FloatArray:  # noqa: FBT001
    """One row per series, NaN where nothing is known, shape (n_series, 8)."""
    found = np.full((demand.shape[0], 8), np.nan)
    for row in range(demand.shape[0]):
        values = known_values(demand[row])
        if values.size == 0:
            continue
        alpha = best_alpha(values, lowest, highest, True)
        last, squared, expected, information = smoothed(values, alpha, True)
        is_count = np.all(values == np.floor(values))
        dispersion, zero_share = np.nan, np.nan
        if is_count and last == 0.0 and squared == 0.0:
            dispersion, zero_share = 0.0, 0.0
        elif is_count:
            level, worth = _levels(values, alpha)
            if chooses:
                dispersion, zero_share = _choose_law(values, level, worth)
            else:
                dispersion, zero_share = _best_law(values, level, worth, NEGATIVE_BINOMIAL)[0], 0.0
        found[row, LEVEL], found[row, ALPHA], found[row, INFORMATION] = last, alpha, information
        found[row, IS_COUNT], found[row, DISPERSION], found[row, ZERO_SHARE] = is_count, dispersion, zero_share
        found[row, CLOSING_ZEROS] = _closing_zeros(values)
        found[row, VARIANCE] = squared / expected if values.size > 1 else last**2
    return found
