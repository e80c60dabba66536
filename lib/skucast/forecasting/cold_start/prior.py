"""What all series together say of one that has hardly sold yet: from sums over them to a ``ColdStartModel``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from skucast.forecasting.cold_start.model import BIN, REACH, ColdStartModel
from skucast.forecasting.panel.panel import FloatArray

WINDOW = 14
"""Latest periods of every series that inform the prior; a series whose first sale lies within is newly launched."""

FULL_WEIGHT = 4
"""Periods of the window with which a series counts whole."""

_POWER, _POWERS = 1.5, (1.1, 1.9)
"""Power p of the variance before any is seen, and its bounds."""

_PRIOR_POWER = 20.0
"""Series' worth of belief in the former, at a spread of log means of 1."""

_PRIOR_SERIES = 5.0
"""Series' worth of belief that log means spread by 1 around their category and demand of a period by its mean."""

_PRIOR_LEVEL = 5.0
"""Series' worth of belief that newly launched series sell as established ones do."""

_PRIOR_SHAPE = 20.0
"""Series' worth of belief that deviations are normal."""

_FARTHEST = 6.0
"""Logarithms below the belief that a dispersion counts with: demand that never varied is not sure to stay."""

_PRIOR_LAUNCHED = 20.0
"""Series' worth of belief that launched series deviate from their category as established ones do."""

MOST_DISPERSED = 4.0
"""Multiples of the usual dispersion up to which that of a series counts: one bulk order is not what others may do."""


@dataclass(frozen=True)
class Level:
    """Log mean per period of two kinds of series, and how the variance follows from a mean.

    Attributes:
        launched: of series with their first sale in the window.
        established: of all others.
        power: p.
        most_dispersed: largest dispersion that a series counts with, units^(2 - p).
    """

    launched: float
    established: float
    power: float
    most_dispersed: float


def level(launched: tuple[float, float], established: tuple[float, float], variances: VarianceSums) -> Level:
    """The level of launched series, drawn to that of the established, and the power of the variance by regression.

    Args:
        launched: Σ w and Σ w·log mean over launched series, with w = known periods of the window / ``FULL_WEIGHT``, at
            most 1.
        established: the same over the others.
        variances: of both.

    Raises:
        ValueError: neither kind has a series.
    """
    if launched[0] + established[0] <= 0:
        raise ValueError("a prior needs at least one series with demand")
    usual = established[1] / established[0] if established[0] else launched[1] / launched[0]
    new = (launched[1] + _PRIOR_LEVEL * usual) / (launched[0] + _PRIOR_LEVEL)
    return Level(new, usual, variances.power, MOST_DISPERSED * variances.usual_dispersion)


@dataclass(frozen=True)
class VarianceSums:
    """Sums over series whose demand varies; f is the share of the window's degrees of freedom that a series has.

    Attributes:
        weight: Σ f.
        mean: Σ f·x, with x the log mean per period.
        variance: Σ f·y, with y the log variance.
        mean_square: Σ f·x².
        product: Σ f·x·y.
    """

    weight: float
    mean: float
    variance: float
    mean_square: float
    product: float

    @property
    def power(self) -> float:
        """Slope of log variance on log mean, drawn to 1.5."""
        if self.weight <= 0:
            return _POWER
        squares = self.mean_square - self.mean**2 / self.weight
        products = self.product - self.mean * self.variance / self.weight
        return float(np.clip((products + _PRIOR_POWER * _POWER) / (squares + _PRIOR_POWER), *_POWERS))

    @property
    def usual_dispersion(self) -> float:
        """Geometric mean of variance / mean^p, units^(2 - p); infinite where none is seen."""
        if self.weight <= 0:
            return np.inf
        return float(np.exp((self.variance - self.power * self.mean) / self.weight))


@dataclass(frozen=True)
class GroupScatter:
    """Sums over groups of series of e, a log mean less what is usual.

    Attributes:
        n_groups: C.
        weight: N = Σ n, with n = Σ w of a group.
        weight_squares: Σ n².
        total: Σ w·e.
        within: Σ over groups of w·(e - ē)².
        between: Σ n·ē².
    """

    n_groups: int
    weight: float
    weight_squares: float
    total: float
    within: float
    between: float


@dataclass(frozen=True)
class Scatter(GroupScatter):
    """The same over categories, and sums of x, the log price of a series.

    Attributes:
        price_squares: Σ over categories of w·(x - x̄)², over series with a price.
        price_products: the same of w·(x - x̄)·(e - ē).
    """

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

    The elasticity is a ridge regression that believes in 0 ± 1.
    """
    freedom = max(scatter.weight - scatter.n_groups, 0.0) + _PRIOR_SERIES
    raw = (scatter.within + _PRIOR_SERIES) / freedom
    slope = scatter.price_products / (scatter.price_squares + raw)
    explained = slope * (2 * scatter.price_products - slope * scatter.price_squares)
    variance = max(scatter.within - explained + _PRIOR_SERIES, 0.0) / freedom
    return Deviations(slope, float(np.sqrt(variance)), _believed(scatter, variance))


def _believed(scatter: GroupScatter, variance: float) -> float:
    """Series' worth of belief that a group is like all others, σ²/a.

    The variance a between groups is that of Bühlmann & Straub (1970), eq. for â in Bühlmann & Gisler (2005), section
    4.8; a group of the weight n is believed to n / (n + σ²/a).
    """
    between = scatter.between - scatter.total**2 / scatter.weight - (scatter.n_groups - 1) * variance
    size = scatter.weight - scatter.weight_squares / scatter.weight
    return float(variance * size / between) if between > 0 and size > 1e-9 * scatter.weight else np.inf


def likeness(scatter: GroupScatter) -> float:
    """Series' worth of belief that a group is like all others; infinite where no group has two series."""
    freedom = scatter.weight - scatter.n_groups
    if freedom <= 0:
        return np.inf
    return _believed(scatter, (scatter.within + _PRIOR_SERIES) / (freedom + _PRIOR_SERIES))


def spread_beside(squares: float, weight: float) -> float:
    """Standard deviation of what locations and items elsewhere leave unsaid.

    Args:
        squares: Σ w·deviation².
        weight: Σ w.
    """
    return float(np.sqrt((squares + _PRIOR_SERIES) / (weight + _PRIOR_SERIES)))


def launch_law(
    level: Level, spread: float, dispersion: tuple[float, float], launched: FloatArray, established: FloatArray
) -> ColdStartModel:
    """The distribution of deviations: that of launched series, drawn to the established, drawn to the normal.

    Args:
        level: of which the power is taken, and the mean at which demand is believed to spread by itself.
        spread: of the deviations.
        dispersion: Σ f and Σ f·variance / mean^p over all series, each at most ``most_dispersed``, f as in
            ``VarianceSums``.
        launched: weight of launched series by bin of their deviation, shape (2·REACH + 1,).
        established: the same of the established.
    """
    edges = BIN * (np.arange(-REACH, REACH + 2) - 0.5)
    usual = established + _PRIOR_SHAPE * np.diff(norm.cdf(edges))
    mixed = launched + _PRIOR_LAUNCHED * usual / usual.sum()
    # A coefficient of variation of 1 at the usual mean μ is a φ of μ^(2 - p), whatever the unit.
    believed = (2 - level.power) * level.established
    least = np.exp(believed - _FARTHEST)
    seen = np.log(max(dispersion[1] / dispersion[0], least)) if dispersion[0] > 0 else believed
    phi = np.exp((dispersion[0] * seen + _PRIOR_SERIES * believed) / (dispersion[0] + _PRIOR_SERIES))
    return ColdStartModel(spread, mixed / mixed.sum(), float(phi), level.power)
