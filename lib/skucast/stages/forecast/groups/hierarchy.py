"""Groups above items and above locations: where in the hierarchy does every series hang?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.spark.series import SERIES
from skucast.stages.ingest.hierarchy import MOST_LEVELS, links_of, parents_of

TOTAL = "total/total"
"""Key of the root. A key is the level, a slash and the name, so that an item may be called like a category."""
NO_GROUP = "none"
"""Group of what belongs to none."""


@dataclass(frozen=True)
class Dimension:
    """What is grouped.

    Attributes:
        name: as tables and configuration call it; also the level of single items or locations.
        column: of a series, by which it belongs to its member.
        group_level: what its groups are called.
    """

    name: str
    column: str
    group_level: str


DIMENSIONS = {
    "item": Dimension("item", "item_id", "category"),
    "location": Dimension("location", "location_id", "region"),
}


def level_of(key: str) -> Column:
    """The level in a column of keys."""
    return F.substring_index(key, "/", 1)


def name_of(key: str) -> Column:
    """The name in a column of keys."""
    return F.expr(f"substring({key}, locate('/', {key}) + 1)")


def series_paths(
    series: DataFrame, hierarchy: DataFrame, item: DataFrame, dimension: Dimension, decision_date: date
) -> DataFrame:
    """Every series with the nodes above it.

    A member (item or location) belongs to its parent in ``hierarchy``; an item without a row there to its category in
    force; else to the group "none". A category that is no node of ``hierarchy`` lies directly below the total.

    Args:
        series: ``item_id``, ``location_id``.
        hierarchy: rows of table ``hierarchy``.
        item: rows of table ``item``.
        dimension: what is grouped.
        decision_date: the day whose categories hold.

    Returns:
        The series key and ``path``: keys from the total down to the item or location.
    """
    links = links_of(hierarchy.where(F.col("dimension") == dimension.name))
    groups = parents_of(links).select("node")
    members = _member_groups(links.join(groups, "node", "left_anti"), item, dimension, decision_date)
    above = _group_paths(links.join(groups, "node", "left_semi"), dimension)
    group = F.coalesce("group", F.lit(NO_GROUP))
    placed = series.select(*SERIES).join(members, dimension.column, "left").select(*SERIES, group.alias("group"))
    own_path = F.array(F.lit(TOTAL), F.concat(F.lit(f"{dimension.group_level}/"), "group"))
    member = F.concat(F.lit(f"{dimension.name}/"), dimension.column)
    path = F.array_append(F.coalesce("group_path", own_path), member)
    return placed.join(above, "group", "left").select(*SERIES, path.alias("path"))


def _member_groups(links: DataFrame, item: DataFrame, dimension: Dimension, decision_date: date) -> DataFrame:
    """Member and its ``group``, null where there is none."""
    listed = links.select(F.col("node").alias(dimension.column), "parent")
    if dimension.name != "item":
        return listed.withColumnRenamed("parent", "group")
    in_force = item.where(F.col("valid_from") <= F.lit(decision_date)).groupBy("item_id").agg(
        F.expr("max_by(CASE WHEN trim(category) <> '' THEN category END, valid_from)").alias("category")
    )  # fmt: skip
    both = in_force.join(listed, "item_id", "full")
    return both.select("item_id", F.coalesce("parent", "category").alias("group"))


def _group_paths(links: DataFrame, dimension: Dimension) -> DataFrame:
    """Every group with its ``group_path`` from the total down to itself."""
    key = F.concat(F.lit(f"{dimension.group_level}/"), "node")
    top = F.array(F.lit(TOTAL), key).alias("group_path")
    level = links.where("parent IS NULL").select(F.col("node").alias("group"), top)
    found = level
    below = links.where("parent IS NOT NULL")
    for _ in range(MOST_LEVELS):
        if level.isEmpty():
            break
        down = below.join(level, F.col("parent") == F.col("group"))
        level = down.select(F.col("node").alias("group"), F.array_append("group_path", key).alias("group_path"))
        found = found.unionByName(level)
    return found
