"""Histories and calendars of nodes, and what the base forecasts of series are trusted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from skucast.stages.forecast.groups.group_forecast import leaf_bases
from skucast.stages.forecast.groups.group_series import RECENT, company_calendar, node_demand, node_series
from skucast.stages.forecast.groups.reconciliation import branching_nodes
from skucast.tables import BACKTEST, FORECAST, SERIES_STATUS

pytestmark = pytest.mark.spark

FIRST = date(2011, 1, 3)
PATHS = [("A", "L", ["t", "c"]), ("A", "M", ["t", "c"]), ("B", "L", ["t", "e"])]
KEYS = "item_id string, location_id string"


def day(week: int) -> date:
    return FIRST + timedelta(days=7 * week)


def paths(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(PATHS, f"{KEYS}, path array<string>")


def added_up(
    spark: SparkSession, later: float = 4.0, partitions: int = 1
) -> dict[tuple[str, date], tuple[float, bool]]:
    """A sells 1, 2, 3 … and is out of stock in week 10 and 11; M is closed in week 3; B sells from week 9 on."""
    rows = [("A", "L", week, float(week + 1), float(week + 1), False) for week in range(10)]
    rows += [("A", "L", 10, 2.0, None, False), ("A", "L", 11, 30.0, None, False), ("A", "L", 12, later, later, False)]
    rows += [("A", "M", week, 1.0, None if week == 3 else 1.0, week == 3) for week in range(13)]
    rows += [("B", "L", week, 5.0, 5.0, False) for week in range(9, 13)]
    demand = spark.createDataFrame(
        [(item, place, day(week), *rest) for item, place, week, *rest in rows],
        f"{KEYS}, period_start date, sales double, demand double, is_closed boolean",
    ).repartition(partitions)
    nodes = branching_nodes(paths(spark))
    found = node_demand(demand, paths(spark), nodes, "item").collect()
    assert {"item"} == {row["location_id"] for row in found}
    return {(row["item_id"], row["period_start"]): (row["demand"], row["is_closed"]) for row in found}


def test_a_node_has_the_demand_of_its_series_and_a_stock_out_does_not_hide_it(spark: SparkSession):
    found = added_up(spark)
    # "e" has one child.
    assert {"t", "c"} == {key for key, _ in found}
    assert {("c", day(week)): float(week + 1) + (week != 3) for week in range(10)}.items() <= {
        key: value for key, (value, _) in found.items()
    }.items()
    recent = sum(range(11 - RECENT, 11)) / RECENT
    assert (recent + 1.0, False) == found["c", day(10)]
    # More was sold than usual: that is what is known.
    assert (31.0, False) == found["c", day(11)]
    assert (found["c", day(12)][0] + 5.0, False) == found["t", day(12)]
    assert not any(closed for _, closed in found.values())
    assert found == added_up(spark, partitions=4)


def test_what_comes_later_changes_nothing_before(spark: SparkSession):
    ours, theirs = added_up(spark), added_up(spark, later=400.0)
    assert {key for key in ours if ours[key] != theirs[key]} == {("c", day(12)), ("t", day(12))}


def test_a_node_is_as_old_and_as_dear_as_the_best_of_its_series(spark: SparkSession):
    series = spark.createDataFrame(
        [("A", "L", day(4), 0.5), ("A", "M", day(2), 0.8), ("B", "L", day(9), 0.0)],
        f"{KEYS}, start date, revenue_share_before double",
    )
    rows = node_series(series, paths(spark), branching_nodes(paths(spark)), "item", 7).collect()
    found = {row["item_id"]: (row["start"], row["revenue_share_before"], row["evaluation_span"]) for row in rows}
    assert {"t": (day(2), 0.0, 7), "c": (day(2), 0.5, 7)} == found


def test_the_company_is_closed_where_all_are(spark: SparkSession):
    rows = [("L", day(0), True), ("M", day(0), False), ("L", day(1), True), ("M", day(1), True)]
    calendar = spark.createDataFrame(rows, "location_id string, period_start date, is_closed boolean")
    found = company_calendar(calendar, "item").collect()
    assert {day(0): False, day(1): True} == {row["period_start"]: row["is_closed"] for row in found}
    assert {"item"} == {row["location_id"] for row in found}


def test_a_series_is_trusted_by_its_champion_else_by_its_spread_and_wholly_where_it_is_0_for_certain(
    spark: SparkSession,
):
    def forecast(item: str, place: str, top: float) -> dict[str, object]:
        return {"item_id": item, "location_id": place, "step": 1, "mean": 2.0, "quantiles": [0.0, top]}

    trials = [("A", "ses", True, 8.0, 4), ("A", "ses", True, 1.0, 2), ("A", "mean", False, 99.0, 4)]
    backtest = [
        {"item_id": item, "location_id": "L", "method": method, "is_champion": best, "sum_squared_error": error,
         "n_scored": n}
        for item, method, best, error, n in trials
    ]  # fmt: skip
    status = [{"item_id": item, "location_id": place, "scale": 3.0} for item, place, _ in PATHS]
    found = leaf_bases(
        FORECAST.frame(spark, [forecast("A", "L", 5.0), forecast("A", "M", 0.0), forecast("B", "L", 1.0)]),
        BACKTEST.frame(spark, backtest),
        SERIES_STATUS.frame(spark, status),
        paths(spark),
    )
    variance = {(row["item_id"], row["location_id"]): row["variance"] for row in found.collect()}
    assert {("A", "L"): 1.5, ("A", "M"): 0.0, ("B", "L"): 9.0} == variance
