"""How far ahead forecasts must reach."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.errors import ConfigError
from skucast.periods import DecisionClock, Frequency
from skucast.spark.queries import register_functions
from skucast.stages.lead_times.horizon import Protection, default_span, evaluation_spans, longest_protection
from skucast.stages.lead_times.measurement import LeadTimeTerms, lead_times, supply
from skucast.tables import ITEM_LOCATION, OPEN_ORDER, RECEIPT, SUPPLIER

pytestmark = pytest.mark.spark

D = date(2011, 10, 3)
INPUTS = (OPEN_ORDER, RECEIPT, ITEM_LOCATION, SUPPLIER)
DEFAULTS = {"lead_time_days": 14.0, "lead_time_sd_days": 0.0, "review_period_days": 7.0}


def longest(
    spark: SparkSession, *rows: dict[str, Any], frequency: Frequency = Frequency.WEEK, **defaults: float
) -> Protection:
    held = [{"item_id": "A", "location_id": "GB-1", "valid_from": date(1900, 1, 1)} | row for row in rows]
    listed, clock = ITEM_LOCATION.frame(spark, held), DecisionClock(D, frequency)
    return longest_protection(listed, timed(spark, held, clock, DEFAULTS | defaults), clock, DEFAULTS | defaults)


def timed(
    spark: SparkSession, held: list[dict[str, Any]], clock: DecisionClock, defaults: dict[str, float]
) -> DataFrame:
    terms = LeadTimeTerms(clock.decision_date, clock.frequency, defaults)
    tables = {table.name: table.frame(spark, held if table is ITEM_LOCATION else ()) for table in INPUTS}
    return lead_times(supply(**tables, terms=terms), terms)


def measured(spark: SparkSession, **row: Any) -> DataFrame:
    register_functions(spark)
    law = [0.0, 0.9, *[0.0] * 8, 0.1]
    columns = {"lead_time": 1, "review_period": 1, "order_interval": 1, "lead_time_law": law} | row
    return spark.createDataFrame([("A", "x", *columns.values())], ["item_id", "location_id", *columns])


def test_measured_lead_times_reach_as_far_as_twice_the_protection_period(spark):
    """Late in ten periods: 1 + 10 are cut to 2·(1 + 1), and never stop the run."""
    clock, nothing = DecisionClock(D, Frequency.WEEK), ITEM_LOCATION.frame(spark)
    short = DEFAULTS | {"lead_time_days": 0.0}
    assert Protection(1, 4, "defaults") == longest_protection(nothing, measured(spark), clock, short)
    assert Protection(1, 11, "defaults") == longest_protection(nothing, measured(spark, lead_time=5), clock, short)
    assert Protection(1, 400, "defaults") == longest_protection(nothing, measured(spark, lead_time=900), clock, short)
    assert 3 == longest_protection(nothing, measured(spark, order_interval=7), clock, DEFAULTS).periods
    assert [8] == [r["evaluation_span"] for r in evaluation_spans(measured(spark, order_interval=7), 9).collect()]
    assert [5] == [r["evaluation_span"] for r in evaluation_spans(measured(spark, order_interval=7), 5).collect()]


def test_the_longest_review_plus_lead_time_counts_whoever_has_it(spark):
    """Days become periods one by one, rounded up: 8 + 15 days are 2 + 3 weeks, not 4."""
    assert Protection(3, 3, "defaults") == longest(spark)
    assert Protection(3, 3, "defaults") == longest(spark, {"lead_time_days": 0.0})
    assert Protection(5, 5, "B at GB-1") == longest(
        spark, {"lead_time_days": 21.0}, {"item_id": "B", "review_period_days": 8.0, "lead_time_days": 15.0}
    )
    assert Protection(21, 21, "defaults") == longest(spark, frequency=Frequency.DAY)
    # Without lead time an order still has to last until the next review, of one period at least.
    assert Protection(1, 1, "defaults") == longest(spark, lead_time_days=0.0, review_period_days=0.5)


def test_late_deliveries_widen_the_horizon_and_not_the_protection_period(spark):
    """z(0.99) = 2.326: 14 days ± 7 are late up to day 30.3, that is five weeks."""
    assert Protection(3, 6, "defaults") == longest(spark, lead_time_sd_days=7.0)
    late = longest(spark, {"lead_time_sd_days": 7.0, "lead_time_days": 7.0})
    assert Protection(3, 5, "defaults") == late


def test_rows_that_hold_from_a_later_day_do_not_count(spark):
    assert Protection(3, 3, "defaults") == longest(spark, {"lead_time_days": 70.0, "valid_from": date(2011, 10, 4)})
    assert 11 == longest(spark, {"lead_time_days": 70.0, "valid_from": D}).periods


def test_a_protection_period_beyond_every_horizon_is_refused(spark):
    with pytest.raises(
        ConfigError, match=r"A at GB-1 is 402 periods, the longest possible is 400: correct its lead_time"
    ):
        longest(spark, {"lead_time_days": 401.0}, frequency=Frequency.DAY, review_period_days=1.0)


def test_every_item_has_the_protection_period_of_its_own_row_in_force(spark):
    held = [
        {"item_id": "A", "location_id": "GB-1", "valid_from": date(1900, 1, 1), "lead_time_days": 21.0},
        {"item_id": "B", "location_id": "GB-1", "valid_from": date(1900, 1, 1)},
        {"item_id": "C", "location_id": "GB-1", "valid_from": date(2011, 10, 4), "lead_time_days": 70.0},
    ]
    clock = DecisionClock(D, Frequency.WEEK)
    found = evaluation_spans(timed(spark, held, clock, DEFAULTS), 9).collect()
    assert {"A": 4, "B": 3} == {row["item_id"]: row["evaluation_span"] for row in found}
    assert default_span(clock, DEFAULTS) == 3
