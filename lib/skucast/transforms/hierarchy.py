"""Groups above items and above locations: is the hierarchy a tree, and where in it does every series hang?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from skucast.transforms.panel import SERIES

TOTAL = "total/total"
"""Key of the root. A key is the level, a slash and the name, so that an item may be called like a category."""
NO_GROUP = "none"
"""Group of what belongs to none."""
MOST_LEVELS = 10
"""Of groups above groups."""
_NAMED = 10


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


def hierarchy_violations(hierarchy: DataFrame) -> list[str]:
    """What keeps the rows from being trees; each sentence names nodes.

    Args:
        hierarchy: rows of table ``hierarchy``.
    """
    links = _links(hierarchy).persist()
    parents = F.array_sort(F.collect_set(F.coalesce("parent", F.lit("the total"))))
    torn = links.groupBy("dimension", "node").agg(parents.alias("parents")).where(F.size("parents") > 1)
    torn = torn.withColumn("node", F.concat("node", F.lit(" ("), F.array_join("parents", " and "), F.lit(")")))
    known = links.select("dimension", "node")
    unknown = _parents(links).join(known, ["dimension", "node"], "left_anti")
    found = (
        ("node(s) with two parents", torn, "give each one row"),
        ("parent(s) without a row of their own", unknown,
         "correct their spelling, or give each a row (its parent is empty if it lies directly below the total)"),
        (f"node(s) on a cycle, or above more than {MOST_LEVELS} levels", _endless(links), "correct their parents"),
    )  # fmt: skip
    sentences = [_sentence(what, nodes, remedy) for what, nodes, remedy in found]
    links.unpersist()
    return [sentence for sentence in sentences if sentence]


def _links(hierarchy: DataFrame) -> DataFrame:
    return hierarchy.selectExpr("dimension", "node", "CASE WHEN trim(parent) <> '' THEN parent END AS parent")


def _parents(links: DataFrame) -> DataFrame:
    return links.where("parent IS NOT NULL").select("dimension", F.col("parent").alias("node")).distinct()


def _endless(links: DataFrame) -> DataFrame:
    """Nodes that are reached after more steps up than a hierarchy may have levels: all of a cycle are, always."""
    reached = _parents(links)
    for _ in range(MOST_LEVELS):
        if reached.isEmpty():
            break
        reached = _parents(links.join(reached, ["dimension", "node"], "left_semi"))
    return reached


def _sentence(what: str, nodes: DataFrame, remedy: str) -> str | None:
    named = nodes.select(F.concat_ws(" ", "dimension", "node").alias("name")).distinct()
    names = [row["name"] for row in named.orderBy("name").limit(_NAMED + 1).collect()]
    if not names:
        return None
    more = ", …" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(names[:_NAMED])}{more}; {remedy}"


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
    links = _links(hierarchy.where(F.col("dimension") == dimension.name))
    groups = _parents(links).select("node")
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
