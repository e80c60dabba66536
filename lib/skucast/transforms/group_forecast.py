"""Reconciled means → rows of ``group_forecast`` and ``reconciled_forecast``."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from skucast.transforms.hierarchy import level_of, name_of
from skucast.transforms.panel import SERIES
from skucast.transforms.reconciliation import bottom_up, tree_of


def leaf_bases(forecast: DataFrame, backtest: DataFrame, status: DataFrame, paths: DataFrame) -> DataFrame:
    """Base forecasts of the series.

    Their variance is the mean squared error of the champion over all origins and steps; of a series without a backtest
    the square of its spread scale; 0 where the forecast is 0 for certain (closed, or no demand at all).

    Args:
        forecast: rows of table ``forecast``, as also the next two of one cutoff.
        backtest: rows of table ``backtest``.
        status: rows of table ``series_status``.
        paths: ``path`` of each series.

    Returns:
        ``item_id``, ``location_id``, ``path``, ``step``, ``period_start``, ``base_mean``, ``variance``.
    """
    squared = F.try_divide(F.sum("sum_squared_error"), F.sum("n_scored"))
    tested = backtest.where("is_champion").groupBy(*SERIES).agg(squared.alias("squared_error"))
    known = status.select(*SERIES, "scale").join(tested, [*SERIES], "left")
    spread = F.coalesce("squared_error", F.col("scale") * F.col("scale"))
    variance = F.when(F.array_max("quantiles") <= 0, 0.0).otherwise(spread)
    return forecast.join(paths, [*SERIES]).join(known, [*SERIES]).select(
        *SERIES, "path", "step", "period_start", F.col("mean").alias("base_mean"), variance.alias("variance")
    )  # fmt: skip


def group_rows(means: DataFrame, bases: DataFrame | None, dimension: str, reconciliation: str) -> DataFrame:
    """Rows of ``group_forecast`` but for cutoff and run.

    Args:
        means: ``path``, ``step``, ``period_start``, ``mean`` of every series.
        bases: base forecasts of nodes, see ``node_bases``; None where nodes have none.
        dimension: name of it.
        reconciliation: how the means came about.
    """
    first = means.where(F.col("step") == 1)
    starts = F.broadcast(means.select("step", "period_start").distinct())
    rows = bottom_up(means).join(tree_of(first), "key").join(starts, "step")
    if bases is None:
        rows = rows.selectExpr("*", "CAST(NULL AS double) AS base_mean", "CAST(NULL AS double) AS variance",
                               "CAST(NULL AS string) AS method")  # fmt: skip
    else:
        rows = rows.join(bases.drop("dimension"), ["key", "step"], "left")
    so_far = Window.partitionBy("key").orderBy("step")
    return rows.select(
        F.lit(dimension).alias("dimension"),
        level_of("key").alias("level"),
        name_of("key").alias("node"),
        name_of("parent").alias("parent"),
        "depth", "n_series", "step", "period_start", "base_mean",
        F.col("variance").alias("mean_squared_error"),
        "mean",
        F.sum("mean").over(so_far).alias("cumulative_mean"),
        F.coalesce("method", F.lit("bottom_up")).alias("method"),
        F.lit(reconciliation).alias("reconciliation"),
    )  # fmt: skip


def series_rows(means: DataFrame, dimension: str) -> DataFrame:
    """Rows of ``reconciled_forecast`` but for cutoff and run, from reconciled leaves."""
    so_far = Window.partitionBy(*SERIES).orderBy("step")
    return means.select(
        F.lit(dimension).alias("dimension"), *SERIES, "step", "period_start", "base_mean",
        F.col("variance").alias("mean_squared_error"), "mean", F.sum("mean").over(so_far).alias("cumulative_mean"),
    )  # fmt: skip
