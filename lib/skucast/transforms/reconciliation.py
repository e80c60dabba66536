"""Forecasts of a tree that agree: sums from below, and weighted least squares with diagonal weights, as aggregations.

Weighted least squares. Of all forecasts x that add up, take the one nearest to the base forecasts ŷ in Σ (x − ŷ)²/w
over all nodes, w being the variance of a base forecast: x = S (SᵀW⁻¹S)⁻¹ SᵀW⁻¹ ŷ. Source: Wickramasuriya,
Athanasopoulos & Hyndman (2019), JASA 114, 804-819, with W diagonal. On a tree it takes two passes. Up: a node's
estimate m with variance v joins its own base forecast and the sum s of its children's estimates, whose variance is
V = Σ v: m = (V·ŷ + w·s)/(V + w), v = V·w/(V + w). Down: what a node's value x differs from s is shared out by variance,
x_child = m_child + (v_child/V)(x − s).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from skucast.transforms.panel import SERIES

_NODE = ("key", *SERIES, "parent", "depth", "step", "mean", "variance", "child_sum", "child_variance")


def tree_of(paths: DataFrame) -> DataFrame:
    """The nodes above the series.

    Args:
        paths: one row per series: its key and ``path``, as ``series_paths`` gives them.

    Returns:
        One row per node: ``key``, ``parent`` (null for the root), ``depth`` (0 for the root), ``n_series`` beneath it
        and ``n_children`` directly beneath it.
    """
    placed = paths.select(*SERIES, "path", F.posexplode("path").alias("depth", "key"))
    child = F.coalesce(F.get("path", F.col("depth") + 1), F.to_json(F.struct(*SERIES)))
    return placed.groupBy("key", "depth").agg(
        F.first(F.get("path", F.col("depth") - 1)).alias("parent"),
        F.count(F.lit(1)).alias("n_series"),
        F.count_distinct(child).alias("n_children"),
    )


def bottom_up(leaves: DataFrame) -> DataFrame:
    """Sums of the leaves' means.

    Args:
        leaves: ``path``, ``step``, ``mean``.

    Returns:
        ``key``, ``step``, ``mean`` of every node on a path.
    """
    return leaves.select(F.explode("path").alias("key"), "step", "mean").groupBy("key", "step").agg(
        F.sum("mean").alias("mean")
    )  # fmt: skip


@contextmanager
def reconciled(leaves: DataFrame, bases: DataFrame) -> Iterator[DataFrame]:
    """Weighted least squares on the tree of the leaves' paths, never negative.

    Where a child's share would fall below 0 it is 0, and the children are scaled to add up to their parent again: the
    levels above keep their values.

    Args:
        leaves: one row per series and step: its key, ``path``, ``step``, ``base_mean`` and ``variance``, both >= 0. A
            leaf of variance 0 is certain and moves only if all its siblings are. Used several times: persist it.
        bases: ``key``, ``step``, ``base_mean``, ``variance`` of nodes with a forecast of their own; the others take
            what their children say.

    Yields:
        ``leaves`` with ``mean``, the reconciled one. What is kept for it is given up at the end of the context.
    """
    deepest = (leaves.agg(F.max(F.size("path")).alias("depth")).first() or {"depth": 0})["depth"] or 0
    children = leaves.select(
        F.lit(None).cast("string").alias("key"), *SERIES, F.element_at("path", -1).alias("parent"),
        F.size("path").alias("depth"), "step", F.col("base_mean").alias("mean"), "variance",
        *(F.lit(None).cast("double").alias(name) for name in ("child_sum", "child_variance")),
    )  # fmt: skip
    nodes = tree_of(leaves.where(F.col("step") == 1)).persist(StorageLevel.DISK_ONLY)
    kept = [nodes]
    estimates: dict[int, DataFrame] = {deepest: children.where(F.col("depth") == deepest)}
    for depth in range(deepest - 1, -1, -1):
        own = _joined(nodes.where(F.col("depth") == depth), bases, estimates[depth + 1]).persist(StorageLevel.DISK_ONLY)
        kept.append(own)
        estimates[depth] = own.unionByName(children.where(F.col("depth") == depth))
    values = estimates[0]
    found = values.limit(0)
    for depth in range(1, deepest + 1):
        values = _shared_out(estimates[depth], values).persist(StorageLevel.DISK_ONLY)
        kept.append(values)
        found = found.unionByName(values.where("key IS NULL"))
    means = found.select(*SERIES, "step", "mean")
    try:
        yield leaves.join(means, [*SERIES, "step"])
    finally:
        for frame in kept:
            frame.unpersist()


def _joined(nodes: DataFrame, bases: DataFrame, children: DataFrame) -> DataFrame:
    """Estimates of the nodes of one level: their own base forecasts joined with the sums of their children."""
    sums = children.groupBy(F.col("parent").alias("key"), "step").agg(
        F.sum("mean").alias("child_sum"), F.sum("variance").alias("child_variance")
    )
    base = bases.select("key", "step", "base_mean", F.col("variance").alias("base_variance"))
    both = nodes.select("key", "parent", "depth").join(sums, "key").join(base, ["key", "step"], "left")
    total = "(child_variance + base_variance)"
    return both.selectExpr(
        "key", *(f"CAST(NULL AS string) AS {name}" for name in SERIES), "parent", "depth", "step",
        f"coalesce(try_divide(child_variance * base_mean + base_variance * child_sum, {total}), child_sum) AS mean",
        f"IF(base_variance IS NULL, child_variance, coalesce(try_divide(child_variance * base_variance, {total}), 0D)) "
        "AS variance",
        "child_sum", "child_variance",
    ).select(*_NODE)  # fmt: skip


def _shared_out(children: DataFrame, parents: DataFrame) -> DataFrame:
    """Values of one level from the values of the level above."""
    above = parents.select(
        F.col("key").alias("parent"), "step", F.col("mean").alias("value"), F.col("child_sum").alias("sum"),
        F.col("child_variance").alias("sum_variance"),
    )  # fmt: skip
    share = "coalesce(try_divide(variance, sum_variance), 0D)"
    moved = children.join(above, ["parent", "step"]).withColumn(
        "mean", F.expr(f"greatest(mean + {share} * (value - sum), 0D)")
    )
    sums = moved.groupBy("parent", "step").agg(F.sum("mean").alias("moved_sum"))
    fitting = F.expr("mean * coalesce(try_divide(value, moved_sum), 0D)")
    return moved.join(sums, ["parent", "step"]).withColumn("mean", fitting).select(*_NODE)
