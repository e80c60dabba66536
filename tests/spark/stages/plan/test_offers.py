"""Prices that fall with the quantity, and proposals that stand, in the whole plan beside plain arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import SparkSession

from skucast.spark.queries import register_functions
from skucast.stages.plan.parameters import PlanParameters
from skucast.stages.plan.planning import Planned
from tests.spark.stages.plan.planning_cases import ALWAYS, WEEKLY, Row, World, plan_of

# Demand 10 a week, 30 on hand, and 52 wanted: 22 are lacking, unless a lot is cheaper.
TERMS = {"holding_cost": 0.02, "fixed_cost": 0.0, "pack_size": 6.0}
PRICES = {
    "cheaper from 48": [(0.0, 2.0), (48.0, 1.8)],
    "hardly cheaper": [(0.0, 2.0), (480.0, 1.999)],
    "cheaper beyond the shelf": [(0.0, 2.0), (60.0, 1.5)],
    "only what exceeds": [(0.0, 2.0), (48.0, 1.8)],
    "two steps": [(0.0, 2.0), (36.0, 1.95), (50.0, 1.9)],
    "new list": [(0.0, 2.0), (30.0, 1.0)],
}


def cost(quantity: float, prices: list[tuple[float, float]], *, is_incremental: bool) -> float:
    """Unit by unit where only what exceeds a start is cheaper; else all at the last price reached."""
    if not is_incremental:
        return quantity * [price for start, price in prices if start <= quantity][-1]
    ends = [start for start, _ in prices[1:]] + [np.inf]
    return sum(price * max(0.0, min(quantity, end) - start) for (start, price), end in zip(prices, ends, strict=True))


def offered(spark: SparkSession) -> dict[str, Row]:
    world = World(WEEKLY)
    for item, prices in PRICES.items():
        world.case(item, stock=30.0, **TERMS, **({"max_stock": 60.0} if "shelf" in item else {}))
        world.add("item", item, unit_cost=2.0)
        scheme = "incremental" if item == "only what exceeds" else None
        world.rows.setdefault("price_break", []).extend(
            {"item_id": item, "min_quantity": start, "unit_cost": price, "scheme": scheme, "valid_from": ALWAYS}
            for start, price in prices
        )
    for start, price, day in ((0.0, 2.0, -1), (100.0, 1.0, -1), (24.0, 0.1, 1)):
        world.rows["price_break"].append(
            {"item_id": "new list", "min_quantity": start, "unit_cost": price, "valid_from": world.day(day)}
        )
    add_proposed(world, {"a pack more, for nothing": 30.0})
    return _rows(plan_of(spark, world.complete, WEEKLY))


def _rows(planned: Planned) -> dict[str, Row]:
    return {row["item_id"]: row.asDict() for row in planned.order_plan.collect()}


@pytest.fixture(scope="module")
def orders(spark: SparkSession) -> dict[str, Row]:
    return offered(spark)


@pytest.mark.parametrize(
    ("item", "quantity", "value"),
    [
        ("cheaper from 48", 48, 48 * 1.8),
        ("hardly cheaper", 24, 24 * 2.0),
        ("cheaper beyond the shelf", 24, 24 * 2.0),
        ("only what exceeds", 24, 24 * 2.0),
        ("two steps", 54, 54 * 1.9),
        ("new list", 100 + 2, 102 * 1.0),
    ],
)
def test_an_order_grows_where_a_lower_price_pays_for_keeping_more(
    orders: dict[str, Row], item: str, quantity: float, value: float
) -> None:
    assert (orders[item]["final_quantity"], orders[item]["value"]) == (quantity, pytest.approx(value))
    assert (orders[item]["binding_constraint"] == "price_break") == (quantity > 24)


def test_the_price_break_says_what_it_saves(orders: dict[str, Row]) -> None:
    step = orders["cheaper from 48"]["adjustments"][-1]
    assert step["reason"] == "price_break"
    # 0.2 less for each of 48. Of the 24 more some are sold, for demand exceeds 54 and even 78: its tail is exponential
    # from 52 on. The others are kept for a week. A unit missed costs 19 times as much, as the level of 95 % implies.
    tail = (52 - 30) / np.log(0.5 / 0.05)
    sold = 0.05 * tail * (np.exp(-(54 - 52) / tail) - np.exp(-(78 - 52) / tail))
    assert step["cost"] == pytest.approx(0.02 * (24 - sold) - 19 * 0.02 * sold - 0.2 * 48, abs=0.05)
    assert "raised to 48 by the price break there" in orders["cheaper from 48"]["explanation"]


def test_purchase_costs_are_those_of_plain_loops(spark: SparkSession) -> None:
    register_functions(spark)
    prices, asked = PRICES["two steps"], [0.0, 1.0, 35.9, 36.0, 49.0, 50.0, 500.0]
    brackets = (
        f"array({', '.join(f'struct({start}D AS min_quantity, {price}D AS unit_cost)' for start, price in prices)})"
    )
    listed = f"array({', '.join(f'{q}D' for q in asked)})"
    for is_incremental in (False, True):
        found = spark.sql(f"SELECT purchase_costs({listed}, {brackets}, {is_incremental}) AS costs").first()["costs"]
        assert found == pytest.approx([cost(q, prices, is_incremental=is_incremental) for q in asked])


def proposed(spark: SparkSession, terms: PlanParameters, before: dict[str, float]) -> dict[str, Row]:
    world = World(terms)
    add_proposed(world, before)
    return _rows(plan_of(spark, world.complete, terms))


def add_proposed(world: World, before: dict[str, float]) -> None:
    """Items for which an earlier run of the day proposed so much."""
    for item, quantity in before.items():
        world.case(item, stock=30.0, **TERMS)
        world.add("item", item, unit_cost=2.0)
        said = {"decision_date": world.D, "status": "proposed", "decided_at": None, "final_quantity": quantity}
        world.add("order_plan_before", item, **said)


def test_a_proposal_stands_unless_another_gains_enough(spark: SparkSession, orders: dict[str, Row]) -> None:
    """Without a least gain none stands."""
    assert WEEKLY.min_change_gain == 0
    assert orders["a pack more, for nothing"]["final_quantity"] == 24
    before = {"a pack more": 30.0, "much less": 6.0, "no whole packs": 25.0, "the same": 24.0}
    for least, kept in ((0.5, {"a pack more"}), (1e6, {"a pack more", "much less"})):
        found = proposed(spark, replace(WEEKLY, min_change_gain=least), before)
        assert {item for item, row in found.items() if row["binding_constraint"] == "proposed_before"} == kept
        for item, row in found.items():
            assert row["final_quantity"] == (before[item] if item in kept else 24)
    assert "left at 30 as proposed before" in found["a pack more"]["explanation"]
    assert found["much less"]["adjustments"][-1]["cost"] > 0
