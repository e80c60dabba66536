"""Hierarchies that are refused, and forecasts of groups over everything odd that a good one can hold."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from tests.bad_input.shop import Shop, weekly

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


def sources(shop: Shop, *names: str) -> dict[str, Any]:
    return {name: {"format": "csv", "path": str(shop.folder / f"{file}.csv")} for name, file in
            (("sales_line", "lines"), *((each, each) for each in names))}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([("A", "tea"), ("A", "toys"), ("tea", ""), ("toys", "")], "two parents: item A (tea and toys)"),
        ([("A", "tea"), ("tea", "food"), ("food", "tea")], "cycle, or above more than 10 levels: item food, item tea"),
        ([("A", "tea"), ("tea", "foot"), ("food", "")], "without a row of their own: item foot"),
    ],
)
def test_what_is_no_tree_is_refused_at_ingest_and_nothing_is_written(shop: Shop, rows, named: str):
    shop.write("hierarchy.csv", [{"dimension": "item", "node": node, "parent": parent} for node, parent in rows])
    shop.config({"sources": sources(shop, "hierarchy")})
    message = shop.refused("ingest")
    assert "source hierarchy breaks the contract of table hierarchy; nothing was written" in message
    assert named in message
    assert {"run"} >= shop.tables()


def test_a_dimension_that_is_none_is_refused(shop: Shop):
    shop.write("hierarchy.csv", [{"dimension": "colour", "node": "A", "parent": ""}])
    shop.config({"sources": sources(shop, "hierarchy")})
    assert "dimension" in shop.refused("ingest")


def filled(shop: Shop, **groups: Any) -> Shop:
    lines = [line for item in ("A", "B", "lone", "a/b", "tea", "no category") for line in weekly(item)]
    lines += [{**each, "order_id": f"{each['order_id']}-2", "location_id": "GB-2"} for each in weekly("A")]
    shop.write("lines.csv", lines)
    shop.write("item.csv", ITEMS)
    shop.write("hierarchy.csv", PLACES)
    rules = {"methods": ["naive", "mean", "ses"], "origins": 3, "min_buckets": 2, "min_periods": 4, "groups": groups}
    shop.config({"sources": sources(shop, "item", "hierarchy"), "forecast": rules})
    for stage in ("ingest", "demand", "forecast"):
        assert 0 == shop.run(stage).code
    return shop


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


def test_sums_of_the_series_are_written_for_every_group_item_location_and_the_total(shop: Shop):
    filled(shop)
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
    assert "reconciled_forecast" not in shop.tables()


def test_least_squares_agree_over_all_levels_leave_the_plan_alone_and_can_be_taken_back(shop: Shop):
    filled(shop, reconciliation="wls")
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

    assert 0 == shop.run("forecast", "--set", "forecast.groups.reconciliation=none").code
    assert [] == shop.rows("group_forecast") == shop.rows("reconciled_forecast")
