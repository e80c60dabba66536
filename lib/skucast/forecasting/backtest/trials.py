"""What every candidate of every series did at its rolling origins: dense arrays over series, origins and candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skucast.forecasting.backtest.scores import rmsse
from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.uncertainty.dispersion import Dispersion


@dataclass(frozen=True)
class BacktestResult:
    """The backtest of a panel: n series, o origins, k candidates, h steps.

    Attributes:
        names: of the candidates, cheapest first; combinations last.
        origin: periods that each origin knew; its step 1 is the period with this index; -1 for none. Shape (n, o).
        forecasts: published means, units per period, shape (n, o, k, h); NaN where a candidate was not tried.
        actuals: units per period, shape (n, o, h); NaN where unknown or not yet happened, 0 in closed periods.
        is_scored: open steps with known demand, shape (n, o, h).
        scale: spread scale of what the origin knew, units, > 0, shape (n, o); NaN without an origin.
        naive_mean_square: RMSSE denominator of what the origin knew, units squared, > 0; as ``scale``.
        naive_mean_absolute: MASE denominator of what the origin knew, units, > 0; as ``scale``.
        group: place in ``error_group.GROUPS`` by what the origin knew, shape (n, o); -1 without an origin.
        dispersion: of what the origin knew, each of shape (n, o); NaN without an origin.
        floor: least that combinations expect, units per period, shape (n, o, h); 0 without an origin.
        drawn: ``actuals`` with a plausible value of demand where stock ran out, shape (n, o, h): sums over periods that
            ran out are errors to learn from too. None: stock never ran out.
    """

    names: tuple[str, ...]
    origin: IntArray
    forecasts: FloatArray
    actuals: FloatArray
    is_scored: BoolArray
    scale: FloatArray
    naive_mean_square: FloatArray
    naive_mean_absolute: FloatArray
    group: IntArray
    dispersion: Dispersion
    floor: FloatArray
    drawn: FloatArray | None = None

    @property
    def completed(self) -> FloatArray:
        """Actual or plausible demand, units per period, shape (n, o, h); NaN where neither is known."""
        return self.actuals if self.drawn is None else self.drawn

    @cached_property
    def is_tried(self) -> BoolArray:
        """Candidates that forecast every origin of a series, of which there is one at least; shape (n, k)."""
        there: BoolArray = self.origin >= 0
        complete: BoolArray = np.isfinite(self.forecasts).all(axis=3) | ~there[:, :, None]
        result: BoolArray = np.asarray(complete.all(axis=1)) & np.asarray(there.any(axis=1, keepdims=True))
        return result

    @property
    def n_origins(self) -> IntArray:
        """Origins of each series, shape (n,)."""
        count: IntArray = (self.origin >= 0).sum(axis=1)
        return count

    @property
    def errors(self) -> FloatArray:
        """Actual minus forecast, units per period, shape (n, o, k, h); NaN where unknown or not tried."""
        return self.actuals[:, :, None, :] - self.forecasts

    def scored_errors(self) -> FloatArray:
        """Errors of the scored steps, 0 at the others, shape (n, o, k, h); NaN where not tried."""
        return np.where(self.is_scored[:, :, None, :], self.errors, 0.0 * self.forecasts)

    def pooled_rmsse(self) -> FloatArray:
        """RMSSE over all origins, shape (n, k); infinite where not tried or nothing is scored."""
        there = self.origin >= 0
        squared = np.nansum(np.where(there[:, :, None], (self.scored_errors() ** 2).sum(axis=3), 0.0), axis=1)
        n_scored = self.is_scored.sum(axis=(1, 2))
        naive = np.nansum(self.naive_mean_square, axis=1) / np.maximum(self.n_origins, 1)
        pooled = rmsse(squared, n_scored[:, None], np.where(naive > 0, naive, 1.0)[:, None])
        return np.where(self.is_tried & (n_scored > 0)[:, None], pooled, np.inf)

    def scaled_sums(self) -> FloatArray:
        """Errors of demand summed over steps 1 to h in units of the scale; NaN from the first unknown step on."""
        errors = self.completed[:, :, None, :] - self.forecasts
        sums: FloatArray = np.cumsum(errors, axis=3) / self.scale[:, :, None, None]
        return sums

    def scaled_steps(self) -> FloatArray:
        """Errors of single steps in units of the scale, shape (n, o, k, h)."""
        return (self.completed[:, :, None, :] - self.forecasts) / self.scale[:, :, None, None]

    def last_step(self, span: IntArray) -> IntArray:
        """Index of the last step of each series' span that some origin has seen all steps to; the span's if none has.

        Args:
            span: steps that are summed, shape (n,).
        """
        steps = np.arange(1, self.actuals.shape[2] + 1)
        known = np.isfinite(np.cumsum(self.completed, axis=2)).any(axis=1)
        reached = np.max(np.where(known & (steps <= span[:, None]), steps, 0), axis=1, initial=0)
        last: IntArray = np.maximum(np.where(reached > 0, reached, np.minimum(span, steps.size)) - 1, 0)
        return last

    def with_candidates(self, names: tuple[str, ...], forecasts: FloatArray) -> BacktestResult:
        """The same with more candidates, whose forecasts have the shape (n, o, len(names), h)."""
        return replace(self, names=self.names + names, forecasts=np.concatenate([self.forecasts, forecasts], axis=2))
