"""What became of past forecasts: demand over their windows beside the law that they promised of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray

Measures = Mapping[str, NDArray[np.float64]]
"""Columns of the tables that add up over series."""


@dataclass(frozen=True)
class Windows:
    """Windows of n series, one place for each of w cutoffs in the order of time; k levels.

    Attributes:
        levels: of the quantiles, rising, shape (k,).
        start: period after each cutoff, shape (w,).
        length: periods of each window, 0 where there is none, shape (n, w).
        demand: units; where stock ran out what was sold, which demand was not below; NaN where there is none. (n, w).
        is_known: all demand of the window is known, shape (n, w).
        mean: promised, units, shape (n, w).
        sd: promised, units, shape (n, w).
        quantiles: promised, units, rising, shape (n, w, k).
    """

    levels: FloatArray
    start: IntArray
    length: IntArray
    demand: FloatArray
    is_known: BoolArray
    mean: FloatArray
    sd: FloatArray
    quantiles: FloatArray

    def rows(self, series: IntArray) -> Windows:
        """Those of the series at the index."""
        names = ("length", "demand", "is_known", "mean", "sd", "quantiles")
        return replace(self, **{name: getattr(self, name)[series] for name in names})

    def where(self, cutoffs: BoolArray) -> Windows:
        """Those of the cutoffs that are told, shape (w,)."""
        return replace(self, length=np.where(cutoffs, self.length, 0))

    @property
    def middle(self) -> float:
        """Of the time that the cutoffs span, in periods."""
        return float(self.start[0] + self.start[-1]) / 2

    @property
    def is_there(self) -> BoolArray:
        """Windows that have ended and have both demand and forecast, shape (n, w)."""
        found: BoolArray = (self.length > 0) & np.isfinite(self.demand) & np.isfinite(self.mean)
        return found

    @cached_property
    def errors(self) -> FloatArray:
        """Actual less forecast, units, of the windows whose demand is known, else NaN; shape (n, w)."""
        return np.where(self.is_there & self.is_known, self.demand - self.mean, np.nan)

    @property
    def scores(self) -> FloatArray:
        """Standardised place of demand in its promised law, shape (n, w); NaN where there is no window.

        √12·(u − ½), where u is the middle between P(less) and P(not more), or between P(less than was sold) and 1 where
        stock ran out; each is taken in the middle of the levels that it lies between. If the promise holds its mean is
        0 and its variance at most 1, whatever the law, for whole numbers and for lost sales too; no outlier counts more
        than √3.

        Source: Czado, Gneiting & Held (2009), Biometrics 65, section 2.1, for the interval of a discrete law.
        """
        below = (self.quantiles < self.demand[:, :, None]).sum(axis=2)
        not_above = (self.quantiles <= self.demand[:, :, None]).sum(axis=2)
        edges = np.concatenate([[0.0], self.levels, [1.0]])
        middles = (edges[1:] + edges[:-1]) / 2
        lower, upper = middles[below], np.where(self.is_known, middles[not_above], 1.0)
        lower = np.where(self.demand > 0, lower, 0.0)
        return np.where(self.is_there, np.sqrt(12.0) * ((lower + upper) / 2 - 0.5), np.nan)

    def apart(self) -> Windows:
        """The same without windows that overlap a later one that is kept: from the newest backwards."""
        kept, begins = np.zeros(self.length.shape, dtype=bool), np.full(self.length.shape[0], np.iinfo(np.int64).max)
        there = self.is_there
        for place in range(self.start.size - 1, -1, -1):
            fits = there[:, place] & (self.start[place] + self.length[:, place] <= begins)
            kept[:, place] = fits
            begins = np.where(fits, self.start[place], begins)
        return replace(self, length=np.where(kept, self.length, 0))

    def covered(self, quantiles: FloatArray | None = None) -> tuple[IntArray, IntArray]:
        """Windows with demand below each quantile, and not above it; each of shape (n, k).

        A law of whole numbers promises share below <= level <= share not above. What stock-outs hide counts for the
        promise: as not below, and as not above unless more was sold than that.

        Args:
            quantiles: in place of the promised ones, shape (n, w, k).
        """
        limits = self.quantiles if quantiles is None else quantiles
        demand, there = self.demand[:, :, None], self.is_there[:, :, None]
        known = self.is_known[:, :, None]
        below = (there & known & (demand < limits)).sum(axis=1)
        not_above = (there & (demand <= limits)).sum(axis=1)
        return below, not_above


@dataclass(frozen=True)
class Past:
    """Past forecasts of n series at w cutoffs.

    Attributes:
        protection: windows of the protection period, which may overlap.
        following: windows from each forecast to the next one, which do not.
        factor: spread factor that each forecast was made with, shape (n, w).
        reorder_point: of the policy at each cutoff, units, NaN without one, shape (n, w).
        cycle_service_level: that it promised, same shape.
    """

    protection: Windows
    following: Windows
    factor: FloatArray
    reorder_point: FloatArray
    cycle_service_level: FloatArray

    def measures(self) -> Measures:
        """The measures of the tables by column, all of which add up; each of shape (n,) or (n, k)."""
        windows, apart = self.protection, self.protection.apart()
        errors = windows.errors
        known = np.isfinite(errors)
        below, not_above = apart.covered()
        has_cycle = np.isfinite(apart.errors) & np.isfinite(self.reorder_point)
        served = has_cycle & (apart.demand <= self.reorder_point)
        columns = {
            "n_forecasts": known.sum(axis=1),
            "n_censored": (windows.is_there & ~windows.is_known).sum(axis=1),
            "actual_sum": np.where(known, windows.demand, 0.0).sum(axis=1),
            "error_sum": np.nansum(errors, axis=1),
            "absolute_error_sum": np.nansum(np.abs(errors), axis=1),
            "squared_error_sum": np.nansum(errors**2, axis=1),
            "promised_variance_sum": np.where(known, windows.sd**2, 0.0).sum(axis=1),
            "n_windows": apart.is_there.sum(axis=1),
            "not_above": not_above,
            "below": below,
            "n_cycles": has_cycle.sum(axis=1),
            "cycles_served": served.sum(axis=1),
            "cycles_promised": np.where(has_cycle, self.cycle_service_level, 0.0).sum(axis=1),
        }
        return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
