"""Table ``event`` → events and drivers of each location and period, each with the origin that first knew it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from skucast.forecasting.panel.covariates import Fill
from skucast.periods import Frequency
from skucast.stages.demand.calendar import period_of

ITEM_PRICE = "item_price"
"""Driver: logarithm of an item's price over its usual one."""


class ItemPrice(StrEnum):
    """Which items' prices are a driver."""

    NONE = "none"
    LISTED = "listed"
    """Of those whose price list has changes: of the others nothing is known ahead."""
    ALL = "all"
    """Held where there is no list."""


_NUMERIC = ("price", "weather", "promotion")
_FACT = ("location_id", "t", "name", "is_driver")


@dataclass(frozen=True)
class Catalogue:
    """Names of what drives demand; a fact's code is its place in ``events`` followed by ``drivers``.

    Attributes:
        events: by name.
        drivers: by name, with what stands where nothing is known.
        item_price: whose prices the rows carry.
    """

    events: tuple[str, ...] = ()
    drivers: tuple[tuple[str, Fill], ...] = ()
    item_price: ItemPrice = ItemPrice.NONE

    @classmethod
    def of(cls, named: Sequence[Row], item_price: ItemPrice = ItemPrice.NONE) -> Catalogue:
        """Of the rows of ``names_of``."""
        used = sorted((row for row in named if row["is_used"]), key=lambda row: row["name"])
        fills = {True: Fill.ZERO, False: Fill.USUAL}
        return cls(
            tuple(row["name"] for row in used if not row["is_driver"]),
            tuple((row["name"], fills[row["is_promotion"]]) for row in used if row["is_driver"]),
            item_price,
        )


NOTHING = Catalogue()


def known_events(
    event: DataFrame, *, first: date, last_day: date, known_before: date, names: Sequence[str] | None
) -> DataFrame:
    """Rows of ``event`` of these names that were known by then and fall between the two days; no closures.

    Args:
        event: rows of table ``event``.
        first: first day of the span.
        last_day: last day of the span.
        known_before: the decision date.
        names: None: all.
    """
    is_known = F.coalesce(F.col("known_at") < F.lit(known_before), F.lit(True))
    found = event.where(is_known & F.col("event_date").between(F.lit(first), F.lit(last_day)))
    found = found.where(~F.col("kind").eqNullSafe("closure"))
    return found if names is None else found.where(F.col("name").isin(list(names)))


def n_known_late() -> Column:
    """How many rows were known only on their own day or after it, and so explain the past alone."""
    return F.count_if(F.col("known_at") >= F.col("event_date"))


def facts_per_period(known: DataFrame, *, first: date, n_periods: int, frequency: Frequency) -> DataFrame:
    """Events and drivers of every period in which there are any.

    A value of kind price, weather or promotion is a driver: the mean over the days of the period that have one, of
    a promotion over all days. Everything else is an event: the number of its days in the period. The same name
    twice on one day counts once. Of several days the latest says since when they are known: no origin counts a day
    that was not announced yet. A price or weather of which nothing is known from ``n_periods`` on at its location
    is no use ahead.

    Args:
        known: rows that ``known_events`` leaves.
        first: first day of period 0.
        n_periods: periods of history.
        frequency: length of a period.

    Returns:
        One row per ``location_id``, ``t``, ``name`` and ``is_driver``: ``is_promotion``, ``value``, ``known_from``
        (periods an origin must know to know of it, 0 if always) and ``is_used``.
    """
    days, is_driver = frequency.days, F.col("kind").isin(*_NUMERIC) & F.col("value").isNotNull()
    since = F.greatest(F.floor(F.datediff("known_at", F.lit(first)) / days) + 1, F.lit(0))
    t = F.datediff(period_of(F.col("event_date"), frequency), F.lit(first)) / days
    per_day = known.select(
        "location_id", "event_date", t.cast("int").alias("t"), "name", "value",
        F.coalesce(is_driver, F.lit(False)).alias("is_driver"), F.coalesce(since, F.lit(0)).alias("since"),
        F.col("kind").eqNullSafe("promotion").alias("is_promotion"),
    ).groupBy(*_FACT, "event_date").agg(
        F.avg("value").alias("value"), F.min("since").alias("since"), F.max("is_promotion").alias("is_promotion"),
    )  # fmt: skip
    per_period = per_day.groupBy(*_FACT).agg(
        F.max("is_promotion").alias("is_promotion"),
        _strength(days).alias("value"),
        F.max("since").cast("int").alias("known_from"),
    )  # fmt: skip
    last = F.max("t").over(Window.partitionBy("location_id", "name", "is_driver"))
    is_used = ~F.col("is_driver") | F.col("is_promotion") | (last >= n_periods)
    return per_period.withColumn("is_used", is_used)


def _strength(days: int) -> Column:
    number = F.when(F.max("is_promotion"), F.sum("value") / days).otherwise(F.avg("value"))
    flag = F.count(F.lit(1))
    return F.when(F.col("is_driver"), number).otherwise(flag.cast("double"))


def names_of(facts: DataFrame) -> DataFrame:
    """One row per ``name`` and ``is_driver``: ``is_promotion``, whether it ``is_used`` anywhere, whether everywhere."""
    return facts.groupBy("name", "is_driver").agg(
        F.max("is_promotion").alias("is_promotion"),
        F.max("is_used").alias("is_used"),
        F.min("is_used").alias("is_used_everywhere"),
    )


def coded(facts: DataFrame, catalogue: Catalogue) -> DataFrame:
    """One row per location and period with facts: ``facts``, their codes, values and origins."""
    drivers = [name for name, _ in catalogue.drivers]
    of_event = F.array_position(F.array(*map(F.lit, catalogue.events)).cast("array<string>"), F.col("name")) - 1
    of_driver = F.array_position(F.array(*map(F.lit, drivers)).cast("array<string>"), F.col("name")) - 1
    code = F.when(F.col("is_driver"), of_driver + len(catalogue.events)).otherwise(of_event).cast("int")
    fact = F.struct(code.alias("code"), "value", "known_from")
    return facts.where("is_used").groupBy("location_id", "t").agg(F.collect_list(fact).alias("facts"))


def list_prices(item: DataFrame, *, first: date, last: date, frequency: Frequency) -> DataFrame:
    """Price list of the items whose list price changes in the span: ``item_id``, ``t``, ``list_price``.

    A price counts from the first period that begins on or after its day; of several the latest.

    Args:
        item: rows of table ``item``.
        first: first day of period 0.
        last: first day of the last period.
        frequency: length of a period.
    """
    priced = item.where((F.col("unit_price") > 0) & (F.col("valid_from") <= F.lit(last)))
    t = F.greatest(F.ceil(F.datediff("valid_from", F.lit(first)) / frequency.days), F.lit(0)).cast("int").alias("t")
    entries = priced.groupBy("item_id", t).agg(F.max_by("unit_price", "valid_from").alias("list_price"))
    changes = entries.where("t > 0").select("item_id").distinct()
    return entries.join(changes, "item_id", "left_semi")
