"""Series with alike demand: features by aggregation, k-means on their counted cells, the nearest centre in SQL."""

from __future__ import annotations

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.forecasting.panel.panel import FloatArray
from skucast.forecasting.similarity.clusters import cluster_centres
from skucast.periods import Frequency
from skucast.spark.series import SERIES

DAYS_PER_YEAR = 365.25
_WIDEST = 3.0
"""Spreads from the median at which a feature is cut, so that no cluster is one odd series."""
_CELL = 0.5
"""Width of a cell in spreads; cells are counted, and k-means runs on the counts."""
_FEATURES = {
    "interval": "ln(average_demand_interval)",
    "variation": "ln(1 + squared_cv)",
    "size": "ln(mean_demand)",
    "trend": "trend_per_year",
    "season": "season_strength",
}
"""What is compared. The share of zeros is left out: it is 1 - 1/interval and would count the same thing twice."""


def demand_features(demand: DataFrame, frequency: Frequency) -> DataFrame:
    """Mean, trend and season of every series, in two aggregations.

    Args:
        demand: rows of table ``demand``.
        frequency: length of a period.

    Returns:
        The series key; ``mean_demand``; ``trend_per_year``, the slope of a straight line over the mean;
        ``season_strength``, the share of variance between days of the week (days) or months (weeks), adjusted for their
        number (Wherry 1931), 0 to 1, null where there are too few periods to tell.
    """
    place = F.dayofweek("period_start") if frequency is Frequency.DAY else F.month("period_start")
    t = F.datediff("period_start", F.lit("2000-01-01")) / DAYS_PER_YEAR
    y = F.col("demand")
    parts = demand.where("demand IS NOT NULL").groupBy(*SERIES, place.alias("place")).agg(
        F.count(F.lit(1)).alias("n"), F.sum(y).alias("y"), F.sum(y * y).alias("yy"), F.sum(t).alias("t"),
        F.sum(t * t).alias("tt"), F.sum(t * y).alias("ty"),
    )  # fmt: skip
    sums = parts.groupBy(*SERIES).agg(
        *(F.sum(name).alias(name) for name in ("n", "y", "yy", "t", "tt", "ty")),
        F.count(F.lit(1)).alias("places"), F.sum(F.expr("y * y / n")).alias("between"),
    )  # fmt: skip
    within = "(yy - between) / (n - places)"
    strength = F.expr(f"1D - try_divide(greatest({within}, 0D), (yy - y * y / n) / (n - 1))")
    is_told = F.expr("n > places + 1 AND places > 1 AND yy - y * y / n > 1e-9 * yy")
    slope = F.expr("try_divide((n * ty - t * y), IF(n * tt - t * t > 1e-9 * n * tt, n * tt - t * t, 0D))")
    return sums.select(
        *SERIES,
        (F.col("y") / F.col("n")).alias("mean_demand"),
        F.try_divide(slope, F.col("y") / F.col("n")).alias("trend_per_year"),
        F.when(is_told, F.least(F.greatest(strength, F.lit(0.0)), F.lit(1.0))).alias("season_strength"),
    )


def clustered(status: DataFrame, features: DataFrame, k: int) -> DataFrame:
    """Rows of ``item_cluster`` but for cutoff and run.

    Features are measured from their median in spreads (their range from 5 to 95 %, as a normal law would have it).
    Counts, medians and spreads do not depend on the partitioning, and nothing is drawn at random: nor do the clusters.

    Args:
        status: rows of table ``series_status`` of one cutoff.
        features: as ``demand_features`` gives them.
        k: clusters.
    """
    columns = ("average_demand_interval", "squared_cv", "mean_demand", "trend_per_year", "season_strength")
    rows = status.select(*SERIES, *columns[:2]).join(features, [*SERIES], "left").select(*SERIES, *columns)
    compared = rows.where("average_demand_interval IS NOT NULL AND mean_demand > 0")
    scaled = _scaled(compared)
    cells = scaled.groupBy(*(F.round(F.col(name) / _CELL).alias(name) for name in _FEATURES)).count().toPandas()
    if cells.empty:
        return rows.select(*SERIES, F.lit(0).alias("cluster"), F.lit(None).cast("double").alias("distance"), *columns)
    points = cells[[*_FEATURES]].to_numpy(dtype=np.float64) * _CELL
    centres = cluster_centres(points, cells["count"].to_numpy(dtype=np.float64), k)
    nearest = scaled.select(*SERIES, _nearest(centres).alias("nearest"))
    placed = rows.join(nearest, [*SERIES], "left")
    return placed.select(
        *SERIES, F.coalesce("nearest.cluster", F.lit(0)).alias("cluster"), F.sqrt("nearest.squared").alias("distance"),
        *columns,
    )  # fmt: skip


def _scaled(rows: DataFrame) -> DataFrame:
    """The features in spreads from their median, cut at ``_WIDEST``."""
    # Thousandths: what a sum may differ by in another order of its parts does not reach the median.
    raw = rows.select(*SERIES, *(F.round(F.coalesce(F.expr(sql), F.lit(0.0)), 3).alias(name)
                                 for name, sql in _FEATURES.items()))  # fmt: skip
    ranks = F.array(*(F.lit(rank) for rank in (0.05, 0.5, 0.95)))
    found = raw.agg(*(F.percentile(name, ranks).alias(name) for name in _FEATURES)).collect()[0]
    return raw.select(
        *SERIES, *(_in_spreads(name, *(found[name] or (0.0, 0.0, 0.0))).alias(name) for name in _FEATURES)
    )


def _in_spreads(name: str, low: float, median: float, high: float) -> Column:
    spread = (high - low) / 3.29 or 1.0
    value = (F.col(name) - F.lit(float(median))) / F.lit(float(spread))
    return F.greatest(F.least(value, F.lit(_WIDEST)), F.lit(-_WIDEST))


def _nearest(centres: FloatArray) -> Column:
    """Number from 1 and squared distance of the nearest centre; of equals the first."""
    options = []
    for number, centre in enumerate(centres.tolist(), start=1):
        parts = (F.pow(F.col(name) - F.lit(value), 2.0) for name, value in zip(_FEATURES, centre, strict=True))
        squared = sum(parts, F.lit(0.0))
        options.append(F.struct(squared.alias("squared"), F.lit(number).alias("cluster")))
    return F.array_min(F.array(*options))
