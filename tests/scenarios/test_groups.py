"""Hierarchies that are refused, and forecasts of groups over everything odd that a good one can hold."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from skucast.errors import ContractError
from skucast.periods import Frequency
from skucast.stages.forecast.groups.stage import GroupRun, forecast_groups
from skucast.stages.forecast.span import Span
from skucast.stages.ingest.stage import checked_source
from skucast.tables import HIERARCHY
from tests.scenarios.shop import FIRST, FORECAST, D, Shop, lasting, weekly

pytestmark = pytest.mark.spark

ITEMS = [
    {"item_id": "A", "category": "tea"}, {"item_id": "B", "category": "tea"}, {"item_id": "lone", "category": "toys"},
    {"item_id": "a/b", "category": "tea/total"}, {"item_id": "tea", "category": "tea"},
]  # fmt: skip
PLACES = [
    {"dimension": "location", "node": "GB-1", "parent": "GB"},
    {"dimension": "location", "node": "GB-2", "parent": "GB"},
    {"dimension": "location", "node": "GB", "parent": ""},
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([("A", "tea"), ("A", "toys"), ("tea", ""), ("toys", "")], "two parents: item A (tea and toys)"),
        ([("A", "tea"), ("tea", "food"), ("food", "tea")], "cycle, or above more than 10 levels: item food, item tea"),
        ([("A", "tea"), ("tea", "foot"), ("food", "")], "without a row of their own: item foot"),
    ],
)
def test_what_is_no_tree_is_refused_before_anything_is_written(shop: Shop, rows, named: str):
    shop.write("hierarchy.csv", [{"dimension": "item", "node": node, "parent": parent} for node, parent in rows])
    message = refusal(shop)
    assert "source hierarchy breaks the contract of table hierarchy; nothing was written" in message
    assert named in message


def test_a_dimension_that_is_none_is_refused(shop: Shop):
    shop.write("hierarchy.csv", [{"dimension": "colour", "node": "A", "parent": ""}])
    assert "dimension" in refusal(shop)


def refusal(shop: Shop) -> str:
    """What is said of the hierarchy in the file."""
    shop.config({"sources": shop.sources("hierarchy", sales_line="lines")})
    with pytest.raises(ContractError) as refused:
        checked_source(shop.context(), HIERARCHY)
    return str(refused.value)


@pytest.fixture(scope="module")
def grouped(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with forecasts that are reconciled by least squares; the tests below take them back one by one."""
    made = lasting(spark, tmp_path_factory.mktemp("groups"))
    lines = [line for item in ("A", "B", "lone", "a/b", "tea", "no category") for line in weekly(item)]
    lines += [{**each, "order_id": f"{each['order_id']}-2", "location_id": "GB-2"} for each in weekly("A")]
    made.write("item.csv", ITEMS)
    made.write("hierarchy.csv", PLACES)
    made.config(
        {
            "sources": made.sources("item", "hierarchy", sales_line="lines"),
            "forecast": FORECAST | {"groups": {"reconciliation": "wls"}},
        }
    )
    made.accept(lines)
    made.take_in("item", "hierarchy")
    for stage in ("demand", "forecast"):
        assert 0 == made.run(stage).code
    return made


def by_node(shop: Shop, dimension: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(shop.rows("group_forecast", f"dimension = '{dimension}'"), key=lambda row: row["step"]):
        found[row["level"], row["node"]].append(row)
    return found


def require_coherent(shop: Shop, dimension: str, leaves: list[dict[str, Any]]) -> None:
    """Parents are the sums of their children, down to the series."""
    nodes = by_node(shop, dimension)
    total: dict[tuple[str, int], float] = defaultdict(float)
    for (level, _), rows in nodes.items():
        for row in rows:
            if level != "total":
                total[row["parent"], row["step"]] += row["mean"]
    for leaf in leaves:
        total[leaf[f"{dimension}_id"] + " (leaf)", leaf["step"]] += leaf["mean"]
    for (level, node), rows in nodes.items():
        for row in rows:
            name = f"{node} (leaf)" if level == dimension else node
            assert row["mean"] == pytest.approx(total[name, row["step"]], abs=1e-6)
        sums = [sum(each["mean"] for each in rows[: place + 1]) for place in range(len(rows))]
        assert sums == pytest.approx([row["cumulative_mean"] for row in rows])


def test_least_squares_agree_over_all_levels_and_leave_the_plan_alone(grouped: Shop):
    shop = grouped
    forecast = {(row["item_id"], row["location_id"], row["step"]): row["mean"] for row in shop.rows("forecast")}
    for dimension in ("item", "location"):
        leaves = shop.rows("reconciled_forecast", f"dimension = '{dimension}'")
        assert forecast == {(row["item_id"], row["location_id"], row["step"]): row["base_mean"] for row in leaves}
        assert all(row["mean"] >= 0 and row["mean_squared_error"] >= 0 for row in leaves)
        require_coherent(shop, dimension, leaves)
    nodes = by_node(shop, "item")
    own = {key for key, rows in nodes.items() if rows[0]["base_mean"] is not None}
    # A node with a single child would only repeat it.
    assert {("total", "total"), ("category", "tea"), ("item", "A")} == own
    assert {"naive", "mean", "ses"} >= {nodes[key][0]["method"] for key in own}
    # Status and backtest are those of items: groups do not sit among them.
    assert 7 == len(shop.rows("series_status"))
    assert {row["item_id"] for row in shop.rows("backtest")} == {row["item_id"] for row in shop.rows("forecast")}


def test_sums_of_the_series_are_written_for_every_group_item_location_and_the_total(grouped: Shop):
    """By the next run, which takes the reconciled forecasts of the one before back."""
    shop = grouped
    assert 0 == shop.run("forecast", "--set", "forecast.groups.reconciliation=bottom_up").code
    items, places = by_node(shop, "item"), by_node(shop, "location")
    assert {("total", "total"), ("category", "tea"), ("category", "toys"), ("category", "tea/total"),
            ("category", "none"), ("item", "A"), ("item", "B"), ("item", "lone"), ("item", "a/b"), ("item", "tea"),
            ("item", "no category")} == set(items)  # fmt: skip
    assert {("total", "total"), ("region", "GB"), ("location", "GB-1"), ("location", "GB-2")} == set(places)
    assert [2, 1, 7] == [items[key][0]["n_series"] for key in (("item", "A"), ("category", "toys"), ("total", "total"))]
    forecast = shop.rows("forecast")
    for dimension in ("item", "location"):
        require_coherent(shop, dimension, forecast)
    assert {"bottom_up"} == {row["method"] for rows in items.values() for row in rows}
    # The category of one item is that item.
    assert [row["mean"] for row in items["category", "toys"]] == [row["mean"] for row in items["item", "lone"]]
    assert [] == shop.rows("reconciled_forecast")


def test_groups_that_are_no_longer_asked_for_are_taken_back(grouped: Shop):
    """Nothing is read for them: neither demand nor series nor methods."""
    assert grouped.rows("group_forecast")
    context = grouped.context("forecast.groups.reconciliation=none")
    span = Span(FIRST, D - timedelta(days=7), 2, Frequency.WEEK)
    nothing: Any = None
    forecast_groups(GroupRun(context, demand=nothing, series=nothing, span=span, plan=nothing))
    assert [] == grouped.rows("group_forecast")
