"""Class statistics of the backtest's errors by distributed aggregation, and the ladder of what to trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.stats import norm

from skucast.forecasting.panel import FloatArray, IntArray
from skucast.forecasting.profile import DemandClass

ALL = "all"
PRIOR_ALPHA = 0.2
"""Smoothing constant of the level model behind the prior spread."""


@dataclass(frozen=True)
class Spread:
    """Pooled quantiles of scaled errors for every demand class.

    Attributes:
        classes: demand classes, in the order of the arrays.
        step_quantiles: of errors of single steps, shape (n_classes, horizon, n_levels).
        sum_quantiles: of errors of sums over steps 1..h, same shape.
        sum_moments: mean squared scaled error of sums, shape (n_classes, horizon).
        rungs: which rung was used: class, all or prior, shape (n_classes, horizon).
    """

    classes: tuple[str, ...]
    step_quantiles: FloatArray
    sum_quantiles: FloatArray
    sum_moments: FloatArray
    rungs: NDArray[np.object_]

    def index(self, demand_class: Sequence[str]) -> IntArray:
        """Row of each series' class in the arrays."""
        return np.array([self.classes.index(name) for name in demand_class], dtype=np.int64)


def pooled_errors(fits: DataFrame, levels: Sequence[float]) -> DataFrame:
    """Pool the champions' scaled errors over series, the same whatever the partitioning.

    Errors are counted by thousandths of a series' scale first, so that neither time nor memory of the percentiles
    grows with the number of series.

    Returns:
        One row per demand class (and "all") and step: ``n``, ``step_quantiles``, ``sum_quantiles``, ``sum_moment``.
    """
    errors = fits.where("is_champion").select(
        "demand_class", F.posexplode(F.arrays_zip("step_errors", "sum_errors")).alias("position", "error")
    )
    known = errors.where("error.sum_errors IS NOT NULL").selectExpr(
        "demand_class",
        "position + 1 AS step",
        "stack(2, true, error.sum_errors, false, error.step_errors) AS (is_sum, x)",
    )
    counted = known.groupBy("demand_class", "step", "is_sum", F.expr("round(x, 3)").alias("x")).count()
    either = F.explode(F.array("demand_class", F.lit(ALL))).alias("demand_class")
    levels_sql = f"array({', '.join(f'{level!r}D' for level in levels)})"
    return counted.select(either, "step", "is_sum", "x", "count").groupBy("demand_class", "step").agg(
        F.expr("sum(count) FILTER (WHERE is_sum)").alias("n"),
        F.expr(f"percentile(x, {levels_sql}, count) FILTER (WHERE NOT is_sum)").alias("step_quantiles"),
        F.expr(f"percentile(x, {levels_sql}, count) FILTER (WHERE is_sum)").alias("sum_quantiles"),
        F.expr("sum(x * x * count) FILTER (WHERE is_sum) / sum(count) FILTER (WHERE is_sum)").alias("sum_moment"),
    )  # fmt: skip


def spread_ladder(pooled: pd.DataFrame, levels: Sequence[float], horizon: int, min_errors: int) -> Spread:
    """Take the own class where it has enough errors at a step, else all classes together, else the prior.

    The prior is the law of a level model: normal, with the variance of a sum over h steps of simple exponential
    smoothing on independent demand, h + h²·α/(2−α), relative to its one-step variance 1 + α/(2−α) (Hyndman, Koehler,
    Ord, Snyder 2008, ch. 6, for the variance of lead-time demand).

    Args:
        pooled: rows of ``pooled_errors``.
        levels: quantile levels.
        horizon: steps.
        min_errors: fewest pooled errors that are trusted.
    """
    classes = tuple(str(each) for each in DemandClass)
    shape = (len(classes), horizon, len(levels))
    steps, sums, moments = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    rungs = np.empty(shape[:2], dtype=object)
    trusted = pooled[pooled["n"] >= min_errors]
    found = {(row["demand_class"], row["step"]): _pool(row) for _, row in trusted.iterrows()}
    for row, name in enumerate(classes):
        for h in range(1, horizon + 1):
            own, every = found.get((name, h)), found.get((ALL, h))
            rungs[row, h - 1] = "class" if own else "all" if every else "prior"
            best = own or every or _prior(levels, h)
            steps[row, h - 1], sums[row, h - 1] = best.step_quantiles, best.sum_quantiles
            moments[row, h - 1] = best.sum_moment
    return Spread(classes, steps, sums, moments, rungs)


@dataclass(frozen=True)
class _Pool:
    step_quantiles: FloatArray
    sum_quantiles: FloatArray
    sum_moment: float


def _pool(row: pd.Series) -> _Pool:
    steps, sums = (np.array(row[name], dtype=float) for name in ("step_quantiles", "sum_quantiles"))
    return _Pool(steps, sums, float(row["sum_moment"]))


def _prior(levels: Sequence[float], h: int) -> _Pool:
    estimation = PRIOR_ALPHA / (2 - PRIOR_ALPHA)
    moment = (h + h**2 * estimation) / (1 + estimation)
    z = norm.ppf(np.array(levels))
    return _Pool(z, z * np.sqrt(moment), moment)
