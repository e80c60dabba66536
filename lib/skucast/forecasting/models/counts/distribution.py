"""Laws of counted demand summed over a span: Poisson and negative binomial, with or without extra zeros.

Steps are independent given the level. In one step demand is 0 with probability ``zero_share``, else negative binomial
with size r (Poisson for r = infinity). Over h steps the number N of steps that are not forced to 0 is binomial, and
given N the sum is negative binomial again: sizes add because the probability parameter is the same. The level itself is
known as well as a mean over some periods, a gamma law, so that a Poisson sum becomes negative binomial. A negative
binomial sum has two gamma factors in its intensity; their product is taken as the gamma law of the same mean and
variance, which leaves the mean and the variance of the sum exact: 1/k = 1/(N r) + v + v/(N r), v the squared relative
uncertainty of the level, size k, mean N m.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log, log1p

import numpy as np
from scipy import special

from skucast.forecasting.models.shared.level_search import drift_growth
from skucast.forecasting.panel.panel import FloatArray, IntArray
from skucast.numerics.compiled import compiled

WIDTH = 8192
"""Units up to which probabilities are added up one by one; wider laws are inverted through the incomplete beta."""

NEGLIGIBLE = 1e-14
"""Probability that may be left out of a sum."""


@dataclass(frozen=True)
class CountLaw:
    """The law of demand in the steps ahead of each series, every field of shape (n_series,).

    Attributes:
        mean: units per period; NaN where demand is not counted in whole units. [m]
        size: of the negative binomial in a step that is not forced to 0; infinity for Poisson. [r]
        zero_share: probability that a step is forced to 0, in [0, 1).
        level_shape: shape of the gamma law of the level: 1 / its squared relative uncertainty; infinity if known. [a]
        drift: growth per step of the squared relative uncertainty of a level that moves; 0 if it stands still.
    """

    mean: FloatArray
    size: FloatArray
    zero_share: FloatArray
    level_shape: FloatArray
    drift: FloatArray

    @property
    def step_variance(self) -> FloatArray:
        """Variance of demand in one step given the level, units², shape (n_series,)."""
        active = self.mean / (1.0 - self.zero_share)
        return self.mean + self.mean * active * (1.0 / self.size + self.zero_share)

    def level_uncertainty(self, horizon: int) -> FloatArray:
        """Squared relative uncertainty of the mean level of steps 1..h, shape (n_series, horizon)."""
        return (1.0 / self.level_shape)[:, None] + self.drift[:, None] * drift_growth(horizon)

    def spread(self, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Standard deviations of demand in step h and of the sum over steps 1..h, each (n_series, horizon)."""
        steps = np.arange(1.0, horizon + 1.0)
        within = (self.step_variance - self.mean)[:, None]
        squared_mean = np.square(self.mean)[:, None]
        now = (1.0 / self.level_shape)[:, None] + self.drift[:, None] * (steps - 1.0)
        whole = self.level_uncertainty(horizon)
        # An uncertain level also scales the extra variance within a step, whose mean is proportional to its square.
        step = self.mean[:, None] + within * (1.0 + now) + squared_mean * now
        total = steps * (self.mean[:, None] + within * (1.0 + whole)) + np.square(steps) * squared_mean * whole
        return np.sqrt(step), np.sqrt(total)


def sum_quantiles(law: CountLaw, levels: FloatArray, horizon: int) -> FloatArray:
    """Quantiles of demand summed over steps 1..h: the smallest whole number reached with at least the probability.

    Args:
        law: of each series.
        levels: rising probabilities in (0, 1), shape (n_levels,).
        horizon: steps.

    Returns:
        Whole units, shape (n_series, horizon, n_levels), never falling in level or step; NaN where the law's mean is.

    Raises:
        ValueError: levels that do not rise strictly within (0, 1).
    """
    if not (np.all(levels > 0) and np.all(levels < 1) and np.all(np.diff(levels) > 0)):
        raise ValueError(f"levels must rise strictly within (0, 1), found {levels.tolist()}")
    uncertainty = law.level_uncertainty(horizon)
    mean, zero_share, rising = (np.ascontiguousarray(each) for each in (law.mean, law.zero_share, levels))
    quantiles = _quantiles(mean, 1.0 / law.size, zero_share, uncertainty, rising)
    row, step = np.nonzero(np.isinf(quantiles[:, :, 0]))
    is_plain = zero_share[row] == 0.0
    for cells in (np.flatnonzero(is_plain), *np.flatnonzero(~is_plain)[:, None]):
        r, h = row[cells], step[cells] + 1
        parts = _parts(mean[r], 1.0 / law.size[r], zero_share[r], uncertainty[r, h - 1], h)
        quantiles[r, h - 1] = _wide_quantiles(*parts, rising)
    # The law of a moving level is not ordered in h at levels far below the median.
    return np.maximum.accumulate(quantiles, axis=1)


@compiled
def _binomial_share(n: int, steps: int, zero_share: float) -> float:
    """Probability that n of the steps are not forced to 0."""
    if zero_share == 0.0:
        return 1.0 if n == steps else 0.0
    log_choose = lgamma(steps + 1.0) - lgamma(n + 1.0) - lgamma(steps - n + 1.0)
    return exp(log_choose + n * log1p(-zero_share) + (steps - n) * log(zero_share))


@compiled
def _add_probabilities(out: FloatArray, weights: FloatArray, share: float, mean: float, inverse_size: float) -> int:
    """Add share times the probabilities of a negative binomial law to ``out``; one past the last, or -1 if too wide.

    Walks from the mode down and up by the ratio of neighbours, then divides by the sum: nothing under- or overflows.
    ``weights`` is room of the same shape.
    """
    if 0.5 * out.size < mean + 8.0 * np.sqrt(mean + inverse_size * mean**2) + 34.0 * mean * inverse_size:
        return -1
    odds = mean / (1.0 + mean * inverse_size)
    mode = max(int(mean * (1.0 - inverse_size)), 0)
    weights[mode], total, low, high = 1.0, 1.0, mode, mode
    while low > 0 and weights[low] > NEGLIGIBLE * 1e-3:
        weights[low - 1] = weights[low] * low / ((1.0 + (low - 1) * inverse_size) * odds)
        low -= 1
        total += weights[low]
    while True:
        ratio = (1.0 + high * inverse_size) * odds / (high + 1)
        worst = max(ratio, odds * inverse_size)
        if worst < 1.0 and weights[high] * worst / (1.0 - worst) < NEGLIGIBLE * total:
            break
        if high + 1 == out.size:
            return -1
        high += 1
        weights[high] = weights[high - 1] * ratio
        total += weights[high]
    for index in range(low, high + 1):
        out[index] += share * weights[index] / total
    return high + 1


@compiled
def _sum_probabilities(
    out: FloatArray, weights: FloatArray, steps: int, active: float, inverse_size: float, zero: float, v: float
) -> int:
    """Fill ``out`` with the probabilities of a sum over steps; one past the last, or -1 if too wide."""
    end = 0
    for n in range(steps + 1):
        share = _binomial_share(n, steps, zero)
        if share < NEGLIGIBLE / (steps + 1):
            continue
        if n == 0:
            out[0] += share
            end = max(end, 1)
            continue
        last = _add_probabilities(out, weights, share, n * active, inverse_size / n * (1.0 + v) + v)
        if last < 0:
            return -1
        end = max(end, last)
    return end


@compiled
def _quantiles(
    mean: FloatArray, inverse_size: FloatArray, zero_share: FloatArray, uncertainty: FloatArray, levels: FloatArray
) -> FloatArray:
    """Quantiles of sums, shape (n_series, horizon, n_levels); infinity where the law is too wide to be added up."""
    n_series, horizon = uncertainty.shape
    found = np.full((n_series, horizon, levels.size), np.nan)
    out, weights = np.zeros(WIDTH), np.empty(WIDTH)
    for row in range(n_series):
        if np.isnan(mean[row]):
            continue
        active, zero = mean[row] / (1.0 - zero_share[row]), zero_share[row]
        for step in range(horizon):
            found[row, step] = 0.0
            if active == 0.0:
                continue
            out[:] = 0.0
            end = _sum_probabilities(out, weights, step + 1, active, inverse_size[row], zero, uncertainty[row, step])
            if end < 0:
                found[row, step] = np.inf
                continue
            reached, at = out[0], 0
            for index in range(levels.size):
                while reached < levels[index] - 1e-12 and at < end - 1:
                    at += 1
                    reached += out[at]
                found[row, step, index] = at
    return found


def _parts(
    mean: FloatArray, inverse_size: FloatArray, zero_share: FloatArray, v: FloatArray, steps: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shares, means and inverse sizes of the negative binomial laws that make up sums, each (n_sums, n_parts).

    Args:
        mean: of a step, shape (n_sums,) as all others; either no sum has forced zeros, or there is only one sum.
        inverse_size: of a step that is not forced to 0.
        zero_share: probability that a step is forced to 0.
        v: squared relative uncertainty of the level.
        steps: summed over.
    """
    zero = zero_share[:, None]
    n = steps[:, None].astype(np.float64)
    if zero_share.size == 1:
        n = np.arange(0.0, steps[0] + 1.0)[None, :]
    share = _binomial_shares(n, steps[:, None], zero)
    kept = (share > NEGLIGIBLE / (steps.max(initial=0) + 1)).any(axis=0)
    n, share = n[:, kept], share[:, kept]
    inverse = inverse_size[:, None] / np.maximum(n, 1.0) * (1.0 + v[:, None]) + v[:, None]
    return share, n * mean[:, None] / (1.0 - zero), inverse


def _binomial_shares(n: FloatArray, steps: IntArray, zero: FloatArray) -> FloatArray:
    """Binomial probability that n of the steps are not forced to 0."""
    log_share = special.gammaln(steps + 1.0) - special.gammaln(n + 1.0) - special.gammaln(steps - n + 1.0)
    result: FloatArray = np.exp(log_share + special.xlog1py(n, -zero) + special.xlogy(steps - n, zero))
    return result


def _wide_quantiles(share: FloatArray, mean: FloatArray, inverse_size: FloatArray, levels: FloatArray) -> FloatArray:
    """Quantiles of mixtures of negative binomial laws by bisection on whole units, shape (n_sums, n_levels)."""
    widest = np.ceil(np.max(mean + 100.0 * np.sqrt(mean + inverse_size * mean**2), axis=1, initial=0.0) + 100.0)
    low = np.full((share.shape[0], levels.size), -1.0)
    high = np.repeat(widest[:, None], levels.size, axis=1)
    while True:
        middle = np.floor((low + high) / 2.0)
        is_open = middle > low
        if not is_open.any():
            return high
        reached = _reached(np.maximum(middle, 0.0), share, mean, inverse_size) >= levels - 1e-12
        low, high = np.where(is_open & ~reached, middle, low), np.where(is_open & reached, middle, high)


def _reached(units: FloatArray, share: FloatArray, mean: FloatArray, inverse_size: FloatArray) -> FloatArray:
    """Probability of at most so many units under each mixture, same shape as ``units``."""
    x, m, inverse = units[:, :, None] + 1.0, mean[:, None, :], inverse_size[:, None, :]
    is_poisson = inverse * np.maximum(m, 1.0) < 1e-9
    size = 1.0 / np.where(is_poisson, 1.0, inverse)
    below = np.where(is_poisson, special.gammaincc(x, m), special.betainc(size, x, size / (size + m)))
    result: FloatArray = (share[:, None, :] * below).sum(axis=2)
    return result
