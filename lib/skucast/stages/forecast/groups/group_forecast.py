"""Reconciled means → rows of ``group_forecast`` and ``reconciled_forecast``."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from skucast.spark.series import SERIES
from skucast.stages.forecast.groups.hierarchy import level_of, name_of
from skucast.stages.forecast.groups.reconciliation import bottom_up


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
        bases: base forecasts of nodes, as ``reconciled`` takes them, and their ``method``; None where nodes have none.
        dimension: name of it.
        reconciliation: how the means came about.
    """
    sums = bottom_up(means)
    if bases is None:
        nothing = {"base_mean": "double", "variance": "double", "method": "string"}
        rows = sums.withColumns({name: F.lit(None).cast(kind) for name, kind in nothing.items()})
    else:
        rows = sums.join(bases, ["path", "step"], "left")
    named = rows.withColumns({"key": F.element_at("path", -1), "above": F.get("path", F.size("path") - 2)})
    return named.select(
        F.lit(dimension).alias("dimension"),
        level_of("key").alias("level"),
        name_of("key").alias("node"),
        name_of("above").alias("parent"),
        (F.size("path") - 1).alias("depth"),
        "n_series", "step", "period_start", "base_mean",
        F.col("variance").alias("mean_squared_error"),
        "mean",
        F.sum("mean").over(Window.partitionBy("path").orderBy("step")).alias("cumulative_mean"),
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
