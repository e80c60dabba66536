"""How far ahead forecasts must reach: the longest protection period among the item-locations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from scipy.stats import norm

from skucast.errors import ConfigError
from skucast.periods import DecisionClock, to_periods

LATE_DELIVERY_LEVEL = 0.99
"""Share of deliveries that the automatic horizon waits for."""
MAX_HORIZON = 400
"""Longest horizon in periods."""


@dataclass(frozen=True)
class Protection:
    """The longest protection period.

    Attributes:
        periods: review period plus lead time.
        with_late_deliveries: the same with the lead time that 99 % of deliveries keep.
        where: item and location that need it, or "defaults".
    """

    periods: int
    with_late_deliveries: int
    where: str


def longest_protection(item_location: DataFrame, clock: DecisionClock, defaults: Mapping[str, float]) -> Protection:
    """The longest protection period of the rows in force and of the defaults.

    Raises:
        ConfigError: if it is longer than a forecast can be.
    """
    rows = protection_periods(item_location, clock, defaults)
    name = F.concat_ws(" at ", "item_id", "location_id")
    found = rows.agg(F.max("periods"), F.max("later"), F.max_by(name, "periods")).first()
    periods, later, where = found or (None, None, None)
    own, default = Protection(periods or 0, later or 0, where or "defaults"), _of_defaults(clock, defaults)
    reach = max(own.with_late_deliveries, default.with_late_deliveries)
    longest = replace(max(own, default, key=lambda each: each.periods), with_late_deliveries=reach)
    if longest.with_late_deliveries > MAX_HORIZON:
        raise ConfigError(
            f"the protection period of {longest.where} is {longest.with_late_deliveries} periods, the longest possible "
            f"is {MAX_HORIZON}: correct its lead_time_days or review_period_days"
        )
    return longest


def protection_periods(item_location: DataFrame, clock: DecisionClock, defaults: Mapping[str, float]) -> DataFrame:
    """Rows in force: item, location, ``periods`` of review and lead time, ``later`` with that of late deliveries."""
    in_force = item_location.where(F.col("valid_from") <= F.lit(clock.decision_date))
    lead, spread, review = (
        F.coalesce(name, F.lit(float(defaults[name])))
        for name in ("lead_time_days", "lead_time_sd_days", "review_period_days")
    )
    review_periods = F.greatest(_periods(review, clock), F.lit(1))
    return in_force.select(
        "item_id",
        "location_id",
        (review_periods + _periods(lead, clock)).alias("periods"),
        (review_periods + _periods(lead + float(norm.ppf(LATE_DELIVERY_LEVEL)) * spread, clock)).alias("later"),
    )


def evaluation_spans(item_location: DataFrame, clock: DecisionClock, defaults: Mapping[str, float]) -> DataFrame:
    """One row per item and location in force: ``evaluation_span``, the longest protection period of its rows."""
    rows = protection_periods(item_location, clock, defaults)
    return rows.groupBy("item_id", "location_id").agg(F.max("periods").alias("evaluation_span"))


def default_span(clock: DecisionClock, defaults: Mapping[str, float]) -> int:
    """Protection period of an item without a row."""
    return _of_defaults(clock, defaults).periods


def _periods(days: Column, clock: DecisionClock) -> Column:
    return F.ceil(F.round(days / float(clock.frequency.days), 9)).cast("int")


def _of_defaults(clock: DecisionClock, defaults: Mapping[str, float]) -> Protection:
    late = defaults["lead_time_days"] + float(norm.ppf(LATE_DELIVERY_LEVEL)) * defaults["lead_time_sd_days"]
    review = max(1, to_periods(defaults["review_period_days"], clock.frequency))
    lead = to_periods(defaults["lead_time_days"], clock.frequency)
    return Protection(review + lead, review + to_periods(late, clock.frequency), "defaults")
