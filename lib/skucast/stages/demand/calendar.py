"""The calendar of the panel: which periods are closed, in which a promotion runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.periods import MONDAY, Frequency, add_periods, period_start


def period_of(day: Column, frequency: Frequency) -> Column:
    """First day of the period that contains ``day``, as a column."""
    if frequency is Frequency.DAY:
        return F.to_date(day)
    return F.date_sub(F.to_date(day), F.pmod(F.datediff(F.to_date(day), F.lit(MONDAY)), F.lit(7)))


def first_full_period(
    first_day: date, frequency: Frequency, *, closed_weekdays: Sequence[int], closed_dates: Sequence[date]
) -> date:
    """First period that the data cover whole: no open day of it lies before the oldest order line."""
    start = period_start(first_day, frequency)
    days_before = (start + timedelta(days=n) for n in range((first_day - start).days))
    missed = [day for day in days_before if day.isoweekday() not in closed_weekdays and day not in closed_dates]
    return add_periods(start, 1, frequency) if missed else start


def period_calendar(
    locations: DataFrame,
    event: DataFrame,
    *,
    first: date,
    last: date,
    frequency: Frequency,
    closed_weekdays: Sequence[int],
    closed_dates: Sequence[date],
    known_before: date,
) -> DataFrame:
    """The calendar of each location.

    Args:
        locations: one row per ``location_id``.
        event: rows of table ``event``; those known on or after ``known_before`` are not used.
        first: first day of the first period.
        last: first day of the last period.
        frequency: length of a period.
        closed_weekdays: ISO weekdays on which nothing is sold.
        closed_dates: dates on which nothing is sold.
        known_before: the decision date.

    Returns:
        One row per location and period: ``open_days`` (dates), ``is_closed`` (no open day), ``promotion``.
    """
    last_day = last + timedelta(days=frequency.days - 1)
    day = F.explode(F.sequence(F.lit(first), F.lit(last_day))).alias("day")
    known = event.where(F.coalesce(F.col("known_at") < F.lit(known_before), F.lit(True)))
    per_day = known.groupBy("location_id", F.col("event_date").alias("day")).agg(
        F.max(F.col("kind") == "closure").alias("closure"),
        F.max(F.col("kind") == "promotion").alias("promotion"),
    )
    weekday = F.weekday("day") + 1
    closed = F.coalesce(F.col("closure"), F.lit(False)) | weekday.isin(list(closed_weekdays))
    closed = closed | F.col("day").cast("string").isin([day.isoformat() for day in closed_dates])
    days = locations.select("location_id", day).join(F.broadcast(per_day), on=["location_id", "day"], how="left")
    return days.groupBy("location_id", period_of(F.col("day"), frequency).alias("period_start")).agg(
        F.collect_list(F.when(~closed, F.col("day"))).alias("open_days"),
        F.min(closed).alias("is_closed"),
        F.coalesce(F.max("promotion"), F.lit(False)).alias("promotion"),
    )
