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


def longest_protection(
    item_location: DataFrame, lead_times: DataFrame, clock: DecisionClock, defaults: Mapping[str, float]
) -> Protection:
    """The longest protection period that is stated, and how far forecasts must reach for those that are measured.

    A measured lead time never stops a run, and one odd supplier does not lengthen every forecast: deliveries that are
    late beyond twice the protection period of their row, or beyond the longest horizon, count with its last period.

    Args:
        item_location: stated terms; rows in force count.
        lead_times: as ``lead_times`` of :mod:`skucast.stages.lead_times.measurement` gives them.
        clock: the decision date and the frequency.
        defaults: terms that a row leaves open.

    Raises:
        ConfigError: if a stated one is longer than a forecast can be.
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
    measured = measured_periods(lead_times).agg(F.max("later")).first()
    late = min(MAX_HORIZON, (measured[0] if measured else None) or 0)
    return replace(longest, with_late_deliveries=max(longest.with_late_deliveries, late))


def protection_periods(item_location: DataFrame, clock: DecisionClock, defaults: Mapping[str, float]) -> DataFrame:
    """What rows in force state: item, location, ``periods`` of review and lead time, ``later`` with late deliveries."""
    in_force = item_location.where(F.col("valid_from") <= F.lit(clock.decision_date))
    lead, spread, safety, review = (
        F.coalesce(name, F.lit(float(defaults.get(name, 0.0))))
        for name in ("lead_time_days", "lead_time_sd_days", "safety_lead_time_days", "review_period_days")
    )
    review_periods = F.greatest(_periods(review, clock), F.lit(1))
    late = lead + safety + float(norm.ppf(LATE_DELIVERY_LEVEL)) * spread
    return in_force.select(
        "item_id",
        "location_id",
        (review_periods + _periods(lead + safety, clock)).alias("periods"),
        (review_periods + _periods(late, clock)).alias("later"),
    )


def measured_periods(lead_times: DataFrame) -> DataFrame:
    """As it is planned: item, location, ``periods`` of review and lead time, ``later`` with late deliveries."""
    review = F.greatest("review_period", "order_interval")
    periods = review + F.col("lead_time")
    late = review + F.expr(f"periods_for({LATE_DELIVERY_LEVEL}D, lead_time_law)")
    return lead_times.select(
        "item_id",
        "location_id",
        periods.alias("periods"),
        F.least(F.greatest(periods, late), 2 * periods).alias("later"),
    )


def evaluation_spans(lead_times: DataFrame, horizon: int) -> DataFrame:
    """One row per item and location: ``evaluation_span``, its protection period as far as the forecast reaches."""
    span = F.least("periods", F.lit(horizon)).alias("evaluation_span")
    return measured_periods(lead_times).select("item_id", "location_id", span)


def default_span(clock: DecisionClock, defaults: Mapping[str, float]) -> int:
    """Protection period of an item without a row."""
    return _of_defaults(clock, defaults).periods


def _periods(days: Column, clock: DecisionClock) -> Column:
    return F.ceil(F.round(days / float(clock.frequency.days), 9)).cast("int")


def _of_defaults(clock: DecisionClock, defaults: Mapping[str, float]) -> Protection:
    lead = defaults["lead_time_days"] + defaults.get("safety_lead_time_days", 0.0)
    late = lead + float(norm.ppf(LATE_DELIVERY_LEVEL)) * defaults["lead_time_sd_days"]
    review = max(1, to_periods(defaults["review_period_days"], clock.frequency))
    return Protection(
        review + to_periods(lead, clock.frequency), review + to_periods(late, clock.frequency), "defaults"
    )
