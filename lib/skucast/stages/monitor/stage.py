"""Past forecasts and policies beside the demand that came after them, and what the next forecast hears of it."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.runtime.context import Context
from skucast.spark.series import base_demand
from skucast.stages.demand.stage import demand_known
from skucast.stages.lead_times.horizon import MAX_HORIZON, default_span, evaluation_spans
from skucast.stages.lead_times.stage import lead_times_known
from skucast.stages.monitor.champion_retention import tenure
from skucast.stages.monitor.past_forecasts import Cutoffs, past_forecasts, reviewed_cutoffs
from skucast.stages.monitor.review import Review
from skucast.tables import (
    FORECAST,
    FORECAST_REVIEW,
    FORECAST_REVIEW_CLASS,
    POLICY,
    SERIES_STATUS,
    Table,
)


def monitor(context: Context) -> None:
    """Compare past forecasts and policies with the demand that came after them."""
    with context.record.stage("monitor") as stage:
        inputs = ("forecast", "series_status", "policy", "demand", "item_location", "open_order", "receipt", "supplier")
        clock = context.begin(stage, *inputs)
        window = context.config.monitor.window_days
        found = [row["cutoff"] for row in context.warehouse.read(SERIES_STATUS).select("cutoff").distinct().collect()]
        days = reviewed_cutoffs(found, clock.cutoff, window)
        stage.rows["cutoffs"] = len(days)
        if days:
            _review(context, days)
        else:
            stage.message = f"no forecast of the {window} days before {clock.cutoff}: nothing to review"
            for table in (FORECAST_REVIEW, FORECAST_REVIEW_CLASS):
                _publish(context, table, table.frame(context.spark))
        counts = _of_date(context, FORECAST_REVIEW, clock.decision_date).groupBy("verdict").count().toPandas()
        stage.rows |= {str(name): int(n) for name, n in zip(counts["verdict"], counts["count"], strict=True)}


def _review(context: Context, days: tuple[date, ...]) -> None:
    """Write what is found of the forecasts made at these cutoffs."""
    tables, clock, config = context.warehouse, context.clock, context.config
    usual = default_span(clock, config.inventory.defaults.terms)
    cutoffs = Cutoffs(days, clock.cutoff, clock.frequency, config.forecast.quantile_levels, usual)
    past = past_forecasts(
        forecast=tables.read(FORECAST).where(F.col("cutoff").isin(list(days))),
        series_status=tables.read(SERIES_STATUS),
        policy=tables.read(POLICY),
        demand=base_demand(demand_known(context)),
        spans=evaluation_spans(lead_times_known(context)[0], MAX_HORIZON),
        cutoffs=cutoffs,
    ).persist(StorageLevel.DISK_ONLY)
    stamp = {"decision_date": clock.decision_date, "run_id": context.record.run_id}
    review = Review(cutoffs, config.monitor.rules, stamp)
    classes = review.classes(past)
    _publish(context, FORECAST_REVIEW_CLASS, review.class_rows(context.spark, classes))
    _publish(context, FORECAST_REVIEW, review.series_rows(past, classes))
    past.unpersist()


def _publish(context: Context, table: Table, rows: DataFrame) -> None:
    """Replace the rows of this decision date; without any the rows of an earlier run go."""
    context.warehouse.replace_where(table, rows, f"decision_date = DATE '{context.clock.decision_date}'")


def _of_date(context: Context, table: Table, day: date) -> DataFrame:
    return context.warehouse.read(table).where(F.col("decision_date") == F.lit(day))


def with_tenure(context: Context, series: DataFrame) -> DataFrame:
    """Series with what the newest review before the decision date says of their champion and their spread.

    A review of the decision date itself is for the next one: a run gives the same before and after it.
    """
    tables, day = context.warehouse, context.clock.decision_date
    oldest = day - timedelta(days=context.config.monitor.valid_days)
    reviews = tables.read(FORECAST_REVIEW).where((F.col("decision_date") < day) & (F.col("decision_date") >= oldest))
    newest = reviews.agg(F.max("decision_date").alias("day")).toPandas().iloc[0]["day"]
    if newest is None:
        return series
    status = tables.read(SERIES_STATUS).where(F.col("cutoff") < context.clock.cutoff)
    last = status.agg(F.max("cutoff").alias("day")).toPandas().iloc[0]["day"]
    keeps = context.config.forecast.selection.reselect == "when_due"
    said = tenure(_of_date(context, FORECAST_REVIEW, newest), status.where(F.col("cutoff") == last), keeps=keeps)
    return series.join(said, ["item_id", "location_id"], "left")
