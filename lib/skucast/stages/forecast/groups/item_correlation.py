"""Items of a location whose demand moves together: one task per location, Arrow in and out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from skucast.forecasting.similarity.correlation import changes, strongest_partners
from skucast.spark.series import SERIES
from skucast.stages.forecast.span import Span

_SCHEMA = pa.schema(
    {
        "item_a": pa.string(),
        "item_b": pa.string(),
        "location_id": pa.string(),
        "correlation": pa.float64(),
        "n_periods": pa.int32(),
        "rank": pa.int32(),
    }.items()
)


def correlated_items(demand: DataFrame, series: DataFrame, span: Span, *, items: int, partners: int) -> DataFrame:
    """Rows of ``item_correlation`` but for cutoff and run.

    Args:
        demand: rows of table ``demand``.
        series: ``revenue_share_before`` of every series.
        span: the calendar.
        items: how many of the items that earn most at a location are compared: a location's matrix of items and periods
            must fit into a task, its correlations are computed in blocks.
        partners: strongest partners of each item that are kept.
    """
    best = Window.partitionBy("location_id").orderBy("revenue_share_before", "item_id")
    chosen = series.select(*SERIES, F.row_number().over(best).alias("place")).where(F.col("place") <= items)
    t = (F.datediff("period_start", F.lit(span.first)) / span.frequency.days).cast("int").alias("t")
    rows = demand.join(chosen.drop("place"), [*SERIES], "left_semi").select(*SERIES, t, "demand")
    return rows.groupBy("location_id").applyInArrow(_partners(span.n_periods, partners), from_arrow_schema(_SCHEMA))


def _partners(n_periods: int, count: int) -> Callable[[pa.Table], pa.Table]:
    def find(rows: pa.Table) -> pa.Table:
        names, row = np.unique(rows["item_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
        demand = np.full((names.size, n_periods), np.nan)
        demand[row, rows["t"].to_numpy()] = rows["demand"].to_numpy()
        series, partner, correlation, common = strongest_partners(changes(demand), count)
        first = np.searchsorted(series, np.arange(names.size))
        columns = [
            pa.array(names[series]), pa.array(names[partner]),
            pa.array([rows["location_id"][0].as_py()] * series.size, pa.string()), pa.array(correlation),
            pa.array(common.astype(np.int32)), pa.array((np.arange(series.size) - first[series] + 1).astype(np.int32)),
        ]  # fmt: skip
        return pa.Table.from_arrays([column.cast(field.type) for column, field in zip(columns, _SCHEMA, strict=True)],
                                    schema=_SCHEMA)  # fmt: skip

    return find
