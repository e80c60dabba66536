"""Exceptional demand, found where it happens: orders far beyond the usual that make their period.

A purchase is what one party takes of an item at a location in a period: a customer with all its orders, or an order
where the customer is unknown. Sizes are judged by their logarithm, by robust statistics of the item and location that
are shrunk toward its category, and that toward all, where there are few purchases.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from skucast.periods import Frequency
from skucast.stages.demand.calendar import period_of

SERIES = ("item_id", "location_id")

QUARTILE_TO_SD = 0.67449
"""Distance from median to upper quartile of a normal distribution, in standard deviations."""

LEAST_SD = 0.5
"""Least standard deviation of the logarithm of sizes: sizes that never varied are no proof that they cannot."""

MIN_PERIODS = 5
"""Fewer periods with sales than this do not tell what is usual."""

MIN_PURCHASES = 8
"""Purchases that a series needs to inform its category."""

WEIGHT_OF_SPREAD, WEIGHT_OF_CENTRE, WEIGHT_OF_ALL = 10.0, 3.0, 5.0
"""Purchases that the category's spread, and its centre, weigh; and series that all categories together weigh."""

FEW = 20.0
"""Purchases with which a spread of logarithms is known so badly that its square counts twice."""

RECURRENCES = 2
"""Other weeks, at most ``YEAR`` away, with a purchase half as large or larger, from which on such sizes are usual."""

YEAR = 365
SEASON_DAYS = 28
"""A purchase this near to the same day of another year, half as large or larger, tells that the season has them."""

DENSE, MIN_DENSE = 0.4, 10
"""Share of days with sales from which on single lines every day are totals of the day; and fewest such days."""


def usual_sizes(bought: DataFrame, item: DataFrame, *, frequency: Frequency, decision_date: date) -> DataFrame:
    """What sizes of purchases and of periods are usual. The rows are read several times: better kept.

    Args:
        bought: as ``orders.corrected`` gives it.
        item: rows of table ``item``.
        frequency: length of a period.
        decision_date: rows of ``item`` in force then are used.

    Returns:
        One row per series that can be judged, which are not totals of days or weeks that come as lines and have at
        least ``MIN_PERIODS`` periods of sales: its ``category``, purchases ``n``, ``usual`` size, ``centre`` and
        ``variance`` of the logarithm of sizes; median and upper quartile of its periods (``sums``).
    """
    sizes = _purchases(bought, frequency)
    quartiles = F.percentile("sold", F.array(F.lit(0.5), F.lit(0.75)))
    of_sizes = sizes.groupBy(*SERIES).agg(F.count(F.lit(1)).alias("n"), quartiles.alias("sizes"))
    per_period = sizes.groupBy(*SERIES, "period_start").agg(F.sum("sold").alias("sold"))
    of_periods = per_period.groupBy(*SERIES).agg(F.count(F.lit(1)).alias("n_periods"), quartiles.alias("sums"))
    in_force = item.where(F.col("valid_from") <= F.lit(decision_date))
    category = in_force.groupBy("item_id").agg(F.max_by("category", "valid_from").alias("category"))
    middle, upper = F.col("sizes")[0], F.col("sizes")[1]
    # Between two whole sizes the median is the smaller one: a part of a unit is no usual size.
    is_half = (middle > 1) & (middle != F.floor("middle")) & (2 * middle == F.floor(2 * middle))
    told = of_sizes.withColumns({"middle": middle, "centre": F.log(middle)}).withColumns(
        {
            "usual": F.when(is_half, F.floor("middle")).otherwise(middle),
            "variance": ((F.log(upper) - F.col("centre")) / QUARTILE_TO_SD) ** 2,
        }
    )
    judged = told.join(of_periods.where(F.col("n_periods") >= MIN_PERIODS), [*SERIES])
    return judged.join(_totals(bought), [*SERIES], "left_anti").join(category, "item_id", "left")


def exceptional_demand(bought: DataFrame, usual: DataFrame, *, frequency: Frequency, limit: float) -> DataFrame:
    """Periods with purchases that are far beyond the usual size and make the period exceptional.

    No exceptions: sizes that recur within a year, or about the same time in another year; series of which ``usual`` has
    no row. Whether a promotion ran is asked later.

    Args:
        bought: as ``orders.corrected`` gives it.
        usual: as ``usual_sizes`` gives it.
        frequency: length of a period.
        limit: standard deviations beyond the usual from which on a size, and a period, is exceptional.

    Returns:
        One row per series and period with such purchases: ``excess`` and ``beyond_limit``, their units beyond the usual
        size and beyond the largest size that is not exceptional; ``period_limit``, above which the period is
        exceptional; ``reason``, ``bulk_order`` or ``one_customer`` (one customer with several orders).
    """
    limits, week = _limits(usual, limit), period_of(F.col("period_start"), Frequency.WEEK)
    near = _purchases(bought, frequency).join(limits, [*SERIES]).where(F.col("sold") > F.col("size_limit") / 2)
    beside = F.collect_list(F.struct("week", "sold")).over(Window.partitionBy(*SERIES))
    large = near.withColumn("week", week).withColumn("beside", beside)
    found = large.where((F.col("sold") > F.col("size_limit")) & ~_recurs() & ~_is_seasonal())
    largest = F.when(F.col("usual") == F.floor("usual"), F.floor("size_limit")).otherwise(F.col("size_limit"))
    return found.groupBy(*SERIES, "period_start").agg(
        F.sum(F.col("sold") - F.col("usual")).alias("excess"),
        F.sum(F.col("sold") - largest).alias("beyond_limit"),
        F.max("period_limit").alias("period_limit"),
        F.when(F.max("has_orders"), "one_customer").otherwise("bulk_order").alias("reason"),
    )


def _purchases(bought: DataFrame, frequency: Frequency) -> DataFrame:
    """One row per series, period and party: what was ``sold``, and whether in several orders."""
    period = period_of(F.col("day"), frequency).alias("period_start")
    has_orders = (F.min("order_key") < F.max("order_key")).alias("has_orders")
    of_party = bought.where("sold > 0").groupBy(*SERIES, period, "party")
    return of_party.agg(F.sum("sold").alias("sold"), has_orders)


def _alike() -> Column:
    """Purchases of the series at least half as large."""
    return F.filter("beside", lambda other: other["sold"] >= F.col("sold") / 2)


def _recurs() -> Column:
    weeks = F.array_distinct(F.transform(_alike(), lambda other: other["week"]))
    near = F.filter(weeks, lambda other: F.abs(F.datediff(other, F.col("week"))).between(1, YEAR))
    return F.size(near) >= RECURRENCES


def _is_seasonal() -> Column:
    def same_time(other: Column) -> Column:
        days = F.abs(F.datediff(other["week"], F.col("week")))
        years = F.round(days / F.lit(365.25))
        return (years >= 1) & (F.abs(days - years * 365.25) <= SEASON_DAYS)

    return F.exists(_alike(), same_time)


def _totals(bought: DataFrame) -> DataFrame:
    """Series of single lines on most days of their life, or at midnight on one weekday of most weeks: no orders."""
    per_day = (
        bought.where("sold > 0")
        .groupBy(*SERIES, "day")
        .agg(F.sum("n_lines").alias("n_lines"), F.min("at_midnight").alias("at_midnight"))
    )
    weekday = F.weekday("day")
    found = per_day.groupBy(*SERIES).agg(
        F.count(F.lit(1)).alias("n"),
        F.sum("n_lines").alias("n_lines"),
        (F.datediff(F.max("day"), F.min("day")) + 1).alias("life"),
        ((F.min(weekday) == F.max(weekday)) & F.min("at_midnight")).alias("is_weekly"),
    )
    step = F.when(F.col("is_weekly"), 7).otherwise(1)
    is_dense = (F.col("n") >= MIN_DENSE) & (F.col("n") * step >= DENSE * F.col("life"))
    return found.where(is_dense & (F.col("n_lines") <= 1.01 * F.col("n"))).select(*SERIES)


def _limits(usual: DataFrame, limit: float) -> DataFrame:
    """Largest size and largest period of each series that are not exceptional."""
    shrunk = _with_classes(usual)
    n = F.col("n")
    variance = (n * F.col("variance") + WEIGHT_OF_SPREAD * F.col("class_variance")) / (n + WEIGHT_OF_SPREAD)
    centre = (n * F.col("centre") + WEIGHT_OF_CENTRE * F.col("class_centre")) / (n + WEIGHT_OF_CENTRE)
    # A series that buys in large sizes is never measured by a category that buys in small ones.
    sd = F.greatest(F.sqrt(variance), F.lit(LEAST_SD)) * F.sqrt(1 + FEW / n)
    size_limit = F.exp(F.greatest("centre", centre) + limit * sd)
    middle, upper = F.col("sums")[0], F.col("sums")[1]
    # A Poisson number of purchases of the usual size varies at least so much.
    spread = F.greatest((upper - middle) / QUARTILE_TO_SD, F.sqrt(middle * F.col("usual")))
    # The keys get identities of their own: Spark cannot tell those of the checkpointed sizes from those of the orders.
    keys = (F.col(name).alias(name) for name in SERIES)
    return shrunk.select(
        *keys, "usual", size_limit.alias("size_limit"), (middle + limit * spread).alias("period_limit")
    )


def _with_classes(usual: DataFrame) -> DataFrame:
    """With ``class_centre`` and ``class_variance``: medians of the category, shrunk toward those of all series."""
    informative = usual.where(F.col("n") >= MIN_PURCHASES)
    of_all = informative.agg(*_medians("all"))
    of_category = informative.groupBy("category").agg(F.count(F.lit(1)).alias("n_series"), *_medians("category"))
    joined = usual.join(F.broadcast(of_category), "category", "left").crossJoin(F.broadcast(of_all))
    n = F.coalesce("n_series", F.lit(0))

    def of_class(name: str, otherwise: Column) -> Column:
        everyone = F.coalesce(f"all_{name}", otherwise)
        own = F.coalesce(f"category_{name}", everyone)
        return (n * own + WEIGHT_OF_ALL * everyone) / (n + WEIGHT_OF_ALL)

    return joined.withColumns(
        {
            "class_centre": of_class("centre", F.col("centre")),
            "class_variance": of_class("variance", F.lit(LEAST_SD**2)),
        }
    )


def _medians(prefix: str) -> list[Column]:
    # Thousandths keep the table of values small, however many series there are.
    return [F.median(F.round(name, 3)).alias(f"{prefix}_{name}") for name in ("centre", "variance")]
