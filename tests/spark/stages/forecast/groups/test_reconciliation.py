"""The two passes beside the matrix formula, and the laws of what comes out, whatever the partitioning."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from skucast.stages.forecast.groups.reconciliation import bottom_up, branching_nodes, reconciled
from tests.spark.stages.forecast.groups.reconciliation_reference import Forest, least_squares, random_forest, two_passes

pytestmark = pytest.mark.spark

DAY = date(2011, 1, 3)
LEAF_SCHEMA = (
    "item_id string, location_id string, path array<string>, step int, period_start date, base_mean double, "
    "variance double"
)
BASE_SCHEMA = "path array<string>, step int, base_mean double, variance double"


def frames(spark: SparkSession, forest: Forest, partitions: int = 1) -> tuple[DataFrame, DataFrame]:
    leaves = [
        (leaf, "L", list(path), step + 1, DAY, float(mean), float(forest.variance[leaf]))
        for leaf, path in forest.paths.items()
        for step, mean in enumerate(forest.base[leaf])
    ]
    bases = [
        (list(path), step + 1, float(mean), float(forest.variance[node]))
        for node, path in forest.node_paths().items()
        if node in forest.base
        for step, mean in enumerate(forest.base[node])
    ]
    return (
        spark.createDataFrame(leaves, LEAF_SCHEMA).repartition(partitions),
        spark.createDataFrame(bases, BASE_SCHEMA).repartition(partitions),
    )


def solved(spark: SparkSession, forest: Forest, partitions: int = 1) -> pd.DataFrame:
    """Reconciled leaves and the nodes above them: key, step, mean."""
    leaves, bases = frames(spark, forest, partitions)
    means = reconciled(leaves.persist(), bases).persist()
    above = bottom_up(means).select(F.element_at("path", -1).alias("key"), "step", "mean")
    found = means.select(F.col("item_id").alias("key"), "step", "mean").unionByName(above).toPandas()
    for frame in (leaves, means):
        frame.unpersist()
    return found.pivot_table(index="key", columns="step", values="mean")


@pytest.fixture(scope="module")
def forest() -> Forest:
    """Two hundred trees: ragged, some nodes without a base forecast, some with a single child, some variances 0."""
    return random_forest(seed=7, n_trees=200, n_steps=3)


@pytest.fixture(scope="module")
def found(spark: SparkSession, forest: Forest) -> pd.DataFrame:
    return solved(spark, forest)


def test_two_passes_solve_what_the_matrix_formula_solves(forest: Forest, found: pd.DataFrame):
    compared = 0
    for tree in forest.trees():
        expected = least_squares(tree)
        # Below 0 the laws of the next test hold instead.
        steps = [step for step in range(expected.shape[1]) if (expected.iloc[:, step] >= 0).all()]
        compared += len(steps)
        ours = found.loc[expected.index].to_numpy()
        scale = max(1.0, float(np.abs(expected.to_numpy()).max()))
        np.testing.assert_allclose(ours[:, steps] / scale, expected.to_numpy()[:, steps] / scale, atol=1e-9)
    assert compared > 200


def test_values_add_up_are_not_negative_and_keep_the_total(forest: Forest, found: pd.DataFrame):
    assert set(forest.paths) | set(forest.nodes) == set(found.index)
    assert (found.to_numpy() >= 0).all()
    clipped = 0
    for tree in forest.trees():
        for node, children in tree.children().items():
            np.testing.assert_allclose(found.loc[list(children)].sum(), found.loc[node], rtol=1e-9, atol=1e-9)
        expected = least_squares(tree)
        clipped += int((expected < 0).to_numpy().any())
        np.testing.assert_allclose(found.loc[tree.root], expected.loc[tree.root], rtol=1e-9, atol=1e-9)
    assert clipped > 10


def test_two_passes_are_those_of_plain_recursion_also_where_shares_would_fall_below_0(
    forest: Forest, found: pd.DataFrame
):
    expected = two_passes(forest)
    assert set(expected) == set(found.index)
    for key, values in expected.items():
        np.testing.assert_allclose(found.loc[key], values, rtol=1e-9, atol=1e-9)


def test_nothing_depends_on_the_partitioning(spark: SparkSession, forest: Forest, found: pd.DataFrame):
    other = solved(spark, forest, partitions=5)
    pd.testing.assert_frame_equal(found, other.loc[found.index], rtol=1e-9, atol=1e-9)


def test_coherent_base_forecasts_stay_as_they_are(spark: SparkSession):
    forest = random_forest(seed=8, n_trees=20, n_steps=2).coherent()
    means = solved(spark, forest)
    for key, base in forest.base.items():
        np.testing.assert_allclose(means.loc[key], base, rtol=1e-9)


def test_without_base_forecasts_of_nodes_the_leaves_stay_as_they_are(spark: SparkSession):
    forest = random_forest(seed=9, n_trees=20, n_steps=2).without_node_bases()
    means = solved(spark, forest)
    for leaf in forest.paths:
        np.testing.assert_allclose(means.loc[leaf], forest.base[leaf], rtol=1e-12)


def test_a_certain_leaf_does_not_move(spark: SparkSession):
    """A closed location, a dead item: variance 0. The others take the whole difference, by their variances."""
    path = ("t", "c")
    forest = Forest(
        {"a": path, "b": path, "z": path},
        {"a": np.array([4.0]), "b": np.array([4.0]), "z": np.array([0.0]), "t": np.array([20.0])},
        {"a": 1.0, "b": 3.0, "z": 0.0, "t": 4.0},
    )
    means = solved(spark, forest)[1]
    # Half of the 12 that are missing, for both variances are 4.
    assert {"a": 5.5, "b": 8.5, "z": 0.0, "c": 14.0, "t": 14.0} == pytest.approx(means.to_dict())


def test_a_node_with_one_child_has_no_history_of_its_own(spark: SparkSession):
    rows: list[tuple[Any, ...]] = [
        ("a", "L", ["t", "c", "i/a"]), ("a", "M", ["t", "c", "i/a"]), ("b", "L", ["t", "c", "i/b"]),
        ("d", "L", ["t", "e", "i/d"]),
    ]  # fmt: skip
    nodes = branching_nodes(spark.createDataFrame(rows, "item_id string, location_id string, path array<string>"))
    assert {"t": ["t"], "c": ["t", "c"], "i/a": ["t", "c", "i/a"]} == {
        row["key"]: row["path"] for row in nodes.collect()
    }
