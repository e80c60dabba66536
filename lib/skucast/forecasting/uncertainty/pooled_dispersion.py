"""Spread of a series: its own dispersion, shrunk to what is usual in its class at its level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray
from skucast.forecasting.panel.profile import DemandClass
from skucast.forecasting.uncertainty.dispersion import Dispersion

GROWTH = 0.05
"""Part of the variance that each further step adds for a level that moves and is estimated: α/(2 - α) at α = 0.1."""

COMMON = 0.05
"""Standard deviation, as a share of the mean, of what all periods of a sum have in common."""

PRIOR_EVIDENCE = 12.0
"""Positive pairs of values that the usual dispersion of the class counts for beside a series' own."""

MOST_SURE = 0.9
"""Dispersion that rare sellers of whole goods have at least: hardly less than a Poisson's."""

PARTS = 10_000
"""Parts of a logarithm that are counted."""

CLASSES = tuple(str(each) for each in DemandClass)
"""Rows of the sums."""


@dataclass(frozen=True)
class DispersionSums:
    """Sums over series by class, from which the usual dispersion at a level follows; each of shape (n_classes,).

    Logarithms are whole numbers of 1 / ``PARTS``, so that the order of the series does not matter.

    Attributes:
        n: series.
        x: logarithms of levels.
        y: logarithms of dispersions.
        xx: squares of the former.
        xy: products.
    """

    n: IntArray
    x: IntArray
    y: IntArray
    xx: IntArray
    xy: IntArray

    @classmethod
    def of(cls, found: Dispersion, place: IntArray) -> DispersionSums:
        """Sums over some series, whose classes have these places."""
        with np.errstate(invalid="ignore"):
            usable = np.isfinite(found.value) & (found.value > 0) & (found.level > 0)
        row = place[usable]
        x, y = (np.rint(PARTS * np.log(each[usable])).astype(np.int64) for each in (found.level, found.value))
        sums = []
        for part in (np.ones_like(x), x, y, x * x, x * y):
            total = np.zeros(len(CLASSES), dtype=np.int64)
            np.add.at(total, row, part)
            sums.append(total)
        return cls(*sums)

    def __add__(self, other: DispersionSums) -> DispersionSums:
        """Sums over the series of both."""
        return DispersionSums(*(getattr(self, name) + getattr(other, name) for name in ("n", "x", "y", "xx", "xy")))


@dataclass(frozen=True)
class UsualDispersion:
    """log φ = intercept + slope · log level, by class; Taylor (1961), Nature 189, 732-735."""

    intercept: FloatArray
    slope: FloatArray

    @classmethod
    def of(cls, sums: DispersionSums) -> UsualDispersion:
        """Regression of each class, drawn to that of all classes as if 20 series more were seen there."""
        parts = (sums.n, sums.x / PARTS, sums.y / PARTS, sums.xx / PARTS**2, sums.xy / PARTS**2)
        own = np.stack(parts).astype(np.float64)
        total = own.sum(axis=1)
        believed = total / max(total[0], 1.0) * (20.0 if total[0] > 0 else 0.0)
        n, x, y, xx, xy = own + believed[:, None]
        n = np.maximum(n, 1e-300)
        spread = np.maximum(xx - x * x / n, 0.0)
        slope = np.clip(np.where(spread > 1e-9 * n, (xy - x * y / n) / np.maximum(spread, 1e-300), 0.5), 0.0, 1.0)
        return cls((y - slope * x) / n, slope)

    def at(self, level: FloatArray, place: IntArray) -> FloatArray:
        """Usual dispersion of classes at levels; 1 at an unknown level."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.exp(self.intercept[place] + self.slope[place] * np.log(level))
        return np.where(np.isfinite(found), found, 1.0)


def shrunk_dispersion(own: Dispersion, usual: UsualDispersion, place: IntArray, is_count: BoolArray) -> FloatArray:
    """Dispersion of each series, own and usual mixed by evidence on the logarithmic scale; shape (n,).

    Where the same is sold period after period it is far below that of a Poisson, which is 1 for whole goods. Less than
    a unit a period cannot be sold evenly: such goods vary by 1 less their level at least.
    """
    believed = usual.at(own.level, place)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(own.value > 0, own.value, np.where(own.level > 0, 0.02 * believed, np.nan))
        share = own.evidence / (own.evidence + PRIOR_EVIDENCE)
        mixed = np.exp(share * np.log(value) + (1.0 - share) * np.log(believed))
    mixed = np.where(np.isfinite(mixed), mixed, believed)
    with np.errstate(invalid="ignore"):
        least = np.where(is_count & (own.level > 0), np.minimum(1.0 - own.level, MOST_SURE), 0.0)
    return np.maximum(mixed, least)


def sum_variance(mean: FloatArray, phi: FloatArray, steps: FloatArray) -> FloatArray:
    """Variance of demand over so many steps of the shape of ``mean``."""
    found: FloatArray = phi * mean * (1.0 + GROWTH * steps) + (COMMON * mean) ** 2
    return found
