"""Stock counts, at any spacing → share of the selling time with stock."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.periods import Frequency
from skucast.stages.demand.calendar import period_of

_SERIES = ("item_id", "location_id")
_PERIOD = (*_SERIES, "period_start")


def in_stock_shares(
    availability: DataFrame, counts: DataFrame, moves: DataFrame, calendar: DataFrame, frequency: Frequency
) -> DataFrame:
    """Share of the selling time with stock, measured or derived from counts; unknown periods have no row.

    A period's share is the mean over its open days, and known only when that of every one of them is. Measured
    availability wins.

    Args:
        availability: rows of the table.
        counts: rows of table ``stock`` up to the decision date.
        moves: as ``moves`` gives them.
        calendar: the calendar of each location.
        frequency: length of a period.

    Returns:
        One row per item, location and period with known availability: ``in_stock_share``, and ``is_timed``, whether it
        says when stock ran out. Counts at both ends of a day, or of longer, do not.
    """
    period = period_of(F.col("period_start"), frequency)
    measured = availability.groupBy(*_SERIES, period.alias("period_start")).agg(
        F.avg("in_stock_share").alias("measured")
    )
    intervals = _intervals(counts)
    days = _of_single_days(intervals).unionByName(_of_longer_intervals(intervals, moves, frequency))
    opened = F.broadcast(calendar.select("location_id", "period_start", "open_days"))
    placed = days.withColumn("period_start", period_of(F.col("day"), frequency))
    derived = (
        placed.join(opened, ["location_id", "period_start"])
        .where("array_contains(open_days, day)")
        .groupBy(*_PERIOD, F.size("open_days").alias("n_open_days"))
        .agg(F.avg("share").alias("derived"), F.count(F.lit(1)).alias("n_days"), F.min("is_timed").alias("days_timed"))
        .where("n_days = n_open_days")
    )
    share = F.coalesce("measured", "derived").alias("in_stock_share")
    of_day = F.col("derived").isin(0.0, 1.0) | F.lit(frequency != Frequency.DAY)
    is_timed = F.col("measured").isNotNull() | (of_day & F.col("days_timed"))
    return measured.join(derived, on=list(_PERIOD), how="full_outer").select(
        *_PERIOD, share, is_timed.alias("is_timed")
    )


def moves(bought: DataFrame, receipt: DataFrame, decision_date: date) -> DataFrame:
    """Days before the decision date on which an item was sold or received: one row each, ``is_receipt``.

    Args:
        bought: as ``orders.corrected`` gives it.
        receipt: rows of the table.
        decision_date: D.
    """
    sold = bought.where("sold > 0").select(*_SERIES, F.col("day").alias("moved_on"), F.lit(False).alias("is_receipt"))
    known = receipt.where(F.col("received_on") < F.lit(decision_date))
    received = known.select(*_SERIES, F.col("received_on").alias("moved_on"), F.lit(True).alias("is_receipt"))
    return sold.unionByName(received)


def _intervals(counts: DataFrame) -> DataFrame:
    """From each count to the next: ``as_of``, ``until``, and whether there was stock ``at_start`` and ``at_end``."""
    by_day = Window.partitionBy(*_SERIES).orderBy("as_of")
    return counts.select(
        *_SERIES,
        "as_of",
        F.lead("as_of").over(by_day).alias("until"),
        (F.col("on_hand") > 0).alias("at_start"),
        (F.lead("on_hand").over(by_day) > 0).alias("at_end"),
    ).where("until IS NOT NULL")


def _of_single_days(intervals: DataFrame) -> DataFrame:
    """The mean of what was at both ends of each day."""
    share = (F.col("at_start").cast("double") + F.col("at_end").cast("double")) / 2
    one_day = intervals.where("until = date_add(as_of, 1)")
    return one_day.select(*_SERIES, F.col("as_of").alias("day"), share.alias("share"), F.lit(True).alias("is_timed"))


def _of_longer_intervals(intervals: DataFrame, moves: DataFrame, frequency: Frequency) -> DataFrame:
    """Days between counts that lie further apart, where sales and receipts leave no doubt.

    Nothing there at both ends, nothing sold or received: none in between. Nothing at the start, one day of receipts,
    something at the end, nothing sold before: from that day on. Something at the start and nothing at the end of an
    interval inside one period: it ran out there, nobody knows when.
    """
    inside = period_of(F.col("as_of"), frequency) == period_of(F.date_sub("until", 1), frequency)
    runs_out = F.col("at_start") & ~F.col("at_end") & inside
    longer = intervals.where((F.col("until") > F.date_add("as_of", 1)) & (~F.col("at_start") | runs_out))
    within = (F.col("moved_on") >= F.col("as_of")) & (F.col("moved_on") < F.col("until"))
    same = [longer[name] == moves[name] for name in _SERIES]
    met = longer.join(moves, [*same, within], "left").select(
        *(longer[name] for name in longer.columns), "moved_on", "is_receipt"
    )
    told = met.groupBy(*longer.columns).agg(
        F.min(F.when(~F.col("is_receipt"), F.col("moved_on"))).alias("first_sale"),
        F.min(F.when(F.col("is_receipt"), F.col("moved_on"))).alias("first_receipt"),
        F.max(F.when(F.col("is_receipt"), F.col("moved_on"))).alias("last_receipt"),
    )
    day = F.explode(F.sequence("as_of", F.date_sub("until", 1))).alias("day")
    days = told.select("*", day).withColumn("share", _share_of_day())
    return days.where("share IS NOT NULL").select(*_SERIES, "day", "share", (~F.col("at_start")).alias("is_timed"))


def _share_of_day() -> Column:
    """Of a longer interval; null where it is not known."""
    receipt = F.col("first_receipt")
    stayed_empty = ~F.col("at_end") & F.col("first_sale").isNull() & receipt.isNull()
    one_receipt = F.col("at_end") & (receipt == F.col("last_receipt"))
    arrived = one_receipt & F.coalesce(F.col("first_sale") >= receipt, F.lit(True))
    return (
        F.when(F.col("at_start"), 0.5)
        .when(stayed_empty, 0.0)
        .when(arrived, F.when(F.col("day") < receipt, 0.0).otherwise(1.0))
    )
