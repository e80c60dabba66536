"""Weights of the members of a combination: by a series' own earlier errors, drawn to those of series of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skucast.forecasting.backtest.trials import BacktestResult
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.panel.profile import DemandClass

CLASSES = tuple(str(each) for each in DemandClass)
"""Rows of ``ClassErrors``."""

CLASS_HORIZONS = 4.0
"""Horizons of steps that the errors of the class count for beside a series' own."""

MOST_SERIES = 20.0
"""Series of all classes that count beside those of a class."""

FARTHEST = 3.0
"""Largest size of a logarithm of relative errors that is averaged."""


@dataclass(frozen=True)
class Earlier:
    """Errors of n series' k members as known at each of o origins and, last, at the end of history.

    Attributes:
        relative: mean squared error in units of the median over the members, shape (n, o + 1, k); NaN where none.
        steps: scored steps that had happened, shape (n, o + 1).
        horizon: steps of an origin.
    """

    relative: FloatArray
    steps: IntArray
    horizon: int

    @property
    def log(self) -> FloatArray:
        """Logarithms of the relative errors within ``FARTHEST``, shape (n, o + 1, k); NaN where none."""
        with np.errstate(divide="ignore"):
            return np.clip(np.log(self.relative), -FARTHEST, FARTHEST)


@dataclass(frozen=True)
class ClassErrors:
    """Sums over many series; exact, so that their order does not matter.

    Attributes:
        log: of ``Earlier.log``, in thousandths, shape (len(CLASSES), o + 1, k).
        count: series in each sum.
    """

    log: IntArray
    count: IntArray

    @classmethod
    def of(cls, earlier: Earlier, classes: Sequence[str]) -> ClassErrors:
        """Sums over the series, whose classes are given."""
        log, row = earlier.log, class_places(classes)
        shape = (len(CLASSES), *log.shape[1:])
        sums, count = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        np.add.at(sums, row, np.rint(np.nan_to_num(log) * 1000).astype(np.int64))
        np.add.at(count, row, np.isfinite(log).astype(np.int64))
        return cls(sums, count)

    def usual(self) -> FloatArray:
        """Relative error of each member in each class, drawn to that in all; 1 where nothing was seen.

        Shape (len(CLASSES), o + 1, k).
        """
        of_all = self.log.sum(axis=0) / np.maximum(self.count.sum(axis=0), 1)
        drawn = (self.log + MOST_SERIES * of_all) / (self.count + MOST_SERIES)
        usual: FloatArray = np.exp(drawn / 1000.0)
        return usual


def class_places(classes: Sequence[str]) -> IntArray:
    """Place of each class in ``CLASSES``, shape (n,)."""
    places: IntArray = np.array([CLASSES.index(each) for each in classes], dtype=np.int64)
    return places


def earlier_errors(trials: BacktestResult, members: BoolArray) -> Earlier:
    """Errors of the members over the steps of earlier origins that had happened.

    Args:
        trials: the backtest of the candidates.
        members: candidates that are combined, shape (n, k).
    """
    n, n_origins, k, horizon = trials.forecasts.shape
    squares = np.nan_to_num(np.where(members[:, None, :, None], trials.scored_errors() ** 2, 0.0))
    there = trials.is_scored & (trials.origin >= 0)[:, :, None]
    period = trials.origin[:, :, None] + np.arange(horizon)
    total, steps = np.zeros((n, n_origins + 1, k)), np.zeros((n, n_origins + 1), dtype=np.int64)
    for place in range(n_origins + 1):
        seen = there if place == n_origins else there & (period < trials.origin[:, place, None, None])
        total[:, place] = np.einsum("nokh,noh->nk", squares, seen.astype(np.float64))
        steps[:, place] = seen.sum(axis=(1, 2))
    is_seen = members[:, None, :] & (steps > 0)[:, :, None]
    mean = np.where(is_seen, total / np.maximum(steps, 1)[:, :, None], np.nan)
    usual = _median(mean)
    return Earlier(mean / np.where(usual > 0, usual, 1.0)[:, :, None], steps, horizon)


def member_weights(earlier: Earlier, members: BoolArray, usual: FloatArray, methods: Sequence[str] = ()) -> FloatArray:
    """Weights of the members at every origin and at the end of history.

    The inverse of the mean squared error, drawn to the usual one of the class as if that had been seen over
    ``CLASS_HORIZONS`` horizons, to the power of one more than the horizons that the series' own steps make: a lucky hit
    decides little, and the more has been seen the more the best weigh.

    Args:
        earlier: errors of the members.
        members: candidates that are combined, shape (n, k).
        usual: relative error of each member among series of the same class, shape (n, o + 1, k); 1 where unknown.
        methods: method of each candidate: of several settings of one only the best has a weight. Empty: all differ.

    Returns:
        Shape (n, o + 1, k), the end last; adding up to 1 over the members, 0 for others.

    Source: Bates & Granger (1969), "The combination of forecasts", without covariances.
    """
    steps, belief = earlier.steps[:, :, None], CLASS_HORIZONS * earlier.horizon
    drawn = (np.nan_to_num(earlier.relative) * steps + belief * usual) / (steps + belief)
    inverse = np.where(members[:, None, :], drawn ** -(steps / earlier.horizon + 1.0), 0.0)
    for method in {name for name in methods if methods.count(name) > 1}:
        own = np.array([name == method for name in methods])
        best = inverse[..., own].argmax(axis=2)[..., None] == np.arange(own.sum())
        inverse[..., own] *= best
    weights: FloatArray = inverse / np.maximum(inverse.sum(axis=2, keepdims=True), 1e-300)
    return weights


def _median(values: FloatArray) -> FloatArray:
    """Median over the last axis of what is not NaN; NaN without any."""
    ordered, known = np.sort(values, axis=-1), (~np.isnan(values)).sum(axis=-1)
    below, above = np.maximum(known - 1, 0) // 2, known // 2
    lower, upper = (np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0] for place in (below, above))
    return np.where(known > 0, 0.5 * (lower + upper), np.nan)
