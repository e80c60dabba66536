"""Order lines → demand on a complete calendar, with returns apart and censoring marked."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.periods import Frequency
from skucast.stages.demand.calendar import period_of
from skucast.tables.demand import DEMAND

_SERIES = ("item_id", "location_id")
_PERIOD = (*_SERIES, "period_start")
MIN_FOR_OUTLIERS = 8
"""Fewest positive demands from which limits are taken."""


def known_before(lines: DataFrame, decision_date: date) -> DataFrame:
    """Order lines that were known on the decision date, less the sales that had been cancelled by then.

    Returns:
        One row per line that counts: sales (quantity > 0) and returns (quantity < 0) that cancel no single sale.
    """
    at = F.lit(decision_date).cast("timestamp")
    is_cancelled = F.coalesce(F.col("cancelled_at") < at, F.lit(False))
    return lines.where((F.col("ordered_at") < at) & ~is_cancelled & F.col("cancels_line").isNull())


def sold_per_period(bought: DataFrame, frequency: Frequency) -> DataFrame:
    """One row per item, location and period with lines: ``sales``, ``returns`` and mean ``unit_price``.

    Args:
        bought: as ``orders.corrected`` gives it.
        frequency: length of a period.
    """
    return bought.groupBy(*_SERIES, period_of(F.col("day"), frequency).alias("period_start")).agg(
        F.sum("sold").alias("sales"),
        F.sum("returned").alias("returns"),
        F.try_divide(F.sum("revenue"), F.sum("priced")).alias("unit_price"),
    )


def complete_demand(
    sold: DataFrame, calendar: DataFrame, shares: DataFrame, *, first: date, cutoff: date, gaps: str
) -> DataFrame:
    """Demand on every period from a series' first sale to the cutoff.

    Args:
        sold: what was sold per period.
        calendar: the calendar of each location.
        shares: known availability.
        first: first period that the data cover whole; earlier ones are left out.
        cutoff: last period.
        gaps: "zero" if a period without lines had no demand, "unknown" if nothing is known of it.

    Returns:
        One row per item, location and period, without outlier marks.
    """
    starts = sold.where("sales > 0").groupBy(*_SERIES).agg(F.min("period_start").alias("first_sale"))
    open_from = F.greatest("first_sale", F.lit(first))
    in_life = (F.col("period_start") >= open_from) & (F.col("period_start") <= F.lit(cutoff))
    frame = starts.join(F.broadcast(calendar), on="location_id", how="inner").where(in_life)
    sales = F.coalesce("sales", F.lit(0.0))
    is_closed = F.col("is_closed") & (sales == 0)
    is_censored = ~is_closed & F.coalesce(F.col("in_stock_share") < 1, F.lit(False))
    unknown = is_censored | is_closed | (F.lit(gaps == "unknown") & F.col("sales").isNull())
    return (
        frame.join(sold, on=list(_PERIOD), how="left")
        .join(shares, on=list(_PERIOD), how="left")
        .select(
            *_PERIOD,
            sales.alias("sales"),
            F.coalesce("returns", F.lit(0.0)).alias("returns"),
            F.when(~unknown, sales).alias("demand"),
            is_censored.alias("is_censored"),
            F.when(F.col("is_timed"), F.col("in_stock_share")).alias("in_stock_share"),
            is_closed.alias("is_closed"),
            "unit_price",
            "promotion",
        )
    )


def with_exceptional(demand: DataFrame, found: DataFrame, *, treatment: str, share: float) -> DataFrame:
    """Name exceptional demand and say how much of it base demand leaves out.

    Promotions are no exceptions, nor are periods that would be usual with the purchases in question.

    Args:
        demand: as ``complete_demand`` gives it.
        found: as ``exceptional.exceptional_demand`` gives it.
        treatment: "exclude" leaves a usual purchase in place of each exceptional one, "cap" the largest that is not
            exceptional, "share" a share of what exceeds the usual; "include" leaves nothing out.
        share: that share, in [0, 1].

    Returns:
        The rows with ``exceptional``, units left out, and ``exceptional_reason``.
    """
    planned = F.col("excess") * F.lit(1.0 - share)
    left_out = {
        "exclude": F.col("excess"),
        "cap": F.col("beyond_limit"),
        "share": F.when(F.col("excess") == F.floor("excess"), F.floor(planned)).otherwise(planned),
        "include": F.lit(0.0),
    }[treatment]
    is_exceptional = (F.col("sales") > F.col("period_limit")) & ~F.col("promotion")
    return demand.join(found, on=list(_PERIOD), how="left").select(
        *demand.columns,
        F.coalesce(F.when(is_exceptional, left_out), F.lit(0.0)).alias("exceptional"),
        F.when(is_exceptional, F.col("reason")).alias("exceptional_reason"),
    )


def with_outliers(demand: DataFrame, *, method: str, limit: float) -> DataFrame:
    """Mark demands outside the limits of their series; nothing is changed or removed.

    The limits come from the positive known demands of the series, at least ``MIN_FOR_OUTLIERS`` of them: quartiles
    ± limit × interquartile range (iqr), mean ± limit × standard deviation (zscore), or median ± limit × 1.4826 × median
    absolute deviation (hampel; Hampel 1974). A spread of zero marks nothing.
    """
    if method == "none":
        return DEMAND.select(demand.withColumn("is_outlier", F.lit(False)))
    positive = F.when(F.col("demand") > 0, F.col("demand"))
    low, high, width = _centre_and_width(method, positive)
    series = Window.partitionBy(*_SERIES)
    limited = demand.withColumns({"_low": low, "_high": high, "_n": F.count(positive).over(series)})
    limited = limited.withColumn("_width", width)
    below, above = (
        positive < F.col("_low") - limit * F.col("_width"),
        positive > F.col("_high") + limit * F.col("_width"),
    )
    enough = (F.col("_n") >= MIN_FOR_OUTLIERS) & (F.col("_width") > 0)
    return DEMAND.select(limited.withColumn("is_outlier", F.coalesce((below | above) & enough, F.lit(False))))


def _centre_and_width(method: str, positive: Column) -> tuple[Column, Column, Column]:
    """Lower and upper centre and the width of the limits, as columns over a series; width reads ``_low``, ``_high``."""
    series = Window.partitionBy(*_SERIES)
    if method == "iqr":
        low, high = F.percentile(positive, 0.25).over(series), F.percentile(positive, 0.75).over(series)
        return low, high, F.col("_high") - F.col("_low")
    if method == "zscore":
        mean = F.avg(positive).over(series)
        return mean, mean, F.stddev_pop(positive).over(series)
    median = F.median(positive).over(series)
    return median, median, 1.4826 * F.median(F.abs(positive - F.col("_low"))).over(series)
