"""Terms, forecasts of each review and demand of a window → what came of each policy, item by item.

One row per item and location carries all that belongs to it; its replay hangs on nothing else, so neither partitions
nor batches matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from skucast.periods import Frequency, periods_between
from skucast.spark.arrow_columns import table
from skucast.stages.simulate.replay_arrays import Comparison, outcome_columns, replay_of
from skucast.tables import SERVICE_OUTCOME

SERIES = ("item_id", "location_id")
TERMS = (
    "lead_time", "review_period", "next_review", "lead_time_law", "replenishment_policy", "rounding", "lot",
    "smallest_lot", "min_order_quantity", "pack_size", "pallet_size", "max_order_quantity", "max_stock",
    "max_cover_days", "fixed_cost", "holding_cost", "shortage_cost", "unit_cost", "unit_price", "on_hand", "reserved",
    "order_up_to_level", "target_kind", "cycle_service_level", "fill_rate_asked", "abc_class", "xyz_class",
    "deliveries", "seed", "do_not_order", "active_from", "active_to", "has_forecast",
)  # fmt: skip
"""What is used of the answer of ``projection_inputs.sql``."""
RECENT = 8
"""Periods before the window whose demand is handed on: the fixed cover is measured in their mean."""


@dataclass(frozen=True)
class Window:
    """What is replayed.

    Attributes:
        start: first day of the first period, the first review.
        end: first day after the last period.
        frequency: length of a period.
    """

    start: date
    end: date
    frequency: Frequency

    @property
    def n_periods(self) -> int:
        """Length in periods."""
        return periods_between(self.start, self.end, self.frequency)

    def place(self, day: Column) -> Column:
        """Number of the period that starts on a day: 0 at the start, below 0 before it."""
        return (F.datediff(day, F.lit(self.start)) / self.frequency.days).cast("int")


def replay_rows(
    terms: DataFrame, forecast: DataFrame, demand: DataFrame, status: DataFrame, window: Window
) -> DataFrame:
    """One row per item and location that may be ordered and was forecast at the start of the window.

    Args:
        terms: columns ``TERMS`` of ``projection_inputs.sql`` for the start of the window.
        forecast: table ``forecast``, with the cutoffs before the reviews.
        demand: demand up to the end of the window.
        status: table ``series_status`` of the first cutoff.
        window: what is replayed.
    """
    active = (F.col("active_from").isNull() | (F.col("active_from") <= F.lit(window.start))) & (
        F.col("active_to").isNull() | (F.col("active_to") >= F.lit(window.end))
    )
    listed = terms.where(active & ~F.col("do_not_order") & F.col("has_forecast"))
    joined = (
        listed.join(_forecasts(forecast, window), [*SERIES])
        .join(_history(demand, window), [*SERIES], "left")
        .join(status.select(*SERIES, "demand_class"), [*SERIES], "left")
    )
    reach = F.size("lead_time_law") - 1 + F.col("review_period")
    return joined.withColumns({
        "forecasts": F.filter("forecasts", lambda each: each["step"] <= reach),
        "first_review": window.place(F.col("next_review")),
        "arrivals": F.transform("deliveries", lambda due: F.struct(_arrival(due, window).alias("period"),
                                                                   due["remaining"].alias("units"))),
    })  # fmt: skip


def outcomes(rows: DataFrame, window: Window, comparison: Comparison, n_partitions: int) -> DataFrame:
    """Rows of ``service_outcome``, without ``run_id``.

    Args:
        rows: of ``replay_rows``.
        window: what is replayed.
        comparison: what is compared.
        n_partitions: tasks to share the work.
    """
    schema = to_arrow_schema(SERVICE_OUTCOME.schema)
    fixed = {"decision_date": window.start, "window_end": window.end}

    def replayed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            found = replay_of(batch, window.n_periods, comparison) if batch.num_rows > 0 else None
            for columns in outcome_columns(batch, found, comparison) if found else ():
                yield from table({**columns, **fixed}, schema, batch.num_rows).to_batches()

    return rows.repartition(n_partitions, *SERIES).mapInArrow(replayed, SERVICE_OUTCOME.schema)


def _forecasts(forecast: DataFrame, window: Window) -> DataFrame:
    """The forecasts of all reviews of each item."""
    period = window.place(F.col("cutoff")) + 1
    at_review = forecast.withColumn("period", period).where(F.col("period").between(0, window.n_periods - 1))
    columns = ("period", "step", "quantiles", "cumulative_quantiles", "cumulative_mean", "cumulative_sd")
    return at_review.groupBy(*SERIES).agg(
        F.any_value("quantile_levels").alias("levels"), F.collect_list(F.struct(*columns)).alias("forecasts")
    )


def _history(demand: DataFrame, window: Window) -> DataFrame:
    """Demand of the window and shortly before; where it is unknown, the sales: a lower bound."""
    period = window.place(F.col("period_start"))
    near = demand.withColumn("period", period).where(F.col("period").between(-RECENT, window.n_periods - 1))
    missing = F.when(F.col("is_censored"), 1 - F.coalesce("in_stock_share", F.lit(1.0))).otherwise(0.0)
    row = F.struct(
        "period",
        F.greatest(F.coalesce("demand", "sales"), F.lit(0.0)).alias("wanted"),
        F.coalesce("is_censored", F.lit(False)).cast("double").alias("censored"),
        missing.alias("share_without_stock"),
    )
    return near.groupBy(*SERIES).agg(F.collect_list(row).alias("history"))


def _arrival(due: Column, window: Window) -> Column:
    """Period of the window in which a delivery helps, as in ``projection_inputs.sql``."""
    day = F.ceil(F.datediff(due["due_date"], F.lit(window.start)) / window.frequency.days).cast("int")
    return F.when(due["due_date"] < F.lit(window.start), 1).otherwise(day)
