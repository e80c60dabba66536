"""Which hierarchies are refused, and where in a good one every series hangs."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from skucast.stages.forecast.groups.hierarchy import DIMENSIONS, series_paths
from skucast.stages.ingest.hierarchy import MOST_LEVELS, hierarchy_violations
from skucast.tables import HIERARCHY, ITEM

pytestmark = pytest.mark.spark

D = date(2011, 10, 3)
OLD = date(1900, 1, 1)


def violations(spark: SparkSession, *links: tuple[str, str | None], dimension: str = "item") -> list[str]:
    rows: list[dict[str, object]] = [{"dimension": dimension, "node": node, "parent": parent} for node, parent in links]
    return hierarchy_violations(HIERARCHY.frame(spark, rows))


def test_a_tree_passes(spark: SparkSession):
    assert [] == violations(spark, ("A", "tea"), ("B", "tea"), ("tea", "food"), ("food", None), ("toys", " "))
    assert [] == violations(spark)


def test_two_parents_are_named(spark: SparkSession):
    (found,) = violations(spark, ("A", "tea"), ("A", "toys"), ("B", "tea"), ("tea", None), ("toys", ""))
    assert "node(s) with two parents: item A (tea and toys); give each one row" == found
    (found,) = violations(spark, ("A", "tea"), ("A", None), ("tea", None))
    assert "item A (tea and the total)" in found


def test_a_parent_that_is_nowhere_is_named(spark: SparkSession):
    (found,) = violations(spark, ("A", "tae"), ("B", "tea"), ("tea", None))
    assert found.startswith("parent(s) without a row of their own: item tae; correct their spelling")


@pytest.mark.parametrize(
    ("links", "named"),
    [
        ([("tea", "tea")], "item tea;"),
        ([("tea", "food"), ("food", "tea"), ("A", "tea")], "item food, item tea;"),
        ([("a", "b"), ("b", "c"), ("c", "a"), ("below", "a"), ("A", "below"), ("B", "good"), ("good", None)],
         "item a, item b, item c;"),
    ],
)  # fmt: skip
def test_the_nodes_of_a_cycle_are_named_and_not_those_below(spark: SparkSession, links, named: str):
    (found,) = violations(spark, *links)
    assert f"node(s) on a cycle, or above more than {MOST_LEVELS} levels: {named}" in found


def test_a_chain_may_be_long_but_not_endless(spark: SparkSession):
    chain = [("n0", None), *((f"n{number}", f"n{number - 1}") for number in range(1, MOST_LEVELS + 3))]
    # An item below ten levels of groups.
    assert [] == violations(spark, *chain[: MOST_LEVELS + 1])
    (found,) = violations(spark, *chain)
    assert "n0" in found


def test_all_that_is_wrong_is_said_at_once_and_not_more_than_ten_names(spark: SparkSession):
    found = violations(spark, *((f"i{n:02}", f"p{n:02}") for n in range(12)), ("x", "x"), ("i00", "x"))
    assert 3 == len(found)
    assert "item p09, …" in found[1]
    assert "p10" not in found[1]


def test_dimensions_do_not_meet(spark: SparkSession):
    rows: list[dict[str, object]] = [
        {"dimension": "item", "node": "Leeds", "parent": "tea"}, {"dimension": "item", "node": "tea"},
        {"dimension": "location", "node": "Leeds", "parent": "north"}, {"dimension": "location", "node": "north"},
    ]  # fmt: skip
    assert [] == hierarchy_violations(HIERARCHY.frame(spark, rows))


def paths(spark: SparkSession, dimension: str, links, items=()) -> dict[tuple[str, str], list[str]]:
    series = [(item, place) for item in ("A", "B", "C", "D", "tea") for place in ("Leeds", "York")]
    hierarchy = HIERARCHY.frame(spark, [{"dimension": "item", "node": n, "parent": p} for n, p in links])
    item = ITEM.frame(spark, [{"item_id": i, "category": c, "valid_from": v} for i, c, v in items])
    frame = series_paths(
        spark.createDataFrame(series, "item_id string, location_id string"), hierarchy, item, DIMENSIONS[dimension], D
    )
    return {(row["item_id"], row["location_id"]): row["path"] for row in frame.collect()}


def test_without_a_hierarchy_categories_in_force_group_items_and_the_rest_is_in_none(spark: SparkSession):
    items = [("A", "toys", OLD), ("B", "toys", OLD), ("B", "tea", date(2011, 10, 1)), ("B", "later", date(2011, 10, 4)),
             ("C", " ", OLD), ("tea", "tea", OLD)]  # fmt: skip
    found = paths(spark, "item", [], items)
    assert 10 == len(found)
    assert ["total/total", "category/toys", "item/A"] == found["A", "York"] == found["A", "Leeds"]
    assert ["total/total", "category/tea", "item/B"] == found["B", "York"]
    assert ["total/total", "category/none", "item/C"] == found["C", "York"]
    assert ["total/total", "category/none", "item/D"] == found["D", "York"]
    assert ["total/total", "category/tea", "item/tea"] == found["tea", "York"]


def test_the_hierarchy_wins_over_categories_and_may_be_of_uneven_depth(spark: SparkSession):
    links = [("A", "green"), ("green", "tea"), ("tea", "food"), ("food", None), ("B", "food"), ("C", None)]
    items = [("A", "toys", OLD), ("D", "toys", OLD), ("C", "toys", OLD), ("tea", "green", OLD)]
    found = paths(spark, "item", links, items)
    assert ["total/total", "category/food", "category/tea", "category/green", "item/A"] == found["A", "York"]
    assert ["total/total", "category/food", "item/B"] == found["B", "York"]
    # Known to the hierarchy without a group, and to the items with one.
    assert ["total/total", "category/toys", "item/C"] == found["C", "York"]
    # A category that the hierarchy does not know lies below the total.
    assert ["total/total", "category/toys", "item/D"] == found["D", "York"]
    # An item called like a group: the row is the group's.
    assert ["total/total", "category/food", "category/tea", "category/green", "item/tea"] == found["tea", "York"]


def test_locations_without_regions(spark: SparkSession):
    found = paths(spark, "location", [])
    assert ["total/total", "region/none", "location/Leeds"] == found["A", "Leeds"]
