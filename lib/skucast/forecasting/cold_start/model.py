"""Demand of series with a short history: a prior from all other series, updated by what was sold since.

A series has a mean λ per period. Before any sale, log λ is the level of newly launched series, plus the effect of the
category (drawn to none where the category has few series), plus an elasticity times the price relative to the category,
plus a deviation whose distribution is that of the other series' own deviations: a histogram, so no tail is assumed.
Given λ, demand of a period has the variance φ·λ^p, 1 < p < 2: between the Poisson's and a constant coefficient of
variation (Taylor's law; Stevens 1974). Its law is a Poisson number of gamma amounts (Tweedie 1984; Jørgensen 1987): it
has zeros, adds up over periods, and is the same in every unit of measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc
from scipy.stats import norm

from skucast.forecasting.panel.panel import FloatArray

MAX_PERIODS = 8
"""Most known periods of a short history."""

BIN = 0.5
"""Width of the bins in which deviations are counted, in units of their spread."""

REACH = 20
"""Bins on either side of zero."""

DRIFT = 1.3
"""How much more the mean sales of two stretches of a few periods differ than periods within them would have it: the
level moves. Past sales speak that much more softly."""

_EDGES = np.concatenate([[0.0, 1e-3, 5e-3, 0.02], np.arange(1, 20) / 20, [0.98, 0.995, 0.999]])
"""Posterior probabilities between which means are taken together."""


@dataclass(frozen=True)
class ColdStartModel:
    """What is believed of a series beside its own prior mean.

    Attributes:
        spread: unit of the deviations, in log mean.
        weights: of deviations -``REACH``…``REACH``, each ``BIN`` spreads apart, shape (2·REACH + 1,), together 1.
        dispersion: φ, units^(2 - p).
        power: p.
    """

    spread: float
    weights: FloatArray
    dispersion: float
    power: float

    def posterior(self, prior_log_mean: FloatArray, n_periods: FloatArray, demand: FloatArray) -> Posterior:
        """Beliefs about the mean per period after some sales.

        The likelihood of λ given the sum y of n periods is exp(-(y·λ^(1-p)/(p-1) + n·λ^(2-p)/(2-p)) / φ): the natural
        parameter of an exponential dispersion model (Jørgensen 1987), Wedderburn's (1974) quasi-likelihood. Here φ is
        ``DRIFT`` times as large.

        Args:
            prior_log_mean: log units per period, shape (n,).
            n_periods: known periods, shape (n,).
            demand: their sum, units, shape (n,).
        """
        fine = np.linspace(-REACH, REACH, 8 * REACH + 1)
        prior = np.interp(fine, np.arange(-REACH, REACH + 1), self.weights)
        rates = np.exp(prior_log_mean[:, None] + self.spread * BIN * fine)
        p = self.power
        against = demand[:, None] * rates ** (1 - p) / (p - 1) + n_periods[:, None] * rates ** (2 - p) / (2 - p)
        against = against / (DRIFT * self.dispersion)
        belief = prior * np.exp(against.min(axis=1, keepdims=True) - against)
        return Posterior(*_taken_together(rates, belief / belief.sum(axis=1, keepdims=True)), self.dispersion, p)


def _taken_together(rates: FloatArray, belief: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Neighbouring means as one, so that laws are mixtures of few: means and their probabilities, shape (n, k)."""
    middle = np.cumsum(belief, axis=1) - belief / 2
    place = np.searchsorted(_EDGES, middle, side="right") - 1
    rows, shape = np.arange(len(rates))[:, None], (len(rates), _EDGES.size)
    weights, sums = np.zeros(shape), np.zeros(shape)
    np.add.at(weights, (rows, place), belief)
    np.add.at(sums, (rows, place), belief * rates)
    return np.where(weights > 0, sums / np.where(weights > 0, weights, 1.0), rates[:, :1]), weights


@dataclass(frozen=True)
class Posterior:
    """Beliefs about the mean per period of many series.

    Attributes:
        rates: means per period, > 0, units, shape (n, k).
        weights: their probabilities, shape (n, k).
        dispersion: φ.
        power: p.
    """

    rates: FloatArray
    weights: FloatArray
    dispersion: float
    power: float

    @property
    def mean(self) -> FloatArray:
        """Expected demand of a period, units, shape (n,)."""
        found: FloatArray = (self.weights * self.rates).sum(axis=1)
        return found

    def sd(self, periods: float) -> FloatArray:
        """Standard deviation of demand summed over ``periods`` to come, units, shape (n,)."""
        noise = periods * self.dispersion * self.rates**self.power
        square = (self.weights * (noise + (periods * self.rates) ** 2)).sum(axis=1)
        found: FloatArray = np.sqrt(np.maximum(square - (periods * self.mean) ** 2, 0.0))
        return found

    def quantiles(self, periods: float, levels: FloatArray) -> FloatArray:
        """Quantiles of demand summed over ``periods`` to come, units, shape (n, n_levels); rising with the level.

        The distribution function is taken at a few points around the mean, then at many where it rises, and
        interpolated between them on normal paper.
        """
        if periods == 0:
            return np.zeros((len(self.rates), levels.size))
        wide = np.log(periods * self.mean)[:, None] + np.linspace(-14.0, 6.0, 41)
        reached = self.distribution(periods, np.exp(wide))
        first = (reached < levels.min() / 2).sum(axis=1) - 1
        last = wide.shape[1] - (reached > (1 + levels.max()) / 2).sum(axis=1)
        ends = [
            np.take_along_axis(wide, np.clip(each, 0, wide.shape[1] - 1)[:, None], axis=1) for each in (first, last)
        ]
        points = ends[0] + (ends[1] - ends[0]) * np.linspace(0.0, 1.0, 49)
        reached = np.maximum.accumulate(self.distribution(periods, np.exp(points)), axis=1)
        place, wanted = norm.ppf(np.clip(reached, 1e-12, 1 - 1e-12)), norm.ppf(levels)
        found = np.zeros((len(points), levels.size))
        for row in range(len(points)):
            found[row] = np.interp(wanted, place[row], points[row])
        return np.where(levels <= reached[:, :1], 0.0, np.exp(found))

    def distribution(self, periods: float, at: FloatArray) -> FloatArray:
        """Probability that demand summed over ``periods`` > 0 is at most ``at``, shape (n, n_points).

        Of each mean the Poisson probability of no sale at all, else a gamma law with the moments of what is sold then.
        """
        mean, variance = periods * self.rates, periods * self.dispersion * self.rates**self.power
        log_none = -periods * self.rates ** (2 - self.power) / ((2 - self.power) * self.dispersion)
        some = -np.expm1(log_none)
        # Of a law with the probability 1 - q of nothing: E[X | X > 0] = μ/q, E[X² | X > 0] = (μ² + σ²)/q.
        sold = mean / some
        spread = np.maximum((variance + mean**2) / some - sold**2, 1e-9 * sold**2)
        shape, scale = sold**2 / spread, spread / sold
        below = gammainc(shape[:, :, None], at[:, None, :] / scale[:, :, None])
        found: FloatArray = np.einsum("nk,nkx->nx", self.weights, (1 - some)[:, :, None] + some[:, :, None] * below)
        return found
