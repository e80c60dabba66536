"""Laws of demand over a span, from its mean and variance: quantiles, probabilities and losses, without truncated sums.

Every law holds arrays over items; what is asked of it broadcasts against them. The two losses of a stock x are the
units short, E[(D - x)+], and the units left over, E[(x - D)+]. Where the variance is 0 demand is its mean for certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from skucast.numerics.arrays import BoolArray, FloatArray, floats, not_negative

POISSON_BELOW = 1e-9
"""Relative excess of variance over mean below which counted demand is taken as Poisson."""

FARTHEST = 40.0
"""Standard deviations beyond which a normal tail is 0 in floats."""

NEGLIGIBLE = 1e-14
"""Probability that a table of probabilities adds to its last value."""


class DemandLaw(Protocol):
    """What stock formulas ask of a law of demand."""

    @property
    def mean(self) -> FloatArray:
        """Units, shape (n_items,) or what broadcasts to it."""

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(D <= x)."""

    def quantile(self, level: ArrayLike) -> FloatArray:
        """Smallest x with P(D <= x) >= level."""

    def shortage(self, x: ArrayLike) -> FloatArray:
        """Units short on average with x units, E[(D - x)+]."""

    def surplus(self, x: ArrayLike) -> FloatArray:
        """Units left over on average of x units, E[(x - D)+]."""


def unit_normal_loss(z: ArrayLike) -> FloatArray:
    """G(z) = E[(Z - z)+] of a standard normal Z; relative precision holds far into the tail. [G]

    Source: Silver, Pyke & Thomas (2017), Inventory and Production Management, app. II.
    """
    size = np.minimum(np.abs(floats(z)), FARTHEST)
    density = np.exp(-0.5 * size**2) / np.sqrt(2.0 * np.pi)
    tail: FloatArray = density * (1.0 - size * np.sqrt(0.5 * np.pi) * special.erfcx(size / np.sqrt(2.0)))
    return np.maximum(tail, 0.0) + np.maximum(-floats(z), 0.0)


def unit_normal_second_loss(z: ArrayLike) -> FloatArray:
    """E[((Z - z)+)²] / 2 of a standard normal Z: the integral of G from z on.

    Source: Hadley & Whitin (1963), appendix 4; Zipkin (2000), section C.2.4.
    """
    at = np.minimum(floats(z), FARTHEST)
    density = np.exp(-0.5 * at**2) / np.sqrt(2.0 * np.pi)
    loss: FloatArray = np.maximum(0.5 * ((at**2 + 1.0) * special.ndtr(-at) - at * density), 0.0)
    return loss


@dataclass(frozen=True)
class Normal:
    """Normal demand; also below 0, which a caller may cut.

    Attributes:
        mean: units.
        variance: units².
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse a negative variance."""
        not_negative(variance=self.variance)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(D <= x)."""
        below: FloatArray = special.ndtr(self._z(x))
        return below

    def quantile(self, level: ArrayLike) -> FloatArray:
        """The x with P(D <= x) = level."""
        sd = np.sqrt(self.variance)
        return self.mean + np.where(sd > 0, sd * special.ndtri(floats(level)), 0.0)

    def shortage(self, x: ArrayLike) -> FloatArray:
        """E[(D - x)+]."""
        return self._loss(floats(x) - self.mean)

    def surplus(self, x: ArrayLike) -> FloatArray:
        """E[(x - D)+]."""
        return self._loss(self.mean - floats(x))

    def _z(self, x: ArrayLike) -> FloatArray:
        above, sd = floats(x) - self.mean, np.sqrt(self.variance)
        certain = np.where(above < 0, -np.inf, np.inf)
        return np.where(sd > 0, above / np.where(sd > 0, sd, 1.0), certain)

    def _loss(self, margin: FloatArray) -> FloatArray:
        sd = np.sqrt(self.variance)
        loss = sd * unit_normal_loss(margin / np.where(sd > 0, sd, 1.0))
        return np.where(sd > 0, loss, np.maximum(-margin, 0.0))


class _Tailed:
    """Losses of a law on x >= 0 from its tails and those of the law weighted by demand."""

    mean: FloatArray

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(D <= x)."""
        return self._tails(floats(x), 0)[0]

    def shortage(self, x: ArrayLike) -> FloatArray:
        """E[(D - x)+]."""
        at = floats(x)
        return np.maximum(self.mean * self._tails(at, 1)[1] - at * self._tails(at, 0)[1], 0.0)

    def surplus(self, x: ArrayLike) -> FloatArray:
        """E[(x - D)+]."""
        at = floats(x)
        return np.maximum(at * self._tails(at, 0)[0] - self.mean * self._tails(at, 1)[0], 0.0)

    def _tails(self, x: FloatArray, weighted: int) -> tuple[FloatArray, FloatArray]:
        """P(D <= x) and P(D > x); weighted = 1: the shares of mean demand from D <= x and D > x."""
        raise NotImplementedError


@dataclass(frozen=True)
class Gamma(_Tailed):
    """Demand of any positive size, skewed to the right: shape mean²/variance.

    Attributes:
        mean: units.
        variance: units².
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse negative moments."""
        not_negative(mean=self.mean, variance=self.variance)

    def quantile(self, level: ArrayLike) -> FloatArray:
        """The x with P(D <= x) = level."""
        is_spread, shape, scale = self._parameters()
        return np.where(is_spread, scale * special.gammaincinv(shape, floats(level)), self.mean)

    def _tails(self, x: FloatArray, weighted: int) -> tuple[FloatArray, FloatArray]:
        is_spread, shape, scale = self._parameters()
        at = np.maximum(x, 0.0) / scale
        reached = x >= self.mean
        return (
            np.where(is_spread, special.gammainc(shape + weighted, at), reached),
            np.where(is_spread, special.gammaincc(shape + weighted, at), ~reached),
        )

    def _parameters(self) -> tuple[BoolArray, FloatArray, FloatArray]:
        is_spread = (self.mean > 0) & (self.variance > 0)
        mean, variance = np.where(is_spread, self.mean, 1.0), np.where(is_spread, self.variance, 1.0)
        return is_spread, mean**2 / variance, variance / mean


@dataclass(frozen=True)
class NegativeBinomial(_Tailed):
    """Counted demand with any real size parameter; Poisson where the variance does not exceed the mean.

    Attributes:
        mean: units.
        variance: units². [v; r = m²/(v - m)]

    Source: Agrawal & Smith (1996), Naval Research Logistics 43, 839-861: it fits retail sales better than Poisson.
    """

    mean: FloatArray
    variance: FloatArray

    def __post_init__(self) -> None:
        """Refuse negative moments."""
        not_negative(mean=self.mean, variance=self.variance)

    def quantile(self, level: ArrayLike) -> FloatArray:
        """Smallest whole number of units with P(D <= x) >= level."""
        is_poisson, size, odds = self._parameters()
        counts: FloatArray = np.where(
            is_poisson,
            stats.poisson.ppf(floats(level), self.mean),
            stats.nbinom.ppf(floats(level), size, 1.0 / (1.0 + odds)),
        )
        return np.maximum(counts, 0.0)

    def _tails(self, x: FloatArray, weighted: int) -> tuple[FloatArray, FloatArray]:
        # n units or more are more than x; weighted by demand the count is one higher and the size parameter too.
        n = np.floor(x) + 1.0 - weighted
        is_poisson, size, odds = self._parameters()
        at, share, r = np.maximum(n, 1.0), odds / (1.0 + odds), size + weighted
        below = np.where(is_poisson, special.gammaincc(at, self.mean), special.betaincc(at, r, share))
        above = np.where(is_poisson, special.gammainc(at, self.mean), special.betainc(at, r, share))
        return np.where(n > 0, below, 0.0), np.where(n > 0, above, 1.0)

    def _parameters(self) -> tuple[BoolArray, FloatArray, FloatArray]:
        excess = self.variance - self.mean
        is_poisson = (self.mean == 0) | (excess <= POISSON_BELOW * self.mean)
        mean, excess = np.where(is_poisson, 1.0, self.mean), np.where(is_poisson, 1.0, excess)
        return is_poisson, mean**2 / excess, excess / mean


def poisson(mean: ArrayLike) -> NegativeBinomial:
    """Poisson demand with that many units on average."""
    return NegativeBinomial(floats(mean), floats(mean))


@dataclass(frozen=True)
class Discrete:
    """Demand that takes one of k values.

    Attributes:
        values: units, ascending, shape (k,) or (n_items, k).
        probabilities: of the values, adding up to 1, same shape.
    """

    values: FloatArray
    probabilities: FloatArray

    def __post_init__(self) -> None:
        """Refuse values that do not ascend, and probabilities that do not add up to 1."""
        not_negative(probabilities=self.probabilities)
        if (np.diff(self.values, axis=-1) <= 0).any():
            raise ValueError("values must ascend: sort them and add up the probabilities of equal ones")
        total = self.probabilities.sum(axis=-1)
        if not np.allclose(total, 1.0, rtol=0.0, atol=1e-9):
            raise ValueError(f"probabilities must add up to 1, found {np.ravel(total)[:3].tolist()}: divide by the sum")

    @property
    def mean(self) -> FloatArray:
        """Units."""
        return self._average(self.values)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(D <= x)."""
        return self._average((self.values <= floats(x)[..., None]).astype(np.float64))

    def quantile(self, level: ArrayLike) -> FloatArray:
        """Smallest value with P(D <= x) >= level, short of rounding in the sum of probabilities."""
        reached = np.cumsum(self.probabilities, axis=-1) >= floats(level)[..., None] - 1e-12
        reached[..., -1] = True
        values = np.broadcast_to(self.values, reached.shape)
        return np.take_along_axis(values, reached.argmax(axis=-1)[..., None], axis=-1)[..., 0]

    def shortage(self, x: ArrayLike) -> FloatArray:
        """E[(D - x)+]."""
        return self._average(np.maximum(self.values - floats(x)[..., None], 0.0))

    def surplus(self, x: ArrayLike) -> FloatArray:
        """E[(x - D)+]."""
        return self._average(np.maximum(floats(x)[..., None] - self.values, 0.0))

    def _average(self, of: FloatArray) -> FloatArray:
        average: FloatArray = (self.probabilities * of).sum(axis=-1)
        return average


FAMILIES: dict[str, type[Normal | Gamma | NegativeBinomial]] = {
    "normal": Normal,
    "gamma": Gamma,
    "negative_binomial": NegativeBinomial,
}
"""Laws given by mean and variance; Poisson is the negative binomial whose variance is its mean."""


def probability_table(law: DemandLaw) -> FloatArray:
    """Probabilities of 0, 1, 2, ... units: demand rounded to whole units, so far that nothing is left out in floats.

    Args:
        law: of n items, its fields of shape (n_items, 1) or scalars.

    Returns:
        Rows adding up to 1, shape (n_items, k) or (k,), k set by the widest law.

    Raises:
        ValueError: a law whose moments are unknown or infinite.
    """
    farthest = np.max(law.quantile(1.0 - NEGLIGIBLE), initial=0.0)
    if not np.isfinite(farthest):
        raise ValueError("mean and variance of a table must be known and finite: leave items without forecast out")
    n_values = int(farthest) + 2
    reached = np.maximum.accumulate(law.cdf(np.arange(n_values - 1) + 0.5), axis=-1)
    ends = [(0, 0)] * (reached.ndim - 1)
    return np.diff(np.pad(np.pad(reached, [*ends, (0, 1)], constant_values=1.0), [*ends, (1, 0)]), axis=-1)
