"""Histories of the nodes above the series, and forecasts of their own by the same engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.selection.base_forecasts import most_accurate
from skucast.spark.arrow_columns import dense, names_at, table
from skucast.spark.series import SERIES
from skucast.stages.forecast.fitting import CandidateArrays

RECENT = 8
"""Periods before a stock-out whose mean demand stands in for what was not seen."""
_EXACT = "decimal(38, 12)"
"""Sums of it do not depend on the order of their parts, so that a node's history is the same in any partitioning."""

_BASES_SCHEMA = pa.schema(
    {
        "item_id": pa.string(),
        "location_id": pa.string(),
        "method": pa.string(),
        "variance": pa.float64(),
        "means": pa.list_(pa.float64()),
    }.items()
)


def node_series(series: DataFrame, paths: DataFrame, nodes: DataFrame, dimension: str, horizon: int) -> DataFrame:
    """The nodes as series of the engine: ``item_id`` is the node's key, ``location_id`` the dimension.

    Args:
        series: the series' ``start`` and ``revenue_share_before``.
        paths: their ``path``.
        nodes: the ``key`` of those that are forecast, as ``branching_nodes`` gives them.
        dimension: name of it.
        horizon: steps ahead, the span by which they are scored.

    Returns:
        As ``long_panel`` takes it. A node is worth the methods that its best-selling series is worth.
    """
    found = series.join(paths, [*SERIES]).select(F.explode("path").alias("key"), "start", "revenue_share_before")
    return found.join(nodes.select("key"), "key", "left_semi").groupBy(
        F.col("key").alias("item_id"), F.lit(dimension).alias("location_id")
    ).agg(
        F.min("start").alias("start"),
        F.min("revenue_share_before").alias("revenue_share_before"),
        F.lit(horizon).alias("evaluation_span"),
        *(F.lit(None).cast("double").alias(name) for name in ("prior_log_mean", "prior_series")),
        F.lit(None).cast("string").alias("prior_category"),
    )  # fmt: skip


def node_demand(demand: DataFrame, paths: DataFrame, nodes: DataFrame, dimension: str) -> DataFrame:
    """Demand of the nodes, added up from their series.

    With many series one is always out of stock, so a node's demand would never be known. A series whose demand is
    unknown counts with what it sold, or with its mean known demand of the last ``RECENT`` periods where that is more:
    what is known at the time and nothing later. A closed one counts 0.

    Args:
        demand: rows of table ``demand``.
        paths: ``path`` of each series.
        nodes: the ``key`` of those that are forecast.
        dimension: name of it.

    Returns:
        As ``long_panel`` takes it, keys as in ``node_series``; closed where all series of the node were.
    """
    recent = Window.partitionBy(*SERIES).orderBy("period_start").rowsBetween(-RECENT, -1)
    presumed = F.greatest("sales", F.avg("demand").over(recent), F.lit(0.0))
    value = F.when(F.col("is_closed"), 0.0).otherwise(F.coalesce("demand", presumed))
    filled = demand.select(*SERIES, "period_start", "is_closed", value.alias("demand"))
    rows = filled.join(paths, [*SERIES]).select("period_start", "is_closed", "demand", F.explode("path").alias("key"))
    return rows.join(nodes.select("key"), "key", "left_semi").groupBy(
        F.col("key").alias("item_id"), F.lit(dimension).alias("location_id"), "period_start"
    ).agg(
        F.sum(F.col("demand").cast(_EXACT)).cast("double").alias("demand"),
        F.min("is_closed").alias("is_closed"),
    ).selectExpr(
        "*", "demand AS sales", "false AS is_censored", "CAST(NULL AS DOUBLE) AS in_stock_share"
    )  # fmt: skip


def company_calendar(calendar: DataFrame, dimension: str) -> DataFrame:
    """The calendar of the nodes: closed where every location is."""
    return calendar.groupBy("period_start").agg(
        F.lit(dimension).alias("location_id"), F.min("is_closed").alias("is_closed")
    )


def node_bases(fits: DataFrame, layout: CandidateArrays, nodes: DataFrame) -> DataFrame:
    """Base forecasts of the nodes.

    Args:
        fits: rows of ``FITS_SCHEMA``.
        layout: shapes of their arrays.
        nodes: ``key`` and ``path`` of each.

    Returns:
        ``path``, ``step``, ``base_mean``, ``method`` and ``variance``, the mean squared error of the method in the
        backtest; no row of a node whose methods could not be tested.
    """
    found = fits.mapInArrow(_bases(layout), from_arrow_schema(_BASES_SCHEMA))
    placed = found.join(nodes, F.col("item_id") == F.col("key"))
    rows = placed.select("path", "method", "variance", F.posexplode("means").alias("place", "base_mean"))
    return rows.select("path", "method", "variance", "base_mean", (F.col("place") + 1).alias("step"))


def _bases(layout: CandidateArrays) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def choose(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            contest = layout.contest(batch)
            best, squared_error = most_accurate(contest)
            rows = np.flatnonzero(best >= 0)
            columns = {
                **{name: batch.column(name).take(pa.array(rows)) for name in SERIES},
                "method": names_at(layout.names, best[rows]),
                "variance": pa.array(squared_error[rows]),
                "means": dense(contest.mean[rows, best[rows]]),
            }
            yield from table(columns, _BASES_SCHEMA, rows.size).to_batches()

    return choose
