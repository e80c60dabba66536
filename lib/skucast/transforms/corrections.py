"""Corrections inside an order: what a line takes back at once, or for the most part, was never wanted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

SERIES = ("item_id", "location_id")

PROMPT_DAYS = 2
"""Days after a sale within which every negative line of its order is a correction: goods are not returned so soon."""

LATE_DAYS = 30
"""Days after a sale from which on a negative line of its order is a return, however much it takes back."""

MOST = 0.5
"""Share of what the order sold from which on a negative line within ``LATE_DAYS`` is a correction, not a return."""


def corrected(lines: DataFrame, *, cancellation_order_pattern: str | None) -> DataFrame:
    """Lines with corrections netted: the sale has the quantity that was meant, the correction is gone.

    A negative line belongs to the newest earlier day on which its order sold the item. What it takes back beyond what
    was sold then stays a return. Lines must be those known on the decision date: so a correction counts from the day
    it is known, in the period of its sale.

    Args:
        lines: sales (quantity > 0) and returns (quantity < 0) that cancel no single sale.
        cancellation_order_pattern: regular expression of what marks the number of a cancelling order.

    Returns:
        The same columns; lines of which nothing is left are absent.
    """
    prefix = cancellation_order_pattern
    order = F.regexp_replace("order_id", prefix, "") if prefix else F.col("order_id")
    numbered = lines.withColumn("_order", order)
    in_time = Window.partitionBy(*SERIES, "_order").orderBy("ordered_at", F.desc("quantity"), "line_id")
    sold_on = F.last(F.when(_is_sale(), F.to_date("ordered_at")), ignorenulls=True)
    placed = numbered.withColumn("_sold_on", sold_on.over(in_time.rowsBetween(Window.unboundedPreceding, 0)))
    netted = placed.withColumn("_netted", _netted())
    return netted.withColumn("quantity", _rest()).where("quantity <> 0").select(*lines.columns)


def _is_sale() -> Column:
    return F.col("quantity") > 0


def _netted() -> Column:
    """Units of the order and day that are netted. [u]"""
    of_day = Window.partitionBy(*SERIES, "_order", "_sold_on")
    days = F.datediff(F.to_date("ordered_at"), F.col("_sold_on"))

    def taken(within: int) -> Column:
        is_taken = ~_is_sale() & F.col("_sold_on").isNotNull() & (days <= within)
        return F.coalesce(F.sum(F.when(is_taken, -F.col("quantity"))).over(of_day), F.lit(0.0))

    sold = F.coalesce(F.sum(F.when(_is_sale(), F.col("quantity"))).over(of_day), F.lit(0.0))
    is_most = taken(LATE_DAYS) >= MOST * sold
    return F.least(sold, F.when(is_most, taken(LATE_DAYS)).otherwise(taken(PROMPT_DAYS)))


def _rest() -> Column:
    """What is left of a line: large sales are netted first, and with the oldest negative lines."""
    size = F.abs("quantity")
    first = (
        Window.partitionBy(*SERIES, "_order", "_sold_on", _is_sale())
        .orderBy(F.when(_is_sale(), -size), "ordered_at", "line_id")
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    before = F.coalesce(F.sum(size).over(first), F.lit(0.0))
    gone = F.least(size, F.greatest(F.col("_netted") - before, F.lit(0.0)))
    return F.signum("quantity") * (size - gone)
