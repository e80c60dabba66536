"""How accurate each series' forecast was in the backtest: measures as numerator and denominator, to be added up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.selection.choice import Candidates
from skucast.forecasting.uncertainty.distribution import PredictiveDistribution
from skucast.forecasting.uncertainty.kernel import quantiles as quantiles_of
from skucast.forecasting.uncertainty.losses import origin_dispersion
from skucast.forecasting.uncertainty.pooled_dispersion import sum_variance


class Basis(StrEnum):
    """What is compared: demand of single periods, or demand summed over the protection period."""

    PERIOD = "period"
    PROTECTION_PERIOD = "protection_period"


@dataclass(frozen=True)
class Measure:
    """One measure of many series; of any roll-up of them it is sum of numerators over sum of denominators.

    Attributes:
        basis: what is compared.
        metric: its name.
        level: quantile level; 0 where the metric has none.
        numerator: shape (n,).
        denominator: shape (n,).
    """

    basis: Basis
    metric: str
    level: float
    numerator: FloatArray
    denominator: FloatArray


@dataclass(frozen=True)
class Compared:
    """Actuals beside the forecasts of one candidate of each series; masked by ``counts``, shapes (n, m).

    Attributes:
        basis: of the comparison.
        counts: pairs that count.
        actual: units.
        forecast: units.
        squared_scale: what MSE is divided by in RMSSE, units squared.
        absolute_scale: what MAE is divided by in MASE, units.
    """

    basis: Basis
    counts: BoolArray
    actual: FloatArray
    forecast: FloatArray
    squared_scale: FloatArray
    absolute_scale: FloatArray

    def measures(self) -> Iterator[Measure]:
        """MAE, MSE (its root is RMSE), R² as 1 - ratio, MASE, RMSSE (the root of the ratio), bias and WAPE.

        Source: Hyndman & Koehler (2006) for MASE, M5 Competitors Guide, p. 6, for RMSSE; bias is actual less forecast
        over actual.
        """
        error, actual = (np.where(self.counts, each, 0.0) for each in (self.actual - self.forecast, self.actual))
        n: FloatArray = self.counts.sum(axis=1).astype(np.float64)
        mean = actual.sum(axis=1) / np.maximum(n, 1)
        around = np.where(self.counts, self.actual - mean[:, None], 0.0)
        squared, absolute, total = (error**2).sum(axis=1), np.abs(error).sum(axis=1), actual.sum(axis=1)
        in_rmsse, in_mase = (
            np.where(self.counts, each, 0.0).sum(axis=1)
            for each in (error**2 / self.squared_scale, np.abs(error) / self.absolute_scale)
        )
        pairs = {
            "mae": (absolute, n), "mse": (squared, n), "r2": (squared, (around**2).sum(axis=1)),
            "mase": (in_mase, n), "rmsse": (in_rmsse, n), "bias": (error.sum(axis=1), total), "wape": (absolute, total),
        }  # fmt: skip
        for metric, (numerator, denominator) in pairs.items():
            yield Measure(self.basis, metric, 0.0, numerator, denominator)


def accuracy(contest: Candidates, column: IntArray, law: PredictiveDistribution) -> tuple[IntArray, list[Measure]]:
    """Every measure of one candidate of each series, over all its origins.

    Quantiles of the protection-period sum at an origin are those of the series as it was seen there. In such a sum a
    plausible value stands for demand where stock ran out.

    Args:
        contest: candidates and their backtest.
        column: the candidate of each series, shape (n,).
        law: the distributions that all series teach.

    Returns:
        Periods that the sum was taken over (shape (n,); fewer than the span where no origin saw it to its end), and
        the measures.
    """
    trials = contest.trials
    rows, last = np.arange(column.size), trials.last_step(contest.evaluation_span)
    forecasts = trials.forecasts[rows, :, column]
    n, origins, horizon = forecasts.shape
    wide = [np.repeat(each, horizon, axis=1) for each in (trials.naive_mean_square, trials.naive_mean_absolute)]
    actuals, expected = (each.reshape(n, origins * horizon) for each in (trials.actuals, forecasts))
    singles = Compared(Basis.PERIOD, trials.is_scored.reshape(actuals.shape), actuals, expected, *wide)
    actual, forecast = (np.cumsum(each, axis=2)[rows, :, last] for each in (trials.completed, forecasts))
    steps: FloatArray = (last + 1.0).astype(np.float64)[:, None]
    scales = trials.naive_mean_square * steps**2, trials.naive_mean_absolute * steps
    sums = Compared(Basis.PROTECTION_PERIOD, np.isfinite(actual - forecast), actual, forecast, *scales)
    expected = np.nan_to_num(forecast)
    variance = sum_variance(expected, origin_dispersion(contest, law.usual), steps)
    scores = law.scores[trials.group, column[:, None], last[:, None]]
    quantiles = quantiles_of(expected, variance, contest.is_count[:, None], scores)
    of_levels = _of_levels(sums, quantiles, law.levels, trials.scale)
    return last + 1, [*singles.measures(), *sums.measures(), *of_levels]


def _of_levels(sums: Compared, quantiles: FloatArray, levels: FloatArray, scale: FloatArray) -> Iterator[Measure]:
    """Pinball loss and coverage at each level, and the loss in units of the scale averaged over the levels.

    Demand of whole numbers is promised to lie between: share below the quantile <= level <= share not above it.

    Source: Koenker & Bassett (1978), eq. 1.2, for the loss.
    """
    n, in_scale = sums.counts.sum(axis=1).astype(np.float64), np.zeros(sums.counts.shape[0])
    for place, level in enumerate(levels.tolist()):
        missed = sums.actual - quantiles[:, :, place]
        loss = np.where(sums.counts, np.maximum(level * missed, (level - 1.0) * missed), 0.0)
        in_scale += np.where(sums.counts, loss / scale, 0.0).sum(axis=1) / levels.size
        covered = (sums.counts & (missed <= 0)).sum(axis=1).astype(np.float64)
        below = (sums.counts & (missed < 0)).sum(axis=1).astype(np.float64)
        yield Measure(sums.basis, "pinball", level, loss.sum(axis=1), n)
        yield Measure(sums.basis, "coverage", level, covered, n)
        yield Measure(sums.basis, "coverage_below", level, below, n)
    yield Measure(sums.basis, "scaled_pinball", 0.0, in_scale, n)
