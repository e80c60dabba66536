"""Demand of series with a short history: a prior from all other series, updated by what was sold since.

A series has a mean λ per period. Before any sale, log λ is the level of newly launched series, plus the effect of the
category (drawn to none where the category has few series), plus an elasticity times the price relative to the category,
plus a deviation whose distribution is that of the other series' own deviations: a histogram, so no tail is assumed.
Given λ, demand of a period has variance φ·λ^1.5: between the Poisson's (power 1) and a constant coefficient of variation
(power 2), where demand of many shops lies (Taylor's law; Stevens 1974), and the same in every unit of measure. Its law
is a Poisson number of gamma amounts (Tweedie 1984; Jørgensen 1987), which has zeros and adds up over periods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc
from scipy.stats import norm
from scipy.stats import t as student

from skucast.forecasting.panel import FloatArray

MAX_PERIODS = 8
"""Most known periods of a short history."""

WINDOW = 14
"""Latest periods of every series that inform the prior; a series whose first sale lies within is newly launched."""

POWER = 1.5
"""Variance of a period's demand is proportional to its mean to this power."""

BIN = 0.5
"""Width of the bins in which deviations are counted, in units of their spread."""

REACH = 20
"""Bins on either side of zero."""

_PRIOR_SERIES = 5.0
"""Series' worth of belief that log means spread by 1 around their category and demand of a period by its mean."""

_PRIOR_LEVEL = 10.0
"""Series' worth of belief that newly launched series sell as established ones do."""

_PRIOR_SHAPE = 20.0
"""Series' worth of belief that deviations follow Student's t with 4 degrees of freedom."""

_PRIOR_LAUNCHED = 50.0
"""Series' worth of belief that launched series deviate from their category as established ones do."""

_EDGES = np.concatenate([[0.0, 1e-3, 5e-3, 0.02], np.arange(1, 20) / 20, [0.98, 0.995, 0.999]])
"""Posterior probabilities between which means are taken together."""


@dataclass(frozen=True)
class Group:
    """Sums over the series of one kind, newly launched or established.

    A series counts with weight w = known periods of the window / ``WINDOW``, its variance with the share of the window's
    degrees of freedom.

    Attributes:
        weight: Σ w.
        log_mean: Σ w·log of the mean per period.
        freedom: Σ of the shares.
        dispersion: Σ of the shares times variance / mean^``POWER``.
    """

    weight: float = 0.0
    log_mean: float = 0.0
    freedom: float = 0.0
    dispersion: float = 0.0


@dataclass(frozen=True)
class Level:
    """Log of the mean per period, of newly launched and of established series, and the dispersion φ of both."""

    launched: float
    established: float
    dispersion: float


def level(launched: Group, established: Group) -> Level:
    """The level of launched series, drawn to that of the established.

    Raises:
        ValueError: neither kind has a series.
    """
    both = launched.weight + established.weight
    if both <= 0:
        raise ValueError("a prior needs at least one series with demand")
    usual = established.log_mean / established.weight if established.weight else launched.log_mean / launched.weight
    new = (launched.log_mean + _PRIOR_LEVEL * usual) / (launched.weight + _PRIOR_LEVEL)
    # A coefficient of variation of 1 at the usual mean: variance / mean^POWER = mean^(2 - POWER), whatever the unit.
    believed = np.exp((2 - POWER) * usual)
    freedom = launched.freedom + established.freedom
    total = launched.dispersion + established.dispersion + _PRIOR_SERIES * believed
    return Level(new, usual, float(total / (freedom + _PRIOR_SERIES)))


@dataclass(frozen=True)
class Scatter:
    """Sums over categories of e, the log mean of a series less its level, and x, its log price.

    Attributes:
        n_categories: C.
        weight: N = Σ n, with n = Σ w of a category.
        weight_squares: Σ n².
        total: Σ w·e.
        within: Σ over categories of w·(e - ē)².
        between: Σ n·ē².
        price_squares: Σ over categories of w·(x - x̄)², over series with a price.
        price_products: the same of w·(x - x̄)·(e - ē).
    """

    n_categories: int
    weight: float
    weight_squares: float
    total: float
    within: float
    between: float
    price_squares: float
    price_products: float


@dataclass(frozen=True)
class Deviations:
    """How series differ.

    Attributes:
        elasticity: change of log mean with log price within a category.
        spread: standard deviation of log means within a category, given the price; > 0.
        category_weight: series' worth of belief that a category is like all others; infinite if categories do not
            differ.
    """

    elasticity: float
    spread: float
    category_weight: float


def deviations(scatter: Scatter) -> Deviations:
    """Elasticity, spread and credibility of categories by the moments.

    The elasticity is a ridge regression that believes in 0 ± 1; the variance between categories is that of Bühlmann &
    Straub (1970), eq. for â in Bühlmann & Gisler (2005), section 4.8; the weight of a category n / (n + σ²/a).
    """
    freedom = max(scatter.weight - scatter.n_categories, 0.0) + _PRIOR_SERIES
    raw = (scatter.within + _PRIOR_SERIES) / freedom
    slope = scatter.price_products / (scatter.price_squares + raw)
    explained = slope * (2 * scatter.price_products - slope * scatter.price_squares)
    variance = max(scatter.within - explained + _PRIOR_SERIES, 0.0) / freedom
    between = scatter.between - scatter.total**2 / scatter.weight - (scatter.n_categories - 1) * variance
    size = scatter.weight - scatter.weight_squares / scatter.weight
    weight = variance * size / between if between > 0 and size > 1e-9 * scatter.weight else np.inf
    return Deviations(slope, float(np.sqrt(variance)), float(weight))


@dataclass(frozen=True)
class LaunchLaw:
    """What is believed of a series beside its own prior mean.

    Attributes:
        spread: unit of the deviations, in log mean.
        weights: of deviations -``REACH``…``REACH``, each ``BIN`` spreads apart, shape (2·REACH + 1,), together 1.
        dispersion: φ, units^(2 - POWER).
    """

    spread: float
    weights: FloatArray
    dispersion: float

    def posterior(self, prior_log_mean: FloatArray, n_periods: FloatArray, demand: FloatArray) -> Posterior:
        """Beliefs about the mean per period after some sales.

        The likelihood of λ given the sum y of n periods is exp(-(y·λ^(1-p)/(p-1) + n·λ^(2-p)/(2-p)) / φ), with
        p = ``POWER``: the natural parameter of an exponential dispersion model (Jørgensen 1987) and Wedderburn's (1974)
        quasi-likelihood.

        Args:
            prior_log_mean: log units per period, shape (n,).
            n_periods: known periods, shape (n,).
            demand: their sum, units, shape (n,).
        """
        fine = np.linspace(-REACH, REACH, 8 * REACH + 1)
        prior = np.interp(fine, np.arange(-REACH, REACH + 1), self.weights)
        rates = np.exp(prior_log_mean[:, None] + self.spread * BIN * fine)
        against = demand[:, None] * rates ** (1 - POWER) / (POWER - 1)
        against = (against + n_periods[:, None] * rates ** (2 - POWER) / (2 - POWER)) / self.dispersion
        belief = prior * np.exp(against.min(axis=1, keepdims=True) - against)
        return _taken_together(rates, belief / belief.sum(axis=1, keepdims=True), self.dispersion)


def launch_law(level: Level, deviations: Deviations, launched: FloatArray, established: FloatArray) -> LaunchLaw:
    """The distribution of deviations: that of launched series, drawn to the established, drawn to Student's t.

    Args:
        level: of which the dispersion is taken.
        deviations: of which the spread is taken.
        launched: weight of launched series by bin of their deviation, shape (2·REACH + 1,).
        established: the same of the established.
    """
    edges = BIN * (np.arange(-REACH, REACH + 2) - 0.5)
    # A standard deviation of 1: Student's t with 4 degrees of freedom has √2.
    shape = np.diff(student.cdf(edges * np.sqrt(2), 4))
    usual = established + _PRIOR_SHAPE * shape / shape.sum()
    mixed = launched + _PRIOR_LAUNCHED * usual / usual.sum()
    return LaunchLaw(deviations.spread, mixed / mixed.sum(), level.dispersion)


def _taken_together(rates: FloatArray, belief: FloatArray, dispersion: float) -> Posterior:
    """Neighbouring means as one, so that laws are mixtures of few."""
    middle = np.cumsum(belief, axis=1) - belief / 2
    place = np.searchsorted(_EDGES, middle, side="right") - 1
    rows, shape = np.arange(len(rates))[:, None], (len(rates), _EDGES.size)
    weights, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(weights, (rows, place), belief)
    np.add.at(sums, (rows, place), belief * rates)
    few = np.where(weights > 0, sums / np.where(weights > 0, weights, 1.0), rates[:, :1])
    return Posterior(few, weights, dispersion)


@dataclass(frozen=True)
class Posterior:
    """Beliefs about the mean per period of many series.

    Attributes:
        rates: means per period, > 0, units, shape (n, k).
        weights: their probabilities, shape (n, k).
        dispersion: φ.
    """

    rates: FloatArray
    weights: FloatArray
    dispersion: float

    @property
    def mean(self) -> FloatArray:
        """Expected demand of a period, units, shape (n,)."""
        found: FloatArray = (self.weights * self.rates).sum(axis=1)
        return found

    def sd(self, periods: int) -> FloatArray:
        """Standard deviation of demand summed over ``periods`` to come, units, shape (n,)."""
        noise = periods * self.dispersion * self.rates**POWER
        square = (self.weights * (noise + (periods * self.rates) ** 2)).sum(axis=1)
        found: FloatArray = np.sqrt(np.maximum(square - (periods * self.mean) ** 2, 0.0))
        return found

    def quantiles(self, periods: int, levels: FloatArray) -> FloatArray:
        """Quantiles of demand summed over ``periods`` to come, units, shape (n, n_levels); rising with the level.

        The distribution function is taken at points around the mean and interpolated between them on normal paper.
        """
        if periods == 0:
            return np.zeros((len(self.rates), levels.size))
        points = np.linspace(-14.0, 5.0, 77)
        centre = np.log(periods * self.mean)
        reached = self.distribution(periods, np.exp(centre[:, None] + points))
        place = norm.ppf(np.clip(np.maximum.accumulate(reached, axis=1), 1e-12, 1 - 1e-12))
        found = np.stack([np.interp(norm.ppf(levels), own, points) for own in place]) if len(place) else place[:, :0]
        found = found.reshape(-1, levels.size)
        return np.where(levels <= reached[:, :1], 0.0, np.exp(centre[:, None] + found))

    def distribution(self, periods: int, at: FloatArray) -> FloatArray:
        """Probability that demand summed over ``periods`` > 0 is at most ``at``, shape (n, n_points).

        Of each mean the Poisson probability of no sale at all, else a gamma law with the moments of what is sold then.
        """
        mean, variance = periods * self.rates, periods * self.dispersion * self.rates**POWER
        log_none = -periods * self.rates ** (2 - POWER) / ((2 - POWER) * self.dispersion)
        some = -np.expm1(log_none)
        # Of a law with the probability 1 - q of nothing: E[X | X > 0] = μ/q, E[X² | X > 0] = (μ² + σ²)/q.
        sold = mean / some
        spread = np.maximum((variance + mean**2) / some - sold**2, 1e-9 * sold**2)
        shape, scale = sold**2 / spread, spread / sold
        below = gammainc(shape[:, :, None], at[:, None, :] / scale[:, :, None])
        found: FloatArray = np.einsum("nk,nkx->nx", self.weights, (1 - some)[:, :, None] + some[:, :, None] * below)
        return found
