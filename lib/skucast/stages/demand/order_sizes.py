"""Order lines → what each order took on each day, corrections inside an order netted."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

SERIES = ("item_id", "location_id")

PROMPT_DAYS = 2
"""Days after a sale within which every negative line of its order is a correction: goods are not returned so soon."""

LATE_DAYS = 30
"""Days after a sale from which on a negative line of its order is a return, however much it takes back."""

MOST = 0.5
"""Share of what the order sold from which on a negative line within ``LATE_DAYS`` is a correction, not a return."""


def order_days(lines: DataFrame, *, cancellation_order_pattern: str | None) -> DataFrame:
    """Known lines, summed by order and day. Lines of a series should lie in one partition: then nothing moves.

    Args:
        lines: sales (quantity > 0) and returns (quantity < 0) that cancel no single sale.
        cancellation_order_pattern: regular expression of what marks the number of a cancelling order.

    Returns:
        One row per item, location, day, ``order_key`` and ``party``, hashes of the order's number and of who bought:
        the customer, or else the order of that day. ``sold`` and ``returned`` [u], ``revenue`` and ``priced`` (units
        with a price), ``n_lines`` of sales, and ``at_midnight``: no sale has a time of day.
    """
    prefix = cancellation_order_pattern
    number = F.regexp_replace("order_id", prefix, "") if prefix else F.col("order_id")
    day, quantity, is_sale = F.to_date("ordered_at"), F.col("quantity"), F.col("quantity") > 0
    party = F.when(F.col("customer_key").isNull(), F.xxhash64(number, day)).otherwise(F.xxhash64("customer_key"))
    has_price = is_sale & F.col("unit_price").isNotNull()

    def total(condition: Column, value: Column) -> Column:
        return F.coalesce(F.sum(F.when(condition, value)), F.lit(0.0))

    return lines.groupBy(*SERIES, day.alias("day"), F.xxhash64(number).alias("order_key"), party.alias("party")).agg(
        total(is_sale, quantity).alias("sold"),
        total(~is_sale, -quantity).alias("returned"),
        total(has_price, quantity * F.col("unit_price")).alias("revenue"),
        total(has_price, quantity).alias("priced"),
        F.count_if(is_sale).alias("n_lines"),
        F.min(~is_sale | (F.col("ordered_at") == day)).alias("at_midnight"),
    )


def corrected(bought: DataFrame) -> DataFrame:
    """Order days with corrections netted: the sale has the quantity that was meant, the correction is gone.

    A negative line belongs to the newest day, not later than its own, on which its order sold the item. What it takes
    back beyond what was sold then stays a return. As only lines known on the decision date are summed, a correction
    counts from the day it is known, in the period of its sale.

    Args:
        bought: as ``order_days`` gives it.
    """
    of_order = Window.partitionBy(*SERIES, "order_key").orderBy("day", "party")
    sold_on = F.last(F.when(F.col("sold") > 0, F.col("day")), ignorenulls=True)
    placed = bought.withColumn("sold_on", sold_on.over(of_order.rowsBetween(Window.unboundedPreceding, 0)))
    of_sale = Window.partitionBy(*SERIES, "order_key", "sold_on").orderBy("day", "party")
    whole = of_sale.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    earlier = of_sale.rowsBetween(Window.unboundedPreceding, -1)

    def before(name: str) -> Column:
        return F.coalesce(F.sum(name).over(earlier), F.lit(0.0))

    columns = {"_netted": _netted(whole), "_sold": before("sold"), "_returned": before("returned")}
    netted = placed.withColumns(columns).withColumns({f"_{name}": _left(name) for name in ("sold", "returned")})
    kept = F.when(F.col("_sold") == F.col("sold"), 1.0).otherwise(F.col("_sold") / F.col("sold"))
    rest = {"sold": F.col("_sold"), "returned": F.col("_returned")}
    rest |= {name: F.col(name) * kept for name in ("revenue", "priced")}
    return netted.select(*(rest.get(name, F.col(name)).alias(name) for name in bought.columns))


def _netted(of_sale: WindowSpec) -> Column:
    """Units that are netted of what an order sold on a day. [u]"""
    days = F.datediff("day", "sold_on")

    def taken(within: int) -> Column:
        back = F.when(F.col("sold_on").isNotNull() & (days <= within), F.col("returned"))
        return F.coalesce(F.sum(back).over(of_sale), F.lit(0.0))

    sold = F.sum("sold").over(of_sale)
    is_most = taken(LATE_DAYS) >= MOST * sold
    return F.least(sold, F.when(is_most, taken(LATE_DAYS)).otherwise(taken(PROMPT_DAYS)))


def _left(name: str) -> Column:
    """What netting leaves of a row, the rows before it being netted first."""
    return F.col(name) - F.least(F.col(name), F.greatest(F.col("_netted") - F.col(f"_{name}"), F.lit(0.0)))
