"""What a demand history looks like: length, zeros, intervals, size variation, and the class that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from skucast.forecasting.panel.panel import BoolArray, FloatArray, IntArray, Panel

ADI_LIMIT = 1.32
CV2_LIMIT = 0.49
"""Class limits. Source: Syntetos, Boylan & Croston (2005), JORS 56, 495-503."""


class DemandClass(StrEnum):
    """How often and how evenly demand comes. The value is what the tables store."""

    SMOOTH = "smooth"
    ERRATIC = "erratic"
    INTERMITTENT = "intermittent"
    LUMPY = "lumpy"
    NO_DEMAND = "no_demand"


@dataclass(frozen=True)
class Profile:
    """One value per series, each of shape (n_series,).

    Attributes:
        n_periods: periods with known demand.
        share_zeros: share of them without demand; NaN without known periods.
        adi: average demand interval: known periods from the first positive one on, per positive one; NaN without.
        cv2: squared coefficient of variation (population) of the positive demands. NaN without demand.
        gap: known periods after the last positive demand; 0 without demand.
        demand_class: the class as a ``DemandClass`` value.
    """

    n_periods: IntArray
    share_zeros: FloatArray
    adi: FloatArray
    cv2: FloatArray
    gap: IntArray
    demand_class: tuple[str, ...]


def profile(panel: Panel) -> Profile:
    """Profile every series on all its known periods.

    The interval counts trailing periods without demand, so an item that dies grows more intermittent, and leaves out
    leading ones, so that it does not depend on where the panel begins. Unknown and closed periods do not count.
    """
    known, positive = panel.is_known, panel.demand > 0
    n_known, n_positive = known.sum(axis=1), positive.sum(axis=1)
    since_first = (known & np.logical_or.accumulate(positive, axis=1)).sum(axis=1)
    sizes = np.where(positive, panel.demand, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        size_mean = sizes.sum(axis=1) / n_positive
        deviations = np.where(positive, panel.demand / size_mean[:, None] - 1.0, 0.0)
        share_zeros = np.where(n_known > 0, 1.0 - n_positive / n_known, np.nan)
        adi = np.where(n_positive > 0, since_first / n_positive, np.nan)
        cv2 = np.where(n_positive > 0, (deviations**2).sum(axis=1) / n_positive, np.nan)
    is_after = ~np.logical_or.accumulate(positive[:, ::-1], axis=1)[:, ::-1]
    gap = np.where(n_positive > 0, (known & is_after).sum(axis=1), 0)
    return Profile(n_known, share_zeros, adi, cv2, gap, demand_classes(adi, cv2))


def is_count(demand: FloatArray) -> BoolArray:
    """Whether all known demands of a series are whole numbers, shape (n_series,)."""
    return np.asarray((np.nan_to_num(demand) % 1 == 0).all(axis=1))


def demand_classes(adi: FloatArray, cv2: FloatArray) -> tuple[str, ...]:
    """Class of each series from its average demand interval and squared size variation.

    Args:
        adi: shape (n_series,), periods; NaN means no demand.
        cv2: shape (n_series,).

    Source: Syntetos, Boylan & Croston (2005); a value on a limit belongs to the smaller side.
    """
    rare, uneven = adi > ADI_LIMIT, cv2 > CV2_LIMIT
    conditions = [np.isnan(adi), rare & uneven, rare, uneven]
    names = [DemandClass.NO_DEMAND, DemandClass.LUMPY, DemandClass.INTERMITTENT, DemandClass.ERRATIC]
    return tuple(np.select(conditions, [name.value for name in names], DemandClass.SMOOTH.value).tolist())
