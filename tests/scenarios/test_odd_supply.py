"""One nightly run over all that can be odd of terms, stock and suppliers: each item has a row with a reason."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.scenarios.shop import D, Shop, lasting, row, weekly

pytestmark = pytest.mark.spark

WEEK = timedelta(days=7)
TERMS: dict[str, dict[str, Any]] = {
    "regular": {},
    "at once": {"lead_time_days": 0},
    "half a week": {"lead_time_days": 3.5},
    "no lead time": {"lead_time_days": None},
    "negative": {},
    "received before ordered": {"supplier_id": "early"},
    "supplier without calendar": {"supplier_id": "no calendar"},
    "supplier that nobody knows": {"supplier_id": "unknown"},
    "supplier of empty purse": {"supplier_id": "budget 0"},
    "supplier out of reach": {"supplier_id": "out of reach", "max_stock": 30},
    "no cost": {},
    "predecessor": {"successor_item_id": "successor"},
    "successor": {},
    "newcomer": {},
}
NOT_SOLD = {"successor", "newcomer"}


def receipts() -> list[dict[str, Any]]:
    """Goods that came in three days before they were ordered, as typing errors have it, and goods nobody ordered."""
    days = [D - WEEK * k for k in range(2, 12)]
    early = {"item_id": "received before ordered", "location_id": "GB-1", "supplier_id": "early", "quantity": 5}
    return [
        {"order_id": f"R{n}", "line_id": "1", "received_on": day, "ordered_on": day + timedelta(days=3), **early}
        for n, day in enumerate(days)
    ] + [{"order_id": "R99", "line_id": "1", "received_on": days[0], "ordered_on": None, **early}]


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop after its nightly run."""
    folder: Path = tmp_path_factory.mktemp("supply")
    made = lasting(spark, folder)
    own = {"location_id": "GB-1", "lead_time_days": 7, "review_period_days": 7, "fixed_cost": 0}
    never = date(2011, 1, 1)
    suppliers = [
        {"supplier_id": "no calendar", "ordering_days": None},
        {"supplier_id": "early", "ordering_days": ""},
        {"supplier_id": "budget 0", "budget": 0},
        {"supplier_id": "out of reach", "min_order_value": 1e6},
    ]
    files: dict[str, list[dict[str, Any]]] = {
        "sales_line": [line for item in TERMS if item not in NOT_SOLD for line in weekly(item)],
        "item": [{"item_id": item, "unit_cost": 1.5} for item in TERMS if item != "no cost"],
        "item_location": [{"item_id": item, **own, **terms, "valid_from": never} for item, terms in TERMS.items()],
        "supplier": [{"ordering_days": None, "budget": None, "min_order_value": None, **each} for each in suppliers],
        "receipt": receipts(),
        "stock": [
            {"item_id": item, "location_id": "GB-1", "as_of": D, "on_hand": -4 if item == "negative" else 3}
            for item in [*TERMS, "stock that nobody sold"]
        ],
    }
    sources = {}
    for name, rows in files.items():
        sources[name] = {"format": "csv", "path": str(made.write(f"{name}.csv", rows))}
    made.config({"sources": sources})
    assert 0 == made.run("nightly").code
    return made


def test_no_item_drops_out_of_the_plan(shop: Shop):
    plan = {each["item_id"]: each for each in shop.rows("order_plan")}
    assert {*TERMS, "stock that nobody sold"} == set(plan)
    assert all(each["explanation"] for each in plan.values())
    nothing = {item for item, each in plan.items() if each["final_quantity"] == 0}
    assert {"stock that nobody sold", "supplier of empty purse", "supplier out of reach"} == nothing


@pytest.mark.parametrize(
    ("item", "periods", "source"),
    [("regular", 1, "row"), ("at once", 0, "row"), ("half a week", 1, "row"), ("no lead time", 1, "default"),
     ("supplier without calendar", 1, "row"), ("supplier that nobody knows", 1, "row")],
)  # fmt: skip
def test_lead_times_are_whole_periods_and_say_who_stated_them(shop: Shop, item: str, periods: int, source: str):
    found = row(shop, "policy", item)
    assert (periods, source) == (found["lead_time"], found["lead_time_source"])
    assert 0 == found["ordering_wait_days"]


def test_goods_received_before_they_were_ordered_are_no_evidence(shop: Shop):
    found = row(shop, "policy", "received before ordered")
    assert ("row", 0) == (found["lead_time_source"], found["lead_time_receipts"])
    assert 7 == found["lead_time_days"]
    (plan,) = shop.rows("run", "stage = 'plan'")
    unusable = {name: n for name, n in plan["rows"].items() if name.startswith("lead_times.")}
    assert 11 == sum(unusable.values())
    assert 0 == unusable.get("lead_times.arrived", 0)


def test_a_negative_stock_counts_as_nothing_and_is_flagged(shop: Shop):
    assert 0 == row(shop, "order_plan", "negative")["on_hand"]
    (flagged,) = shop.rows("alert", "kind = 'negative_stock'")
    assert ("negative", 4) == (flagged["item_id"], flagged["units"])
    assert -4 == row(shop, "stock", "negative")["on_hand"]


def test_stock_without_a_forecast_is_said_and_not_ordered(shop: Shop):
    found = row(shop, "order_plan", "stock that nobody sold")
    assert ("no_forecast", 3.0, 0.0) == (found["reason"], found["on_hand"], found["final_quantity"])


def test_a_budget_of_nothing_buys_nothing_and_says_so(shop: Shop):
    found = row(shop, "order_plan", "supplier of empty purse")
    assert ("supplier_budget", 0.0) == (found["binding_constraint"], found["final_quantity"])
    assert found["raw_quantity"] > 0
    assert "cut to 0 by the budget for the supplier" in found["explanation"]


def test_a_minimum_out_of_reach_is_said_with_what_it_would_have_to_be(shop: Shop):
    found = row(shop, "order_plan", "supplier out of reach")
    assert ("supplier_minimum", 0.0) == (found["binding_constraint"], found["final_quantity"])
    (limit,) = shop.rows("order_limit", "group_id = 'out of reach'")
    assert limit["is_closed"]
    assert (1e6, 0.0) == (limit["lower"], limit["used"])
    # The shelf has room for 30, at 1.5 each: a minimum of that could be met.
    assert 0 < limit["wanted"] <= limit["reachable"] <= 45


def test_an_item_without_cost_is_ordered(shop: Shop):
    found = row(shop, "order_plan", "no cost")
    assert found["final_quantity"] == row(shop, "order_plan", "regular")["final_quantity"]
    assert found["value"] is None


def test_a_successor_starts_from_its_predecessors_demand(shop: Shop):
    status, of_predecessor = (row(shop, "series_status", item) for item in ("successor", "predecessor"))
    assert "predecessor" == status["predecessors"]
    assert of_predecessor["predecessors"] is None
    assert (of_predecessor["n_periods"], "fitted") == (status["n_periods"], status["status"])
    assert "cold_start" == row(shop, "series_status", "newcomer")["status"]
    means = {
        item: [each["mean"] for each in sorted(shop.rows("forecast", f"item_id = '{item}'"), key=lambda r: r["step"])]
        for item in ("successor", "predecessor")
    }
    assert means["successor"] == pytest.approx(means["predecessor"])
    # What was sold is history, not the successor's.
    assert not shop.rows("demand", "item_id = 'successor'")
