"""Inventory health on a few frames: what a year sold, missed, held and cost, each against its textbook value."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from scipy.stats import poisson

from skucast.stages.plan.health import inventory_health
from skucast.tables import DEMAND, OPEN_ORDER, SERIES_STATUS, STOCK, Table
from tests.spark.stages.plan.planning_cases import WEEKLY

pytestmark = pytest.mark.spark

Row = dict[str, Any]
D = WEEKLY.decision_date
PLANNED = {
    "location_id": "x", "abc_class": "A", "xyz_class": "X", "category": None, "unit_cost": 2.0, "on_hand": 10.0,
    "mean_per_period": 10.0, "holding_cost": 0.01, "fixed_cost": 50.0, "unit_margin": 3.0, "excess": 0.0,
}  # fmt: skip
PLAN_SCHEMA = (
    "item_id string, location_id string, abc_class string, xyz_class string, category string, unit_cost double, "
    "on_hand double, mean_per_period double, holding_cost double, fixed_cost double, unit_margin double, excess double"
)
SHELF = 10.0
"""Stock at the start of every week of the item that often runs out; it wants a Poisson number of 10 units a week."""


def week(back: int) -> date:
    return D - timedelta(days=7 * back)


def sold(item: str, back: int, sales: float, **columns: Any) -> Row:
    known = {"returns": 0.0, "is_censored": False, "is_closed": False, "is_outlier": False, "promotion": False}
    row = {"item_id": item, "location_id": "x", "period_start": week(back), "sales": sales, "unit_price": 5.0}
    return known | row | columns


def demand_rows() -> list[Row]:
    rows = []
    for back in range(1, 53):
        wanted = float(poisson.ppf((back - 0.5) / 52, 10))
        is_out = wanted >= SHELF
        rows.append(
            sold("runs out", back, min(wanted, SHELF), is_censored=is_out, in_stock_share=None if is_out else 1.0)
        )
        rows.append(sold("half a price", back, 10.0, unit_price=5.0 if back % 2 else None))
        # Only the newest four weeks tell whether stock lasted, and two of them say no.
        rows.append(
            sold("seen of late", back, 10.0, is_censored=back <= 2, in_stock_share=1.0 if 2 < back <= 4 else None)
        )
        rows.append(sold("counted anew", back, 10.0))
    # A stock-out of two years ago is no concern of the last year.
    rows.append(sold("runs out", 104, SHELF, is_censored=True))
    return [*rows, sold("ordered early", 2, 10.0), sold("ordered early", 1, 10.0)]


def counts() -> list[Row]:
    monthly = [(335 - 30 * n + 28, 100.0) for n in range(11)]
    daily = [(n, 0.0) for n in range(29)]
    rows = [("counted anew", back, on_hand) for back, on_hand in monthly + daily]
    rows += [("half a price", 0, 100.0), ("runs out", 0, 10.0)]
    return [
        {"item_id": item, "location_id": "x", "as_of": D - timedelta(days=back), "on_hand": on_hand}
        for item, back, on_hand in rows
    ]


@pytest.fixture(scope="module")
def health(spark: SparkSession) -> dict[str, Row]:
    def frame(table: Table, rows: list[Row]) -> Any:
        return table.frame(spark, [{name: row.get(name) for name in table.names} for row in rows])

    items = ["runs out", "half a price", "seen of late", "counted anew", "ordered early"]
    planned = [PLANNED | {"item_id": item} for item in items]
    columns = [part.split()[0] for part in PLAN_SCHEMA.split(", ")]
    rows = spark.createDataFrame([tuple(row[name] for name in columns) for row in planned], PLAN_SCHEMA)
    orders = [
        {"order_id": f"{back}", "line_id": "1", "item_id": "ordered early", "location_id": "x", "quantity": 5.0,
         "ordered_on": D - timedelta(days=back)} for back in (90, 40)
    ]  # fmt: skip
    n_out = sum(row["is_censored"] for row in demand_rows() if row["item_id"] == "runs out")
    hidden = n_out * lost_per_stock_out()
    status = [
        {"item_id": item, "location_id": "x", "lost_demand": hidden if item == "runs out" else 8.0} for item in items
    ]
    found = inventory_health(
        rows, demand=frame(DEMAND, demand_rows()), stock=frame(STOCK, counts()), open_order=frame(OPEN_ORDER, orders),
        series_status=frame(SERIES_STATUS, status), terms=WEEKLY, run_id="run-1",
    )  # fmt: skip
    return {row["group_id"].removesuffix(" at x"): row.asDict() for row in found.collect()}


def lost_per_stock_out() -> float:
    """Units missed on average in a week whose demand reaches the shelf, by enumeration."""
    wanted = np.arange(200)
    chance = poisson.pmf(wanted, 10)
    return float((chance * np.maximum(wanted - SHELF, 0)).sum() / chance[wanted >= SHELF].sum())


def test_the_fill_rate_counts_what_stock_outs_hid(health: dict[str, Row]) -> None:
    wanted = np.arange(200)
    true = float((poisson.pmf(wanted, 10) * np.minimum(wanted, SHELF)).sum() / 10)
    assert health["runs out"]["fill_rate"] == pytest.approx(true, abs=0.01)
    assert health["runs out"]["annual_shortage_cost"] == pytest.approx(3 * 520 * (1 - true) * 365 / 365, rel=0.06)


def test_shares_go_over_the_periods_of_which_something_is_known(health: dict[str, Row]) -> None:
    assert health["seen of late"]["stock_out_share"] == 0.5
    assert health["seen of late"]["fill_rate"] == pytest.approx(40 / (40 + 8))
    assert health["half a price"]["stock_out_share"] is None
    assert health["half a price"]["fill_rate"] is None


def test_units_without_a_price_were_sold_at_that_of_the_others(health: dict[str, Row]) -> None:
    assert health["half a price"]["gmroi"] == pytest.approx((5 - 2) * 520 * 365 / 364 / (100 * 2))


def test_the_mean_of_stock_is_over_time(health: dict[str, Row]) -> None:
    """Eleven monthly counts of 100, then 28 days of nothing."""
    assert health["counted anew"]["average_stock_value"] == pytest.approx(2 * 100 * 335 / 363, rel=0.01)


def test_orders_of_a_year_are_those_since_the_first_order(health: dict[str, Row]) -> None:
    assert health["ordered early"]["annual_ordering_cost"] == pytest.approx(2 * 50 * 365 / 90)
