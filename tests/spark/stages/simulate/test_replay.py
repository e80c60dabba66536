"""From tables to what came of policies, on a few items made by hand."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.inventory.projection.net_requirement import NEED_LEVELS
from skucast.periods import Frequency
from skucast.stages.simulate.replay import RECENT, Window, outcomes, replay_rows
from skucast.stages.simulate.replay_arrays import Comparison
from skucast.stages.simulate.service_summary import summarise, summary_text
from skucast.tables import DEMAND, FORECAST, SERIES_STATUS

pytestmark = pytest.mark.spark

START, WEEK = date(2011, 10, 3), timedelta(days=7)
WINDOW = Window(START, START + 4 * WEEK, Frequency.WEEK)
ITEMS = ("a", "b", "c", "unknown stock")
LEVELS = (0.05, 0.5, 0.95)
TERMS = (
    "item_id STRING, location_id STRING, lead_time INT, review_period INT, next_review DATE, "
    "lead_time_law ARRAY<DOUBLE>, "
    "replenishment_policy STRING, rounding STRING, lot DOUBLE, smallest_lot DOUBLE, min_order_quantity DOUBLE, "
    "pack_size DOUBLE, pallet_size DOUBLE, max_order_quantity DOUBLE, max_stock DOUBLE, max_cover_days DOUBLE, "
    "fixed_cost DOUBLE, holding_cost DOUBLE, shortage_cost DOUBLE, unit_cost DOUBLE, unit_price DOUBLE, "
    "on_hand DOUBLE, reserved DOUBLE, order_up_to_level DOUBLE, target_kind STRING, cycle_service_level DOUBLE, "
    "fill_rate_asked DOUBLE, abc_class STRING, xyz_class STRING, do_not_order BOOLEAN, active_from DATE, "
    "active_to DATE, has_forecast BOOLEAN, seed BIGINT, deliveries ARRAY<STRUCT<due_date: DATE, remaining: DOUBLE>>"
)
HOW = Comparison(
    variants=(
        "nothing", "fixed_cover", "textbook", "textbook_policy", "base_stock", "skucast", "configured", "perfect",
    ), levels=(0.5, 0.95),
    covers=(1.0,), score_from=1, unmet_demand="lost_sales", is_constrained=True, truth="observed", n_before=RECENT,
    period_days=7,
)  # fmt: skip


def terms(spark: SparkSession) -> DataFrame:
    rows = []
    for i, item in enumerate((*ITEMS, "not ordered")):
        stock = None if item == "unknown stock" else 30.0
        due = [(START - WEEK, 2.0), (START + timedelta(days=8), 5.0)] if item == "a" else None
        rows.append((
            item, "x", 1, 1, START, [0.0, 1.0], "R_S", "up", 10.0, 10.0, 0.0, 6.0, None, None, None, None, 5.0, 0.1,
            2.0, 4.0, 7.0, stock, 0.0, 44.0, "cycle_service_level", 0.9, None, "A", "X", item == "not ordered",
            None, None, True, 17 + i, due,
        ))  # fmt: skip
    return spark.createDataFrame(rows, TERMS)


def forecast(spark: SparkSession) -> DataFrame:
    rows = [
        {"item_id": item, "location_id": "x", "cutoff": START + (k - 1) * WEEK, "step": h, "period_start": START,
         "quantile_levels": list(LEVELS), "mean": 10.0, "quantiles": [6.0, 10.0, 14.0], "cumulative_mean": 10.0 * h,
         "cumulative_sd": 3.0 * h, "cumulative_quantiles": [6.0 * h, 10.0 * h, 14.0 * h]}
        for item in (*ITEMS, "not ordered") for k in range(-1, 6) for h in (1, 2, 3)
    ]  # fmt: skip
    return FORECAST.frame(spark, rows)


def demand(spark: SparkSession) -> DataFrame:
    rows: list[dict[str, Any]] = [
        {"item_id": item, "location_id": "x", "period_start": START + k * WEEK, "sales": 9.0,
         "demand": None if (item, k) == ("b", 2) else 9.0,
         "is_censored": (item, k) == ("b", 2), "in_stock_share": 0.4 if (item, k) == ("b", 2) else 1.0}
        for item in (*ITEMS, "not ordered") for k in range(-9, 4)
    ]  # fmt: skip
    return DEMAND.frame(spark, rows)


def replayed(spark: SparkSession, n_partitions: int = 2, how: Comparison = HOW) -> pd.DataFrame:
    status = SERIES_STATUS.frame(
        spark, [{"item_id": item, "location_id": "x", "demand_class": "smooth"} for item in ITEMS]
    )
    rows = replay_rows(terms(spark), forecast(spark), demand(spark), status, WINDOW)
    found = outcomes(rows, WINDOW, how, n_partitions).toPandas()
    return found.sort_values(["variant", "target_level", "item_id"], ignore_index=True)


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> pd.DataFrame:
    return replayed(spark)


def test_every_item_that_may_be_ordered_has_a_row_of_each_variant(found: pd.DataFrame) -> None:
    assert found.groupby(["variant", "target_level"])["item_id"].apply(list).tolist() == [sorted(ITEMS)] * 24
    assert set(found["decision_date"]) == {START}
    assert set(found["periods"]) == {3.0}


def test_stock_and_deliveries_are_those_at_the_start(found: pd.DataFrame) -> None:
    """Without orders 30 (unknown: 44) last for demands of 9 a week; item a receives 2 and 5 more."""
    nothing = found[found["variant"] == "nothing"].set_index("item_id")
    assert nothing["demanded"].to_dict() == dict.fromkeys(ITEMS, 27.0)
    assert nothing["filled"].to_dict() == {"a": 27.0, "b": 21.0, "c": 21.0, "unknown stock": 27.0}
    assert nothing["lost_margin"].to_dict() == {"a": 0.0, "b": 18.0, "c": 18.0, "unknown stock": 0.0}
    assert nothing["stock_value"]["c"] == pytest.approx(4 * (12 + 3 + 0) / 3)
    assert nothing["censored_periods"].to_dict() == {"a": 0.0, "b": 1.0, "c": 0.0, "unknown stock": 0.0}


def test_promises_are_told(found: pd.DataFrame) -> None:
    promised = found.groupby(["variant", "target_level"])["promised_cycle_service_level"].first()
    assert promised["configured", 0.0] == 0.9
    assert promised["skucast", 0.95] == promised["textbook", 0.95] == 0.95
    assert promised["nothing":"nothing"].isna().all()
    own = found[found["variant"] == "configured"]
    assert (own["expected_cycles"] == own["cycles"]).all()


def test_partitions_change_nothing(spark: SparkSession, found: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(replayed(spark, n_partitions=5), found)


def test_demand_where_the_shop_ran_out_is_recovered_where_asked(spark: SparkSession) -> None:
    recovered = replayed(spark, how=dataclasses.replace(HOW, truth="recovered", variants=("nothing",)))
    assert recovered.set_index("item_id")["demanded"].to_dict() == {**dict.fromkeys(ITEMS, 27.0), "b": 33.0}


def test_summary_has_all_items_and_their_classes(spark: SparkSession, found: pd.DataFrame) -> None:
    summary = summarise(spark.createDataFrame(found), draws=100, seed=1)
    every = summary[summary["class"] == "all"].set_index(["variant", "target_level"])
    nothing = every.loc[("nothing", 0.0)]
    assert nothing["fill_rate"] == pytest.approx((27 + 21 + 21 + 27) / 108)
    assert nothing["fill_rate_low"] <= nothing["fill_rate"] <= nothing["fill_rate_high"]
    assert set(summary["class"]) == {"all", "AX", "smooth"}
    assert len(summary_text(summary)) == 1 + 24 + 2 + 3
    assert every.loc[("skucast", 0.95), "promised"] == pytest.approx(0.95)


def test_levels_of_the_outlook_reach_the_sweep() -> None:
    assert NEED_LEVELS[0] < 0.01
    assert NEED_LEVELS[-1] > 0.99


def test_without_forecast_no_row(spark: SparkSession) -> None:
    status = SERIES_STATUS.frame(spark)
    other = forecast(spark).where(F.col("item_id") == "a")
    assert replay_rows(terms(spark), other, demand(spark), status, WINDOW).count() == 1
