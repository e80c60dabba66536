"""Forecasts of a tree that agree: sums from below, and weighted least squares with diagonal weights, as aggregations.

Weighted least squares. Of all forecasts x that add up, take the one nearest to the base forecasts ŷ in Σ (x − ŷ)²/w
over all nodes, w being the variance of a base forecast: x = S (SᵀW⁻¹S)⁻¹ SᵀW⁻¹ ŷ. Source: Wickramasuriya,
Athanasopoulos & Hyndman (2019), JASA 114, 804-819, with W diagonal. On a tree it takes two passes. Up: a node's
estimate m with variance v joins its own base forecast and the sum s of its children's estimates, whose variance is
V = Σ v: m = (V·ŷ + w·s)/(V + w), v = V·w/(V + w). Down: what a node's value x differs from s is shared out by variance,
x_child = m_child + (v_child/V)(x − s).
"""

from __future__ import annotations

from functools import reduce

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from skucast.spark.series import SERIES

_PREFIXES = "explode(transform(sequence(1, size(path)), n -> slice(path, 1, n))) AS path"
"""SQL for the path of every node on a path."""


def branching_nodes(paths: DataFrame) -> DataFrame:
    """The nodes with more than one child: the others have the history of their child and none of their own.

    Args:
        paths: one row per series: its key and ``path``, the nodes above it from the root down.

    Returns:
        ``path`` of each node, itself included, and its ``key``, the last of it.
    """
    child = F.coalesce(F.get("whole", F.size("path")), F.to_json(F.struct(*SERIES)))
    placed = paths.select(*SERIES, F.col("path").alias("whole"), F.expr(_PREFIXES))
    counted = placed.groupBy("path").agg(F.count_distinct(child).alias("n_children"))
    return counted.where("n_children > 1").select("path", F.element_at("path", -1).alias("key"))


def bottom_up(leaves: DataFrame) -> DataFrame:
    """Sums of the leaves' means.

    Args:
        leaves: ``path``, ``step``, ``period_start``, ``mean``; one row per series and step.

    Returns:
        One row per node and step: ``path`` of the node, itself included; ``step``, ``period_start``, ``n_series``
        beneath it and ``mean``.
    """
    placed = leaves.select(F.expr(_PREFIXES), "step", "period_start", "mean")
    return placed.groupBy("path", "step", "period_start").agg(
        F.count(F.lit(1)).alias("n_series"), F.sum("mean").alias("mean")
    )


def reconciled(leaves: DataFrame, bases: DataFrame) -> DataFrame:
    """Weighted least squares on the tree of the leaves' paths, never negative.

    Where a child's share would fall below 0 it is 0, and the children are scaled to add up to their parent again: the
    levels above keep their values.

    Args:
        leaves: one row per series and step, at least one: its key, ``path``, ``step``, ``base_mean`` and ``variance``,
            both >= 0. A leaf of variance 0 is certain. Read once per level: ``cut`` it before.
        bases: ``path`` (itself included), ``step``, ``base_mean``, ``variance`` of nodes with a forecast of their own;
            the others take what their children say.

    Returns:
        ``leaves`` with ``mean``, the reconciled one. Up, a level is one aggregation; down, one join and one window.
    """
    sizes = leaves.agg(F.collect_set(F.size("path")).alias("sizes")).toPandas()["sizes"].iloc[0]
    estimates = {int(depth): _leaves_at(leaves, int(depth)) for depth in sizes}
    deepest = max(estimates)
    for depth in range(deepest - 1, -1, -1):
        nodes = _joined(estimates[depth + 1], bases.where(F.size("path") == depth + 1))
        estimates[depth] = cut(nodes.unionByName(estimates[depth]) if depth in estimates else nodes)
    values, found = estimates[0], []
    for depth in range(1, deepest + 1):
        values = cut(_shared_out(estimates[depth], values))
        if depth in sizes:
            found.append(values.where("leaf IS NOT NULL").select("leaf.*", "step", "mean"))
    return leaves.join(reduce(DataFrame.unionByName, found), [*SERIES, "step"])


def cut(frame: DataFrame) -> DataFrame:
    """The rows without the plan that made them, on the executors' disks until nobody refers to them.

    Levels refer to levels: with plans kept, as ``persist`` keeps them, Spark describes every one again inside the
    next, which grows by a factor per level and filled a gigabyte of heap with descriptions. An executor that is lost
    takes its rows along, and the run fails.
    """
    return frame.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY)


def _leaves_at(leaves: DataFrame, depth: int) -> DataFrame:
    """Estimates of the leaves below that many nodes. ``above`` is the path of the parent, empty for a root."""
    nothing = (F.lit(None).cast("double").alias(name) for name in ("child_sum", "child_variance"))
    return leaves.where(F.size("path") == depth).select(
        F.col("path").alias("above"), F.struct(*SERIES).alias("leaf"), F.lit(None).cast("array<string>").alias("path"),
        "step", F.col("base_mean").alias("mean"), "variance", *nothing,
    )  # fmt: skip


def _joined(children: DataFrame, bases: DataFrame) -> DataFrame:
    """Estimates of the nodes of one level: their own base forecasts joined with the sums of their children."""
    sums = children.groupBy(F.col("above").alias("path"), "step").agg(
        F.sum("mean").alias("child_sum"), F.sum("variance").alias("child_variance")
    )
    base = bases.select("path", "step", "base_mean", F.col("variance").alias("base_variance"))
    total = "(child_variance + base_variance)"
    return sums.join(base, ["path", "step"], "left").selectExpr(
        "slice(path, 1, size(path) - 1) AS above",
        "CAST(NULL AS struct<item_id: string, location_id: string>) AS leaf",
        "path",
        "step",
        f"coalesce(try_divide(child_variance * base_mean + base_variance * child_sum, {total}), child_sum) AS mean",
        f"IF(base_variance IS NULL, child_variance, coalesce(try_divide(child_variance * base_variance, {total}), 0D)) "
        "AS variance",
        "child_sum",
        "child_variance",
    )


def _shared_out(children: DataFrame, parents: DataFrame) -> DataFrame:
    """Values of one level from the values of the level above."""
    above = parents.where("path IS NOT NULL").selectExpr(
        "path AS above", "step", "mean AS value", "child_sum AS sum", "child_variance AS sum_variance"
    )
    share = "coalesce(try_divide(variance, sum_variance), 0D)"
    moved = children.join(above, ["above", "step"]).withColumn(
        "mean", F.expr(f"greatest(mean + {share} * (value - sum), 0D)")
    )
    siblings = F.sum("mean").over(Window.partitionBy("above", "step"))
    fitting = F.col("mean") * F.coalesce(F.try_divide("value", siblings), F.lit(0.0))
    return moved.withColumn("mean", fitting).select(*children.columns)
