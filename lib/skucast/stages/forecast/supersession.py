"""Items that take over from others: their history begins with the demand of those before them."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.spark.series import SERIES
from skucast.tables import DEMAND

PREDECESSORS = "predecessors"
"""Column of ``series_status``."""


def successions(item_location: DataFrame, decision_date: date) -> DataFrame:
    """Which item takes over from which, as known on the decision date.

    Args:
        item_location: rows of the table.
        decision_date: D; of each listing the newest row that is not later holds.

    Returns:
        ``item_id`` (the successor), ``location_id``, ``predecessor``; one row per pair.
    """
    known = item_location.where(F.col("valid_from") <= F.lit(decision_date)).groupBy(*SERIES)
    in_force = known.agg(F.max_by("successor_item_id", "valid_from").alias("successor"))
    return in_force.where("successor IS NOT NULL AND successor <> item_id").selectExpr(
        "successor AS item_id", "location_id", "item_id AS predecessor"
    )


def with_inherited(demand: DataFrame, succession: DataFrame) -> DataFrame:
    """Demand with that of predecessors before the first own demand of each successor.

    Several predecessors add up; a period in which one of them ran out of stock is censored for all.

    Args:
        demand: rows of table ``demand``.
        succession: as :func:`successions` gives it.

    Returns:
        Rows of table ``demand``; those of the predecessors stay.
    """
    own = demand.groupBy(*SERIES).agg(F.min("period_start").alias("own_start"))
    of_predecessors = demand.withColumnRenamed("item_id", "predecessor")
    taken = of_predecessors.join(F.broadcast(succession), ["predecessor", "location_id"])
    before = taken.join(own, [*SERIES], "left").where("own_start IS NULL OR period_start < own_start")
    summed = before.groupBy(*SERIES, "period_start").agg(
        F.expr("sum(sales) AS sales"),
        F.expr("sum(returns) AS returns"),
        F.expr("IF(count_if(demand IS NULL AND NOT is_closed) > 0, NULL, sum(demand)) AS demand"),
        F.expr("bool_or(is_censored) AS is_censored"),
        F.expr("min(in_stock_share) AS in_stock_share"),
        F.expr("bool_and(is_closed) AS is_closed"),
        F.expr("bool_or(is_outlier) AS is_outlier"),
        F.expr("sum(exceptional) AS exceptional"),
        F.expr("max(exceptional_reason) AS exceptional_reason"),
        F.expr("try_divide(sum(sales * unit_price), sum(IF(unit_price IS NULL, NULL, sales))) AS unit_price"),
        F.expr("bool_or(promotion) AS promotion"),
    )
    return DEMAND.select(demand).unionByName(DEMAND.select(summed))


def with_predecessors(status: DataFrame, succession: DataFrame) -> DataFrame:
    """Say in rows of ``series_status`` whose demand their history begins with."""
    named = succession.groupBy(*SERIES).agg(F.array_join(F.sort_array(F.collect_set("predecessor")), ", ").alias("of"))
    return status.join(F.broadcast(named), [*SERIES], "left").withColumn(PREDECESSORS, F.col("of")).drop("of")
