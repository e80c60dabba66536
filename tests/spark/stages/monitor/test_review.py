"""Stored forecasts beside the demand after them: which windows, whose promise, and the same in any partitioning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.forecasting.monitoring.realised import Past
from skucast.forecasting.monitoring.verdict import Rules
from skucast.periods import Frequency
from skucast.stages.monitor.champion_retention import tenure
from skucast.stages.monitor.past_forecasts import Cutoffs, past_forecasts, past_of, reviewed_cutoffs
from skucast.stages.monitor.review import Review
from skucast.tables import DEMAND, FORECAST, FORECAST_REVIEW, FORECAST_REVIEW_CLASS, POLICY, SERIES_STATUS
from skucast.tables.check import check

pytestmark = pytest.mark.spark

FIRST, N_ITEMS, HORIZON = date(2011, 1, 3), 7, 4
LEVELS = (0.1, 0.5, 0.9)


def week(number: int) -> date:
    return FIRST + timedelta(days=7 * number)


PLACES = (0, 1, 3, 4)
"""Weeks of the cutoffs: no forecast was made in week 2."""
CUTOFFS = Cutoffs(tuple(week(place) for place in PLACES), week(6), Frequency.WEEK, LEVELS, 2)
RULES = Rules(2, 0.02, 0.9, (0.7, 1.5))
REVIEW = Review(CUTOFFS, RULES, {"decision_date": week(7), "run_id": "run-1"})


def key(item: int) -> dict[str, Any]:
    return {"item_id": f"i{item}", "location_id": "L1"}


def sold(item: int, t: int) -> float:
    return 10.0 * item + t


def rows_of_demand() -> list[dict[str, Any]]:
    """Item 0 begins to sell in week 3; item 1 runs out in week 4; item 2 is closed in week 5; later weeks exist too."""
    rows = []
    for item in range(N_ITEMS):
        for t in range(3 if item == 0 else -2, 10):
            is_out, is_closed = (item, t) == (1, 4), (item, t) == (2, 5)
            demand = None if is_out or is_closed else sold(item, t)
            rows.append({**key(item), "period_start": week(t), "sales": 0.0 if is_closed else sold(item, t),
                         "demand": demand, "is_closed": is_closed, "is_censored": is_out})  # fmt: skip
    return rows


def rows_of_forecast() -> list[dict[str, Any]]:
    """The mean of each sum tells its item, cutoff and step."""
    return [
        {**key(item), "cutoff": week(place), "step": step, "quantile_levels": list(LEVELS),
         "cumulative_mean": 100.0 * item + 10 * place + step, "cumulative_sd": 1.0 * step,
         "cumulative_quantiles": [1.0 * step, 2.0 * step, 3.0 * step]}
        for item in range(N_ITEMS) for place in (*PLACES, 6, 7) for step in range(1, HORIZON + 1)
    ]  # fmt: skip


def rows_of_status() -> list[dict[str, Any]]:
    return [
        {**key(item), "cutoff": week(place), "demand_class": "smooth" if item < 4 else "lumpy", "status": "fitted",
         "method": "ses" if place > 1 else "mean", "spread_factor": 1.0 if place < 4 else 1.25, "kept_since": None}
        for item in range(N_ITEMS) for place in (*PLACES, 6, 7)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def past(spark: SparkSession) -> DataFrame:
    policy = [{**key(3), "decision_date": week(4), "protection_period": 3, "reorder_point": 95.0,
               "cycle_service_level": 0.9}]  # fmt: skip
    spans = spark.createDataFrame([("i5", "L1", 1)], "item_id string, location_id string, evaluation_span int")
    return past_forecasts(
        FORECAST.frame(spark, rows_of_forecast()),
        SERIES_STATUS.frame(spark, rows_of_status()),
        POLICY.frame(spark, policy),
        DEMAND.frame(spark, rows_of_demand()),
        spans,
        CUTOFFS,
    ).persist()


@pytest.fixture(scope="module")
def arrays(past: DataFrame) -> Past:
    return past_of(past.orderBy("item_id").toArrow().combine_chunks().to_batches()[0], CUTOFFS)


def test_the_sum_up_to_the_next_forecast_and_that_of_the_protection_period(arrays: Past):
    """Cutoffs in weeks 0, 1, 3 and 4: the next ones come after 1, 2, 1 and, at the review, 2 weeks."""
    assert [[1, 2, 1, 2]] * N_ITEMS == arrays.following.length.tolist()
    np.testing.assert_allclose([401, 412, 431, 442], arrays.following.mean[4])
    assert [2, 2, 2, 2] == arrays.protection.length[4].tolist()
    assert [1, 1, 1, 1] == arrays.protection.length[5].tolist()
    # The policy of week 4, whose cutoff is week 3, promised three weeks.
    assert [2, 2, 3, 2] == arrays.protection.length[3].tolist()
    assert (95.0, 0.9) == (arrays.reorder_point[3, 2], arrays.cycle_service_level[3, 2])
    assert np.isnan(np.delete(arrays.reorder_point.ravel(), 3 * 4 + 2)).all()
    assert [1.0, 1.0, 1.0, 1.25] == arrays.factor[4].tolist()
    np.testing.assert_allclose([[2, 4, 6]] * 4, arrays.protection.quantiles[4])


def test_demand_is_that_of_the_weeks_after_the_cutoff_up_to_the_review(arrays: Past):
    expected = [sum(sold(4, t) for t in (place + 1, place + 2)) for place in PLACES]
    np.testing.assert_allclose(expected, arrays.protection.demand[4])
    # Three weeks from week 4 on are over on the review's date, in week 7; four from week 5 on would not be.
    np.testing.assert_allclose(sum(sold(3, t) for t in (4, 5, 6)), arrays.protection.demand[3, 2])


def test_what_is_not_known_is_not_taken_for_demand(arrays: Past):
    """Before the first sale there is no demand to compare; a week that ran out is a bound; a closed one is known."""
    assert [False, False, True, True] == arrays.protection.is_there[0].tolist()
    assert [True, True, False, True] == arrays.protection.is_known[1].tolist()
    np.testing.assert_allclose(sold(1, 4) + sold(1, 5), arrays.protection.demand[1, 2])
    assert arrays.protection.is_known[2].all()
    np.testing.assert_allclose(sold(2, 4), arrays.protection.demand[2, 2])


def test_reviews_keep_their_contract_and_do_not_depend_on_the_partitioning(spark: SparkSession, past: DataFrame):
    found = []
    for rows in (past.coalesce(1), past.repartition(4, "item_id")):
        classes = REVIEW.classes(rows)
        of_classes, of_series = REVIEW.class_rows(spark, classes), REVIEW.series_rows(rows, classes)
        check(of_classes, FORECAST_REVIEW_CLASS, "forecast_review_class")
        check(of_series, FORECAST_REVIEW, "forecast_review")
        found.append([
            sorted(of_classes.collect(), key=lambda row: row["demand_class"]),
            sorted(of_series.collect(), key=lambda row: row["item_id"]),
        ])  # fmt: skip
    assert found[0] == found[1]
    of_classes, of_series = found[0]
    assert [("lumpy", "ses", 3), ("smooth", "ses", 4)] == [
        (row["demand_class"], row["method"], row["n_series"]) for row in of_classes
    ]
    assert [f"i{item}" for item in range(N_ITEMS)] == [row["item_id"] for row in of_series]


def test_forecasts_with_other_levels_are_left_out(spark: SparkSession, past: DataFrame):
    others = [{**row, "quantile_levels": [0.1, 0.5, 0.95]} for row in rows_of_forecast()]
    none = past_forecasts(
        FORECAST.frame(spark, others), SERIES_STATUS.frame(spark, rows_of_status()), POLICY.frame(spark),
        DEMAND.frame(spark, rows_of_demand()),
        spark.createDataFrame([], "item_id string, location_id string, evaluation_span int"), CUTOFFS,
    )  # fmt: skip
    assert none.isEmpty()


def test_cutoffs_of_the_window_are_reviewed():
    found = [week(3), week(0), week(7), week(6), week(-40)]
    assert (week(0), week(3)) == reviewed_cutoffs(found, week(6), 70)


def test_a_champion_stays_where_a_review_found_nothing(spark: SparkSession):
    """One is stable, one due, one has too few forecasts, one had a fallback and one is stable and was kept before."""
    verdicts = [("stable", "none"), ("drifted", "reselect"), ("too_few", "none"), ("stable", "none"),
                ("over_covered", "recalibrate")]  # fmt: skip
    review = FORECAST_REVIEW.frame(spark, [
        {**key(item), "verdict": verdict, "action": action, "explanation": f"because {item}", "spread_factor": 1.1}
        for item, (verdict, action) in enumerate(verdicts)
    ])  # fmt: skip
    status = SERIES_STATUS.frame(spark, [
        {**key(item), "cutoff": week(6), "method": "ses", "status": "fallback" if item == 3 else "fitted",
         "kept_since": week(2) if item == 4 else None}
        for item in range(5)
    ])  # fmt: skip
    kept = {row["item_id"]: tuple(row)[2:] for row in tenure(review, status, keeps=True).collect()}
    free = {row["item_id"]: tuple(row)[2:] for row in tenure(review, status, keeps=False).collect()}
    assert {
        "i0": (1.1, None, "ses", week(6)), "i1": (1.1, "because 1", None, None), "i2": (1.1, None, None, None),
        "i3": (1.1, None, None, None),
        "i4": (1.1, None, "ses", week(2)),
    } == kept  # fmt: skip
    assert {item: (1.1, "because 1" if item == "i1" else None, None, None) for item in kept} == free
