"""Is the hierarchy a tree?"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MOST_LEVELS = 10
"""Of groups above groups."""
_NAMED = 10


def hierarchy_violations(hierarchy: DataFrame) -> list[str]:
    """What keeps the rows from being trees; each sentence names nodes.

    Args:
        hierarchy: rows of table ``hierarchy``.
    """
    links = links_of(hierarchy).persist()
    parents = F.array_sort(F.collect_set(F.coalesce("parent", F.lit("the total"))))
    torn = links.groupBy("dimension", "node").agg(parents.alias("parents")).where(F.size("parents") > 1)
    torn = torn.withColumn("node", F.concat("node", F.lit(" ("), F.array_join("parents", " and "), F.lit(")")))
    known = links.select("dimension", "node")
    unknown = parents_of(links).join(known, ["dimension", "node"], "left_anti")
    found = (
        ("node(s) with two parents", torn, "give each one row"),
        ("parent(s) without a row of their own", unknown,
         "correct their spelling, or give each a row (its parent is empty if it lies directly below the total)"),
        (f"node(s) on a cycle, or above more than {MOST_LEVELS} levels", _endless(links), "correct their parents"),
    )  # fmt: skip
    sentences = [_sentence(what, nodes, remedy) for what, nodes, remedy in found]
    links.unpersist()
    return [sentence for sentence in sentences if sentence]


def links_of(hierarchy: DataFrame) -> DataFrame:
    """Nodes and their ``parent``, null directly below the total."""
    return hierarchy.selectExpr("dimension", "node", "CASE WHEN trim(parent) <> '' THEN parent END AS parent")


def parents_of(links: DataFrame) -> DataFrame:
    """Every node that is a parent."""
    return links.where("parent IS NOT NULL").select("dimension", F.col("parent").alias("node")).distinct()


def _endless(links: DataFrame) -> DataFrame:
    """Nodes that are reached after more steps up than a hierarchy may have levels: all of a cycle are, always."""
    reached = parents_of(links)
    for _ in range(MOST_LEVELS):
        if reached.isEmpty():
            break
        reached = parents_of(links.join(reached, ["dimension", "node"], "left_semi"))
    return reached


def _sentence(what: str, nodes: DataFrame, remedy: str) -> str | None:
    named = nodes.select(F.concat_ws(" ", "dimension", "node").alias("name")).distinct()
    names = [row["name"] for row in named.orderBy("name").limit(_NAMED + 1).collect()]
    if not names:
        return None
    more = ", …" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(names[:_NAMED])}{more}; {remedy}"
